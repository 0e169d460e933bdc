"""Plans as tests look at them."""

from datetime import datetime

from fitbitd.model import Pull
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import plan


def chosen(wants: Wants, ledger: Ledger, now: datetime, allowed: Allowance) -> tuple[Pull, ...]:
    """Give the pulls of a plan, without what they cost and what waits."""
    return tuple(each.pull for each in plan(wants, ledger, now, allowed).chosen)
