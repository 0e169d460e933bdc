"""How a grant is asked for, renewed and ended: requests and replies of OAuth 2.0 (pure).

Sources:
    RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation). dev.fitbit.com, Web API, "Authorization",
    "OAuth2 Token", "Refresh Token", "Revoke Token" (read 2026-11-22). developers.google.com,
    Identity, OAuth 2.0, "Web server", "Native app", "Expiration" (read 2026-11-22).
"""

import hashlib
import hmac
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    FitbitdError,
    GoneError,
    OperatorError,
    ThrottledError,
    TransientError,
)
from fitbitd.model import Reply, Request
from fitbitd.oauth.token import UNKNOWN_CAUSES, Causes, Grant, Pair, is_token

_LIFE_UNSAID = timedelta(hours=1)
_LONGEST_LIFE_S = 366 * 86_400
_WAIT_UNSAID = timedelta(minutes=15)
_LONGEST_WAIT_S = 86_400
_WAIT_MARGIN = timedelta(seconds=30)  # the provider's clock and ours never agree to the second
_GONE_WAIT = timedelta(days=1)

_CLIENT_REFUSED = {
    "invalid_client": "client_id or the client secret is not the one that is registered there."
    " Next: compare both with the app's page at the provider.",
    "unauthorized_client": "the tokens were made for another client_id, or this kind of app may not"
    " ask so. Next: put back the client_id that the consent was given to, or consent again.",
    "deleted_client": "it was deleted there. Next: register another, and consent again.",
    "disabled_client": "it was disabled there. Next: see the app's page at the provider.",
    "redirect_uri_mismatch": "the redirect URI is not registered for it. Next: register exactly the"
    " one that `fitbitd authorize` prints; a client of the type Desktop app at Google needs none.",
    "admin_policy_enforced": "an administrator of the wearer's organisation does not let it in."
    " Next: have it allowed there, or use a private account.",
    "org_internal": "it is only for members of one organisation. Next: set its user type to"
    " External at the provider.",
    "disallowed_useragent": "the consent page does not open inside other apps. Next: open the"
    " printed address in a browser of its own.",
}
_TROUBLE_OF_THEIRS = {"temporarily_unavailable", "server_error", "internal_failure"}
_ALREADY_ENDED = {"invalid_token", "invalid_grant"}


class ClientAuth(Enum):
    """How the token endpoint learns who asks."""

    BASIC = "basic"  # a header with id and secret
    BODY = "body"  # both in the form


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one provider's OAuth differs from another's.

    Attributes:
        provider: its name in the configuration.
        title: its name for people.
        rotating: a refresh token is good for one use, and each answer brings a new one.
        authorize_extra: parameters of the consent page beyond the standard.
        causes: why it ends grants.
    """

    provider: str
    title: str
    rotating: bool
    client_auth: ClientAuth
    authorize_extra: tuple[tuple[str, str], ...] = ()
    scope_separator: str = " "
    causes: Causes = UNKNOWN_CAUSES


FITBIT = Flavour("fitbit", "Fitbit", rotating=True, client_auth=ClientAuth.BASIC)

GOOGLE = Flavour(
    "google_health",
    "Google Health",
    rotating=False,
    client_auth=ClientAuth.BODY,
    # Both are needed for a refresh token, the second one at every consent after the first. Never
    # `include_granted_scopes`: with older fitness scopes in it, a token is refused for the data.
    authorize_extra=(("access_type", "offline"), ("prompt", "consent")),
    causes=Causes(
        deadline="Google ends grants of apps in Testing after 7 days: publish the app, then consent"
        " once more.",
        others="Google ends a grant when the wearer removes the app at"
        " https://myaccount.google.com/connections, when it was not used for six months, when the"
        " account has more than 100 of one app, and after 7 days while the app is in Testing.",
    ),
)


@dataclass(frozen=True, slots=True)
class Client:
    """The registered application; one without a secret is a public client."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider is asked."""

    authorize_url: str
    token_url: str
    revoke_url: str


@dataclass(frozen=True, slots=True)
class App:
    """One registered application at one provider: all that a request is made from."""

    flavour: Flavour
    client: Client
    endpoints: Endpoints


def verifier_from(randomness: bytes) -> str:
    """Make a PKCE verifier, or a `state`, from 32 to 96 random bytes."""
    return urlsafe_b64encode(randomness).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge that the consent page is shown instead of the verifier."""
    return verifier_from(hashlib.sha256(verifier.encode()).digest())


def authorize_url(
    app: App, *, redirect_uri: str, scopes: Iterable[str], state: str, verifier: str
) -> str:
    """Give the address at which the wearer consents."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": app.flavour.scope_separator.join(scopes),
            "state": state,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",  # Fitbit's default is `plain`
            **dict(app.flavour.authorize_extra),
        },
        quote_via=quote,
    )
    page = app.endpoints.authorize_url
    return f"{page}{'&' if '?' in page else '?'}{query}"


def read_redirect(text: str, *, state: str) -> str:
    """Give the authorization code of the address that the wearer was sent back to.

    Args:
        text: the whole address, or only what follows its question mark. Line breaks that a
            terminal put in, and the `#_=_` that Fitbit appends, are tolerated.
        state: what `authorize_url` was given.

    Raises:
        AuthorizationError: the wearer said no.
        OperatorError: `state_mismatch`: the answer to another question; `redirect_unreadable`.
    """
    address = "".join(text.split())
    query = address.partition("#")[0]
    if "?" in query or "://" in query:
        query = query.partition("?")[2]
    values = {key: found[0] for key, found in parse_qs(query).items()}
    if not {"code", "error"} & values.keys():
        raise OperatorError(
            "There is no code in this. Next: copy the whole address from the browser's address bar,"
            " from http to the end: the code alone does not show that it answers our question.",
            code="redirect_unreadable",
        )
    if not hmac.compare_digest(values.get("state", "").encode(errors="replace"), state.encode()):
        raise OperatorError(
            "This address answers another question than ours (its state is not the one we sent)."
            " Next: open the consent page that was printed last, and copy the address that follows"
            " it.",
            code="state_mismatch",
        )
    if "error" not in values:
        return values["code"]
    if values["error"] == "access_denied":
        raise AuthorizationError("The consent was declined. Next: begin again, and allow it.")
    kind = _plain(values["error"])
    if kind in _CLIENT_REFUSED:
        raise _client_refused(kind, "The consent page")
    raise OperatorError(
        f"The consent page answered `{kind}`. Next: compare client_id and redirect_uri with what"
        " is registered at the provider.",
        code="client_rejected",
    )


def read_pasted(text: str, *, state: str) -> str:
    """Give the authorization code of what a person pasted.

    Some refusals lead to no redirect: the provider's own page names them, as "Error 400:
    redirect_uri_mismatch", and its words may be pasted too.

    Raises:
        FitbitdError: what `read_redirect` raises.
    """
    if "state=" not in text:
        for kind in _CLIENT_REFUSED:
            if kind in text:
                raise _client_refused(kind, "The consent page")
    return read_redirect(text, state=state)


def exchange_request(app: App, code: str, *, verifier: str, redirect_uri: str) -> Request:
    """Ask for the first pair of tokens."""
    return _token_request(
        app,
        grant_type="authorization_code",
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )


def refresh_request(app: App, refresh_token: str) -> Request:
    """Ask for the next access token, and where tokens rotate for the next pair."""
    return _token_request(app, grant_type="refresh_token", refresh_token=refresh_token)


def revoke_request(app: App, token: str) -> Request:
    """Ask the provider to end the grant to which `token` belongs."""
    headers, form = _credentials(app)
    if app.flavour.client_auth is ClientAuth.BODY:
        form = ()  # there the token alone is enough, and a secret is shown to as few as possible
    return Request("POST", app.endpoints.revoke_url, headers, (("token", token), *form))


def _token_request(app: App, **fields: str) -> Request:
    headers, form = _credentials(app)
    return Request("POST", app.endpoints.token_url, headers, (*fields.items(), *form))


def _credentials(app: App) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Give the headers and the form fields by which the client is known."""
    client_id, secret = app.client.client_id, app.client.client_secret
    if secret is None:
        return (), (("client_id", client_id),)
    if app.flavour.client_auth is ClientAuth.BODY:
        return (), (("client_id", client_id), ("client_secret", secret))
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    return (("authorization", f"Basic {basic}"),), ()


def read_token_reply(
    reply: Reply, flavour: Flavour, *, issued_at: datetime, old: Grant | None = None
) -> Grant:
    """Turn the answer of the token endpoint into a grant.

    Args:
        reply: as received.
        issued_at: the earliest instant at which the tokens can have been made.
        old: the grant that was refreshed; None when a code was exchanged.

    Raises:
        FitbitdError: what `judge` raises; TransientError also when the tokens are missing.
    """
    judge(reply, flavour)
    document = _document(reply)
    body = document if isinstance(document, dict) else {}
    access = body.get("access_token")
    refresh = body.get("refresh_token")
    if refresh is None and old is not None and not flavour.rotating:
        refresh = old.refresh_token
    if not is_token(access) or not is_token(refresh):
        raise TransientError(f"{flavour.title} answered without the tokens that it owes.")
    scope, user_id = body.get("scope"), body.get("user_id")
    deadline_in = _seconds(body.get("refresh_token_expires_in"), _LONGEST_LIFE_S)
    return Grant(
        provider=flavour.provider,
        access_token=access,
        refresh_token=refresh,
        issued_at=issued_at,
        # Optional in RFC 6749. A rotated pair is not thrown away because its life was not said.
        expires_at=issued_at + (_seconds(body.get("expires_in"), _LONGEST_LIFE_S) or _LIFE_UNSAID),
        scope=tuple(scope.split()) if isinstance(scope, str) else old.scope if old else (),
        user_id=user_id if isinstance(user_id, str) else old.user_id if old else "",
        refresh_expires_at=(
            issued_at + deadline_in if deadline_in else old.refresh_expires_at if old else None
        ),
        consented_at=old.consented_at if old else issued_at,
        consents_lived_s=old.consents_lived_s if old else (),
        previous=Pair(old.access_token, old.refresh_token) if old else None,
    )


def judge(reply: Reply, flavour: Flavour) -> None:
    """Pass a reply of the token or revocation endpoint, or raise what its caller may do.

    The kind of error that the body names comes before the status, except where the status shows
    that no decision about the grant was made.

    Raises:
        AuthorizationError: `invalid_grant`, the one answer that ends a grant.
        OperatorError: `client_rejected`: the registered application is refused.
        GoneError: 410; look again in a day.
        ThrottledError: 429.
        TransientError: 5xx, redirects, HTML and everything else that is not an answer: in doubt.
        ContractError: a refusal that is not documented.

    Source:
        dev.fitbit.com, "Error Handling"; RFC 6749 section 5.2 (read 2026-11-22).
    """
    status, title = reply.status, flavour.title
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.GONE:  # whatever its body says
        raise GoneError(
            f"{title} has switched its token service off (410).",
            until=reply.received_at + _GONE_WAIT,
        )
    document = _document(reply)
    kind = _kind(document)
    if status == HTTPStatus.TOO_MANY_REQUESTS or kind == "rate_limit_exceeded":
        raise ThrottledError(
            f"{title} wants fewer token requests.", until=reply.received_at + _wait(reply)
        )
    refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not refusal or document is None or kind in _TROUBLE_OF_THEIRS:
        raise TransientError(f"{title} answered the token request with {status}, not with tokens.")
    raise _refusal(kind, status, title)


def _refusal(kind: str, status: int, title: str) -> FitbitdError:
    if kind == "invalid_grant":
        return AuthorizationError(f"{title} refuses the token or the code that we hold.")
    if kind in _CLIENT_REFUSED:
        return _client_refused(kind, title)
    return ContractError(
        f"{title} refused the token request with {status} (`{kind or 'no reason'}`)."
    )


def _client_refused(kind: str, who: str) -> OperatorError:
    return OperatorError(
        f"{who} refuses the registered application (`{kind}`): {_CLIENT_REFUSED[kind]}",
        code="client_rejected",
    )


def read_revocation(reply: Reply, flavour: Flavour) -> None:
    """Pass when the grant has ended, now or before.

    Raises:
        FitbitdError: what `judge` raises; the grant may live on.
    """
    if reply.status == HTTPStatus.BAD_REQUEST and _kind(_document(reply)) in _ALREADY_ENDED:
        return
    judge(reply, flavour)


def _document(reply: Reply) -> Any:
    """Give the JSON object or array of a reply; None if there is none."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) else None


def _kind(document: Any) -> str:
    """Give the kind of error: Fitbit lists its errors, Google and RFC 6749 name one."""
    match document:
        case {"errors": [{"errorType": str(kind)}, *_]}:
            return _plain(kind)
        case {"error": str(kind)} | {"error": {"status": str(kind)}}:
            return _plain(kind)
    return ""


def _plain(word: str) -> str:
    """Let only a plain word through: the texts around it echo tokens."""
    return word if re.fullmatch(r"[A-Za-z_]{1,40}", word) else "unknown"


def _seconds(value: Any, longest: int) -> timedelta | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= longest:
        return None
    return timedelta(seconds=value)


def _wait(reply: Reply) -> timedelta:
    """Give how long a throttled reply asks us to wait; Fitbit's own header is the truer one."""
    for name in ("fitbit-rate-limit-reset", "retry-after"):
        said = reply.headers.get(name, "")
        if said.isascii() and said.isdigit():
            return timedelta(seconds=min(int(said[:9]), _LONGEST_WAIT_S)) + _WAIT_MARGIN
    try:
        renewal = parsedate_to_datetime(reply.headers.get("retry-after", ""))
        wait_s = (renewal - reply.received_at).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return _WAIT_UNSAID
    return timedelta(seconds=min(max(wait_s, 0.0), _LONGEST_WAIT_S)) + _WAIT_MARGIN
