"""Texts and numbers as the API's JSON has them. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Value = Mapping[str, Any]


def stamp(at_ms: int) -> str:
    """Write an instant: RFC 3339 with `Z`, and a fraction only where there is one."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def seconds(count: float) -> str:
    """Write a duration or an offset, such as `-14400s` or `3539.368s`."""
    return f"{count:.3f}".rstrip("0").rstrip(".") + "s"


def ms(at: datetime) -> int:
    """Give an instant in Unix milliseconds."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def moved(value: Value, by: int) -> Value:
    """Give `value` with its first number higher by `by`; a value without numbers stays."""
    for key, held in value.items():
        if isinstance(held, str) and held.lstrip("-").isdigit():
            return {**value, key: str(int(held) + by)}
        if isinstance(held, int | float) and not isinstance(held, bool):
            return {**value, key: held + by}
    return value
