"""What the quota lets a pass spend, and the reserve that history leaves to live polling. Pure."""

from dataclasses import dataclass
from datetime import datetime

from fitbitd.model import Quota
from fitbitd.plan.ledger import believed

UNSAID_REQUESTS = 30
"""What a pass may spend while the provider has not said what is left; a 429 will say it."""

RESERVE_SHARE = 5
"""One request in five of the quota is kept for live polling: four passes an hour of six each."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests a pass may send: `live` in all, `history` of them for backfill."""

    live: int
    history: int


def allowance(quota: Quota | None, now: datetime) -> Allowance:
    """Divide what is left between live polling and history.

    Args:
        quota: as the provider last said it, None if it never did; past its renewal all is left.
        now: aware UTC.
    """
    if quota is None or not believed(quota.renews_at, now):
        return Allowance(UNSAID_REQUESTS, UNSAID_REQUESTS // 2)
    left = quota.limit if now >= quota.renews_at else quota.left
    return Allowance(max(0, left), max(0, left - quota.limit // RESERVE_SHARE))
