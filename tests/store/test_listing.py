"""What status shows of an index."""

from datetime import date
from pathlib import Path

from fitbitd.model import Axis, Daily, Page, Snapshot
from fitbitd.store import listing
from tests.support.store import (
    DEVICES,
    HEART,
    NIGHTS,
    RESTING,
    Life,
    at,
    day,
    heart,
    ms,
    night,
)


def test_holdings_the_last_passes_and_what_is_final_are_told(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    beats = heart([(ms("2026-03-01T08:00"), 60, None), (ms("2026-03-01T09:00"), 61, None)])
    dates = day("2026-03-01", axis=Axis.DATE)
    life.pull(HEART, day("2026-03-01"), beats)
    life.pull(NIGHTS, dates, Page(sessions=(night("a", "2026-03-01"),)))
    life.pull(RESTING, dates, Page(dailies=(Daily(date(2026, 3, 1), "bpm", 50),)))
    life.pull(DEVICES, None, Page(snapshots=(Snapshot("1", "{}"),)))
    db = life.store.index.db
    assert [(one.data_type, one.oldest, one.newest, one.count) for one in listing.holdings(db)] == [
        ("devices", life.now, life.now, 1),
        ("heart", at("2026-03-01T08:00"), at("2026-03-01T09:00"), 2),
        ("resting", at("2026-03-01"), at("2026-03-01"), 1),
        ("sleep", at("2026-02-28T23:00"), at("2026-03-01T07:00"), 1),
    ]
    assert [one.outcome for one in listing.last_passes(db, 2)] == ["ok", "ok"]
    assert listing.coverage_counts(db)["heart"] == (0, 1)
    life.store.close()
