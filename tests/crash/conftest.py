"""What tests of crashes share."""

from collections.abc import Iterator

import pytest

from tests.support.crash_doers import Doers


@pytest.fixture(scope="session")
def doers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doers]:
    """Give those who do deeds; what they need is loaded once."""
    with Doers(tmp_path_factory.mktemp("doers")) as ready:
        yield ready
