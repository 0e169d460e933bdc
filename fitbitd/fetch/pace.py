"""How fast requests follow one another, where a provider counts them by the second."""

from fitbitd.clock import Clock

BURST = 4
"""So many may go at once after a while without any."""


class Pace:
    """A bucket of turns that fills evenly.

    It is empty at first: a process that is started again and again gains nothing by it.
    """

    def __init__(self, clock: Clock, requests_per_s: float) -> None:
        self._clock = clock
        self._per_s = requests_per_s
        self._turns = 0.0
        self._at_s = clock.monotonic()

    async def wait(self) -> None:
        """Wait for the next turn, which is taken at once: who waits later waits longer."""
        now_s = self._clock.monotonic()
        filled = self._turns + (now_s - self._at_s) * self._per_s
        self._turns, self._at_s = min(filled, BURST) - 1.0, now_s
        if self._turns < 0:
            await self._clock.sleep(-self._turns / self._per_s)
