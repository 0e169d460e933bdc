"""How far back history goes: no farther than the account does, as soon as that is known. Pure.

Nothing of it is stored: it follows from the ledger, so that a kill at any moment loses nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, Cadence, DataType
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.windows import DAY, unread

EARLIEST = date(2000, 1, 2)
"""No watch measured before it; replies are believed from 2000 on, a night begins the day before."""

WIDE = 90 * DAY
"""A data type asked in windows as long as this is read down to the first day that is wanted: an
empty year costs few requests, and shows that there is none."""

MARGIN = DAY
"""Before the day that an account is said to begin with: that was one of some other calendar."""

SPARSE = 31 * DAY
"""So far before the first values the others are read, once the wide data types have none there."""

UNSEEN = 366 * DAY
"""The same where no wide data type is collected whose days could speak for the others."""


class Because(StrEnum):
    """Why history goes back to the day that it does."""

    BACKFILL_FROM = "backfill_from"  # the settings say so
    MEMBER_SINCE = "member_since"  # the account began then
    NOTHING_BEFORE = "nothing_before"  # a long time before the first values is empty


@dataclass(frozen=True, slots=True)
class Floor:
    """Where history ends.

    Attributes:
        wanted: the first day that the settings want; wide data types are read down to it.
        first: the first day of all others, and why.
    """

    wanted: date
    first: date
    because: Because

    def of(self, data_type: DataType) -> date:
        """Give the first day, by the wearer's calendar, that is wanted of a data type."""
        return self.wanted if wide(data_type) else self.first


def floor(wants: Wants, ledger: Ledger, now: datetime) -> Floor | None:
    """Work out where history ends, None where none is wanted."""
    if wants.backfill_from is None:
        return None
    wanted = max(wants.backfill_from, EARLIEST)
    first, because = _began(wants, ledger, wanted, now) or (wanted, Because.BACKFILL_FROM)
    if first <= wanted:
        return Floor(wanted, wanted, Because.BACKFILL_FROM)
    return Floor(wanted, first, because)


def has_history(data_type: DataType) -> bool:
    """Say whether past days are collected; what only checks another data type has none."""
    return data_type.axis is not None and data_type.checks is None


def wide(data_type: DataType) -> bool:
    """Say whether one request for a data type spans a season."""
    return has_history(data_type) and not data_type.dense and data_type.longest >= WIDE


def today(data_type: DataType, ledger: Ledger, now: datetime) -> date:
    """Give the day that it is in a data type's calendar: no trip leaves a gap between UTC days."""
    zone = "UTC" if data_type.axis is Axis.INSTANT else ledger.zone or "UTC"
    return now.astimezone(ZoneInfo(zone)).date()


def last_day(data_type: DataType, ledger: Ledger, now: datetime) -> date:
    """Give the newest day that is history: the later ones are looked after by live polling."""
    recent = data_type.reread + (timedelta(0) if data_type.dense else DAY)
    return today(data_type, ledger, now) - recent - DAY


def _began(
    wants: Wants, ledger: Ledger, wanted: date, now: datetime
) -> tuple[date, Because] | None:
    """Give the day before which there is nothing, None while that is not known."""
    seen = ledger.first_seen
    if ledger.member_since is not None:
        member_since = max(ledger.member_since, EARLIEST)
        if seen is not None and seen < member_since:
            return seen - MARGIN, Because.NOTHING_BEFORE
        return member_since - MARGIN, Because.MEMBER_SINCE
    if seen is None:
        return None
    # What a person types in says nothing of the days without a watch.
    speak = [
        (ledger.of(one.name), last_day(one, ledger, now))
        for one in wants.data_types
        if wide(one) and one.cadence is Cadence.WATCH and not refused(one, ledger, now)
    ]
    if any(next(unread(known, wanted, last), None) for known, last in speak):
        return None
    return seen - (SPARSE if speak else UNSEEN), Because.NOTHING_BEFORE


def refused(data_type: DataType, ledger: Ledger, now: datetime) -> bool:
    """Say whether a data type is not to be had for now."""
    return now < ledger.of(data_type.name).blocked.get(None, now)
