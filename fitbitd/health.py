"""Turn plain facts about an account into named conditions. Pure.

A condition says what happened, what it means for the data, and what to do next. Its code is the
same word in `status`, in events and in messages; `health_codes.py` has them all with their words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import MappingProxyType

from fitbitd.health_codes import CODES, Severity
from fitbitd.model import AccountName, DataTypeName

WATCH_SILENT_AFTER = timedelta(hours=24)
STALE_AFTER_POLLS = 2
DENIED_AFTER_PASSES = 3
"""A refusal of everything may pass by itself; three in a row do not."""

EXPIRES_SOON = timedelta(days=3)
EXPIRES_NOW = timedelta(days=1)
"""Before the end of a consent: when it is said, and when somebody must act."""

DISK_LOW_BYTES = 500_000_000
USUAL_AGE: Mapping[str, timedelta] = MappingProxyType(
    {"heart": timedelta(hours=1), "activity": timedelta(hours=1), "sleep": timedelta(hours=24)}
)
"""How old the newest reading of a group is on an ordinary day: those that should be fresh."""

ConditionKey = tuple[str, str, str | None]
"""What makes a condition the same one at another time: account, code, data type."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about an account that people should know. All times are aware UTC."""

    code: str
    severity: Severity
    since: datetime
    account: AccountName
    summary: str
    meaning: str
    next: str
    data_type: DataTypeName | None = None

    @property
    def key(self) -> ConditionKey:
        """Give what makes it the same condition at another time."""
        return self.account, self.code, self.data_type

    def __str__(self) -> str:
        return f"{self.severity}: {self.account}: {self.summary}\n{self.meaning}\nNext: {self.next}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """The error that ended the last pass: its code, a sentence without secrets, its first time.

    Attributes:
        times: how many passes in a row ended so.
    """

    code: str
    detail: str
    since: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class TypeTrouble:
    """What is wrong with one data type.

    Attributes:
        code: of a refusal, or `contract_changed`, or `readings_vanished`.
        detail: the provider's reason, how often, or which days.
    """

    data_type: DataTypeName
    code: str
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one account. Times are aware UTC.

    Attributes:
        provider: its name for people.
        grant: missing, fresh, stale, in_doubt or revoked.
        grant_since: since when it is in that state.
        grant_ends_at: when the consent ends, where the provider sets it an end.
        token_trouble: why the token file cannot be used; empty if it can.
        zone_known: False where no pass could learn the wearer's zone.
        tried_since: since when passes have been made that could have read what is there.
        read_at: the last complete read of each group that comes from the watch; None before it.
        syncs: device syncs: those of the last days, and in any case the newest that is known.
        looked_at: when the devices were last asked for.
        unfinished_passes: trailing passes that began and never ended.
        damages: places of the archive that cannot be read.
        skipped: replies that the index leaves out because reading them ended the program.
        open_since: when a condition of this code began, for facts that carry no time of their own.
    """

    now: datetime
    account: AccountName
    provider: str
    poll_every: timedelta
    grant: str = "fresh"
    grant_since: datetime | None = None
    grant_ends_at: datetime | None = None
    zone_known: bool = True
    token_trouble: str = ""
    last_error: Trouble | None = None
    throttled_until: datetime | None = None
    gone_since: datetime | None = None
    types: tuple[TypeTrouble, ...] = ()
    tried_since: datetime | None = None
    read_at: Mapping[str, datetime | None] = field(default_factory=lambda: MappingProxyType({}))
    syncs: tuple[datetime, ...] = ()
    looked_at: datetime | None = None
    unfinished_passes: int = 0
    disk_free_bytes: int | None = None
    damages: int = 0
    skipped: int = 0
    open_since: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))


def conditions(facts: Facts, told: Iterable[Condition] = ()) -> tuple[Condition, ...]:
    """Name everything that is not as it should be, the most urgent first; one of each kind.

    Args:
        told: what somebody who knows more has found already.
    """
    found: dict[ConditionKey, Condition] = {}
    for condition in chain.from_iterable((*(rule(facts) for rule in _RULES), told)):
        found.setdefault(condition.key, condition)
    halting = sorted((each for each in found.values() if CODES[each.code].halts), key=_urgency)
    for condition in _unread(facts, halting):
        found[condition.key] = condition
    return tuple(sorted(found.values(), key=_urgency))


def is_fresh(found: Sequence[Condition]) -> bool:
    """Say whether what should be there by now is: nobody must act, and nothing is waited for."""
    return not any(
        each.severity is Severity.ERROR
        or each.code in _SILENCES
        or (CODES[each.code].halts and each.severity is Severity.WARNING)
        for each in found
    )


def changes(
    open_before: Sequence[Condition], now: Sequence[Condition]
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Give what was raised, and what was cleared, between two looks."""
    before, after = ({each.key for each in some} for some in (open_before, now))
    raised = tuple(each for each in now if each.key not in before)
    cleared = tuple(each for each in open_before if each.key not in after)
    return raised, cleared


@dataclass(frozen=True, slots=True)
class Age:
    """How old the newest reading of a group is; None before the first."""

    group: str
    newest: datetime | None
    age: timedelta | None
    usual: timedelta | None

    @property
    def overdue(self) -> bool:
        """Say whether it is older than on an ordinary day."""
        return bool(self.age and self.usual and self.age > self.usual)


def freshness(newest: Mapping[str, datetime | None], now: datetime) -> tuple[Age, ...]:
    """Give the age of each group, led by the one that is most behind its ordinary day.

    After the groups that should be fresh come those of them that never had a reading, and last
    what is typed in or only describes (a weight, the account), which is as old as it likes.
    """
    ages = [
        Age(group, at, None if at is None else max(now - at, timedelta()), USUAL_AGE.get(group))
        for group, at in newest.items()
    ]
    return tuple(sorted(ages, key=_staleness))


def moment(at: datetime) -> str:
    """Write an instant for people, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def many(count: int, one: str, several: str = "") -> str:
    """Count things: "one pull", "1,200 pulls"."""
    return f"one {one}" if count == 1 else f"{count:,} {several or one + 's'}"


def _urgency(condition: Condition) -> tuple[int, int, str]:
    severity = list(Severity).index(condition.severity)
    return severity, _ORDER[condition.code], condition.data_type or ""


def _staleness(one: Age) -> tuple[bool, bool, float, str]:
    behind = one.age / (one.usual or timedelta(days=1)) if one.age is not None else 0.0
    return one.usual is None, one.age is None, -behind, one.group


def _say(
    facts: Facts,
    code: str,
    detail: str = "",
    *,
    since: datetime | None = None,
    data_type: DataTypeName | None = None,
) -> Condition:
    kind = CODES[code]
    began = since or facts.open_since.get(code, facts.now)
    words = {
        "account": facts.account,
        "provider": facts.provider,
        "since": moment(began),
        "detail": detail.rstrip(".") or "no more is known",
        "data_type": data_type or "some data types",
    }
    return Condition(
        code=code,
        severity=kind.severity,
        since=began,
        account=facts.account,
        summary=kind.summary.format_map(words),
        meaning=kind.meaning.format_map(words),
        next=kind.next.format_map(words),
        data_type=data_type,
    )


def _grant(facts: Facts) -> Iterator[Condition]:
    since = facts.grant_since
    if facts.token_trouble:
        yield _say(facts, "token_file", facts.token_trouble)
    elif facts.grant == "missing":
        yield _say(facts, "authorization_needed", "there is no token yet", since=since)
    elif facts.grant == "revoked":
        refused = f"{facts.provider} refuses our refresh token"
        when = f"{refused} since {moment(since)}" if since else refused
        yield _say(facts, "authorization_needed", when, since=since)
    elif facts.grant == "in_doubt":
        yield _say(facts, "token_in_doubt", since=since)


def _consent(facts: Facts) -> Iterator[Condition]:
    """Name the end of a consent before it comes."""
    ends_at = facts.grant_ends_at
    if ends_at is None or facts.grant in {"missing", "revoked"}:
        return
    left = ends_at - facts.now
    if left <= EXPIRES_SOON:
        soon = _say(facts, "grant_expires_soon", moment(ends_at))
        yield replace(soon, severity=Severity.ERROR) if left <= EXPIRES_NOW else soon


def _last_pass(facts: Facts) -> Iterator[Condition]:
    """Name the error of the last pass. Its codes are known, but for those that are a defect."""
    error = facts.last_error
    if error is None or error.code == "throttled":  # that one ends at its time
        return
    if error.code == "access_denied" and error.times < DENIED_AFTER_PASSES:
        return
    if error.code == "authorization_needed":
        detail = f"{facts.provider} refuses our access since {moment(error.since)}: {error.detail}"
        yield _say(facts, error.code, detail, since=error.since)
    elif error.code in CODES:
        yield _say(facts, error.code, error.detail, since=error.since)
    else:
        yield _say(facts, "internal_error", f"{error.code}, {error.detail}", since=error.since)


def _provider(facts: Facts) -> Iterator[Condition]:
    until = facts.throttled_until
    if facts.gone_since:
        yield _say(facts, "provider_gone", "410 Gone", since=facts.gone_since)
    elif until and until > facts.now:
        yield _say(facts, "throttled", moment(until))


def _data_types(facts: Facts) -> Iterator[Condition]:
    for each in facts.types:
        code = each.code if each.code in _TYPE_CODES else "request_refused"
        yield _say(facts, code, each.detail, since=each.since, data_type=each.data_type)


def _zone(facts: Facts) -> Iterator[Condition]:
    if not facts.zone_known:
        yield _say(facts, "zone_unknown")


def _watch(facts: Facts) -> Iterator[Condition]:
    """Name a watch that was silent when we last looked; not having looked is another matter."""
    sync, looked = max(facts.syncs, default=None), facts.looked_at
    if sync and looked and looked - sync > WATCH_SILENT_AFTER:
        yield _say(facts, "watch_not_synced", since=sync)


def _machine(facts: Facts) -> Iterator[Condition]:
    if facts.unfinished_passes:
        passes = many(facts.unfinished_passes, "pass", "passes in a row")
        yield _say(facts, "passes_unfinished", passes)
    free = facts.disk_free_bytes
    if free is not None and free < DISK_LOW_BYTES:
        yield _say(facts, "disk_low", f"{free // 1_000_000} MB")


def _store(facts: Facts) -> Iterator[Condition]:
    if facts.damages:
        yield _say(facts, "archive_damaged", many(facts.damages, "place"))
    if facts.skipped:
        yield _say(facts, "index_behind", many(facts.skipped, "reply", "replies"))


def _unread(facts: Facts, halting: Sequence[Condition]) -> Iterator[Condition]:
    """Name the groups of which a sync brought something more than two polls ago, not read since.

    After a start there must have been the time to read it, unless that was too late before.
    """
    long_ago = facts.now - STALE_AFTER_POLLS * facts.poll_every
    started = facts.tried_since
    if started and started > long_ago and "data_stale" not in facts.open_since:
        return
    waiting = {}
    for group, read_at in facts.read_at.items():
        oldest = min((at for at in facts.syncs if read_at is None or at > read_at), default=None)
        if oldest and oldest < long_ago:
            waiting[group] = oldest
    if waiting:
        since = min(waiting.values())
        stale = _say(facts, "data_stale", ", ".join(sorted(waiting)), since=since)
        yield replace(stale, next=f"settle {halting[0].code} first") if halting else stale


_RULES: tuple[Callable[[Facts], Iterator[Condition]], ...] = (
    _grant,
    _consent,
    _provider,
    _data_types,
    _zone,
    _watch,
    _machine,
    _store,
    _last_pass,  # after the facts that say the same more exactly
)
_TYPE_CODES = frozenset(
    {"scope_missing", "data_type_refused", "contract_changed", "readings_vanished"}
)
_SILENCES = frozenset({"data_stale", "watch_not_synced"})
_ORDER = {code: place for place, code in enumerate(CODES)}
