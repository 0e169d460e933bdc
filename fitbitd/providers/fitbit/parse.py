"""Rows of Fitbit's replies to what they say. One reader per data type; `READERS` names them."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fitbitd.errors import ContractError
from fitbitd.model import Daily, DataTypeName, DeviceSync, Kind, Page, Pull, Snapshot
from fitbitd.providers.fitbit.asked import holds, window_of
from fitbitd.providers.fitbit.catalog import ENTRIES
from fitbitd.providers.fitbit.entry import Entry, measured
from fitbitd.providers.fitbit.exercise import read_exercises
from fitbitd.providers.fitbit.intraday import read_heart_rate, read_steps
from fitbitd.providers.fitbit.logged import WEIGHT
from fitbitd.providers.fitbit.members import (
    canonical,
    changed,
    civil_date,
    identity,
    members,
    number,
    objects,
    text,
    wall_time,
)
from fitbitd.providers.fitbit.readings import read_nights, read_weighings
from fitbitd.providers.fitbit.sleep import read_sleep

Reader = Callable[[list[Any], Pull, datetime], Page]
"""Rows, the pull they answer, when they were received: all that a reply says."""

_MOBILE_TRACK = "MobileTrack"  # a phone that counts steps; it syncs all day and proves nothing

_ZONE_VALUES = (
    ("minutes", "minutes"),
    ("caloriesOut", "calories"),
    ("min", "min"),
    ("max", "max"),
)


def read_profile(rows: list[Any], _pull: Pull, _received_at: datetime) -> Page:
    """Read the wearer's profile: their zone if it is one that we know, and when they began."""
    user = members(rows[0], "user")
    member_since = None
    with suppress(ContractError):  # a date that cannot be read is one that is not told
        member_since = civil_date(user.get("memberSince"), "user.memberSince")
    return Page(
        snapshots=(Snapshot("profile", canonical(user)),),
        zone=_known_zone(user.get("timezone")),
        member_since=member_since,
    )


def read_devices(rows: list[Any], pull: Pull, received_at: datetime) -> Page:
    """Read the paired devices, and when each watch among them synced."""
    zone = ZoneInfo(pull.zone)
    snapshots = []
    syncs = []
    for device in objects(rows, "devices"):
        key = identity(device.get("id"), "devices.id")
        snapshots.append(Snapshot(key, canonical(device)))
        if device.get("type") != "TRACKER" or device.get("deviceVersion") == _MOBILE_TRACK:
            continue
        if device.get("lastSyncTime") is None:
            continue  # paired, never synced
        at = wall_time(device["lastSyncTime"], "devices.lastSyncTime")
        # A sync taken for too early costs a wait; one taken for too late vouches for data that
        # nobody has. So: of a repeated hour the first pass, and nothing from the future, which is
        # how a sync looks until the profile names the zone that the wearer has travelled to.
        synced_at = at.replace(tzinfo=zone).astimezone(UTC)
        syncs.append(DeviceSync(key, min(synced_at, received_at)))
    return Page(snapshots=tuple(snapshots), syncs=tuple(syncs))


def read_daily_heart_rate(rows: list[Any], pull: Pull, received_at: datetime) -> Page:
    """Read resting heart rate and time in zones, day by day."""
    values = []
    for row in objects(rows, "activities-heart"):
        day = civil_date(row.get("dateTime"), "activities-heart.dateTime")
        value = members(row.get("value"), "activities-heart.value")
        if "restingHeartRate" in value:  # absent until the night is known, and without a watch
            resting = number(value["restingHeartRate"], "restingHeartRate")
            values.append(Daily(day, "resting_heart_rate", resting))
        values += _zones(day, value, "heartRateZones", "")
        values += _zones(day, value, "customHeartRateZones", "custom.")
    return _daily(values, pull, received_at)


def read_days(entry: Entry, rows: list[Any], pull: Pull, received_at: datetime) -> Page:
    """Read values by their date."""
    member = ".".join(entry.container) or str(entry.data_type.name)
    values = []
    for row in objects(rows, member):
        day = civil_date(row.get("dateTime"), f"{member}.dateTime")
        source = text(row[entry.source], f"{member}.{entry.source}") if entry.source in row else ""
        for name, value in measured(row.get("value"), entry.values, f"{member}.value"):
            values.append(Daily(day, name, value, source))
    return _daily(values, pull, received_at)


def _reader(entry: Entry) -> Reader:
    """Give the reader that an entry shares with others of its kind."""
    kind = entry.data_type.kind
    if kind is Kind.DAILY:
        return partial(read_days, entry)
    read = read_exercises if kind is Kind.SESSIONS else read_nights
    read = read_weighings if entry is WEIGHT else read
    return lambda rows, pull, _received_at: read(entry, rows, pull)


READERS: Mapping[DataTypeName, Reader] = MappingProxyType(
    {
        **{name: _reader(entry) for name, entry in ENTRIES.items() if entry.values},
        DataTypeName("profile"): read_profile,
        DataTypeName("devices"): read_devices,
        DataTypeName("heart_rate"): read_heart_rate,
        DataTypeName("steps"): read_steps,
        DataTypeName("daily_heart_rate"): read_daily_heart_rate,
        DataTypeName("sleep"): read_sleep,
    }
)


def _known_zone(name: object) -> str | None:
    """Give back an IANA name that has rules here; the zone known before stays otherwise."""
    if not isinstance(name, str):
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, such as "Europe"
        return None


def _zones(day: date, value: dict[str, Any], member: str, prefix: str) -> Iterator[Daily]:
    for zone in objects(value.get(member, []), member):
        name = zone.get("name")
        if not isinstance(name, str):
            raise changed(f"{member}.name")
        slug = re.sub(r"\W+", "_", name.lower()).strip("_") or "zone"
        for theirs, ours in _ZONE_VALUES:
            if theirs in zone:  # minutes and calories are absent on days without data
                read = number(zone[theirs], f"{member}.{theirs}")
                yield Daily(day, f"{prefix}{slug}.{ours}", read)


def _daily(values: list[Daily], pull: Pull, received_at: datetime) -> Page:
    """Keep the values of the window; a 0 of a day after the last sync was never measured."""
    window = window_of(pull)
    known = (pull.synced_at or received_at).astimezone(ZoneInfo(pull.zone)).date()
    if len({(each.day, each.field, each.source) for each in values}) < len(values):
        raise changed("series")  # two values for one day; no way to tell which is meant
    inside = [each for each in values if holds(window, each.day)]
    measured = tuple(each for each in inside if each.value or each.day <= known)
    return Page(dailies=measured, outside=len(values) - len(inside))
