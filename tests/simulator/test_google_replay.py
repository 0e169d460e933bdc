"""Recorded bodies of Google are served for whatever they can answer."""

import json
from datetime import date
from pathlib import Path

import pytest

from fitbitd.errors import OperatorError
from fitbitd.simulator import load_google_replay
from tests.support.google_app import ME, RECORDED, GoogleApp, recorded


@pytest.fixture(scope="module")
def app() -> GoogleApp:
    offered = frozenset({("time-in-heart-rate-zone", "list")})
    return GoogleApp(
        replay=load_google_replay(RECORDED), quota_per_minute=10_000, also_offered=offered
    )


def content(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("identity", "account/identity.json"),
        ("profile", "account/profile.json"),
        ("settings", "account/settings.json"),
        ("irnProfile", "account/irn-profile.json"),
        ("pairedDevices/2000000001", "account/paired-device.json"),
        ("dataTypes/heart-rate/dataPoints", "list/heart-rate.json"),
        ("dataTypes/time-in-heart-rate-zone/dataPoints", "list/time-in-heart-rate-zone.json"),
        ("dataTypes/floors/dataPoints:reconcile", "reconcile/floors.json"),
        ("dataTypes/exercise/dataPoints/4100000000017326772", "get/exercise.json"),
        (
            "dataTypes/exercise/dataPoints/1:exportExerciseTcx?alt=media",
            "tcx/outdoor-gps.tcx",
        ),
        (
            "dataTypes/exercise/dataPoints/1:exportExerciseTcx",
            "tcx/outdoor-gps-json-wrapper.json",
        ),
    ],
)
def test_a_recording_is_served_to_the_byte(app: GoogleApp, path: str, file: str) -> None:
    reply = app.client.get(f"/v4/users/me/{path}", headers=app.authorized)
    assert (reply.status_code, reply.content) == (200, content(file))


def test_an_account_is_the_recorded_one(app: GoogleApp) -> None:
    assert app.get(f"/v4/users/{ME}/identity").status_code == 200


def test_a_range_is_answered_with_the_recorded_rows_that_lie_in_it(app: GoogleApp) -> None:
    name = "sleep.interval.end_time"
    rows = recorded("list/sleep-stages.json")["dataPoints"]
    end = rows[0]["sleep"]["interval"]["endTime"]
    whole = app.list("sleep", f'{name} >= "{end}"')
    assert whole.content == content("list/sleep-stages.json")
    assert app.list("sleep", f'{name} < "{end}"').json() == {}
    steps = "steps.interval.start_time"
    two = app.list(
        "steps", f'{steps} >= "2026-09-01T00:00:00Z" AND {steps} < "2026-10-01T00:00:00Z"'
    )
    assert two.content == content("list/steps-two-points.json")
    both = app.list("steps").json()["dataPoints"]
    assert len(both) > len(two.json()["dataPoints"])


def test_roll_ups_are_answered_by_their_windows(app: GoogleApp) -> None:
    week = app.daily_roll_up("total-calories", date(2026, 9, 19), date(2026, 9, 26))
    assert week.content == content("daily-rollup/total-calories-7d.json")
    days = app.daily_roll_up("total-calories", date(2026, 9, 20), date(2026, 9, 22))
    assert [row["civilStartTime"]["date"]["day"] for row in days.json()["rollupDataPoints"]] == [
        21,
        20,
    ]
    minutes = app.roll_up(
        "steps", "2026-11-03T09:30:00Z", "2026-11-03T09:33:00Z", windowSize="60s", pageSize=3
    )
    assert minutes.content == content("rollup/steps-60s.json")


def test_what_was_not_recorded_is_empty_and_what_is_wrong_is_refused(app: GoogleApp) -> None:
    assert app.list("basal-energy-burned").json() == {}
    assert app.reconcile("distance").json() == {}
    assert app.list("floors").status_code == 400
    assert app.list("steps", 'steps.date >= "x"').status_code == 400
    assert app.list("food", pageToken="food-page-2").status_code == 400


@pytest.mark.parametrize(
    ("index", "word"),
    [
        (None, "no index.json"),
        ("{", "cannot be used"),
        ([], "no entry"),
        ([{"file": "a", "method": "dataPoints.list", "http_status": 200}], "data_type|No such"),
        (
            [
                {
                    "file": "../a",
                    "method": "dataPoints.list",
                    "http_status": 200,
                    "data_type": "steps",
                }
            ],
            "not in this folder",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, index: object, word: str) -> None:
    if index is not None:
        text = index if isinstance(index, str) else json.dumps(index)
        (tmp_path / "index.json").write_text(text)
    with pytest.raises(OperatorError, match=word):
        load_google_replay(tmp_path)
