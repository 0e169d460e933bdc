"""What every step of planning looks at: what is wanted, what is known, and what day it is. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, Lesson, Pull, Why, Window
from fitbitd.plan import coverage
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger

EARLIEST = date(2000, 1, 2)
"""No watch measured before it; replies are believed from 2000 on, a night begins the day before."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of one account."""

    wants: Wants
    ledger: Ledger
    now: datetime

    @property
    def zone(self) -> str:
        """Give the wearer's zone; before the first profile days are UTC."""
        return self.ledger.zone or "UTC"

    def today(self, data_type: DataType) -> date:
        """Give the day that it is by the calendar in which the data type is kept."""
        return self.now.astimezone(ZoneInfo(self._calendar(data_type))).date()

    def day_end(self, data_type: DataType, day: date) -> datetime:
        """Give the instant at which a day of the data type's calendar ends."""
        return coverage.day_end(day, self._calendar(data_type))

    def days_of(self, data_type: DataType, first: date, last: date) -> tuple[date, date]:
        """Give the days, by the data type's calendar, that hold the wearer's `first` to `last`."""
        if data_type.axis is not Axis.INSTANT:
            return first, last
        zone = ZoneInfo(self.zone)
        start = datetime.combine(first, time(), zone).astimezone(UTC)
        end = datetime.combine(last, time.max, zone).astimezone(UTC)
        return start.date(), end.date()

    def horizon(self, data_type: DataType) -> date:
        """Give the first day that is wanted of `data_type`."""
        recent = self.today(data_type) - data_type.reread
        first = min(recent, self._begun(data_type) or recent)
        if self.wants.backfill_from is None:
            return first
        asked = max(self.wants.backfill_from, EARLIEST)
        return min(self.days_of(data_type, asked, asked)[0], first)

    def blocked(self, data_type: DataType, day: date | None) -> bool:
        """Say whether a day is not to be asked now; None is the whole data type."""
        blocked = self.ledger.of(data_type.name).blocked
        return any(self.now < blocked[key] for key in (None, day) if key in blocked)

    def pull(self, data_type: DataType, window: Window | None, why: Why, *, item: str = "") -> Pull:
        """Make a pull as things stand."""
        lessons, synced_at = self.lessons(data_type), self.ledger.synced_at
        return Pull(data_type.name, window, why, self.zone, synced_at, item, lessons)

    def lessons(self, data_type: DataType) -> tuple[Lesson, ...]:
        """Give what is known of a data type beyond the catalogue."""
        return tuple(each for each in self.ledger.lessons if each.data_type == data_type.name)

    def _begun(self, data_type: DataType) -> date | None:
        """Give the day on which collecting began, None before: a pause of ours leaves no hole.

        Older days that a person asked for once are no beginning.
        """
        known, first_pass_at = self.ledger.of(data_type.name), self.ledger.first_pass_at
        days = [*known.open, *(first for first, _ in known.settled[:1])]
        if first_pass_at is None or not days:
            return None
        return max(min(days), first_pass_at.date() - data_type.reread)

    def _calendar(self, data_type: DataType) -> str:
        """Name the zone whose days the ledger keeps: no trip leaves a gap between UTC days."""
        return "UTC" if data_type.axis is Axis.INSTANT else self.zone
