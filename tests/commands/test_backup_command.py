"""Backup and restore at the command line, and trying what [notify] names."""

import json
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import pytest

from tests.support.cli import Desk, end, line_of


def conditions(desk: Desk) -> list[str]:
    return [one["code"] for one in json.loads(desk.ask("status", "--json").out)["conditions"]]


EXTRA = ("--from", "2017-05-02", "--to", "2017-05-02")


def test_a_restored_backup_goes_on_as_if_nothing_had_happened(collected: Desk) -> None:
    usb = collected.folder / "usb"
    said = collected.ask("backup", str(usb), "--with-tokens")
    assert said.code == 0, said
    assert "alice: 3 files copied" in said.err
    days = collected.ask("query", "SELECT * FROM days").out
    wrong = conditions(collected)
    shutil.rmtree(collected.folder / "state")
    shutil.copytree(usb, collected.folder / "state")
    assert collected.ask("verify", "--compare").code == 0
    assert collected.ask("query", "SELECT * FROM days").out == days
    assert conditions(collected) == wrong
    said = collected.type("pull", *EXTRA)
    assert said.code == 0, said
    assert collected.ask("verify", "--compare").code == 0


def test_tokens_stay_out_unless_they_are_asked_for(collected: Desk) -> None:
    usb = collected.folder / "usb"
    assert collected.ask("backup", str(usb), "alice").code == 0
    names = {path.name for path in usb.rglob("*") if path.is_file()}
    assert "token.json" not in names
    token = json.loads(collected.token.read_text())["refresh_token"].encode()
    assert not any(token in path.read_bytes() for path in usb.rglob("*") if path.is_file())
    assert stat.S_IMODE(usb.stat().st_mode) == 0o750
    again = collected.ask("backup", str(usb), "--with-tokens")
    assert "2 files copied" in again.err  # the index and the grant
    assert (usb / "alice" / "token.json").read_bytes() == collected.token.read_bytes()


def test_a_backup_beside_a_running_daemon_is_whole(collected: Desk) -> None:
    with collected.start("run") as running:
        line_of(running, "daemon.started")
        usb = collected.folder / "usb"
        said = collected.ask("backup", str(usb))
        assert end(running, signal.SIGTERM).code == 0
    assert said.code == 0, said
    state = collected.folder / "state"
    state.rename(collected.folder / "old")
    usb.rename(state)
    assert collected.ask("verify", "--compare").code == 0


@pytest.mark.parametrize("folder", ["state", "state/usb", "state/alice", "state/alice/archive"])
def test_a_backup_within_what_it_copies_is_refused(collected: Desk, folder: str) -> None:
    before = collected.contents()
    collected.ask("backup", str(collected.folder / folder)).refused(64, "Nothing was copied")
    assert collected.contents() == before


def test_a_folder_that_cannot_be_made_and_an_unknown_account_are_named(collected: Desk) -> None:
    nowhere = collected.folder / "not" / "mounted"
    collected.ask("backup", str(nowhere)).refused(78, "there is no folder", "mount its disk")
    assert not nowhere.parent.exists()
    collected.ask("backup", str(collected.folder / "usb"), "carol").refused(64, "carol", "alice")
    assert not (collected.folder / "usb").exists()


def test_an_account_without_anything_is_no_failure(desk: Desk) -> None:
    said = desk.ask("backup", str(desk.folder / "usb"))
    assert said.code == 0
    assert "nothing was collected yet" in said.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_roots_backup_is_the_services_own(collected: Desk) -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory() as home:  # pytest's own folders are closed to others
        Path(home).chmod(0o755)
        desk = Desk(Path(home) / "desk")
        shutil.copytree(collected.folder, desk.folder)
        desk.folder.chmod(0o755)
        for path in (desk.folder / "state", *(desk.folder / "state").rglob("*")):
            os.chown(path, nobody, nobody)
        said = desk.type("backup", "usb")
        assert said.code == 0, said
        usb = desk.folder / "usb"
        assert {path.stat().st_uid for path in (usb, *usb.rglob("*"))} == {nobody}


# notify --test


def notifying(desk: Desk, *lines: str) -> None:
    told = "\n".join(("", "[notify]", *lines, ""))
    desk.config.write_text(desk.config.read_text() + told)


def test_trying_what_nobody_set_says_where_to_set_it(desk: Desk) -> None:
    desk.ask("notify", "--test").refused(78, "neither a command nor a heartbeat_url")


def test_both_ways_are_tried(desk: Desk, provider: str) -> None:
    out = desk.folder / "out"
    notifying(desk, f'command = ["tee", "{out}"]', f'heartbeat_url = "{provider}/_simulator"')
    said = desk.ask("notify", "--test")
    assert "the command works" in said.err
    told = json.loads(out.read_text())
    assert (told["change"], told["account"]) == ("test", "example")
    assert "nothing is wrong" in told["summary"]
    assert "the heartbeat" in said.err


def test_a_way_that_fails_does_not_keep_the_other_from_being_tried(desk: Desk) -> None:
    notifying(desk, 'command = ["false"]', 'heartbeat_url = "http://127.0.0.1:9/ping"')
    said = desk.ask("notify", "--test")
    assert said.code == 75
    told = [line for line in said.err.splitlines() if not line.startswith("Next: ")]
    assert told == [
        "error: the command: false ended with 1.",
        "error: the heartbeat: 127.0.0.1 was not reached: no connection.",
    ]
    assert "correct the command in [notify]" in said.err
    assert "correct heartbeat_url in [notify]" in said.err
