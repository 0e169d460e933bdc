"""Pages, newest first, and the tokens that lead from one to the next.

A token knows where its page begins, when it was given, and a digest of the request it belongs to.
Where a page begins is said by time, not by number, so that points that arrive in between do not
shift what follows.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fitbitd.simulator.google_health.errors import RefusalError, invalid
from fitbitd.simulator.measured import Point

_SALT = "pages"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: at the points of `key_ms`, after the first `skip` of these."""

    key_ms: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some points, and where the next page begins; None after the last."""

    points: list[Point]
    following: Cursor | None


def take_page(
    ordered: Iterable[tuple[int, Point]], size: int, cursor: Cursor | None, *, repeat: bool
) -> Page:
    """Take up to `size` of the points (by key, newest first) that begin at the cursor.

    Args:
        ordered: the points with their keys, none later than the cursor's.
        repeat: let the next page begin with the last point of this one.
    """
    taken: list[Point] = []
    key, at_key = 0, 0
    for point_key, point in ordered:
        if len(taken) == size:
            return Page(taken, Cursor(key, at_key - (1 if repeat and size > 1 else 0)))
        at_key = at_key + 1 if point_key == key else 1
        key = point_key
        if cursor is None or key != cursor.key_ms or at_key > cursor.skip:
            taken.append(point)
    return Page(taken, None)


def write_token(cursor: Cursor, request: Mapping[str, Any], now: datetime) -> str:
    """Make the token of the page that begins at `cursor`."""
    text = json.dumps([cursor.key_ms, cursor.skip, now.timestamp(), _digest(request)])
    signed = f"{_sign(text)}{text}"
    return base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def read_token(token: str, request: Mapping[str, Any], now: datetime, life_s: float) -> Cursor:
    """Read a token that `write_token` made for the same request.

    Raises:
        RefusalError: 400 for another request, an old token, or none of ours.
    """
    try:
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError as err:
        raise invalid_token() from err
    sign, text = signed[:16], signed[16:]
    if sign != _sign(text):
        raise invalid_token()
    key_ms, skip, given_at, digest = json.loads(text)
    if digest != _digest(request) or now.timestamp() - given_at > life_s:
        raise invalid_token()
    return Cursor(key_ms, skip)


def invalid_token() -> RefusalError:
    """Refuse a page token; no body of this kind was recorded."""
    message = "Request contains an invalid argument."
    return invalid(message, violations=[("page_token", "Invalid page token.")])


def _digest(request: Mapping[str, Any]) -> str:
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sign(text: str) -> str:
    return hashlib.sha256(f"{_SALT}:{text}".encode()).hexdigest()[:16]
