"""Making the index again: at once for readers, and after any interruption."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.clock import UnwantedError
from fitbitd.model import Page, Point, Pull, Reply
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from fitbitd.store.rebuild import SIDE_NAME, rebuild
from tests.support.store import CATALOGUE, HEART, Life, day, heart, ms, read


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    for number in range(1, 6):
        start = ms(f"2026-02-0{number}T08:00")
        made.pull(HEART, day(f"2026-02-0{number}"), heart([(start, 60 + number, None)]))
    yield made
    made.store.close()


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM reading").fetchone()[0])


def test_readers_see_the_old_rows_until_the_new_ones_are_all_there(
    life: Life, tmp_path: Path
) -> None:
    life.store.index.db.execute("DELETE FROM reading WHERE value > 61")  # a wrong index
    reader = open_reader(tmp_path / "alice")
    seen = [count(reader) for _ in rebuild(tmp_path / "alice", read, CATALOGUE)]
    assert set(seen) == {1}
    assert count(reader) == 5
    reader.close()
    assert not list((tmp_path / "alice").glob(f"{SIDE_NAME}*"))


def test_a_reader_in_a_transaction_keeps_its_rows_and_holds_nobody_up(
    life: Life, tmp_path: Path
) -> None:
    life.store.index.db.execute("DELETE FROM reading WHERE value > 61")
    reader = open_reader(tmp_path / "alice")
    reader.execute("BEGIN")
    assert count(reader) == 1
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert count(reader) == 1
    reader.execute("COMMIT")
    assert count(reader) == 5
    reader.close()


def test_what_is_interrupted_goes_on_where_it_was(life: Life, tmp_path: Path) -> None:
    before = list(canonical_dump(life.store.index.db))
    begun = rebuild(tmp_path / "alice", read, CATALOGUE)
    for _ in range(2):
        next(step for step in begun if step.pull is not None)
    begun.close()
    read_again: list[Reply] = []

    def counting(pull: Pull, reply: Reply) -> Page:
        read_again.append(reply)
        return read(pull, reply)

    list(rebuild(tmp_path / "alice", counting, CATALOGUE))
    assert len(read_again) == 3
    assert list(canonical_dump(life.store.index.db)) == before


def test_what_another_program_began_is_begun_anew(life: Life, tmp_path: Path) -> None:
    begun = rebuild(tmp_path / "alice", read, CATALOGUE)
    next(begun)
    begun.close()
    side = sqlite3.connect(tmp_path / "alice" / SIDE_NAME)
    side.execute("UPDATE meta SET value = '0.0' WHERE key = 'rebuilt_by'")
    side.execute("INSERT INTO daily VALUES ('x', 'x', 'x', '2026-02-01', 1)")
    side.commit()
    side.close()
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert life.rows("SELECT count(*) FROM daily") == [(0,)]


def test_a_side_file_that_is_damaged_is_begun_anew(life: Life, tmp_path: Path) -> None:
    (tmp_path / "alice" / SIDE_NAME).write_bytes(b"no database" * 1000)
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert count(life.store.index.db) == 5


def test_what_is_collected_meanwhile_is_in_the_new_index(life: Life, tmp_path: Path) -> None:
    steps = rebuild(tmp_path / "alice", read, CATALOGUE)
    next(steps)
    life.pull(HEART, day("2026-02-07"), heart([(ms("2026-02-07T08:00"), 67, None)]))
    list(steps)
    assert count(life.store.index.db) == 6
    life.pull(HEART, day("2026-02-08"), heart([(ms("2026-02-08T08:00"), 68, None)]))
    assert count(life.store.index.db) == 7


def test_what_is_collected_while_it_catches_up_is_in_the_new_index_too(
    life: Life, tmp_path: Path
) -> None:
    collected = 0
    for step in rebuild(tmp_path / "alice", read, CATALOGUE):
        if step.last_seq == life.store.index.applied_seq and collected < 3:
            collected += 1  # another pass has its turn just when all was applied
            start = f"2026-02-1{collected}"
            life.pull(HEART, day(start), heart([(ms(f"{start}T08:00"), 70, None)]))
    assert collected == 3
    assert count(life.store.index.db) == 8


def test_a_stop_while_the_new_index_is_copied_leaves_the_old_one(
    life: Life, tmp_path: Path
) -> None:
    start = ms("2026-02-08T00:00")
    beats: list[Point] = [
        (start + second * 1000, 60 + second % 40, None) for second in range(80_000)
    ]
    life.pull(HEART, day("2026-02-08"), heart(beats))
    life.store.index.db.execute("DELETE FROM reading WHERE value > 61")
    held = count(life.store.index.db)
    stopped = False

    def go_on() -> None:
        if stopped:
            raise UnwantedError

    steps = rebuild(tmp_path / "alice", read, CATALOGUE, go_on=go_on)
    while next(steps).last_seq < life.store.index.applied_seq:
        continue
    stopped = True
    with pytest.raises(UnwantedError):
        list(steps)
    assert count(life.store.index.db) == held
    life.pull(HEART, day("2026-02-09"), heart([(ms("2026-02-09T08:00"), 61, None)]))
    read_again: list[Reply] = []

    def counting(pull: Pull, reply: Reply) -> Page:
        read_again.append(reply)
        return read(pull, reply)

    list(rebuild(tmp_path / "alice", counting, CATALOGUE))
    assert len(read_again) == 1  # the one that came after
    assert count(life.store.index.db) == 5 + 80_000 + 1
