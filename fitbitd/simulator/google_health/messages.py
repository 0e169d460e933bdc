"""Request messages of the roll-ups, read as strictly as Google's JSON reader does."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fitbitd.simulator.google_health.errors import RefusalError, invalid, invalid_payload
from fitbitd.simulator.google_health.filters import parse_timestamp

_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)")
_INT32 = range(-(2**31), 2**31)
_COMMON = frozenset({"range", "pageSize", "pageToken", "dataSourceFamily"})
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RollUpRequest:
    """What both roll-ups are asked: for `dailyRollUp` in wall-clock milliseconds.

    Attributes:
        page_size: None if the request named none.
        same: all that a page token is bound to.
    """

    start_ms: int
    end_ms: int
    window_ms: int
    page_size: int | None
    page_token: str
    family: str
    same: Mapping[str, Any]


def parse_roll_up(content: bytes) -> RollUpRequest:
    """Read the body of `rollUp`.

    Raises:
        RefusalError: 400.
    """
    body = _body(content, _COMMON | {"windowSize"})
    span = _object(body.get("range"), "range", {"startTime", "endTime"})
    window_ms = _duration_ms(body.get("windowSize"))
    return _request(body, _instant(span, "startTime"), _instant(span, "endTime"), window_ms)


def parse_daily_roll_up(content: bytes) -> RollUpRequest:
    """Read the body of `dailyRollUp`; days begin at midnight.

    Raises:
        RefusalError: 400.
    """
    body = _body(content, _COMMON | {"windowSizeDays"})
    span = _object(body.get("range"), "range", {"start", "end"})
    start_ms = civil_ms(span.get("start"), "range.start")
    end_ms = civil_ms(span.get("end"), "range.end")
    days = _int32(body.get("windowSizeDays"), "window_size_days") or 1
    if days < 1 or start_ms % _DAY_MS:
        raise invalid()
    return _request(body, start_ms, end_ms, days * _DAY_MS)


def parse_page_size(given: object) -> int | None:
    """Read a page size; 0 is as good as none.

    Raises:
        RefusalError: 400 for a negative one, or none that fits 32 bits.
    """
    size = _int32(given, "page_size")
    if size is not None and size < 0:
        raise invalid("page_size is too small", violations=[("page_size", "must not be negative")])
    return size or None


def _request(body: Mapping[str, Any], start: int, end: int, window_ms: int) -> RollUpRequest:
    if start >= end:
        raise invalid(reason="INVALID_TIME_RANGE")
    return RollUpRequest(
        start,
        end,
        window_ms,
        parse_page_size(body.get("pageSize")),
        _text(body.get("pageToken"), "page_token"),
        _text(body.get("dataSourceFamily"), "data_source_family"),
        {name: value for name, value in body.items() if name != "pageToken"},
    )


def _body(content: bytes, allowed: frozenset[str]) -> dict[str, Any]:
    try:
        body = json.loads(content or b"{}")
    except ValueError as err:
        raise invalid_payload(f"Unable to parse: {err}") from err
    return _object(body, "", allowed)


def _object(given: object, at: str, allowed: frozenset[str] | set[str]) -> dict[str, Any]:
    if given is None:
        raise invalid(violations=[(at, f"{at} is required")])
    if not isinstance(given, dict):
        raise _wrong_value(at, given)
    for name in given:
        if name not in allowed:
            place = f" at '{at}'" if at else ""
            raise invalid_payload(f'Unknown name "{name}"{place}: Cannot find field.')
    return given


def civil_ms(given: object, at: str) -> int:
    """Read a CivilDateTime as the wall clock it shows, in milliseconds as if it were UTC.

    Raises:
        RefusalError: 400.
    """
    moment = _object(given, at, {"date", "time"})
    day = _object(moment.get("date"), f"{at}.date", {"year", "month", "day"})
    time = _object(moment.get("time", {}), f"{at}.time", {"hours", "minutes", "seconds", "nanos"})
    parts = [_int32(day.get(name), f"{at}.date.{name}") or 0 for name in ("year", "month", "day")]
    parts += [
        _int32(time.get(name), f"{at}.time.{name}") or 0 for name in ("hours", "minutes", "seconds")
    ]
    nanos = _int32(time.get("nanos"), f"{at}.time.nanos") or 0
    try:
        year, month, number, hours, minutes, seconds = parts
        wall = datetime(year, month, number, hours, minutes, seconds, nanos // 1000, tzinfo=UTC)
    except ValueError as err:
        raise invalid(violations=[(at, str(err))]) from err
    return int(wall.timestamp()) * 1000 + nanos // 1_000_000


def _instant(span: Mapping[str, Any], name: str) -> int:
    text = span.get(name)
    if text is None:
        raise invalid(violations=[(f"range.{name}", "is required")])
    at_ms = parse_timestamp(text) if isinstance(text, str) else None
    if at_ms is None:
        raise _wrong_value(f"range.{name}", text)
    return at_ms


def _duration_ms(given: object) -> int:
    if given is None:
        raise invalid(violations=[("window_size", "is required")])
    if not isinstance(given, str) or not _DURATION.fullmatch(given):
        raise _wrong_value("window_size", given)
    millis = int(Decimal(given[:-1]) * 1000)
    if millis < 1000:  # noqa: PLR2004 - a second, the documented least
        raise invalid(violations=[("window_size", "must be at least 1 second")])
    return millis


def _int32(given: object, at: str) -> int | None:
    """Read an int32 as JSON has it: a number, or a string of one without leading zeros."""
    if given is None or given == "":
        return None
    if isinstance(given, str) and _NUMBER.fullmatch(given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or given not in _INT32:
        raise _wrong_value(at, given, "TYPE_INT32")
    return given


def _text(given: object, at: str) -> str:
    if given is None:
        return ""
    if not isinstance(given, str):
        raise _wrong_value(at, given, "TYPE_STRING")
    return given


def _wrong_value(at: str, given: object, kind: str = "type") -> RefusalError:
    text = f"Invalid value at '{at}' ({kind}), {json.dumps(given)}"
    return invalid(text, violations=[(at, text)])
