"""What is not believed and what is refused: days that wait before they are asked again."""

import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta

from fitbitd.model import DataType, Outcome, Pull, Window
from fitbitd.plan.windows import halves
from fitbitd.store.sessions import dailies_in, sessions_in
from fitbitd.store.wanted_files import ITEM
from fitbitd.store.windows import DAY_MS, day_text, instants, ledger_days, shift_ms, to_ms
from fitbitd.store.words import plain

BELIEVED_AFTER = timedelta(hours=20)
"""A second empty answer this long after the first is the truth."""

ASKED_AGAIN_AFTER = timedelta(days=1)
"""When a doubted day is asked again; also the longest that a refused one waits."""

WHOLE_TYPE = ""
"""In the place of a day: the whole data type. `item:...` stands for one file."""

_FIRST_WAIT = timedelta(hours=1)
_DOUBLINGS = 5  # already more than a day
_REFUSALS = frozenset(
    {
        "contract_changed",
        "data_type_refused",
        "index_behind",
        "request_refused",
        "scope_missing",
        "too_large",
    }
)
"""What waiting for seconds does not mend; any other failure is not of the pull that met it, or
leaves another way to ask."""

_OF_THE_WHOLE_TYPE = frozenset({"scope_missing", "data_type_refused"})


def held_days(db: sqlite3.Connection, data_type: DataType, pull: Pull) -> set[str]:
    """Give the days for which something is stored that this pull could withdraw."""
    if pull.window is None:
        return set()
    held = _days_with_readings(db, data_type, pull.window)
    if not pull.tail:
        held |= {session.day for session in sessions_in(db, data_type, pull.window)}
        held |= {day for _, _, day in dailies_in(db, data_type.name, pull.window)}
    return held


def believe_empty(
    db: sqlite3.Connection, data_type: DataType, held: Collection[str], read_at: datetime
) -> bool:
    """Say whether an empty answer for days that held something counts; if not, note the doubt.

    It counts when every one of the days came back empty before, long enough ago.
    """
    doubted = dict(
        db.execute("SELECT day, first_at FROM doubt WHERE data_type = ?", (data_type.name,))
    )
    latest = to_ms(read_at - BELIEVED_AFTER)
    if all(day in doubted and doubted[day] <= latest for day in held):
        return True
    db.executemany(
        "INSERT INTO doubt (data_type, day, first_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_at = min(first_at, excluded.first_at)",  # the first may be of a clock ahead
        ((data_type.name, day, to_ms(read_at)) for day in sorted(held)),
    )
    return False


def clear(db: sqlite3.Connection, pull: Pull) -> None:
    """Forget refusals and doubts of what was read completely."""
    days = [WHOLE_TYPE]
    if pull.window is not None:
        days += [day.isoformat() for day, _ in ledger_days(pull.window)]
    if pull.item:
        days.append(ITEM + plain(pull.item))
    keys = [(pull.data_type, day) for day in days]
    db.executemany("DELETE FROM refusal WHERE data_type = ? AND day = ?", keys)
    db.executemany("DELETE FROM doubt WHERE data_type = ? AND day = ?", keys)


def refuse(db: sqlite3.Connection, pull: Pull, outcome: Outcome, at: datetime) -> None:
    """Note that a pull failed for a reason that waiting for seconds does not mend.

    It is asked again after an hour, and after twice as long each time, to a day.
    """
    if outcome.reason not in _REFUSALS or (outcome.reason == "too_large" and halves(pull)):
        return  # its halves are asked at once
    day = WHOLE_TYPE
    if outcome.reason not in _OF_THE_WHOLE_TYPE:
        if pull.window is not None:
            day = next(ledger_days(pull.window))[0].isoformat()
        elif pull.item:
            day = ITEM + plain(pull.item)
    _note(db, pull.data_type, day, outcome.reason, at)


def refuse_access(db: sqlite3.Connection, data_type: str, item: str, at: datetime) -> None:
    """Note that a data type, or the file of one session, is refused while others are answered."""
    _note(db, data_type, ITEM + item if item else WHOLE_TYPE, "data_type_refused", at)


def _note(db: sqlite3.Connection, data_type: str, day: str, reason: str, at: datetime) -> None:
    row = db.execute(
        "SELECT count, first_at FROM refusal WHERE data_type = ? AND day = ?", (data_type, day)
    ).fetchone()
    count, first_at = (1, to_ms(at)) if row is None else (row[0] + 1, row[1])
    wait = min(_FIRST_WAIT * 2 ** min(count - 1, _DOUBLINGS), ASKED_AGAIN_AFTER)
    db.execute(
        "INSERT OR REPLACE INTO refusal"
        " (data_type, day, reason, count, first_at, last_at, next_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (data_type, day, reason, count, first_at, to_ms(at), to_ms(at + wait)),
    )


def _days_with_readings(db: sqlite3.Connection, data_type: DataType, window: Window) -> set[str]:
    held = set()
    series = db.execute(
        "SELECT id, utc_offset_s FROM series WHERE data_type = ?", (data_type.name,)
    ).fetchall()
    for stored, offset_s in series:
        days = db.execute(
            "SELECT DISTINCT (instant + ?4) / ?5 FROM reading"
            " WHERE series = ?1 AND instant >= ?2 AND instant < ?3",
            (stored, *instants(window, offset_s), shift_ms(window.axis, offset_s), DAY_MS),
        )
        held |= {day_text(number) for (number,) in days}
    return held
