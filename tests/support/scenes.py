"""How each condition comes about in a household, and how it ends: by what the world does to it."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - what is about to reach the provider
import pytest

from fitbitd.config import AccountSettings
from fitbitd.model import DataTypeName, Pull, Reply
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs
from fitbitd.simulator.google_health import GoogleHealthSettings
from fitbitd.simulator.settings import SCOPES
from fitbitd.simulator.syncs import ListedSyncs, SyncPlan
from fitbitd.store.account import AccountStore
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.index import INDEX_NAME
from tests.support.household import Household, account_settings, google_account
from tests.support.machine import Doom, Process

_NOT_FOR_YOU = '{"errors": [{"errorType": "insufficient_permissions", "message": "no"}]}'
START = datetime(2027, 3, 10, 6, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = tuple(map(DataTypeName, ("steps", "daily_steps")))
FITBIT = account_settings(data_types=NAMES, poll_every=HOUR / 2)
GOOGLE = google_account(data_types=NAMES, poll_every=HOUR / 2)


@dataclass
class Stage:
    """A household, and the ways to do something to it.

    Attributes:
        kept: files as they were before they were spoilt.
        other: the lock of the account, in the hands of another process.
    """

    home: Household
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)
    kept: dict[Path, bytes] = field(default_factory=dict)
    other: AccountLock = field(init=False)

    def __post_init__(self) -> None:
        self.other = AccountLock(self.folder)

    @property
    def folder(self) -> Path:
        """Give the folder of the account."""
        return self.home.parts().folder

    @property
    def index(self) -> Path:
        """Give its index."""
        return self.folder / INDEX_NAME

    @property
    def archive(self) -> Path:
        """Give the file of its archive that was written last."""
        return max((self.folder / "archive").rglob("*.gz"))

    def fault(self, kind: Any, path: str = "", **more: Any) -> None:
        """Have something go wrong at the provider until it is mended."""
        self.home.simulator.faults.add(Fault(kind=kind, path=path, count=None, **more))

    def mend(self) -> None:
        """Let the provider answer as it should."""
        self.home.simulator.faults.clear()
        self.home.exchange.tap = lambda _request: None

    def spoil(self, path: Path, content: bytes) -> None:
        """Write something else into a file of the account."""
        self.kept[path] = path.read_bytes()
        path.write_bytes(content)

    def restore(self) -> None:
        """Put what was spoilt back as it was."""
        for path, content in self.kept.items():
            path.write_bytes(content)

    def refuse_writing(self, number: int) -> None:
        """Have the disk refuse what is written to the account's archive."""
        write, archive = os.write, self.folder / "archive"

        def refusing(descriptor: int, data: Any) -> int:
            if archive in Path(f"/proc/self/fd/{descriptor}").resolve().parents:
                raise OSError(number, os.strerror(number))
            return write(descriptor, data)

        self.patch.setattr(os, "write", refusing)


Deed = Callable[[Stage], object]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One condition from its cause to its end.

    Attributes:
        cause: done an hour after the start; while the daemon is stopped, if `stopped`.
        cure: done when it was seen.
        lasts: from its cause until it is looked for.
        ends: from its cure until it is over; None where only a person's command ends it.
        syncs: when the watch syncs.
        scopes: what the wearer ticks; all, if not said.
    """

    cause: Deed = lambda _stage: None
    cure: Deed = lambda stage: stage.mend()
    stopped: bool = False
    account: AccountSettings = FITBIT
    lasts: timedelta = 2.2 * HOUR
    ends: timedelta | None = HOUR
    syncs: SyncPlan = field(default_factory=lambda: RegularSyncs(1800))
    fitbit: FitbitSettings = field(default_factory=FitbitSettings)
    google: GoogleHealthSettings = field(default_factory=GoogleHealthSettings)
    scopes: frozenset[str] = frozenset()


def _refused(reason: str) -> Scene:
    """Have Google refuse everything for a reason that it documents."""
    return Scene(cause=lambda s: s.fault("refuse", "/v4/", reason=reason), account=GOOGLE)


def _broken_disk(number: int) -> Scene:
    """Have the disk refuse, and recover."""
    return Scene(cause=lambda s: s.refuse_writing(number), cure=lambda s: s.patch.undo())


def set_version(stage: Stage, number: int) -> None:
    """Have a program of another version leave the index behind."""
    with closing(sqlite3.connect(stage.index)) as db:
        db.execute(f"PRAGMA user_version = {number}")


def _newer_index(stage: Stage) -> None:
    stage.kept[stage.index] = stage.index.read_bytes()
    set_version(stage, 99)


def _break_the_program(stage: Stage) -> None:
    def tap(request: httpx.Request) -> None:
        if request.method == "GET":
            raise ZeroDivisionError

    stage.home.exchange.tap = tap


def _spoil_the_address(stage: Stage) -> None:
    def tap(request: httpx.Request) -> None:
        raise httpx.UnsupportedProtocol(str(request.url))

    stage.home.exchange.tap = tap


def die_in_passes(stage: Stage) -> None:
    """Have seven processes in a row die in the middle of their first pass."""
    process = Process(stage.home)
    for _ in range(7):
        process.start()
        process.hurry()
        process.doom = Doom("request", 1, done=False)
        process.pass_time(timedelta(minutes=1))
        assert process.account is None


def _die_of_a_reply(stage: Stage) -> None:
    """Bring an older index back, and have what it lacks end two processes that read it."""
    stage.kept[stage.index] = stage.index.read_bytes()
    stage.home.restart()
    stage.home.live(HOUR, monkeypatch=stage.patch)
    stage.restore()
    account = stage.home.parts()

    def die(pull: Pull, reply: Reply) -> Any:
        if pull.data_type == "steps":
            raise MemoryError
        return account.provider().read(pull, reply)

    for _ in range(3):  # the first time it may have been what was read before
        with (
            AccountStore(account.folder, die, account.kit.catalogue) as store,
            pytest.raises(MemoryError),
        ):
            list(store.catch_up())


def _fill_the_disk(stage: Stage) -> None:
    free = shutil.disk_usage(stage.folder)._replace(free=100_000_000)
    stage.patch.setattr(shutil, "disk_usage", lambda _path: free)


SCENES: Mapping[str, Scene] = {
    "disk_full": _broken_disk(errno.ENOSPC),
    "disk_read_only": _broken_disk(errno.EROFS),
    "disk_failed": _broken_disk(errno.EIO),
    "permission": _broken_disk(errno.EACCES),
    "settings": Scene(cause=_spoil_the_address),
    "clock_wrong": Scene(
        cause=lambda s: s.home.clock.step(timedelta(days=-300)),
        cure=lambda s: s.home.clock.step(timedelta(days=300)),
    ),
    "index_newer": Scene(cause=_newer_index, cure=Stage.restore, stopped=True),
    "index_damaged": Scene(
        cause=lambda s: s.spoil(s.index, b"no database" * 1000), cure=Stage.restore, stopped=True
    ),
    "token_file": Scene(cause=lambda s: s.spoil(s.folder / "token.json", b"{"), cure=Stage.restore),
    "authorization_needed": Scene(
        cause=lambda s: s.home.simulator.revoke(), cure=lambda s: s.home.authorize()
    ),
    "client_rejected": Scene(
        cause=lambda s: s.home.simulator.change(client_secret="another"),
        cure=lambda s: s.home.simulator.change(client_secret=GoogleHealthSettings().client_secret),
        account=GOOGLE,
    ),
    "access_denied": _refused("RESOURCE_PERMISSION_DENIED"),
    "account_not_linked": _refused("ACCOUNT_NOT_LINKED"),
    "profile_not_ready": _refused("PROFILE_NOT_READY"),
    "service_disabled": _refused("SERVICE_DISABLED"),
    "provider_gone": Scene(
        cause=lambda s: setattr(s.home.simulator, "gone", True),
        cure=lambda s: setattr(s.home.simulator, "gone", False),
        ends=25 * HOUR,
    ),
    "archive_damaged": Scene(
        cause=lambda s: s.spoil(s.archive, s.archive.read_bytes()[:-30]), stopped=True, ends=None
    ),
    "contract_changed": Scene(
        cause=lambda s: s.fault("body", "/steps/", body='{"steps": 7}'), ends=2 * HOUR
    ),
    "internal_error": Scene(cause=_break_the_program),
    "passes_unfinished": Scene(cause=die_in_passes, stopped=True, lasts=1.5 * HOUR),
    "provider_unreachable": Scene(cause=lambda s: s.fault("reset")),
    "lock_held": Scene(
        cause=lambda s: s.other.acquire(), cure=lambda s: s.other.release(), stopped=True
    ),
    "grant_expires_soon": Scene(
        cause=lambda s: s.home.skip(START + timedelta(days=5)),
        cure=lambda s: s.home.authorize(),
        stopped=True,
        account=GOOGLE,
        google=GoogleHealthSettings(testing=True),
    ),
    "token_in_doubt": Scene(
        cause=lambda s: s.fault("cut", "/oauth2/token"),
        fitbit=FitbitSettings(token_life_s=6 * 3600, replay_window_s=10**6),
        lasts=4.95 * HOUR,
    ),
    "data_stale": Scene(cause=lambda s: s.fault("json_error", "activities"), ends=4 * HOUR),
    "watch_not_synced": Scene(
        syncs=ListedSyncs(START + n * HOUR / 2 for n in (*range(-9, 3), *range(60, 90))),
        lasts=28 * HOUR,
        ends=4 * HOUR,
    ),
    "scope_missing": Scene(
        cure=lambda s: s.home.authorize(), scopes=SCOPES - {"activity"}, ends=2 * HOUR
    ),
    "data_type_refused": Scene(
        cause=lambda s: s.fault("body", "/steps/", status=403, body=_NOT_FOR_YOU), ends=3 * HOUR
    ),
    "request_refused": Scene(
        cause=lambda s: s.fault("body", "/steps/", status=400, body="{}"), ends=3 * HOUR
    ),
    "zone_unknown": Scene(cure=lambda s: s.home.authorize(), scopes=SCOPES - {"profile"}),
    "readings_vanished": Scene(
        cause=lambda s: s.fault("body", r"\d/2027-\d\d-\d\d.json", body='{"activities-steps": []}'),
        ends=25 * HOUR,
    ),
    "disk_low": Scene(cause=_fill_the_disk, cure=lambda s: s.patch.undo()),
    "index_behind": Scene(cause=_die_of_a_reply, stopped=True, lasts=1.05 * HOUR, ends=30 * HOUR),
    "throttled": Scene(cause=lambda s: s.fault("throttle", retry_after_s=9000)),
}
