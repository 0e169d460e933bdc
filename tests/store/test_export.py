"""Rows for other programs."""

import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import Axis, Daily, DataType, Page, Readings, Session, Snapshot
from fitbitd.store.export import Export, Format, export_lines
from tests.support.store import (
    DEVICES,
    HEART,
    NIGHTS,
    RESTING,
    Life,
    day,
    heart,
    ms,
    night,
)

EIGHT = ms("2026-03-01T08:00")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def table(
    life: Life, of: DataType, first: date | None = None, last: date | None = None
) -> list[dict[str, str]]:
    lines = export_lines(life.store.index.db, Export(of, first, last), Format.CSV)
    return list(csv.DictReader(lines))


def objects(
    life: Life, of: DataType, first: date | None = None, last: date | None = None
) -> list[dict[str, Any]]:
    lines = export_lines(life.store.index.db, Export(of, first, last), Format.JSONL)
    return [json.loads(line) for line in lines]


def test_readings_come_in_the_order_of_time_whatever_their_series(life: Life) -> None:
    tokyo = heart([(EIGHT + 1500, 71, None)], offset_s=9 * 3600)
    minute = Page(readings=(Readings("bpm", "phone", 3600, [(EIGHT + 1000, 70.5, 60_000)]),))
    life.pull(
        HEART,
        day("2026-03-01"),
        heart([(EIGHT, 60, None), (EIGHT + 2000, 62, None)]),
        minute,
        tokyo,
    )
    assert table(life, HEART) == [
        dict(
            zip(
                ("time_utc", "time_local", "field", "value", "unit", "source", "duration_s"),
                row,
                strict=True,
            )
        )
        for row in (
            ("2026-03-01T08:00:00Z", "2026-03-01T09:00:00+01:00", "bpm", "60", "bpm", "", ""),
            (
                "2026-03-01T08:00:01Z",
                "2026-03-01T09:00:01+01:00",
                "bpm",
                "70.5",
                "bpm",
                "phone",
                "60",
            ),
            (
                "2026-03-01T08:00:01.500000Z",
                "2026-03-01T17:00:01.500000+09:00",
                "bpm",
                "71",
                "bpm",
                "",
                "",
            ),
            ("2026-03-01T08:00:02Z", "2026-03-01T09:00:02+01:00", "bpm", "62", "bpm", "", ""),
        )
    ]
    assert [row["value"] for row in objects(life, HEART)] == [60, 70.5, 71, 62]
    assert objects(life, HEART)[0]["duration_s"] is None


def test_days_are_civil_and_both_ends_are_included(life: Life) -> None:
    instants = [ms(f"2026-02-{number}T23:30") for number in (26, 27, 28)]  # 00:30 in Berlin
    life.pull(HEART, day("2026-02-26", "2026-03-02"), heart([(at, 60, None) for at in instants]))
    rows = objects(life, HEART, date(2026, 2, 27), date(2026, 2, 28))
    assert [row["time_local"][:10] for row in rows] == ["2026-02-27", "2026-02-28"]
    assert [row["time_local"][:10] for row in objects(life, HEART, date(2026, 3, 1))] == [
        "2026-03-01"
    ]


def test_any_day_that_can_be_written_bounds_an_export(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), heart([(EIGHT, 60, None)]))
    for kind in (HEART, NIGHTS, RESTING, DEVICES):
        rows = objects(life, kind, date.min, date.max)
        assert len(rows) == (kind is HEART)


def test_a_night_is_one_object_with_its_stages(life: Life) -> None:
    nights = (night("b", "2026-03-01", stages=2), night("a", "2026-02-28"))
    life.pull(NIGHTS, day("2026-02-28", "2026-03-01", axis=Axis.DATE), Page(sessions=nights))
    (row,) = objects(life, NIGHTS, date(2026, 3, 1))
    assert row == {
        "key": "b",
        "day": "2026-03-01",
        "start_utc": "2026-02-28T23:00:00Z",
        "start_local": "2026-03-01T00:00:00+01:00",
        "end_utc": "2026-03-01T07:00:00Z",
        "end_local": "2026-03-01T08:00:00+01:00",
        "duration_s": 28800,
        "labels": {"type": "stages"},
        "values": {"efficiency": 90},
        "parts": [
            {
                "part_kind": "stage",
                "part": label,
                "part_start_utc": f"2026-02-28T23:0{minute}:00Z",
                "part_start_local": f"2026-03-01T00:0{minute}:00+01:00",
                "part_duration_s": 60,
            }
            for minute, label in enumerate(("deep", "light"))
        ],
    }
    assert [row["key"] for row in objects(life, NIGHTS)] == ["a", "b"]


def test_in_a_table_a_night_has_a_row_for_each_stage(life: Life) -> None:
    bare = Session("c", date(2026, 3, 2), EIGHT, EIGHT + 500, 0)
    said = Page(sessions=(night("b", "2026-03-01", stages=2), bare))
    life.pull(NIGHTS, day("2026-03-01", "2026-03-02", axis=Axis.DATE), said)
    rows = table(life, NIGHTS)
    assert [(row["key"], row["type"], row["efficiency"], row["part"]) for row in rows] == [
        ("b", "stages", "90", "deep"),
        ("b", "stages", "90", "light"),
        ("c", "", "", ""),
    ]
    assert rows[2]["duration_s"] == "0.5"


def test_daily_values_carry_their_unit(life: Life) -> None:
    said = Page(dailies=(Daily(date(2026, 3, 1), "bpm", 55), Daily(date(2026, 2, 28), "odd", 1)))
    life.pull(RESTING, day("2026-02-28", "2026-03-01", axis=Axis.DATE), said)
    assert objects(life, RESTING) == [
        {"day": "2026-02-28", "field": "odd", "value": 1, "unit": "", "source": ""},
        {"day": "2026-03-01", "field": "bpm", "value": 55, "unit": "bpm", "source": ""},
    ]


def test_snapshots_carry_when_they_were_taken(life: Life) -> None:
    life.pull(DEVICES, None, Page(snapshots=(Snapshot("1", '{"a": 1}'),)))
    assert table(life, DEVICES) == [
        {"taken_at": "2026-03-02T10:00:00Z", "key": "1", "content": '{"a": 1}'}
    ]


def test_of_several_sources_one_can_be_preferred(life: Life) -> None:
    watch = Readings("bpm", "watch", 3600, [(EIGHT, 60, None)], preference=0)
    phone = Readings("bpm", "phone", 3600, [(EIGHT, 99, None), (EIGHT + 1000, 61, None)], 1)
    life.pull(HEART, day("2026-03-01"), Page(readings=(phone, watch)))
    lines = export_lines(life.store.index.db, Export(HEART, preferred=True), Format.JSONL)
    assert [json.loads(line)["value"] for line in lines] == [60, 61]
    assert [row["value"] for row in objects(life, HEART)] == [99, 60, 61]


def test_an_export_of_nothing_is_its_columns_alone(life: Life) -> None:
    lines = list(export_lines(life.store.index.db, Export(HEART), Format.CSV))
    assert lines == ["time_utc,time_local,field,value,unit,source,duration_s\n"]
