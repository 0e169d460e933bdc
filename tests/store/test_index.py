"""The index's file: its modes, versions and ends."""

import os
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from fitbitd.errors import OperatorError
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import Index, open_reader
from fitbitd.store.rebuild import rebuild
from tests.support.store import CATALOGUE, HEART, Life, day, heart, ms, read

BEATS = heart([(ms("2026-03-01T08:00"), 60, None)])


def lived(account_dir: Path) -> list[str]:
    life = Life(account_dir)
    life.pull(HEART, day("2026-03-01"), BEATS)
    dumped = list(canonical_dump(life.store.index.db))
    life.store.close()
    return dumped


def test_the_group_reads_the_index_and_nothing_beside_it(tmp_path: Path) -> None:
    account_dir = tmp_path / "alice"
    old = os.umask(0o077)
    try:
        life = Life(account_dir)
        life.pull(HEART, day("2026-03-01"), BEATS)
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in account_dir.iterdir()}
    assert modes == {
        "archive": 0o700,
        "index.sqlite": 0o640,
        "index.sqlite-shm": 0o640,
        "index.sqlite-wal": 0o640,
        "lock": 0o600,
    }
    assert stat.S_IMODE(account_dir.stat().st_mode) == 0o750
    life.store.close()


@pytest.mark.parametrize("running", [True, False])
def test_a_user_of_the_group_reads_while_the_daemon_runs_and_while_it_does_not(
    *, running: bool
) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        account_dir = Path(folder) / "alice"
        life = Life(account_dir)
        life.pull(HEART, day("2026-03-01"), BEATS)
        for path in (account_dir, *account_dir.glob("index.sqlite*")):
            os.chown(path, 1234, 4321)
        if not running:
            life.store.close()
        asked = subprocess.run(
            [
                *("setpriv", "--reuid=65534", "--regid=4321", "--clear-groups"),
                *("sqlite3", "-readonly", str(account_dir / "index.sqlite")),
                "SELECT value FROM readings",
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        assert (asked.stdout, asked.stderr) == ("60\n", "")
        if running:
            life.store.close()


def test_a_clean_end_leaves_one_plain_file(tmp_path: Path) -> None:
    lived(tmp_path / "alice")
    assert sorted(path.name for path in (tmp_path / "alice").iterdir()) == [
        "archive",
        "index.sqlite",
        "lock",
    ]
    db = sqlite3.connect(tmp_path / "alice" / "index.sqlite")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()


def test_an_end_while_somebody_reads_waits_for_nobody(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    life.pull(HEART, day("2026-03-01"), BEATS)
    reader = open_reader(tmp_path / "alice")
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM reading").fetchone() == (1,)
    life.store.close()
    assert reader.execute("SELECT count(*) FROM readings").fetchone() == (1,)
    reader.close()


def test_an_index_of_a_newer_program_is_left_alone_and_named(tmp_path: Path) -> None:
    dumped = lived(tmp_path / "alice")
    path = tmp_path / "alice" / "index.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    for opening in (lambda: Life(tmp_path / "alice"), lambda: open_reader(tmp_path / "alice")):
        with pytest.raises(OperatorError, match="fitbitd rebuild alice") as caught:
            opening()
        assert caught.value.code == "index_newer"
        assert caught.value.exit_code == 78
    assert path.read_bytes() == before
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    reader = open_reader(tmp_path / "alice")
    assert list(canonical_dump(reader)) == dumped
    reader.close()


@pytest.mark.parametrize("wound", ["header", "body"])
def test_a_damaged_index_is_named_and_made_again(tmp_path: Path, wound: str) -> None:
    dumped = lived(tmp_path / "alice")
    path = tmp_path / "alice" / "index.sqlite"
    data = bytearray(path.read_bytes())
    start = 0 if wound == "header" else 4096
    data[start:] = os.urandom(len(data) - start)
    path.write_bytes(data)
    with pytest.raises(OperatorError, match="fitbitd rebuild alice") as caught:
        Life(tmp_path / "alice")
    assert caught.value.code == "index_damaged"
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    life = Life(tmp_path / "alice")
    assert list(canonical_dump(life.store.index.db)) == dumped
    life.store.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_reader_without_an_index_is_told_what_to_do(tmp_path: Path, *, begun: bool) -> None:
    (tmp_path / "alice").mkdir()
    if begun:  # its writer is about to make the first table
        (tmp_path / "alice" / "index.sqlite").touch()
    with pytest.raises(OperatorError, match="fitbitd run") as caught:
        open_reader(tmp_path / "alice")
    assert caught.value.code == "index_missing"


def test_an_index_that_a_power_cut_emptied_is_not_taken_for_a_beginning(tmp_path: Path) -> None:
    (tmp_path / "alice" / "archive").mkdir(parents=True)
    (tmp_path / "alice" / "index.sqlite").touch()
    with pytest.raises(OperatorError, match=r"nothing is lost.*\nNext: fitbitd rebuild alice"):
        open_reader(tmp_path / "alice")


def test_a_reader_of_an_older_index_is_told_who_brings_it_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "alice"
    lived(folder)
    with closing(sqlite3.connect(folder / "index.sqlite")) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(OperatorError, match="fitbitd pull alice") as caught:
        open_reader(folder)
    assert caught.value.code == "index_older"


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    lived(tmp_path / "alice")
    reader = open_reader(tmp_path / "alice")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM reading")
    reader.close()


def test_the_views_for_people_are_there(tmp_path: Path) -> None:
    index = Index(tmp_path / "alice", CATALOGUE)
    views = {
        name for (name,) in index.db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")
    }
    assert views == {
        "readings",
        "hourly",
        "days",
        "daily_values",
        "sessions",
        "sleep",
        "sleep_stages",
        "coverage_days",
        "snapshots",
        "preferred_readings",
        "exercises",
        "exercise_parts",
        "files",
        "corrections",
        "unread_points",
        "lessons",
        "zones",
    }
    index.close()
