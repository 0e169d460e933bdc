"""An index of an earlier program: opened, brought up to date, and worked with."""

import sqlite3
from importlib import resources
from pathlib import Path

from fitbitd.model import Page
from fitbitd.plan.ledger import DayRead
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import INDEX_NAME, SCHEMA_VERSION
from tests.support.store import DEVICES, HEART, Life, at, day, heart, ms

SUNDAY = day("2026-03-01")
EIGHT = ms("2026-03-01T08:00")


def make_first_index(account_dir: Path) -> None:
    """Make an index of schema 1 that holds a settled and an open day."""
    account_dir.mkdir()
    db = sqlite3.connect(account_dir / INDEX_NAME)
    script = resources.files("fitbitd.store").joinpath("schema", "0001.sql")
    db.executescript(f"{script.read_text('utf-8')}; PRAGMA user_version = 1;")
    db.execute("INSERT INTO series VALUES (1, 'heart', 'bpm', 'bpm', '', 3600, 0)")
    db.execute("INSERT INTO reading VALUES (1, ?, 60, NULL)", (EIGHT,))
    db.execute("INSERT INTO field VALUES ('heart', 'bpm', 'bpm', 'beats')")
    for text, settled in (("2026-03-01", 1), ("2026-03-02", 0)):
        db.execute(
            "INSERT INTO coverage VALUES ('heart', ?, ?, 1, ?, 1, NULL)",
            (text, settled, ms("2026-03-10T09:00")),
        )
    db.execute("INSERT INTO meta VALUES ('zone', 'Europe/Berlin')")
    db.commit()
    db.close()


def test_an_index_of_the_first_schema_keeps_what_it_holds_and_goes_on(tmp_path: Path) -> None:
    make_first_index(tmp_path / "alice")
    life = Life(tmp_path / "alice", "2026-03-10T10:00")
    assert life.rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    known = life.store.index.ledger(life.now).of(HEART.name)
    sunday, monday = SUNDAY.start.date(), day("2026-03-02").start.date()
    assert known.settled == ((sunday, sunday),)
    assert known.open == {monday: DayRead(at("2026-03-10T09:00"), 1, None, whole=True)}
    assert (known.recheck, known.points_a_day, known.files_wanted) == (frozenset(), None, ())
    life.pull(HEART, SUNDAY, heart([(EIGHT, 61, None)]), synced_at=at("2026-03-10T09:00"))
    life.pull(DEVICES, None, Page(zone="Europe/Berlin"))
    assert life.rows("SELECT day, old, new FROM correction") == [("2026-03-01", 60, 61)]
    assert life.rows("SELECT value FROM readings") == [(61,)]
    before = list(canonical_dump(life.store.index.db))
    life.store.close()
    again = Life(tmp_path / "alice")
    assert list(canonical_dump(again.store.index.db)) == before
    again.store.close()
