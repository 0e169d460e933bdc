"""When a civil day is known to be complete. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

SYNC_MARGIN = timedelta(minutes=15)
"""A sync this long after a day's end has brought its last minutes."""


LATE_AFTER_SYNC = timedelta(days=1)
"""What a sync brings late is there by then: a day that waited for it has not settled before."""


def day_end(day: date, zone: str) -> datetime:
    """Give the instant (aware UTC) at which `day` ends for a wearer in `zone` (IANA)."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return midnight.astimezone(UTC)


def usable(synced_at: datetime | None, at: datetime, reread: timedelta) -> datetime | None:
    """Give back `synced_at` if, at `at`, it is young enough to prove anything, else None.

    A watch that has not synced for longer than a day may change is perhaps in a drawer.
    """
    return synced_at if synced_at is not None and at - synced_at < reread else None


class SettledBy(StrEnum):
    """What proves that a day is complete."""

    SYNC = "sync"  # a device sync later than its end
    AGE = "age"  # no sync could be relied on, and it may change no more


def brought_lately(syncs: Sequence[datetime], over_at: datetime, at: datetime) -> bool:
    """Say whether the sync that brought the end of a day came after days, and only just now.

    After a pause of a week the window in which the day may change has passed, and what appears late
    is still to come. Of days before the first sync that was seen nothing is known, and they settle.

    Args:
        syncs: the device syncs of the day before `at`, and the last one before, oldest first.
        over_at: when everything that belongs to the day was over.
        at: now, or when the day was read.
    """
    known_at = over_at + SYNC_MARGIN
    return any(
        before < known_at <= synced_at and at - synced_at < LATE_AFTER_SYNC
        for before, synced_at in pairwise(syncs)
    )


def settles(
    ended_at: datetime, reread: timedelta, read_at: datetime, synced_at: datetime | None
) -> SettledBy | None:
    """Say what makes a whole day, read completely, one that is not asked again; None if nothing.

    Args:
        ended_at: when the day ended, aware UTC.
        reread: how long after its end a day of this data type may still change.
        read_at: when it was read, aware UTC.
        synced_at: the newest device sync known then, or None.
    """
    sync = usable(synced_at, read_at, reread)
    if sync is None:
        return SettledBy.AGE if read_at >= ended_at + 2 * reread else None
    known = sync >= ended_at + SYNC_MARGIN and read_at >= ended_at + reread
    return SettledBy.SYNC if known else None
