"""The `daily-*` rows: published after the day, or after the night that ended on it. Pure."""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from statistics import fmean, pstdev

from fitbitd.simulator import days
from fitbitd.simulator.life.batches import Batch
from fitbitd.simulator.life.lived import Lived
from fitbitd.simulator.life.minutes import ZONE_TYPES
from fitbitd.simulator.life.nightly import BASELINE_CELSIUS, main_sleep, samples
from fitbitd.simulator.life.nights import processed_wait
from fitbitd.simulator.life.sources import ACCOUNT, DERIVED, WATCH
from fitbitd.simulator.life.values import Value
from fitbitd.simulator.measured import Point, Source

_RMSSD = "rootMeanSquareOfSuccessiveDifferencesMilliseconds"


def daily(type_id: str, lived: Lived) -> list[Batch]:
    """Tell the row of one day, with when it appears; none if there was nothing to sum up."""
    wearer, day = lived.wearer, lived.day
    source, of_night, rule = RULES[type_id]
    value = rule(lived) if lived.worn_minutes else None
    night = main_sleep(lived)
    if value is None or (of_night and night is None):
        return []
    start_ms, end_ms = lived.bounds_ms
    offsets = lived.offset(start_ms), lived.offset(end_ms)
    row = Point(start_ms, end_ms, *offsets, source, value, day=day)
    wait = wearer.daily_late.get(day, wearer.daily_after)
    if of_night and night is not None:
        return [Batch((row,), 1000 * night.end_s, wait=wait + processed_wait(wearer, day))]
    return [Batch((row,), end_ms, wait=wait)]


def _resting(lived: Lived) -> Value | None:
    bpm = days.resting(lived.wearer.seed, lived.day)
    if bpm is None or len(lived.worn_minutes) < lived.wearer.enough_for_resting:
        return None
    method = "ONLY_WITH_AWAKE_DATA" if main_sleep(lived) is None else "WITH_SLEEP"
    return {
        "beatsPerMinute": str(bpm),
        "dailyRestingHeartRateMetadata": {"calculationMethod": method},
    }


def _zones(_lived: Lived) -> Value:
    return {
        "heartRateZones": [
            {
                "heartRateZoneType": name,
                "minBeatsPerMinute": str(low),
                "maxBeatsPerMinute": str(below - (name != ZONE_TYPES[-1])),
            }
            for name, (_, low, below, _) in zip(ZONE_TYPES, days.ZONES, strict=True)
        ]
    }


def _variability(lived: Lived) -> Value | None:
    """Average the night; the deep-sleep value and the entropy are not always there."""
    found = [point.value[_RMSSD] for point in samples("heart-rate-variability", lived)]
    if not found:
        return None
    rng = lived.rng("daily variability")
    value = {
        "averageHeartRateVariabilityMilliseconds": round(fmean(found), 3),
        "nonRemHeartRateBeatsPerMinute": str(rng.randrange(48, 58)),
    }
    if rng.randrange(2):
        value["entropy"] = round(rng.uniform(2, 3.5), 3)
    if rng.randrange(4):
        value["deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds"] = round(
            fmean(found) * rng.uniform(0.8, 1.1), 1
        )
    return value


def _oxygen(lived: Lived) -> Value | None:
    found = [point.value["percentage"] for point in samples("oxygen-saturation", lived)]
    if not found:
        return None
    average, spread = fmean(found), pstdev(found)
    return {
        "averagePercentage": round(average, 1),
        "lowerBoundPercentage": round(average - 2 * spread, 1),
        "upperBoundPercentage": min(100, round(average + 2 * spread, 1)),
        "standardDeviationPercentage": round(spread, 2),
    }


def _breathing(lived: Lived) -> Value | None:
    found = samples("respiratory-rate-sleep-summary", lived)
    if not found:
        return None
    return {"breathsPerMinute": found[0].value["fullSleepStats"]["breathsPerMinute"]}


def _temperature(lived: Lived) -> Value | None:
    found = [
        point.value["sensorData"][0]["temperatureCelsius"]
        for point in samples("skin-temperature-sensors", lived)
    ]
    if not found:
        return None
    value = {
        "nightlyTemperatureCelsius": round(fmean(found), 3),
        "baselineTemperatureCelsius": BASELINE_CELSIUS,
    }
    if lived.day - lived.wearer.member_since >= timedelta(days=30):
        value["relativeNightlyStddev30dCelsius"] = 0.31
    return value


def _fitness(lived: Lived) -> Value:
    vo2 = round(43.8 + math.sin(lived.day.toordinal() / 40), 2)
    return {
        "vo2Max": vo2,
        "cardioFitnessLevel": "GOOD",
        "estimated": True,
        "vo2MaxCovariance": 4.12,
    }


RULES: Mapping[str, tuple[Source, bool, Callable[[Lived], Value | None]]] = {
    "daily-resting-heart-rate": (DERIVED, False, _resting),
    "daily-heart-rate-zones": (ACCOUNT, False, _zones),
    "daily-vo2-max": (ACCOUNT, False, _fitness),
    "daily-heart-rate-variability": (DERIVED, True, _variability),
    "daily-oxygen-saturation": (WATCH, True, _oxygen),
    "daily-respiratory-rate": (DERIVED, True, _breathing),
    "daily-sleep-temperature-derivations": (DERIVED, True, _temperature),
}
"""Source, whether it is of the night that ended on the day, and how to work it out."""
