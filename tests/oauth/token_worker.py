"""One process that uses a token file against a token server, as a daemon would.

Prints one JSON line at its end: requests made, errors, the longest wait for a token, and for how
long the event loop was blocked. Kills itself at the point that `--kill` names.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import structlog

from fitbitd.clock import SystemClock, Threads
from fitbitd.errors import FitbitdError, TransientError
from fitbitd.model import AccountName, Reply, Request
from fitbitd.oauth.grant import FITBIT, App, Client, Endpoints
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.token_file import TokenFile, TokenLock

CLOCK = SystemClock()
TICK_S = 0.01


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalFile(TokenFile):
    """Dies once the answer stands in its temporary file, or under its final name."""

    def __init__(self, path: Path, kill: str) -> None:
        super().__init__(path)
        self._kill = kill

    def _overwrite(self, path: Path, content: bytes) -> None:
        super()._overwrite(path, content)
        if self._kill == "after temporary file" and path == self._room and content.strip():
            die()

    def _publish(self, temporary: Path) -> None:
        super()._publish(temporary)
        if self._kill == "after rename" and temporary == self._room:
            die()


@dataclass
class Wire:
    """Speaks HTTP on a thread, and dies around the POST if told to."""

    threads: Threads
    kill: str

    async def __call__(self, request: Request) -> Reply:
        if self.kill == "before POST":
            die()
        reply = await self.threads(lambda: _speak(request))
        if self.kill == "after POST":
            die()
        return reply


def _speak(request: Request) -> Reply:
    body = urlencode(request.form).encode() if request.form else None
    asked = urllib.request.Request(  # noqa: S310 (the test's own server, on loopback)
        request.url, body, dict(request.headers), method=request.method
    )
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 (the same)
            return Reply(answer.status, {}, answer.read(), CLOCK.now())
    except urllib.error.HTTPError as err:
        return Reply(err.code, {}, err.read(), CLOCK.now())
    except OSError as err:
        raise TransientError(f"no answer: {err}") from err


@dataclass
class Diary:
    """What this process has to tell."""

    requests: int = 0
    errors: list[str] = field(default_factory=list)
    longest_wait_s: float = 0.0
    longest_block_s: float = 0.0

    async def watch_the_loop(self) -> None:
        """Measure how late each tick comes, less the time in which others had the processor."""
        while True:
            began, queued_s = CLOCK.monotonic(), _queued_s()
            await CLOCK.sleep(TICK_S)
            late_s = CLOCK.monotonic() - began - TICK_S - (_queued_s() - queued_s)
            self.longest_block_s = max(self.longest_block_s, late_s)


def _queued_s() -> float:
    """Give the seconds that this thread was ready and had to wait for a processor."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


async def collect(keeper: Keeper, wire: Wire, base: str, until: float, diary: Diary) -> None:
    while CLOCK.monotonic() < until:
        began = CLOCK.monotonic()
        try:
            access = await keeper.bearer()
            headers = (("authorization", f"Bearer {access}"),)
            reply = await wire(Request("GET", f"{base}/data", headers))
            diary.errors += [str(reply.status)] if reply.status != 200 else []
            diary.requests += 1
        except FitbitdError as err:
            diary.errors.append(f"{type(err).__name__}: {err}")
        diary.longest_wait_s = max(diary.longest_wait_s, CLOCK.monotonic() - began)
        await CLOCK.sleep(0.05)


async def work(options: argparse.Namespace) -> Diary:
    threads, diary, secrets = Threads(4), Diary(), set[str]()
    wire = Wire(threads, options.kill)
    keeper = Keeper(
        account=AccountName("alice"),
        app=App(FITBIT, Client("23XXXX", "s"), Endpoints("", f"{options.base}/token", "")),
        file=MortalFile(options.folder / "token.json", options.kill),
        lock=TokenLock(options.folder / "token.lock", CLOCK, threads),
        send=wire,
        clock=CLOCK,
        offload=threads,
        learn_secret=secrets.add,
    )
    ticker = asyncio.create_task(diary.watch_the_loop())
    until = CLOCK.monotonic() + options.seconds
    plain = Wire(threads, "")  # only the token request is a place to die
    await collect(keeper, plain, options.base, until, diary)
    ticker.cancel()
    threads.close()
    return diary


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("base")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--kill", default="")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.stdout.write(json.dumps(asyncio.run(work(parser.parse_args())).__dict__))


if __name__ == "__main__":
    main()
