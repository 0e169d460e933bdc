"""One simulator and one collected account for the whole folder; every test gets its own copy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, Desk, authorize, simulator, write_config

DAY = "2017-05-01"
"""A recorded day of heart rate."""


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the recorded bodies; give the address."""
    folder = tmp_path_factory.mktemp("provider")
    with simulator("--replay", str(RECORDINGS), "--quota", "100000", folder=folder) as url:
        yield url


@pytest.fixture(scope="session")
def _collected(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = Desk(tmp_path_factory.mktemp("collected"))
    write_config(desk, provider)
    assert authorize(desk).code == 0
    assert desk.type("pull", "--from", DAY, "--to", DAY).code == 0
    return desk.folder


@pytest.fixture
def desk(provider: str, tmp_path: Path) -> Desk:
    """Give a desk with a valid configuration, and nothing done yet."""
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    write_config(desk, provider)
    return desk


@pytest.fixture
def collected(_collected: Path, tmp_path: Path) -> Desk:
    """Give a desk at which an account is authorized and a day is collected."""
    folder = tmp_path / "collected"
    shutil.copytree(_collected, folder)
    return Desk(folder)
