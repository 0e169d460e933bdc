"""What is missing of the data that is wanted, and why; what is there and may still change. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from fitbitd.model import Cadence, DataType, DataTypeName
from fitbitd.plan.cadence import Wants
from fitbitd.plan.coverage import SYNC_MARGIN, SettledBy, usable
from fitbitd.plan.history import has_history, last_day
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from fitbitd.plan.scene import Scene
from fitbitd.plan.windows import DAY, days_between, missing

SILENT_AFTER = timedelta(hours=6)
"""A watch that has not synced for so long is worth a word; phones sync it now and then only."""


class Lack(StrEnum):
    """What keeps days from being complete and final, what needs a person first."""

    NOT_GRANTED = "not_granted"  # the consent leaves the data type out
    REFUSED = "refused"  # the provider refuses the data type
    FAILED = "failed"  # these days are refused, or cannot be read
    NOT_UNDERSTOOD = "not_understood"  # points that are in the archive only
    NOT_BELIEVED = "not_believed"  # came back empty after they held something
    NOT_SYNCED = "not_synced"  # the watch still has it
    NOT_READ = "not_read"  # the provider has it, and the next passes read it
    HISTORY = "history"  # never asked yet
    NOT_WORN = "not_worn"  # complete, and without a heartbeat
    BY_AGE = "by_age"  # final without a sync that proves it
    PROVISIONAL = "provisional"  # complete as far as it goes, and may still change


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of days of one data type that is not complete and final, all for the same reason.

    Attributes:
        first: of the days, which are those of the ledger; None where it is about no days.
        since: since when it is so, where that is known.
        until: when all of it is asked again, or final if nothing changes.
        detail: an error's code, or what was not understood.
        count: points or files, where it is about those.
    """

    data_type: DataTypeName
    lack: Lack
    first: date | None = None
    last: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    detail: str = ""
    count: int = 0

    @property
    def days(self) -> int:
        """Count its days."""
        return 0 if self.first is None or self.last is None else (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Final:
    """A run of final days that are alike.

    Attributes:
        empty: nothing is stored of them.
    """

    first: date
    last: date
    by: SettledBy
    empty: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the index knows of single days beyond the ledger, by data type.

    Attributes:
        final: the days that are not asked again, oldest first.
        refused: gaps of the kind FAILED: days, or files, that were refused; of a whole data type
            (without days) one of the kind REFUSED.
        doubted: gaps of the kind NOT_BELIEVED.
        unread: gaps of the kind NOT_UNDERSTOOD.
    """

    final: Mapping[DataTypeName, tuple[Final, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    refused: tuple[Gap, ...] = ()
    doubted: tuple[Gap, ...] = ()
    unread: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Days of data types (a day of ten data types counts ten times), by what is known of them.

    Attributes:
        by_age: of the final ones, those that no sync proves.
    """

    final: int = 0
    by_age: int = 0
    provisional: int = 0
    absent: int = 0

    @property
    def days(self) -> int:
        """Count all of them."""
        return self.final + self.provisional + self.absent


Days = tuple[date, date]
"""First and last, both included."""

ALWAYS: Days = (date.min, date.max)


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at.

    Attributes:
        granted: the scopes of the consent; empty if that is not known.
        days: no others; what is about no days is always told.
        only: the data types; None for all that are wanted.
    """

    granted: Collection[str] = ()
    days: Days = ALWAYS
    only: Collection[DataTypeName] | None = None

    def types(self, wants: Wants) -> Iterator[DataType]:
        """Give the wanted data types that are looked at."""
        return (one for one in wants.data_types if self.only is None or one.name in self.only)

    def grants(self, data_type: DataType) -> bool:
        """Say whether the consent does not leave a data type out."""
        return not self.granted or set(data_type.scope.split()) <= set(self.granted)

    def count(self, days: Iterable[date]) -> int:
        """Count the days that are looked at."""
        return sum(self.days[0] <= day <= self.days[1] for day in days)


EVERYTHING = Look()


def gaps(
    wants: Wants,
    ledger: Ledger,
    evidence: Evidence,
    now: datetime,
    look: Look = EVERYTHING,
) -> tuple[Gap, ...]:
    """Give everything that is not complete and final, by data type and day."""
    scene = Scene(wants, ledger, now)
    found: list[Gap] = []
    for data_type in look.types(wants):
        if look.grants(data_type):
            found += _of_type(scene, data_type, evidence)
        else:
            found.append(Gap(data_type.name, Lack.NOT_GRANTED))
    clipped = (_clipped(gap, *look.days) for gap in found)
    return tuple(gap for gap in clipped if gap is not None)


def tally(
    wants: Wants,
    ledger: Ledger,
    evidence: Evidence,
    now: datetime,
    look: Look = EVERYTHING,
) -> Tally:
    """Count the days of an account by what is known of them."""
    scene = Scene(wants, ledger, now)
    final = by_age = provisional = absent = 0
    for data_type in look.types(wants):
        known = ledger.of(data_type.name)
        if not has_history(data_type):
            continue
        for run in evidence.final.get(data_type.name, ()):
            length = max(0, (min(run.last, look.days[1]) - max(run.first, look.days[0])).days + 1)
            final += length
            by_age += length * (run.by is SettledBy.AGE)
        provisional += look.count((*known.open, *known.recheck))
        if look.grants(data_type) and None not in known.blocked:
            absent += look.count(_never_read(scene, data_type))
    return Tally(final, by_age, provisional, absent)


def proves_wear(data_type: DataType) -> bool:
    """Say whether a worn watch always has something of a data type: a heartbeat."""
    return data_type.group == "heart" and data_type.dense and not data_type.late


def _of_type(scene: Scene, data_type: DataType, evidence: Evidence) -> Iterator[Gap]:
    """Give the gaps of one data type that the consent does not leave out."""
    name = data_type.name
    known = scene.ledger.of(name)
    refused = [gap for gap in evidence.refused if gap.data_type == name]
    if None in known.blocked:  # what is not offered is missing on no day
        yield from (gap for gap in refused if gap.lack is Lack.REFUSED)
        return
    yield from (gap for gap in refused if gap.first is None and gap.lack is Lack.FAILED)
    told = {
        day: gap
        for gap in (*refused, *(gap for gap in evidence.doubted if gap.data_type == name))
        if gap.first and gap.last
        for day in days_between(gap.first, gap.last)
        if day == gap.first or not _was_read(known, day)
    }
    yield from _runs(told)
    yield from (gap for gap in evidence.unread if gap.data_type == name)
    if known.files_wanted:
        yield Gap(name, Lack.NOT_READ, count=len(known.files_wanted))
    if not has_history(data_type):  # what only checks another data type, and snapshots
        return
    absent = ((day, _absent(scene, data_type, day)) for day in _never_read(scene, data_type))
    opened = ((day, _open(scene, data_type, day, read)) for day, read in known.open.items())
    moved = ((day, Gap(name, Lack.PROVISIONAL, detail="moved")) for day in known.recheck)
    for some in (absent, opened, moved):
        yield from _runs({day: gap for day, gap in some if day not in told})
    for run in evidence.final.get(name, ()):
        if run.empty and proves_wear(data_type):
            yield Gap(name, Lack.NOT_WORN, run.first, run.last)
        elif run.by is SettledBy.AGE:
            yield Gap(name, Lack.BY_AGE, run.first, run.last)


def _never_read(scene: Scene, data_type: DataType) -> Iterator[date]:
    """Give the days that are wanted and were never read."""
    known = scene.ledger.of(data_type.name)
    return missing(known, scene.horizon(data_type), scene.today(data_type))


def _absent(scene: Scene, data_type: DataType, day: date) -> Gap:
    """Say why a day was never read: live polling has not come to it yet, or history."""
    old = day <= last_day(data_type, scene.ledger, scene.now)
    return Gap(data_type.name, Lack.HISTORY if old else Lack.NOT_READ)


def _open(scene: Scene, data_type: DataType, day: date, read: DayRead) -> Gap:
    """Say why a day that was read may still change."""
    over_at, synced_at = scene.over_at(data_type, day), scene.ledger.synced_at
    usual = usable(synced_at, scene.now, data_type.reread)
    final_at = over_at + data_type.reread * (2 if usual is None else 1)
    gap = Gap(data_type.name, Lack.PROVISIONAL, until=max(final_at, scene.now))
    if data_type.cadence is not Cadence.WATCH or synced_at is None:
        return gap
    if read.synced_at is None or read.synced_at < min(synced_at, over_at):
        return replace(gap, lack=Lack.NOT_READ, since=synced_at, until=None)
    if synced_at < over_at + SYNC_MARGIN and scene.now - synced_at >= SILENT_AFTER:
        return replace(gap, lack=Lack.NOT_SYNCED, since=synced_at)
    return gap


def _runs(found: Mapping[date, Gap]) -> Iterator[Gap]:
    """Join days that follow one another and lack the same for the same reason."""
    run: Gap | None = None
    for day, gap in sorted(found.items()):
        if run is not None and run.last == day - DAY and _alike(run, gap):
            since = min((at for at in (run.since, gap.since) if at), default=None)
            until = max((at for at in (run.until, gap.until) if at), default=None)
            run = replace(run, last=day, since=since, until=until)
        else:
            if run is not None:
                yield run
            run = replace(gap, first=day, last=day)
    if run is not None:
        yield run


def _was_read(known: TypeLedger, day: date) -> bool:
    return day in known.open or any(first <= day <= last for first, last in known.settled)


def _alike(one: Gap, other: Gap) -> bool:
    return (one.lack, one.detail) == (other.lack, other.detail)


def _clipped(gap: Gap, first: date, last: date) -> Gap | None:
    """Give what of a gap lies within some days; None if nothing does."""
    if gap.first is None or gap.last is None:
        return gap
    gap = replace(gap, first=max(gap.first, first), last=min(gap.last, last))
    return gap if gap.days > 0 else None
