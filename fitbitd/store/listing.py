"""What `status` shows of an account's index: what it holds, the last passes, how much is final."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from fitbitd.store.windows import from_ms, maybe_from_ms

_HOLDINGS = """
    SELECT data_type, min(oldest), max(newest), sum(n) FROM (
        SELECT s.data_type,
            (SELECT min(instant) FROM reading AS r WHERE r.series = s.id) AS oldest,
            (SELECT max(instant) FROM reading AS r WHERE r.series = s.id) AS newest,
            (SELECT coalesce(sum(d.n), 0) FROM rollup_day AS d WHERE d.series = s.id) AS n
        FROM series AS s
        UNION ALL
        SELECT data_type, min(start_ms), max(end_ms), count(*) FROM session GROUP BY data_type
        UNION ALL
        SELECT data_type, CAST(strftime('%s', min(day)) AS INTEGER) * 1000,
            CAST(strftime('%s', max(day)) AS INTEGER) * 1000, count(*)
        FROM daily GROUP BY data_type
        UNION ALL
        SELECT data_type, min(taken_at), max(taken_at), count(*) FROM snapshot GROUP BY data_type
    ) WHERE n > 0 GROUP BY data_type ORDER BY data_type
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is stored of one data type; of daily values the midnights (UTC) of their days."""

    data_type: str
    oldest: datetime
    newest: datetime
    count: int


def holdings(db: sqlite3.Connection) -> list[Holding]:
    """Say of each data type how much there is, from when to when."""
    return [
        Holding(data_type, from_ms(oldest), from_ms(newest), count)
        for data_type, oldest, newest, count in db.execute(_HOLDINGS)
    ]


@dataclass(frozen=True, slots=True)
class PassRow:
    """One pass; `ended_at` is None if the process died in it."""

    id: int
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str | None
    requests: int | None


def last_passes(db: sqlite3.Connection, count: int) -> list[PassRow]:
    """Give the newest passes, newest first."""
    rows = db.execute(
        "SELECT id, began_at, ended_at, outcome, detail, requests FROM pass"
        " ORDER BY id DESC LIMIT ?",
        (count,),
    )
    return [
        PassRow(number, from_ms(began_at), maybe_from_ms(ended_at), *rest)
        for number, began_at, ended_at, *rest in rows
    ]


def coverage_counts(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Count, for each data type, the settled and the provisional days."""
    rows = db.execute(
        "SELECT data_type, sum(settled), sum(NOT settled) FROM coverage GROUP BY data_type"
    )
    return {data_type: (settled, provisional) for data_type, settled, provisional in rows}
