"""Lists and merged lists: pages, tokens, families of sources, and the shapes of points."""

from datetime import date
from typing import Any

import pytest

from fitbitd.simulator import Wearer
from fitbitd.simulator.google_health import SCOPE_PREFIX
from tests.support.google_app import (
    BY_HAND,
    ME,
    PHONE,
    GoogleApp,
    HandMade,
    daily,
    minutes,
    point,
    recorded,
    starts,
)

FAMILY = "users/me/dataSourceFamilies/"


def walk(app: GoogleApp, data_type: str, text: str = "", **query: str) -> list[Any]:
    """Read a list to its end; give its pages."""
    pages, token = [], ""
    while True:
        more = {"pageToken": token} if token else {}
        reply = app.list(data_type, text, **query, **more)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        pages.append(body.get("dataPoints", []))
        token = body.get("nextPageToken", "")
        if not token:
            return pages


def steps_app(count: int = 10, **settings: Any) -> GoogleApp:
    return GoogleApp(HandMade({"steps": minutes(count)}), quota_per_minute=10_000, **settings)


def test_pages_are_newest_first_and_complete() -> None:
    pages = walk(steps_app(), "steps", pageSize="4")
    assert [len(page) for page in pages] == [4, 4, 2]
    times = [row["steps"]["interval"]["startTime"] for page in pages for row in page]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 10


def test_points_of_one_instant_are_not_lost_between_pages() -> None:
    same = [point("2026-11-19T10:00:00", {"count": str(n)}) for n in range(5)]
    app = GoogleApp(HandMade({"steps": [*minutes(1, "2026-11-19T09:59:00"), *same]}))
    pages = walk(app, "steps", pageSize="2")
    counts = [row["steps"].get("count", "0") for page in pages for row in page]
    assert counts == ["4", "3", "2", "1", "0", "1"]


def test_points_that_arrive_between_two_pages_shift_nothing() -> None:
    app = steps_app(4)
    first = app.list("steps", pageSize="2").json()
    assert app.life is not None
    app.life.by_type["steps"] += minutes(3, "2026-11-19T11:00:00")
    rest = app.list("steps", pageSize="2", pageToken=first["nextPageToken"])
    assert starts(rest, "steps") == ["2026-11-19T10:01:00Z", "2026-11-19T10:00:00Z"]


@pytest.mark.parametrize(
    ("data_type", "query", "served"),
    [
        ("steps", {}, 1440),
        ("steps", {"pageSize": "0"}, 1440),
        ("steps", {"pageSize": "10000"}, 10_000),
        ("steps", {"pageSize": "20000"}, 10_000),
        ("heart-rate", {}, 50),
        ("heart-rate", {"pageSize": "10000"}, 5_000),
        ("heart-rate", {"pageSize": "3"}, 3),
        ("exercise", {}, 25),
        ("exercise", {"pageSize": "100"}, 25),
        ("sleep", {"pageSize": "26"}, 25),
        ("sleep", {"pageSize": "24"}, 24),
    ],
)
def test_page_sizes_are_the_ones_of_the_type(
    data_type: str, query: dict[str, str], served: int
) -> None:
    many = [p for start in range(8) for p in minutes(1440, f"2026-11-{start + 10}T00:00:00")]
    app = GoogleApp(HandMade({data_type: many}))
    assert len(app.list(data_type, **query).json()["dataPoints"]) == served


@pytest.mark.parametrize("size", ["-1", "many", "1.5", "99999999999", "007"])
def test_a_page_size_that_means_nothing_is_refused(size: str) -> None:
    reply = steps_app().list("steps", pageSize=size)
    assert (reply.status_code, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_short_pages_and_repeated_points_can_be_ordered() -> None:
    assert [len(page) for page in walk(steps_app(short_page=3), "steps")] == [3, 3, 3, 1]
    pages = walk(steps_app(repeat_point=True), "steps", pageSize="4")
    assert [len(page) for page in pages] == [4, 4, 4]
    assert [page[-1] for page in pages[:-1]] == [page[0] for page in pages[1:]]


def test_a_month_of_minutes_begins_with_an_empty_page_and_a_token() -> None:
    name = "steps.interval.start_time"
    month = f'{name} >= "2026-10-20T00:00:00Z" AND {name} < "2026-11-20T00:00:00Z"'
    assert [len(page) for page in walk(steps_app(), "steps", month)] == [0, 10]
    assert [len(page) for page in walk(steps_app(empty_page_days=None), "steps", month)] == [10]
    week = month.replace("10-20", "11-13")
    assert [len(page) for page in walk(steps_app(), "steps", week)] == [10]


@pytest.mark.parametrize(
    ("settings", "empty", "last"),
    [
        ({}, recorded("list/empty-braces.json"), {"nextPageToken": ""}),
        ({"empty_body": "array"}, recorded("list/empty-array.json"), {"nextPageToken": ""}),
        ({"last_token": "absent"}, {}, {}),
    ],
)
def test_the_end_of_a_list_has_several_spellings(
    settings: dict[str, Any], empty: object, last: dict[str, str]
) -> None:
    app = steps_app(1, **settings)
    assert app.list("distance").json() == empty
    body = app.list("steps").json()
    del body["dataPoints"]
    assert body == last


@pytest.mark.parametrize(
    "changes",
    [
        {"pageSize": "3"},
        {"filter": 'steps.interval.civil_start_time >= "2026-11-19"'},
        {"dataSourceFamily": f"{FAMILY}all-sources"},
    ],
)
def test_a_page_token_is_good_for_its_own_request_alone(changes: dict[str, str]) -> None:
    app = steps_app()
    token = app.list("steps", pageSize="2").json()["nextPageToken"]
    query = {"pageSize": "2", "pageToken": token}
    assert app.list("steps", **query).status_code == 200
    assert app.list("steps", **{**query, **changes}).status_code == 400
    assert app.list("distance", **query).status_code == 400
    assert app.reconcile("steps", **query).status_code == 400


def test_a_page_token_can_be_made_up_or_too_old() -> None:
    app = steps_app(page_token_life_s=60)
    token = app.list("steps", pageSize="2").json()["nextPageToken"]
    for wrong in ("x", "!", token[:-4], token[4:]):
        assert app.list("steps", pageSize="2", pageToken=wrong).status_code == 400
    app.clock.advance(61)
    assert app.list("steps", pageSize="2", pageToken=token).status_code == 400


@pytest.mark.parametrize(
    ("family", "counts"),
    [
        ("all-sources", ["3", "2", "1"]),
        ("google-wearables", ["1"]),
        ("google-sources", ["3", "2", "1"]),
        ("self-sources", []),
    ],
)
def test_a_family_narrows_a_list_to_its_sources(family: str, counts: list[str]) -> None:
    points = [
        point("2026-11-19T10:00:00", {"count": "1"}),
        point("2026-11-19T10:01:00", {"count": "2"}, source=BY_HAND),
        point("2026-11-19T10:02:00", {"count": "3"}, source=PHONE),
    ]
    app = GoogleApp(HandMade({"steps": points}))
    for user in ("me", ME):
        reply = app.list("steps", dataSourceFamily=f"users/{user}/dataSourceFamilies/{family}")
        assert [row["steps"]["count"] for row in reply.json().get("dataPoints", [])] == counts


@pytest.mark.parametrize(
    "family", ["google-wearables", f"{FAMILY}watches", "users/7/dataSourceFamilies/all-sources"]
)
def test_a_family_must_be_a_full_known_name(family: str) -> None:
    reply = steps_app().list("steps", dataSourceFamily=family)
    assert (reply.status_code, reply.json()) == (
        400,
        recorded("errors/400-data-source-family.json"),
    )


@pytest.mark.parametrize("data_type", ["sleep", "food", "food-measurement-unit"])
def test_some_lists_take_no_family(data_type: str) -> None:
    app = GoogleApp(HandMade())
    reply = app.list(data_type, dataSourceFamily=f"{FAMILY}all-sources")
    assert reply.json() == recorded("errors/400-data-source-family.json")
    assert app.list(data_type).status_code == 200
    whole = app.reconcile("sleep", dataSourceFamily=f"{FAMILY}all-sources")
    assert whole.status_code == 200


def test_who_may_only_write_sees_only_what_it_wrote() -> None:
    writer = frozenset({f"{SCOPE_PREFIX}{name}.writeonly" for name in ("sleep", "nutrition")})
    log = {"nutrition-log": [point("2026-11-19T10:00:00", {}, source=BY_HAND, point_id="1")]}
    app = GoogleApp(HandMade(log), scopes=writer)
    assert app.list("nutrition-log").json() == {}
    asked = app.list("nutrition-log", dataSourceFamily=f"{FAMILY}all-sources")
    assert (asked.status_code, app.list("sleep").status_code) == (403, 403)


def test_a_minute_is_told_as_it_was_recorded() -> None:
    like = recorded("list/active-minutes.json")["dataPoints"][0]
    made = point(
        "2026-09-24T14:59:00",
        {"activeMinutesByActivityLevel": [{"activityLevel": "LIGHT", "activeMinutes": "1"}]},
        offset_s=32400,
    )
    made = type(made)(  # the recorded source
        made.start_ms,
        made.end_ms,
        32400,
        32400,
        type(made.source)("DERIVED", "FITBIT", {"displayName": "Pixel Watch 4"}),
        made.value,
    )
    app = GoogleApp(HandMade({"active-minutes": [made]}))
    assert app.list("active-minutes").json()["dataPoints"] == [like]
    del like["dataSource"]  # and merged, nobody knows where it came from
    assert app.reconcile("active-minutes").json()["dataPoints"] == [like]
    app.simulator.change(midnight="absent")
    told = app.list("active-minutes").json()["dataPoints"][0]["activeMinutes"]["interval"]
    assert told["civilEndTime"] == {"date": {"year": 2026, "month": 9, "day": 25}}


def test_only_identifiable_points_have_names_with_the_numeric_id() -> None:
    weight = point("2026-11-19T05:15:22.500", {"weightGrams": 81180}, seconds=0, point_id="77")
    app = GoogleApp(HandMade({"weight": [weight], "steps": minutes(1)}))
    name = f"users/{ME}/dataTypes/weight/dataPoints/77"
    listed = app.list("weight").json()["dataPoints"][0]
    assert listed["name"] == name
    assert listed["weight"]["sampleTime"] == {
        "physicalTime": "2026-11-19T05:15:22.500Z",
        "utcOffset": "3600s",
        "civilTime": {
            "date": {"year": 2026, "month": 11, "day": 19},
            "time": {"hours": 6, "minutes": 15, "seconds": 22, "nanos": 500_000_000},
        },
    }
    merged = app.reconcile("weight").json()["dataPoints"][0]
    assert (merged["dataPointName"], "name" in merged, "dataSource" in merged) == (
        name,
        False,
        False,
    )
    assert "name" not in app.list("steps").json()["dataPoints"][0]
    assert app.get(f"/v4/{name}").json() == listed
    assert app.get(f"/v4/{name}0").json() == recorded("errors/404-data-point.json")


def test_sessions_have_no_civil_times_and_no_false_members() -> None:
    night = point(
        "2026-11-18T22:00:00",
        {"type": "STAGES", "metadata": {"processed": True, "nap": False}},
        seconds=3600,
        point_id="5",
    )
    app = GoogleApp(HandMade({"sleep": [night], "nutrition-log": [night]}))
    sleep = app.list("sleep").json()["dataPoints"][0]["sleep"]
    assert set(sleep["interval"]) == {"startTime", "startUtcOffset", "endTime", "endUtcOffset"}
    assert sleep["metadata"] == {"processed": True}
    meal = app.list("nutrition-log").json()["dataPoints"][0]["nutritionLog"]
    assert "civilStartTime" in meal["interval"]


@pytest.mark.parametrize(("spelt", "count"), [("absent", None), ("explicit", "0")])
@pytest.mark.parametrize("value", [{}, {"count": "0"}])
def test_a_worn_minute_without_a_step_is_a_zero(
    spelt: str, count: str | None, value: dict[str, str]
) -> None:
    still = point("2026-11-02T11:59:00", value, offset_s=7200)
    app = GoogleApp(HandMade({"steps": [still]}), zero_counts=spelt)
    told = app.list("steps").json()["dataPoints"][0]
    assert told["steps"].get("count") == count
    if spelt == "absent":
        like = recorded("values/steps-true-zero-without-count.json")["dataPoints"][0]
        assert told == like


def test_energy_can_carry_noise_in_its_last_digit() -> None:
    energy = {"active-energy-burned": [point("2026-11-19T10:00:00", {"kcal": 1.2})]}
    app = GoogleApp(HandMade(energy), float_noise=True)
    kcal = app.list("active-energy-burned").json()["dataPoints"][0]["activeEnergyBurned"]["kcal"]
    assert kcal != 1.2
    assert kcal == pytest.approx(1.2)


def test_days_have_a_date_and_no_interval() -> None:
    days = [daily(date(2026, 11, day), {"beatsPerMinute": "53"}) for day in (18, 19)]
    app = GoogleApp(HandMade({"daily-resting-heart-rate": days}))
    rows = app.list("daily-resting-heart-rate").json()["dataPoints"]
    assert [row["dailyRestingHeartRate"] for row in rows] == [
        {"date": {"year": 2026, "month": 11, "day": day}, "beatsPerMinute": "53"}
        for day in (19, 18)
    ]


def test_the_wearers_life_is_served_whole() -> None:
    app = GoogleApp(wearer=Wearer(seed=4, member_since=date(2026, 11, 1)), quota_per_minute=10_000)
    name = "heart_rate.sample_time.physical_time"
    day = f'{name} >= "2026-11-18T00:00:00Z" AND {name} < "2026-11-19T00:00:00Z"'
    rows = [row for page in walk(app, "heart-rate", day, pageSize="5000") for row in page]
    life = app.simulator._api._life
    start = 1_000 * int(app.clock.now().timestamp() // 86_400 - 2) * 86_400
    known = life.points("heart-rate", start, start + 86_400_000, app.clock.now())
    assert len(rows) == len(known) > 5_000
