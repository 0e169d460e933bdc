"""A household on simulated time: wearers, provider, daemon, and what the index says in the end."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from urllib.parse import parse_qs

import apscheduler.schedulers.base
import httpx  # noqa: TID251 - stands for the network
import pytest

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World, parts
from fitbitd.clock import inline
from fitbitd.config import AccountSettings, NotifySettings, ProviderEndpoints, Settings
from fitbitd.daemon import Daemon, Listens
from fitbitd.engine import Report
from fitbitd.fetch.transport import Network
from fitbitd.model import AccountName, DataTypeName
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.token import TokenState
from fitbitd.providers.google_health.catalog import CATALOGUE as GOOGLE_CATALOGUE
from fitbitd.simulator import FitbitSettings, FitbitSimulator, SimulatorTransport, Wearer
from fitbitd.simulator.google_health import GoogleHealthSettings, GoogleHealthSimulator
from fitbitd.simulator.serving import Simulator
from fitbitd.standing import NAME, Standing
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from fitbitd.store.rebuild import rebuild
from tests.support.grant import minted
from tests.support.loop import LoopClock, VirtualLoop, run

T = TypeVar("T")

_OAUTH_PATHS = ("/oauth2", "/o/oauth2", "/token", "/revoke")

URL = "http://127.0.0.1:9"  # never connected: the simulator is the transport
GOOGLE_URL = "http://127.0.0.1:10"
GOOGLE_TYPES = tuple(name for name, each in GOOGLE_CATALOGUE.items() if each.by_default)
ALL_TYPES = tuple(
    DataTypeName(name)
    for name in (
        "profile",
        "devices",
        "heart_rate",
        "steps",
        "daily_heart_rate",
        "daily_steps",
        "sleep",
    )
)


def account_settings(name: str = "alice", **changes: Any) -> AccountSettings:
    """Describe an account at the simulator."""
    usual: dict[str, Any] = {
        "name": AccountName(name),
        "provider": "fitbit",
        "client_id": "23SIMU",
        "data_types": ALL_TYPES,
        "app_type": "personal",
    }
    return AccountSettings(**{**usual, **changes})


def google_account(name: str = "gina", **changes: Any) -> AccountSettings:
    """Describe an account at the simulated Google."""
    usual: dict[str, Any] = {
        "name": AccountName(name),
        "provider": "google_health",
        "client_id": GoogleHealthSettings().client_id,
        "data_types": GOOGLE_TYPES,
        "app_type": None,
    }
    return AccountSettings(**{**usual, **changes})


def settings(state_dir: Path, *accounts: AccountSettings) -> Settings:
    """Make settings that point at the simulators."""
    endpoints = {
        "fitbit": ProviderEndpoints(
            authorize_url=f"{URL}/oauth2/authorize",
            token_url=f"{URL}/oauth2/token",
            revoke_url=f"{URL}/oauth2/revoke",
            api_url=URL,
        ),
        "google_health": ProviderEndpoints(
            authorize_url=f"{GOOGLE_URL}/o/oauth2/v2/auth",
            token_url=f"{GOOGLE_URL}/token",
            revoke_url=f"{GOOGLE_URL}/revoke",
            api_url=GOOGLE_URL,
        ),
    }
    return Settings(state_dir, accounts, endpoints)


class Exchange(httpx.AsyncBaseTransport):
    """One address for several simulators: a request goes to the one whose token it carries.

    Attributes:
        tap: sees every request before it arrives, and may raise.
    """

    def __init__(self, simulators: Sequence[Any], clock: LoopClock) -> None:
        self._ways = [(one, SimulatorTransport(one, clock)) for one in simulators]
        self.tap: Callable[[httpx.Request], None] = lambda _request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        await request.aread()
        self.tap(request)
        form = parse_qs(request.content.decode()) if request.method == "POST" else {}
        token = form.get("refresh_token", [""])[0]
        token = token or request.headers.get("authorization", "").removeprefix("Bearer ")
        known = (way for one, way in self._ways if one.oauth.name_of(token) != "unknown")
        return await next(known, self._ways[0][1]).handle_async_request(request)


@dataclass(slots=True)
class Household:
    """Everything around one daemon on a virtual loop.

    Attributes:
        wearer: whose data the first account collects; `others` are the next accounts'.
        reports: how each pass went, with the account's name.
        at: what is to happen at an instant: functions by their time.
        disk_takes_s: how long each piece of blocking work lasts; a real disk is never at once.
        notify: who is told when something is wrong; `news` is what they were told, and when.
        telling_takes_s: how long the command that tells them takes.
        learn_secret: told every secret.
        listens: makes the socket over which the daemon is asked for something.
        clock: this machine's.
        true_clock: the provider's, which does not step along with it.
        simulators: the provider, one for each wearer.
    """

    state_dir: Path
    start: str
    wearer: Wearer
    provider_settings: FitbitSettings = field(default_factory=FitbitSettings)
    google_settings: GoogleHealthSettings = field(default_factory=GoogleHealthSettings)
    accounts: tuple[AccountSettings, ...] = (account_settings(),)
    others: tuple[Wearer, ...] = ()
    reports: list[tuple[str, datetime, Report]] = field(default_factory=list)
    at: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    disk_takes_s: float = 0.0
    notify: NotifySettings = field(default_factory=NotifySettings)
    news: list[dict[str, Any]] = field(default_factory=list)
    telling_takes_s: float = 0.0
    learn_secret: Callable[[str], None] = lambda _secret: None
    listens: Listens | None = None
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    clock: LoopClock = field(init=False)
    true_clock: LoopClock = field(init=False)
    simulators: list[Any] = field(init=False)  # a FitbitSimulator or a GoogleHealthSimulator each
    exchange: Exchange = field(init=False)

    def __post_init__(self) -> None:
        self.clock = LoopClock(self.loop, self.start)
        self.true_clock = LoopClock(self.loop, self.start)
        wearers = (self.wearer, *self.others)
        self.simulators = [
            self._simulator(self.accounts[min(place, len(self.accounts) - 1)].provider, wearer)
            for place, wearer in enumerate(wearers)
        ]
        self.exchange = Exchange(self.simulators, self.true_clock)
        for account in self.accounts:
            name = account.name.upper().replace("-", "_")
            google = account.provider == "google_health"
            self.environ[f"FITBITD_{name}_CLIENT_SECRET"] = (
                self.google_settings.client_secret if google else "simulated-secret"
            )

    def _simulator(self, provider: str, wearer: Wearer) -> Simulator:
        if provider == "google_health":
            return GoogleHealthSimulator(self.true_clock, wearer, self.google_settings)
        return FitbitSimulator(self.true_clock, wearer, self.provider_settings)

    @property
    def simulator(self) -> Any:
        """Give the provider of the first account."""
        return self.simulators[0]

    @property
    def settings(self) -> Settings:
        """Give the settings of the daemon."""
        return replace(settings(self.state_dir, *self.accounts), notify=self.notify)

    def parts(self, place: int = 0) -> AccountParts:
        """Give the parts of one account."""
        return parts(self.settings, self.accounts[place])

    def world(self) -> World:
        """Give a world in which nothing waits for real."""
        return World(
            clock=self.clock,
            offload=self._offload if self.disk_takes_s else inline,
            network=Network(self.clock, self.exchange),
            random=Random(1),
            environ=self.environ,
            learn_secret=self.learn_secret,
            tells=self._tells,
        )

    async def _tells(self, _command: Sequence[str], text: str) -> None:
        self.news.append(json.loads(text) | {"told_at": self.clock.now()})
        await self.clock.sleep(self.telling_takes_s)

    async def _offload(self, work: Callable[[], T]) -> T:
        """Do the work in its time, as a thread does: also when nobody waits for it any more."""

        async def take_time() -> T:
            await self.clock.sleep(self.disk_takes_s)
            return work()

        task = asyncio.ensure_future(take_time())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            task.exception()  # looked at, as `Threads` does
            raise

    def authorize(self, place: int = 0, scopes: Collection[str] = ()) -> None:
        """Put a grant in place, as `fitbitd authorize` would; of some scopes, or of all."""
        grant = minted(self.simulators[place], self.clock.now(), scopes)
        account = self.parts(place)
        self.state_dir.mkdir(exist_ok=True)
        account.make_folder()
        account.token_file.write(grant)

    def live(self, lasts: timedelta, *, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run the daemon for a while of simulated time."""
        self.play(self._live(lasts), monkeypatch=monkeypatch)

    def live_by_passes(self, until: datetime, *, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run the first account's passes when they are due, without the daemon around them.

        What a daemon does every minute of a year takes longer than all that it collects in it.
        """
        self.play(self._by_passes(until), monkeypatch=monkeypatch)

    def skip(self, until: datetime) -> None:
        """Let time pass while the machine is off; go on with `restart`."""
        self.loop.virtual_s += (until - self.clock.now()).total_seconds()

    def play(self, script: Coroutine[Any, Any, T], *, monkeypatch: pytest.MonkeyPatch) -> T:
        """Run a script on the household's loop, which ends with it; see `restart`."""
        with scheduler_time(self.clock, monkeypatch):
            return run(self.loop, script)

    def restart(self) -> None:
        """Let another process begin: time goes on, and nothing else that was in memory does."""
        loop = VirtualLoop()
        loop.virtual_s = self.loop.virtual_s
        self.loop = loop
        self.clock.move_to(loop)
        self.true_clock.move_to(loop)

    def daemon(self, world: World | None = None) -> Daemon:
        """Make a daemon; one loop may have several."""

        def told(name: str, report: Report) -> None:
            self.reports.append((name, self.clock.now(), report))

        return Daemon(
            self.settings,
            lambda: self.settings,
            world or self.world(),
            told,
            listens=self.listens,
            standing=Standing(self.state_dir / NAME, self.state_dir),
        )

    def _order_deeds(self) -> None:
        """Have what is to happen happen in its time; what happened before a restart has."""
        loop, now = asyncio.get_running_loop(), self.clock.now()
        for instant, deed in self.at:
            if instant >= now:
                loop.call_later((instant - now).total_seconds(), deed)

    async def _by_passes(self, until: datetime) -> None:
        self._order_deeds()
        world, parts = self.world(), self.parts()
        keeper = parts.keeper(world)
        account = await OpenAccount.open(parts, keeper, world)
        next_at = await account.first_pass_at()
        while next_at < until:
            await self._tend(keeper, next_at)
            report = await account.engine.run_pass()
            await account.review(report.error)
            self.reports.append((parts.settings.name, self.clock.now(), report))
            next_at = report.next_at
        await self._tend(keeper, until)
        await account.close()

    async def _tend(self, keeper: Keeper, until: datetime) -> None:
        """Sleep; a refresh that is in doubt is sent again meanwhile, as the daemon does it."""
        doubted = True
        while doubted:
            tended_at = await keeper.tend()
            doubted = keeper.describe(self.clock.now()).state is TokenState.IN_DOUBT
            doubted &= tended_at < until
            wait = (tended_at if doubted else until) - self.clock.now()
            await self.clock.sleep(max(0.0, wait.total_seconds()))

    async def _live(self, lasts: timedelta) -> None:
        daemon = self.daemon()
        loop = asyncio.get_running_loop()
        self._order_deeds()
        loop.call_later(lasts.total_seconds(), daemon.stop)
        await daemon.run()

    def index(self, place: int = 0) -> sqlite3.Connection:
        """Open an account's index for reading."""
        return open_reader(self.parts(place).folder)

    def collected(self, place: int = 0) -> dict[str, set[tuple[Any, ...]]]:
        """Give what the index says, as the wearer's truth is written."""
        with closing(self.index(place)) as db:
            return rows_of(db)

    def truth(self) -> dict[str, set[tuple[Any, ...]]]:
        """Give what the provider has published by now."""
        now = self.true_clock.now()
        return {name: set(rows) for name, rows in self.wearer.truth(now).items()}

    def data_requests(self, place: int = 0, since: datetime | None = None) -> list[Any]:
        """List what an account asked of the data API, by the provider's clock."""
        return [
            entry
            for entry in self.simulators[place].log
            if not entry.path.startswith(_OAUTH_PATHS) and (since is None or entry.at >= since)
        ]

    def dump(self, place: int = 0) -> list[str]:
        """Give all that an index says, line by line."""
        with closing(self.index(place)) as db:
            return list(canonical_dump(db))

    def rebuild(self, place: int = 0) -> None:
        """Make an index anew from its archive."""
        account = self.parts(place)
        provider, catalogue = account.provider(), account.kit.catalogue
        for _ in rebuild(account.folder, provider.read, catalogue, provider.learn):
            pass

    def assert_rebuilt_alike(self, place: int = 0) -> None:
        """Compare an index with what its archive makes of it; name the first lines that differ.

        pytest's own comparison of so many lines would take gigabytes.
        """
        before = self.dump(place)
        self.rebuild(place)
        after = self.dump(place)
        ours, anew = set(before), set(after)
        assert sorted(ours - anew)[:5] == sorted(anew - ours)[:5]
        alike = before == after
        assert alike

    def conditions(self, place: int = 0) -> set[tuple[str, str]]:
        """Give code and data type of every condition that is open by the index."""
        with closing(self.index(place)) as db:
            return set(db.execute("SELECT code, subject FROM condition WHERE until IS NULL"))


@contextmanager
def scheduler_time(clock: LoopClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have APScheduler read its wall clock from `clock`; it offers no other way in."""

    class _Datetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override] # as APScheduler calls it
            return clock.now().astimezone(tz or UTC)

    with monkeypatch.context() as patch:
        patch.setattr(apscheduler.schedulers.base, "datetime", _Datetime)
        yield


def rows_of(db: sqlite3.Connection) -> dict[str, set[tuple[Any, ...]]]:
    """Give the rows of an index in the form of `Wearer.truth`."""
    readings = (
        "SELECT instant / 1000, value FROM reading JOIN series ON id = series WHERE field = ?"
    )
    daily = "SELECT day, field, value FROM daily WHERE data_type = ?"
    return {
        "heart_rate": set(db.execute(readings, ("heart_rate",))),
        "steps": set(db.execute(readings, ("steps",))),
        "daily_steps": {
            (date.fromisoformat(day), value)
            for day, _, value in db.execute(daily, ("daily_steps",))
        },
        "daily_heart_rate": {
            (date.fromisoformat(day), name, value)
            for day, name, value in db.execute(daily, ("daily_heart_rate",))
        },
        "sleep": set(_nights(db)),
        "profile": {
            (profile["timezone"], date.fromisoformat(profile["memberSince"]))
            for profile in _standing(db, "profile")
        },
        "devices": set(
            db.execute("SELECT device, max(synced_at) / 1000 FROM device_sync GROUP BY device")
        ),
    }


def _standing(db: sqlite3.Connection, data_type: str) -> list[dict[str, Any]]:
    rows = db.execute("SELECT content FROM snapshots WHERE data_type = ?", (data_type,))
    return [json.loads(content) for (content,) in rows]


def _nights(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    nights = db.execute(
        "SELECT session, key, day, unixepoch(start_utc), unixepoch(end_utc), labels, numbers"
        " FROM sleep"
    ).fetchall()
    for number, key, day, start_s, end_s, labels, numbers in nights:
        stages = db.execute(
            "SELECT kind, label, start_ms / 1000, duration_ms / 1000 FROM session_part"
            " WHERE session = ? ORDER BY ordinal",
            (number,),
        )
        yield (
            int(key),
            date.fromisoformat(day),
            start_s,
            end_s,
            json.loads(labels)["type"],
            json.loads(numbers)["minutes_asleep"],
            tuple(stages),
        )
