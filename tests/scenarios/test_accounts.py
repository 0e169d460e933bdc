"""Accounts beside one another: locks, new grants, conditions, many at a time."""

import asyncio
import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fitbitd.daemon import Daemon
from fitbitd.errors import OperatorError
from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, RegularSyncs, Wearer
from fitbitd.store.account_lock import AccountLock
from tests.support.household import Household, account_settings, settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TYPES = tuple(map(DataTypeName, ("daily_steps", "sleep")))


def household(state_dir: Path, *names: str, poll_every: timedelta = HOUR / 2) -> Household:
    wearers = [
        Wearer(
            seed=seed, user_id=f"SIM{seed}", member_since=START.date(), syncs=RegularSyncs(3 * 3600)
        )
        for seed, _ in enumerate(names)
    ]
    home = Household(
        state_dir,
        START.isoformat(),
        wearers[0],
        accounts=tuple(
            account_settings(name, data_types=TYPES, poll_every=poll_every) for name in names
        ),
        others=tuple(wearers[1:]),
    )
    for place in range(len(names)):
        home.authorize(place)
    return home


def changes(home: Household) -> list[tuple[str, str]]:
    """Give the changes of conditions that the archive holds, in order."""
    lines: list[dict[str, Any]] = []
    for path in (home.parts().folder / "archive").rglob("*.jsonl.gz"):
        with gzip.open(path, "rt") as file:
            lines += [json.loads(line) for line in file]
    lines.sort(key=lambda line: int(line["seq"]))
    return [(line["code"], line["change"]) for line in lines if line["kind"] == "condition"]


def test_a_second_daemon_waits_for_the_account_and_takes_it_over_within_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "alice", "bob")

    held: list[str] = []

    def note_holder() -> None:
        with pytest.raises(OperatorError) as caught:
            AccountLock(home.parts().folder).acquire()
        held.append(caught.value.code)

    async def two_daemons() -> None:
        loop = asyncio.get_running_loop()
        alone = settings(home.state_dir, home.accounts[0])
        first = Daemon(alone, lambda: alone, home.world())
        holder = asyncio.create_task(first.run())
        await home.clock.sleep(10)
        second = home.daemon()
        loop.call_at(HOUR.total_seconds() + 11, first.stop)
        loop.call_at((HOUR + MINUTE).total_seconds() + 11, note_holder)
        loop.call_at((2 * HOUR).total_seconds(), second.stop)
        await second.run()
        await holder

    with capture_logs() as logs:
        home.play(two_daemons(), monkeypatch=monkeypatch)
    troubled = [each for each in logs if each["event"] == "account.troubled"]
    assert [(each["reason"], str(os.getpid()) in each["detail"]) for each in troubled] == [
        ("lock_held", True)
    ]
    assert held == ["lock_held"]
    mine = [at for name, at, _ in home.reports if name == "alice"]
    assert timedelta() <= mine[0] - (START + HOUR) <= HOUR / 2 + MINUTE  # at its poll
    others = [at for name, at, _ in home.reports if name == "bob"]
    assert others[0] <= START + MINUTE


def test_a_new_grant_is_used_within_a_minute_and_an_ended_one_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "alice", poll_every=2 * HOUR)
    consent = START + 9 * HOUR + 17 * MINUTE
    home.at.append((START + HOUR, home.simulator.revoke))
    home.at.append((consent, home.authorize))
    open_before: list[set[tuple[str, str]]] = []
    home.at.append((consent - MINUTE, lambda: open_before.append(home.conditions())))
    home.live(13 * HOUR, monkeypatch=monkeypatch)

    log = home.simulator.log
    refused = [entry for entry in log if entry.status != 200]
    assert [entry.path for entry in refused][-1] == "/oauth2/token"
    assert len(refused) <= 2  # the access token, then the refresh token
    paused_at = refused[-1].at
    assert [entry for entry in log if paused_at < entry.at < consent] == []
    again = home.data_requests(since=consent)
    assert again[0].at - consent <= MINUTE
    assert open_before == [{("authorization_needed", "")}]
    assert home.conditions() == set()
    assert home.collected()["sleep"] == home.truth()["sleep"]


def test_an_account_that_was_never_authorized_begins_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "alice", poll_every=6 * HOUR)
    home.parts().token_file.remove()
    home.at.append((START + HOUR, home.authorize))
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    assert timedelta() <= home.data_requests()[0].at - (START + HOUR) <= MINUTE


def test_a_condition_is_told_and_noted_once_when_it_comes_and_once_when_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "alice")
    home.simulator.faults.add(Fault(kind="html", path="GET /1", count=None))
    with capture_logs() as logs:
        home.live(3 * HOUR, monkeypatch=monkeypatch)
        assert home.conditions() == {("provider_unreachable", "")}
        home.restart()  # it lasts on
        home.live(3 * HOUR, monkeypatch=monkeypatch)
        home.restart()  # and ends while nobody looks
        home.simulator.faults.clear()
        home.live(HOUR, monkeypatch=monkeypatch)
    told = [
        (each["code"], each["event"].removeprefix("condition."))
        for each in logs
        if each["event"].startswith("condition.")
    ]
    assert told == [("provider_unreachable", "raised"), ("provider_unreachable", "cleared")]
    assert changes(home) == told
    assert home.conditions() == set()


def test_twenty_accounts_poll_at_places_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"person-{number}" for number in range(20)]
    home = household(tmp_path / "state", *names, poll_every=HOUR / 4)
    home.live(timedelta(hours=1, minutes=31), monkeypatch=monkeypatch)

    per_minute = [0] * 15
    for place in range(20):
        polls = [e.at for e in home.data_requests(place, START + HOUR / 4 + 2 * MINUTE)]
        rounds = [after - before for before, after in pairwise(polls) if after - before > MINUTE]
        assert all(abs(each - HOUR / 4) < timedelta(seconds=5) for each in rounds)
        assert len(rounds) >= 3
        per_minute[polls[0].minute % 15] += 1
    assert max(per_minute) <= 5
    assert sum(count > 0 for count in per_minute) >= 9
