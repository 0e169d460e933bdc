"""Device syncs. A row is kept of each for years, so none of these walks over all of them."""

import sqlite3
from datetime import datetime

from fitbitd.model import DeviceSync
from fitbitd.store.windows import from_ms, to_ms

# The devices are found by steps from key to key.
_NEWEST = """
    WITH RECURSIVE device (name) AS (
        SELECT min(device) FROM device_sync
        UNION ALL
        SELECT (SELECT min(device) FROM device_sync WHERE device > name) FROM device
        WHERE name IS NOT NULL
    )
    SELECT name, (SELECT max(synced_at) FROM device_sync WHERE device = name) FROM device
    WHERE name IS NOT NULL
"""
_SINCE = """
    SELECT synced_at FROM device_sync WHERE device = ?1 AND synced_at >= coalesce(
        (SELECT max(synced_at) FROM device_sync WHERE device = ?1 AND synced_at < ?2), ?2
    )
"""


def newest_syncs(db: sqlite3.Connection) -> dict[str, DeviceSync]:
    """Give the newest sync of every device, by the device."""
    return {device: DeviceSync(device, from_ms(at)) for device, at in db.execute(_NEWEST)}


def syncs_since(db: sqlite3.Connection, since: datetime) -> tuple[datetime, ...]:
    """Give every sync of any device from `since` on, and each one's last before, oldest first."""
    bound = to_ms(since)
    devices = [device for device, _ in db.execute(_NEWEST)]
    found = {at for device in devices for (at,) in db.execute(_SINCE, (device, bound))}
    return tuple(from_ms(at) for at in sorted(found))
