"""A token endpoint with rotating refresh tokens, as the legacy Fitbit documents describe it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class Issued:
    """One pair, and what has become of it."""

    access_token: str
    refresh_token: str
    issued_at: datetime
    used: bool = False
    answer_to: str = ""


@dataclass
class TokenEndpoint:
    """Rotates, repeats a lost answer for `window_s` while the new pair is unused, and keeps count.

    Attributes:
        now: whose time it is.
        sent: the refresh tokens that arrived, in order.
        rotations: how often a new pair was made.
        late: refresh tokens that arrived when they were good no more.
    """

    now: Callable[[], datetime]
    life_s: int = 28_800
    window_s: int = 120
    pairs: list[Issued] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    rotations: int = 0
    late: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.issue("")

    @property
    def pair(self) -> Issued:
        """Give the newest pair."""
        return self.pairs[-1]

    def issue(self, answer_to: str) -> Issued:
        """Make a new pair."""
        number = len(self.pairs)
        self.pairs.append(
            Issued(f"access-{number}", f"refresh-{number}", self.now(), answer_to=answer_to)
        )
        return self.pair

    def handle(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Answer one POST to the token endpoint: status and body."""
        if "token" in form:
            self.revoked.append(form["token"])
            return 200, b""
        if form["grant_type"] == "authorization_code":
            return 200, self._answer(self.issue(""))
        refresh = form["refresh_token"]
        self.sent.append(refresh)
        pair = self.pair
        if refresh == pair.refresh_token and not self.revoked:
            pair.used = True
            self.rotations += 1
            return 200, self._answer(self.issue(refresh))
        age = self.now() - pair.issued_at
        replayable = age <= timedelta(seconds=self.window_s) and not pair.used
        if refresh == pair.answer_to and replayable and not self.revoked:
            return 200, self._answer(pair)
        self.late.append(refresh)
        error = {"errorType": "invalid_grant", "message": f"Refresh token invalid: {refresh}."}
        return 400, json.dumps({"errors": [error], "success": False}).encode()

    def _answer(self, pair: Issued) -> bytes:
        return json.dumps(
            {
                "access_token": pair.access_token,
                "refresh_token": pair.refresh_token,
                "expires_in": self.life_s,
                "scope": "heartrate sleep",
                "token_type": "Bearer",
                "user_id": "ABC123",
            }
        ).encode()

    def left_s(self, access_token: str) -> float:
        """Give the seconds that an access token has left, and note its use."""
        for pair in self.pairs:
            if pair.access_token == access_token:
                pair.used = True
                end = pair.issued_at + timedelta(seconds=self.life_s)
                return (end - self.now()).total_seconds()
        raise AssertionError(f"nobody issued {access_token}")

    def token_file(self, *, refresh_sent_at: str | None = None) -> str:
        """Write the newest pair as the text of a token file."""
        issued = self.pair.issued_at.astimezone(UTC)
        return json.dumps(
            {
                "provider": "fitbit",
                "access_token": self.pair.access_token,
                "refresh_token": self.pair.refresh_token,
                "issued_at": issued.isoformat(),
                "expires_at": (issued + timedelta(seconds=self.life_s)).isoformat(),
                "refresh_sent_at": refresh_sent_at,
                "scope": ["heartrate", "sleep"],
                "user_id": "ABC123",
            }
        )
