"""One pass for one account; its outcome is recorded even when it fails.

look     the devices, one request: has a watch synced?
plan     what to ask now, most urgent first
fetch    each pull to its last page, its replies archived as they come
archive  one fsync for the whole pass
index    applied from the archive
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from random import Random
from typing import Protocol

import structlog

from fitbitd import __version__
from fitbitd.clock import Clock, Offload
from fitbitd.clock_trust import ClockTrust
from fitbitd.errors import (
    ContractError,
    FitbitdError,
    RefusedError,
    ThrottledError,
    TransientError,
)
from fitbitd.fetch.fetcher import Fetcher, Send, Session, Tokens
from fitbitd.model import (
    DataTypeName,
    DeviceSync,
    Outcome,
    OutcomeKind,
    PassEnd,
    Pull,
    Reply,
    Request,
    Why,
)
from fitbitd.plan.budget import allowance
from fitbitd.plan.cadence import Wants, next_pass
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import halves, plan
from fitbitd.providers.base import Provider
from fitbitd.store.account import AccountStore

log = structlog.get_logger()

PASS_LASTS_S = 60.0
"""A pass takes no new pull after this; the rest is the next pass's."""

FAILURES_IN_A_ROW = 2
"""After this many pulls in a row that the network or the provider failed, a pass is over."""

REFUSAL_BODY_BYTES = 64 * 1024
"""Of a body that is no data no more than this is kept."""

REFUSAL_KEPT_AGAIN_AFTER = timedelta(days=1)

Asked = Callable[[Ledger], Iterable[Pull]]
_Place = tuple[DataTypeName, date | None]


class Grant(Tokens, Protocol):
    """What a pass needs of the account's grant."""

    async def consented_at(self) -> datetime | None:
        """Say when the wearer last consented: what was refused before may be granted now."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a pass went.

    Attributes:
        began: False where nothing was asked: the account waits for a person, a clock or a disk.
        left: pulls that were planned or asked for and not sent.
        next_at: when the account's next pass is due.
    """

    began: bool
    outcome: str
    next_at: datetime
    requests: int = 0
    complete: int = 0
    failed: int = 0
    points: int = 0
    left: tuple[Pull, ...] = ()
    error: FitbitdError | None = None


@dataclass(slots=True)
class _Pass:
    """What came of a pass so far."""

    ledger: Ledger
    fetcher: Fetcher
    send: Send
    began_at_s: float
    pass_id: int = 0
    left: deque[Pull] = field(default_factory=deque)
    syncs: tuple[DeviceSync, ...] = ()
    looked_at: set[DataTypeName] = field(default_factory=set)
    complete: int = 0
    failed: int = 0
    points: int = 0
    failures_in_a_row: int = 0
    last_failure: TransientError | None = None


class Engine:
    """Runs the passes of one account, one at a time, for the holder of the account's lock."""

    def __init__(  # noqa: PLR0913 - the one place where all that a pass needs comes together
        self,
        wants: Wants,
        provider: Provider,
        *,
        tokens: Grant,
        session: Session,
        store: AccountStore,
        clock: Clock,
        offload: Offload,
        random: Random,
        time_url: str,
    ) -> None:
        self.wants = wants
        self._provider = provider
        self._tokens = tokens
        self._session = session
        self._store = store
        self._clock = clock
        self._offload = offload
        self._random = random
        self._trust = ClockTrust(clock, session, time_url)
        self._refusals_kept: dict[tuple[DataTypeName, str], tuple[bytes, datetime]] = {}
        self._failing: set[_Place] = set()

    async def run_pass(self, asked: Asked | None = None) -> Report:
        """Run one pass and say how it went; no failure of the outside world leaves this method.

        Args:
            asked: gives the pulls that a person asked for, instead of those that are due; it is
                told the ledger once the wearer's zone is known.
        """
        with structlog.contextvars.bound_contextvars(account=self.wants.name):
            try:
                return await self._run(asked)
            except FitbitdError as err:
                return await self._without_pass(err)
            except Exception as err:
                log.exception("pass.crashed")
                return await self._without_pass(FitbitdError(f"a bug ended the pass: {err!r}"))

    async def catch_up(self) -> None:
        """Apply to the index what the archive has beyond it, in slices."""
        steps = self._store.catch_up()
        while await self._offload(lambda: next(steps, None)) is not None:
            continue
        self._trust.remember((await self.ledger()).last_seen_at)

    @property
    def believes_clock(self) -> bool:
        """Say whether anything may be asked by the clock as it stands."""
        return self._trust.believed

    async def ledger(self) -> Ledger:
        """Read what is known of the account."""
        now = self._clock.now()
        return await self._offload(lambda: self._store.index.ledger(now))

    async def _without_pass(self, err: FitbitdError) -> Report:
        """Report that nothing was asked, or that the pass could not be recorded."""
        ledger = Ledger()
        with suppress(FitbitdError):
            ledger = await self.ledger()
        if isinstance(err, ThrottledError):
            ledger = replace(ledger, throttled_until=err.until)
        at = next_pass(self.wants, ledger, self._clock.now(), more=False)
        return Report(began=False, outcome=err.code, next_at=at, error=err)

    async def _run(self, asked: Asked | None) -> Report:
        now = self._clock.now()
        ledger = await self.ledger()
        if ledger.throttled_until is not None and now < ledger.throttled_until:
            raise ThrottledError("the provider asked us to wait", until=ledger.throttled_until)
        quota = ledger.quota
        if quota is not None and quota.left <= 0 and now < quota.renews_at:
            raise ThrottledError("the provider's quota is spent", until=quota.renews_at)
        await self._trust.check(ledger.last_seen_at)
        await self._tokens.bearer()
        ledger = ledger.after_consent(await self._tokens.consented_at())
        async with self._session() as send:
            fetcher = Fetcher(self._provider, self._tokens, self._clock, self._random)
            work = _Pass(ledger, fetcher, send, self._clock.monotonic())
            end, error = await self._recorded(work, asked)
        with structlog.contextvars.bound_contextvars(pass_id=work.pass_id):
            return await self._finish(work, end, error)

    async def _recorded(
        self, work: _Pass, asked: Asked | None
    ) -> tuple[PassEnd, FitbitdError | None]:
        """Do the work of a pass, between its begin and its end in the archive.

        Raises:
            OperatorError: what the disk refuses.
        """
        error: FitbitdError | None = None
        writer, now, name = self._store.writer, self._clock.now(), self._provider.name
        try:
            work.pass_id = await self._offload(lambda: writer.begin_pass(now, name, __version__))
            with structlog.contextvars.bound_contextvars(pass_id=work.pass_id):
                await self._work(work, asked)
        except FitbitdError as err:
            error = err
        except asyncio.CancelledError:
            # Stopping: what is whole is kept; the next start applies it.
            if writer.in_pass:
                await self._end(work, "stopped", None)
            raise
        except Exception as err:
            log.exception("pass.crashed")
            error = FitbitdError(f"a bug ended the pass: {err!r}")
        if error is not None and not writer.in_pass:
            raise error  # it could not even begin
        if error is None and (work.failures_in_a_row >= FAILURES_IN_A_ROW or not work.complete):
            error = work.last_failure
        return await self._end(work, error.code if error else "ok", error), error

    async def _work(self, work: _Pass, asked: Asked | None) -> None:
        """Ask what is to be asked, in order, for about a minute."""
        await self._look(work)
        if asked is None:
            await self._choose(work)
        else:
            work.left.extend(asked(work.ledger))
        while work.left and not self._spent(work):
            await self._pull(work, work.left.popleft())

    async def _look(self, work: _Pass) -> None:
        """Ask the devices, and before the first time whose zone their times are in."""
        before = work.ledger
        if before.zone is None:
            await self._ask(work, watches=False)
        await self._ask(work, watches=True)
        if _went_back(before, work.ledger):
            await self._ask(work, watches=False)
        await self._follow(work, before.zone)

    async def _ask(self, work: _Pass, *, watches: bool) -> None:
        """Ask the snapshots that carry device syncs, or the others."""
        for data_type in self.wants.data_types:
            if data_type.axis is None and data_type.watches is watches:
                name, now = data_type.name, self._clock.now()
                if now >= work.ledger.of(name).blocked.get(None, now):
                    zone = work.ledger.zone or "UTC"
                    pull = Pull(name, None, Why.INTERVAL, zone, work.ledger.synced_at)
                    await self._pull(work, pull)

    async def _follow(self, work: _Pass, zone: str | None) -> bool:
        """Say whether the wearer has left `zone`; then the devices' times are read anew."""
        if work.ledger.zone == zone or zone is None:
            return False
        log.info("zone.changed")
        await self._ask(work, watches=True)
        return True

    async def _choose(self, work: _Pass) -> None:
        """Plan the pass; snapshots go first, for a new zone changes what a day is."""
        zone = work.ledger.zone
        pulls = self._plan(work)
        for pull in pulls:
            if pull.window is None:
                await self._pull(work, pull)
        if await self._follow(work, zone):
            pulls = self._plan(work)
        work.left.extend(pull for pull in pulls if pull.window is not None)

    def _plan(self, work: _Pass) -> list[Pull]:
        """Plan; what keeps failing while others are answered comes last, lest it end each pass."""
        now = self._clock.now()
        quota = work.fetcher.quota or work.ledger.quota
        pulls = plan(self.wants, work.ledger, now, allowance(quota, now))
        wanted = (pull for pull in pulls if pull.data_type not in work.looked_at)
        return sorted(wanted, key=lambda pull: _place(pull) in self._failing)

    def _spent(self, work: _Pass) -> bool:
        quota = work.fetcher.quota
        return (
            self._clock.monotonic() - work.began_at_s >= PASS_LASTS_S
            or work.failures_in_a_row >= FAILURES_IN_A_ROW
            or (quota is not None and quota.left <= 0 and self._clock.now() < quota.renews_at)
        )

    async def _pull(self, work: _Pass, pull: Pull) -> None:
        """Fetch one pull and archive it, whatever comes of it.

        Raises:
            FitbitdError: a failure that concerns the whole account; it is archived all the same.
        """
        begun_at = self._clock.now()
        if pull.window is None:
            work.looked_at.add(pull.data_type)
        await self._offload(lambda: self._store.writer.begin_pull(begun_at, pull))
        error: FitbitdError | None = None
        try:
            outcome = await work.fetcher.fetch(
                pull, work.send, lambda request, reply: self._record(work, pull, request, reply)
            )
        except FitbitdError as err:
            if not self._store.writer.in_pull:
                raise  # it is the disk that fails; the archive took the pull back itself
            error = self._judge(work, pull, err)
            outcome = Outcome(OutcomeKind.FAILED, error.code, str(error))
        ended_at = self._clock.now()
        await self._offload(lambda: self._store.writer.end_pull(ended_at, outcome))
        self._count(work, pull, outcome)
        match error:
            case None:
                return
            case RefusedError(code="too_large") if parts := halves(pull):
                work.left.extendleft(reversed(parts))
            case RefusedError(code="scope_missing" | "data_type_refused"):
                log.warning("pull.failed", data_type=pull.data_type, reason=error.code)
                others = [later for later in work.left if later.data_type != pull.data_type]
                work.left = deque(others)  # what is not offered is not offered on other days either
            case RefusedError() | ContractError() | TransientError():
                if isinstance(error, TransientError):
                    work.failures_in_a_row += 1
                    work.last_failure = error
                log.warning("pull.failed", data_type=pull.data_type, reason=error.code)
            case _:
                raise error

    def _judge(self, work: _Pass, pull: Pull, err: FitbitdError) -> FitbitdError:
        """Take what fails time after time, while others are answered, for a refusal.

        It is asked again less and less often then, and does not end the pass for the others.
        """
        if not isinstance(err, TransientError) or err.code != TransientError.code:
            return err
        if work.complete and _place(pull) in self._failing:
            return RefusedError(f"{err} Other requests are answered.")
        if work.complete:
            self._failing.add(_place(pull))
        return err

    def _count(self, work: _Pass, pull: Pull, outcome: Outcome) -> None:
        if outcome.complete:
            work.complete += 1
            work.points += outcome.points
            work.failures_in_a_row = 0
            self._failing.discard(_place(pull))
            log.debug("pull.archived", data_type=pull.data_type, why=pull.why, pages=outcome.pages)
        else:
            work.failed += 1

    async def _record(self, work: _Pass, pull: Pull, request: Request, reply: Reply) -> None:
        """Archive one reply; what a snapshot says about zone and devices is used in this pass."""
        answered = HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
        if not answered:
            if self._kept_already(pull, reply):
                return
            # A refusal of a token repeats the token; no secret is written beside the data.
            kept = b"" if reply.status == HTTPStatus.UNAUTHORIZED else reply.body
            reply = replace(reply, body=kept[:REFUSAL_BODY_BYTES])
        await self._offload(lambda: self._store.writer.reply(request, reply))
        if pull.window is None and answered:
            with suppress(FitbitdError):  # the fetcher judges the same reply and says what is wrong
                page = self._provider.read(pull, reply)
                work.syncs = page.syncs or work.syncs
                devices = {sync.device: sync for sync in page.syncs}
                work.ledger = replace(
                    work.ledger,
                    zone=page.zone or work.ledger.zone,
                    devices={**work.ledger.devices, **devices},
                )

    def _kept_already(self, pull: Pull, reply: Reply) -> bool:
        """Say whether an equal refusal of the same pull was archived less than a day ago."""
        key = pull.data_type, pull.window.start.isoformat() if pull.window else ""
        digest = sha256(str(reply.status).encode() + reply.body).digest()
        kept, kept_at = self._refusals_kept.get(key, (b"", reply.received_at))
        if kept == digest and abs(reply.received_at - kept_at) < REFUSAL_KEPT_AGAIN_AFTER:
            return True
        self._refusals_kept[key] = digest, reply.received_at
        return False

    async def _end(self, work: _Pass, outcome: str, error: FitbitdError | None) -> PassEnd:
        """Write the end of the pass and make all of it durable."""
        end = PassEnd(
            outcome=outcome,
            quota=work.fetcher.quota or work.ledger.quota,
            throttled_until=error.until if isinstance(error, ThrottledError) else None,
            requests=work.fetcher.requests,
            detail=str(error or ""),
            counts={"complete": work.complete, "failed": work.failed, "points": work.points},
        )
        now = self._clock.now()
        # In one piece, so that a stop at this moment finds the pass ended or not begun to end.
        await self._offload(lambda: self._store.writer.end_pass(now, end, work.syncs))
        return end

    async def _finish(self, work: _Pass, end: PassEnd, error: FitbitdError | None) -> Report:
        """Apply the pass to the index, and say when the next one is due."""
        for step in await self._offload(self._store.apply_pass):
            if step.pull and step.outcome and step.outcome.reason == ContractError.code:
                log.warning("pull.unreadable", data_type=step.pull.data_type)
        log.info("pass.finished", outcome=end.outcome, requests=end.requests, **end.counts)
        ledger = await self.ledger()
        more = bool(work.left) and error is None and work.failures_in_a_row == 0
        return Report(
            began=True,
            outcome=end.outcome,
            next_at=next_pass(self.wants, ledger, self._clock.now(), more=more),
            requests=end.requests,
            complete=work.complete,
            failed=work.failed,
            points=work.points,
            left=tuple(work.left),
            error=error,
        )


def _place(pull: Pull) -> _Place:
    """Name what a pull asks for, whatever part of the day it is."""
    return pull.data_type, pull.window.start.date() if pull.window else None


def _went_back(before: Ledger, now: Ledger) -> bool:
    """Say whether the watch seems to have synced earlier than before: a trip to the west.

    Its syncs are told in the wearer's wall clock, and the profile names the zone. A sync for which
    the profile was read already says nothing new.
    """
    if now.synced_at is None or before.synced_at is None or now.synced_at >= before.synced_at:
        return False
    return all(known.rests_on != now.synced_at for known in now.types.values())
