"""Recorded bodies of the Health API, served in place of the wearer's.

A folder of recordings holds `index.json`, a list of entries: `file`, `method` ("dataPoints.list"),
`data_type`, `http_status`, and optionally `request`. Only answers with status 200 to methods that
read are used. The recording that answers a request is chosen by its method and data type:

    a request that was recorded   the recording, to the byte
    a list or a roll-up           the rows in the range asked for, newest first: to the byte if they
                                  are all the rows of one recording; none is `{}`
    a point by its id, a TCX file the recording of that id, and else the first
    anything else                 the first recording of the method
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from fitbitd.errors import OperatorError
from fitbitd.simulator.google_health.capabilities import DataType
from fitbitd.simulator.google_health.errors import JSON_TYPE, json_response
from fitbitd.simulator.google_health.filters import parse_timestamp
from fitbitd.simulator.google_health.messages import civil_ms

_ROWS = {
    "dataPoints.list": "dataPoints",
    "dataPoints.reconcile": "dataPoints",
    "dataPoints.rollUp": "rollupDataPoints",
    "dataPoints.dailyRollUp": "rollupDataPoints",
}
_TCX = ".tcx"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded body and the method and data type that it answers."""

    method: str
    data_type: str
    request: str
    content: bytes
    is_tcx: bool

    def response(self) -> httpx.Response:
        """Serve the bytes as they are."""
        kind = "application/vnd.garmin.tcx+xml" if self.is_tcx else JSON_TYPE
        return httpx.Response(200, headers={"content-type": kind}, content=self.content)

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of a list or a roll-up."""
        found: list[dict[str, Any]] = json.loads(self.content).get(_ROWS[self.method], [])
        return found


class GoogleReplay:
    """All the recordings of a folder, in the order of the index."""

    def __init__(self, recordings: list[Recording]) -> None:
        self.recordings = recordings

    def identity(self) -> dict[str, Any]:
        """Say who was recorded."""
        recorded = self.other("users.getIdentity")
        if recorded is None:
            return {"name": "users/me/identity", "healthUserId": "1000000000000000001"}
        body: dict[str, Any] = json.loads(recorded.content)
        return body

    def other(self, method: str) -> httpx.Response | None:
        """Answer a method that asks for no range."""
        found = [recording for recording in self.recordings if recording.method == method]
        return found[0].response() if found else None

    def point(
        self, method: str, data_type: str, point: str, *, media: bool
    ) -> httpx.Response | None:
        """Answer for one point: by its id, else the first of its type."""
        found = [r for r in self._of(method, data_type) if r.is_tcx == media]
        named = [r for r in found if f'/dataPoints/{point}"' in r.content.decode()]
        return (named or found)[0].response() if found else None

    def ranged(
        self, method: str, data_type: DataType, asked: str, holds: Callable[[int], bool], base: str
    ) -> httpx.Response | None:
        """Answer a list or a roll-up; None if nothing of the kind was recorded.

        Args:
            asked: the filter, or the body of a roll-up.
            holds: says whether a time (see `filters.Wanted`) is in the range.
            base: which times to compare: "physical" or "civil".
        """
        found = self._of(method, data_type.id)
        if not found:
            return None
        exact = [r for r in found if asked and r.request and _same(r.request, asked)]
        if exact:
            return exact[0].response()
        rows: list[tuple[int, dict[str, Any]]] = []
        for recording in found:
            timed = [(row_ms(row, data_type, base), row) for row in recording.rows()]
            inside = [(at, row) for at, row in timed if at is None or holds(at)]
            if inside and len(inside) == len(timed) and not rows:
                others = [r for r in found if r is not recording]
                if not any(holds_any(r, data_type, base, holds) for r in others):
                    return recording.response()
            rows += [(at or 0, row) for at, row in inside]
        rows.sort(key=lambda pair: -pair[0])
        name = _ROWS[method]
        return json_response({name: [row for _, row in rows]} if rows else {})

    def _of(self, method: str, data_type: str) -> list[Recording]:
        return [r for r in self.recordings if (r.method, r.data_type) == (method, data_type)]


def holds_any(
    recording: Recording, data_type: DataType, base: str, holds: Callable[[int], bool]
) -> bool:
    """Say whether any row of a recording is in the range."""
    times = [row_ms(row, data_type, base) for row in recording.rows()]
    return any(at is None or holds(at) for at in times)


def row_ms(row: Mapping[str, Any], data_type: DataType, base: str) -> int | None:
    """Give the time of a recorded row that a filter compares; None for one without a time."""
    if "startTime" in row:
        return parse_timestamp(row["startTime"])
    if "civilStartTime" in row:
        return civil_ms(row["civilStartTime"], "")
    value = row.get(data_type.key, {})
    if "date" in value:
        return civil_ms({"date": value["date"]}, "")
    if "sampleTime" in value:
        time = value["sampleTime"]
        return _shifted(time["physicalTime"], time.get("utcOffset", "0s"), base)
    if "interval" not in value:
        return None
    end = "end" if data_type.id == "sleep" else "start"
    interval = value["interval"]
    return _shifted(interval[f"{end}Time"], interval.get(f"{end}UtcOffset", "0s"), base)


def _shifted(time: str, offset: str, base: str) -> int | None:
    at_ms = parse_timestamp(time)
    if at_ms is None or base == "physical":
        return at_ms
    return at_ms + int(float(offset[:-1]) * 1000)


def _same(recorded: str, asked: str) -> bool:
    """Compare a recorded request with the one that came, blanks aside."""
    words = "".join(unquote(recorded).split())
    return words.endswith(f"filter={''.join(asked.split())}") or words == "".join(asked.split())


def load_google_replay(folder: Path) -> GoogleReplay:
    """Read a folder of recorded bodies.

    Raises:
        OperatorError: no index, an index that cannot be read, a body that is not there.
    """
    index = folder / "index.json"
    if not index.is_file():
        raise OperatorError(
            f"{folder}: no index.json here. A folder of recorded bodies needs one:"
            ' a list of {"file", "method", "data_type", "http_status"}.\n'
            "Next: name a folder that has one"
        )
    try:
        entries = json.loads(index.read_bytes())
        recordings = [_recording(entry, folder) for entry in entries if _is_used(entry)]
    except (KeyError, TypeError, ValueError, OSError) as err:
        raise OperatorError(f"{index}: cannot be used: {err}") from err
    if not recordings:
        raise OperatorError(f"{index}: no entry answers a reading method with status 200.")
    return GoogleReplay(recordings)


def _is_used(entry: Mapping[str, Any]) -> bool:
    method = str(entry["method"])
    reads = method in _ROWS or method in {"dataPoints.get", "dataPoints.exportExerciseTcx"}
    users = method.startswith(("users.get", "users.pairedDevices"))
    return (reads or users) and int(entry["http_status"]) == httpx.codes.OK


def _recording(entry: Mapping[str, Any], folder: Path) -> Recording:
    path = folder / entry["file"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{entry['file']} is not in this folder")
    content, is_tcx = path.read_bytes(), path.suffix == _TCX
    if not is_tcx:
        json.loads(content)
    request = entry.get("request") or ""
    return Recording(entry["method"], entry["data_type"], request, content, is_tcx)
