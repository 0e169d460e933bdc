"""Google's OAuth endpoints: consent, codes, tokens, and every death of a refresh token."""

import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from fitbitd.simulator import Fault
from fitbitd.simulator.google_health import READ_SCOPES, SCOPE_PREFIX
from tests.support.google_app import GoogleApp, HandMade, recorded

SLEEP, SETTINGS = f"{SCOPE_PREFIX}sleep.readonly", f"{SCOPE_PREFIX}settings.readonly"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
CALLBACK = "http://127.0.0.1:8765/"
DEAD = recorded("oauth/400-invalid_grant-expired-or-revoked.json")
FOREIGN = recorded("oauth/400-invalid_grant-bad-request.json")


def consent(app: GoogleApp, **changes: str | None) -> httpx.Response:
    """Open the authorization page as an app would have it opened."""
    asked: dict[str, str | None] = {
        "client_id": app.simulator.settings.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": f"{SLEEP} {SETTINGS}",
        "state": "s1",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return app.client.get("/o/oauth2/v2/auth", params=given)


def answer_of(reply: httpx.Response) -> dict[str, str]:
    """Read what a redirect says."""
    assert reply.status_code == 302, reply.text
    query = parse_qs(urlsplit(reply.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def exchange(app: GoogleApp, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return app.token(**form)


@pytest.fixture
def app() -> GoogleApp:
    return GoogleApp(HandMade(), consent="allow")


def test_a_consent_leads_to_a_code_and_the_code_to_tokens(app: GoogleApp) -> None:
    answer = answer_of(consent(app))
    assert (answer["state"], answer["scope"]) == ("s1", f"{SLEEP} {SETTINGS}")
    body = exchange(app, answer["code"]).json()
    like = recorded("oauth/token-exchange-production.json")
    assert {name: type(value) for name, value in body.items()} == {
        name: type(value) for name, value in like.items()
    }
    assert (body["expires_in"], body["token_type"]) == (3599, "Bearer")
    assert exchange(app, answer["code"]).json() == FOREIGN  # a code is good once


def test_a_denial_is_the_recorded_redirect() -> None:
    app = GoogleApp(HandMade(), consent="deny")
    reply = consent(app, state="fake-state-0001", redirect_uri="http://127.0.0.1:8765")
    wanted = "http://127.0.0.1:8765/?error=access_denied&state=fake-state-0001"
    assert reply.headers["location"] == wanted


def test_the_page_lets_the_wearer_untick_scopes() -> None:
    app = GoogleApp(HandMade())
    page = consent(app)
    assert page.status_code == 200
    assert page.text.count('type="checkbox"') == 2
    form = {"simulator_form": "1", "simulator_choice": "allow", "simulator_scope": SLEEP}
    assert answer_of(consent(app, **form))["scope"] == SLEEP
    del form["simulator_scope"]
    assert answer_of(consent(app, **form))["error"] == "access_denied"


def test_what_was_unticked_is_not_in_the_token() -> None:
    app = GoogleApp(HandMade(), consent="allow", granted=frozenset({SLEEP}))
    body = exchange(app, answer_of(consent(app))["code"]).json()
    assert body["scope"] == recorded("oauth/token-exchange-partial-scopes.json")["scope"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"redirect_uri": "http://192.168.1.2/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://127.0.0.1/"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "steps"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"access_type": "forever"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_a_bad_request_is_shown_and_never_redirected(
    app: GoogleApp, changes: dict[str, str], error: str
) -> None:
    reply = consent(app, **changes)
    assert (reply.status_code >= 400, error in reply.text) == (True, True)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/", "http://[::1]:40123/x", "http://localhost"])
def test_a_desktop_client_may_use_any_loopback_port(app: GoogleApp, uri: str) -> None:
    assert consent(app, redirect_uri=uri).headers["location"].startswith(uri)


def test_a_web_client_may_use_only_what_it_registered() -> None:
    app = GoogleApp(
        HandMade(), consent="allow", client_type="web", redirect_uris=("https://example.org/cb",)
    )
    assert consent(app, redirect_uri="https://example.org/cb").status_code == 302
    for uri in (CALLBACK, "https://example.org/cb/", "https://example.org/cb?x=1"):
        assert "redirect_uri_mismatch" in consent(app, redirect_uri=uri).text


@pytest.mark.parametrize(
    ("first", "again", "refresh_tokens"),
    [
        ({"prompt": None}, {"prompt": None}, (True, False)),
        ({"prompt": None}, {"prompt": "consent"}, (True, True)),
        ({"access_type": None}, {"access_type": "online"}, (False, False)),
    ],
)
def test_a_refresh_token_needs_offline_access_and_a_first_or_new_consent(
    first: dict[str, str | None],
    again: dict[str, str | None],
    refresh_tokens: tuple[bool, bool],
) -> None:
    app = GoogleApp(HandMade(), consent="allow")
    app.simulator.revoke()  # the grant that the app was given without a browser
    got = [
        "refresh_token" in exchange(app, answer_of(consent(app, **changes))["code"]).json()
        for changes in (first, again)
    ]
    assert tuple(got) == refresh_tokens


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"code": "4/0Anothing"}, "invalid_grant", "Bad Request"),
        ({"redirect_uri": "http://127.0.0.1:9/"}, "redirect_uri_mismatch", "Bad Request"),
        ({"code_verifier": "w" * 43}, "invalid_grant", "Invalid code verifier."),
        ({"code_verifier": ""}, "invalid_grant", "Missing code verifier."),
        ({"grant_type": "magic"}, "unsupported_grant_type", "Invalid grant_type: magic"),
        ({"client_id": ""}, "invalid_request", "Could not determine client ID from request."),
        ({"client_id": "nobody"}, "invalid_client", "The OAuth client was not found."),
        ({"client_secret": "wrong"}, "invalid_client", "Unauthorized"),
        ({"client_secret": ""}, "invalid_request", "client_secret is missing."),
    ],
)
def test_an_exchange_must_match_its_consent(
    app: GoogleApp, changes: dict[str, str], error: str, description: str
) -> None:
    code = answer_of(consent(app))["code"]
    reply = exchange(app, **{"code": code, **changes})
    assert reply.status_code == (401 if error == "invalid_client" else 400)
    assert reply.json() == {"error": error, "error_description": description}


def test_a_code_dies_of_age(app: GoogleApp) -> None:
    code = answer_of(consent(app))["code"]
    app.clock.advance(601)
    assert exchange(app, code).json() == FOREIGN


def test_refreshing_gives_an_access_token_and_keeps_the_refresh_token(app: GoogleApp) -> None:
    bodies = [app.refresh().json() for _ in range(3)]
    assert set(bodies[0]) == set(recorded("oauth/token-refresh.json"))
    assert len({body["access_token"] for body in bodies}) == 3
    for body in bodies:  # earlier access tokens go on
        header = {"authorization": f"Bearer {body['access_token']}"}
        assert app.client.get("/v4/users/me/identity", headers=header).status_code == 200


def test_a_client_may_send_its_credentials_in_a_header(app: GoogleApp) -> None:
    settings = app.simulator.settings
    form = {"grant_type": "refresh_token", "refresh_token": app.grant["refresh_token"]}
    reply = app.client.post("/token", data=form, auth=(settings.client_id, settings.client_secret))
    assert reply.status_code == 200
    assert app.client.post("/token", data=form, auth=("nobody", "x")).status_code == 401


def test_an_access_token_lives_an_hour(app: GoogleApp) -> None:
    app.clock.advance(3599)
    assert app.get("/v4/users/me/identity").status_code == 200
    app.clock.advance(1)
    refused = app.get("/v4/users/me/identity")
    assert refused.status_code == 401
    assert refused.json() == recorded("errors/401-invalid-credentials.json")


def test_in_testing_a_refresh_token_says_and_lives_seven_days() -> None:
    app = GoogleApp(HandMade(), testing=True)
    assert app.grant["refresh_token_expires_in"] == 604799
    app.clock.advance(timedelta(days=6, hours=23).total_seconds())
    assert app.refresh().status_code == 200
    app.simulator.change(testing=False)  # publishing the app does not help tokens given before
    app.clock.advance(3600)
    assert app.refresh().json() == DEAD
    assert "refresh_token_expires_in" not in app.simulator.mint()


def test_a_refresh_token_dies_of_half_a_year_without_use(app: GoogleApp) -> None:
    app.clock.advance(timedelta(days=180).total_seconds())
    assert app.refresh().status_code == 200
    app.clock.advance(timedelta(days=184).total_seconds())
    assert app.refresh().json() == DEAD


def test_the_wearer_can_remove_the_app(app: GoogleApp) -> None:
    app.simulator.revoke()
    assert app.refresh().json() == DEAD
    assert app.get("/v4/users/me/identity").status_code == 401


def test_of_more_than_a_hundred_refresh_tokens_the_oldest_dies_silently(app: GoogleApp) -> None:
    second, *_, last = [app.simulator.mint() for _ in range(100)]
    assert app.refresh().json() == DEAD
    assert app.get("/v4/users/me/identity").status_code == 200
    assert app.refresh(second["refresh_token"]).status_code == 200
    assert app.refresh(last["refresh_token"]).status_code == 200


def test_a_refresh_token_belongs_to_the_client_that_got_it() -> None:
    app = GoogleApp(HandMade(), other_clients={"second": "its secret"})
    reply = app.refresh(client_id="second", client_secret="its secret")
    assert reply.status_code == 401
    assert reply.json()["error"] == "unauthorized_client"
    assert app.refresh("1//0made-up").json() == FOREIGN
    assert app.token(grant_type="refresh_token").json()["error"] == "invalid_request"


def test_a_refresh_may_bring_a_new_refresh_token_now_and_then() -> None:
    app = GoogleApp(HandMade(), rotate_every=2)
    old = app.grant["refresh_token"]
    assert "refresh_token" not in app.refresh().json()
    new = app.refresh().json()["refresh_token"]
    assert new != old
    assert app.refresh(old).json() == DEAD
    assert app.refresh(new).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_whole_grant(app: GoogleApp, kind: str) -> None:
    other = app.simulator.mint()
    assert app.client.post("/revoke", data={"token": app.grant[kind]}).status_code == 200
    assert app.refresh().json() == app.refresh(other["refresh_token"]).json() == DEAD
    assert app.get("/v4/users/me/identity").status_code == 401
    again = app.client.post("/revoke", data={"token": app.grant[kind]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


@pytest.mark.parametrize("data", [{}, {"token": "nothing"}])
def test_revoking_nothing_is_refused(app: GoogleApp, data: dict[str, str]) -> None:
    reply = app.client.post("/revoke", data=data)
    assert (reply.status_code, "error" in reply.json()) == (400, True)


def test_an_access_token_can_be_asked_about(app: GoogleApp) -> None:
    query = {"access_token": app.grant["access_token"]}
    said = app.client.get("/tokeninfo", params=query).json()
    assert said["expires_in"] == "3600"
    assert said["aud"] == app.simulator.settings.client_id
    assert set(said["scope"].split()) == READ_SCOPES
    app.simulator.revoke()
    assert app.client.get("/tokeninfo", params=query).status_code == 400


@pytest.mark.parametrize(
    ("order", "status", "word"),
    [
        ({"kind": "throttle"}, 429, "rate_limit_exceeded"),
        ({"kind": "json_error"}, 500, "INTERNAL"),
        ({"kind": "refuse", "reason": "BAD_GATEWAY"}, 502, "<!DOCTYPE html>"),
        ({"kind": "refuse", "reason": "TOKEN_DEAD"}, 400, "expired or revoked"),
    ],
)
def test_the_token_endpoint_can_be_in_trouble_and_recover(
    app: GoogleApp, order: dict[str, Any], status: int, word: str
) -> None:
    app.simulator.faults.add(Fault(path="POST /token", **order))
    reply = app.refresh()
    assert (reply.status_code, word in reply.text) == (status, True)
    assert app.refresh().status_code == 200


def test_a_refresh_may_ask_for_fewer_scopes_and_not_for_more() -> None:
    app = GoogleApp(HandMade(), scopes=frozenset({SLEEP, SETTINGS}))
    lean = app.refresh(scope=SLEEP).json()
    assert lean["scope"] == SLEEP
    app.grant |= {"access_token": lean["access_token"]}
    assert [app.get(f"/v4/users/me/{path}").status_code for path in ("identity", "settings")] == [
        200,
        403,
    ]
    refused = app.refresh(scope=f"{SCOPE_PREFIX}ecg.readonly")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_a_token_to_revoke_may_stand_in_the_address(app: GoogleApp) -> None:
    reply = app.client.post("/revoke", params={"token": app.grant["refresh_token"]})
    assert (reply.status_code, app.refresh().status_code) == (200, 400)
    assert app.simulator.log[0].token == "refresh 1"


def test_the_log_names_tokens_without_their_text(app: GoogleApp) -> None:
    app.refresh()
    app.get("/v4/users/me/identity")
    app.client.get("/tokeninfo", params={"access_token": app.grant["access_token"]})
    assert [entry.token for entry in app.simulator.log] == ["refresh 1", "access 1", None]
    assert not any(
        app.grant[kind] in repr(app.simulator.log) for kind in ("access_token", "refresh_token")
    )
