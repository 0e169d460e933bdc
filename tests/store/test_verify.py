"""What verify finds, and that it finds nothing where nothing is wrong."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.errors import TransientError
from fitbitd.store.archive import ArchiveWriter
from fitbitd.store.index import open_reader
from fitbitd.store.verify import compare, verify
from tests.support.store import CATALOGUE, HEART, Life, at, day, heart, ms, read


@pytest.fixture
def account_dir(tmp_path: Path) -> Path:
    life = Life(tmp_path / "alice")
    for number in range(1, 4):
        start = ms(f"2026-02-0{number}T08:00")
        life.pull(HEART, day(f"2026-02-0{number}"), heart([(start, 60 + number, None)]))
    life.store.close()
    return tmp_path / "alice"


@pytest.fixture
def file(account_dir: Path) -> Path:
    return account_dir / "archive" / "2026" / "03-02.jsonl.gz"


def findings(account_dir: Path) -> Iterator[tuple[str, int | None]]:
    reader = open_reader(account_dir)
    for finding in verify(account_dir, reader):
        assert finding.words
        yield finding.code, finding.offset
    reader.close()


def test_nothing_is_found_where_nothing_is_wrong(account_dir: Path, tmp_path: Path) -> None:
    assert list(findings(account_dir)) == []
    reader = open_reader(account_dir)
    assert list(compare(account_dir, reader, read, CATALOGUE, tmp_path / "scratch")) == []
    reader.close()


def test_a_pass_under_way_is_no_finding(account_dir: Path, file: Path) -> None:
    writer = ArchiveWriter(account_dir, 16)
    writer.begin_pass(at("2026-03-02T11:00"), "fake", "1.0")
    assert list(findings(account_dir)) == []
    writer.close()
    with file.open("ab") as end:
        end.write(b"\x1f\x8b\x08torn")
    assert list(findings(account_dir)) == []


def test_damage_is_found_with_its_place(account_dir: Path, file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:200] + bytes(40) + data[240:])
    codes = list(findings(account_dir))
    assert [code for code, _ in codes] == ["archive_damaged", "archive_gap"]
    assert codes[0][1] is not None
    assert codes[0][1] <= 200


def test_a_file_that_lost_its_end_is_found(account_dir: Path, file: Path) -> None:
    size = file.stat().st_size - 30
    os.truncate(file, size)
    codes = list(findings(account_dir))
    assert codes[0] == ("archive_damaged", size)
    file.unlink()
    assert list(findings(account_dir)) == [("archive_damaged", 0)]


def test_lines_that_are_missing_or_stand_twice_are_found(account_dir: Path, file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data + data)
    assert ("archive_gap", len(data)) in list(findings(account_dir))


def test_a_body_that_cannot_be_decoded_is_found(account_dir: Path) -> None:
    writer = ArchiveWriter(account_dir, 16)
    writer.begin_pass(at("2026-03-03T11:00"), "fake", "1.0")
    writer._write_member(writer._line("reply", at("2026-03-03T11:00"), body_base64="?"))
    writer.close()
    assert [code for code, _ in findings(account_dir)] == ["archive_damaged"]


def test_an_index_that_stays_ahead_of_the_archive_is_not_taken_for_equal(
    account_dir: Path, file: Path, tmp_path: Path
) -> None:
    file.unlink()
    reader = open_reader(account_dir)
    with pytest.raises(TransientError, match="Nothing was compared"):
        list(compare(account_dir, reader, read, CATALOGUE, tmp_path / "scratch"))
    reader.close()


def test_an_index_that_is_behind_is_found(account_dir: Path) -> None:
    db = sqlite3.connect(account_dir / "index.sqlite")
    db.execute("UPDATE meta SET value = 5 WHERE key = 'applied_seq'")
    db.commit()
    db.close()
    assert list(findings(account_dir)) == [("index_behind", None)]


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE reading SET value = 99 WHERE value = 61",
        "DELETE FROM reading WHERE value = 63",
        "UPDATE coverage SET settled = NOT settled WHERE day = '2026-02-02'",
        "UPDATE rollup_day SET total = 1 WHERE day = '2026-02-01'",
    ],
)
def test_an_index_that_differs_from_the_archive_is_found(
    account_dir: Path, tmp_path: Path, wrong: str
) -> None:
    db = sqlite3.connect(account_dir / "index.sqlite")
    db.execute(wrong)
    db.commit()
    db.close()
    reader = open_reader(account_dir)
    (finding,) = compare(account_dir, reader, read, CATALOGUE, tmp_path / "scratch")
    reader.close()
    assert finding.code == "index_differs"
    assert "99" not in finding.words  # no health value leaves by the way of a message
