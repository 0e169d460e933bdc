"""Times as the index keeps them, and what a window means in them. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, Member, Pull, Window

DAY_MS = 86_400_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date()
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


def day_text(number: int) -> str:
    """Name the day that is so many days after the first of 1970."""
    return (_EPOCH_DAY + timedelta(days=number)).isoformat()


def day_number(text: str) -> int:
    """Count the days from the first of 1970 to a named one."""
    return (date.fromisoformat(text) - _EPOCH_DAY).days


def day_start_ms(day: date, utc_offset_s: int) -> int:
    """Give the instant at which `day` begins at a fixed offset from UTC."""
    return to_ms(datetime.combine(day, time(), UTC)) - utc_offset_s * 1000


def instants(window: Window, utc_offset_s: int) -> tuple[int, int]:
    """Give the half-open instants that a window selects among readings at one offset from UTC."""
    shift = shift_ms(window.axis, utc_offset_s)
    return (
        to_ms(window.start.replace(tzinfo=window.start.tzinfo or UTC)) - shift,
        to_ms(window.end.replace(tzinfo=window.end.tzinfo or UTC)) - shift,
    )


def shift_ms(axis: Axis, utc_offset_s: int) -> int:
    """Say how far the ledger's days are from UTC days for readings at one offset from UTC."""
    return 0 if axis is Axis.INSTANT else utc_offset_s * 1000


def ledger_days(window: Window) -> Iterator[tuple[date, bool]]:
    """Give the days of the ledger that a window touches, and whether it covers each as a whole.

    They are UTC days on the instant axis: no zone, clock change or journey leaves a gap in them.
    """
    start, end = (_naive(at) for at in (window.start, window.end))
    midnight = datetime.combine(start.date(), time())
    while midnight < end:
        yield midnight.date(), start <= midnight and midnight + _DAY <= end
        midnight += _DAY


def ledger_zone(pull: Pull) -> str:
    """Give the zone whose midnights part the days of the ledger for a pull."""
    on_instants = pull.window is not None and pull.window.axis is Axis.INSTANT
    return "UTC" if on_instants else pull.zone


def session_day(data_type: DataType, day: str, start_ms: int, end_ms: int) -> str:
    """Give the day of the ledger of a session whose civil day, beginning and end are given."""
    if data_type.axis is not Axis.INSTANT:
        return day
    return day_text((end_ms if data_type.member is Member.END else start_ms) // DAY_MS)


def civil_day(at: datetime, zone: str) -> date:
    """Give the day that it is at `at` for a wearer in `zone`."""
    return at.astimezone(ZoneInfo(zone)).date()


def _naive(at: datetime) -> datetime:
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
