"""Faults that are ordered happen: without waiting, through a transport, and over a real port."""

import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from fitbitd.clock import SystemClock
from fitbitd.simulator import (
    Fault,
    FitbitSimulator,
    OffsetClock,
    SimulatorServer,
    SimulatorTransport,
    Wearer,
    live_wearer,
    serve,
)
from fitbitd.simulator.faults import FaultQueue
from tests.support.clock import FakeClock
from tests.support.fitbit import SimulatedApp, error_of

DEVICES = "/1/user/-/devices.json"
HEART = "/1/user/-/activities/heart/date/2026-03-08/1d/1sec.json"
PATIENCE_S = 10.0
"""Longer than a loaded machine takes, and far shorter than a fault that lasts for ever."""


def test_a_fault_strikes_as_often_as_was_ordered_and_only_its_path() -> None:
    app = SimulatedApp()
    app.simulator.faults.add(Fault(kind="json_error", path="GET .*devices", count=2))
    assert app.get("/1/user/-/profile.json").status_code == 200
    assert [app.get(DEVICES).status_code for _ in range(3)] == [500, 500, 200]
    assert [entry.fault for entry in app.simulator.log] == [None, "json_error", "json_error", None]


def test_a_chance_is_taken_by_seed() -> None:
    def struck(seed: int) -> list[bool]:
        queue = FaultQueue(seed)
        queue.add(Fault(kind="reset", count=None, chance=0.5))
        return [queue.pick("GET", "/") is not None for _ in range(100)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 70


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body"),
    [
        (Fault(kind="html"), 503, "text/html", b"<!doctype html>"),
        (Fault(kind="html", status=504), 504, "text/html", b"<!doctype html>"),
        (Fault(kind="json_error"), 500, "application/json", b'{"errors":[{"errorType":"request"'),
        (Fault(kind="empty"), 200, "application/json", b""),
        (Fault(kind="empty", status=502), 502, "application/json", b""),
        (Fault(kind="body", status=403, body=b"\xff\x00"), 403, "application/json", b"\xff\x00"),
        (Fault(kind="body", status=401, body="{}", content_type="a/b"), 401, "a/b", b"{}"),
    ],
)
def test_a_spoiled_answer_is_what_was_ordered(
    fault: Fault, status: int, kind: str, body: bytes
) -> None:
    app = SimulatedApp()
    app.simulator.faults.add(fault)
    reply = app.get(DEVICES)
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith(kind)
    assert reply.content.startswith(body)
    assert body or not reply.content


@pytest.mark.parametrize(("wait_s", "header"), [(None, None), (17, "17")])
def test_throttling_can_say_how_long_or_not(wait_s: int | None, header: str | None) -> None:
    app = SimulatedApp()
    app.simulator.faults.add(Fault(kind="throttle", retry_after_s=wait_s))
    reply = app.get(DEVICES)
    assert error_of(reply) == (429, "system")
    assert reply.headers.get("retry-after") == header


def test_a_wrong_date_header_is_wrong_by_what_was_ordered() -> None:
    app = SimulatedApp()
    app.simulator.faults.add(Fault(kind="wrong_date", skew_s=-86_400))
    said = parsedate_to_datetime(app.get(DEVICES).headers["date"])
    assert (app.clock.now() - said).total_seconds() == 86_400


def test_a_revocation_strikes_before_the_request() -> None:
    app = SimulatedApp()
    app.simulator.faults.add(Fault(kind="revoke"))
    assert error_of(app.get(DEVICES)) == (401, "invalid_token")


def test_a_burst_on_the_token_endpoint_leaves_the_data_alone() -> None:
    app = SimulatedApp()
    refresh = app.simulator.mint()["refresh_token"]
    app.simulator.faults.add(Fault(kind="html", path="^POST /oauth2/token$", count=None))
    assert [app.refresh(refresh).status_code for _ in range(3)] == [503] * 3
    assert app.get(DEVICES).status_code == 200
    app.simulator.faults.clear()
    assert app.refresh(refresh).status_code == 200


@pytest.mark.parametrize(("processed", "rotations"), [(None, 1), (False, 0)])
def test_a_lost_answer_took_effect_unless_ordered_otherwise(
    *, processed: bool | None, rotations: int
) -> None:
    app = SimulatedApp()
    refresh = app.simulator.mint()["refresh_token"]
    app.simulator.faults.add(Fault(kind="reset", processed=processed))
    with pytest.raises(httpx.ReadError):
        app.refresh(refresh)
    assert app.simulator.oauth.counts.rotations == rotations


BREAKS: list[tuple[Fault, type[Exception]]] = [
    (Fault(kind="timeout"), httpx.ReadTimeout),
    (Fault(kind="reset"), httpx.ReadError),
    (Fault(kind="cut"), httpx.RemoteProtocolError),
    (Fault(kind="latency", wait_s=31), httpx.ReadTimeout),
]


@pytest.mark.parametrize(("fault", "error"), BREAKS)
async def test_as_a_transport_a_fault_raises_what_httpx_raises(
    fault: Fault, error: type[Exception]
) -> None:
    clock = FakeClock()
    simulator = FitbitSimulator(clock)
    transport = SimulatorTransport(simulator, clock)
    headers = {"authorization": f"Bearer {simulator.mint()['access_token']}"}
    simulator.faults.add(fault)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://api.fitbit.com", headers=headers, timeout=30
    ) as client:
        with pytest.raises(error):
            await client.get(HEART)
        assert (await client.get(DEVICES)).status_code == 200
    assert clock.slept == ([30] if error is httpx.ReadTimeout else [])


async def test_as_a_transport_latency_is_slept_on_the_injected_clock() -> None:
    clock = FakeClock()
    simulator = FitbitSimulator(clock)
    simulator.faults.add(Fault(kind="html", wait_s=5))
    async with httpx.AsyncClient(
        transport=SimulatorTransport(simulator, clock), base_url="https://api.fitbit.com"
    ) as client:
        assert (await client.get(DEVICES)).status_code == 503
    assert clock.slept == [5]


# Over a real port.


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    before = threading.active_count()
    clock = OffsetClock(FakeClock("2026-03-10T10:40:00+00:00"))
    with serve(FitbitSimulator(clock, Wearer())) as running:
        yield running
    assert threading.active_count() == before


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {server.simulator.mint()['access_token']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=5) as http:
        yield http


def test_a_port_answers_as_the_transport_does_and_packs_large_bodies(
    server: SimulatorServer, client: httpx.Client
) -> None:
    packed = client.get(HEART)
    plain = client.get(HEART, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) // 4
    assert packed.content == plain.content
    assert "content-encoding" not in plain.headers
    assert packed.headers["date"] == "Tue, 10 Mar 2026 10:40:00 GMT"
    assert [entry.path for entry in server.simulator.log] == [HEART, HEART]


def test_a_port_keeps_connections_alive(client: httpx.Client) -> None:
    sockets = {
        client.get(DEVICES).extensions["network_stream"].get_extra_info("client_addr")
        for _ in range(3)
    }
    assert len(sockets) == 1


@pytest.mark.parametrize(("fault", "error"), BREAKS[:3])
def test_a_port_really_breaks(
    server: SimulatorServer, client: httpx.Client, fault: Fault, error: type[Exception]
) -> None:
    server.simulator.faults.add(fault)
    read_s = 0.3 if error is httpx.ReadTimeout else PATIENCE_S
    with pytest.raises(error):
        client.get(DEVICES, timeout=httpx.Timeout(PATIENCE_S, read=read_s))
    assert client.get(DEVICES).status_code == 200


def test_a_port_is_really_slow(server: SimulatorServer, client: httpx.Client) -> None:
    server.simulator.faults.add(Fault(kind="latency", wait_s=0.2))
    began = time.perf_counter()
    assert client.get(DEVICES).status_code == 200
    assert time.perf_counter() - began >= 0.2


def test_stopping_does_not_wait_for_an_answer_that_was_ordered_to_be_late() -> None:
    with serve(FitbitSimulator(FakeClock())) as running:
        running.simulator.faults.add(Fault(kind="timeout"))
        limits = httpx.Timeout(PATIENCE_S, read=0.1)
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=limits) as http:
            http.get(running.url + DEVICES)
        began = time.perf_counter()
    assert time.perf_counter() - began < PATIENCE_S


# The control endpoints.


def test_faults_time_syncs_and_ends_can_be_ordered_over_the_port(
    server: SimulatorServer, client: httpx.Client
) -> None:
    def post(name: str, body: Any) -> dict[str, Any]:
        reply = client.post(f"/_simulator/{name}", json=body)
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    assert post("faults", [{"kind": "html", "count": 3}]) == {"faults_left": 1}
    assert client.get(DEVICES).status_code == 503
    assert post("faults", []) == {"faults_left": 0}
    assert client.get(DEVICES).status_code == 200
    assert post("clock", {"advance_s": 60})["now"] == "2026-03-10T10:41:00+00:00"
    assert post("sync", None)["synced_at"] == "2026-03-10T10:41:00+00:00"
    assert post("clock", {"offset_s": 3600})["now"] == "2026-03-10T11:40:00+00:00"
    assert post("gone", {"gone": True})["gone"] is True
    assert client.get(DEVICES).status_code == 410
    post("gone", {"gone": False})
    post("revoke", None)
    assert client.get(DEVICES).status_code == 401
    assert client.get("/_simulator/state").json()["requests_seen"] == 4
    assert [line["status"] for line in client.get("/_simulator/log").json()] == [503, 200, 410, 401]
    assert server.simulator.requests_seen == 4


def test_the_truth_comes_over_the_port_day_by_day(
    server: SimulatorServer, client: httpx.Client
) -> None:
    truth = client.get("/_simulator/truth?first=2026-03-08&last=2026-03-08").json()
    assert len(truth["steps"]) == 1440
    assert truth["daily_steps"][0][0] == "2026-03-08"
    wearer, now = server.simulator.wearer, server.simulator.clock.now()
    assert len(client.get("/_simulator/truth?first=2026-03-10").json()["heart_rate"]) == len(
        wearer.truth(now, wearer.today(now))["heart_rate"]
    )


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("POST", "faults", '[{"kind": "sabotage"}]', 400),
        ("POST", "faults", '[{"kind": "html", "sort": 1}]', 400),
        ("POST", "faults", '[{"kind": "html", "path": "("}]', 400),
        ("POST", "faults", '[{"kind": "html", "wait_s": "soon"}]', 400),
        ("POST", "faults", "not json", 400),
        ("POST", "clock", "{}", 400),
        ("POST", "clock", "null", 400),
        ("POST", "nothing", "{}", 404),
        ("GET", "truth?first=soon", "", 400),
    ],
)
def test_an_order_that_means_nothing_is_refused_with_a_sentence(
    client: httpx.Client, method: str, name: str, body: str, status: int
) -> None:
    reply = client.request(method, f"/_simulator/{name}", content=body)
    assert reply.status_code == status
    assert reply.json()["error"]


def test_a_clock_that_cannot_be_set_says_so() -> None:
    with serve(FitbitSimulator(FakeClock())) as running:
        reply = httpx.post(f"{running.url}/_simulator/clock", json={"advance_s": 1})
        assert (reply.status_code, "cannot be set" in reply.text) == (400, True)


def test_a_taken_port_is_said(server: SimulatorServer) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(FitbitSimulator(FakeClock()), int(server.url.rpartition(":")[2]))


def test_a_live_wearer_has_a_history_and_syncs_every_few_seconds() -> None:
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, history_days=400, sync_every_s=10)
    now = clock.now()
    synced = wearer.synced_at(now)
    assert synced is not None
    assert 0 <= (now - synced).total_seconds() < 10
    assert (wearer.today(now) - wearer.member_since).days == 400
    clock.advance(10)
    assert wearer.synced_at(clock.now()) != synced


def test_the_simulator_reads_the_documents_and_not_the_client() -> None:
    sources = Path(__file__).parents[2] / "fitbitd" / "simulator"
    for source in sources.glob("*.py"):
        assert "fitbitd.providers" not in source.read_text()
        assert "fitbitd.oauth" not in source.read_text()
