"""An app and a data client of the simulated Google, none of them ours, and a life made by hand."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx  # noqa: TID251 - the client of the simulated provider

from fitbitd.simulator import GoogleHealthSettings, GoogleHealthSimulator, GoogleReplay, Wearer
from fitbitd.simulator.google_health import READ_SCOPES
from fitbitd.simulator.google_health.data import NoLife
from fitbitd.simulator.measured import Point, Source
from tests.support.cli import ROOT
from tests.support.clock import FakeClock

RECORDED = ROOT / "tests" / "data" / "google_health"
NOW = "2026-11-20T12:00:00+00:00"
ME = "1000000000000000001"
WATCH = Source("PASSIVELY_MEASURED", "FITBIT", {"displayName": "Pixel Watch 4"})
BY_HAND = Source("MANUAL", "FITBIT")
PHONE = Source("PASSIVELY_MEASURED", "HEALTH_CONNECT", {})


def ms(text: str) -> int:
    """Read an ISO time (UTC) as Unix milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def point(  # noqa: PLR0913 - a point has many parts
    at: str,
    value: dict[str, Any],
    *,
    seconds: int = 60,
    offset_s: int = 3600,
    source: Source = WATCH,
    point_id: str | None = None,
) -> Point:
    """Make a point that begins at an instant (UTC)."""
    start = ms(at)
    end = start + 1000 * seconds
    return Point(start, end, offset_s, offset_s, source, value, point_id)


def daily(day: date, value: dict[str, Any]) -> Point:
    """Make a point of a day."""
    at = ms(f"{day}T00:00:00")
    return Point(at, at + 86_400_000, 0, 0, WATCH, value, None, day)


@dataclass
class HandMade(NoLife):
    """A life of the points that a test puts in, by type; `wide` says what was asked."""

    by_type: dict[str, list[Point]] = field(default_factory=dict)
    files: dict[tuple[str, bool], str] = field(default_factory=dict)
    devices: int = 1

    def __post_init__(self) -> None:
        super().__init__({"name": "users/me/identity", "healthUserId": ME})

    def points(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        del now
        by_end = type_id == "sleep"
        known = self.by_type.get(type_id, [])
        return [p for p in known if start_ms <= (p.end_ms if by_end else p.start_ms) < end_ms]

    merged = points

    def dailies(self, type_id: str, first: date, last: date, now: datetime) -> list[Point]:
        del now
        known = self.by_type.get(type_id, [])
        return [p for p in known if p.day is not None and first <= p.day <= last]

    def profile(self, now: datetime) -> dict[str, Any]:
        del now
        return {"name": "users/me/profile", "age": 40, "autoWalkingStrideLengthMm": 726}

    def paired_devices(self, now: datetime) -> dict[str, Any]:
        del now
        names = [f"users/{ME}/pairedDevices/{place}" for place in range(self.devices)]
        return {"pairedDevices": [{"name": name} for name in names]} if names else {}

    def tcx(self, point_id: str, partial: bool, now: datetime) -> str | None:  # noqa: FBT001 - theirs
        del now
        return self.files.get((point_id, partial))


class GoogleApp:
    """One app of the simulated Google and its access token."""

    def __init__(
        self,
        life: HandMade | None = None,
        *,
        replay: GoogleReplay | None = None,
        wearer: Wearer | None = None,
        scopes: frozenset[str] = READ_SCOPES,
        **settings: Any,
    ) -> None:
        self.clock = FakeClock(NOW)
        self.life = life
        self.simulator = GoogleHealthSimulator(
            self.clock,
            wearer or Wearer(member_since=date(2026, 8, 1)),
            GoogleHealthSettings(**settings),
            life=life,
            replay=replay,
        )
        self.client = httpx.Client(
            transport=httpx.MockTransport(self.simulator.handle), base_url="https://google.test"
        )
        self.grant = self.simulator.mint(scopes)

    @property
    def authorized(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.grant['access_token']}"}

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.client.get(path, params=query, headers=self.authorized)

    def list(self, data_type: str, text: str = "", **query: str) -> httpx.Response:
        """List points; `text` is a filter."""
        if text:
            query["filter"] = text
        return self.get(f"/v4/users/me/dataTypes/{data_type}/dataPoints", **query)

    def reconcile(self, data_type: str, text: str = "", **query: str) -> httpx.Response:
        if text:
            query["filter"] = text
        return self.get(f"/v4/users/me/dataTypes/{data_type}/dataPoints:reconcile", **query)

    def post(self, path: str, body: object) -> httpx.Response:
        return self.client.post(path, json=body, headers=self.authorized)

    def roll_up(self, data_type: str, start: str, end: str, **body: Any) -> httpx.Response:
        given = {"range": {"startTime": start, "endTime": end}, "windowSize": "3600s", **body}
        return self.post(f"/v4/users/me/dataTypes/{data_type}/dataPoints:rollUp", given)

    def daily_roll_up(self, data_type: str, first: date, end: date, **body: Any) -> httpx.Response:
        given = {"range": {"start": civil_json(first), "end": civil_json(end)}, **body}
        return self.post(f"/v4/users/me/dataTypes/{data_type}/dataPoints:dailyRollUp", given)

    def token(self, **form: str) -> httpx.Response:
        """Ask the token endpoint, as this client unless the form says otherwise."""
        settings = self.simulator.settings
        own = {"client_id": settings.client_id, "client_secret": settings.client_secret}
        return self.client.post("/token", data={**own, **form})

    def refresh(self, refresh_token: str | None = None, **form: str) -> httpx.Response:
        text = refresh_token or self.grant["refresh_token"]
        return self.token(grant_type="refresh_token", refresh_token=text, **form)


def civil_json(day: date) -> dict[str, Any]:
    """Write a CivilDateTime."""
    return {"date": {"year": day.year, "month": day.month, "day": day.day}}


def recorded(name: str) -> Any:
    """Give a recorded body."""
    return json.loads((RECORDED / name).read_bytes())


def reasons_of(reply: httpx.Response) -> list[str]:
    """Give the reasons of a refusal: the specific ones of a filter, else the one."""
    info = reply.json()["error"].get("details", [{}])[0]
    detailed: str = info.get("metadata", {}).get("detailedReasons", "")
    return detailed.split(",") if detailed else [info.get("reason", "")]


def starts(reply: httpx.Response, key: str) -> list[str]:
    """Give the start of each listed interval, as it came."""
    return [row[key]["interval"]["startTime"] for row in reply.json().get("dataPoints", [])]


def minutes(count: int, start: str = "2026-11-19T10:00:00", **more: Any) -> list[Point]:
    """Make a point of one step for each of `count` minutes."""
    first = datetime.fromisoformat(start)
    return [
        point((first + timedelta(minutes=turn)).isoformat(), {"count": "1"}, **more)
        for turn in range(count)
    ]
