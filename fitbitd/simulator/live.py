"""Simulations that run in real time: a clock that can be set, and a wearer with a history."""

from datetime import datetime, timedelta

from fitbitd.clock import Clock
from fitbitd.simulator.civil import civil_day
from fitbitd.simulator.syncs import RegularSyncs
from fitbitd.simulator.wearer import Wearer


class OffsetClock:
    """Another clock's time, ahead of it by what was ordered."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset_s = 0.0

    def now(self) -> datetime:
        """Give the wall clock, as an aware UTC instant."""
        return self._base.now() + timedelta(seconds=self._offset_s)

    def monotonic(self) -> float:
        """Give seconds that only ever grow; setting the clock does not touch them."""
        return self._base.monotonic()

    async def sleep(self, wait_s: float) -> None:
        """Let `wait_s` seconds of the other clock pass."""
        await self._base.sleep(wait_s)

    def set_offset(self, offset_s: float) -> None:
        """Be `offset_s` seconds ahead of the other clock."""
        self._offset_s = offset_s

    def advance(self, by_s: float) -> None:
        """Jump `by_s` seconds ahead of now."""
        self._offset_s += by_s


def live_wearer(
    clock: Clock,
    *,
    seed: int = 1,
    zone: str = "Europe/Berlin",
    history_days: int = 400,
    sync_every_s: int = 900,
) -> Wearer:
    """Make a wearer who lives now, began `history_days` ago and syncs every few seconds."""
    today = civil_day(clock.now().timestamp(), zone)
    phase_s = 7 if sync_every_s > 7 else 0  # noqa: PLR2004 - a phase is less than its period
    return Wearer(
        seed=seed,
        zone=zone,
        member_since=today - timedelta(days=history_days),
        syncs=RegularSyncs(sync_every_s, phase_s),
    )
