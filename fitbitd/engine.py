"""One pass for one account; its outcome is recorded even when it fails.

look     the devices, one request: has a watch synced?
plan     what to ask now, most urgent first
fetch    each pull to its last page, its replies archived as they come
archive  one fsync for the whole pass
index    applied from the archive
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Protocol

import structlog

from fitbitd import __version__
from fitbitd.clock import Clock, Offload, while_awaited
from fitbitd.clock_trust import ClockTrust
from fitbitd.errors import ContractError, FitbitdError, OperatorError, ThrottledError, defect
from fitbitd.fetch.fetcher import Fetcher, Session, Tokens
from fitbitd.fetch.pace import Pace
from fitbitd.model import DataType, PassEnd, Pull, Quota, Why
from fitbitd.plan.budget import allowance
from fitbitd.plan.cadence import Wants, due, next_pass
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import Plan, plan
from fitbitd.providers.base import Provider
from fitbitd.pulling import Puller, Work
from fitbitd.store.account import AccountStore
from fitbitd.store.apply import Applied

log = structlog.get_logger()

PASS_LASTS_S = 60.0
"""A pass takes no new pull after this; the rest is the next pass's."""

FIRST_PASS_LASTS_S = 5.0
"""The first pass of an account is short: whoever has just set it up soon sees what came of it."""

FAILURES_IN_A_ROW = 2
"""After this many pulls in a row that the network or the provider failed, a pass is over."""

Asked = Callable[[Ledger], Iterable[Pull]]


class Grant(Tokens, Protocol):
    """What a pass needs of the account's grant."""

    async def consented_at(self) -> datetime | None:
        """Say when the wearer last consented: what was refused before may be granted now."""

    async def scopes(self) -> Collection[str]:
        """Give the scopes that the wearer granted; empty if that is not known."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a pass went.

    Attributes:
        began: False where nothing was asked: the account waits for a person, a clock or a disk.
        left: pulls that were planned or asked for and not sent.
        unread: why the last one failed that was sent and is worth asking again as it is.
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
    unread: FitbitdError | None = None
    error: FitbitdError | None = None


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
        pace: Pace | None = None,
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
        self._pace = pace
        self._puller = Puller(provider, store, clock, offload)
        self._looked_at_s: float | None = None
        self._left_work = False

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
                return await self._without_pass(defect(err))

    async def catch_up(self) -> None:
        """Apply to the index what the archive has beyond it, in slices."""
        steps = self._store.catch_up(while_awaited())
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
        folder = self._store.account_dir
        if not await self._offload(folder.is_dir):
            raise OperatorError(
                f"the folder {folder} is gone.\nNothing is collected while it is missing.\n"
                "Next: mount its disk or put it back from a backup, then restart fitbitd",
                code="disk_failed",
            )
        ledger = await self.ledger()
        if ledger.throttled_until is not None and now < ledger.throttled_until:
            raise ThrottledError("the provider asked us to wait", until=ledger.throttled_until)
        quota = ledger.quota
        if quota is not None and quota.left <= 0 and now < quota.renews_at:
            raise ThrottledError("the provider's quota is spent", until=quota.renews_at)
        await self._trust.check(ledger.last_seen_at)
        await self._tokens.bearer()
        ledger = ledger.after_consent(await self._tokens.consented_at())
        ledger = replace(ledger, lessons=self._puller.lessons(ledger))
        types = {one.name: one for one in self._granted(await self._tokens.scopes())}
        async with self._session() as send:
            fetcher = Fetcher(self._provider, self._tokens, self._clock, self._random, self._pace)
            short = asked is None and ledger.first_pass_at is None
            lasts_s = FIRST_PASS_LASTS_S if short else PASS_LASTS_S
            work = Work(ledger, types, fetcher, send, self._clock.monotonic(), lasts_s)
            end, error = await self._recorded(work, asked)
        with structlog.contextvars.bound_contextvars(pass_id=work.pass_id):
            return await self._finish(work, end, error)

    def _granted(self, scopes: Collection[str]) -> Iterable[DataType]:
        """Give the data types that the consent does not leave out: the others are not asked."""
        for data_type in self.wants.data_types:
            if not scopes or set(data_type.scope.split()) <= set(scopes):
                yield data_type

    async def _recorded(
        self, work: Work, asked: Asked | None
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
            error = defect(err)
        if error is not None and not writer.in_pass:
            raise error  # it could not even begin
        if error is None and (work.failures_in_a_row >= FAILURES_IN_A_ROW or not work.complete):
            error = work.denial if work.denial and not work.answered else work.last_failure
        return await self._end(work, error.code if error else "ok", error), error

    async def _work(self, work: Work, asked: Asked | None) -> None:
        """Ask what is to be asked, in order, for about a minute."""
        if not self._looked_just_now():
            await self._look(work)
        if asked is None:
            await self._choose(work)
        else:
            work.left.extend(pull for pull in asked(work.ledger) if pull.data_type in work.types)
        while work.left and not self._spent(work):
            await self._puller.next_of(work)

    def _looked_just_now(self) -> bool:
        """Say whether this pass only goes on with what the one before left, between two polls."""
        at_s, every = self._looked_at_s, min([self.wants.poll_every, *self.wants.poll.values()])
        recent = at_s is not None and self._clock.monotonic() - at_s < every.total_seconds()
        return recent and self._left_work

    async def _look(self, work: Work) -> None:
        """Ask the devices, and before the first time whose zone their times are in."""
        before = work.ledger
        if before.zone is None:
            await self._ask(work, watches=False, again=False)
        await self._ask(work, watches=True)
        if _went_back(before, work.ledger):
            await self._ask(work, watches=False)
        await self._follow(work, before.zone)
        self._looked_at_s = self._clock.monotonic()

    async def _ask(self, work: Work, *, watches: bool, again: bool = True) -> None:
        """Ask the snapshots that carry device syncs, or the others.

        Args:
            again: also those that are not due.
        """
        for data_type in work.types.values():
            if work.failures_in_a_row >= FAILURES_IN_A_ROW and not work.answered:
                return  # nobody is there
            if data_type.axis is not None or data_type.file_of or data_type.watches is not watches:
                continue
            name, now = data_type.name, self._clock.now()
            blocked = now < work.ledger.of(name).blocked.get(None, now)
            if not blocked and (again or due(data_type, self.wants, work.ledger, now)):
                zone = work.ledger.zone or "UTC"
                pull = Pull(name, None, Why.INTERVAL, zone, work.ledger.synced_at)
                await self._puller.ask(work, pull)

    async def _follow(self, work: Work, zone: str | None) -> bool:
        """Say whether the wearer has left `zone`; then the devices' times are read anew."""
        if work.ledger.zone == zone or zone is None:
            return False
        log.info("zone.changed")
        await self._ask(work, watches=True)
        return True

    async def _choose(self, work: Work) -> None:
        """Plan the pass; snapshots go first, for a new zone changes what a day is."""
        zone = work.ledger.zone
        pulls = self._plan(work)
        for pull in pulls:
            if _is_snapshot(pull):
                await self._puller.ask(work, pull)
        if await self._follow(work, zone):
            pulls = self._plan(work)
        work.left.extend(pull for pull in pulls if not _is_snapshot(pull))

    def _plan(self, work: Work) -> list[Pull]:
        """Plan; what keeps failing while others are answered comes last, lest it end each pass."""
        wants = replace(self.wants, data_types=tuple(work.types.values()))
        quota = work.fetcher.quota or work.ledger.quota
        planned = next_plan(self._provider, wants, work.ledger, quota, self._clock.now())
        # Where the pace is the only limit, what was not planned follows as soon as this is done.
        work.more_waits = self._pace is not None and bool(planned.chosen and planned.waiting)
        pulls = (each.pull for each in planned.chosen)
        wanted = (
            pull for pull in pulls if not (_is_snapshot(pull) and pull.data_type in work.looked_at)
        )
        return sorted(wanted, key=self._puller.is_failing)

    def _spent(self, work: Work) -> bool:
        quota = work.fetcher.quota
        return (
            self._clock.monotonic() - work.began_at_s >= work.lasts_s
            or work.failures_in_a_row >= FAILURES_IN_A_ROW
            or (quota is not None and quota.left <= 0 and self._clock.now() < quota.renews_at)
        )

    async def _end(self, work: Work, outcome: str, error: FitbitdError | None) -> PassEnd:
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

    async def _finish(self, work: Work, end: PassEnd, error: FitbitdError | None) -> Report:
        """Apply the pass to the index, and say when the next one is due."""
        unreadable, go_on = 0, while_awaited()
        for step in await self._offload(lambda: self._store.apply_pass(go_on)):
            if step.pull and step.outcome and step.outcome.reason == ContractError.code:
                log.warning("pull.unreadable", data_type=step.pull.data_type)
                unreadable += _arrived_whole(step)
        log.info("pass.finished", outcome=end.outcome, requests=end.requests, **end.counts)
        ledger = await self.ledger()
        goes_on = work.complete > 0 and error is None  # what fails alone is not asked again at once
        self._left_work = goes_on and bool(work.left or work.more_waits)
        more = self._left_work and work.failures_in_a_row == 0 and not work.shrinking
        return Report(
            began=True,
            outcome=end.outcome,
            next_at=next_pass(self.wants, ledger, self._clock.now(), more=more),
            requests=end.requests,
            complete=work.complete - unreadable,
            failed=work.failed + unreadable,
            points=work.points,
            left=tuple(work.left),
            unread=work.unread,
            error=error,
        )


def next_plan(
    provider: Provider, wants: Wants, ledger: Ledger, quota: Quota | None, now: datetime
) -> Plan:
    """Plan the next pass: what it asks as things stand, and what waits for a later one.

    Args:
        wants: with the data types that the consent grants.
        quota: as the provider last told it, None if it never did.
    """
    types = tuple(provider.adapted(one, ledger.lessons) for one in wants.data_types)
    allowed = allowance(quota, now, wants.pass_requests)
    return plan(replace(wants, data_types=types), ledger, now, allowed)


def _is_snapshot(pull: Pull) -> bool:
    return pull.window is None and not pull.item


def _arrived_whole(step: Applied) -> bool:
    """Say whether the failure to read a pull came to light only when it was applied."""
    outcome = step.outcome
    return outcome is not None and not outcome.complete and outcome.pages > 0


def _went_back(before: Ledger, now: Ledger) -> bool:
    """Say whether the watch seems to have synced earlier than before: a trip to the west.

    Its syncs are told in the wearer's wall clock, and the profile names the zone. A sync for which
    the profile was read already says nothing new.
    """
    if now.synced_at is None or before.synced_at is None or now.synced_at >= before.synced_at:
        return False
    return all(known.rests_on != now.synced_at for known in now.types.values())
