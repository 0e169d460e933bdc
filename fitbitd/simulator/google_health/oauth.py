"""Google's side of OAuth 2.0: codes, refresh tokens that stay, and all the ways in which they die.

A grant is one consent of one account to one client; revoking any token of it ends all that this
account gave to that client. A refresh token lives until it is revoked, replaced, unused for half a
year, pushed out by a hundred younger ones, or (consent screen in Testing) seven days old.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from fitbitd.simulator.google_health import errors
from fitbitd.simulator.google_health.settings import GoogleHealthSettings

Form = Mapping[str, str]

_UNUSED = timedelta(days=183)
_TESTING = timedelta(days=7)
_CHALLENGE_LENGTHS = range(43, 129)


@dataclass(slots=True)
class Grant:
    """One consent, and the refresh token that stands for it."""

    serial: int
    client_id: str
    scopes: tuple[str, ...]
    given_at: datetime
    refresh: str | None
    testing: bool
    used_at: datetime
    refreshed: int = 0
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One access token."""

    serial: int
    grant: Grant
    scopes: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code and all that its exchange must match."""

    client_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str | None
    method: str
    offline: bool
    issued_at: datetime


@dataclass(slots=True)
class OAuthCounts:
    """What the token endpoint saw."""

    consents: int = 0
    refreshes_received: int = 0
    refreshes_answered: int = 0
    refreshes_refused: int = 0
    rotations: int = 0


class GoogleOAuth:
    """Every code and token of one account.

    Attributes:
        counts: what the token endpoint saw.
        secrets: every code and token ever given, and every verifier that was shown.
    """

    def __init__(self, salt: str) -> None:
        self.counts = OAuthCounts()
        self.secrets: set[str] = set()
        self._salt = salt
        self._made = 0
        self._codes: dict[str, Code] = {}
        self._grants: list[Grant] = []
        self._by_access: dict[str, Access] = {}
        self._by_refresh: dict[str, Grant] = {}
        self._dead: set[str] = set()

    def code(self, query: Form, scopes: tuple[str, ...], now: datetime) -> str:
        """Give the code that a consent leads to.

        It brings a refresh token only with `access_type=offline`, and only for the first consent
        or with `prompt=consent`.
        """
        client = query["client_id"]
        known = any(grant.client_id == client and not grant.revoked for grant in self._grants)
        asked_again = "consent" in query.get("prompt", "").split()
        offline = query.get("access_type") == "offline" and (asked_again or not known)
        text = f"4/0A{self._secret('code')[:60]}"
        self.secrets.add(text)
        self._codes[text] = Code(
            client,
            scopes,
            query["redirect_uri"],
            query.get("code_challenge"),
            query.get("code_challenge_method", "plain"),
            offline,
            now,
        )
        return text

    def token(self, form: Form, settings: GoogleHealthSettings, now: datetime) -> dict[str, Any]:
        """Answer a POST to the token endpoint.

        Raises:
            RefusalError: as documented and recorded.
        """
        client = _client(form, settings)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, client, settings, now)
            case "refresh_token":
                self.counts.refreshes_received += 1
                try:
                    body = self._refresh(form, client, settings, now)
                except errors.RefusalError:
                    self.counts.refreshes_refused += 1
                    raise
                self.counts.refreshes_answered += 1
                return body
            case other:
                message = f"Invalid grant_type: {other or ''}"
                raise errors.oauth_error("unsupported_grant_type", message)

    def issue(
        self,
        scopes: tuple[str, ...],
        settings: GoogleHealthSettings,
        now: datetime,
        *,
        client_id: str | None = None,
        offline: bool = True,
    ) -> dict[str, Any]:
        """Give the tokens of a new consent."""
        self.counts.consents += 1
        refresh = self._new_refresh() if offline else None
        client = client_id or settings.client_id
        serial = len(self._grants) + 1
        grant = Grant(serial, client, scopes, now, refresh, settings.testing, now)
        self._grants.append(grant)
        if refresh is not None:
            self._by_refresh[refresh] = grant
            self._push_out(client, settings.live_tokens, now)
        body = self._access(grant, settings, now)
        if refresh is not None:
            body["refresh_token"] = refresh
            if settings.testing:
                body["refresh_token_expires_in"] = int(_TESTING.total_seconds()) - 1
        return body

    def bearer(self, header: str | None, method: str, now: datetime) -> Access:
        """Find the access token in an Authorization header.

        Raises:
            RefusalError: 401, of one kind without a token and of another for a bad one.
        """
        scheme, _, text = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise errors.missing_credentials(method)
        access = self._by_access.get(text)
        if access is None or access.grant.revoked or now >= access.expires_at:
            raise errors.invalid_credentials()
        return access

    def introspect(self, text: str, now: datetime) -> dict[str, Any]:
        """Describe an access token, as `tokeninfo` does: numbers are text.

        Raises:
            RefusalError: 400 for one that is not, or no longer, good.
        """
        access = self._by_access.get(text)
        if access is None or access.grant.revoked or now >= access.expires_at:
            raise errors.oauth_error("invalid_token", "Invalid Value")
        return {
            "azp": access.grant.client_id,
            "aud": access.grant.client_id,
            "scope": " ".join(access.scopes),
            "exp": str(int(access.expires_at.timestamp())),
            "expires_in": str(int((access.expires_at - now).total_seconds())),
            "access_type": "offline" if access.grant.refresh is not None else "online",
        }

    def revoke_token(self, text: str, now: datetime) -> None:
        """End what the account gave to the client of a token of either kind.

        Raises:
            RefusalError: 400 for a token that is not, or no longer, good.
        """
        access = self._by_access.get(text)
        if access is not None and now < access.expires_at:
            grant = access.grant
        elif text in self._by_refresh and self._lives(self._by_refresh[text], now):
            grant = self._by_refresh[text]
        else:
            raise errors.oauth_error("invalid_token", "Token expired or revoked")
        if grant.revoked:
            raise errors.oauth_error("invalid_token", "Token expired or revoked")
        self.revoke(grant.client_id)

    def revoke(self, client_id: str | None = None) -> None:
        """End every grant of a client; of all clients without one."""
        for grant in self._grants:
            if client_id is None or grant.client_id == client_id:
                grant.revoked = True

    def live_refresh_tokens(self, now: datetime) -> int:
        """Count the refresh tokens that still work."""
        return sum(1 for grant in self._grants if grant.refresh and self._lives(grant, now))

    def name_of(self, text: str) -> str:
        """Name a token for the log: its kind and its number, never its text."""
        if text in self._by_access:
            return f"access {self._by_access[text].serial}"
        if text in self._by_refresh:
            return f"refresh {self._by_refresh[text].serial}"
        return "unknown"

    def _exchange(
        self, form: Form, client: str, settings: GoogleHealthSettings, now: datetime
    ) -> dict[str, Any]:
        text = _required(form, "code")
        self.secrets.add(form.get("code_verifier", text))
        code = self._codes.pop(text, None)  # one try, whatever comes of it
        if code is None or code.client_id != client:
            raise errors.foreign_token()
        if now - code.issued_at > timedelta(seconds=settings.code_life_s):
            raise errors.foreign_token()
        if form.get("redirect_uri") != code.redirect_uri:
            raise errors.oauth_error("redirect_uri_mismatch", "Bad Request")
        if code.challenge is not None:
            verifier = form.get("code_verifier")
            if not verifier:
                raise errors.oauth_error("invalid_grant", "Missing code verifier.")
            if challenge_of(verifier, code.method) != code.challenge:
                raise errors.oauth_error("invalid_grant", "Invalid code verifier.")
        return self.issue(code.scopes, settings, now, client_id=client, offline=code.offline)

    def _refresh(
        self, form: Form, client: str, settings: GoogleHealthSettings, now: datetime
    ) -> dict[str, Any]:
        text = _required(form, "refresh_token")
        grant = self._by_refresh.get(text)
        if grant is None:
            raise errors.foreign_token()
        if grant.client_id != client:
            raise errors.other_client()
        if text in self._dead or not self._lives(grant, now):
            raise errors.dead_token()
        asked = tuple(form.get("scope", "").split())
        if not set(asked) <= set(grant.scopes):
            raise errors.oauth_error("invalid_scope", "Bad Request")
        grant.used_at = now
        grant.refreshed += 1
        body = self._access(grant, settings, now, asked)
        if grant.testing:
            left = grant.given_at + _TESTING - now
            body["refresh_token_expires_in"] = max(0, int(left.total_seconds()) - 1)
        if settings.rotate_every and grant.refreshed % settings.rotate_every == 0:
            self.counts.rotations += 1
            if settings.rotation_kills:
                self._dead.add(text)
            grant.refresh = body["refresh_token"] = self._new_refresh()
            self._by_refresh[grant.refresh] = grant
        return body

    def _lives(self, grant: Grant, now: datetime) -> bool:
        too_old = grant.testing and now - grant.given_at >= _TESTING
        return not (grant.revoked or too_old or now - grant.used_at >= _UNUSED)

    def _push_out(self, client: str, most: int, now: datetime) -> None:
        alive = [
            grant
            for grant in self._grants
            if grant.client_id == client
            and grant.refresh
            and self._lives(grant, now)
            and grant.refresh not in self._dead
        ]
        for grant in alive[: max(0, len(alive) - most)]:
            self._dead.add(grant.refresh or "")

    def _access(
        self,
        grant: Grant,
        settings: GoogleHealthSettings,
        now: datetime,
        fewer: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Give a new access token, for fewer scopes than were granted if these are named."""
        text = f"ya29.{self._secret('access')}"
        self.secrets.add(text)
        ends = now + timedelta(seconds=settings.token_life_s)
        scopes = fewer or grant.scopes
        serial = len(self._by_access) + 1
        self._by_access[text] = Access(serial, grant, scopes, now, ends)
        return {
            "access_token": text,
            "expires_in": settings.token_life_s - 1,
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }

    def _new_refresh(self) -> str:
        text = f"1//0{self._secret('refresh')}"
        self.secrets.add(text)
        return text

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


def basic_credentials(header: str) -> dict[str, str]:
    """Read client credentials from a Basic header; {} if it is none."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": name, "client_secret": secret}


def _client(form: Form, settings: GoogleHealthSettings) -> str:
    """Make sure that the client is who it says; give its id."""
    client = form.get("client_id", "")
    if not client:
        message = "Could not determine client ID from request."
        raise errors.oauth_error("invalid_request", message)
    secrets = {settings.client_id: settings.client_secret, **settings.other_clients}
    if client not in secrets:
        raise errors.unknown_client()
    if not form.get("client_secret"):
        raise errors.oauth_error("invalid_request", "client_secret is missing.")
    if form["client_secret"] != secrets[client]:
        raise errors.wrong_secret()
    return client


def _required(form: Form, name: str) -> str:
    if not form.get(name):
        message = f"Missing required parameter: {name}"
        raise errors.oauth_error("invalid_request", message, HTTPStatus.BAD_REQUEST)
    return form[name]
