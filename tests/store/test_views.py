"""The views for people with plain SQL tools."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import Axis, Daily, Page, Readings
from tests.support.store import HEART, NIGHTS, RESTING, Life, day, heart, ms, night

EIGHT = ms("2026-03-01T08:00")
PHONE = Readings("bpm", "phone", 3600, [(EIGHT, 5, 60_000), (EIGHT + 60_000, 6, 60_000)], 1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    berlin = heart([(EIGHT, 60, None), (EIGHT + 250, 70, None)])
    tokyo = heart([(EIGHT + 1000, 80, None)], offset_s=9 * 3600)
    minute = Page(readings=(Readings("bpm", "phone", 3600, [(EIGHT, 5, 60_000)]),))
    made.pull(HEART, day("2026-03-01"), berlin, tokyo, minute)
    dates = day("2026-03-01", axis=Axis.DATE)
    made.pull(NIGHTS, dates, Page(sessions=(night("a", "2026-03-01", stages=4),)))
    made.pull(RESTING, dates, Page(dailies=(Daily(date(2026, 3, 1), "bpm", 50),)))
    yield made
    made.store.close()


def objects(life: Life, query: str) -> list[dict[str, Any]]:
    cursor = life.store.index.db.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def test_readings_have_names_units_and_both_times(life: Life) -> None:
    first, second, *_ = objects(life, "SELECT * FROM readings WHERE source = '' ORDER BY instant")
    assert first == {
        "data_type": "heart",
        "field": "bpm",
        "unit": "bpm",
        "source": "",
        "at_utc": "2026-03-01T08:00:00.000Z",
        "at_local": "2026-03-01T09:00:00.000",
        "value": 60,
        "duration_s": None,
        "instant": EIGHT,
        "utc_offset_s": 3600,
        "ordinal": 0,
    }
    assert second["at_utc"] == "2026-03-01T08:00:00.250Z"
    assert life.rows("SELECT duration_s FROM readings WHERE source = 'phone'") == [(60.0,)]


def test_hours_and_days_merge_offsets_and_keep_sources_apart(life: Life) -> None:
    expected = [("", 3, 70.0, 60, 80, 210), ("phone", 1, 5.0, 5, 5, 5)]
    for query in (
        "SELECT source, n, mean, low, high, total FROM hourly",
        "SELECT source, n, mean, low, high, total FROM days WHERE day = '2026-03-01'",
    ):
        assert life.rows(query) == expected


def test_nights_have_their_stages(life: Life) -> None:
    assert life.rows("SELECT key, day, start_local, duration_s, stages_s FROM sleep") == [
        (
            "a",
            "2026-03-01",
            "2026-03-01T00:00:00",
            28800.0,
            '{"deep":120.0,"light":60.0,"rem":60.0}',
        )
    ]
    assert life.rows("SELECT ordinal, stage, start_utc, duration_s FROM sleep_stages LIMIT 2") == [
        (0, "deep", "2026-02-28T23:00:00Z", 60.0),
        (1, "light", "2026-02-28T23:01:00Z", 60.0),
    ]


def test_daily_values_and_coverage_speak_in_text(life: Life) -> None:
    assert life.rows("SELECT * FROM daily_values") == [
        ("resting", "bpm", "bpm", "", "2026-03-01", 50)
    ]
    assert life.rows("SELECT day, state, readings, read_at_utc FROM coverage_days LIMIT 1") == [
        ("2026-03-01", "provisional", 4, "2026-03-02T10:00:00Z")
    ]


def test_of_several_sources_one_is_preferred_at_each_instant(life: Life) -> None:
    second = heart([(EIGHT, 60, None), (EIGHT, 61, None)])  # two values of one source at once
    life.pull(HEART, day("2026-03-01"), second, Page(readings=(PHONE,)))
    query = "SELECT instant - ?, source, value, ordinal FROM {} ORDER BY instant, source, ordinal"
    assert life.rows(query.format("readings"), EIGHT) == [
        (0, "", 60, 0),
        (0, "", 61, 1),
        (0, "phone", 5, 0),
        (60_000, "phone", 6, 0),
    ]
    assert life.rows(query.format("preferred_readings"), EIGHT) == [
        (0, "", 60, 0),
        (60_000, "phone", 6, 0),
    ]
    life.rows("UPDATE series SET preference = 2 WHERE source = ''")
    assert life.rows(query.format("preferred_readings"), EIGHT)[0] == (0, "phone", 5, 0)


def test_preferred_readings_have_the_columns_of_readings(life: Life) -> None:
    (all_of_them, preferred) = (
        [column[0] for column in life.store.index.db.execute(f"SELECT * FROM {view}").description]  # noqa: S608
        for view in ("readings", "preferred_readings")
    )
    assert preferred == all_of_them


def test_workouts_have_their_parts_in_order(life: Life) -> None:
    db = life.store.index.db
    db.execute(
        "INSERT INTO session VALUES (9, 'exercise', 'run', '2026-03-01', ?, ?, 3600)",
        (EIGHT, EIGHT + 90_000),
    )
    for ordinal, label in ((1, "2"), (0, "1")):
        db.execute(
            "INSERT INTO session_part VALUES (9, ?, 'split', ?, ?, 45000)",
            (ordinal, label, EIGHT + ordinal * 45_000),
        )
    (run,) = objects(life, "SELECT key, duration_s, parts FROM exercises")
    assert (run["key"], run["duration_s"]) == ("run", 90.0)
    assert json.loads(run["parts"]) == [
        {"kind": "split", "label": "1", "start_utc": "2026-03-01T08:00:00Z", "duration_s": 45.0},
        {"kind": "split", "label": "2", "start_utc": "2026-03-01T08:00:45Z", "duration_s": 45.0},
    ]
    assert life.rows("SELECT label, start_local, duration_s FROM exercise_parts") == [
        ("1", "2026-03-01T09:00:00", 45.0),
        ("2", "2026-03-01T09:00:45", 45.0),
    ]
    assert life.rows("SELECT count(*) FROM sleep WHERE key = 'run'") == [(0,)]


def test_corrections_say_what_changed_and_when_it_was_seen(life: Life) -> None:
    seen = ms("2026-03-20T10:00")
    head = "INSERT INTO correction (data_type, day, field, source, utc_offset_s, key, instant,"
    for old, new in ((60, 61), (60, None), (None, 61)):
        life.rows(
            f"{head} old, new, pull, seen_at)"
            " VALUES ('heart', '2026-03-01', 'bpm', '', 3600, '', ?, ?, ?, 1, ?)",
            *(EIGHT, old, new, seen),
        )
    life.rows(
        f"{head} old, new, pull, seen_at)"
        " VALUES ('sleep', '2026-03-01', '', '', NULL, 'a', NULL, '{}', NULL, 1, ?)",
        seen,
    )
    rows = objects(life, "SELECT * FROM corrections")
    assert [row["change"] for row in rows] == ["changed", "withdrawn", "added", "withdrawn"]
    assert rows[0] == {
        "data_type": "heart",
        "day": "2026-03-01",
        "change": "changed",
        "field": "bpm",
        "unit": "bpm",
        "source": "",
        "key": "",
        "at_utc": "2026-03-01T08:00:00.000Z",
        "at_local": "2026-03-01T09:00:00.000",
        "old": 60,
        "new": 61,
        "seen_at_utc": "2026-03-20T10:00:00Z",
    }
    assert (rows[3]["unit"], rows[3]["key"], rows[3]["at_utc"]) == (None, "a", None)
