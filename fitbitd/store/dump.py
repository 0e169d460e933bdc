"""The index as sorted text, by what things are and not by their row numbers: for comparing two."""

import itertools
import sqlite3
from collections.abc import Iterator

_READINGS = """
    SELECT instant, value, duration_ms FROM reading WHERE series = ? ORDER BY instant
"""
_HOURS = "SELECT hour, n, total, low, high FROM rollup_hour WHERE series = ? ORDER BY hour"
_DAYS = "SELECT day, n, total, low, high FROM rollup_day WHERE series = ? ORDER BY day"
_SERIES = """
    SELECT id, data_type, field, unit, source, utc_offset_s, ordinal, preference FROM series
    ORDER BY data_type, field, source, utc_offset_s, ordinal
"""
_SESSION = """
    SELECT s.data_type, s.key, s.day, s.start_ms, s.end_ms, s.utc_offset_s FROM session AS s
    ORDER BY s.data_type, s.key
"""
_SESSION_VALUE = """
    SELECT s.data_type, s.key, v.name, v.value
    FROM session AS s JOIN session_value AS v ON v.session = s.id
    ORDER BY s.data_type, s.key, v.name
"""
_SESSION_LABEL = """
    SELECT s.data_type, s.key, l.name, l.text
    FROM session AS s JOIN session_label AS l ON l.session = s.id
    ORDER BY s.data_type, s.key, l.name
"""
_SESSION_PART = """
    SELECT s.data_type, s.key, p.ordinal, p.kind, p.label, p.start_ms, p.duration_ms
    FROM session AS s JOIN session_part AS p ON p.session = s.id
    ORDER BY s.data_type, s.key, p.ordinal
"""
_DAILY = """
    SELECT data_type, field, source, day, value FROM daily
    ORDER BY data_type, field, source, day
"""
_SNAPSHOT = """
    SELECT data_type, key, taken_at, content, withdrawn_at FROM snapshot
    ORDER BY data_type, key, taken_at
"""
_COVERAGE = """
    SELECT data_type, day, settled, settled_by, whole, recheck, read_at, readings, synced_at
    FROM coverage
    ORDER BY data_type, day
"""
_ZONE = "SELECT since, name FROM zone ORDER BY since"
_DEVICE_SYNC = "SELECT device, synced_at, seen_at FROM device_sync ORDER BY device, synced_at"
_CORRECTION = """
    SELECT data_type, day, field, source, utc_offset_s, key, instant, old, new, pull, seen_at
    FROM correction
    ORDER BY data_type, day, pull, field, source, utc_offset_s, key, instant, old, new
"""
_UNREAD = """
    SELECT data_type, day, last_day, count, why, first_at, last_at FROM unread
    ORDER BY data_type, day
"""
_LESSON = "SELECT data_type, kind, value, learnt_at FROM lesson ORDER BY data_type, kind"
_FILE = """
    SELECT data_type, key, version, media_type, size_bytes, path, seq, taken_at FROM file
    ORDER BY data_type, key
"""
_TABLES = {
    "session": _SESSION,
    "session_value": _SESSION_VALUE,
    "session_label": _SESSION_LABEL,
    "session_part": _SESSION_PART,
    "daily": _DAILY,
    "snapshot": _SNAPSHOT,
    "coverage": _COVERAGE,
    "device_sync": _DEVICE_SYNC,
    "zone": _ZONE,
    "correction": _CORRECTION,
    "unread": _UNREAD,
    "lesson": _LESSON,
    "file": _FILE,
}
_OF_SERIES = {"reading": _READINGS, "rollup_hour": _HOURS, "rollup_day": _DAYS}


def canonical_dump(db: sqlite3.Connection) -> Iterator[str]:
    """Give a line for each row that the archive determines; equal indexes give equal lines."""
    for table, query in _TABLES.items():
        for row in db.execute(query):
            yield _text(table, row)
    for series, *identity in db.execute(_SERIES).fetchall():
        for table, query in _OF_SERIES.items():
            for row in db.execute(query, (series,)):
                yield _text(table, (*identity, *row))


def first_difference(one: sqlite3.Connection, other: sqlite3.Connection) -> tuple[str, str] | None:
    """Give the first lines in which two indexes differ, None if they are equal."""
    pairs = itertools.zip_longest(canonical_dump(one), canonical_dump(other), fillvalue="(nothing)")
    return next((pair for pair in pairs if pair[0] != pair[1]), None)


def _text(table: str, row: tuple[object, ...]) -> str:
    return "|".join((table, *map(repr, row)))
