"""Rolled-up windows, each made once and kept for as long as nothing in it changes.

A client that polls asks for the same days again and again: only those that a sync or an order has
touched since are summed up anew.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta

from fitbitd.simulator.google_health.capabilities import DataType
from fitbitd.simulator.google_health.data import Life
from fitbitd.simulator.google_health.lists import belongs
from fitbitd.simulator.google_health.messages import RollUpRequest
from fitbitd.simulator.google_health.rollups import Value, value_of, windows_of
from fitbitd.simulator.measured import Point

_DAY_MS = 86_400_000
_ZONES_MS = 15 * 3_600_000
"""No wall clock is further from UTC."""
_MOST_KEPT = 100_000

Rows = dict[tuple[int, int], Value]
"""Values by start and end, the newest first; what holds nothing is not there."""
_Key = tuple[str, bool, int, int]


class Rolled:
    """The windows of one life."""

    def __init__(self, life: Life, since: datetime) -> None:
        self._life = life
        self._since = since
        self._kept: dict[_Key, tuple[Hashable, Value | None]] = {}

    def rows(
        self, data_type: DataType, asked: RollUpRequest, now: datetime, family: str, *, civil: bool
    ) -> Rows:
        """Sum up what an answer tells, window by window.

        Args:
            family: the sources that count.
            civil: windows are on the wall clock of the points.
        """
        version = self._life.version(data_type.id, now) if family == "all-sources" else None
        if version is None:
            return self._made(data_type, asked.start_ms, asked, (now, family), civil=civil)
        found: dict[tuple[int, int], Value | None] = {}
        seals: dict[tuple[int, int], Hashable] = {}
        for start_ms in range(asked.start_ms, asked.end_ms, asked.window_ms):
            span = start_ms, min(start_ms + asked.window_ms, asked.end_ms)
            seals[span] = version(span[0] - 2 * _DAY_MS, span[1] + _DAY_MS)
            seal, value = self._kept.get((data_type.id, civil, *span), (None, None))
            if seal == seals[span]:
                found[span] = value
        missing = [span for span in seals if span not in found]
        if missing:
            made = self._made(data_type, missing[0][0], asked, (now, family), civil=civil)
            if len(self._kept) > _MOST_KEPT:
                self._kept.clear()
            for span in missing:
                found[span] = made.get(span)
                self._kept[data_type.id, civil, *span] = seals[span], found[span]
        newest_first = sorted(found.items(), reverse=True)
        return {span: value for span, value in newest_first if value is not None}

    def _made(
        self,
        data_type: DataType,
        start_ms: int,
        asked: RollUpRequest,
        circumstances: tuple[datetime, str],
        *,
        civil: bool,
    ) -> Rows:
        """Sum up the windows from `start_ms` on."""
        margin_ms = _ZONES_MS if civil else 0
        points = self._points(
            data_type.id, start_ms - margin_ms, asked.end_ms + margin_ms, *circumstances
        )
        windows = windows_of(
            data_type.id,
            points,
            (start_ms, asked.end_ms),
            asked.window_ms,
            _wall_clock if civil else _instant,
        )
        return {
            (window.start_ms, window.end_ms): value_of(data_type.id, window) for window in windows
        }

    def _points(
        self, type_id: str, start_ms: int, end_ms: int, now: datetime, family: str
    ) -> list[Point]:
        latest = int((now + timedelta(days=2)).timestamp() * 1000)
        earliest = int((self._since - timedelta(days=2)).timestamp() * 1000)
        begin, end = max(start_ms - _DAY_MS, earliest), min(end_ms, latest)
        if begin >= end:
            return []
        points = self._life.merged(type_id, begin, end, now)
        return [point for point in points if belongs(point.source, family)]


def _instant(point: Point) -> int:
    return point.start_ms


def _wall_clock(point: Point) -> int:
    return point.start_ms + point.start_offset_s * 1000
