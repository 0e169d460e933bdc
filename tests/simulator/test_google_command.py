"""`fitbitd simulate` serves either provider, or both from one life."""

import re
from pathlib import Path

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from tests.support.cli import Desk, end, line_of
from tests.support.google_app import RECORDED


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_both_providers_know_one_person(desk: Desk) -> None:
    with desk.start("simulate", "--provider", "both", "--port", "0", "--consent", "allow") as run:
        lines = [line_of(run, "serving on ") for _ in range(2)]
        google, fitbit = [re.search(r"http://127\.0\.0\.1:\d+", line)[0] for line in lines]  # type: ignore[index] # it is there
        assert httpx.get(f"{google}/v4/users/me/identity").status_code == 401
        assert httpx.get(f"{fitbit}/1/user/-/profile.json").status_code == 401
        said = end(run)
    assert said.code == 0
    for line in (
        "[provider.google_health]",
        f'token_url = "{google}/token"',
        f'authorize_url = "{google}/o/oauth2/v2/auth"',
        "[provider.fitbit]",
        f'token_url = "{fitbit}/oauth2/token"',
    ):
        assert line in said.out
    assert "served 2 requests" in said.err


def test_recordings_can_be_served(desk: Desk) -> None:
    with desk.start("simulate", "--port", "0", "--replay", str(RECORDED)) as run:
        line_of(run, "serving on ")
        assert end(run).code == 0


def test_a_fault_that_no_provider_knows_is_refused(desk: Desk) -> None:
    order = '{"kind": "refuse", "reason": "BAD_MOOD"}'
    desk.type("simulate", "--port", "0", "--fault", order).refused(78, "BAD_MOOD", "INTERNAL")
