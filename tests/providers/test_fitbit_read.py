"""Replies are read to the last point, and nothing is read into them."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fitbitd.errors import ContractError, RefusedError
from fitbitd.model import Daily, DeviceSync, Page, Part, Pull, Reply, Survey
from fitbitd.providers.fitbit.members import canonical
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.fitbit_wire import RECEIVED_AT, intraday, pull, recorded, reply, tail

FITBIT = FitbitProvider("https://api.fitbit.com")
STEPS = pull("steps", "2026-02-27")
BERLIN_NIGHTS = pull("sleep", "2026-10-24", "2026-10-26", zone="Europe/Berlin")


def at_ms(when: str) -> int:
    return int(datetime.fromisoformat(when).timestamp() * 1000)


def values(page: Page) -> dict[tuple[str, str], int | float]:
    return {(each.day.isoformat(), each.field): each.value for each in page.dailies}


def points(page: Page) -> list[tuple[int, int | float, int | None]]:
    return [point for part in page.readings for point in part.points]


# heart rate and steps


def test_a_recorded_day_of_heart_rate_is_read_row_by_row() -> None:
    asked = pull("heart_rate", "2017-05-01", zone="America/New_York")
    answer = recorded("intraday_heart_1sec")
    rows = json.loads(answer.body)["activities-heart-intraday"]["dataset"]
    page = FITBIT.read(asked, answer)
    (part,) = page.readings
    assert (part.field, part.source, part.utc_offset_s) == ("heart_rate", "", -4 * 3600)
    assert part.points == [
        (at_ms(f"2017-05-01T{row['time']}-04:00"), row["value"], None) for row in rows
    ]
    assert FITBIT.survey(asked, answer) == Survey(9373)
    assert (page.points, page.outside) == (9373, 0)


def test_heart_rate_by_the_minute_is_read_as_well() -> None:
    page = FITBIT.read(pull("heart_rate", "2018-09-01"), recorded("intraday_heart_1min"))
    assert points(page)[0] == (at_ms("2018-09-01T00:08:00Z"), 70, None)
    assert points(page)[-1] == (at_ms("2018-09-01T23:59:00Z"), 65, None)


def test_a_recorded_day_of_steps_keeps_every_minute_zeros_included() -> None:
    answer = recorded("intraday_steps_1min")
    page = FITBIT.read(pull("steps", "2016-03-08"), answer)
    rows = json.loads(answer.body)["activities-steps-intraday"]["dataset"]
    assert [value for _, value, _ in points(page)] == [row["value"] for row in rows]
    assert {value == 0 for _, value, _ in points(page)} == {True, False}
    assert points(page)[1] == (at_ms("2016-03-08T00:01:00Z"), 2, 60_000)


def test_rows_beyond_the_window_are_counted_and_not_read() -> None:
    asked = tail("heart_rate", "2026-02-27T09:00", "2026-02-27T10:00")
    rows = [("08:59:59", 1), ("09:00:00", 2), ("09:59:59", 3), ("10:00:00", 4), ("10:00:59", 5)]
    page = FITBIT.read(asked, intraday("heart", rows))
    assert [value for _, value, _ in points(page)] == [2, 3]
    assert page.outside == 3


def test_the_daily_block_of_a_tail_is_not_read() -> None:
    body = {
        "activities-heart": [{"dateTime": "2026-02-27", "value": "71.3"}],
        "activities-heart-intraday": {"dataset": [{"time": "09:00:00", "value": 70}]},
    }
    page = FITBIT.read(tail("heart_rate", "2026-02-27T09:00", "2026-02-27T10:00"), reply(body))
    assert (page.points, page.dailies) == (1, ())


def test_zeros_after_the_last_sync_are_not_readings() -> None:
    synced_at = datetime(2026, 2, 27, 9, 2, tzinfo=UTC)
    asked = pull("steps", "2026-02-27", synced_at=synced_at)
    rows = [("09:00:00", 0), ("09:01:00", 0), ("09:02:00", 0), ("09:03:00", 5), ("09:04:00", 0)]
    page = FITBIT.read(asked, intraday("steps", rows))
    assert [point[0] for point in points(page)] == [
        at_ms("2026-02-27T09:00Z"),
        at_ms("2026-02-27T09:01Z"),
        at_ms("2026-02-27T09:03Z"),
    ]
    assert page.outside == 0


def test_without_a_sync_zeros_of_the_future_are_not_readings() -> None:
    asked = pull("steps", "2026-03-01")  # received at 10:40
    page = FITBIT.read(asked, intraday("steps", [("10:39:00", 0), ("10:40:00", 0)]))
    assert [point[0] for point in points(page)] == [at_ms("2026-03-01T10:39Z")]


def test_a_day_of_which_nothing_is_known_yet_has_no_series() -> None:
    asked = pull("steps", "2026-03-02")
    assert FITBIT.read(asked, intraday("steps", [("10:40:00", 0)])).readings == ()


def test_the_two_offsets_of_a_day_are_two_series() -> None:
    asked = pull("heart_rate", "2026-10-25", zone="Europe/Berlin")
    rows = [("02:30:00", 61), ("02:30:00", 62), ("12:00:00", 63)]
    first, second = FITBIT.read(asked, intraday("heart", rows)).readings
    assert (first.utc_offset_s, first.points) == (7200, [(at_ms("2026-10-25T00:30Z"), 61, None)])
    assert (second.utc_offset_s, [value for _, value, _ in second.points]) == (3600, [62, 63])
    assert second.points[0][0] == at_ms("2026-10-25T01:30Z")


def test_steps_of_minutes_that_no_clock_showed_are_kept_unless_zero() -> None:
    asked = pull("steps", "2025-03-30", zone="Europe/Berlin")
    rows = [("01:59:00", 0), ("02:10:00", 0), ("02:20:00", 7), ("03:10:00", 0)]
    page = FITBIT.read(asked, intraday("steps", rows))
    assert [(point[0], point[1]) for point in points(page)] == [
        (at_ms("2025-03-30T00:59Z"), 0),
        (at_ms("2025-03-30T01:20Z"), 7),
        (at_ms("2025-03-30T01:10Z"), 0),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"time": "24:00:00", "value": 1},
        {"time": "09:60:00", "value": 1},
        {"time": "09:00", "value": 1},
        {"time": "09-00-00", "value": 1},
        {"time": "09:00:00.000", "value": 1},
        {"time": None, "value": 1},
        {"time": ["09:", "00:"], "value": 1},
        {"time": 90000, "value": 1},
        {"value": 1},
        {"time": "09:00:00"},
        {"time": "09:00:00", "value": None},
        {"time": "09:00:00", "value": "61"},
        {"time": "09:00:00", "value": True},
        {"time": "09:00:00", "value": 61.5},
        {"time": "09:00:00", "value": -1},
        {"time": "09:00:00", "value": 10**30},
        "09:00:00",
        None,
    ],
)
def test_a_row_that_makes_no_sense_is_named_but_not_quoted(row: Any) -> None:
    body = {"activities-steps-intraday": {"dataset": [{"time": "08:00:00", "value": 3}, row]}}
    with pytest.raises(ContractError, match="dataset") as caught:
        FITBIT.read(STEPS, reply(body))
    assert "61" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# the container


@pytest.mark.parametrize("kind", ["heart", "steps"])
def test_a_day_without_its_rows_means_an_app_that_is_not_personal(kind: str) -> None:
    asked = pull({"heart": "heart_rate"}.get(kind, kind), "2026-02-27")
    with pytest.raises(RefusedError, match="Personal") as caught:
        FITBIT.survey(asked, reply({f"activities-{kind}": []}))
    assert caught.value.code == "data_type_refused"
    with pytest.raises(ContractError):
        FITBIT.read(asked, reply({f"activities-{kind}": []}))


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (STEPS, {}),
        (STEPS, []),
        (STEPS, {"activities-steps-intraday": []}),
        (STEPS, {"activities-steps-intraday": {}}),
        (STEPS, {"activities-steps-intraday": {"dataset": {}}}),
        (STEPS, b"not JSON"),
        (STEPS, b'{"activities-steps-intraday": {"dataset": [NaN]}}'),
        (STEPS, b"[" * 100_000),
        (STEPS, b"\xff"),
        (pull("devices"), {}),
        (pull("profile"), {"user": []}),
        (pull("profile"), []),
        (BERLIN_NIGHTS, {"sleep": {}}),
        (pull("daily_steps", "2026-02-27"), {"activities-heart": []}),
    ],
)
def test_a_reply_without_the_container_is_not_an_empty_one(asked: Pull, body: Any) -> None:
    for question in (FITBIT.survey, FITBIT.read):
        with pytest.raises(ContractError):
            question(asked, reply(body))


def test_an_empty_container_is_a_complete_answer() -> None:
    assert FITBIT.survey(STEPS, intraday("steps", [])) == Survey(0)
    assert FITBIT.read(STEPS, intraday("steps", [])) == Page()
    assert FITBIT.survey(BERLIN_NIGHTS, recorded("sleep_by_date_empty")) == Survey(0)
    assert FITBIT.survey(pull("devices"), reply([])) == Survey(0)


def test_a_next_page_is_told_as_it_was_given() -> None:
    link = "https://api.fitbit.com/1.2/user/-/sleep/list.json?offset=1&limit=1&sort=asc"
    answer = recorded("sleep_log_list_page")
    assert FITBIT.survey(BERLIN_NIGHTS, answer) == Survey(1, f"{link}&afterDate=2020-05-01")


@pytest.mark.parametrize("pagination", [{}, {"next": ""}, {"previous": "x"}])
def test_no_next_page_is_the_end(pagination: dict[str, str]) -> None:
    body = {"sleep": [], "pagination": pagination}
    assert FITBIT.survey(BERLIN_NIGHTS, reply(body)).next_page is None


@pytest.mark.parametrize("pagination", [None, [], {"next": None}, {"next": 2}])
def test_a_next_page_of_another_kind_is_no_end(pagination: Any) -> None:
    with pytest.raises(ContractError, match="pagination"):
        FITBIT.survey(BERLIN_NIGHTS, reply({"sleep": [], "pagination": pagination}))


# profile and devices


def test_the_profile_tells_the_zone() -> None:
    page = FITBIT.read(pull("profile"), recorded("profile_other"))
    (snapshot,) = page.snapshots
    assert (page.zone, snapshot.key) == ("America/Los_Angeles", "profile")
    assert json.loads(snapshot.content)["encodedId"] == "ABC123"
    assert FITBIT.survey(pull("profile"), recorded("profile_other")) == Survey(1)


@pytest.mark.parametrize(
    "zone", [None, 3, "", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd", "\ud800", "\0"]
)
def test_a_zone_that_nobody_knows_leaves_the_one_known_before(zone: Any) -> None:
    page = FITBIT.read(pull("profile"), reply({"user": {"timezone": zone}}))
    assert (page.zone, page.points) == (None, 1)


def test_equal_snapshots_are_equal_text() -> None:
    one, other = (
        reply(b'{"user": {"a": 1, "b": "\\u00fc"}}'),
        reply('{"user":{"b":"ü","a":1}}'.encode()),
    )
    assert FITBIT.read(pull("profile"), one) == FITBIT.read(pull("profile"), other)


def test_endless_nesting_is_no_snapshot() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ContractError):
        canonical(deep)


def device(**members: Any) -> dict[str, Any]:
    known = {"id": "1", "type": "TRACKER", "deviceVersion": "Charge 6"}
    return known | {"lastSyncTime": "2026-02-28T09:00:00.000"} | members


def syncs(*devices: dict[str, Any], zone: str = "UTC") -> dict[str, datetime]:
    page = FITBIT.read(pull("devices", zone=zone), reply(list(devices)))
    assert len(page.snapshots) == len(devices)
    return {sync.device: sync.synced_at for sync in page.syncs}


def test_a_watch_says_when_it_synced_in_the_wearers_zone() -> None:
    page = FITBIT.read(pull("devices", zone="Europe/Berlin"), recorded("devices_tracker_and_scale"))
    synced_at = datetime(2014, 7, 17, 11, 38, 13, tzinfo=UTC)
    assert page.syncs == (DeviceSync("100000005", synced_at),)
    assert [snapshot.key for snapshot in page.snapshots] == ["100000005", "100000002"]


@pytest.mark.parametrize("said", ["2026-02-28T09:00:00.000", "2026-02-28T09:00:00"])
def test_a_sync_time_comes_with_or_without_a_fraction(said: str) -> None:
    assert syncs(device(lastSyncTime=said)) == {"1": datetime(2026, 2, 28, 9, tzinfo=UTC)}


def test_phones_scales_and_devices_that_never_synced_prove_nothing() -> None:
    never = device(id="4", lastSyncTime=None)
    unsaid = {"id": "5", "type": "TRACKER"}
    others = device(id="2", deviceVersion="MobileTrack"), device(id="3", type="SCALE")
    assert syncs(*others, never, unsaid) == {}


def test_a_sync_in_a_repeated_hour_is_taken_for_the_earlier() -> None:
    watch = device(lastSyncTime="2025-10-26T02:30:00")
    assert syncs(watch, zone="Europe/Berlin") == {"1": datetime(2025, 10, 26, 0, 30, tzinfo=UTC)}


def test_a_sync_in_the_future_is_taken_for_one_just_now() -> None:
    watch = device(lastSyncTime="2026-03-01T18:00:00")
    assert syncs(watch) == {"1": RECEIVED_AT}


@pytest.mark.parametrize(
    "members",
    [
        {"id": None},
        {"id": -1},
        {"id": 2**64},
        {"id": True},
        {"id": ""},
        {"id": "\ud800"},
        {"lastSyncTime": "yesterday"},
        {"lastSyncTime": "2026-02-28"},
        {"lastSyncTime": "2026-02-30T09:00:00"},
        {"lastSyncTime": "2026-02-28 09:00:00"},
        {"lastSyncTime": "2026-02-28T09:00"},
        {"lastSyncTime": "2026-02-28T09:00:00+01:00"},
        {"lastSyncTime": "0001-01-01T00:00:00"},
        {"lastSyncTime": 5},
    ],
)
def test_a_device_that_makes_no_sense_is_said(members: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="devices"):
        FITBIT.read(pull("devices"), reply([device(**members)]))


# days


def test_recorded_days_of_resting_heart_rate_and_zones_are_read() -> None:
    page = FITBIT.read(
        pull("daily_heart_rate", "2017-08-15", "2017-08-17"), recorded("ts_activities_heart")
    )
    read = values(page)
    assert read["2017-08-15", "resting_heart_rate"] == 51
    assert read["2017-08-15", "out_of_range.minutes"] == 1264
    assert read["2017-08-16", "cardio.calories"] == 992.09506
    assert (read["2017-08-17", "peak.min"], read["2017-08-17", "peak.max"]) == (156, 220)
    assert len(read) == 3 * 17
    assert page.outside == 4 * 17


def heart_day(**value: Any) -> Reply:
    return reply({"activities-heart": [{"dateTime": "2026-02-27", "value": value}]})


def test_what_a_day_lacks_is_left_out_and_custom_zones_keep_their_names() -> None:
    answer = heart_day(
        heartRateZones=[{"name": "Fat Burn", "min": 92, "max": 128}],
        customHeartRateZones=[{"name": "Zone 2: Über!", "minutes": 0}, {"name": "❤", "min": 3}],
    )
    assert values(FITBIT.read(pull("daily_heart_rate", "2026-02-27"), answer)) == {
        ("2026-02-27", "fat_burn.min"): 92,
        ("2026-02-27", "fat_burn.max"): 128,
        ("2026-02-27", "custom.zone_2_über.minutes"): 0,
        ("2026-02-27", "custom.zone.min"): 3,
    }


def test_an_empty_day_has_no_values() -> None:
    assert FITBIT.read(pull("daily_heart_rate", "2026-02-27"), heart_day()) == Page()


@pytest.mark.parametrize(
    "value",
    [
        {"restingHeartRate": None},
        {"restingHeartRate": "high"},
        {"restingHeartRate": True},
        {"heartRateZones": {}},
        {"heartRateZones": [3]},
        {"heartRateZones": [{"min": 3}]},
        {"heartRateZones": [{"name": "Peak", "minutes": "many"}]},
        {"customHeartRateZones": [{"name": "a!", "min": 1}, {"name": "a?", "min": 2}]},
    ],
)
def test_a_day_that_makes_no_sense_is_said(value: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        FITBIT.read(pull("daily_heart_rate", "2026-02-27"), heart_day(**value))


def test_recorded_daily_steps_come_as_strings_and_zero_is_a_value() -> None:
    page = FITBIT.read(
        pull("daily_steps", "2014-09-05", "2014-09-09"), recorded("ts_activities_steps_zero_day")
    )
    assert [each.value for each in page.dailies] == [9846, 4274, 7595, 0, 9499]
    assert page.dailies[0] == Daily(date(2014, 9, 5), "steps", 9846)
    assert page.outside == 2


def test_a_zero_of_a_day_after_the_last_sync_was_never_measured() -> None:
    synced_at = datetime(2026, 2, 27, 4, 59, tzinfo=UTC)  # the 26th in New York
    asked = pull(
        "daily_steps", "2026-02-25", "2026-02-28", zone="America/New_York", synced_at=synced_at
    )
    series = [("2026-02-26", "0"), ("2026-02-27", "0"), ("2026-02-28", "12")]
    body = {"activities-steps": [{"dateTime": day, "value": value} for day, value in series]}
    assert values(FITBIT.read(asked, reply(body))) == {
        ("2026-02-26", "steps"): 0,
        ("2026-02-28", "steps"): 12,
    }


@pytest.mark.parametrize("said", [("7", 7), ("0.25", 0.25), ("-1", -1), (12, 12), (1.5, 1.5)])
def test_numbers_come_as_numbers_or_strings(said: tuple[Any, int | float]) -> None:
    body = {"activities-steps": [{"dateTime": "2026-02-27", "value": said[0]}]}
    (only,) = FITBIT.read(pull("daily_steps", "2026-02-27"), reply(body)).dailies
    assert (only.value, type(only.value)) == (said[1], type(said[1]))


@pytest.mark.parametrize(
    "row",
    [
        {"dateTime": "2026-02-27", "value": "1,5"},
        {"dateTime": "2026-02-27", "value": "1_000"},
        {"dateTime": "2026-02-27", "value": "٣"},
        {"dateTime": "2026-02-27", "value": ""},
        {"dateTime": "2026-02-27", "value": 1e300},
        {"dateTime": "2026-02-27"},
        {"dateTime": "20260227", "value": "1"},
        {"dateTime": "2026-02-30", "value": "1"},
        {"dateTime": "today", "value": "1"},
        {"dateTime": "1970-01-01", "value": "1"},
        {"value": "1"},
        7,
    ],
)
def test_a_total_that_makes_no_sense_is_said(row: Any) -> None:
    with pytest.raises(ContractError):
        FITBIT.read(pull("daily_steps", "2026-02-27"), reply({"activities-steps": [row]}))


def test_two_values_for_one_day_are_not_chosen_between() -> None:
    rows = [{"dateTime": "2026-02-27", "value": value} for value in ("1", "2")]
    with pytest.raises(ContractError):
        FITBIT.read(pull("daily_steps", "2026-02-27"), reply({"activities-steps": rows}))


# sleep


def test_a_recorded_night_with_stages_is_read_with_all_of_them() -> None:
    asked = pull("sleep", "2020-03-01", zone="Europe/Helsinki")
    answer = recorded("sleep_by_date_stages")
    (night,) = FITBIT.read(asked, answer).sessions
    log = json.loads(answer.body)["sleep"][0]
    assert (night.key, night.day) == ("31400006166", date(2020, 3, 1))
    assert night.start_ms == at_ms("2020-02-29T21:28:00+02:00")
    assert night.end_ms == at_ms("2020-03-01T06:46:30+02:00")
    assert night.utc_offset_s == 7200
    assert dict(night.values) == {
        "minutes_asleep": 529,
        "minutes_awake": 29,
        "minutes_to_fall_asleep": 0,
        "minutes_after_wakeup": 0,
        "time_in_bed": 558,
        "efficiency": 99,
        "duration_ms": 33480000,
        "info_code": 0,
        "main_sleep": 1,
        **{
            f"summary.{level}.{what}": totals[what]
            for level, totals in log["levels"]["summary"].items()
            for what in ("minutes", "count")
        },
    }
    assert night.labels == (("type", "stages"),)
    assert night.parts == tuple(
        Part(kind, row["level"], at_ms(f"{row['dateTime']}+02:00"), row["seconds"] * 1000)
        for member, kind in (("data", "stage"), ("shortData", "short"))
        for row in log["levels"][member]
    )


def test_a_recorded_day_with_a_nap_has_two_classic_logs() -> None:
    asked = pull("sleep", "2019-12-31")
    nap, night = FITBIT.read(asked, recorded("sleep_by_date_classic_with_nap")).sessions
    assert (dict(nap.values)["main_sleep"], dict(night.values)["main_sleep"]) == (0, 1)
    assert nap.labels == (("type", "classic"),)
    assert {part.label for part in night.parts} == {"asleep", "restless", "awake"}
    assert {part.kind for part in night.parts} == {"stage"}


def test_a_recorded_page_of_the_log_list_says_how_a_sleep_was_logged() -> None:
    (night,) = FITBIT.read(pull("sleep", "2023-04-29"), recorded("sleep_log_list_page")).sessions
    assert night.labels == (("type", "stages"), ("log_type", "auto_detected"))


def test_a_sleep_belongs_to_the_day_on_which_it_ends() -> None:
    page = FITBIT.read(pull("sleep", "2020-02-29"), recorded("sleep_by_date_stages"))
    assert (page.sessions, page.outside) == ((), 1)


def sleep_log(**members: Any) -> Reply:
    known = {
        "logId": 18446744073709551615,
        "dateOfSleep": "2026-10-25",
        "startTime": "2026-10-24T23:00:00.000",
        "endTime": "2026-10-25T05:30:00.000",
    }
    return reply({"sleep": [known | members]})


def test_a_night_in_which_the_clock_went_back_keeps_the_offset_of_its_start() -> None:
    (night,) = FITBIT.read(BERLIN_NIGHTS, sleep_log()).sessions
    assert (night.start_ms, night.utc_offset_s) == (at_ms("2026-10-24T21:00Z"), 7200)
    assert night.end_ms == at_ms("2026-10-25T03:30Z")
    assert (night.values, night.labels, night.parts) == ((), (), ())


def test_an_id_keeps_all_its_digits() -> None:
    (night,) = FITBIT.read(BERLIN_NIGHTS, sleep_log()).sessions
    assert night.key == "18446744073709551615"


def part(**members: Any) -> dict[str, Any]:
    known = {"dateTime": "2026-10-24T23:00:00.000", "level": "deep", "seconds": 30}
    return {"data": [known | members]}


@pytest.mark.parametrize(
    "members",
    [
        {"logId": None},
        {"logId": 1.5},
        {"dateOfSleep": None},
        {"startTime": None},
        {"endTime": "2026-10-24T22:59:59.000"},
        {"isMainSleep": 1},
        {"isMainSleep": None},
        {"minutesAsleep": None},
        {"minutesAsleep": "long"},
        {"type": 3},
        {"levels": None},
        {"levels": {"data": None}},
        {"levels": {"summary": []}},
        {"levels": {"summary": {"deep": 5}}},
        {"levels": {"summary": {"deep": {"minutes": None}}}},
        {"levels": {"summary": {"": {}}}},
        {"levels": part(seconds=-1)},
        {"levels": part(seconds=None)},
        {"levels": part(level="")},
        {"levels": part(level="\ud800")},
        {"levels": part(dateTime="23:00:00")},
    ],
)
def test_a_sleep_that_makes_no_sense_is_said(members: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        FITBIT.read(BERLIN_NIGHTS, sleep_log(**members))


def test_a_level_without_totals_is_left_out() -> None:
    answer = sleep_log(levels={"summary": {"deep": {"count": 2}, "rem": {}}})
    (night,) = FITBIT.read(BERLIN_NIGHTS, answer).sessions
    assert night.values == (("summary.deep.count", 2),)
