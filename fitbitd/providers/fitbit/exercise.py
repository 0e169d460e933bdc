"""Entries of the activity log list to sessions."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from fitbitd.errors import ContractError
from fitbitd.model import Page, Pull, Session
from fitbitd.providers.fitbit.asked import holds, window_of
from fitbitd.providers.fitbit.entry import Entry, measured
from fitbitd.providers.fitbit.logged import ZONES
from fitbitd.providers.fitbit.members import (
    changed,
    free_text,
    identity,
    instant,
    members,
    number,
    objects,
)
from fitbitd.providers.fitbit.wall_clock import offset_of, unix_ms

_LABELS = (
    ("activityName", "name"),
    ("activityTypeId", "type"),
    ("logType", "log_type"),
    ("originalStartTime", "original_start"),
    ("lastModified", "last_modified"),
)
_UNITS_MM = {"Kilometer": 1e6, "Meter": 1e3, "Mile": 1_609_344.0, "Yard": 914.4}
_A_DAY = timedelta(days=1)


def read_exercises(entry: Entry, rows: list[Any], pull: Pull) -> Page:
    """Read the entries that start in the window, by the clock that they were logged by."""
    window = window_of(pull)
    found = [_session(entry, row) for row in objects(rows, "activities")]
    inside = tuple(each for each in found if holds(window, each.day))
    return Page(sessions=inside, outside=len(found) - len(inside))


def ends_beyond(rows: list[Any], pull: Pull) -> bool:
    """Say whether a page, and with it all pages after it, reaches beyond the window.

    The order is that of instants, or of some clock, perhaps another one than the window's: what
    starts a day after its end is behind it by any.
    """
    beyond = False
    with suppress(ContractError):  # what cannot be read fails the pull when it is read
        last = objects(rows, "activities")[-1:]
        for row in last:
            start = instant(row.get("startTime"), "activities.startTime")
            beyond = start.replace(tzinfo=None) >= window_of(pull).end + _A_DAY
    return beyond


def _session(entry: Entry, row: dict[str, Any]) -> Session:
    start = instant(row.get("startTime"), "activities.startTime")
    offset = offset_of(start)
    start_ms = unix_ms(start.replace(tzinfo=None), offset)
    length_ms = number(row.get("duration"), "activities.duration")
    if length_ms < 0:
        raise changed("activities.duration")
    return Session(
        key=identity(row.get("logId"), "activities.logId"),
        day=start.date(),
        start_ms=start_ms,
        end_ms=start_ms + round(length_ms),
        utc_offset_s=offset,
        values=tuple({**dict(measured(row, entry.values, "activities")), **_more(row)}.items()),
        labels=tuple(_labels(row)),
    )


def _more(row: dict[str, Any]) -> dict[str, int | float]:
    """Give the values that are not simply a member: distance, zones, levels."""
    found: dict[str, int | float] = {}
    if row.get("distance") is not None:
        unit = _UNITS_MM.get(free_text(row.get("distanceUnit", "Kilometer")))
        if unit is None:
            raise changed("activities.distanceUnit")
        found["distance"] = round(number(row["distance"], "activities.distance") * unit, 3)
    if "hasGps" in row:
        if not isinstance(row["hasGps"], bool):
            raise changed("activities.hasGps")
        found["has_gps"] = int(row["hasGps"])
    for name, minutes in _minutes(row, "heartRateZones"):
        found[ZONES.get(name, f"{_slug(name)}_zone")] = 60 * minutes
    for name, minutes in _minutes(row, "activityLevel"):
        found[f"{_slug(name)}.minutes"] = minutes
    return found


def _minutes(row: dict[str, Any], member: str) -> Iterator[tuple[str, int | float]]:
    for part in objects(row.get(member, []), f"activities.{member}"):
        if "minutes" in part:
            yield free_text(part.get("name")), number(part["minutes"], f"activities.{member}")


def _labels(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    source = members(row.get("source", {}), "activities.source").get("name")
    told = [(ours, row.get(theirs)) for theirs, ours in _LABELS]
    for name, said in (*told, ("source", source)):
        if said is not None:
            yield name, free_text(said)


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_") or "zone"
