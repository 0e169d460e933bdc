"""The files of sessions (the tracks of workouts), read back out of the archive to the byte."""

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from fitbitd.errors import OperatorError
from fitbitd.model import DataType
from fitbitd.store.lines import body_of
from fitbitd.store.members import Member, read_file
from fitbitd.store.windows import maybe_from_ms

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a session, and where in the archive it is.

    Attributes:
        key: the session's.
        begins: when the session begins (aware UTC); None if it is no longer there.
        path: the archive's file, from the account's folder.
        seq: the line of it whose body it is.
    """

    key: str
    begins: datetime | None
    media_type: str
    path: str
    seq: int


def stored_files(
    db: sqlite3.Connection, data_type: DataType, first: date | None, last: date | None
) -> list[StoredFile]:
    """Give the files of sessions of the days `first` to `last`, as they lie in the archive.

    Files of a session that was withdrawn belong to no day: they come where no day is asked for.
    """
    rows = db.execute(
        "SELECT f.key, s.start_ms, f.media_type, f.path, f.seq"
        " FROM file AS f LEFT JOIN session AS s ON s.data_type = ? AND s.key = f.key"
        " WHERE f.data_type = ? AND (? IS NULL OR s.day >= ?) AND (? IS NULL OR s.day <= ?)"
        " ORDER BY f.path, f.seq",
        (data_type.file_of, data_type.name, *(_text(first),) * 2, *(_text(last),) * 2),
    )
    return [StoredFile(key, maybe_from_ms(begins), *rest) for key, begins, *rest in rows]


def read_files(
    account_dir: Path, wanted: Iterable[StoredFile]
) -> Iterator[tuple[StoredFile, bytes]]:
    """Read files, given as they lie in the archive; each of its own files is gone through once.

    Raises:
        OperatorError: the archive no longer holds one of them.
    """
    for name, group in itertools.groupby(wanted, lambda file: file.path):
        path = account_dir / name
        waiting = list(group)
        for member in read_file(path) if path.exists() else ():
            if not isinstance(member, Member):
                continue
            while waiting and waiting[0].seq <= member.last_seq:
                if waiting[0].seq < member.first_seq:
                    raise _missing(path, waiting[0])
                yield from _of_member(member, waiting)
        if waiting:
            raise _missing(path, waiting[0])


def _of_member(member: Member, waiting: list[StoredFile]) -> Iterator[tuple[StoredFile, bytes]]:
    """Read what one member holds of the files that wait, and take them from the line."""
    for line in member.lines():
        if waiting and line["seq"] == waiting[0].seq:
            file = waiting.pop(0)
            yield file, _content(file, body_of(line))


def _content(file: StoredFile, body: bytes) -> bytes:
    """Give the bytes of the file itself; as JSON it is the first text of an object."""
    if file.media_type.partition(";")[0].strip().lower() != _JSON:
        return body
    texts = (value for value in json.loads(body).values() if isinstance(value, str))
    return next(texts, "").encode()


def _missing(path: Path, file: StoredFile) -> OperatorError:
    return OperatorError(
        f"{path} does not hold line {file.seq}, the file of {file.key}.\n"
        "What was written before is whole.\n"
        "Next: fitbitd verify names what is wrong with the archive; put a backup of it in place",
        code="archive_damaged",
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
