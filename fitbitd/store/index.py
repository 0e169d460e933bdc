"""The index of one account: a SQLite file made from the archive, opened, versioned and closed.

It is applied one transaction per pull with `synchronous=NORMAL`: it may lose its newest
transactions to a power cut, never its consistency, and the archive, which is synced before, gives
them back.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from importlib import resources
from pathlib import Path

from fitbitd.errors import OperatorError
from fitbitd.model import DataType, DataTypeName
from fitbitd.plan.ledger import Ledger
from fitbitd.store import disk
from fitbitd.store.ledger import read_ledger
from fitbitd.store.members import Damage
from fitbitd.store.wanted_files import FILE_TYPES, file_types

INDEX_NAME = "index.sqlite"
SCHEMA_VERSION = 4

PAGE_BYTES = 2048
"""Half of SQLite's own: a pull changes a row here and there, and each costs the card its page.

An index keeps it for life, and a rebuild is copied only into one that has the same.
"""

_BUSY_S = 5.0
_PRAGMAS = f"""
    PRAGMA page_size = {PAGE_BYTES};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 8388608;
"""


class Index:
    """The writer's side of an index; only the holder of the account's lock opens it.

    Attributes:
        db: its connection. Any thread may use it, one at a time.
        path: its file.
    """

    def __init__(
        self,
        account_dir: Path,
        catalogue: Mapping[DataTypeName, DataType],
        name: str = INDEX_NAME,
    ) -> None:
        """Open the index, or make an empty one.

        Raises:
            OperatorError: `index_newer`, `index_damaged`, or what the disk refuses.
        """
        self.path = account_dir / name
        self.account_dir = account_dir
        disk.make_folder(account_dir, disk.ACCOUNT_FOLDER_MODE)
        with disk.telling(self.path):
            disk.create(self.path, disk.INDEX_FILE_MODE)
            disk.check_database(self.path)
            self.db = sqlite3.connect(
                self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(self.db, self.path, catalogue)
            except BaseException:
                self.db.close()
                raise

    @property
    def applied_seq(self) -> int:
        """Give the last number of the archive that is in the index."""
        return self._number("applied_seq")

    def ledger(self, now: datetime) -> Ledger:
        """Give all that the planner is told about the account."""
        with disk.telling(self.path):
            return read_ledger(self.db, now)

    def known(self) -> dict[Path, int]:
        """Give up to where each file of the archive is synced and applied."""
        rows = self.db.execute("SELECT path, synced_bytes FROM archive_file")
        return {self.account_dir / path: size for path, size in rows}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have all that is written inside happen, or nothing of it."""
        with disk.telling(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def name(self, path: Path) -> str:
        """Name a file of the account as the index does: relative to the account's folder."""
        return path.relative_to(self.account_dir).as_posix()

    def mark_applied(self, path: Path, end: int, last_seq: int) -> None:
        """Note, inside the transaction that applied it, that a file is in the index up to `end`."""
        self.db.execute(
            "INSERT OR REPLACE INTO archive_file (path, synced_bytes, last_seq) VALUES (?, ?, ?)",
            (self.name(path), end, last_seq),
        )
        self._set_number("applied_seq", last_seq)

    def begin_applying(self, seq: int) -> int:
        """Note, before the deed, which number is about to be applied; say how often it was.

        A reply that kills the process each time it is read would kill it for ever: this is how
        the next process knows.
        """
        with self.transaction():
            tries = 1
            if self._number("applying_seq") == seq:
                tries += self._number("applying_tries")
            self._set_number("applying_seq", seq)
            self._set_number("applying_tries", tries)
        return tries

    def excuse_applying(self) -> None:
        """Do not count the last try: it was not the reply that ended it."""
        with suppress(sqlite3.Error):
            self._set_number("applying_tries", self._number("applying_tries") - 1)

    def note_damage(self, damage: Damage) -> None:
        """Remember a stretch of the archive that cannot be read."""
        self.db.execute(
            "INSERT OR REPLACE INTO damage (path, start_byte, end_byte) VALUES (?, ?, ?)",
            (self.name(damage.path), damage.start, damage.end),
        )

    def note_missing(self, path: Path, size: int) -> None:
        """Remember that a file of the archive lost its end, and read on from where it ends now."""
        with self.transaction():
            self.note_damage(Damage(path, size, self.known()[path], tail=True))
            self.db.execute(
                "UPDATE archive_file SET synced_bytes = ? WHERE path = ?", (size, self.name(path))
            )

    def close(self) -> None:
        """Leave one plain file, which readers of the group can open while nobody writes.

        With a reader connected, the write-ahead log has to stay.
        """
        with suppress(sqlite3.Error):
            self.db.execute("PRAGMA busy_timeout = 0")
            # Without a log, NORMAL may leave a journal of which only the beginning is on the disk,
            # and what the next process rolls back from that is no database.
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute("PRAGMA journal_mode = DELETE")
        self.db.close()

    def _number(self, key: str) -> int:
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return 0 if row is None else int(row[0])

    def _set_number(self, key: str, value: int) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def open_reader(account_dir: Path, name: str = INDEX_NAME) -> sqlite3.Connection:
    """Open an index for reading: without a lock, and never seeing half a pull.

    Raises:
        OperatorError: there is none, it is of a newer program, or what the disk refuses.
    """
    path = account_dir / name
    with disk.telling(path):
        if not path.exists():
            raise _missing(path)
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _refuse_older(_check_version(db, path), path)
        except BaseException:
            db.close()
            raise
    return db


def _missing(path: Path) -> OperatorError:
    name = path.parent.name
    if (path.parent / "archive").is_dir():
        words = "nothing is lost, for it is made from the archive.\nNext: fitbitd rebuild"
        return OperatorError(f"{name} has no index ({path}): {words} {name}", code="index_missing")
    return OperatorError(
        f"{name} has no index yet ({path}): nothing was collected.\n"
        "Next: fitbitd run, or fitbitd pull",
        code="index_missing",
    )


def _prepare(
    db: sqlite3.Connection, path: Path, catalogue: Mapping[DataTypeName, DataType]
) -> None:
    version = _check_version(db, path)
    for statement in filter(str.strip, _PRAGMAS.split(";")):
        db.execute(statement)
    for number in range(version + 1, SCHEMA_VERSION + 1):
        script = resources.files("fitbitd.store").joinpath("schema", f"{number:04}.sql")
        db.executescript(
            f"BEGIN; {script.read_text('utf-8')}; PRAGMA user_version = {number}; COMMIT;"
        )
    _describe_fields(db, catalogue)
    _describe_files(db, catalogue)


def _check_version(db: sqlite3.Connection, path: Path) -> int:
    with closing(db.execute("PRAGMA user_version")) as cursor:
        version = int(cursor.fetchone()[0])
    if version > SCHEMA_VERSION:
        raise OperatorError(
            f"{path} was written by a newer fitbitd (schema {version}, this one knows"
            f" {SCHEMA_VERSION}).\nNothing was changed, and nothing is lost.\n"
            "Next: install that fitbitd again, or make an index for this one from the archive:"
            f" fitbitd rebuild {path.parent.name}",
            code="index_newer",
        )
    return version


def _refuse_older(version: int, path: Path) -> None:
    """Let a reader wait for a writer, who alone may change the tables."""
    if version == 0:  # its writer has only just begun, or a power cut left it so
        raise _missing(path)
    if version < SCHEMA_VERSION:
        raise OperatorError(
            f"{path} was written by an older fitbitd; whoever writes next brings it up to date.\n"
            "Nothing is lost.\n"
            f"Next: start the daemon, or: fitbitd pull {path.parent.name}",
            code="index_older",
        )


def _describe_fields(db: sqlite3.Connection, catalogue: Mapping[DataTypeName, DataType]) -> None:
    """Write down what the catalogue says of each field, where it differs."""
    wanted = {
        (data_type.name, known.name, known.unit, known.meaning, known.legacy)
        for data_type in catalogue.values()
        for known in data_type.fields
    }
    stored = set(db.execute("SELECT data_type, name, unit, meaning, legacy FROM field"))
    if wanted != stored:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM field")
        db.executemany(
            "INSERT INTO field (data_type, name, unit, meaning, legacy) VALUES (?, ?, ?, ?, ?)",
            sorted(wanted),
        )
        db.execute("COMMIT")


def _describe_files(db: sqlite3.Connection, catalogue: Mapping[DataTypeName, DataType]) -> None:
    """Write down of which data types the sessions have files, where it differs."""
    wanted = {one.name: one.file_of for one in catalogue.values() if one.file_of is not None}
    if wanted != file_types(db):
        db.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
            (FILE_TYPES, json.dumps(wanted, sort_keys=True)),
        )
