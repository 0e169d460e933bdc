"""Recorded bodies, served byte for byte in place of the wearer's.

A folder of recordings holds `index.json`, a list of entries: `file` (relative to the index),
`request` ("GET /1/user/-/..."), `status`, `first_date` and `last_date` (or null), and optionally
`content_type`. The folder may also be the one in which the bodies lie, with the index one level up.
`{date}`, `{start}` and `{end}` in a request stand for the entry's dates (without these, its path
answers nothing); any other word in braces for anything. Only entries with status 200 that answer a
GET are used.

Where two bodies answer the same request, the first in the index wins. Beyond the exact request: an
intraday recording answers every level and every `/time/` window of its day, and recordings of sleep
and of daily series answer every range that they lie in: alone to the byte, several as one body with
the rows of all of them. A recording that is not JSON answers alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from fitbitd.errors import OperatorError
from fitbitd.simulator.paths import Asked, route_of
from fitbitd.simulator.refusals import JSON_TYPE, json_response
from fitbitd.simulator.syncs import ListedSyncs
from fitbitd.simulator.wearer import Wearer

_NOTHING = re.compile(r"(?!)")
_SERIES = {"series": "activities-{}", "sleep_range": "sleep", "sleep_day": "sleep"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded body and the request that it answers.

    Attributes:
        pattern: for the path, anchored.
        query: parameters that the request must have.
        kind: as `paths.Asked` names it, or "" for a path that the simulator does not know.
        rows: its rows by date, None where there are none to be told.
    """

    content: bytes
    content_type: str
    pattern: re.Pattern[str]
    query: Mapping[str, str]
    kind: str
    resource: str
    level: str
    first: date | None
    last: date | None
    rows: tuple[tuple[date, dict[str, Any]], ...] | None

    def response(self) -> httpx.Response:
        """Serve the bytes as they are."""
        return httpx.Response(
            200, headers={"content-type": self.content_type}, content=self.content
        )

    def lies_in(self, asked: Asked) -> bool:
        """Say whether all of it is inside the dates asked for."""
        days = self._days()
        return bool(days) and asked.first <= min(days) and max(days) <= asked.last

    def touches(self, asked: Asked) -> bool:
        """Say whether any of it is inside the dates asked for."""
        days = self._days()
        return bool(days) and min(days) <= asked.last and asked.first <= max(days)

    def _days(self) -> list[date]:
        if self.rows is not None:
            return [day for day, _ in self.rows]
        return [day for day in (self.first, self.last) if day is not None]


class Replay:
    """All the recordings of a folder, in the order of the index."""

    def __init__(self, recordings: list[Recording]) -> None:
        self.recordings = recordings

    def exact(self, path: str, query: Mapping[str, str]) -> httpx.Response | None:
        """Answer exactly the request that was recorded."""
        path = re.sub(r"(?<=/user/)[^/]+", "-", path, count=1)
        for recording in self.recordings:
            asked_so = all(query.get(name) == value for name, value in recording.query.items())
            if asked_so and recording.pattern.fullmatch(path):
                return recording.response()
        return None

    def answer(self, asked: Asked) -> httpx.Response | None:
        """Answer a request that recordings cover without being recorded in this very form."""
        if asked.kind == "intraday":
            return self._intraday(asked)
        if asked.kind in _SERIES:
            return self._merged(asked)
        return None

    def _intraday(self, asked: Asked) -> httpx.Response | None:
        days = [
            recording
            for recording in self.recordings
            if recording.kind == "intraday"
            and recording.resource == asked.resource
            and recording.touches(asked)
        ]
        days.sort(key=lambda recording: recording.level != asked.level)  # stable: then index order
        return days[0].response() if days else None

    def _merged(self, asked: Asked) -> httpx.Response | None:
        kinds = {"series"} if asked.kind == "series" else {"sleep_day", "sleep_range"}
        found = [
            recording
            for recording in self.recordings
            if recording.kind in kinds
            and recording.resource == asked.resource
            and recording.touches(asked)
        ]
        opaque = [recording for recording in found if recording.rows is None]
        whole = opaque or (found if len(found) == 1 and found[0].lies_in(asked) else [])
        if whole:
            return whole[0].response()
        rows = _first_of_each(found, asked)
        if not rows:
            return None
        return json_response(_body(asked, rows))


def empty_wearer() -> Wearer:
    """Make whoever recorded the bodies: what was not recorded gets a valid empty answer."""
    return Wearer(user_id="ABC123", member_since=date(2099, 1, 1), syncs=ListedSyncs())


def load_replay(folder: Path) -> Replay:
    """Read a folder of recorded bodies.

    Raises:
        OperatorError: no index, an index that cannot be read, a body that is not there.
    """
    base = next((base for base in (folder, folder.parent) if (base / "index.json").is_file()), None)
    if base is None or not folder.is_dir():
        raise OperatorError(
            f"{folder}: no index.json here or one level up. A folder of recorded bodies needs one:"
            ' a list of {"file", "request", "status", "first_date", "last_date"}.\n'
            "Next: name a folder that has one"
        )
    index = base / "index.json"
    try:
        entries = json.loads(index.read_bytes())
    except (OSError, ValueError) as err:
        raise OperatorError(f"{index}: cannot be read as JSON: {err}") from err
    if not isinstance(entries, list):
        raise OperatorError(f"{index}: must be a list of entries, one a body.")
    recordings = []
    for place, entry in enumerate(entries):
        try:
            if _is_used(entry):
                recordings.append(_recording(entry, _read(entry, base, folder)))
        except (KeyError, TypeError, ValueError, OSError) as err:
            raise OperatorError(f"{index}: entry {place + 1}: {_words(err)}") from err
    if not recordings:
        raise OperatorError(f"{index}: no entry answers a GET with status 200.")
    return Replay(recordings)


def _words(err: Exception) -> str:
    return f"no {err}" if isinstance(err, KeyError) else str(err)


def _is_used(entry: Mapping[str, Any]) -> bool:
    """Leave out errors, POSTs and bodies that lie in an envelope of our own."""
    return (
        entry["request"].startswith("GET /")
        and entry.get("status", 200) == httpx.codes.OK
        and not entry["file"].endswith("_envelope.json")
    )


def _read(entry: Mapping[str, Any], base: Path, folder: Path) -> bytes:
    """Find the body beside the index, or in the folder that was named."""
    for path in (base / entry["file"], folder / entry["file"], folder / Path(entry["file"]).name):
        if path.resolve().is_relative_to(base.resolve()) and path.is_file():
            return path.read_bytes()
    raise ValueError(f"{entry['file']} is not there")


def _recording(entry: Mapping[str, Any], content: bytes) -> Recording:
    first, last = (_date(entry.get(name)) for name in ("first_date", "last_date"))
    path, _, query = entry["request"].removeprefix("GET ").partition("?")
    # A night is asked for by the date on which it ended.
    day = last if "/sleep/" in path else first
    for word, value in (("{date}", day), ("{start}", first), ("{end}", last)):
        path = path.replace(word, value.isoformat() if value is not None else word)
    route = route_of(path)
    kind, found = route if route is not None else ("", {})
    resource = found.get("res", "")
    rows = _rows(content, kind, resource)
    dates = [found.get(name, "") for name in ("first", "last")]
    named = [date.fromisoformat(text) for text in dates if re.fullmatch(r"\d{4}-\d\d-\d\d", text)]
    if named:
        first, last = min(named), max(named)
    return Recording(
        content=content,
        content_type=entry.get("content_type") or JSON_TYPE,
        pattern=_pattern(path),
        query=dict(parse_qsl(query)),
        kind=kind,
        resource=resource,
        level=found.get("level", ""),
        first=first,
        last=last,
        rows=rows,
    )


def _pattern(path: str) -> re.Pattern[str]:
    if re.search(r"\{(date|start|end)\}", path):
        return _NOTHING
    literals = re.split(r"\{[^}]*\}", path)
    return re.compile("[^/]+".join(map(re.escape, literals)))


def _date(text: object) -> date | None:
    return date.fromisoformat(str(text)) if text is not None else None


def _rows(
    content: bytes, kind: str, resource: str
) -> tuple[tuple[date, dict[str, Any]], ...] | None:
    """Read the rows of a series or the logs of a night, if that is what the body holds."""
    if kind not in _SERIES:
        return None
    name = "dateOfSleep" if kind.startswith("sleep") else "dateTime"
    try:
        rows = json.loads(content)[_SERIES[kind].format(resource)]
        return tuple((date.fromisoformat(row[name]), row) for row in rows)
    except (ValueError, TypeError, KeyError):
        return None


def _first_of_each(found: list[Recording], asked: Asked) -> list[dict[str, Any]]:
    """Join the rows inside the dates asked for; one date (one sleep log) is taken once."""
    rows: dict[object, dict[str, Any]] = {}
    for recording in found:
        for day, row in recording.rows or ():
            if asked.first <= day <= asked.last:
                rows.setdefault(row.get("logId", day), row)
    if asked.kind == "series":
        return sorted(rows.values(), key=lambda row: str(row["dateTime"]))
    return sorted(rows.values(), key=lambda row: str(row.get("startTime")), reverse=True)


def _body(asked: Asked, rows: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {_SERIES[asked.kind].format(asked.resource): rows}
    if asked.kind == "sleep_day":
        body["summary"] = {
            "totalMinutesAsleep": sum(row.get("minutesAsleep", 0) for row in rows),
            "totalSleepRecords": len(rows),
            "totalTimeInBed": sum(row.get("timeInBed", 0) for row in rows),
        }
    return body
