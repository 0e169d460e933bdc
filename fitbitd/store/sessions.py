"""Sessions, daily values and snapshots of one pull, written where they differ."""

import itertools
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from fitbitd.model import Axis, Daily, DataType, Member, Part, Session, Snapshot, Window
from fitbitd.store import wanted_files
from fitbitd.store.corrections import Corrections
from fitbitd.store.windows import DAY_MS, instants, session_day
from fitbitd.store.words import plain

_SESSIONS_BY = {
    Member.START: "SELECT id, key, day, start_ms, end_ms FROM session"
    " WHERE data_type = ? AND start_ms >= ? AND start_ms < ?",
    Member.END: "SELECT id, key, day, start_ms, end_ms FROM session"
    " WHERE data_type = ? AND end_ms >= ? AND end_ms < ?",
}
_DailyKey = tuple[str, str, str]  # field, source, day


class Stored(NamedTuple):
    """A session in the index: its row, the provider's key, its day of the ledger as text."""

    id: int
    key: str
    day: str


class SessionsChange:
    """The sessions of one data type in the window of one pull.

    Attributes:
        written, withdrawn: how many differed from what was stored, and how many are gone.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        data_type: DataType,
        window: Window,
        corrections: Corrections,
        file_types: Sequence[str] = (),
    ) -> None:
        self.written = 0
        self.withdrawn = 0
        self._corrections = corrections
        self._file_types = file_types
        self._db = db
        self._data_type = data_type
        self._window = window
        self._seen: set[str] = set()

    def add(self, session: Session) -> None:
        """Write a session if it is new or differs in anything."""
        session = _cleaned(session)
        self._seen.add(session.key)
        row = self._db.execute(
            "SELECT id FROM session WHERE data_type = ? AND key = ?",
            (self._data_type.name, session.key),
        ).fetchone()
        stood = None if row is None else load_session(self._db, row[0])
        if stood == session:
            return
        if self._corrections:
            self._corrections.session(stood, session)
        if row is not None:
            self._delete(row[0])
        _insert(self._db, self._data_type.name, session)
        self.written += 1

    def withdraw(self) -> None:
        """Remove what is stored in the window and was not seen, after the last page."""
        for stored in sessions_in(self._db, self._data_type, self._window):
            if stored.key not in self._seen:
                if self._corrections:
                    self._corrections.session(load_session(self._db, stored.id), None)
                self._delete(stored.id)
                wanted_files.forget(self._db, self._file_types, stored.key)
                self.withdrawn += 1

    def _delete(self, session: int) -> None:
        self._db.execute("DELETE FROM session WHERE id = ?", (session,))  # its parts follow


def sessions_in(db: sqlite3.Connection, data_type: DataType, window: Window) -> list[Stored]:
    """Give the sessions that a window selects: by their beginning or end, or by their day."""
    if window.axis is Axis.INSTANT:
        rows = db.execute(_SESSIONS_BY[data_type.member], (data_type.name, *instants(window, 0)))
    else:
        rows = db.execute(
            "SELECT id, key, day, start_ms, end_ms FROM session"
            " WHERE data_type = ? AND day BETWEEN ? AND ?",
            (data_type.name, *_days(window)),
        )
    return [Stored(row[0], row[1], session_day(data_type, *row[2:])) for row in rows]


def load_session(db: sqlite3.Connection, stored: int) -> Session:
    """Read a session back whole; its values and labels in the order of their names."""
    key, day, start_ms, end_ms, utc_offset_s = db.execute(
        "SELECT key, day, start_ms, end_ms, utc_offset_s FROM session WHERE id = ?", (stored,)
    ).fetchone()
    values = db.execute(
        "SELECT name, value FROM session_value WHERE session = ? ORDER BY name", (stored,)
    )
    labels = db.execute(
        "SELECT name, text FROM session_label WHERE session = ? ORDER BY name", (stored,)
    )
    parts = db.execute(
        "SELECT kind, label, start_ms, duration_ms FROM session_part WHERE session = ?"
        " ORDER BY ordinal",
        (stored,),
    )
    return Session(
        key=key,
        day=date.fromisoformat(day),
        start_ms=start_ms,
        end_ms=end_ms,
        utc_offset_s=utc_offset_s,
        values=tuple(values),
        labels=tuple(labels),
        parts=tuple(Part(*row) for row in parts),
    )


def _insert(db: sqlite3.Connection, data_type: str, session: Session) -> None:
    (stored,) = db.execute(
        "INSERT INTO session (data_type, key, day, start_ms, end_ms, utc_offset_s)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            data_type,
            session.key,
            session.day.isoformat(),
            session.start_ms,
            session.end_ms,
            session.utc_offset_s,
        ),
    ).fetchone()
    db.executemany(
        "INSERT INTO session_value (session, name, value) VALUES (?, ?, ?)",
        ((stored, name, value) for name, value in session.values),
    )
    db.executemany(
        "INSERT INTO session_label (session, name, text) VALUES (?, ?, ?)",
        ((stored, name, text) for name, text in session.labels),
    )
    db.executemany(
        "INSERT INTO session_part (session, ordinal, kind, label, start_ms, duration_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            (stored, ordinal, part.kind, part.label, part.start_ms, part.duration_ms)
            for ordinal, part in enumerate(session.parts)
        ),
    )


def _cleaned(session: Session) -> Session:
    """Give a session as it reads back from the index."""
    return Session(
        key=plain(session.key),
        day=session.day,
        start_ms=session.start_ms,
        end_ms=session.end_ms,
        utc_offset_s=session.utc_offset_s,
        values=tuple(sorted((plain(name), value) for name, value in session.values)),
        labels=tuple(sorted((plain(name), plain(text)) for name, text in session.labels)),
        parts=tuple(
            Part(plain(part.kind), plain(part.label), part.start_ms, part.duration_ms)
            for part in session.parts
        ),
    )


class DailiesChange:
    """The daily values of one data type in the window of one pull.

    Where a provider gives two different values for one day, the second has a source of its own:
    `<source> #2`.

    Attributes:
        written, withdrawn: how many differed from what was stored, and how many are gone.
    """

    def __init__(
        self, db: sqlite3.Connection, data_type: str, window: Window, corrections: Corrections
    ) -> None:
        self.written = 0
        self.withdrawn = 0
        self._db = db
        self._data_type = data_type
        self._window = window
        self._corrections = corrections
        self._seen: dict[_DailyKey, float] = {}

    def add(self, daily: Daily) -> None:
        """Write a daily value if it is new or another one."""
        key = self._free_key(daily)
        self._seen[key] = daily.value
        if self._corrections and (stood := self._stored(key)) != daily.value:
            self._corrections.daily(*key, stood, daily.value)
        self.written += self._db.execute(
            "INSERT INTO daily (data_type, field, source, day, value) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            (self._data_type, *key, daily.value),
        ).rowcount

    def withdraw(self) -> None:
        """Remove what is stored in the window and was not seen, after the last page."""
        for key in dailies_in(self._db, self._data_type, self._window):
            if key not in self._seen:
                if self._corrections:
                    self._corrections.daily(*key, self._stored(key), None)
                self._db.execute(
                    "DELETE FROM daily"
                    " WHERE data_type = ? AND field = ? AND source = ? AND day = ?",
                    (self._data_type, *key),
                )
                self.withdrawn += 1

    def _free_key(self, daily: Daily) -> _DailyKey:
        """Give the key under which no other value of that day came with this pull."""
        field, source, day = plain(daily.field), plain(daily.source), daily.day.isoformat()
        key = (field, source, day)
        for number in itertools.count(2):
            if self._seen.get(key, daily.value) == daily.value:
                break
            key = (field, f"{source} #{number}".strip(), day)
        return key

    def _stored(self, key: _DailyKey) -> float | None:
        row = self._db.execute(
            "SELECT value FROM daily WHERE data_type = ? AND field = ? AND source = ? AND day = ?",
            (self._data_type, *key),
        ).fetchone()
        return None if row is None else row[0]


def dailies_in(db: sqlite3.Connection, data_type: str, window: Window) -> list[_DailyKey]:
    """Give field, source and day of the daily values that a window selects."""
    return db.execute(
        "SELECT field, source, day FROM daily WHERE data_type = ? AND day BETWEEN ? AND ?",
        (data_type, *_days(window)),
    ).fetchall()


def write_snapshots(
    db: sqlite3.Connection, data_type: str, snapshots: Iterable[Snapshot], taken_at: int
) -> int:
    """Note how things stand; give how many differ from how they stood before.

    Only the last state of a day (UTC) is kept: a device's entry changes with every sync, and the
    archive has them all.
    """
    written = 0
    for snapshot in snapshots:
        key, content = plain(snapshot.key), plain(snapshot.content)
        newest = db.execute(
            "SELECT content, withdrawn_at FROM snapshot WHERE data_type = ? AND key = ?"
            " ORDER BY taken_at DESC LIMIT 1",
            (data_type, key),
        ).fetchone()
        if newest is not None:
            stood, withdrawn_at = newest
            if stood == content and withdrawn_at is None:
                continue
        # Also what a clock that ran ahead dated later: the last reply is the newest.
        db.execute(
            "DELETE FROM snapshot WHERE data_type = ? AND key = ? AND taken_at >= ?",
            (data_type, key, taken_at - taken_at % DAY_MS),
        )
        db.execute(
            "INSERT INTO snapshot (data_type, key, taken_at, content) VALUES (?, ?, ?, ?)",
            (data_type, key, taken_at, content),
        )
        written += 1
    return written


def withdraw_snapshots(
    db: sqlite3.Connection, data_type: str, seen: set[str], withdrawn_at: int
) -> int:
    """Note since when things are no longer listed, after the last page; give how many."""
    newest = db.execute(
        "SELECT key, max(taken_at), withdrawn_at FROM snapshot WHERE data_type = ? GROUP BY key",
        (data_type,),
    ).fetchall()
    gone = [
        (withdrawn_at, data_type, key, taken_at)
        for key, taken_at, since in newest
        if key not in seen and since is None
    ]
    db.executemany(
        "UPDATE snapshot SET withdrawn_at = ? WHERE data_type = ? AND key = ? AND taken_at = ?",
        gone,
    )
    return len(gone)


def _days(window: Window) -> tuple[str, str]:
    """Give the first and the last day of a window."""
    *_, last = window.days()
    return window.start.date().isoformat(), last.isoformat()
