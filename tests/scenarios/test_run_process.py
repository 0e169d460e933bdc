"""`fitbitd run` as systemd sees it: a real process, real signals, a real port."""

import signal
import time
from pathlib import Path

from fitbitd.simulator import Fault, SimulatorServer
from fitbitd.store.account_lock import AccountLock
from tests.support.cli import Desk
from tests.support.service import (
    Manager,
    give_token,
    last_outcome,
    prepare,
    run,
    stop,
    told,
    until,
)

STOPS_WITHIN_S = 5.0
UNUSED = "http://127.0.0.1:9"


def raised(desk: Desk) -> set[tuple[object, object]]:
    """Give whose conditions were raised, and which."""
    return {(each.get("account"), each["code"]) for each in told(desk, "condition.raised")}


def test_the_manager_hears_ready_before_the_network_answers_and_proof_of_progress(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    desk.config.write_text(desk.config.read_text().replace(server.url, UNUSED))
    give_token(desk, server, "alice")
    with run(desk, manager, WATCHDOG_USEC="300000") as running:
        manager.hear("READY=1")
        manager.hear("STATUS=looking after one account")
        manager.forget()
        for _ in range(3):
            manager.hear("WATCHDOG=1")
            manager.forget()
        assert stop(running) < STOPS_WITHIN_S
        manager.hear("STOPPING=1")
    assert server.simulator.log == []


def test_a_stop_in_the_middle_of_a_pass_is_clean_and_quick(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    give_token(desk, server, "alice")
    server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
    with run(desk, manager) as running:
        until(lambda: any("/sleep/" in entry.path for entry in server.simulator.log))
        assert stop(running) < STOPS_WITHIN_S
    assert last_outcome(desk, "alice") == "stopped"
    assert told(desk, "daemon.stopped")


def test_after_a_kill_in_a_pass_the_next_start_goes_on(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server)
    give_token(desk, server, "alice")
    server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
    with run(desk, manager):
        until(lambda: not server.simulator.faults.left())
    assert last_outcome(desk, "alice") is None  # the pass that was killed
    manager.forget()
    with run(desk, manager) as running:
        manager.hear("READY=1")
        assert stop(running) < STOPS_WITHIN_S
    verified = desk.type("verify")
    assert verified.code == 0, verified


def test_a_reload_applies_a_valid_file_and_keeps_the_old_one_otherwise(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    prepare(desk, server, poll_every="1h")
    give_token(desk, server, "alice")
    bob = (
        "[[account]]",
        'name = "bob"',
        'provider = "fitbit"',
        'client_id = "23SIMU"',
        'client_secret_file = "secret"',
        'data_types = ["sleep"]',
    )
    with run(desk, manager) as running:
        manager.hear("STATUS=1 of 1 accounts well; next look")
        seen = server.simulator.requests_seen

        def reload() -> None:
            manager.forget()
            before = time.monotonic()  # noqa: TID251 - of a real process
            running.send_signal(signal.SIGHUP)
            manager.hear("RELOADING=1")
            manager.hear("MONOTONIC_USEC=")
            manager.hear("READY=1")
            (stamp,) = (line for line in manager.said if line.startswith("MONOTONIC_USEC="))
            after = time.monotonic()  # noqa: TID251 - of a real process
            assert before <= int(stamp.partition("=")[2]) / 1e6 <= after

        prepare(desk, server, *bob, poll_every="5s")
        reload()
        until(lambda: ("bob", "authorization_needed") in raised(desk))
        until(lambda: server.simulator.requests_seen > seen)  # alice, every five seconds now

        right = desk.config.read_text()
        desk.config.write_text(right.replace("poll_every", "pol_every"))
        reload()
        assert len(told(desk, "config.rejected")) == 1
        assert "poll_every" in str(told(desk, "config.rejected")[0]["detail"])
        seen = server.simulator.requests_seen
        until(lambda: server.simulator.requests_seen > seen)

        desk.config.write_text(right.replace('"alice"', '"carol"'))
        reload()
        assert told(desk, "config.reloaded")[-1]["accounts"] == ["bob", "carol"]
        with AccountLock(desk.folder / "state" / "alice"):
            pass  # she is let go
        assert stop(running) < STOPS_WITHIN_S
