"""Points as the API writes them: int64 as strings, zeros and midnight left out, civil times."""

import math
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from time import gmtime
from typing import Any

from fitbitd.simulator.google_health.capabilities import DataType, Kind
from fitbitd.simulator.google_health.settings import GoogleHealthSettings
from fitbitd.simulator.measured import Point

_TRUE_ZEROS = {
    "altitude": "gainMillimeters",
    "distance": "millimeters",
    "floors": "count",
    "steps": "count",
}
"""Types of which a worn minute without any is a zero, and the member that says so."""


def rfc3339(at_ms: int) -> str:
    """Write an instant in UTC, with the fraction that it has."""
    seconds, millis = divmod(at_ms, 1000)
    at = gmtime(seconds)
    fraction = f".{millis:03}" if millis else ""
    return (
        f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}"
        f"T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}{fraction}Z"
    )


def civil(at_ms: int, offset_s: int, settings: GoogleHealthSettings) -> dict[str, Any]:
    """Write a wall clock as CivilDateTime; members that are zero are left out."""
    return _civil(at_ms, offset_s, settings.midnight)


def _civil(at_ms: int, offset_s: int, midnight: str) -> dict[str, Any]:
    seconds, millis = divmod(at_ms, 1000)
    at = gmtime(seconds + offset_s)
    named = {
        "hours": at.tm_hour,
        "minutes": at.tm_min,
        "seconds": at.tm_sec,
        "nanos": millis * 1_000_000,
    }
    time = {name: value for name, value in named.items() if value}
    body: dict[str, Any] = {
        "date": {"year": at.tm_year, "month": at.tm_mon, "day": at.tm_mday},
    }
    if time or midnight == "empty":
        body["time"] = time
    return body


def date_json(day: date) -> dict[str, int]:
    """Write a date."""
    return {"year": day.year, "month": day.month, "day": day.day}


class Shapes:
    """Writes the points of one user, as one set of settings has it."""

    def __init__(self, user_id: str, settings: GoogleHealthSettings) -> None:
        self._user_id = user_id
        self._settings = settings

    def listed(self, data_type: DataType, point: Point) -> dict[str, Any]:
        """Write a DataPoint: `list` and `get`."""
        body: dict[str, Any] = {}
        if point.point_id is not None:
            body["name"] = self.name(data_type, point.point_id)
        if data_type.kind is not Kind.CATALOGUE:
            body["dataSource"] = point.source.json()
        body[data_type.key] = self._value(data_type, point)
        return body

    def reconciled(self, data_type: DataType, point: Point) -> dict[str, Any]:
        """Write a ReconciledDataPoint: where it came from is lost."""
        body: dict[str, Any] = {}
        if point.point_id is not None:
            body["dataPointName"] = self.name(data_type, point.point_id)
        body[data_type.key] = self._value(data_type, point)
        return body

    def name(self, data_type: DataType, point_id: str) -> str:
        """Name a point; with the numeric user id, however the user was named in the request."""
        return f"users/{self._user_id}/dataTypes/{data_type.id}/dataPoints/{point_id}"

    def _value(self, data_type: DataType, point: Point) -> dict[str, Any]:
        value = self._times(data_type, point) | dict(point.value)
        zero = _TRUE_ZEROS.get(data_type.id)
        if zero is not None and value.get(zero, "0") == "0":
            value.pop(zero, None)
            if self._settings.zero_counts == "explicit":
                value[zero] = "0"
        if data_type.kind is Kind.SESSION:
            value = _without_false(value)
            for name, at_ms in (("updateTime", point.updated_ms), ("createTime", point.created_ms)):
                if at_ms is not None:
                    value[name] = rfc3339(at_ms)
        if self._settings.float_noise and isinstance(kcal := value.get("kcal"), float):
            value["kcal"] = math.nextafter(kcal, math.inf)
        return value

    def _times(self, data_type: DataType, point: Point) -> dict[str, Any]:
        if data_type.kind is Kind.CATALOGUE:
            return {}
        if data_type.kind is Kind.DAILY:
            if point.day is None:
                raise ValueError(f"a point of {data_type.id} without a day")
            return {"date": date_json(point.day)}
        start, midnight = (point.start_ms, point.start_offset_s), self._settings.midnight
        if data_type.kind is Kind.SAMPLE:
            return {"sampleTime": _sample(*start, midnight)}
        end = point.end_ms, point.end_offset_s
        return {"interval": _interval(*start, *end, midnight if data_type.has_civil_times else "")}


@lru_cache(maxsize=8192)
def _sample(at_ms: int, offset_s: int, midnight: str) -> Mapping[str, Any]:
    """Write a sample time; whoever asks must not change it, for the next one is given it too."""
    return {
        "physicalTime": rfc3339(at_ms),
        "utcOffset": f"{offset_s}s",
        "civilTime": _civil(at_ms, offset_s, midnight),
    }


@lru_cache(maxsize=8192)  # the minutes of some days: a dozen data types have a point in each
def _interval(
    start_ms: int, start_offset_s: int, end_ms: int, end_offset_s: int, midnight: str
) -> Mapping[str, Any]:
    """Write an interval for all who ask for it; without civil times if `midnight` is ""."""
    interval: dict[str, Any] = {
        "startTime": rfc3339(start_ms),
        "startUtcOffset": f"{start_offset_s}s",
        "endTime": rfc3339(end_ms),
        "endUtcOffset": f"{end_offset_s}s",
    }
    if midnight:
        interval["civilStartTime"] = _civil(start_ms, start_offset_s, midnight)
        interval["civilEndTime"] = _civil(end_ms, end_offset_s, midnight)
    return interval


def _without_false(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_false(member) if isinstance(member, Mapping) else member
        for name, member in value.items()
        if member is not False
    }
