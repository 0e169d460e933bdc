"""Bodies have the shape of recorded ones, and say what the wearer's truth says."""

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from fitbitd.simulator import DailySyncs, FitbitSettings, ListedSyncs, Wearer
from tests.support.fitbit import SimulatedApp

RECORDED = Path(__file__).parents[1] / "data" / "fitbit" / "data"
ADDED = {"logType", "thirtyDayAvgMinutes", "restingHeartRate", "shortData", "stages", "features"}
"""Keys that not every recording has."""


def shape(value: Any) -> Any:
    """Reduce JSON to its keys and types; a list to the merged shape of what it holds."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        merged: Any = None
        for item in value:
            merged = shape(item) if merged is None else merge(merged, shape(item))
        return [merged]
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


def merge(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: merge(one[key], other[key])
            if key in one and key in other
            else one.get(key, other.get(key))
            for key in one | other
        }
    if isinstance(one, list) and isinstance(other, list):
        return [merge(one[0], other[0])] if one[0] and other[0] else [one[0] or other[0]]
    return one


def differences(made: Any, recorded: Any, where: str = "$") -> list[str]:
    """List where a made shape leaves the recorded one."""
    if isinstance(made, dict) and isinstance(recorded, dict):
        keys = sorted((made.keys() ^ recorded.keys()) - ADDED)
        found = [f"{where}.{key}" for key in keys]
        for key in made.keys() & recorded.keys():
            found += differences(made[key], recorded[key], f"{where}.{key}")
        return found
    if isinstance(made, list) and isinstance(recorded, list):
        return differences(made[0], recorded[0], f"{where}[]") if made[0] and recorded[0] else []
    return [] if made == recorded else [f"{where}: {made} is not {recorded}"]


def recorded(*names: str) -> Any:
    shapes = [shape(json.loads((RECORDED / f"{name}.json").read_bytes())) for name in names]
    whole = shapes[0]
    for other in shapes[1:]:
        whole = merge(whole, other)
    return whole


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/1/user/-/devices.json", ("devices_tracker_and_scale",)),
        (
            "/1/user/-/activities/heart/date/2026-03-09/1d/1sec.json",
            ("intraday_heart_1sec",),
        ),
        ("/1/user/-/activities/heart/date/2026-03-09/1d/1min.json", ("intraday_heart_1min",)),
        ("/1/user/-/activities/steps/date/2026-03-09/1d/1min.json", ("intraday_steps_1min",)),
        ("/1/user/-/activities/heart/date/2026-03-01/2026-03-09.json", ("ts_activities_heart",)),
        (
            "/1/user/-/activities/steps/date/2026-03-01/2026-03-09.json",
            ("ts_activities_steps_real",),
        ),
        ("/1.2/user/-/sleep/date/2026-03-09.json", ("sleep_by_date_stages",)),
        (
            "/1.2/user/-/sleep/list.json?afterDate=2026-01-01&sort=asc&offset=0&limit=100",
            ("sleep_log_list_page", "sleep_by_date_2016_classic_two"),
        ),
    ],
)
def test_a_body_has_the_keys_and_types_of_the_recorded_one(
    path: str, names: tuple[str, ...]
) -> None:
    app = SimulatedApp(wearer=Wearer(has_scale=True))
    reply = app.get(path)
    assert reply.status_code == 200
    made = shape(reply.json())
    wanted = recorded(*names)
    if "list" in path:
        assert made.pop("pagination") == wanted.pop("pagination")
        del wanted["summary"]  # a list has none
    assert differences(made, wanted) == []


def test_a_profile_has_the_keys_that_recorded_ones_share_and_no_other() -> None:
    profiles = [recorded(name)["user"] for name in ("profile", "profile_other")]
    made = shape(SimulatedApp().get("/1/user/-/profile.json").json())["user"]
    assert (
        profiles[0].keys() & profiles[1].keys()
        <= made.keys()
        <= profiles[0].keys() | profiles[1].keys()
    )
    assert made.pop("topBadges") == [None]
    assert all(made[key] == profiles[0].get(key, made[key]) for key in made)


def test_rows_of_a_day_are_the_truth() -> None:
    app = SimulatedApp()
    truth = app.wearer.truth(app.clock.now(), date(2026, 3, 8), date(2026, 3, 8))
    heart = app.get("/1/user/-/activities/heart/date/2026-03-08/1d/1sec.json").json()
    midnight_s = int(datetime(2026, 3, 7, 23, tzinfo=UTC).timestamp())
    rows = [
        (midnight_s + seconds_of(row["time"]), row["value"])
        for row in heart["activities-heart-intraday"]["dataset"]
    ]
    assert rows == truth["heart_rate"]
    steps = app.get("/1/user/-/activities/steps/date/2026-03-08/1d/1min.json").json()
    assert steps["activities-steps"] == [
        {"dateTime": "2026-03-08", "value": str(truth["daily_steps"][0][1])}
    ]
    assert [row["value"] for row in steps["activities-steps-intraday"]["dataset"]] == [
        count for _, count in truth["steps"]
    ]


def seconds_of(text: str) -> int:
    hours, minutes, seconds = map(int, text.split(":"))
    return 3600 * hours + 60 * minutes + seconds


@pytest.mark.parametrize("level", [5, 15])
def test_coarser_levels_sum_steps_and_average_the_heart(level: int) -> None:
    app = SimulatedApp()
    base = "/1/user/-/activities/{}/date/2026-03-08/1d/{}.json"

    def rows(resource: str, detail: str) -> list[dict[str, Any]]:
        body = app.get(base.format(resource, detail)).json()[f"activities-{resource}-intraday"]
        assert body["datasetInterval"] == (
            1 if detail == "1sec" else int(detail.removesuffix("min"))
        )
        assert body["datasetType"] == ("second" if detail == "1sec" else "minute")
        dataset: list[dict[str, Any]] = body["dataset"]
        return dataset

    fine, coarse = rows("steps", "1min"), rows("steps", f"{level}min")
    assert len(coarse) == 1440 // level
    assert sum(row["value"] for row in fine) == sum(row["value"] for row in coarse)
    beats = [row["value"] for row in rows("heart", "1sec") if row["time"] < f"00:{level:02}:00"]
    assert rows("heart", f"{level}min")[0] == {
        "time": "00:00:00",
        "value": round(sum(beats) / len(beats)),
    }


@pytest.mark.parametrize(
    ("end_minute", "last"),
    [("whole", "10:30:59"), ("first_second", "10:30:00"), ("excluded", "10:29:59")],
)
def test_how_much_of_its_last_minute_a_window_holds_is_a_setting(
    end_minute: Any, last: str
) -> None:
    app = SimulatedApp(FitbitSettings(end_minute=end_minute), wearer=Wearer(seed=4))
    day = "/1/user/-/activities/heart/date/2026-03-08/1d/1sec"
    whole = app.get(f"{day}.json").json()["activities-heart-intraday"]["dataset"]
    part = app.get(f"{day}/time/09:15/10:30.json").json()["activities-heart-intraday"]["dataset"]
    assert part == [row for row in whole if "09:15:00" <= row["time"] <= last]
    steps = app.get(
        "/1/user/-/activities/steps/date/2026-03-08/1d/1min/time/09:15/10:30.json"
    ).json()
    minutes = [row["time"] for row in steps["activities-steps-intraday"]["dataset"]]
    assert (minutes[0], minutes[-1]) == ("09:15:00", min(last[:5], "10:30") + ":00")


def test_a_window_turns_the_daily_value_into_a_decimal_string_and_lifts_the_zones() -> None:
    body = SimulatedApp().get(
        "/1/user/-/activities/heart/date/2026-03-08/1d/1sec/time/09:00/10:00.json"
    )
    (daily,) = body.json()["activities-heart"]
    assert float(daily["value"]) > 30
    assert isinstance(daily["value"], str)
    assert daily["heartRateZones"][0]["name"] == "Out of Range"
    assert sum(zone["minutes"] for zone in daily["heartRateZones"]) in {60, 61}


def test_a_window_may_cross_midnight_between_two_dates() -> None:
    path = "/1/user/-/activities/steps/date/2026-03-07/2026-03-08/1min/time/23:30/00:29.json"
    times = [
        row["time"]
        for row in SimulatedApp().get(path).json()["activities-steps-intraday"]["dataset"]
    ]
    assert (times[0], times[29], times[30], times[-1], len(times)) == (
        "23:30:00",
        "23:59:00",
        "00:00:00",
        "00:29:00",
        60,
    )


@pytest.mark.parametrize(("zero_fill", "rows"), [(True, 1440), (False, 11 * 60 + 31)])
def test_whether_steps_go_on_as_zeros_after_the_last_sync_is_a_setting(
    *, zero_fill: bool, rows: int
) -> None:
    app = SimulatedApp(
        FitbitSettings(zero_fill=zero_fill)
    )  # synced at 11:30:07 of the wearer's day
    body = app.get("/1/user/-/activities/steps/date/today/1d/1min.json").json()
    dataset = body["activities-steps-intraday"]["dataset"]
    assert (len(dataset), dataset[690]["time"]) == (rows, "11:30:00")
    assert not any(row["value"] for row in dataset[691:])


def test_the_hour_that_happens_twice_is_listed_twice_in_the_order_of_the_instants() -> None:
    app = SimulatedApp(now="2026-10-26T12:00:00+00:00")
    body = app.get("/1/user/-/activities/steps/date/2026-10-25/1d/1min.json").json()
    times = [row["time"] for row in body["activities-steps-intraday"]["dataset"]]
    assert len(times) == 25 * 60
    assert times[179:181] == ["02:59:00", "02:00:00"]
    window = app.get(
        "/1/user/-/activities/steps/date/2026-10-25/1d/1min/time/02:30/03:00.json"
    ).json()
    assert len(window["activities-steps-intraday"]["dataset"]) == 61


def test_a_night_across_a_clock_change_keeps_the_offset_of_its_start() -> None:
    app = SimulatedApp(now="2026-03-29T12:00:00+00:00", wearer=Wearer(seed=2))
    (log,) = app.get("/1.2/user/-/sleep/date/2026-03-29.json").json()["sleep"]
    (row,) = app.wearer.truth(app.clock.now(), date(2026, 3, 29))["sleep"]
    end = datetime.fromisoformat(log["endTime"]).replace(tzinfo=UTC)
    assert end.timestamp() - 3600 == row[3]  # winter time, although it ended in summer time
    assert log["duration"] == 1000 * (row[3] - row[2])


def test_ranges_of_sleep_come_newest_first_and_ids_do_not_fit_a_float() -> None:
    logs = SimulatedApp().get("/1.2/user/-/sleep/date/2026-02-10/2026-03-10.json").json()["sleep"]
    starts = [log["startTime"] for log in logs]
    assert starts == sorted(starts, reverse=True)
    assert any(int(float(log["logId"])) != log["logId"] for log in logs)


def test_a_list_of_sleep_is_followed_by_next() -> None:
    app = SimulatedApp()
    path = "/1.2/user/-/sleep/list.json?afterDate=2026-02-20&sort=asc&limit=5&offset=0"
    seen: list[int] = []
    while path:
        body = app.get(path).json()
        seen += [log["logId"] for log in body["sleep"]]
        path = body["pagination"]["next"]
    known = app.get("/1.2/user/-/sleep/date/2026-02-20/2026-03-10.json").json()["sleep"]
    newest = app.get(
        "/1.2/user/-/sleep/list.json?beforeDate=2027-01-01&sort=desc&limit=3&offset=0"
    ).json()
    assert set(seen) >= {log["logId"] for log in known if log["startTime"] >= "2026-02-20"}
    assert len(seen) == len(set(seen))
    assert [log["logId"] for log in newest["sleep"]] == seen[:-4:-1]


def test_series_hold_nothing_before_the_account_and_nothing_after_today() -> None:
    app = SimulatedApp(wearer=Wearer(member_since=date(2026, 3, 8)))
    steps = app.get("/1/user/-/activities/steps/date/2026-03-01/2026-03-20.json").json()
    assert [row["dateTime"] for row in steps["activities-steps"]] == [
        "2026-03-08",
        "2026-03-09",
        "2026-03-10",
    ]
    assert all(isinstance(row["value"], str) for row in steps["activities-steps"])
    before = app.get("/1/user/-/activities/heart/date/2026-03-01/2026-03-07.json").json()
    assert before == {"activities-heart": []}
    intraday = app.get("/1/user/-/activities/steps/date/2026-03-07/1d/1min.json").json()
    assert intraday["activities-steps"] == intraday["activities-steps-intraday"]["dataset"] == []


def test_days_after_the_last_sync_have_zero_steps_and_no_heart() -> None:
    app = SimulatedApp(wearer=Wearer(syncs=ListedSyncs([datetime(2026, 3, 7, 9, tzinfo=UTC)])))
    steps = app.get("/1/user/-/activities/steps/date/2026-03-08/2026-03-10.json").json()
    assert [row["value"] for row in steps["activities-steps"]] == ["0", "0", "0"]
    heart = app.get("/1/user/-/activities/heart/date/2026-03-07/7d.json").json()
    assert [row["dateTime"] for row in heart["activities-heart"]][-1] == "2026-03-07"


def test_zones_of_a_day_in_a_drawer_lack_their_minutes() -> None:
    app = SimulatedApp(wearer=Wearer(days_off=frozenset({date(2026, 3, 8)})))
    body = app.get("/1/user/-/activities/heart/date/2026-03-08/1d.json").json()
    value = body["activities-heart"][0]["value"]
    assert "restingHeartRate" not in value
    assert all(zone.keys() == {"name", "min", "max"} for zone in value["heartRateZones"])


@pytest.mark.parametrize(
    ("millis", "text"), [(True, "2026-03-10T08:00:05.000"), (False, "2026-03-10T08:00:05")]
)
def test_devices_say_when_they_synced_in_the_wearers_wall_clock(*, millis: bool, text: str) -> None:
    wearer = Wearer(syncs=DailySyncs((time(8, 0, 5),)), has_scale=True)
    devices = SimulatedApp(FitbitSettings(sync_millis=millis), wearer=wearer).get(
        "/1/user/-/devices.json"
    )
    tracker, scale = devices.json()
    assert (tracker["type"], tracker["lastSyncTime"]) == ("TRACKER", text)
    assert scale["type"] == "SCALE"


def test_devices_are_empty_before_the_first_sync() -> None:
    assert (
        SimulatedApp(wearer=Wearer(syncs=ListedSyncs())).get("/1/user/-/devices.json").json() == []
    )


@pytest.mark.parametrize(("true_offset", "hours"), [(True, 1), (False, -6)])
def test_the_profile_names_its_zone_and_its_offset_may_lie(
    *, true_offset: bool, hours: int
) -> None:
    user = (
        SimulatedApp(FitbitSettings(true_offset=true_offset))
        .get("/1/user/-/profile.json")
        .json()["user"]
    )
    assert (user["timezone"], user["offsetFromUTCMillis"]) == ("Europe/Berlin", hours * 3_600_000)
