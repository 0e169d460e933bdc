"""Points become readings, sessions and daily values, each where and when it was measured."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from fitbitd.errors import ContractError
from fitbitd.model import Page, Pull, Snapshot
from fitbitd.providers.google_health.sources import source_of
from tests.support.google_wire import (
    GOOGLE,
    RECEIVED_AT,
    points,
    pull,
    recorded,
    reply,
    rolled,
    tail,
    told,
)

WATCH = {
    "recordingMethod": "PASSIVELY_MEASURED",
    "device": {"displayName": "Pixel Watch 4"},
    "platform": "FITBIT",
}
NOON = 1793707200000  # 2026-11-03T12:00:00Z
DAY = "2026-11-03"


def beat(at: str = "12:00:00Z", value: Any = "60", **more: Any) -> dict[str, Any]:
    time = {"physicalTime": f"{DAY}T{at}", "utcOffset": "7200s"}
    return {"dataSource": WATCH, "heartRate": {"sampleTime": time, "beatsPerMinute": value}} | more


def minute(start: str = "12:00", end: str = "12:01", **block: Any) -> dict[str, Any]:
    interval = {"startTime": f"{DAY}T{start}:00Z", "endTime": f"{DAY}T{end}:00Z"}
    return {"steps": {"interval": {**interval, "startUtcOffset": "0s"}, **block}}


def night(**block: Any) -> dict[str, Any]:
    interval = {"startTime": "2026-11-02T22:30:00Z", "endTime": f"{DAY}T06:30:00Z"}
    return {"name": "users/1/dataTypes/sleep/dataPoints/7", "sleep": {"interval": interval} | block}


def read(name: str, *rows: Any, asked: Pull | None = None) -> Page:
    asked = asked or pull(name, DAY)
    answer = points(*rows)
    assert GOOGLE.survey(asked, answer).points == len(rows)
    return GOOGLE.read(asked, answer)


def values(page: Page) -> list[Any]:
    return [point[1] for readings in page.readings for point in readings.points]


def unread(page: Page) -> tuple[int, str]:
    assert page.points == 0
    return page.unread, page.unread_why


# Numbers and times ----


@pytest.mark.parametrize(
    ("said", "value"),
    [("72", 72), (72, 72), (72.5, 72.5), ("72.5", 72.5), ("7.2e1", 72.0), ("-3", -3), ("0", 0)],
)
def test_a_number_may_be_text(said: Any, value: float) -> None:
    assert values(read("heart_rate", beat(value=said))) == [value]


@pytest.mark.parametrize("said", ["NaN", "Infinity", "-Infinity", float("nan")])
def test_what_is_no_number_is_no_value(said: Any) -> None:
    page = read("heart_rate", beat(value=said))
    assert (page.points, page.unread, page.outside) == (0, 0, 0)


@pytest.mark.parametrize(
    "said", ["", "x", " 7", "7_0", "\u0667", "9" * 16, 10**15, True, None, [], {}, [1], "1e99"]
)
def test_what_is_not_understood_costs_its_own_point_alone(said: Any) -> None:
    page = read("heart_rate", beat("12:00:01Z", said), beat("12:00:02Z", "61"))
    assert values(page) == [61]
    assert page.unread == 1
    assert page.unread_why.endswith(" is not as documented")


@pytest.mark.parametrize(
    ("at", "ms"),
    [
        ("12:00:00Z", 0),
        ("12:00:59Z", 59_000),
        ("12:59:59Z", 3_599_000),
        ("12:59:59.9Z", 3_599_900),
        ("12:00:01.5Z", 1_500),
        ("12:00:22.749348Z", 22_749),
        ("12:00:22.749999999Z", 22_749),
    ],
)
def test_an_instant_has_up_to_nine_digits_of_a_second(at: str, ms: int) -> None:
    (readings,) = read("heart_rate", beat(at)).readings
    assert readings.points == [(NOON + ms, 60, None)]
    assert (readings.utc_offset_s, readings.preference) == (7200, 0)


@pytest.mark.parametrize(
    "at",
    [
        "12:00:60Z",
        "12:60:00Z",
        "12:60:00.5Z",
        "12:00:00",
        "12:00:00+00:00",
        "12:00:00.Z",
        "25:00:00Z",
        "1:00:00Z",
        "",
        "12:00Z",
    ],
)
def test_a_time_that_is_none_is_not_guessed(at: str) -> None:
    assert unread(read("heart_rate", beat(at))) == (1, "time is not as documented")


@pytest.mark.parametrize("year", ["1969", "2100", "0001"])
def test_a_year_without_watches_is_not_believed(year: str) -> None:
    point = beat()
    point["heartRate"]["sampleTime"]["physicalTime"] = f"{year}-11-03T12:00:00Z"
    assert unread(read("heart_rate", point))[0] == 1


@pytest.mark.parametrize("offset", ["7200", "99999s", "0.5s", 7200, "", [], None])
def test_an_offset_that_is_none_is_not_guessed(offset: Any) -> None:
    point = beat()
    point["heartRate"]["sampleTime"]["utcOffset"] = offset
    assert unread(read("heart_rate", point))[0] == 1


def test_one_reading_under_two_offsets_is_kept_under_both() -> None:
    other = beat()
    other["heartRate"]["sampleTime"]["utcOffset"] = "-3600s"
    without = beat()
    del without["heartRate"]["sampleTime"]["utcOffset"]
    page = read("heart_rate", beat(), other, without)
    assert [readings.utc_offset_s for readings in page.readings] == [7200, -3600, 0]


def test_offsets_written_differently_are_one() -> None:
    other = beat("12:00:01Z")
    other["heartRate"]["sampleTime"]["utcOffset"] = "7200.0s"
    (readings,) = read("heart_rate", beat(), other).readings
    assert len(readings.points) == 2


@pytest.mark.parametrize(
    "point",
    [None, 7, "heartRate", [], {}, {"heartRate": None}, {"heartRate": []}, {"steps": {}}],
)
def test_a_point_of_another_kind_is_counted(point: Any) -> None:
    for name in ("heart_rate", "heart_rate_variability", "sleep", "daily_vo2_max"):
        count, why = unread(read(name, point))
        assert (count, "not as documented" in why) == (1, True)


def test_an_absent_pulse_is_no_pulse_of_zero() -> None:
    point = beat()
    del point["heartRate"]["beatsPerMinute"]
    assert unread(read("heart_rate", point)) == (1, "value is not as documented")


# Windows ----


def test_points_beyond_the_window_are_counted_and_not_read() -> None:
    asked = tail("heart_rate", f"{DAY}T12:00:01+00:00", f"{DAY}T12:00:03+00:00")
    beats = [beat(f"12:00:0{n}Z") for n in range(5)]
    page = read("heart_rate", *beats, asked=asked)
    assert [at - NOON for at, _, _ in page.readings[0].points] == [1000, 2000]
    assert page.outside == 3
    hrv = [
        {"heartRateVariability": {"sampleTime": each["heartRate"]["sampleTime"]}} for each in beats
    ]
    asked = tail("heart_rate_variability", f"{DAY}T13:00+00:00", f"{DAY}T14:00+00:00")
    assert read("heart_rate_variability", *hrv, asked=asked).outside == 5


def test_a_night_is_selected_by_its_end() -> None:
    assert len(read("sleep", night()).sessions) == 1
    assert read("sleep", night(), asked=pull("sleep", "2026-11-02")).outside == 1


def test_an_exercise_is_selected_by_its_own_wall_clock() -> None:
    interval = {
        "startTime": "2026-11-02T23:30:00Z",
        "startUtcOffset": "3600s",
        "endTime": f"{DAY}T00:30:00Z",
    }
    run = {"name": "a/b", "exercise": {"interval": interval}}
    (session,) = read("exercise", run).sessions
    assert (str(session.day), session.utc_offset_s) == (DAY, 3600)
    assert read("exercise", run, asked=pull("exercise", "2026-11-02")).outside == 1


def test_days_beyond_the_window_are_counted() -> None:
    window = {"civilStartTime": {"date": {"year": 2026, "month": 11, "day": 4}}, "steps": {}}
    page = GOOGLE.read(pull("daily_steps", DAY), rolled(window))
    assert (page.dailies, page.outside) == ((), 1)


# Zeros ----


def test_an_absent_count_is_a_true_zero_up_to_the_last_sync() -> None:
    synced_at = datetime(2026, 11, 3, 12, 1, tzinfo=UTC)
    asked = pull("steps", DAY, synced_at=synced_at)
    page = read("steps", minute(), minute("12:01", "12:02"), asked=asked)
    assert page.readings[0].points == [(NOON, 0, 60_000)]
    assert (page.outside, page.unread) == (0, 0)
    late = minute("12:01", "12:02", count="3")
    assert values(read("steps", late, asked=asked)) == [3]


def test_without_a_sync_a_zero_counts_up_to_the_answer() -> None:
    asked = pull("steps", "2026-11-04")
    point = minute()
    for member in ("startTime", "endTime"):
        point["steps"]["interval"][member] = "2026-11-04T10:39:00Z"
    assert values(read("steps", point, asked=asked)) == [0]
    point["steps"]["interval"] |= {"startTime": "2026-11-04T10:41:00Z"}
    point["steps"]["interval"] |= {"endTime": "2026-11-04T10:42:00Z"}
    assert values(read("steps", point, asked=asked)) == []


def test_zeros_of_words_and_hours_after_the_sync_are_no_readings() -> None:
    asked = pull("active_zone_minutes", DAY, synced_at=datetime(2026, 11, 3, 12, tzinfo=UTC))
    interval = {"startTime": f"{DAY}T12:00:00Z", "endTime": f"{DAY}T12:01:00Z"}
    zone = {"activeZoneMinutes": {"interval": interval, "heartRateZone": "CARDIO"}}
    page = read("active_zone_minutes", zone, asked=asked)
    assert (page.points, page.unread) == (0, 0)
    assert values(read("active_zone_minutes", zone)) == [0]
    hour = {**interval, "totalCalories": {}}
    answer = rolled(hour, {**hour, "startTime": f"{DAY}T11:00:00Z"})
    asked = pull("total_calories", DAY, synced_at=datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert values(GOOGLE.read(asked, answer)) == [0]


def test_a_zero_of_a_day_after_the_last_sync_was_never_measured() -> None:
    windows = [
        {
            "civilStartTime": {"date": {"year": 2026, "month": 11, "day": day}},
            "steps": {"countSum": count},
        }
        for day, count in ((1, "0"), (2, "0"), (3, "0"), (4, "5"))
    ]
    asked = pull("daily_steps", "2026-11-01", "2026-11-04", synced_at=RECEIVED_AT.replace(day=2))
    page = GOOGLE.read(asked, rolled(*windows))
    assert [(daily.day.day, daily.value) for daily in page.dailies] == [(1, 0), (2, 0), (4, 5)]


def test_an_interval_that_ends_before_it_begins_is_not_understood() -> None:
    assert unread(read("steps", minute(end="11:59"))) == (1, "endTime is not as documented")
    back = {"interval": minute(end="11:59")["steps"]["interval"], "activityLevelType": "SEDENTARY"}
    assert unread(read("activity_level", {"activityLevel": back}))[0] == 1
    assert unread(read("sleep", night(interval=back["interval"])))[0] == 1
    hour = {"startTime": f"{DAY}T12:00:00Z", "endTime": f"{DAY}T12:00:00Z"}
    assert unread(GOOGLE.read(pull("total_calories", DAY), rolled(hour)))[0] == 1


# Words ----


def test_an_unknown_word_is_kept_and_no_word_is_not_understood() -> None:
    interval = minute(end="12:00")["steps"]["interval"] | {"endTime": f"{DAY}T12:00:00.500Z"}
    point = {"activityLevel": {"interval": interval, "activityLevelType": "HYPER-Active!"}}
    (readings,) = read("activity_level", point).readings
    assert (readings.field, readings.points) == ("hyper_active", [(NOON, 0.5, 500)])
    del point["activityLevel"]["activityLevelType"]
    assert unread(read("activity_level", point)) == (
        1,
        "activityLevelType is not as documented",
    )


def test_a_point_without_any_of_its_members_is_not_understood() -> None:
    renamed = {"heartRateVariability": beat()["heartRate"]}
    assert unread(read("heart_rate_variability", renamed))[0] == 1
    nothing = {"dailyRespiratoryRate": {"date": {"year": 2026, "month": 11, "day": 3}}}
    assert unread(read("daily_respiratory_rate", nothing))[0] == 1


def test_parts_that_are_absent_are_no_values() -> None:
    sample = beat()["heartRate"]["sampleTime"]
    block = {"sampleTime": sample, "standardDeviationMilliseconds": 40, "metadata": None}
    page = read("heart_rate_variability", {"heartRateVariability": block})
    assert [(r.field, r.points[0][1]) for r in page.readings] == [("sdnn", 40)]


# Sources ----


def test_sources_are_told_apart_and_ranked() -> None:
    said: list[Any] = [
        WATCH,
        WATCH | {"recordingMethod": "DERIVED"},
        {"platform": "FITBIT", "recordingMethod": "UNKNOWN", "device": {"formFactor": "SCALE"}},
        {"platform": "HEALTH_CONNECT", "device": {}, "application": {"packageName": "com.x"}},
        {"platform": "FITBIT", "recordingMethod": "MANUAL"},
        {"platform": "HEALTH_KIT", "recordingMethod": "MANUAL", "device": {"displayName": ""}},
    ]
    ranked = sorted((source_of(each) for each in reversed(said)), key=lambda s: s.preference)
    assert [source.text for source in ranked] == [
        "fitbit / Pixel Watch 4 / passively_measured",
        "fitbit / Pixel Watch 4 / derived",
        "fitbit / scale / unknown",
        "health_connect / com.x",
        "fitbit / manual",
        "health_kit / manual",
    ]
    assert source_of(None).text == ""


def test_two_sources_at_one_instant_are_two_series() -> None:
    other = beat(dataSource=WATCH | {"device": {"displayName": "Charge 5"}})
    page = read("heart_rate", beat(), other, beat("12:00:01Z"), beat("12:00:02Z", dataSource=None))
    assert [(r.source, len(r.points)) for r in page.readings] == [
        ("fitbit / Pixel Watch 4 / passively_measured", 2),
        ("fitbit / Charge 5 / passively_measured", 1),
        ("", 1),
    ]


@pytest.mark.parametrize("source", [7, [], {"device": []}, {"platform": 3}])
def test_a_source_that_is_not_understood_costs_its_own_point(source: Any) -> None:
    page = read("heart_rate", beat(dataSource=source), beat("12:00:01Z"), beat(dataSource=source))
    assert (len(values(page)), page.unread) == (1, 2)


def test_how_it_was_measured_belongs_to_the_source() -> None:
    sample = beat()["heartRate"]["sampleTime"]
    block = {"sampleTime": sample, "vo2Max": 40, "measurementMethod": "FITBIT_RUN"}
    (readings,) = read("vo2_max", {"vo2Max": block}).readings
    assert readings.source == "fitbit_run"


# Days ----


def daily(day: int) -> dict[str, Any]:
    return {"dailyRestingHeartRate": {"date": {"year": 2026, "month": 11, "day": day}}}


def test_two_values_for_one_day_are_not_both_believed() -> None:
    first, again = daily(3), daily(3)
    first["dailyRestingHeartRate"] |= {"beatsPerMinute": "53"}
    again["dailyRestingHeartRate"] |= {"beatsPerMinute": "54"}
    page = read("daily_resting_heart_rate", first, again, first)
    assert ([each.value for each in page.dailies], page.unread) == ([53], 1)


@pytest.mark.parametrize(
    "date",
    [
        None,
        [],
        {},
        {"year": 2026},
        {"year": 2026, "month": 2, "day": 30},
        {"year": 1900, "month": 2, "day": 3},
        {"year": 10**12, "month": 2, "day": 3},
        {"year": 2026, "month": 2.5, "day": 3},
        {"year": 2026, "month": "NaN", "day": 3},
        {"year": 2026, "month": 10**12, "day": 3},
    ],
)
def test_a_date_that_is_none_is_not_guessed(date: Any) -> None:
    point = daily(3)
    point["dailyRestingHeartRate"] |= {"date": date, "beatsPerMinute": "53"}
    page = read("daily_resting_heart_rate", point)
    assert (page.points, page.unread, page.outside) == (0, 1, 0)


def test_a_duration_or_a_flag_of_another_kind_is_not_understood() -> None:
    day = {"civilStartTime": {"date": {"year": 2026, "month": 11, "day": 3}}}
    for said in ("1h", 3600, None):
        window = day | {"sedentaryPeriod": {"durationSum": said}}
        page = GOOGLE.read(pull("daily_sedentary_period", DAY), rolled(window))
        assert (page.dailies, page.unread) == ((), 0 if said is None else 1)
    window = day | {"sedentaryPeriod": {"durationSum": "90.25s"}}
    (value,) = GOOGLE.read(pull("daily_sedentary_period", DAY), rolled(window)).dailies
    assert value.value == 90.25
    assert unread(read("sleep", night(metadata={"nap": "yes"}))) == (
        1,
        "nap is not as documented",
    )


# Sessions ----


def test_a_session_without_a_name_has_a_key_that_stays() -> None:
    unnamed = night() | {"dataSource": WATCH}
    del unnamed["name"]
    (first,) = read("sleep", unnamed).sessions
    (again,) = read("sleep", unnamed).sessions
    assert first.key == again.key != ""
    (merged,) = read("sleep", unnamed | {"dataPointName": "a/b/9"}).sessions
    assert merged.key == "9"


@pytest.mark.parametrize("name", ["", "a/", 7])
def test_a_session_with_an_unreadable_name_is_not_understood(name: Any) -> None:
    assert unread(read("sleep", night() | {"name": name}))[0] == 1


def test_of_very_long_words_the_beginning_is_taken() -> None:
    (session,) = read("sleep", night(type="x" * 5000)).sessions
    assert len(dict(session.labels)["type"]) == 4000


def test_the_day_of_a_night_is_that_of_its_end_by_its_own_offset() -> None:
    interval = night()["sleep"]["interval"] | {
        "startUtcOffset": "-3600s",
        "endUtcOffset": "-28800s",
    }
    (session,) = read("sleep", night(interval=interval), asked=pull("sleep", DAY)).sessions
    assert (str(session.day), session.utc_offset_s) == ("2026-11-02", -3600)


def test_stretches_of_a_night_are_parts() -> None:
    bit = {"startTime": f"{DAY}T01:00:00Z", "endTime": f"{DAY}T01:10:00Z"}
    parts = {
        "stages": [bit | {"type": "REM"}, bit],
        "shortAwakenings": [bit | {"type": "AWAKE"}],
        "outOfBedSegments": [bit],
    }
    (session,) = read("sleep", night(**parts)).sessions
    assert [(part.kind, part.label) for part in session.parts] == [
        ("stage", "rem"),
        ("stage", "stage"),
        ("short_awakening", "awake"),
        ("out_of_bed", "out_of_bed"),
    ]
    backwards = [{"startTime": bit["endTime"], "endTime": bit["startTime"]}]
    assert unread(read("sleep", night(stages=backwards)))[0] == 1
    assert unread(read("sleep", night(stages={})))[0] == 1


def test_splits_of_a_workout_are_parts_and_notes_are_kept() -> None:
    bit = {"startTime": f"{DAY}T10:00:00Z", "endTime": f"{DAY}T10:10:00Z"}
    block = {
        "interval": bit,
        "splits": [bit | {"splitType": "DISTANCE"}],
        "splitSummaries": [bit],
        "notes": "up\nand \ud800down",
        "displayName": "",
    }
    (session,) = read("exercise", {"name": "a/1", "exercise": block}).sessions
    assert [(part.kind, part.label) for part in session.parts] == [
        ("split", "distance"),
        ("split_summary", "split_summary"),
    ]
    assert session.labels == (("notes", "up and  down"),)


def heart_recording(**block: Any) -> Page:
    interval = {"startTime": f"{DAY}T12:00:00Z", "endTime": f"{DAY}T12:00:00Z"}
    recording = {"name": "a/1", "electrocardiogram": {"interval": interval} | block}
    return read("electrocardiogram", recording)


def test_a_recording_of_the_heart_is_a_voltage_over_time() -> None:
    wave = {"samplingFrequencyHertz": 250, "millivoltsScalingFactor": 100}
    (readings,) = heart_recording(waveformSamples=[50, -100, 0], **wave).readings
    assert readings.points == [(NOON, 0.5, None), (NOON + 4, -1, None), (NOON + 8, 0, None)]
    assert heart_recording(waveformSamples=[]).readings == ()


@pytest.mark.parametrize(
    "wave", [{}, {"samplingFrequencyHertz": 250}, {"samplingFrequencyHertz": 5000}]
)
def test_a_recording_without_its_scale_is_not_understood(wave: dict[str, Any]) -> None:
    assert unread(heart_recording(waveformSamples=[1], **wave))[0] == 1


def test_a_beat_without_a_number_is_left_out() -> None:
    interval = {"startTime": f"{DAY}T12:00:00Z", "endTime": f"{DAY}T12:00:00Z"}
    beats = [{"physicalTime": f"{DAY}T12:00:00Z", "beatsPerMinute": n} for n in ("NaN", 80)]
    block = {"interval": interval, "alertWindows": [interval | {"heartBeats": beats}]}
    page = read("irregular_rhythm_notification", {"irregularRhythmNotification": block})
    assert values(page) == [80]
    assert [part.label for part in page.sessions[0].parts] == ["negative"]


# Pages ----


@pytest.mark.parametrize(
    ("body", "count", "token"),
    [
        ({}, 0, None),
        ({"dataPoints": []}, 0, None),
        ({"dataPoints": [], "nextPageToken": ""}, 0, None),
        ({"dataPoints": [], "nextPageToken": "t"}, 0, "t"),
        ({"nextPageToken": "t"}, 0, "t"),
        ({"dataPoints": [{}], "nextPageToken": "t"}, 1, "t"),
        ({"rollupDataPoints": [{}, {}]}, 2, None),
    ],
)
def test_the_end_is_a_token_that_is_absent_or_empty(
    body: Any, count: int, token: str | None
) -> None:
    survey = GOOGLE.survey(pull("steps", DAY), reply(body))
    assert (survey.points, survey.next_page) == (count, token)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("steps", b"not json"),
        ("steps", []),
        ("steps", None),
        ("steps", {"error": {}}),
        ("steps", {"dataPoints": {}}),
        ("steps", {"dataPoints": None}),
        ("steps", {"nextPageToken": 7}),
        ("sleep", {"rollupDataPoints": []}),
        ("daily_steps", {"dataPoints": []}),
        ("hourly_steps", {"dataPoints": []}),
        ("total_calories", {"dataPoints": []}),
        ("profile", {}),
        ("settings", {"name": 7}),
        ("exercise_tcx", {}),
        ("exercise_tcx", {"tcxData": "<gpx/>"}),
        ("exercise_tcx", b"<gpx></gpx>"),
        ("exercise_tcx", b"TrainingCenterDatabase"),
    ],
)
def test_a_reply_without_its_container_is_no_empty_answer(name: str, body: Any) -> None:
    with pytest.raises(ContractError):
        GOOGLE.survey(pull(name, DAY, item="k@v"), reply(body))


def test_what_google_merged_is_read_by_its_container() -> None:
    page = GOOGLE.read(pull("steps", DAY), recorded("rollup/steps-60s.json"))
    assert [(r.field, r.source, r.utc_offset_s) for r in page.readings] == [("steps", "", 0)]
    valueless = {"startTime": f"{DAY}T12:00:00Z", "endTime": f"{DAY}T13:00:00Z"}
    other_day = {"startTime": "2026-11-05T12:00:00Z", "endTime": "2026-11-05T13:00:00Z"}
    page = GOOGLE.read(pull("steps", DAY), rolled(valueless, other_day))
    assert (page.points, page.outside, page.unread) == (0, 1, 0)


# Account ----


def device(number: int, **more: Any) -> dict[str, Any]:
    kind = {"deviceType": "TRACKER", "lastSyncTime": "2026-11-04T10:00:00Z"}
    return {"name": f"users/1/pairedDevices/{number}"} | kind | more


def test_only_watches_that_synced_vouch_and_never_from_the_future() -> None:
    devices = [
        device(1),
        device(2, deviceType="SCALE"),
        device(3, lastSyncTime=None),
        device(4, deviceVersion="MobileTrack"),
        device(5, lastSyncTime="2026-11-04T23:00:00Z"),
    ]
    page = GOOGLE.read(pull("paired_devices"), reply({"pairedDevices": devices}))
    assert [(sync.device, sync.synced_at) for sync in page.syncs] == [
        ("1", RECEIVED_AT.replace(minute=0)),
        ("5", RECEIVED_AT),
    ]
    assert (len(page.snapshots), page.unread) == (5, 0)


def test_one_unusable_sync_time_does_not_hide_the_others() -> None:
    devices = [device(1, lastSyncTime="yesterday"), device(2), 7, device(3, lastSyncTime=5)]
    page = GOOGLE.read(pull("paired_devices"), reply({"pairedDevices": devices}))
    assert [sync.device for sync in page.syncs] == ["2"]
    assert ([s.key for s in page.snapshots], page.unread) == (["1", "2", "3"], 3)
    assert page.unread_why == "pairedDevices.lastSyncTime is not as documented"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../etc/passwd", "", 7, None])
def test_a_zone_that_is_not_known_leaves_the_one_before(zone: Any) -> None:
    body = {"name": "users/me/settings", "timeZone": zone}
    page = GOOGLE.read(pull("settings"), reply(body))
    assert (page.zone, len(page.snapshots)) == (None, 1)


def test_both_ids_of_the_wearer_are_kept() -> None:
    page = GOOGLE.read(pull("identity"), recorded("account/identity.json"))
    assert page.snapshots == (
        Snapshot(
            "identity",
            '{"healthUserId": "1000000000000000001", "legacyUserId": "AAAAAA", '
            '"name": "users/me/identity"}',
        ),
    )
    assert page.zone is None


def test_an_entry_of_a_catalogue_without_a_name_is_counted() -> None:
    page = GOOGLE.read(pull("food"), points({"food": {}}, {"name": "a/1", "food": {"x": 1}}))
    assert (told(page), page.unread) == (['snapshot 1 {"x": 1}'], 1)


def test_endless_nesting_is_no_snapshot() -> None:
    for depth in range(900, 1100):
        nested = b'{"name": "users/me/profile", "x": ' + b"[" * depth + b"]" * depth + b"}"
        with suppress(ContractError):
            GOOGLE.read(pull("profile"), reply(nested))
