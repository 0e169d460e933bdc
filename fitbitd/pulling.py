"""One pull of a pass: asked, archived as it comes, judged, and asked anew where there is a way.

What a reply teaches of its data type holds at once, also for the pulls that still wait.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus

import structlog

from fitbitd.clock import Clock, Offload
from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    FitbitdError,
    RefusedError,
    TransientError,
)
from fitbitd.fetch.fetcher import Fetcher, Send
from fitbitd.model import (
    DataType,
    DataTypeName,
    DeviceSync,
    Lesson,
    LessonKind,
    Outcome,
    OutcomeKind,
    Pull,
    Reply,
    Request,
)
from fitbitd.plan.again import corrected, current, merged, smaller_page
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.windows import halves
from fitbitd.providers.base import Provider
from fitbitd.store.account import AccountStore

log = structlog.get_logger()

REFUSAL_BODY_BYTES = 64 * 1024
"""Of a body that is no data no more than this is kept."""

REFUSAL_KEPT_AGAIN_AFTER = timedelta(days=1)

SMALLER_PAGES_FOR = timedelta(days=1)
"""So long a provider that was too slow is asked for smaller pages; it may have been an ill hour."""

DENIED_TYPES = 3
"""So many data types denied, and none answered: it is the account that is denied."""

_TOO_MUCH = frozenset({"too_slow", "provider_failed"})
"""Failures that a smaller question may mend."""

_NO_METHOD = (
    "The provider answers this data type in no way that fitbitd knows. The others go on; this one "
    "is asked again later."
)

_Place = tuple[DataTypeName, date | None]


@dataclass(slots=True)
class Work:
    """What came of a pass so far.

    Attributes:
        types: the data types that may be asked, by name.
        lasts_s: after so long no new pull is begun.
        left: the pulls that wait.
        answered: whether the provider gave any data.
        denied: data types of which it gave none, without saying why.
        denial: its last word about that.
        corrected: the kinds of lessons by which a data type was asked anew.
        shrinking: the last pull failed and is asked in smaller parts.
        more_waits: there is more to ask than what was planned.
    """

    ledger: Ledger
    types: Mapping[DataTypeName, DataType]
    fetcher: Fetcher
    send: Send
    began_at_s: float
    lasts_s: float
    pass_id: int = 0
    left: deque[Pull] = field(default_factory=deque)
    syncs: tuple[DeviceSync, ...] = ()
    looked_at: set[DataTypeName] = field(default_factory=set)
    complete: int = 0
    failed: int = 0
    points: int = 0
    failures_in_a_row: int = 0
    last_failure: TransientError | None = None
    unread: TransientError | None = None
    answered: bool = False
    denied: set[DataTypeName] = field(default_factory=set)
    denial: AuthorizationError | None = None
    corrected: set[tuple[DataTypeName, LessonKind]] = field(default_factory=set)
    shrinking: bool = False
    more_waits: bool = False


class Puller:
    """Asks the pulls of one account, and remembers from pass to pass what failed."""

    def __init__(
        self, provider: Provider, store: AccountStore, clock: Clock, offload: Offload
    ) -> None:
        self._provider = provider
        self._store = store
        self._clock = clock
        self._offload = offload
        self._refusals_kept: dict[tuple[DataTypeName, str], tuple[bytes, datetime]] = {}
        self._failing: set[_Place] = set()
        self._pages: dict[DataTypeName, tuple[Lesson, datetime]] = {}
        self._usual_pages: set[DataTypeName] = set()

    def lessons(self, ledger: Ledger) -> tuple[Lesson, ...]:
        """Give what is known beyond the catalogue, also what no reply says: how slow it was."""
        since = self._clock.now() - SMALLER_PAGES_FOR
        recent = (lesson for lesson, at in self._pages.values() if at >= since)
        return merged(_without_pages(ledger.lessons, self._usual_pages), recent)

    def is_failing(self, pull: Pull) -> bool:
        """Say whether it failed before while others were answered."""
        return _place(pull) in self._failing

    async def next_of(self, work: Work) -> None:
        """Ask the first of the pulls that wait, as it is to be asked by now.

        Raises:
            FitbitdError: a failure that concerns the whole account; it is archived all the same.
        """
        pull = work.left.popleft()
        data_type = work.types[pull.data_type]
        lessons = work.ledger.lessons
        first, *rest = current(pull, self._provider.adapted(data_type, lessons), lessons)
        work.left.extendleft(reversed(rest))
        await self.ask(work, first)

    async def ask(self, work: Work, pull: Pull) -> None:
        """Fetch one pull and archive it, whatever comes of it.

        Raises:
            FitbitdError: a failure that concerns the whole account; it is archived all the same.
        """
        begun_at = self._clock.now()
        if pull.window is None and not pull.item:
            work.looked_at.add(pull.data_type)
        await self._offload(lambda: self._store.writer.begin_pull(begun_at, pull))
        error: FitbitdError | None = None
        instead: tuple[Pull, ...] = ()
        try:
            outcome = await work.fetcher.fetch(
                pull, work.send, lambda request, reply: self._record(work, pull, request, reply)
            )
        except FitbitdError as err:
            if not self._store.writer.in_pull:
                raise  # it is the disk that fails; the archive took the pull back itself
            instead = self._instead(work, pull, err)
            error = err if instead else self._judge(work, pull, err)
            outcome = Outcome(OutcomeKind.FAILED, error.code, str(error))
        ended_at = self._clock.now()
        await self._offload(lambda: self._store.writer.end_pull(ended_at, outcome))
        self._count(work, pull, outcome)
        work.shrinking = bool(instead)
        if instead:
            work.left.extendleft(reversed(instead))
        elif error is not None:
            self._follow(work, pull, error)

    def _instead(self, work: Work, pull: Pull, err: FitbitdError) -> tuple[Pull, ...]:
        """Give what is asked in place of a pull that cannot be answered so; nothing if it ends."""
        match err.code:
            case "method_refused":
                return self._as_learnt(work, pull, LessonKind.METHOD)
            case "too_large":
                return self._as_learnt(work, pull, LessonKind.LONGEST_DAYS) or halves(pull)
            case code if code in _TOO_MUCH:
                return self._in_smaller_pages(work, pull) or halves(pull)
        return ()

    def _as_learnt(self, work: Work, pull: Pull, kind: LessonKind) -> tuple[Pull, ...]:
        """Ask it anew by what its refusal taught: once in a pass for each kind, lest it circles."""
        anew = corrected(pull, kind, work.ledger.lessons)
        if anew is None or (pull.data_type, kind) in work.corrected:
            return ()
        work.corrected.add((pull.data_type, kind))
        return (anew,)

    def _in_smaller_pages(self, work: Work, pull: Pull) -> tuple[Pull, ...]:
        """Ask it in the next smaller page that makes a difference to the provider."""
        smaller = pull
        while (lesson := smaller_page(smaller)) is not None:
            smaller = replace(smaller, lessons=merged(smaller.lessons, (lesson,)))
            if self._provider.request(smaller) != self._provider.request(pull):
                self._pages[pull.data_type] = lesson, self._clock.now()
                lessons = merged(work.ledger.lessons, (lesson,))
                work.ledger = replace(work.ledger, lessons=lessons)
                return (smaller,)
        return ()

    def _forget_page(self, work: Work, name: DataTypeName) -> None:
        """Ask for pages of the usual size again: it was not for their size that it failed."""
        self._pages.pop(name, None)
        self._usual_pages.add(name)
        lessons = _without_pages(work.ledger.lessons, {name})
        work.ledger = replace(work.ledger, lessons=lessons)

    def _judge(self, work: Work, pull: Pull, err: FitbitdError) -> FitbitdError:
        """Say what a failure is once nothing smaller and nothing else can be asked.

        What fails time after time, while others are answered, is taken for a refusal: it is asked
        again less and less often then, and does not end the pass for the others.
        """
        if err.code in _TOO_MUCH and pull.window is not None:
            self._forget_page(work, pull.data_type)
            failure = TransientError(str(err))
            if work.failures_in_a_row and not work.answered:
                return failure  # it is the provider that fails, not this data type
            work.failures_in_a_row += 1
            work.last_failure = failure
            return RefusedError(str(err))
        if err.code in _TOO_MUCH:
            err = TransientError(str(err))
        if err.code == "method_refused":
            return RefusedError(_NO_METHOD, code="data_type_refused")
        if not isinstance(err, TransientError) or err.code != TransientError.code:
            return err
        if work.complete and _place(pull) in self._failing:
            return RefusedError(f"{err} Other requests are answered.")
        if work.complete:
            self._failing.add(_place(pull))
        return err

    def _follow(self, work: Work, pull: Pull, error: FitbitdError) -> None:
        """Draw from a failure what it means for the rest of the pass.

        Raises:
            FitbitdError: it concerns the whole account.
        """
        if not isinstance(error, RefusedError | ContractError | TransientError):
            raise error
        log.warning("pull.failed", data_type=pull.data_type, reason=error.code)
        match error:
            case TransientError() if not pull.item:  # a file alone says nothing of the provider
                work.failures_in_a_row += 1
                work.last_failure = work.unread = error
            case RefusedError(code="access_denied") if pull.item:
                pass  # that of one session; whether it is all files, the other ones will show
            case RefusedError(code="scope_missing" | "data_type_refused" | "access_denied"):
                others = [later for later in work.left if later.data_type != pull.data_type]
                work.left = deque(others)  # what is not offered is not offered on other days either
                if error.code == "access_denied":
                    self._deny(work, pull, error)

    def _deny(self, work: Work, pull: Pull, error: RefusedError) -> None:
        """Note a data type that is denied without a word of why.

        Raises:
            AuthorizationError: `access_denied`, for it is not this data type alone.
        """
        work.denied.add(pull.data_type)
        work.denial = AuthorizationError(str(error), code=error.code)
        if len(work.denied) >= DENIED_TYPES and not work.answered:
            raise work.denial

    def _count(self, work: Work, pull: Pull, outcome: Outcome) -> None:
        if outcome.complete:
            work.complete += 1
            work.points += outcome.points
            work.failures_in_a_row = 0
            self._failing.discard(_place(pull))
            log.debug("pull.archived", data_type=pull.data_type, why=pull.why, pages=outcome.pages)
        else:
            work.failed += 1

    async def _record(self, work: Work, pull: Pull, request: Request, reply: Reply) -> None:
        """Archive one reply; what it says of zone, devices and its data type holds at once."""
        answered = HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
        work.answered |= answered
        learnt = self._provider.learn(pull, reply)
        known = set(learnt) <= set(work.ledger.lessons)
        if learnt:
            lessons = merged(work.ledger.lessons, learnt)
            work.ledger = replace(work.ledger, lessons=lessons)
        if not answered:
            if self._kept_already(pull, reply) and known:
                return  # the next process learns from the archive: what teaches is always kept
            # A refusal of a token repeats the token; no secret is written beside the data.
            kept = b"" if reply.status == HTTPStatus.UNAUTHORIZED else reply.body
            reply = replace(reply, body=kept[:REFUSAL_BODY_BYTES])
        await self._offload(lambda: self._store.writer.reply(request, reply))
        if pull.window is None and not pull.item and answered:
            with suppress(FitbitdError):  # the fetcher judges the same reply and says what is wrong
                page = self._provider.read(pull, reply)
                work.syncs = page.syncs or work.syncs
                devices = {sync.device: sync for sync in page.syncs}
                ledger = work.ledger.in_zone(page.zone, reply.received_at)
                work.ledger = replace(
                    ledger,
                    member_since=page.member_since or ledger.member_since,
                    devices={**ledger.devices, **devices},
                )

    def _kept_already(self, pull: Pull, reply: Reply) -> bool:
        """Say whether an equal refusal of the same pull was archived less than a day ago."""
        key = pull.data_type, pull.window.start.isoformat() if pull.window else pull.item
        digest = sha256(str(reply.status).encode() + reply.body).digest()
        kept, kept_at = self._refusals_kept.get(key, (b"", reply.received_at))
        if kept == digest and abs(reply.received_at - kept_at) < REFUSAL_KEPT_AGAIN_AFTER:
            return True
        self._refusals_kept[key] = digest, reply.received_at
        return False


def _place(pull: Pull) -> _Place:
    """Name what a pull asks for, whatever part of the day it is."""
    return pull.data_type, pull.window.start.date() if pull.window else None


def _without_pages(
    lessons: Iterable[Lesson], names: Collection[DataTypeName]
) -> tuple[Lesson, ...]:
    """Leave out what is known of the pages of some data types."""
    return tuple(
        each
        for each in lessons
        if each.kind is not LessonKind.PAGE_SIZE or each.data_type not in names
    )
