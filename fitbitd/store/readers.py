"""Several accounts' indexes behind one read-only connection."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from fitbitd.errors import OperatorError
from fitbitd.store import disk
from fitbitd.store.continuation import Side, continue_views
from fitbitd.store.index import INDEX_NAME, open_reader

MOST_ACCOUNTS = 10
"""As many files as SQLite attaches to one connection."""


def attach_readers(
    folders: Mapping[str, Path], seam: tuple[Side, Side] | None = None
) -> sqlite3.Connection:
    """Open the indexes of accounts for reading, each under its account's name.

    A table or view that is named without an account is the first one's.

    Args:
        folders: by the account's name.
        seam: the first account and the one that it continues, if it does: its views, named without
            an account, then show both.

    Raises:
        OperatorError: more accounts than SQLite attaches, or an index that cannot be read.
    """
    if len(folders) > MOST_ACCOUNTS:
        raise OperatorError(
            f"SQLite joins at most {MOST_ACCOUNTS} accounts in one query, not {len(folders)}.\n"
            "An account that continues another one brings that along.\n"
            "Next: name those that you need with --account",
            code="usage",
        )
    for folder in folders.values():
        open_reader(folder).close()  # says what is wrong with an index better than ATTACH does
    db = sqlite3.connect(":memory:", uri=True, isolation_level=None)
    for name, folder in folders.items():
        path = folder / INDEX_NAME
        with disk.telling(path):
            quoted = name.replace('"', '""')
            db.execute(f'ATTACH ? AS "{quoted}"', (f"{path.absolute().as_uri()}?mode=ro",))
    if seam is not None:
        with disk.telling(folders[seam[0].schema] / INDEX_NAME):
            db.execute("BEGIN")  # what is joined stays what is read
            continue_views(db, *seam)
    db.execute("PRAGMA query_only = ON")
    db.set_authorizer(_reading_only)
    return db


def _reading_only(action: int, *_: str | None) -> int:
    """Refuse what would make a file of its own, or lift what was set above."""
    refused = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)
    return sqlite3.SQLITE_DENY if action in refused else sqlite3.SQLITE_OK
