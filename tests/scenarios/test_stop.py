"""A stop at any moment ends within five seconds, loses nothing, and the next start goes on."""

import asyncio
import gzip
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import httpx  # noqa: TID251 - what would reach the provider
import pytest

from fitbitd.model import DataTypeName
from fitbitd.oauth import token
from fitbitd.oauth.token import TokenState
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
FIRST = START.date() - timedelta(days=12)
STOPS_WITHIN_S = 5.0
TYPES = tuple(map(DataTypeName, ("steps", "daily_steps", "sleep")))


def household(
    state_dir: Path, *, token_life_s: int = 28_800, disk_takes_s: float = 0.02
) -> Household:
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=7, member_since=FIRST, syncs=RegularSyncs(3600)),
        FitbitSettings(token_life_s=token_life_s, quota=2000),
        accounts=(
            account_settings(
                data_types=TYPES, backfill_from=FIRST, poll_every=timedelta(minutes=2)
            ),
        ),
        disk_takes_s=disk_takes_s,
    )
    home.authorize()
    return home


async def run_for(home: Household, lasts_s: float) -> float:
    """Run a daemon and stop it; give the seconds from the stop to the end."""
    daemon = home.daemon()
    loop = asyncio.get_running_loop()
    stopped_at_s = loop.time() + lasts_s
    loop.call_at(stopped_at_s, daemon.stop)
    await daemon.run()
    assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
    return loop.time() - stopped_at_s


def archived(home: Household) -> list[dict[str, object]]:
    """Give the lines of the archive, in order."""
    lines = []
    for path in (home.parts().folder / "archive").rglob("*.jsonl.gz"):
        with gzip.open(path, "rt") as file:
            lines += [json.loads(line) for line in file]
    return sorted(lines, key=lambda line: line["seq"])


def outcomes(home: Household) -> list[object]:
    """Give how each pass of the archive ended; None for one that has no end."""
    ends: list[object] = []
    for line in archived(home):
        if line["kind"] == "pass_begin":
            ends.append(None)
        elif line["kind"] == "pass_end":
            assert ends[-1] is None
            ends[-1] = line["outcome"]
    return ends


def is_equal_to_its_rebuild(home: Household) -> bool:
    account = home.parts()
    with closing(home.index()) as db:
        before = list(canonical_dump(db))
    for _ in rebuild(account.folder, account.provider().read, account.kit.catalogue):
        pass
    with closing(home.index()) as db:
        return list(canonical_dump(db)) == before


@pytest.mark.parametrize("disk_takes_s", [0.02, 0.45])
def test_a_stop_at_any_moment_is_quick_and_loses_nothing(
    disk_takes_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", disk_takes_s=disk_takes_s)
    chance = Random(8)
    home.simulator.faults.add(
        Fault(kind="latency", path="GET /1", wait_s=20, chance=0.1, count=None),
        Fault(kind="latency", path="GET /1", wait_s=0.7, chance=0.9, count=None),
        Fault(kind="reset", path="GET /1", chance=0.1, count=None),
    )
    for _ in range(25):
        lasts_s = chance.choice((3.0, 8.0, 130.0)) * chance.random()
        took_s = home.play(run_for(home, lasts_s), monkeypatch=monkeypatch)
        assert took_s <= STOPS_WITHIN_S
        home.restart()
    ended = outcomes(home)
    assert None not in ended
    assert ended.count("stopped") >= 3
    home.simulator.faults.clear()
    home.live(timedelta(minutes=30), monkeypatch=monkeypatch)
    truth, collected = home.truth(), home.collected()
    for name in TYPES:
        assert collected[name] == truth[name], name
    assert home.conditions() == set()
    assert is_equal_to_its_rebuild(home)


def test_a_stop_in_a_refresh_leaves_an_account_that_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", token_life_s=3600)
    renewal_s = 0.8 * 3600
    home.simulator.faults.add(Fault(kind="latency", path="oauth2/token", wait_s=9))
    took_s = home.play(run_for(home, renewal_s + 4), monkeypatch=monkeypatch)
    assert took_s <= STOPS_WITHIN_S
    assert home.simulator.oauth.counts.rotations == 1
    grant = home.parts().token_file.read()
    assert grant is not None
    assert token.state(grant, home.clock.now()) is TokenState.IN_DOUBT
    home.restart()
    home.live(timedelta(hours=1), monkeypatch=monkeypatch)
    counts = home.simulator.oauth.counts
    assert (counts.replays, counts.refreshes_refused) == (1, 0)
    assert home.data_requests(since=START + timedelta(minutes=100))
    assert {entry.status for entry in home.simulator.log} == {200}


def test_a_process_that_dies_in_each_pass_begins_them_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    home.disk_takes_s = 0.0

    def die(request: httpx.Request) -> None:
        if request.method == "GET":  # not of a refresh, which comes before a pass
            raise SystemExit

    home.exchange.tap = die
    deaths: list[float] = []
    while home.loop.time() < 40 * 3600:  # whoever restarts it does so at once
        with pytest.raises(SystemExit):
            home.play(run_for(home, 48 * 3600), monkeypatch=monkeypatch)
        deaths.append(home.loop.time() / 60)
        kinds = [line["kind"] for line in archived(home)]
        assert kinds.count("pass_begin") == len(deaths)
        assert len(kinds) <= len(deaths) + 1  # once, that passes do not end
        home.restart()
    waits = [after - before for before, after in pairwise(deaths)]
    expected = [2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert waits[: len(expected)] == pytest.approx(expected, abs=0.1)
    home.exchange.tap = lambda _request: None
    home.live(timedelta(hours=7), monkeypatch=monkeypatch)
    assert home.reports[-1][2].outcome == "ok"
    assert home.conditions() == set()
