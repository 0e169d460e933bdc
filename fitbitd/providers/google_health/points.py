"""Data points to readings: tens of thousands at a time, so no object is made per row but its point.

The time of a row is looked up in two tables (see `times`), its number in a third, its source is
compared with that of the row before. Whatever is not as documented raises out of one of them, and
costs that row alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fitbitd.model import Page, Point, Readings
from fitbitd.providers.google_health.asked import Asked
from fitbitd.providers.google_health.capability import Capability, Shape
from fitbitd.providers.google_health.measure import measured
from fitbitd.providers.google_health.members import MISREAD, Unread, UnreadError, dig, word
from fitbitd.providers.google_health.sources import MERGED, Source, source_of
from fitbitd.providers.google_health.times import CUT, Numbers, Times
from fitbitd.providers.google_health.values import POINT, ROLLUP, Form, Value

_NEVER_MS = float("inf")
When = tuple[int, int | None, str]
"""Instant (ms), length (ms), offset as written."""


class Lane(dict[str, list[Point]]):
    """The points of one source by UTC offset, as written."""

    def __missing__(self, offset: str) -> list[Point]:
        """Begin a list."""
        points: list[Point] = []
        self[offset] = points
        return points


class Lanes:
    """The points of one page, by field and source."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._by: dict[tuple[str, Source], Lane] = {}

    def of(self, field: str, source: Source) -> Lane:
        """Give the lane of a field and a source."""
        return self._by.setdefault((field, source), Lane())

    def readings(self) -> tuple[Readings, ...]:
        """Give what was collected; offsets that mean the same are one."""
        joined: dict[tuple[str, Source, int], list[Point]] = {}
        for (field, source), lane in self._by.items():
            for offset, points in lane.items():
                key = field, source, self._times.offsets[offset]
                joined.setdefault(key, []).extend(points)
        return tuple(
            Readings(field, source.text, offset_s, points, source.preference)
            for (field, source, offset_s), points in joined.items()
            if points
        )


def read_points(rows: Iterable[Any], row: Capability, asked: Asked) -> Page:
    """Read points, each with a source of its own."""
    values = POINT[row.id]
    plain = len(values) == 1 and not values[0].key and values[0].form is Form.NUMBER
    if plain and len(values[0].path) == 1 and not row.told_by:
        return _read_plain(rows, row, values[0], asked)
    return _read_several(rows, row, values, asked)


def read_hours(rows: list[Any], row: Capability, asked: Asked) -> Page:
    """Read rolled-up windows: UTC hours, merged by Google; one without worn data has no value."""
    times = Times()
    lanes, unread, outside = Lanes(times), Unread(), 0
    for hour in rows:
        try:
            ms = times.instant_ms(hour["startTime"], "startTime")
            length_ms = times.instant_ms(hour["endTime"], "endTime") - ms
            block = hour.get(row.key)
            found = {} if block is None else measured(block, ROLLUP[row.id])
            if length_ms <= 0:
                raise UnreadError("endTime")
        except MISREAD as err:
            unread.add(err, row.key)
            continue
        if not asked.start_ms <= ms < asked.end_ms:
            outside += 1
            continue
        for name, value in found.items():
            if value or ms < asked.zeros_until_ms:
                lanes.of(name, MERGED)["0s"].append((ms, value, length_ms))
    return Page(lanes.readings(), outside=outside, unread=unread.count, unread_why=unread.why)


def _read_plain(rows: Iterable[Any], row: Capability, value: Value, asked: Asked) -> Page:
    """Read points of one number each: the fast way, for what a day has thousands of."""
    times = Times()
    lanes, unread, outside, numbers = Lanes(times), Unread(), 0, Numbers()
    hours, seconds, offsets = times.hours, times.seconds, times.offsets
    start_ms, end_ms = asked.start_ms, asked.end_ms
    interval = row.shape is Shape.INTERVAL
    zeros_until_ms = asked.zeros_until_ms if interval else _NEVER_MS
    key, member, absent = row.key, value.path[0], "0" if value.zero else None
    length_ms: int | None = None
    source: object = _NO_SOURCE
    lane = Lane()
    for point in rows:
        try:
            block = point[key]
            if interval:
                when = block["interval"]
                at, end = when["startTime"], when["endTime"]
                ms = hours[at[:CUT]] + seconds[at[CUT:]]
                length_ms = hours[end[:CUT]] + seconds[end[CUT:]] - ms
                if length_ms < 0:
                    raise UnreadError("endTime")
                offset = when.get("startUtcOffset", "0s")
            else:
                when = block["sampleTime"]
                at = when["physicalTime"]
                ms = hours[at[:CUT]] + seconds[at[CUT:]]
                offset = when.get("utcOffset", "0s")
            if not start_ms <= ms < end_ms:
                outside += 1
                continue
            said = point.get("dataSource")
            if said != source:
                lane = lanes.of(value.name, source_of(said))
                source = said
            counted = numbers[block.get(member, absent)]
            if offset not in lane:
                offsets[offset]
            if counted or (counted == 0 and ms < zeros_until_ms):
                lane[offset].append((ms, counted, length_ms))
        except MISREAD as err:
            unread.add(err, key)
    return Page(lanes.readings(), outside=outside, unread=unread.count, unread_why=unread.why)


_NO_SOURCE = object()


def _read_several(
    rows: Iterable[Any], row: Capability, values: tuple[Value, ...], asked: Asked
) -> Page:
    """Read points of several numbers, or of one that a word names."""
    times = Times()
    lanes, unread, outside = Lanes(times), Unread(), 0
    when = _WHEN[row.shape]
    zeros_until_ms = asked.zeros_until_ms if row.shape is Shape.INTERVAL else _NEVER_MS
    sources = _Sources()
    heads = [value.path[0] for value in values if value.path and not value.each]
    for point in rows:
        try:
            block = point[row.key]
            ms, length_ms, offset = when(block, times)
            if not asked.start_ms <= ms < asked.end_ms:
                outside += 1
                continue
            found = measured(block, values, _as_seconds(length_ms))
            if heads and not found and not any(head in block for head in heads):
                raise UnreadError(heads[0])
            source = sources.of(point.get("dataSource"), _told(block, row.told_by))
        except MISREAD as err:
            unread.add(err, row.key)
            continue
        for name, value in found.items():
            if value or ms < zeros_until_ms:
                lanes.of(name, source)[offset].append((ms, value, length_ms))
    return Page(lanes.readings(), outside=outside, unread=unread.count, unread_why=unread.why)


class _Sources:
    """Sources with the words of a point that belong to them; most are those of the row before."""

    def __init__(self) -> None:
        self._said: object = _NO_SOURCE
        self._source = MERGED

    def of(self, said: Any, told: tuple[str, ...]) -> Source:
        if said != self._said:
            self._source = source_of(said)
            self._said = said
        if not told:
            return self._source
        named = (self._source.text, *told) if self._source.text else told
        return Source(" / ".join(named), self._source.preference)


def _told(block: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word(block[name], name) for name in names if block.get(name) is not None)


def _as_seconds(length_ms: int | None) -> int | float | None:
    if length_ms is None:
        return None
    return length_ms // 1000 if length_ms % 1000 == 0 else length_ms / 1000


def _interval(block: Any, times: Times) -> When:
    interval = block["interval"]
    ms = times.instant_ms(interval["startTime"], "startTime")
    length_ms = times.instant_ms(interval["endTime"], "endTime") - ms
    if length_ms < 0:
        raise UnreadError("endTime")
    return ms, length_ms, _offset(interval, "startUtcOffset", times)


def _sample(block: Any, times: Times) -> When:
    sample = block["sampleTime"]
    ms = times.instant_ms(sample["physicalTime"], "physicalTime")
    return ms, None, _offset(sample, "utcOffset", times)


def _offset(when: Any, member: str, times: Times) -> str:
    said = dig(when, (member,))
    times.offset_s(said, member)
    return "0s" if said is None else said


_WHEN: Mapping[Shape, Callable[[Any, Times], When]] = {
    Shape.INTERVAL: _interval,
    Shape.SAMPLE: _sample,
}
