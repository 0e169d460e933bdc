"""Ledger: what the planner is told about an account, read from the index in one go. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from fitbitd.model import DataTypeName, DeviceSync, Lesson, Quota

LONGEST_PAUSE = timedelta(hours=25)
"""No provider and no refusal asks for a longer pause than a day: what ends later than this was
noted by a clock that was ahead."""


LOOK_BACK = timedelta(days=90)
"""How far back a deep look goes: farther than any day of the data types is read again otherwise."""


def believed(until: datetime, now: datetime) -> bool:
    """Say whether a pause that was noted to end at `until` can be meant at `now`."""
    return until - now <= LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class DayRead:
    """The last complete read of a civil day that is not settled.

    Attributes:
        synced_at: the newest device sync that the read rests on, or None.
        whole: it covered the day from midnight to midnight; False while only tails did.
    """

    read_at: datetime
    readings: int
    synced_at: datetime | None
    whole: bool


@dataclass(frozen=True, slots=True)
class TypeLedger:
    """What is known of one data type.

    Attributes:
        read_at: when its newest days (or its snapshot) were last read completely.
        first_asked_at: when it was first asked, whatever came of it.
        rests_on: the device sync that this read rested on.
        newest: the newest instant stored (readings only).
        settled: runs of settled days, first and last included, oldest first.
        open: days that were read and may still change.
        blocked: until when a refused or doubted day is not asked again; the key None is the whole
            data type.
        doubted: those of the blocked days that came back empty after they had held something.
        refused_at: when the whole data type was last refused.
        recheck: settled days whose hourly values moved since: they are read once more.
        looked_back_at: the oldest last read among the settled days of the last `LOOK_BACK`, None
            if none is settled there.
        unlooked: those of these days that were last read more than a day ago, as runs.
        points_a_day: as last seen in a read of whole days, None before the first.
        points_a_page: as last seen where there was more than one page, None before.
        files_wanted: keys of the sessions whose file is missing or of another version, newest
            first.
    """

    read_at: datetime | None = None
    first_asked_at: datetime | None = None
    rests_on: datetime | None = None
    newest: datetime | None = None
    settled: tuple[tuple[date, date], ...] = ()
    open: Mapping[date, DayRead] = field(default_factory=lambda: MappingProxyType({}))
    blocked: Mapping[date | None, datetime] = field(default_factory=lambda: MappingProxyType({}))
    doubted: frozenset[date] = frozenset()
    refused_at: datetime | None = None
    recheck: frozenset[date] = frozenset()
    looked_back_at: datetime | None = None
    unlooked: tuple[tuple[date, date], ...] = ()
    points_a_day: float | None = None
    points_a_page: float | None = None
    files_wanted: tuple[str, ...] = ()

    @property
    def untouched(self) -> bool:
        """Say whether no read of it was ever complete."""
        return self.read_at is None and not self.open and not self.settled

    def after_consent(self, consented_at: datetime) -> "TypeLedger":
        """Give the same without a refusal of the whole data type that a new consent may lift."""
        if self.refused_at is None or self.refused_at >= consented_at:
            return self
        days: dict[date | None, datetime] = {
            day: until for day, until in self.blocked.items() if day is not None
        }
        return replace(self, blocked=days, refused_at=None)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of one account.

    Attributes:
        zone: the wearer's zone (IANA) by the newest profile, None before the first.
        zones: each zone that a profile told, with when that was first seen, oldest first.
        member_since: the day on which the account began, as its profile tells it.
        first_seen: the first day of which anything but zeros is stored.
        devices: the newest sync of each device that is a watch.
        syncs: the device syncs of the last two days, oldest first, for their follow-ups, and the
            ones before them: a sync brings what was recorded since the one before it.
        unfinished_passes: trailing passes that began and never ended: the process died in them.
        first_pass_at: when collecting began, None before the first pass.
        last_seen_at: the newest time in the archive; a clock before it is wrong.
        lessons: what replies taught beyond the catalogue, newest of each kind.
    """

    zone: str | None = None
    zones: tuple[tuple[datetime, str], ...] = ()
    member_since: date | None = None
    first_seen: date | None = None
    types: Mapping[DataTypeName, TypeLedger] = field(default_factory=lambda: MappingProxyType({}))
    devices: Mapping[str, DeviceSync] = field(default_factory=lambda: MappingProxyType({}))
    syncs: tuple[datetime, ...] = ()
    quota: Quota | None = None
    throttled_until: datetime | None = None
    unfinished_passes: int = 0
    first_pass_at: datetime | None = None
    last_seen_at: datetime | None = None
    lessons: tuple[Lesson, ...] = ()

    @property
    def synced_at(self) -> datetime | None:
        """Give the newest sync of any watch."""
        return max((device.synced_at for device in self.devices.values()), default=None)

    def zone_on(self, day: date) -> str:
        """Give the wearer's zone on a civil day: the last one that was seen before it ended.

        Before the first profile days are UTC; days before the first profile are the first zone's.
        """
        known = self.zones or ((datetime.min.replace(tzinfo=UTC), self.zone or "UTC"),)
        found = known[0][1]
        for since, zone in known[1:]:
            if since < datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)):
                found = zone
        return found

    def in_zone(self, zone: str | None, seen_at: datetime) -> "Ledger":
        """Give the same for a wearer who is seen in that zone; None if nothing tells."""
        if zone in (None, self.zone):
            return self
        return replace(self, zone=zone, zones=(*self.zones, (seen_at, zone)))

    def after_consent(self, consented_at: datetime | None) -> "Ledger":
        """Give the same for a wearer who consented at that time; None if nobody knows when."""
        if consented_at is None:
            return self
        types = {name: known.after_consent(consented_at) for name, known in self.types.items()}
        return replace(self, types=types)

    def of(self, name: DataTypeName) -> TypeLedger:
        """Give what is known of a data type; nothing at all is a value too."""
        return self.types.get(name, NOTHING)


NOTHING = TypeLedger()
"""What is known of a data type that was never asked."""
