"""How much of history is there, and how much is left to ask. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fitbitd.model import DataType, DataTypeName
from fitbitd.plan.cadence import Wants
from fitbitd.plan.cost import pages, points_a_day
from fitbitd.plan.history import Because, has_history, last_day
from fitbitd.plan.ledger import Ledger, TypeLedger
from fitbitd.plan.scene import Scene
from fitbitd.plan.windows import DAY, Run, days_a_pull, unread


@dataclass(frozen=True, slots=True)
class History:
    """How far history is.

    Attributes:
        first: the first day that is wanted of most data types; those that are asked by the season
            go back to `wanted` whatever is there.
        because: why it is that one.
        wanted: the first day that the settings want.
        requests_left: what the rest is expected to cost.
        requests: what all of it is expected to cost.
        days_left: days that were never read, by data type; those with none are left out.
    """

    first: date
    because: Because
    wanted: date
    requests_left: int
    requests: int
    days_left: Mapping[DataTypeName, int]

    @property
    def done(self) -> bool:
        """Say whether nothing is left to ask."""
        return not self.days_left

    @property
    def share(self) -> float:
        """Give how much is done, from 0 to 1, by what it costs to ask."""
        return 1.0 if self.done else 1 - self.requests_left / self.requests


def history(wants: Wants, ledger: Ledger, now: datetime) -> History | None:
    """Say how far history is, None where none is wanted.

    Data types that the provider refuses are left out: nothing is known of what they would cost.
    """
    scene = Scene(wants, ledger, now)
    floor = scene.floor
    if floor is None:
        return None
    requests = requests_left = 0
    days_left: dict[DataTypeName, int] = {}
    for data_type in wants.data_types:
        if not has_history(data_type) or scene.blocked(data_type, None):
            continue
        known = ledger.of(data_type.name)
        whole = scene.horizon(data_type), last_day(data_type, ledger, now)
        left = list(unread(known, *whole))
        requests += _cost([whole], data_type, known)
        requests_left += _cost(left, data_type, known)
        if left:
            days_left[data_type.name] = sum(_days(run) for run in left)
    requests = max(requests, requests_left)  # many small holes cost more than one large
    return History(floor.first, floor.because, floor.wanted, requests_left, requests, days_left)


def _cost(asked: list[Run], data_type: DataType, known: TypeLedger) -> int:
    """Estimate the requests for some runs of days."""
    step, a_day = days_a_pull(data_type, known), points_a_day(data_type, known)
    return sum(
        max(-(-days // step), pages(days * a_day, data_type, known))
        for days in map(_days, asked)
        if days
    )


def _days(run: Run) -> int:
    return max(0, (run[1] - run[0]) // DAY + 1)
