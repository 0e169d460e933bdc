"""Passes, pulls and conditions in the index: what happened, for `status` and for the next pass."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from fitbitd.model import Outcome, OutcomeKind
from fitbitd.store import doubts, lines
from fitbitd.store.lines import Line
from fitbitd.store.windows import maybe_ms, to_ms
from fitbitd.store.words import plain


@dataclass(frozen=True, slots=True)
class PullEnd:
    """How a pull ended, for the index.

    Attributes:
        outcome: what the archive says, or why the replies could not be read.
        written, withdrawn: how many values differed from what was stored, and how many are gone.
        unread: how many were not understood.
        found: how many the pages held, those included.
    """

    at: datetime
    outcome: Outcome
    written: int = 0
    withdrawn: int = 0
    unread: int = 0
    found: int = 0


def apply_line(db: sqlite3.Connection, line: Line) -> None:
    """Apply a line that stands outside of pulls; kinds of a later program are passed over."""
    _see(db, lines.from_instant(line["at"]))
    apply = {
        "pass_begin": _begin_pass,
        "pass_end": _end_pass,
        "condition": _change_condition,
    }.get(line["kind"])
    if apply is not None:
        apply(db, line)


def insert_pull(db: sqlite3.Connection, begin: Line, end: PullEnd) -> None:
    """Note a pull from its `pull_begin` line and how it ended."""
    _see(db, end.at)
    asked = (begin["data_type"], _ms(begin["at"]))
    db.execute("INSERT OR IGNORE INTO first_asked (data_type, at) VALUES (?, ?)", asked)
    window = begin["window"] or {"axis": None, "start": None, "end": None}
    outcome = end.outcome
    db.execute(
        "INSERT INTO pull (id, pass, data_type, axis, window_start, window_end, why, zone,"
        " synced_at, began_at, ended_at, outcome, reason, detail, pages, points, written,"
        " withdrawn, unread, item)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            begin["seq"],
            begin["pass"],
            begin["data_type"],
            window["axis"],
            window["start"],
            window["end"],
            begin["why"],
            begin["zone"],
            _ms(begin["synced_at"]),
            _ms(begin["at"]),
            to_ms(end.at),
            outcome.kind,
            outcome.reason,
            plain(outcome.detail),
            outcome.pages,
            outcome.points,
            end.written,
            end.withdrawn,
            end.unread,
            plain(begin.get("item", "")),
        ),
    )


def _begin_pass(db: sqlite3.Connection, line: Line) -> None:
    db.execute(
        "INSERT INTO pass (id, provider, program, began_at) VALUES (?, ?, ?, ?)",
        (line["seq"], line["provider"], line["program"], _ms(line["at"])),
    )


def _end_pass(db: sqlite3.Connection, line: Line) -> None:
    end = lines.to_pass_end(line)
    quota = end.quota
    db.execute(
        "UPDATE pass SET ended_at = ?, outcome = ?, detail = ?, requests = ?, quota_limit = ?,"
        " quota_left = ?, quota_renews_at = ?, throttled_until = ?, counts = ?"
        " WHERE id = (SELECT max(id) FROM pass)",
        (
            _ms(line["at"]),
            end.outcome,
            plain(end.detail),
            end.requests,
            None if quota is None else quota.limit,
            None if quota is None else quota.left,
            None if quota is None else to_ms(quota.renews_at),
            maybe_ms(end.throttled_until),
            json.dumps(dict(end.counts), sort_keys=True),
        ),
    )
    for data_type, item in _refused_alone(db):
        doubts.refuse_access(db, data_type, item, lines.from_instant(line["at"]))


def _refused_alone(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Give the data types to which access was denied in the last pass while others were answered.

    Where none was, it is not they that are refused, but the account. Of files of which some were
    answered, those that were not are given with their item; it is "" for a whole data type.
    """
    rows = db.execute(
        "SELECT data_type, item, outcome, reason FROM pull"
        " WHERE id > (SELECT max(id) FROM pass) ORDER BY id"
    ).fetchall()
    answered = {data_type for data_type, _, outcome, _ in rows if outcome == OutcomeKind.COMPLETE}
    if not answered:
        return []
    last = {
        (data_type, item if data_type in answered else ""): reason
        for data_type, item, _, reason in rows
    }
    return sorted(refused for refused, reason in last.items() if reason == "access_denied")


def _change_condition(db: sqlite3.Connection, line: Line) -> None:
    key = (line["code"], line["subject"])
    if line["change"] == "cleared":
        db.execute(
            "UPDATE condition SET until = ? WHERE code = ? AND subject = ? AND until IS NULL",
            (_ms(line["at"]), *key),
        )
        return
    facts = json.dumps(line["facts"], sort_keys=True)
    changed = db.execute(
        "UPDATE condition SET facts = ? WHERE code = ? AND subject = ? AND until IS NULL",
        (facts, *key),
    )
    if changed.rowcount == 0:
        # Where the disk let nothing be written at first, it was noticed before it was written.
        since = line["facts"].get("noticed_at", line["at"])
        db.execute(
            "INSERT OR REPLACE INTO condition (code, subject, since, facts) VALUES (?, ?, ?, ?)",
            (*key, _ms(since), facts),
        )


def _see(db: sqlite3.Connection, at: datetime) -> None:
    """Remember the newest time in the archive: a clock that is behind it is wrong."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('last_seen_at', ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value WHERE value < excluded.value",
        (to_ms(at),),
    )


def _ms(text: str | None) -> int | None:
    return None if text is None else to_ms(lines.from_instant(text))
