"""`fitbitd run` as systemd sees it: a real process, real signals, a real port."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.clock import SystemClock
from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile
from fitbitd.simulator import (
    Fault,
    FitbitSettings,
    FitbitSimulator,
    OffsetClock,
    SimulatorServer,
    live_wearer,
    serve,
)
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.members import Member, read_file
from tests.support.cli import Desk, write_config

PATIENCE_S = 15.0
STOPS_WITHIN_S = 5.0
UNUSED = "http://127.0.0.1:9"


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


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(tmp_path)
    yield one
    one.socket.close()


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, history_days=2, sync_every_s=1)
    with serve(FitbitSimulator(clock, wearer, FitbitSettings(quota=100_000))) as running:
        yield running


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


def test_the_manager_hears_ready_before_the_network_answers_and_proof_of_progress(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    desk.config.write_text(desk.config.read_text().replace(server.url, UNUSED))
    give_token(desk, server, "alice")
    with run(desk, manager, WATCHDOG_USEC="300000") as running:
        manager.hear("READY=1")
        manager.hear("STATUS=looking after 1 account(s)")
        manager.forget()
        for _ in range(3):
            manager.hear("WATCHDOG=1")
            manager.forget()
        assert stop(running) < STOPS_WITHIN_S
        manager.hear("STOPPING=1")
    assert server.simulator.log == []


def test_a_stop_in_the_middle_of_a_pass_is_clean_and_quick(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    give_token(desk, server, "alice")
    server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
    with run(desk, manager) as running:
        until(lambda: any("/sleep/" in entry.path for entry in server.simulator.log))
        assert stop(running) < STOPS_WITHIN_S
    assert last_outcome(desk, "alice") == "stopped"
    assert told(desk, "daemon.stopped")


def test_after_a_kill_in_a_pass_the_next_start_goes_on(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    give_token(desk, server, "alice")
    server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
    with run(desk, manager):
        until(lambda: not server.simulator.faults.left())
    assert last_outcome(desk, "alice") is None  # the pass that was killed
    manager.forget()
    with run(desk, manager) as running:
        manager.hear("READY=1")
        assert stop(running) < STOPS_WITHIN_S
    verified = desk.type("verify")
    assert verified.code == 0, verified


def test_a_reload_applies_a_valid_file_and_keeps_the_old_one_otherwise(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server, poll_every="1h")
    give_token(desk, server, "alice")
    bob = (
        "[[account]]",
        'name = "bob"',
        'provider = "fitbit"',
        'client_id = "23SIMU"',
        'client_secret_file = "secret"',
        'data_types = ["sleep"]',
    )
    with run(desk, manager) as running:
        manager.hear("STATUS=1 of 1 accounts well; next look")
        seen = server.simulator.requests_seen

        def reload() -> None:
            manager.forget()
            running.send_signal(signal.SIGHUP)
            manager.hear("RELOADING=1")
            manager.hear("READY=1")

        prepare(desk, server, *bob, poll_every="5s")
        reload()
        until(lambda: bool(told(desk, "account.troubled")))  # bob was never authorized
        until(lambda: server.simulator.requests_seen > seen)  # alice, every five seconds now

        right = desk.config.read_text()
        desk.config.write_text(right.replace("poll_every", "pol_every"))
        reload()
        assert len(told(desk, "config.rejected")) == 1
        assert "poll_every" in str(told(desk, "config.rejected")[0]["detail"])
        seen = server.simulator.requests_seen
        until(lambda: server.simulator.requests_seen > seen)

        desk.config.write_text(right.replace('"alice"', '"carol"'))
        reload()
        assert told(desk, "config.reloaded")[-1]["accounts"] == ["bob", "carol"]
        with AccountLock(desk.folder / "state" / "alice"):
            pass  # she is let go
        assert stop(running) < STOPS_WITHIN_S
