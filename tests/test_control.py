"""The control socket: who is asked, who may ask, and what becomes of an errand."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fitbitd import control
from fitbitd.control import Asked, Control, Listener, ask, path_for
from fitbitd.errors import AuthorizationError, TransientError

ERRAND = {"errand": "pull", "account": "alice"}


class Daemon:
    """Whoever does errands."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.ends = asyncio.Event()
        self.ends.set()

    async def run(self, errand: Asked, listener: Listener) -> int:
        self.asked.append(errand)
        self.begun.set()
        listener.say("alice: begun")
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        listener.show("half of it", "waits")
        listener.say("alice: done\nin two lines")
        return 75


class Heard:
    """Whoever asked."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, words: str) -> None:
        self.said.append(words)

    def show(self, line: str, pause: str = "") -> None:
        self.said.append(f"({line}; {pause})")


@asynccontextmanager
async def listening(folder: Path, daemon: Daemon) -> AsyncIterator[Control]:
    listens = Control(folder / control.NAME, folder, daemon.run)
    await listens.open()
    try:
        yield listens
    finally:
        await listens.close()


async def test_an_errand_is_done_by_the_daemon_and_its_words_come_back(tmp_path: Path) -> None:
    daemon, heard = Daemon(), Heard()
    async with listening(tmp_path, daemon):
        code = await ask(tmp_path, ERRAND, heard, service=tmp_path / "none")
    assert (code, daemon.asked) == (75, [ERRAND])
    assert heard.said == ["alice: begun", "(half of it; waits)", "alice: done\nin two lines"]
    assert not (tmp_path / control.NAME).exists()


async def test_without_a_daemon_nobody_is_asked(tmp_path: Path) -> None:
    assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") is None


async def test_a_daemon_of_another_state_directory_counts_as_none(tmp_path: Path) -> None:
    daemon = Daemon()
    (tmp_path / "its").mkdir()
    async with listening(tmp_path / "its", daemon):
        at = tmp_path / "its" / control.NAME
        assert await ask(tmp_path, ERRAND, Heard(), service=at) is None
        (tmp_path / "same").symlink_to(tmp_path / "its")
        assert await ask(tmp_path / "same", ERRAND, Heard(), service=at) == 75
    assert daemon.asked == [ERRAND]


async def test_the_socket_is_its_owners_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with listening(tmp_path, Daemon()):
            assert (tmp_path / control.NAME).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


async def test_an_address_that_a_dead_daemon_left_is_taken(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / control.NAME))
    dead.close()
    async with listening(tmp_path, Daemon()):
        assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75


async def test_the_address_of_a_living_daemon_is_not_taken(tmp_path: Path) -> None:
    first = Daemon()
    async with listening(tmp_path, first):
        with capture_logs() as logs:
            async with listening(tmp_path, Daemon()):
                assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75
        assert [log["event"] for log in logs] == ["control.unavailable"]
    assert first.asked == [ERRAND]


async def test_a_socket_that_somebody_removed_is_bound_anew(tmp_path: Path) -> None:
    daemon = Daemon()
    async with listening(tmp_path, daemon) as listens:
        before = (tmp_path / control.NAME).stat()
        await listens.keep()
        assert os.path.samestat(before, (tmp_path / control.NAME).stat())
        (tmp_path / control.NAME).unlink()
        await listens.keep()
        assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75
    assert not (tmp_path / control.NAME).exists()


async def test_what_another_daemon_bound_meanwhile_stays_and_is_followed(tmp_path: Path) -> None:
    second = Daemon()
    async with listening(tmp_path, Daemon()) as first:
        (tmp_path / control.NAME).unlink()
        async with listening(tmp_path, second):
            with capture_logs() as logs:
                await first.keep()
                await first.keep()
            assert [log["event"] for log in logs] == ["control.unavailable"]
            await first.close()
            assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75
        assert second.asked == [ERRAND]
        await first.keep()
        assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75


async def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    async with listening(tmp_path / "disk", Daemon()) as listens:
        (tmp_path / "disk" / control.NAME).unlink()
        (tmp_path / "disk").rmdir()
        with capture_logs():
            await listens.keep()
        assert not (tmp_path / "disk").exists()


async def test_a_command_that_goes_away_ends_its_errand(tmp_path: Path) -> None:
    daemon = Daemon()
    daemon.ends.clear()
    async with listening(tmp_path, daemon):
        asking = asyncio.ensure_future(ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none"))
        await daemon.begun.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.wait_for(daemon.cancelled.wait(), 10)


async def test_a_daemon_that_stops_says_so_to_whoever_waits(tmp_path: Path) -> None:
    daemon = Daemon()
    daemon.ends.clear()
    async with listening(tmp_path, daemon) as listens:
        asking = asyncio.ensure_future(ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none"))
        await daemon.begun.wait()
        await listens.close()
        with pytest.raises(TransientError, match="the daemon stopped"):
            await asking
    assert daemon.cancelled.is_set()


@pytest.mark.parametrize(
    ("err", "code", "words", "logged"),
    [
        (
            AuthorizationError("alice: no consent. Next: fitbitd authorize alice"),
            77,
            "error: alice: no consent.\nNext: fitbitd authorize alice",
            [],
        ),
        (OSError("the socket of another"), 70, "error: a bug in fitbitd", ["errand.crashed"]),
    ],
)
async def test_an_errand_that_fails_says_why_and_gives_its_code(
    tmp_path: Path, err: Exception, code: int, words: str, logged: list[str]
) -> None:
    async def run(_asked: Asked, _listener: Listener) -> int:
        raise err

    listens, heard = Control(tmp_path / control.NAME, tmp_path, run), Heard()
    await listens.open()
    try:
        with capture_logs() as logs:
            assert await ask(tmp_path, ERRAND, heard, service=tmp_path / "none") == code
    finally:
        await listens.close()
    (said,) = heard.said
    assert said.startswith(words)
    assert [log["event"] for log in logs] == logged


async def test_a_name_that_no_socket_can_have_is_nobodys(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    assert await ask(long, ERRAND, Heard(), service=tmp_path / "none") is None
    with capture_logs() as logs:
        async with listening(long, Daemon()):
            pass
    assert [log["event"] for log in logs] == ["control.unavailable"]


async def test_the_first_start_makes_the_folder_for_the_socket(tmp_path: Path) -> None:
    async with listening(tmp_path / "new", Daemon()):
        assert await ask(tmp_path / "new", ERRAND, Heard(), service=tmp_path / "none") == 75


@pytest.mark.parametrize("line", [b"\n", b"no json\n", b"[1]\n", b"x" * (1 << 17), b"{"])
async def test_whoever_speaks_another_language_harms_nobody(tmp_path: Path, line: bytes) -> None:
    daemon = Daemon()
    async with listening(tmp_path, daemon):
        reader, writer = await asyncio.open_unix_connection(tmp_path / control.NAME)
        assert json.loads(await reader.readline()).keys() == {"fitbitd", "state_dir"}
        writer.write(line)
        writer.write_eof()
        assert b'"code"' not in await reader.read()
        writer.close()
        assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") == 75


async def test_what_is_no_daemon_of_ours_is_not_asked(tmp_path: Path) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(greet, tmp_path / control.NAME)
    async with server:
        assert await ask(tmp_path, ERRAND, Heard(), service=tmp_path / "none") is None


def test_the_socket_lies_where_systemd_made_room_for_it(tmp_path: Path) -> None:
    assert path_for(tmp_path, {}) == tmp_path / "control.sock"
    given = {"RUNTIME_DIRECTORY": "/run/fitbitd"}
    assert path_for(tmp_path, given) == control.OF_THE_SERVICE
