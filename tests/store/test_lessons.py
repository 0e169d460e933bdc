"""Lessons: what replies teach survives in the archive, and bad hours are forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fitbitd.model import DataTypeName, Lesson, LessonKind, Page, Pull, Why
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    GLUCOSE,
    HEART,
    ZONE,
    Life,
    body,
    complete,
    day,
    failed,
    heart,
    learn,
    ms,
    read,
    teaching,
)

SUNDAY = day("2026-03-01")
METHOD, LONGEST, PAGE = LessonKind.METHOD, LessonKind.LONGEST_DAYS, LessonKind.PAGE_SIZE


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def refused(life: Life, *lessons: Lesson, status: int = 400) -> None:
    """Have a pull fail with a reply that teaches something."""
    life.begin_pass()
    pull = Pull(HEART.name, SUNDAY, Why.SYNC, ZONE)
    life.write_pull(pull, [teaching(*lessons)], failed("too_slow"), status)
    life.end_pass()


def of_heart(kind: LessonKind, value: str) -> Lesson:
    return Lesson(HEART.name, kind, value)


def known(life: Life) -> tuple[Lesson, ...]:
    return life.store.index.ledger(life.now).lessons


def test_a_refused_reply_of_a_pull_that_failed_teaches(life: Life) -> None:
    lesson = of_heart(METHOD, "reconcile")
    refused(life, lesson)
    assert known(life) == (lesson,)
    assert life.rows("SELECT learnt_at FROM lesson") == [(ms("2026-03-02T10:00"),)]


def test_every_reply_of_a_pull_teaches_also_one_that_cannot_be_read(life: Life) -> None:
    life.begin_pass()
    bodies = [
        body(heart([(ms("2026-03-01T08:00"), 60, None)])),
        teaching(of_heart(METHOD, "list")),  # of status 200, and no page
        teaching(Lesson(GLUCOSE.name, LONGEST, "14")),
    ]
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), bodies, complete(3, 1))
    with capture_logs():
        life.end_pass()
    assert known(life) == (Lesson(GLUCOSE.name, LONGEST, "14"), of_heart(METHOD, "list"))
    assert life.readings() == []


def test_a_data_type_that_this_program_does_not_know_teaches_nothing(life: Life) -> None:
    life.begin_pass()
    pull = Pull(DataTypeName("aura"), SUNDAY, Why.SYNC, ZONE)
    life.write_pull(pull, [teaching(of_heart(METHOD, "list"))], failed("request_refused"), 400)
    life.end_pass()
    assert known(life) == ()


def test_the_newest_of_a_kind_counts_and_the_same_again_writes_nothing(life: Life) -> None:
    for method, longest in (("list", "90"), ("reconcile", "14"), ("list", "30")):
        refused(life, of_heart(METHOD, method), of_heart(LONGEST, longest))
        life.wait(days=30)
    assert known(life) == (of_heart(LONGEST, "30"), of_heart(METHOD, "list"))
    before = life.rows("SELECT * FROM lesson")
    refused(life, of_heart(METHOD, "list"), of_heart(LONGEST, "30"))
    assert life.rows("SELECT * FROM lesson") == before


def test_a_page_size_only_shrinks_within_its_week(life: Life) -> None:
    for size in ("2500", "1250", "2500"):
        refused(life, of_heart(PAGE, size))
        life.wait(days=3)
    assert known(life) == (of_heart(PAGE, "1250"),)


def test_a_page_size_is_forgotten_after_its_week_and_learnt_anew(life: Life) -> None:
    refused(life, of_heart(PAGE, "1250"))
    life.wait(days=6, hours=23)
    assert known(life) == (of_heart(PAGE, "1250"),)
    life.wait(hours=1)
    assert known(life) == ()
    refused(life, of_heart(PAGE, "2500"))
    assert known(life) == (of_heart(PAGE, "2500"),)


def test_a_page_size_that_shrinks_again_holds_for_another_week(life: Life) -> None:
    refused(life, of_heart(PAGE, "1250"))
    life.wait(days=5)
    refused(life, of_heart(PAGE, "1250"))
    life.wait(days=5)
    assert known(life) == (of_heart(PAGE, "1250"),)


def test_what_is_never_asked_for_is_tried_again_after_a_quarter_of_a_year(life: Life) -> None:
    refused(life, of_heart(METHOD, "rollUp"), of_heart(LONGEST, "1"))
    life.wait(days=89)
    assert known(life) == (of_heart(LONGEST, "1"), of_heart(METHOD, "rollUp"))
    life.wait(days=1)
    assert known(life) == ()
    refused(life, of_heart(LONGEST, "1"))
    assert known(life) == (of_heart(LONGEST, "1"),)


def test_a_clock_that_was_ahead_does_not_keep_pages_small(life: Life) -> None:
    life.wait(days=100)
    refused(life, of_heart(PAGE, "100"))
    life.wait(days=-100)
    assert known(life) == ()
    refused(life, of_heart(PAGE, "2500"))
    assert known(life) == (of_heart(PAGE, "2500"),)


def test_a_rebuild_learns_the_same(life: Life, tmp_path: Path) -> None:
    for size in ("2500", "1250", "2500"):
        refused(life, of_heart(PAGE, size), of_heart(METHOD, f"method {size}"))
        life.pull(HEART, SUNDAY, Page())
        life.wait(days=5)
    before, ledger = list(canonical_dump(life.store.index.db)), life.store.index.ledger(life.now)
    assert any(line.startswith("lesson|") for line in before)
    list(rebuild(tmp_path / "alice", read, CATALOGUE, learn))
    assert list(canonical_dump(life.store.index.db)) == before
    assert life.store.index.ledger(life.now) == ledger
