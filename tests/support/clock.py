"""FakeClock: time that moves when a test says so."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A wall clock and a monotonic one that only `sleep` and `advance` move.

    Attributes:
        slept: every wait that was asked for, in seconds.
    """

    def __init__(self, now: str = "2026-03-01T10:40:00+00:00") -> None:
        self._now = datetime.fromisoformat(now).astimezone(UTC)
        self._monotonic = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Give the wall clock, as an aware UTC instant."""
        return self._now

    def monotonic(self) -> float:
        """Give seconds that only ever grow."""
        return self._monotonic

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds pass at once."""
        self.slept.append(wait_s)
        self.advance(wait_s)

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Step the wall clock alone, as a time server or a battery does."""
        self._now += timedelta(seconds=seconds)
