"""Paths and verbs of the API: which method a request calls, and on what."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from fitbitd.simulator.google_health.errors import unknown_path

_STANDARD = frozenset(
    {
        "$.xgafv",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    }
)
_LISTING = frozenset({"filter", "pageSize", "pageToken", "dataSourceFamily"})


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API.

    Attributes:
        name: as the discovery document and recordings have it: "dataPoints.list".
        grpc: as error metadata have it: "DataPointsService.ListDataPoints".
        parameters: its own query parameters.
    """

    name: str
    grpc: str
    parameters: frozenset[str] = frozenset()
    writes: bool = False

    def allows(self, parameter: str) -> bool:
        """Say whether a query parameter exists."""
        return parameter in self.parameters or parameter in _STANDARD


@dataclass(frozen=True, slots=True)
class Call:
    """A request that leads somewhere. `data_type` and `point` are as they stand in the path."""

    method: Method
    version: str
    user: str
    data_type: str = ""
    point: str = ""


def _points(name: str, grpc: str, *parameters: str, writes: bool = False) -> Method:
    own = frozenset(parameters)
    return Method(f"dataPoints.{name}", f"DataPointsService.{grpc}", own, writes)


def _users(name: str, *parameters: str, writes: bool = False) -> Method:
    grpc = "HealthProfileService." + name[0].upper() + name[1:]
    return Method(f"users.{name}", grpc, frozenset(parameters), writes)


_UPDATE_MASK = "updateMask"
_TYPE = r"dataTypes/(?P<data_type>[^/:]+)/dataPoints"
_POINT = _TYPE + r"/(?P<point>[^/:]+)"
_DEVICES = Method(
    "users.pairedDevices.list",
    "HealthProfileService.ListPairedDevices",
    frozenset({"pageSize", "pageToken"}),
)
_DEVICE = Method("users.pairedDevices.get", "HealthProfileService.GetPairedDevice")

_ROUTES: tuple[tuple[str, str, Method], ...] = (
    ("GET", _TYPE, _points("list", "ListDataPoints", *_LISTING)),
    ("POST", _TYPE, _points("create", "CreateDataPoint", writes=True)),
    ("GET", _TYPE + ":reconcile", _points("reconcile", "ReconcileDataPoints", *_LISTING)),
    ("POST", _TYPE + ":rollUp", _points("rollUp", "RollUpDataPoints")),
    ("POST", _TYPE + ":dailyRollUp", _points("dailyRollUp", "DailyRollUpDataPoints")),
    ("POST", _TYPE + ":batchDelete", _points("batchDelete", "BatchDeleteDataPoints", writes=True)),
    ("GET", _POINT, _points("get", "GetDataPoint")),
    ("PATCH", _POINT, _points("patch", "UpdateDataPoint", _UPDATE_MASK, writes=True)),
    (
        "GET",
        _POINT + ":exportExerciseTcx",
        _points("exportExerciseTcx", "ExportExerciseTcx", "partialData"),
    ),
    ("GET", "identity", _users("getIdentity")),
    ("GET", "profile", _users("getProfile")),
    ("PATCH", "profile", _users("updateProfile", _UPDATE_MASK, writes=True)),
    ("GET", "settings", _users("getSettings")),
    ("PATCH", "settings", _users("updateSettings", _UPDATE_MASK, writes=True)),
    ("GET", "irnProfile", _users("getIrnProfile")),
    ("GET", "pairedDevices", _DEVICES),
    ("GET", r"pairedDevices/(?P<point>[^/:]+)", _DEVICE),
)


def _compile(route: tuple[str, str, Method]) -> Callable[[str, str], Call | None]:
    verb, pattern, method = route
    whole = re.compile(rf"/(?P<version>v4|v4beta)/users/(?P<user>[^/:]+)/{pattern}")

    def match(asked_verb: str, path: str) -> Call | None:
        found = whole.fullmatch(path) if asked_verb == verb else None
        return None if found is None else Call(method, **found.groupdict())

    return match


_MATCHES = tuple(_compile(route) for route in _ROUTES)


def call_of(verb: str, path: str) -> Call:
    """Find what a request calls.

    Raises:
        RefusalError: 404 in HTML, for a wrong path and for a wrong verb alike.
    """
    for match in _MATCHES:
        call = match(verb, path)
        if call is not None:
            return call
    raise unknown_path(path)
