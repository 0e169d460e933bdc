"""What a pull asked for, in the units of the points that answer it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, Pull, Reply, Window
from fitbitd.providers.google_health.times import unix_ms


def window_of(pull: Pull) -> Window:
    """Give the window of a pull for a data type that has one."""
    if pull.window is None:
        raise ValueError(f"a pull of {pull.data_type} without a window")
    return pull.window


@dataclass(frozen=True, slots=True)
class Asked:
    """A window, and up to when a zero can have been measured.

    Attributes:
        start_ms, end_ms: Unix milliseconds; on the civil and date axes of the wall clock, read as
            if it were UTC.
        zeros_until_ms: the newest device sync; a zero of a later time was never measured.
        known_day: the wearer's day of that sync.
        by_civil_time: points are compared by their own wall clock.
    """

    start_ms: int
    end_ms: int
    zeros_until_ms: int
    known_day: date
    by_civil_time: bool

    def holds(self, instant_ms: int, offset_s: int) -> bool:
        """Say whether a point with that time at that offset was asked for."""
        if self.by_civil_time:
            instant_ms += offset_s * 1000
        return self.start_ms <= instant_ms < self.end_ms

    def holds_day(self, day: date) -> bool:
        """Say whether a civil day was asked for."""
        return self.start_ms <= unix_ms(datetime.combine(day, time(), UTC)) < self.end_ms


def asked_of(pull: Pull, reply: Reply) -> Asked:
    """Say what `pull` asked for."""
    window = window_of(pull)
    synced_at = pull.synced_at or reply.received_at
    civil = window.axis is not Axis.INSTANT
    start, end = (at.replace(tzinfo=UTC) if civil else at for at in (window.start, window.end))
    return Asked(
        unix_ms(start),
        unix_ms(end),
        unix_ms(synced_at),
        synced_at.astimezone(ZoneInfo(pull.zone)).date(),
        civil,
    )
