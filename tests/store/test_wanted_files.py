"""Files of sessions: asked for once for each version, and gone with their session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.model import Axis, File, Outcome, Page, Pull, Session, Why
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from fitbitd.store.ledger import read_ledger
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    TRACKS,
    WORKOUTS,
    ZONE,
    Life,
    at,
    body,
    complete,
    day,
    failed,
    ms,
    read,
)

WEEK = day("2026-02-23", "2026-03-01", axis=Axis.DATE)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def workout(key: str, started: str, version: str | None = None) -> Session:
    labels = () if version is None else (("update_time", version),)
    start_ms = ms(started)
    return Session(key, at(started).date(), start_ms, start_ms + 3_600_000, 3600, labels=labels)


def wanted(life: Life) -> tuple[str, ...]:
    return life.store.index.ledger(life.now).of(TRACKS.name).files_wanted


def ask(life: Life, item: str, outcome: Outcome | None = None) -> None:
    """Have the file of a session asked for; it comes unless `outcome` says otherwise."""
    key, _, version = item.partition("@")
    page = Page(files=(File(key, version, "application/xml", 1000),))
    life.begin_pass()
    pull = Pull(TRACKS.name, None, Why.INTERVAL, ZONE, item=item)
    life.write_pull(pull, [] if outcome else [body(page)], outcome or complete(1, 1))
    life.end_pass()


RUN = workout("run", "2026-02-27T08:00", "v1")
RIDE = workout("ride", "2026-02-28T08:00")
RIDE_ITEM = f"ride@{RIDE.end_ms}"


def test_files_that_are_missing_are_wanted_newest_first_and_once(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN, RIDE)))
    assert wanted(life) == (RIDE_ITEM, "run@v1")
    ask(life, RIDE_ITEM)
    assert wanted(life) == ("run@v1",)
    ask(life, "run@v1")
    assert wanted(life) == ()
    (row,) = life.rows(
        "SELECT data_type, version, media_type, size_bytes, path, seq, taken_at FROM file"
        " WHERE key = 'run'"
    )
    (began,) = life.rows("SELECT max(id) FROM pull")[0]
    path = "archive/2026/03-02.jsonl.gz"
    at_ms = ms("2026-03-02T10:00")
    assert row == ("tracks", "v1", "application/xml", 1000, path, began + 1, at_ms)
    assert life.rows("SELECT item FROM pull ORDER BY id") == [("",), (RIDE_ITEM,), ("run@v1",)]


def test_a_file_of_another_version_is_asked_for_again(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN,)))
    ask(life, "run@v1")
    life.pull(WORKOUTS, WEEK, Page(sessions=(workout("run", "2026-02-27T08:00", "v2"),)))
    assert life.rows("SELECT version FROM file") == [("v1",)]
    assert wanted(life) == ("run@v2",)
    ask(life, "run@v2")
    assert life.rows("SELECT version FROM file") == [("v2",)]
    assert wanted(life) == ()


def test_at_most_fifty_are_listed(life: Life) -> None:
    many = [workout(f"{number:02}", f"2026-02-27T08:{number:02}") for number in range(60)]
    life.pull(WORKOUTS, WEEK, Page(sessions=tuple(many)))
    listed = wanted(life)
    assert (len(listed), listed[0][:2], listed[-1][:2]) == (50, "59", "10")


def test_a_refused_file_waits_longer_each_time_and_is_given_up_after_four(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN, RIDE)))
    for waits in (1, 2, 4):
        ask(life, "run@v1", failed("request_refused"))
        life.wait(hours=waits, minutes=-1)
        assert wanted(life) == (RIDE_ITEM,)
        life.wait(minutes=1)
        assert wanted(life) == (RIDE_ITEM, "run@v1")
    ask(life, "run@v1", failed("request_refused"))
    life.wait(days=300)
    assert wanted(life) == (RIDE_ITEM,)
    known = life.store.index.ledger(life.now).of(TRACKS.name)
    assert (known.blocked, known.refused_at) == ({}, None)  # the others are not held back
    life.pull(WORKOUTS, WEEK, Page(sessions=(workout("run", "2026-02-27T08:00", "v2"), RIDE)))
    assert wanted(life) == (RIDE_ITEM, "run@v2")
    ask(life, "run@v2")
    assert life.rows("SELECT count(*) FROM refusal") == [(0,)]


def test_a_clock_that_was_ahead_holds_no_file_back(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN,)))
    life.wait(days=300)
    ask(life, "run@v1", failed("request_refused"))
    life.wait(days=-300)
    assert wanted(life) == ("run@v1",)


def test_a_missing_scope_is_of_all_files(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN,)))
    ask(life, "run@v1", failed("scope_missing"))
    assert list(life.store.index.ledger(life.now).of(TRACKS.name).blocked) == [None]


def test_a_file_goes_with_its_session(life: Life, tmp_path: Path) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN, RIDE)))
    ask(life, "run@v1")
    ask(life, RIDE_ITEM)
    life.pull(WORKOUTS, WEEK, Page(sessions=(RIDE,)))
    assert life.rows("SELECT key FROM file") == [("ride",)]
    before, ledger = list(canonical_dump(life.store.index.db)), life.store.index.ledger(life.now)
    assert any(line.startswith("file|") for line in before)
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert list(canonical_dump(life.store.index.db)) == before
    assert life.store.index.ledger(life.now) == ledger


def test_the_file_of_one_session_says_nothing_of_the_others(life: Life) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN, RIDE)))
    ask(life, "run@v1")
    ask(life, RIDE_ITEM)
    assert life.rows("SELECT count(*) FROM file") == [(2,)]
    assert life.store.index.ledger(life.now).of(TRACKS.name).read_at is None
    assert life.rows("SELECT count(*) FROM snapshot") == [(0,)]


def test_a_reader_of_the_index_alone_knows_what_is_wanted(life: Life, tmp_path: Path) -> None:
    life.pull(WORKOUTS, WEEK, Page(sessions=(RUN,)))
    reader = open_reader(tmp_path / "alice")
    assert read_ledger(reader, life.now).of(TRACKS.name).files_wanted == ("run@v1",)
    reader.close()
