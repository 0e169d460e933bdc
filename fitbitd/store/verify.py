"""Checking the archive against itself, and the index against the archive."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fitbitd.errors import TransientError
from fitbitd.model import DataType, DataTypeName
from fitbitd.store import disk, lines
from fitbitd.store.apply import Read, apply_archive
from fitbitd.store.dump import first_difference
from fitbitd.store.index import INDEX_NAME, Index
from fitbitd.store.lessons import Learn, learn_nothing
from fitbitd.store.members import NO_LINE, Damage, Member, read_archive

_ATTEMPTS = 5  # a running daemon may be ahead of us again by the time we have caught up


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        code: `archive_damaged`, `archive_gap`, `index_damaged`, `index_behind`, `index_differs`.
        path: the file.
        offset: the byte in it, None where there is none to name.
        words: what it means and what to do.
    """

    code: str
    path: Path
    offset: int | None
    words: str


def verify(account_dir: Path, db: sqlite3.Connection) -> Iterator[Finding]:
    """Read every line of the archive, and see whether the index stands where the archive ends.

    Takes no lock: what a daemon is writing at this moment is no finding.

    Args:
        account_dir: the account.
        db: its index, opened for reading.
    """
    known = {
        account_dir / path: size
        for path, size in db.execute("SELECT path, synced_bytes FROM archive_file")
    }
    for path, synced_bytes in known.items():
        size = path.stat().st_size if path.exists() else 0
        if size < synced_bytes:
            yield _lost(path, size, synced_bytes)
    walk = _Walk(known)
    for found in read_archive(account_dir, {}):
        yield from walk.damage(found) if isinstance(found, Damage) else walk.member(found)
    yield from _check_index(account_dir / INDEX_NAME, db, walk.last_end)


def compare(  # noqa: PLR0913 - what it takes to make an index, and the one to compare it with
    account_dir: Path,
    db: sqlite3.Connection,
    read: Read,
    catalogue: Mapping[DataTypeName, DataType],
    scratch: Path,
    *,
    learn: Learn = learn_nothing,
) -> Iterator[Finding]:
    """See whether an index that is made anew in the folder `scratch` equals the live one.

    Raises:
        TransientError: the live one was ahead of the archive each time, so nothing was compared.
    """
    live = account_dir / INDEX_NAME
    index = Index(scratch, catalogue)
    index.account_dir = account_dir  # it reads that archive, and lies elsewhere
    try:
        for _ in range(_ATTEMPTS):
            for _ in apply_archive(index, read, catalogue, learn=learn):
                pass
            db.execute("BEGIN")
            try:
                if _applied(db) <= index.applied_seq:
                    yield from _differences(live, db, index)
                    return
            finally:
                db.execute("COMMIT")
        raise TransientError(
            f"{live} was ahead of its archive each time that the two were to be compared.\n"
            "Nothing was compared, and nothing was changed.\n"
            "Next: try again while less is collected. If it stays so, the archive has lost its"
            " end: put a backup of it in place",
            code="index_behind",
        )
    finally:
        index.close()


@dataclass(slots=True)
class _Walk:
    """What is known half-way through the archive."""

    known: Mapping[Path, int]
    last_seq: int | None = None
    last_end: int = field(default=0)

    def damage(self, found: Damage) -> Iterator[Finding]:
        if found.tail and found.start >= self.known.get(found.path, 0):
            return  # under way, or torn by a stop: the lock's holder repairs it
        yield Finding(
            "archive_damaged",
            found.path,
            found.start,
            f"{found.end - found.start} bytes cannot be read. What was collected in them is asked"
            " again only if it is missing from the index; they are left as they are. If you have"
            " a backup, put its copy of this file in place and run fitbitd rebuild.",
        )

    def member(self, found: Member) -> Iterator[Finding]:
        try:
            for line in found.lines():
                yield from self._line(found, line)
        except NO_LINE as err:
            words = f"not a line as fitbitd writes them ({type(err).__name__})"
            yield Finding("archive_damaged", found.path, found.start, words)
            self.last_seq = found.last_seq

    def _line(self, member: Member, line: lines.Line) -> Iterator[Finding]:
        seq = int(line["seq"])
        if self.last_seq is not None and seq != self.last_seq + 1:
            yield Finding(
                "archive_gap",
                member.path,
                member.start,
                f"line {seq} follows line {self.last_seq}: lines between them are missing or"
                " stand twice.",
            )
        self.last_seq = seq
        if line["kind"] == "reply":
            lines.body_of(line)
        if line["kind"] == "pass_end":
            self.last_end = seq


def _check_index(path: Path, db: sqlite3.Connection, last_end: int) -> Iterator[Finding]:
    with disk.telling(path):
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    rebuild = f"Next: fitbitd rebuild {path.parent.name}"
    if verdict != "ok":
        yield Finding("index_damaged", path, None, f"{verdict}. {rebuild}")
    applied = _applied(db)
    if applied < last_end:
        yield Finding(
            "index_behind",
            path,
            None,
            f"the index holds the archive up to line {applied}, which goes to line {last_end}."
            " A running daemon catches up by itself; pull does as well.",
        )


def _differences(live: Path, db: sqlite3.Connection, made: Index) -> Iterator[Finding]:
    difference = first_difference(db, made.db)
    if difference is not None:
        stored, wanted = (line.split("|")[0:3] for line in difference)
        yield Finding(
            "index_differs",
            live,
            None,
            f"a row of {' '.join(stored)} is not what the archive says ({' '.join(wanted)})."
            f" Next: fitbitd rebuild {live.parent.name}",
        )


def _lost(path: Path, size: int, synced_bytes: int) -> Finding:
    return Finding(
        "archive_damaged",
        path,
        size,
        f"the file ends after {size} bytes, but {synced_bytes} were written and synced. The index"
        " still holds what was in them; a rebuild would lose it. If you have a backup, put its"
        " copy of this file in place.",
    )


def _applied(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM meta WHERE key = 'applied_seq'").fetchone()
    return 0 if row is None else int(row[0])
