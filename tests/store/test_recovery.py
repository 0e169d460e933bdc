"""What a stop in the middle of a write left behind."""

import os
from pathlib import Path

import pytest

from fitbitd.model import Axis, DeviceSync, Page, Pull, Snapshot, Why
from fitbitd.store.dump import canonical_dump
from fitbitd.store.members import Member, read_file
from fitbitd.store.rebuild import rebuild
from fitbitd.store.recovery import recover
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    HEART,
    NIGHTS,
    Life,
    at,
    body,
    complete,
    day,
    heart,
    ms,
    night,
    read,
)

BASE = ms("2026-03-01T08:00")


def lived(account_dir: Path) -> tuple[Path, int, list[str]]:
    """Live two passes, of which the index knows the first; give the file and where that ends."""
    life = Life(account_dir)
    life.pull(HEART, day("2026-03-01"), heart([(BASE + n * 5000, 60, None) for n in range(50)]))
    path = life.store.writer.path
    assert path is not None
    applied = path.stat().st_size
    life.begin_pass()
    points = heart([(BASE + n * 5000, 61, None) for n in range(60)])
    for of, window, page in (
        (HEART, day("2026-03-01"), points),
        (NIGHTS, day("2026-03-01", axis=Axis.DATE), Page(sessions=(night("n", "2026-03-01"),))),
        (
            DEVICES,
            None,
            Page(
                snapshots=(Snapshot("1", "{}"),),
                syncs=(DeviceSync("1", at("2026-03-02T09:00")),),
            ),
        ),
    ):
        pull = Pull(of.name, window, Why.SYNC, "Europe/Berlin")
        life.write_pull(pull, [body(page)], complete(1, page.points))
    before = list(canonical_dump(life.store.index.db))
    life.store.close()
    return path, applied, before


def test_a_stop_at_any_byte_leaves_the_whole_members_before_it(tmp_path: Path) -> None:
    path, applied, _ = lived(tmp_path / "alice")
    data = path.read_bytes()
    whole = [one.end for one in read_file(path, applied) if isinstance(one, Member)]
    assert len(whole) == 4  # the pass's begin, and each of three pulls
    for size in [*range(applied, whole[-2], 11), *range(whole[-2], len(data) + 1)]:
        path.write_bytes(data[:size])
        recovery = recover(tmp_path / "alice", {path: applied})
        end = max((one for one in whole if one <= size), default=applied)
        assert path.read_bytes() == data[:end]
        assert len(recovery.cut) == (end != size)
        for _, copy in recovery.cut:
            assert copy.read_bytes() == data[end:size]
            copy.unlink()


def test_an_index_after_a_stop_at_any_write_equals_a_rebuilt_one(tmp_path: Path) -> None:
    path, applied, before = lived(tmp_path / "alice")
    data = path.read_bytes()
    index = (tmp_path / "alice" / "index.sqlite").read_bytes()
    dumps: list[list[str]] = []
    for size in [*range(applied, len(data), 37), len(data)]:
        path.write_bytes(data[:size])
        (tmp_path / "alice" / "index.sqlite").write_bytes(index)
        life = Life(tmp_path / "alice")
        list(life.store.catch_up())
        dumped = list(canonical_dump(life.store.index.db))
        list(rebuild(tmp_path / "alice", read, CATALOGUE))
        assert list(canonical_dump(life.store.index.db)) == dumped
        life.store.close()
        if not dumps or dumps[-1] != dumped:
            dumps.append(dumped)
    assert dumps[0] == before
    assert len(dumps) == 4


def test_zeros_at_the_end_are_cut_off_after_a_copy(tmp_path: Path) -> None:
    path, _, _ = lived(tmp_path / "alice")
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(5000))
    life = Life(tmp_path / "alice")
    ((torn, copy),) = life.store.recovery.cut
    assert (torn.start, torn.end, path.stat().st_size) == (size, size + 5000, size)
    assert copy.name == f"03-02.jsonl.gz.torn-{size}"
    assert copy.read_bytes() == bytes(5000)
    assert copy.stat().st_mode & 0o777 == 0o600
    life.store.close()


def test_a_second_tear_at_the_same_place_keeps_the_copy_of_the_first(tmp_path: Path) -> None:
    path, _, _ = lived(tmp_path / "alice")
    copies = []
    for what in (b"first", b"second"):
        with path.open("ab") as file:
            file.write(what)
        life = Life(tmp_path / "alice")
        copies += [copy for _, copy in life.store.recovery.cut]
        life.store.close()
    assert [copy.read_bytes() for copy in copies] == [b"first", b"second"]


def test_bytes_known_to_be_synced_are_never_cut(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    life.pull(HEART, day("2026-03-01"), heart([(BASE, 60, None)]))
    path = life.store.writer.path
    assert path is not None
    before = list(canonical_dump(life.store.index.db))
    life.store.close()
    data = path.read_bytes()
    hurt = data[: len(data) - 60] + bytes(60)
    path.write_bytes(hurt)
    life = Life(tmp_path / "alice")
    list(life.store.catch_up())
    assert life.store.recovery.cut == ()
    assert path.read_bytes() == hurt
    assert list(canonical_dump(life.store.index.db)) == before
    life.store.close()


def test_zeros_between_whole_members_are_told_left_and_passed_over(tmp_path: Path) -> None:
    path, applied, _ = lived(tmp_path / "alice")
    data = path.read_bytes()
    path.write_bytes(data[:applied] + bytes(300) + data[applied:])
    life = Life(tmp_path / "alice")
    assert [(one.start, one.end) for one in life.store.recovery.damage] == [
        (applied, applied + 300)
    ]
    list(life.store.catch_up())
    assert life.rows("SELECT count(*) FROM reading") == [(60,)]
    assert life.rows("SELECT start_byte, end_byte FROM damage") == [(applied, applied + 300)]
    life.store.close()
    life = Life(tmp_path / "alice")
    assert life.store.recovery.damage == ()  # known by now
    life.store.close()
    assert path.stat().st_size == len(data) + 300


def test_a_file_that_lost_its_end_is_told_and_written_on(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    life.pull(HEART, day("2026-03-01"), heart([(BASE, 60, None)]))
    path = life.store.writer.path
    assert path is not None
    last_seq = life.store.index.applied_seq
    life.store.close()
    size = path.stat().st_size
    os.truncate(path, size - 90)
    life = Life(tmp_path / "alice")
    assert life.store.recovery.missing == ((path, size - 90),)
    assert life.store.writer.next_seq == last_seq + 1
    life.pull(HEART, day("2026-03-01"), heart([(BASE, 61, None)]))
    assert life.readings() == [(BASE, 61, 3600, 0)]
    assert life.rows("SELECT start_byte, end_byte FROM damage") == [(size - 90, size)]
    life.store.close()


def test_without_an_index_everything_comes_back_from_the_archive(tmp_path: Path) -> None:
    lived(tmp_path / "alice")
    life = Life(tmp_path / "alice")
    list(life.store.catch_up())
    wanted = list(canonical_dump(life.store.index.db))
    next_seq = life.store.writer.next_seq
    life.store.close()
    (tmp_path / "alice" / "index.sqlite").unlink()
    life = Life(tmp_path / "alice")
    assert life.store.writer.next_seq == next_seq
    list(life.store.catch_up())
    assert list(canonical_dump(life.store.index.db)) == wanted
    life.store.close()


def test_the_next_number_follows_the_greatest_of_all_files(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    for text in ("2026-03-05", "2026-03-01"):  # the clock stepped back
        life.now = at(text)
        life.pull(HEART, day("2026-03-01"), heart([(BASE, 60, None)]))
    wanted = life.store.writer.next_seq
    life.store.close()
    for _ in range(2):
        life = Life(tmp_path / "alice")
        assert life.store.writer.next_seq == wanted
        life.store.close()
        (tmp_path / "alice" / "index.sqlite").unlink()


def test_only_trailing_passes_count_as_unfinished(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    life.begin_pass()
    life.begin_pass()
    life.end_pass()
    assert life.store.index.ledger(life.now).unfinished_passes == 0
    life.begin_pass()
    life.end_pass()
    assert life.store.index.ledger(life.now).unfinished_passes == 0
    life.store.close()


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_passes_that_began_and_never_ended_are_counted(tmp_path: Path, passes: int) -> None:
    life = Life(tmp_path / "alice")
    life.pull(HEART, day("2026-03-01"), heart([(BASE, 60, None)]))
    life.store.close()
    for _ in range(passes):
        life = Life(tmp_path / "alice")
        life.begin_pass()
        life.store.close()
    life = Life(tmp_path / "alice")
    list(life.store.catch_up())
    assert life.store.index.ledger(life.now).unfinished_passes == passes
    life.store.close()
