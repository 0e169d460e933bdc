"""Rows of a day to readings: thousands at a time, so no object is made per row but its point."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from fitbitd.model import Page, Point, Pull, Readings
from fitbitd.providers.fitbit.asked import window_of
from fitbitd.providers.fitbit.members import changed
from fitbitd.providers.fitbit.wall_clock import CivilDay, DayRow, civil_day

_MINUTE_MS = 60_000
_MOST = 1_000_000  # no heart and no feet reach it
_NEVER_MS = float("inf")

# "HH:MM" and ":SS" to seconds: two look-ups check and read a time, and make no object.
_MINUTES = {f"{n // 60:02}:{n % 60:02}": n * 60 for n in range(24 * 60)}
_SECONDS = {f":{n:02}": n for n in range(60)}


def read_heart_rate(rows: list[Any], pull: Pull, _received_at: datetime) -> Page:
    """Read the heart rate of a day or of a part of it."""
    day, inside, outside = _day_rows(rows, pull)
    return Page(readings=_readings("heart_rate", day, inside, None, _NEVER_MS), outside=outside)


def read_steps(rows: list[Any], pull: Pull, received_at: datetime) -> Page:
    """Read the steps of a day or of a part of it, minute by minute.

    Fitbit fills every minute of the day with 0. One that had not begun at the last sync, or that
    the wall clock skipped, was never counted.
    """
    day, inside, outside = _day_rows(rows, pull)
    shown = [row for row in inside if row[1] or row[0] not in day.skipped]
    synced_ms = (pull.synced_at or received_at).timestamp() * 1000
    readings = _readings("steps", day, shown, _MINUTE_MS, synced_ms)
    return Page(readings=readings, outside=outside)


def _day_rows(rows: list[Any], pull: Pull) -> tuple[CivilDay, list[DayRow], int]:
    """Read rows of one day: the day, the rows inside the window, how many are outside."""
    start, end = window_of(pull).start, window_of(pull).end
    try:
        times = [row["time"] for row in rows]
        seconds = [_MINUTES[at[:5]] + _SECONDS[at[5:]] for at in times]
        values = [row["value"] for row in rows]
    except (KeyError, TypeError):
        raise changed("dataset") from None
    if not set(map(type, values)) <= {int}:
        raise changed("dataset.value")
    if values and not 0 <= min(values) <= max(values) <= _MOST:
        raise changed("dataset.value")
    midnight = datetime.combine(start.date(), time())
    first, last = (int((at - midnight).total_seconds()) for at in (start, end))
    inside = [row for row in zip(seconds, values, strict=True) if first <= row[0] < last]
    return civil_day(start.date(), ZoneInfo(pull.zone)), inside, len(rows) - len(inside)


def _readings(
    field: str,
    day: CivilDay,
    rows: list[DayRow],
    duration_ms: int | None,
    zeros_until_ms: float,
) -> tuple[Readings, ...]:
    """Turn rows of `day` into points, one `Readings` per UTC offset."""
    readings = []
    for offset_s, part in day.by_offset(rows):
        base_ms = (day.midnight_s - offset_s) * 1000
        points: list[Point] = [
            (base_ms + second * 1000, value, duration_ms)
            for second, value in part
            if value or base_ms + second * 1000 < zeros_until_ms
        ]
        if points:
            readings.append(Readings(field, "", offset_s, points))
    return tuple(readings)
