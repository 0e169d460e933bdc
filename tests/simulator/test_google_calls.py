"""Paths, verbs, scopes, quota, faults and the log of the simulated Health API."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from fitbitd.simulator import Fault, serve
from fitbitd.simulator.google_health import READ_SCOPES, SCOPE_PREFIX
from fitbitd.simulator.google_health.capabilities import DATA_TYPES, Action
from tests.support.google_app import (
    ME,
    GoogleApp,
    HandMade,
    minutes,
    point,
    reasons_of,
    recorded,
)

IDENTITY = "/v4/users/me/identity"
STEPS = "/v4/users/me/dataTypes/steps/dataPoints"
HEART = "/v4/users/me/dataTypes/heart-rate/dataPoints"


@pytest.fixture
def app() -> GoogleApp:
    exercise = point("2026-11-18T10:00:00", {}, seconds=1800, point_id="9")
    files = {("9", False): "<no points/>", ("9", True): "<points/>"}
    return GoogleApp(HandMade({"steps": minutes(2), "exercise": [exercise]}, files))


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v4/users/me/devices"),
        ("GET", "/v5/users/me/identity"),
        ("GET", "/v4/users/me/dataTypes/steps"),
        ("GET", "/"),
        ("GET", "/token"),
        ("HEAD", IDENTITY),
        ("POST", IDENTITY),
        ("POST", f"{STEPS}:reconcile"),
        ("GET", f"{STEPS}:rollUp"),
        ("GET", f"{STEPS}:dailyRollUp"),
        ("DELETE", f"{STEPS}/1"),
        ("GET", f"{STEPS}:shake"),
    ],
)
def test_a_wrong_path_or_verb_is_a_page_and_not_json(app: GoogleApp, verb: str, path: str) -> None:
    reply = app.client.request(verb, path, headers=app.authorized)
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("text/html")
    assert path in reply.text


@pytest.mark.parametrize(
    ("data_type", "action", "allowed"),
    [
        ("total-calories", "", "rollup, dailyRollup"),
        ("floors", "", "reconcile, rollup, dailyRollup"),
        ("steps", "/1", "list, reconcile, rollup, dailyRollup"),
        ("electrocardiogram", ":reconcile", "list"),
        ("daily-heart-rate-variability", ":dailyRollUp", "list, reconcile"),
        ("activity-level", ":rollUp", "list, reconcile"),
        ("time-in-heart-rate-zone", "", "reconcile, rollup, dailyRollup"),
    ],
)
def test_a_method_that_a_type_does_not_offer_names_those_that_it_does(
    app: GoogleApp, data_type: str, action: str, allowed: str
) -> None:
    path = f"/v4/users/me/dataTypes/{data_type}/dataPoints{action}"
    reply = app.post(path, {}) if "ollUp" in action else app.get(path)
    assert reply.status_code == 400
    assert reasons_of(reply) == ["UNSUPPORTED_DATA_TYPE_ACTION"]
    assert reply.json()["error"]["details"][0]["metadata"] == {"allowed_actions": allowed}


def test_what_a_type_offers_can_be_ordered(app: GoogleApp) -> None:
    zones = "time-in-heart-rate-zone"
    assert app.list(zones).status_code == 400
    app.simulator.change(also_offered=[[zones, "list"]], not_offered=[["steps", "list"]])
    assert app.list(zones).status_code == 200
    assert app.list("steps").json()["error"]["message"] == (
        "List is not supported for data type steps, but the following actions are supported:"
        " reconcile, rollup, dailyRollup"
    )
    with pytest.raises(TypeError):
        app.simulator.change(unheard_of=1)


@pytest.mark.parametrize(
    "name", ["heart_rate", "resting-heart-rate", "Steps", "skin-temperature-sensors"]
)
def test_an_unknown_data_type_is_refused_as_recorded(app: GoogleApp, name: str) -> None:
    reply = app.list(name)
    text = httpx.Response(200, content=reply.content.replace(name.encode(), b"resting-heart-rate"))
    assert text.json() == recorded("errors/400-invalid-data-type.json")


def test_the_beta_has_one_more_type(app: GoogleApp) -> None:
    path = "/v4beta/users/me/dataTypes/skin-temperature-sensors/dataPoints"
    assert (app.get(path).status_code, app.get(path).json()) == (200, {})


@pytest.mark.parametrize(("user", "status"), [("me", 200), (ME, 200), ("7", 403), ("-", 403)])
def test_a_user_is_me_or_the_numeric_id(app: GoogleApp, user: str, status: int) -> None:
    assert app.get(f"/v4/users/{user}/dataTypes/steps/dataPoints").status_code == status


def test_the_account_can_be_read(app: GoogleApp) -> None:
    assert app.get(IDENTITY).json()["healthUserId"] == ME
    assert app.get("/v4/users/me/settings").json()["timeZone"] == "UTC"
    assert app.get("/v4/users/me/irnProfile").status_code == 200
    device = app.get("/v4/users/me/pairedDevices").json()["pairedDevices"][0]
    assert device["name"].startswith(f"users/{ME}/")
    assert app.get(f"/v4/{device['name']}").json() == device
    missing = app.get("/v4/users/me/pairedDevices/77")
    assert missing.json() == recorded("errors/404-data-point.json")


def test_devices_come_five_to_a_page() -> None:
    app = GoogleApp(HandMade(devices=7))
    path = "/v4/users/me/pairedDevices"
    first = app.get(path).json()
    last = app.get(path, pageToken=first["nextPageToken"]).json()
    assert (len(first["pairedDevices"]), len(last["pairedDevices"])) == (5, 2)
    assert "nextPageToken" not in last
    assert len(app.get(path, pageSize="100").json()["pairedDevices"]) == 7
    assert GoogleApp(HandMade(devices=0)).get(path).json() == {}


def test_an_exercise_can_be_had_as_a_file(app: GoogleApp) -> None:
    path = "/v4/users/me/dataTypes/exercise/dataPoints/9:exportExerciseTcx"
    assert app.get(path).json() == {"tcxData": "<no points/>"}
    file = app.get(path, alt="media", partialData="true")
    assert (file.text, "json" in file.headers["content-type"]) == ("<points/>", False)
    assert app.get(path, partialData="yes").status_code == 400
    assert app.get(path.replace("/9:", "/8:")).json() == recorded("errors/404-data-point.json")
    activity = frozenset({f"{SCOPE_PREFIX}activity_and_fitness.readonly"})
    assert GoogleApp(app.life, scopes=activity).get(path).status_code == 403


@pytest.mark.parametrize("name", sorted(DATA_TYPES))
def test_each_type_needs_its_own_scope(name: str) -> None:
    data_type = DATA_TYPES[name]
    path = f"/{'v4beta' if data_type.beta else 'v4'}/users/me/dataTypes/{name}/dataPoints"
    if Action.LIST not in data_type.actions:
        path += ":reconcile"
    if not {Action.LIST, Action.RECONCILE} & set(data_type.actions):
        path = path.replace("reconcile", "rollUp")
    verb = "POST" if path.endswith("rollUp") else "GET"
    only, others = frozenset({data_type.read_scope}), READ_SCOPES - {data_type.read_scope}
    allowed, refused = (
        app.client.request(verb, path, headers=app.authorized)
        for app in (GoogleApp(HandMade(), scopes=only), GoogleApp(HandMade(), scopes=others))
    )
    assert (allowed.status_code, refused.status_code) == (400 if verb == "POST" else 200, 403)
    assert reasons_of(refused) == ["ACCESS_TOKEN_SCOPE_INSUFFICIENT"]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("settings", "settings"),
        ("pairedDevices", "settings"),
        ("profile", "profile"),
        ("irnProfile", "irn"),
    ],
)
def test_the_account_needs_scopes_too(path: str, scope: str) -> None:
    own = f"{SCOPE_PREFIX}{scope}.readonly"
    for scopes, status in ((frozenset({own}), 200), (READ_SCOPES - {own}, 403)):
        app = GoogleApp(HandMade(), scopes=scopes)
        assert app.get(f"/v4/users/me/{path}").status_code == status
        assert app.get(IDENTITY).status_code == 200  # any scope will do


def test_strides_need_the_activity_scope_as_well(app: GoogleApp) -> None:
    profile = frozenset({f"{SCOPE_PREFIX}profile.readonly"})
    assert "autoWalkingStrideLengthMm" in app.get("/v4/users/me/profile").json()
    lean = GoogleApp(HandMade(), scopes=profile).get("/v4/users/me/profile").json()
    assert lean == recorded("account/profile-age-only.json")


def test_a_missing_scope_has_two_spellings(app: GoogleApp) -> None:
    lean = GoogleApp(app.life, scopes=frozenset({f"{SCOPE_PREFIX}sleep.readonly"}))
    assert lean.list("electrocardiogram").json() == recorded("errors/403-scope-insufficient.json")
    lean.simulator.change(scope_reason="MISSING_OAUTH_SCOPE")
    assert lean.list("electrocardiogram").json() == recorded("errors/403-missing-oauth-scope.json")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", STEPS),
        ("POST", f"{STEPS}:batchDelete"),
        ("PATCH", "/v4/users/me/dataTypes/weight/dataPoints/1"),
        ("PATCH", "/v4/users/me/profile"),
        ("PATCH", "/v4/users/me/settings"),
    ],
)
def test_writing_is_refused_for_want_of_a_scope(app: GoogleApp, verb: str, path: str) -> None:
    reply = app.client.request(verb, path, headers=app.authorized, json={})
    assert (reply.status_code, reasons_of(reply)) == (403, ["ACCESS_TOKEN_SCOPE_INSUFFICIENT"])


def test_a_token_is_needed_and_an_api_key_is_none(app: GoogleApp) -> None:
    for query in ({}, {"key": "AIza"}):
        reply = app.client.get(STEPS, params=query)
        assert reply.json() == recorded("errors/401-missing-credentials.json")
    basic = app.client.get(STEPS, auth=("a", "b"))
    assert basic.status_code == 401
    assert app.get(STEPS, key="AIza").status_code == 400
    made_up = app.client.get(STEPS, headers={"authorization": "Bearer ya29.x"})
    assert made_up.json() == recorded("errors/401-invalid-credentials.json")


def test_standard_parameters_are_known_and_others_are_not(app: GoogleApp) -> None:
    standard = {"fields": "dataPoints", "alt": "json", "quotaUser": "x", "$.xgafv": "2"}
    assert app.get(STEPS, **standard).status_code == 200
    for wrong in ({"page_size": "1"}, {"startTime": "x"}, {"alt": "xml"}):
        reply = app.get(STEPS, **wrong)
        assert reply.status_code == 400
        assert reply.json()["error"]["message"].startswith("Invalid JSON payload received.")


def test_answers_can_be_indented(app: GoogleApp) -> None:
    plain, pretty = app.get(IDENTITY), app.get(IDENTITY, prettyPrint="true")
    assert (b"\n  " in pretty.content, b"\n" in plain.content) == (True, False)
    app.simulator.change(indent=True)
    assert app.get(IDENTITY).content == pretty.content
    assert app.get(IDENTITY, prettyPrint="false").content == plain.content


@pytest.mark.parametrize(("verified", "limit"), [(False, 150), (True, 300)])
def test_a_user_has_so_many_requests_a_minute(*, verified: bool, limit: int) -> None:
    app = GoogleApp(HandMade(), verified=verified)
    assert {app.get(IDENTITY).status_code for _ in range(limit)} == {200}
    refused = app.get(IDENTITY)
    wanted = recorded("errors/429-quota-per-user-per-minute.json")
    wanted["error"]["details"][0]["metadata"]["quota_limit_value"] = str(limit)
    assert (refused.status_code, refused.json()) == (429, wanted)
    assert "retry-after" not in refused.headers
    assert app.refresh().status_code == 200  # the token endpoint is another house
    app.clock.advance(60)
    assert app.get(IDENTITY).status_code == 200


@pytest.mark.parametrize(("form", "wait_s"), [("seconds", 45), ("date", 45)])
def test_a_429_can_say_until_when(form: str, wait_s: int) -> None:
    app = GoogleApp(HandMade(), quota_per_minute=0, retry_after=form)
    app.clock.advance(15)
    said = app.get(IDENTITY).headers["retry-after"]
    if form == "seconds":
        assert int(said) == wait_s
    else:
        assert parsedate_to_datetime(said) == app.clock.now() + timedelta(seconds=wait_s)


@pytest.mark.parametrize(
    ("order", "status", "file"),
    [
        ({"reason": "INVALID_CREDENTIALS"}, 401, "401-invalid-credentials.json"),
        ({"reason": "RESOURCE_PERMISSION_DENIED"}, 403, "403-resource-permission-denied.json"),
        ({"reason": "ACCOUNT_NOT_LINKED"}, 400, "400-account-not-linked.json"),
        ({"reason": "PROFILE_NOT_READY"}, 412, "412-profile-not-ready.json"),
        ({"reason": "SERVICE_DISABLED"}, 403, "403-service-disabled.json"),
        ({"reason": "UNAVAILABLE"}, 503, "503-unavailable.json"),
        ({"reason": "DEADLINE_EXCEEDED"}, 504, "504-deadline-exceeded.json"),
        ({"kind": "json_error"}, 500, "500-internal.json"),
        ({"kind": "throttle"}, 429, "429-quota-per-user-per-minute.json"),
    ],
)
def test_a_refusal_can_be_ordered(
    app: GoogleApp, order: dict[str, Any], status: int, file: str
) -> None:
    app.simulator.faults.add(Fault(**{"kind": "refuse", **order}))
    reply = app.get(STEPS)
    assert (reply.status_code, reply.json()) == (status, recorded(f"errors/{file}"))
    assert app.get(STEPS).status_code == 200


def test_an_order_for_an_unknown_refusal_is_itself_refused(app: GoogleApp) -> None:
    with pytest.raises(ValueError, match="SERVICE_DISABLED"):
        app.simulator.faults.add(Fault(kind="refuse", reason="SERVICE_DISABELD"))


def test_a_removed_grant_refuses_all_data_until_the_next_consent(app: GoogleApp) -> None:
    app.simulator.faults.add(
        Fault(
            kind="refuse",
            reason="RESOURCE_PERMISSION_DENIED",
            path="/v4/",
            count=None,
            until_consent=True,
        )
    )
    assert [app.get(path).status_code for path in (STEPS, HEART, IDENTITY)] == [403] * 3
    assert app.refresh().status_code == 200
    app.grant = app.simulator.mint()
    assert app.get(STEPS).status_code == 200


def test_one_type_can_be_refused_alone(app: GoogleApp) -> None:
    order = {"kind": "refuse", "reason": "LEGACY_ACCOUNT", "path": "heart-rate/", "count": None}
    app.simulator.faults.add(Fault(**order))  # type: ignore[arg-type] # as JSON would bring it
    assert [app.get(path).status_code for path in (HEART, STEPS, HEART)] == [403, 200, 403]


def test_pages_and_ranges_above_a_size_run_out_of_time(app: GoogleApp) -> None:
    name = "steps.interval.start_time"
    day = f'{name} >= "2026-11-19T00:00:00Z" AND {name} < "2026-11-20T00:00:00Z"'
    app.simulator.change(slow_above_points=1000, slow_above_days=1)
    late = app.list("steps", day, pageSize="1001")
    assert (late.status_code, late.json()) == (504, recorded("errors/504-deadline-exceeded.json"))
    assert app.list("steps", day, pageSize="1000").status_code == 200
    assert app.list("steps", day.replace("19T", "18T"), pageSize="9").status_code == 504
    hours = app.roll_up("steps", "2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z", pageSize=48)
    assert hours.status_code == 504


def test_a_captive_portal_answers_with_200_and_its_own_page(app: GoogleApp) -> None:
    app.simulator.faults.add(Fault(kind="refuse", reason="CAPTIVE_PORTAL"))
    reply = app.get(STEPS)
    assert (reply.status_code, reply.headers["content-type"][:9]) == (200, "text/html")


def test_the_clock_of_the_provider_can_be_ahead() -> None:
    app = GoogleApp(HandMade(), skew_s=7200)
    said = parsedate_to_datetime(app.client.get("/token").headers["date"])
    assert said == app.clock.now() + timedelta(hours=2)


def test_the_log_and_the_state_count_requests_and_bytes(app: GoogleApp) -> None:
    replies = [app.get(STEPS, pageSize="1"), app.roll_up("steps", "a", "b"), app.get("/v4/x")]
    entries = app.simulator.log
    assert [(e.number, e.status, e.size_bytes) for e in entries] == [
        (place, reply.status_code, len(reply.content)) for place, reply in enumerate(replies, 1)
    ]
    assert (entries[0].asked, '"startTime":"a"' in entries[1].asked) == ("pageSize=1", True)
    state = app.simulator.state()
    assert (state["requests_seen"], state["quota_spent"]) == (3, 2)
    assert state["bytes_sent"] == sum(len(reply.content) for reply in replies)


def test_it_can_be_switched_off(app: GoogleApp) -> None:
    app.simulator.gone = True
    assert (app.get(STEPS).status_code, app.refresh().status_code) == (410, 410)


def test_it_works_over_a_port_and_takes_orders_there(app: GoogleApp) -> None:
    with serve(app.simulator) as server, httpx.Client(base_url=server.url) as client:
        reply = client.get(STEPS, headers=app.authorized)
        assert len(reply.json()["dataPoints"]) == 2
        body = {"slow_above_points": 5}
        assert client.post("/_simulator/settings", json=body).status_code == 200
        assert client.get(STEPS, headers=app.authorized).status_code == 504
        wrong = client.post("/_simulator/settings", json={"nothing": 5})
        assert wrong.status_code == 400
        order = [{"kind": "refuse", "reason": "INTERNAL"}]
        assert client.post("/_simulator/faults", json=order).json() == {"faults_left": 1}
        order[0]["reason"] = "NONE"
        assert client.post("/_simulator/faults", json=order).status_code == 400
        log = client.get("/_simulator/log").json()
        assert [entry["status"] for entry in log] == [200, 504]
        patched = client.patch("/v4/users/me/profile", headers=app.authorized)
        assert patched.status_code == 500  # the order that was left
