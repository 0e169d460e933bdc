"""Readings inside of sessions: the window selects the session, and its readings go with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.model import Page, Readings, Session
from tests.support.store import TRACES, Life, at, ms, utc_days

SAMPLES = 300


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def trace(start: str, first_value: int = 0) -> Page:
    """Make a recording of half a minute, ten samples a second."""
    start_ms = ms(start)
    session = Session(start, at(start).date(), start_ms, start_ms + 100 * SAMPLES, 0)
    points = [(start_ms + 100 * n, first_value + n, None) for n in range(SAMPLES)]
    return Page(readings=(Readings("mv", "", 0, list(points)),), sessions=(session,))


def stored(life: Life) -> int:
    (count,) = life.rows("SELECT count(*) FROM reading")
    return int(count[0])


def test_a_recording_over_midnight_is_stored_whole(life: Life) -> None:
    life.pull(TRACES, utc_days("2026-02-27"), trace("2026-02-27T23:59:50"))
    assert stored(life) == SAMPLES


def test_the_window_of_the_next_day_takes_nothing_from_it(life: Life) -> None:
    life.pull(TRACES, utc_days("2026-02-27"), trace("2026-02-27T23:59:50"))
    life.pull(TRACES, utc_days("2026-02-28"), trace("2026-02-28T09:00:00"))
    assert stored(life) == 2 * SAMPLES
    assert life.rows("SELECT * FROM correction") == []


def test_one_that_vanished_takes_its_readings_along(life: Life) -> None:
    both = (trace("2026-02-28T09:00:00"), trace("2026-02-28T10:00:00"))
    life.pull(TRACES, utc_days("2026-02-28"), *both)
    life.pull(TRACES, utc_days("2026-02-28"), both[0])
    assert stored(life) == SAMPLES
