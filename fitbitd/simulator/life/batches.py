"""Points that come together: when they were ready, and how they reach the provider. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fitbitd.simulator.life.values import ms
from fitbitd.simulator.measured import Point
from fitbitd.simulator.wearer import Wearer


@dataclass(frozen=True, slots=True)
class Batch:
    """Some points with one way to the provider.

    Attributes:
        points: as recorded.
        ready_ms: when the watch has them, or the wearer typed them.
        typed: they are with the provider at once, by phone or scale; others wait for a sync.
        wait: what the provider takes after that sync.
    """

    points: tuple[Point, ...]
    ready_ms: int
    typed: bool = False
    wait: timedelta = timedelta()


def seen_ms(wearer: Wearer, batch: Batch) -> int | None:
    """Give the instant from which the provider shows a batch, None for never."""
    if batch.typed:
        return batch.ready_ms
    brought = wearer.brought_at(datetime.fromtimestamp(batch.ready_ms / 1000, UTC))
    return None if brought is None else ms(brought + batch.wait)
