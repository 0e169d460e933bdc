"""When a data type is due, and when an account is looked at again. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from types import MappingProxyType
from zlib import crc32
from zoneinfo import ZoneInfo

from fitbitd.model import Cadence, DataType, DataTypeName, Why
from fitbitd.plan.budget import UNSAID_REQUESTS
from fitbitd.plan.coverage import usable
from fitbitd.plan.ledger import Ledger

FOLLOW_UPS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
"""How long after a sync the values that appear late are looked for."""

FOLLOW_UP_EARLY = 10
"""A look may come a tenth of its delay early, so that it can share a pass with others."""

LATE_APART = timedelta(minutes=45)
"""While the watch syncs more often than this, what appears late is not read more often either: its
follow-ups would otherwise make each pass read all of it."""

MORNING = time(9)
"""When the nights of the day before are looked for once more, by the wearer's clock."""

WITHOUT_SYNC = timedelta(hours=1)
"""How often a type that comes from the watch is read while no sync time can be relied on."""

OWN_EARLY = 10
"""A type with a clock of its own may come a tenth early, but no more than half a poll: else a look
that is seconds early turns its hour into an hour and a quarter."""

RIDE_ALONG = 0.8
"""This share of its interval makes a type due in a pass that has something to ask anyway."""

AT_ONCE = timedelta(seconds=1)
LONGEST_LOOP_DELAY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Wants:
    """What an account's settings ask for.

    Attributes:
        name: the account's; it gives the account its place within the interval.
        poll: data types with an interval of their own.
        pass_requests: what a pass may spend while the provider does not say what is left.
    """

    name: str
    data_types: tuple[DataType, ...]
    poll_every: timedelta
    poll: Mapping[DataTypeName, timedelta] = field(default_factory=lambda: MappingProxyType({}))
    backfill_from: date | None = None
    pass_requests: int = UNSAID_REQUESTS


def due(
    data_type: DataType, wants: Wants, ledger: Ledger, now: datetime, *, riding: bool = False
) -> Why | None:
    """Say why `data_type` is to be read at `now`, or None.

    Args:
        riding: the pass has something to ask anyway, so what is nearly due comes along.
    """
    known = ledger.of(data_type.name)
    blocked_until = known.blocked.get(None)
    if blocked_until is not None and now < blocked_until:
        return None
    if known.read_at is None or known.read_at > now:  # never, or by a clock that was ahead
        return Why.INTERVAL
    every = wants.poll.get(data_type.name, data_type.every)
    if data_type.cadence is Cadence.WATCH:
        sync = usable(ledger.synced_at, now, data_type.reread)
        if sync is not None:
            just_read = now - known.read_at < LATE_APART and _syncs_often(ledger)
            if not (data_type.late and just_read):
                # A snapshot that was read after a sync says what that brought.
                rests_on = known.rests_on or (None if data_type.axis else known.read_at)
                if rests_on is None or sync > rests_on:
                    return Why.SYNC
                if data_type.late and _follow_up_waits(ledger, known.read_at, now):
                    return Why.FOLLOW_UP
        elif data_type.axis is not None:  # a snapshot holds no readings that could be missed
            every = wants.poll.get(data_type.name, max(wants.poll_every, WITHOUT_SYNC))
    else:
        every -= min(every / OWN_EARLY, wants.poll_every / 2)
    if now - known.read_at >= (every * RIDE_ALONG if riding else every):
        return Why.INTERVAL
    return None


def _syncs_often(ledger: Ledger) -> bool:
    return any(last - before < LATE_APART for before, last in pairwise(ledger.syncs[-2:]))


def _follow_up_waits(ledger: Ledger, read_at: datetime, now: datetime) -> bool:
    zone = ZoneInfo(ledger.zone or "UTC")
    return any(
        read_at < look <= now for synced_at in ledger.syncs for look in _looks(synced_at, zone)
    )


def late_since(
    ledger: Ledger, start: datetime, end: datetime, read_at: datetime, now: datetime
) -> bool:
    """Say whether what a sync brought of [start, end) may have appeared since it was read.

    A sync brings what was recorded since the one before it, days of it after a pause.
    """
    zone = ZoneInfo(ledger.zone or "UTC")
    return any(
        before < end and start < synced_at and read_at < look <= now
        for before, synced_at in pairwise(ledger.syncs)
        for look in _looks(synced_at, zone)
    )


def _looks(synced_at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Give the instants at which the values that a sync brought late are looked for."""
    for delay in FOLLOW_UPS:
        yield synced_at + delay - delay / FOLLOW_UP_EARLY
    tomorrow = synced_at.astimezone(zone).date() + timedelta(days=1)
    yield datetime.combine(tomorrow, MORNING, zone).astimezone(UTC)


def next_poll(wants: Wants, after: datetime) -> datetime:
    """Give the account's next regular look after `after`.

    Each account has a stable phase within its interval, made from its name: looks are evenly
    spread, the same after a restart, and never drift as a jitter that only adds makes them.
    """
    every_s = min([wants.poll_every, *wants.poll.values()]).total_seconds()
    phase_s = crc32(wants.name.encode()) % every_s
    periods = (after.timestamp() - phase_s) // every_s + 1
    return datetime.fromtimestamp(periods * every_s + phase_s, UTC)


def first_pass(wants: Wants, ledger: Ledger, now: datetime) -> datetime:
    """Say when the first pass after a start is due: at once, unless the last one was just now.

    A service that is restarted in a loop sends no more requests than one that is not.
    """
    seen = ledger.last_seen_at
    recent = seen is not None and timedelta(0) <= now - seen < wants.poll_every
    at = next_poll(wants, now) if recent else now
    return max(at, _held_back_until(ledger, now) or at)


def next_pass(wants: Wants, ledger: Ledger, now: datetime, *, more: bool) -> datetime:
    """Say when the account's next pass is due, after a pass or at a start.

    Args:
        more: work is left that the quota allows now.
    """
    at = now + AT_ONCE if more else next_poll(wants, now)
    return max(at, _held_back_until(ledger, now) or at)


def _held_back_until(ledger: Ledger, now: datetime) -> datetime | None:
    """Say until when nothing may be asked, because the provider or a row of deaths says so."""
    waits = [] if ledger.throttled_until is None else [ledger.throttled_until]
    if ledger.unfinished_passes and ledger.last_seen_at is not None:
        # The process died in its last passes: something in them may be what kills it.
        delay = min(timedelta(minutes=2**ledger.unfinished_passes), LONGEST_LOOP_DELAY)
        waits.append(min(ledger.last_seen_at, now) + delay)
    return max(waits, default=None)
