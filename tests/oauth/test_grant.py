import json
from base64 import b64decode
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    FitbitdError,
    GoneError,
    OperatorError,
    ThrottledError,
    TransientError,
)
from fitbitd.model import Reply
from fitbitd.oauth import grant as oauth
from fitbitd.oauth.grant import FITBIT, GOOGLE, App, Client, Endpoints
from fitbitd.oauth.token import Grant, Pair

DATA = Path(__file__).parents[1] / "data"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENDPOINTS = Endpoints("https://a.example/authorize", "https://t.example/t", "https://t.example/r")
APP = App(FITBIT, Client("23XXXX", "client-secret"), ENDPOINTS)
OLD = Grant(
    "fitbit",
    "old-access",
    "old-refresh",
    NOON,
    NOON,
    scope=("sleep",),
    user_id="ABC123",
    refresh_expires_at=NOON + timedelta(days=3),
    consented_at=NOON - timedelta(days=4),
    consents_lived_s=(7,),
)


def reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, raw, NOON)


def recorded(name: str) -> Reply:
    """Give an error body of the legacy API as it would be received."""
    envelope = json.loads((DATA / "fitbit/errors" / name).read_text())
    body = envelope["body"] if "body" in envelope else envelope["body_text"].encode()
    return reply(envelope["status"], body, envelope["headers"])


# The consent page and the way back


def test_pkce_is_the_one_of_the_rfc() -> None:
    octets = [116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186]
    octets += [22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121]
    verifier = oauth.verifier_from(bytes(octets))  # RFC 7636, appendix B
    assert verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_consent_page_is_asked_for_with_pkce_and_state() -> None:
    url = oauth.authorize_url(
        App(GOOGLE, APP.client, ENDPOINTS),
        redirect_uri="http://127.0.0.1:8765/",
        scopes=["a.sleep", "a.heart"],
        state="st",
        verifier="v" * 43,
    )
    assert {key: values for key, (values,) in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "23XXXX",
        "redirect_uri": "http://127.0.0.1:8765/",
        "scope": "a.sleep a.heart",
        "state": "st",
        "code_challenge": oauth.challenge_of("v" * 43),
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }
    assert "%20" in url
    assert "client-secret" not in url


def test_a_consent_page_with_a_query_of_its_own_keeps_it() -> None:
    app = App(FITBIT, APP.client, Endpoints("https://a.example/?x=1", "", ""))
    url = oauth.authorize_url(app, redirect_uri="r", scopes=[], state="s", verifier="v")
    assert url.startswith("https://a.example/?x=1&response_type=code")


@pytest.mark.parametrize(
    "pasted",
    [
        "http://localhost:8765/cb?code=c0de&state=st#_=_",
        "  http://localhost:8765/cb?state=st&code=c0\n de \n",
        "?code=c0de&state=st",
        "code=c0de&state=st#_=_",
    ],
)
def test_the_address_that_came_back_gives_the_code(pasted: str) -> None:
    assert oauth.read_redirect(pasted, state="st") == "c0de"


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("c0de", "redirect_unreadable"),
        ("", "redirect_unreadable"),
        ("http://localhost:8765/", "redirect_unreadable"),
        ("http://[", "redirect_unreadable"),
        ("?code=c0de", "state_mismatch"),
        ("?code=c0de&state=other", "state_mismatch"),
        ("?error=access_denied&state=other", "state_mismatch"),
        ("?code=c0de&state=\udc80", "state_mismatch"),
        ("?error=org_internal&state=st", "client_rejected"),
        ("?error=server_error&state=st", "client_rejected"),
    ],
)
def test_an_address_that_answers_nothing_of_ours_is_refused(pasted: str, code: str) -> None:
    with pytest.raises(OperatorError) as caught:
        oauth.read_redirect(pasted, state="st")
    assert caught.value.code == code


def test_a_no_is_a_no() -> None:
    denied = (DATA / "google_health/oauth/authorization-redirect-denied.txt").read_text()
    with pytest.raises(AuthorizationError, match="declined"):
        oauth.read_redirect(denied, state="fake-state-0001")


REFUSALS = {
    "org_internal": "user type to External",
    "admin_policy_enforced": "an administrator",
    "disallowed_useragent": "a browser of its own",
    "redirect_uri_mismatch": "register exactly",
}


@pytest.mark.parametrize(("kind", "words"), REFUSALS.items())
def test_what_the_consent_page_refuses_is_said_in_plain_words(kind: str, words: str) -> None:
    came_back = f"http://127.0.0.1:1023/?error={kind}&state=st"
    shown = f"Access blocked: this app's request is invalid\nError 400: {kind}"
    for pasted in (came_back, shown):
        with pytest.raises(OperatorError, match=words) as caught:
            oauth.read_pasted(pasted, state="st")
        assert caught.value.code == "client_rejected"
        assert " Next: " in str(caught.value)


def test_what_is_pasted_is_an_address_first_of_all() -> None:
    assert (
        oauth.read_pasted("http://[::1]/?code=org_internal&state=st", state="st") == "org_internal"
    )
    with pytest.raises(OperatorError) as caught:
        oauth.read_pasted("http://127.0.0.1:1023/", state="st")
    assert caught.value.code == "redirect_unreadable"


# Requests


def test_a_client_with_a_secret_shows_it_to_fitbit_in_a_header() -> None:
    request = oauth.refresh_request(APP, "r")
    assert request.form == (("grant_type", "refresh_token"), ("refresh_token", "r"))
    ((name, value),) = request.headers
    assert (name, b64decode(value.removeprefix("Basic "))) == (
        "authorization",
        b"23XXXX:client-secret",
    )
    assert (request.method, request.url) == ("POST", ENDPOINTS.token_url)
    assert "secret" not in repr(APP)


def test_a_public_client_names_itself_in_the_form() -> None:
    app = App(FITBIT, Client("23XXXX"), ENDPOINTS)
    request = oauth.exchange_request(app, "c", verifier="v", redirect_uri="http://localhost/")
    assert request.headers == ()
    assert dict(request.form or ()) == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "http://localhost/",
        "code_verifier": "v",
        "client_id": "23XXXX",
    }


def test_google_is_shown_the_client_in_the_form() -> None:
    app = App(GOOGLE, APP.client, ENDPOINTS)
    request = oauth.refresh_request(app, "r")
    assert request.headers == ()
    assert dict(request.form or ())["client_secret"] == "client-secret"
    assert oauth.revoke_request(app, "r").form == (("token", "r"),)


def test_a_revocation_names_the_token_and_the_client() -> None:
    request = oauth.revoke_request(APP, "r")
    assert (request.url, request.form) == (ENDPOINTS.revoke_url, (("token", "r"),))
    assert request.headers
    public = oauth.revoke_request(App(FITBIT, Client("23XXXX"), ENDPOINTS), "r")
    assert public.form == (("token", "r"), ("client_id", "23XXXX"))


# Answers with tokens


def test_a_recorded_answer_of_fitbit_is_read() -> None:
    body = (DATA / "fitbit/oauth/token_exchange_or_refresh.json").read_bytes()
    grant = oauth.read_token_reply(reply(200, body), FITBIT, issued_at=NOON)
    assert grant.expires_at == NOON + timedelta(hours=8)
    assert (grant.user_id, grant.provider, len(grant.scope)) == ("ABC123", "fitbit", 15)
    assert (grant.previous, grant.consented_at) == (None, NOON)
    renewed = oauth.read_token_reply(reply(200, body), FITBIT, issued_at=NOON, old=OLD)
    assert renewed.previous == Pair("old-access", "old-refresh")
    assert (renewed.consented_at, renewed.consents_lived_s) == (OLD.consented_at, (7,))
    assert renewed.refresh_sent_at is None


def test_google_says_when_the_refresh_token_ends_and_mostly_sends_no_new_one() -> None:
    folder = DATA / "google_health/oauth"
    testing = (folder / "token-exchange-testing-mode.json").read_bytes()
    grant = oauth.read_token_reply(reply(200, testing), GOOGLE, issued_at=NOON)
    assert grant.refresh_expires_at == NOON + timedelta(seconds=604_799)
    assert grant.user_id == ""
    body = (folder / "token-refresh.json").read_bytes()
    renewed = oauth.read_token_reply(reply(200, body), GOOGLE, issued_at=NOON, old=grant)
    assert renewed.refresh_token == grant.refresh_token
    assert renewed.access_token == "ya29.FAKE-access-token-0003"
    assert renewed.refresh_expires_at == grant.refresh_expires_at
    for name in ("token-exchange-partial-scopes", "token-exchange-production"):
        body = (folder / f"{name}.json").read_bytes()
        consented = oauth.read_token_reply(reply(200, body), GOOGLE, issued_at=NOON, old=grant)
        assert consented.refresh_token != grant.refresh_token  # one did appear: it is the new one
        assert (consented.refresh_expires_at is None) is (grant.refresh_expires_at is None)


def test_a_deadline_stays_until_another_is_named() -> None:
    said = {"access_token": "a", "refresh_token": "r", "refresh_token_expires_in": 86_400}
    first = oauth.read_token_reply(reply(200, said), GOOGLE, issued_at=NOON)
    later = NOON + timedelta(hours=1)
    silent = {"access_token": "b"}
    second = oauth.read_token_reply(reply(200, silent), GOOGLE, issued_at=later, old=first)
    assert second.refresh_expires_at == NOON + timedelta(days=1)
    assert (second.refresh_token, second.previous) == ("r", Pair("a", "r"))
    third = oauth.read_token_reply(reply(200, said), GOOGLE, issued_at=later, old=second)
    assert third.refresh_expires_at == later + timedelta(days=1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b'{"access_token": "a", "refr',
        {},
        [],
        {"access_token": "a"},
        {"refresh_token": "r"},
        {"access_token": 5, "refresh_token": "r"},
        {"access_token": "", "refresh_token": "r"},
        {"access_token": "line\nbreak", "refresh_token": "r"},
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_200_without_the_tokens_is_in_doubt_and_costs_no_grant(body: object) -> None:
    with pytest.raises(TransientError):
        oauth.read_token_reply(reply(200, body), FITBIT, issued_at=NOON, old=OLD)


def test_an_answer_of_google_to_a_code_must_bring_a_refresh_token() -> None:
    with pytest.raises(TransientError):
        oauth.read_token_reply(reply(200, {"access_token": "a"}), GOOGLE, issued_at=NOON)


@pytest.mark.parametrize("said", [None, "28800", True, 0, -5, 1e300, [], float("nan")])
def test_a_pair_whose_life_is_not_said_is_kept_for_an_hour(said: object) -> None:
    body = {"access_token": "a", "refresh_token": "r", "expires_in": said}
    grant = oauth.read_token_reply(reply(200, body), FITBIT, issued_at=NOON, old=OLD)
    assert grant.expires_at == NOON + timedelta(hours=1)
    assert (grant.scope, grant.user_id) == (OLD.scope, OLD.user_id)
    first = oauth.read_token_reply(reply(200, body), FITBIT, issued_at=NOON)
    assert (first.scope, first.user_id) == ((), "")


# Refusals

REFUSED_BY_GOOGLE: dict[str, tuple[int, type[FitbitdError]]] = {
    "400-invalid_grant-bad-request": (400, AuthorizationError),
    "400-invalid_grant-expired-or-revoked": (400, AuthorizationError),
    "401-invalid_client": (401, OperatorError),
    "429-rate-limit": (429, ThrottledError),
}
DOCUMENTED = {
    "400_invalid_grant_authorization_code.json": (AuthorizationError, "authorization_needed"),
    "400_invalid_grant_refresh_token.json": (AuthorizationError, "authorization_needed"),
    "400_invalid_request_body.json": (ContractError, "contract_changed"),
    "400_invalid_request_missing_refresh_token.json": (ContractError, "contract_changed"),
    "401_expired_token.json": (ContractError, "contract_changed"),
    "401_expired_token_no_link.json": (ContractError, "contract_changed"),
    "401_invalid_client_header.json": (OperatorError, "client_rejected"),
    "401_invalid_client_secret.json": (OperatorError, "client_rejected"),
    "403_insufficient_permissions_intraday.json": (ContractError, "contract_changed"),
    "403_insufficient_scope.json": (ContractError, "contract_changed"),
    "403_read_only_client.json": (ContractError, "contract_changed"),
    "410_gone_after_shutdown.json": (GoneError, "provider_gone"),
    "422_too_many_data_points.json": (ContractError, "contract_changed"),
    "429_too_many_requests.json": (ThrottledError, "throttled"),
    "500_internal_error.json": (TransientError, "provider_unreachable"),
}


def test_every_recorded_error_has_its_class() -> None:
    found = {}
    for file in sorted((DATA / "fitbit/errors").iterdir()):
        with pytest.raises(FitbitdError) as caught:
            oauth.judge(recorded(file.name), FITBIT)
        found[file.name] = (type(caught.value), caught.value.code)
        assert "SYNTHETIC" not in str(caught.value)
    assert found.items() >= DOCUMENTED.items()


@pytest.mark.parametrize(
    ("name", "status", "kind"), [(name, *rest) for name, rest in REFUSED_BY_GOOGLE.items()]
)
def test_every_recorded_error_of_google_has_its_class(
    name: str, status: int, kind: type[FitbitdError]
) -> None:
    body = (DATA / f"google_health/oauth/{name}.json").read_bytes()
    with pytest.raises(kind) as caught:
        oauth.judge(reply(status, body), GOOGLE)
    assert type(caught.value) is kind
    revocation_fails = kind is not AuthorizationError
    with pytest.raises(kind) if revocation_fails else nullcontext():
        oauth.read_revocation(reply(status, body), GOOGLE)


def test_every_recorded_body_of_google_is_known_here() -> None:
    found = {file.name for file in (DATA / "google_health/oauth").iterdir()}
    refused = {f"{name}.json" for name in REFUSED_BY_GOOGLE}
    assert found == refused | {
        "authorization-redirect-denied.txt",
        "token-exchange-partial-scopes.json",
        "token-exchange-production.json",
        "token-exchange-testing-mode.json",
        "token-refresh.json",
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("invalid_client", "client_id or the client secret is not the one"),
        ("unauthorized_client", "made for another client_id"),
        ("admin_policy_enforced", "an administrator"),
        ("deleted_client", "was deleted"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_app_that_is_refused_is_told_apart_from_a_grant_that_ended(
    status: int, kind: str, words: str
) -> None:
    with pytest.raises(OperatorError, match=words) as caught:
        oauth.judge(reply(status, {"error": kind, "error_description": "1//0echo"}), GOOGLE)
    assert caught.value.code == "client_rejected"
    assert "echo" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (410, {"errors": [{"errorType": "invalid_grant"}]}, GoneError),
        (503, {"errors": [{"errorType": "invalid_grant"}]}, TransientError),
        (504, b"<html>", TransientError),
        (400, b"<html>portal</html>", TransientError),
        (401, b"", TransientError),
        (302, {}, TransientError),
        (400, "text", TransientError),
        (400, {"error": "temporarily_unavailable"}, TransientError),
        (403, {"error": "rate_limit_exceeded"}, ThrottledError),
        (401, {"errors": [{"errorType": "invalid_grant"}]}, AuthorizationError),
        (400, {"error": "unauthorized_client"}, OperatorError),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, ContractError),
        (400, {"errors": []}, ContractError),
        (400, {"error": "token abc=="}, ContractError),
    ],
)
def test_the_kind_in_the_body_comes_before_the_status_unless_nothing_was_decided(
    status: int, body: object, kind: type[FitbitdError]
) -> None:
    with pytest.raises(FitbitdError) as caught:
        oauth.judge(reply(status, body), FITBIT)
    assert type(caught.value) is kind
    assert "abc==" not in str(caught.value)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.just("invalid_grant"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "errors", "errorType", "access_token"]), inner
            )
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
def test_every_answer_is_a_grant_or_exactly_one_of_our_errors(status: int, body: bytes) -> None:
    answer = Reply(status, {}, body, NOON)
    try:
        oauth.read_token_reply(answer, FITBIT, issued_at=NOON, old=OLD)
    except AuthorizationError:
        assert b"invalid_grant" in body
        assert 400 <= status < 500
    except FitbitdError:
        return


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"fitbit-rate-limit-reset": "1478", "retry-after": "5"}, 1478 + 30),
        ({"retry-after": "5"}, 35),
        ({"retry-after": "Sun, 01 Mar 2026 12:10:00 GMT"}, 630),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 30),
        ({"retry-after": "Sun, 01 Mar 2026 12:10:00 -0000"}, 900),  # no zone: not understood
        ({"retry-after": "9" * 400}, 86_400 + 30),
        ({"retry-after": "soon"}, 900),
        ({}, 900),
    ],
)
def test_a_throttled_token_request_says_until_when(headers: dict[str, str], wait_s: int) -> None:
    with pytest.raises(ThrottledError) as caught:
        oauth.judge(reply(429, b"", headers), FITBIT)
    assert caught.value.until == NOON + timedelta(seconds=wait_s)


def test_a_provider_that_is_gone_is_asked_again_in_a_day() -> None:
    with pytest.raises(GoneError) as caught:
        oauth.judge(reply(410, b""), FITBIT)
    assert caught.value.until == NOON + timedelta(days=1)


def test_a_grant_that_had_ended_before_counts_as_revoked() -> None:
    oauth.read_revocation(reply(200, b""), FITBIT)
    oauth.read_revocation(reply(400, {"error": "invalid_token"}), GOOGLE)
    with pytest.raises(TransientError):
        oauth.read_revocation(reply(503, b""), FITBIT)
    with pytest.raises(OperatorError):
        oauth.read_revocation(reply(401, {"error": "invalid_client"}), FITBIT)
