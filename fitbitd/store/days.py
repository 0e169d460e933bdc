"""Coverage: how complete each civil day is known to be, and what opens it again."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from fitbitd.model import Axis, DataType, DeviceSync, Kind, Member, Pull, Why
from fitbitd.plan.coverage import LATE_AFTER_SYNC, brought_lately, day_end, settles
from fitbitd.store.rollup import Touched
from fitbitd.store.syncs import newest_syncs, syncs_since
from fitbitd.store.windows import (
    DAY_MS,
    civil_day,
    day_start_ms,
    from_ms,
    ledger_days,
    ledger_zone,
    maybe_ms,
    to_ms,
)

_LIVE = frozenset({Why.SYNC, Why.FOLLOW_UP, Why.INTERVAL, Why.DEEP})
_DAY = timedelta(days=1)

_STORED_ON_CIVIL_DAYS = {
    Kind.READINGS: "SELECT day, sum(n) FROM rollup_day WHERE day BETWEEN ?2 AND ?3"
    " AND series IN (SELECT id FROM series WHERE data_type = ?1) GROUP BY day",
    Kind.SESSIONS: "SELECT day, count(*) FROM session"
    " WHERE data_type = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY day",
    Kind.DAILY: "SELECT day, count(*) FROM daily"
    " WHERE data_type = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY day",
}
_STORED_ON_UTC_DAYS = {
    Kind.READINGS: "SELECT date(hour / 1000, 'unixepoch'), sum(n) FROM rollup_hour"
    " WHERE hour >= ?2 AND hour < ?3"
    " AND series IN (SELECT id FROM series WHERE data_type = ?1) GROUP BY 1",
    Member.START: "SELECT date(start_ms / 1000, 'unixepoch'), count(*) FROM session"
    " WHERE data_type = ?1 AND start_ms >= ?2 AND start_ms < ?3 GROUP BY 1",
    Member.END: "SELECT date(end_ms / 1000, 'unixepoch'), count(*) FROM session"
    " WHERE data_type = ?1 AND end_ms >= ?2 AND end_ms < ?3 GROUP BY 1",
}
_COVER = (
    "INSERT INTO coverage"
    " (data_type, day, readings, settled, settled_by, whole, read_at, synced_at)"
    " VALUES (?, ?, ?, ?4 IS NOT NULL, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
    " settled = max(settled, excluded.settled),"
    " settled_by = coalesce(excluded.settled_by, settled_by),"
    " whole = max(whole, excluded.whole),"
    " recheck = recheck AND NOT excluded.whole, read_at = excluded.read_at,"
    " readings = excluded.readings, synced_at = excluded.synced_at"
)


def cover(db: sqlite3.Connection, data_type: DataType, pull: Pull, read_at: datetime) -> None:
    """Note a complete read on every day of its window.

    A day that is settled stays so: only a later device sync opens it again. Days that have not
    begun are left out, since nothing is known of them.
    """
    if pull.item:
        return  # the file of one session says nothing of the others
    days = [] if pull.window is None else list(ledger_days(pull.window))
    zone = ledger_zone(pull)
    today = civil_day(read_at, zone)
    stored = _stored_on(db, data_type, [day for day, _ in days]) if days else {}
    syncs = syncs_since(db, read_at - LATE_AFTER_SYNC) if data_type.late else ()
    read = to_ms(read_at), maybe_ms(pull.synced_at)
    rows = []
    for day, whole in days:
        if day <= today:
            over_at = day_end(day, zone) + data_type.lasts
            by = settles(over_at, data_type.reread, read_at, pull.synced_at) if whole else None
            if brought_lately(syncs, over_at, read_at):
                by = None
            text = day.isoformat()
            rows.append((data_type.name, text, stored.get(text, 0), by, whole, *read))
    db.executemany(_COVER, rows)
    if pull.window is None or _is_newest({day for day, _ in days}, today, pull.why):
        db.execute(
            "INSERT OR REPLACE INTO freshness (data_type, read_at, synced_at) VALUES (?, ?, ?)",
            (data_type.name, to_ms(read_at), maybe_ms(pull.synced_at)),
        )


def reopen(
    db: sqlite3.Connection,
    syncs: Iterable[DeviceSync],
    catalogue: Iterable[DataType],
    zone: str,
    seen_at: datetime,
) -> None:
    """Note device syncs; when one advanced, every day since the sync before it is open again.

    What a watch brings belongs to the time since it last brought something, or is of a type whose
    intervals had begun before that and were not over. The sync before the first one of a new device
    is the newest of the others: one that was replaced may have brought more, unseen. The very first
    opens nothing: there is no time before it that was read without it.
    """
    for sync in syncs:
        synced_at = min(to_ms(sync.synced_at), to_ms(seen_at))
        newest = {device: to_ms(one.synced_at) for device, one in newest_syncs(db).items()}
        own = newest.get(sync.device)
        if own is not None and synced_at <= own:
            continue
        before = max(newest.values(), default=None) if own is None else own
        db.execute(
            "INSERT INTO device_sync (device, synced_at, seen_at) VALUES (?, ?, ?)",
            (sync.device, synced_at, to_ms(seen_at)),
        )
        if before is not None and before < synced_at:
            known = list(catalogue)
            first = {
                lasts: _earliest_day(db, from_ms(before) - lasts, zone)
                for lasts in {one.lasts for one in known}
            }
            db.executemany(
                "UPDATE coverage SET settled = 0, settled_by = NULL, recheck = 0,"
                " synced_at = min(synced_at, ?1)"
                " WHERE data_type = ?2 AND day >= ?3 AND (settled OR synced_at > ?1)",
                [(before, one.name, first[one.lasts]) for one in known],
            )


def reopen_without_zone(db: sqlite3.Connection, catalogue: Iterable[DataType], zone: str) -> None:
    """Open every civil day again that was read before the wearer's zone was first known.

    They were taken to end by UTC, perhaps half a day before they did.
    """
    known = db.execute("SELECT 1 FROM meta WHERE key = 'zone'").fetchone()
    if known is None and zone != "UTC":
        db.executemany(
            "UPDATE coverage SET settled = 0, settled_by = NULL, recheck = 0"
            " WHERE data_type = ? AND settled",
            [(known.name,) for known in catalogue if known.axis in {Axis.CIVIL, Axis.DATE}],
        )


def _earliest_day(db: sqlite3.Connection, at: datetime, zone: str) -> str:
    """Give the day of an instant by UTC or by a zone of the wearer's since, whichever is first.

    Each of them may be that of the ledger.
    """
    rows = db.execute(
        "SELECT name FROM zone"
        " WHERE since >= coalesce((SELECT max(since) FROM zone WHERE since <= ?), 0)",
        (to_ms(at),),
    )
    return min(
        civil_day(at, each) for each in (zone, "UTC", *(name for (name,) in rows))
    ).isoformat()


def note_zone(db: sqlite3.Connection, zone: str, seen_at: datetime) -> None:
    """Note in which zone the wearer is, and since when if that is new."""
    known = db.execute("SELECT value FROM meta WHERE key = 'zone'").fetchone()
    if known != (zone,):
        db.execute(
            "INSERT OR REPLACE INTO zone (since, name) VALUES (?, ?)", (to_ms(seen_at), zone)
        )
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('zone', ?)", (zone,))


def note_member_since(db: sqlite3.Connection, day: date) -> None:
    """Note the day on which the account began; of several that were told the earliest."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('member_since', ?)"
        " ON CONFLICT DO UPDATE SET value = min(value, excluded.value)",
        (day.isoformat(),),
    )


def recheck(
    db: sqlite3.Connection,
    data_type: DataType,
    touched: Touched,
    catalogue: Iterable[DataType],
) -> None:
    """Have the settled days read once more whose readings another data type says have moved.

    Call it before the read is covered: only a change of what was known says anything.

    Args:
        data_type: the one that was read; it may check another one.
        touched: the hours in which its readings changed.
        catalogue: the provider's data types; those that sum up the checked one moved along.
    """
    if data_type.checks is None or data_type.axis is None:
        return
    moved = sorted(touched.days(data_type.axis))
    rows = [(data_type.checks, data_type.name, day, day) for day in moved]
    for one in catalogue:
        if one.sums_of == data_type.checks:
            rows += [  # a UTC day lies in two days of some calendar, and which is not known here
                (one.name, data_type.name, day, (date.fromisoformat(day) + shift).isoformat())
                for day in moved
                for shift in (-_DAY, timedelta(), _DAY)
            ]
    db.executemany(
        "UPDATE coverage SET recheck = 1 WHERE data_type = ?1 AND day = ?4 AND settled"
        " AND EXISTS (SELECT 1 FROM coverage WHERE data_type = ?2 AND day = ?3)",
        rows,
    )


def _stored_on(
    db: sqlite3.Connection, data_type: DataType, days: Sequence[date]
) -> Mapping[str, int]:
    """Count what is stored of a data type on each of successive days of the ledger."""
    first, last = days[0], days[-1]
    if data_type.axis is Axis.INSTANT and data_type.kind is not Kind.DAILY:
        sessions = data_type.kind is Kind.SESSIONS
        query = _STORED_ON_UTC_DAYS[data_type.member if sessions else Kind.READINGS]
        bounds = day_start_ms(first, 0), day_start_ms(last, 0) + DAY_MS
        return dict(db.execute(query, (data_type.name, *bounds)))
    query = _STORED_ON_CIVIL_DAYS[data_type.kind]
    return dict(db.execute(query, (data_type.name, first.isoformat(), last.isoformat())))


def _is_newest(days: set[date], today: date, why: Why) -> bool:
    """Say whether a read reached the present: today, or yesterday's end just after midnight."""
    return today in days or (why in _LIVE and today - _DAY in days)
