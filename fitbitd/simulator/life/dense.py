"""The dense types day by day: what each source says, and what one stream makes of it. Pure.

`every` is what lists hold: the watch, the phone in some hours, now and then one reading under two
offsets or a minute about which the watch contradicts itself. `one` is the authoritative stream: the
watch, and the phone only in minutes of which the watch knows nothing.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from fitbitd.simulator.life.heart import heart_rate
from fitbitd.simulator.life.lived import MINUTE_MS, Lived
from fitbitd.simulator.life.minutes import (
    COUNTED_BY_PHONE,
    RULES,
    by_minute,
    by_phone,
    sedentary,
)
from fitbitd.simulator.life.values import moved
from fitbitd.simulator.measured import Point

DENSE = frozenset({*RULES, "heart-rate", "sedentary-period"})
"""Types told day by day from the minutes."""

START = attrgetter("start_ms")
_HOUR_MS = 60 * MINUTE_MS
_ABROAD_S = 3_600
_DOUBLED = ("steps", "distance", "heart-rate")
_CONTRADICTED = ("steps", "distance", "activity-level")


@dataclass(frozen=True, slots=True)
class Told:
    """One type on one day: all points by start, and those of the one stream."""

    every: list[Point]
    one: list[Point]


def tell(type_id: str, lived: Lived, brought_ms: int | None) -> Told:
    """Tell one day of one dense type, whether it is known yet or not.

    Args:
        type_id: one of `DENSE`.
        lived: the day, as the watch saw it.
        brought_ms: the watch never brought anything later; None if nothing holds it back.
    """
    watch = _watch(type_id, lived)
    if brought_ms is not None:
        watch = [point for point in watch if point.end_ms <= brought_ms]
    others = list(_oddities(type_id, lived, watch))
    phone = _phone(type_id, lived, watch)
    if not others and not phone:
        return Told(watch, watch)
    measured = {point.start_ms for point in watch}
    lonely = [point for point in phone if point.start_ms not in measured]
    return Told(
        sorted((*watch, *others, *phone), key=START),
        sorted((*watch, *lonely), key=START) if lonely else watch,
    )


def _watch(type_id: str, lived: Lived) -> list[Point]:
    if not lived.worn:
        return []
    if type_id == "heart-rate":
        return heart_rate(lived)
    return sedentary(lived) if type_id == "sedentary-period" else by_minute(type_id, lived)


def _phone(type_id: str, lived: Lived, watch: list[Point]) -> list[Point]:
    """Let the phone count in its hours, and all the time in those without any minute of the watch.

    A watch that was taken off for an hour took the steps with it: both providers tell one truth.
    """
    if type_id not in COUNTED_BY_PHONE:
        return []
    hours = set(lived.lucky_hours("phone hours", lived.wearer.sources.phone_in))
    if not lived.worn or lived.wearer.watch_until is not None:
        seen_ms = watch[-1].end_ms if watch else 0
        later = range(*lived.bounds_ms, _HOUR_MS)
        hours.update(hour_ms for hour_ms in later if hour_ms + _HOUR_MS > seen_ms)
    return by_phone(type_id, lived.without_watch, frozenset(hours)) if hours else []


def _oddities(type_id: str, lived: Lived, watch: list[Point]) -> Iterator[Point]:
    mix = lived.wearer.sources
    if type_id in _DOUBLED:
        for hour_ms in lived.lucky_hours(f"doubled {type_id}", mix.two_offsets_in):
            for point in _hour(watch, hour_ms)[:1]:
                other = _ABROAD_S if point.start_offset_s == 0 else 0
                yield replace(point, start_offset_s=other, end_offset_s=other)
    if type_id in _CONTRADICTED:
        for hour_ms in lived.lucky_hours(f"contradicted {type_id}", mix.contradiction_in):
            for point in _hour(watch, hour_ms)[-1:]:
                yield replace(point, value=_contradiction(type_id, point))


def _contradiction(type_id: str, point: Point) -> dict[str, str]:
    if type_id == "activity-level":
        active = point.value["activityLevelType"] == "LIGHTLY_ACTIVE"
        return {"activityLevelType": "SEDENTARY" if active else "LIGHTLY_ACTIVE"}
    return dict(moved(point.value or {"count": "0"}, 7))


def _hour(points: list[Point], hour_ms: int) -> list[Point]:
    first = bisect_left(points, hour_ms, key=START)
    return points[first : bisect_left(points, hour_ms + _HOUR_MS, key=START)]
