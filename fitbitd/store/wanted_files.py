"""Files of sessions: which are stored, and which are missing or of an earlier version."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from fitbitd.model import DataType, File
from fitbitd.store.windows import to_ms
from fitbitd.store.words import plain

ITEM = "item:"
"""Before the item of a pull, in the place of a refused day."""

MOST_REFUSALS = 4
"""After so many refusals, the file of one version of a session is not asked for again."""

FILE_TYPES = "file_types"
"""The single value (see meta) that holds, as JSON, whose sessions have files: {files: sessions}."""

_LISTED = 50

# A session's version is what the provider says of its last change, else its end.
_WANTED = """
    SELECT w.item FROM (
        SELECT s.key, s.start_ms, CAST(coalesce(l.text, s.end_ms) AS TEXT) AS version,
            s.key || '@' || coalesce(l.text, s.end_ms) AS item
        FROM session AS s
        LEFT JOIN session_label AS l ON l.session = s.id AND l.name = 'update_time'
        WHERE s.data_type = :of
    ) AS w
    LEFT JOIN file AS f ON f.data_type = :data_type AND f.key = w.key
    LEFT JOIN refusal AS r ON r.data_type = :data_type AND r.day = :prefix || w.item
    WHERE f.version IS NOT w.version
    AND (r.count IS NULL OR (r.count < :most AND (r.next_at <= :now OR r.next_at > :unbelieved)))
    ORDER BY w.start_ms DESC, w.key LIMIT :listed
"""


class Place(NamedTuple):
    """Where a reply stands: its file, relative to the account's folder, and its line's number."""

    path: str
    seq: int


def write_files(
    db: sqlite3.Connection,
    data_type: DataType,
    found: Iterable[File],
    place: Place,
    taken_at: datetime,
) -> int:
    """Note files and where their bytes are; give how many."""
    written = 0
    for file in found:
        key = plain(file.key)
        forget(db, [data_type.name], key)
        db.execute(
            "INSERT INTO file (data_type, key, version, media_type, size_bytes, path, seq,"
            " taken_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                data_type.name,
                key,
                plain(file.version),
                plain(file.media_type),
                file.size_bytes,
                *place,
                to_ms(taken_at),
            ),
        )
        written += 1
    return written


def forget(db: sqlite3.Connection, types_of_files: Sequence[str], key: str) -> None:
    """Forget the file of a session, and that it was refused, whatever the version."""
    item = f"{ITEM}{key}@"
    for data_type in types_of_files:
        db.execute("DELETE FROM file WHERE data_type = ? AND key = ?", (data_type, key))
        db.execute(
            "DELETE FROM refusal WHERE data_type = ? AND substr(day, 1, ?) = ?",
            (data_type, len(item), item),
        )


def file_types(db: sqlite3.Connection) -> dict[str, str]:
    """Give by the data type of files that of the sessions whose they are."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (FILE_TYPES,)).fetchone()
    return {} if row is None else dict(json.loads(row[0]))


def files_wanted(
    db: sqlite3.Connection, data_type: str, of: str, now: datetime, unbelieved: datetime
) -> tuple[str, ...]:
    """Give the sessions of `of` whose file is missing, newest first, as `key@version`.

    Args:
        data_type: the files'.
        of: the sessions'.
        now: refusals that wait until later hold a file back.
        unbelieved: what waits until after it was noted by a clock that was ahead.
    """
    rows = db.execute(
        _WANTED,
        {
            "data_type": data_type,
            "of": of,
            "prefix": ITEM,
            "most": MOST_REFUSALS,
            "now": to_ms(now),
            "unbelieved": to_ms(unbelieved),
            "listed": _LISTED,
        },
    )
    return tuple(item for (item,) in rows)
