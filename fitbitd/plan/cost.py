"""What a pull is expected to cost, by what was seen of its data type. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, Pull, Window
from fitbitd.plan.ledger import TypeLedger
from fitbitd.plan.windows import DAY, POINTS_A_PAGE

_EXACTLY = 1e-9  # so much more than a full page is a rounding error


@dataclass(frozen=True, slots=True)
class Planned:
    """A pull, and what it is expected to cost.

    Attributes:
        requests: one for each page, one at least.
        points: of what has been lived of its window.
    """

    pull: Pull
    requests: int
    points: int


def priced(pull: Pull, data_type: DataType, known: TypeLedger, now: datetime) -> Planned:
    """Give a pull with what it is expected to cost: a snapshot and a file are one request each."""
    days = 0.0 if pull.window is None else _lived(pull.window, pull.zone, now) / DAY
    points = days * points_a_day(data_type, known)
    return Planned(pull, max(1, pages(points, data_type, known)), round(points))


def points_a_day(data_type: DataType, known: TypeLedger) -> float:
    """Give how many points a day has, by the catalogue before any was seen."""
    return data_type.expected_a_day if known.points_a_day is None else known.points_a_day


def pages(points: float, data_type: DataType, known: TypeLedger) -> int:
    """Count the pages of so many points.

    Of which the catalogue expects no number, a window is one page as long as no second one came.
    """
    room = known.points_a_page or (POINTS_A_PAGE if data_type.expected_a_day else None)
    return ceil(points / room - _EXACTLY) if room else 1


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is chosen, what waits, and how many requests are left."""

    chosen: tuple[Planned, ...]
    waiting: tuple[Planned, ...]
    left: int


def fitted(wanted: Iterable[Planned], left: int, budget: int) -> Fitted:
    """Choose what fits, in order: what does not is passed over for what comes after it.

    A pull that no budget of this size could hold (a single day of many pages) is begun with
    whatever is left, for else it would wait for ever; nothing follows it.

    Args:
        left: requests that may be spent now.
        budget: of which they are what is left.
    """
    chosen: list[Planned] = []
    waiting: list[Planned] = []
    for each in wanted:
        if each.requests <= left or (left > 0 and each.requests > budget):
            chosen.append(each)
            left = max(0, left - each.requests)
        else:
            waiting.append(each)
    return Fitted(tuple(chosen), tuple(waiting), left)


def _lived(window: Window, zone: str, now: datetime) -> timedelta:
    """Give how much of a window is not in the future."""
    clock = now.astimezone(UTC if window.axis is Axis.INSTANT else ZoneInfo(zone))
    if window.axis is not Axis.INSTANT:
        clock = clock.replace(tzinfo=None)
    return max(timedelta(0), min(window.end, clock) - window.start)
