"""A browser, an app and a data client of the simulated Fitbit, none of them ours."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx  # noqa: TID251 - the client of the simulated provider

from fitbitd.simulator import FitbitSettings, FitbitSimulator, Replay, Wearer
from tests.support.clock import FakeClock

VERIFIER = "v" * 43
REDIRECT = "http://127.0.0.1:8721/callback"


class SimulatedApp:
    """One application at one simulator, with a clock that a test moves."""

    def __init__(
        self,
        settings: FitbitSettings | None = None,
        *,
        now: str = "2026-03-10T10:40:00+00:00",
        wearer: Wearer | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.clock = FakeClock(now)
        self.settings = settings or FitbitSettings(consent="allow")
        self.simulator = FitbitSimulator(self.clock, wearer, self.settings, replay=replay)
        self.wearer = self.simulator.wearer
        self.http = httpx.Client(
            transport=httpx.MockTransport(self.simulator.handle), base_url="https://api.fitbit.com"
        )
        self.access = str(self.simulator.mint()["access_token"])

    def get(self, path: str, access: str | None = None) -> httpx.Response:
        """GET as the app, with the access token that it was minted or another."""
        return self.http.get(path, headers={"authorization": f"Bearer {access or self.access}"})

    def authorize(self, **changes: str) -> httpx.Response:
        """Open the authorize page; a change to "" leaves a parameter out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
        query = {
            "client_id": self.settings.client_id,
            "response_type": "code",
            "scope": "heartrate sleep",
            "redirect_uri": REDIRECT,
            "state": "xyz",
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changes
        params = {name: value for name, value in query.items() if value}
        return self.http.get("/oauth2/authorize", params=params)

    def code(self) -> str:
        """Consent; give the code of the redirect."""
        query = parse_qs(urlsplit(self.authorize().headers["location"]).query)
        return query["code"][0]

    def token(self, form: dict[str, str], **headers: str) -> httpx.Response:
        """POST to the token endpoint as a server app, or with other headers."""
        secret = f"{self.settings.client_id}:{self.settings.client_secret}"
        basic = {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
        return self.http.post("/oauth2/token", data=form, headers=headers or basic)

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        } | changes
        return self.token({name: value for name, value in form.items() if value})

    def refresh(self, refresh: str) -> httpx.Response:
        """Send a refresh token."""
        return self.token({"grant_type": "refresh_token", "refresh_token": refresh})


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Give the status and the errorType of a refusal."""
    body: dict[str, Any] = response.json()
    return response.status_code, body["errors"][0]["errorType"]
