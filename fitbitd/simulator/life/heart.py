"""The heart rate as points: as many a day as the watch takes samples. Pure."""

from fitbitd.simulator.life.lived import MINUTE_MS, Lived
from fitbitd.simulator.life.sources import WATCH
from fitbitd.simulator.life.values import Value
from fitbitd.simulator.measured import Point


def _values(context: str) -> tuple[Value, ...]:
    """Make the value of each level once: all samples of a level share it."""
    metadata = {"motionContext": context, "sensorLocation": "WRIST"}
    return tuple({"beatsPerMinute": str(bpm), "metadata": metadata} for bpm in range(256))


_STILL, _MOVING = _values("SEDENTARY"), _values("ACTIVE")


def heart_rate(lived: Lived) -> list[Point]:
    """Tell the samples of a day, each with whether the wearer was moving."""
    start_s = lived.bounds_ms[0] // 1000
    of_minute = [
        (lived.offset(minute.start_ms), _MOVING if minute.steps else _STILL)
        for minute in lived.minutes
    ]
    points = []
    for at_s, bpm in zip(lived.beats.times, lived.beats.bpm, strict=True):
        offset, values = of_minute[1000 * (at_s - start_s) // MINUTE_MS]
        points.append(Point(1000 * at_s, 1000 * at_s, offset, offset, WATCH, values[bpm]))
    return points
