"""Whoever reads while another process writes sees whole pulls, and one index or the other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fitbitd.store.index import open_reader
from tests.support.crash_home import CrashHome, crash_home
from tests.support.crash_trace import Call, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

EVERY = 5
"""The reader looks before each so-many-th write to the index."""

WHOLE_PULLS = """
    SELECT
        (SELECT count(*) FROM reading),
        (SELECT coalesce(sum(n), 0) FROM rollup_hour),
        (SELECT coalesce(sum(n), 0) FROM rollup_day),
        (SELECT coalesce(sum(readings), 0) FROM coverage
         WHERE data_type IN ('heart_rate', 'steps')),
        (SELECT coalesce(sum(written), 0) FROM pull
         WHERE data_type IN ('heart_rate', 'steps'))
"""
"""Five ways to count the same readings; they differ in the middle of a pull."""

EVERYTHING = """
    SELECT
        (SELECT count(*) FROM reading),
        (SELECT sum(n) FROM rollup_day),
        (SELECT count(*) FROM session_part),
        (SELECT count(*) FROM daily),
        (SELECT count(*) FROM coverage)
"""


@dataclass(slots=True)
class Reader:
    """Looks at an index again and again, while the process that writes it stands still."""

    db: sqlite3.Connection
    query: str
    seen: list[tuple[int, ...]] = field(default_factory=list)
    writes: int = 0

    def look(self) -> tuple[int, ...]:
        row: tuple[int, ...] = self.db.execute(self.query).fetchone()
        return row

    def watch(self, call: Call) -> bool:
        if call.name == "pwrite64" and call.path.name in {"index.sqlite", "index.sqlite-wal"}:
            self.writes += 1
            if self.writes % EVERY == 0:
                self.seen.append(self.look())
        return False


@pytest.fixture
def home(tmp_path: Path) -> Iterator[CrashHome]:
    with crash_home(tmp_path) as home:
        yield home


def test_a_reader_never_sees_half_a_pull(home: CrashHome) -> None:
    assert home.desk.type("pull", "alice", "--data-type", "profile").code == 0
    with closing(open_reader(home.state_dir / "alice")) as db:
        reader = Reader(db, WHOLE_PULLS)
        assert home.trace(reader.watch, "pull", "alice") == 0
        reader.seen.append(reader.look())
    assert all(len(set(counts)) == 1 for counts in reader.seen), reader.seen
    pulls_seen = {counts[0] for counts in reader.seen}
    assert len(pulls_seen) >= 4, "it looked at the wrong time"
    assert home.collected("alice") == home.truth()


def test_a_reader_sees_the_old_index_or_the_rebuilt_one(home: CrashHome) -> None:
    assert home.pull().code == 0
    with closing(open_reader(home.state_dir / "alice")) as db:
        reader = Reader(db, EVERYTHING)
        new = reader.look()
        damage(home.state_dir / "alice")
        old = reader.look()
        assert all(some < whole for some, whole in zip(old, new, strict=True))
        assert home.trace(reader.watch, "rebuild", "alice") == 0
        assert len(reader.seen) > 20
        assert set(reader.seen) <= {old, new}
        assert reader.seen[0] == old
        assert reader.look() == new


def damage(account_dir: Path) -> None:
    """Take every other row out of an index."""
    with closing(sqlite3.connect(account_dir / "index.sqlite")) as db:
        db.execute("DELETE FROM reading WHERE (instant / 60000) % 2")
        db.execute("UPDATE rollup_day SET n = n / 2")
        db.execute("DELETE FROM session_part WHERE ordinal % 2")
        db.execute("DELETE FROM daily WHERE field LIKE '%.min'")
        db.execute("DELETE FROM coverage WHERE data_type = 'steps'")
        db.commit()
