"""The provider's side of OAuth is as strict as its documents; its errors are the recorded ones."""

import base64
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.simulator import FitbitSettings
from tests.support.fitbit import REDIRECT, VERIFIER, SimulatedApp, error_of

VISIT = (
    " Visit https://dev.fitbit.com/docs/oauth2 for more information on the Fitbit Web API"
    " authorization process."
)


def minted(settings: FitbitSettings | None = None) -> tuple[SimulatedApp, dict[str, Any]]:
    app = SimulatedApp(settings)
    return app, app.simulator.mint()


def recorded_error(kind: str, message: str) -> dict[str, Any]:
    return {"errors": [{"errorType": kind, "message": message + VISIT}], "success": False}


# The authorize page.


def test_the_page_names_the_app_and_its_scopes_and_both_links_lead_back() -> None:
    app = SimulatedApp(FitbitSettings(app_name="My <app>"))
    page = app.authorize()
    assert page.status_code == 200
    assert "My &lt;app&gt;" in page.text
    assert "<li>heartrate</li><li>sleep</li>" in page.text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', page.text)]
    allowed, denied = (app.http.get(link).headers["location"] for link in links)
    assert allowed.startswith(REDIRECT + "?code=")
    assert parse_qs(urlsplit(denied).query)["error"] == ["access_denied"]
    assert all(parse_qs(urlsplit(where).query)["state"] == ["xyz"] for where in (allowed, denied))
    assert all(where.endswith("#_=_") for where in (allowed, denied))


def test_consent_can_be_set_to_deny_at_once_and_the_fragment_left_out() -> None:
    app = SimulatedApp(FitbitSettings(consent="deny", fragment=False))
    reply = app.authorize()
    assert reply.status_code == 302
    assert reply.headers["location"].startswith(REDIRECT + "?error=access_denied")
    assert reply.headers["location"].endswith("state=xyz")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "unauthorized_client"),
        ({"client_id": ""}, "unauthorized_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"redirect_uri": "https://example.org/callback"}, "invalid_request"),
        ({"redirect_uri": "http://[::1"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "heartrate everything"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 129}, "invalid_request"),
        ({"prompt": "often"}, "invalid_request"),
    ],
)
def test_a_bad_authorize_request_is_shown_and_never_redirected(
    changes: dict[str, str], error: str
) -> None:
    page = SimulatedApp().authorize(**changes)
    assert page.status_code == 400
    assert "location" not in page.headers
    assert error in page.text


def test_a_registered_redirect_uri_must_match_exactly() -> None:
    app = SimulatedApp(FitbitSettings(consent="allow", redirect_uris=(REDIRECT,)))
    assert app.authorize().status_code == 302
    assert app.authorize(redirect_uri=REDIRECT + "/").status_code == 400


# The exchange.


def test_a_code_gives_a_pair_with_exactly_the_documented_fields() -> None:
    app = SimulatedApp()
    reply = app.exchange(app.code())
    body = reply.json()
    assert reply.status_code == 200
    assert list(body) == [
        "access_token",
        "expires_in",
        "refresh_token",
        "scope",
        "token_type",
        "user_id",
    ]
    assert re.fullmatch(r"[0-9a-f]{64}", body["refresh_token"])
    assert (body["expires_in"], body["token_type"]) == (28800, "Bearer")
    assert (body["scope"], body["user_id"]) == ("heartrate sleep", app.wearer.user_id)


def test_the_wearer_may_untick_scopes() -> None:
    app = SimulatedApp(FitbitSettings(consent="allow", granted=frozenset({"sleep", "weight"})))
    assert app.exchange(app.code()).json()["scope"] == "sleep"


def test_a_code_is_good_once_and_for_ten_minutes() -> None:
    app = SimulatedApp()
    code = app.code()
    assert app.exchange(code).status_code == 200
    again = app.exchange(code)
    assert again.status_code == 400
    assert again.json() == recorded_error("invalid_grant", f"Authorization code invalid: {code}")
    late = app.code()
    app.clock.advance(601)
    assert error_of(app.exchange(late)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "v" * 42}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"expires_in": "3600"}, "invalid_request"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_an_exchange_that_does_not_match_is_refused(changes: dict[str, str], kind: str) -> None:
    app = SimulatedApp()
    form = {"code": app.code()} | changes
    assert error_of(app.exchange(form.pop("code"), **form)) == (400, kind)


def test_a_challenge_without_a_method_is_plain() -> None:
    app = SimulatedApp()
    page = app.authorize(code_challenge=VERIFIER, code_challenge_method="")
    code = parse_qs(urlsplit(page.headers["location"]).query)["code"][0]
    assert app.exchange(code).status_code == 200


def test_expires_in_may_be_the_only_life_there_is() -> None:
    app = SimulatedApp()
    assert app.exchange(app.code(), expires_in="28800").json()["expires_in"] == 28800


# The client.


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"23SIMU:wrong", "Invalid authorization header. Client secret invalid."),
        (b"other:simulated-secret", "Invalid authorization header. Client id invalid."),
        (b"no colon", "Invalid authorization header format."),
        (b"\xff:\xff", "Invalid authorization header format."),
    ],
)
def test_a_server_app_says_who_it_is_by_basic_authentication(header: bytes, message: str) -> None:
    app = SimulatedApp()
    basic = "Basic " + base64.b64encode(header).decode()
    reply = app.token({"grant_type": "refresh_token"}, authorization=basic)
    assert error_of(reply) == (401, "invalid_client")
    assert reply.json()["errors"][0]["message"].startswith(message)


@pytest.mark.parametrize("scheme", ["Bearer abc", "Basic ???"])
def test_any_other_header_is_not_recognized(scheme: str) -> None:
    reply = SimulatedApp().token({"grant_type": "refresh_token"}, authorization=scheme)
    assert error_of(reply) == (401, "invalid_client")


def test_a_server_app_without_a_header_gets_the_recorded_words() -> None:
    reply = SimulatedApp().token({"client_id": "23SIMU"}, accept="*/*")
    assert reply.status_code == 401
    assert reply.json() == recorded_error(
        "invalid_client",
        "Invalid authorization header format. The header was not recognized to be a valid header"
        " for any of known implementations or a client_id was not specified in case of a public"
        " client Received header = null.",
    )


def test_a_public_app_names_itself_in_the_body() -> None:
    app, first = minted(FitbitSettings(client_secret=None))
    form = {"grant_type": "refresh_token", "refresh_token": str(first["refresh_token"])}
    assert error_of(app.token(form, accept="*/*")) == (401, "invalid_client")
    assert error_of(app.token({**form, "client_id": "x"}, accept="*/*")) == (401, "invalid_client")
    assert app.token({**form, "client_id": "23SIMU"}, accept="*/*").status_code == 200


def test_a_body_that_is_no_form_is_unreadable() -> None:
    app = SimulatedApp()
    reply = app.http.post("/oauth2/token", json={"grant_type": "refresh_token"})
    assert reply.status_code == 400
    assert reply.json() == {
        "errors": [
            {
                "errorType": "invalid_request",
                "fieldName": "n/a",
                "message": "There was an error reading the request body.",
            }
        ],
        "success": False,
    }


# Refreshing.


def test_a_refresh_gives_another_pair_and_the_first_access_token_lives_on() -> None:
    app, first = minted()
    second = app.refresh(first["refresh_token"]).json()
    assert {first["access_token"], first["refresh_token"]}.isdisjoint(map(str, second.values()))
    for pair in (first, second):
        assert app.get("/1/user/-/devices.json", pair["access_token"]).status_code == 200


def test_a_missing_or_unknown_refresh_token_gets_the_recorded_words() -> None:
    app = SimulatedApp()
    missing = app.token({"grant_type": "refresh_token"})
    assert missing.json() == recorded_error("invalid_request", "Missing parameters: refresh_token")
    unknown = app.refresh("a" * 64)
    assert unknown.status_code == 400
    assert unknown.json() == recorded_error("invalid_grant", f"Refresh token invalid: {'a' * 64}.")


@pytest.mark.parametrize(("wait_s", "status"), [(0, 200), (120, 200), (120.5, 400)])
def test_a_used_refresh_token_gives_the_same_answer_inside_the_window(
    wait_s: float, status: int
) -> None:
    app, first = minted()
    answer = app.refresh(first["refresh_token"])
    app.clock.advance(wait_s)
    again = app.refresh(first["refresh_token"])
    assert again.status_code == status
    assert (again.content == answer.content) is (status == 200)


def test_without_a_window_nothing_is_repeated() -> None:
    app, first = minted(FitbitSettings(replay_window_s=0))
    app.refresh(first["refresh_token"])
    assert error_of(app.refresh(first["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("used", ["access_token", "refresh_token"])
def test_the_first_use_of_a_new_token_ends_the_window(used: str) -> None:
    app, first = minted()
    second = app.refresh(first["refresh_token"]).json()
    if used == "access_token":
        app.get("/1/user/-/devices.json", second[used])
    else:
        app.refresh(second[used])
    assert error_of(app.refresh(first["refresh_token"])) == (400, "invalid_grant")


def test_the_use_of_the_old_access_token_does_not_end_the_window() -> None:
    app, first = minted()
    answer = app.refresh(first["refresh_token"])
    app.get("/1/user/-/devices.json", first["access_token"])
    assert app.refresh(first["refresh_token"]).content == answer.content


def test_another_consent_kills_the_refresh_token_of_the_one_before_but_no_access_token() -> None:
    app, first = minted()
    app.exchange(app.code())
    assert error_of(app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert app.get("/1/user/-/devices.json", first["access_token"]).status_code == 200


def test_another_consent_ends_a_window_too() -> None:
    app, first = minted()
    app.refresh(first["refresh_token"])
    app.simulator.mint()
    assert error_of(app.refresh(first["refresh_token"])) == (400, "invalid_grant")


def test_an_access_token_lives_as_long_as_was_said() -> None:
    app, first = minted(FitbitSettings(token_life_s=60))
    assert first["expires_in"] == 60
    app.clock.advance(59.9)
    assert app.get("/1/user/-/devices.json", first["access_token"]).status_code == 200
    app.clock.advance(0.1)
    expired = app.get("/1/user/-/devices.json", first["access_token"])
    assert expired.status_code == 401
    assert list(expired.json()) == ["success", "errors"]
    assert expired.json()["errors"] == [
        {
            "errorType": "expired_token",
            "message": f"Access token expired: {first['access_token']}.{VISIT}",
        }
    ]


@settings(deadline=None)  # a loaded machine is no failure
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["refresh", "use", "wait", "consent"]),
            st.integers(0, 6),
            st.sampled_from([1, 60, 119, 121]),
        ),
        max_size=25,
    )
)
def test_rotation_keeps_its_rules_whatever_a_client_does(
    deeds: list[tuple[str, int, int]],
) -> None:
    """Walk a second, tiny model of the documents beside the simulator."""
    app = SimulatedApp(FitbitSettings(quota=10_000))
    pairs = [app.simulator.mint()]
    given_for: dict[int, tuple[int, float]] = {}  # pair -> its successor, when
    used: set[int] = set()
    dead: set[int] = set()
    for deed, pick, wait_s in deeds:
        now_s = app.clock.monotonic()
        which = pick % len(pairs)
        if deed == "wait":
            app.clock.advance(wait_s)
        elif deed == "use":
            used.add(which)
            app.get("/1/user/-/devices.json", pairs[which]["access_token"])
        elif deed == "consent":
            dead |= set(range(len(pairs)))
            pairs.append(app.simulator.mint())
        else:
            reply = app.refresh(pairs[which]["refresh_token"])
            used.add(which)
            if which in dead:
                assert reply.status_code == 400
            elif which not in given_for:
                assert reply.status_code == 200
                given_for[which] = (len(pairs), now_s)
                pairs.append(reply.json())
            else:
                successor, given_at = given_for[which]
                repeats = successor not in used and now_s - given_at <= 120
                assert reply.status_code == (200 if repeats else 400)
                assert not repeats or reply.json() == pairs[successor]
    live = [n for n in range(len(pairs)) if n not in dead and n not in given_for]
    assert len(live) == 1  # never more than one refresh token, and never none


# Introspection, revocation, the log.


def test_introspection_describes_a_live_token_and_only_that() -> None:
    app, first = minted()
    bearer = {"authorization": f"Bearer {first['access_token']}"}
    about = app.http.post(
        "/1.1/oauth2/introspect", data={"token": first["access_token"]}, headers=bearer
    ).json()
    assert about["active"] is True
    assert about["token_type"] == "access_token"
    assert about["scope"].startswith("{ACTIVITY=READ, ")
    assert about["exp"] - about["iat"] == 28_800_000
    other = app.http.post("/1.1/oauth2/introspect", data={"token": "x"}, headers=bearer)
    assert other.json() == {"active": False}
    nothing = app.http.post("/1.1/oauth2/introspect", data={"a": "b"}, headers=bearer)
    assert error_of(nothing) == (400, "invalid_request")
    assert error_of(app.http.post("/oauth2/introspect", headers=bearer)) == (
        403,
        "insufficient_permissions",
    )
    app.clock.advance(28_800)
    expired = app.http.post("/1.1/oauth2/introspect", data={"token": "x"}, headers=bearer)
    assert error_of(expired) == (401, "expired_token")


@pytest.mark.parametrize("sent", ["access_token", "refresh_token"])
def test_revoking_any_token_ends_them_all(sent: str) -> None:
    app, first = minted()
    second = app.refresh(first["refresh_token"]).json()
    basic = {"authorization": "Basic " + base64.b64encode(b"23SIMU:simulated-secret").decode()}
    assert error_of(app.http.post("/oauth2/revoke", data={"x": "y"}, headers=basic)) == (
        400,
        "invalid_request",
    )
    reply = app.http.post("/oauth2/revoke", data={"token": first[sent]}, headers=basic)
    assert (reply.status_code, reply.content) == (200, b"")
    for pair in (first, second):
        refused = app.get("/1/user/-/devices.json", pair["access_token"])
        assert error_of(refused) == (401, "invalid_token")
        assert pair["access_token"] in refused.text  # the API echoes it, so a client must redact
        assert error_of(app.refresh(pair["refresh_token"])) == (400, "invalid_grant")


def test_revoking_an_unknown_token_ends_nothing() -> None:
    app, first = minted()
    basic = {"authorization": "Basic " + base64.b64encode(b"23SIMU:simulated-secret").decode()}
    assert app.http.post("/oauth2/revoke", data={"token": "x"}, headers=basic).status_code == 200
    assert app.get("/1/user/-/devices.json", first["access_token"]).status_code == 200


def test_the_log_names_tokens_by_number_and_counts_refreshes_by_life() -> None:
    app, first = minted()
    second = app.refresh(first["refresh_token"]).json()
    app.refresh(first["refresh_token"])
    app.get("/1/user/-/devices.json", second["access_token"])
    app.refresh(first["refresh_token"])
    app.refresh("unknown")
    lines = [(entry.path, entry.status, entry.token) for entry in app.simulator.log]
    assert lines == [
        ("/oauth2/token", 200, "refresh 2"),
        ("/oauth2/token", 200, "refresh 2"),
        ("/1/user/-/devices.json", 200, "access 3"),
        ("/oauth2/token", 400, "refresh 2"),
        ("/oauth2/token", 400, "unknown"),
    ]
    assert not any(
        str(value) in repr(app.simulator.log) for value in second.values() if value != 28800
    )
    counts = app.simulator.oauth.counts
    assert (counts.rotations, counts.replays) == (1, 1)
    assert (counts.refreshes_received, counts.refreshes_refused) == (4, 2)
    assert counts.refreshes_by_life == {2: 3}


def test_the_token_of_another_person_names_that_person() -> None:
    app = SimulatedApp()
    app.simulator.oauth.user_id = "SIM002"
    assert app.exchange(app.code()).json()["user_id"] == "SIM002"
