"""Roll-ups: windows, ranges, caps, the rules of page sizes, and what is told of each type."""

from datetime import date
from typing import Any

import pytest

from tests.support.google_app import (
    GoogleApp,
    HandMade,
    minutes,
    point,
    reasons_of,
    recorded,
)

DAY = ("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")


def rows_of(reply: Any) -> list[Any]:
    assert reply.status_code == 200, reply.text
    rows: list[Any] = reply.json().get("rollupDataPoints", [])
    return rows


def steps_app(**settings: Any) -> GoogleApp:
    by_type = {"steps": minutes(3, "2026-11-19T09:59:00"), "heart-rate": []}
    return GoogleApp(HandMade(by_type), quota_per_minute=10_000, **settings)


def test_windows_begin_at_the_requested_start_and_the_last_is_cut() -> None:
    rows = rows_of(steps_app().roll_up("steps", "2026-11-19T09:00:30Z", "2026-11-19T10:01:30Z"))
    assert rows == [
        {
            "startTime": "2026-11-19T10:00:30Z",
            "endTime": "2026-11-19T10:01:30Z",
            "steps": {"countSum": "1"},
        },
        {
            "startTime": "2026-11-19T09:00:30Z",
            "endTime": "2026-11-19T10:00:30Z",
            "steps": {"countSum": "2"},
        },
    ]


@pytest.mark.parametrize(("spelt", "windows"), [("omitted", 2), ("bare", 24), ("zero", 24)])
def test_windows_without_worn_data_are_left_out_or_told(spelt: str, windows: int) -> None:
    rows = rows_of(steps_app(empty_windows=spelt).roll_up("steps", *DAY, pageSize=24))
    assert len(rows) == windows
    values = [row["steps"] for row in rows if "steps" in row]
    assert len(values) == (24 if spelt == "zero" else 2)
    assert values.count({"countSum": "0"}) == (22 if spelt == "zero" else 0)


def test_roll_ups_come_in_pages() -> None:
    app = steps_app()
    first = app.roll_up("steps", *DAY, pageSize=1).json()
    token = first["nextPageToken"]
    last = app.roll_up("steps", *DAY, pageSize=1, pageToken=token).json()
    assert "nextPageToken" not in last
    hours = [body["rollupDataPoints"][0]["startTime"][11:13] for body in (first, last)]
    assert hours == ["10", "09"]
    other = app.roll_up("steps", *DAY, pageSize=2, pageToken=token)
    assert other.status_code == 400


@pytest.mark.parametrize(
    ("data_type", "start", "body", "cap"),
    [
        ("steps", "2026-08-21T23:59:59Z", {"pageSize": 1}, "90"),
        ("heart-rate", "2026-11-05T23:59:59Z", {"pageSize": 1}, "14"),
        ("total-calories", "2026-11-05T23:59:59Z", {"pageSize": 1}, "14"),
        ("active-minutes", "2026-11-05T23:59:59Z", {"pageSize": 1}, "14"),
        ("calories-in-heart-rate-zone", "2026-11-05T23:59:59Z", {"pageSize": 1}, "14"),
        ("heart-rate", "2026-11-19T00:00:00Z", {"windowSize": "900s"}, "14"),  # 1440 x 15 min
        ("heart-rate", "2026-11-19T00:00:00Z", {"pageSize": 337}, "14"),
        ("steps", "2026-11-19T00:00:00Z", {"pageSize": 2161}, "90"),
        ("floors", "2026-11-19T00:00:00Z", {"windowSize": "86400s"}, "90"),  # 1440 days
    ],
)
def test_a_range_or_a_page_over_the_cap_is_refused(
    data_type: str, start: str, body: dict[str, Any], cap: str
) -> None:
    reply = steps_app().roll_up(data_type, start, DAY[1], **body)
    wanted = recorded("errors/400-rollup-range-too-long.json")
    wanted["error"]["details"][0]["metadata"]["maxDurationDays"] = cap
    assert (reply.status_code, reply.json()) == (400, wanted)


@pytest.mark.parametrize(
    ("data_type", "start", "size"),
    [
        ("steps", "2026-08-22T00:00:00Z", 2160),
        ("heart-rate", "2026-11-06T00:00:00Z", 336),
        ("steps", "2026-11-19T00:00:00Z", 0),
    ],
)
def test_the_cap_is_inclusive(data_type: str, start: str, size: int) -> None:
    assert steps_app().roll_up(data_type, start, DAY[1], pageSize=size).status_code == 200


def test_a_cap_can_be_ordered_for_a_type() -> None:
    app = steps_app(longest_days={"steps": 7})
    reply = app.roll_up("steps", "2026-11-12T00:00:00Z", DAY[1], pageSize=168)
    assert reasons_of(reply) == ["INVALID_ROLLUP_QUERY_DURATION"]
    reply = app.daily_roll_up("steps", date(2026, 11, 12), date(2026, 11, 20))
    assert reply.json()["error"]["details"][0]["metadata"] == {"maxDurationDays": "7"}


@pytest.mark.parametrize(
    ("days", "body", "status"),
    [
        (90, {}, 200),
        (91, {}, 400),
        (90, {"pageSize": 90}, 200),
        (90, {"pageSize": 91}, 400),
        (10, {"pageSize": 9}, 400),
        (10, {"pageSize": 10}, 200),
        (10, {"pageSize": 2, "windowSizeDays": 7}, 200),
        (90, {"windowSizeDays": 7}, 200),
        (10, {"windowSizeDays": -1}, 400),
        (0, {}, 400),
    ],
)
def test_a_daily_page_must_cover_its_range_and_keep_to_the_cap(
    days: int, body: dict[str, Any], status: int
) -> None:
    end = date(2026, 11, 20)
    first = date.fromordinal(end.toordinal() - days)
    assert steps_app().daily_roll_up("steps", first, end, **body).status_code == status


def test_days_are_those_of_the_points_and_the_end_is_not_included() -> None:
    by_type = {"steps": minutes(120, "2026-11-18T22:00:00")}  # an hour ahead: over midnight
    app = GoogleApp(HandMade(by_type))
    rows = rows_of(app.daily_roll_up("steps", date(2026, 11, 17), date(2026, 11, 20)))
    like = recorded("daily-rollup/steps.json")["rollupDataPoints"][0]
    assert [set(row) for row in rows] == [set(like)] * 2
    assert rows[0] == {
        "civilStartTime": {"date": {"year": 2026, "month": 11, "day": 19}, "time": {}},
        "civilEndTime": {"date": {"year": 2026, "month": 11, "day": 20}, "time": {}},
        "steps": {"countSum": "60"},
    }
    assert rows_of(app.daily_roll_up("steps", date(2026, 11, 18), date(2026, 11, 19)))[0][
        "steps"
    ] == {"countSum": "60"}


def test_a_last_window_that_is_cut_holds_nothing_from_behind_the_cut() -> None:
    app = GoogleApp(HandMade({"steps": minutes(3, "2026-11-18T22:59:00")}))
    reply = app.daily_roll_up("steps", date(2026, 11, 10), date(2026, 11, 19), windowSizeDays=7)
    [cut] = rows_of(reply)  # the 17th and 18th, as the wearer's clock had it
    assert cut["civilStartTime"]["date"]["day"] == 17
    assert cut["steps"] == {"countSum": "1"}


@pytest.mark.parametrize(
    "span",
    [
        {
            "start": {"year": 2026, "month": 11, "day": 3},
            "end": {"year": 2026, "month": 11, "day": 4},
        },
        {"start": "2026-11-03", "end": "2026-11-04"},
        {"start": {"date": {"year": 2026, "month": 11, "day": "03"}}},
        {"start": {"date": {"year": 2026, "month": 11, "day": 31}}},
        {"start": {"date": {"year": 2026, "month": 11, "day": 3}, "time": {"hours": 1}}},
        {"start": {"date": {"year": 2026, "month": 11, "day": True}}},
        {"startTime": "2026-11-03T00:00:00Z", "endTime": "2026-11-04T00:00:00Z"},
        {},
        None,
    ],
)
def test_a_civil_time_must_be_nested_as_documented(span: Any) -> None:
    app = steps_app()
    if isinstance(span, dict) and set(span) == {"start"}:
        span["end"] = {"date": {"year": 2026, "month": 12, "day": 4}}
    path = "/v4/users/me/dataTypes/steps/dataPoints:dailyRollUp"
    reply = app.post(path, {"range": span})
    assert (reply.status_code, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_zero_padded_numbers_are_no_json() -> None:
    app = steps_app()
    body = b'{"range":{"start":{"date":{"year":2026,"month":11,"day":03}}}}'
    path = "/v4/users/me/dataTypes/steps/dataPoints:dailyRollUp"
    reply = app.client.post(path, content=body, headers=app.authorized)
    assert reply.json()["error"]["message"].startswith("Invalid JSON payload received.")


@pytest.mark.parametrize(
    "body",
    [
        {"windowSize": "1h"},
        {"windowSize": "0.5s"},
        {"windowSize": 3600},
        {"windowSize": None},
        {"window_size": "3600s"},
        {"windowSizeDays": 1},
        {"pageSize": "many"},
        {"pageSize": -1},
        {"pageToken": 7},
        {"dataSourceFamily": "all-sources"},
        {"range": {"startTime": "2026-11-19T00:00:00Z"}},
        {"range": {"startTime": "2026-11-19", "endTime": "2026-11-20"}},
        {"range": {"startTime": DAY[1], "endTime": DAY[0]}},
        {"range": {"startTime": DAY[0], "endTime": DAY[0]}},
    ],
)
def test_a_roll_up_that_means_nothing_is_refused(body: dict[str, Any]) -> None:
    reply = steps_app().roll_up("steps", *DAY, **body)
    assert (reply.status_code, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def _zone(at: str, zone: str, **more: Any) -> Any:
    return point(f"2026-11-03T{at}:00", {"heartRateZone": zone, **more})


@pytest.mark.parametrize(
    ("data_type", "points", "value"),
    [
        ("altitude", [{"gainMillimeters": "3048"}, {"gainMillimeters": "-610"}], "2438"),
        ("distance", [{"millimeters": "700"}, {}], "700"),
        ("floors", [{"count": "2"}, {}], "2"),
        ("steps", [{}], "0"),
    ],
)
def test_whole_numbers_add_up_as_text(
    data_type: str, points: list[dict[str, str]], value: str
) -> None:
    made = [point(f"2026-11-19T10:0{turn}:00", given) for turn, given in enumerate(points)]
    rows = rows_of(GoogleApp(HandMade({data_type: made})).roll_up(data_type, *DAY, pageSize=24))
    [told] = [row[data_type] for row in rows]
    assert list(told.values()) == [value]


def test_each_type_is_told_with_its_own_members() -> None:
    at = "2026-11-03T10:00:00"
    values: dict[str, list[dict[str, Any]]] = {
        "active-energy-burned": [{"kcal": 1.5}],
        "active-minutes": [
            {"activeMinutesByActivityLevel": [{"activityLevel": level, "activeMinutes": "1"}]}
            for level in ("LIGHT", "MODERATE", "VIGOROUS")
        ],
        "active-zone-minutes": [{"heartRateZone": "CARDIO", "activeZoneMinutes": "2"}],
        "activity-level": [
            {"activityLevelType": name}
            for name in ("SEDENTARY", "LIGHTLY_ACTIVE", "MODERATELY_ACTIVE", "VERY_ACTIVE")
        ],
        "altitude": [{"gainMillimeters": "1"}],
        "blood-glucose": [{"bloodGlucoseMilligramsPerDeciliter": 100}],
        "body-fat": [{"percentage": 18.5}],
        "calories-in-heart-rate-zone": [
            {"heartRateZone": zone, "kcal": 1.0}
            for zone in ("LIGHT", "MODERATE", "VIGOROUS", "PEAK")
        ],
        "core-body-temperature": [{"temperatureCelsius": 36.5}, {"temperatureCelsius": 37.5}],
        "distance": [{"millimeters": "1"}],
        "floors": [{"count": "1"}],
        "heart-rate": [{"beatsPerMinute": "60"}, {"beatsPerMinute": "71"}],
        "hydration-log": [{"amountConsumed": {"milliliters": 250}}],
        "run-vo2-max": [{"runVo2Max": 45.0}],
        "sedentary-period": [{}],
        "steps": [{"count": "1"}],
        "swim-lengths-data": [{"strokeCount": "18"}],
        "time-in-heart-rate-zone": [
            {"heartRateZoneType": zone} for zone in ("LIGHT", "MODERATE", "PEAK")
        ],
        "weight": [{"weightGrams": 81000}],
    }
    by_type = {name: [point(at, value) for value in given] for name, given in values.items()}
    offered = frozenset({("activity-level", "dailyRollup")})
    app = GoogleApp(HandMade(by_type), also_offered=offered)
    for name in values:
        reply = app.daily_roll_up(name, date(2026, 11, 3), date(2026, 11, 4))
        [told] = rows_of(reply)
        like = recorded(f"daily-rollup/{name}.json")["rollupDataPoints"][0]
        assert _shape(told, name) == _shape(like, name), name


def _shape(value: Any, name: str) -> Any:
    """Reduce a body to its members and the kinds of its values; optional units are left aside."""
    if isinstance(value, dict):
        return {
            key: _shape(member, name)
            for key, member in value.items()
            if key != "userProvidedUnitLast"
        }
    if isinstance(value, list):
        return [_shape(member, name) for member in value[:1]]
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_lengths_are_shared_out_between_windows() -> None:
    rest = point("2026-11-19T09:30:00", {}, seconds=5400)
    app = GoogleApp(HandMade({"sedentary-period": [rest]}))
    rows = rows_of(app.roll_up("sedentary-period", *DAY, pageSize=24))
    told = [(row["startTime"][11:13], row["sedentaryPeriod"]["durationSum"]) for row in rows]
    assert told == [("10", "3600s"), ("09", "1800s")]


def test_a_nutrition_log_adds_up() -> None:
    meal = {
        "energy": {"kcal": 900},
        "totalCarbohydrate": {"grams": 105.25},
        "totalFat": {"grams": 30.6},
        "nutrients": [{"nutrient": "PROTEIN", "quantity": {"grams": 48.2}}],
    }
    by_type = {"nutrition-log": [point(f"2026-11-03T1{n}:00:00", meal) for n in range(2)]}
    reply = GoogleApp(HandMade(by_type)).daily_roll_up(
        "nutrition-log", date(2026, 11, 3), date(2026, 11, 4)
    )
    assert reply.json() == recorded("daily-rollup/nutrition-log.json")
