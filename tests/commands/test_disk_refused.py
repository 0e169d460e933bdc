"""Disks and files that fail: one clear error with the remedy, and nothing stored is lost."""

import gzip
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.cli import Desk, end, line_of

PULL = ("pull", "--from", "2018-09-01", "--to", "2018-09-01")
READ = (("export", "alice", "heart_rate"), ("query", "SELECT count(*) FROM readings"))


def rows(desk: Desk) -> int:
    """Count the heart rates that an export gives."""
    said = desk.ask("export", "alice", "heart_rate")
    assert said.code == 0, said
    return len(said.out.splitlines()) - 1


def well(desk: Desk) -> bool:
    """Say whether the index equals what the archive says."""
    return desk.ask("verify", "--compare").code == 0


def mount(folder: Path, *options: str) -> bool:
    """Mount a small file system; say whether this machine lets us."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return (
        os.geteuid() == 0
        and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


@contextmanager
def own_disk(desk: Desk) -> Iterator[Path]:
    """Move an account to a file system of its own, with a megabyte of room."""
    state = desk.account_dir.parent
    size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
    aside = state.rename(desk.folder / "aside")
    state.mkdir(mode=0o750)
    if not mount(state, f"size={size // 1024 + 1024}k", "mode=750"):
        state.rmdir()
        aside.rename(state)
        pytest.skip("no file system can be mounted here")
    try:
        shutil.copytree(aside, state, dirs_exist_ok=True)
        yield state
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)


def fill(file: Path, *, leave_bytes: int) -> None:
    """Leave so much room on a disk, and no more."""
    disk = os.statvfs(file.parent)
    file.write_bytes(bytes(disk.f_bavail * disk.f_frsize - leave_bytes))


def test_a_full_disk_is_said_and_work_goes_on_when_there_is_room(collected: Desk) -> None:
    with own_disk(collected) as state:
        (archive,) = collected.archives
        before = archive.read_bytes()
        filler = state / "filler"
        fill(filler, leave_bytes=0)
        collected.type(*PULL).refused(78, "no room is left for", "free some space")
        assert archive.read_bytes().startswith(before)
        filler.unlink()
        assert collected.type(*PULL).code == 0
        assert list(archive.parent.glob("*.torn-*")) == []  # it was taken back at once
        assert rows(collected) == 9373 + 1420
        assert well(collected)


def test_a_disk_that_fills_up_on_the_way_loses_nothing(collected: Desk) -> None:
    with own_disk(collected) as state:
        (archive,) = collected.archives
        before = archive.read_bytes()
        fill(state / "filler", leave_bytes=96 * 1024)
        collected.type(*PULL).refused(78, "no room is left for")
        assert archive.read_bytes().startswith(before)
        (state / "filler").unlink()
        assert collected.type(*PULL).code == 0
        assert list(archive.parent.glob("*.torn-*")) == []
        assert rows(collected) == 9373 + 1420
        assert well(collected)


def test_a_daemon_that_was_started_by_hand_on_a_full_disk_is_heard(collected: Desk) -> None:
    def conditions() -> list[str]:
        (report,) = map(json.loads, collected.ask("status", "--json").out.splitlines())
        return [each["code"] for each in report["conditions"]]

    with own_disk(collected) as state:
        fill(state / "filler", leave_bytes=0)
        with collected.start("run") as running:
            line_of(running, "disk_full")
            assert any("disk_full" in conditions() for _ in range(100))  # it is about to be shown
            end(running)
        assert "disk_full" not in conditions()


@pytest.mark.parametrize("size_bytes", [0, 30_000, 60_000])
def test_a_file_that_may_not_grow_is_said_and_loses_nothing(
    collected: Desk, size_bytes: int
) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    before = collected.archives[0].read_bytes()
    said = collected.type(*PULL, preexec_fn=limit)
    assert said.code == 78, said
    assert "Traceback" not in said.err
    assert "defect" not in said.err
    assert "internal_error" not in said.err
    assert "\nNext: " in said.err
    assert collected.archives[0].read_bytes().startswith(before)
    assert collected.type(*PULL).code == 0
    assert list(collected.archives[0].parent.glob("*.torn-*")) == []
    assert rows(collected) == 9373 + 1420
    assert well(collected)


def test_a_read_only_disk_is_said_and_can_still_be_read(collected: Desk) -> None:
    with own_disk(collected) as state:
        subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
        before = collected.contents()
        collected.type(*PULL).refused(78, "cannot be written", "read-only", "dmesg")
        assert rows(collected) == 9373
        assert collected.ask("status").code == 0
        collected.ask("rebuild", "alice").refused(78, "read-only")
        assert collected.contents() == before


def test_a_corrupt_token_file_is_kept_and_authorize_replaces_it(collected: Desk) -> None:
    collected.token.write_text('{"access_token": 3')
    archive = collected.archives[0].read_bytes()
    collected.type(*PULL).refused(78, str(collected.token), "it is not JSON", "fitbitd authorize")
    collected.type("revoke", "alice").refused(78, "it is not JSON", "fitbitd authorize")
    assert "error: token_file since" in collected.ask("status").out
    assert collected.token.read_text() == '{"access_token": 3'
    assert collected.archives[0].read_bytes().startswith(archive)


def newer(desk: Desk) -> None:
    with sqlite3.connect(desk.index) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def no_database(desk: Desk) -> None:
    desk.index.write_bytes(b"\0" * 200 + desk.index.read_bytes()[200:])


def rotten(desk: Desk) -> None:
    content = bytearray(desk.index.read_bytes())
    content[9000:60_000] = b"\xa5" * 51_000
    desk.index.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(newer, "was written by a newer fitbitd"), (no_database, "is damaged"), (rotten, "damaged")],
)
def test_an_index_that_cannot_be_used_is_left_alone_and_can_be_made_again(
    collected: Desk, spoil: Callable[[Desk], None], words: str
) -> None:
    spoil(collected)
    before = collected.index.read_bytes()
    for command in READ:
        said = collected.ask(*command)
        assert (said.code, "Traceback" in said.err) == (78, False), said
        assert words in said.err
        assert "Next: " in said.err
        assert "fitbitd rebuild" in said.err
    status = collected.ask("status")
    assert (status.code, "error: index_" in status.out) == (78, True), status
    if spoil is not rotten:  # SQLite opens that one, and may tidy up
        collected.type(*PULL).refused(78, words, "fitbitd rebuild alice")
        assert collected.index.read_bytes() == before
    assert collected.ask("rebuild", "alice").code == 0
    assert rows(collected) == 9373
    assert well(collected)


@pytest.mark.parametrize("table", ["reading", "condition", "coverage"])
def test_a_pull_over_a_rotten_index_is_no_crash(collected: Desk, table: str) -> None:
    with closing(sqlite3.connect(collected.index)) as db:
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        found = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
        (place,) = found.fetchone()
    content = bytearray(collected.index.read_bytes())
    content[(place - 1) * page_bytes : place * page_bytes] = b"\xa5" * page_bytes
    collected.index.write_bytes(content)
    archive = collected.archives[0].read_bytes()
    said = collected.type(*PULL)
    assert "Traceback" not in said.err
    assert "index_damaged" in said.err or said.code == 78, said
    assert collected.archives[0].read_bytes().startswith(archive)
    assert collected.ask("rebuild", "alice").code == 0
    assert rows(collected) >= 9373
    assert well(collected)


def test_an_archive_that_lost_its_end_is_told_and_the_index_keeps_the_rest(
    collected: Desk,
) -> None:
    (archive,) = collected.archives
    cut = archive.read_bytes()[:-30]  # into the last member, which the index knows
    archive.write_bytes(cut)
    said = collected.ask("verify")
    assert (said.code, "archive_damaged" in said.out) == (1, True), said
    assert archive.read_bytes() == cut  # looking repairs nothing
    said = collected.type(*PULL)
    assert said.code == 0, said
    assert "archive.end_missing" in said.err
    assert archive.read_bytes().startswith(cut)
    assert rows(collected) == 9373 + 1420
    assert "error: archive_damaged since" in collected.ask("status").out


def test_a_torn_end_that_was_never_synced_is_cut_off_after_a_copy(collected: Desk) -> None:
    (archive,) = collected.archives
    whole = archive.read_bytes()
    torn = gzip.compress(json.dumps({"seq": 29, "kind": "pass_begin"}).encode())[:-9]
    archive.write_bytes(whole + torn)
    assert collected.ask("verify").code == 0  # perhaps somebody is writing it right now
    assert archive.read_bytes() == whole + torn
    said = collected.type(*PULL)
    assert said.code == 0, said
    assert "archive.end_cut" in said.err
    assert archive.read_bytes().startswith(whole)
    assert archive.with_name(f"{archive.name}.torn-{len(whole)}").read_bytes() == torn
    assert well(collected)
