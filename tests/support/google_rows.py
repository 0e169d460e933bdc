"""A life's points at Google as the rows that an index must hold.

The life speaks Google's JSON; which member is which of our fields is said here a second time, by
hand, so that the provider's table can be wrong.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fitbitd.simulator.measured import Point, Source

Rows = Counter[tuple[Hashable, ...]]
Found = Iterator[tuple[str, float]]

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_EPOCH = date(1970, 1, 1)
_SHARP = 6  # decimals: what is summed up may be summed up in another order


def number(said: Any) -> float:
    """Read one of Google's numbers, which may be text."""
    read = float(said)
    return int(read) if read.is_integer() else read


def sharp(value: float) -> float:
    """Round what may have been summed up in another order."""
    return round(value, _SHARP)


def dig(value: Any, path: str) -> Any:
    """Follow a path of members; None where one is missing."""
    for member in path.split("."):
        value = value.get(member) if isinstance(value, Mapping) else None
    return value


# Which member is which field ----

_SLEEP = {
    "summary.minutesAsleep": "minutes_asleep",
    "summary.minutesAwake": "minutes_awake",
    "summary.minutesToFallAsleep": "minutes_to_fall_asleep",
    "summary.minutesAfterWakeUp": "minutes_after_wakeup",
    "summary.minutesInSleepPeriod": "time_in_bed",
}
_SLEEP_FLAGS = {
    "mainSleep": "main_sleep",
    "nap": "nap",
    "processed": "processed",
    "manuallyEdited": "manually_edited",
}
_METRICS = {
    "caloriesKcal": "calories",
    "distanceMillimeters": "distance",
    "steps": "steps",
    "averagePaceSecondsPerMeter": "pace_mean",
    "averageSpeedMillimetersPerSecond": "speed_mean",
    "averageHeartRateBeatsPerMinute": "heart_rate_mean",
    "elevationGainMillimeters": "elevation_gain",
    "activeZoneMinutes": "active_zone_minutes",
    "runVo2Max": "vo2_max",
    "totalSwimLengths": "swim_lengths",
    "heartRateZoneDurations.lightTime": "light_zone",
    "heartRateZoneDurations.moderateTime": "moderate_zone",
    "heartRateZoneDurations.vigorousTime": "vigorous_zone",
    "heartRateZoneDurations.peakTime": "peak_zone",
    "mobilityMetrics.avgCadenceStepsPerMinute": "cadence_mean",
    "mobilityMetrics.avgStrideLengthMillimeters": "stride_length_mean",
    "mobilityMetrics.avgVerticalOscillationMillimeters": "vertical_oscillation_mean",
    "mobilityMetrics.avgVerticalRatio": "vertical_ratio_mean",
    "mobilityMetrics.avgGroundContactTimeDuration": "ground_contact_mean",
}
_RMSSD = "rootMeanSquareOfSuccessiveDifferencesMilliseconds"
_BREATHING = {
    f"{part}SleepStats.{theirs}": f"{part}.{ours}"
    for part in ("deep", "light", "rem", "full")
    for theirs, ours in (
        ("breathsPerMinute", "respiratory_rate"),
        ("standardDeviation", "standard_deviation"),
        ("signalToNoise", "signal_to_noise"),
    )
}
PLAIN: Mapping[str, Mapping[str, str]] = {
    "vo2-max": {"vo2Max": "vo2_max"},
    "run-vo2-max": {"runVo2Max": "vo2_max"},
    "heart-rate": {"beatsPerMinute": "heart_rate"},
    "heart-rate-variability": {
        _RMSSD: "rmssd",
        "standardDeviationMilliseconds": "sdnn",
        "metadata.lowFrequencyPower": "low_frequency_power",
        "metadata.highFrequencyPower": "high_frequency_power",
    },
    "oxygen-saturation": {"percentage": "oxygen_saturation"},
    "respiratory-rate-sleep-summary": _BREATHING,
    "core-body-temperature": {"temperatureCelsius": "core_body_temperature"},
    "weight": {"weightGrams": "weight"},
    "body-fat": {"percentage": "body_fat"},
    "height": {"heightMillimeters": "height"},
    "blood-glucose": {"bloodGlucoseMilligramsPerDeciliter": "blood_glucose"},
    "daily-vo2-max": {"vo2Max": "vo2_max", "vo2MaxCovariance": "vo2_max_covariance"},
    "daily-resting-heart-rate": {"beatsPerMinute": "resting_heart_rate"},
    "daily-heart-rate-variability": {
        "averageHeartRateVariabilityMilliseconds": "rmssd",
        "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds": "deep_rmssd",
        "nonRemHeartRateBeatsPerMinute": "non_rem_heart_rate",
        "entropy": "entropy",
    },
    "daily-oxygen-saturation": {
        "averagePercentage": "oxygen_saturation_mean",
        "lowerBoundPercentage": "oxygen_saturation_lower",
        "upperBoundPercentage": "oxygen_saturation_upper",
        "standardDeviationPercentage": "oxygen_saturation_deviation",
    },
    "daily-respiratory-rate": {"breathsPerMinute": "respiratory_rate"},
    "daily-sleep-temperature-derivations": {
        "nightlyTemperatureCelsius": "nightly_temperature",
        "baselineTemperatureCelsius": "baseline_temperature",
        "relativeNightlyStddev30dCelsius": "nightly_deviation_30d",
    },
    "hydration-log": {"amountConsumed.milliliters": "amount"},
    "nutrition-log": {
        "energy.kcal": "energy",
        "energyFromFat.kcal": "energy_from_fat",
        "totalCarbohydrate.grams": "total_carbohydrate",
        "totalFat.grams": "total_fat",
    },
    "electrocardiogram": {
        "beatsPerMinuteAvg": "heart_rate_mean",
        "leadNumber": "lead_number",
        "samplingFrequencyHertz": "sampling_frequency",
        "millivoltsScalingFactor": "scaling_factor",
    },
    "sleep": _SLEEP,
    "exercise": {
        **{f"metricsSummary.{theirs}": ours for theirs, ours in _METRICS.items()},
        "activeDuration": "active_duration",
        "exerciseMetadata.poolLengthMillimeters": "pool_length",
    },
}
"""Members that are numbers (or seconds, "90s"), and absent where there is no value."""

COUNTED = {
    "steps": ("count", "steps"),
    "distance": ("millimeters", "distance"),
    "floors": ("count", "floors"),
    "altitude": ("gainMillimeters", "altitude_gain"),
    "active-energy-burned": ("kcal", "active_energy_burned"),
    "total-calories": ("kcal", "total_calories"),
}
"""Members of which an absent one is a zero."""

WORDS = {"blood-glucose": {"mealType": "meal_type", "measurementTiming": "timing"}}
TOLD_BY = {
    "vo2-max": ("measurementMethod",),
    "core-body-temperature": ("measurementLocation",),
    "blood-glucose": ("measurementSource", "specimen"),
}


def values_of(type_id: str, value: Mapping[str, Any], length_s: float) -> Found:
    """Give the fields of one point."""
    for path, name in PLAIN.get(type_id, {}).items():
        said = dig(value, path)
        if said is not None:
            yield name, number(str(said).removesuffix("s"))
    for member, name in WORDS.get(type_id, {}).items():
        if member in value:
            yield f"{name}.{value[member].lower()}", 1
    if type_id in COUNTED:
        member, name = COUNTED[type_id]
        yield name, number(value.get(member, 0))
    if type_id in _OTHERS:
        yield from _OTHERS[type_id](value, length_s)


def _active_minutes(value: Mapping[str, Any], _length_s: float) -> Found:
    for row in value["activeMinutesByActivityLevel"]:
        yield row["activityLevel"].lower(), number(row["activeMinutes"])


def _resting(value: Mapping[str, Any], _length_s: float) -> Found:
    method = dig(value, "dailyRestingHeartRateMetadata.calculationMethod")
    yield f"calculation_method.{method.lower()}", 1


def _zone_bounds(value: Mapping[str, Any], _length_s: float) -> Found:
    for zone in value["heartRateZones"]:
        yield f"{zone['heartRateZoneType'].lower()}.min", number(zone["minBeatsPerMinute"])
        yield f"{zone['heartRateZoneType'].lower()}.max", number(zone["maxBeatsPerMinute"])


def _fitness(value: Mapping[str, Any], _length_s: float) -> Found:
    yield "estimated", int(value.get("estimated", False))
    yield f"cardio_fitness_level.{value['cardioFitnessLevel'].lower()}", 1


def _sleep(value: Mapping[str, Any], _length_s: float) -> Found:
    for member, name in _SLEEP_FLAGS.items():
        yield name, int(value["metadata"].get(member, False))
    for row in dig(value, "summary.stagesSummary") or ():
        yield f"summary.{row['type'].lower()}.minutes", number(row["minutes"])
        yield f"summary.{row['type'].lower()}.count", number(row["count"])


def _exercise(value: Mapping[str, Any], _length_s: float) -> Found:
    yield "has_gps", int(dig(value, "exerciseMetadata.hasGps") or False)


def _meal(value: Mapping[str, Any], _length_s: float) -> Found:
    for row in value.get("nutrients", ()):
        yield f"nutrient.{row['nutrient'].lower()}", number(row["quantity"]["grams"])


_OTHERS: Mapping[str, Callable[[Mapping[str, Any], float], Found]] = {
    "active-minutes": _active_minutes,
    "active-zone-minutes": lambda value, _: iter(
        [(value["heartRateZone"].lower(), number(value["activeZoneMinutes"]))]
    ),
    "activity-level": lambda value, length_s: iter(
        [(value["activityLevelType"].lower(), number(length_s))]
    ),
    "sedentary-period": lambda _, length_s: iter([("sedentary", number(length_s))]),
    "time-in-heart-rate-zone": lambda value, length_s: iter(
        [(value["heartRateZoneType"].lower(), number(length_s))]
    ),
    "calories-in-heart-rate-zone": lambda value, _: iter(
        [(value["heartRateZone"].lower(), value["kcal"])]
    ),
    "swim-lengths-data": lambda value, _: iter(
        [(value["swimStrokeType"].lower(), number(value["strokeCount"]))]
    ),
    "daily-resting-heart-rate": _resting,
    "daily-heart-rate-zones": _zone_bounds,
    "daily-vo2-max": _fitness,
    "sleep": _sleep,
    "exercise": _exercise,
    "nutrition-log": _meal,
}


def source_of(source: Source, told: Iterable[str] = ()) -> str:
    """Write a source in the index's words."""
    device, application = source.device or {}, source.application or {}
    parts = (
        source.platform.lower(),
        device.get("displayName"),
        device.get("manufacturer"),
        device.get("formFactor", "").lower(),
        application.get("packageName"),
        source.recording_method.lower(),
        *(word.lower() for word in told),
    )
    return " / ".join(part for part in parts if part)


# Readings ----


def readings(type_id: str, points: Iterable[Point], *, interval: bool) -> Rows:
    """Give (field, source, offset, instant, value, duration) of points; repeats count once."""
    rows = set()
    for point in points:
        length_ms = point.end_ms - point.start_ms
        told = [point.value[member] for member in TOLD_BY.get(type_id, ()) if member in point.value]
        source = source_of(point.source, told)
        for name, value in values_of(type_id, point.value, length_ms / 1000):
            at = point.start_offset_s, point.start_ms
            rows.add((name, source, *at, sharp(value), length_ms if interval else None))
    return Counter(rows)


def recorded(points: Iterable[Point]) -> Rows:
    """Give the readings that sessions of a heart's recordings hold."""
    rows = set()
    for point in points:
        source = source_of(point.source)
        value = point.value
        for place, sample in enumerate(value.get("waveformSamples", ())):
            at_ms = point.start_ms + place * 1000 // value["samplingFrequencyHertz"]
            counts = number(sample / value["millivoltsScalingFactor"])
            rows.add(("waveform", source, point.start_offset_s, at_ms, sharp(counts), None))
        for window in value.get("alertWindows", ()):
            for beat in window["heartBeats"]:
                at_ms = _stamp_ms(beat["physicalTime"])
                offset_s = int(beat["utcOffset"].removesuffix("s"))
                bpm = number(beat["beatsPerMinute"])
                rows.add(("heart_rate", source, offset_s, at_ms, bpm, None))
    return Counter(rows)


# Roll-ups ----


@dataclass(slots=True)
class _Bin:
    points: list[Point]
    parts_ms: list[int]


def _bins(
    points: Iterable[Point], size_ms: int, *, civil: bool, by_length: bool
) -> dict[int, _Bin]:
    """Sort points by the window in which they begin; a length counts in each that it touches."""
    bins: dict[int, _Bin] = {}
    for point in points:
        begin = point.start_ms + (1000 * point.start_offset_s if civil else 0)
        end = begin + (point.end_ms - point.start_ms if by_length else 1)
        for turn in range(begin // size_ms, (end - 1) // size_ms + 1):
            one = bins.setdefault(turn, _Bin([], []))
            one.points.append(point)
            one.parts_ms.append(min(end, (turn + 1) * size_ms) - max(begin, turn * size_ms))
    return bins


_LENGTHS = ("sedentary-period", "time-in-heart-rate-zone", "activity-level")
_SPREADS = {
    "heart-rate": ("heart_rate", "beatsPerMinute"),
    "run-vo2-max": ("vo2_max", "runVo2Max"),
    "core-body-temperature": ("core_body_temperature", "temperatureCelsius"),
}
_MEANS = {
    "weight": ("weight_mean", "weightGrams"),
    "body-fat": ("body_fat_mean", "percentage"),
    "blood-glucose": ("blood_glucose_mean", "bloodGlucoseMilligramsPerDeciliter"),
}


def rolled(type_id: str, one: _Bin) -> dict[str, float]:
    """Give the fields of one window."""
    if type_id in _SPREADS or type_id in _MEANS:
        name, member = _SPREADS.get(type_id) or _MEANS[type_id]
        numbers = [float(point.value[member]) for point in one.points]
        mean = sharp(sum(numbers) / len(numbers))
        if type_id in _MEANS:
            return {name: mean}
        spread = {f"{name}_max": number(max(numbers)), f"{name}_min": number(min(numbers))}
        return {f"{name}_mean": mean, **spread}
    sums: dict[str, float] = {}
    if type_id == "active-zone-minutes":
        sums = {"fat_burn": 0, "cardio": 0, "peak": 0}
    for point, part_ms in zip(one.points, one.parts_ms, strict=True):
        for name, value in values_of(type_id, point.value, part_ms / 1000):
            sums[name] = sums.get(name, 0) + value
    if type_id == "swim-lengths-data":
        sums = {"strokes": sum(sums.values())}
    return {name: sharp(value) for name, value in sums.items()}


def hours(type_id: str, points: Iterable[Point]) -> Rows:
    """Give the hours (UTC) of merged points as readings."""
    bins = _bins(points, _HOUR_MS, civil=False, by_length=type_id in _LENGTHS)
    return Counter(
        (name, "", 0, turn * _HOUR_MS, value, _HOUR_MS)
        for turn, one in bins.items()
        for name, value in rolled(type_id, one).items()
    )


def days(type_id: str, points: Iterable[Point]) -> Rows:
    """Give the civil days of merged points: (field, source, day, value)."""
    bins = _bins(points, _DAY_MS, civil=True, by_length=type_id in _LENGTHS)
    return Counter(
        (name, "", (_EPOCH + timedelta(days=turn)).isoformat(), value)
        for turn, one in bins.items()
        for name, value in rolled(type_id, one).items()
    )


def dailies(type_id: str, points: Iterable[Point]) -> Rows:
    """Give the rows of a `daily-*` type."""
    return Counter(
        (name, source_of(point.source), str(point.day), sharp(value))
        for point in points
        for name, value in values_of(type_id, point.value, 0)
    )


# Sessions ----

_LABELS = {
    "sleep": {"type": "type", "metadata.stagesStatus": "stages_status"},
    "exercise": {"exerciseType": "type"},
    "hydration-log": {"amountConsumed.userProvidedUnit": "unit"},
    "nutrition-log": {"mealType": "meal_type"},
    "electrocardiogram": {"resultClassification": "classification"},
}
_TEXTS = {
    "displayName": "name",
    "notes": "notes",
    "foodDisplayName": "food",
    "medicalDeviceInfo.deviceModel": "device_model",
    "medicalDeviceInfo.firmwareVersion": "firmware_version",
    "medicalDeviceInfo.featureVersion": "feature_version",
    "medicalDeviceInfo.algorithmVersion": "algorithm_version",
    "medicalDeviceInfo.serviceVersion": "service_version",
}
_PARTS = (
    ("stages", "stage", "type"),
    ("shortAwakenings", "short_awakening", "type"),
    ("outOfBedSegments", "out_of_bed", ""),
    ("splits", "split", "splitType"),
    ("splitSummaries", "split_summary", "splitType"),
    ("exerciseEvents", "event", "exerciseEventType"),
    ("alertWindows", "alert_window", "positive"),
)


def sessions(type_id: str, points: Iterable[Point]) -> Rows:
    """Give (key, day, start, end, offset, values, labels, parts) of points with an identity."""
    rows: Rows = Counter()
    for point in points:
        by_end = type_id == "sleep"
        at_ms = (
            point.end_ms + 1000 * point.end_offset_s
            if by_end
            else point.start_ms + 1000 * point.start_offset_s
        )
        times = (point.start_ms, point.end_ms, point.start_offset_s)
        found = values_of(type_id, point.value, 0)
        values = tuple(sorted((name, sharp(value)) for name, value in found))
        labels = tuple(sorted(_labels(type_id, point)))
        day = (_EPOCH + timedelta(days=at_ms // _DAY_MS)).isoformat()
        rows[point.point_id, day, *times, values, labels, tuple(_parts(point.value))] += 1
    return rows


def _labels(type_id: str, point: Point) -> Iterator[tuple[str, str]]:
    yield "source", source_of(point.source)
    for path, name in _LABELS.get(type_id, {}).items():
        if (said := dig(point.value, path)) is not None:
            yield name, said.lower()
    for path, name in _TEXTS.items():
        if (said := dig(point.value, path)) is not None:
            yield name, said
    for name, at_ms in (("create_time", point.created_ms), ("update_time", point.updated_ms)):
        if at_ms is not None:
            at = datetime.fromtimestamp(at_ms // 1000, UTC)
            fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
            yield name, f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _parts(value: Mapping[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    for member, kind, labelled in _PARTS:
        for part in value.get(member, ()):
            start_ms = _stamp_ms(part.get("startTime") or part["eventTime"])
            end_ms = _stamp_ms(part["endTime"]) if "endTime" in part else start_ms
            said = part.get(labelled, kind)
            label = "positive" if said is True else str(said).lower()
            yield kind, label, start_ms, end_ms - start_ms


def _stamp_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
