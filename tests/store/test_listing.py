"""What status shows of an index."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from fitbitd.model import Axis, Daily, Page, Pull, Snapshot, Why
from fitbitd.store import listing
from tests.support.store import (
    DEVICES,
    HEART,
    NIGHTS,
    RESTING,
    ZONE,
    Life,
    at,
    body,
    complete,
    day,
    heart,
    ms,
    night,
)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def test_holdings_the_last_passes_and_what_is_final_are_told(life: Life) -> None:
    beats = heart([(ms("2026-03-01T08:00"), 60, None), (ms("2026-03-01T09:00"), 61, None)])
    dates = day("2026-03-01", axis=Axis.DATE)
    life.pull(HEART, day("2026-03-01"), beats)
    life.pull(NIGHTS, dates, Page(sessions=(night("a", "2026-03-01"),)))
    life.pull(RESTING, dates, Page(dailies=(Daily(date(2026, 3, 1), "bpm", 50),)))
    life.pull(DEVICES, None, Page(snapshots=(Snapshot("1", "{}"),)))
    db = life.store.index.db
    assert [(one.data_type, one.oldest, one.newest, one.count) for one in listing.holdings(db)] == [
        ("devices", life.now, life.now, 1),
        ("heart", at("2026-03-01T08:00"), at("2026-03-01T09:00"), 2),
        ("resting", at("2026-03-01"), at("2026-03-01"), 1),
        ("sleep", at("2026-02-28T23:00"), at("2026-03-01T07:00"), 1),
    ]
    assert [one.outcome for one in listing.last_passes(db, 2)] == ["ok", "ok"]
    assert listing.coverage_counts(db)["heart"] == (0, 1)


def test_what_is_dated_later_than_now_makes_nothing_look_fresh(life: Life) -> None:
    both = heart([(ms("2026-03-01T08:00"), 60, None), (ms("2026-03-01T09:00"), 61, None)])
    dates = day("2026-02-28", "2026-03-02", axis=Axis.DATE)
    life.pull(HEART, day("2026-03-01"), both)
    life.pull(NIGHTS, dates, Page(sessions=(night("a", "2026-02-28"), night("b", "2026-03-02"))))
    rest = (Daily(date(2026, 2, 28), "bpm", 50), Daily(date(2026, 3, 2), "bpm", 50))
    life.pull(RESTING, dates, Page(dailies=rest))
    held = listing.holdings(life.store.index.db, at("2026-03-01T08:30"))
    assert [(one.data_type, one.newest, one.count) for one in held] == [
        ("heart", at("2026-03-01T08:00"), 2),
        ("resting", at("2026-02-28"), 2),
        ("sleep", at("2026-02-28T07:00"), 2),
    ]
    before = listing.holdings(life.store.index.db, at("2020-01-01"))
    assert [one.newest for one in before] == [None] * 3


def test_points_that_were_not_understood_are_told_by_data_type(life: Life) -> None:
    for name, on, count, why, seen in (
        ("heart", "2026-03-01", 2, "no time", 1000),
        ("heart", "2026-03-02", 3, "a word for a number", 3000),
        ("sleep", "", 1, "no end", 2000),
    ):
        life.rows(
            "INSERT INTO unread VALUES (?, ?, ?, ?, ?, ?, ?)", name, on, on, count, why, seen, seen
        )
    assert listing.unread_points(life.store.index.db) == [
        listing.UnreadRow("heart", 5, at("1970-01-01T00:00:01"), "a word for a number"),
        listing.UnreadRow("sleep", 1, at("1970-01-01T00:00:02"), "no end"),
    ]


def test_corrections_count_from_when_they_were_seen(life: Life) -> None:
    for days in (1, 29, 31):
        life.rows(
            "INSERT INTO correction (data_type, day, field, source, key, pull, seen_at)"
            " VALUES ('heart', '2020-01-01', 'bpm', '', '', 1, ?)",
            round((life.now - timedelta(days=days)).timestamp() * 1000),
        )
    db = life.store.index.db
    assert listing.corrections_since(db, life.now - timedelta(days=30)) == 2


def test_pulls_that_only_the_archive_has_are_counted(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), heart([(ms("2026-03-01T08:00"), 60, None)]))
    folder, db = life.store.account_dir, life.store.index.db
    assert listing.waiting_pulls(folder, db) == 0
    for days in (0, 1):  # the second is in a file of its own, which the index has not heard of
        life.wait(days=days)
        life.begin_pass()
        pull = Pull(HEART.name, day("2026-03-01"), Why.SYNC, ZONE)
        life.write_pull(pull, [body(heart([]))], complete(1, 0))
        if not days:
            life.store.writer.close()
    assert listing.waiting_pulls(folder, db) == 2
    life.end_pass()
    assert listing.waiting_pulls(folder, db) == 0
