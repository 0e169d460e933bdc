"""The day on which the disk is full: from what ordinary days bring, and only when that is known."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.commands.forecast import LOOKED_BACK, disk_full_on, full_on
from tests.support.household import account_settings, settings

TODAY = date(2027, 3, 29)
MB = 1_000_000


def days(count: int, size: int = MB) -> dict[date, int]:
    """Give what each of the last whole days brought."""
    return {TODAY - timedelta(days=n): size for n in range(1, count + 1)}


def test_an_ordinary_day_tells_when_the_disk_is_full() -> None:
    assert full_on(days(28), 1.0, 100 * MB, TODAY) == TODAY + timedelta(days=100)
    # The index takes as much again.
    assert full_on(days(28), 0.5, 100 * MB, TODAY) == TODAY + timedelta(days=50)
    assert full_on(days(28), 1.0, 0, TODAY) == TODAY


def test_nothing_is_said_before_a_week_of_whole_days() -> None:
    assert full_on({}, 1.0, MB, TODAY) is None
    assert full_on({TODAY: MB}, 1.0, MB, TODAY) is None
    assert full_on(days(6), 1.0, MB, TODAY) is None
    assert full_on(days(7), 1.0, MB, TODAY) is not None


def test_history_that_came_at_once_and_todays_half_day_do_not_count() -> None:
    busy = days(28) | {TODAY - timedelta(days=27): 5000 * MB, TODAY: 9000 * MB}
    assert full_on(busy, 1.0, 100 * MB, TODAY) == full_on(days(28), 1.0, 100 * MB, TODAY)
    old = {TODAY - LOOKED_BACK - timedelta(days=n): 900 * MB for n in range(1, 100)}
    assert full_on(days(28) | old, 1.0, 100 * MB, TODAY) == TODAY + timedelta(days=100)


@pytest.mark.parametrize("size", [0, 10])
def test_a_disk_that_is_large_enough_for_years_is_not_spoken_of(size: int) -> None:
    assert full_on(days(28, size), 1.0, 100_000 * MB, TODAY) is None


def test_a_machine_that_was_off_most_of_the_time_brings_little() -> None:
    assert full_on({TODAY - timedelta(days=20): MB}, 1.0, 10 * MB, TODAY) is None


def test_the_growth_of_all_accounts_counts(tmp_path: Path) -> None:
    names = ("alice", "bob")
    for name in names:
        for n in range(1, 15):
            day = TODAY - timedelta(days=n)
            path = tmp_path / name / "archive" / f"{day:%Y}" / f"{day:%m-%d}.jsonl.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                os.truncate(file.fileno(), 100_000_000_000)  # no disk holds many of these
        (tmp_path / name / "index.sqlite").write_bytes(b"index")
    now = datetime.combine(TODAY, datetime.min.time(), UTC)
    two, one = (
        disk_full_on(settings(tmp_path, *(account_settings(n) for n in some)), now)
        for some in (names, names[:1])
    )
    assert two is not None
    assert one is None or two <= one
    assert disk_full_on(settings(tmp_path / "nowhere", account_settings()), now) is None
