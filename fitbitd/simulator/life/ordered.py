"""Dense points as orders and syncs change them: cut, deleted, corrected, re-bucketed. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from fitbitd.simulator.life.lived import MINUTE_MS
from fitbitd.simulator.life.minutes import ADDITIVE
from fitbitd.simulator.life.values import Value, moved, ms
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import Correction, Deletion, Rebucketing

_BLOCK_MINUTES = (2, 16)


def cut(type_id: str, points: list[Point], known_ms: int) -> list[Point]:
    """Leave out what was not over at the last upload; of that minute, steps are told in part."""
    kept = len(points)
    while kept and points[kept - 1].end_ms > known_ms:
        kept -= 1
    whole, late = points[:kept], points[kept:]
    if type_id != "steps":
        return whole + [point for point in late if point.end_ms <= known_ms]
    return whole + [_part(point, known_ms) for point in late]


def _part(point: Point, known_ms: int) -> Point:
    seen_ms = min(known_ms - point.start_ms, MINUTE_MS)
    count = int(point.value.get("count", 0)) * seen_ms // MINUTE_MS
    return replace(point, value={"count": str(count)} if count else {})


def deleted(
    type_id: str, points: list[Point], orders: Sequence[Deletion], now: datetime
) -> list[Point]:
    """Leave out what was deleted by `now`."""
    for order in orders:
        if order.at <= now and order.type_id in {None, type_id}:
            start_ms, end_ms = ms(order.start), ms(order.end)
            points = [point for point in points if not start_ms <= point.start_ms < end_ms]
    return points


def corrected(
    type_id: str, points: list[Point], orders: Sequence[Correction], now: datetime
) -> list[Point]:
    """Give the points with the corrections made by `now`."""
    for order in orders:
        if order.at <= now and order.type_id == type_id:
            start_ms, end_ms = ms(order.start), ms(order.end)
            points = [
                replace(point, value=moved(point.value, order.by))
                if start_ms <= point.start_ms < end_ms
                else point
                for point in points
            ]
    return points


def applying(
    type_id: str, orders: Sequence[Rebucketing], start_ms: int, end_ms: int, now: datetime
) -> list[Rebucketing]:
    """Choose the re-bucketings made by `now` that touch [start, end)."""
    if type_id not in ADDITIVE:
        return []
    return [
        order
        for order in orders
        if order.at <= now and ms(order.start) < end_ms and ms(order.end) > start_ms
    ]


def rebucketed(type_id: str, points: list[Point], order: Rebucketing) -> list[Point]:
    """Give the watch's minutes in the order's range as longer records that overlap; sums stay.

    Each record reaches one minute into the next one without counting it again.
    """
    start_ms, end_ms = ms(order.start), ms(order.end)
    inside: dict[int, Point] = {}
    rest: list[Point] = []
    for point in points:
        ours = start_ms <= point.start_ms < end_ms and point.source.platform == "FITBIT"
        if ours:
            inside.setdefault(point.start_ms, point)  # the first is the authoritative one
        else:
            rest.append(point)
    rng = Random(f"{order.start}:{order.at}")
    at_ms = start_ms
    while at_ms < end_ms:
        until_ms = min(at_ms + MINUTE_MS * rng.randrange(*_BLOCK_MINUTES), end_ms)
        block = [point for point in inside.values() if at_ms <= point.start_ms < until_ms]
        if block:
            rest.append(_joined(type_id, block, end_ms))
        at_ms = until_ms
    return sorted(rest, key=lambda point: point.start_ms)


def _joined(type_id: str, block: list[Point], end_ms: int) -> Point:
    member = ADDITIVE[type_id]
    value: Value
    if member == "kcal":
        value = {member: sum(point.value[member] for point in block)}
    else:
        total = sum(int(point.value.get(member, 0)) for point in block)
        value = {member: str(total)} if total else {}
    last = block[-1]
    until_ms = min(last.end_ms + MINUTE_MS, end_ms)
    return replace(
        block[0],
        end_ms=max(until_ms, last.end_ms),
        end_offset_s=last.end_offset_s,
        value=value,
    )
