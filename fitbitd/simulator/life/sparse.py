"""The types with few points a day, as the provider holds them at an instant. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from fitbitd.simulator.life import exercises, logged, nightly
from fitbitd.simulator.life.batches import Batch, seen_ms
from fitbitd.simulator.life.daily import RULES as DAILY
from fitbitd.simulator.life.daily import daily
from fitbitd.simulator.life.lived import Lived
from fitbitd.simulator.life.values import ms
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import PointChange
from fitbitd.simulator.wearer import Wearer

_OTHERS: Mapping[str, Callable[[Lived], list[Batch]]] = {
    "exercise": exercises.sessions,
    "swim-lengths-data": exercises.swim_lengths,
    "run-vo2-max": exercises.run_fitness,
    "vo2-max": exercises.weekly_fitness,
    "basal-energy-burned": lambda _: [],  # accounts were seen to have none
}
SPARSE = frozenset({*_OTHERS, *nightly.RULES, *logged.RULES})
"""Types told by batches; sleep, which is rewritten as it comes, is apart."""


def held(type_id: str, lived: Lived, now: datetime) -> list[Point]:
    """Give what the provider holds at `now` of what one day of a life brought, edits included."""
    batches = lived.made.get(type_id)
    if batches is None:
        batches = _batches(type_id, lived)
        if type_id != "exercise":  # those say by which sync they came, and a sync may be ordered
            lived.made[type_id] = batches
    return _shown(lived.wearer, batches, now)


def _batches(type_id: str, lived: Lived) -> list[Batch]:
    if type_id in DAILY:
        return daily(type_id, lived)
    if type_id in nightly.RULES:
        return nightly.of_night(type_id, lived)
    if type_id in logged.RULES:
        return logged.logged(type_id, lived)
    return _OTHERS[type_id](lived)


def ordered(type_id: str, wearer: Wearer, now: datetime) -> list[Point]:
    """Give the values that were ordered to be typed, those typed by `now`."""
    points = [
        Point(
            ms(order.start),
            ms(order.end),
            wearer.offset_at(int(order.start.timestamp())),
            wearer.offset_at(int(order.end.timestamp())),
            order.source,
            order.value,
            point_id=order.point_id,
        )
        for order in wearer.typed
        if order.type_id == type_id and order.at <= now
    ]
    return changed(points, wearer.point_changes, now)


def changed(points: Iterable[Point], changes: list[PointChange], now: datetime) -> list[Point]:
    """Give the points with ids as they were edited and deleted by `now`; others stay."""
    made = [change for change in changes if change.at <= now]
    return [edited for point in points if (edited := _changed(point, made)) is not None]


def _changed(point: Point, made: list[PointChange]) -> Point | None:
    for change in made:
        if change.point_id == point.point_id:
            if change.members is None:
                return None
            at_ms = ms(change.at)
            updated_ms = None if point.updated_ms is None else max(point.updated_ms, at_ms)
            value = {**point.value, **change.members}
            point = replace(point, value=value, updated_ms=updated_ms)
    return point


def _shown(wearer: Wearer, batches: list[Batch], now: datetime) -> list[Point]:
    now_ms = ms(now)
    points: list[Point] = []
    for batch in batches:
        shown_ms = seen_ms(wearer, batch)
        if shown_ms is not None and shown_ms <= now_ms:
            points += batch.points
    return changed(points, wearer.point_changes, now)
