"""What crosses borders: plain frozen values with no behaviour beyond their own arithmetic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NewType

AccountName = NewType("AccountName", str)
DataTypeName = NewType("DataTypeName", str)


class Axis(StrEnum):
    """By what a provider selects: how a window is asked for and its points are compared."""

    INSTANT = "instant"  # aware UTC datetimes
    CIVIL = "civil"  # the wearer's wall clock: naive datetimes
    DATE = "date"  # civil days: naive datetimes at midnight


class Member(StrEnum):
    """Which end of a point a window selects by; withdrawal and coverage go by the same."""

    START = "start"
    END = "end"


class Kind(StrEnum):
    """What a data type is made of; it decides the table."""

    READINGS = "readings"
    SESSIONS = "sessions"
    DAILY = "daily"
    SNAPSHOT = "snapshot"
    FILE = "file"  # one for each session of another data type


class Cadence(StrEnum):
    """What makes a data type due."""

    WATCH = "watch"  # a device sync; `every` regardless
    OWN = "own"  # its own clock, `every`


class Why(StrEnum):
    """The reason of a pull, most urgent first."""

    SYNC = "sync"  # the watch synced since the last complete read
    FOLLOW_UP = "follow_up"  # values that appear some time after the sync
    INTERVAL = "interval"  # its clock says so
    GAP = "gap"  # a recent day that no read covers yet
    SETTLE = "settle"  # the read after which the day is not asked again
    DEEP = "deep"  # a look far back, at days that were final already
    BACKFILL = "backfill"  # history
    ASKED = "asked"  # a person named the window


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open [start, end) on `axis`."""

    axis: Axis
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"an empty window: {self.start} to {self.end}")
        aware = self.axis is Axis.INSTANT
        if any((at.tzinfo is not None) is not aware for at in (self.start, self.end)):
            raise ValueError(f"a window on the {self.axis} axis with the wrong kind of time")

    @classmethod
    def of_days(cls, axis: Axis, first: date, last: date) -> "Window":
        """Span the civil days `first` to `last`, both included, on the civil or date axis."""
        midnight = time()
        return cls(
            axis,
            datetime.combine(first, midnight),
            datetime.combine(last + timedelta(days=1), midnight),
        )

    def days(self) -> Iterator[date]:
        """Give the days that the window touches: civil ones, UTC days on the instant axis."""
        day = self.start.date()
        while datetime.combine(day, time(), self.start.tzinfo) < self.end:
            yield day
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Field:
    """One measured quantity of a data type.

    Attributes:
        legacy: the same quantity in the account that another one continues, as `data_type.field`.
    """

    name: str
    unit: str
    meaning: str
    legacy: str = ""


@dataclass(frozen=True, slots=True)
class DataType:
    """What engine, planner and index must know of a data type; the rest is the provider's.

    Attributes:
        title: for people.
        group: the data types whose freshness is one fact ("heart", "activity", "sleep", "account").
        scope: without it in the grant, the type is not offered.
        axis: on which windows are asked; None where there is no window (a snapshot, a file). The
            days of the ledger are UTC days on the instant axis, civil days on the others.
        member: the end of a point that a window selects by.
        longest: the longest window of one pull.
        reread: how long after its end a day may still change.
        every: the clock of an OWN type; for a WATCH type the longest time without a look.
        late: values appear some time after the sync, so a sync has follow-ups.
        dense: read by tails between whole reads, because a day is large.
        watches: its snapshot carries the device syncs that make WATCH types due.
        needed: read whatever `data_types` says: it tells the wearer's zone, or the syncs.
        by_default: `data_types = ["all"]` includes it; the others have to be named.
        expected_a_day: points of a day, where a window has to be sized before any was seen.
        checks: the dense type whose days are read again where this one's readings moved.
        wall_clock: its replies tell the wearer's wall clock without a zone, so that one window must
            not span two zones.
        lasts: how long after a day's end what began on it may be under way: a sync brings it once
            it is over.
        sums_of: the data type whose readings this one sums up by day: where they move, so does it.
        file_of: the data type whose sessions have a file each; a pull names the session.
    """

    name: DataTypeName
    title: str
    kind: Kind
    group: str
    scope: str
    axis: Axis | None
    longest: timedelta
    reread: timedelta
    cadence: Cadence
    every: timedelta
    late: bool = False
    dense: bool = False
    watches: bool = False
    needed: bool = False
    by_default: bool = True
    member: Member = Member.START
    expected_a_day: float = 0.0
    checks: DataTypeName | None = None
    wall_clock: bool = False
    lasts: timedelta = timedelta(0)
    sums_of: DataTypeName | None = None
    file_of: DataTypeName | None = None
    fields: tuple[Field, ...] = ()
    source: str = ""  # where the values come from, for the README's table
    grain: str = ""  # how fine they are, for the README's table


class LessonKind(StrEnum):
    """What the provider may correct of the catalogue."""

    METHOD = "method"  # by which of its methods the data type is asked
    LONGEST_DAYS = "longest_days"  # the longest window it answers
    PAGE_SIZE = "page_size"  # the largest page it manages


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a reply taught about how a data type is to be asked; later ones replace earlier ones."""

    data_type: DataTypeName
    kind: LessonKind
    value: str


@dataclass(frozen=True, slots=True)
class Pull:
    """One planned request for one data type and one window.

    Attributes:
        window: None for a snapshot and for a file.
        zone: the wearer's zone (IANA) by which civil times of the replies are turned into instants.
        synced_at: the newest usable device sync known when it was planned (aware UTC), or None.
        item: the key of the session whose file is asked for.
        lessons: what is known of this data type beyond the catalogue; the request depends on it.
    """

    data_type: DataTypeName
    window: Window | None
    why: Why
    zone: str
    synced_at: datetime | None = None
    item: str = ""
    lessons: tuple[Lesson, ...] = ()

    @property
    def tail(self) -> bool:
        """Say whether it reads only part of a day: no day of the ledger lies in it end to end.

        A tail writes no daily values and no sessions, and settles nothing.
        """
        if self.window is None:
            return False
        start, end = (at.replace(tzinfo=None) for at in (self.window.start, self.window.end))
        first = start.date() + timedelta(days=start.time() > time())
        return datetime.combine(first + timedelta(days=1), time()) > end


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        headers: also those that hold the access token, which the fetcher adds last.
        form: of a POST to a token endpoint; it holds secrets.
        json: of a POST that asks for data, as text; it holds none, and is archived.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    json: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as received: names of headers in lower case, the body after content decoding."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """What the provider still grants this account, as it last said."""

    limit: int
    left: int
    renews_at: datetime


Point = tuple[int, int | float, int | None]
"""Instant (Unix milliseconds), value, duration (milliseconds; None for a sample)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Points of one field, from one source, at one UTC offset; a day has up to 40,000 of them.

    Attributes:
        preference: of several sources at one instant, the one with the least is shown first.
    """

    field: str
    source: str
    utc_offset_s: int
    points: list[Point]
    preference: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a session: a sleep stage, a short awakening, a split of a workout."""

    kind: str
    label: str
    start_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """Something with a beginning, an end and an identity at the provider.

    Attributes:
        key: the provider's id.
        day: the civil day by which the provider selects it.
        values: scalar fields by name.
        labels: words about it by name (type, how it was logged).
    """

    key: str
    day: date
    start_ms: int
    end_ms: int
    utc_offset_s: int
    values: tuple[tuple[str, int | float], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Daily:
    """One value of one civil day."""

    day: date
    field: str
    value: int | float
    source: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How something stood when it was asked: `content` is JSON text with sorted keys."""

    key: str
    content: str


@dataclass(frozen=True, slots=True)
class DeviceSync:
    """When a watch last brought its data to the provider (aware UTC)."""

    device: str
    synced_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """A file that belongs to a session; its bytes stay in the archive.

    Attributes:
        key: the session's.
        version: what changes when the session does; a file of another version is asked again.
    """

    key: str
    version: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """All that one reply says.

    Attributes:
        outside: points beyond the window: counted, never written.
        zone: the wearer's zone (IANA), where the reply tells it.
        member_since: the day on which the account began, where the reply tells it.
        unread: points that are not understood: kept raw, counted, and shown. A pull with any of
            them withdraws nothing.
        unread_why: what was not understood of the first of them, without its value.
    """

    readings: tuple[Readings, ...] = ()
    sessions: tuple[Session, ...] = ()
    dailies: tuple[Daily, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    syncs: tuple[DeviceSync, ...] = ()
    files: tuple[File, ...] = ()
    outside: int = 0
    zone: str | None = None
    member_since: date | None = None
    unread: int = 0
    unread_why: str = ""

    @property
    def points(self) -> int:
        """Count what would be written."""
        return (
            sum(len(r.points) for r in self.readings)
            + len(self.sessions)
            + len(self.dailies)
            + len(self.snapshots)
            + len(self.files)
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """What the fetcher must know of a reply: how many points, and whether more pages wait."""

    points: int
    next_page: str | None = None


class OutcomeKind(StrEnum):
    """How a pull ended. Only complete moves coverage."""

    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pull ended: `reason` is an error's code, `detail` a sentence without secrets."""

    kind: OutcomeKind
    reason: str = ""
    detail: str = ""
    pages: int = 0
    points: int = 0

    @property
    def complete(self) -> bool:
        """Say whether every page arrived and the container was there."""
        return self.kind is OutcomeKind.COMPLETE


@dataclass(frozen=True, slots=True)
class PassEnd:
    """What a pass leaves behind for the next one, also across a restart."""

    outcome: str  # "ok" or the code of the error that ended it
    quota: Quota | None = None
    throttled_until: datetime | None = None
    requests: int = 0
    detail: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
