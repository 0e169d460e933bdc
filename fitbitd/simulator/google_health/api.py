"""The methods of the API, for one account: what is asked, checked as strictly as Google does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from fitbitd.simulator.google_health import errors
from fitbitd.simulator.google_health.capabilities import DATA_TYPES, Action, DataType, Kind
from fitbitd.simulator.google_health.data import Life
from fitbitd.simulator.google_health.filters import EVER, Wanted, parse_filter
from fitbitd.simulator.google_health.lists import (
    belongs,
    can_be_narrowed,
    family_of,
    newest_first,
)
from fitbitd.simulator.google_health.messages import (
    RollUpRequest,
    parse_daily_roll_up,
    parse_page_size,
    parse_roll_up,
)
from fitbitd.simulator.google_health.paging import Cursor, read_token, take_page, write_token
from fitbitd.simulator.google_health.rolled import Rolled, Rows
from fitbitd.simulator.google_health.rollups import zero_of
from fitbitd.simulator.google_health.routes import Call
from fitbitd.simulator.google_health.settings import SCOPE_PREFIX, SCOPES, GoogleHealthSettings
from fitbitd.simulator.google_health.shapes import Shapes, civil, rfc3339
from fitbitd.simulator.measured import Point

_DAY_MS = 86_400_000
_ACTIONS = {
    "dataPoints.list": Action.LIST,
    "dataPoints.get": Action.GET,
    "dataPoints.reconcile": Action.RECONCILE,
    "dataPoints.rollUp": Action.ROLLUP,
    "dataPoints.dailyRollUp": Action.DAILY_ROLLUP,
    "dataPoints.exportExerciseTcx": Action.TCX,
}
_ACTIVITY = f"{SCOPE_PREFIX}activity_and_fitness.readonly"
_LOCATION = f"{SCOPE_PREFIX}location.readonly"
_TCX_TYPE = "application/vnd.garmin.tcx+xml"
_STRIDES = ("autoWalkingStrideLengthMm", "autoRunningStrideLengthMm")
_STRIDES_SET = ("userConfiguredWalkingStrideLengthMm", "userConfiguredRunningStrideLengthMm")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, when, and what else came with the request."""

    scopes: frozenset[str]
    query: Mapping[str, str]
    content: bytes
    now: datetime


class Api:
    """Answers calls about one life."""

    def __init__(self, life: Life, since: datetime) -> None:
        self._life = life
        self._since = since
        self._windows = Rolled(life, since)

    def user_id(self, now: datetime) -> str:
        """Give the numeric id of the account."""
        return str(self._life.identity(now)["healthUserId"])

    def check(self, call: Call, asker: Asker, settings: GoogleHealthSettings) -> None:
        """Make sure that the call may be made at all: user, parameters, scope.

        Raises:
            RefusalError: 400 or 403.
        """
        if call.user not in {"me", self.user_id(asker.now)}:
            raise errors.permission_denied("RESOURCE_PERMISSION_DENIED")
        for name in asker.query:
            if not call.method.allows(name):
                raise errors.invalid_payload(
                    f"Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could"
                    " not be found in request message."
                )
        if asker.query.get("alt", "json") not in {"json", "media", "proto"}:
            raise errors.invalid_payload("Invalid value at 'alt'")
        if call.method.writes:
            raise errors.scope_insufficient(call.method.grpc)
        if not self._permitted(call, asker.scopes):
            if settings.scope_reason == "MISSING_OAUTH_SCOPE":
                raise errors.permission_denied("MISSING_OAUTH_SCOPE")
            raise errors.scope_insufficient(call.method.grpc)

    def answer(self, call: Call, asker: Asker, settings: GoogleHealthSettings) -> Any:
        """Answer a call that was checked: a body, or a response that is no JSON.

        Raises:
            RefusalError: 400, 404 or 504.
        """
        if not call.method.name.startswith("dataPoints."):
            return self._account(call, asker, settings)
        data_type, action = self.data_type(call), _ACTIONS[call.method.name]
        _check_offered(data_type, action, settings)
        match action:
            case Action.LIST | Action.RECONCILE:
                return self._list(data_type, action, asker, settings)
            case Action.GET:
                return Shapes(self.user_id(asker.now), settings).listed(
                    data_type, self._point(data_type, call.point, asker.now)
                )
            case Action.TCX:
                return self._tcx(call.point, asker)
            case Action.ROLLUP:
                return self._roll_up(data_type, parse_roll_up(asker.content), asker, settings)
            case _:
                return self._daily_roll_up(data_type, asker, settings)

    def data_type(self, call: Call) -> DataType:
        """Find the data type that a path names.

        Raises:
            RefusalError: 400 for a name that is none in this version.
        """
        data_type = DATA_TYPES.get(call.data_type)
        if data_type is None or (data_type.beta and call.version == "v4"):
            raise errors.invalid_data_type(call.data_type)
        return data_type

    def _permitted(self, call: Call, scopes: frozenset[str]) -> bool:
        match call.method.name:
            case "users.getIdentity":
                return bool(scopes & SCOPES)
            case "users.getProfile":
                return f"{SCOPE_PREFIX}profile.readonly" in scopes
            case "users.getIrnProfile":
                return f"{SCOPE_PREFIX}irn.readonly" in scopes
            case name if name.startswith("users."):
                return f"{SCOPE_PREFIX}settings.readonly" in scopes
            case "dataPoints.exportExerciseTcx":
                return {_ACTIVITY, _LOCATION} <= scopes
            case _:
                data_type = self.data_type(call)
                return bool(scopes & {data_type.read_scope, data_type.write_scope})

    def _account(self, call: Call, asker: Asker, settings: GoogleHealthSettings) -> Any:
        life, now = self._life, asker.now
        match call.method.name:
            case "users.getIdentity":
                return life.identity(now)
            case "users.getSettings":
                return life.settings(now)
            case "users.getIrnProfile":
                return life.irn_profile(now)
            case "users.getProfile":
                profile = life.profile(now)
                hidden = () if _ACTIVITY in asker.scopes else (*_STRIDES, *_STRIDES_SET)
                return {name: value for name, value in profile.items() if name not in hidden}
        devices: list[dict[str, Any]] = life.paired_devices(now).get("pairedDevices", [])
        if call.method.name == "users.pairedDevices.get":
            for device in devices:
                if device["name"].endswith(f"/{call.point}"):
                    return device
            raise errors.point_not_found()
        return _devices(devices, asker, settings)

    def _list(
        self, data_type: DataType, action: Action, asker: Asker, settings: GoogleHealthSettings
    ) -> dict[str, Any]:
        query, now = asker.query, asker.now
        family = self._family(data_type, asker, listing=action is Action.LIST)
        wanted = parse_filter(query.get("filter", ""), data_type)
        asked = parse_page_size(query.get("pageSize"))
        size = _page_size(data_type, asked, settings)
        _check_slow(asked or size, wanted.end - wanted.start, settings)
        same = {
            "path": [action, data_type.id],
            **{name: query.get(name) for name in ("filter", "pageSize", "dataSourceFamily")},
        }
        cursor = _cursor(query.get("pageToken", ""), same, now, settings)
        empty_days = settings.empty_page_days
        if (
            cursor is None
            and empty_days is not None
            and data_type.kind is Kind.INTERVAL
            and wanted.end != EVER[1]
            and wanted.end - wanted.start >= empty_days * _DAY_MS
        ):
            token = write_token(Cursor(wanted.end), same, now)
            return {"dataPoints": [], "nextPageToken": token}
        merged = action is Action.RECONCILE
        lived = (self._since, now)
        found = newest_first(self._life, data_type, wanted, lived, cursor, merged=merged)
        if family != "all-sources":
            found = (pair for pair in found if belongs(pair[1].source, family))
        page = take_page(found, size, cursor, repeat=settings.repeat_point)
        shapes = Shapes(self.user_id(now), settings)
        write = shapes.reconciled if merged else shapes.listed
        points = [write(data_type, point) for point in page.points]
        if page.following is not None:
            token = write_token(page.following, same, now)
            return {"dataPoints": points, "nextPageToken": token}
        return _last_page("dataPoints", points, settings)

    def _family(self, data_type: DataType, asker: Asker, *, listing: bool) -> str:
        text = asker.query.get("dataSourceFamily", "")
        family = family_of(text, self.user_id(asker.now))
        if text and listing and not can_be_narrowed(data_type):
            raise errors.invalid_family()
        if data_type.read_scope in asker.scopes:
            return family
        # A client that may only write sees what it wrote, and may ask for nothing else.
        if (text and family != "self-sources") or (listing and not can_be_narrowed(data_type)):
            raise errors.permission_denied()
        return "self-sources"

    def _point(self, data_type: DataType, point_id: str, now: datetime) -> Point:
        wanted, lived = Wanted(None, (EVER,)), (self._since, now)
        for _, point in newest_first(self._life, data_type, wanted, lived, None, merged=False):
            if point.point_id == point_id:
                return point
        raise errors.point_not_found()

    def _tcx(self, point_id: str, asker: Asker) -> Any:
        partial = asker.query.get("partialData", "false")
        if partial not in {"true", "false"}:
            raise errors.invalid_payload("Invalid value at 'partial_data' (TYPE_BOOL)")
        text = self._life.tcx(point_id, partial == "true", asker.now)
        if text is None:
            raise errors.point_not_found()
        if asker.query.get("alt") != "media":
            return {"tcxData": text}
        return httpx.Response(200, headers={"content-type": _TCX_TYPE}, content=text.encode())

    def _roll_up(
        self,
        data_type: DataType,
        request: RollUpRequest,
        asker: Asker,
        settings: GoogleHealthSettings,
    ) -> dict[str, Any]:
        longest = settings.longest_days.get(data_type.id, data_type.longest_days)
        size = min(request.page_size or 1440, 10_000)
        span_ms = request.end_ms - request.start_ms
        if max(span_ms, size * request.window_ms) > longest * _DAY_MS:
            raise errors.range_too_long(longest)
        _check_slow(size, span_ms, settings)
        family = self._rolled_family(data_type, asker, request.family)
        windows = self._windows.rows(data_type, request, asker.now, family, civil=False)
        rows = [
            {"startTime": rfc3339(start_ms), "endTime": rfc3339(end_ms), **value}
            for (start_ms, end_ms), value in _told(data_type, windows, request, settings)
        ]
        return _rolled(rows, size, request, asker.now, settings)

    def _daily_roll_up(
        self, data_type: DataType, asker: Asker, settings: GoogleHealthSettings
    ) -> dict[str, Any]:
        request = parse_daily_roll_up(asker.content)
        longest = settings.longest_days.get(data_type.id, data_type.longest_days)
        span_ms = request.end_ms - request.start_ms
        needed = -(-span_ms // request.window_ms)
        size = request.page_size or needed
        too_wide = size * request.window_ms > longest * _DAY_MS and request.page_size is not None
        if span_ms > longest * _DAY_MS or too_wide or size < needed:
            raise errors.range_too_long(longest)
        _check_slow(size, span_ms, settings)
        family = self._rolled_family(data_type, asker, request.family)
        windows = self._windows.rows(data_type, request, asker.now, family, civil=True)
        rows = [
            {
                "civilStartTime": civil(start_ms, 0, settings),
                "civilEndTime": civil(end_ms, 0, settings),
                **value,
            }
            for (start_ms, end_ms), value in _told(data_type, windows, request, settings)
        ]
        return _rolled(rows, size, request, asker.now, settings)

    def _rolled_family(self, data_type: DataType, asker: Asker, family_text: str) -> str:
        family = family_of(family_text, self.user_id(asker.now))
        if data_type.read_scope in asker.scopes:
            return family
        if family_text and family != "self-sources":
            raise errors.permission_denied()
        return "self-sources"


def _check_offered(data_type: DataType, action: Action, settings: GoogleHealthSettings) -> None:
    offered = [
        other
        for other in Action
        if (other in data_type.actions or (data_type.id, other) in settings.also_offered)
        and (data_type.id, other) not in settings.not_offered
    ]
    if action not in offered:
        allowed = [other.value for other in offered]
        raise errors.unsupported_action(action.label, data_type.id, allowed)


def _check_slow(size: int, span_ms: int, settings: GoogleHealthSettings) -> None:
    points, days = settings.slow_above_points, settings.slow_above_days
    if (points is not None and size > points) or (days is not None and span_ms > days * _DAY_MS):
        raise errors.deadline_exceeded()


def _page_size(data_type: DataType, asked: int | None, settings: GoogleHealthSettings) -> int:
    size = asked or settings.default_pages.get(data_type.id, data_type.default_page)
    size = min(size, settings.largest_pages.get(data_type.id, data_type.largest_page))
    return min(size, settings.short_page or size, data_type.largest_page)


def _cursor(
    token: str, same: Mapping[str, Any], now: datetime, settings: GoogleHealthSettings
) -> Cursor | None:
    return read_token(token, same, now, settings.page_token_life_s) if token else None


def _last_page(
    name: str, rows: list[dict[str, Any]], settings: GoogleHealthSettings
) -> dict[str, Any]:
    if not rows:
        return {} if settings.empty_body == "braces" else {name: []}
    end = {"nextPageToken": ""} if settings.last_token == "empty" else {}  # noqa: S105 - no secret
    return {name: rows, **end}


def _told(
    data_type: DataType,
    windows: Rows,
    request: RollUpRequest,
    settings: GoogleHealthSettings,
) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    """Tell of the windows that hold something; of the others only if a setting says how."""
    told = [(span, {data_type.key: value}) for span, value in windows.items()]
    if settings.empty_windows == "omitted":
        return told
    zero = zero_of(data_type.id) if settings.empty_windows == "zero" else {}
    for start_ms in range(request.start_ms, request.end_ms, request.window_ms):
        span = start_ms, min(start_ms + request.window_ms, request.end_ms)
        if span not in windows:
            told.append((span, {data_type.key: zero} if zero else {}))
    return sorted(told, key=lambda pair: -pair[0][0])


def _rolled(
    rows: list[dict[str, Any]],
    size: int,
    request: RollUpRequest,
    now: datetime,
    settings: GoogleHealthSettings,
) -> dict[str, Any]:
    cursor = _cursor(request.page_token, request.same, now, settings)
    page, following = _part(rows, size, cursor)
    if following is not None:
        token = write_token(following, request.same, now)
        return {"rollupDataPoints": page, "nextPageToken": token}
    return {"rollupDataPoints": page} if page else _last_page("rollupDataPoints", [], settings)


def _part(
    rows: list[dict[str, Any]], size: int, cursor: Cursor | None
) -> tuple[list[dict[str, Any]], Cursor | None]:
    """Take a page of rows that are all known, and say where the next one begins."""
    first = cursor.skip if cursor is not None else 0
    following = Cursor(0, first + size) if first + size < len(rows) else None
    return rows[first : first + size], following


def _devices(
    devices: list[dict[str, Any]], asker: Asker, settings: GoogleHealthSettings
) -> dict[str, Any]:
    size = min(parse_page_size(asker.query.get("pageSize")) or 5, 100)
    same = {"path": "pairedDevices", "pageSize": asker.query.get("pageSize")}
    cursor = _cursor(asker.query.get("pageToken", ""), same, asker.now, settings)
    page, following = _part(devices, size, cursor)
    body: dict[str, Any] = {"pairedDevices": page} if page else {}
    if following is not None:
        body["nextPageToken"] = write_token(following, same, asker.now)
    return body
