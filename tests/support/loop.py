"""VirtualLoop: an event loop on which days pass in seconds, in the same order each time."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: moves the loop's time to its next timer."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits for something that never comes")
        if not ready and timeout is not None and timeout > 0:
            self.loop.virtual_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time moves only when nothing is left to do, and then at once to the next timer."""

    def __init__(self) -> None:
        self.virtual_s = 0.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # After half a year a nanosecond is less than a float can tell: no timer would ever be due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.virtual_s


class LoopClock:
    """The clock of a VirtualLoop; its wall clock may step."""

    def __init__(self, loop: VirtualLoop, start: str) -> None:
        self._loop = loop
        self._start = datetime.fromisoformat(start).astimezone(UTC)

    def now(self) -> datetime:
        """Give the wall clock, as an aware UTC instant."""
        return self._start + timedelta(seconds=self._loop.virtual_s)

    def monotonic(self) -> float:
        """Give seconds that only ever grow."""
        return self._loop.virtual_s

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass on the loop."""
        await asyncio.sleep(wait_s)

    def move_to(self, loop: VirtualLoop) -> None:
        """Go on with another loop, whose time goes on where the last one ended."""
        self._loop = loop

    def step(self, by: timedelta) -> None:
        """Step the wall clock alone."""
        self._start += by


def run(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on `loop`."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)
