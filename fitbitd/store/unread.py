"""Points that were not understood: counted until later reads of their days understand all.

Windows slide from day to day, so those that overlap are one entry: the newest count, and the days
that it can be about.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from fitbitd.model import Pull
from fitbitd.store.windows import ledger_days, to_ms
from fitbitd.store.words import plain

_NO_WINDOW = ""
_DAY = timedelta(days=1)


def note(db: sqlite3.Connection, pull: Pull, count: int, why: str, read_at: datetime) -> None:
    """Note how many points of a complete pull were not understood, or that all were."""
    if count:
        _add(db, pull, count, why, to_ms(read_at))
    else:
        _clear(db, pull)


def _add(db: sqlite3.Connection, pull: Pull, count: int, why: str, read_ms: int) -> None:
    first, last = _span(pull, whole=False) or (_NO_WINDOW, _NO_WINDOW)
    overlapping = (pull.data_type, first, last)
    begun, since = db.execute(
        "SELECT min(day), min(first_at) FROM unread"
        " WHERE data_type = ? AND last_day >= ? AND day <= ?",
        overlapping,
    ).fetchone()
    db.execute("DELETE FROM unread WHERE data_type = ? AND last_day >= ? AND day <= ?", overlapping)
    db.execute(
        "INSERT INTO unread (data_type, day, last_day, count, why, first_at, last_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            pull.data_type,
            first if begun is None else min(first, begun),
            last,
            count,
            plain(why),
            read_ms if since is None else min(read_ms, since),
            read_ms,
        ),
    )


def _clear(db: sqlite3.Connection, pull: Pull) -> None:
    """Forget what was noted of the days that were read whole; those beside them stay in doubt."""
    span = _span(pull, whole=True)
    if span is None:
        return
    for *entry, day, last_day in db.execute(
        "DELETE FROM unread WHERE data_type = ? AND last_day >= ? AND day <= ?"
        " RETURNING data_type, count, why, first_at, last_at, day, last_day",
        (pull.data_type, *span),
    ).fetchall():
        for part in _outside(span, day, last_day):
            db.execute(
                "INSERT INTO unread (data_type, count, why, first_at, last_at, day, last_day)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*entry, *part),
            )


def _outside(span: tuple[str, str], day: str, last_day: str) -> Iterator[tuple[str, str]]:
    """Give what of an entry's days lies before and behind those that were read whole."""
    first, last = span
    if day < first:
        yield day, (date.fromisoformat(first) - _DAY).isoformat()
    if last_day > last:
        yield (date.fromisoformat(last) + _DAY).isoformat(), last_day


def _span(pull: Pull, *, whole: bool) -> tuple[str, str] | None:
    """Give the first and the last day of a window, or of what it covers as a whole."""
    if pull.window is None:
        return _NO_WINDOW, _NO_WINDOW
    days = [day for day, covered in ledger_days(pull.window) if covered or not whole]
    return (days[0].isoformat(), days[-1].isoformat()) if days else None
