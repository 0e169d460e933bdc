"""Files of sessions come back out of the archive to the byte."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fitbitd.errors import OperatorError
from fitbitd.model import Axis, DataTypeName, Kind, Page, Pull, Why
from fitbitd.store.members import Member, read_file
from fitbitd.store.session_files import read_files, stored_files
from tests.support.store import NIGHTS, ZONE, Life, complete, data_type, day, night

TRACK = replace(data_type("track", Kind.FILE, None), file_of=DataTypeName("sleep"))
XML = '<?xml version="1.0"?>\r\n<Track Name="Köln">\u2028</Track>\n'.encode()
LATIN = '<?xml version="1.0" encoding="latin-1"?><Track Name="Köln"/>'.encode("latin-1")
WRAPPED = json.dumps({"tcxData": XML.decode()}).encode()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Three nights with a file each, in two files of the archive, and one without a night."""
    life = Life(tmp_path / "alice", "2026-03-04T10:00")
    nights = tuple(night(f"n{n}", f"2026-03-0{n}") for n in (1, 2, 3))
    life.pull(NIGHTS, day("2026-03-01", "2026-03-03", axis=Axis.DATE), Page(sessions=nights))
    keep(life, n1=("application/xml", XML), n2=("application/xml", LATIN))
    life.wait(days=1)
    keep(life, gone=("application/xml", XML), n3=("application/json; charset=utf-8", WRAPPED))
    yield life
    life.store.close()


def keep(life: Life, **files: tuple[str, bytes]) -> None:
    """Archive replies that are files, and note them as the index does."""
    life.begin_pass()
    for key, (_, body) in files.items():
        pull = Pull(TRACK.name, None, Why.INTERVAL, ZONE, item=key)
        life.write_pull(pull, [body], complete(1, 1))
    life.end_pass()
    path = life.store.writer.path
    assert path is not None
    seqs = {
        begin["item"]: begin["seq"] + 1
        for member in read_file(path)
        if isinstance(member, Member) and member.kind == "pull_begin"
        for begin in [next(member.lines())]
    }
    name = path.relative_to(life.store.account_dir).as_posix()
    for key, (media_type, body) in files.items():
        life.rows(
            "INSERT INTO file VALUES ('track', ?, '1', ?, ?, ?, ?, 0)",
            *(key, media_type, len(body), name, seqs[key]),
        )


def exported(life: Life, first: str | None = None, last: str | None = None) -> dict[str, bytes]:
    span = (date.fromisoformat(at) if at else None for at in (first, last))
    wanted = stored_files(life.store.index.db, TRACK, *span)
    return {file.key: content for file, content in read_files(life.store.account_dir, wanted)}


def test_every_file_comes_back_to_the_byte_and_out_of_its_json(life: Life) -> None:
    assert exported(life) == {"n1": XML, "n2": LATIN, "gone": XML, "n3": XML}


def test_days_are_those_of_the_sessions(life: Life) -> None:
    assert exported(life, "2026-03-02", "2026-03-02").keys() == {"n2"}
    assert exported(life, "2026-03-02").keys() == {"n2", "n3"}
    assert exported(life, None, "2026-03-01").keys() == {"n1"}


def test_a_file_knows_when_its_session_began(life: Life) -> None:
    files = stored_files(life.store.index.db, TRACK, None, None)
    assert {file.key: file.begins and file.begins.isoformat() for file in files} == {
        "n1": "2026-02-28T23:00:00+00:00",
        "n2": "2026-03-01T23:00:00+00:00",
        "n3": "2026-03-02T23:00:00+00:00",
        "gone": None,
    }


@pytest.mark.parametrize("seq", [-1, 10_000])
def test_a_file_that_the_archive_has_lost_is_an_error(life: Life, seq: int) -> None:
    life.rows("UPDATE file SET seq = ? WHERE key = 'n2'", seq)
    with pytest.raises(OperatorError, match=f"does not hold line {seq}, the file of n2") as caught:
        exported(life)
    assert caught.value.code == "archive_damaged"


def test_a_lost_file_of_the_archive_is_an_error_too(life: Life) -> None:
    shutil.rmtree(life.store.account_dir / "archive")
    with pytest.raises(OperatorError, match="does not hold line"):
        exported(life)
