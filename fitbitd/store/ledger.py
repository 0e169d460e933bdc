"""The ledger: what the planner is told about an account, read from the index in one go."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from fitbitd.model import DataTypeName, DeviceSync, Quota
from fitbitd.plan.ledger import LONGEST_PAUSE, DayRead, Ledger, TypeLedger, believed
from fitbitd.store import lessons
from fitbitd.store.doubts import ASKED_AGAIN_AFTER, WHOLE_TYPE
from fitbitd.store.wanted_files import ITEM, file_types, files_wanted
from fitbitd.store.windows import from_ms, maybe_from_ms, to_ms

_SYNCS_KEPT = timedelta(days=2)

# Days in a row differ from their row number by the same amount.
_SETTLED_RUNS = """
    SELECT data_type, min(day), max(day) FROM (
        SELECT data_type, day,
            julianday(day) - row_number() OVER (PARTITION BY data_type ORDER BY day) AS run
        FROM coverage WHERE settled
    ) GROUP BY data_type, run ORDER BY data_type, min(day)
"""
# A row is kept of every sync for years, so the devices are found by steps from key to key.
_DEVICES = """
    WITH RECURSIVE device (name) AS (
        SELECT min(device) FROM device_sync
        UNION ALL
        SELECT (SELECT min(device) FROM device_sync WHERE device > name) FROM device
        WHERE name IS NOT NULL
    )
    SELECT name, (SELECT max(synced_at) FROM device_sync WHERE device = name) FROM device
    WHERE name IS NOT NULL
"""
_UNFINISHED = """
    SELECT count(*) FROM pass
    WHERE id > (SELECT coalesce(max(id), 0) FROM pass WHERE ended_at IS NOT NULL)
"""


def read_ledger(db: sqlite3.Connection, now: datetime) -> Ledger:
    """Read everything in one transaction, so that all of it is of one moment."""
    db.execute("BEGIN")
    try:
        return _read(db, now)
    finally:
        db.execute("COMMIT")


def _read(db: sqlite3.Connection, now: datetime) -> Ledger:
    meta = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('zone', 'last_seen_at')"))
    devices = dict(db.execute(_DEVICES))
    (unfinished,) = db.execute(_UNFINISHED).fetchone()
    return Ledger(
        zone=meta.get("zone"),
        types=_types(db, now),
        devices={device: DeviceSync(device, from_ms(at)) for device, at in devices.items()},
        syncs=_recent_syncs(db, devices, now - _SYNCS_KEPT),
        quota=_last_quota(db),
        throttled_until=_last_pause(db, now),
        unfinished_passes=unfinished,
        first_pass_at=_first_pass(db),
        last_seen_at=maybe_from_ms(meta.get("last_seen_at")),
        lessons=lessons.known(db, now),
    )


def _recent_syncs(
    db: sqlite3.Connection, devices: Iterable[str], since: datetime
) -> tuple[datetime, ...]:
    """Give every sync of any device from `since` on, and each one's last before, oldest first."""
    recent = (
        "SELECT synced_at FROM device_sync WHERE device = ?1 AND synced_at >= coalesce("
        "(SELECT max(synced_at) FROM device_sync WHERE device = ?1 AND synced_at < ?2), ?2)"
    )
    found = {at for device in devices for (at,) in db.execute(recent, (device, to_ms(since)))}
    return tuple(from_ms(at) for at in sorted(found))


def _first_pass(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT began_at FROM pass ORDER BY id LIMIT 1").fetchone()
    return None if row is None else from_ms(row[0])


def _last_quota(db: sqlite3.Connection) -> Quota | None:
    """Give the quota that the provider last told; not every pass gets so far."""
    row = db.execute(
        "SELECT quota_limit, quota_left, quota_renews_at FROM pass"
        " WHERE quota_limit IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Quota(row[0], row[1], from_ms(row[2]))


def _last_pause(db: sqlite3.Connection, now: datetime) -> datetime | None:
    """Give until when the last pass that ended was told to wait, if that can be meant."""
    row = db.execute(
        "SELECT throttled_until FROM pass WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    until = None if row is None else maybe_from_ms(row[0])
    return until if until is not None and believed(until, now) else None


def _types(db: sqlite3.Connection, now: datetime) -> Mapping[DataTypeName, TypeLedger]:
    fresh = {
        name: (from_ms(read_at), maybe_from_ms(synced_at))
        for name, read_at, synced_at in db.execute(
            "SELECT data_type, read_at, synced_at FROM freshness"
        )
    }
    never = (None, None)
    newest = _newest(db)
    settled = _settled(db)
    opened = _open(db)
    blocked, doubted = _blocked(db, now)
    refused = dict(
        db.execute("SELECT data_type, last_at FROM refusal WHERE day = ?", (WHOLE_TYPE,))
    )
    rechecks = _rechecks(db)
    density = {name: sizes for name, *sizes in db.execute("SELECT * FROM density")}
    wanted = _wanted(db, now)
    names = set().union(fresh, newest, settled, opened, blocked, density, wanted)
    return {
        DataTypeName(name): TypeLedger(
            read_at=fresh.get(name, never)[0],
            rests_on=fresh.get(name, never)[1],
            newest=newest.get(name),
            settled=tuple(settled.get(name, ())),
            open=opened.get(name, {}),
            blocked=blocked.get(name, {}),
            doubted=frozenset(doubted.get(name, ())),
            refused_at=maybe_from_ms(refused.get(name)),
            recheck=frozenset(rechecks.get(name, ())),
            points_a_day=density.get(name, never)[0],
            points_a_page=density.get(name, never)[1],
            files_wanted=wanted.get(name, ()),
        )
        for name in sorted(names)
    }


def _newest(db: sqlite3.Connection) -> dict[str, datetime]:
    rows = db.execute(
        "SELECT s.data_type, max((SELECT max(instant) FROM reading AS r WHERE r.series = s.id))"
        " FROM series AS s GROUP BY s.data_type"
    )
    return {name: from_ms(instant) for name, instant in rows if instant is not None}


def _settled(db: sqlite3.Connection) -> dict[str, list[tuple[date, date]]]:
    runs = defaultdict(list)
    for name, first, last in db.execute(_SETTLED_RUNS):
        runs[name].append((date.fromisoformat(first), date.fromisoformat(last)))
    return runs


def _open(db: sqlite3.Connection) -> dict[str, dict[date, DayRead]]:
    days: dict[str, dict[date, DayRead]] = defaultdict(dict)
    rows = db.execute(
        "SELECT data_type, day, read_at, readings, synced_at, whole FROM coverage"
        " WHERE NOT settled ORDER BY data_type, day"
    )
    for name, day, read_at, readings, synced_at, whole in rows:
        days[name][date.fromisoformat(day)] = DayRead(
            from_ms(read_at), readings, maybe_from_ms(synced_at), bool(whole)
        )
    return days


def _rechecks(db: sqlite3.Connection) -> dict[str, set[date]]:
    days: dict[str, set[date]] = defaultdict(set)
    for name, day in db.execute("SELECT data_type, day FROM coverage WHERE recheck AND settled"):
        days[name].add(date.fromisoformat(day))
    return days


def _wanted(db: sqlite3.Connection, now: datetime) -> dict[str, tuple[str, ...]]:
    wanted = {
        name: files_wanted(db, name, of, now, now + LONGEST_PAUSE)
        for name, of in file_types(db).items()
    }
    return {name: items for name, items in wanted.items() if items}


def _blocked(
    db: sqlite3.Connection, now: datetime
) -> tuple[dict[str, dict[date | None, datetime]], dict[str, set[date]]]:
    """Give until when days are not asked again, and which of them are doubted."""
    until: dict[str, dict[date | None, datetime]] = defaultdict(dict)
    doubted: dict[str, set[date]] = defaultdict(set)
    rows = db.execute(
        "SELECT data_type, day, next_at, 0 FROM refusal WHERE substr(day, 1, ?) <> ?"
        " UNION ALL SELECT data_type, day, first_at + ?, 1 FROM doubt",
        (len(ITEM), ITEM, ASKED_AGAIN_AFTER // timedelta(milliseconds=1)),
    )
    for name, text, at_ms, in_doubt in rows:
        day, at = None if text == WHOLE_TYPE else date.fromisoformat(text), from_ms(at_ms)
        if believed(at, now):
            until[name][day] = max(at, until[name].get(day, at))
            if in_doubt and day is not None and now < at:
                doubted[name].add(day)
    return until, doubted
