"""Google Health pulls, replies and recorded bodies, in short."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from fitbitd.model import Axis, DataTypeName, Lesson, LessonKind, Page, Pull, Reply, Why, Window
from fitbitd.providers.google_health.catalog import CATALOGUE
from fitbitd.providers.google_health.wire import GoogleHealthProvider

RECORDED = Path(__file__).parent.parent / "data" / "google_health"
INDEX: list[dict[str, Any]] = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))
RECEIVED_AT = datetime(2026, 11, 4, 10, 40, tzinfo=UTC)
API = "https://health.googleapis.com"
GOOGLE = GoogleHealthProvider(API)


def window(axis: Axis, first: str, last: str = "") -> Window:
    """Span the days `first` to `last`, both included; UTC days on the instant axis."""
    days = date.fromisoformat(first), date.fromisoformat(last or first)
    if axis is not Axis.INSTANT:
        return Window.of_days(axis, *days)
    start, end = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in days)
    return Window(axis, start, end + timedelta(days=1))


def pull(
    name: str,
    first: str = "",
    last: str = "",
    *,
    synced_at: datetime | None = None,
    item: str = "",
) -> Pull:
    """Make a pull of whole days, both included, of many years, or of no window."""
    data_type = CATALOGUE[DataTypeName(name)]
    days = (first, last) if first else ("2020-01-01", "2026-12-31")
    asked = None if data_type.axis is None else window(data_type.axis, *days)
    return Pull(data_type.name, asked, Why.ASKED, "UTC", synced_at, item)


def tail(name: str, start: str, end: str) -> Pull:
    """Make a pull between two instants."""
    times = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return Pull(DataTypeName(name), Window(Axis.INSTANT, *times), Why.SYNC, "UTC")


def taught(asked: Pull, kind: LessonKind, value: str) -> Pull:
    """Give a pull whose data type was taught something."""
    return replace(asked, lessons=(*asked.lessons, Lesson(asked.data_type, kind, value)))


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Make a reply; what is not bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, raw, RECEIVED_AT)


def recorded(file: str) -> Reply:
    """Give a recorded body as the reply that it was."""
    (row,) = (row for row in INDEX if row["file"] == file)
    headers = {name.lower(): value for name, value in row.get("headers", {}).items()}
    return reply((RECORDED / file).read_bytes(), row["http_status"], headers)


def points(*rows: Any, token: str | None = None) -> Reply:
    """Make a reply of data points."""
    root: dict[str, Any] = {"dataPoints": list(rows)}
    return reply(root if token is None else {**root, "nextPageToken": token})


def rolled(*rows: Any) -> Reply:
    """Make a reply of rolled-up windows."""
    return reply({"rollupDataPoints": list(rows)})


def told(page: Page) -> list[str]:
    """Tell what a page says, one thing a line."""
    lines = []
    for readings in page.readings:
        source = f"{readings.utc_offset_s} [{readings.source}] {readings.preference}"
        for at, value, length in readings.points:
            when = f"{at}" if length is None else f"{at}+{length}"
            lines.append(f"{readings.field}={value} at {when} {source}")
    lines += [f"{each.day} {each.field}={each.value} [{each.source}]" for each in page.dailies]
    for session in page.sessions:
        span = f"{session.start_ms}..{session.end_ms} {session.utc_offset_s}"
        lines.append(f"session {session.key} on {session.day} {span}")
        lines += [f"  {name}={value}" for name, value in session.values]
        lines += [f"  {name}: {text}" for name, text in session.labels]
        lines += [
            f"  {part.kind} {part.label} {part.start_ms}+{part.duration_ms}"
            for part in session.parts
        ]
    lines += [f"snapshot {each.key} {each.content}" for each in page.snapshots]
    lines += [f"{each.device} synced {each.synced_at.isoformat()}" for each in page.syncs]
    lines += [
        f"file {each.key}@{each.version} {each.media_type} {each.size_bytes}" for each in page.files
    ]
    return lines if page.zone is None else [*lines, f"zone {page.zone}"]
