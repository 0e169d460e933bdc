"""When the disk will be full, if all goes on as in the last weeks."""

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

from fitbitd.config import Settings
from fitbitd.errors import OperatorError
from fitbitd.store.members import archive_files

LOOKED_BACK = timedelta(days=28)
LEAST = timedelta(days=7)
"""A forecast from less than a week of whole days would be a guess."""

FARTHEST = timedelta(days=3653)
"""No card lives longer, so later days are nobody's business."""


def full_on(
    grown_bytes: Mapping[date, int], share: float, free_bytes: int, today: date
) -> date | None:
    """Forecast the day on which the disk is full; None if that is far off, or cannot be said.

    What an ordinary day brings is the median: history that came in a few days says nothing of the
    days to come.

    Args:
        grown_bytes: by how much the archives grew on each day; a day without any brought nothing.
        share: of all that is stored, that which is in the archives; the rest grows along.
        today: it has not brought all of it yet, and does not count.
    """
    begun = min(grown_bytes, default=today)
    first = max(begun, today - LOOKED_BACK)
    if today - first < LEAST:
        return None
    days = (first + timedelta(days=n) for n in range((today - first).days))
    a_day = median(grown_bytes.get(day, 0) for day in days) / share
    if free_bytes >= a_day * FARTHEST.days:
        return None
    return today + timedelta(days=int(free_bytes / a_day))


def disk_full_on(settings: Settings, now: datetime) -> date | None:
    """Look at all accounts, which share a disk; None also for who may not see the archives."""
    grown: Counter[date] = Counter()
    stored = 0
    with suppress(OperatorError, OSError):
        for account in settings.accounts:
            folder = settings.state_dir / account.name
            stored += stored_bytes(folder)
            for path in archive_files(folder):
                day = date.fromisoformat(f"{path.parent.name}-{path.name[:5]}")
                grown[day] += path.stat().st_size
        if archived := grown.total():
            free = shutil.disk_usage(settings.state_dir).free
            return full_on(grown, archived / stored, free, now.date())
    return None


def stored_bytes(folder: Path) -> int:
    """Add up the files that can be seen; beside a running daemon some come and go."""
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(inner, name).stat().st_size
    return total
