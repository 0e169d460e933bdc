"""The Google Health API on the wire: a pull to a request, a reply to what it says and teaches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from fitbitd.model import (
    Axis,
    DataType,
    DataTypeName,
    Kind,
    Lesson,
    LessonKind,
    Page,
    Pull,
    Quota,
    Reply,
    Request,
    Survey,
    Window,
)
from fitbitd.providers.google_health import parse, verdict
from fitbitd.providers.google_health.asked import window_of
from fitbitd.providers.google_health.capability import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    Capability,
    Method,
)
from fitbitd.providers.google_health.catalog import (
    CATALOGUE,
    ENTRIES,
    Entry,
    hours_of,
    points_of,
)
from fitbitd.providers.google_health.snapshots import session_of

_HEADERS = (("accept", "application/json"),)
_ANYTHING = (("accept", "*/*"),)  # a track is XML, its refusal JSON
_COMPACT = {"prettyPrint": "false"}  # Google indents otherwise: half as much again to decode
_HOUR = timedelta(hours=1)
_DEVICES_PAGE = 100


class GoogleHealthProvider:
    """The Google Health API v4 at `api_url`."""

    name = "google_health"
    catalogue: Mapping[DataTypeName, DataType] = CATALOGUE

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")

    def request(self, pull: Pull, page: str | None = None) -> Request:
        """Turn a pull, or the next page of it, into the request that asks for it.

        A next page is the same request with a token in it: nothing else may differ.
        """
        entry = ENTRIES[pull.data_type]
        row = entry.capability
        if row is None:
            return self._thing(entry, pull, page)
        method = _method(entry, pull.lessons)
        base = f"{self._api_url}/{row.version}/users/me/dataTypes/{row.id}/dataPoints"
        if method in (Method.ROLL_UP, Method.DAILY_ROLL_UP):
            asked = _rolled(method, pull)
            if page is not None:
                asked["pageToken"] = page
            url = _with_query(f"{base}:{method}", dict(_COMPACT), None)
            return Request("POST", url, _HEADERS, json=json.dumps(asked))
        query: dict[str, str] = {}
        if row.filter.axis is not None:
            query["filter"] = _filter(row, window_of(pull))
        query["pageSize"] = str(_page_size(row.page, pull.lessons))
        query |= _COMPACT
        ending = ":reconcile" if method is Method.RECONCILE else ""
        return Request("GET", _with_query(base + ending, query, page), _HEADERS)

    def judge(self, reply: Reply) -> Quota | None:
        """Say what the caller may do if a reply is not the data; Google never tells a quota."""
        verdict.judge(reply)
        return None

    def survey(self, pull: Pull, reply: Reply) -> Survey:
        """Check that the container of the data type is there, count its points, find the next page.

        Raises:
            ContractError: not JSON, or the container is neither there nor rightly missing.
        """
        return parse.survey(pull, reply)

    def read(self, pull: Pull, reply: Reply) -> Page:
        """Read every point of a judged reply; those that are not understood are counted.

        Raises:
            ContractError: not JSON, or the container is neither there nor rightly missing.
        """
        return parse.read(pull, reply)

    def learn(self, pull: Pull, reply: Reply) -> tuple[Lesson, ...]:
        """Say what a refusal teaches: another method, the longest range, a smaller page."""
        entry = ENTRIES.get(pull.data_type)
        if entry is None or entry.capability is None or reply.status < HTTPStatus.BAD_REQUEST:
            return ()
        named = verdict.reasons(reply)
        taught = {
            LessonKind.METHOD: _other_method(entry, pull, named),
            LessonKind.LONGEST_DAYS: _longest(named),
            LessonKind.PAGE_SIZE: _smaller_page(entry, pull, reply),
        }
        return tuple(Lesson(pull.data_type, kind, value) for kind, value in taught.items() if value)

    def adapted(self, data_type: DataType, lessons: Sequence[Lesson]) -> DataType:
        """Give a data type as the lessons of its own correct it."""
        entry = ENTRIES[data_type.name]
        own = [lesson for lesson in lessons if lesson.data_type == data_type.name]
        row = entry.capability
        if row is not None and entry.methods:
            method = _method(entry, own)
            if method is Method.ROLL_UP is not entry.methods[0]:
                data_type = hours_of(data_type, row)
            elif entry.methods[0] is Method.ROLL_UP is not method:
                data_type = points_of(data_type, row)
        days = _whole(_taught(own, LessonKind.LONGEST_DAYS))
        if days is not None:
            longest = min(data_type.longest, timedelta(days=days))
            data_type = replace(data_type, longest=longest)
        return data_type

    def _thing(self, entry: Entry, pull: Pull, page: str | None) -> Request:
        """Ask for what hangs on the user, or on a session."""
        if entry.data_type.kind is Kind.FILE:
            key, _ = session_of(pull)
            path = entry.path.format(item=quote(key, safe=""))
            query = {"alt": "media", "partialData": "true"}  # also a track without positions
            return Request("GET", _with_query(self._api_url + path, query, None), _ANYTHING)
        query = {"pageSize": str(_DEVICES_PAGE)} if entry.listed else {}
        return Request("GET", _with_query(self._api_url + entry.path, query, page), _HEADERS)


def _with_query(url: str, query: dict[str, str], page: str | None) -> str:
    if page is not None:
        query = {**query, "pageToken": page}
    return f"{url}?{urlencode(query, quote_via=quote, safe='')}" if query else url


def _filter(row: Capability, window: Window) -> str:
    member = f"{row.name}.{row.filter.member}"
    start, end = (_literal(row.filter.axis, at) for at in (window.start, window.end))
    since = f'{member} >= "{start}"'
    return f'{since} AND {member} < "{end}"' if row.filter.upper else since


def _literal(axis: Axis | None, at: datetime) -> str:
    if axis is Axis.DATE:
        return at.date().isoformat()
    if axis is Axis.CIVIL:
        return at.isoformat(timespec="seconds")
    return _instant(at)


def _instant(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with a fraction only where there is one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _rolled(method: Method, pull: Pull) -> dict[str, Any]:
    """Give the body of a roll-up.

    Google also checks what page and window come to: a page is never larger than the range, and for
    days none is named. Windows begin where the range does, so it begins on a full hour.
    """
    window = window_of(pull)
    if method is Method.DAILY_ROLL_UP:
        # Closed-open: the end of the window is the day after the last that is wanted.
        start, end = window.start.date(), window.end.date()
        return {"range": {"start": _civil(start), "end": _civil(end)}, "windowSizeDays": 1}
    start_at = window.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = -((start_at - window.end) // _HOUR)
    end_at = start_at + hours * _HOUR
    return {
        "range": {"startTime": _instant(start_at), "endTime": _instant(end_at)},
        "windowSize": "3600s",
        "pageSize": _page_size(min(hours, LARGEST_PAGE), pull.lessons),
    }


def _civil(day: date) -> dict[str, Any]:
    return {"date": {"year": day.year, "month": day.month, "day": day.day}}


def _method(entry: Entry, lessons: Sequence[Lesson]) -> Method:
    """Give the method to ask by: the learnt one, if it is one that the entry can be read by."""
    learnt = _taught(lessons, LessonKind.METHOD)
    return next((method for method in entry.methods if method == learnt), entry.methods[0])


def _page_size(usual: int, lessons: Sequence[Lesson]) -> int:
    learnt = _whole(_taught(lessons, LessonKind.PAGE_SIZE))
    return usual if learnt is None else min(usual, learnt)


def _taught(lessons: Sequence[Lesson], kind: LessonKind) -> str:
    return next((lesson.value for lesson in reversed(lessons) if lesson.kind is kind), "")


def _whole(said: str) -> int | None:
    """Read a number of days or points that makes sense."""
    sane = said.isascii() and said.isdigit() and len(said) < len("100000")
    return int(said) or None if sane else None


def _other_method(entry: Entry, pull: Pull, named: verdict.Reasons) -> str:
    metadata = named.get("UNSUPPORTED_DATA_TYPE_ACTION", {})
    allowed = verdict.allowed_methods(metadata)
    refused = _method(entry, pull.lessons)
    others = (method for method in entry.methods if method in allowed and method is not refused)
    return next(others, "")


def _longest(named: verdict.Reasons) -> str:
    days = _whole(named.get("INVALID_ROLLUP_QUERY_DURATION", {}).get("maxDurationDays", ""))
    return "" if days is None else str(days)


def _smaller_page(entry: Entry, pull: Pull, reply: Reply) -> str:
    """Give half the page after a 504; nothing where it is small, or none is named."""
    row = entry.capability
    if reply.status != HTTPStatus.GATEWAY_TIMEOUT or row is None:
        return ""
    method = _method(entry, pull.lessons)
    if method is Method.DAILY_ROLL_UP:
        return ""
    if method is Method.ROLL_UP:
        asked = int(_rolled(method, pull)["pageSize"])
    else:
        asked = _page_size(row.page, pull.lessons)
    return str(max(asked // 2, SMALLEST_PAGE)) if asked > SMALLEST_PAGE else ""
