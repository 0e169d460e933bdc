"""Series, nights, weighings and activities of the legacy API, in the shapes that were recorded.

Its numbers are strings in one place and not in the next, rows without data are zero, absent, or
there without a value, and some roots are lists.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from fitbitd.simulator.civil import wall
from fitbitd.simulator.fitbit_life import LEVELS, FitbitLife, Night, Sums, Weighing
from fitbitd.simulator.measured import Point
from fitbitd.simulator.paths import Asked

Row = dict[str, Any]

SUMS: Mapping[str, Callable[[Sums], float]] = {
    "calories": lambda sums: sums.kcal,
    "caloriesBMR": lambda sums: sums.basal_kcal,
    "activityCalories": lambda sums: sums.active_kcal,
    "distance": lambda sums: sums.distance_mm / 1e6,
    "elevation": lambda sums: sums.metres,
    "floors": lambda sums: sums.floors,
    **{name: lambda sums, name=name: sums.levels[name] for name in LEVELS},  # type: ignore[misc] # mypy does not see the default's type
}
"""Time series that are one number a day, in the units of the API."""

_ZONE_MEMBERS = {
    "fat_burn": "fatBurnActiveZoneMinutes",
    "cardio": "cardioActiveZoneMinutes",
    "peak": "peakActiveZoneMinutes",
}
_HEART_ZONES = (
    ("Out of Range", "light"),
    ("Fat Burn", "moderate"),
    ("Cardio", "vigorous"),
    ("Peak", "peak"),
)
_UNNAMED_IN = 7
"""One activity in so many has no name, as old ones have none."""


def series_rows(life: FitbitLife, asked: Asked, now: datetime) -> list[Row]:
    """Give the rows of a time series that is told by the minutes of the days."""
    days = life.account_days(asked.first, asked.last, now)
    sums = [(day.isoformat(), life.sums(day, now)) for day in days]
    if asked.resource != "active-zone-minutes":
        of = SUMS[asked.resource]
        return [{"dateTime": day, "value": str(of(each))} for day, each in sums]
    return [
        {
            "dateTime": day,
            "value": {
                "activeZoneMinutes": sum(each.zones.values()),
                **{_ZONE_MEMBERS[name]: minutes for name, minutes in each.zones.items()},
            },
        }
        for day, each in sums
        if each.zones
    ]


def night_body(life: FitbitLife, asked: Asked, now: datetime) -> Any:
    """Answer for a date or a range of one of the resources that are measured in sleep."""
    tell = _NIGHTS[asked.resource, asked.level]
    rows = [
        {"dateTime": night.day.isoformat(), **told}
        for night in life.nights(asked.resource, asked.first, asked.last, now)
        if (told := tell(life, night)) is not None
    ]
    if asked.resource != "spo2":
        return {{"temp/skin": "tempSkin"}.get(asked.resource, asked.resource): rows}
    return rows if not asked.one_date else rows[0] if rows else {}


def _mean_variability(_life: FitbitLife, night: Night) -> Row | None:
    if night.mean_variability is None:
        return None
    mean, deep = night.mean_variability
    return {"value": {"dailyRmssd": mean} | ({} if deep is None else {"deepRmssd": deep})}


def _variability(life: FitbitLife, night: Night) -> Row | None:
    minutes = [{"minute": _wall(life, at_s), "value": value} for at_s, value in night.variability]
    return {"minutes": minutes} if minutes else None


def _mean_oxygen(_life: FitbitLife, night: Night) -> Row:
    """Tell a night that had too little of it without a value."""
    if not night.oxygen:
        return {}
    return {"value": dict(zip(("avg", "min", "max"), night.mean_oxygen, strict=True))}


def _oxygen(life: FitbitLife, night: Night) -> Row | None:
    """Write whole numbers without a fraction, and times without one, as they were recorded."""
    minutes = [
        {
            "minute": _wall(life, at_s).partition(".")[0],
            "value": int(percent) if percent == int(percent) else percent,
        }
        for at_s, percent in night.oxygen
    ]
    return {"minutes": minutes} if minutes else None


def _breaths(_life: FitbitLife, night: Night) -> Row | None:
    return night.breaths and {"value": {"breathingRate": night.breaths["full"]}}


def _breaths_by_stage(_life: FitbitLife, night: Night) -> Row | None:
    rates = (night.breaths or {}).items()
    value = {f"{stage}SleepSummary": {"breathingRate": rate} for stage, rate in rates}
    return {"value": value} if value else None


def _skin(_life: FitbitLife, night: Night) -> Row | None:
    if night.skin is None:
        return None
    return {"value": {"nightlyRelative": night.skin[0]}, "logType": night.skin[1]}


_NIGHTS: Mapping[tuple[str, str], Callable[[FitbitLife, Night], Row | None]] = {
    ("hrv", ""): _mean_variability,
    ("hrv", "all"): _variability,
    ("spo2", ""): _mean_oxygen,
    ("spo2", "all"): _oxygen,
    ("br", ""): _breaths,
    ("br", "all"): _breaths_by_stage,
    ("temp/skin", ""): _skin,
}


def weight_body(life: FitbitLife, weighings: list[Weighing]) -> Row:
    """Answer with weighings."""
    return {"weight": [_weighing(life, one) for one in weighings]}


def _weighing(life: FitbitLife, one: Weighing) -> Row:
    day, _, clock = _wall(life, one.at_s).partition(".")[0].partition("T")
    row: Row = {
        "bmi": one.bmi,
        "date": day,
        "logId": 1000 * one.at_s,
        "source": one.source,
        "time": clock,
        "weight": one.kilograms,
    }
    return row if one.fat is None else {**row, "fat": one.fat}


def activity_entry(one: Point) -> Row:
    """Show one entry of the activity log list; most of its members are not always there."""
    metrics = one.value["metricsSummary"]
    started = one.source.recording_method == "ACTIVELY_MEASURED"
    start = stamp(one.start_ms, one.start_offset_s)
    entry: Row = {
        "activeDuration": round(float(one.value["activeDuration"].removesuffix("s")) * 1000),
        "activityLevel": [
            {"minutes": (one.end_ms - one.start_ms) // 60_000, "name": "very"},
            {"minutes": 0, "name": "sedentary"},
        ],
        "activityTypeId": 90009 if one.value["exerciseType"] == "RUNNING" else 90013,
        "calories": metrics["caloriesKcal"],
        "duration": one.end_ms - one.start_ms,
        "lastModified": stamp(one.updated_ms or 0, 0),
        "logId": int(one.point_id or 0),
        "logType": "tracker" if started else "auto_detected",
        "manualValuesSpecified": {"calories": False, "distance": False, "steps": False},
        "originalDuration": one.end_ms - one.start_ms,
        "originalStartTime": start,
        "startTime": start,
    }
    if is_named(one):
        entry["activityName"] = one.value["displayName"]
    if "steps" in metrics:
        entry["steps"] = int(metrics["steps"])
    if "averageHeartRateBeatsPerMinute" in metrics:
        spent = metrics["heartRateZoneDurations"]
        entry["averageHeartRate"] = int(metrics["averageHeartRateBeatsPerMinute"])
        entry["heartRateZones"] = [
            {"minutes": int(spent[f"{theirs}Time"].removesuffix("s")) // 60, "name": name}
            for name, theirs in _HEART_ZONES
        ]
    if started:
        entry |= {"distance": metrics["distanceMillimeters"] / 1e6, "distanceUnit": "Kilometer"}
        entry["source"] = {"id": "100000003", "name": "Charge 6", "type": "tracker"}
    if "elevationGainMillimeters" in metrics:
        entry |= {"elevationGain": metrics["elevationGainMillimeters"] / 1000, "hasGps": True}
    return entry


def is_named(one: Point) -> bool:
    """Say whether an activity has a name in the list."""
    return int(one.point_id or 0) % _UNNAMED_IN != 0


def stamp(at_ms: int, offset_s: int) -> str:
    """Write an instant with its offset, or Z, as only this list does."""
    zone = timezone(timedelta(seconds=offset_s)) if offset_s else UTC
    at = datetime.fromtimestamp(at_ms / 1000, zone)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wall(life: FitbitLife, at_s: int) -> str:
    return wall(at_s, life.offset_s(at_s))
