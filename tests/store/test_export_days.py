"""The ledger beside the data: a row for each day, also for those of which there is nothing."""

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from fitbitd.model import Page
from fitbitd.store.continuation import Side
from fitbitd.store.export import Export, Format, Joined
from fitbitd.store.export_days import coverage_lines
from fitbitd.store.index import open_reader
from fitbitd.store.readers import attach_readers
from tests.support.store import HEART, NIGHTS, Life, at, day, failed, heart, hours, ms

SYNCED = at("2026-03-10T09:00")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-03-10T10:00")
    yield made
    made.store.close()


def beats(on: str) -> Page:
    return heart([(ms(f"{on}T08:00"), 60, None)])


def table(life: Life, first: date | None = None, last: date | None = None) -> list[dict[str, str]]:
    lines = coverage_lines(life.store.index.db, Export(HEART, first, last), Format.CSV)
    return list(csv.DictReader(lines))


def states(life: Life, *span: date | None) -> list[tuple[str, str]]:
    return [(row["day"], row["state"]) for row in table(life, *span)]


def test_each_day_says_how_complete_it_is_and_what_proves_it(life: Life) -> None:
    life.pull(HEART, day("2026-02-10"), beats("2026-02-10"))
    life.pull(HEART, day("2026-02-12"), beats("2026-02-12"), synced_at=SYNCED)
    life.pull(HEART, hours("2026-02-13T06:00", "2026-02-13T12:00"), heart([]))
    assert table(life) == [
        {
            "day": "2026-02-10",
            "data_type": "heart",
            "state": "settled",
            "settled_by": "age",
            "whole": "1",
            "readings": "1",
            "read_at_utc": "2026-03-10T10:00:00Z",
            "synced_at_utc": "",
            "reason": "",
        },
        {
            "day": "2026-02-11",
            "data_type": "heart",
            "state": "absent",
            "settled_by": "",
            "whole": "0",
            "readings": "0",
            "read_at_utc": "",
            "synced_at_utc": "",
            "reason": "",
        },
        {
            "day": "2026-02-12",
            "data_type": "heart",
            "state": "settled",
            "settled_by": "sync",
            "whole": "1",
            "readings": "1",
            "read_at_utc": "2026-03-10T10:00:00Z",
            "synced_at_utc": "2026-03-10T09:00:00Z",
            "reason": "",
        },
        {
            "day": "2026-02-13",
            "data_type": "heart",
            "state": "provisional",
            "settled_by": "",
            "whole": "0",
            "readings": "0",
            "read_at_utc": "2026-03-10T10:00:00Z",
            "synced_at_utc": "",
            "reason": "",
        },
    ]


def test_the_days_asked_for_are_there_up_to_the_newest_of_the_account(life: Life) -> None:
    life.pull(HEART, day("2026-03-02"), beats("2026-03-02"))
    life.pull(NIGHTS, day("2026-02-20", "2026-03-04"), Page())
    assert [each for each, _ in states(life)] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    asked = states(life, date(2026, 3, 1), date(2026, 3, 2))
    assert asked == [("2026-03-01", "absent"), ("2026-03-02", "provisional")]
    assert len(states(life, None, date(2030, 1, 1))) == 3
    assert states(life, date(2027, 1, 1)) == []


def test_a_data_type_that_was_never_read_is_absent_since_the_account_began(life: Life) -> None:
    assert states(life) == []
    life.pull(NIGHTS, day("2026-03-01", "2026-03-02"), Page())
    assert states(life) == [("2026-03-01", "absent"), ("2026-03-02", "absent")]


def test_days_that_could_not_be_read_say_why(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), beats("2026-03-01"))
    life.pull(HEART, day("2026-03-02", "2026-03-03"), outcome=failed("request_refused"))
    life.pull(HEART, day("2026-03-01"), heart([]))
    life.pull(NIGHTS, day("2026-03-01", "2026-03-04"), Page())
    assert [(row["day"], row["state"], row["reason"]) for row in table(life)] == [
        ("2026-03-01", "provisional", "not_believed"),
        ("2026-03-02", "absent", "request_refused"),
        ("2026-03-03", "absent", "request_refused"),
        ("2026-03-04", "absent", ""),
    ]


def test_what_is_not_offered_is_told_of_absent_days_and_not_of_settled_ones(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), beats("2026-03-01"), synced_at=SYNCED)
    life.pull(HEART, day("2026-03-02"), outcome=failed("scope_missing"))
    life.pull(NIGHTS, day("2026-03-01", "2026-03-02"), Page())
    assert [(row["state"], row["reason"]) for row in table(life)] == [
        ("settled", ""),
        ("not_offered", "scope_missing"),
    ]


def test_an_object_has_numbers_and_nulls(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), beats("2026-03-01"))
    lines = coverage_lines(life.store.index.db, Export(HEART), Format.JSONL)
    (row,) = map(json.loads, lines)
    assert (row["whole"], row["readings"], row["settled_by"]) == (1, 1, None)
    assert "provider" not in row


def test_an_account_that_continues_another_one_says_which_of_them_read_a_day(
    tmp_path: Path,
) -> None:
    new, old = Life(tmp_path / "new"), Life(tmp_path / "old", "2026-03-10T10:00")
    old.pull(HEART, day("2026-02-26", "2026-02-27"), beats("2026-02-27"))
    new.pull(HEART, day("2026-02-27"), heart([]))
    new.pull(HEART, day("2026-03-01"), beats("2026-03-01"))
    old.store.close()
    new.store.close()
    folders = {"new": tmp_path / "new", "old": tmp_path / "old"}
    with (
        closing(attach_readers(folders, (Side("new", "one"), Side("old", "two")))) as db,
        closing(open_reader(tmp_path / "old")) as before,
    ):
        asked = Export(HEART, joined=Joined(before, ("one", "two")))
        rows = list(csv.DictReader(coverage_lines(db, asked, Format.CSV)))
    assert [(row["day"], row["state"], row["provider"]) for row in rows] == [
        ("2026-02-26", "provisional", "two"),
        ("2026-02-27", "provisional", "one"),  # nothing was there any more
        ("2026-02-27", "provisional", "two"),
        ("2026-02-28", "absent", ""),
        ("2026-03-01", "provisional", "one"),
    ]
