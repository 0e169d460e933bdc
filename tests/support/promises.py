"""What holds at every moment of an account, looked up in its index and archive in words of our own.

Nothing here asks the planner or the store what they think of themselves: a settled day is proven by
the pulls and the device syncs that were noted, a hole is a day without a row, and what a pass may
spend is what the provider last said.
"""

import gzip
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Pull

DAY = timedelta(days=1)
MIDNIGHT = time()

Change = tuple[datetime, datetime, datetime]
"""Readings of [start, end) that are others from an instant on."""


@dataclass(frozen=True, slots=True)
class Read:
    """A complete pull: when, over which days of the ledger, and by which midnights they end."""

    first: datetime
    end: datetime
    zone: str
    began_at: datetime
    ended_at: datetime

    def covers(self, day: date) -> bool:
        """Say whether it read the day from midnight to midnight."""
        begins = datetime.combine(day, MIDNIGHT)
        return self.first <= begins and begins + DAY <= self.end

    def day_end(self, day: date) -> datetime:
        """Give the instant at which a day ends."""
        return datetime.combine(day + DAY, MIDNIGHT, ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Sync:
    """A device sync: when it was, when it was seen, and the one of the same watch before it."""

    at: datetime
    seen_at: datetime
    before: datetime | None


@dataclass(slots=True)
class Claims:
    """Settled days, and what proves each; what was proven is looked up only once.

    Attributes:
        types: the data types of the account, by name.
    """

    types: Mapping[DataTypeName, DataType]
    _proven: dict[tuple[str, str, str], Read] = field(default_factory=dict)

    def unproven(self, db: sqlite3.Connection) -> list[str]:
        """Give each settled day that no complete read proves, in words."""
        reads, syncs = reads_of(db), syncs_of(db)
        wrong = []
        for name, text, by in db.execute(
            "SELECT data_type, day, settled_by FROM coverage WHERE settled"
        ):
            day, known = date.fromisoformat(text), self._proven.get((name, text, by))
            if known is not None and not _opened(known, day, syncs):
                continue
            found = (
                read
                for read in reversed(reads[name])
                if read.covers(day) and self._proves(read, day, self.types[name], by, syncs)
            )
            proof = next(found, None)
            if proof is None:
                wrong.append(f"{name} {text} is settled by {by}, and nothing proves it")
            else:
                self._proven[name, text, by] = proof
        return wrong

    def _proves(
        self, read: Read, day: date, data_type: DataType, by: str, syncs: Sequence[Sync]
    ) -> bool:
        ended_at = read.day_end(day)
        if by == "age":
            proof = read.ended_at >= ended_at + 2 * data_type.reread
        else:
            proof = read.ended_at >= ended_at + data_type.reread and any(
                sync.at > ended_at and sync.seen_at <= read.began_at for sync in syncs
            )
        return proof and not _opened(read, day, syncs)


def _opened(read: Read, day: date, syncs: Sequence[Sync]) -> bool:
    """Say whether a sync that was seen after a read may have brought something of the day."""
    return any(
        sync.seen_at > read.ended_at and sync.before is not None and sync.before < read.day_end(day)
        for sync in syncs
    )


def reads_of(db: sqlite3.Connection) -> dict[str, list[Read]]:
    """Give the complete reads of each data type that were believed, oldest first."""
    reads: dict[str, list[Read]] = defaultdict(list)
    for name, axis, start, end, zone, began_at, ended_at in db.execute(
        "SELECT data_type, axis, window_start, window_end, zone, began_at, ended_at FROM pull"
        " WHERE outcome = 'complete' AND reason = '' AND window_start IS NOT NULL ORDER BY id"
    ):
        first, last = (datetime.fromisoformat(at).replace(tzinfo=None) for at in (start, end))
        calendar = "UTC" if axis == Axis.INSTANT else zone
        reads[name].append(Read(first, last, calendar, at_ms(began_at), at_ms(ended_at)))
    return reads


def syncs_of(db: sqlite3.Connection) -> list[Sync]:
    """Give every device sync that was seen."""
    before: dict[str, datetime] = {}
    found = []
    rows = db.execute("SELECT device, synced_at, seen_at FROM device_sync ORDER BY synced_at")
    for device, synced_at, seen_at in rows:
        found.append(Sync(at_ms(synced_at), at_ms(seen_at), before.get(device)))
        before[device] = at_ms(synced_at)
    return found


def at_ms(instant: int) -> datetime:
    """Give the instant of so many milliseconds."""
    return datetime.fromtimestamp(instant / 1000, UTC)


def may_spend(db: sqlite3.Connection, now: datetime, unsaid: int) -> int:
    """Say how many requests the provider left, as it last said; `unsaid` if it never did."""
    row = db.execute(
        "SELECT quota_limit, quota_left, quota_renews_at FROM pass"
        " WHERE quota_limit IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return unsaid
    limit, left, renews_at = row
    return int(limit if now >= at_ms(renews_at) else max(0, left))


def repetitions(pulls: Sequence[Pull]) -> Iterator[str]:
    """Give the pulls that ask for what another one asks for too."""
    asked: dict[tuple[str, str], list[Pull]] = defaultdict(list)
    for pull in pulls:
        asked[pull.data_type, pull.item].append(pull)
    for same in asked.values():
        for place, one in enumerate(same):
            for other in same[place + 1 :]:
                if one.window is None or other.window is None:
                    yield f"{one.data_type} {one.item} is asked twice"
                elif one.window.start < other.window.end and other.window.start < one.window.end:
                    yield f"{one.data_type}: {one.window} and {other.window}"


def holes(
    db: sqlite3.Connection,
    types: Sequence[DataType],
    pulls: Sequence[Pull],
    first: date,
    now: datetime,
) -> Iterator[str]:
    """Give the days from `first` to yesterday that nobody read and nobody means to.

    A look at hours comes once a week; until then its days are none of these.
    """
    (zone,) = db.execute("SELECT value FROM meta WHERE key = 'zone'").fetchone() or ("UTC",)
    for data_type in types:
        if data_type.axis is None or data_type.checks is not None:
            continue
        calendar = "UTC" if data_type.axis is Axis.INSTANT else zone
        yesterday = now.astimezone(ZoneInfo(calendar)).date() - DAY
        name = data_type.name
        known = _days(db, "SELECT day FROM coverage WHERE data_type = ?", (name,))
        waits = _waiting(db, data_type, now)
        meant = {
            day
            for pull in pulls
            if pull.data_type == name and pull.window is not None
            for day in pull.window.days()
        }
        missing = {first + n * DAY for n in range((yesterday - first) // DAY + 1)}
        for day in sorted(missing - known - waits - meant):
            yield f"{name} {day} was never read, and is not planned"


def _waiting(db: sqlite3.Connection, data_type: DataType, now: datetime) -> set[date]:
    """Give the days that were refused or doubted and are not asked yet, windows from them on."""
    rows = db.execute(
        "SELECT day, next_at FROM refusal WHERE data_type = ?1 AND substr(day, 1, 4) <> 'item'"
        " UNION ALL SELECT day, first_at + 86400000 FROM doubt WHERE data_type = ?1",
        (data_type.name,),
    )
    waits: set[date] = set()
    longest = min(data_type.longest, 400 * DAY)
    for text, next_at in rows:
        if at_ms(next_at) > now:
            begins = date(2000, 1, 1) if text == "" else date.fromisoformat(text)
            span = 20_000 if text == "" else longest // DAY
            waits |= {begins + n * DAY for n in range(span)}
    return waits


def _days(db: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> set[date]:
    return {date.fromisoformat(text) for (text,) in db.execute(query, values)}


def last_archived(folder: Path) -> int:
    """Give the last number of an archive, read as anybody can; its torn end is left out."""
    last = 0
    for path in (folder / "archive").rglob("*.jsonl.gz"):
        with gzip.open(path) as file:
            try:
                for line in file:
                    last = max(last, json.loads(line)["seq"])
            except (EOFError, ValueError):
                continue  # what was being written when the process died
    return last


def applied(db: sqlite3.Connection) -> int:
    """Give the last number of the archive that the index holds."""
    row = db.execute("SELECT value FROM meta WHERE key = 'applied_seq'").fetchone()
    return 0 if row is None else int(row[0])


def unsettled(
    db: sqlite3.Connection, types: Sequence[DataType], first: date, last: date
) -> Iterator[str]:
    """Give the days that should be final by now and are not."""
    for data_type in types:
        if data_type.axis is None or data_type.cadence is not Cadence.WATCH:
            continue
        settled = _days(
            db, "SELECT day FROM coverage WHERE settled AND data_type = ?", (data_type.name,)
        )
        wanted = {first + n * DAY for n in range((last - data_type.reread - first) // DAY + 1)}
        for day in sorted(wanted - settled):
            yield f"{data_type.name} {day} is not settled"


def believed_at_once(db: sqlite3.Connection) -> list[str]:
    """Give the empty answers that took something away and had not been given a day before."""
    return [
        f"{name} from {start} was empty, and {withdrawn} values are gone"
        for name, start, withdrawn in db.execute(
            "SELECT data_type, window_start, withdrawn FROM pull AS p WHERE outcome = 'complete'"
            " AND reason = '' AND points = 0 AND withdrawn > 0 AND window_start IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM pull AS q WHERE q.data_type = p.data_type"
            " AND q.reason = 'empty_doubted' AND q.began_at <= p.ended_at - 20 * 3600000)"
        )
    ]


def can_be_found(order: Change, reads: dict[str, list[Read]]) -> bool:
    """Say whether the changed hours were compared before and after, or their day read after."""
    start, end, at = order
    days = {start.date(), (end - timedelta(seconds=1)).date()}

    def read(name: str, *, later: bool) -> bool:
        known = [one for one in reads[name] if (one.began_at >= at) is later]
        return all(any(one.covers(day) for one in known) for day in days)

    compared = all(read("hourly_heart_rate", later=later) for later in (False, True))
    return compared or read("heart_rate", later=True)


def hides(name: str, row: tuple[Any, ...], orders: list[Change]) -> bool:
    """Say whether a row is of hours that changed where nobody could see it."""
    if name not in {"heart_rate", "hourly_heart_rate"}:
        return False
    return any(start <= at_ms(row[3]) < end for start, end, _ in orders)
