"""Backups: what is copied, as of which moment, and that it restores."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fitbitd.errors import OperatorError
from fitbitd.store.account import AccountStore
from fitbitd.store.backup import PART, back_up
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import INDEX_NAME, open_reader
from fitbitd.store.verify import verify
from tests.support.store import CATALOGUE, HEART, Life, day, heart, ms, read


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    for number in range(1, 4):
        pull(made, number)
    (tmp_path / "alice" / "token.json").write_text('{"access_token": "a"}')
    yield made
    made.store.close()


def pull(life: Life, number: int) -> None:
    start = ms(f"2026-02-0{number}T08:00")
    life.pull(HEART, day(f"2026-02-0{number}"), heart([(start, 60 + number, None)]))


def dump(folder: Path) -> list[str]:
    with closing(open_reader(folder)) as db:
        return list(canonical_dump(db))


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in found
    }


def copied(source: Path, target: Path, *, secrets: bool = False) -> set[str]:
    """Back up; name what was really copied."""
    done = back_up(source, target, secrets=secrets)
    return {one.path.relative_to(target).as_posix() for one in done if one.size_bytes is not None}


def test_a_copy_beside_the_writer_has_the_same_rows_and_restores(
    life: Life, tmp_path: Path
) -> None:
    source, target = tmp_path / "alice", tmp_path / "usb" / "alice"
    copied(source, target)
    assert dump(target) == dump(source)
    with closing(open_reader(target)) as db:
        assert list(verify(target, db)) == []
    restored = AccountStore(target, read, CATALOGUE)
    assert list(canonical_dump(restored.index.db)) == dump(source)
    restored.close()
    assert life.store.index.applied_seq > 0


def test_only_the_reader_of_the_index_gets_more_than_the_owner(life: Life, tmp_path: Path) -> None:
    assert life.store.index.applied_seq > 0
    target = tmp_path / "usb"
    copied(tmp_path / "alice", target, secrets=True)
    assert {name: mode for name, (_, mode) in files(target).items() if mode != 0o600} == {
        INDEX_NAME: 0o640
    }
    assert target.stat().st_mode & 0o777 == 0o750


def test_tokens_are_copied_only_when_asked_for(life: Life, tmp_path: Path) -> None:
    assert life.store.index.applied_seq > 0
    source = tmp_path / "alice"
    copied(source, tmp_path / "without")
    assert "token.json" not in files(tmp_path / "without")
    copied(source, tmp_path / "with", secrets=True)
    assert files(tmp_path / "with")["token.json"] == (b'{"access_token": "a"}', 0o600)


def test_the_next_backup_copies_what_is_new_and_leaves_the_rest_untouched(
    life: Life, tmp_path: Path
) -> None:
    source, target = tmp_path / "alice", tmp_path / "usb"
    first = copied(source, target)
    assert len(first) == 2  # the index and the day's file
    (old,) = (path for path in target.rglob("*.jsonl.gz"))
    before = old.stat()
    (of,) = (path for path in source.rglob("*.jsonl.gz"))
    assert before.st_mtime_ns == of.stat().st_mtime_ns  # rsync compares it
    assert copied(source, target) == {INDEX_NAME}
    assert old.stat().st_ino == before.st_ino
    pull(life, 4)
    assert copied(source, target) == first
    assert dump(target) == dump(source)


def test_what_the_index_has_not_applied_yet_is_not_in_the_copy(life: Life, tmp_path: Path) -> None:
    assert life.store.index.applied_seq > 0
    source, target = tmp_path / "alice", tmp_path / "usb"
    (path,) = source.rglob("*.jsonl.gz")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])  # a pass under way
    copied(source, target)
    assert next(target.rglob("*.jsonl.gz")).read_bytes() == whole


def test_without_an_index_the_archive_is_copied_as_far_as_it_is_whole(
    life: Life, tmp_path: Path
) -> None:
    life.store.close()
    source, target = tmp_path / "alice", tmp_path / "usb"
    (source / INDEX_NAME).write_bytes(b"no database at all, but long enough to be taken for one")
    (path,) = source.rglob("*.jsonl.gz")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert len(copied(source, target)) == 1
    assert next(target.rglob("*.jsonl.gz")).read_bytes() == whole
    assert not (target / INDEX_NAME).exists()


def test_what_an_interrupted_copy_left_is_in_nobodys_way(life: Life, tmp_path: Path) -> None:
    assert life.store.index.applied_seq > 0
    source, target = tmp_path / "alice", tmp_path / "usb"
    next(back_up(source, target, secrets=False))
    for name in (INDEX_NAME, "archive"):
        (target / f"{name}{PART}").write_bytes(b"half")
    copied(source, target)
    assert dump(target) == dump(source)


@pytest.mark.parametrize("where", [".", "..", "archive", "../alice/backup"])
def test_a_copy_within_what_is_copied_is_refused(life: Life, tmp_path: Path, where: str) -> None:
    assert life.store.index.applied_seq > 0
    before = files(tmp_path)
    with pytest.raises(OperatorError, match="Nothing was copied"):
        list(back_up(tmp_path / "alice", tmp_path / "alice" / where, secrets=False))
    assert files(tmp_path) == before


def test_a_copy_that_holds_more_than_the_account_is_left_as_it_is(
    life: Life, tmp_path: Path
) -> None:
    assert life.store.index.applied_seq > 0
    source, target = tmp_path / "alice", tmp_path / "usb"
    copied(source, target)
    before = files(target)
    emptied = Life(tmp_path / "emptied")
    emptied.store.close()
    with pytest.raises(OperatorError, match="holds more than"):
        copied(tmp_path / "emptied", target)
    left = files(target)
    left.pop(f"{INDEX_NAME}{PART}", None)
    assert left == before
    copied(source, target)
    assert files(target).keys() == before.keys()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(life: Life, tmp_path: Path) -> None:
    assert life.store.index.applied_seq > 0
    (tmp_path / "usb").mkdir(mode=0o500)
    with pytest.raises(OperatorError, match="usb"):
        list(back_up(tmp_path / "alice", tmp_path / "usb" / "alice", secrets=False))
    shutil.rmtree(tmp_path / "usb")
