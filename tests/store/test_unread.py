"""Points that are not understood: counted and shown, and nothing is given up for them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fitbitd.model import Axis, Daily, Page, Snapshot
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    HEART,
    NIGHTS,
    RESTING,
    Life,
    day,
    heart,
    hours,
    ms,
    night,
    read,
)

SUNDAY = day("2026-03-01")
SUNDAY_DATE = day("2026-03-01", axis=Axis.DATE)
EIGHT = ms("2026-03-01T08:00")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def beats(*values: int, unread: int = 0, why: str = "") -> Page:
    page = heart([(EIGHT + place * 5000, value, None) for place, value in enumerate(values)])
    return replace(page, unread=unread, unread_why=why)


def unread(life: Life) -> list[tuple[object, ...]]:
    return life.rows("SELECT data_type, day, count, why FROM unread")


def test_they_are_counted_by_their_windows_first_day_and_a_later_read_clears_them(
    life: Life, tmp_path: Path
) -> None:
    window = day("2026-02-28", "2026-03-01")
    life.pull(HEART, window, beats(60, unread=2, why="no time"), beats(unread=1, why="no value"))
    assert unread(life) == [("heart", "2026-02-28", 3, "no time")]
    assert life.rows("SELECT unread FROM pull") == [(3,)]
    life.wait(hours=1)
    life.pull(HEART, window, beats(60, unread=1, why="no unit"))
    rows = life.rows("SELECT count, why, first_at, last_at FROM unread")
    assert rows == [(1, "no unit", ms("2026-03-02T10:00"), ms("2026-03-02T11:00"))]
    before = list(canonical_dump(life.store.index.db))
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert list(canonical_dump(life.store.index.db)) == before
    life.pull(HEART, SUNDAY, beats(60))
    life.pull(HEART, hours("2026-02-28T08:00", "2026-02-28T09:00"), beats())
    assert len(unread(life)) == 1  # another day, and a part of the day
    life.pull(HEART, day("2026-02-28"), beats())
    assert unread(life) == []


def test_a_point_in_windows_that_slide_is_counted_once_until_its_days_are_understood(
    life: Life,
) -> None:
    days = "SELECT day, last_day, count FROM unread"
    life.pull(HEART, day("2026-02-22", "2026-02-26"), beats(unread=2, why="no time"))
    life.pull(HEART, day("2026-02-24", "2026-03-01"), beats(unread=1, why="no time"))
    assert life.rows(days) == [("2026-02-22", "2026-03-01", 1)]
    life.pull(HEART, day("2026-02-24", "2026-03-01"), beats(60))
    assert life.rows(days) == [("2026-02-22", "2026-02-23", 1)]
    life.pull(HEART, day("2026-02-20", "2026-02-23"), beats(60))
    assert life.rows(days) == []


def test_such_a_pull_is_complete_and_moves_coverage_but_withdraws_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61))
    life.wait(hours=1)
    pulled, _ = life.pull(HEART, SUNDAY, beats(70, unread=1))
    assert pulled.outcome is not None
    assert (pulled.outcome.complete, pulled.written, pulled.withdrawn) == (True, 1, 0)
    assert [value for _, value, _, _ in life.readings()] == [70, 61]
    assert life.rows("SELECT read_at, readings FROM coverage") == [(ms("2026-03-02T11:00"), 2)]
    assert life.rows("SELECT total FROM rollup_day") == [(131,)]


def test_what_nothing_was_understood_of_is_not_empty(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60))
    pulled, _ = life.pull(HEART, SUNDAY, beats(unread=1))
    assert pulled.outcome is not None
    assert pulled.outcome.reason == ""
    assert len(life.readings()) == 1


def test_nights_daily_values_and_snapshots_stay_as_well(life: Life) -> None:
    nothing = Page(unread=1)
    life.pull(NIGHTS, SUNDAY_DATE, Page(sessions=(night("a", "2026-03-01"),)))
    life.pull(NIGHTS, SUNDAY_DATE, nothing)
    life.pull(RESTING, SUNDAY_DATE, Page(dailies=(Daily(date(2026, 3, 1), "bpm", 50),)))
    life.pull(RESTING, SUNDAY_DATE, nothing)
    life.pull(DEVICES, None, Page(snapshots=(Snapshot("watch", "{}"),)))
    life.pull(DEVICES, None, nothing)
    counts = "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM daily)"
    assert life.rows(counts) == [(1, 1)]
    assert life.rows("SELECT key FROM snapshots") == [("watch",)]
    assert ("devices", "", 1, "") in unread(life)
    life.pull(DEVICES, None, Page())
    assert not [row for row in unread(life) if row[0] == "devices"]


def test_days_of_one_window_that_are_understood_one_by_one_are_cleared_in_any_order(
    life: Life,
) -> None:
    window = day("2026-02-26", "2026-03-01")
    life.pull(HEART, window, beats(60, unread=2, why="no time"))
    told = []
    for on in ("2026-02-27", "2026-02-26", "2026-03-01", "2026-02-28"):
        life.pull(HEART, day(on), beats(60) if on == "2026-03-01" else heart([]))
        told.append(life.rows("SELECT day, last_day, count FROM unread ORDER BY day"))
    assert told == [
        [("2026-02-26", "2026-02-26", 2), ("2026-02-28", "2026-03-01", 2)],
        [("2026-02-28", "2026-03-01", 2)],
        [("2026-02-28", "2026-02-28", 2)],
        [],
    ]
