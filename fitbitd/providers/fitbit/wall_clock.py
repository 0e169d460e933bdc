"""Wall-clock times to instants: Fitbit sends no zones, no offsets, and no dates in its day rows."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)
_QUARTER_MS = 900_000

DayRow = tuple[int, int]
"""Second of the day on the wall clock, value."""


@dataclass(frozen=True, slots=True)
class CivilDay:
    """A civil day in a zone that changes its UTC offset at most once in it.

    Where the clock goes back, the times from `again` to `until` come twice; where it goes forward,
    the times from `again` to `until` do not exist.

    Attributes:
        midnight_s: 00:00 of the wall clock read as if it were UTC (Unix seconds).
        before_s: the offset at its beginning.
        after_s: the offset at its end; the same on nearly all days.
        again: second of the day.
        until: second of the day.
    """

    midnight_s: int
    before_s: int
    after_s: int
    again: int = 0
    until: int = 0

    @property
    def skipped(self) -> range:
        """Give the seconds of the day that no clock showed."""
        return range(self.again, self.until) if self.after_s > self.before_s else range(0)

    def by_offset(self, rows: list[DayRow]) -> list[tuple[int, list[DayRow]]]:
        """Sort `rows`, as received, by the UTC offset that was in force.

        Where the clock went back, the order tells: a time not after the last one is in the second
        pass. A time that no clock showed comes from a watch that still kept the old one.
        """
        if self.before_s == self.after_s:
            return [(self.before_s, rows)]
        before: list[DayRow] = []
        after: list[DayRow] = []
        goes_back = self.after_s < self.before_s
        last = -1
        second_pass = False
        for row in rows:
            second = row[0]
            twice = goes_back and self.again <= second < self.until
            second_pass = second_pass or (twice and second <= last)
            late = second >= self.until or (twice and second_pass)
            (after if late else before).append(row)
            last = second
        return [(self.before_s, before), (self.after_s, after)]


def civil_day(day: date, zone: tzinfo) -> CivilDay:
    """Describe `day` in `zone`."""
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    midnight_s = _as_if_utc_s(start)
    before_s, after_s = offset_s(start, zone), offset_s(end, zone)
    if before_s == after_s:
        return CivilDay(midnight_s, before_s, after_s)
    instants = range(midnight_s - before_s, _as_if_utc_s(end) - after_s)
    index = bisect_left(
        instants, x=True, key=lambda at: _offset_at_s(at, zone) != before_s
    )  # the first instant of the new offset
    change_s = instants.start + index - midnight_s
    again, until = sorted((change_s + before_s, change_s + after_s))
    return CivilDay(midnight_s, before_s, after_s, again, until)


def in_order(walls: Iterable[datetime], zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Turn naive wall-clock times, as received, into Unix milliseconds and UTC offsets.

    Where the clock went back, the order tells: a time not after the last one is in the second pass.
    """
    known: dict[int, tuple[int, int]] = {}
    last_ms = None
    for wall in walls:
        wall_ms = unix_ms(wall, 0)
        quarter = wall_ms // _QUARTER_MS
        if quarter not in known:  # no zone changes its offset within a quarter of an hour
            known[quarter] = offset_s(wall, zone), offset_s(wall.replace(fold=1), zone)
        offset, second = known[quarter]
        if second < offset and last_ms is not None and wall_ms - offset * 1000 <= last_ms:
            offset = second
        last_ms = wall_ms - offset * 1000
        yield last_ms, offset


def offset_of(at: datetime) -> int:
    """Give the UTC offset of an aware time, in seconds."""
    return _seconds(at)


def offset_s(wall: datetime, zone: tzinfo) -> int:
    """Give the UTC offset of `zone` at a wall-clock time, by its `fold` where that comes twice."""
    return _seconds(wall.replace(tzinfo=zone))


def unix_ms(wall: datetime, offset_s: int) -> int:
    """Turn a naive wall-clock time at a UTC offset into Unix milliseconds."""
    return (wall - _NAIVE_EPOCH) // _MILLISECOND - offset_s * 1000


def _as_if_utc_s(at: datetime) -> int:
    return (at.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


def _offset_at_s(at_s: int, zone: tzinfo) -> int:
    return _seconds(datetime.fromtimestamp(at_s, zone))


def _seconds(at: datetime) -> int:
    return (at.utcoffset() or timedelta()) // timedelta(seconds=1)
