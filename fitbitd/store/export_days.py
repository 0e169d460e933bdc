"""The ledger of one data type, day by day, to stand beside its rows: what is there, and how surely.

Columns
    day             as the data type is read: the wearer's civil day, or of UTC where it is read
                    by instants
    data_type
    state           absent (no read of it is known), not_offered (absent, and the provider refuses
                    the data type), provisional (it may still change), settled (final)
    settled_by      sync (a device sync later than its end proves it complete) or age (it may change
                    no more); empty while provisional
    whole           1 if it was read from midnight to midnight, 0 if in parts only
    readings        how many are stored; 0 on a settled day: there are none
    read_at_utc     the last complete read
    synced_at_utc   the newest device sync that read rests on
    reason          why a day that is not settled could not be read, as a code

Of an account that continues another one there is a last column `provider`; it is empty on absent
days, and a day that both have read can have a row of each.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta

from fitbitd.store.doubts import WHOLE_TYPE
from fitbitd.store.export import Export, Format, Row, csv_lines
from fitbitd.store.gaps import read_evidence

_COLUMNS = (
    *("day", "data_type", "state", "settled_by", "whole", "readings"),
    *("read_at_utc", "synced_at_utc", "reason"),
)
_STORED = """
    SELECT day, state, settled_by, whole, readings, read_at_utc, synced_at_utc, {provider}
    FROM coverage_days WHERE data_type = ? AND day BETWEEN ? AND ? ORDER BY day, {provider}
"""
_SPAN = """
    SELECT coalesce(min(day) FILTER (WHERE data_type = ?), min(day)), max(day) FROM coverage_days
"""
_DAY = timedelta(days=1)


def coverage_lines(db: sqlite3.Connection, asked: Export, form: Format) -> Iterator[str]:
    """Write the days of a data type as text, line by line, each with its newline.

    They go from the first that was ever read, or asked for, to the newest of which anything of the
    account is known; none is left out.

    Args:
        db: the index, opened for reading.
        asked: which data type, and which days.
        form: csv has a first line with the names of the columns.
    """
    rows = _rows(db, asked)
    if form is Format.JSONL:
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return csv_lines([*_COLUMNS, *(["provider"] if asked.joined else [])], rows)


def _rows(db: sqlite3.Connection, asked: Export) -> Iterator[Row]:
    name = asked.data_type.name
    known_first, known_last = db.execute(_SPAN, (name,)).fetchone()
    if known_last is None:
        return
    first, last = asked.days[0] if asked.first else known_first, min(asked.days[1], known_last)
    reasons = _reasons(db, name)
    provider = "provider" if asked.joined else "NULL"
    stored = db.execute(_STORED.format(provider=provider), (name, first, last))
    names = (*_COLUMNS[:1], *_COLUMNS[2:-1], "provider")
    row = next(stored, None)
    for day in _days(first, last):
        why = reasons.get(day, reasons.get(WHOLE_TYPE))
        if row is None or row[0] != day:
            state = "not_offered" if WHOLE_TYPE in reasons else "absent"
            yield _row(asked, {"day": day, "state": state, "whole": 0, "readings": 0}, why)
        while row is not None and row[0] == day:
            told = dict(zip(names, row, strict=True))
            yield _row(asked, told, None if told["state"] == "settled" else why)
            row = next(stored, None)


def _row(asked: Export, told: dict[str, object], reason: str | None) -> Row:
    told |= {"data_type": asked.data_type.name, "reason": reason}
    columns = _COLUMNS if asked.joined is None else (*_COLUMNS, "provider")
    return {column: told.get(column) for column in columns}


def _reasons(db: sqlite3.Connection, data_type: str) -> dict[str, str]:
    """Give by day why it could not be read; under `WHOLE_TYPE` why none can."""
    evidence = read_evidence(db)
    found = {}
    for gap in (*evidence.refused, *evidence.doubted):
        if gap.data_type == data_type:
            days = _days(str(gap.first), str(gap.last)) if gap.first else [WHOLE_TYPE]
            found.update(dict.fromkeys(days, gap.detail or gap.lack.value))
    return found


def _days(first: str, last: str) -> Iterator[str]:
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day.isoformat()
        day += _DAY
