"""What a daemon shows of its accounts: whole, to whoever may read it, and only while it lives."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fitbitd.health import Condition
from fitbitd.health_codes import Severity
from fitbitd.model import AccountName, DataTypeName
from fitbitd.standing import NAME, Standing, path_for, read

SINCE = datetime(2027, 3, 10, 12, tzinfo=UTC)
ALICE = AccountName("alice")
FULL = Condition("disk_full", Severity.ERROR, SINCE, ALICE, "full.", "no pass.", "make room")
MISSING = Condition(
    "scope_missing", Severity.WARNING, SINCE, ALICE, "ß.", "off.", "tick it", DataTypeName("sleep")
)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def seen(state_dir: Path, account: str = "alice") -> tuple[Condition, ...] | None:
    there = state_dir.parent
    return read(state_dir, account, service=there / "run", memory=there / "memory")


def by_hand(state_dir: Path) -> Path:
    """Give where a daemon shows it that nobody gave a place."""
    return path_for(state_dir, {}, memory=state_dir.parent / "memory")


def test_what_is_shown_can_be_read_as_it_was_until_the_daemon_ends(state_dir: Path) -> None:
    assert seen(state_dir) is None
    standing = Standing(state_dir / NAME, state_dir)
    standing.show({"alice": [FULL, MISSING], "bob": []})
    assert seen(state_dir) == (FULL, MISSING)
    assert seen(state_dir, "bob") == ()
    assert seen(state_dir, "eve") is None
    standing.show({"alice": [MISSING]})
    assert seen(state_dir) == (MISSING,)
    standing.close()
    standing.close()
    assert seen(state_dir) is None
    assert list(state_dir.iterdir()) == []


def test_a_dead_daemon_shows_nothing(state_dir: Path) -> None:
    standing = Standing(state_dir / NAME, state_dir)
    standing.show({"alice": [FULL]})
    left = (state_dir / NAME).read_bytes()
    standing.close()
    (state_dir / NAME).write_bytes(left)
    assert seen(state_dir) is None


def test_a_daemon_of_another_state_directory_is_not_believed(state_dir: Path) -> None:
    service = state_dir.parent / "run"
    service.mkdir()
    other, own = Standing(service / NAME, service), Standing(state_dir / NAME, state_dir)
    other.show({"alice": [MISSING]})
    assert seen(state_dir) is None
    own.show({"alice": [FULL]})
    assert seen(state_dir) == (FULL,)
    other.close()
    own.close()


def test_the_group_may_read_it_and_nobody_else(state_dir: Path) -> None:
    standing = Standing(state_dir / NAME, state_dir)
    standing.show({})
    assert stat.S_IMODE((state_dir / NAME).stat().st_mode) == 0o640
    standing.close()


def test_where_the_disk_refuses_even_this_no_older_look_is_believed(state_dir: Path) -> None:
    standing = Standing(state_dir / NAME, state_dir)
    standing.show({"alice": []})
    (state_dir / "standing.new").mkdir()
    standing.show({"alice": [FULL]})
    assert seen(state_dir) is None
    assert not (state_dir / NAME).exists()
    (state_dir / "standing.new").rmdir()
    standing.show({"alice": [FULL]})
    assert seen(state_dir) == (FULL,)
    standing.close()


def test_a_second_daemon_takes_nothing_from_the_first_and_follows_it(state_dir: Path) -> None:
    first, second = Standing(state_dir / NAME, state_dir), Standing(state_dir / NAME, state_dir)
    first.show({"alice": [FULL]})
    second.show({"alice": []})
    second.close()
    assert seen(state_dir) == (FULL,)
    (state_dir / NAME).unlink()
    first.show({"alice": [FULL]})  # nothing new, but it is not there any more
    assert seen(state_dir) == (FULL,)
    first.close()
    second.show({"alice": []})
    assert seen(state_dir) == ()
    second.close()


@pytest.mark.parametrize("content", ["[1]", "{", "{}", '{"accounts": {"alice": [{"code": 1}]}}'])
def test_what_no_daemon_wrote_is_not_believed(state_dir: Path, content: str) -> None:
    standing = Standing(state_dir / NAME, state_dir)
    standing.show({"alice": [FULL]})
    (state_dir / NAME).write_text(content.replace("{", f'{{"state_dir": "{state_dir}", ', 1))
    assert seen(state_dir) is None
    standing.close()


def test_what_is_no_file_is_not_waited_for(state_dir: Path) -> None:
    os.mkfifo(state_dir / NAME)
    assert seen(state_dir) is None


def test_a_daemon_that_was_started_by_hand_shows_it_in_memory(state_dir: Path) -> None:
    (state_dir.parent / "memory").mkdir()
    (state_dir.parent / "same").symlink_to(state_dir)
    standing = Standing(by_hand(state_dir), state_dir)
    standing.show({"alice": [FULL]})
    assert list(state_dir.iterdir()) == []  # which may be full
    assert seen(state_dir) == seen(state_dir.parent / "same") == (FULL,)
    standing.close()
    assert list((state_dir.parent / "memory").iterdir()) == []


def test_a_machine_without_such_memory_has_it_beside_the_data(state_dir: Path) -> None:
    assert by_hand(state_dir) == state_dir / NAME
    given = {"RUNTIME_DIRECTORY": "/run/fitbitd"}
    assert path_for(state_dir, given) == Path("/run/fitbitd") / NAME


def test_two_daemons_by_hand_keep_apart(state_dir: Path) -> None:
    (state_dir.parent / "memory").mkdir()
    second = state_dir.parent / "second"
    second.mkdir()
    daemons = [Standing(by_hand(folder), folder) for folder in (state_dir, second)]
    for daemon, found in zip(daemons, ([FULL], [MISSING]), strict=True):
        daemon.show({"alice": found})
    assert (seen(state_dir), seen(second)) == ((FULL,), (MISSING,))
    for daemon in daemons:
        daemon.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_a_stranger_left_in_memory_is_not_believed(state_dir: Path) -> None:
    (state_dir.parent / "memory").mkdir()
    standing = Standing(by_hand(state_dir), state_dir)
    standing.show({"alice": [FULL]})
    os.chown(by_hand(state_dir), 65534, -1)
    assert seen(state_dir) is None
    os.chown(state_dir, 65534, -1)  # no stranger any more
    assert seen(state_dir) == (FULL,)
    standing.close()
