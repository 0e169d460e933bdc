"""What the index knows of days that are not as they should be, for `plan/gaps.py` to judge."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from fitbitd.model import DataTypeName
from fitbitd.plan.coverage import SettledBy
from fitbitd.plan.eta import MEASURED_OVER, Pace
from fitbitd.plan.gaps import Evidence, Final, Gap, Lack
from fitbitd.store.doubts import ASKED_AGAIN_AFTER, WHOLE_TYPE
from fitbitd.store.windows import from_ms, to_ms

# Days in a row differ from their row number by the same amount.
_FINAL = """
    SELECT data_type, min(day), max(day), settled_by, empty FROM (
        SELECT data_type, day, settled_by, readings = 0 AS empty,
            julianday(day) - row_number() OVER (
                PARTITION BY data_type, settled_by, readings = 0 ORDER BY day
            ) AS run
        FROM coverage WHERE settled AND NOT recheck
    ) GROUP BY data_type, settled_by, empty, run ORDER BY data_type, min(day)
"""
# Noted is the first day of the window that failed; its other days are as far from being read.
_REFUSED = """
    SELECT data_type, day, reason, first_at, next_at, (
        SELECT date(p.window_end, '-1 second') FROM pull AS p
        WHERE p.data_type = r.data_type AND p.reason = r.reason
        AND substr(p.window_start, 1, 10) = r.day ORDER BY p.id DESC LIMIT 1
    ) FROM refusal AS r WHERE day NOT LIKE 'item:%' ORDER BY data_type, day
"""
_REFUSED_FILES = """
    SELECT data_type, reason, count(*), min(first_at), max(next_at) FROM refusal
    WHERE day LIKE 'item:%' GROUP BY data_type, reason ORDER BY data_type, reason
"""
# Pulls and passes are numbered in one row, so that no pull of earlier years is looked at.
_PACE = """
    SELECT sum(max(pages, 1)) FILTER (WHERE why = 'backfill'),
        min(began_at) FILTER (WHERE why = 'backfill'), max(ended_at)
    FROM pull WHERE id > (
        SELECT min(id) FROM pass WHERE id > coalesce(
            (SELECT id FROM pass WHERE began_at < ? ORDER BY id DESC LIMIT 1), 0
        )
    )
"""


def read_evidence(db: sqlite3.Connection) -> Evidence:
    """Read what the ledger does not hold, but a person asks for."""
    final = defaultdict(list)
    for name, first, last, by, empty in db.execute(_FINAL):
        run = Final(_day(first), _day(last), SettledBy(by), bool(empty))
        final[DataTypeName(name)].append(run)
    return Evidence(
        final={name: tuple(runs) for name, runs in final.items()},
        refused=tuple(_refused(db)),
        doubted=tuple(_doubted(db)),
        unread=tuple(_unread(db)),
    )


def _refused(db: sqlite3.Connection) -> Iterator[Gap]:
    for name, day, reason, first_at, next_at, last in db.execute(_REFUSED):
        times = {"since": from_ms(first_at), "until": from_ms(next_at), "detail": reason}
        if day == WHOLE_TYPE:
            yield Gap(DataTypeName(name), Lack.REFUSED, **times)
        else:
            first = _day(day)
            upto = first if last is None else max(first, _day(last))
            yield Gap(DataTypeName(name), Lack.FAILED, first, upto, **times)
    for name, reason, count, first_at, next_at in db.execute(_REFUSED_FILES):
        yield Gap(
            DataTypeName(name),
            Lack.FAILED,
            since=from_ms(first_at),
            until=from_ms(next_at),
            detail=reason,
            count=count,
        )


def _doubted(db: sqlite3.Connection) -> Iterator[Gap]:
    rows = db.execute("SELECT data_type, day, first_at FROM doubt ORDER BY data_type, day")
    for name, day, first_at in rows:
        since = from_ms(first_at)
        yield Gap(
            DataTypeName(name),
            Lack.NOT_BELIEVED,
            _day(day),
            _day(day),
            since=since,
            until=since + ASKED_AGAIN_AFTER,
        )


def _unread(db: sqlite3.Connection) -> Iterator[Gap]:
    rows = db.execute(
        "SELECT data_type, day, last_day, count, why, first_at FROM unread ORDER BY data_type, day"
    )
    for name, day, last, count, why, first_at in rows:
        yield Gap(
            DataTypeName(name),
            Lack.NOT_UNDERSTOOD,
            _day(day) if day else None,
            _day(last) if day else None,
            since=from_ms(first_at),
            detail=why,
            count=count,
        )


def read_pace(db: sqlite3.Connection, now: datetime) -> Pace | None:
    """Measure how fast history came lately, waits included; None if none came.

    It ends with the last thing that happened: while nothing of ours runs, no time counts.
    """
    requests, began_at, ended_at = db.execute(_PACE, (to_ms(now - MEASURED_OVER),)).fetchone()
    if began_at is None:
        return None
    return Pace(requests, from_ms(ended_at) - from_ms(began_at))


def _day(text: str) -> date:
    return date.fromisoformat(text)
