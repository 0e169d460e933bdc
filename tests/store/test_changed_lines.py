"""Whole lines that say what fitbitd never writes, since somebody changed them: told, and passed."""

import gzip
import json
import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fitbitd.store.account import AccountStore
from fitbitd.store.index import open_reader
from fitbitd.store.members import NO_LINE
from fitbitd.store.verify import verify
from tests.support.hostile import places, spliced
from tests.support.store import CATALOGUE, HEART, Life, day, heart, learn, ms, read

PASS_BEGIN, PULL, PASS_END = 0, 1, 2
GRAFTS = (
    *(b"null", b"-1", b"1.5", b"1e999", b"[]", b"{}", b'"x"', b'"\\ud800"', b"9" * 5_000, b"true"),
    *(str(2**70).encode(), b'"0001-01-01T00:00:00"'),
)


def lived(account_dir: Path) -> list[bytes]:
    """Write three passes of one reading each; give the members of their file as text."""
    life = Life(account_dir)
    for number in (1, 2, 3):
        date = f"2026-02-0{number}"
        life.pull(HEART, day(date), heart([(ms(f"{date}T08:00"), 60 + number, None)]))
    life.store.close()
    rest, members = file_of(account_dir).read_bytes(), []
    while rest:
        unpacked = zlib.decompressobj(31)
        members.append(unpacked.decompress(rest))
        rest = unpacked.unused_data
    return members


def file_of(account_dir: Path) -> Path:
    (file,) = account_dir.rglob("*.jsonl.gz")
    return file


def start_with(account_dir: Path, members: list[bytes]) -> None:
    """Put a changed archive in place, without an index, and start until it is given up."""
    file_of(account_dir).write_bytes(b"".join(gzip.compress(text, 1) for text in members))
    (account_dir / "index.sqlite").unlink()
    for _ in range(4):  # what stands before it, and three tries
        with (
            suppress(*NO_LINE, sqlite3.IntegrityError, sqlite3.ProgrammingError),
            AccountStore(account_dir, read, CATALOGUE, learn) as store,
        ):
            list(store.catch_up())


def readings(account_dir: Path) -> list[Any]:
    with closing(open_reader(account_dir)) as db:
        return [value for (value,) in db.execute("SELECT value FROM readings ORDER BY 1")]


@pytest.mark.parametrize(
    ("member", "key", "value"),
    [
        (PASS_BEGIN, "at", 7),
        (PASS_BEGIN, "provider", {}),
        (PULL, "window", 7),
        (PULL, "why", "for fun"),
        (PULL, "zone", None),
        (PASS_END, "quota", {}),
        (PASS_END, "throttled_until", []),
    ],
)
def test_a_changed_line_costs_no_other_pass(
    tmp_path: Path, member: int, key: str, value: object
) -> None:
    members = lived(tmp_path)
    first, *others = members[3 + member].splitlines()
    changed = json.dumps({**json.loads(first), key: value}).encode()
    members[3 + member] = b"\n".join([changed, *others, b""])
    start_with(tmp_path, members)
    kept = readings(tmp_path)
    assert {61, 63} <= set(kept)
    assert (62 in kept) is (
        member == PASS_END
    )  # a pass that cannot begin takes its first pull along
    with closing(open_reader(tmp_path)) as db:
        (damage,) = db.execute("SELECT start_byte, end_byte FROM damage").fetchall()
    assert damage[0] == sum(len(gzip.compress(text, 1)) for text in members[: 3 + member])


def test_an_account_goes_on_whatever_one_line_says(tmp_path: Path) -> None:
    members, random = lived(tmp_path), Random(1)
    for _ in range(7):
        number = random.randrange(len(members))
        texts = members[number].splitlines()
        at = random.randrange(len(texts))
        line = json.loads(texts[at])
        texts[at] = spliced(line, random.choice(list(places(line))[1:]), random.choice(GRAFTS))
        start_with(tmp_path, [*members[:number], b"\n".join([*texts, b""]), *members[number + 1 :]])
        with AccountStore(tmp_path, read, CATALOGUE, learn) as store:
            assert list(store.catch_up()) == []
        with closing(open_reader(tmp_path)) as db:
            list(verify(tmp_path, db))
