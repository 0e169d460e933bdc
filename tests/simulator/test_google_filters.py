"""Filters are refused for every reason that Google has, and let through exactly what they say."""

from datetime import date

import pytest

from tests.support.google_app import (
    GoogleApp,
    HandMade,
    daily,
    minutes,
    point,
    reasons_of,
    recorded,
    starts,
)

STEPS = "steps.interval.start_time"
CIVIL = "steps.interval.civil_start_time"
SLEEP = "sleep.interval.end_time"
PREFIX = "INVALID_DATA_POINT_FILTER_"


@pytest.fixture(scope="module")
def app() -> GoogleApp:
    by_type = {
        "steps": minutes(4),
        "sleep": [
            point(f"2026-11-{day}T22:00:00", {}, seconds=8 * 3600, point_id=str(day))
            for day in (16, 17, 18)
        ],
        "exercise": [point("2026-11-18T23:30:00", {}, seconds=1800, point_id="1")],
        "daily-resting-heart-rate": [
            daily(date(2026, 11, day), {"beatsPerMinute": "55"}) for day in (17, 18, 19)
        ],
        "electrocardiogram": [point("2026-11-18T10:00:00", {}, seconds=0, point_id="9")],
    }
    return GoogleApp(HandMade(by_type), quota_per_minute=10_000, empty_page_days=None)


@pytest.mark.parametrize(
    ("data_type", "text", "reasons"),
    [
        ("steps", f'{STEPS} > "2026-11-19T00:00:00Z"', ["RESTRICTION_COMPARATOR"]),
        ("steps", f'{STEPS} <= "2026-11-19T00:00:00Z"', ["RESTRICTION_COMPARATOR"]),
        ("steps", f'{STEPS} = "2026-11-19T00:00:00Z"', ["RESTRICTION_COMPARATOR"]),
        (
            "electrocardiogram",
            'electrocardiogram.interval.start_time < "2026-11-19T00:00:00Z"',
            ["RESTRICTION_COMPARATOR"],
        ),
        ("steps", f'{STEPS} >= "2026-11-19"', ["TIMESTAMP_FORMAT"]),
        ("steps", f'{STEPS} >= "2026-11-19T00:00:00"', ["TIMESTAMP_FORMAT"]),
        ("steps", f'{STEPS} >= "2026-11-19T00:00:00+01:00"', ["TIMESTAMP_FORMAT"]),
        ("steps", f'{STEPS} >= "2026-13-19T00:00:00Z"', ["TIMESTAMP_FORMAT"]),
        ("steps", f'{CIVIL} >= "2026-11-19T00:00:00Z"', ["CIVIL_DATE_TIME_FORMAT"]),
        ("steps", f'{CIVIL} >= "2026-11-19T00:00"', ["CIVIL_DATE_TIME_FORMAT"]),
        ("steps", f'{CIVIL} >= "2026-11-31"', ["CIVIL_DATE_TIME_FORMAT"]),
        (
            "daily-resting-heart-rate",
            'daily_resting_heart_rate.date >= "2026-11-19T00:00:00"',
            ["CIVIL_DATE_TIME_FORMAT"],
        ),
        (
            "steps",
            f'{STEPS} >= "2026-11-19T00:00:00Z" AND {CIVIL} < "2026-11-20"',
            ["MIXED_TIME_RESTRICTIONS"],
        ),
        ("steps", 'steps.interval.end_time >= "2026-11-19T00:00:00Z"', ["DATA_TYPE_MEMBER"]),
        ("steps", 'steps.date >= "2026-11-19"', ["DATA_TYPE_MEMBER"]),
        ("heart-rate", 'heartRate.sample_time >= "2026-11-19"', ["DATA_TYPE_MEMBER"]),
        (
            "exercise",
            'exercise.interval.start_time >= "2026-11-19T00:00:00Z"',
            ["DATA_TYPE_MEMBER"],
        ),
        (
            "electrocardiogram",
            'electrocardiogram.interval.civil_start_time >= "2026-11-19"',
            ["DATA_TYPE_MEMBER"],
        ),
        ("food", 'food.name >= "banana"', ["DATA_TYPE_MEMBER"]),
        ("distance", f'{STEPS} >= "2026-11-19T00:00:00Z"', ["COLLECTION_MISMATCH"]),
        (
            "steps",
            f'{STEPS} >= "2026-11-19T00:00:00Z" OR {STEPS} < "2026-11-20T00:00:00Z"',
            ["EXPRESSION_STRUCTURE"],
        ),
        (
            "steps",
            f'{STEPS} >= "2026-11-18T00:00:00Z" AND {STEPS} >= "2026-11-19T00:00:00Z"',
            ["EXPRESSION_STRUCTURE"],
        ),
        ("steps", f"{STEPS} >= 2026-11-19", ["SYNTAX"]),
        ("steps", f"{STEPS} >= '2026-11-19T00:00:00Z'", ["SYNTAX"]),
        ("steps", f'{STEPS} "2026-11-19T00:00:00Z"', ["SYNTAX"]),
        ("steps", f'{STEPS} >= "2026-11-19', ["SYNTAX"]),
        ("steps", f"{STEPS} >=", ["MISSING_TOKEN"]),
        ("steps", f'{STEPS} >= "2026-11-19T00:00:00Z" AND', ["MISSING_TOKEN"]),
        (
            "steps",
            f'{STEPS} >= "2026-11-19T00:00:00Z" {STEPS} < "2026-11-20T00:00:00Z"',
            ["MISSING_TOKEN"],
        ),
        (
            "steps",
            f'{STEPS} >= "2026-11-19T00:00:00Z" and {STEPS} < "2026-11-20T00:00:00Z"',
            ["MISSING_TOKEN"],
        ),
    ],
)
def test_a_wrong_filter_is_refused_with_its_reason(
    app: GoogleApp, data_type: str, text: str, reasons: list[str]
) -> None:
    reply = app.list(data_type, text)
    assert reply.status_code == 400
    assert reasons_of(reply) == [f"{PREFIX}{reason}" for reason in reasons]
    error = reply.json()["error"]
    assert error["details"][0]["reason"] == "INVALID_DATA_POINT_FILTER"
    assert error["message"].startswith(f"Invalid data point filter: {PREFIX}{reasons[0]}")


def test_members_that_cannot_be_filtered_by_are_refused_as_recorded(app: GoogleApp) -> None:
    member = "sleep.interval.civil_start_time"
    reply = app.list("sleep", f'{member} >= "2026-09-20" AND {member} < "2026-09-21"')
    assert reply.json() == recorded("errors/400-filter-member-not-supported.json")


@pytest.mark.parametrize("end", ["2026-11-19T00:00:00Z", "2026-11-18T00:00:00Z"])
def test_an_equal_or_reversed_range_is_an_error_and_not_an_empty_answer(
    app: GoogleApp, end: str
) -> None:
    reply = app.list("steps", f'{STEPS} >= "2026-11-19T00:00:00Z" AND {STEPS} < "{end}"')
    assert (reply.status_code, reply.json()) == (400, recorded("errors/400-time-range-empty.json"))


def test_a_range_is_closed_at_its_start_and_open_at_its_end(app: GoogleApp) -> None:
    reply = app.list(
        "steps", f'{STEPS} >= "2026-11-19T10:01:00Z" AND {STEPS} < "2026-11-19T10:03:00Z"'
    )
    assert starts(reply, "steps") == ["2026-11-19T10:02:00Z", "2026-11-19T10:01:00Z"]
    inside = f'{STEPS} >= "2026-11-19T10:01:00.0000001Z" AND {STEPS} < "2026-11-19T10:02:00.001Z"'
    assert starts(app.list("steps", inside), "steps") == ["2026-11-19T10:02:00Z"]


def test_one_bound_is_enough(app: GoogleApp) -> None:
    early = starts(app.list("steps", f'{STEPS} < "2026-11-19T10:01:00Z"'), "steps")
    late = starts(app.list("steps", f'{STEPS} >= "2026-11-19T10:03:00Z"'), "steps")
    assert (early, late) == (["2026-11-19T10:00:00Z"], ["2026-11-19T10:03:00Z"])
    assert len(starts(app.list("steps"), "steps")) == 4


def test_civil_times_are_those_of_the_point(app: GoogleApp) -> None:
    reply = app.list(
        "steps", f'{CIVIL} >= "2026-11-19T11:01:00" AND {CIVIL} < "2026-11-19T11:02:00"'
    )
    assert starts(reply, "steps") == ["2026-11-19T10:01:00Z"]  # an hour ahead of UTC
    night = 'exercise.interval.civil_start_time >= "2026-11-19"'
    assert len(app.list("exercise", night).json()["dataPoints"]) == 1
    assert app.list("exercise", 'exercise.interval.civil_start_time < "2026-11-19"').json() == {}


def test_sleep_is_filtered_by_its_end(app: GoogleApp) -> None:
    def nights(text: str) -> list[str]:
        rows = app.list("sleep", text).json().get("dataPoints", [])
        return [row["name"].rpartition("/")[2] for row in rows]

    one = f'{SLEEP} >= "2026-11-17T06:00:00Z" AND {SLEEP} < "2026-11-18T06:00:00Z"'
    assert nights(one) == ["16"]
    other = f'{SLEEP} >= "2026-11-19T06:00:00Z"'
    assert nights(f"({one}) OR {other}") == ["18", "16"]
    civil = "sleep.interval.civil_end_time"
    assert nights(f'{civil} >= "2026-11-18" AND {civil} < "2026-11-19"') == ["17"]
    assert nights(f'{civil} >= "2026-11-19T07:00:00"') == ["18"]  # as the wearer's clock had it
    assert nights(f'{civil} < "2026-11-17T07:00:00"') == []


def test_days_and_electrocardiograms_have_filters_of_their_own(app: GoogleApp) -> None:
    name = "daily_resting_heart_rate.date"
    reply = app.list(
        "daily-resting-heart-rate", f'{name} >= "2026-11-18" AND {name} < "2026-11-19"'
    )
    days = [row["dailyRestingHeartRate"]["date"]["day"] for row in reply.json()["dataPoints"]]
    assert days == [18]
    since = 'electrocardiogram.interval.start_time >= "2026-11-18T10:00:00Z"'
    assert len(app.list("electrocardiogram", since).json()["dataPoints"]) == 1
