"""How many points a day and a page hold: what windows are sized by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.model import Page, Window
from tests.support.store import DEVICES, HEART, Life, complete, day, failed, heart, hours, ms

SUNDAY = day("2026-03-01")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def seen(life: Life, window: Window, points: int, pages: int = 1) -> tuple[object, ...]:
    """Read so many points; give what is known of a day and a page then."""
    life.pull(HEART, window, outcome=complete(pages, points))
    known = life.store.index.ledger(life.now).of(HEART.name)
    return known.points_a_day, known.points_a_page


def test_nothing_is_known_before_the_first_read_of_a_whole_day(life: Life) -> None:
    assert seen(life, hours("2026-03-01T08:00", "2026-03-01T10:00"), 500) == (None, None)
    assert seen(life, day("2026-03-02"), 500) == (None, None)  # today is not over
    life.pull(HEART, SUNDAY, outcome=failed("too_large"))
    life.pull(DEVICES, None, Page())
    assert life.rows("SELECT * FROM density") == []


def test_the_points_of_a_window_are_shared_among_its_days_and_pages(life: Life) -> None:
    assert seen(life, day("2026-02-20", "2026-02-23"), 40_000) == (10_000, None)
    assert seen(life, hours("2026-03-01T08:00", "2026-03-01T10:00"), 12_000, 2) == (10_000, 6000)


def test_it_rises_at_once_and_sinks_slowly(life: Life) -> None:
    assert seen(life, SUNDAY, 8000) == (8000, None)
    assert seen(life, SUNDAY, 16_000, 4) == (16_000, 5000)
    assert seen(life, SUNDAY, 0) == (12_000, 5000)
    assert seen(life, SUNDAY, 4000) == (10_000, 5000)


def test_the_part_of_today_that_was_lived_counts_as_such(life: Life) -> None:
    lived = (life.now - life.now.replace(hour=0, minute=0, second=0)).total_seconds() / 86_400
    a_day, _ = seen(life, day("2026-03-01", "2026-03-03"), 15_000)
    assert isinstance(a_day, float)
    assert 15_000 / (1 + lived) == pytest.approx(a_day, rel=0.1)  # the zone moves midnight


def test_a_last_page_that_is_not_full_says_little_of_the_others(life: Life) -> None:
    two_hours = hours("2026-03-01T08:00", "2026-03-01T10:00")
    assert seen(life, two_hours, 8800, 2) == (None, 5000)  # as it is taken to be
    assert seen(life, two_hours, 248_000, 25) == (None, 9920)  # on average it holds no more
    assert seen(life, two_hours, 10_100, 2) == (None, 9920)  # it may be one page and a little
    assert seen(life, two_hours, 5920, 2) == (None, 8920)  # now it is smaller


def test_pages_that_are_small_from_the_first_are_known_as_such(life: Life) -> None:
    assert seen(life, SUNDAY, 110, 5) == (110, 22)


def test_a_small_difference_is_not_written(life: Life) -> None:
    assert seen(life, SUNDAY, 10_000) == (10_000, None)
    asked: list[str] = []
    life.store.index.db.set_trace_callback(asked.append)
    assert seen(life, SUNDAY, 10_900) == (10_000, None)
    life.store.index.db.set_trace_callback(None)
    assert not [query for query in asked if "INTO density" in query]
    assert seen(life, SUNDAY, 11_100) == (11_100, None)


def test_an_empty_answer_that_is_doubted_says_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, heart([(ms("2026-03-01T08:00"), 60, None)]))
    assert seen(life, SUNDAY, 0) == (1, None)
