"""What the watch measures in sleep: samples that appear when the night is worked out. Pure."""

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from fitbitd.simulator.life.batches import Batch
from fitbitd.simulator.life.lived import MINUTE_MS, Lived
from fitbitd.simulator.life.nights import processed_wait
from fitbitd.simulator.life.sources import DERIVED, WATCH
from fitbitd.simulator.life.values import Value
from fitbitd.simulator.measured import Point
from fitbitd.simulator.sleep import SleepLog

Tell = Callable[[Lived, SleepLog, Random], Iterator[Point]]

_MISSED_IN = 25
"""One sample in so many is not good enough to be kept."""
_BREATHS = {"deep": 13.2, "light": 14.1, "rem": 15.0, "full": 14.4}
BASELINE_CELSIUS = 33.65


def main_sleep(lived: Lived) -> SleepLog | None:
    """Give the night that ended on this day, None if the watch did not see it."""
    return next((log for log in lived.wearer.recorded(lived.day) if log.main), None)


def samples(type_id: str, lived: Lived) -> tuple[Point, ...]:
    """Tell one type's samples of the night that ended on this day, oldest first."""
    known: tuple[Point, ...] | None = lived.made.get(f"samples {type_id}")
    if known is None:
        known = lived.made[f"samples {type_id}"] = _samples(type_id, lived)
    return known


def _samples(type_id: str, lived: Lived) -> tuple[Point, ...]:
    log = main_sleep(lived)
    needs_stages, tell = RULES[type_id]
    if log is None or (needs_stages and log.kind != "stages"):
        return ()  # too little heart data for stages is too little for these too
    return tuple(tell(lived, log, lived.rng(type_id)))


def of_night(type_id: str, lived: Lived) -> list[Batch]:
    """Give the night's samples as the one batch that they come in."""
    log = main_sleep(lived)
    points = samples(type_id, lived)
    if log is None or not points:
        return []
    return [Batch(points, 1000 * log.end_s, wait=processed_wait(lived.wearer, lived.day))]


def _every(minutes: int, rule: Callable[[Random, Lived], Value]) -> Tell:
    """Give the way to tell a value that is sampled every so many minutes, less a few misses."""

    def told(lived: Lived, log: SleepLog, rng: Random) -> Iterator[Point]:
        first_ms = 1000 * (log.start_s + rng.randrange(60))
        apart_ms = minutes * MINUTE_MS * lived.wearer.sleep_samples_apart
        for at_ms in range(first_ms, 1000 * log.end_s, apart_ms):
            value = rule(rng, lived)
            if rng.randrange(_MISSED_IN):
                offset = lived.wearer.offset_at(at_ms // 1000)
                yield Point(at_ms, at_ms, offset, offset, WATCH, value)

    return told


def _variability(rng: Random, _lived: Lived) -> Value:
    value: dict[str, Any] = {
        "rootMeanSquareOfSuccessiveDifferencesMilliseconds": round(rng.uniform(25, 60), 3),
        "metadata": {
            "lowFrequencyPower": round(rng.uniform(300, 1200), 1),
            "highFrequencyPower": round(rng.uniform(200, 900), 1),
        },
    }
    if rng.randrange(2):
        value["standardDeviationMilliseconds"] = round(rng.uniform(30, 80), 3)
    return value


def _oxygen(rng: Random, _lived: Lived) -> Value:
    return {"percentage": min(100, rng.randrange(187, 203) / 2)}


def _skin(rng: Random, lived: Lived) -> Value:
    warm = BASELINE_CELSIUS + 0.3 * math.sin(lived.day.toordinal() / 5)
    where = {"measurementLocation": "WRIST", "measurementState": "SLEEP"}
    sensors = (("SKIN_TEMPERATURE_SENSOR", 0.0), ("INTERNAL_DEVICE_TEMPERATURE_SENSOR", 0.7))
    return {
        "sensorData": [
            {
                "temperatureCelsius": round(warm + above + rng.uniform(-0.4, 0.4), 2),
                "metadata": {**where, "sensorType": sensor},
            }
            for sensor, above in sensors
        ]
    }


def _breathing(lived: Lived, log: SleepLog, rng: Random) -> Iterator[Point]:
    value = {
        f"{level}SleepStats": {
            "breathsPerMinute": round(breaths + rng.uniform(-0.6, 0.6), 1),
            "standardDeviation": round(rng.uniform(0.7, 1.5), 1),
            "signalToNoise": round(rng.uniform(7, 12), 1),
        }
        for level, breaths in _BREATHS.items()
    }
    offset = lived.wearer.offset_at(log.end_s)
    yield Point(1000 * log.end_s, 1000 * log.end_s, offset, offset, DERIVED, value)


RULES: Mapping[str, tuple[bool, Tell]] = {
    "heart-rate-variability": (True, _every(5, _variability)),
    "oxygen-saturation": (False, _every(1, _oxygen)),
    "skin-temperature-sensors": (False, _every(5, _skin)),
    "respiratory-rate-sleep-summary": (True, _breathing),
}
"""Whether a type needs a night with stages, and how to tell it."""
