"""A year of a wearer and their machine in which everything happens that may."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from fitbitd.config import AccountSettings
from fitbitd.simulator import Fault, FitbitSettings, ListedSyncs, Wearer
from fitbitd.simulator.civil import days_between
from fitbitd.simulator.faults import FaultKind
from fitbitd.simulator.orders import Trip
from tests.support.fitbit_rows import NAMES
from tests.support.household import (
    ALL_TYPES,
    GOOGLE_TYPES,
    Household,
    account_settings,
    google_account,
)

START = datetime(2027, 2, 10, 12, 7, tzinfo=UTC)
END = START + timedelta(days=365)
FIRST = date(2027, 1, 29)
"""The account began some days before, and its history is asked for."""
BACKFILL_FROM = FIRST - timedelta(days=5)
POLL_EVERY, SELDOM = timedelta(hours=107), timedelta(hours=239)
"""What comes from the watch is read after its syncs, and seldom besides."""
MIDNIGHTS = frozenset(at + near for at in (0, 60, 120, 24 * 60) for near in range(-3, 3))
"""Minutes of Berlin's day: about its own midnights, and UTC's in winter and in summer."""
WORN = MIDNIGHTS | {*range(17 * 60, 17 * 60 + 40)}
"""About midnight, and when people run."""

UNSYNCED = (datetime(2027, 4, 19, tzinfo=UTC), datetime(2027, 4, 26, tzinfo=UTC))
HOLIDAY = (datetime(2027, 5, 6, tzinfo=UTC), datetime(2027, 5, 26, tzinfo=UTC))
"""Without the phone, and so long that days settle by their age, and are opened by the next sync."""
REPLACED = datetime(2027, 6, 16, 9, 0, 40, tzinfo=UTC)
LAST_SEEN = (REPLACED - timedelta(days=5), REPLACED)
"""Longer than between two polls: the last sync of the old watch is seen before it is gone."""
UNREACHABLE = (datetime(2027, 8, 3, tzinfo=UTC), datetime(2027, 8, 10, tzinfo=UTC))
OFF = (datetime(2027, 11, 15, 8, tzinfo=UTC), datetime(2027, 11, 22, 8, tzinfo=UTC))
"""Three outages of a week: the watch and its phone, the provider, our machine."""

EDITED = date(2027, 3, 4), datetime(2027, 4, 22, tzinfo=UTC)
"""A night that is final by then is corrected: only a look back finds it."""

QUIET = END - timedelta(days=15)
"""From then on nothing syncs and nothing fails: what came last appears, and what is looked at most
seldom, `SELDOM` and a poll apart, is looked at once more."""

AWAY = Trip(
    "Australia/Sydney",
    datetime(2027, 9, 28, 6, tzinfo=UTC),  # its clocks go forward on the 3rd of October
    datetime(2027, 10, 9, 6, tzinfo=UTC),
)
_GAPS_H = (3, 13, 58, 118, 160, 220, 270)
_KINDS: tuple[tuple[FaultKind, float], ...] = (
    ("reset", 0.012),
    ("cut", 0.012),
    ("json_error", 0.012),
    ("html", 0.010),
    ("throttle", 0.004),
)
TROUBLE = tuple(Fault(kind=kind, chance=chance, count=None) for kind, chance in _KINDS)
"""Five requests in a hundred fail."""


def syncs() -> Iterator[datetime]:
    """Give syncs at random, hours or days apart, and none in the pauses."""
    rng = Random("a watch that syncs")
    at = datetime(2027, 1, 29, 18, 0, 20, tzinfo=UTC)
    while at < QUIET:
        if not any(begins <= at < ends for begins, ends in (UNSYNCED, HOLIDAY, LAST_SEEN)):
            yield at
        at += timedelta(seconds=rng.choice(_GAPS_H) * 3600 + rng.randrange(-3600, 3600))


SYNCED_AGAIN = next(at for at in syncs() if at >= HOLIDAY[1])


def late(topic: str, one_in: int, most_h: int) -> dict[date, timedelta]:
    """Give single days whose values appear hours after the sync that brought them."""
    rng = Random(topic)
    days = days_between(FIRST, END.date())
    return {
        day: timedelta(hours=rng.randrange(2, most_h)) for day in days if not rng.randrange(one_in)
    }


def wearer(**changes: Any) -> Wearer:
    """Make the wearer, whose watch is on the wrist for a few hours a day."""
    return Wearer(
        seed=5,
        member_since=FIRST,
        syncs=ListedSyncs(syncs()),
        publish_after=timedelta(minutes=40),
        publish_late=late("nights", 4, 20),
        processed_after=timedelta(hours=3),
        daily_late=late("days", 4, 20),
        days_off=frozenset({date(2027, 3, 14), date(2027, 7, 1), date(2027, 7, 2)}),
        replaced_at=REPLACED,
        worn_minutes=WORN,
        enough_for_resting=30,
        intervals_s=(120, 180, 240),
        sleep_samples_apart=10,
        **changes,
    )


def at_google(state_dir: Path) -> Household:
    """Make the household of an account at Google."""
    poll = dict.fromkeys(GOOGLE_TYPES, SELDOM)
    account = google_account(backfill_from=BACKFILL_FROM, poll_every=POLL_EVERY, poll=poll)
    return _household(state_dir, wearer(trips=(AWAY,), has_scale=True), account)


def at_fitbit(state_dir: Path) -> Household:
    """Make the household of an account at the legacy provider."""
    account = account_settings(
        backfill_from=BACKFILL_FROM,
        poll_every=POLL_EVERY,
        poll=dict.fromkeys(NAMES, SELDOM),
        data_types=(*ALL_TYPES, *NAMES),
    )
    return _household(state_dir, wearer(has_scale=True), account)


def _household(state_dir: Path, whose: Wearer, account: AccountSettings) -> Household:
    fitbit = FitbitSettings(list_page=20)  # pages follow on one another
    home = Household(state_dir, START.isoformat(), whose, fitbit, accounts=(account,))
    edited = next(log for log in whose.recorded(EDITED[0]) if log.main)
    whose.edit_sleep(edited.log_id, at=EDITED[1], cut_minutes=20)
    faults = home.simulator.faults
    # Nothing takes effect meanwhile: a refresh whose answer is lost for a week would end the grant.
    gone = (
        Fault(kind="html", chance=0.5, count=None),
        Fault(kind="timeout", processed=False, count=None),
    )

    def fail() -> None:
        faults.clear()
        faults.add(*gone)

    def recover() -> None:
        faults.clear()
        faults.add(*TROUBLE)

    faults.add(*TROUBLE)
    home.at += [(UNREACHABLE[0], fail), (UNREACHABLE[1], recover), (QUIET, faults.clear)]
    return home
