"""The ledger: what the planner is told about an account, read from the index in one go."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache

from fitbitd.model import DataTypeName, Quota
from fitbitd.plan.ledger import (
    LONGEST_PAUSE,
    LOOK_BACK,
    DayRead,
    Ledger,
    TypeLedger,
    believed,
)
from fitbitd.plan.windows import DAY, runs
from fitbitd.store import lessons
from fitbitd.store.doubts import ASKED_AGAIN_AFTER, WHOLE_TYPE
from fitbitd.store.syncs import newest_syncs, syncs_since
from fitbitd.store.wanted_files import ITEM, file_types, files_wanted
from fitbitd.store.windows import from_ms, maybe_from_ms, to_ms

_SYNCS_KEPT = timedelta(days=2)
_LOOK_LASTS = timedelta(days=1)  # what was read within it belongs to a look that goes on

_SETTLED = """
    SELECT data_type, min(day), max(day), count(*) FROM coverage WHERE settled GROUP BY data_type
"""
_SETTLED_BETWEEN = """
    SELECT min(day), max(day), count(*) FROM coverage
    WHERE data_type = ? AND settled AND day BETWEEN ? AND ?
"""
_SETTLED_SINCE = """
    SELECT day, read_at FROM coverage WHERE data_type = ? AND settled AND day >= ? ORDER BY day
"""
# Steps are what every tracker of any age counts; other daily values may stand on days without one.
_FIRST_SEEN = """
    SELECT min(day) FROM (
        SELECT min(day) AS day FROM daily
        WHERE data_type IN (SELECT data_type FROM field WHERE name = 'steps')
            AND field = 'steps' AND value <> 0
        UNION ALL
        SELECT min(day) FROM session
        UNION ALL
        SELECT min((
            SELECT day FROM rollup_day WHERE series = s.id AND (low <> 0 OR high <> 0)
            ORDER BY day LIMIT 1
        )) FROM series AS s
    )
"""
_UNFINISHED = """
    SELECT count(*) FROM pass
    WHERE id > (SELECT coalesce(max(id), 0) FROM pass WHERE ended_at IS NOT NULL)
"""


def read_ledger(db: sqlite3.Connection, now: datetime) -> Ledger:
    """Read everything in one transaction, so that all of it is of one moment."""
    db.execute("BEGIN")
    try:
        return _read(db, now)
    finally:
        db.execute("COMMIT")


def _read(db: sqlite3.Connection, now: datetime) -> Ledger:
    meta = dict(
        db.execute(
            "SELECT key, value FROM meta WHERE key IN ('zone', 'last_seen_at', 'member_since')"
        )
    )
    zones = db.execute("SELECT since, name FROM zone ORDER BY since")
    (first_seen,) = db.execute(_FIRST_SEEN).fetchone()
    (unfinished,) = db.execute(_UNFINISHED).fetchone()
    return Ledger(
        zone=meta.get("zone"),
        zones=tuple((from_ms(since), name) for since, name in zones),
        member_since=_maybe_day(meta.get("member_since")),
        first_seen=_maybe_day(first_seen),
        types=_types(db, now),
        devices=newest_syncs(db),
        syncs=syncs_since(db, now - _SYNCS_KEPT),
        quota=_last_quota(db),
        throttled_until=_last_pause(db, now),
        unfinished_passes=unfinished,
        first_pass_at=_first_pass(db),
        last_seen_at=maybe_from_ms(meta.get("last_seen_at")),
        lessons=lessons.known(db, now),
    )


def _first_pass(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT began_at FROM pass ORDER BY id LIMIT 1").fetchone()
    return None if row is None else from_ms(row[0])


def _last_quota(db: sqlite3.Connection) -> Quota | None:
    """Give the quota that the provider last told; not every pass gets so far."""
    row = db.execute(
        "SELECT quota_limit, quota_left, quota_renews_at FROM pass"
        " WHERE quota_limit IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Quota(row[0], row[1], from_ms(row[2]))


def _last_pause(db: sqlite3.Connection, now: datetime) -> datetime | None:
    """Give until when the last pass that ended was told to wait, if that can be meant."""
    row = db.execute(
        "SELECT throttled_until FROM pass WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    until = None if row is None else maybe_from_ms(row[0])
    return until if until is not None and believed(until, now) else None


def _types(db: sqlite3.Connection, now: datetime) -> Mapping[DataTypeName, TypeLedger]:
    fresh = {
        name: (from_ms(read_at), maybe_from_ms(synced_at))
        for name, read_at, synced_at in db.execute(
            "SELECT data_type, read_at, synced_at FROM freshness"
        )
    }
    asked = dict(db.execute("SELECT data_type, at FROM first_asked"))
    never = (None, None)
    newest = _newest(db)
    settled = _settled(db)
    opened = _open(db)
    blocked, doubted = _blocked(db, now)
    refused = dict(
        db.execute("SELECT data_type, last_at FROM refusal WHERE day = ?", (WHOLE_TYPE,))
    )
    rechecks = _rechecks(db)
    looked_back = {name: _looked_back(db, now, name) for name in settled}
    density = {name: sizes for name, *sizes in db.execute("SELECT * FROM density")}
    wanted = _wanted(db, now)
    names = set().union(asked, fresh, newest, settled, opened, blocked, density, wanted)
    return {
        DataTypeName(name): TypeLedger(
            read_at=fresh.get(name, never)[0],
            first_asked_at=maybe_from_ms(asked.get(name)),
            rests_on=fresh.get(name, never)[1],
            newest=newest.get(name),
            settled=tuple(settled.get(name, ())),
            open=opened.get(name, {}),
            blocked=blocked.get(name, {}),
            doubted=frozenset(doubted.get(name, ())),
            refused_at=maybe_from_ms(refused.get(name)),
            recheck=frozenset(rechecks.get(name, ())),
            looked_back_at=looked_back.get(name, (None, ()))[0],
            unlooked=looked_back.get(name, (None, ()))[1],
            points_a_day=density.get(name, never)[0],
            points_a_page=density.get(name, never)[1],
            files_wanted=wanted.get(name, ()),
        )
        for name in sorted(names)
    }


def _newest(db: sqlite3.Connection) -> dict[str, datetime]:
    rows = db.execute(
        "SELECT s.data_type, max((SELECT max(instant) FROM reading AS r WHERE r.series = s.id))"
        " FROM series AS s GROUP BY s.data_type"
    )
    return {name: from_ms(instant) for name, instant in rows if instant is not None}


def _settled(db: sqlite3.Connection) -> dict[str, list[tuple[date, date]]]:
    return {name: _runs(db, name, *found) for name, *found in db.execute(_SETTLED).fetchall()}


def _runs(
    db: sqlite3.Connection, name: str, first_text: str, last_text: str, count: int
) -> list[tuple[date, date]]:
    """Give the runs of settled days between two of them, of which so many are settled.

    They are found by counting, which is cheap, since mostly all are: where some are not, each half
    is counted.
    """
    first, last = date.fromisoformat(first_text), date.fromisoformat(last_text)
    if count > (last - first).days:
        return [(first, last)]
    middle = first + (last - first) // 2
    found: list[tuple[date, date]] = []
    for half in ((first, middle), (middle + DAY, last)):
        asked = (name, *(day.isoformat() for day in half))
        least, most, inside = db.execute(_SETTLED_BETWEEN, asked).fetchone()
        for begins, ends in _runs(db, name, least, most, inside) if inside else ():
            across = found and found[-1][1] == begins - DAY
            found.append((found.pop()[0] if across else begins, ends))
    return found


def _open(db: sqlite3.Connection) -> dict[str, dict[date, DayRead]]:
    days: dict[str, dict[date, DayRead]] = defaultdict(dict)
    rows = db.execute(
        "SELECT data_type, day, read_at, readings, synced_at, whole FROM coverage"
        " WHERE NOT settled ORDER BY data_type, day"
    )
    instant = cache(from_ms)  # most days were read together
    for name, day, read_at, readings, synced_at, whole in rows:
        rests_on = None if synced_at is None else instant(synced_at)
        read = DayRead(instant(read_at), readings, rests_on, bool(whole))
        days[name][date.fromisoformat(day)] = read
    return days


def _rechecks(db: sqlite3.Connection) -> dict[str, set[date]]:
    days: dict[str, set[date]] = defaultdict(set)
    for name, day in db.execute("SELECT data_type, day FROM coverage WHERE recheck AND settled"):
        days[name].add(date.fromisoformat(day))
    return days


def _looked_back(
    db: sqlite3.Connection, now: datetime, name: str
) -> tuple[datetime | None, tuple[tuple[date, date], ...]]:
    """Give when the settled days of late were last read at the latest, and those not read today."""
    rows = db.execute(_SETTLED_SINCE, (name, (now - LOOK_BACK).date().isoformat())).fetchall()
    before = to_ms(now - _LOOK_LASTS)
    unlooked = runs(date.fromisoformat(day) for day, read_at in rows if read_at < before)
    return maybe_from_ms(min((read_at for _, read_at in rows), default=None)), tuple(unlooked)


def _maybe_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _wanted(db: sqlite3.Connection, now: datetime) -> dict[str, tuple[str, ...]]:
    wanted = {
        name: files_wanted(db, name, of, now, now + LONGEST_PAUSE)
        for name, of in file_types(db).items()
    }
    return {name: items for name, items in wanted.items() if items}


def _blocked(
    db: sqlite3.Connection, now: datetime
) -> tuple[dict[str, dict[date | None, datetime]], dict[str, set[date]]]:
    """Give until when days are not asked again, and which of them are doubted."""
    until: dict[str, dict[date | None, datetime]] = defaultdict(dict)
    doubted: dict[str, set[date]] = defaultdict(set)
    rows = db.execute(
        "SELECT data_type, day, next_at, 0 FROM refusal WHERE substr(day, 1, ?) <> ?"
        " UNION ALL SELECT data_type, day, first_at + ?, 1 FROM doubt",
        (len(ITEM), ITEM, ASKED_AGAIN_AFTER // timedelta(milliseconds=1)),
    )
    for name, text, at_ms, in_doubt in rows:
        day, at = None if text == WHOLE_TYPE else date.fromisoformat(text), from_ms(at_ms)
        if believed(at, now):
            until[name][day] = max(at, until[name].get(day, at))
            if in_doubt and day is not None and now < at:
                doubted[name].add(day)
    return until, doubted
