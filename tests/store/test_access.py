"""Access that is denied: to one data type if others are answered, to the account if none is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.model import Axis, DataType, Outcome, Pull, Why
from tests.support.store import (
    GLUCOSE,
    HEART,
    NIGHTS,
    RESTING,
    TRACKS,
    ZONE,
    Life,
    complete,
    day,
    failed,
)

DENIED = failed("access_denied")
SUNDAY = day("2026-03-01")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def run_pass(life: Life, *pulls: tuple[DataType, Outcome]) -> None:
    life.begin_pass()
    for data_type, outcome in pulls:
        life.write_pull(Pull(data_type.name, SUNDAY, Why.SYNC, ZONE), [], outcome)
    life.end_pass()


def refusals(life: Life) -> list[tuple[object, ...]]:
    return life.rows("SELECT data_type, day, reason, count FROM refusal ORDER BY data_type")


def test_types_that_are_denied_while_another_is_answered_are_switched_off_alone(
    life: Life,
) -> None:
    run_pass(life, (HEART, DENIED), (RESTING, complete(0, 0)), (NIGHTS, DENIED))
    assert refusals(life) == [
        ("heart", "", "data_type_refused", 1),
        ("sleep", "", "data_type_refused", 1),
    ]
    known = life.store.index.ledger(life.now).of(HEART.name)
    assert (list(known.blocked), known.refused_at) == ([None], life.now)
    life.wait(hours=1)
    run_pass(life, (HEART, DENIED), (RESTING, complete(0, 0)))
    assert refusals(life)[0] == ("heart", "", "data_type_refused", 2)


def test_where_nothing_is_answered_nothing_is_switched_off(life: Life) -> None:
    run_pass(life, (RESTING, complete(0, 0)))  # another pass
    run_pass(life, (HEART, DENIED), (NIGHTS, DENIED), (GLUCOSE, failed("provider_unreachable")))
    assert refusals(life) == []


def test_a_type_that_is_answered_in_the_end_is_not_switched_off(life: Life) -> None:
    run_pass(life, (HEART, DENIED), (HEART, complete(0, 0)))
    assert refusals(life) == []


def ask_for_tracks(life: Life, **outcomes: Outcome) -> None:
    life.begin_pass()
    life.write_pull(Pull(RESTING.name, SUNDAY, Why.SYNC, ZONE), [], complete(0, 0))
    for key, outcome in outcomes.items():
        life.write_pull(Pull(TRACKS.name, None, Why.INTERVAL, ZONE, item=f"{key}@1"), [], outcome)
    life.end_pass()


def test_a_file_that_is_denied_while_another_is_answered_is_held_back_alone(life: Life) -> None:
    ask_for_tracks(life, run=DENIED, ride=complete(0, 0))
    assert refusals(life) == [("tracks", "item:run@1", "data_type_refused", 1)]


def test_files_that_are_all_denied_are_switched_off_as_a_type(life: Life) -> None:
    ask_for_tracks(life, run=DENIED, ride=DENIED)
    assert refusals(life) == [("tracks", "", "data_type_refused", 1)]


@pytest.mark.parametrize("reason", ["access_denied", "too_slow", "method_refused"])
def test_where_another_way_is_open_a_failure_is_not_held_against_the_day(
    life: Life, reason: str
) -> None:
    life.pull(RESTING, day("2026-03-01", axis=Axis.DATE), outcome=failed(reason))
    assert refusals(life) == []
