"""Values of civil days: Google's daily types, and its totals of the day."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from fitbitd.model import Daily, Page
from fitbitd.providers.google_health.asked import Asked
from fitbitd.providers.google_health.capability import Capability
from fitbitd.providers.google_health.measure import measured
from fitbitd.providers.google_health.members import MISREAD, Unread, UnreadError, civil_date, dig
from fitbitd.providers.google_health.sources import source_of
from fitbitd.providers.google_health.values import POINT, ROLLUP

_Key = tuple[date, str, str]


def read_daily_points(rows: list[Any], row: Capability, asked: Asked) -> Page:
    """Read points that have a date instead of a time, each with a source of its own."""

    def of(point: Any) -> Iterator[tuple[_Key, int | float]]:
        block = point[row.key]
        day = civil_date(block["date"], "date")
        source = source_of(point.get("dataSource")).text
        found = measured(block, POINT[row.id])
        if not found:
            raise UnreadError(row.key)
        for name, value in found.items():
            yield (day, name, source), value

    return _read(rows, row, asked, of)


def read_days(rows: list[Any], row: Capability, asked: Asked) -> Page:
    """Read totals by their own date, whatever the range was; a day without data has no value.

    A 0 of a day after the last sync was never measured.
    """

    def of(window: Any) -> Iterator[tuple[_Key, int | float]]:
        day = civil_date(dig(window["civilStartTime"], ("date",)), "civilStartTime")
        block = window.get(row.key)
        for name, value in ({} if block is None else measured(block, ROLLUP[row.id])).items():
            if value or day <= asked.known_day:
                yield (day, name, ""), value

    return _read(rows, row, asked, of)


def _read(rows: list[Any], row: Capability, asked: Asked, of: Any) -> Page:
    unread, outside = Unread(), 0
    found: dict[_Key, int | float] = {}
    for point in rows:
        try:
            values = dict(of(point))
            if any(found.get(key, value) != value for key, value in values.items()):
                raise UnreadError("date")  # two values for one day; no way to tell which is meant
        except MISREAD as err:
            unread.add(err, row.key)
            continue
        if all(asked.holds_day(day) for day, _, _ in values):
            found.update(values)
        else:
            outside += 1
    return Page(
        dailies=tuple(
            Daily(day, name, value, source) for (day, name, source), value in found.items()
        ),
        outside=outside,
        unread=unread.count,
        unread_why=unread.why,
    )
