"""One life, two providers: what Google holds is what the legacy provider holds, in other words."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from fitbitd.simulator import days
from fitbitd.simulator.civil import day_bounds, days_between
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.daily import RULES as DAILY
from fitbitd.simulator.life.dense import DENSE
from fitbitd.simulator.life.nights import sleep_id
from fitbitd.simulator.life.sparse import SPARSE
from fitbitd.simulator.life.values import stamp
from fitbitd.simulator.measured import Point
from fitbitd.simulator.syncs import ListedSyncs
from fitbitd.simulator.wearer import Wearer

NOW = datetime(2026, 4, 10, 12, 3, 20, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 20), date(2026, 4, 10)  # the clocks change on the 29th of March


def bounds(first: date = FIRST, last: date = LAST, zone: str = "Europe/Berlin") -> tuple[int, int]:
    return 1000 * day_bounds(first, zone)[0], 1000 * day_bounds(last, zone)[1]


def worn_minutes(wearer: Wearer) -> set[int]:
    found = set()
    for day in days_between(FIRST, LAST):
        minutes = days.minutes_of(wearer.seed, day, wearer.zone, worn=True)
        found |= {minutes.start_s + 60 * i for i, bpm in enumerate(minutes.bpm) if bpm}
    assert len(found) < 22 * 1440 - 60  # the watch was off now and then
    return {at_s for at_s in found if at_s < NOW.timestamp()}


def test_steps_of_the_one_stream_are_the_legacy_steps_on_worn_minutes_and_nothing_else() -> None:
    wearer = Wearer(syncs=ListedSyncs([NOW]))
    start_ms, end_ms = bounds()
    told = {
        point.start_ms // 1000: int(point.value.get("count", 0))
        for point in GoogleLife(wearer).merged("steps", start_ms, end_ms, NOW)
    }
    legacy: dict[int, int] = dict(wearer.truth(NOW, FIRST, LAST)["steps"])
    assert {at_s: legacy[at_s] for at_s in told} == told
    assert set(told) == worn_minutes(wearer)
    assert not any(count for at_s, count in legacy.items() if at_s not in told)  # off the wrist
    assert sum(told.values()) == sum(
        count for _, count in wearer.truth(NOW, FIRST, LAST)["daily_steps"]
    )
    assert max(told) == int(NOW.timestamp()) // 60 * 60  # the minute that the sync cut, in part


def test_the_minute_that_a_sync_cuts_is_told_in_part_and_later_whole() -> None:
    wearer = Wearer()
    start_ms, end_ms = bounds()
    busy = next(
        point
        for point in GoogleLife(wearer).merged("steps", start_ms, end_ms, NOW)
        if int(point.value.get("count", 0)) > 60
    )
    at = datetime.fromtimestamp(busy.start_ms / 1000 + 30, UTC)
    life = GoogleLife(Wearer(syncs=ListedSyncs([at, at + timedelta(minutes=5)])))
    (part,) = life.merged("steps", busy.start_ms, busy.end_ms, at)
    (whole,) = life.merged("steps", busy.start_ms, busy.end_ms, at + timedelta(minutes=5))
    assert int(part.value["count"]) == int(busy.value["count"]) // 2
    assert whole == busy
    assert life.merged("distance", busy.start_ms, busy.end_ms, at) == []  # not over yet


def test_heart_rates_of_the_one_stream_are_the_legacy_samples() -> None:
    wearer = Wearer()
    first = LAST - timedelta(days=2)
    points = GoogleLife(wearer).merged("heart-rate", *bounds(first), NOW)
    rows = [(point.start_ms // 1000, int(point.value["beatsPerMinute"])) for point in points]
    assert rows == wearer.truth(NOW, first, LAST)["heart_rate"]
    moving = {at_s for at_s, count in wearer.truth(NOW, first, LAST)["steps"] if count}
    for point in points:
        active = point.start_ms // 60_000 * 60 in moving
        assert (point.value["metadata"]["motionContext"] == "ACTIVE") is active


def test_nights_are_the_legacy_nights() -> None:
    wearer = Wearer()
    points = GoogleLife(wearer).points("sleep", *bounds(), NOW)
    rows = wearer.truth(NOW, FIRST, LAST)["sleep"]
    assert len(rows) > 20
    assert [(p.point_id, p.start_ms, p.end_ms, p.value["type"]) for p in points] == [
        (sleep_id(log_id), 1000 * start_s, 1000 * end_s, kind.upper())
        for log_id, _, start_s, end_s, kind, _, _ in rows
    ]
    for point, (*_, minutes_asleep, stretches) in zip(points, rows, strict=True):
        assert point.value["summary"]["minutesAsleep"] == str(minutes_asleep)
        told = [(s["startTime"], s["endTime"]) for s in point.value["stages"]]
        told += [(s["startTime"], s["endTime"]) for s in point.value.get("shortAwakenings", [])]
        assert told == [
            (stamp(1000 * at_s), stamp(1000 * (at_s + length_s)))
            for _, _, at_s, length_s in stretches
        ]


def test_daily_resting_heart_rates_and_minutes_in_zones_are_the_legacy_ones() -> None:
    wearer = Wearer()
    life = GoogleLife(wearer)
    last = LAST - timedelta(days=1)
    legacy = {
        (day, field): value
        for day, field, value in wearer.truth(NOW, FIRST, last)["daily_heart_rate"]
    }
    for row in life.dailies("daily-resting-heart-rate", FIRST, last, NOW):
        assert legacy[row.day, "resting_heart_rate"] == int(row.value["beatsPerMinute"])
    start_ms, end_ms = bounds(last, last)
    minutes = Counter(
        point.value["heartRateZoneType"]
        for point in life.merged("time-in-heart-rate-zone", start_ms, end_ms, NOW)
    )
    assert minutes["MODERATE"] == legacy[last, "fat_burn.minutes"]
    kcal = sum(p.value["kcal"] for p in life.merged("total-calories", start_ms, end_ms, NOW))
    zones = [
        value for (day, name), value in legacy.items() if day == last and name.endswith("calories")
    ]
    assert kcal == pytest.approx(sum(zones), rel=1e-5)


@pytest.mark.parametrize("type_id", sorted(DENSE | SPARSE | {"sleep"}))
def test_a_seed_is_one_life_however_it_is_asked_for(type_id: str) -> None:
    start_ms, end_ms = bounds(LAST - timedelta(days=1 if type_id == "heart-rate" else 12))
    whole = GoogleLife(Wearer(has_scale=True)).points(type_id, start_ms, end_ms, NOW)
    life = GoogleLife(Wearer(has_scale=True))
    cuts = [*range(start_ms, end_ms, 50_000_000), end_ms]
    parts: list[Point] = []
    for first, last in reversed(list(pairwise(cuts))):
        parts = life.points(type_id, first, last, NOW) + parts
    assert parts == whole


@pytest.mark.parametrize("type_id", sorted(DENSE | SPARSE | {"sleep"}))
def test_nothing_is_known_before_it_happened_however_wide_the_question(type_id: str) -> None:
    now = datetime(2026, 1, 7, 16, 40, tzinfo=UTC)
    points = GoogleLife(Wearer()).points(type_id, 0, 10**17, now)
    assert all(point.end_ms <= 1000 * now.timestamp() for point in points)


def test_samples_in_sleep_can_be_further_apart() -> None:
    wearer = Wearer(sleep_samples_apart=10)
    points = GoogleLife(wearer).points("oxygen-saturation", *bounds(), NOW)
    apart = [after.start_ms - before.start_ms for before, after in pairwise(points)]
    assert len(points) > 400
    assert min(apart) == 600_000


def test_every_type_has_points_within_half_a_year_but_the_one_that_accounts_lack() -> None:
    life = GoogleLife(Wearer(has_scale=True))
    now, half_a_year = NOW + timedelta(days=80), bounds(date(2026, 1, 1), date(2026, 6, 30))
    empty = {
        type_id
        for type_id in SPARSE | {"sleep"}
        if not life.points(type_id, *bounds(), now) and not life.points(type_id, *half_a_year, now)
    }
    assert empty == {"basal-energy-burned"}
    assert all(life.dailies(type_id, FIRST, LAST, NOW) for type_id in DAILY)


def test_ids_are_unique_texts_mostly_decimal_and_only_on_identifiable_types() -> None:
    life = GoogleLife(Wearer(has_scale=True))
    named = Counter[str]()
    for type_id in SPARSE | {"sleep"}:
        ids = [point.point_id for point in life.points(type_id, *bounds(), NOW)]
        assert len({point_id is None for point_id in ids}) <= 1
        named.update(point_id for point_id in ids if point_id is not None)
    assert max(named.values()) == 1
    chosen_by_apps = {point_id for point_id in named if point_id.startswith("hc-")}
    assert chosen_by_apps
    assert all(
        point_id.isdecimal() and len(point_id) == 19 for point_id in set(named) - chosen_by_apps
    )
