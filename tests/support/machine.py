"""One account in the hands of a state machine: its process lives, dies and starts again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx  # noqa: TID251 - stands for the network

from fitbitd.account import OpenAccount
from fitbitd.engine import Report
from fitbitd.fetch.transport import Network
from tests.support.household import Household

T = TypeVar("T")


class KilledError(BaseException):  # no handler of ours or of a library may catch it
    """The process ends here, and nothing of it comes after this."""


@dataclass(slots=True)
class Doom:
    """What a process will not survive: so many more requests, or pieces of work on the disk.

    Attributes:
        done: the last one takes effect before the process dies, or never begins.
    """

    of: str
    left: int
    done: bool


class _Wire(httpx.AsyncBaseTransport):
    """The way to the provider, on which a process may die: before a request, or its answer."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        doomed = self._process.dies_of("request")
        if doomed is not None and not doomed.done:
            raise KilledError
        response = await self._process.home.exchange.handle_async_request(request)
        if doomed is not None:
            raise KilledError
        return response


@dataclass(slots=True)
class Process:
    """The daemon's part for one account, passes and all, on simulated time.

    Attributes:
        account: what is open while the process lives.
        next_at: when its next pass is due.
        doom: what it will die of.
        reports: how each pass went.
    """

    home: Household
    account: OpenAccount | None = None
    next_at: datetime | None = None
    doom: Doom | None = None
    reports: list[tuple[datetime, Report]] = field(default_factory=list)
    _runner: asyncio.Runner | None = None

    def start(self) -> None:
        """Start, and be ready for the first pass; nothing if it dies of it."""
        if self.home.loop.is_closed():
            self.home.restart()
        loop = self.home.loop
        self._runner = asyncio.Runner(loop_factory=lambda: loop)
        network = Network(self.home.clock, _Wire(self))
        world = replace(self.home.world(), offload=self._offload, network=network)

        async def opened() -> None:
            parts = self.home.parts()
            self.account = await OpenAccount.open(parts, parts.keeper(world), world)
            self.next_at = await self.account.first_pass_at()

        self._run(opened())

    def pass_time(self, lasts: timedelta) -> None:
        """Let time pass; a process that lives makes its passes as they are due."""
        until = self.home.clock.now() + lasts
        if self.account is not None:
            self._run(self._live(self.account, until))
        left = until - self.home.clock.now()
        self.home.loop.virtual_s += max(0.0, left.total_seconds())

    def hurry(self) -> None:
        """Have the next pass come at once."""
        if self.next_at is not None:
            self.next_at = self.home.clock.now()

    def stop(self) -> None:
        """End as a service is stopped."""
        if self.account is not None and self._runner is not None:
            self._runner.run(self.account.close())
            self._end()

    def abandon(self) -> None:
        """End at once, whatever state it is in."""
        if self._runner is not None:
            self._die()
        self.home.loop.close()

    def want(self, **changes: Any) -> None:
        """Change the account's settings, and start anew with them."""
        self.stop()
        self.home.accounts = (replace(self.home.accounts[0], **changes),)
        self.start()

    async def _live(self, account: OpenAccount, until: datetime) -> None:
        clock = self.home.clock
        while self.next_at is not None and self.next_at <= until:
            await clock.sleep(max(0.0, (self.next_at - clock.now()).total_seconds()))
            report = await account.engine.run_pass()
            self.reports.append((clock.now(), report))
            await account.review(report.error)
            self.next_at = report.next_at

    async def _offload(self, work: Callable[[], T]) -> T:
        doomed = self.dies_of("work")
        if doomed is None:
            return work()
        if doomed.done:
            work()
        raise KilledError

    def dies_of(self, of: str) -> Doom | None:
        """Count one more of what the process may die of; give its doom if this is the one."""
        doom = self.doom
        if doom is None or doom.of != of:
            return None
        doom.left -= 1
        if doom.left > 0:
            return None
        self.doom = None
        return doom

    def _run(self, deeds: Any) -> None:
        assert self._runner is not None
        try:
            self._runner.run(deeds)
        except KilledError:
            self._die()

    def _die(self) -> None:
        """Let go of what a dead process holds, and write nothing any more."""
        if self.account is not None:
            store = self.account.store
            if store.writer._file is not None:
                store.writer._file.close()
            store.index.db.close()
            store._lock.release()
        self._end()

    def _end(self) -> None:
        assert self._runner is not None
        self._runner.close()
        self.account = self._runner = self.next_at = None
