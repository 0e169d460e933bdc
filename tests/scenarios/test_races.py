"""Everything at once in one state directory, some of it killed: nothing is torn or done twice.

Two daemons want the account, and every command runs beside them in a process of its own, while
tokens live for seconds; daemons and commands are killed at random. A reader of the index looks on
all the time, another holds an old state of it open.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from fitbitd.clock import SystemClock
from fitbitd.simulator import FitbitSettings, FitbitSimulator, OffsetClock, live_wearer, serve
from fitbitd.simulator.server import SimulatorServer
from fitbitd.store.index import open_reader
from tests.support.cli import PATIENCE_S, Desk, Said, write_config
from tests.support.service import Manager, give_token, run

LIFE_S = 12
"""Of an access token: it is renewed some seconds before its end."""
READ_WITHIN_S = 5.0
YESTERDAY = str((datetime.now(UTC) - timedelta(days=1)).date())  # noqa: TID251 - as the processes
FORESEEN = {0, 75, 78, -signal.SIGKILL}
"""Done; not now, ask again; another has the account, or the index is not there yet; killed."""

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("pull", "alice"),
    ("backfill", "alice", "--from", YESTERDAY),
    ("rebuild", "alice"),
    ("verify", "alice"),
    ("backup", "copy"),
    ("export", "alice", "steps"),
    ("query", "SELECT count(*) FROM readings"),
    ("status",),
    ("check", "--offline"),
)
ROUNDS = 2


class Onlooker(threading.Thread):
    """Reads the index again and again, and holds against it what can never be true of it.

    Attributes:
        wrong: what was.
        looks: how often it looked.
    """

    def __init__(self, account_dir: Path) -> None:
        super().__init__()
        self.wrong: list[object] = []
        self.looks = 0
        self._account_dir = account_dir
        self._ends = threading.Event()

    def run(self) -> None:
        """Look until it is told to end."""
        while not self._ends.wait(0.05):
            begun = time.monotonic()  # noqa: TID251 - of real processes
            try:
                with closing(open_reader(self._account_dir)) as db:
                    db.execute("BEGIN")
                    self.wrong += db.execute(
                        "SELECT series, n, (SELECT count(*) FROM reading AS r"
                        " WHERE r.series = d.series) FROM"
                        " (SELECT series, sum(n) AS n FROM rollup_day GROUP BY series) AS d"
                        " WHERE n <> (SELECT count(*) FROM reading AS r WHERE r.series = d.series)"
                    ).fetchall()
            except Exception as err:  # noqa: BLE001 - whatever it is, it is wrong
                self.wrong.append(err)
            took_s = time.monotonic() - begun  # noqa: TID251 - of real processes
            if took_s > READ_WITHIN_S:
                self.wrong.append(took_s)
            self.looks += 1

    def end(self) -> None:
        """Have it end."""
        self._ends.set()
        self.join()


@pytest.fixture
def simulator() -> FitbitSimulator:
    """Have a wearer who syncs every second, and tokens that live for seconds."""
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, history_days=3, sync_every_s=1)
    return FitbitSimulator(clock, wearer, FitbitSettings(quota=100_000, token_life_s=LIFE_S))


@pytest.fixture
def server(simulator: FitbitSimulator) -> Iterator[SimulatorServer]:
    with serve(simulator) as running:
        yield running


@contextmanager
def looked_at(account_dir: Path) -> Iterator[Onlooker]:
    onlooker = Onlooker(account_dir)
    onlooker.start()
    try:
        yield onlooker
    finally:
        onlooker.end()


def test_nothing_is_torn_lost_or_done_twice(
    tmp_path: Path, manager: Manager, simulator: FitbitSimulator, server: SimulatorServer
) -> None:
    desk, rng = Desk(tmp_path), Random("races")
    write_config(desk, server.url, 'poll_every = "60s"', 'data_types = ["steps", "daily_steps"]')
    give_token(desk, server, "alice")
    assert desk.ask("pull").code == 0
    orders = [(command, rng.random() < 0.3, rng.uniform(0.3, 2)) for command in COMMANDS * ROUNDS]
    rng.shuffle(orders)

    def type_it(order: tuple[Sequence[str], bool, float]) -> tuple[Sequence[str], Said]:
        command, is_killed, after_s = order
        with desk.start(*command) as running:
            killer = threading.Timer(after_s, running.kill if is_killed else lambda: None)
            killer.start()
            out, err = running.communicate(timeout=PATIENCE_S)
            killer.cancel()
        return command, Said(running.returncode, out, err)

    said: list[tuple[Sequence[str], Said]] = []
    with looked_at(desk.account_dir) as onlooker, ThreadPoolExecutor(4) as people:
        with run(desk, manager) as daemon:
            manager.hear("STATUS=1 of 1 accounts well; next look")
            pinned = open_reader(desk.account_dir)
            daemon.kill()
        with closing(pinned):
            pinned.execute("BEGIN")
            (stood,) = pinned.execute("SELECT count(*) FROM pull").fetchone()
            while orders:
                with run(desk, manager) as daemon, run(desk, manager) as rival:
                    said += people.map(type_it, [orders.pop() for _ in range(min(6, len(orders)))])
                    daemon.kill()
                    rival.kill()
            assert pinned.execute("SELECT count(*) FROM pull").fetchone() == (stood,)
    assert onlooker.looks > len(COMMANDS)
    assert onlooker.wrong == []
    assert [(told.code, command, told) for command, told in said if told.code not in FORESEEN] == []
    assert [told for _, told in said if "Traceback" in told.err] == []

    assert desk.ask("pull").code == 0
    assert desk.ask("verify", "--compare").code == 0
    assert not desk.index.with_name("index.sqlite-wal").exists()
    counts = simulator.oauth.counts
    assert counts.refreshes_refused == 0
    assert set(counts.refreshes_by_life.values()) == {1}


def test_who_reads_on_and_on_when_nothing_runs_keeps_it_from_starting_and_is_named(
    tmp_path: Path, server: SimulatorServer
) -> None:
    desk = Desk(tmp_path)
    write_config(desk, server.url, 'data_types = ["daily_steps"]')
    give_token(desk, server, "alice")
    assert desk.ask("pull").code == 0
    with closing(open_reader(desk.account_dir)) as pinned:
        pinned.execute("BEGIN")
        pinned.execute("SELECT count(*) FROM pull").fetchone()
        desk.ask("pull").refused(75, "index.sqlite is kept by another program", "fuser")
    assert desk.ask("pull").code == 0
