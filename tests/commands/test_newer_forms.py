"""What a newer program wrote is refused in plain words by all who open it, and is left as it is."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fitbitd.store.dump import canonical_dump
from tests.support.cli import Desk, Said

WORDS = "newer fitbitd"
READERS_OF_THE_INDEX = [
    ("pull",),
    ("status",),
    ("query", "SELECT 1"),
    ("verify",),
    ("plan",),
    ("gaps",),
    ("export", "alice", "heart_rate"),
]


def bytes_of(desk: Desk) -> dict[Path, bytes]:
    """Give all that is kept; a lock has whoever holds it inside."""
    found = (path for path in desk.account_dir.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in found if not path.name.endswith("lock")}


def rows_of(desk: Desk) -> list[str]:
    with closing(sqlite3.connect(desk.index)) as db:
        return list(canonical_dump(db))


def make_index_newer(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.index)) as db:
        db.execute("PRAGMA user_version = 99")


def make_archive_newer(desk: Desk) -> None:
    *_, newest = desk.archives
    line = {"seq": 10**6, "kind": "pass_begin", "at": "2026-03-01T12:00:00Z", "format": 2}
    with newest.open("ab") as file:
        file.write(gzip.compress(json.dumps(line).encode() + b"\n"))


def make_token_newer(desk: Desk) -> None:
    grant = json.loads(desk.token.read_text(encoding="utf-8"))
    desk.token.write_text(json.dumps({**grant, "version": 2}), encoding="utf-8")


def refused(said: Said) -> None:
    assert said.code == 78
    assert WORDS in said.err
    assert "Next: " in said.err
    assert "Traceback" not in said.err + said.out


@pytest.mark.parametrize("command", READERS_OF_THE_INDEX, ids=lambda words: words[0])
def test_a_newer_index_is_refused_and_untouched(collected: Desk, command: tuple[str, ...]) -> None:
    make_index_newer(collected)
    before = bytes_of(collected)
    refused(collected.ask(*command))
    assert bytes_of(collected) == before


def test_a_newer_index_can_be_made_again_from_an_archive_that_is_not(collected: Desk) -> None:
    rows = rows_of(collected)
    make_index_newer(collected)
    assert collected.ask("rebuild", "alice").code == 0
    assert rows_of(collected) == rows


def test_of_an_account_with_a_newer_index_the_archive_is_copied(
    collected: Desk, tmp_path: Path
) -> None:
    make_index_newer(collected)
    assert collected.ask("backup", str(tmp_path / "copy")).code == 0
    copies = [path.read_bytes() for path in (tmp_path / "copy").rglob("*.gz")]
    assert copies == [path.read_bytes() for path in collected.archives]


@pytest.mark.parametrize("command", ["pull", "verify", "rebuild"])
def test_a_newer_archive_is_refused_and_untouched(collected: Desk, command: str) -> None:
    make_archive_newer(collected)
    rows, archive = rows_of(collected), [path.read_bytes() for path in collected.archives]
    refused(collected.ask(command, "alice"))
    assert rows_of(collected) == rows
    assert [path.read_bytes() for path in collected.archives] == archive
    assert collected.ask("query", "SELECT 1").code == 0  # it holds what it held


@pytest.mark.parametrize("command", ["pull", "plan"])
def test_a_newer_token_file_is_refused_and_untouched(collected: Desk, command: str) -> None:
    make_token_newer(collected)
    token = collected.token.read_bytes()
    refused(collected.ask(command))
    assert collected.token.read_bytes() == token


@pytest.mark.parametrize("make", [make_index_newer, make_token_newer])
def test_check_says_which_file_is_newer(collected: Desk, make: object) -> None:
    assert callable(make)
    make(collected)
    before = bytes_of(collected)
    said = collected.ask("check", "--offline")
    assert said.code == 1
    assert WORDS in said.out
    assert bytes_of(collected) == before
