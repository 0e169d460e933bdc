"""Corrections: what a pull changes on days that were settled before it.

A difference on a provisional day is ordinary late data; on a settled day, which somebody may have
drawn conclusions from, what stood there before is kept beside what stands there now.
"""

import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable

from fitbitd.model import DataType, Point, Pull, Session
from fitbitd.store.windows import (
    DAY_MS,
    day_number,
    day_text,
    ledger_days,
    session_day,
    shift_ms,
)

SeriesKey = tuple[str, str, int]
"""Field, source, UTC offset (seconds): all of a series but its ordinal."""

_INSERT = (
    "INSERT INTO correction (data_type, day, field, source, utc_offset_s, key, instant, old, new,"
    " pull, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVED = (
    "SELECT day, field, source, utc_offset_s, instant FROM correction"
    " WHERE id > ? AND instant IS NOT NULL"
    " GROUP BY field, source, utc_offset_s, instant HAVING count(*) > 1"
)


class Corrections:
    """The corrections of one pull; true where any day of its window is settled.

    Attributes:
        seen_at: when the reply was received that is being written (Unix milliseconds).
    """

    def __init__(
        self, db: sqlite3.Connection, data_type: DataType, pull: Pull, pull_id: int
    ) -> None:
        self.seen_at = 0
        self._db = db
        self._data_type = data_type
        self._axis = None if pull.window is None else pull.window.axis
        self._pull_id = pull_id
        self._days = _settled_days(db, data_type.name, pull)
        self._numbers = {day_number(day) for day in self._days}
        (self._before,) = db.execute("SELECT coalesce(max(id), 0) FROM correction").fetchone()

    def __bool__(self) -> bool:
        return bool(self._days)

    def changed(self, key: SeriesKey, stored: Iterable[Point], changed: Iterable[Point]) -> None:
        """Note readings that are about to be written over `stored`, or where nothing stood.

        Old and new are equal where only the length of an interval changed.
        """
        before = {instant: value for instant, value, _ in stored}
        for instant, value, _ in changed:
            self._reading(key, instant, before.get(instant), value)

    def withdrawn(self, key: SeriesKey, series: int, instants: Iterable[int]) -> None:
        """Note readings that are about to be deleted."""
        for instant in instants:
            (value,) = self._db.execute(
                "SELECT value FROM reading WHERE series = ? AND instant = ?", (series, instant)
            ).fetchone()
            self._reading(key, instant, value, None)

    def daily(
        self, field: str, source: str, day: str, old: float | None, new: float | None
    ) -> None:
        """Note a daily value that is about to change."""
        if day in self._days:
            self._insert(day, (field, source, None, "", None), old, new)

    def session(self, old: Session | None, new: Session | None) -> None:
        """Note a session that is about to change, on the day on which it stood, if that settled."""
        for session in (old, new):
            if session is not None and (day := self._day_of(session)) in self._days:
                self._insert(day, ("", "", None, session.key, None), _json(old), _json(new))
                return

    def drop_moves(self) -> None:
        """Take back what only moved between the ordinals of one instant, after the last page."""
        moved = self._db.execute(_MOVED, (self._before,)).fetchall() if self._days else []
        for day, *series, instant in moved:
            rows = self._db.execute(
                "DELETE FROM correction WHERE id > ? AND field = ? AND source = ?"
                " AND utc_offset_s = ? AND instant = ? RETURNING old, new",
                (self._before, *series, instant),
            ).fetchall()
            old = Counter(row[0] for row in rows if row[0] is not None)
            new = Counter(row[1] for row in rows if row[1] is not None)
            gone, come = sorted((old - new).elements()), sorted((new - old).elements())
            for pair in itertools.zip_longest(gone, come):
                self._insert(day, (*series, "", instant), *pair)

    def _reading(self, key: SeriesKey, instant: int, old: float | None, new: float | None) -> None:
        if self._axis is None:
            return
        number = (instant + shift_ms(self._axis, key[2])) // DAY_MS
        if number in self._numbers:
            self._insert(day_text(number), (*key, "", instant), old, new)

    def _day_of(self, session: Session) -> str:
        day = session.day.isoformat()
        return session_day(self._data_type, day, session.start_ms, session.end_ms)

    def _insert(self, day: str, what: tuple[object, ...], old: object, new: object) -> None:
        row = (self._data_type.name, day, *what, old, new, self._pull_id, self.seen_at)
        self._db.execute(_INSERT, row)


def _settled_days(db: sqlite3.Connection, data_type: str, pull: Pull) -> frozenset[str]:
    if pull.window is None:
        return frozenset()
    days = [day.isoformat() for day, _ in ledger_days(pull.window)]
    rows = db.execute(
        "SELECT day FROM coverage WHERE data_type = ? AND settled AND day BETWEEN ? AND ?",
        (data_type, days[0], days[-1]),
    )
    return frozenset(day for (day,) in rows)


def _json(session: Session | None) -> str | None:
    if session is None:
        return None
    said = {
        "day": session.day.isoformat(),
        "start_ms": session.start_ms,
        "end_ms": session.end_ms,
        "utc_offset_s": session.utc_offset_s,
        "values": dict(session.values),
        "labels": dict(session.labels),
        "parts": [
            [part.kind, part.label, part.start_ms, part.duration_ms] for part in session.parts
        ],
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True)
