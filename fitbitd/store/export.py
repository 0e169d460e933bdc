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

Of an account that continues another one, readings, daily values and sessions have a last column
`provider`.
"""

import csv
import heapq
import io
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, timedelta, timezone
from enum import StrEnum

from fitbitd.model import DataType, Kind, Part, Session
from fitbitd.store.continuation import in_later_words
from fitbitd.store.sessions import load_session
from fitbitd.store.windows import day_start_ms, from_ms

Row = Mapping[str, object]

_FIRST_DAY = date(1, 1, 2)  # every offset from UTC leaves it inside of what a date can be
_LAST_DAY = date(9999, 12, 29)
_DAY = timedelta(days=1)


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Joined:
    """The account that an exported one continues; the views of its index show both already.

    Attributes:
        earlier: the index of the account before, opened on its own.
        providers: of the exported account, and of the one before.
    """

    earlier: sqlite3.Connection
    providers: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written.

    Attributes:
        first, last: civil days, both included; all there is if None.
        preferred: of several sources at one instant, only the one to be preferred.
        joined: set where the account continues another one; every row then names its provider.
    """

    data_type: DataType
    first: date | None = None
    last: date | None = None
    _: KW_ONLY
    preferred: bool = False
    joined: Joined | None = None

    @property
    def span(self) -> tuple[date, date]:
        """Give the first and the last day, none of them too near to the ends of the calendar."""
        return max(self.first or _FIRST_DAY, _FIRST_DAY), min(self.last or _LAST_DAY, _LAST_DAY)

    @property
    def days(self) -> tuple[str, str]:
        """Give the same as the index writes them."""
        first, last = self.span
        return first.isoformat(), last.isoformat()


def export_lines(db: sqlite3.Connection, asked: Export, form: Format) -> Iterator[str]:
    """Write a data type as text, line by line, each with its newline, in the order of time.

    Args:
        db: the index, opened for reading.
        asked: which data type, and how much of it.
        form: csv has a first line with the names of the columns.
    """
    kind = asked.data_type.kind
    if form is Format.JSONL:
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in _ROWS[kind](db, asked))
    provider = ["provider"] if asked.joined and kind is not Kind.SNAPSHOT else []
    if kind is Kind.SESSIONS:
        return csv_lines([*_names_of_sessions(db, asked), *provider], _flat_sessions(db, asked))
    return csv_lines([*_COLUMNS[kind], *provider], _ROWS[kind](db, asked))


def _readings(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    """Go day by day: sorting a year of them would take the memory that a Pi has not."""
    view = "preferred_readings" if asked.preferred else "readings"
    provider = "provider" if asked.joined else "NULL"
    query = (
        "SELECT instant, utc_offset_s, field, value, unit, source, duration_s,"  # noqa: S608 - names of ours
        f" {provider} FROM {view} WHERE data_type = ? AND instant >= ? AND instant < ?"
        " AND date(instant / 1000 + utc_offset_s, 'unixepoch') BETWEEN ? AND ?"
        " ORDER BY instant, field, source, utc_offset_s, ordinal"
    )
    for day in _utc_days(db, asked):
        begin, end = day_start_ms(day, 0), day_start_ms(day + _DAY, 0)
        for instant, offset_s, *told, duration_s, named in db.execute(
            query, (asked.data_type.name, begin, end, *asked.days)
        ):
            yield {
                "time_utc": _utc(instant),
                "time_local": _local(instant, offset_s),
                **dict(zip(_OF_READING, told, strict=True)),
                "duration_s": None if duration_s is None else _seconds(round(duration_s * 1000)),
                **({"provider": named} if asked.joined else {}),
            }


def _utc_days(db: sqlite3.Connection, asked: Export) -> list[date]:
    """Give the days of UTC in which the readings of the asked civil days can lie."""
    rows = db.execute(
        "SELECT DISTINCT day FROM days WHERE data_type = ? AND day BETWEEN ? AND ?",
        (asked.data_type.name, *asked.days),
    )
    civil = [date.fromisoformat(day) for (day,) in rows]
    return sorted({day + shift for day in civil for shift in (-_DAY, timedelta(0), _DAY)})


def _dailies(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    columns = [*_COLUMNS[Kind.DAILY], *(["provider"] if asked.joined else [])]
    rows = db.execute(
        "SELECT day, field, value, coalesce(unit, ''), source,"  # noqa: S608 - a name of ours
        f" {'provider' if asked.joined else 'NULL'} FROM daily_values"
        " WHERE data_type = ? AND day BETWEEN ? AND ? ORDER BY day, field, source",
        (asked.data_type.name, *asked.days),
    )
    return (dict(zip(columns, row, strict=False)) for row in rows)


def _snapshots(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    first, last = asked.span
    rows = db.execute(
        "SELECT taken_at, key, content FROM snapshot"
        " WHERE data_type = ? AND taken_at >= ? AND taken_at < ? ORDER BY taken_at, key",
        (asked.data_type.name, day_start_ms(first, 0), day_start_ms(last + _DAY, 0)),
    )
    for taken_at, key, content in rows:
        yield {"taken_at": _utc(taken_at), "key": key, "content": content}


def _sessions(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    for session, provider in _stored_sessions(db, asked):
        yield {
            **_session_columns(session),
            "labels": dict(session.labels),
            "values": dict(session.values),
            "parts": [_part_columns(session, part) for part in session.parts],
            **provider,
        }


def _flat_sessions(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    for session, provider in _stored_sessions(db, asked):
        texts, numbers = dict(session.labels), dict(session.values)
        own = {**_session_columns(session), **texts, **numbers, **provider}
        yield from ({**own, **_part_columns(session, part)} for part in session.parts)
        if not session.parts:
            yield own


def _stored_sessions(
    db: sqlite3.Connection, asked: Export
) -> Iterator[tuple[Session, dict[str, str]]]:
    """Give the sessions by their beginning, and the provider of each where there are two."""
    joined = asked.joined
    mine = _beginnings(db, asked)
    if joined is None:
        yield from ((load_session(db, stored), {}) for *_, stored in mine)
        return
    half, held = (
        {day for (day,) in db.execute(f"SELECT day FROM temp.{table} WHERE data_type = ?", told)}  # noqa: S608 - names of ours
        for told in [(asked.data_type.name,)]
        for table in ("half_day", "held_day")
    )
    mine = [row for row in mine if row[2] not in half]
    theirs = [row for row in _beginnings(joined.earlier, asked) if row[2] not in held]
    sides = ((db, mine), (joined.earlier, theirs))
    by_time = heapq.merge(*([(*row, side) for row in rows] for side, (_, rows) in enumerate(sides)))
    for *_, stored, side in by_time:
        session = load_session(sides[side][0], stored)
        told_by = {"provider": joined.providers[side]}
        yield (_reworded(session) if side else session), told_by


def _reworded(session: Session) -> Session:
    """Give a session of the account before as the one that goes on would have called it."""
    return replace(
        session,
        values=tuple((in_later_words(name), value) for name, value in session.values),
        parts=tuple(
            replace(part, kind=in_later_words(part.kind), label=in_later_words(part.label))
            for part in session.parts
        ),
    )


def _beginnings(db: sqlite3.Connection, asked: Export) -> list[tuple[int, str, str, int]]:
    return db.execute(
        "SELECT start_ms, key, day, id FROM session WHERE data_type = ? AND day BETWEEN ? AND ?"
        " ORDER BY start_ms, key",
        (asked.data_type.name, *asked.days),
    ).fetchall()


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


_ROWS: dict[Kind, Callable[[sqlite3.Connection, Export], Iterator[Row]]] = {
    Kind.READINGS: _readings,
    Kind.DAILY: _dailies,
    Kind.SNAPSHOT: _snapshots,
    Kind.SESSIONS: _sessions,
}
_OF_READING = ["field", "value", "unit", "source"]
_COLUMNS = {
    Kind.READINGS: ["time_utc", "time_local", *_OF_READING, "duration_s"],
    Kind.DAILY: ["day", "field", "value", "unit", "source"],
    Kind.SNAPSHOT: ["taken_at", "key", "content"],
}
_SESSION = ["key", "day", "start_utc", "start_local", "end_utc", "end_local", "duration_s"]
_PART = ["part_kind", "part", "part_start_utc", "part_start_local", "part_duration_s"]


def _names_of_sessions(db: sqlite3.Connection, asked: Export) -> list[str]:
    """Name the columns that a table of sessions needs: its own, what occurs, those of a part."""
    names: set[tuple[int, str]] = set()
    for one in (db, asked.joined.earlier) if asked.joined else (db,):
        found = one.execute(
            "SELECT DISTINCT 0, name FROM session_label JOIN session ON id = session"
            " WHERE data_type = ?1"
            " UNION SELECT DISTINCT 1, name FROM session_value JOIN session ON id = session"
            " WHERE data_type = ?1",
            (asked.data_type.name,),
        )
        names.update((kind, name if one is db else in_later_words(name)) for kind, name in found)
    return list(dict.fromkeys([*_SESSION, *(name for _, name in sorted(names)), *_PART]))


def csv_lines(columns: list[str], rows: Iterable[Row]) -> Iterator[str]:
    """Write rows as CSV, line by line; the first has the names of the columns."""
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
