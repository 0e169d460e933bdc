"""Telling a person: a command of theirs for each condition, and a heartbeat while all is well.

What is told is decided by `news`, which is pure; `Notifier` runs the command, one at a time and
beside the passes, which never wait for it.
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

import structlog

from fitbitd.clock import Clock
from fitbitd.config import NotifySettings
from fitbitd.errors import FitbitdError, OperatorError, TransientError
from fitbitd.health import Condition
from fitbitd.health_codes import Severity
from fitbitd.model import Reply, Request

log = structlog.get_logger()

TOLD_AGAIN_AFTER = timedelta(days=1)

WARNED_AFTER = timedelta(hours=1)
"""A warning is told when it has lasted so long: most of them mend themselves before."""

JOINED_AFTER = timedelta(hours=1)
"""A data type that joins others is told so long after them: many may, one after the other."""

COMMAND_LASTS_S = 30.0

TRIED_AGAIN_AFTER = timedelta(hours=1)
"""A command that failed is run again, for the network may be what is wrong."""

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
        one = _news_of(alike, told.get(code), now)
        if one is not None:
            tell.append(one)
            lasting[code] = (_about(one.change, alike), now)
        elif code in told:
            lasting[code] = told[code]
    over = (one for code, (one, _) in told.items() if all(code != each.code for each in found))
    return (*tell, *(replace(one, change=Change.CLEARED) for one in over)), lasting


def as_told(open_still: Sequence[Condition], told_at: Mapping[str, datetime]) -> Told:
    """Give what an earlier process told of what was open when it ended.

    Args:
        told_at: by code, when it last told of it; what is not in it was never told.
    """
    told: dict[str, tuple[News, datetime]] = {}
    for code, group in groupby(sorted(open_still, key=_code), key=_code):
        if code in told_at:
            at, alike = told_at[code], list(group)
            known = [each for each in alike if each.since <= at]
            told[code] = (_about(Change.RAISED, known or alike), at)
    return told


def _news_of(
    alike: Sequence[Condition], told: tuple[News, datetime] | None, now: datetime
) -> News | None:
    """Give what is to be told of the conditions of one code, if anything is."""
    if told is None:
        return _about(Change.RAISED, alike) if _are_worth_telling(alike, now) else None
    before, at = told
    lasts = _about(Change.LASTS, alike)
    if _is_to_be_told_again(lasts, before, at, now):
        return lasts
    joined = [each for each in alike if each.data_type and each.data_type not in before.data_types]
    if now - at >= JOINED_AFTER and _are_worth_telling(joined, now):
        return _about(Change.RAISED, joined)
    return None


def _about(change: Change, alike: Sequence[Condition]) -> News:
    first = min(alike, key=lambda each: each.since)
    return News(change, first, tuple(str(each.data_type) for each in alike if each.data_type))


def _code(condition: Condition) -> str:
    return condition.code


def _is_to_be_told_again(one: News, before: News, at: datetime, now: datetime) -> bool:
    """Say whether a day has passed, or what was a warning needs a person by now."""
    more_urgent = one.condition.severity is Severity.ERROR is not before.condition.severity
    return more_urgent or abs(now - at) >= TOLD_AGAIN_AFTER  # the clock may have been ahead


def _are_worth_telling(alike: Iterable[Condition], now: datetime) -> bool:
    return any(
        each.severity is Severity.ERROR
        or (each.severity is Severity.WARNING and now - each.since >= WARNED_AFTER)
        for each in alike
    )


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
        self._told: dict[str, Told] = {}
        self._found: dict[str, Sequence[Condition]] = {}
        self._fresh_until: dict[str, datetime | None] = {}
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: set[str] = set()
        self._late: dict[tuple[str, str], tuple[News, datetime]] = {}  # by account and code

    def expect(self, accounts: Collection[str]) -> None:
        """Have the heartbeat wait for exactly these accounts, also for one that never starts."""
        self._fresh_until = {name: self._fresh_until.get(name) for name in accounts}
        self._told = {name: told for name, told in self._told.items() if name in accounts}
        self._found = {name: found for name, found in self._found.items() if name in accounts}
        self._late = {key: late for key, late in self._late.items() if key[0] in accounts}

    def recall(
        self, account: str, open_still: Sequence[Condition], told_at: Mapping[str, datetime]
    ) -> None:
        """Learn what an earlier process told of an account, lest it be told anew."""
        self._told[account] = {**as_told(open_still, told_at), **self._told.get(account, {})}

    def take(
        self, account: str, found: Sequence[Condition], fresh_until: datetime | None
    ) -> Mapping[str, datetime]:
        """Take how an account stands after a pass; what follows happens beside the passes.

        Args:
            fresh_until: until when its data counts as fresh without another look; None: it is not.

        Returns:
            By code, when a person was last told of what is open.
        """
        now = self._clock.now()
        self._found[account] = found
        self._tell_news(account)
        self._fresh_until[account] = fresh_until
        if self.settings.heartbeat_url and all(
            until is not None and now < until for until in self._fresh_until.values()
        ):
            self._begin(self._beat(self.settings.heartbeat_url))
        return self._told_at(account)

    def remind(self) -> Mapping[str, Mapping[str, datetime]]:
        """Tell what time alone makes news: it has lasted long enough, or another day.

        Returns:
            By account what `take` gives, where something was told.
        """
        return {
            account: self._told_at(account) for account in self._found if self._tell_news(account)
        }

    def _told_at(self, account: str) -> Mapping[str, datetime]:
        told = self._told.get(account, {})
        return {code: at for code, (_, at) in told.items() if (account, code) not in self._late}

    async def close(self) -> None:
        """Give what is under way a moment to end."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_ENDS_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _tell_news(self, account: str) -> bool:
        """Tell what is to be told of an account; say whether there was anything."""
        if not self.settings.command:
            return False
        told, found, now = self._told.get(account, {}), self._found[account], self._clock.now()
        due = [key for key, (_, at) in self._late.items() if key[0] == account and at <= now]
        late = [self._late.pop(key)[0] for key in due]
        tell, self._told[account] = news(told, found, now)
        for one in (*late, *tell):
            self._begin(self._tell(one))
        return bool(late or tell)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, one: News) -> None:
        async with self._turn:
            arrived = await self._tried("command", self._run(self.settings.command, one.text))
        if not arrived:
            key = one.condition.account, one.condition.code
            self._late[key] = one, self._clock.now() + TRIED_AGAIN_AFTER

    async def _beat(self, url: str) -> None:
        await self._tried("heartbeat", beat(url, self._send))

    async def _tried(self, way: str, work: Awaitable[None]) -> bool:
        """Say whether news arrived; log the first failure of a way, and its recovery."""
        try:
            await work
        except FitbitdError as err:
            if way not in self._failed:
                log.warning("notify.failed", way=way, detail=str(err))
            self._failed.add(way)
            return False
        if way in self._failed:
            log.info("notify.recovered", way=way)
        self._failed.discard(way)
        return True


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
        OperatorError: it cannot be started.
        TransientError: it took too long, or ended with another code than 0.
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
        raise OperatorError(
            f"{command[0]} cannot be started: {_reason(err)}.\n"
            "Next: correct the command in [notify]"
        ) from err
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


def _reason(err: OSError | ValueError) -> str:
    words = err.strerror if isinstance(err, OSError) else None
    return (words or str(err)).lower()


def _is_public(name: str) -> bool:
    """Say whether a variable may be seen by a command that is not ours."""
    return name != "CREDENTIALS_DIRECTORY" and not name.endswith("CLIENT_SECRET")
