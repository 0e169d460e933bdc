"""What health is judged from: gathered from an account's index, its token file and the disk."""

import json
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fitbitd import health
from fitbitd.errors import ContractError, FitbitdError, OperatorError, ThrottledError
from fitbitd.health import Condition, Facts, Trouble, TypeTrouble
from fitbitd.health_codes import Severity
from fitbitd.model import AccountName, Cadence, DataTypeName
from fitbitd.oauth import token
from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile
from fitbitd.plan.cadence import LATE_APART, Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.store import disk
from fitbitd.store.index import INDEX_NAME
from fitbitd.store.ledger import read_ledger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD_ONLY = frozenset(
    {
        "client_rejected",
        "clock_wrong",
        "contract_changed",
        "data_stale",
        "disk_failed",
        "disk_full",
        "disk_read_only",
        "index_damaged",
        "internal_error",
        "lock_held",
        "permission",
        "provider_gone",
        "provider_unreachable",
        "settings",
        "throttled",
    }
)
_HELD_BACK = {"throttled": "provider_gone"}
"""A pass that is held back for a time says less than the one that was told to wait."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The account that is looked at; `provider` is its name for people."""

    name: AccountName
    provider: str
    folder: Path
    wants: Wants


def gather(
    subject: Subject,
    db: sqlite3.Connection,
    now: datetime,
    trouble: FitbitdError | None = None,
    before: Sequence[Condition] = (),
) -> Facts:
    """Gather the facts of one account; reads only.

    Args:
        db: its index.
        trouble: why no pass could be run, where nothing on disk can tell.
        before: what was wrong at the last look, of which a full disk may have noted nothing.

    Raises:
        OperatorError: the index cannot be read.
    """
    with disk.telling(subject.folder / INDEX_NAME):
        try:
            return _gather(subject, db, now, trouble, before)
        except FileNotFoundError as err:
            words = f"the folder {subject.folder} is gone"
            raise OperatorError(words, code="disk_failed") from err


def without_index(
    subject: Subject,
    now: datetime,
    trouble: FitbitdError | None = None,
    before: Sequence[Condition] = (),
) -> Facts:
    """Gather what is known of an account that has no index, or one that cannot be read."""
    held = _held(subject.folder)
    open_since = {each.code: each.since for each in before}
    # A folder that was there and is gone took the token along: no consent would bring it back.
    gone = (trouble is not None or before) and _is_gone(subject.folder)
    return Facts(
        now=now,
        account=subject.name,
        provider=subject.provider,
        poll_every=subject.wants.poll_every,
        grant="fresh" if gone else held.state(now),
        grant_since=held.since,
        grant_ends_at=held.ends_at,
        token_trouble="" if gone else held.trouble,
        last_error=None if trouble is None else _without_pass(trouble, now, open_since),
        disk_free_bytes=_free_bytes(subject.folder),
        open_since=open_since,
    )


def _free_bytes(folder: Path) -> int | None:
    with suppress(OSError):  # it is not there yet, or another user's
        return shutil.disk_usage(folder).free
    return None


def _is_gone(folder: Path) -> bool:
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass  # it is there, and another user's
    return False


def _gather(
    subject: Subject,
    db: sqlite3.Connection,
    now: datetime,
    trouble: FitbitdError | None,
    before: Sequence[Condition],
) -> Facts:
    ledger = read_ledger(db, now)
    held = _held(subject.folder)
    left_out = tuple(held.left_out(subject.wants))
    open_since = {each.code: each.since for each in (*before, *noted(subject, db))}
    last_error = _last_error(db, now, trouble, open_since)
    gone = last_error is not None and last_error.code == "provider_gone"
    (damages,) = db.execute("SELECT count(*) FROM damage").fetchone()
    newest = ledger.synced_at
    return Facts(
        now=now,
        account=subject.name,
        provider=subject.provider,
        poll_every=subject.wants.poll_every,
        grant=held.state(now),
        grant_since=held.since,
        grant_ends_at=held.ends_at,
        zone_known=ledger.zone is not None or not _passed(db),
        token_trouble=held.trouble,
        last_error=last_error,
        tried_since=_first_pass_at(db),
        throttled_until=None if gone else _throttled_until(ledger, trouble),
        gone_since=last_error.since if gone and last_error else None,
        types=(*_type_troubles(db), *left_out),
        read_at=_read_at(subject.wants, ledger, {each.data_type for each in left_out}),
        syncs=ledger.syncs if newest is None else (*ledger.syncs, newest),
        looked_at=_looked_at(subject.wants, ledger),
        unfinished_passes=ledger.unfinished_passes,
        disk_free_bytes=shutil.disk_usage(subject.folder).free,
        damages=damages,
        skipped=_skipped(db),
        open_since=open_since,
    )


def _passed(db: sqlite3.Connection) -> bool:
    """Say whether any pass was as it should be: by then the wearer's zone has been asked for."""
    return db.execute("SELECT 1 FROM pass WHERE outcome = 'ok' LIMIT 1").fetchone() is not None


def _first_pass_at(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT began_at FROM pass ORDER BY id LIMIT 1").fetchone()
    return None if row is None else _instant(row[0])


def _skipped(db: sqlite3.Connection) -> int:
    """Count the pulls that were skipped when they were applied, and not read again since.

    A tail of a day never comes again as it was: a later one that covers it will do.
    """
    (count,) = db.execute(
        "SELECT count(*) FROM pull AS p WHERE reason = 'index_behind' AND NOT EXISTS"
        " (SELECT 1 FROM pull AS later WHERE later.id > p.id AND later.outcome = 'complete'"
        " AND later.data_type = p.data_type AND later.axis IS p.axis AND (p.axis IS NULL"
        " OR later.window_start <= p.window_start AND later.window_end >= p.window_end))"
    ).fetchone()
    return int(count)


def noted(subject: Subject, db: sqlite3.Connection) -> tuple[Condition, ...]:
    """Give the conditions that are open by the index, in the words of their beginning.

    Raises:
        OperatorError: the index cannot be read.
    """
    with disk.telling(subject.folder / INDEX_NAME):
        rows = db.execute(
            "SELECT code, subject, since, facts FROM condition WHERE until IS NULL"
        ).fetchall()
    return tuple(_from_note(subject, *row) for row in rows)


def noted_as_told(subject: Subject, db: sqlite3.Connection) -> dict[str, datetime]:
    """Give by code when a person was last told of a condition that is open by the index.

    Raises:
        OperatorError: the index cannot be read.
    """
    with disk.telling(subject.folder / INDEX_NAME):
        rows = db.execute("SELECT code, facts FROM condition WHERE until IS NULL").fetchall()
    told = ((code, json.loads(note).get("told_at")) for code, note in rows)
    return {code: datetime.fromisoformat(at) for code, at in told if at}


def _from_note(subject: Subject, code: str, data_type: str, since_ms: int, note: str) -> Condition:
    words = json.loads(note)
    return Condition(
        code=code,
        severity=Severity(words["severity"]),
        since=_instant(since_ms),
        account=subject.name,
        summary=words["summary"],
        meaning=words["meaning"],
        next=words["next"],
        data_type=DataTypeName(data_type) if data_type else None,
    )


def standing(
    subject: Subject,
    db: sqlite3.Connection,
    now: datetime,
    shown: Sequence[Condition] | None = None,
) -> tuple[Condition, ...]:
    """Give the conditions as another process than the daemon can know them.

    Args:
        shown: what the daemon shows; None where none runs, and its notes are all there is.

    Raises:
        OperatorError: the index cannot be read.
    """
    known = gather(subject, db, now)
    if shown is None:
        return health.conditions(known, only_told(noted(subject, db)))
    # Whether it could have read by now what it has not, only the daemon knows.
    return health.conditions(replace(known, read_at={}), only_told(shown))


def only_told(told: Iterable[Condition]) -> Iterator[Condition]:
    """Give those of a daemon's conditions of which the disk says nothing by itself."""
    return (each for each in told if each.code in _TOLD_ONLY)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the token file holds; `trouble` says why it cannot be read."""

    grant: Grant | None
    trouble: str = ""

    def state(self, now: datetime) -> str:
        return "missing" if self.grant is None else token.state(self.grant, now)

    @property
    def since(self) -> datetime | None:
        if self.grant is None:
            return None
        return self.grant.rejected_at or self.grant.revoked_at or self.grant.refresh_sent_at

    @property
    def ends_at(self) -> datetime | None:
        return None if self.grant is None else self.grant.refresh_expires_at

    def left_out(self, wants: Wants) -> Iterator[TypeTrouble]:
        """Give the wanted data types that the consent leaves out; they are not even asked."""
        if self.grant is None or not self.grant.scope:
            return
        since = self.grant.consented_at or self.grant.issued_at
        for data_type in wants.data_types:
            if not set(data_type.scope.split()) <= set(self.grant.scope):
                yield TypeTrouble(data_type.name, "scope_missing", "its box was not ticked", since)


def _held(folder: Path) -> _Held:
    try:
        return _Held(TokenFile(folder / "token.json").read())
    except OperatorError as err:
        return _Held(None, _happened(str(err)))


def _throttled_until(ledger: Ledger, trouble: FitbitdError | None) -> datetime | None:
    told_now = trouble.until if isinstance(trouble, ThrottledError) else None
    return max((at for at in (told_now, ledger.throttled_until) if at), default=None)


def _last_error(
    db: sqlite3.Connection,
    now: datetime,
    trouble: FitbitdError | None,
    open_since: Mapping[str, datetime],
) -> Trouble | None:
    """Give what ended the last pass, and since when passes end so; or what let none begin."""
    # "ok" is not looked back for: after years of it, that would take longer than the pass did.
    row = db.execute(
        "SELECT outcome, detail FROM pass WHERE ended_at IS NOT NULL AND outcome <> 'stopped'"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    recorded = None
    if row is not None and row[0] != "ok":
        since, times = db.execute(
            "SELECT min(began_at), count(*) FROM pass WHERE outcome = ?1 AND id >"
            " (SELECT coalesce(max(id), 0) FROM pass"
            " WHERE ended_at IS NOT NULL AND outcome <> ?1)",
            (row[0],),
        ).fetchone()
        recorded = Trouble(row[0], _happened(row[1] or ""), _instant(since), times)
    if trouble is None or (
        recorded and recorded.code in {trouble.code, _HELD_BACK.get(trouble.code)}
    ):
        return recorded
    return _without_pass(trouble, now, open_since)


def _without_pass(
    trouble: FitbitdError, now: datetime, open_since: Mapping[str, datetime]
) -> Trouble:
    """Say what lets no pass begin, and since when it does not."""
    return Trouble(trouble.code, _happened(str(trouble)), open_since.get(trouble.code, now))


def _happened(words: str) -> str:
    """Give what an error says happened; a condition has words of its own on what to do."""
    return words.partition("\n")[0].partition(" Next: ")[0]


def _type_troubles(db: sqlite3.Connection) -> tuple[TypeTrouble, ...]:
    """Give what is refused, unreadable or doubted, by data type."""
    refused = db.execute(
        # One session without a file says nothing of its data type.
        "SELECT data_type, reason, sum(count), min(first_at) FROM refusal"
        " WHERE reason <> 'index_behind' AND day NOT LIKE 'item:%'"
        " GROUP BY data_type, reason ORDER BY data_type, reason"
    ).fetchall()
    doubted = db.execute(
        "SELECT data_type, min(day), max(day), min(first_at) FROM doubt"
        " GROUP BY data_type ORDER BY data_type"
    ).fetchall()
    unread = db.execute(
        "SELECT data_type, sum(count), min(why), min(first_at) FROM unread"
        " GROUP BY data_type ORDER BY data_type"
    ).fetchall()
    return (
        *(
            TypeTrouble(
                DataTypeName(name),
                ContractError.code,
                f"{health.many(count, 'point')} of {name}: {why}",
                _instant(since),
            )
            for name, count, why, since in unread
        ),
        *(
            TypeTrouble(DataTypeName(name), reason, health.many(count, "time"), _instant(since))
            for name, reason, count, since in refused
        ),
        *(
            TypeTrouble(
                DataTypeName(name),
                "readings_vanished",
                first if first == last else f"{first} to {last}",
                _instant(since),
            )
            for name, first, last, since in doubted
        ),
    )


def _read_at(
    wants: Wants, ledger: Ledger, left_out: Collection[DataTypeName]
) -> dict[str, datetime | None]:
    """Give the oldest last read within each group that comes from the watch and is offered.

    What appears late is read a little apart: that it has not been read for so long is no news.
    """
    groups: dict[str, datetime | None] = {}
    for data_type in wants.data_types:
        known = ledger.of(data_type.name)
        if data_type.cadence is not Cadence.WATCH or data_type.axis is None:
            continue
        if None in known.blocked or data_type.name in left_out:
            continue
        mine = known.read_at if known.rests_on else None
        if mine is not None and data_type.late:
            mine += LATE_APART
        other = groups.get(data_type.group, mine)
        groups[data_type.group] = None if mine is None or other is None else min(mine, other)
    return groups


def _looked_at(wants: Wants, ledger: Ledger) -> datetime | None:
    reads = (ledger.of(t.name).read_at for t in wants.data_types if t.watches)
    return max((at for at in reads if at is not None), default=None)


def _instant(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
