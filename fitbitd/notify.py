"""Telling a person: a command of theirs for each condition, and a heartbeat while all is well.

What is told is decided by `news`, which is pure; `Notifier` runs the command, one at a time and
beside the passes, which never wait for it.
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

import structlog

from fitbitd.clock import Clock
from fitbitd.config import NotifySettings
from fitbitd.errors import FitbitdError, TransientError
from fitbitd.health import Condition
from fitbitd.health_codes import Severity
from fitbitd.model import Reply, Request

log = structlog.get_logger()

TOLD_AGAIN_AFTER = timedelta(days=1)

WARNED_AFTER = timedelta(hours=1)
"""A warning is told when it has lasted so long: most of them mend themselves before."""

COMMAND_LASTS_S = 30.0

_ENDS_WITHIN_S = 2.0


class Change(StrEnum):
    """What happened to a condition."""

    RAISED = "raised"
    LASTS = "lasts"
    CLEARED = "cleared"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell.

    Attributes:
        data_types: those that the condition is about; empty where it is about the account.
    """

    change: Change
    condition: Condition
    data_types: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Give it as the JSON object that the command gets."""
        condition = self.condition
        return json.dumps(
            {
                "account": condition.account,
                "code": condition.code,
                "severity": condition.severity,
                "change": self.change,
                "since": condition.since.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "summary": condition.summary,
                "meaning": condition.meaning,
                "next": condition.next,
                "data_types": self.data_types,
            },
            ensure_ascii=False,
        )


Told = Mapping[str, tuple[News, datetime]]
"""By code: what was told last of a condition that lasts, and when."""


def news(told: Told, found: Sequence[Condition], now: datetime) -> tuple[tuple[News, ...], Told]:
    """Say what is to be told of one account, and what is told then.

    What is wrong with many data types alike is one piece of news.

    Args:
        told: as the last call gave it.
        found: every condition of the account.
        now: aware UTC.
    """
    lasting: dict[str, tuple[News, datetime]] = {}
    tell: list[News] = []
    for code, group in groupby(sorted(found, key=_code), key=_code):
        alike = list(group)
        first = min(alike, key=lambda each: each.since)
        about = tuple(str(each.data_type) for each in alike if each.data_type)
        if code in told:
            before, at = told[code]
            again = now - at >= TOLD_AGAIN_AFTER
            one = News(Change.LASTS, first, about)
            tell += [one] if again else []
            lasting[code] = (one, now) if again else (before, at)
        elif _is_worth_telling(first, now):
            one = News(Change.RAISED, first, about)
            tell.append(one)
            lasting[code] = (one, now)
    over = (one for code, (one, _) in told.items() if all(code != each.code for each in found))
    return (*tell, *(replace(one, change=Change.CLEARED) for one in over)), lasting


def as_told(found: Sequence[Condition], at: datetime) -> Told:
    """Give what was worth telling at an instant, as if it had been told then."""
    return news({}, [each for each in found if each.since < at], at)[1]


def _code(condition: Condition) -> str:
    return condition.code


def _is_worth_telling(condition: Condition, now: datetime) -> bool:
    if condition.severity is Severity.WARNING:
        return now - condition.since >= WARNED_AFTER
    return condition.severity is Severity.ERROR


Run = Callable[[Sequence[str], str], Awaitable[None]]
Send = Callable[[Request], Awaitable[Reply]]


class Notifier:
    """Tells the news of all accounts, and sends the heartbeat."""

    def __init__(self, settings: NotifySettings, clock: Clock, send: Send, run: Run) -> None:
        """Prepare; nothing is told before the first `take`.

        Args:
            send: asks an address; the heartbeat's.
            run: runs the command with a text on its stdin.
        """
        self.settings = settings
        self._clock = clock
        self._send = send
        self._run = run
        self._began_at = clock.now()
        self._told: dict[str, Told] = {}
        self._fresh: dict[str, bool] = {}
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: set[str] = set()

    def expect(self, accounts: Collection[str]) -> None:
        """Have the heartbeat wait for exactly these accounts, also for one that never starts."""
        self._fresh = {name: self._fresh.get(name, False) for name in accounts}
        self._told = {name: told for name, told in self._told.items() if name in self._fresh}

    def take(self, account: str, found: Sequence[Condition], *, fresh: bool) -> None:
        """Take how an account stands after a pass; what follows happens beside the passes.

        Args:
            fresh: nothing that should be there by now is missing.
        """
        now = self._clock.now()
        # A restart tells nothing anew: what was wrong before it was told before it.
        before = self._told.get(account)
        if before is None:
            before = as_told(found, self._began_at)
        tell, self._told[account] = news(before, found, now)
        self._fresh[account] = fresh
        if self.settings.command:
            for one in tell:
                self._begin(self._tell(one))
        if self.settings.heartbeat_url and all(self._fresh.values()):
            self._begin(self._beat(self.settings.heartbeat_url))

    async def close(self) -> None:
        """Give what is under way a moment to end."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_ENDS_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, one: News) -> None:
        async with self._turn:
            await self._tried("command", self._run(self.settings.command, one.text))

    async def _beat(self, url: str) -> None:
        await self._tried("heartbeat", beat(url, self._send))

    async def _tried(self, way: str, work: Awaitable[None]) -> None:
        """Log the first failure of a way, and its recovery."""
        try:
            await work
        except FitbitdError as err:
            if way not in self._failed:
                log.warning("notify.failed", way=way, detail=str(err))
            self._failed.add(way)
        else:
            if way in self._failed:
                log.info("notify.recovered", way=way)
            self._failed.discard(way)


async def beat(url: str, send: Send) -> None:
    """Ask the heartbeat's address.

    Raises:
        FitbitdError: it was not reached, or did not answer well.
    """
    reply = await send(Request("GET", url))
    if reply.status >= 400:  # noqa: PLR2004 - from there on HTTP says no
        raise TransientError(f"the heartbeat's address answered {reply.status}")


async def run_command(command: Sequence[str], text: str) -> None:
    """Run a command with a text on stdin, for half a minute at most; no shell sees any of it.

    What it says on stderr stands beside our own words, in the journal as a rule.

    Raises:
        TransientError: it cannot be started, took too long, or ended with another code than 0.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # so that all that it started can be ended with it
            env={name: value for name, value in os.environ.items() if _is_public(name)},
        )
    except (OSError, ValueError) as err:
        raise TransientError(f"{command[0]} cannot be started: {err}") from err
    try:
        async with asyncio.timeout(COMMAND_LASTS_S):
            await process.communicate(text.encode())
    except TimeoutError:
        raise TransientError(f"{command[0]} took more than {COMMAND_LASTS_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise TransientError(f"{command[0]} ended with {process.returncode}")


def _is_public(name: str) -> bool:
    """Say whether a variable may be seen by a command that is not ours."""
    return name != "CREDENTIALS_DIRECTORY" and not name.endswith("CLIENT_SECRET")
