"""How far history has come, and how long it still takes, in words."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from fitbitd.assembly import AccountParts
from fitbitd.commands import words
from fitbitd.plan.cadence import Wants
from fitbitd.plan.eta import Limits, Pace, eta
from fitbitd.plan.gaps import Look
from fitbitd.plan.history import Because, has_history, last_day
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.progress import History, history
from fitbitd.plan.scene import Scene
from fitbitd.plan.windows import DAY, unread


@dataclass(frozen=True, slots=True)
class Progress:
    """History, and how long the rest of it takes at the pace that was measured; None: unknown."""

    history: History | None
    eta: timedelta | None = None

    @property
    def share(self) -> float:
        """Give how much is done, from 0 to 1."""
        return 1.0 if self.history is None else self.history.share

    @property
    def done(self) -> bool:
        """Say whether nothing of it is left."""
        return self.history is None or self.history.done


def granted_wants(account: AccountParts, ledger: Ledger, granted: Collection[str]) -> Wants:
    """Give what an account wants of what its consent grants, as the provider taught to ask it.

    Args:
        granted: the scopes of the consent; empty if that is not known.
    """
    wants, provider, look = account.wants, account.provider(), Look(granted)
    types = (provider.adapted(one, ledger.lessons) for one in wants.data_types if look.grants(one))
    return replace(wants, data_types=tuple(types))


def progress_of(
    account: AccountParts,
    ledger: Ledger,
    measured: Pace | None,
    granted: Collection[str],
    now: datetime,
) -> Progress:
    """Work out how far the history of an account has come."""
    found = history(granted_wants(account, ledger, granted), ledger, now)
    if found is None:
        return Progress(None)
    limits = Limits(ledger.quota, account.kit.requests_per_s, ledger.throttled_until)
    left = eta(found.requests_left, now, measured, limits)
    return Progress(found, left)


def full_since(account: AccountParts, ledger: Ledger, now: datetime) -> date | None:
    """Give the day since which everything that is past was read, None before there is one."""
    wants = account.wants
    scene = Scene(wants, ledger, now)
    since = None
    for one in wants.data_types:
        if not has_history(one) or scene.blocked(one, None) or ledger.of(one.name).untouched:
            continue
        last, horizon = last_day(one, ledger, now), scene.horizon(one)
        *_, newest = horizon - DAY, *(end for _, end in unread(ledger.of(one.name), horizon, last))
        since = newest + DAY if since is None else max(since, newest + DAY)
    return since


def history_line(progress: Progress) -> str:
    """Say how far back the data goes, or is to go, and why no farther."""
    found = progress.history
    if found is None:
        return "history: the configuration asks for none; see backfill_from, or backfill"
    why = reason(found)
    if progress.done:
        return f"history: all of it is here, since {found.first}, {why}"
    left = "" if progress.eta is None else f", {words.about(progress.eta)} to go"
    return f"history: {words.percent(found.share)}{left}; it goes back to {found.first}, {why}"


def reason(found: History, asked_by: str = "as backfill_from says") -> str:
    """Say why history goes back to the day that it does."""
    match found.because:
        case Because.BACKFILL_FROM:
            return asked_by
        case Because.MEMBER_SINCE:
            return "for the account began then"
        case Because.NOTHING_BEFORE:
            return "for nothing was found before"
