"""What the tests on a real systemd share: the package that is built, and Pis to install it on."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.system.box import why_not
from tests.system.pi import Pi


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of it where no systemd can be booted."""
    here = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    reason = why_not() if here else None
    for item in here:
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"no real systemd: {reason}"))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the .deb; once, also for several workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "package"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.deb")):
            build = str(ROOT / "systemd" / "deb" / "build.py")
            subprocess.run([sys.executable, build, str(folder)], check=True, capture_output=True)
    (package,) = folder.glob("*.deb")
    return package


@pytest.fixture(scope="module")
def new_pi(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Callable[..., Pi]]:
    """Give Pis with fitbitd installed; none is left when the tests of a file have ended."""
    with ExitStack() as stack:

        def make(history_days: int = 3) -> Pi:
            pi = Pi(tmp_path_factory.mktemp("pi"), package, history_days)
            stack.callback(pi.close)
            pi.install()
            return pi

        yield make
