"""Reading the archive: order by number, damage, and memory."""

import os
import tracemalloc
from pathlib import Path
from random import Random

import pytest

from fitbitd.model import PassEnd, Pull, Reply, Why
from fitbitd.store.archive import ArchiveWriter, day_path
from fitbitd.store.members import Damage, Member, archive_files, read_archive, read_file
from tests.support.store import HEART, REQUEST, ZONE, at, complete, day

PULL = Pull(HEART.name, day("2026-03-01"), Why.SYNC, ZONE)


def write_passes(account_dir: Path, *begun: str) -> list[Path]:
    writer = ArchiveWriter(account_dir, 1)
    paths = []
    for text in begun:
        writer.begin_pass(at(text), "fake", "1.0")
        writer.begin_pull(at(text), PULL)
        writer.reply(REQUEST, Reply(200, {}, text.encode(), at(text)))
        writer.end_pull(at(text), complete(1, 0))
        writer.end_pass(at(text), PassEnd("ok"))
        assert writer.path is not None
        paths.append(writer.path)
    writer.close()
    return paths


def numbers(account_dir: Path) -> list[int]:
    return [
        int(line["seq"])
        for member in read_archive(account_dir, {})
        if isinstance(member, Member)
        for line in member.lines()
    ]


def test_order_is_the_number_also_when_the_clock_stepped_back_and_forth(tmp_path: Path) -> None:
    days = ["2026-03-02", "2026-02-01", "2026-03-02", "2026-02-01", "2026-03-03", "2025-12-31"]
    write_passes(tmp_path, *days)
    assert len(list(archive_files(tmp_path))) == 4
    assert numbers(tmp_path) == list(range(1, 31))


def test_members_behind_a_known_offset_alone_are_read(tmp_path: Path) -> None:
    path, *_ = write_passes(tmp_path, "2026-03-02", "2026-03-02")
    found = list(read_file(path))
    third = found[3]
    assert isinstance(third, Member)
    assert [one.first_seq for one in found if isinstance(one, Member)] == [1, 2, 5, 6, 7, 10]
    assert list(read_archive(tmp_path, {path: third.start})) == found[3:]


@pytest.mark.parametrize("wound", [b"\x00" * 40, b"\x1f\x8b\x08" * 13, Random(1).randbytes(40)])
def test_damage_in_the_middle_is_told_and_what_follows_is_read(
    tmp_path: Path, wound: bytes
) -> None:
    path, *_ = write_passes(tmp_path, "2026-03-02", "2026-03-02")
    members = list(read_file(path))
    hurt = members[1]
    data = bytearray(path.read_bytes())
    data[hurt.start + 5 : hurt.start + 5 + len(wound)] = wound
    path.write_bytes(data)
    found = list(read_file(path))
    assert found == [members[0], Damage(path, hurt.start, hurt.end, tail=False), *members[2:]]


def test_what_is_appended_behind_an_unfinished_member_is_read(tmp_path: Path) -> None:
    path, *_ = write_passes(tmp_path, "2026-03-02")
    os.truncate(path, path.stat().st_size - 20)
    writer = ArchiveWriter(tmp_path, 6)
    writer.begin_pass(at("2026-03-02T12:00"), "fake", "1.0")
    writer.end_pass(at("2026-03-02T12:00"), PassEnd("ok"))
    writer.close()
    kinds = [type(one).__name__ for one in read_file(path)]
    assert kinds == ["Member", "Member", "Damage", "Member", "Member"]


def test_other_files_in_the_archive_are_passed_over(tmp_path: Path) -> None:
    path, *_ = write_passes(tmp_path, "2026-03-02")
    path.with_name(path.name + ".torn-17").write_bytes(b"x")
    (path.parent.parent / "notes.txt").write_text("mine")
    assert list(archive_files(tmp_path)) == [path]
    assert day_path(tmp_path, at("2026-03-02").date()) == path


def test_a_pull_of_many_pages_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path, 1)
    writer.begin_pass(at("2026-03-02"), "fake", "1.0")
    writer.begin_pull(at("2026-03-02"), PULL)
    page = (b'{"time": "00:00:00", "value": 61}, ' * 3000)[:100_000]
    for _ in range(100):
        writer.reply(REQUEST, Reply(200, {}, page, at("2026-03-02")))
    writer.end_pull(at("2026-03-02"), complete(100, 0))
    writer.end_pass(at("2026-03-02"), PassEnd("ok"))
    writer.close()
    tracemalloc.start()
    assert len(numbers(tmp_path)) == 104
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000  # ten million bytes of bodies
