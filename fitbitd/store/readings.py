"""Readings of one pull: what arrives is compared with what is stored, and differences are written.

Rewriting equal rows would cost a card hundreds of megabytes a day. Of a pull, one page is in memory
at a time, and eight bytes for each instant seen, by which what is gone is found at its end.
"""

import functools
import heapq
import itertools
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fitbitd.model import DataType, Kind, Point, Readings, Window
from fitbitd.store.corrections import Corrections, SeriesKey
from fitbitd.store.rollup import Touched
from fitbitd.store.windows import instants
from fitbitd.store.words import plain

_UPSERT = (
    "INSERT INTO reading (series, instant, value, duration_ms) VALUES {rows}"
    " ON CONFLICT DO UPDATE SET value = excluded.value, duration_ms = excluded.duration_ms"
)
_ROWS_AT_ONCE = 100  # a statement for many rows takes less than half the time; SQLite binds 999
_BETWEEN = (
    "SELECT instant, value, duration_ms FROM reading WHERE series = ? AND instant BETWEEN ? AND ?"
)

_Layer = dict[int, Point]


@dataclass(slots=True)
class _Seen:
    """The instants of one series that this pull gave: sorted runs, eight bytes an instant.

    Runs may interleave, but no instant is in two of them: what a page repeats is dropped before.
    """

    runs: list["array[int]"] = field(default_factory=list)

    def add(self, layer: _Layer) -> None:
        self.runs.append(array("q", sorted(layer)))

    def meets(self, first: int, last: int) -> bool:
        return any(run[0] <= last and first <= run[-1] for run in self.runs)

    def __contains__(self, instant: int) -> bool:
        for run in self.runs:
            place = bisect_left(run, instant)
            if place < len(run) and run[place] == instant:
                return True
        return False

    def __len__(self) -> int:
        return sum(len(run) for run in self.runs)


class ReadingsChange:
    """The readings of one data type in the window of one pull.

    Attributes:
        written: readings that are new or have another value.
        withdrawn: readings that were stored in the window and are gone.
        touched: the rollups that must be made again.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        data_type: DataType,
        window: Window,
        corrections: Corrections,
    ) -> None:
        self.written = 0
        self.withdrawn = 0
        self.touched = Touched()
        self._corrections = corrections
        self._db = db
        self._data_type = data_type
        self._in_sessions = data_type.kind is Kind.SESSIONS  # which a window selects, not these
        self._window = window
        self._units = {known.name: known.unit for known in data_type.fields}
        self._seen: dict[int, _Seen] = {}

    def add(self, readings: Readings) -> None:
        """Write what differs of some readings; points outside of the window are left out."""
        key = (plain(readings.field), plain(readings.source), readings.utc_offset_s)
        first, end = instants(self._window, readings.utc_offset_s)
        points = readings.points
        layer = {point[0]: point for point in points}
        if layer and not self._in_sessions and (min(layer) < first or max(layer) >= end):
            points = [point for point in points if first <= point[0] < end]
            layer = {point[0]: point for point in points}
        if len(layer) == len(points) and not self._meets_an_earlier_page(key, layer):
            layers = [layer]
        else:
            layers = self._layers(key, points)
        for ordinal, one in enumerate(layers):
            if one:
                self._compare(self._series(key, ordinal, readings.preference), key, one)

    def withdraw(self) -> None:
        """Remove what is stored in the window and was not seen, after the last page."""
        for series, name, source, offset_s in self._all_series():
            first, end = instants(self._window, offset_s)
            if self._in_sessions:
                first = max(first, self._end_of_session_before(first))
            seen = self._seen.get(series)
            if self._unchanged(series, first, end, seen):
                continue
            gone = array("q", self._gone(series, first, end, seen))
            if self._corrections:
                self._corrections.withdrawn((name, source, offset_s), series, gone)
            self._db.executemany(
                "DELETE FROM reading WHERE series = ? AND instant = ?",
                zip(itertools.repeat(series), gone),
            )
            self.withdrawn += len(gone)
            self.touched.add(series, offset_s, gone)

    def _end_of_session_before(self, first: int) -> int:
        """Give the end of the sessions that began before the window and reach into it."""
        (end,) = self._db.execute(
            "SELECT coalesce(max(end_ms) + 1, ?2) FROM session"
            " WHERE data_type = ?1 AND start_ms < ?2 AND end_ms >= ?2",
            (self._data_type.name, first),
        ).fetchone()
        return int(end)

    def _layers(self, key: SeriesKey, points: list[Point]) -> list[_Layer]:
        """Spread points over series so that each has one value at an instant.

        An equal repeat is dropped; a different value goes to the series with the next ordinal.
        """
        layers: list[_Layer] = []
        for point in points:
            for ordinal in itertools.count():
                if ordinal == len(layers):
                    layers.append({})
                known = layers[ordinal].get(point[0]) or self._earlier(key, ordinal, point[0])
                if known is None:
                    layers[ordinal][point[0]] = point
                if known is None or known == point:
                    break
        return layers

    def _meets_an_earlier_page(self, key: SeriesKey, layer: _Layer) -> bool:
        series = self._find_series(key, 0)
        seen = None if series is None else self._seen.get(series)
        return bool(layer and seen) and seen is not None and seen.meets(min(layer), max(layer))

    def _earlier(self, key: SeriesKey, ordinal: int, instant: int) -> Point | None:
        """Give the point that an earlier page of this pull gave for `instant`."""
        series = self._find_series(key, ordinal)
        if series is None or series not in self._seen or instant not in self._seen[series]:
            return None
        row: Point | None = self._db.execute(_BETWEEN, (series, instant, instant)).fetchone()
        return row

    def _compare(self, series: int, key: SeriesKey, layer: _Layer) -> None:
        stored = set(self._db.execute(_BETWEEN, (series, min(layer), max(layer))))
        changed = list(layer.values())
        if stored:
            changed = [point for point in changed if point not in stored]
        if changed:
            if self._corrections:
                self._corrections.changed(key, stored, changed)
            _write(self._db, series, changed)
            self.written += len(changed)
            self.touched.add(series, key[2], (point[0] for point in changed))
        self._seen.setdefault(series, _Seen()).add(layer)

    def _unchanged(self, series: int, first: int, end: int, seen: _Seen | None) -> bool:
        """Say by counting, which is cheap, that all that is stored was seen."""
        (stored,) = self._db.execute(
            "SELECT count(*) FROM reading WHERE series = ? AND instant >= ? AND instant < ?",
            (series, first, end),
        ).fetchone()
        if seen is None:
            return bool(stored == 0)
        return bool(stored == len(seen))  # all that was seen is stored, and each instant once

    def _gone(self, series: int, first: int, end: int, seen: _Seen | None) -> Iterator[int]:
        stored = self._db.execute(
            "SELECT instant FROM reading WHERE series = ? AND instant >= ? AND instant < ?"
            " ORDER BY instant",
            (series, first, end),
        )
        return _missing((row[0] for row in stored), heapq.merge(*(seen.runs if seen else ())))

    def _all_series(self) -> list[tuple[int, str, str, int]]:
        return self._db.execute(
            "SELECT id, field, source, utc_offset_s FROM series WHERE data_type = ? ORDER BY id",
            (self._data_type.name,),
        ).fetchall()

    def _find_series(self, key: SeriesKey, ordinal: int) -> int | None:
        row = self._db.execute(
            "SELECT id FROM series WHERE data_type = ? AND field = ? AND source = ?"
            " AND utc_offset_s = ? AND ordinal = ?",
            (self._data_type.name, *key, ordinal),
        ).fetchone()
        return None if row is None else row[0]

    def _series(self, key: SeriesKey, ordinal: int, preference: int) -> int:
        found = self._find_series(key, ordinal)
        if found is not None:
            self._db.execute(
                "UPDATE series SET preference = ?2 WHERE id = ?1 AND preference <> ?2",
                (found, preference),
            )
            return found
        made = self._db.execute(
            "INSERT INTO series (data_type, field, source, utc_offset_s, ordinal, unit, preference)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (self._data_type.name, *key, ordinal, self._units.get(key[0], ""), preference),
        ).fetchone()
        return int(made[0])


def _write(db: sqlite3.Connection, series: int, points: list[Point]) -> None:
    for start in range(0, len(points), _ROWS_AT_ONCE):
        rows = points[start : start + _ROWS_AT_ONCE]
        db.execute(_upsert(len(rows)), (series, *itertools.chain.from_iterable(rows)))


@functools.cache
def _upsert(count: int) -> str:
    return _UPSERT.format(rows=", ".join(["(?1, ?, ?, ?)"] * count))


def _missing(stored: Iterable[int], seen: Iterator[int]) -> Iterator[int]:
    """Give what is in the sorted `stored` and not in the sorted `seen`."""
    latest = next(seen, None)
    for instant in stored:
        while latest is not None and latest < instant:
            latest = next(seen, None)
        if latest != instant:
            yield instant
