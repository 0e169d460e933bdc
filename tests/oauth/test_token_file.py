import asyncio
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.clock import SystemClock, Threads, inline
from fitbitd.errors import OperatorError, TransientError
from fitbitd.oauth import token
from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile, TokenLock, disk_error, to_the_end
from tests.support.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRANT = Grant("fitbit", "access", "refresh", NOON, NOON + timedelta(hours=8))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "alice" / "token.json")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    for place in (folder, *folder.parents[:-1]):
        if place.owner() == "root" and "pytest" in str(place):
            place.chmod(0o755)
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "none", path], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no mounts here")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


def test_a_grant_comes_back_as_it_was_written(file: TokenFile) -> None:
    assert (file.read(), file.signature()) == (None, None)
    file.write(GRANT)
    assert file.read() == GRANT
    before = file.signature()
    file.write(GRANT)
    assert file.signature() != before


def test_the_file_is_for_its_owner_alone_from_the_first_byte(file: TokenFile) -> None:
    umask = os.umask(0)
    try:
        file.reserve(8192)
        file.write(GRANT)
        assert {mode(path) for path in file.path.parent.iterdir()} == {0o600}
        assert mode(file.path.parent) == 0o750
    finally:
        os.umask(umask)


def test_a_left_over_temporary_file_of_any_mode_and_length_does_no_harm(file: TokenFile) -> None:
    file.path.parent.mkdir()
    left_over = file.path.with_name("token.json.new")
    left_over.write_text("x" * 100_000)
    left_over.chmod(0o644)
    file.write(GRANT)
    assert file.path.read_text() == token.to_json(GRANT)
    assert mode(file.path) == 0o600


def test_room_is_really_taken_and_the_answer_goes_into_it(file: TokenFile) -> None:
    file.reserve(16_384)
    room = file.path.with_name("token.json.room")
    taken = room.stat()
    assert taken.st_size == 16_384
    assert taken.st_blocks * 512 >= 16_384
    file.fill(GRANT)
    assert file.path.stat().st_ino == taken.st_ino
    assert file.read() == GRANT
    assert not room.exists()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows the order of things")
def test_a_grant_is_synced_before_its_rename_and_the_folder_after_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from fitbitd.oauth.token import from_two_lines; from fitbitd.clock import SystemClock\n"
        "from fitbitd.oauth.token_file import TokenFile\n"
        "grant = from_two_lines('a\\nr', 'fitbit', SystemClock().now())\n"
        "TokenFile(Path(sys.argv[1])).write(grant)\n"
    )
    trace, path = tmp_path / "trace", tmp_path / "token.json"
    calls = "trace=openat,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2"
    strace = ["strace", "-y", "-o", str(trace), "-e", calls]
    subprocess.run([*strace, sys.executable, "-c", program, str(path)], check=True)
    lines = [line for line in trace.read_text().splitlines() if str(tmp_path) in line]
    names = [re.sub("at2?$", "", line.partition("(")[0]) for line in lines]
    assert names == ["open", "write", "ftruncate", "fsync", "rename", "open", "fsync"]
    assert "token.json.new" in lines[3]
    assert f"<{tmp_path}>" in lines[-1]


@needs_root
def test_an_answer_still_fits_on_a_disk_that_filled_up_since_the_room_was_taken(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path):
        file = TokenFile(tmp_path / "token.json")
        file.write(GRANT)
        file.reserve(8192)
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "filler").write_bytes(b"x" * 100_000)
        with pytest.raises(OperatorError) as caught:
            file.write(GRANT)
        assert caught.value.code == "disk_full"
        with pytest.raises(OperatorError, match="No room"):
            file.reserve(60_000)
        file.fill(GRANT)
        assert file.read() == GRANT


@needs_root
def test_a_read_only_disk_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        file = TokenFile(tmp_path / "token.json")
        file.write(GRANT)
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        acts: list[Callable[[], None]] = [file.remove]
        acts += [lambda: file.reserve(100), lambda: file.write(GRANT)]
        for act in acts:
            with pytest.raises(OperatorError) as caught:
                act()
            assert caught.value.code == "disk_read_only"
        with pytest.raises(OperatorError, match="read-only"):
            file.set_aside(NOON)
        assert file.read() == GRANT


@needs_root
def test_a_file_of_another_user_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token.json")
    file.write(GRANT)
    file.path.chmod(0o644)
    with somebody_else(tmp_path):
        with pytest.raises(OperatorError, match="chown 65534") as caught:
            file.read()
        assert caught.value.code == "permission"
        with pytest.raises(OperatorError, match="No permission") as caught:
            file.write(GRANT)
        assert caught.value.code == "permission"


@needs_root
def test_an_unreadable_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "token.json")
    file.write(GRANT)
    with somebody_else(tmp_path), pytest.raises(OperatorError, match="No permission") as caught:
        file.read()
    assert caught.value.code == "permission"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff", b"acc\nref\n", b"\0" * 4096])
def test_a_corrupt_file_is_named_with_the_remedy_and_kept(file: TokenFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(OperatorError, match=r"token\.json.*fitbitd authorize") as caught:
        file.read()
    assert caught.value.code == "token_file"
    aside = file.set_aside(NOON)
    assert (aside.read_bytes(), file.read()) == (content, None)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "disk_read_only"),
        (errno.EACCES, "permission"),
        (errno.EPERM, "permission"),
        (errno.EIO, "disk_failed"),
        (errno.ELOOP, "token_file"),
    ],
)
def test_what_the_disk_refuses_has_a_name(number: int, code: str) -> None:
    assert disk_error(OSError(number, os.strerror(number)), Path("t")).code == code


def test_a_folder_in_the_files_place_is_an_operators_matter(file: TokenFile) -> None:
    file.path.mkdir(parents=True)
    acts: list[Callable[[], object]] = [file.read, file.remove]
    acts.append(lambda: file.write(GRANT))
    for act in acts:
        with pytest.raises(OperatorError) as caught:
            act()
        assert str(file.path) in str(caught.value)
        assert "disk" not in str(caught.value)  # which does what it should


def test_a_temporary_name_that_is_a_link_is_not_followed(file: TokenFile, tmp_path: Path) -> None:
    file.path.parent.mkdir()
    file.path.with_name("token.json.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperatorError):
        file.write(GRANT)
    assert not (tmp_path / "elsewhere").exists()


# The lock


async def test_a_waiter_gives_up_after_thirty_seconds_and_names_the_holder(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "alice" / "token.lock"
    began = clock.monotonic()
    async with TokenLock(path, clock, inline).held():
        with pytest.raises(TransientError, match=f"Process {os.getpid()} holds") as caught:
            async with TokenLock(path, clock, inline).held():
                raise AssertionError("two holders")
    assert caught.value.code == "lock_held"
    assert 30 <= clock.monotonic() - began < 30.2
    assert max(clock.slept) <= 0.05
    assert mode(path) == 0o600
    async with TokenLock(path, clock, inline).held(0.0):  # free again, and the file still there
        assert path.read_text() == f"{os.getpid()}\n"


async def test_a_failure_inside_frees_the_lock(tmp_path: Path) -> None:
    lock = TokenLock(tmp_path / "token.lock", FakeClock(), inline)
    with pytest.raises(TransientError, match="inside"):
        async with lock.held():
            raise TransientError("inside")
    async with lock.held(0.0):
        pass


async def test_a_cancelled_holder_and_a_cancelled_waiter_leave_the_lock_free(
    tmp_path: Path,
) -> None:
    threads = Threads(2)
    lock = TokenLock(tmp_path / "token.lock", SystemClock(), threads)
    held = asyncio.Event()

    async def hold() -> None:
        async with lock.held():
            held.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    waiter = asyncio.create_task(hold())
    await SystemClock().sleep(0.08)
    for task in (waiter, holder):
        task.cancel()
    await asyncio.wait({holder, waiter})
    async with lock.held(0.0):
        pass
    threads.close()


async def test_a_lock_that_cannot_be_made_is_an_operators_matter(tmp_path: Path) -> None:
    (tmp_path / "token.lock").mkdir()
    with pytest.raises(OperatorError):
        async with TokenLock(tmp_path / "token.lock", FakeClock(), inline).held():
            raise AssertionError("held")


async def test_a_cancellation_waits_for_the_disk() -> None:
    threads = Threads(1)
    begun, may_end = threading.Event(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        begun.set()
        may_end.wait(5)
        ended.append("work")
        raise OSError("looked at by nobody")

    task = asyncio.create_task(to_the_end(threads, work))
    await threads_wait(begun)
    for _ in range(3):
        task.cancel()
        await SystemClock().sleep(0.01)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["work"]
    threads.close()


async def threads_wait(event: threading.Event) -> None:
    await asyncio.to_thread(event.wait, 5)


async def test_what_the_disk_work_raises_or_returns_is_passed_on() -> None:
    assert await to_the_end(inline, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await to_the_end(inline, lambda: 1 // 0)
