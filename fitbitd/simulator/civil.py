"""Civil days and wall clocks in whole Unix seconds. Pure.

Every zone that is in use today changes its offset on a quarter of an hour, so an offset holds for
the quarter that an instant is in.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_QUARTER_S = 900
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60))
_SECONDS = tuple(f":{second:02}" for second in range(60))


@lru_cache(maxsize=4096)
def day_bounds(day: date, zone: str) -> tuple[int, int]:
    """Give the instants [start, end) of a civil day: 23, 24 or 25 hours apart, or the like."""
    here = ZoneInfo(zone)
    start = datetime.combine(day, time(), here)
    end = datetime.combine(day + timedelta(days=1), time(), here)
    return int(start.timestamp()), int(end.timestamp())


def offset_s(zone: str, at_s: int) -> int:
    """Give the zone's offset from UTC at an instant, in seconds."""
    return _offset_of_quarter(zone, at_s // _QUARTER_S)


@lru_cache(maxsize=65536)
def _offset_of_quarter(zone: str, quarter: int) -> int:
    offset = datetime.fromtimestamp(quarter * _QUARTER_S, ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def civil_day(at_s: float, zone: str) -> date:
    """Give the wearer's date at an instant."""
    return datetime.fromtimestamp(at_s, ZoneInfo(zone)).date()


def wall(at_s: int, offset: int) -> str:
    """Write an instant as the API does in logs: wall clock, `.000`, no zone."""
    return f"{date.fromordinal(_EPOCH + (at_s + offset) // 86_400)}T{clock_time(at_s, offset)}.000"


def clock_time(at_s: int, offset: int) -> str:
    """Write the time of day of an instant as intraday rows do."""
    minute, second = divmod((at_s + offset) % 86_400, 60)
    return _MINUTES[minute] + _SECONDS[second]


def naive_s(day: date, moment: time) -> int:
    """Give a wall-clock time as the seconds that it would be in UTC, for comparing walls."""
    return int(datetime.combine(day, moment, UTC).timestamp())


def happens_once(day: date, moment: time, zone: str) -> bool:
    """Say whether a wall-clock time exists on `day`, and only once."""
    local = datetime.combine(day, moment, ZoneInfo(zone))
    return local.utcoffset() == local.replace(fold=1).utcoffset()


def days_between(first: date, last: date) -> list[date]:
    """List the days from `first` to `last`, both included; none if `last` is earlier."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
