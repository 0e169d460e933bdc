"""Time and blocking work, handed in: nobody else reads the time, sleeps or starts threads."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """What a module may ask of time."""

    def now(self) -> datetime:
        """Give the wall clock, as an aware UTC instant. It may step; never measure with it."""

    def monotonic(self) -> float:
        """Give seconds from an arbitrary start that only ever grow."""

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass."""


class Offload(Protocol):
    """Where blocking work (files, SQLite) runs, so that the event loop never waits for a card."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work` elsewhere and give back what it returns or raise what it raises."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Give the wall clock, as an aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds from an arbitrary start that only ever grow."""
        return time.monotonic()

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass on the event loop."""
        await asyncio.sleep(wait_s)


class Threads:
    """Blocking work on a few threads."""

    def __init__(self, workers: int = 4) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="fitbitd")

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread of the pool; a caller that is cancelled waits for its end.

        Otherwise whoever cleans up after the cancelled caller would meet the work still going on.
        """
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()  # looked at, so that asyncio does not report it as forgotten
            raise

    def close(self) -> None:
        """Wait for the work that is under way; take no more."""
        self._pool.shutdown(wait=True)


class UnwantedError(Exception):
    """Nobody waits for this work any more: what it has begun is taken back."""


GoOn = Callable[[], None]
"""Called between the pieces of long work; raises UnwantedError once nobody waits for it."""


def always() -> None:
    """Go on, whatever happens."""


def while_awaited() -> GoOn:
    """Have work elsewhere go on until the task that calls this, and waits for it, is cancelled."""
    task = asyncio.current_task()

    def go_on() -> None:
        if task is not None and task.cancelling():
            raise UnwantedError

    return go_on


async def inline(work: Callable[[], T]) -> T:
    """Run `work` where it stands: for tests on a deterministic loop."""
    return work()
