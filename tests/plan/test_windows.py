"""Days into windows: exact UTC midnights on the instant axis, and no more pages than are wanted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.model import Axis, Pull, Why, Window
from fitbitd.plan.ledger import NOTHING, TypeLedger
from fitbitd.plan.windows import PAGES_A_PULL, chunks, cut, days_a_pull
from tests.support.types import CARD, INSTANTS, STREAM, TOTALS

DAY = timedelta(days=1)
FIRST = date(2026, 3, 1)


def test_days_of_instants_are_exact_utc_days() -> None:
    (window,) = chunks(INSTANTS, FIRST, FIRST + DAY)
    assert window.start == datetime(2026, 3, 1, tzinfo=UTC)
    assert window.end == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("a_day", "a_page", "expected"),
    [
        (None, None, 12),  # 20,000 are expected, 5,000 on a page
        (40_000.0, None, 6),
        (40_000.0, 2_500.0, 3),
        (1e9, None, 1),
        (0.0, None, 3650),
        (0.5, None, 3650),
    ],
)
def test_a_pull_asks_for_as_many_days_as_fill_fifty_pages(
    a_day: float | None, a_page: float | None, expected: int
) -> None:
    known = TypeLedger(points_a_day=a_day, points_a_page=a_page)
    assert days_a_pull(STREAM, known) == expected


def test_nothing_expected_and_nothing_seen_is_asked_in_the_longest_windows() -> None:
    assert days_a_pull(TOTALS, NOTHING) == 365
    assert days_a_pull(CARD, NOTHING) == 1


@given(
    days=st.integers(1, 400),
    a_day=st.floats(0, 100_000),
    a_page=st.none() | st.floats(50, 10_000),
)
def test_chunks_are_contiguous_newest_first_and_hold_fifty_pages_or_a_day(
    days: int, a_day: float, a_page: float | None
) -> None:
    last = FIRST + timedelta(days=days - 1)
    known = TypeLedger(points_a_day=a_day, points_a_page=a_page)
    windows = list(chunks(STREAM, FIRST, last, known))
    assert windows[0].end == datetime.combine(last, datetime.min.time(), UTC) + DAY
    assert windows[-1].start == datetime.combine(FIRST, datetime.min.time(), UTC)
    for newer, older in pairwise(windows):
        assert newer.start == older.end
    for window in windows:
        pages = (window.end - window.start) / DAY * a_day / (a_page or 5000)
        assert window.end - window.start == DAY or pages <= PAGES_A_PULL * 1.0001


@given(hours=st.integers(1, 60 * 24), longest=st.integers(1, 40), axis=st.sampled_from(Axis))
def test_pieces_are_no_longer_than_learnt_and_leave_nothing_out(
    hours: int, longest: int, axis: Axis
) -> None:
    start = datetime(2026, 3, 1, 7, tzinfo=UTC if axis is Axis.INSTANT else None)
    window = Window(axis, start, start + timedelta(hours=hours))
    pull = Pull(STREAM.name, window, Why.BACKFILL, "UTC")
    windows = [piece.window for piece in cut(pull, longest * DAY)]
    assert windows[0] is not None
    assert windows[-1] is not None
    assert (windows[-1].start, windows[0].end) == (window.start, window.end)
    for newer, older in pairwise(windows):
        assert newer is not None
        assert older is not None
        assert newer.start == older.end
    assert all(each and each.end - each.start <= longest * DAY for each in windows)


def test_what_has_no_window_is_not_cut() -> None:
    pull = Pull(CARD.name, None, Why.INTERVAL, "UTC")
    assert cut(pull, DAY) == (pull,)
    assert cut(replace(pull, item="7"), DAY) == (replace(pull, item="7"),)
