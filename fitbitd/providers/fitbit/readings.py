"""Readings by the wall clock: the minutes of nights, and weighings."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fitbitd.model import Page, Point, Pull, Readings
from fitbitd.providers.fitbit.asked import window_of
from fitbitd.providers.fitbit.entry import Entry, measured
from fitbitd.providers.fitbit.members import civil_date, objects, text, wall_time
from fitbitd.providers.fitbit.wall_clock import in_order

_Row = tuple[datetime, str, dict[str, int | float]]
"""Wall-clock time, source, values by field."""


def read_nights(entry: Entry, rows: list[Any], pull: Pull) -> Page:
    """Read the minutes of nights, each of which lies under the date on which it ended."""
    member = str(entry.data_type.name)

    def minutes() -> Iterator[_Row]:
        for night in objects(rows, member):
            for row in objects(night.get("minutes", []), f"{member}.minutes"):
                at = wall_time(row.get("minute"), f"{member}.minute")
                yield at, "", dict(measured(row.get("value"), entry.values, member))

    return _page(minutes(), pull)


def read_weighings(entry: Entry, rows: list[Any], pull: Pull) -> Page:
    """Read weighings by their time, since two of them may bear one id."""

    def weighings() -> Iterator[_Row]:
        for row in objects(rows, "weight"):
            day = civil_date(row.get("date"), "weight.date")
            clock = text(row.get("time"), "weight.time")
            at = wall_time(f"{day}T{clock}", "weight.time")
            source = text(row[entry.source], "weight.source") if entry.source in row else ""
            yield at, source, dict(measured(row, entry.values, "weight"))

    return _page(weighings(), pull)


def _page(rows: Iterable[_Row], pull: Pull) -> Page:
    """Make points of the rows inside the window, one `Readings` per field, source and offset."""
    window, outside = window_of(pull), 0
    inside = []
    for row in rows:
        if window.start <= row[0] < window.end:
            inside.append(row)
        else:
            outside += 1
    found: dict[tuple[str, str, int], list[Point]] = {}
    times = in_order((at for at, _, _ in inside), ZoneInfo(pull.zone))
    for (at_ms, offset), (_, source, values) in zip(times, inside, strict=True):
        for name, value in values.items():
            found.setdefault((name, source, offset), []).append((at_ms, value, None))
    return Page(
        readings=tuple(Readings(*key, points) for key, points in found.items()), outside=outside
    )
