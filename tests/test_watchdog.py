"""The watchdog is fed while the scheduler runs what is due on a loop that turns, and not else."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fitbitd.daemon import Daemon
from fitbitd.simulator import Wearer
from tests.support.household import Household

NOON = "2026-11-10T12:00:00+00:00"
ALLOWED_S = 90.0
HOUR_S = 3600.0


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Be the service manager, which allows 90 s."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", str(int(ALLOWED_S * 1e6)))
        yield listening


Script = Callable[[Household, Daemon], Coroutine[Any, Any, None]]


def fed_at(
    manager: socket.socket, tmp_path: Path, patch: pytest.MonkeyPatch, script: Script
) -> list[float]:
    """Run a daemon beside a script; give when, by the loop's time, the watchdog was fed."""
    home = Household(tmp_path / "state", NOON, Wearer(seed=1))
    fed: list[float] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()

        def hear() -> None:
            if b"WATCHDOG=1" in manager.recv(4096).splitlines():
                fed.append(loop.time())

        loop.add_reader(manager, hear)
        daemon = home.daemon()
        living = asyncio.create_task(daemon.run())
        await script(home, daemon)
        daemon.stop()
        await living
        loop.remove_reader(manager)

    home.play(play(), monkeypatch=patch)
    return fed


def longest_wait(fed: list[float], until_s: float) -> float:
    return max(after - before for before, after in pairwise([0.0, *fed, until_s]))


def test_it_is_fed_in_time(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(home: Household, _daemon: Daemon) -> None:
        await home.clock.sleep(HOUR_S)

    fed = fed_at(manager, tmp_path, monkeypatch, script)
    assert longest_wait(fed, HOUR_S) <= ALLOWED_S / 2
    assert len(fed) < 2 * HOUR_S / (ALLOWED_S / 3)


def test_it_starves_when_the_scheduler_hangs_though_the_loop_turns(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(home: Household, daemon: Daemon) -> None:
        await home.clock.sleep(HOUR_S)
        daemon._scheduler.pause()
        await home.clock.sleep(HOUR_S)

    assert HOUR_S - ALLOWED_S < fed_at(manager, tmp_path, monkeypatch, script)[-1] <= HOUR_S


@pytest.mark.parametrize("by", [timedelta(days=-30), timedelta(days=20_000)])
def test_a_clock_that_steps_starves_nothing(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    async def script(home: Household, _daemon: Daemon) -> None:
        await home.clock.sleep(HOUR_S + 1)
        home.clock.step(by)
        await home.clock.sleep(HOUR_S)

    assert longest_wait(fed_at(manager, tmp_path, monkeypatch, script), 2 * HOUR_S) < ALLOWED_S
