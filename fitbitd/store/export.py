"""Rows of one data type out of the index, for other programs.

Columns
    readings    time_utc, time_local (with its offset), field, value, unit, source, duration_s
    daily       day, field, value, unit, source
    snapshots   taken_at, key, content
    sessions    key, day, start_utc, start_local, end_utc, end_local, duration_s, then a column for
                each label and each number that occurs, then one stretch of the session: part_kind,
                part, part_start_utc, part_start_local, part_duration_s

In csv a session has a row for each of its parts (the stages of a night), with its own columns
repeated, and one row with empty part columns if it has none. In jsonl it is one object with
`labels`, `values` and a list of `parts`.
"""

import csv
import heapq
import io
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta, timezone
from enum import StrEnum

from fitbitd.model import DataType, Kind, Part, Session
from fitbitd.store.sessions import load_session
from fitbitd.store.windows import day_start_ms, from_ms

Row = Mapping[str, object]

_FIRST_DAY = date(1, 1, 2)  # every offset from UTC leaves it inside of what a date can be
_LAST_DAY = date(9999, 12, 30)
_DAY = timedelta(days=1)


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


def export_lines(
    db: sqlite3.Connection,
    data_type: DataType,
    form: Format,
    first: date | None = None,
    last: date | None = None,
) -> Iterator[str]:
    """Write a data type as text, line by line, each with its newline, in the order of time.

    Args:
        db: the index, opened for reading.
        data_type: its entry in the catalogue.
        form: csv has a first line with the names of the columns.
        first: the first civil day, all there is if None.
        last: the last civil day, which is included.
    """
    span = (max(first or _FIRST_DAY, _FIRST_DAY), min(last or _LAST_DAY, _LAST_DAY))
    if form is Format.JSONL:
        rows = _ROWS[data_type.kind](db, data_type, *span)
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if data_type.kind is Kind.SESSIONS:
        rows = _flat_sessions(db, data_type, *span)
        return _csv(_names_of_sessions(db, data_type), rows)
    return _csv(_COLUMNS[data_type.kind], _ROWS[data_type.kind](db, data_type, *span))


def _readings(
    db: sqlite3.Connection, data_type: DataType, first: date, last: date
) -> Iterator[Row]:
    """Merge the series by time: sorting a year of them would take the memory that a Pi has not."""
    series = db.execute(
        "SELECT id, field, unit, source, utc_offset_s FROM series WHERE data_type = ?"
        " ORDER BY field, source, utc_offset_s, ordinal",
        (data_type.name,),
    ).fetchall()
    merged = heapq.merge(
        *(_series_rows(db, place, row, first, last) for place, row in enumerate(series))
    )
    for instant, place, value, duration_ms in merged:
        _, field, unit, source, offset_s = series[place]
        yield {
            "time_utc": _utc(instant),
            "time_local": _local(instant, offset_s),
            "field": field,
            "value": value,
            "unit": unit,
            "source": source,
            "duration_s": None if duration_ms is None else _seconds(duration_ms),
        }


def _series_rows(
    db: sqlite3.Connection,
    place: int,
    series: tuple[int, str, str, str, int],
    first: date,
    last: date,
) -> Iterator[tuple[int, int, int | float, int | None]]:
    number, *_, offset_s = series
    rows = db.execute(
        "SELECT instant, value, duration_ms FROM reading"
        " WHERE series = ? AND instant >= ? AND instant < ? ORDER BY instant",
        (number, day_start_ms(first, offset_s), day_start_ms(last + _DAY, offset_s)),
    )
    return ((instant, place, value, duration_ms) for instant, value, duration_ms in rows)


def _dailies(db: sqlite3.Connection, data_type: DataType, first: date, last: date) -> Iterator[Row]:
    rows = db.execute(
        "SELECT day, field, value, coalesce(unit, ''), source FROM daily_values"
        " WHERE data_type = ? AND day BETWEEN ? AND ? ORDER BY day, field, source",
        (data_type.name, first.isoformat(), last.isoformat()),
    )
    return (dict(zip(_COLUMNS[Kind.DAILY], row, strict=True)) for row in rows)


def _snapshots(
    db: sqlite3.Connection, data_type: DataType, first: date, last: date
) -> Iterator[Row]:
    rows = db.execute(
        "SELECT taken_at, key, content FROM snapshot"
        " WHERE data_type = ? AND taken_at >= ? AND taken_at < ? ORDER BY taken_at, key",
        (data_type.name, day_start_ms(first, 0), day_start_ms(last + _DAY, 0)),
    )
    for taken_at, key, content in rows:
        yield {"taken_at": _utc(taken_at), "key": key, "content": content}


def _sessions(
    db: sqlite3.Connection, data_type: DataType, first: date, last: date
) -> Iterator[Row]:
    for session in _stored_sessions(db, data_type, first, last):
        yield {
            **_session_columns(session),
            "labels": dict(session.labels),
            "values": dict(session.values),
            "parts": [_part_columns(session, part) for part in session.parts],
        }


def _flat_sessions(
    db: sqlite3.Connection, data_type: DataType, first: date, last: date
) -> Iterator[Row]:
    for session in _stored_sessions(db, data_type, first, last):
        own = {**_session_columns(session), **dict(session.labels), **dict(session.values)}
        yield from ({**own, **_part_columns(session, part)} for part in session.parts)
        if not session.parts:
            yield own


def _stored_sessions(
    db: sqlite3.Connection, data_type: DataType, first: date, last: date
) -> Iterator[Session]:
    stored = db.execute(
        "SELECT id FROM session WHERE data_type = ? AND day BETWEEN ? AND ? ORDER BY start_ms, key",
        (data_type.name, first.isoformat(), last.isoformat()),
    ).fetchall()
    return (load_session(db, number) for (number,) in stored)


def _session_columns(session: Session) -> dict[str, object]:
    return {
        "key": session.key,
        "day": session.day.isoformat(),
        "start_utc": _utc(session.start_ms),
        "start_local": _local(session.start_ms, session.utc_offset_s),
        "end_utc": _utc(session.end_ms),
        "end_local": _local(session.end_ms, session.utc_offset_s),
        "duration_s": _seconds(session.end_ms - session.start_ms),
    }


def _part_columns(session: Session, part: Part) -> dict[str, object]:
    return {
        "part_kind": part.kind,
        "part": part.label,
        "part_start_utc": _utc(part.start_ms),
        "part_start_local": _local(part.start_ms, session.utc_offset_s),
        "part_duration_s": _seconds(part.duration_ms),
    }


_ROWS: dict[Kind, Callable[[sqlite3.Connection, DataType, date, date], Iterator[Row]]] = {
    Kind.READINGS: _readings,
    Kind.DAILY: _dailies,
    Kind.SNAPSHOT: _snapshots,
    Kind.SESSIONS: _sessions,
}
_COLUMNS = {
    Kind.READINGS: ["time_utc", "time_local", "field", "value", "unit", "source", "duration_s"],
    Kind.DAILY: ["day", "field", "value", "unit", "source"],
    Kind.SNAPSHOT: ["taken_at", "key", "content"],
}
_SESSION = ["key", "day", "start_utc", "start_local", "end_utc", "end_local", "duration_s"]
_PART = ["part_kind", "part", "part_start_utc", "part_start_local", "part_duration_s"]


def _names_of_sessions(db: sqlite3.Connection, data_type: DataType) -> list[str]:
    """Name the columns that a table of sessions needs: its own, what occurs, those of a part."""
    names = db.execute(
        "SELECT DISTINCT 0, name FROM session_label JOIN session ON id = session"
        " WHERE data_type = ?1"
        " UNION SELECT DISTINCT 1, name FROM session_value JOIN session ON id = session"
        " WHERE data_type = ?1 ORDER BY 1, 2",
        (data_type.name,),
    )
    return list(dict.fromkeys([*_SESSION, *(name for _, name in names), *_PART]))


def _csv(columns: list[str], rows: Iterable[Row]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    yield _taken(buffer)
    for row in rows:
        writer.writerow(row)
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _utc(instant: int) -> str:
    return from_ms(instant).isoformat().replace("+00:00", "Z")


def _local(instant: int, offset_s: int) -> str:
    return from_ms(instant).astimezone(timezone(timedelta(seconds=offset_s))).isoformat()


def _seconds(milliseconds: int) -> int | float:
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000
