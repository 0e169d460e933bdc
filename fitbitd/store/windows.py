"""Times as the index keeps them, and what a window means in them. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)


def to_ms(at: datetime) -> int:
    """Turn an aware datetime into Unix milliseconds."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(instant: int) -> datetime:
    """Turn Unix milliseconds into an aware UTC datetime."""
    return _EPOCH + instant * _MILLISECOND


def maybe_ms(at: datetime | None) -> int | None:
    """Turn what may be a datetime into what may be milliseconds."""
    return None if at is None else to_ms(at)


def maybe_from_ms(instant: int | None) -> datetime | None:
    """Turn what may be milliseconds into what may be a datetime."""
    return None if instant is None else from_ms(instant)


def day_start_ms(day: date, utc_offset_s: int) -> int:
    """Give the instant at which `day` begins at a fixed offset from UTC."""
    return to_ms(datetime.combine(day, time(), UTC)) - utc_offset_s * 1000


def instants(window: Window, utc_offset_s: int) -> tuple[int, int]:
    """Give the half-open instants that a window selects among readings at one offset from UTC."""
    if window.axis is Axis.INSTANT:
        return to_ms(window.start), to_ms(window.end)
    shift = utc_offset_s * 1000
    return (
        to_ms(window.start.replace(tzinfo=UTC)) - shift,
        to_ms(window.end.replace(tzinfo=UTC)) - shift,
    )


def civil_days(window: Window, zone: str) -> Iterator[tuple[date, bool]]:
    """Give the civil days that a window touches, and whether it covers each as a whole."""
    start, end = (_civil(at, zone) for at in (window.start, window.end))
    midnight = datetime.combine(start.date(), time())
    while midnight < end:
        yield midnight.date(), start <= midnight and midnight + _DAY <= end
        midnight += _DAY


def civil_day(at: datetime, zone: str) -> date:
    """Give the day that it is at `at` for a wearer in `zone`."""
    return _civil(at, zone).date()


def _civil(at: datetime, zone: str) -> datetime:
    return at if at.tzinfo is None else at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
