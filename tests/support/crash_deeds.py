"""What is done to an account while a crash recording runs, each deed in a process of its own.

    python -m tests.support.crash_deeds DEED FOLDER

A deed prepares what is there already, says that it begins, does its work with fitbitd's own parts,
and says what it has promised by then: each request that reaches the provider, each token and each
row that somebody may rely on from that moment.
"""

import gzip
import json
import logging
import os
import sqlite3
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import httpx  # noqa: TID251 - stands for the network
import structlog

from fitbitd.account import OpenAccount
from fitbitd.errands.rebuild import rebuild
from fitbitd.errors import FitbitdError, OperatorError, TransientError
from fitbitd.model import (
    Axis,
    Daily,
    DataTypeName,
    DeviceSync,
    Page,
    Pull,
    Snapshot,
    Why,
)
from fitbitd.simulator import Wearer
from fitbitd.store.account import AccountStore
from fitbitd.store.archive import ArchiveWriter
from fitbitd.store.backup import back_up
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import INDEX_NAME, SCHEMA_VERSION, open_reader
from tests.support.crash_record import SAID
from tests.support.grant import minted
from tests.support.household import Household, account_settings
from tests.support.loop import run
from tests.support.store import (
    DEVICES,
    HEART,
    NIGHTS,
    RESTING,
    ZONE,
    Life,
    at,
    body,
    complete,
    day,
    heart,
    ms,
    night,
)

T = TypeVar("T")

NAME = "alice"
STATE, COPY = "state", "usb"
START = "2026-12-31T22:20:00+00:00"
"""Twenty minutes into the wearer's first day; in UTC the year has an hour and a half to go."""

LASTING = ("reading|", "daily|", "session|", "session_value|", "session_part|", "snapshot|")
"""Rows of the index that are never to be lost, as `canonical_dump` begins them."""

_A_MINUTE_S = 60.0
_LIFE_OF_A_TOKEN = timedelta(hours=8)
_UNTIL_THE_NEW_YEAR = timedelta(hours=2)
_SUNDAY, _NIGHT = day("2026-03-01"), day("2026-03-01", axis=Axis.DATE)
_EIGHT, _SYNCED_AT = ms("2026-03-01T08:00"), at("2026-03-10T09:00")


def household(state_dir: Path) -> Household:
    """Give the wearer, the provider and the daemon's parts, before anything was collected."""
    wearer = Wearer(seed=5, zone="Etc/GMT-2", member_since=date(2027, 1, 1), intervals_s=(300, 600))
    types = tuple(map(DataTypeName, ("devices", "heart_rate", "daily_steps")))
    return Household(state_dir, START, wearer, accounts=(account_settings(NAME, data_types=types),))


class Scene:
    """A folder, and the one who says there what was promised."""

    def __init__(self, root: Path) -> None:
        self.state_dir = root / STATE
        self.copy = root / COPY
        self.account_dir = self.state_dir / NAME
        self.state_dir.mkdir(mode=0o750)
        self._said = os.open(root / SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, **words: Any) -> None:
        """Promise something from now on; no word at all is the beginning."""
        os.write(self._said, json.dumps(words).encode() + b"\n")

    def household(self) -> Household:
        """Make the household whose provider tells of each request."""
        home = household(self.state_dir)

        def tap(request: httpx.Request) -> None:
            now = home.clock.now().isoformat()
            sent = [request.method, str(request.url), dict(request.headers)]
            self.say(at=now, request=[*sent, request.content.decode()])

        home.exchange.tap = tap
        return home

    async def persist(self, home: Household, work: Callable[[], Awaitable[T]]) -> T:
        """Do it once more, a minute later, where it was refused for a reason that is foreseen."""
        try:
            return await work()
        except FitbitdError as err:
            if err.code == FitbitdError.code:
                raise
            self.say(refused=err.code)
        await home.clock.sleep(_A_MINUTE_S)
        return await work()

    def again(self, work: Callable[[], T]) -> T:
        """Do it once more where the disk refused it."""
        try:
            return work()
        except OperatorError as err:
            self.say(refused=err.code)
        return work()

    def promise_rows(self) -> None:
        """Rely on all that the index says."""
        self.say(rows=self.again(lambda: lasting_rows(self.account_dir)))


def lasting_rows(account_dir: Path) -> list[str]:
    """Give what an index says that is never to be lost."""
    with closing(open_reader(account_dir)) as db:
        return [row for row in canonical_dump(db) if row.startswith(LASTING)]


async def opened(home: Household) -> OpenAccount:
    """Open the account as the daemon does."""
    parts, world = home.parts(), home.world()
    account = await OpenAccount.open(parts, parts.keeper(world), world)
    checkpoint_often(account.store)
    return account


def checkpoint_often(store: AccountStore) -> None:
    """Have SQLite move its log into the database every so many pages, as in a life of days."""
    store.index.db.execute("PRAGMA wal_autocheckpoint = 20")


async def collect(account: OpenAccount) -> None:
    """Run a pass; raise why it did not go well."""
    report = await account.run_pass()
    if report.outcome != "ok":
        raise report.error or TransientError(report.outcome, code=report.outcome)


async def passes(scene: Scene, home: Household, *waits: timedelta) -> None:
    """Run a pass after each wait, promise what is there then, and close the account."""
    account = await scene.persist(home, lambda: opened(home))
    for wait in waits:
        await home.clock.sleep(wait.total_seconds())
        await scene.persist(home, lambda: collect(account))
    scene.promise_rows()
    await account.close()


def refresh(scene: Scene) -> None:
    """Refresh a token twice, a life apart, and use it each time."""
    home = scene.household()
    home.authorize()
    parts, world = home.parts(), home.world()
    keeper = parts.keeper(world)

    async def deed() -> None:
        for _ in range(2):
            await home.clock.sleep(_LIFE_OF_A_TOKEN.total_seconds())
            token = await scene.persist(home, keeper.bearer)
            scene.say(stored=token)
            await ask(home, token)

    scene.say()
    run(home.loop, deed())


async def ask(home: Household, token: str) -> int:
    """Use an access token; give the status of the answer."""
    url = home.settings.endpoints["fitbit"].api_url + "/1/user/-/devices.json"
    request = httpx.Request("GET", url, headers={"authorization": f"Bearer {token}"})
    return (await home.exchange.handle_async_request(request)).status_code


def first(scene: Scene) -> None:
    """Store a first consent, and collect for the first time."""
    home = scene.household()
    grant = minted(home.simulator, home.clock.now())

    def consent() -> None:
        parts = home.parts()
        parts.make_folder()
        parts.token_file.write(grant)

    scene.say()
    scene.again(consent)
    scene.say(stored=grant.access_token)
    run(home.loop, passes(scene, home, timedelta()))


def append(scene: Scene) -> None:
    """Collect once more on the same day."""
    _collect_again(scene, timedelta(minutes=40))


def new_day(scene: Scene) -> None:
    """Collect for the first time on a day, which is the first of its year."""
    _collect_again(scene, _UNTIL_THE_NEW_YEAR)


def _collect_again(scene: Scene, wait: timedelta) -> None:
    home = scene.household()
    home.authorize()

    async def deed() -> None:
        account = await opened(home)
        await collect(account)
        await home.clock.sleep(wait.total_seconds())
        scene.say()
        scene.promise_rows()
        await scene.persist(home, lambda: collect(account))
        scene.promise_rows()
        await account.close()

    run(home.loop, deed())


def killed(scene: Scene) -> None:
    """Collect on a new day whose file is there, by a name that a process did not live to sync."""
    home = scene.household()
    home.authorize()
    run(home.loop, passes(scene, home, timedelta()))
    home.restart()
    home.skip(home.clock.now() + _UNTIL_THE_NEW_YEAR)
    scene.say()
    dead = ArchiveWriter(scene.account_dir, 1)
    dead._select(home.clock.now())
    dead.close()
    run(home.loop, passes(scene, home, timedelta()))


def commit(scene: Scene) -> None:
    """Apply a pass that changes a settled day: corrections, a night, daily values."""
    life = _old_life(scene)
    checkpoint_often(life.store)
    scene.say()
    scene.promise_rows()
    changed = heart([(_EIGHT, 60, None), (_EIGHT + 5000, 70, None), (_EIGHT + 9000, 71, None)])
    life.begin_pass()
    for of, window, page in (
        (HEART, _SUNDAY, changed),
        (NIGHTS, _NIGHT, Page(sessions=(night("n", "2026-03-01", 80, 4),))),
        (RESTING, _NIGHT, Page(dailies=(Daily(_SUNDAY.start.date(), "bpm", 51),))),
    ):
        pull = Pull(of.name, window, Why.SYNC, ZONE, _SYNCED_AT)
        life.write_pull(pull, [body(page)], complete(1, page.points))
    life.end_pass()
    assert life.rows("SELECT count(*) FROM correction") != [(0,)]
    scene.promise_rows()
    life.store.close()


def restart(scene: Scene) -> None:
    """Start where a process died in the middle of a pull; nothing of its pass was synced."""
    life = _old_life(scene)
    scene.say()
    life.begin_pass()
    pull = Pull(HEART.name, day("2026-03-09"), Why.SYNC, ZONE, _SYNCED_AT)
    late = heart([(ms("2026-03-09T08:00"), 64, None)])
    life.write_pull(pull, [body(late)], complete(1, 1))
    writer = life.store.writer
    writer.begin_pull(life.now, pull)
    assert writer._file is not None
    writer._file.append(gzip.compress(body(late))[:-20])
    writer._member = None  # nobody takes it back
    life.store.close()
    life = scene.again(lambda: Life(scene.account_dir, "2026-03-10T11:00"))
    scene.again(lambda: list(life.store.catch_up()))
    scene.promise_rows()
    life.store.close()


def upgrade(scene: Scene) -> None:
    """Open an index of an earlier schema, and collect with it."""
    life = _old_life(scene)
    life.store.close()
    _downgrade(scene.account_dir / INDEX_NAME)
    scene.say()
    life = scene.again(lambda: Life(scene.account_dir, "2026-03-10T11:00"))
    scene.promise_rows()
    life.pull(HEART, day("2026-03-09"), heart([(ms("2026-03-09T08:00"), 64, None)]))
    scene.promise_rows()
    life.store.close()


def _old_life(scene: Scene) -> Life:
    """Collect a day that is settled since, its night, and what the watch is."""
    life = Life(scene.account_dir, "2026-03-10T10:00")
    watch = (Snapshot("1", "{}"),), (DeviceSync("1", _SYNCED_AT),)
    life.pull(DEVICES, None, Page(snapshots=watch[0], syncs=watch[1], zone=ZONE))
    beats = heart([(_EIGHT + n * 5000, 60, None) for n in range(6)])
    life.pull(HEART, _SUNDAY, beats, synced_at=_SYNCED_AT)
    nights = Page(sessions=(night("n", "2026-03-01"),))
    life.pull(NIGHTS, _NIGHT, nights, synced_at=_SYNCED_AT)
    return life


def _downgrade(path: Path) -> None:
    """Make of an index one of the schema before, with the same rows."""
    old = path.with_name("older")
    with closing(sqlite3.connect(old)) as db:
        for number in range(1, SCHEMA_VERSION):
            script = resources.files("fitbitd.store").joinpath("schema", f"{number:04}.sql")
            db.executescript(script.read_text("utf-8"))
        db.executescript(f"PRAGMA user_version = {SCHEMA_VERSION - 1};")
        db.execute("ATTACH ? AS newer", (str(path),))
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            there = {row[1] for row in db.execute(f"PRAGMA newer.table_info({table})")}
            columns = ", ".join(
                row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] in there
            )
            if columns:
                into = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns}"
                db.execute(f"{into} FROM newer.{table}")
        db.commit()
    old.replace(path)


def anew(scene: Scene) -> None:
    """Rebuild an index that is lost, as the command does without a daemon."""
    home = scene.household()
    home.authorize()

    class Silent:
        def say(self, words: str) -> None:
            """Nobody listens."""

        def show(self, line: str, pause: str = "") -> None:
            """Nobody listens."""

    async def deed() -> None:
        await passes(scene, home, timedelta(), timedelta(minutes=40))
        rows = lasting_rows(scene.account_dir)
        (scene.account_dir / INDEX_NAME).unlink()
        scene.say()
        scene.say(rows=rows)
        await scene.persist(home, lambda: rebuild(home.parts(), home.world(), None, Silent()))
        scene.promise_rows()

    run(home.loop, deed())


def backup(scene: Scene) -> None:
    """Back up into a new folder at the second attempt, collect, and back up again."""
    home = scene.household()
    home.authorize()
    scene.copy.mkdir(mode=0o750)
    folder = home.parts().folder

    def copy() -> None:
        scene.again(lambda: list(back_up(folder, scene.copy / NAME, secrets=True)))
        scene.say(copied=scene.again(lambda: lasting_rows(scene.copy / NAME)))

    run(home.loop, passes(scene, home, timedelta()))
    scene.say()
    scene.again(lambda: next(back_up(folder, scene.copy / NAME, secrets=True)))
    copy()
    home.restart()
    run(home.loop, passes(scene, home, timedelta(minutes=40), _UNTIL_THE_NEW_YEAR))
    copy()


DEEDS: Mapping[str, Callable[[Scene], None]] = {
    deed.__name__: deed
    for deed in (refresh, first, append, new_day, killed, commit, restart, anew, backup, upgrade)
}


def serve() -> None:
    """Do deeds as they are asked for, each in a process of its own that waits to be followed."""
    while asked := os.read(0, 4096):
        deed, folder = asked.decode().split()
        doer = os.fork()
        if doer == 0:
            os.read(0, 2)
            code = 1
            try:
                DEEDS[deed](Scene(Path(folder)))
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        os.write(1, f"{doer}\n".encode())
        os.waitpid(doer, 0)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    serve()
