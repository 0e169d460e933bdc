"""The provider's side of OAuth 2.0: consent, codes, and pairs of tokens that rotate.

A pair is one access token and one refresh token. Refreshing gives the next pair; asked again with
the same old token inside the replay window, the same pair, until either of its tokens was used.
Another consent, and a revocation, kill refresh tokens that were given before.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fitbitd.simulator.refusals import (
    expired_token,
    invalid_client,
    invalid_grant,
    invalid_request,
    invalid_token,
    no_authorization,
)
from fitbitd.simulator.settings import FitbitSettings

Form = Mapping[str, str]

_CHALLENGE_LENGTHS = range(43, 129)
_ONLY_LIFE = "28800"
_READ_MILLIS = 1000


@dataclass(slots=True)
class Pair:
    """An access and a refresh token that were given together.

    Attributes:
        serial: counts pairs from 1; logs name tokens by it.
        used: either token was presented, so the answer that brought them is not repeated.
        successor: what refreshing gave.
        dead: the refresh token ended by another consent.
        revoked: both tokens ended.
    """

    serial: int
    access: str
    refresh: str
    user_id: str
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    body: dict[str, Any]
    used: bool = False
    successor: "Pair | None" = None
    dead: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code and all that its exchange must match."""

    text: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str | None
    method: str
    issued_at: datetime


@dataclass(slots=True)
class OAuthCounts:
    """What the token endpoint saw.

    Attributes:
        rotations: new pairs given for a refresh token.
        replays: answers given again.
        refreshes_received: refreshes with any token, known or not.
        refreshes_refused: those answered with `invalid_grant`.
        refreshes_by_life: refreshes received per pair, by its serial number.
    """

    rotations: int = 0
    replays: int = 0
    refreshes_received: int = 0
    refreshes_refused: int = 0
    refreshes_by_life: dict[int, int] = field(default_factory=dict)


class OAuthProvider:
    """Every code and every pair of one application.

    Attributes:
        user_id: who sits at the browser and consents.
        counts: what the token endpoint saw.
        secrets: every code and token ever given, and every verifier that was shown.
    """

    def __init__(self, settings: FitbitSettings, user_id: str, salt: str) -> None:
        self.user_id = user_id
        self.counts = OAuthCounts()
        self.secrets: set[str] = set()
        self._settings = settings
        self._salt = salt
        self._made = 0
        self._codes: dict[str, Code] = {}
        self._pairs: list[Pair] = []
        self._by_access: dict[str, Pair] = {}
        self._by_refresh: dict[str, Pair] = {}

    def code(self, query: Form, scopes: tuple[str, ...], now: datetime) -> str:
        """Give the code that a consent leads to."""
        text = self._secret("code")[:40]
        self.secrets.add(text)
        self._codes[text] = Code(
            text,
            scopes,
            query["redirect_uri"],
            query.get("code_challenge"),
            query.get("code_challenge_method", "plain"),
            now,
        )
        return text

    def token(self, form: Form, now: datetime) -> Pair:
        """Answer a POST to the token endpoint, the client being who it says.

        Raises:
            RefusalError: as the documents and the recordings have it.
        """
        if form.get("expires_in", _ONLY_LIFE) != _ONLY_LIFE:
            raise invalid_request("Invalid expires_in: only 28800 is supported.")
        match form.get("grant_type"):
            case None:
                raise invalid_request("Missing parameters: grant_type")
            case "authorization_code":
                return self._exchange(form, now)
            case "refresh_token":
                return self._refresh(form, now)
            case other:
                raise invalid_request(f"Invalid grant_type: {other}.")

    def issue(self, scopes: tuple[str, ...], now: datetime) -> Pair:
        """Give the first pair of a consent; refresh tokens given to this user before it die."""
        for pair in self._pairs:
            pair.dead = pair.dead or pair.user_id == self.user_id
        return self._next_pair(self.user_id, scopes, now)

    def bearer(self, header: str | None, now: datetime) -> Pair:
        """Find the pair of the access token in an Authorization header; that uses the pair.

        Raises:
            RefusalError: 401.
        """
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise no_authorization()
        pair = self._by_access.get(text)
        if pair is None or pair.revoked:
            raise invalid_token(text)
        pair.used = True
        if now >= pair.expires_at:
            raise expired_token(text)
        return pair

    def introspect(self, text: str, now: datetime) -> dict[str, Any]:
        """Describe an access token."""
        pair = self._by_access.get(text)
        if pair is None or pair.revoked or now >= pair.expires_at:
            return {"active": False}
        rights = ", ".join(f"{scope.upper()}=READ" for scope in pair.scopes)
        return {
            "active": True,
            "scope": f"{{{rights}}}",
            "client_id": self._settings.client_id,
            "user_id": pair.user_id,
            "token_type": "access_token",
            "exp": int(pair.expires_at.timestamp()) * _READ_MILLIS,
            "iat": int(pair.issued_at.timestamp()) * _READ_MILLIS,
        }

    def revoke(self, text: str | None = None) -> None:
        """End every token of the user whom `text` belongs to; of everybody without `text`."""
        owner = self._by_access.get(text or "") or self._by_refresh.get(text or "")
        for pair in self._pairs:
            if text is None or (owner is not None and pair.user_id == owner.user_id):
                pair.revoked = True

    def check_client(self, header: str | None, form: Form) -> None:
        """Make sure that the application is who it says.

        Raises:
            RefusalError: 401 `invalid_client`.
        """
        wanted = (self._settings.client_id, self._settings.client_secret)
        if header is not None:
            given: tuple[str, str | None] = _basic(header)
        elif self._settings.client_secret is None and form.get("client_id"):
            given = (form["client_id"], None)
        else:
            raise _unknown_header(header)
        if given[0] != wanted[0]:
            raise invalid_client("Invalid authorization header. Client id invalid.")
        if given[1] != wanted[1]:
            raise invalid_client("Invalid authorization header. Client secret invalid.")

    def name_of(self, text: str) -> str:
        """Name a token for the log: its kind and its pair's number, never its text."""
        if text in self._by_access:
            return f"access {self._by_access[text].serial}"
        if text in self._by_refresh:
            return f"refresh {self._by_refresh[text].serial}"
        return "unknown"

    def _exchange(self, form: Form, now: datetime) -> Pair:
        _require(form, "code")
        self.secrets.add(form.get("code_verifier", form["code"]))
        code = self._codes.pop(form["code"], None)  # one try, whatever comes of it
        life = timedelta(seconds=self._settings.code_life_s)
        if code is None or now - code.issued_at > life:
            raise invalid_grant(f"Authorization code invalid: {form['code']}")
        if form.get("redirect_uri") != code.redirect_uri:
            raise invalid_grant(f"Redirect_uri mismatch: {form.get('redirect_uri')}")
        if code.challenge is not None:
            _require(form, "code_verifier")
            if challenge_of(form["code_verifier"], code.method) != code.challenge:
                raise invalid_grant("Code verifier invalid.")
        return self.issue(code.scopes, now)

    def _refresh(self, form: Form, now: datetime) -> Pair:
        self.counts.refreshes_received += 1
        _require(form, "refresh_token")
        text = form["refresh_token"]
        pair = self._by_refresh.get(text)
        if pair is not None:
            lives = self.counts.refreshes_by_life
            lives[pair.serial] = lives.get(pair.serial, 0) + 1
            pair.used = True
            if not pair.dead and not pair.revoked:
                if pair.successor is None:
                    pair.successor = self._next_pair(pair.user_id, pair.scopes, now)
                    self.counts.rotations += 1
                    return pair.successor
                if self._repeatable(pair.successor, now):
                    self.counts.replays += 1
                    return pair.successor
        self.counts.refreshes_refused += 1
        raise invalid_grant(f"Refresh token invalid: {text}.")

    def _repeatable(self, given: Pair, now: datetime) -> bool:
        window = self._settings.replay_window_s
        age_s = (now - given.issued_at).total_seconds()
        return window > 0 and age_s <= window and not given.used

    def _next_pair(self, user_id: str, scopes: tuple[str, ...], now: datetime) -> Pair:
        life_s = self._settings.token_life_s
        access = f"eyJhbGciOiJIUzI1NiJ9.{self._secret('access')}.{self._secret('signature')[:43]}"
        refresh = self._secret("refresh")
        body = {
            "access_token": access,
            "expires_in": life_s,
            "refresh_token": refresh,
            "scope": " ".join(scopes),
            "token_type": "Bearer",
            "user_id": user_id,
        }
        ends = now + timedelta(seconds=life_s)
        pair = Pair(len(self._pairs) + 1, access, refresh, user_id, scopes, now, ends, body)
        self._pairs.append(pair)
        self.secrets |= {access, refresh}
        self._by_access[access] = self._by_refresh[refresh] = pair
        return pair

    def _secret(self, kind: str) -> str:
        self._made += 1
        return hashlib.sha256(f"{self._salt}:{kind}:{self._made}".encode()).hexdigest()


def challenge_of(verifier: str, method: str) -> str | None:
    """Derive the PKCE challenge of a verifier; None for a verifier of no valid length."""
    if len(verifier) not in _CHALLENGE_LENGTHS:
        return None
    if method == "plain":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _basic(header: str) -> tuple[str, str]:
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _unknown_header(header)
    try:
        name, colon, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as err:
        raise _unknown_header(header) from err
    if not colon:
        raise _unknown_header(header)
    return name, secret


def _unknown_header(header: str | None) -> Exception:
    return invalid_client(
        "Invalid authorization header format. The header was not recognized to be a valid header"
        " for any of known implementations or a client_id was not specified in case of a public"
        f" client Received header = {'null' if header is None else header}."
    )


def _require(form: Form, *names: str) -> None:
    missing = [name for name in names if not form.get(name)]
    if missing:
        raise invalid_request(f"Missing parameters: {', '.join(missing)}")
