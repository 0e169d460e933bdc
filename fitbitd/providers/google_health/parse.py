"""What a reply says: which container it has, how many points, whether more wait, and all of them.

By which method it was asked is seen from its container, so that an archive can be read without
knowing what had been learnt at the time.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fitbitd.model import Kind, Page, Pull, Reply, Survey
from fitbitd.providers.google_health.asked import Asked, asked_of
from fitbitd.providers.google_health.capability import Capability, Method
from fitbitd.providers.google_health.catalog import ENTRIES, Entry
from fitbitd.providers.google_health.daily import read_daily_points, read_days
from fitbitd.providers.google_health.glance import glance
from fitbitd.providers.google_health.members import changed, document
from fitbitd.providers.google_health.points import read_hours, read_points
from fitbitd.providers.google_health.sessions import read_sessions
from fitbitd.providers.google_health.snapshots import (
    read_catalogue,
    read_devices,
    read_track,
    read_whole,
)
from fitbitd.providers.google_health.stream import points_of

POINTS = "dataPoints"
DEVICES = "pairedDevices"
ROLLED = "rollupDataPoints"
_TOKEN = "nextPageToken"  # noqa: S105 - of a page, not of a person


_READERS: Mapping[tuple[Kind, str], Callable[[list[Any], Capability, Asked], Page]] = (
    MappingProxyType(
        {
            (Kind.READINGS, POINTS): read_points,
            (Kind.READINGS, ROLLED): read_hours,
            (Kind.SESSIONS, POINTS): read_sessions,
            (Kind.DAILY, POINTS): read_daily_points,
            (Kind.DAILY, ROLLED): read_days,
        }
    )
)


def survey(pull: Pull, reply: Reply) -> Survey:
    """Count the points of a reply and find the next page.

    The end is a token that is absent or "". A page without points may have one: what is empty is
    left out, so that `{}` is a whole answer. A long page is not decoded: `read` tells its faults.

    Raises:
        ContractError: not JSON, or the container is neither there nor rightly missing.
    """
    entry = ENTRIES[pull.data_type]
    if entry.data_type.kind is Kind.FILE:
        return Survey(len(read_track(pull, reply).files))
    if entry.capability is not None and entry.data_type.kind is Kind.READINGS:
        seen = glance(reply.body, entry.capability.key)
        if seen is not None:
            return seen
    root = document(reply.body)
    if entry.capability is None and not entry.listed:
        return Survey(len(read_whole(root, pull).snapshots))
    token = root.get(_TOKEN, "")
    if not isinstance(token, str):
        raise changed(_TOKEN)
    return Survey(len(_rows(entry, root)[1]), token or None)


def read(pull: Pull, reply: Reply) -> Page:
    """Read every point of a judged reply; those that are not understood are counted.

    Raises:
        ContractError: not JSON, or the container is neither there nor rightly missing.
    """
    entry = ENTRIES[pull.data_type]
    if entry.data_type.kind is Kind.FILE:
        return read_track(pull, reply)
    row = entry.capability
    if row is not None and entry.data_type.kind is Kind.READINGS and POINTS in _containers(entry):
        points = points_of(reply.body, POINTS)
        if points is not None:
            return read_points(points, row, asked_of(pull, reply))
    root = document(reply.body)
    if row is None and not entry.listed:
        return read_whole(root, pull)
    container, rows = _rows(entry, root)
    if row is None:
        return read_devices(rows, reply)
    if entry.data_type.kind is Kind.SNAPSHOT:
        return read_catalogue(rows, row)
    reader = _READERS[entry.data_type.kind, container]
    return reader(rows, row, asked_of(pull, reply))


def _rows(entry: Entry, root: dict[str, Any]) -> tuple[str, list[Any]]:
    """Give the container of a reply, and the rows in it."""
    possible = _containers(entry)
    for container in possible:
        if container in root:
            rows = root[container]
            if not isinstance(rows, list):
                raise changed(container)
            return container, rows
    if root and _TOKEN not in root:
        raise changed(possible[0])
    return possible[0], []


def _containers(entry: Entry) -> list[str]:
    if entry.capability is None:
        return [DEVICES]
    rolled = (Method.ROLL_UP, Method.DAILY_ROLL_UP)
    return list(dict.fromkeys(ROLLED if m in rolled else POINTS for m in entry.methods))
