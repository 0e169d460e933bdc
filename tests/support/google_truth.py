"""Truth and index of an account at Google, data type by data type."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fitbitd.simulator.google_health.capabilities import DATA_TYPES, Action, DataType, Kind
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.wearer import Wearer
from tests.support import google_rows
from tests.support.google_rows import Rows, sharp

SNAPSHOTS = ("settings", "paired_devices", "profile", "identity", "irn_profile")
TRACKS = "exercise_tcx"
WITHOUT_SOURCE = ("daily_heart_rate_zones",)
"""No list of them is documented, and what Google reconciles names no source."""

_RECORDINGS = ("electrocardiogram", "irregular-rhythm-notification")


class GoogleTruth:
    """What a wearer's life comes to at the provider, as rows of the index."""

    def __init__(self, wearer: Wearer) -> None:
        self.life = GoogleLife(wearer, cached_days=400)
        self._since = wearer.member_since - timedelta(days=2)

    def of(self, name: str, now: datetime) -> Rows:
        """Give the rows of a data type at an instant."""
        if name in SNAPSHOTS:
            return Rows(_snapshots(self.life, name, now))
        if name == TRACKS:
            return Rows(self._tracks(now))
        type_id = name.replace("_", "-")
        if type_id in DATA_TYPES:
            return self._told(name, DATA_TYPES[type_id], now)
        every, _, base = name.partition("_")  # hours and days of another type
        roll = google_rows.hours if every == "hourly" else google_rows.days
        base_id = base.replace("_", "-")
        return roll(base_id, self.life.merged(base_id, *self._ever(now), now))

    def _ever(self, now: datetime) -> tuple[int, int]:
        return _ms(self._since), int(now.timestamp() * 1000) + 172_800_000

    def _told(self, name: str, known: DataType, now: datetime) -> Rows:
        if known.kind is Kind.DAILY:
            last = now.date() + timedelta(days=1)
            rows = google_rows.dailies(
                known.id, self.life.dailies(known.id, self._since, last, now)
            )
            if name in WITHOUT_SOURCE:
                return Rows({(field, "", *rest): n for (field, _, *rest), n in rows.items()})
            return rows
        if Action.LIST not in known.actions:
            return google_rows.hours(known.id, self.life.merged(known.id, *self._ever(now), now))
        points = self.life.points(known.id, *self._ever(now), now)
        if known.kind is Kind.SESSION:
            inside = google_rows.recorded(points) if known.id in _RECORDINGS else Rows()
            return google_rows.sessions(known.id, points) + inside
        return google_rows.readings(known.id, points, interval=known.kind is Kind.INTERVAL)

    def _tracks(self, now: datetime) -> Iterator[tuple[Any, ...]]:
        begin, end = _ms(self._since), int(now.timestamp() * 1000)
        for point in self.life.points("exercise", begin, end, now):
            track = self.life.tcx(point.point_id or "", partial=True, now=now)
            if track is not None:
                yield point.point_id, len(track.encode())


def _snapshots(life: GoogleLife, name: str, now: datetime) -> Iterator[tuple[str, str]]:
    asked = {
        "settings": life.settings,
        "profile": life.profile,
        "identity": life.identity,
        "irn_profile": life.irn_profile,
    }
    if name in asked:
        yield name, _text(asked[name](now))
        return
    for device in life.paired_devices(now).get("pairedDevices", []):
        yield device["name"].rpartition("/")[2], _text(device)


def held(db: sqlite3.Connection, name: str) -> Rows:
    """Give the rows that an index holds of a data type, each ordinal of an instant by itself."""
    return Rows([*_readings(db, name), *_sessions(db, name), *_others(db, name)])


def _readings(db: sqlite3.Connection, name: str) -> Iterator[tuple[Any, ...]]:
    rows = db.execute(
        "SELECT field, source, utc_offset_s, instant, value, duration_ms"
        " FROM series JOIN reading ON series = id WHERE data_type = ?",
        (name,),
    )
    return ((*first, sharp(value), length) for *first, value, length in rows)


def _sessions(db: sqlite3.Connection, name: str) -> Iterator[tuple[Any, ...]]:
    rows = db.execute(
        "SELECT id, key, day, start_ms, end_ms, utc_offset_s FROM session WHERE data_type = ?",
        (name,),
    ).fetchall()
    for session, *about in rows:
        values = db.execute("SELECT name, value FROM session_value WHERE session = ?", (session,))
        labels = db.execute("SELECT name, text FROM session_label WHERE session = ?", (session,))
        parts = db.execute(
            "SELECT kind, label, start_ms, duration_ms FROM session_part WHERE session = ?"
            " ORDER BY ordinal",
            (session,),
        )
        numbers = sorted((name, sharp(value)) for name, value in values)
        yield *about, tuple(numbers), tuple(sorted(labels)), tuple(parts)


def _others(db: sqlite3.Connection, name: str) -> Iterator[tuple[Any, ...]]:
    daily = db.execute(
        "SELECT field, source, day, value FROM daily WHERE data_type = ?", (name,)
    ).fetchall()
    yield from ((*first, sharp(value)) for *first, value in daily)
    said = db.execute("SELECT key, content FROM snapshots WHERE data_type = ?", (name,))
    yield from ((key, _text(json.loads(content))) for key, content in said)
    yield from db.execute("SELECT key, size_bytes FROM file WHERE data_type = ?", (name,))


def last_read(db: sqlite3.Connection, name: str) -> datetime:
    """Say when a data type was last read up to its present."""
    (at,) = db.execute("SELECT read_at FROM freshness WHERE data_type = ?", (name,)).fetchone()
    return datetime.fromtimestamp(at / 1000, UTC)


def differences(
    db: sqlite3.Connection, truth: GoogleTruth, names: Iterable[str], now: datetime
) -> dict[str, str]:
    """Give what differs from the truth at `now`, by data type, in words.

    What is typed may be typed at any time: of these types, and of the hours that are looked at once
    a week, the truth is that of the last look. How long ago it may be is another test's question.
    """
    found = {}
    for name in sorted(names, key=_base):
        at = last_read(db, name) if looks_by_itself(name) else now
        right, stored = truth.of(name, at), held(db, name)
        missing, extra = right - stored, stored - right
        if missing or extra:
            found[name] = (
                f"{len(right)} rows; {missing.total()} missing, such as {_some(missing)};"
                f" {extra.total()} extra, such as {_some(extra)}"
            )
    return found


def looks_by_itself(name: str) -> bool:
    """Say whether a data type is looked at by a clock of its own, and not after a sync."""
    typed = (
        *("core_body_temperature", "weight", "body_fat", "height", "blood_glucose"),
        *("hydration_log", "nutrition_log"),
    )
    return name.startswith("hourly_") or name.removeprefix("daily_") in typed


def _base(name: str) -> str:
    """Name the data type whose points are looked at: what is asked in a row is made once."""
    return name.removeprefix("hourly_").removeprefix("daily_")


def _some(rows: Rows) -> str:
    return str([str(row)[:200] for row in sorted(rows, key=str)[:3]])


def _text(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


def _ms(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000
