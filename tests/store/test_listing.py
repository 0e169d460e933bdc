"""What status shows of an index."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import Axis, Daily, Page, Point, Pull, Snapshot, Why
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


def test_corrections_are_listed_with_what_stood_there_newest_first(life: Life) -> None:
    life.now = at("2026-03-10T10:00")
    synced_at = at("2026-03-10T09:00")
    eight, dates = ms("2026-03-01T08:00"), day("2026-03-01", axis=Axis.DATE)
    for values in ((60, 61), (70,)):
        points: list[Point] = [
            (eight + place * 5000, value, None) for place, value in enumerate(values)
        ]
        life.pull(HEART, day("2026-03-01"), heart(points, source="watch"), synced_at=synced_at)
        life.wait(hours=1)
    for rest in (50, 51):
        found = Page(dailies=(Daily(date(2026, 3, 1), "bpm", rest),))
        life.pull(RESTING, dates, found, synced_at=synced_at)
    for nights in ((), (night("a", "2026-03-01"),)):
        life.pull(NIGHTS, dates, Page(sessions=nights), synced_at=synced_at)
    told = listing.corrections(life.store.index.db)
    sunday, seen = date(2026, 3, 1), at("2026-03-10T12:00")
    slept, rested, gone, changed = told
    assert (slept.data_type, slept.change, slept.field, slept.key) == ("sleep", "added", "", "a")
    assert (slept.old, slept.at) == (None, None)
    assert '"efficiency": 90' in str(slept.new)
    assert rested == listing.CorrectionRow(
        *(seen, "resting", sunday, "bpm", "changed", 50, 51, "bpm", "", None, "")
    )
    in_berlin = datetime.fromisoformat("2026-03-01T09:00:00+01:00")
    assert changed == listing.CorrectionRow(
        at("2026-03-10T11:00"),
        *("heart", sunday, "bpm", "changed", 60, 70, "bpm", "watch", in_berlin, ""),
    )
    assert changed.at is not None
    assert changed.at.utcoffset() == timedelta(hours=1)
    assert (gone.change, gone.old, gone.new) == ("withdrawn", 61, None)


def test_corrections_are_chosen_by_data_type_day_and_number(life: Life) -> None:
    for number, (name, on) in enumerate(
        [("heart", "2026-03-01"), ("heart", "2026-03-03"), ("sleep", "2026-03-03")]
    ):
        life.rows(
            "INSERT INTO correction (data_type, day, field, source, key, old, pull, seen_at)"
            " VALUES (?, ?, 'bpm', '', '', ?, 1, 1000)",
            name,
            on,
            number,
        )

    def chosen(**asked: Any) -> list[object]:
        return [row.old for row in listing.corrections(life.store.index.db, **asked)]

    assert chosen() == [2, 1, 0]
    assert chosen(limit=2) == [2, 1]
    assert chosen(data_type="heart") == [1, 0]
    assert chosen(first=date(2026, 3, 2)) == [2, 1]
    assert chosen(last=date(2026, 3, 2)) == [0]
    assert chosen(data_type="heart", first=date(2026, 3, 3), last=date(2026, 3, 3)) == [1]
