"""The lines of the archive: values that cross borders, to JSON objects and back.

What each line holds is written out at the top of `archive.py`. Pure: nothing here opens a file.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fitbitd.model import (
    Axis,
    DataTypeName,
    DeviceSync,
    Lesson,
    LessonKind,
    Outcome,
    OutcomeKind,
    PassEnd,
    Pull,
    Quota,
    Reply,
    Request,
    Why,
    Window,
)

Line = dict[str, Any]

KEPT_HEADERS = ("content-type", "date", "retry-after")
KEPT_HEADER_PREFIX = "fitbit-rate-limit-"


def encode(line: Line) -> bytes:
    """Write a line as JSON text and its newline."""
    try:
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        # An error's words can quote half of a surrogate pair, which only an escape can write.
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def instant(at: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC, to the microsecond if it has any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_instant(text: str) -> datetime:
    """Read back what `instant` wrote."""
    return datetime.fromisoformat(text)


def from_pull(pull: Pull) -> Line:
    """Say what a pull asks for."""
    window = pull.window
    return {
        "data_type": pull.data_type,
        "window": None
        if window is None
        else {
            "axis": window.axis,
            "start": _bound(window.start),
            "end": _bound(window.end),
        },
        "why": pull.why,
        "zone": pull.zone,
        "synced_at": None if pull.synced_at is None else instant(pull.synced_at),
        "item": pull.item,
        "lessons": {lesson.kind: lesson.value for lesson in pull.lessons},
    }


def to_pull(line: Line) -> Pull:
    """Read the pull back from its `pull_begin` line."""
    window = line["window"]
    data_type = DataTypeName(line["data_type"])
    return Pull(
        data_type=data_type,
        window=None
        if window is None
        else Window(
            Axis(window["axis"]),
            datetime.fromisoformat(window["start"]),
            datetime.fromisoformat(window["end"]),
        ),
        why=Why(line["why"]),
        zone=line["zone"],
        synced_at=_maybe_instant(line["synced_at"]),
        item=line.get("item", ""),
        lessons=tuple(
            Lesson(data_type, LessonKind(kind), value)
            for kind, value in line.get("lessons", {}).items()
        ),
    )


def from_reply(request: Request, reply: Reply) -> Line:
    """Say what was asked and what came back; of a request only what holds no secret."""
    asked = {"method": request.method, "url": request.url}
    if request.json is not None:
        asked["json"] = request.json
    return {
        "request": asked,
        "status": reply.status,
        "headers": _kept(reply.headers),
        **_from_body(reply.body),
    }


def to_reply(line: Line) -> Reply:
    """Read the reply back from its line, the body to the byte."""
    return Reply(
        status=line["status"],
        headers=line["headers"],
        body=body_of(line),
        received_at=from_instant(line["at"]),
    )


def body_of(line: Line) -> bytes:
    """Give the exact bytes of a reply's body.

    Raises:
        ValueError: neither text nor base64.
    """
    text = line.get("body")
    if isinstance(text, str):
        return text.encode()
    return base64.b64decode(str(line.get("body_base64")), validate=True)


def from_outcome(outcome: Outcome) -> Line:
    """Say how a pull ended."""
    return {
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "pages": outcome.pages,
        "points": outcome.points,
    }


def to_outcome(line: Line) -> Outcome:
    """Read back how a pull ended from its `pull_end` line."""
    return Outcome(
        OutcomeKind(line["outcome"]), line["reason"], line["detail"], line["pages"], line["points"]
    )


def from_pass_end(end: PassEnd, syncs: Sequence[DeviceSync]) -> Line:
    """Say how a pass ended and what the next one must know."""
    return {
        "outcome": end.outcome,
        "detail": end.detail,
        "quota": None
        if end.quota is None
        else {
            "limit": end.quota.limit,
            "left": end.quota.left,
            "renews_at": instant(end.quota.renews_at),
        },
        "throttled_until": None if end.throttled_until is None else instant(end.throttled_until),
        "requests": end.requests,
        "counts": dict(end.counts),
        "device_syncs": {sync.device: instant(sync.synced_at) for sync in syncs},
    }


def to_pass_end(line: Line) -> PassEnd:
    """Read back how a pass ended from its `pass_end` line."""
    quota = line["quota"]
    return PassEnd(
        outcome=line["outcome"],
        quota=None
        if quota is None
        else Quota(quota["limit"], quota["left"], from_instant(quota["renews_at"])),
        throttled_until=_maybe_instant(line["throttled_until"]),
        requests=line["requests"],
        detail=line["detail"],
        counts=line["counts"],
    )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in KEPT_HEADERS or name.startswith(KEPT_HEADER_PREFIX)
    }


def _from_body(body: bytes) -> Line:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode("ascii")}


def _bound(at: datetime) -> str:
    """Write one end of a window: with a zone on the instant axis, without on the others."""
    return at.isoformat() if at.tzinfo is None else instant(at)


def _maybe_instant(text: str | None) -> datetime | None:
    return None if text is None else from_instant(text)
