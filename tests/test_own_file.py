"""What is put in the place of a file of ours is refused; what it leads to is unharmed."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.clock import inline
from fitbitd.errors import OperatorError
from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile, TokenLock
from fitbitd.own_file import check_own, open_own
from fitbitd.standing import Standing
from fitbitd.store.archive import day_path
from fitbitd.store.backup import back_up
from fitbitd.store.rebuild import rebuild
from fitbitd.store.recovery import recover
from tests.support.clock import FakeClock
from tests.support.store import CATALOGUE, Life, read

NOBODY = 65_534
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
GRANT = Grant("fitbit", "access", "refresh", NOON, NOON + timedelta(hours=8))
TODAY = day_path(Path(), NOON.date()).as_posix()
VICTIM = b"a file of ours that is elsewhere, and much longer than a number of a process\n" * 99
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")

Act = Callable[[Path], object]
Trick = Callable[[Path, Path], None]


def live(account_dir: Path) -> None:
    """Open the store and write a pass to it."""
    life = Life(account_dir, NOON.isoformat())
    try:
        life.begin_pass()
        life.end_pass()
    finally:
        life.store.close()


def lock_token(account_dir: Path) -> None:
    async def hold() -> None:
        async with TokenLock(account_dir / "token.lock", FakeClock(), inline).held():
            pass

    asyncio.run(hold())


def write_token(account_dir: Path) -> None:
    TokenFile(account_dir / "token.json").write(GRANT)


def reserve_token(account_dir: Path) -> None:
    TokenFile(account_dir / "token.json").reserve(100)


WRITTEN: dict[str, Act] = {
    "lock": live,
    "index.sqlite": live,
    "index.sqlite-wal": live,
    "index.sqlite-journal": live,
    TODAY: live,
    "token.lock": lock_token,
    "token.json.new": write_token,
    "token.json.room": reserve_token,
}


def soft_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def hard_link(path: Path, victim: Path) -> None:
    os.link(victim, path)


def pipe(path: Path, _victim: Path) -> None:
    os.mkfifo(path)


def dangling_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("not there yet"))


@pytest.mark.parametrize("trick", [soft_link, hard_link, dangling_link, pipe])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_put_in_the_place_of_a_file_is_not_written_to(
    tmp_path: Path, name: str, trick: Trick
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(VICTIM)
    path = tmp_path / "alice" / name
    path.parent.mkdir(parents=True)
    trick(path, victim)
    with pytest.raises(OperatorError, match=f"{path.name} .*\nNothing was changed") as refused:
        WRITTEN[name](tmp_path / "alice")
    assert refused.value.code == "permission"
    assert victim.read_bytes() == VICTIM
    assert not (tmp_path / "not there yet").exists()


@pytest.mark.parametrize("trick", [soft_link, pipe])
def test_a_token_is_not_read_from_elsewhere(tmp_path: Path, trick: Trick) -> None:
    """Else the grant of one account, linked into another, would bring that one's data."""
    bob, alice = (TokenFile(tmp_path / name / "token.json") for name in ("bob", "alice"))
    bob.write(GRANT)
    alice.path.parent.mkdir()
    trick(alice.path, bob.path)
    with pytest.raises(OperatorError, match=r"token\.json is .*plain"):
        alice.read()


def test_a_torn_end_is_not_cut_off_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(VICTIM)
    path = tmp_path / "alice" / TODAY
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    with pytest.raises(OperatorError, match="is a link"):
        recover(tmp_path / "alice", {})
    assert victim.read_bytes() == VICTIM


@pytest.mark.parametrize("trick", [soft_link, hard_link])
def test_a_rebuild_is_copied_over_no_other_file(tmp_path: Path, trick: Trick) -> None:
    live(tmp_path / "alice")
    (tmp_path / "alice" / "index.sqlite").unlink()
    with closing(sqlite3.connect(tmp_path / "victim")) as db:
        db.execute("CREATE TABLE ours (kept)")
    victim = (tmp_path / "victim").read_bytes()
    trick(tmp_path / "alice" / "index.sqlite", tmp_path / "victim")
    with pytest.raises(OperatorError):
        list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert (tmp_path / "victim").read_bytes() == victim


@pytest.mark.parametrize("name", ["index.sqlite", TODAY, "token.json"])
def test_a_backup_replaces_what_was_put_in_its_place(tmp_path: Path, name: str) -> None:
    live(tmp_path / "alice")
    write_token(tmp_path / "alice")
    for ending in ("", ".part"):
        victim = tmp_path / f"victim{ending}"
        victim.write_bytes(b"ours")
        path = tmp_path / "usb" / "alice" / f"{name}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(victim)
    list(back_up(tmp_path / "alice", tmp_path / "usb" / "alice", secrets=True))
    assert [(tmp_path / f"victim{each}").read_bytes() for each in ("", ".part")] == [b"ours"] * 2
    copy = tmp_path / "usb" / "alice" / name
    assert (copy.is_symlink(), copy.stat().st_nlink) == (False, 1)


def test_how_the_accounts_stand_is_written_over_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(VICTIM)
    for name in ("standing.json", "standing.new"):
        (tmp_path / name).symlink_to(victim)
    standing = Standing(tmp_path, tmp_path)
    standing.show({"alice": []})
    standing.close()
    assert victim.read_bytes() == VICTIM


def test_a_folder_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "alice").symlink_to(tmp_path / "disk")
    live(tmp_path / "alice")
    assert (tmp_path / "disk" / TODAY).exists()


@needs_root
@pytest.mark.parametrize("name", ["", "archive", "archive/2026"])
def test_a_link_of_somebody_else_is_no_folder_of_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "alice" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(OperatorError, match="is a link that user 65534 has made"):
        live(tmp_path / "alice")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@needs_root
def test_a_file_of_somebody_else_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(VICTIM)
    os.chown(path, NOBODY, NOBODY)
    for open_it in (lambda: open_own(path, os.O_RDWR), lambda: check_own(path)):
        with pytest.raises(OperatorError, match="belongs to user 65534") as refused:
            open_it()
        assert refused.value.code == "permission"
    with as_nobody(tmp_path):
        os.close(open_own(path, os.O_RDWR))


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    for place in (folder, *folder.parents[:-1]):
        if "pytest" in str(place):
            place.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_new_file_has_its_mode_whatever_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(open_own(tmp_path / "lock", os.O_RDWR | os.O_CREAT))
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_what_the_disk_refuses_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "lock", os.O_RDWR)
    check_own(tmp_path / "lock")
