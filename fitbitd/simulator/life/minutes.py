"""Types with one point a minute, told from the minutes of a day. Pure.

Lists hold worn periods only: a minute off the wrist has no point, a still one is a zero, and the
zero of `steps` is the absent member that the documents describe.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from fitbitd.simulator import days
from fitbitd.simulator.life.lived import MINUTE_MS, Lived, Minute
from fitbitd.simulator.life.sources import DERIVED, PHONE, WATCH
from fitbitd.simulator.measured import Point, Source

Value = Mapping[str, Any]

ZONE_TYPES = ("LIGHT", "MODERATE", "VIGOROUS", "PEAK")
_ACTIVE_ZONES = (None, ("FAT_BURN", "1"), ("CARDIO", "2"), ("PEAK", "2"))

BASAL_KCAL = 1.2
_WALKING_MM, _RUNNING_MM = 726, 1052
RUNNING = 150
"""Steps a minute from which on it is running."""
_BRISK, _EASY = 100, 40
_FLOOR_MM = 3_000
_IDLE_STEPS = 10
_SEDENTARY_MINUTES = 10
"""A sedentary period has at least so many minutes."""


@cache
def zone_of(bpm: int) -> int:
    """Give the index of the heart-rate zone that a level is in."""
    return next(i for i, (_, _, below, _) in enumerate(days.ZONES) if bpm < below)


def distance_mm(minute: Minute) -> int:
    """Give the distance walked or run in a minute."""
    return minute.steps * (_RUNNING_MM if minute.steps >= RUNNING else _WALKING_MM)


def kcal(minute: Minute) -> float:
    """Give all energy burned in a worn minute."""
    return days.ZONES[zone_of(minute.bpm)][3]


def active_kcal(minute: Minute) -> float:
    """Give the energy burned in a minute beyond what a body at rest burns."""
    return (kcal(minute) - BASAL_KCAL) * min(1.0, minute.steps / RUNNING)


def _steps(minute: Minute) -> Value:
    return {"count": str(minute.steps)} if minute.steps else {}


def _distance(minute: Minute) -> Value:
    return {"millimeters": str(distance_mm(minute))}


def _floors(minute: Minute) -> Value:
    return {"count": str(max(0, minute.climb_mm) // _FLOOR_MM)}


def _altitude(minute: Minute) -> Value:
    return {"gainMillimeters": str(minute.climb_mm)}


def _active_energy(minute: Minute) -> Value | None:
    return {"kcal": active_kcal(minute)} if minute.steps else None


def _total_calories(minute: Minute) -> Value:
    return {"kcal": kcal(minute)}


def _zone_calories(minute: Minute) -> Value:
    return {"heartRateZone": ZONE_TYPES[zone_of(minute.bpm)], "kcal": kcal(minute)}


def _zone_time(minute: Minute) -> Value:
    return {"heartRateZoneType": ZONE_TYPES[zone_of(minute.bpm)]}


def _zone_minutes(minute: Minute) -> Value | None:
    active = _ACTIVE_ZONES[zone_of(minute.bpm)]
    return active and {"heartRateZone": active[0], "activeZoneMinutes": active[1]}


def _active_minutes(minute: Minute) -> Value | None:
    if minute.steps < _EASY:
        return None
    brisk = "MODERATE" if minute.steps >= _BRISK else "LIGHT"
    level = "VIGOROUS" if minute.steps >= RUNNING else brisk
    return {"activeMinutesByActivityLevel": [{"activityLevel": level, "activeMinutes": "1"}]}


def level_of(minute: Minute) -> str:
    """Name how active a minute was."""
    if minute.steps < _IDLE_STEPS:
        return "SEDENTARY"
    if minute.steps < _BRISK:
        return "LIGHTLY_ACTIVE"
    return "MODERATELY_ACTIVE" if minute.steps < RUNNING else "VERY_ACTIVE"


def _level(minute: Minute) -> Value:
    return {"activityLevelType": level_of(minute)}


RULES: Mapping[str, tuple[Source, Callable[[Minute], Value | None]]] = {
    "steps": (WATCH, _steps),
    "distance": (WATCH, _distance),
    "floors": (WATCH, _floors),
    "altitude": (WATCH, _altitude),
    "active-energy-burned": (DERIVED, _active_energy),
    "total-calories": (DERIVED, _total_calories),
    "calories-in-heart-rate-zone": (DERIVED, _zone_calories),
    "time-in-heart-rate-zone": (DERIVED, _zone_time),
    "active-zone-minutes": (WATCH, _zone_minutes),
    "active-minutes": (DERIVED, _active_minutes),
    "activity-level": (DERIVED, _level),
}
"""Source and value of each type that has one point a worn minute, or none for some minutes."""

ADDITIVE = {
    "steps": "count",
    "distance": "millimeters",
    "floors": "count",
    "altitude": "gainMillimeters",
    "active-energy-burned": "kcal",
}
"""Types whose points can be joined, and the member that then adds up."""

COUNTED_BY_PHONE = ("steps", "distance")


def by_minute(type_id: str, lived: Lived) -> list[Point]:
    """Tell the worn minutes of a day for one of `RULES`."""
    source, rule = RULES[type_id]
    return [
        _point(lived, minute, source, value)
        for minute in lived.worn_minutes
        if (value := rule(minute)) is not None
    ]


def by_phone(type_id: str, lived: Lived, hours_ms: frozenset[int]) -> list[Point]:
    """Tell what the phone counted in the hours that begin at `hours_ms`, never a zero."""
    _, rule = RULES[type_id]
    points = []
    for hour_ms in sorted(hours_ms):
        rng = lived.rng(f"phone {hour_ms}")
        first = (hour_ms - lived.bounds_ms[0]) // MINUTE_MS
        for minute in lived.minutes[first : first + 60]:
            heard = minute.steps + rng.randrange(-5, 6)
            if minute.steps and heard > 0:
                counted = Minute(minute.start_ms, heard, minute.bpm, 0)
                points.append(_point(lived, minute, PHONE, rule(counted) or {}))
    return points


def sedentary(lived: Lived) -> list[Point]:
    """Tell the stretches of a day in which a wearer was hardly moving."""
    points: list[Point] = []
    begun: int | None = None
    for minute in (*lived.minutes, None):
        if minute is not None and minute.bpm and level_of(minute) == "SEDENTARY":
            begun = minute.start_ms if begun is None else begun
            continue
        end_ms = minute.start_ms if minute is not None else lived.bounds_ms[1]
        if begun is not None and end_ms - begun >= _SEDENTARY_MINUTES * MINUTE_MS:
            offsets = lived.offset(begun), lived.offset(end_ms)
            points.append(Point(begun, end_ms, *offsets, DERIVED, {}))
        begun = None
    return points


def _point(lived: Lived, minute: Minute, source: Source, value: Value) -> Point:
    end_ms = minute.start_ms + MINUTE_MS
    offsets = lived.offset(minute.start_ms), lived.offset(end_ms)
    return Point(minute.start_ms, end_ms, *offsets, source, value)
