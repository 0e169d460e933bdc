"""Looks far back: which final days they are for, and what a read does to them."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from fitbitd.model import Why
from fitbitd.plan.ledger import TypeLedger
from tests.support.store import HEART, Life, at, day, heart, ms

BEATS = heart([(ms("2026-03-01T08:00"), 60, None)])
DAYS = [date(2026, 3, number) for number in range(1, 5)]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-04-10T10:00")
    for each in DAYS:
        made.pull(HEART, day(each.isoformat()), BEATS, synced_at=at("2026-04-10T09:00"))
    yield made
    made.store.close()


def known(life: Life) -> TypeLedger:
    return life.store.index.ledger(life.now).of(HEART.name)


def test_final_days_that_no_read_touched_for_a_day_are_to_be_looked_at(life: Life) -> None:
    read_at = life.now
    assert (known(life).looked_back_at, known(life).unlooked) == (read_at, ())
    life.now = read_at + timedelta(days=2)
    assert known(life).unlooked == ((DAYS[0], DAYS[-1]),)
    life.pull(HEART, day("2026-03-02"), BEATS, why=Why.DEEP, synced_at=at("2026-04-12T09:00"))
    life.now += timedelta(hours=23)  # what a look has read it does not read again
    assert known(life).unlooked == ((DAYS[0], DAYS[0]), (DAYS[2], DAYS[3]))
    assert known(life).looked_back_at == read_at
    assert known(life).settled == ((DAYS[0], DAYS[-1]),)


def test_days_before_the_look_back_are_not_looked_at(life: Life) -> None:
    life.now = at("2026-06-01T10:00")  # ninety days after the third of March
    assert known(life).unlooked == ((DAYS[2], DAYS[3]),)


def test_a_look_that_ends_just_after_midnight_is_the_newest_read_all_the_same(life: Life) -> None:
    life.now = at("2026-05-02T00:10")
    life.pull(HEART, day("2026-05-01"), BEATS, why=Why.DEEP)
    assert known(life).read_at == life.now
