"""Daily values, nights, weighings and activities: each quirk of Fitbit's has its test."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from fitbitd.errors import ContractError
from fitbitd.model import Axis, Daily, Kind, Page, Survey
from fitbitd.providers.fitbit.catalog import CATALOGUE
from fitbitd.providers.fitbit.ranges import RANGES
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.fitbit_wire import pull, reply

FITBIT = FitbitProvider("https://api.fitbit.com")
NEXT = "https://api.fitbit.com/1/user/-/activities/list.json?afterDate=2017-01-01T00%3A00%3A00"
ACTIVITY: dict[str, Any] = {
    "logId": 31400001097,
    "startTime": "2026-02-27T08:16:52.000-05:00",
    "duration": 2541000,
}


def read(
    name: str, body: Any, day: str = "2026-02-27", *, last: str = "", zone: str = "UTC"
) -> Page:
    return FITBIT.read(pull(name, day, last, zone=zone), reply(body))


def values(page: Page) -> dict[str, float]:
    return {each.field: each.value for each in page.dailies}


def points(page: Page) -> list[tuple[str, str, str, float]]:
    """Give instant, field, source and value of each point."""
    return [
        (
            f"{datetime.fromtimestamp(at / 1000, UTC):%m-%dT%H:%M:%SZ}",
            each.field,
            each.source,
            value,
        )
        for each in page.readings
        for at, value, _ in each.points
    ]


def series(resource: str, value: Any, day: str = "2026-02-27") -> dict[str, Any]:
    return {f"activities-{resource}": [{"dateTime": day, "value": value}]}


def activities(*rows: dict[str, Any], link: str = "") -> dict[str, Any]:
    return {"activities": [{**ACTIVITY, **row} for row in rows], "pagination": {"next": link}}


# daily series


@pytest.mark.parametrize(
    ("name", "resource", "value", "field", "wanted"),
    [
        ("daily_steps", "steps", "10031", "steps", 10031),
        ("daily_total_calories", "calories", "2143", "total_calories", 2143),
        ("daily_basal_energy_burned", "caloriesBMR", "1728", "basal_energy_burned", 1728),
        ("daily_activity_calories", "activityCalories", "612", "activity_calories", 612),
        ("daily_distance", "distance", "7.533939999999999", "distance", 7_533_940),
        ("daily_elevation", "elevation", "9.144", "elevation", 9.144),
        ("daily_floors", "floors", "3", "floors", 3),
        ("daily_sedentary", "minutesSedentary", "812", "sedentary", 812 * 60),
        ("daily_lightly_active", "minutesLightlyActive", "7", "lightly_active", 420),
        ("daily_fairly_active", "minutesFairlyActive", "7", "fairly_active", 420),
        ("daily_very_active", "minutesVeryActive", "7", "very_active", 420),
    ],
)
def test_a_series_is_read_from_strings_into_the_unit_of_its_field(
    name: str, resource: str, value: str, field: str, wanted: float
) -> None:
    assert values(read(name, series(resource, value))) == {field: wanted}
    assert values(read(name, series(resource, float(value)))) == {field: wanted}


def test_a_zero_of_a_day_that_is_not_yet_synced_is_no_value() -> None:
    synced_at = datetime(2026, 2, 27, 22, tzinfo=UTC)
    asked = pull("daily_distance", "2026-02-26", "2026-02-28", synced_at=synced_at)
    rows = [{"dateTime": f"2026-02-{day}", "value": "0.0"} for day in (26, 27, 28)]
    page = FITBIT.read(asked, reply({"activities-distance": rows}))
    assert [each.day.day for each in page.dailies] == [26, 27]


def test_calories_of_a_day_without_a_device_are_what_fitbit_says_they_are() -> None:
    synced_at = datetime(2026, 2, 20, 22, tzinfo=UTC)
    asked = pull("daily_total_calories", "2026-02-27", synced_at=synced_at)
    page = FITBIT.read(asked, reply(series("calories", "1728")))
    assert page.dailies == (Daily(date(2026, 2, 27), "total_calories", 1728),)


@pytest.mark.parametrize("value", [None, "", "many", {}, True])
def test_a_series_without_a_number_is_another_contract(value: Any) -> None:
    with pytest.raises(ContractError):
        read("daily_floors", series("floors", value))


def test_active_zone_minutes_lack_zones_and_days() -> None:
    rows = [
        {"dateTime": "2026-02-27", "value": {"activeZoneMinutes": 5, "peakActiveZoneMinutes": 5}}
    ]
    page = read(
        "daily_active_zone_minutes",
        {"activities-active-zone-minutes": rows},
        "2026-02-26",
        last="2026-02-28",
    )
    assert [(each.day.day, each.field, each.value) for each in page.dailies] == [
        (27, "active_zone_minutes", 5),
        (27, "peak", 5),
    ]
    assert read("daily_active_zone_minutes", {"activities-active-zone-minutes": []}).points == 0


# nights


@pytest.mark.parametrize("name", ["daily_oxygen_saturation", "oxygen_saturation"])
def test_oxygen_saturation_without_data_is_an_empty_list_or_an_empty_object(name: str) -> None:
    asked = pull(name, "2026-02-27")
    for empty in (b"[]", b"{}"):
        assert FITBIT.survey(asked, reply(empty)) == Survey(0)
        assert FITBIT.read(asked, reply(empty)).points == 0


@pytest.mark.parametrize("root", [{"spo2": []}, "x", None, 7, {"errors": []}])
def test_oxygen_saturation_in_another_form_is_another_contract(root: Any) -> None:
    asked = pull("oxygen_saturation", "2026-02-27")
    with pytest.raises(ContractError):
        FITBIT.survey(asked, reply(root))
    with pytest.raises(ContractError):
        FITBIT.read(asked, reply(root))


def test_a_night_of_oxygen_saturation_may_have_no_value() -> None:
    row = {"dateTime": "2026-02-27"}
    assert read("daily_oxygen_saturation", [row]).points == 0
    assert read("daily_oxygen_saturation", {**row, "value": None}).points == 0
    assert read("oxygen_saturation", row).points == 0


def test_a_breathing_rate_of_minus_one_is_no_value() -> None:
    stages = {
        "deepSleepSummary": {"breathingRate": 16.8},
        "remSleepSummary": {"breathingRate": -1},
        "fullSleepSummary": {"breathingRate": "17.8"},
    }
    body = {"br": [{"dateTime": "2026-02-27", "value": stages}]}
    assert values(read("daily_respiratory_rate_by_stage", body)) == {
        "deep.respiratory_rate": 16.8,
        "full.respiratory_rate": 17.8,
    }
    body = {"br": [{"dateTime": "2026-02-27", "value": {"breathingRate": -1}}]}
    assert read("daily_respiratory_rate", body).points == 0


def test_a_skin_temperature_is_a_difference_by_its_sensor() -> None:
    row = {"dateTime": "2026-02-27", "value": {"nightlyRelative": -0.4}, "logType": "other_sensors"}
    (one,) = read("daily_skin_temperature", {"tempSkin": [row]}).dailies
    assert one == Daily(date(2026, 2, 27), "nightly_relative", -0.4, "other_sensors")
    del row["logType"]
    (one,) = read("daily_skin_temperature", {"tempSkin": [row]}).dailies
    assert one.source == ""


def test_a_nights_rows_of_the_evening_before_belong_to_the_day_that_their_clock_shows() -> None:
    minutes = [
        {"minute": f"2026-02-{at}:00.000", "value": {"rmssd": n, "hf": 1.5}}
        for n, at in enumerate(("26T23:55", "27T00:00", "27T00:05"))
    ]
    night = {"dateTime": "2026-02-27", "minutes": minutes}
    after = {
        "dateTime": "2026-02-28",
        "minutes": [{"minute": "2026-02-27T23:50:00", "value": {"rmssd": 9}}],
    }
    page = read("heart_rate_variability", {"hrv": [night, after, {"dateTime": "2026-03-01"}]})
    assert points(page) == [
        ("02-27T00:00:00Z", "rmssd", "", 1),
        ("02-27T00:05:00Z", "rmssd", "", 2),
        ("02-27T23:50:00Z", "rmssd", "", 9),
        ("02-27T00:00:00Z", "high_frequency_power", "", 1.5),
        ("02-27T00:05:00Z", "high_frequency_power", "", 1.5),
    ]
    assert page.outside == 1


def test_a_window_of_nights_asks_for_the_date_under_which_its_last_evening_lies() -> None:
    asked = FITBIT.request(pull("oxygen_saturation", "2026-02-01", "2026-02-27"))
    assert asked.url.endswith("/1/user/-/spo2/date/2026-02-01/2026-02-28/all.json")
    asked = FITBIT.request(pull("daily_oxygen_saturation", "2026-02-01", "2026-02-27"))
    assert asked.url.endswith("/1/user/-/spo2/date/2026-02-01/2026-02-27.json")


def test_no_window_of_nights_asks_for_more_dates_than_fitbit_gives() -> None:
    for entry in RANGES:
        data_type = entry.data_type
        if "/hrv/" in entry.path or "/br/" in entry.path or entry.path.endswith("/all.json"):
            assert data_type.longest.days + entry.next_date == 30
        assert data_type.wall_clock is (data_type.kind is Kind.READINGS)
        assert (data_type.axis is Axis.CIVIL) is entry.next_date


def test_what_is_read_again_each_time_costs_one_request() -> None:
    for name in ("weight", *(entry.data_type.name for entry in RANGES)):
        data_type = CATALOGUE[name]  # type: ignore[index] # one of them is written out
        assert data_type.reread.days + 2 <= data_type.longest.days, name


def test_the_repeated_hour_of_a_night_is_told_by_the_order() -> None:
    walls = ["02:50:17", "02:51:17", "02:00:17", "02:51:17", "03:00:17"]
    minutes = [{"minute": f"2026-10-25T{at}", "value": 95} for at in walls]
    page = read(
        "oxygen_saturation",
        [{"dateTime": "2026-10-25", "minutes": minutes}],
        "2026-10-25",
        zone="Europe/Berlin",
    )
    assert [(each.utc_offset_s, len(each.points)) for each in page.readings] == [
        (7200, 2),
        (3600, 3),
    ]
    assert [at for at, *_ in points(page)] == [
        *("10-25T00:50:17Z", "10-25T00:51:17Z", "10-25T01:00:17Z"),
        *("10-25T01:51:17Z", "10-25T02:00:17Z"),
    ]


# weight


def weighings(*rows: dict[str, Any]) -> dict[str, Any]:
    usual = {"logId": 1, "date": "2026-02-27", "time": "07:10:05", "bmi": 23.5}
    return {"weight": [{**usual, **row} for row in rows]}


def test_two_weighings_may_bear_one_id() -> None:
    page = read("weight", weighings({"weight": 72.5}, {"weight": 72.6, "time": "07:12:00"}))
    assert [row for row in points(page) if row[1] == "weight"] == [
        ("02-27T07:10:05Z", "weight", "", 72_500),
        ("02-27T07:12:00Z", "weight", "", 72_600),
    ]


def test_a_weighing_without_a_time_is_the_last_second_of_its_day() -> None:
    page = read("weight", weighings({"weight": 72.5, "time": "23:59:59"}), zone="Europe/Berlin")
    assert points(page)[0] == ("02-27T22:59:59Z", "weight", "", 72_500)
    assert page.outside == 0


def test_a_weighing_has_fat_where_a_scale_measured_it_and_says_which() -> None:
    page = read("weight", weighings({"weight": "81.3", "fat": 21, "source": "Aria"}))
    assert {row[1:] for row in points(page)} == {
        ("weight", "Aria", 81_300),
        ("bmi", "Aria", 23.5),
        ("body_fat", "Aria", 21),
    }


@pytest.mark.parametrize(
    "row", [{"time": "24:00:00"}, {"time": None}, {"date": "today"}, {"source": ""}]
)
def test_a_weighing_that_makes_no_sense_is_said(row: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        read("weight", weighings({"weight": 70, **row}))


# activities


def test_an_activity_is_read_by_the_offset_that_it_carries() -> None:
    (one,) = read("exercise", activities({}), zone="Europe/Berlin").sessions
    assert (one.key, one.day, one.utc_offset_s) == ("31400001097", date(2026, 2, 27), -5 * 3600)
    assert (
        datetime.fromtimestamp(one.start_ms / 1000, UTC).isoformat() == "2026-02-27T13:16:52+00:00"
    )
    assert one.end_ms - one.start_ms == 2_541_000
    (one,) = read("exercise", activities({"startTime": "2026-02-27T08:16:52.000Z"})).sessions
    assert one.utc_offset_s == 0


def test_an_activity_without_name_steps_or_distance_is_an_activity() -> None:
    (one,) = read("exercise", activities({})).sessions
    assert (one.values, one.labels) == ((), ())


def test_all_that_an_activity_says_is_read() -> None:
    told = {
        "activityName": "Walk\nhome",
        "activityTypeId": 90013,
        "logType": "mobile_run",
        "originalStartTime": "2026-02-27T08:10:00.000Z",
        "lastModified": "2026-02-27T09:00:00.000Z",
        "source": {"name": "Fitbit for iPhone"},
        "calories": 349,
        "steps": 4798,
        "distance": 3.386578,
        "distanceUnit": "Kilometer",
        "elevationGain": 3.048,
        "averageHeartRate": 87,
        "activeDuration": 2541500,
        "originalDuration": 2600000,
        "speed": 4.8,
        "pace": 750.3,
        "hasGps": True,
        "activeZoneMinutes": {"totalMinutes": 12},
        "heartRateZones": [
            {"name": "Fat Burn", "minutes": 4},
            {"name": "My zone"},
            {"name": "!", "minutes": 1},
        ],
        "activityLevel": [{"name": "very", "minutes": 44}],
    }
    (one,) = read("exercise", activities(told)).sessions
    assert dict(one.values) == {
        "calories": 349,
        "steps": 4798,
        "distance": 3_386_578,
        "elevation_gain": 3048,
        "heart_rate_mean": 87,
        "active_duration": 2541.5,
        "original_duration": 2600,
        "speed": 4.8,
        "pace": 750.3,
        "has_gps": 1,
        "active_zone_minutes": 12,
        "moderate_zone": 240,
        "zone_zone": 60,
        "very.minutes": 44,
    }
    assert dict(one.labels) == {
        "name": "Walk\N{REPLACEMENT CHARACTER}home",
        "type": "90013",
        "log_type": "mobile_run",
        "original_start": "2026-02-27T08:10:00.000Z",
        "last_modified": "2026-02-27T09:00:00.000Z",
        "source": "Fitbit for iPhone",
    }


def test_an_activity_that_was_modified_is_another_session() -> None:
    stamps = ("2026-02-27T09:00:00.000Z", "2026-02-28T09:00:00.000Z")
    before, after = (
        read("exercise", activities({"lastModified": stamp})).sessions for stamp in stamps
    )
    assert before != after


@pytest.mark.parametrize(("unit", "wanted"), [("Mile", 1_609_344), ("Meter", 1_000)])
def test_a_distance_is_read_in_its_unit(unit: str, wanted: float) -> None:
    (one,) = read("exercise", activities({"distance": 1, "distanceUnit": unit})).sessions
    assert dict(one.values) == {"distance": wanted}


@pytest.mark.parametrize(
    "row",
    [
        {"startTime": "2026-02-27T08:16:52.000"},  # no offset: nobody knows when
        {"startTime": "1926-02-27T08:16:52.000Z"},
        {"startTime": "soon"},
        {"duration": -1},
        {"duration": None},
        {"logId": None},
        {"distance": 1, "distanceUnit": "Parsec"},
        {"hasGps": "yes"},
        {"heartRateZones": {}},
        {"source": "phone"},
    ],
)
def test_an_activity_that_makes_no_sense_is_said(row: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        read("exercise", activities(row))


def test_activities_are_asked_from_a_date_that_is_before_the_window_by_any_clock() -> None:
    asked = FITBIT.request(pull("exercise", "2026-03-01", "2026-03-31"))
    assert asked.url.endswith(
        "/1/user/-/activities/list.json?afterDate=2026-02-27&sort=asc&limit=100&offset=0"
    )


def test_activities_beyond_the_window_are_counted_and_not_read() -> None:
    starts = (
        "2026-02-26T23:59:59.000+09:00",
        "2026-02-27T00:00:00.000Z",
        "2026-02-28T00:00:00.000Z",
    )
    page = read("exercise", activities(*({"startTime": start} for start in starts)))
    assert (len(page.sessions), page.outside) == (1, 2)


def next_of(*starts: str, link: str = NEXT) -> str | None:
    rows = ({"startTime": start} for start in starts)
    return FITBIT.survey(
        pull("exercise", "2026-02-27"), reply(activities(*rows, link=link))
    ).next_page


def test_the_next_page_is_the_link_as_it_came_percent_signs_included() -> None:
    assert next_of("2026-02-27T08:00:00.000Z") == NEXT
    assert FITBIT.request(pull("exercise", "2026-02-27"), NEXT).url == NEXT
    assert next_of("2026-02-27T08:00:00.000Z", link="") is None


def test_the_list_ends_with_the_page_that_reaches_beyond_the_window() -> None:
    assert next_of("2026-02-28T23:59:59.000Z") == NEXT  # perhaps the 27th by another clock
    assert next_of("2026-02-27T08:00:00.000Z", "2026-03-01T00:00:00.000Z") is None


@pytest.mark.parametrize("starts", [(), ("soon",)])
def test_a_page_that_does_not_say_where_it_ends_is_followed(starts: tuple[str, ...]) -> None:
    assert next_of(*starts) == NEXT


def test_only_lists_that_go_up_end_early() -> None:
    body = {"sleep": [{"startTime": "2026-03-09T01:00:00.000Z"}], "pagination": {"next": NEXT}}
    assert FITBIT.survey(pull("sleep", "2026-02-27"), reply(body)).next_page == NEXT


def test_an_activity_belongs_to_the_day_of_its_own_clock() -> None:
    late = {"startTime": "2026-02-27T23:30:00.000-05:00"}
    assert len(read("exercise", activities(late)).sessions) == 1
