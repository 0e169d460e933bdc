"""Exercises found in the minutes of a day: walks nobody started, runs with GPS, and swims. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from fitbitd.simulator.life.batches import Batch, seen_ms
from fitbitd.simulator.life.lived import MINUTE_MS, Lived, Minute
from fitbitd.simulator.life.minutes import RUNNING, ZONE_TYPES, distance_mm, kcal, zone_of
from fitbitd.simulator.life.sources import ACCOUNT, DERIVED, NOTICED, STARTED
from fitbitd.simulator.life.values import Value, seconds, stamp
from fitbitd.simulator.measured import Point, Source

_FIRST_ID = 8_896_700_000_000_000_000
_WALKING_STEPS = 60
_SHORTEST = 13
"""An exercise has at least so many minutes."""
_KM_MM = 1_000_000
_PAUSE_MS = 20_000
_CREATED_AFTER_MS = 361_271
_SWIM_IN = 9
_LENGTH_S = (27, 40)
_POOL_MM = 25_000


@dataclass(frozen=True, slots=True)
class Exercise:
    """One workout.

    Attributes:
        minutes: those it covers.
        lengths: of a swim: start and end (ms) with the strokes of each.
    """

    kind: str
    name: str
    start_ms: int
    end_ms: int
    source: Source
    point_id: str
    minutes: tuple[Minute, ...]
    gps: bool = False
    lengths: tuple[tuple[int, int, int], ...] = field(default=())

    @property
    def paused_ms(self) -> int:
        """Give how long the wearer stood still in the middle."""
        return _PAUSE_MS if self.gps else 0


def exercises(lived: Lived) -> list[Exercise]:
    """Find the exercises of a day, the earliest first."""
    known: list[Exercise] | None = lived.made.get("exercises")
    if known is None:
        known = lived.made["exercises"] = _found(lived)
    return known


def _found(lived: Lived) -> list[Exercise]:
    found = [*_stretches(lived, RUNNING, _run), *_stretches(lived, _WALKING_STEPS, _walk)]
    found += _swim(lived)
    found.sort(key=lambda exercise: exercise.start_ms)
    number = _FIRST_ID + lived.day.toordinal() * 100
    return [replace(one, point_id=str(number + i)) for i, one in enumerate(found)]


def day_of(point_id: str) -> date | None:
    """Give the day of an exercise by its id, None if no exercise has it."""
    ordinal = (int(point_id) - _FIRST_ID) // 100 if point_id.isdecimal() else 0
    return date.fromordinal(ordinal) if 0 < ordinal <= date.max.toordinal() else None


def sessions(lived: Lived) -> list[Batch]:
    """Tell the exercises as sessions; they are shown after the sync that brought their end."""
    batches = []
    for one in exercises(lived):
        batch = Batch((), one.end_ms)
        shown_ms = seen_ms(lived.wearer, batch)
        if shown_ms is not None:
            started_ms = min(one.start_ms + _CREATED_AFTER_MS, one.end_ms - 1)
            created_ms = started_ms if one.source is STARTED else shown_ms
            batches.append(replace(batch, points=(_point(lived, one, created_ms, shown_ms),)))
    return batches


def swim_lengths(lived: Lived) -> list[Batch]:
    """Tell the lengths of the day's swims."""
    return [
        Batch(
            tuple(
                Point(start_ms, end_ms, *_offsets(lived, start_ms, end_ms), STARTED, value)
                for start_ms, end_ms, strokes in one.lengths
                for value in [{"swimStrokeType": "FREESTYLE", "strokeCount": str(strokes)}]
            ),
            one.end_ms,
        )
        for one in exercises(lived)
        if one.lengths
    ]


def run_fitness(lived: Lived) -> list[Batch]:
    """Tell the fitness that each run of the day comes to."""
    batches = []
    for one in exercises(lived):
        if one.gps:
            offset = lived.wearer.offset_at(one.end_ms // 1000)
            value = {"runVo2Max": _run_vo2(one)}
            point = Point(one.end_ms, one.end_ms, offset, offset, DERIVED, value)
            batches.append(Batch((point,), one.end_ms))
    return batches


def weekly_fitness(lived: Lived) -> list[Batch]:
    """Tell the fitness that the provider works out on Sundays, at the end of the day."""
    if lived.day.isoweekday() != 7 or not lived.worn_minutes:  # noqa: PLR2004 - Sunday
        return []
    at_ms = lived.bounds_ms[1] - 1000
    offset = lived.wearer.offset_at(at_ms // 1000)
    value = {
        "vo2Max": round(43.8 + lived.rng("vo2").uniform(-1, 1), 1),
        "measurementMethod": "GOOGLE_DEMOGRAPHIC",
    }
    point = Point(at_ms, at_ms, offset, offset, ACCOUNT, value)
    return [Batch((point,), lived.bounds_ms[1], wait=lived.wearer.daily_after)]


def _stretches(
    lived: Lived, least: int, make: Callable[[Lived, tuple[Minute, ...]], Exercise]
) -> Iterator[Exercise]:
    """Find runs of minutes with at least so many steps, and none that is a faster exercise."""
    most = 1000 if least >= RUNNING else RUNNING
    held: list[Minute] = []
    for minute in (*lived.minutes, Minute(lived.bounds_ms[1], 0, 0, 0)):
        if minute.bpm and least <= minute.steps < most:
            held.append(minute)
            continue
        if len(held) >= _SHORTEST:
            yield make(lived, tuple(held))
        held = []


def _run(lived: Lived, minutes: tuple[Minute, ...]) -> Exercise:
    start_ms = minutes[0].start_ms + 1000 * lived.rng("run").randrange(30)
    end_ms = minutes[-1].start_ms + MINUTE_MS
    return Exercise("RUNNING", "Run", start_ms, end_ms, STARTED, "", minutes, gps=True)


def _walk(lived: Lived, minutes: tuple[Minute, ...]) -> Exercise:
    start_ms = minutes[0].start_ms + 1000 * lived.rng("walk").randrange(30)
    end_ms = minutes[-1].start_ms + MINUTE_MS
    return Exercise("WALKING", "Walk", start_ms, end_ms, NOTICED, "", minutes)


def _swim(lived: Lived) -> Iterator[Exercise]:
    rng = lived.rng("swim")
    if not lived.worn or rng.randrange(_SWIM_IN):
        return
    at_ms = start_ms = lived.bounds_ms[0] + MINUTE_MS * rng.randrange(12 * 60, 14 * 60) + 10_000
    lengths = []
    for _ in range(rng.randrange(20, 60)):
        end_ms = at_ms + 1000 * rng.randrange(*_LENGTH_S)
        lengths.append((at_ms, end_ms, rng.randrange(14, 22)))
        at_ms = end_ms + (30_000 if rng.randrange(6) == 0 else 0)
    end_ms = lengths[-1][1]
    inside = tuple(m for m in lived.minutes if start_ms <= m.start_ms < end_ms and m.bpm)
    if not lived.wearer.keeps(start_ms // 1000, end_ms // 1000):
        return
    parts = tuple(lengths)
    yield Exercise("SWIMMING_POOL", "Swim", start_ms, end_ms, STARTED, "", inside, lengths=parts)


def _point(lived: Lived, one: Exercise, created_ms: int, updated_ms: int) -> Point:
    active_ms = one.end_ms - one.start_ms - one.paused_ms
    value: dict[str, Any] = {
        "exerciseType": one.kind,
        "metricsSummary": _metrics(one, one.minutes, active_ms),
        "exerciseMetadata": _metadata(one),
        "displayName": one.name,
        "activeDuration": seconds(active_ms / 1000),
        "exerciseEvents": [
            {
                "eventTime": stamp(at_ms),
                "eventUtcOffset": seconds(lived.wearer.offset_at(at_ms // 1000)),
                "exerciseEventType": kind,
            }
            for at_ms, kind in _events(one)
        ],
    }
    splits = _splits(lived, one)
    if splits:
        value |= {"splits": splits, "splitSummaries": [{**splits[0], "splitType": "MANUAL"}]}
    return Point(
        one.start_ms,
        one.end_ms,
        *_offsets(lived, one.start_ms, one.end_ms),
        one.source,
        value,
        point_id=one.point_id,
        created_ms=created_ms,
        updated_ms=updated_ms,
    )


def _metadata(one: Exercise) -> Value:
    if one.gps:
        return {"hasGps": True}
    return {"poolLengthMillimeters": str(_POOL_MM)} if one.lengths else {}


def _events(one: Exercise) -> list[tuple[int, str]]:
    middle_ms = (one.start_ms + one.end_ms) // 2000 * 1000
    pause = [(middle_ms, "PAUSE"), (middle_ms + one.paused_ms, "RESUME")] if one.paused_ms else []
    return [(one.start_ms, "START"), *pause, (one.end_ms, "STOP")]


def _metrics(one: Exercise, minutes: Sequence[Minute], active_ms: int) -> dict[str, Any]:
    """Sum minutes up as `metricsSummary` does."""
    zones = [0] * len(ZONE_TYPES)
    for minute in minutes:
        zones[zone_of(minute.bpm)] += 1
    steps = sum(minute.steps for minute in minutes)
    far_mm = sum(map(distance_mm, minutes)) if not one.lengths else _POOL_MM * len(one.lengths)
    value: dict[str, Any] = {
        "caloriesKcal": round(sum(map(kcal, minutes))),
        "distanceMillimeters": far_mm,
        "heartRateZoneDurations": {
            f"{name.lower()}Time": f"{60 * count}s"
            for name, count in zip(ZONE_TYPES, zones, strict=True)
        },
    }
    if minutes:
        mean = sum(minute.bpm for minute in minutes) // len(minutes)
        value["averageHeartRateBeatsPerMinute"] = str(mean)
        value["activeZoneMinutes"] = str(zones[1] + 2 * zones[2] + 2 * zones[3])
    if one.lengths:
        return {**value, "totalSwimLengths": len(one.lengths)}
    value["steps"] = str(steps)
    value["averagePaceSecondsPerMeter"] = active_ms / far_mm
    if one.gps:
        value["averageSpeedMillimetersPerSecond"] = far_mm / (active_ms / 1000)
        climbs = [minute.climb_mm for minute in minutes if minute.climb_mm > 0]
        value |= {"elevationGainMillimeters": sum(climbs), "runVo2Max": _run_vo2(one)}
        value["mobilityMetrics"] = {
            "avgCadenceStepsPerMinute": steps / len(minutes),
            "avgStrideLengthMillimeters": str(far_mm // steps),
            "avgVerticalOscillationMillimeters": "84",
            "avgVerticalRatio": 8.1,
            "avgGroundContactTimeDuration": "0.251s",
        }
    return value


def _run_vo2(one: Exercise) -> float:
    return round(40 + sum(minute.steps for minute in one.minutes) % 800 / 100, 2)


def _splits(lived: Lived, one: Exercise) -> list[dict[str, Any]]:
    """Cut a run into kilometres, to the minute."""
    splits: list[dict[str, Any]] = []
    held: list[Minute] = []
    start_ms = one.start_ms
    for minute in one.minutes if one.gps else ():
        held.append(minute)
        end_ms = minute.start_ms + MINUTE_MS
        if sum(map(distance_mm, held)) < _KM_MM and end_ms < one.end_ms:
            continue
        offsets = _offsets(lived, start_ms, end_ms)
        splits.append(
            {
                "startTime": stamp(start_ms),
                "startUtcOffset": seconds(offsets[0]),
                "endTime": stamp(end_ms),
                "endUtcOffset": seconds(offsets[1]),
                "activeDuration": seconds((end_ms - start_ms) / 1000),
                "splitType": "DISTANCE",
                "metricsSummary": _metrics(one, held, end_ms - start_ms),
            }
        )
        held, start_ms = [], end_ms
    return splits


def _offsets(lived: Lived, start_ms: int, end_ms: int) -> tuple[int, int]:
    wearer = lived.wearer
    return wearer.offset_at(start_ms // 1000), wearer.offset_at(end_ms // 1000)
