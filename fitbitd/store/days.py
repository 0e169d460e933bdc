"""Coverage: how complete each civil day is known to be, and what opens it again."""

import sqlite3
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from fitbitd.model import DataType, DeviceSync, Kind, Pull, Why
from fitbitd.plan.coverage import day_end, settles
from fitbitd.store.windows import civil_day, civil_days, from_ms, maybe_ms, to_ms

_LIVE = frozenset({Why.SYNC, Why.FOLLOW_UP, Why.INTERVAL})
_DAY = timedelta(days=1)

_STORED_ON_DAY = {
    Kind.READINGS: "SELECT coalesce(sum(n), 0) FROM rollup_day WHERE day = ?2"
    " AND series IN (SELECT id FROM series WHERE data_type = ?1)",
    Kind.SESSIONS: "SELECT count(*) FROM session WHERE data_type = ?1 AND day = ?2",
    Kind.DAILY: "SELECT count(*) FROM daily WHERE data_type = ?1 AND day = ?2",
}


def cover(db: sqlite3.Connection, data_type: DataType, pull: Pull, read_at: datetime) -> None:
    """Note a complete read on every day of its window.

    A day that is settled stays so: only a later device sync opens it again. Days that have not
    begun are left out, since nothing is known of them.
    """
    days = [] if pull.window is None else list(civil_days(pull.window, pull.zone))
    today = civil_day(read_at, pull.zone)
    for day, whole in days:
        if day <= today:
            final = whole and settles(
                day_end(day, pull.zone), data_type.reread, read_at, pull.synced_at
            )
            _cover_day(
                db,
                data_type,
                day.isoformat(),
                (final, whole, to_ms(read_at), maybe_ms(pull.synced_at)),
            )
    if pull.window is None or _is_newest({day for day, _ in days}, today, pull.why):
        db.execute(
            "INSERT OR REPLACE INTO freshness (data_type, read_at, synced_at) VALUES (?, ?, ?)",
            (data_type.name, to_ms(read_at), maybe_ms(pull.synced_at)),
        )


def reopen(
    db: sqlite3.Connection, syncs: Iterable[DeviceSync], zone: str, seen_at: datetime
) -> None:
    """Note device syncs; when one advanced, every day since the sync before it is open again.

    What a watch brings belongs to the time since it last brought something. The first sync that is
    seen of a device opens nothing: there is no time before it that was read without it.
    """
    for sync in syncs:
        synced_at = min(to_ms(sync.synced_at), to_ms(seen_at))
        (before,) = db.execute(
            "SELECT max(synced_at) FROM device_sync WHERE device = ?", (sync.device,)
        ).fetchone()
        if before is not None and synced_at <= before:
            continue
        db.execute(
            "INSERT INTO device_sync (device, synced_at, seen_at) VALUES (?, ?, ?)",
            (sync.device, synced_at, to_ms(seen_at)),
        )
        if before is not None:
            db.execute(
                "UPDATE coverage SET settled = 0, synced_at = min(synced_at, ?1)"
                " WHERE day >= ?2 AND (settled OR synced_at > ?1)",
                (before, civil_day(from_ms(before), zone).isoformat()),
            )


def _cover_day(
    db: sqlite3.Connection,
    data_type: DataType,
    day: str,
    read: tuple[bool, bool, int, int | None],  # settled, whole, read at, synced at
) -> None:
    (readings,) = db.execute(_STORED_ON_DAY[data_type.kind], (data_type.name, day)).fetchone()
    db.execute(
        "INSERT INTO coverage (data_type, day, readings, settled, whole, read_at, synced_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " settled = max(settled, excluded.settled), whole = max(whole, excluded.whole),"
        " read_at = excluded.read_at, readings = excluded.readings, synced_at = excluded.synced_at",
        (data_type.name, day, readings, *read),
    )


def _is_newest(days: set[date], today: date, why: Why) -> bool:
    """Say whether a read reached the present: today, or yesterday's end just after midnight."""
    return today in days or (why in _LIVE and today - _DAY in days)
