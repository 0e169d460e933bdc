"""What the wearer's body and watch did on one civil day, made from the seed and the date. Pure.

A day has two layers: one value a minute (steps, and the heart's level while the watch was worn),
which is cheap and enough for daily values; and the heart rate as the watch samples it, every 1 to
15 s.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random

from fitbitd.simulator.civil import day_bounds
from fitbitd.simulator.sleep import night

INTERVALS_S = (1, 2, 3, 5, 5, 5, 5, 10, 10, 15)
"""How far apart two samples of the heart are, each as likely as the next."""
NOISE = (-2, -1, -1, 0, 0, 0, 0, 1, 1, 2)

ZONES = (
    ("Out of Range", 30, 96, 1.53417),
    ("Fat Burn", 96, 134, 6.81203),
    ("Cardio", 134, 163, 11.24519),
    ("Peak", 163, 220, 14.07731),
)
"""Name, from, below, calories a minute of the wearer's heart-rate zones."""

Span = tuple[int, int]
"""Instants [start, end) in Unix seconds."""

REST_BPM = 56
_WORKOUT_IN = 3
_CHARGE_IN = 4


@dataclass(frozen=True, slots=True)
class Minutes:
    """One civil day by minutes: 1380, 1440 or 1500 of them, or the like.

    Attributes:
        start_s: the instant at which the day begins.
        steps: steps of each minute.
        bpm: the heart's level in each minute; 0 while the watch is off the wrist.
    """

    start_s: int
    steps: bytes
    bpm: bytes

    def until(self, end_s: int) -> int:
        """Count the minutes that begin before `end_s`."""
        return max(0, min(len(self.steps), -((self.start_s - end_s) // 60)))


@dataclass(frozen=True, slots=True)
class Beats:
    """The heart rate of one civil day as sampled."""

    times: list[int]
    bpm: list[int]

    def between(self, start_s: int, end_s: int) -> list[tuple[int, int]]:
        """Give the samples of [start, end)."""
        low, high = bisect_left(self.times, start_s), bisect_left(self.times, end_s)
        return list(zip(self.times[low:high], self.bpm[low:high], strict=True))


@lru_cache(maxsize=2048)
def minutes_of(
    seed: int, day: date, zone: str, *, worn: bool, off_s: tuple[Span, ...] = ()
) -> Minutes:
    """Make the minutes of a day.

    Args:
        worn: False leaves the watch in a drawer.
        off_s: [start, end) instants at which nothing was recorded, whatever the wearer did.
    """
    start_s, end_s = day_bounds(day, zone)
    count = (end_s - start_s) // 60
    if not worn:
        return Minutes(start_s, bytes(count), bytes(count))
    rng = Random(f"{seed}:minutes:{day}")
    steps, asleep, off = bytearray(count), bytearray(count), bytearray(count)
    for rest in (night(seed, day, zone), night(seed, day + timedelta(days=1), zone)):
        span = _span(rest.start_s - start_s, rest.end_s - start_s, count)
        _fill(asleep, span)
        if not rest.worn:
            _fill(off, span)
    if rng.randrange(_CHARGE_IN) == 0:
        at = rng.randrange(18 * 60, 21 * 60)
        _fill(off, range(at, min(at + rng.randrange(20, 60), count)))
    for begin_s, until_s in off_s:
        _fill(off, _span(begin_s - start_s, until_s - start_s, count))
    _walk(rng, steps)
    for minute in range(count):
        if asleep[minute] or off[minute]:
            steps[minute] = 0
    return Minutes(start_s, bytes(steps), bytes(_pulse(rng, steps, asleep, off)))


@lru_cache(maxsize=64)
def beats_of(  # noqa: PLR0913 - all that tells one day from another
    seed: int,
    day: date,
    zone: str,
    *,
    worn: bool,
    off_s: tuple[Span, ...] = (),
    intervals_s: tuple[int, ...] = INTERVALS_S,
) -> Beats:
    """Sample the heart rate of a day at irregular intervals, only while the watch is worn."""
    minutes = minutes_of(seed, day, zone, worn=worn, off_s=off_s)
    rng = Random(f"{seed}:beats:{day}")
    length_s = 60 * len(minutes.bpm)
    enough = length_s // max(1, sum(intervals_s) // len(intervals_s) - 1)
    intervals = rng.choices(intervals_s, k=enough)
    noise = rng.choices(NOISE, k=len(intervals))
    level = minutes.bpm
    samples = [
        (at_s, level[at_s // 60] + change)
        for at_s, change in zip(accumulate(intervals), noise, strict=True)
        if at_s < length_s and level[at_s // 60]
    ]
    return Beats([minutes.start_s + at_s for at_s, _ in samples], [bpm for _, bpm in samples])


@lru_cache(maxsize=1024)
def zone_minutes(bpm: bytes) -> tuple[int, ...]:
    """Count the minutes in each zone."""
    return tuple(sum(low <= level < high for level in bpm) for _, low, high, _ in ZONES)


def resting(seed: int, day: date) -> int | None:
    """Give the resting heart rate that a whole day comes to; now and then there is none."""
    rng = Random(f"{seed}:resting:{day}")
    drift = round(3 * math.sin(day.toordinal() / 9))
    return None if rng.randrange(15) == 0 else REST_BPM + drift + rng.randrange(2)


def _span(start_s: int, end_s: int, count: int) -> range:
    return range(max(0, start_s // 60), min(count, -(-end_s // 60)))


def _fill(cells: bytearray, span: Iterable[int]) -> None:
    for minute in span:
        cells[minute] = 1


def _walk(rng: Random, steps: bytearray) -> None:
    """Walk a few minutes many times between 06:00 and 23:30, and run on some days."""
    for _ in range(rng.randrange(20, 45)):
        begin = rng.randrange(6 * 60, 23 * 60)
        pace = rng.randrange(20, 110)
        for minute in range(begin, min(begin + rng.randrange(1, 14), len(steps))):
            steps[minute] = max(0, pace + rng.randrange(-15, 16))
    if rng.randrange(_WORKOUT_IN) == 0:
        begin = rng.randrange(16 * 60, 18 * 60)
        for minute in range(begin, begin + rng.randrange(25, 55)):
            steps[minute] = 165 + rng.randrange(40)


def _pulse(rng: Random, steps: bytearray, asleep: bytearray, off: bytearray) -> bytearray:
    """Let the heart follow the time of day and, with some delay, the steps."""
    levels = bytearray(len(steps))
    moods = rng.choices(range(-3, 4), k=len(steps))
    level = 62.0
    for minute, mood in enumerate(moods):
        if asleep[minute]:
            aim = 52.0 + 4.0 * abs(math.sin(minute / 55))
        else:
            aim = 70.0 + 6.0 * math.sin(minute / 229) + 0.55 * steps[minute]
        level += (aim + mood - level) * 0.25
        levels[minute] = 0 if off[minute] else int(level)
    return levels
