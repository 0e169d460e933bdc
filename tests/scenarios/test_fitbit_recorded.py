"""Every recorded body of the legacy API that we ask for: to the rows of the index and to its bytes.

`commands/test_recorded.py` does the same by the command line, for what whole days are replayed of.
"""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, ListedSyncs, Wearer
from tests.commands.test_recorded import recorded
from tests.support.fitbit_rows import held
from tests.support.google_replies import archived, pulled
from tests.support.household import Household, account_settings

DATA = Path(__file__).parents[1] / "data" / "fitbit"
INDEX = {entry["file"]: entry for entry in json.loads((DATA / "index.json").read_bytes())}
NOW = "2026-11-04T09:40:00+00:00"

NOT_ASKED = {
    "activity_daily_summary.json": "daily summaries; the series say the same for years at once",
    "activity_daily_summary_empty_list.json": "daily summaries",
    "activity_daily_summary_manual_logs.json": "daily summaries",
    "activity_goals_daily.json": "goals",
    "activity_tcx_envelope.json": "tracks",
    "badges.json": "badges",
    "cardio_score_range.json": "cardio fitness",
    "ecg_log_list.json": "electrocardiograms",
    "fat_log.json": "the weight log says the fat of each weighing",
    "fat_log_empty.json": "the weight log says the fat of each weighing",
    "food_log.json": "foods",
    "food_log_other.json": "foods",
    "intraday_active_zone_minutes_1min.json": "zones come from the heart rate",
    "intraday_calories_1min.json": "calories by the minute",
    "irn_alerts_list.json": "rhythm alerts",
    "irn_profile.json": "rhythm alerts",
    "lifetime_stats.json": "lifetime sums",
    "lifetime_stats_legacy.json": "lifetime sums",
    "sleep_goal.json": "goals",
    "sleep_goal_short.json": "goals",
    "sleep_log_list_page.json": "sleep is asked by ranges, not by the list",
    "subscription_notification.json": "webhooks",
    "subscriptions_list.json": "webhooks",
    "subscriptions_list_multiple.json": "webhooks",
    "temp_core_by_date.json": "core temperature",
    "ts_body_fat.json": "the weight log says what was measured",
    "ts_body_weight.json": "the weight log says what was measured",
    "ts_foods_calories_in.json": "foods",
    "ts_foods_water.json": "foods",
    "water_log.json": "water",
    "weight_goal.json": "goals",
}
"""Recorded bodies of what is no data type of ours, or of another way to ask for it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a recorded body comes to.

    Attributes:
        path: of the request that it answers, for `Fault.path`.
        days: first and last day to ask for.
        count: rows in all.
        rows: some of them, as `fitbit_rows` has them, without their time.
    """

    data_type: str
    path: str
    days: tuple[str, str]
    count: int
    rows: tuple[tuple[Any, ...], ...]


OCTOBER = ("2021-10-01", "2021-10-28")
BY_STAGE = (
    (date(2021, 10, 25), "deep.respiratory_rate", 16.8, ""),
    (date(2021, 10, 25), "full.respiratory_rate", 17.8, ""),
)
VARIABILITY = (
    (1635153000, "rmssd", 26.617, ""),
    (1635153000, "coverage", 0.935, ""),
    (1635153900, "high_frequency_power", 1088.794, ""),
    (1635153900, "low_frequency_power", 979.685, ""),
)
SAID = {
    "br_intraday_by_date.json": Said(
        "daily_respiratory_rate_by_stage", "/br/date/.*/all", OCTOBER, 3, BY_STAGE
    ),
    "br_intraday_by_interval.json": Said(
        "daily_respiratory_rate_by_stage", "/br/date/.*/all", OCTOBER, 6, BY_STAGE
    ),
    "br_summary_by_date.json": Said(
        "daily_respiratory_rate",
        "/br/date/",
        OCTOBER,
        1,
        ((date(2021, 10, 25), "respiratory_rate", 17.8, ""),),
    ),
    "br_summary_by_interval.json": Said(
        "daily_respiratory_rate",
        "/br/date/",
        OCTOBER,
        2,
        ((date(2021, 10, 26), "respiratory_rate", 17.9, ""),),
    ),
    "hrv_intraday_by_date.json": Said(
        "heart_rate_variability", "/hrv/date/.*/all", OCTOBER, 16, VARIABILITY
    ),
    "hrv_intraday_by_interval.json": Said(
        "heart_rate_variability", "/hrv/date/.*/all", OCTOBER, 32, VARIABILITY
    ),
    "hrv_summary_by_date.json": Said(
        "daily_heart_rate_variability",
        "/hrv/date/",
        OCTOBER,
        2,
        ((date(2021, 10, 25), "deep_rmssd", 31.567, ""),),
    ),
    "hrv_summary_by_interval.json": Said(
        "daily_heart_rate_variability",
        "/hrv/date/",
        OCTOBER,
        6,
        ((date(2021, 10, 27), "rmssd", 60.887, ""),),
    ),
    "spo2_intraday_by_date.json": Said(
        "oxygen_saturation",
        "/spo2/date/.*/all",
        OCTOBER,
        3,
        ((1633320137, "oxygen_saturation", 95.7, ""),),
    ),
    "spo2_intraday_by_interval.json": Said(
        "oxygen_saturation",
        "/spo2/date/.*/all",
        OCTOBER,
        5,
        ((1633148738, "oxygen_saturation", 96, ""),),
    ),
    "spo2_summary_by_date.json": Said(
        "daily_oxygen_saturation",
        "/spo2/date/",
        OCTOBER,
        3,
        ((date(2021, 10, 4), "oxygen_saturation_mean", 97.5, ""),),
    ),
    "spo2_summary_by_interval.json": Said(
        "daily_oxygen_saturation",
        "/spo2/date/",
        OCTOBER,
        12,
        ((date(2021, 10, 3), "oxygen_saturation_mean", 99.2, ""),),
    ),
    "temp_skin_by_interval.json": Said(
        "daily_skin_temperature",
        "/temp/skin/date/",
        OCTOBER,
        2,
        (
            (date(2021, 10, 25), "nightly_relative", -0.4, "dedicated_temp_sensor"),
            (date(2021, 10, 27), "nightly_relative", 0.1, "other_sensors"),
        ),
    ),
    "ts_active_zone_minutes.json": Said(
        "daily_active_zone_minutes",
        "/active-zone-minutes/date/",
        ("2022-05-01", "2022-05-02"),
        8,
        (
            (date(2022, 5, 1), "cardio", 12, ""),
            (date(2022, 5, 2), "peak", 0, ""),
            (date(2022, 5, 2), "active_zone_minutes", 25, ""),
        ),
    ),
    "ts_activities_calories.json": Said(
        "daily_total_calories",
        "/activities/calories/date/",
        ("2018-12-26", "2019-01-01"),
        7,
        ((date(2018, 12, 30), "total_calories", 1876, ""),),
    ),
    "ts_activities_distance.json": Said(
        "daily_distance",
        "/activities/distance/date/",
        ("2019-12-04", "2020-01-03"),
        31,
        (
            (date(2019, 12, 4), "distance", 0, ""),
            (date(2019, 12, 7), "distance", 7_533_940, ""),
        ),
    ),
    "weight_log_by_date.json": Said(
        "weight",
        "/body/log/weight/date/",
        ("2023-01-01", "2023-01-01"),
        2,
        ((1672617599, "weight", 72_500, "API"), (1672617599, "bmi", 23.57, "API")),
    ),
    "weight_log_with_fat.json": Said(
        "weight",
        "/body/log/weight/date/",
        ("2021-02-01", "2021-02-01"),
        6,
        ((1612166400, "body_fat", 21, "Aria"), (1612180800, "weight", 166_500, "API")),
    ),
    # The page of the 21st is the last that is asked for: it reaches beyond the 19th by any clock.
    "activity_log_list_page.json": Said(
        "exercise",
        "/activities/list",
        ("2017-01-01", "2017-01-19"),
        19,
        (
            (
                *("31400001097", date(2017, 1, 5), 1483604212, 1483606753),
                *("Walk", 349, 3_386_578, 4798),
            ),
        ),
    ),
}


def test_no_recorded_body_is_forgotten() -> None:
    by_command_line = {entry["file"].removeprefix("data/") for entry in recorded()}
    known = [*by_command_line, *SAID, *NOT_ASKED, "sleep_by_date_empty.json"]
    bodies = {file.removeprefix("data/") for file in INDEX if file.startswith("data/")}
    assert sorted(known) == sorted(bodies)


def household(state_dir: Path, name: str) -> Household:
    """Make a household of an account of which nothing but the recording is known."""
    nobody = Wearer(member_since=date(2099, 1, 1), syncs=ListedSyncs(), zone="UTC")
    account = account_settings(data_types=(DataTypeName(name),))
    home = Household(state_dir, NOW, nobody, accounts=(account,))
    home.authorize()
    return home


@pytest.mark.parametrize("file", SAID)
def test_a_recorded_body_becomes_its_rows_and_stays_as_it_came(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, body = SAID[file], (DATA / "data" / file).read_bytes()
    home = household(tmp_path / "state", said.data_type)
    home.simulator.faults.add(Fault(kind="body", path=said.path, status=200, body=body, count=None))
    first, last = map(date.fromisoformat, said.days)
    report, conditions = pulled(home, said.data_type, (first, last), monkeypatch=monkeypatch)

    assert (report.outcome, report.failed, conditions) == ("ok", 0, ())
    with closing(home.index()) as db:
        rows = held(db)[said.data_type]
    assert len(rows) == said.count
    wanted = len(said.rows[0])
    assert set(said.rows) <= {row[:wanted] for row in rows}
    assert body in set(archived(home.parts().folder))


def test_an_empty_recorded_night_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (DATA / "data" / "sleep_by_date_empty.json").read_bytes()
    home = household(tmp_path / "state", "sleep")
    home.simulator.faults.add(Fault(kind="body", path="/sleep/date/", status=200, body=body))
    day = date(2026, 11, 1)
    report, _ = pulled(home, "sleep", (day, day), monkeypatch=monkeypatch)
    assert (report.outcome, report.failed, home.collected()["sleep"]) == ("ok", 0, set())
    assert body in set(archived(home.parts().folder))
