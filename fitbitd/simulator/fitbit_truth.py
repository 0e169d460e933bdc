"""What the legacy provider published beside `Wearer.truth`, as rows a test can compare. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from fitbitd.simulator.fitbit_bodies import is_named
from fitbitd.simulator.fitbit_life import LEVELS, FitbitLife, Night, Sums
from fitbitd.simulator.wearer import Truth

_LEVEL_NAMES = ("sedentary", "lightly_active", "fairly_active", "very_active")


def truth(life: FitbitLife, now: datetime) -> Truth:
    """Give what was published at `now`, in the units of the data types that tests know.

    Returns:
        Daily values: date, field, value, source. Readings: Unix seconds, field, value, source.
        `exercise`: id, date, start and end in Unix seconds, name, kilocalories, millimetres, steps
        and when it last changed; None for what an entry does not have.
    """
    rows: Truth = {}
    for name, *row in (*_days(life, now), *_nights(life, now), *_logs(life, now)):
        rows.setdefault(name, []).append(tuple(row))
    return rows


def _days(life: FitbitLife, now: datetime) -> Iterator[tuple[Any, ...]]:
    wearer = life.wearer
    known = wearer.today(wearer.synced_at(now) or now)
    for day in life.account_days(wearer.member_since, wearer.today(now), now):
        for name, field, value in _sums(life.sums(day, now)):
            if value or day <= known:
                yield name, day, field, value, ""


def _sums(sums: Sums) -> Iterator[tuple[str, str, float]]:
    yield "daily_total_calories", "total_calories", sums.kcal
    yield "daily_basal_energy_burned", "basal_energy_burned", sums.basal_kcal
    yield "daily_activity_calories", "activity_calories", sums.active_kcal
    yield "daily_distance", "distance", sums.distance_mm
    yield "daily_elevation", "elevation", sums.metres
    yield "daily_floors", "floors", sums.floors
    for name, resource in zip(_LEVEL_NAMES, LEVELS, strict=True):
        yield f"daily_{name}", name, 60 * sums.levels[resource]
    if sums.zones:
        yield "daily_active_zone_minutes", "active_zone_minutes", sum(sums.zones.values())
    for zone, minutes in sums.zones.items():
        yield "daily_active_zone_minutes", zone, minutes


def _nights(life: FitbitLife, now: datetime) -> Iterator[tuple[Any, ...]]:
    tell = {"hrv": _variability, "spo2": _oxygen, "br": _breaths, "temp/skin": _skin}
    for resource, rows in tell.items():
        span = life.wearer.member_since, life.wearer.today(now)
        for night in life.nights(resource, *span, now):
            yield from rows(night)


def _variability(night: Night) -> Iterator[tuple[Any, ...]]:
    names = {"hf": "high_frequency_power", "lf": "low_frequency_power"}
    for field, mean in zip(("rmssd", "deep_rmssd"), night.mean_variability or (), strict=False):
        if mean is not None:
            yield "daily_heart_rate_variability", night.day, field, mean, ""
    for at_s, values in night.variability:
        for field, value in values.items():
            yield "heart_rate_variability", at_s, names.get(field, field), value, ""


def _oxygen(night: Night) -> Iterator[tuple[Any, ...]]:
    for end, of_night in zip(("mean", "min", "max"), night.mean_oxygen, strict=False):
        yield "daily_oxygen_saturation", night.day, f"oxygen_saturation_{end}", of_night, ""
    for at_s, percent in night.oxygen:
        yield "oxygen_saturation", at_s, "oxygen_saturation", percent, ""


def _breaths(night: Night) -> Iterator[tuple[Any, ...]]:
    for stage, rate in (night.breaths or {}).items():
        if stage == "full":
            yield "daily_respiratory_rate", night.day, "respiratory_rate", rate, ""
        if rate > 0:
            field = f"{stage}.respiratory_rate"
            yield "daily_respiratory_rate_by_stage", night.day, field, rate, ""


def _skin(night: Night) -> Iterator[tuple[Any, ...]]:
    if night.skin is not None:
        warmer, sensor = night.skin
        yield "daily_skin_temperature", night.day, "nightly_relative", warmer, sensor


def _logs(life: FitbitLife, now: datetime) -> Iterator[tuple[Any, ...]]:
    for one in life.weighings(life.wearer.member_since, life.wearer.today(now), now):
        yield "weight", one.at_s, "weight", round(1000 * one.kilograms), one.source
        yield "weight", one.at_s, "bmi", one.bmi, one.source
        if one.fat is not None:
            yield "weight", one.at_s, "body_fat", one.fat, one.source
    for each in life.exercises(life.wearer.member_since, now):
        metrics, started = each.value["metricsSummary"], each.source.recording_method[0] == "A"
        yield (
            "exercise",
            each.point_id,
            _civil(each.start_ms, each.start_offset_s),
            each.start_ms // 1000,
            each.end_ms // 1000,
            each.value["displayName"] if is_named(each) else None,
            metrics["caloriesKcal"],
            metrics["distanceMillimeters"] if started else None,
            int(metrics["steps"]) if "steps" in metrics else None,
            datetime.fromtimestamp((each.updated_ms or 0) / 1000, UTC),
        )


def _civil(at_ms: int, offset: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, timezone(timedelta(seconds=offset))).date()
