"""Points that were not understood: counted until a later read of their day understands all."""

import sqlite3
from datetime import datetime

from fitbitd.model import Pull
from fitbitd.store.windows import ledger_days, to_ms
from fitbitd.store.words import plain

_NO_WINDOW = ""


def note(db: sqlite3.Connection, pull: Pull, count: int, why: str, read_at: datetime) -> None:
    """Note how many points of a complete pull were not understood, or that all were."""
    if count == 0:
        _clear(db, pull)
        return
    day = _NO_WINDOW if pull.window is None else next(ledger_days(pull.window))[0].isoformat()
    db.execute(
        "INSERT INTO unread (data_type, day, count, why, first_at, last_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO UPDATE SET"
        " count = excluded.count, why = excluded.why, last_at = excluded.last_at",
        (pull.data_type, day, count, plain(why), to_ms(read_at)),
    )


def _clear(db: sqlite3.Connection, pull: Pull) -> None:
    """Forget what was noted of the days that were read whole."""
    days = [_NO_WINDOW]
    if pull.window is not None:
        days = [day.isoformat() for day, whole in ledger_days(pull.window) if whole]
    db.executemany(
        "DELETE FROM unread WHERE data_type = ? AND day = ?",
        [(pull.data_type, day) for day in days],
    )
