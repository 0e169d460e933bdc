"""What every step of planning looks at: what is wanted, what is known, and what day it is. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, Lesson, Pull, Why, Window
from fitbitd.plan import coverage, history
from fitbitd.plan.cadence import Wants
from fitbitd.plan.history import Floor
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.windows import DAY, PAGES_A_PULL, chunks


@dataclass(frozen=True)  # without slots, so that the floor is worked out once
class Scene:
    """One moment of one account.

    Attributes:
        pages: what a pull is sized for.
    """

    wants: Wants
    ledger: Ledger
    now: datetime
    pages: int = PAGES_A_PULL

    @cached_property
    def floor(self) -> Floor | None:
        """Give where history ends, None where none is wanted."""
        return history.floor(self.wants, self.ledger, self.now)

    @property
    def zone(self) -> str:
        """Give the wearer's zone; before the first profile days are UTC."""
        return self.ledger.zone or "UTC"

    def today(self, data_type: DataType) -> date:
        """Give the day that it is by the calendar in which the data type is kept."""
        return history.today(data_type, self.ledger, self.now)

    def day_end(self, data_type: DataType, day: date) -> datetime:
        """Give the instant at which a day of the data type's calendar ends."""
        instants = data_type.axis is Axis.INSTANT
        return coverage.day_end(day, "UTC" if instants else self.ledger.zone_on(day))

    def over_at(self, data_type: DataType, day: date) -> datetime:
        """Give the instant at which all is over that began on a day: a later sync brings it."""
        return self.day_end(data_type, day) + data_type.lasts

    def days_of(self, data_type: DataType, first: date, last: date) -> tuple[date, date]:
        """Give the days, by the data type's calendar, that hold the wearer's `first` to `last`."""
        if data_type.axis is not Axis.INSTANT:
            return first, last
        begun, ended = (ZoneInfo(self.ledger.zone_on(day)) for day in (first, last))
        start = datetime.combine(first, time(), begun).astimezone(UTC)
        end = datetime.combine(last, time.max, ended).astimezone(UTC)
        return start.date(), end.date()

    def horizon(self, data_type: DataType) -> date:
        """Give the first day that is wanted of `data_type`."""
        recent = self.today(data_type) - data_type.reread
        first = min(recent, self._begun(data_type) or recent)
        if self.floor is None:
            return first
        asked = self.floor.of(data_type)
        return min(self.days_of(data_type, asked, asked)[0], first)

    def windows(self, data_type: DataType, first: date, last: date) -> Iterator[Window]:
        """Cut the days `first` to `last`, both included, as they are to be asked, newest first."""
        known = self.ledger.of(data_type.name)
        for begun, ended in self._in_one_zone(data_type, first, last):
            yield from chunks(data_type, begun, ended, known, self.pages)

    def blocked(self, data_type: DataType, day: date | None) -> bool:
        """Say whether a day is not to be asked now; None is the whole data type."""
        blocked = self.ledger.of(data_type.name).blocked
        return any(self.now < blocked[key] for key in (None, day) if key in blocked)

    def pull(self, data_type: DataType, window: Window | None, why: Why, *, item: str = "") -> Pull:
        """Make a pull as things stand, in the zone of the newest of its days."""
        lessons, synced_at = self.lessons(data_type), self.ledger.synced_at
        zone = self.zone
        if window is not None and window.axis is not Axis.INSTANT:
            zone = self.ledger.zone_on((window.end - timedelta.resolution).date())
        return Pull(data_type.name, window, why, zone, synced_at, item, lessons)

    def lessons(self, data_type: DataType) -> tuple[Lesson, ...]:
        """Give what is known of a data type beyond the catalogue."""
        return tuple(each for each in self.ledger.lessons if each.data_type == data_type.name)

    def _begun(self, data_type: DataType) -> date | None:
        """Give the first day that collecting had to do with, None before it was ever tried.

        Neither a pause of ours nor a data type that fails from the beginning leaves a hole, and
        days that a person asked for once are no beginning.
        """
        asked_at = self.ledger.of(data_type.name).first_asked_at
        return None if asked_at is None else asked_at.date() - data_type.reread

    def _in_one_zone(
        self, data_type: DataType, first: date, last: date
    ) -> Iterator[tuple[date, date]]:
        """Cut days where the wearer's zone changed, newest first, if the data type needs it."""
        if data_type.wall_clock:
            seen = {since.astimezone(ZoneInfo(zone)).date() for since, zone in self.ledger.zones}
            for day in sorted(seen, reverse=True):
                if first < day <= last and self._zone_changes(day):
                    yield day, last
                    last = day - DAY
        if first <= last:
            yield first, last

    def _zone_changes(self, day: date) -> bool:
        return self.ledger.zone_on(day) != self.ledger.zone_on(day - DAY)
