"""What the tests on a real systemd share: the package that is built, and Pis to install it on.

They boot machines of their own and take minutes on a busy one, so they run when they are asked for:

    FITBITD_SYSTEM_TESTS=1 python -m pytest tests/system
"""

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
    asked = os.environ.get("FITBITD_SYSTEM_TESTS")
    reason = why_not() if asked else "asked for with FITBITD_SYSTEM_TESTS=1 only"
    here = Path(__file__).parent
    for item in items:
        if reason is not None and item.path.is_relative_to(here):
            item.add_marker(pytest.mark.skip(reason=f"no real systemd: {reason}"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the .deb."""
    build = str(ROOT / "systemd" / "deb" / "build.py")
    order = [sys.executable, build, str(tmp_path_factory.mktemp("deb"))]
    done = subprocess.run(order, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


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
