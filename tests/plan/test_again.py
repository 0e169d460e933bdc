"""What is asked in place of a pull that could not be answered as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fitbitd.model import Axis, Lesson, LessonKind, Pull, Why, Window
from fitbitd.plan.again import SMALLEST_PAGE, corrected, current, informed, merged, smaller_page
from tests.support.types import CARD, NIGHTS, STREAM

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
WINDOW = Window(Axis.INSTANT, NOON - timedelta(days=20), NOON)
PULL = Pull(STREAM.name, WINDOW, Why.BACKFILL, "UTC")


def lesson(kind: LessonKind, value: str) -> Lesson:
    return Lesson(STREAM.name, kind, value)


BY_LIST, BY_ROLLUP = (lesson(LessonKind.METHOD, value) for value in ("list", "rollUp"))
OF_ANOTHER = replace(BY_LIST, data_type=NIGHTS.name)


def test_the_newest_lesson_of_each_kind_counts() -> None:
    page = lesson(LessonKind.PAGE_SIZE, "100")
    assert merged((BY_LIST, page, OF_ANOTHER), (BY_ROLLUP,)) == (BY_ROLLUP, page, OF_ANOTHER)


def test_a_pull_carries_the_lessons_of_its_own_type_alone() -> None:
    assert informed(PULL, (OF_ANOTHER, BY_LIST)).lessons == (BY_LIST,)


def test_a_pull_is_corrected_only_by_what_it_did_not_know() -> None:
    anew = corrected(PULL, LessonKind.METHOD, (BY_LIST,))
    assert anew == replace(PULL, lessons=(BY_LIST,))
    assert corrected(anew, LessonKind.METHOD, (BY_LIST,)) is None
    assert corrected(anew, LessonKind.METHOD, (BY_ROLLUP,)) is not None
    assert corrected(PULL, LessonKind.LONGEST_DAYS, (BY_LIST,)) is None


def test_a_pull_that_waited_is_cut_to_what_was_learnt_meanwhile() -> None:
    short = replace(STREAM, longest=timedelta(days=14))
    pieces = current(PULL, short, (BY_LIST,))
    assert len(pieces) == 2
    assert {piece.lessons for piece in pieces} == {(BY_LIST,)}


def test_pages_are_halved_down_to_the_smallest() -> None:
    sizes, pull = [], PULL
    while (found := smaller_page(pull)) is not None:
        sizes.append(int(found.value))
        pull = replace(pull, lessons=merged(pull.lessons, (found,)))
    assert sizes == [2500, 1250, 625, 312, 156, SMALLEST_PAGE]


@pytest.mark.parametrize("value", ["", "many", "-3", "1e3"])
def test_a_page_size_that_is_no_number_counts_as_the_usual_one(value: str) -> None:
    found = smaller_page(replace(PULL, lessons=(lesson(LessonKind.PAGE_SIZE, value),)))
    assert found is not None
    assert found.value == "2500"


def test_a_snapshot_has_no_pages_to_make_smaller() -> None:
    assert smaller_page(Pull(CARD.name, None, Why.INTERVAL, "UTC")) is None
