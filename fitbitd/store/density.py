"""Density: how many points a day and a page of a data type hold, by which windows are sized.

It rises at once with what was seen last and sinks by a quarter of the way: a window that is too
large costs a read in vain, one that is too small costs a request more.
"""

import sqlite3
from datetime import datetime

from fitbitd.model import Outcome, Pull
from fitbitd.store.windows import civil_day, ledger_days, ledger_zone

_SINKS = 0.25
_SAME = 0.1  # a smaller share of difference is not worth a write


def note(db: sqlite3.Connection, pull: Pull, outcome: Outcome, ended_at: datetime) -> None:
    """Note what a complete pull says of it."""
    if pull.window is None:
        return
    today = civil_day(ended_at, ledger_zone(pull))
    days = sum(whole and day < today for day, whole in ledger_days(pull.window))
    a_page = outcome.points / outcome.pages if outcome.pages > 1 else None
    a_day = outcome.points / days if days else None
    if a_day is None and a_page is None:
        return
    row = db.execute(
        "SELECT points_a_day, points_a_page FROM density WHERE data_type = ?", (pull.data_type,)
    ).fetchone()
    before = row or (None, None)
    after = (_moved(before[0], a_day), _moved(before[1], a_page))
    if row is None or after != before:
        db.execute(
            "INSERT OR REPLACE INTO density (data_type, points_a_day, points_a_page)"
            " VALUES (?, ?, ?)",
            (pull.data_type, *after),
        )


def _moved(known: float | None, seen: float | None) -> float | None:
    if known is None or seen is None:
        return seen if known is None else known
    if abs(seen - known) <= _SAME * known:
        return known
    return seen if seen > known else known - (known - seen) * _SINKS
