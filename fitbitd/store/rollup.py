"""Rollups: count, sum, least and greatest per hour and civil day, made again where data changed."""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from fitbitd.model import Axis
from fitbitd.store.windows import DAY_MS, day_text, shift_ms

_HOUR_MS = 3_600_000

# Rows are written only where they differ: each changed page is paid for by the card.
_MAKE = """
    INSERT INTO {table} (series, {key}, n, total, low, high)
    SELECT series, ?, count(*), sum(value), min(value), max(value)
    FROM reading WHERE series = ? AND instant >= ? AND instant < ? GROUP BY series
    ON CONFLICT DO UPDATE
    SET n = excluded.n, total = excluded.total, low = excluded.low, high = excluded.high
    WHERE (n, total, low, high) <> (excluded.n, excluded.total, excluded.low, excluded.high)
"""
_DROP = """
    DELETE FROM {table} WHERE {key} = ? AND series = ?
    AND NOT EXISTS (SELECT 1 FROM reading WHERE series = ? AND instant >= ? AND instant < ?)
"""


@dataclass(slots=True)
class Touched:
    """The hours, by series and its offset from UTC, in which readings changed."""

    hours: dict[tuple[int, int], set[int]] = field(default_factory=dict)

    def add(self, series: int, utc_offset_s: int, instants: Iterable[int]) -> None:
        """Note that readings changed at `instants`."""
        hours = self.hours.setdefault((series, utc_offset_s), set())
        ordered = sorted(instants)
        place = 0
        while place < len(ordered):  # from hour to hour, past the many instants of each
            hour = ordered[place] // _HOUR_MS
            hours.add(hour)
            place = bisect_left(ordered, (hour + 1) * _HOUR_MS, place)

    def days(self, axis: Axis) -> set[str]:
        """Give the days of the ledger in which these hours lie."""
        numbers = set()
        for (_, utc_offset_s), hours in self.hours.items():
            numbers |= _days_of(hours, shift_ms(axis, utc_offset_s))
        return {day_text(number) for number in numbers}


def remake(db: sqlite3.Connection, touched: Touched) -> None:
    """Compute the touched hours and days again from their readings."""
    for (series, utc_offset_s), hours in sorted(touched.hours.items()):
        shift = utc_offset_s * 1000
        of_hours = [
            (hour * _HOUR_MS, series, hour * _HOUR_MS, (hour + 1) * _HOUR_MS)
            for hour in sorted(hours)
        ]
        of_days = [
            (day_text(day), series, day * DAY_MS - shift, (day + 1) * DAY_MS - shift)
            for day in sorted(_days_of(hours, shift))
        ]
        _remake_rows(db, "rollup_hour", "hour", of_hours)
        _remake_rows(db, "rollup_day", "day", of_days)


def _remake_rows(
    db: sqlite3.Connection, table: str, key: str, rows: Iterable[tuple[int | str, int, int, int]]
) -> None:
    """Make rollups again; a row is the key, the series and the half-open instants it spans."""
    rows = list(rows)
    db.executemany(_MAKE.format(table=table, key=key), rows)
    db.executemany(
        _DROP.format(table=table, key=key),
        ((key_value, series, series, first, end) for key_value, series, first, end in rows),
    )


def _days_of(hours: Iterable[int], shift: int) -> set[int]:
    return {
        (edge + shift) // DAY_MS  # at an odd offset, an hour can lie in two days
        for hour in hours
        for edge in (hour * _HOUR_MS, (hour + 1) * _HOUR_MS - 1)
    }
