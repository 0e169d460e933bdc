"""Errands in the daemon: among the passes of their account, in their turn, and as long as asked."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fitbitd.config import NotifySettings
from fitbitd.control import NAME, Asked, Control, Run
from fitbitd.daemon import Daemon
from fitbitd.errands.errand import Errand
from fitbitd.errors import OperatorError
from fitbitd.simulator import FitbitSettings, Wearer, hours
from fitbitd.store.index import INDEX_NAME
from fitbitd.store.members import Member, read_archive
from tests.support.household import Household, account_settings
from tests.support.journald import Receiver

NOON = "2026-11-10T12:00:00+00:00"
FIRST = date(2026, 10, 25)


class Heard:
    """Whoever asked."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shown: list[str] = []

    def say(self, words: str) -> None:
        self.said.append(words)

    def show(self, line: str, pause: str = "") -> None:
        del pause
        self.shown.append(line)


@dataclass
class Socket:
    """Stands for the control socket: whoever has it asks the daemon."""

    ask: list[Run] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, run: Run) -> Any:
        self.ask.append(run)
        return self

    async def open(self) -> None:
        self.opened.set()

    async def keep(self) -> None:
        assert self.opened.is_set()

    async def close(self) -> None:
        self.opened.clear()


Script = Callable[[Run, Daemon], Coroutine[Any, Any, None]]


def beside(home: Household, script: Script, patch: pytest.MonkeyPatch) -> None:
    """Run a script beside a daemon, which ends with it."""
    socket = Socket()

    async def play() -> None:
        daemon = Daemon(home.settings, lambda: home.settings, home.world(), listens=socket)
        living = asyncio.create_task(daemon.run())
        await socket.opened.wait()
        try:
            await script(socket.ask[0], daemon)
        finally:
            daemon.stop()
            await living
        assert not socket.opened.is_set()

    home.play(play(), monkeypatch=patch)


def household(tmp_path: Path, *, quota: int = 1000, disk_takes_s: float = 0.0) -> Household:
    home = Household(
        tmp_path / "state",
        NOON,
        Wearer(seed=1, member_since=date(2026, 1, 1), worn_minutes=hours(8)),
        provider_settings=FitbitSettings(quota=quota),
        disk_takes_s=disk_takes_s,
        accounts=(account_settings(poll_every=timedelta(minutes=5)),),
    )
    home.authorize()
    return home


def kinds(home: Household) -> list[str]:
    found = read_archive(home.parts().folder, {})
    return [member.kind for member in found if isinstance(member, Member)]


def days_read(home: Household) -> set[date]:
    db = home.index()
    with closing(db):
        rows = db.execute("SELECT day FROM coverage WHERE data_type = 'heart_rate'")
        return {date.fromisoformat(day) for (day,) in rows}


def test_errands_and_the_accounts_own_passes_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, heard = household(tmp_path, disk_takes_s=0.02), Heard()
    codes: list[int] = []

    async def script(ask: Run, _daemon: Daemon) -> None:
        wanted = [
            Errand("pull", "alice", ("sleep",), FIRST, FIRST),
            Errand("backfill", "alice", first=FIRST),
            Errand("pull", "alice"),
            Errand("backfill", "alice", first=FIRST - timedelta(days=2)),
        ]
        codes.extend(await asyncio.gather(*(ask(one.asked(), heard) for one in wanted)))
        codes.append(await ask(Errand("rebuild", "alice").asked(), heard))

    beside(home, script, monkeypatch)
    assert codes == [0, 0, 0, 0, 0]
    borders = [kind for kind in kinds(home) if kind.startswith("pass_")]
    assert borders == ["pass_begin", "pass_end"] * (len(borders) // 2)
    assert min(days_read(home)) == FIRST - timedelta(days=2)
    before = home.dump()
    home.rebuild()
    assert home.dump() == before


def test_what_an_errands_pass_finds_is_shown_and_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = Receiver(tmp_path / "manager")
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    home = household(tmp_path)
    home.accounts = (account_settings(poll_every=timedelta(hours=8)),)
    home.notify = NotifySettings(("tell",), None)
    told: list[list[str]] = []
    shown: list[str] = []

    async def script(ask: Run, _daemon: Daemon) -> None:
        await home.clock.sleep(3600)
        backfill = Errand("backfill", "alice", first=FIRST - timedelta(days=3))
        home.simulator.revoke()
        for errand in (backfill, Errand("pull", "alice")):
            await ask(errand.asked(), Heard())
            await home.clock.sleep(1)
            told.append([one["change"] for one in home.news])
            shown.append(manager.empty()[-1].decode().partition("; ")[0])
            home.authorize()

    beside(home, script, monkeypatch)
    manager.close()
    assert told == [["raised"], ["raised", "cleared"]]
    assert shown == [
        "STATUS=alice: authorization_needed (the wearer must consent)",
        "STATUS=1 of 1 accounts well",
    ]


def test_history_is_wanted_as_long_as_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path, quota=20)
    reached: list[set[date]] = []

    async def script(ask: Run, _daemon: Daemon) -> None:
        await home.clock.sleep(2 * 3600)
        reached.append(days_read(home))
        asking = asyncio.ensure_future(
            ask(Errand("backfill", "alice", first=FIRST).asked(), Heard())
        )
        await home.clock.sleep(3600)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        reached.append(days_read(home))
        await home.clock.sleep(4 * 3600)
        reached.append(days_read(home))

    beside(home, script, monkeypatch)
    before, meanwhile, after = reached
    assert min(meanwhile) < min(before)
    assert min(after) == min(meanwhile) > FIRST


def test_passes_go_on_between_the_slices_of_a_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, heard = household(tmp_path, disk_takes_s=60), Heard()
    home.accounts = (account_settings(poll_every=timedelta(minutes=1), backfill_from=FIRST),)
    seen: list[int] = []

    async def script(ask: Run, _daemon: Daemon) -> None:
        await home.clock.sleep(4 * 3600)
        seen.append(kinds(home).count("pass_end"))
        assert await ask(Errand("rebuild", "alice").asked(), heard) == 0
        seen.append(kinds(home).count("pass_end"))

    beside(home, script, monkeypatch)
    assert seen[1] > seen[0]
    assert len(heard.shown) > 2
    before = home.dump()
    home.rebuild()
    assert home.dump() == before


def test_an_index_that_was_damaged_under_the_daemon_is_made_anew_and_written_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)

    async def script(ask: Run, _daemon: Daemon) -> None:
        await home.clock.sleep(600)
        index = home.parts().folder / INDEX_NAME
        for path in index.parent.glob(f"{INDEX_NAME}*"):
            path.unlink()
        index.write_bytes(b"not a database" * 1000)
        assert await ask(Errand("rebuild", "alice").asked(), Heard()) == 0
        await home.clock.sleep(3600)

    beside(home, script, monkeypatch)
    before = home.dump()
    home.rebuild()
    assert home.dump() == before


def test_an_account_that_is_let_go_ends_its_errands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path, quota=20)

    async def script(ask: Run, daemon: Daemon) -> None:
        asking = asyncio.ensure_future(
            ask(Errand("backfill", "alice", first=FIRST).asked(), Heard())
        )
        await home.clock.sleep(600)
        home.accounts = (account_settings("bob"), account_settings(poll_every=timedelta(hours=1)))
        home.environ["FITBITD_BOB_CLIENT_SECRET"] = "simulated-secret"
        await daemon.reload()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await ask(Errand("pull", "alice").asked(), Heard()) in {0, 75}

    beside(home, script, monkeypatch)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"errand": "pull", "account": "bob"}, 64),
        ({"errand": "pull", "account": "alice", "data_types": ["slep"]}, 64),
        ({"errand": "pull", "account": "alice", "first": "2026-11-02", "last": "2026-11-01"}, 64),
        ({"errand": "backfill", "account": "alice"}, 64),
        ({"errand": "backfill", "account": "alice", "first": "2027-01-01"}, 64),
        ({"errand": "dance", "account": "alice"}, 64),
        ({"errand": "pull"}, 64),
        ({"errand": "pull", "account": ["alice"]}, 64),
        ({"errand": "pull", "account": "alice", "first": 5}, 64),
        ({"errand": "pull", "account": "alice", "data_types": 5}, 64),
        ({"errand": "pull", "account": "alice", "from_a_newer_program": 1}, 64),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked, code: int
) -> None:
    home = household(tmp_path)

    async def script(ask: Run, _daemon: Daemon) -> None:
        with pytest.raises(OperatorError) as caught:
            await ask(asked, Heard())
        assert caught.value.exit_code == code
        assert "Next: " in str(caught.value)

    beside(home, script, monkeypatch)


@pytest.mark.parametrize(
    "errand",
    [
        Errand("rebuild", "alice"),
        Errand("backfill", "alice", first=FIRST),
        Errand("pull", "alice", ("sleep", "steps"), FIRST, FIRST),
    ],
)
def test_an_errand_comes_over_the_socket_as_it_was(errand: Errand) -> None:
    assert Errand.read(json.loads(json.dumps(errand.asked()))) == errand


def test_a_socket_that_somebody_removed_is_back_within_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, seen = household(tmp_path), []
    home.authorize()
    path, began = home.state_dir / NAME, home.clock.now()
    home.listens = lambda run: Control(path, home.state_dir, run)
    home.at += [
        (began + timedelta(minutes=2), path.unlink),
        (began + timedelta(minutes=3), lambda: seen.append(path.is_socket())),
    ]
    home.live(timedelta(minutes=4), monkeypatch=monkeypatch)
    assert seen == [True]
    assert not path.exists()
