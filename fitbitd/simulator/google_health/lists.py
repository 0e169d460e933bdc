"""Points of a list, newest first, made piece by piece: a page costs no more than it holds."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter

from fitbitd.simulator.google_health.capabilities import NO_FAMILY, DataType, Kind
from fitbitd.simulator.google_health.data import Life
from fitbitd.simulator.google_health.errors import invalid_family
from fitbitd.simulator.google_health.filters import Wanted
from fitbitd.simulator.google_health.paging import Cursor
from fitbitd.simulator.measured import Point, Source

_DAY_MS = 86_400_000
_EAST_MS, _WEST_MS = 15 * 3_600_000, 13 * 3_600_000
"""No wall clock is further ahead of UTC, or further behind it."""
_MANY = 1000
"""After a piece with fewer points, the next one is twice as long."""

FAMILIES = ("all-sources", "google-wearables", "google-sources", "self-sources")


def family_of(text: str, user_id: str) -> str:
    """Read the name of a family of data sources; "" is all of them.

    Raises:
        RefusalError: 400 for anything but a full name.
    """
    if not text:
        return "all-sources"
    for user in ("me", user_id):
        name = text.removeprefix(f"users/{user}/dataSourceFamilies/")
        if name != text and name in FAMILIES:
            return name
    raise invalid_family()


def belongs(source: Source, family: str) -> bool:
    """Say whether a source is in a family; this client never wrote anything."""
    manual = source.recording_method == "MANUAL"
    match family:
        case "google-wearables":
            return source.platform == "FITBIT" and not manual
        case "google-sources":
            return source.platform in {"FITBIT", "HEALTH_CONNECT"}
        case "self-sources":
            return False
        case _:
            return True


def can_be_narrowed(data_type: DataType) -> bool:
    """Say whether the list of a data type takes a family of sources."""
    return data_type.id not in NO_FAMILY


def key_of(data_type: DataType, wanted: Wanted) -> Callable[[Point], int]:
    """Give the time of a point that a filter compares, in milliseconds."""
    if data_type.kind is Kind.DAILY:
        return _date_ms
    by_end, civil = data_type.id == "sleep", wanted.base == "civil"

    def key(point: Point) -> int:
        if by_end:
            return point.end_ms + (point.end_offset_s * 1000 if civil else 0)
        return point.start_ms + (point.start_offset_s * 1000 if civil else 0)

    return key


def newest_first(  # noqa: PLR0913 - one question with its circumstances
    life: Life,
    data_type: DataType,
    wanted: Wanted,
    lived: tuple[datetime, datetime],
    cursor: Cursor | None,
    *,
    merged: bool,
) -> Iterator[tuple[int, Point]]:
    """Give the wanted points with their keys, from the cursor on.

    Args:
        lived: when the account began, and now: nothing is asked for outside.
        merged: one authoritative stream instead of every source.
    """
    key = key_of(data_type, wanted)
    since, now = lived
    begin = max(wanted.start, _ms(since) - 2 * _DAY_MS)
    end = min(wanted.end, _ms(now) + 2 * _DAY_MS)
    if cursor is not None:
        end = min(end, cursor.key_ms + 1)
    ask = _question(life, data_type, now, civil=wanted.base == "civil", merged=merged)
    piece_ms = _DAY_MS
    while begin < end:
        start = max(begin, (end - piece_ms) // _DAY_MS * _DAY_MS)
        keyed = [(key(point), point) for point in ask(start, end)]
        inside = [pair for pair in keyed if start <= pair[0] < end]
        if len(wanted.spans) > 1:
            inside = [pair for pair in inside if wanted.holds(pair[0])]
        inside.sort(key=itemgetter(0))
        yield from reversed(inside)
        if len(inside) < _MANY:
            piece_ms *= 2
        end = start


def _question(
    life: Life, data_type: DataType, now: datetime, *, civil: bool, merged: bool
) -> Callable[[int, int], list[Point]]:
    if data_type.kind is Kind.DAILY:
        return lambda start, end: life.dailies(data_type.id, _date(start), _date(end - 1), now)
    told = life.merged if merged else life.points
    if not civil:
        return lambda start, end: told(data_type.id, start, end, now)
    return lambda start, end: told(data_type.id, start - _EAST_MS, end + _WEST_MS, now)


def _date_ms(point: Point) -> int:
    if point.day is None:
        raise ValueError("a daily point without a day")
    return (point.day - date(1970, 1, 1)) // timedelta(days=1) * _DAY_MS


def _date(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
