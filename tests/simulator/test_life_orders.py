"""Each order is visible from its instant on, not before, and changes nothing else."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import SourceMix
from fitbitd.simulator.syncs import DailySyncs, ListedSyncs, every_quarter
from fitbitd.simulator.wearer import Wearer

DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
ORDERED = datetime(2026, 3, 12, 10, tzinfo=UTC)
BEFORE = ORDERED - timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


START = datetime(2026, 3, 10, tzinfo=UTC)
BOUNDS = ms(START), ms(START) + 86_400_000


def busy_hour(life: GoogleLife) -> datetime:
    """Find an hour of the day with many steps."""
    hours = (START + HOUR * i for i in range(24))
    return max(hours, key=lambda at: total(life.merged("steps", ms(at), ms(at + HOUR), NOW)))


def total(points: list[Point]) -> int:
    return sum(int(point.value.get("count", 0)) for point in points)


def inside(points: list[Point], start: datetime, end: datetime) -> list[Point]:
    return [point for point in points if ms(start) <= point.start_ms < ms(end)]


def rest(points: list[Point], start: datetime, end: datetime) -> list[Point]:
    """Leave out what the watch says inside a time."""
    start_ms, end_ms = ms(start), ms(end)
    return [
        point
        for point in points
        if not start_ms <= point.start_ms < end_ms or point.source.platform != "FITBIT"
    ]


@pytest.mark.parametrize("type_id", ["steps", "distance", "altitude", "active-energy-burned"])
def test_rebucketing_replaces_minutes_by_overlapping_longer_records_and_keeps_the_totals(
    type_id: str,
) -> None:
    many = SourceMix(phone_in=3, two_offsets_in=1, contradiction_in=1)
    life = GoogleLife(Wearer(sources=many))
    begin = busy_hour(life)
    end = begin + 2 * HOUR
    life.wearer.rebucket(begin, end, at=ORDERED)
    before, after = (life.points(type_id, *BOUNDS, now) for now in (BEFORE, ORDERED))
    fresh = GoogleLife(Wearer(sources=many)).points(type_id, *BOUNDS, BEFORE)
    assert before == fresh
    blocks = [p for p in inside(after, begin, end) if p.source.platform == "FITBIT"]
    assert 4 <= len(blocks) <= 60
    assert any(one.end_ms > two.start_ms for one, two in pairwise(blocks))
    assert all(120_000 <= b.end_ms - b.start_ms <= 16 * 60_000 for b in blocks[:-1])
    member = {"steps": "count", "distance": "millimeters", "altitude": "gainMillimeters"}
    name = member.get(type_id, "kcal")
    minutes = inside(life.merged(type_id, *BOUNDS, ORDERED), begin, end)
    summed = [sum(float(p.value.get(name, 0)) for p in points) for points in (blocks, minutes)]
    assert summed[0] == pytest.approx(summed[1])
    assert rest(after, begin, end) == rest(before, begin, end)
    assert life.merged(type_id, *BOUNDS, BEFORE) == life.merged(type_id, *BOUNDS, ORDERED)


def test_a_window_that_cuts_rebucketed_hours_sees_the_same_records() -> None:
    life = GoogleLife(Wearer())
    begin = busy_hour(life)
    life.wearer.rebucket(begin, begin + 3 * HOUR, at=ORDERED)
    whole = life.points("steps", *BOUNDS, NOW)
    middle = ms(begin) + 4_000_000
    parts = life.points("steps", BOUNDS[0], middle, NOW) + life.points(
        "steps", middle, BOUNDS[1], NOW
    )
    assert parts == whole


@pytest.mark.parametrize(
    ("type_id", "member"), [("steps", "count"), ("heart-rate", "beatsPerMinute")]
)
def test_a_correction_moves_one_hour_of_one_type(type_id: str, member: str) -> None:
    life = GoogleLife(Wearer())
    begin = busy_hour(life)
    life.wearer.correct(type_id, begin, begin + HOUR, at=ORDERED, by=4)
    for ask in (life.points, life.merged):
        before, after = (ask(type_id, *BOUNDS, now) for now in (BEFORE, ORDERED))
        moved = [(one, two) for one, two in zip(before, after, strict=True) if one != two]
        assert {one.start_ms for one, _ in moved} == {
            p.start_ms for p in inside(before, begin, begin + HOUR) if p.value.get(member)
        }
        assert all(int(two.value[member]) == int(one.value[member]) + 4 for one, two in moved)
    other = life.points("distance", *BOUNDS, BEFORE)
    assert other == life.points("distance", *BOUNDS, ORDERED)


@pytest.mark.parametrize("named", [True, False])
def test_an_hour_of_readings_can_be_deleted(*, named: bool) -> None:
    life = GoogleLife(Wearer())
    begin = busy_hour(life)
    chosen = "steps" if named else None
    life.wearer.delete_readings(begin, begin + HOUR, at=ORDERED, type_id=chosen)
    for type_id in ("steps", "heart-rate", "floors"):
        before, after = (life.merged(type_id, *BOUNDS, now) for now in (BEFORE, ORDERED))
        gone = type_id == "steps" or not named
        assert inside(before, begin, begin + HOUR)
        assert inside(after, begin, begin + HOUR) == (
            [] if gone else inside(before, begin, begin + HOUR)
        )
        assert len(before) - len(after) == len(inside(before, begin, begin + HOUR)) * gone


def test_a_typed_weight_needs_no_sync_and_can_be_edited_and_deleted() -> None:
    life = GoogleLife(Wearer(syncs=ListedSyncs()))
    typed, edited, gone = ORDERED, ORDERED + HOUR, ORDERED + 2 * HOUR
    point_id = life.wearer.type_weight(80_100, typed)
    life.wearer.edit_point(point_id, {"weightGrams": 80_200, "notes": "shoes"}, at=edited)
    life.wearer.delete_point(point_id, at=gone)

    def held(now: datetime) -> list[Any]:
        points = life.points("weight", ms(typed), ms(typed) + 1, now)
        return [(p.point_id, dict(p.value)) for p in points]

    tick = timedelta(milliseconds=1)
    assert held(typed - tick) == []
    assert held(typed) == held(edited - tick) == [(point_id, {"weightGrams": 80_100})]
    assert held(edited) == [(point_id, {"weightGrams": 80_200, "notes": "shoes"})]
    assert held(gone) == []


def test_a_value_typed_late_is_about_an_earlier_hour() -> None:
    life = GoogleLife(Wearer())
    noon = START + 12 * HOUR
    value = {"amountConsumed": {"milliliters": 500}}
    life.wearer.type_value("hydration-log", value, ORDERED, about=(noon, noon))
    asked = ms(noon), ms(noon) + 1
    assert life.points("hydration-log", *asked, BEFORE) == []
    (point,) = life.points("hydration-log", *asked, ORDERED)
    assert (point.value, point.start_ms) == (value, ms(noon))


def test_some_values_are_typed_hours_late_even_after_midnight() -> None:
    life = GoogleLife(Wearer())
    midnights = [START - timedelta(days=back) for back in range(40)]

    def held(until: datetime, now: datetime) -> set[str | None]:
        day = ms(until - timedelta(days=1)), ms(until)
        return {point.point_id for point in life.points("hydration-log", *day, now)}

    grown = [held(end, end) < held(end, end + timedelta(hours=12)) for end in midnights]
    assert 2 < sum(grown) < 20


def night_of(life: GoogleLife, now: datetime) -> Point | None:
    points = life.points("sleep", ms(START), ms(START + 12 * HOUR), now)
    return points[0] if points else None


def test_a_night_appears_without_stages_and_is_worked_out_under_the_same_name() -> None:
    wearer = Wearer(
        publish_late={DAY: 3 * HOUR},
        processed_after=HOUR,
        syncs=every_quarter(),
        daily_late={DAY: 2 * HOUR},
    )
    life = GoogleLife(wearer)
    final = night_of(life, NOW)
    assert final is not None
    ready = datetime.fromtimestamp((final.updated_ms or 0) / 1000, UTC)
    shown, tick = ready - HOUR, timedelta(milliseconds=1)
    raw = night_of(life, shown)
    assert night_of(life, shown - tick) is None
    assert raw is not None
    assert (raw.value, raw.updated_ms) == ({"type": "CLASSIC", "metadata": {}}, ms(shown))
    assert night_of(life, ready - tick) == raw
    assert night_of(life, ready) == final
    assert final.value["metadata"] == {
        "stagesStatus": "SUCCEEDED",
        "processed": True,
        "mainSleep": True,
    }
    assert (raw.point_id, raw.created_ms) == (final.point_id, final.created_ms)
    assert (final.created_ms or 0) < final.end_ms
    assert wearer.brought_at(datetime.fromtimestamp(final.end_ms / 1000, UTC)) == shown - 3 * HOUR
    for type_id in ("oxygen-saturation", "heart-rate-variability", "skin-temperature-sensors"):
        asked = final.start_ms, final.end_ms
        assert life.points(type_id, *asked, ready - tick) == []
        assert life.points(type_id, *asked, ready)
    for type_id in ("daily-oxygen-saturation", "daily-heart-rate-variability"):
        assert life.dailies(type_id, DAY, DAY, ready + 2 * HOUR - tick) == []
        (row,) = life.dailies(type_id, DAY, DAY, ready + 2 * HOUR)
        assert row.day == DAY


def test_an_edited_night_keeps_its_name_and_a_deleted_one_is_gone() -> None:
    life = GoogleLife(Wearer())
    log = life.wearer.sleeps(DAY, DAY, NOW)[-1]
    before = night_of(life, NOW)
    changed = life.wearer.edit_sleep(log.log_id, at=ORDERED, cut_minutes=40)
    assert night_of(life, BEFORE) == before
    after = night_of(life, ORDERED)
    assert before is not None
    assert after is not None
    assert (after.point_id, after.end_ms) == (before.point_id, before.end_ms)
    assert (after.start_ms, after.updated_ms) == (before.start_ms + 2_400_000, ms(ORDERED))
    assert after.value["metadata"]["manuallyEdited"] is True
    assert after.value["stages"][0]["startTime"] > before.value["stages"][0]["startTime"]
    life.wearer.delete_sleep(changed, at=ORDERED + HOUR)
    assert night_of(life, ORDERED + HOUR - timedelta(seconds=1)) == after
    assert night_of(life, ORDERED + HOUR) is None


def test_a_night_can_be_deleted_by_its_name() -> None:
    life = GoogleLife(Wearer())
    before = night_of(life, BEFORE)
    assert before is not None
    assert before.point_id is not None
    life.wearer.delete_point(before.point_id, at=ORDERED)
    assert night_of(life, BEFORE) == before
    assert night_of(life, ORDERED) is None


def test_an_edited_exercise_has_a_newer_update_time_and_a_deleted_one_is_gone() -> None:
    life = GoogleLife(Wearer())
    asked = ms(START - timedelta(days=9)), ms(START)
    walk, *others = life.points("exercise", *asked, BEFORE)
    assert walk.point_id is not None
    life.wearer.edit_point(walk.point_id, {"notes": "with a dog"}, at=ORDERED)
    life.wearer.delete_point(walk.point_id, at=ORDERED + HOUR)
    edited, *same = life.points("exercise", *asked, ORDERED)
    assert (edited.value["notes"], edited.updated_ms, same) == ("with a dog", ms(ORDERED), others)
    assert life.points("exercise", *asked, BEFORE) == [walk, *others]
    assert life.points("exercise", *asked, ORDERED + HOUR) == others


def test_rows_of_a_day_come_after_the_first_sync_that_follows_it() -> None:
    syncs = ListedSyncs([START + 12 * HOUR, ORDERED])
    life = GoogleLife(Wearer(syncs=syncs, daily_late={DAY: timedelta(hours=5)}))
    for type_id in ("daily-resting-heart-rate", "daily-heart-rate-zones", "daily-vo2-max"):
        late = ORDERED + timedelta(hours=5)
        assert life.dailies(type_id, DAY, DAY, late - timedelta(seconds=1)) == []
        (row,) = life.dailies(type_id, DAY, DAY, late)
        assert row.day == DAY


def test_a_row_of_a_day_can_be_corrected() -> None:
    life = GoogleLife(Wearer())
    type_id = "daily-resting-heart-rate"
    life.wearer.correct(type_id, START - HOUR, START, at=ORDERED, by=3)  # midnight in Berlin
    (before,), (after,) = (life.dailies(type_id, DAY, DAY, now) for now in (BEFORE, ORDERED))
    assert int(after.value["beatsPerMinute"]) == int(before.value["beatsPerMinute"]) + 3


def test_nothing_comes_in_a_pause_and_all_of_it_after() -> None:
    pause = (START - timedelta(days=2), ORDERED)
    life = GoogleLife(Wearer(syncs=every_quarter(pauses=(pause,))))
    whole = GoogleLife(Wearer())
    for type_id in ("steps", "heart-rate", "sleep", "exercise", "heart-rate-variability"):
        assert life.points(type_id, *BOUNDS, BEFORE) == []
        after = life.points(type_id, *BOUNDS, NOW)
        known = whole.points(type_id, *BOUNDS, NOW)
        assert [p.start_ms for p in after] == [p.start_ms for p in known]


def test_a_dead_watch_falls_silent_while_the_phone_and_the_wearer_go_on() -> None:
    life = GoogleLife(Wearer(watch_until=START + 12 * HOUR))
    dead_ms = ms(START + 12 * HOUR)
    watch = [p for p in life.points("steps", *BOUNDS, NOW) if p.source.platform == "FITBIT"]
    assert watch
    assert all(p.end_ms <= dead_ms for p in watch)
    phone = [p for p in life.merged("steps", *BOUNDS, NOW) if p.source.platform != "FITBIT"]
    assert total(phone) > 0
    assert life.merged("heart-rate", dead_ms, BOUNDS[1], NOW) == []
    late = life.points("hydration-log", BOUNDS[0], ms(NOW), NOW)
    assert late
    for type_id in ("sleep", "exercise", "oxygen-saturation", "swim-lengths-data"):
        assert life.points(type_id, dead_ms, ms(NOW), NOW) == []
    assert life.dailies("daily-vo2-max", DAY, NOW.date(), NOW) == []
    (device,) = life.paired_devices(NOW)["pairedDevices"]
    assert device["lastSyncTime"] == "2026-03-10T11:45:07Z"


def test_an_account_without_a_watch_has_steps_of_the_phone_and_no_device() -> None:
    life = GoogleLife(Wearer(has_watch=False))
    points = life.merged("steps", *BOUNDS, NOW)
    assert total(points) > 1000
    assert {p.source.platform for p in points} == {"HEALTH_CONNECT"}
    for type_id in ("heart-rate", "floors", "sleep", "exercise", "electrocardiogram"):
        assert life.points(type_id, BOUNDS[0] - 10**10, ms(NOW), NOW) == []
    assert life.paired_devices(NOW) == {}
    assert life.points("weight", ms(NOW) - 10**10, ms(NOW), NOW)
    assert life.settings(NOW)["timeZone"] == "Europe/Berlin"


def test_before_the_first_upload_only_what_was_typed_is_there() -> None:
    life = GoogleLife(Wearer(syncs=DailySyncs(())))
    assert life.points("steps", *BOUNDS, NOW) == []
    assert life.points("sleep", *BOUNDS, NOW) == []
    assert life.points("weight", ms(NOW) - 10**10, ms(NOW), NOW)
    assert life.paired_devices(NOW) == {}
