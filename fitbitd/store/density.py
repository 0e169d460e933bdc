"""Density: how many points a day and a page of a data type hold, by which windows are sized.

It rises at once with what was seen last and sinks by a quarter of the way: a window that is too
large costs a read in vain, one that is too small costs a request more. How large a page is can
only be told within bounds, for the last one is hardly ever full.
"""

import sqlite3
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fitbitd.model import Outcome, Pull, Window
from fitbitd.plan.windows import POINTS_A_PAGE
from fitbitd.store.windows import civil_day, ledger_days, ledger_zone

_SINKS = 0.25
_SAME = 0.1  # a smaller share of difference is not worth a write
_SAME_PAGE = 0.01  # but for pages, of which a pull has many
_DAY = timedelta(days=1)


def note(db: sqlite3.Connection, pull: Pull, outcome: Outcome, ended_at: datetime) -> None:
    """Note what a complete pull says of it."""
    if pull.window is None:
        return
    today = civil_day(ended_at, ledger_zone(pull))
    whole = any(whole and day < today for day, whole in ledger_days(pull.window))
    a_day = outcome.points / _lived_days(pull, pull.window, ended_at) if whole else None
    if a_day is None and outcome.pages <= 1:
        return
    row = db.execute(
        "SELECT points_a_day, points_a_page FROM density WHERE data_type = ?", (pull.data_type,)
    ).fetchone()
    before = row or (None, None)
    after = (_moved(before[0], a_day), _page(before[1], outcome))
    if row is None or after != before:
        db.execute(
            "INSERT OR REPLACE INTO density (data_type, points_a_day, points_a_page)"
            " VALUES (?, ?, ?)",
            (pull.data_type, *after),
        )


def _lived_days(pull: Pull, window: Window, ended_at: datetime) -> float:
    """Give how many days of a window were over when it was read, with their fractions."""
    now = ended_at.astimezone(ZoneInfo(ledger_zone(pull)))
    if window.end.tzinfo is None:
        now = now.replace(tzinfo=None)
    return (min(window.end, now) - window.start) / _DAY


def _page(known: float | None, outcome: Outcome) -> float | None:
    """Bring what is known of a page within the bounds that a pull of several pages leaves it."""
    if outcome.pages <= 1:
        return known
    least, most = (outcome.points / pages for pages in (outcome.pages, outcome.pages - 1))
    if known is None and least <= POINTS_A_PAGE <= most:
        return POINTS_A_PAGE
    if known is None or least > known * (1 + _SAME_PAGE):
        return least
    return known - (known - most) * _SINKS if most < known * (1 - _SAME) else known


def _moved(known: float | None, seen: float | None) -> float | None:
    if known is None or seen is None:
        return seen if known is None else known
    if abs(seen - known) <= _SAME * known:
        return known
    return seen if seen > known else known - (known - seen) * _SINKS
