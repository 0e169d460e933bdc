"""Pulls become requests as Google documents them, and refusals teach other ones."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from fitbitd.model import DataTypeName, Lesson, LessonKind, Pull, Request, Why
from fitbitd.providers.base import Provider
from fitbitd.providers.google_health.capability import Scope
from fitbitd.providers.google_health.catalog import CATALOGUE
from fitbitd.providers.google_health.wire import GoogleHealthProvider
from tests.support.google_wire import API, GOOGLE, pull, recorded, reply, tail, taught

PROVIDER: Provider = GOOGLE
TYPES = "/v4/users/me/dataTypes"
METHOD, LONGEST, PAGE = LessonKind.METHOD, LessonKind.LONGEST_DAYS, LessonKind.PAGE_SIZE


def filter_of(request: Request) -> str:
    return parse_qs(urlsplit(request.url).query)["filter"][0]


def body_of(request: Request) -> dict[str, Any]:
    assert request.method == "POST"
    assert request.json is not None
    found: dict[str, Any] = json.loads(request.json)
    return found


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        (
            "steps",
            "steps",
            (
                'steps.interval.start_time >= "2026-11-03T00:00:00Z" AND '
                'steps.interval.start_time < "2026-11-05T00:00:00Z"'
            ),
        ),
        (
            "heart_rate",
            "heart-rate",
            (
                'heart_rate.sample_time.physical_time >= "2026-11-03T00:00:00Z" AND '
                'heart_rate.sample_time.physical_time < "2026-11-05T00:00:00Z"'
            ),
        ),
        (
            "daily_resting_heart_rate",
            "daily-resting-heart-rate",
            (
                'daily_resting_heart_rate.date >= "2026-11-03" AND '
                'daily_resting_heart_rate.date < "2026-11-05"'
            ),
        ),
        (
            "exercise",
            "exercise",
            (
                'exercise.interval.civil_start_time >= "2026-11-03T00:00:00" AND '
                'exercise.interval.civil_start_time < "2026-11-05T00:00:00"'
            ),
        ),
        (
            "sleep",
            "sleep",
            (
                'sleep.interval.end_time >= "2026-11-03T00:00:00Z" AND '
                'sleep.interval.end_time < "2026-11-05T00:00:00Z"'
            ),
        ),
        (
            "electrocardiogram",
            "electrocardiogram",
            'electrocardiogram.interval.start_time >= "2026-11-03T00:00:00Z"',
        ),
    ],
)
def test_a_window_becomes_the_documented_filter(name: str, path: str, expected: str) -> None:
    asked = GOOGLE.request(pull(name, "2026-11-03", "2026-11-04"))
    assert (asked.method, urlsplit(asked.url).path) == ("GET", f"{TYPES}/{path}/dataPoints")
    assert filter_of(asked) == expected
    assert "+" not in asked.url


@pytest.mark.parametrize(
    ("name", "size"),
    [("steps", "5000"), ("sleep", "25"), ("exercise", "25"), ("electrocardiogram", "10")],
)
def test_a_page_is_as_large_as_its_type_manages(name: str, size: str) -> None:
    url = GOOGLE.request(pull(name)).url
    assert dict(parse_qsl(urlsplit(url).query))["pageSize"] == size


def test_a_request_to_the_letter() -> None:
    asked = GOOGLE.request(tail("steps", "2026-11-03T22:58:07.250+00:00", "2026-11-04T01:00+01:00"))
    assert asked == Request(
        "GET",
        f"{API}{TYPES}/steps/dataPoints?filter=steps.interval.start_time%20%3E%3D%20%22"
        "2026-11-03T22%3A58%3A07.250000Z%22%20AND%20steps.interval.start_time%20%3C%20%22"
        "2026-11-04T00%3A00%3A00Z%22&pageSize=5000&prettyPrint=false",
        (("accept", "application/json"),),
    )


def test_what_has_no_list_is_reconciled() -> None:
    asked = GOOGLE.request(pull("daily_heart_rate_zones", "2026-11-03"))
    assert urlsplit(asked.url).path == f"{TYPES}/daily-heart-rate-zones/dataPoints:reconcile"


def test_a_preview_type_is_asked_of_the_preview() -> None:
    asked = GOOGLE.request(pull("skin_temperature_sensors", "2026-11-03"))
    assert urlsplit(asked.url).path.startswith("/v4beta/users/me/dataTypes/skin-temp")


def test_a_catalogue_is_asked_without_a_filter() -> None:
    url = f"{API}{TYPES}/food/dataPoints?pageSize=5000&prettyPrint=false"
    assert GOOGLE.request(pull("food")).url == url


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("settings", "/v4/users/me/settings"),
        ("profile", "/v4/users/me/profile"),
        ("identity", "/v4/users/me/identity"),
        ("irn_profile", "/v4/users/me/irnProfile"),
        ("paired_devices", "/v4/users/me/pairedDevices?pageSize=100"),
    ],
)
def test_what_hangs_on_the_user_is_asked_there(name: str, path: str) -> None:
    assert GOOGLE.request(pull(name)).url == API + path


def test_a_days_total_is_asked_by_civil_days_without_a_page_size() -> None:
    asked = GOOGLE.request(pull("daily_steps", "2026-10-31", "2026-11-03"))
    assert asked.url == f"{API}{TYPES}/steps/dataPoints:dailyRollUp?prettyPrint=false"
    assert body_of(asked) == {
        "range": {
            "start": {"date": {"year": 2026, "month": 10, "day": 31}},
            "end": {"date": {"year": 2026, "month": 11, "day": 4}},
        },
        "windowSizeDays": 1,
    }


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "size"),
    [
        ("2026-11-03T00:00", "2026-11-05T00:00", "2026-11-03T00", "2026-11-05T00", 48),
        ("2026-11-03T10:37:12", "2026-11-03T12:00:01", "2026-11-03T10", "2026-11-03T13", 3),
    ],
)
def test_hours_are_asked_on_full_hours_with_a_page_of_their_number(
    start: str, end: str, first: str, last: str, size: int
) -> None:
    asked = GOOGLE.request(tail("total_calories", f"{start}+00:00", f"{end}+00:00"))
    assert asked.url == f"{API}{TYPES}/total-calories/dataPoints:rollUp?prettyPrint=false"
    assert body_of(asked) == {
        "range": {"startTime": f"{first}:00:00Z", "endTime": f"{last}:00:00Z"},
        "windowSize": "3600s",
        "pageSize": size,
    }


def test_a_track_is_asked_as_a_file_even_without_positions() -> None:
    asked = GOOGLE.request(pull("exercise_tcx", item="a b/1@2@2026-11-03T10:00:00Z"))
    assert asked == Request(
        "GET",
        f"{API}{TYPES}/exercise/dataPoints/a%20b%2F1%402:exportExerciseTcx"
        "?alt=media&partialData=true",
        (("accept", "*/*"),),
    )


def test_a_track_needs_the_scope_of_its_exercise_too() -> None:
    both = {Scope.LOCATION, Scope.ACTIVITY}
    assert set(GOOGLE.catalogue[DataTypeName("exercise_tcx")].scope.split()) == both


@pytest.mark.parametrize("item", ["", "key", "@version"])
def test_a_track_without_its_session_is_our_bug(item: str) -> None:
    with pytest.raises(ValueError, match="without a session"):
        GOOGLE.request(pull("exercise_tcx", item=item))


def test_a_windowed_type_without_a_window_is_our_bug() -> None:
    with pytest.raises(ValueError, match="without a window"):
        GOOGLE.request(Pull(DataTypeName("steps"), None, Why.ASKED, "UTC"))


def test_a_slash_after_the_api_url_does_no_harm() -> None:
    local = GoogleHealthProvider("http://127.0.0.1:8080/")
    assert local.request(pull("profile")).url == "http://127.0.0.1:8080/v4/users/me/profile"


@pytest.mark.parametrize("name", ["steps", "sleep", "food", "paired_devices"])
def test_a_next_page_differs_by_its_token_alone(name: str) -> None:
    first, following = (GOOGLE.request(pull(name), page) for page in (None, "t/+&="))
    (before, after) = (dict(parse_qsl(urlsplit(each.url).query)) for each in (first, following))
    assert after == {**before, "pageToken": "t/+&="}
    assert following.url.split("?")[0] == first.url.split("?")[0]


@pytest.mark.parametrize("name", ["total_calories", "daily_steps"])
def test_a_next_page_of_a_roll_up_differs_by_its_token_alone(name: str) -> None:
    first, following = (GOOGLE.request(pull(name, "2026-11-03"), page) for page in (None, "t"))
    assert body_of(following) == {**body_of(first), "pageToken": "t"}
    assert following.url == first.url


# Lessons ----


@pytest.mark.parametrize(
    ("name", "method", "ending"),
    [
        ("steps", "list", "dataPoints"),
        ("steps", "reconcile", "dataPoints:reconcile"),
        ("steps", "rollUp", "dataPoints:rollUp"),
        ("floors", "reconcile", "dataPoints:reconcile"),
        ("floors", "list", "dataPoints"),
        ("daily_heart_rate_zones", "list", "dataPoints"),
        ("steps", "dailyRollUp", "dataPoints"),  # days are no readings
        ("daily_steps", "rollUp", "dataPoints:dailyRollUp"),  # UTC days are no civil days
        ("sleep", "nonsense", "dataPoints"),
    ],
)
def test_a_learnt_method_is_used_if_the_type_can_be_read_by_it(
    name: str, method: str, ending: str
) -> None:
    asked = GOOGLE.request(taught(pull(name, "2026-11-03"), METHOD, method))
    assert urlsplit(asked.url).path.rpartition("/")[2] == ending


def test_a_learnt_page_is_used_if_it_is_smaller() -> None:
    assert "pageSize=1250" in GOOGLE.request(taught(pull("steps"), PAGE, "1250")).url
    assert "pageSize=25" in GOOGLE.request(taught(pull("sleep"), PAGE, "100")).url
    assert "pageSize=5000" in GOOGLE.request(taught(pull("steps"), PAGE, "0")).url
    assert "pageSize=5000" in GOOGLE.request(taught(pull("steps"), PAGE, "many")).url
    hours = taught(pull("total_calories", "2026-11-01", "2026-11-14"), PAGE, "100")
    assert body_of(GOOGLE.request(hours))["pageSize"] == 100
    again = taught(taught(pull("steps"), PAGE, "2500"), PAGE, "1250")
    assert "pageSize=1250" in GOOGLE.request(again).url


def learnt(asked: Pull, file: str) -> list[tuple[str, str]]:
    lessons = GOOGLE.learn(asked, recorded(file))
    assert all(lesson.data_type == asked.data_type for lesson in lessons)
    return [(lesson.kind, lesson.value) for lesson in lessons]


def test_a_refused_method_teaches_one_that_is_offered() -> None:
    not_listed = "errors/400-list-not-supported.json"  # rollup, dailyRollup
    not_rolled = "errors/400-daily-rollup-not-supported.json"  # list, reconcile
    assert learnt(pull("steps"), not_listed) == [("method", "rollUp")]
    assert learnt(pull("floors"), not_rolled) == [("method", "reconcile")]
    assert learnt(pull("sleep"), not_listed) == []
    assert learnt(pull("daily_steps"), not_rolled) == []
    assert learnt(pull("hourly_steps"), not_rolled) == []
    tried = taught(pull("steps"), METHOD, "rollUp")
    assert learnt(tried, not_listed) == []


def test_too_long_a_range_teaches_how_long_it_may_be() -> None:
    too_long = "errors/400-rollup-range-too-long.json"
    assert learnt(pull("hourly_steps"), too_long) == [("longest_days", "14")]


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        (pull("heart_rate"), "2500"),
        (taught(pull("heart_rate"), PAGE, "156"), "100"),
        (pull("total_calories", "2026-11-01", "2026-11-14"), "168"),
        (taught(pull("heart_rate"), PAGE, "100"), ""),
        (pull("total_calories", "2026-11-01"), ""),
        (pull("sleep"), ""),
        (pull("daily_steps"), ""),
    ],
)
def test_a_time_out_teaches_half_the_page_while_there_is_one(asked: Pull, size: str) -> None:
    expected = [("page_size", size)] if size else []
    assert learnt(asked, "errors/504-deadline-exceeded.json") == expected


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("steps", "list/steps.json"),
        ("steps", "errors/500-internal.json"),
        ("steps", "errors/404-unknown-path.html"),
        ("profile", "errors/504-deadline-exceeded.json"),
        ("exercise_tcx", "errors/504-deadline-exceeded.json"),
    ],
)
def test_other_answers_teach_nothing(name: str, file: str) -> None:
    assert learnt(pull(name), file) == []


def test_a_type_that_is_no_longer_known_teaches_nothing() -> None:
    asked = replace(pull("steps"), data_type=DataTypeName("bowling"))
    assert GOOGLE.learn(asked, recorded("errors/504-deadline-exceeded.json")) == ()


@pytest.mark.parametrize("days", ["0", "-1", "", "x", "²", "1000000", 14, None])
def test_a_range_that_makes_no_sense_teaches_nothing(days: object) -> None:
    detail = {"reason": "INVALID_ROLLUP_QUERY_DURATION", "metadata": {"maxDurationDays": days}}
    answer = reply({"error": {"details": [detail, "x", {}, {"reason": 3}]}}, 400)
    assert GOOGLE.learn(pull("hourly_steps"), answer) == ()


def test_a_data_type_is_as_its_lessons_correct_it() -> None:
    steps, floors = CATALOGUE[DataTypeName("steps")], CATALOGUE[DataTypeName("floors")]
    rolled = GOOGLE.adapted(steps, [Lesson(steps.name, METHOD, "rollUp")])
    assert (rolled.longest, rolled.expected_a_day) == (timedelta(days=90), 24)
    listed = GOOGLE.adapted(floors, [Lesson(floors.name, METHOD, "list")])
    assert (listed.longest, listed.expected_a_day) == (timedelta(days=366), 1440)
    assert [field.name for field in listed.fields] == ["floors"]
    short = GOOGLE.adapted(floors, [Lesson(floors.name, LONGEST, "14")])
    assert short == replace(floors, longest=timedelta(days=14))
    assert GOOGLE.adapted(floors, [Lesson(floors.name, LONGEST, "4000")]) == floors
    assert GOOGLE.adapted(steps, [Lesson(floors.name, LONGEST, "14")]) == steps
    assert GOOGLE.adapted(steps, [Lesson(steps.name, METHOD, "reconcile")]) == steps
    settings = CATALOGUE[DataTypeName("settings")]
    assert GOOGLE.adapted(settings, [Lesson(settings.name, METHOD, "list")]) == settings
