"""`pull`, `backfill` and `rebuild` beside `fitbitd run`: real processes, a real socket."""

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fitbitd.simulator import Fault, SimulatorServer
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from tests.support.cli import PATIENCE_S, Desk, Said, end
from tests.support.service import Manager, give_token, last_outcome, prepare, run, stop, told, until

STOPS_WITHIN_S = 5.0
YESTERDAY = str((datetime.now(UTC) - timedelta(days=1)).date())  # noqa: TID251 - as the processes


@contextmanager
def daemon(
    desk: Desk, server: SimulatorServer, manager: Manager
) -> Iterator[subprocess.Popen[str]]:
    """Have a daemon that has done its first pass, and does no other one of its own accord."""
    prepare(desk, server, poll_every="1h")
    give_token(desk, server, "alice")
    with run(desk, manager) as running:
        manager.hear("STATUS=1 of 1 accounts well; next look")
        yield running


def passes(desk: Desk) -> int:
    return len(told(desk, "pass.finished"))


def holder(desk: Desk) -> int:
    return int((desk.account_dir / "lock").read_text())


def finish(running: subprocess.Popen[str]) -> Said:
    out, err = running.communicate(timeout=PATIENCE_S)
    return Said(running.returncode, out, err)


def test_the_daemon_does_what_the_commands_ask_and_keeps_its_lock(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    with daemon(desk, server, manager) as running:
        before = passes(desk)
        pulled = desk.ask("pull", "--data-type", "sleep", "--from", YESTERDAY, "--to", YESTERDAY)
        assert (pulled.code, pulled.out) == (0, ""), pulled
        assert "alice: " in pulled.err
        assert " 0 failed" in pulled.err
        assert passes(desk) == before + 1

        backfilled = desk.ask("backfill", "alice", "--from", YESTERDAY)
        assert backfilled.code == 0, backfilled
        assert f"alice: history is complete since {YESTERDAY}, as asked (" in backfilled.err
        assert backfilled.err.endswith("daemon looks after all of it\n")

        with closing(open_reader(desk.account_dir)) as reader:
            reader.execute("BEGIN")
            old = list(canonical_dump(reader))
            (written_by,) = reader.execute("SELECT count(*) FROM pull").fetchone()
            rebuilt = desk.ask("rebuild", "alice")
            assert rebuilt.code == 0, rebuilt
            assert f"the index is made anew from {written_by} pulls" in rebuilt.err
            assert list(canonical_dump(reader)) == old
        with closing(open_reader(desk.account_dir)) as reader:
            assert list(canonical_dump(reader)) == old
        assert desk.ask("pull").code == 0  # also after the rebuild
        assert holder(desk) == running.pid
        assert stop(running) < STOPS_WITHIN_S
    assert not (desk.folder / "state" / "control.sock").exists()
    assert desk.ask("verify").code == 0
    assert desk.ask("pull").code == 0  # without a daemon


def test_what_nobody_can_mean_is_refused_in_the_same_words(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    with daemon(desk, server, manager):
        before = passes(desk)
        desk.ask("pull", "--data-type", "slep").refused(64, "no data type 'slep'; did you mean")
        (tmp_path / "other.toml").write_text(desk.config.read_text().replace('"alice"', '"bob"'))
        other = desk.type("pull", "--config", "other.toml")  # the daemon has not read this one
        other.refused(64, "there is no account 'bob'", "use one of alice")
        assert passes(desk) == before


def test_ctrl_c_ends_the_errand_and_the_daemon_goes_on(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    with daemon(desk, server, manager) as running:
        server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
        args = ("--data-type", "sleep", "--from", YESTERDAY, "--to", YESTERDAY)
        with desk.start("pull", "alice", *args) as asking:
            until(lambda: not server.simulator.faults.left())
            ended = end(asking, signal.SIGINT)
        assert ended.code == 130, ended
        until(lambda: last_outcome(desk, "alice") == "stopped")
        assert desk.ask("pull", *args).code == 0
        assert holder(desk) == running.pid


def test_a_stop_ends_what_was_asked_for_and_says_so(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    with daemon(desk, server, manager) as running:
        server.simulator.faults.add(Fault(kind="latency", path="/sleep/", wait_s=20))
        args = ("--data-type", "sleep", "--from", YESTERDAY, "--to", YESTERDAY)
        with desk.start("pull", "alice", *args) as asking:
            until(lambda: not server.simulator.faults.left())
            assert stop(running) < STOPS_WITHIN_S
            ended = finish(asking)
        assert ended.code == 75, ended
        assert "the daemon stopped before this was done" in ended.err
    assert last_outcome(desk, "alice") == "stopped"


def test_an_index_that_keeps_the_daemon_from_its_account_is_made_anew_by_it(
    tmp_path: Path, manager: Manager, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    with daemon(desk, server, manager) as running:
        stop(running)
    desk.index.write_bytes(b"not a database" * 1000)
    manager.forget()
    with run(desk, manager) as running:
        manager.hear("STATUS=alice: index_damaged")
        rebuilt = desk.ask("rebuild", "alice")
        assert rebuilt.code == 0, rebuilt
        assert desk.ask("pull").code == 0  # opens the account
        assert holder(desk) == running.pid
        with closing(sqlite3.connect(desk.index)) as db:
            assert db.execute("SELECT count(*) FROM pull").fetchone()[0] > 0
