"""Nights, series, weighings and activities of the legacy API: what is told, when, and how."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from fitbitd.simulator import DailySyncs, FitbitSettings, Wearer
from fitbitd.simulator.fitbit_life import FitbitLife
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.orders import Trip
from tests.support.fitbit import SimulatedApp, error_of

USER = "/1/user/-"
LIST = f"{USER}/activities/list.json"
DAYS = "2026-02-20/2026-03-10"
NOW = datetime(2026, 3, 10, 18, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASLEEP_UNTIL = "2026-03-10T09:00:00+00:00"


def app(now: str = "2026-03-10T18:40:00+00:00", **changes: Any) -> SimulatedApp:
    wearer = Wearer(seed=4, syncs=DailySyncs((time(8, 50), time(18))), **changes)
    return SimulatedApp(FitbitSettings(consent="allow", list_page=5), now=now, wearer=wearer)


def get(path: str, of: SimulatedApp | None = None) -> Any:
    answer = (of or app()).get(f"{USER}/{path}.json")
    assert answer.status_code == httpx.codes.OK
    return answer.json()


def test_ranges_of_oxygen_are_a_list_and_a_date_is_one_object_or_none() -> None:
    rows = get(f"spo2/date/{DAYS}")
    assert {"avg", "min", "max"} == rows[-1]["value"].keys()
    assert get(f"spo2/date/{rows[-1]['dateTime']}") == rows[-1]
    assert get("spo2/date/2025-06-01") == {}  # before the account
    minutes = get(f"spo2/date/{rows[-1]['dateTime']}/all")["minutes"]
    assert {type(row["value"]) for row in minutes} == {int, float}
    assert all(len(row["minute"]) == len("2026-03-10T04:02:17") for row in minutes)


def test_a_night_without_a_value_is_told_in_its_own_way() -> None:
    stages = get(f"br/date/{DAYS}/all")["br"]
    rem = [row["value"]["remSleepSummary"]["breathingRate"] for row in stages]
    assert -1 in rem
    assert max(rem) > 10
    deep = ["deepRmssd" in row["value"] for row in get(f"hrv/date/{DAYS}")["hrv"]]
    assert set(deep) == {True, False}
    skin = get(f"temp/skin/date/{DAYS}")["tempSkin"]
    assert {row["logType"] for row in skin} == {"dedicated_temp_sensor", "other_sensors"}


@pytest.mark.parametrize(
    ("path", "key", "after"), [("hrv", "hrv", 15), ("br", "br", 15), ("spo2", "", 60)]
)
def test_a_night_appears_some_time_after_the_sync_that_brought_it(
    path: str, key: str, after: int
) -> None:
    one = app(ASLEEP_UNTIL)
    nights = FitbitLife(one.wearer)
    day = next(
        night.day
        for night in reversed(nights.nights("hrv", date(2026, 3, 1), date(2026, 3, 9), NOW))
        if night.mean_variability and night.breaths
    )
    synced = datetime.combine(day, time(7, 50), UTC)  # 08:50 in Berlin
    for minutes, told in ((after - 1, False), (after, True)):
        body = get(f"{path}/date/{day}/{day}", app((synced + minutes * MINUTE).isoformat()))
        assert bool(body[key] if key else body) is told


def test_series_are_strings_zeros_included_and_only_the_basal_rate_is_always_there() -> None:
    one = app("2026-03-10T02:00:00+00:00", days_off=frozenset({date(2026, 3, 8)}))
    said = {
        name: [
            row["value"]
            for row in get(f"activities/{name}/date/2026-03-08/2026-03-10", one)[
                f"activities-{name}"
            ]
        ]
        for name in ("distance", "floors", "calories", "caloriesBMR", "minutesSedentary")
    }
    assert all(isinstance(value, str) for values in said.values() for value in values)
    assert (said["distance"][0], said["distance"][2]) == ("0.0", "0.0")
    assert float(said["distance"][1]) > 0
    assert said["caloriesBMR"] == ["1728"] * 3
    assert (said["calories"][0], said["calories"][2]) == ("1728", "1728")
    assert int(said["calories"][1]) > 1728
    assert said["minutesSedentary"][0] == "1440"


def test_days_and_zones_without_active_zone_minutes_are_absent() -> None:
    one = app(days_off=frozenset({date(2026, 3, 8)}))
    rows = get(f"activities/active-zone-minutes/date/{DAYS}", one)["activities-active-zone-minutes"]
    assert "2026-03-08" not in {row["dateTime"] for row in rows}
    assert len({len(row["value"]) for row in rows}) > 1
    assert all(sum(row["value"].values()) == 2 * row["value"]["activeZoneMinutes"] for row in rows)


def test_weighings_are_those_of_the_other_provider_with_fat_only_by_a_scale() -> None:
    typed, scaled = (
        get(f"body/log/weight/date/{DAYS}", app(has_scale=scale))["weight"]
        for scale in (False, True)
    )
    assert {row["source"] for row in typed} == {"API"}
    assert not any("fat" in row for row in typed)
    assert {row["source"] for row in scaled} == {"Aria"}
    assert all("fat" in row for row in scaled)
    one = app(has_scale=True)
    points = GoogleLife(one.wearer).points("weight", 0, 2**42, NOW)
    told = {point.start_ms // 1000: point.value["weightGrams"] for point in points}
    assert {row["logId"] // 1000: 1000 * row["weight"] for row in scaled}.items() <= told.items()


def test_activities_come_in_pages_whose_links_are_to_be_followed() -> None:
    one = app()
    link, found, pages = (
        f"{USER}/activities/list.json?afterDate=2026-02-20T00:00:00&sort=asc&limit=100&offset=0",
        [],
        0,
    )
    while link:
        body = one.get(link).json()
        found += body["activities"]
        link, pages = body["pagination"]["next"], pages + 1
        assert len(body["activities"]) <= 5
        assert not link or "%3A" in link
    starts = [row["startTime"] for row in found]
    assert starts == sorted(starts)
    assert pages > 2
    assert any("activityName" not in row for row in found)
    assert any("distance" not in row for row in found)
    assert len({row["logId"] for row in found}) == len(found)


def test_an_activity_that_is_edited_says_when() -> None:
    one = app()
    path = f"{LIST}?afterDate=2026-03-01&sort=asc&limit=9&offset=0"
    before = one.get(path).json()["activities"][0]
    one.wearer.edit_point(str(before["logId"]), {"displayName": "Evening"}, at=NOW - MINUTE)
    after = one.get(path).json()["activities"][0]
    assert (after["logId"], after["lastModified"]) == (before["logId"], "2026-03-10T18:39:00.000Z")
    assert before["lastModified"] != after["lastModified"]


def test_a_trip_shows_in_the_offset_of_activities_alone() -> None:
    away = Trip("America/New_York", datetime(2026, 2, 20, tzinfo=UTC), NOW.replace(minute=30))
    home, abroad = app(), app(trips=(away,))
    path = f"{LIST}?afterDate=2026-03-01&sort=asc&limit=9&offset=0"
    ends = [
        {row["startTime"][-6:] for row in one.get(path).json()["activities"]}
        for one in (home, abroad)
    ]
    assert ends == [{"+01:00"}, {"-05:00"}]
    assert get(f"hrv/date/{DAYS}/all", home) == get(f"hrv/date/{DAYS}/all", abroad)


def test_minutes_of_nights_are_denied_to_an_app_that_is_not_personal() -> None:
    one = SimulatedApp(FitbitSettings(consent="allow", personal=False))
    for path in ("hrv", "spo2", "br"):
        refused = one.get(f"{USER}/{path}/date/today/all.json")
        assert error_of(refused) == (403, "insufficient_permissions")
        assert one.get(f"{USER}/{path}/date/today.json").status_code == httpx.codes.OK
