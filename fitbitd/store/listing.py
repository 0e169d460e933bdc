"""What `status` shows of an account's index: what it holds, what is final, what stands out."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from fitbitd.store.members import Member, archive_files, read_file
from fitbitd.store.windows import from_ms, maybe_from_ms, to_ms

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_EVERY = -1  # no limit, to SQLite
_HOLDINGS = """
    SELECT data_type, min(oldest), max(newest), sum(n) FROM (
        SELECT s.data_type,
            (SELECT min(instant) FROM reading AS r WHERE r.series = s.id) AS oldest,
            (SELECT max(instant) FROM reading AS r WHERE r.series = s.id AND instant <= :now)
                AS newest,
            (SELECT coalesce(sum(d.n), 0) FROM rollup_day AS d WHERE d.series = s.id) AS n
        FROM series AS s
        UNION ALL
        SELECT data_type, min(start_ms), max(end_ms) FILTER (WHERE end_ms <= :now), count(*)
        FROM session GROUP BY data_type
        UNION ALL
        SELECT data_type, CAST(strftime('%s', min(day)) AS INTEGER) * 1000,
            CAST(strftime('%s', max(day) FILTER (WHERE day <= :today)) AS INTEGER) * 1000, count(*)
        FROM daily GROUP BY data_type
        UNION ALL
        SELECT data_type, min(taken_at), max(taken_at), count(*) FROM snapshot GROUP BY data_type
    ) WHERE n > 0 GROUP BY data_type ORDER BY data_type
"""
_CORRECTIONS = """
    SELECT c.seen_at, c.data_type, c.day, c.field, c.old, c.new, coalesce(f.unit, ''), c.source,
        c.key, c.instant, coalesce(c.utc_offset_s, 0)
    FROM correction AS c
    LEFT JOIN field AS f ON f.data_type = c.data_type AND f.name = c.field
    WHERE (:data_type IS NULL OR c.data_type = :data_type) AND c.day BETWEEN :first AND :last
    ORDER BY c.seen_at DESC, c.id DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is stored of one data type; of daily values the midnights (UTC) of their days.

    Attributes:
        newest: of what is not later than now; None if all of it is.
    """

    data_type: str
    oldest: datetime
    newest: datetime | None
    count: int


def holdings(db: sqlite3.Connection, now: datetime = _END_OF_TIME) -> list[Holding]:
    """Say of each data type how much there is, from when to when.

    What a clock that was ahead has dated after `now` makes nothing look fresh.
    """
    bounds = {"now": to_ms(now), "today": now.date().isoformat()}
    return [
        Holding(data_type, from_ms(oldest), maybe_from_ms(newest), count)
        for data_type, oldest, newest, count in db.execute(_HOLDINGS, bounds)
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


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """Points of a data type that were not understood; `why` is of the newest read."""

    data_type: str
    count: int
    since: datetime
    why: str


def unread_points(db: sqlite3.Connection) -> list[UnreadRow]:
    """Give what is in the archive and not in the index, by data type."""
    rows = db.execute(
        "SELECT data_type, sum(count), min(first_at),"
        " (SELECT why FROM unread AS u WHERE u.data_type = unread.data_type"
        " ORDER BY last_at DESC, day DESC LIMIT 1)"
        " FROM unread GROUP BY data_type ORDER BY data_type"
    )
    return [
        UnreadRow(data_type, count, from_ms(since), why) for data_type, count, since, why in rows
    ]


def corrections_since(db: sqlite3.Connection, since: datetime) -> int:
    """Count what changed on settled days and was seen since then."""
    (count,) = db.execute(
        "SELECT count(*) FROM correction WHERE seen_at >= ?", (to_ms(since),)
    ).fetchone()
    return int(count)


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """What changed on a day that was settled.

    Attributes:
        seen_at: when the reply came that says so.
        field: of a reading or a daily value; "" for a session.
        change: `added`, `changed` or `withdrawn`.
        old, new: a number, a session as JSON, or None where nothing stood or stands.
        at: the instant of a reading, at the wearer's offset then; None for all else.
        key: the provider's, of a session; "" for all else.
    """

    seen_at: datetime
    data_type: str
    day: date
    field: str
    change: str
    old: float | str | None
    new: float | str | None
    unit: str
    source: str
    at: datetime | None
    key: str


def corrections(
    db: sqlite3.Connection,
    *,
    data_type: str | None = None,
    first: date | None = None,
    last: date | None = None,
    limit: int | None = None,
) -> list[CorrectionRow]:
    """List what changed on settled days, what was seen last first.

    Args:
        db: the index.
        data_type: only this one's.
        first, last: days of the ledger, both included.
        limit: the newest so many.
    """
    asked = {
        "data_type": data_type,
        "first": (first or date.min).isoformat(),
        "last": (last or date.max).isoformat(),
        "limit": _EVERY if limit is None else limit,
    }
    return [_correction(*row) for row in db.execute(_CORRECTIONS, asked)]


def _correction(  # noqa: PLR0913, PLR0917 - a row of the query above
    seen_at: int,
    data_type: str,
    day: str,
    field: str,
    old: float | str | None,
    new: float | str | None,
    unit: str,
    source: str,
    key: str,
    instant: int | None,
    offset_s: int,
) -> CorrectionRow:
    change = "added" if old is None else "withdrawn" if new is None else "changed"
    at = None
    if instant is not None:
        at = from_ms(instant).astimezone(timezone(timedelta(seconds=offset_s)))
    told = (date.fromisoformat(day), field, change, old, new, unit, source, at, key)
    return CorrectionRow(from_ms(seen_at), data_type, *told)


def waiting_pulls(account_dir: Path, db: sqlite3.Connection) -> int:
    """Count the pulls of the archive that are not in the index yet.

    Only what lies behind the bytes that the index knows is read: mostly nothing.
    """
    known = dict(db.execute("SELECT path, synced_bytes FROM archive_file"))
    count = 0
    for path in archive_files(account_dir):
        applied = known.get(path.relative_to(account_dir).as_posix(), 0)
        if path.stat().st_size > applied:
            count += sum(
                isinstance(found, Member) and found.kind == "pull_begin"
                for found in read_file(path, applied)
            )
    return count
