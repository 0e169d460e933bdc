"""How long history still takes: by the pace that was measured, and never faster than allowed. Pure.

A pass may send a hundred requests within a minute and then wait for an hour, so what was measured
over a short time says too much: the provider's limits are reckoned with all the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from fitbitd.model import Quota
from fitbitd.plan.budget import allowance

MEASURED_OVER = timedelta(hours=2)
"""Longer than any quota takes to renew, and short enough to forget how it went yesterday."""

LEAST_MEASURED = 10
"""Fewer requests than this tell nothing about a pace."""

RENEWS_EVERY = timedelta(hours=1)
"""How often a quota renews, where there is one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast history came lately: so many requests, waits included."""

    requests: int
    lasted: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """What the provider lets us send.

    Attributes:
        quota: as the provider last said it.
        requests_per_s: no more are sent, on average; None where replies say what is left.
        held_until: nothing is sent before it.
    """

    quota: Quota | None = None
    requests_per_s: float | None = None
    held_until: datetime | None = None


def eta(requests: int, now: datetime, measured: Pace | None, limits: Limits) -> timedelta | None:
    """Say how long so many requests for history take, None if nothing tells.

    Args:
        measured: of the history pulls of the last `MEASURED_OVER`, None without any.
    """
    quota, requests_per_s, held_until = limits.quota, limits.requests_per_s, limits.held_until
    held = timedelta() if held_until is None else max(held_until - now, timedelta())
    found: list[timedelta] = []
    if measured is not None and measured.requests >= LEAST_MEASURED:
        found.append(held + measured.lasted / measured.requests * requests)
    if requests_per_s is not None:
        found.append(held + timedelta(seconds=requests / requests_per_s))
    if quota is not None:
        found.append(max(held, _by_quota(requests, quota, now)))
    return max(found, default=None)


def _by_quota(requests: int, quota: Quota, now: datetime) -> timedelta:
    """Say after which renewal of the quota the last of so many requests may be sent."""
    beyond = requests - allowance(quota, now).history
    if beyond <= 0:
        return timedelta()
    fresh = Quota(quota.limit, quota.limit, now + RENEWS_EVERY)
    renewals = ceil(beyond / max(1, allowance(fresh, now).history))
    first = quota.renews_at - now if now < quota.renews_at else RENEWS_EVERY
    return first + (renewals - 1) * RENEWS_EVERY
