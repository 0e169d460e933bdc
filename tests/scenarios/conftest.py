"""What holds for every scenario."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _seldom_collected() -> Iterator[None]:
    """Spare the collector its walks over hundreds of thousands of points that stay."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    yield
    gc.set_threshold(*before)
