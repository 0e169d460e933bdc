"""After sixty days of everything that happens to data at Google, the index is the wearer's truth.

What the weekly look at the hours cannot find is not ordered here: a change that leaves the merged
hours as they are (another bucketing, a source that loses against a better one, beats whose mean and
extremes stay), a change of what has no hours (nights' samples, sessions and `daily-*` rows that are
more than a week old, types that are read as hours themselves), and one from before 35 days ago.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fitbitd.simulator.life import GoogleLife
from tests.support.google_life import DAYS, START, Told, eventful
from tests.support.google_truth import GoogleTruth, differences, held
from tests.support.household import GOOGLE_TYPES

FIELDS = {"heart-rate": "heart_rate", "distance": "distance", "steps": "steps"}


def test_after_sixty_days_the_index_equals_the_wearers_truth_and_its_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    life = eventful(tmp_path / "state")
    home = life.home
    home.authorize()
    home.live_by_passes(START + DAYS, monkeypatch=monkeypatch)
    now, truth = home.true_clock.now(), GoogleTruth(home.wearer)
    with closing(home.index()) as db:
        (readings,) = db.execute("SELECT count(*) FROM reading").fetchone()
        with capsys.disabled():
            print(f"\n  {readings} readings; {home.simulator.requests_seen} requests")
        found = differences(db, truth, GOOGLE_TYPES, now)
        assert not found, "\n".join(f"{name}: {why}" for name, why in found.items())
        for name in GOOGLE_TYPES:
            assert held(db, name) or name.endswith(NEVER), name
        assert _ordinals_that_leap(db) == []
        for order in life.late:
            _assert_corrected(db, truth.life, order)
        assert _corrected_types(db) <= CORRECTED
        assert db.execute("SELECT sum(unread) FROM pull").fetchone() == (0,)
        conditions = {code for (code,) in db.execute("SELECT DISTINCT code FROM condition")}
    assert conditions <= EXPECTED, conditions
    assert home.simulator.oauth.counts.refreshes_refused == 0
    assert {report.outcome for _, _, report in home.reports} <= OUTCOMES
    home.assert_rebuilt_alike()


NEVER = ("basal_energy_burned",)
"""Accounts were seen to have none."""

EXPECTED = {"watch_not_synced", "throttled", "provider_unreachable", "data_stale"}
"""Five days without a sync, and a provider that has its moods."""

OUTCOMES = {"ok", "throttled", "provider_unreachable", "provider_failed"}

CORRECTED = {
    *("heart_rate", "distance", "steps"),
    *("hourly_heart_rate", "hourly_distance", "hourly_steps"),
    *("daily_heart_rate", "daily_distance", "daily_steps"),
}


def _corrected_types(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT DISTINCT data_type FROM correction")}


def _ordinals_that_leap(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Give instants whose contradictory values are not counted from 0 on without a gap."""
    return db.execute(
        "SELECT data_type, field, source, utc_offset_s, instant, max(ordinal), count(*)"
        " FROM series JOIN reading ON series = id"
        " WHERE (data_type, field, source, utc_offset_s) IN"
        " (SELECT data_type, field, source, utc_offset_s FROM series WHERE ordinal > 0)"
        " GROUP BY 1, 2, 3, 4, 5 HAVING max(ordinal) <> count(*) - 1 LIMIT 3"
    ).fetchall()


def _assert_corrected(db: sqlite3.Connection, life: GoogleLife, order: Told) -> None:
    """Compare what was kept of a settled day with what stood there before the order."""
    start_ms, end_ms = (int(at.timestamp() * 1000) for at in (order.start, order.end))
    before = _rows(life, order, order.at.replace(minute=0), (start_ms, end_ms))
    after = _rows(life, order, order.at.replace(minute=59), (start_ms, end_ms))
    kept = db.execute(
        "SELECT instant, old, new FROM correction WHERE data_type = ?1 AND field = ?1"
        " AND instant >= ?2 AND instant < ?3",
        (FIELDS[order.type_id], start_ms, end_ms),
    ).fetchall()
    assert before != after
    assert sorted((instant, old) for instant, old, _ in kept if old is not None) == before
    assert sorted((instant, new) for instant, _, new in kept if new is not None) == after


def _rows(
    life: GoogleLife, order: Told, at: object, window: tuple[int, int]
) -> list[tuple[int, int]]:
    points = life.points(order.type_id, *window, at)  # type: ignore[arg-type] # an instant
    member = {"heart-rate": "beatsPerMinute", "distance": "millimeters", "steps": "count"}
    return sorted(
        (point.start_ms, int(point.value.get(member[order.type_id], 0))) for point in points
    )
