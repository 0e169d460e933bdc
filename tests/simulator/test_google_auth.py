"""Google's own library as a client of the simulated OAuth endpoints, over a real port."""

from collections.abc import Iterator
from datetime import UTC

import pytest
from google.auth.exceptions import OAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google.oauth2.sts import Client

from fitbitd.clock import SystemClock
from fitbitd.simulator import SimulatorServer, serve
from fitbitd.simulator.google_health import GoogleHealthSettings, GoogleHealthSimulator

SETTINGS = GoogleHealthSettings()


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with serve(GoogleHealthSimulator(SystemClock(), settings=SETTINGS)) as serving:
        yield serving


def credentials(server: SimulatorServer, **changes: str) -> Credentials:
    body = server.simulator.mint()
    usual = {
        "token": body["access_token"],
        "refresh_token": body["refresh_token"],
        "token_uri": f"{server.url}/token",
        "client_id": SETTINGS.client_id,
        "client_secret": SETTINGS.client_secret,
    }
    return Credentials(**{**usual, **changes})  # type: ignore[no-untyped-call] # theirs has none


def refresh(held: Credentials) -> None:
    held.refresh(Request())  # type: ignore[no-untyped-call] # theirs has no types


def revoke(server: SimulatorServer, token: str) -> None:
    client = Client(f"{server.url}/token")  # type: ignore[no-untyped-call] # theirs has no types
    client.revoke_token(Request(), token, None, f"{server.url}/revoke")  # type: ignore[no-untyped-call]


def test_google_auth_refreshes_and_keeps_its_refresh_token(server: SimulatorServer) -> None:
    held = credentials(server)
    before = held.token, held.refresh_token
    refresh(held)
    assert held.token != before[0]
    assert held.refresh_token == before[1]
    assert held.valid
    assert held.expiry is not None
    left_s = (held.expiry.replace(tzinfo=UTC) - SystemClock().now()).total_seconds()
    assert 3500 < left_s < 3600


@pytest.mark.parametrize("which", ["token", "refresh_token"])
def test_google_auth_revokes_by_either_token(server: SimulatorServer, which: str) -> None:
    held = credentials(server)
    revoke(server, getattr(held, which))
    with pytest.raises(RefreshError, match="invalid_grant: Token has been expired or revoked"):
        refresh(held)


def test_google_auth_understands_that_nothing_can_be_revoked(server: SimulatorServer) -> None:
    with pytest.raises(OAuthError, match="invalid_token"):
        revoke(server, "unknown")


def test_google_auth_understands_a_wrong_secret(server: SimulatorServer) -> None:
    with pytest.raises(RefreshError, match="invalid_client"):
        refresh(credentials(server, client_secret="GOCSPX-wrong"))
