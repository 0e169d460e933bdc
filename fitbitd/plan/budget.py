"""What the quota lets a pass spend, and the reserve that history leaves to live polling. Pure."""

from dataclasses import dataclass
from datetime import datetime

from fitbitd.model import Quota
from fitbitd.plan.ledger import believed

UNSAID_REQUESTS = 30
"""What a pass may spend where neither provider nor catalogue says more; a 429 will say it."""

UNSAID_RESERVE = 10
"""Of a larger allowance, this is kept for live polling."""

RESERVE_SHARE = 5
"""One request in five of the quota is kept for live polling: four passes an hour of six each."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests a pass may send: `live` in all, `history` of them for backfill."""

    live: int
    history: int


def allowance(quota: Quota | None, now: datetime, requests: int = UNSAID_REQUESTS) -> Allowance:
    """Divide what is left between live polling and history.

    Args:
        quota: as the provider last said it, None if it never did; past its renewal all is left.
        now: aware UTC.
        requests: what a pass may spend while the provider does not say what is left.
    """
    if quota is None or not believed(quota.renews_at, now):
        reserve = UNSAID_RESERVE if requests > UNSAID_REQUESTS else requests - requests // 2
        return Allowance(requests, requests - reserve)
    left = quota.limit if now >= quota.renews_at else quota.left
    return Allowance(max(0, left), max(0, left - quota.limit // RESERVE_SHARE))
