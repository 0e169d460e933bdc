"""What holds for every scenario, and what several of them stand on."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.clock import SystemClock
from fitbitd.simulator import (
    FitbitSettings,
    FitbitSimulator,
    OffsetClock,
    SimulatorServer,
    live_wearer,
    serve,
)
from tests.support.journald import Receiver
from tests.support.service import Manager


@pytest.fixture(autouse=True)
def _seldom_collected() -> Iterator[None]:
    """Spare the collector its walks over hundreds of thousands of points that stay."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    yield
    gc.set_threshold(*before)


@pytest.fixture(autouse=True)
def _logging_as_before(logging_as_before: None) -> None:
    """Hold for every scenario what a test of logging asks for."""


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[tuple[Receiver, Receiver]]:
    """Listen where journald and the service manager do, for a daemon in this process."""
    both = Receiver(tmp_path / "journal"), Receiver(tmp_path / "manager")
    yield both
    for one in both:
        one.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Be the service manager of a daemon that is a process."""
    one = Manager(tmp_path)
    yield one
    one.socket.close()


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """Serve a wearer who syncs every second to a daemon that is a process."""
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, history_days=3, sync_every_s=1)
    with serve(FitbitSimulator(clock, wearer, FitbitSettings(quota=100_000))) as running:
        yield running
