"""Fitbit pulls, replies and recorded bodies, in short."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fitbitd.model import DataTypeName, Pull, Reply, Why, Window
from fitbitd.providers.fitbit.catalog import CATALOGUE

RECORDED = Path(__file__).parent.parent / "data" / "fitbit"
RECEIVED_AT = datetime(2026, 3, 1, 10, 40, tzinfo=UTC)


def pull(
    name: str,
    first: str = "",
    last: str = "",
    *,
    zone: str = "UTC",
    synced_at: datetime | None = None,
) -> Pull:
    """Make a pull of whole days, both included, or of no window."""
    data_type = CATALOGUE[DataTypeName(name)]
    window = None
    if data_type.axis is not None:
        days = date.fromisoformat(first), date.fromisoformat(last or first)
        window = Window.of_days(data_type.axis, *days)
    return Pull(data_type.name, window, Why.ASKED, zone, synced_at)


def tail(name: str, start: str, end: str, *, zone: str = "UTC") -> Pull:
    """Make a pull of part of a day."""
    data_type = CATALOGUE[DataTypeName(name)]
    assert data_type.axis is not None
    times = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return Pull(data_type.name, Window(data_type.axis, *times), Why.SYNC, zone)


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Make a reply; what is not bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, raw, RECEIVED_AT)


def recorded(name: str) -> Reply:
    """Give a recorded body as a reply."""
    return reply((RECORDED / "data" / f"{name}.json").read_bytes())


def intraday(kind: str, rows: list[tuple[str, Any]]) -> Reply:
    """Make a reply with these rows of a day; `kind` is heart or steps."""
    dataset = [{"time": at, "value": value} for at, value in rows]
    block = {"dataset": dataset, "datasetInterval": 1, "datasetType": "minute"}
    return reply({f"activities-{kind}": [], f"activities-{kind}-intraday": block})
