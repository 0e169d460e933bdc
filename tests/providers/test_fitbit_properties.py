"""For any JSON a parser yields rows or ContractError; nothing else ever leaves it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.errors import ContractError, FitbitdError, RefusedError
from fitbitd.model import Pull
from fitbitd.providers.fitbit.catalog import ENTRIES
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.fitbit_wire import pull, recorded, reply
from tests.support.hostile import EXTREMES, any_json, any_json_text, check, mutated, places, spliced

FITBIT = FitbitProvider("https://api.fitbit.com")
ZONE = "Europe/London"

RECORDED: dict[str, tuple[Pull, str]] = {
    "profile": (pull("profile", zone=ZONE), "profile"),
    "devices": (pull("devices", zone=ZONE), "devices_tracker_and_scale"),
    "heart_rate": (pull("heart_rate", "2018-10-28", zone=ZONE), "intraday_heart_1min"),
    "steps": (pull("steps", "2016-03-27", zone=ZONE), "intraday_steps_1min"),
    "daily_heart_rate": (
        pull("daily_heart_rate", "2017-08-15", "2017-08-21", zone=ZONE),
        "ts_activities_heart",
    ),
    "daily_steps": (
        pull("daily_steps", "2014-09-01", "2014-09-30", zone=ZONE),
        "ts_activities_steps_zero_day",
    ),
    "sleep": (pull("sleep", "2020-03-01", zone=ZONE), "sleep_by_date_stages"),
    "daily_distance": (
        pull("daily_distance", "2019-12-01", "2019-12-31", zone=ZONE),
        "ts_activities_distance",
    ),
    "daily_active_zone_minutes": (
        pull("daily_active_zone_minutes", "2022-05-01", "2022-05-02", zone=ZONE),
        "ts_active_zone_minutes",
    ),
    "daily_skin_temperature": (
        pull("daily_skin_temperature", "2021-10-01", "2021-10-31", zone=ZONE),
        "temp_skin_by_interval",
    ),
    "daily_respiratory_rate_by_stage": (
        pull("daily_respiratory_rate_by_stage", "2021-10-01", "2021-10-31", zone=ZONE),
        "br_intraday_by_interval",
    ),
    "daily_oxygen_saturation": (
        pull("daily_oxygen_saturation", "2021-10-01", "2021-10-31", zone=ZONE),
        "spo2_summary_by_interval",
    ),
    "heart_rate_variability": (
        pull("heart_rate_variability", "2021-10-20", "2021-10-31", zone=ZONE),
        "hrv_intraday_by_interval",
    ),
    "oxygen_saturation": (
        pull("oxygen_saturation", "2021-10-04", zone=ZONE),
        "spo2_intraday_by_date",
    ),
    "weight": (pull("weight", "2021-02-01", zone=ZONE), "weight_log_with_fat"),
    "exercise": (pull("exercise", "2017-01-01", "2017-01-31", zone=ZONE), "activity_log_list_page"),
}
"""One of each way in which replies are read."""

ROOTS = {name: ENTRIES[asked.data_type].container for name, (asked, _) in RECORDED.items()}

WORDS = (
    *("time", "value", "dateTime", "name", "min", "max", "minutes", "caloriesOut", "id"),
    *("restingHeartRate", "heartRateZones", "customHeartRateZones", "timezone", "type"),
    *("lastSyncTime", "TRACKER", "logId", "dateOfSleep", "startTime", "endTime", "levels"),
    *("data", "shortData", "summary", "level", "seconds", "isMainSleep", "pagination", "next"),
    *("2020-03-01", "9999-12-31", "0001-01-01", "2020-03-01T01:30:00", "23:59:59", "7"),
    *("minute", "rmssd", "breathingRate", "fullSleepSummary", "nightlyRelative", "logType"),
    *("date", "weight", "fat", "source", "duration", "activityName", "distance", "distanceUnit"),
    *("activityLevel", "activeZoneMinutes", "hasGps", "2017-01-01T00:00:00.000-08:00"),
)
JSON = any_json(*WORDS)


def ask(asked: Pull, body: bytes) -> None:
    answer = reply(body)
    with suppress(ContractError, RefusedError):
        assert FITBIT.survey(asked, answer).points >= 0
    with suppress(ContractError):
        check(FITBIT.read(asked, answer))
    for status in (200, 400):
        with suppress(FitbitdError):
            FITBIT.judge(reply(body, status))


@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=30, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_understood_or_refused(name: str, body: bytes) -> None:
    ask(RECORDED[name][0], body)


@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=60, deadline=None)
@given(inner=JSON, wrapped=st.integers(0, 3))
def test_any_json_is_understood_or_refused(name: str, inner: Any, wrapped: int) -> None:
    """Put any JSON at the root, and where each of the container's keys leads."""
    asked, _ = RECORDED[name]
    body = [inner] if wrapped == 3 else inner
    for key in reversed(ROOTS[name][: wrapped or None]):
        body = {key: body}
    ask(asked, json.dumps(body).encode())


def shortened(thing: Any) -> Any:
    """Keep the beginning of long lists, so that a mutation is quick to read."""
    if isinstance(thing, dict):
        return {key: shortened(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return [shortened(value) for value in thing[:5]]
    return thing


BODIES = {name: shortened(json.loads(recorded(file).body)) for name, (_, file) in RECORDED.items()}


@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), new=JSON, drop=st.booleans())
def test_a_recorded_body_with_one_part_changed_is_understood_or_refused(
    name: str,
    data: st.DataObject,
    new: Any,
    drop: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    path = data.draw(st.sampled_from(list(places(BODIES[name]))))
    ask(RECORDED[name][0], json.dumps(mutated(BODIES[name], path, new, drop=drop)).encode())


@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), raw=any_json_text(*WORDS))
def test_a_recorded_body_with_anything_written_into_it_is_understood_or_refused(
    name: str, data: st.DataObject, raw: bytes
) -> None:
    body = BODIES[name]
    ask(RECORDED[name][0], spliced(body, data.draw(st.sampled_from(list(places(body)))), raw))


@pytest.mark.parametrize("name", RECORDED)
def test_each_part_of_a_recorded_body_may_be_missing_or_extreme(name: str) -> None:
    for path in list(places(BODIES[name]))[1:]:
        ask(RECORDED[name][0], json.dumps(mutated(BODIES[name], path, None, drop=True)).encode())
        for new in EXTREMES:
            body = mutated(BODIES[name], path, new, drop=False)
            ask(RECORDED[name][0], json.dumps(body).encode())
