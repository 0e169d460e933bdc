"""`fitbitd run` as a process: what it tells its manager and its log, and how it is ended."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile
from fitbitd.simulator import SimulatorServer
from fitbitd.store.members import Member, read_file
from tests.support.cli import Desk, write_config

PATIENCE_S = 15.0


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.said: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(PATIENCE_S)

    def hear(self, words: str) -> None:
        """Wait until the service says `words`."""
        give_up_at = time.monotonic() + PATIENCE_S  # noqa: TID251 - of a real process
        while not any(line.startswith(words) for line in self.said):
            assert time.monotonic() < give_up_at, self.said  # noqa: TID251 - of a real process
            self.said += self.socket.recv(4096).decode().splitlines()

    def forget(self) -> None:
        """Wait for what comes from now on."""
        self.said.clear()
        self.socket.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)
        self.socket.settimeout(PATIENCE_S)


def prepare(desk: Desk, server: SimulatorServer, *more: str, poll_every: str = "15m") -> None:
    """Write configuration and token of an account; `more` is appended to it."""
    types = 'data_types = ["daily_steps", "sleep"]'
    write_config(desk, server.url, f'poll_every = "{poll_every}"', types, *more)


def give_token(desk: Desk, server: SimulatorServer, name: str) -> None:
    body = server.simulator.mint()
    now = datetime.now(UTC)  # noqa: TID251 - the process has no other clock
    grant = Grant(
        provider="fitbit",
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
        issued_at=now,
        expires_at=now + timedelta(seconds=body["expires_in"]),
        scope=tuple(body["scope"].split()),
        user_id=body["user_id"],
    )
    folder = desk.folder / "state" / name
    for path in (folder.parent, folder):
        path.mkdir(mode=0o750, exist_ok=True)
    TokenFile(folder / "token.json").write(grant)


@contextmanager
def run(desk: Desk, manager: Manager, **environ: str) -> Iterator[subprocess.Popen[str]]:
    log = desk.folder / "log"
    with (
        log.open("a") as stderr,
        desk.start("run", stderr=stderr, env={"NOTIFY_SOCKET": str(manager.path), **environ}) as it,
    ):
        yield it


def stop(running: subprocess.Popen[str]) -> float:
    """Send SIGTERM; give how long the process took, which ends with exit code 0."""
    begun = time.monotonic()  # noqa: TID251 - of a real process
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE_S) == 0
    return time.monotonic() - begun  # noqa: TID251 - of a real process


def until(true: Callable[[], bool]) -> None:
    """Wait for something outside of this process."""
    give_up_at = time.monotonic() + PATIENCE_S  # noqa: TID251 - of a real process
    while not true():
        assert time.monotonic() < give_up_at  # noqa: TID251 - of a real process
        time.sleep(0.02)  # noqa: TID251 - there is nothing to wait on


def events(desk: Desk) -> list[dict[str, object]]:
    return [json.loads(line) for line in (desk.folder / "log").read_text().splitlines()]


def told(desk: Desk, event: str) -> list[dict[str, object]]:
    return [each for each in events(desk) if each["event"] == event]


def last_outcome(desk: Desk, name: str) -> str | None:
    """Give how the last pass of the archive ended; None if it did not."""
    outcome = None
    for path in sorted((desk.folder / "state" / name / "archive").rglob("*.jsonl.gz")):
        for found in read_file(path, 0):
            if isinstance(found, Member) and found.kind.startswith("pass_"):
                (line,) = found.lines()
                outcome = line.get("outcome")
    return outcome
