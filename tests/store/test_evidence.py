"""What the index tells of single days, and how fast history came."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.plan.coverage import SettledBy
from fitbitd.plan.eta import Pace
from fitbitd.plan.gaps import Final, Gap, Lack
from fitbitd.store.gaps import read_evidence, read_pace
from fitbitd.store.windows import to_ms
from tests.support.types import DENSE, NIGHTS, TRACKS

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
SCHEMA = Path(__file__).parents[2] / "fitbitd" / "store" / "schema"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        for path in sorted(SCHEMA.glob("*.sql")):
            made.executescript(path.read_text())
        yield made


def march(day: int) -> date:
    return date(2026, 3, day)


def test_final_days_that_are_alike_are_one_run(db: sqlite3.Connection) -> None:
    rows = [
        ("2026-03-01", "sync", 5, 0),
        ("2026-03-02", "sync", 6, 0),
        ("2026-03-03", "sync", 0, 0),
        ("2026-03-04", "age", 0, 0),
        ("2026-03-06", "age", 0, 0),
        ("2026-03-07", "age", 0, 1),  # it moved since, and is no longer final
    ]
    db.executemany(
        "INSERT INTO coverage (data_type, day, settled, settled_by, readings, recheck, whole,"
        " read_at) VALUES ('pulse', ?, 1, ?, ?, ?, 1, 0)",
        rows,
    )
    by_sync, by_age = SettledBy.SYNC, SettledBy.AGE
    assert read_evidence(db).final == {
        DENSE.name: (
            Final(march(1), march(2), by_sync, empty=False),
            Final(march(3), march(3), by_sync, empty=True),
            Final(march(4), march(4), by_age, empty=True),
            Final(march(6), march(6), by_age, empty=True),
        )
    }


def test_what_was_refused_is_told_with_all_days_of_the_window_that_failed(
    db: sqlite3.Connection,
) -> None:
    at = to_ms(NOW)
    db.executemany(
        "INSERT INTO refusal VALUES (?, ?, ?, 1, ?, ?, ?)",
        [
            ("pulse", "2026-03-02", "too_large", at, at, at),
            ("pulse", "2026-03-09", "too_large", at, at, at),
            ("nights", "", "data_type_refused", at, at, at),
            ("tracks", "item:a@1", "data_type_refused", at, at, at),
            ("tracks", "item:b@1", "data_type_refused", at, at, at + 1000),
        ],
    )
    db.execute(
        "INSERT INTO pull (id, pass, data_type, window_start, window_end, why, zone, began_at,"
        " ended_at, outcome, reason, detail, pages, points, written, withdrawn) VALUES (1, 0,"
        " 'pulse', '2026-03-02T00:00:00Z', '2026-03-05T00:00:00Z', '', '', 0, 0, 'failed',"
        " 'too_large', '', 0, 0, 0, 0)"
    )
    assert read_evidence(db).refused == (
        Gap(NIGHTS.name, Lack.REFUSED, None, None, NOW, NOW, "data_type_refused"),
        Gap(DENSE.name, Lack.FAILED, march(2), march(4), NOW, NOW, "too_large"),
        Gap(DENSE.name, Lack.FAILED, march(9), march(9), NOW, NOW, "too_large"),
        Gap(
            TRACKS.name,
            Lack.FAILED,
            since=NOW,
            until=NOW + timedelta(seconds=1),
            detail="data_type_refused",
            count=2,
        ),
    )


def test_doubts_and_points_that_were_not_understood_are_told(db: sqlite3.Connection) -> None:
    at = to_ms(NOW)
    db.execute("INSERT INTO doubt VALUES ('pulse', '2026-03-02', ?)", (at,))
    unread = "INSERT INTO unread VALUES ('pulse', ?, ?, 3, 'no time', ?, 0)"
    db.executemany(unread, [("", "", at), ("2026-03-01", "2026-03-02", at)])
    found = read_evidence(db)
    tomorrow = NOW + timedelta(days=1)
    assert found.doubted == (Gap(DENSE.name, Lack.NOT_BELIEVED, march(2), march(2), NOW, tomorrow),)
    assert [(gap.first, gap.last, gap.count, gap.detail) for gap in found.unread] == [
        (None, None, 3, "no time"),
        (march(1), march(2), 3, "no time"),
    ]


def test_the_pace_of_history_counts_its_waits_and_not_what_was_long_ago(
    db: sqlite3.Connection,
) -> None:
    assert read_pace(db, NOW) is None

    def ran(number: int, why: str, minutes_ago: float, pages: int) -> None:
        at = to_ms(NOW - timedelta(minutes=minutes_ago))
        db.execute(
            "INSERT INTO pass (id, provider, program, began_at) VALUES (?, '', '', ?)",
            (number, at),
        )
        db.execute(
            "INSERT INTO pull (id, pass, data_type, why, zone, began_at, ended_at, outcome, reason,"
            " detail, pages, points, written, withdrawn)"
            " VALUES (?, ?, 'pulse', ?, '', ?, ?, '', '', '', ?, 0, 0, 0)",
            (number + 1, number, why, at, at, pages),
        )

    ran(1, "backfill", 300, 1000)
    ran(3, "sync", 100, 7)
    assert read_pace(db, NOW) is None
    ran(5, "backfill", 90, 40)
    ran(7, "backfill", 20, 0)  # a pull that failed took a request all the same
    ran(9, "sync", 10, 3)
    assert read_pace(db, NOW) == Pace(41, timedelta(minutes=80))
