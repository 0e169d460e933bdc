"""Device syncs are found without a walk over the years of them that an index keeps."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.model import DeviceSync, Pull, Why
from fitbitd.store import days
from fitbitd.store.syncs import newest_syncs, syncs_since
from fitbitd.store.windows import to_ms
from tests.support.store import CATALOGUE, REST, Life, utc_days

QUARTER = timedelta(minutes=15)
LAST = datetime(2026, 3, 10, 9, tzinfo=UTC)
KEPT = 20_000
"""A watch that syncs each quarter of an hour makes as many in seven months."""
STEPS = 1_000
"""Of SQLite's machine; to walk over all syncs takes more than a hundred times as many."""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    life = Life(tmp_path / "alice", "2026-03-10T10:00")
    with closing(life.store):
        life.store.index.db.executemany(
            "INSERT INTO device_sync VALUES (?, ?, 0)",
            [
                (device, to_ms(LAST - n * QUARTER - ago))
                for device, ago in (("old", timedelta(days=90)), ("new", timedelta(0)))
                for n in range(KEPT)
            ],
        )
        yield life.store.index.db


def work(db: sqlite3.Connection) -> list[int]:
    """Count the steps, a thousand at a time, that SQLite takes from now on."""
    steps = [0]

    def count() -> None:
        steps[0] += STEPS

    db.set_progress_handler(count, STEPS)
    return steps


def test_the_newest_of_each_device_and_those_of_a_day_are_found_in_few_steps(
    db: sqlite3.Connection,
) -> None:
    steps = work(db)
    assert {device: sync.synced_at for device, sync in newest_syncs(db).items()} == {
        "old": LAST - timedelta(days=90),
        "new": LAST,
    }
    found = syncs_since(db, LAST - 2 * QUARTER)
    before = (LAST - timedelta(days=90), LAST - 3 * QUARTER)
    assert found == (*before, LAST - 2 * QUARTER, LAST - QUARTER, LAST)
    assert steps[0] <= STEPS


def test_a_sync_opens_days_in_few_steps(db: sqlite3.Connection) -> None:
    steps = work(db)
    sync = DeviceSync("new", LAST + QUARTER)
    days.reopen(db, (sync,), CATALOGUE.values(), "UTC", LAST + 2 * QUARTER)
    assert newest_syncs(db)["new"] == sync
    assert steps[0] <= 2 * STEPS


def test_a_day_of_what_comes_late_is_covered_in_few_steps(db: sqlite3.Connection) -> None:
    steps = work(db)
    night = utc_days("2026-03-09")
    days.cover(db, REST, Pull(REST.name, night, Why.SYNC, "UTC", LAST), LAST + QUARTER)
    assert db.execute("SELECT day FROM coverage").fetchall() == [("2026-03-09",)]
    assert steps[0] <= STEPS
