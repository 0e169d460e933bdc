"""Data requests are answered within scope, range and quota, or refused with recorded words."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from fitbitd.simulator import FitbitSettings
from fitbitd.simulator.settings import SCOPES
from tests.support.fitbit import SimulatedApp, error_of

HEART = "/1/user/-/activities/heart/date"
STEPS = "/1/user/-/activities/steps/date"
SLEEP = "/1.2/user/-/sleep"
ACTIVITY = "/1/user/-/activities"
LIST = f"{ACTIVITY}/list.json"
DEVICES = "/1/user/-/devices.json"

# From the recorded answers, message by message.
OVER_24_H = (400, "request", "Time range should not be bigger than 24 hours.")
TOO_MANY = (422, "validation", "The number of data points queried exceeds limit.")


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (f"{HEART}/2025-03-11/2026-03-10.json", 200, ""),
        (f"{HEART}/2025-03-10/2026-03-10.json", 422, "validation"),
        (f"{STEPS}/2023-03-12/2026-03-10.json", 200, ""),
        (f"{STEPS}/2023-03-11/2026-03-10.json", 422, "validation"),
        (f"{SLEEP}/date/2025-12-01/2026-03-10.json", 200, ""),
        (f"{SLEEP}/date/2025-11-30/2026-03-10.json", 400, "validation"),
        (f"{HEART}/today/1m.json", 200, ""),
        (f"{HEART}/today/3m.json", 400, "validation"),
        (f"{STEPS}/today/1y.json", 200, ""),
        (f"{STEPS}/2026-03-31/1m.json", 200, ""),
        (f"{STEPS}/today/2w.json", 400, "validation"),
        (f"{STEPS}/today/max.json", 500, "request"),
        (f"{STEPS}/2026-03-10/2026-03-09.json", 400, "validation"),
        (f"{SLEEP}/date/2026-03-10/2026-03-09.json", 400, "validation"),
        (f"{HEART}/2026-03-10/1d/1sec.json", 200, ""),
        (f"{HEART}/2026-03-10/2026-03-10/1min.json", 200, ""),
        (f"{HEART}/2026-03-09/2026-03-10/1sec.json", 400, "request"),
        (f"{HEART}/2026-03-09/2026-03-10/1sec/time/10:00/10:00.json", 200, ""),
        (f"{HEART}/2026-03-09/2026-03-10/1sec/time/10:00/10:01.json", 400, "request"),
        (f"{HEART}/2026-03-10/1d/1sec/time/10:00/09:59.json", 400, "validation"),
        (f"{HEART}/2026-03-10/1d/1sec/time/10:00/24:00.json", 400, "validation"),
        (f"{HEART}/2026-03-10/1d/1sec/time/9:00/10:00.json", 400, "validation"),
        (f"{HEART}/2026-03-10/1d/2sec.json", 400, "validation"),
        (f"{STEPS}/2026-03-10/1d/1sec.json", 400, "validation"),
        (f"{STEPS}/2026-3-10/1d/1min.json", 400, "validation"),
        (f"{STEPS}/2026-02-29/1d/1min.json", 400, "validation"),
        (f"{STEPS}/2026-03-10/2d/1min.json", 400, "validation"),
        (f"{STEPS}/0001-01-01/1y.json", 400, "validation"),
        (f"{SLEEP}/date/yesterday.json", 400, "validation"),
        (f"{SLEEP}/list.json?afterDate=2026-03-01&sort=asc&limit=100&offset=0", 200, ""),
        (f"{SLEEP}/list.json?afterDate=2026-03-01&sort=asc&limit=101&offset=0", 400, "validation"),
        (f"{SLEEP}/list.json?afterDate=2026-03-01&sort=desc&limit=9&offset=0", 400, "validation"),
        (f"{SLEEP}/list.json?afterDate=2026-03-01&sort=asc&limit=9", 400, "validation"),
        (f"{SLEEP}/list.json?afterDate=soon&sort=asc&limit=9&offset=0", 400, "validation"),
        (f"{SLEEP}/list.json?sort=asc&limit=9&offset=0", 400, "validation"),
        (f"{ACTIVITY}/floors/date/2023-03-12/2026-03-10.json", 200, ""),
        (f"{ACTIVITY}/floors/date/2023-03-11/2026-03-10.json", 422, "validation"),
        (f"{ACTIVITY}/floors/date/today/1y.json", 200, ""),
        (f"{ACTIVITY}/activityCalories/date/2026-02-09/2026-03-10.json", 200, ""),
        (
            f"{ACTIVITY}/activityCalories/date/2026-02-08/2026-03-10.json",
            422,
            "validation",
        ),
        ("/1/user/-/activities/active-zone-minutes/date/2026-03-01/2026-03-10.json", 200, ""),
        (f"{ACTIVITY}/floors/date/2026-03-10/1d/1min.json", 404, "not_found"),
        *(
            (f"/1/user/-/{night}/date/{dates}", status, kind)
            for night in ("hrv", "br", "temp/skin", "body/log/weight")
            for dates, status, kind in (
                ("2026-02-09/2026-03-10.json", 200, ""),
                ("2026-02-07/2026-03-10.json", 400, "validation"),
                ("2026-03-10/2026-03-09.json", 400, "validation"),
                ("today.json", 200, ""),
            )
        ),
        ("/1/user/-/body/log/weight/date/2026-02-08/2026-03-10.json", 200, ""),
        ("/1/user/-/hrv/date/2026-02-09/2026-03-10/all.json", 200, ""),
        ("/1/user/-/spo2/date/2026-02-08/2026-03-10/all.json", 400, "validation"),
        ("/1/user/-/spo2/date/2025-03-10/2026-03-10.json", 200, ""),
        ("/1/user/-/spo2/date/today/all.json", 200, ""),
        ("/1/user/-/temp/skin/date/today/all.json", 404, "not_found"),
        (f"{LIST}?afterDate=2026-03-01&sort=asc&limit=100&offset=0", 200, ""),
        (f"{LIST}?afterDate=2026-03-01&sort=asc&limit=101&offset=0", 400, "validation"),
        (f"{HEART}/today/1d.json?timezone=UTC", 400, "validation"),
        ("/1/user/SIM001/devices.json", 200, ""),
        ("/1/user/OTHER1/devices.json", 403, "insufficient_permissions"),
        ("/1/user/-/sleep/date/2026-03-10.json", 404, "not_found"),
        ("/1.2/user/-/devices.json", 404, "not_found"),
        ("/1/user/-/devices", 404, "not_found"),
        ("/1/user/-/nothing.json", 404, "not_found"),
        ("/", 404, "not_found"),
    ],
)
def test_a_path_is_answered_or_refused_as_documented(path: str, status: int, kind: str) -> None:
    reply = SimulatedApp().get(path)
    assert reply.status_code == status
    assert (error_of(reply)[1] if status != 200 else "") == kind


@pytest.mark.parametrize(
    ("path", "wanted", "keys"),
    [
        (f"{HEART}/2026-03-08/2026-03-10/1sec.json", OVER_24_H, {"errors", "success"}),
        (f"{STEPS}/2020-01-01/2026-03-10.json", TOO_MANY, {"errors"}),
    ],
)
def test_a_range_that_is_too_long_gets_the_recorded_words(
    path: str, wanted: tuple[int, str, str], keys: set[str]
) -> None:
    reply = SimulatedApp().get(path)
    (error,) = reply.json()["errors"]
    assert (reply.status_code, error["errorType"], error["message"]) == wanted
    assert reply.json().keys() == keys


@pytest.mark.parametrize(
    ("path", "scope", "subject"),
    [
        ("/1/user/-/profile.json", "profile", "profile"),
        (DEVICES, "settings", "settings"),
        (f"{HEART}/today/1d.json", "heartrate", "heart rate"),
        (f"{HEART}/today/1d/1sec.json", "heartrate", "heart rate"),
        (f"{STEPS}/today/1d.json", "activity", "activity"),
        (f"{STEPS}/today/1d/1min.json", "activity", "activity"),
        (f"{SLEEP}/date/today.json", "sleep", "sleep"),
        (f"{SLEEP}/date/today/today.json", "sleep", "sleep"),
        (f"{ACTIVITY}/floors/date/today/1d.json", "activity", "activity"),
        (f"{LIST}?afterDate=2026-03-01&sort=asc&limit=9&offset=0", "activity", "activity"),
        ("/1/user/-/hrv/date/today.json", "heartrate", "heart rate"),
        ("/1/user/-/spo2/date/today/all.json", "oxygen_saturation", "oxygen saturation"),
        ("/1/user/-/br/date/today.json", "respiratory_rate", "respiratory rate"),
        ("/1/user/-/temp/skin/date/today.json", "temperature", "temperature"),
        ("/1/user/-/body/log/weight/date/today.json", "weight", "weight"),
    ],
)
def test_each_endpoint_needs_its_own_scope(path: str, scope: str, subject: str) -> None:
    app = SimulatedApp()
    every = set(SCOPES)
    with_it = app.simulator.mint(frozenset({scope}))["access_token"]
    without = app.simulator.mint(frozenset(every - {scope}))["access_token"]
    assert app.get(path, with_it).status_code == 200
    refused = app.get(path, without)
    assert error_of(refused) == (403, "insufficient_scope")
    message = refused.json()["errors"][0]["message"]
    assert message.startswith(
        f"This application does not have permission to access {subject} data. Visit"
    )


def test_without_a_bearer_token_nothing_is_answered() -> None:
    app = SimulatedApp()
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Basic abc"}):
        assert error_of(app.http.get(DEVICES, headers=headers)) == (401, "invalid_request")
    unknown = app.get(DEVICES, "abc")
    assert error_of(unknown) == (401, "invalid_token")
    assert "abc" in unknown.json()["errors"][0]["message"]


def test_nothing_can_be_written() -> None:
    app = SimulatedApp()
    reply = app.http.delete(
        "/1.2/user/-/sleep/1.json", headers={"authorization": f"Bearer {app.access}"}
    )
    assert error_of(reply) == (403, "insufficient_permissions")
    assert "Read-only" in reply.text


@pytest.mark.parametrize("path", [f"{HEART}/today/1d/1sec.json", f"{STEPS}/today/1d/1min.json"])
def test_another_app_type_gets_no_intraday_data(path: str) -> None:
    bare = SimulatedApp(FitbitSettings(personal=False)).get(path)
    assert bare.status_code == 200
    assert [key for key in bare.json() if key.endswith("-intraday")] == []
    forbidding = FitbitSettings(personal=False, intraday_refusal="forbidden")
    refused = SimulatedApp(forbidding).get(path)
    assert error_of(refused) == (403, "insufficient_permissions")
    assert SimulatedApp(forbidding).get(f"{HEART}/today/1d.json").status_code == 200


# The quota.


def remaining(reply: Any) -> int:
    return int(reply.headers["fitbit-rate-limit-remaining"])


def test_the_151st_request_of_an_hour_is_refused_and_the_full_hour_resets_it() -> None:
    app = SimulatedApp()
    statuses = [app.get(DEVICES).status_code for _ in range(151)]
    assert statuses == [200] * 150 + [429]
    refused = app.get(DEVICES)
    assert refused.json() == {
        "errors": [{"errorType": "system", "fieldName": "n/a", "message": "Too Many Requests"}],
        "success": False,
    }
    assert refused.headers["fitbit-rate-limit-limit"] == "150"
    assert refused.headers["fitbit-rate-limit-reset"] == refused.headers["retry-after"] == "1200"
    app.clock.advance(1199)
    assert app.get(DEVICES).status_code == 429
    app.clock.advance(1)
    assert app.get(DEVICES).status_code == 200


def test_headers_lag_so_a_refusal_can_come_while_they_promise_more() -> None:
    app = SimulatedApp(FitbitSettings(quota=5, quota_lag=3))
    assert [remaining(app.get(DEVICES)) for _ in range(5)] == [5, 5, 5, 4, 3]
    refused = app.get(DEVICES)
    assert refused.status_code == 429
    assert remaining(refused) > 0


@pytest.mark.parametrize(("said", "value"), [("wrong", "3600"), ("none", None)])
def test_retry_after_may_be_wrong_or_absent(said: Any, value: str | None) -> None:
    app = SimulatedApp(FitbitSettings(quota=0, retry_after=said))
    refused = app.get(DEVICES)
    assert refused.headers.get("retry-after") == value
    assert refused.headers["fitbit-rate-limit-reset"] == "1200"


def test_refused_requests_of_a_known_user_count_and_others_have_their_own_quota() -> None:
    app = SimulatedApp(FitbitSettings(quota=2))
    app.get("/1/user/-/nothing.json")
    assert [app.get(DEVICES, "unknown").status_code for _ in range(3)] == [401, 401, 429]
    assert [app.get(DEVICES).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(("counts", "status"), [(True, 429), (False, 200)])
def test_whether_the_token_endpoint_counts_is_a_setting(*, counts: bool, status: int) -> None:
    app = SimulatedApp(FitbitSettings(quota=1, token_counts=counts))
    refresh = app.simulator.mint()["refresh_token"]
    app.get(DEVICES)
    assert app.refresh(refresh).status_code == status


def test_the_providers_clock_may_be_ahead() -> None:
    app = SimulatedApp(FitbitSettings(skew_s=90))
    reply = app.get(DEVICES)
    said = parsedate_to_datetime(reply.headers["date"])
    assert said - app.clock.now() == timedelta(seconds=90)
    assert reply.headers["fitbit-rate-limit-reset"] == "1110"


def test_switched_off_everything_is_410_with_an_empty_body() -> None:
    app = SimulatedApp()
    refresh = app.simulator.mint()["refresh_token"]
    app.simulator.gone = True
    for reply in (app.get(DEVICES), app.refresh(refresh), app.authorize()):
        assert (reply.status_code, reply.content) == (410, b"")
    app.simulator.gone = False
    assert app.refresh(refresh).status_code == 200  # nothing was used up meanwhile


def test_the_state_sums_up_and_can_be_written_as_json() -> None:
    app = SimulatedApp()
    app.refresh(app.simulator.mint()["refresh_token"])
    app.get(DEVICES)
    state = json.loads(json.dumps(app.simulator.state()))
    assert (state["requests_seen"], state["quota_spent"], state["rotations"]) == (2, 1, 1)
    assert state["refreshes_by_life"] == {"2": 1}
