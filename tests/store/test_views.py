"""The views for people with plain SQL tools."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import Axis, Daily, Page, Readings
from tests.support.store import HEART, NIGHTS, RESTING, Life, day, heart, ms, night

EIGHT = ms("2026-03-01T08:00")


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
