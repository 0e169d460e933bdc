"""What the legacy API holds of a wearer's life: the same life that the other provider tells of.

Values, no JSON: how they are written is the business of `fitbit_bodies`.
"""

import functools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean
from typing import Any

from fitbitd.simulator.civil import day_bounds, days_between, offset_s
from fitbitd.simulator.days import Span
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.daily import RULES as DAILY
from fitbitd.simulator.life.lived import Lived
from fitbitd.simulator.life.minutes import (
    BASAL_KCAL,
    distance_mm,
    kcal,
    level_of,
    zone_of,
)
from fitbitd.simulator.life.nightly import BASELINE_CELSIUS, main_sleep, samples
from fitbitd.simulator.measured import Point
from fitbitd.simulator.wearer import Wearer

_QUARTER = timedelta(minutes=15)
WAITS = {"hrv": _QUARTER, "spo2": timedelta(hours=1), "br": _QUARTER, "temp/skin": _QUARTER}
"""How long after a sleep log appeared what was measured in it does."""

LEVELS = {
    "minutesSedentary": "SEDENTARY",
    "minutesLightlyActive": "LIGHTLY_ACTIVE",
    "minutesFairlyActive": "MODERATELY_ACTIVE",
    "minutesVeryActive": "VERY_ACTIVE",
}
"""Time series by the level that they count the minutes of."""

ZONES = (("fat_burn", 1), ("cardio", 2), ("peak", 2))
"""The zones that count, and how much a minute in them is worth."""

_METRES_A_FLOOR = 3.048
_FLOOR_MM = 3_000
_CACHED_DAYS = 2_000
_NO_REM_IN = 6
"""One night in so many has no breathing rate of its REM sleep."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the minutes of a civil day come to, as far as they are known.

    Attributes:
        basal_kcal: what the body burns in the whole day, known or not.
        levels: minutes at each of `LEVELS`; all that is not active counts as sedentary.
        zones: active zone minutes in each of `ZONES`.
    """

    basal_kcal: int
    kcal: int
    active_kcal: int
    distance_mm: int
    floors: int
    levels: dict[str, int]
    zones: dict[str, int]

    @property
    def metres(self) -> float:
        """Give the height climbed."""
        return round(self.floors * _METRES_A_FLOOR, 3)


@dataclass(frozen=True, slots=True)
class Night:
    """What was measured in the main sleep that ended on a day; None is what it was too bad for.

    Attributes:
        variability: instant in Unix seconds, with `rmssd`, `coverage`, `hf` and `lf`.
        mean_variability: root mean squares of the night and of its deep sleep.
        oxygen: instant in Unix seconds, percent.
        breaths: by stage, -1 for one that has none.
        skin: difference to the baseline, and by which sensor.
    """

    day: date
    end_s: int
    variability: tuple[tuple[int, dict[str, float]], ...]
    mean_variability: tuple[float, float | None] | None
    oxygen: tuple[tuple[int, float], ...]
    breaths: dict[str, float] | None
    skin: tuple[float, str] | None

    @property
    def mean_oxygen(self) -> tuple[float, ...]:
        """Give mean, lowest and highest; nothing for a night without."""
        values = [percent for _, percent in self.oxygen]
        return (round(fmean(values), 1), min(values), max(values)) if values else ()


@dataclass(frozen=True, slots=True)
class Weighing:
    """One weighing; `fat` is percent, None without a scale."""

    at_s: int
    kilograms: float
    bmi: float
    fat: float | None
    source: str


class FitbitLife:
    """One wearer's life as the legacy provider knows it at any `now`."""

    def __init__(self, wearer: Wearer) -> None:
        self.wearer = wearer
        self._google = GoogleLife(wearer)
        # By what was off, too: that a watch is replaced may be ordered later.
        self._nights = functools.lru_cache(_CACHED_DAYS)(self._night)
        self._sums = functools.lru_cache(_CACHED_DAYS)(self._summed)

    def account_days(self, first: date, last: date, now: datetime) -> list[date]:
        """List the days of a range on which there was an account, up to today."""
        wearer = self.wearer
        return days_between(max(first, wearer.member_since), min(last, wearer.today(now)))

    def sums(self, day: date, now: datetime) -> Sums:
        """Sum up the minutes of a day that were over at the last sync."""
        start_s, end_s = day_bounds(day, self.wearer.zone)
        synced = self.wearer.synced_at(now)
        known_s = 0 if synced is None else int(synced.timestamp())
        return self._sums(day, self.wearer.off_s(day), max(start_s, min(known_s, end_s)))

    def nights(self, resource: str, first: date, last: date, now: datetime) -> list[Night]:
        """Give the nights of a range of which one resource is published, oldest first."""
        days = self.account_days(first, last, now)
        found = [self._nights(day, self.wearer.off_s(day)) for day in days]
        return [night for night in found if night is not None and self._shows(night, resource, now)]

    def weighings(self, first: date, last: date, now: datetime) -> list[Weighing]:
        """Give the weighings of a range, oldest first."""
        bounds = self._bounds_ms(first, last)
        fat = {one.start_ms: one for one in self._google.points("body-fat", *bounds, now)}
        return [
            Weighing(
                one.start_ms // 1000,
                one.value["weightGrams"] / 1000,
                round(one.value["weightGrams"] / 1000 / 1.755**2, 2),
                fat[one.start_ms].value["percentage"] if one.start_ms in fat else None,
                "API" if one.source.recording_method == "MANUAL" else "Aria",
            )
            for one in self._google.points("weight", *bounds, now)
        ]

    def exercises(self, first: date, now: datetime) -> list[Point]:
        """Give the exercises that began on `first` or later, oldest first."""
        bounds = self._bounds_ms(first, self.wearer.today(now))
        return self._google.points("exercise", *bounds, now)

    def offset_s(self, at_s: int) -> int:
        """Give the offset of the profile's zone, the only one that most of this API knows."""
        return offset_s(self.wearer.zone, at_s)

    def _bounds_ms(self, first: date, last: date) -> tuple[int, int]:
        zone, began = self.wearer.zone, self.wearer.member_since
        return 1000 * day_bounds(max(first, began), zone)[0], 1000 * day_bounds(last, zone)[1]

    def _shows(self, night: Night, resource: str, now: datetime) -> bool:
        wearer = self.wearer
        wait = wearer.publish_late.get(night.day, wearer.publish_after) + WAITS[resource]
        synced = wearer.synced_at(now - wait)
        return synced is not None and synced.timestamp() >= night.end_s

    def _summed(self, day: date, _off_s: tuple[Span, ...], known_s: int) -> Sums:
        lived = self._google.lived(day)
        known = [m for m in lived.minutes if m.bpm and m.start_ms // 1000 + 60 <= known_s]
        basal = BASAL_KCAL * len(lived.minutes)
        by_level = dict.fromkeys(LEVELS.values(), 0)
        by_zone = [0] * (1 + len(ZONES))
        for minute in known:
            by_level[level_of(minute)] += 1
            by_zone[zone_of(minute.bpm)] += 1
        by_level["SEDENTARY"] = len(lived.minutes) - sum(list(by_level.values())[1:])
        return Sums(
            round(basal),
            round(basal + sum(kcal(minute) - BASAL_KCAL for minute in known)),
            round(sum(kcal(m) for m in known if level_of(m) != "SEDENTARY")),
            sum(map(distance_mm, known)),
            sum(max(0, minute.climb_mm) // _FLOOR_MM for minute in known),
            {name: by_level[level] for name, level in LEVELS.items()},
            {
                name: worth * count
                for (name, worth), count in zip(ZONES, by_zone[1:], strict=True)
                if count
            },
        )

    def _night(self, day: date, _off_s: tuple[Span, ...]) -> Night | None:
        lived = self._google.lived(day)
        log = main_sleep(lived)
        if log is None:
            return None
        rng = lived.rng("legacy night")
        mean = DAILY["daily-heart-rate-variability"][2](lived)
        oxygen = samples("oxygen-saturation", lived)
        warmth = DAILY["daily-sleep-temperature-derivations"][2](lived)
        sensor = rng.choice(("dedicated_temp_sensor", "other_sensors"))
        return Night(
            day,
            log.end_s,
            tuple(_variability(point) for point in samples("heart-rate-variability", lived)),
            None if mean is None else (mean[_MEAN], mean.get(_DEEP)),
            tuple((point.start_ms // 1000, point.value["percentage"]) for point in oxygen),
            _breaths(lived, without_rem=rng.randrange(_NO_REM_IN) == 0),
            None
            if warmth is None
            else (round(warmth["nightlyTemperatureCelsius"] - BASELINE_CELSIUS, 1), sensor),
        )


_MEAN = "averageHeartRateVariabilityMilliseconds"
_DEEP = "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds"


def _variability(point: Point) -> tuple[int, dict[str, float]]:
    value: dict[str, Any] = dict(point.value)
    return point.start_ms // 1000, {
        "rmssd": value["rootMeanSquareOfSuccessiveDifferencesMilliseconds"],
        "coverage": round(0.8 + point.start_ms // 1000 % 200 / 1000, 3),
        "hf": value["metadata"]["highFrequencyPower"],
        "lf": value["metadata"]["lowFrequencyPower"],
    }


def _breaths(lived: Lived, *, without_rem: bool) -> dict[str, float] | None:
    told = samples("respiratory-rate-sleep-summary", lived)
    if not told:
        return None
    stages = ("deep", "light", "rem", "full")
    rates = {stage: told[0].value[f"{stage}SleepStats"]["breathsPerMinute"] for stage in stages}
    return {**rates, "rem": -1} if without_rem else rates
