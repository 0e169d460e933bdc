"""Windows and what is told about each: sums, means, extremes, durations. Pure.

Windows begin at the requested start, not on the clock; the last one is cut at the requested end.
Points count in the window in which they start; where the length of a point is the measurement, each
window gets its part.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fitbitd.simulator.measured import Point

Value = dict[str, Any]


@dataclass(slots=True)
class Window:
    """One window that holds something: [start, end), its points, and how much of each (ms)."""

    start_ms: int
    end_ms: int
    points: list[Point] = field(default_factory=list)
    parts_ms: list[int] = field(default_factory=list)


def windows_of(
    data_type: str,
    points: Iterable[Point],
    span: tuple[int, int],
    size_ms: int,
    key: Callable[[Point], int],
) -> list[Window]:
    """Sort points into windows over `span`, newest first; windows without points are left out.

    Args:
        key: when a point starts, on the axis of `span`.
    """
    start, end = span
    found: dict[int, Window] = {}
    lasting = data_type in _LENGTHS
    for point in points:
        begins = key(point)
        length = point.end_ms - point.start_ms if lasting else 1
        first, last = max(begins, start), min(begins + length, end)
        if first >= last:
            continue
        for turn in range((first - start) // size_ms, -((start - last) // size_ms)):
            window = found.get(turn)
            if window is None:
                opens = start + turn * size_ms
                window = found[turn] = Window(opens, min(opens + size_ms, end))
            window.points.append(point)
            window.parts_ms.append(min(last, window.end_ms) - max(first, window.start_ms))
    return [found[turn] for turn in sorted(found, reverse=True)]


def value_of(data_type: str, window: Window) -> Value:
    """Tell what the window of a data type holds."""
    return _RULES[data_type](window)


def zero_of(data_type: str) -> Value:
    """Tell of a window in which nothing was measured what an explicit zero would be."""
    return _RULES[data_type](Window(0, 0)) if data_type in _SUMS else {}


def _numbers(window: Window, *path: str) -> list[float]:
    found = []
    for point in window.points:
        value: Any = point.value
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            found.append(float(value))
    return found


def _whole(path: str, name: str) -> Callable[[Window], Value]:
    return lambda window: {name: str(int(sum(_numbers(window, path))))}


def _energy(window: Window) -> Value:
    return {"kcalSum": sum(_numbers(window, "kcal"))}


def _mean(path: str, name: str) -> Callable[[Window], Value]:
    def value(window: Window) -> Value:
        numbers = _numbers(window, path)
        return {name: sum(numbers) / len(numbers)}

    return value


def _spread(path: str, name: str) -> Callable[[Window], Value]:
    def value(window: Window) -> Value:
        numbers = _numbers(window, path)
        return {
            f"{name}Avg": sum(numbers) / len(numbers),
            f"{name}Max": _short(max(numbers)),
            f"{name}Min": _short(min(numbers)),
        }

    return value


def _short(number: float) -> float:
    """Give a whole number without a fraction, as JSON shows doubles."""
    return int(number) if float(number).is_integer() else number


def _duration(millis: int) -> str:
    seconds, rest = divmod(millis, 1000)
    return f"{seconds}.{rest:03}s" if rest else f"{seconds}s"


def _by(member: str, window: Window) -> dict[str, int]:
    """Sum the lengths of points by one of their members."""
    lengths: dict[str, int] = {}
    for point, part in zip(window.points, window.parts_ms, strict=True):
        name = point.value[member]
        lengths[name] = lengths.get(name, 0) + part
    return lengths


def _zone_minutes(window: Window) -> Value:
    sums = {"FAT_BURN": 0, "CARDIO": 0, "PEAK": 0}
    for point in window.points:
        sums[point.value["heartRateZone"]] += int(point.value["activeZoneMinutes"])
    return {
        "sumInFatBurnHeartZone": str(sums["FAT_BURN"]),
        "sumInCardioHeartZone": str(sums["CARDIO"]),
        "sumInPeakHeartZone": str(sums["PEAK"]),
    }


def _active_minutes(window: Window) -> Value:
    sums: dict[str, int] = {}
    for point in window.points:
        for row in point.value["activeMinutesByActivityLevel"]:
            level = row["activityLevel"]
            sums[level] = sums.get(level, 0) + int(row["activeMinutes"])
    rows = [
        {"activityLevel": level, "activeMinutesSum": str(sums[level])} for level in sorted(sums)
    ]
    return {"activeMinutesRollupByActivityLevel": rows}


def _zone_calories(window: Window) -> Value:
    sums: dict[str, float] = {}
    for point in window.points:
        zone = point.value["heartRateZone"]
        sums[zone] = sums.get(zone, 0.0) + point.value["kcal"]
    rows = [{"heartRateZone": zone, "kcal": sums[zone]} for zone in _ZONES if zone in sums]
    return {"caloriesInHeartRateZones": rows}


def _zone_times(window: Window) -> Value:
    times = _by("heartRateZoneType", window)
    rows = [
        {"heartRateZone": zone, "duration": _duration(times[zone])}
        for zone in _ZONES
        if zone in times
    ]
    return {"timeInHeartRateZones": rows}


def _levels(window: Window) -> Value:
    rows = [
        {"activityLevelType": level, "totalDuration": _duration(length)}
        for level, length in _by("activityLevelType", window).items()
    ]
    return {"activityLevelRollupsByActivityLevelType": rows}


_EATEN = (
    ("energy", "kcal"),
    ("energyFromFat", "kcal"),
    ("totalCarbohydrate", "grams"),
    ("totalFat", "grams"),
)


def _nutrition(window: Window) -> Value:
    value: Value = {}
    for name, unit in _EATEN:
        numbers = _numbers(window, name, unit)
        if numbers:
            value[name] = {f"{unit}Sum": _short(sum(numbers))}
    sums: dict[str, float] = {}
    for point in window.points:
        for row in point.value.get("nutrients", ()):
            grams = row.get("quantity", {}).get("grams", 0)
            sums[row["nutrient"]] = sums.get(row["nutrient"], 0) + grams
    if sums:
        value["nutrients"] = [
            {"nutrient": name, "quantity": {"gramsSum": _short(grams)}}
            for name, grams in sums.items()
        ]
    return value


def _hydration(window: Window) -> Value:
    numbers = _numbers(window, "amountConsumed", "milliliters")
    return {"amountConsumed": {"millilitersSum": _short(sum(numbers))}}


_ZONES = ("LIGHT", "MODERATE", "VIGOROUS", "PEAK")
_LENGTHS = frozenset({"sedentary-period", "time-in-heart-rate-zone", "activity-level"})
_SUMS = frozenset(
    {"active-energy-burned", "altitude", "distance", "floors", "steps", "total-calories"}
)
_RULES: Mapping[str, Callable[[Window], Value]] = {
    "active-energy-burned": _energy,
    "active-minutes": _active_minutes,
    "active-zone-minutes": _zone_minutes,
    "activity-level": _levels,
    "altitude": _whole("gainMillimeters", "gainMillimetersSum"),
    "blood-glucose": _mean(
        "bloodGlucoseMilligramsPerDeciliter", "bloodGlucoseMilligramsPerDeciliterAvg"
    ),
    "body-fat": _mean("percentage", "bodyFatPercentageAvg"),
    "calories-in-heart-rate-zone": _zone_calories,
    "core-body-temperature": _spread("temperatureCelsius", "temperatureCelsius"),
    "distance": _whole("millimeters", "millimetersSum"),
    "floors": _whole("count", "countSum"),
    "heart-rate": _spread("beatsPerMinute", "beatsPerMinute"),
    "hydration-log": _hydration,
    "nutrition-log": _nutrition,
    "run-vo2-max": _spread("runVo2Max", "rate"),
    "sedentary-period": lambda window: {"durationSum": _duration(sum(window.parts_ms))},
    "steps": _whole("count", "countSum"),
    "swim-lengths-data": _whole("strokeCount", "strokeCountSum"),
    "time-in-heart-rate-zone": _zone_times,
    "total-calories": _energy,
    "weight": _mean("weightGrams", "weightGramsAvg"),
}
