"""The control socket: a command that writes asks a running daemon to do it.

One process writes an account's data, and that is the daemon while it runs. JSON lines, one object
each; the daemon speaks first.

    daemon   {"fitbitd": "0.1.0", "state_dir": "/var/lib/fitbitd"}
    command  {"errand": "pull", "account": "alice", ...}
    daemon   {"words": "..."}     what is to be said, as it comes; any number of them
    daemon   {"progress": "...", "pause": "..."}    how far it is, and what it waits for
    daemon   {"code": 0}          how it ended, as an exit code; the last line

A command that goes away ends its errand. The socket is its owner's and root's.
"""

import asyncio
import errno
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import structlog

from fitbitd import __version__
from fitbitd.errors import FitbitdError, OperatorError, TransientError, complaint
from fitbitd.store import disk

log = structlog.get_logger()

NAME = "control.sock"
OF_THE_SERVICE = Path("/run/fitbitd") / NAME

Asked = Mapping[str, Any]

_LONGEST_LINE = 1 << 16
_ANSWERS_WITHIN_S = 5.0
_MODE = 0o600
_NOBODY = frozenset(
    {
        errno.ENOENT,
        errno.ECONNREFUSED,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        None,  # the name is too long for a socket: no daemon could take it either
    }
)


class Listener(Protocol):
    """Whoever asked for something, and hears how it goes."""

    def say(self, words: str) -> None:
        """Hear something that stays."""

    def show(self, line: str, pause: str = "") -> None:
        """Hear how far it is, and what is waited for, if something is."""


Run = Callable[[Asked, Listener], Awaitable[int]]


class Control:
    """The daemon's end."""

    def __init__(self, path: Path, state_dir: Path, run: Run) -> None:
        """Prepare; nobody is heard before `open`.

        Args:
            run: does an errand and gives its exit code; what it says goes to whoever asked.
        """
        self._path = path
        self._state_dir = state_dir
        self._run = run
        self._server: asyncio.Server | None = None
        self._bound: os.stat_result | None = None
        self._refused = False
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. A daemon that cannot still collects; commands then say that it has the lock."""
        with suppress(OperatorError):  # what is wrong with the folder is wrong with the socket
            disk.make_folder(self._path.parent, disk.ACCOUNT_FOLDER_MODE)
        await self.keep()

    async def keep(self) -> None:
        """Listen anew where somebody removed the socket, or left its place by now."""
        if self._is_ours():
            return
        self._leave()
        try:
            listening = await _bind(self._path)
        except OSError as err:
            if not self._refused:
                log.warning("control.unavailable", path=str(self._path), detail=str(err))
            self._refused = True
            return
        self._refused = False
        self._bound = self._path.lstat()
        self._server = await asyncio.start_unix_server(
            self._talk, sock=listening, limit=_LONGEST_LINE
        )

    async def close(self) -> None:
        """End what is under way, and be gone."""
        self._leave()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _leave(self) -> None:
        """Listen no more; a socket that another daemon has bound meanwhile stays."""
        if self._is_ours():
            with suppress(OSError):
                self._path.unlink()
        if self._server is not None:
            self._server.close()
        self._server = self._bound = None

    def _is_ours(self) -> bool:
        """Say whether the socket that is there is ours: while it is bound, none has its number."""
        with suppress(OSError):
            return self._bound is not None and os.path.samestat(self._bound, self._path.lstat())
        return False

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None  # noqa: S101 - a server runs each in a task of its own
        self._talks.add(talk)
        try:
            await self._answer(reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # whoever asked is gone or speaks another language, or the daemon stops
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _write(writer, {"fitbitd": __version__, "state_dir": _named(self._state_dir)})
        asked = json.loads(await reader.readline())
        if not isinstance(asked, dict):
            return
        running = asyncio.ensure_future(self._code(asked, writer))
        gone = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not running.done():
                running.cancel()
            await asyncio.gather(running, gone, return_exceptions=True)
        if not running.cancelled():
            _write(writer, {"code": running.result()})
            await writer.drain()

    async def _code(self, asked: Asked, writer: asyncio.StreamWriter) -> int:
        """Do an errand, whatever comes of it."""
        far = _Far(writer)
        try:
            return await self._run(asked, far)
        except FitbitdError as err:
            far.say(complaint(str(err)))
            return err.exit_code
        except Exception:
            log.exception("errand.crashed")
            far.say(complaint("a bug in fitbitd ended this. Next: report what the journal says"))
            return FitbitdError.exit_code


class _Far:
    """A listener at the other end of a connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def say(self, words: str) -> None:
        """Send something that stays."""
        _write(self._writer, {"words": words})

    def show(self, line: str, pause: str = "") -> None:
        """Send how far it is."""
        _write(self._writer, {"progress": line, "pause": pause})


def path_for(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Say where a daemon listens: in the folder that systemd made for it, or beside its data."""
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return (Path(given) if given else state_dir) / NAME


async def ask(
    state_dir: Path, errand: Asked, listener: Listener, *, service: Path = OF_THE_SERVICE
) -> int | None:
    """Ask the daemon of a state directory to do something; give its exit code, None without one.

    Raises:
        TransientError: the daemon went away before the end.
    """
    for path in (service, state_dir / NAME):
        talk = await _connect(path, state_dir)
        if talk is not None:
            return await _follow(*talk, errand, listener)
    return None


async def _follow(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    errand: Asked,
    listener: Listener,
) -> int:
    try:
        _write(writer, errand)
        while line := await reader.readline():
            told = json.loads(line)
            if "code" in told:
                return int(told["code"])
            if "progress" in told:
                listener.show(str(told["progress"]), str(told.get("pause", "")))
            elif "words" in told:
                listener.say(str(told["words"]))
    except (OSError, ValueError):
        pass  # told below: it is gone
    finally:
        writer.close()
    raise TransientError("the daemon stopped before this was done. Next: the same again")


async def _connect(
    path: Path, state_dir: Path
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect to the daemon of a state directory; None if nobody, or another one, is there.

    Raises:
        OperatorError: somebody listens and says nothing.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
    except OSError as err:
        if err.errno in _NOBODY:
            return None
        raise
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            said = json.loads(await reader.readline())
        if said["state_dir"] == _named(state_dir):
            return reader, writer
    except TimeoutError:
        writer.close()
        raise OperatorError(
            f"the daemon at {path} does not answer.\nNothing was changed.\n"
            "Next: systemctl status fitbitd"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no daemon of ours
    writer.close()
    return None


def _named(state_dir: Path) -> str:
    """Name a folder alike, by whichever links it is reached."""
    return str(state_dir.resolve())


async def _bind(path: Path) -> socket.socket:
    """Take the address, in the place of a daemon that is dead.

    Raises:
        OSError: somebody listens there, or the address cannot be taken.
    """
    if await _is_alive(path):
        raise OSError(errno.EADDRINUSE, "another daemon listens there")
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - one name, once in a daemon's life
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        os.fchmod(listening.fileno(), _MODE)  # before it has a name: nobody else ever gets in
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    return listening


async def _is_alive(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True


def _write(writer: asyncio.StreamWriter, line: Mapping[str, Any]) -> None:
    writer.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")
