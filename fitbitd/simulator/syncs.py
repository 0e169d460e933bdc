"""When the watch brings its data to the provider: plans of instants that can be asked both ways."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_HORIZON_DAYS = 3_700
"""How far a plan is searched for its next sync: a pause of ten years is not a plan."""


class SyncPlan(Protocol):
    """Instants (aware UTC, whole seconds) at which the watch meets its phone."""

    def last(self, at: datetime) -> datetime | None:
        """Give the last sync at or before `at`."""

    def first(self, at: datetime) -> datetime | None:
        """Give the first sync at or after `at`."""


@dataclass(frozen=True, slots=True)
class RegularSyncs:
    """One sync every `every_s` seconds, for ever; `phase_s` keeps them off the whole minute."""

    every_s: int = 900
    phase_s: int = 7

    def last(self, at: datetime) -> datetime | None:
        """Give the last sync at or before `at`."""
        turn = (int(at.timestamp()) - self.phase_s) // self.every_s
        return datetime.fromtimestamp(turn * self.every_s + self.phase_s, UTC)

    def first(self, at: datetime) -> datetime | None:
        """Give the first sync at or after `at`."""
        turn = -((self.phase_s - at.timestamp()) // self.every_s)
        return datetime.fromtimestamp(int(turn) * self.every_s + self.phase_s, UTC)


@dataclass(frozen=True, slots=True)
class DailySyncs:
    """The same wall-clock times each day, less those inside a pause.

    Attributes:
        times: at which times of the wearer's day.
        zone: the wearer's zone (IANA).
        pauses: [from, to) instants without any sync.
    """

    times: tuple[time, ...]
    zone: str = "Europe/Berlin"
    pauses: tuple[tuple[datetime, datetime], ...] = ()

    def last(self, at: datetime) -> datetime | None:
        """Give the last sync at or before `at`."""
        for back in range(_HORIZON_DAYS):
            earlier = [sync for sync in self._on(at, -back) if sync <= at]
            if earlier:
                return max(earlier)
        return None

    def first(self, at: datetime) -> datetime | None:
        """Give the first sync at or after `at`."""
        for ahead in range(_HORIZON_DAYS):
            later = [sync for sync in self._on(at, ahead) if sync >= at]
            if later:
                return min(later)
        return None

    def _on(self, at: datetime, days: int) -> list[datetime]:
        zone = ZoneInfo(self.zone)
        day = at.astimezone(zone).date() + timedelta(days=days)
        syncs = [datetime.combine(day, moment, zone).astimezone(UTC) for moment in self.times]
        return [s for s in syncs if not any(start <= s < end for start, end in self.pauses)]


@dataclass(slots=True)
class ListedSyncs:
    """Exactly these instants; more can be added while the simulation runs."""

    instants: list[datetime] = field(default_factory=list)

    def __init__(self, instants: Iterable[datetime] = ()) -> None:
        self.instants = sorted(instant.replace(microsecond=0) for instant in instants)

    def add(self, at: datetime) -> None:
        """Let the watch sync at `at` too."""
        insort(self.instants, at.replace(microsecond=0))

    def last(self, at: datetime) -> datetime | None:
        """Give the last sync at or before `at`."""
        place = bisect_right(self.instants, at)
        return self.instants[place - 1] if place else None

    def first(self, at: datetime) -> datetime | None:
        """Give the first sync at or after `at`."""
        place = bisect_left(self.instants, at)
        return self.instants[place] if place < len(self.instants) else None


def every_quarter(
    zone: str = "Europe/Berlin", *, pauses: tuple[tuple[datetime, datetime], ...] = ()
) -> DailySyncs:
    """Plan a sync each 15 minutes from 07:00 to 22:59, as a phone that is near does it."""
    quarters = tuple(time(hour, minute, 7) for hour in range(7, 23) for minute in (0, 15, 30, 45))
    return DailySyncs(quarters, zone, pauses)
