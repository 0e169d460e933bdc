"""Making the index again from the archive: beside the live one, then into it in one transaction."""

import sqlite3
from collections.abc import Collection, Generator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from fitbitd import __version__
from fitbitd.clock import GoOn, always
from fitbitd.errors import OperatorError
from fitbitd.model import DataType, DataTypeName
from fitbitd.store import disk
from fitbitd.store.apply import Applied, Read, apply_archive
from fitbitd.store.index import INDEX_NAME, PAGE_BYTES, Index
from fitbitd.store.lessons import Learn, learn_nothing
from fitbitd.store.superseded import Superseded, SupersededError

SIDE_NAME = f"{INDEX_NAME}.rebuild"

COPIED_PAGES = 16
"""At a time: for so many a stop waits, even on a card that hardly writes any more."""


def rebuild(
    account_dir: Path,
    read: Read,
    catalogue: Mapping[DataTypeName, DataType],
    learn: Learn = learn_nothing,
    go_on: GoOn = always,
) -> Generator[Applied, None, None]:
    """Make the index again, step by step; the live one changes after the last step, at once.

    The first steps only look for what need not be read.

    The caller holds the account's lock and applies nothing between the last step and the end. Its
    own connection may stay open: readers go on seeing the old rows until the new ones are all
    there, which a rename under them would not give. What was interrupted is continued by the next
    call of the same program, and begun anew by another one.

    Args:
        go_on: called within the steps, and in the copying after the last one.

    Raises:
        OperatorError: what the disk refuses; the live index is as it was.
        UnwantedError: what `go_on` raises; the same holds.
    """
    while True:
        index = _open_side(account_dir, catalogue)
        try:
            superseded, stands_at = Superseded(catalogue, _read_all(index)), index.applied_seq
            for _ in superseded.look_through(account_dir):
                go_on()
                yield Applied(stands_at)
            apply = partial(apply_archive, index, read, catalogue, learn=learn, go_on=go_on)
            yield from apply(superseded=superseded)
            # What is collected between two steps is applied as well; after the last there is none.
            while (step := next(apply(), None)) is not None:
                yield step
            _copy(index.db, account_dir / INDEX_NAME, go_on)
        except SupersededError as err:
            _begin_anew(index, catalogue, {*_read_all(index), err.data_type}).close()
            continue
        finally:
            index.close()
        _remove(index.path)
        return


def _open_side(account_dir: Path, catalogue: Mapping[DataTypeName, DataType]) -> Index:
    try:
        index = Index(account_dir, catalogue, SIDE_NAME)
    except OperatorError as err:
        if err.code not in {"index_damaged", "index_newer"}:
            raise
        _remove(account_dir / SIDE_NAME)
        index = Index(account_dir, catalogue, SIDE_NAME)
    with disk.telling(index.path):
        begun = index.db.execute("SELECT value FROM meta WHERE key = 'rebuilt_by'").fetchone()
    return index if begun == (__version__,) else _begin_anew(index, catalogue)


def _begin_anew(
    index: Index,
    catalogue: Mapping[DataTypeName, DataType],
    read_all: Collection[DataTypeName] = (),
) -> Index:
    """Put an empty side file in the place of one; note the data types of which all is read."""
    index.close()
    _remove(index.path)
    empty = Index(index.account_dir, catalogue, SIDE_NAME)
    notes = [("rebuilt_by", __version__), ("read_all", " ".join(sorted(read_all)))]
    with empty.transaction():
        empty.db.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", notes)
    return empty


def _read_all(index: Index) -> list[DataTypeName]:
    rows = index.db.execute("SELECT value FROM meta WHERE key = 'read_all'")
    return [DataTypeName(name) for (names,) in rows for name in names.split()]


def _copy(made: sqlite3.Connection, live: Path, go_on: GoOn) -> None:
    """Have `live` hold what was made; one that SQLite cannot even open is replaced."""
    try:
        _copy_into(made, live, go_on)
    except OperatorError as err:
        if err.code != "index_damaged":
            raise
        _remove(live)
        _copy_into(made, live, go_on)


def _copy_into(made: sqlite3.Connection, live: Path, go_on: GoOn) -> None:
    with disk.telling(live):
        disk.create(live, disk.INDEX_FILE_MODE)
        disk.check_database(live)
        with closing(sqlite3.connect(live, isolation_level=None)) as target:
            target.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file
            target.execute("PRAGMA journal_mode = WAL")  # so that readers do not stand in the way
            target.execute("PRAGMA synchronous = NORMAL")
            target.execute(f"PRAGMA cache_size = {COPIED_PAGES}")  # else all is written at the end
            # What ends it before its last page takes all of it back.
            made.backup(target, pages=COPIED_PAGES, progress=lambda *_: go_on())
            target.execute("PRAGMA wal_checkpoint(PASSIVE)")  # waits for no reader


def _remove(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    with disk.telling(path):
        for file in disk.database_files(path):
            file.unlink(missing_ok=True)
