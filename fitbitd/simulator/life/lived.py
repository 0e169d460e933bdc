"""One day of a life, ready to be told point by point."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random
from typing import Any, NamedTuple, Self

from fitbitd.simulator import days
from fitbitd.simulator.civil import day_bounds
from fitbitd.simulator.wearer import Wearer

MINUTE_MS = 60_000
_QUARTER_MS = 900_000
_CLIMB_IN = 14
"""One minute of walking in so many leads up or down."""


class Minute(NamedTuple):
    """What the body did in one minute; `bpm` 0 means that the watch was off the wrist."""

    start_ms: int
    steps: int
    bpm: int
    climb_mm: int


@dataclass(frozen=True)
class Lived:
    """One civil day (by the zone of the profile) of one wearer.

    Attributes:
        worn: the watch was on the wrist, as far as the minutes say so.
        off_s: [start, end) instants at which it recorded nothing all the same.
    """

    wearer: Wearer
    day: date
    worn: bool
    off_s: tuple[days.Span, ...] = ()

    @classmethod
    def with_watch(cls, wearer: Wearer, day: date, off_s: tuple[days.Span, ...]) -> Self:
        """Give the day as the watch saw it: nothing, if it lay in its drawer."""
        return cls(wearer, day, worn=wearer.has_watch and wearer.wears(day), off_s=off_s)

    @cached_property
    def made(self) -> dict[str, Any]:
        """Give room for what was worked out of this day once, and does not change."""
        return {}

    @cached_property
    def bounds_ms(self) -> tuple[int, int]:
        """Give the instants [start, end) of the day."""
        start_s, end_s = day_bounds(self.day, self.wearer.zone)
        return 1000 * start_s, 1000 * end_s

    @cached_property
    def minutes(self) -> tuple[Minute, ...]:
        """Give every minute of the day."""
        made = days.minutes_of(
            self.wearer.seed, self.day, self.wearer.zone, worn=self.worn, off_s=self.off_s
        )
        rng = self.rng("climb")
        start_ms = 1000 * made.start_s
        return tuple(
            Minute(start_ms + MINUTE_MS * i, steps, bpm, _climb(rng) if steps else 0)
            for i, (steps, bpm) in enumerate(zip(made.steps, made.bpm, strict=True))
        )

    @cached_property
    def worn_minutes(self) -> tuple[Minute, ...]:
        """Give those in which the watch was on the wrist."""
        return tuple(minute for minute in self.minutes if minute.bpm)

    @cached_property
    def without_watch(self) -> "Lived":
        """Give the day as it was lived, whatever the watch saw of it."""
        return self if self.worn and not self.off_s else Lived(self.wearer, self.day, worn=True)

    @cached_property
    def beats(self) -> days.Beats:
        """Give the heart rate as sampled."""
        wearer = self.wearer
        return days.beats_of(
            wearer.seed,
            self.day,
            wearer.zone,
            worn=self.worn,
            off_s=self.off_s,
            intervals_s=wearer.intervals_s,
        )

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Give the offset from UTC in each quarter of an hour, and in the one after the day."""
        start_ms, end_ms = self.bounds_ms
        quarters = range(start_ms, end_ms + _QUARTER_MS, _QUARTER_MS)
        return tuple(self.wearer.offset_at(at_ms // 1000) for at_ms in quarters)

    def offset(self, at_ms: int) -> int:
        """Give the offset at an instant of the day, or at its end."""
        return self.offsets[(at_ms - self.bounds_ms[0]) // _QUARTER_MS]

    def rng(self, topic: str) -> Random:
        """Give the chance of the day for one topic."""
        return Random(f"{self.wearer.seed}:{topic}:{self.day}")

    def lucky_hours(self, topic: str, one_in: int) -> Iterator[int]:
        """Give the instants (ms) at which the day's rare hours begin; none if `one_in` is 0."""
        rng = self.rng(topic)
        for hour_ms in range(*self.bounds_ms, 60 * MINUTE_MS):
            if one_in and rng.randrange(one_in) == 0:
                yield hour_ms


def _climb(rng: Random) -> int:
    if rng.randrange(_CLIMB_IN):
        return 0
    return rng.choice((-610, -3048, 610, 1220, 3048, 3048, 6096))
