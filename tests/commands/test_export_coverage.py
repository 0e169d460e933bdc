"""`fitbitd export --coverage`: the ledger in a file beside the data."""

import csv
import json
from pathlib import Path

import pytest

from tests.support.cli import Desk


def test_the_ledger_stands_beside_the_data(collected: Desk, tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    alone = collected.ask("export", "alice", "heart_rate")
    said = collected.ask("export", "alice", "heart_rate", "--coverage", str(path))
    assert (said.code, said.out) == (0, alone.out)
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert (row["day"], row["state"], row["readings"]) == ("2017-05-01", "settled", "9373")
    asked = ("--from", "2017-04-30", "--to", "2017-05-01", "--format", "jsonl")
    said = collected.ask("export", "alice", "heart_rate", *asked, "--coverage", str(path))
    assert said.code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["day"], row["state"]) for row in rows] == [
        ("2017-04-30", "absent"),
        ("2017-05-01", "settled"),
    ]


@pytest.mark.parametrize("where", [".", "missing/days.csv"])
def test_a_place_where_no_file_can_be_is_named(collected: Desk, tmp_path: Path, where: str) -> None:
    said = collected.ask("export", "alice", "steps", "--coverage", str(tmp_path / where))
    said.refused(64, str(tmp_path / where), "another file")


def test_what_is_not_read_by_days_has_no_ledger(collected: Desk, tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    collected.ask("export", "alice", "devices", "--coverage", str(path)).refused(64, "--coverage")
    assert not path.exists()
