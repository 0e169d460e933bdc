"""The archive as it is written: its format, its bytes, and what happens when a write fails."""

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.errors import OperatorError
from fitbitd.model import Axis, DeviceSync, PassEnd, Pull, Quota, Reply, Request, Why, Window
from fitbitd.store import lines
from fitbitd.store.archive import ArchiveWriter, day_path
from fitbitd.store.members import Damage, Member, read_archive
from tests.support.store import HEART, REQUEST, ZONE, at, complete, day, failed

NOW = at("2026-03-02T10:00")
PULL = Pull(HEART.name, day("2026-03-01"), Why.SYNC, ZONE, at("2026-03-02T09:30:00.000250"))


def reply(body: bytes) -> Reply:
    return Reply(200, {"content-type": "application/json"}, body, NOW)


def write_pass(writer: ArchiveWriter, *bodies: bytes) -> Path:
    writer.begin_pass(NOW, "fake", "1.0")
    writer.begin_pull(NOW, PULL)
    for body in bodies:
        writer.reply(REQUEST, reply(body))
    writer.end_pull(NOW, complete(len(bodies), 0))
    writer.end_pass(NOW, PassEnd("ok"))
    assert writer.path is not None
    return writer.path


def all_lines(account_dir: Path) -> list[lines.Line]:
    found = []
    for member in read_archive(account_dir, {}):
        assert isinstance(member, Member), member
        found += list(member.lines())
    return found


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ArchiveWriter]:
    made = ArchiveWriter(tmp_path / "alice", 1)
    yield made
    made.close()


def test_any_tool_reads_the_archive_as_json_lines_with_growing_numbers(
    writer: ArchiveWriter,
) -> None:
    path = write_pass(writer, b"{}", b"[1]")
    write_pass(writer)
    zcat = subprocess.run(["zcat", path], check=True, capture_output=True).stdout
    read = [json.loads(line) for line in zcat.splitlines()]
    assert [line["seq"] for line in read] == list(range(1, 11))
    assert [line["kind"] for line in read[:6]] == [
        "pass_begin",
        "pull_begin",
        "reply",
        "reply",
        "pull_end",
        "pass_end",
    ]
    assert path.relative_to(path.parents[2]) == Path("archive/2026/03-02.jsonl.gz")


def test_what_comes_every_day_takes_less_room_than_what_comes_in_bulk(tmp_path: Path) -> None:
    body = json.dumps([{"time": n * 7, "value": 60 + n * n % 37} for n in range(3_000)]).encode()
    sizes, packed = {}, {}
    for why in (Why.SYNC, Why.SETTLE, Why.BACKFILL):
        writer = ArchiveWriter(tmp_path / why, 1)
        writer.begin_pass(NOW, "fake", "1.0")
        writer.begin_pull(NOW, replace(PULL, why=why))
        writer.reply(REQUEST, reply(body))
        writer.end_pull(NOW, complete(1, 0))
        assert writer.path is not None
        sizes[why] = writer.path.stat().st_size
        text = gzip.decompress(writer.path.read_bytes())
        packed = {level: len(zlib.compress(text, level)) for level in (4, 9)}  # by this very zlib
        writer.close()
    for why in (Why.SYNC, Why.SETTLE):
        assert sizes[why] / sizes[Why.BACKFILL] == pytest.approx(packed[9] / packed[4], abs=0.01)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=80).map(str.encode),
        st.sampled_from(
            [b"", b"\xff", b"\xef\xbb\xbf{}", b"a\r\nb\n", b'"\\ud800"', b"\xe2\x80\xa8"]
        ),
    )
)
def test_the_exact_bytes_of_a_body_come_back(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    account_dir = tmp_path_factory.mktemp("archive") / "alice"
    writer = ArchiveWriter(account_dir, 1)
    write_pass(writer, body)
    writer.close()
    (line,) = (line for line in all_lines(account_dir) if line["kind"] == "reply")
    assert lines.to_reply(line) == reply(body)


def test_everything_said_of_pulls_and_passes_comes_back(writer: ArchiveWriter) -> None:
    pulls = [
        PULL,
        Pull(
            HEART.name,
            Window(Axis.INSTANT, at("2026-03-01T00:00"), at("2026-03-01T01:30")),
            Why.GAP,
            "UTC",
        ),
        Pull(HEART.name, None, Why.INTERVAL, ZONE),
    ]
    end = PassEnd(
        "throttled", Quota(150, 3, at("2026-03-02T11:00")), at("2026-03-02T11:00"), 7, "x", {"a": 1}
    )
    writer.begin_pass(NOW, "fake", "1.0")
    for pull in pulls:
        writer.begin_pull(NOW, pull)
        writer.end_pull(NOW, failed("data_type_refused"))
    writer.end_pass(NOW, end, [DeviceSync("1", at("2026-03-02T09:00"))])
    written = all_lines(writer._account_dir)
    assert [lines.to_pull(line) for line in written if line["kind"] == "pull_begin"] == pulls
    assert [lines.to_outcome(line) for line in written if line["kind"] == "pull_end"] == [
        failed("data_type_refused")
    ] * 3
    assert lines.to_pass_end(written[-1]) == end
    assert written[-1]["device_syncs"] == {"1": "2026-03-02T09:00:00Z"}


def test_what_a_post_asked_for_is_kept_and_a_form_is_not() -> None:
    asking = Request("POST", "http://h/rollUp", json='{"range": {}}')
    assert lines.from_reply(asking, reply(b""))["request"] == {
        "method": "POST",
        "url": "http://h/rollUp",
        "json": '{"range": {}}',
    }
    form = Request("POST", "http://h/token", form=(("refresh_token", "secret"),))
    assert "secret" not in str(lines.from_reply(form, reply(b""))) + repr(form)


def test_no_header_of_a_request_and_no_unlisted_one_of_a_reply_is_kept(
    writer: ArchiveWriter,
) -> None:
    secret = Request("GET", "https://api.example.org/x", (("authorization", "Bearer secret"),))
    headers = {"set-cookie": "secret", "retry-after": "3", "fitbit-rate-limit-limit": "150"}
    writer.begin_pass(NOW, "fake", "1.0")
    writer.begin_pull(NOW, PULL)
    writer.reply(secret, Reply(429, headers, b"", NOW))
    writer.end_pull(NOW, failed("throttled"))
    writer.end_pass(NOW, PassEnd("ok"))
    text = json.dumps(all_lines(writer._account_dir))
    assert "secret" not in text
    assert '{"retry-after": "3", "fitbit-rate-limit-limit": "150"}' in text


def test_words_with_half_a_surrogate_pair_are_written_as_json(writer: ArchiveWriter) -> None:
    writer.begin_pass(NOW, "fake", "1.0")
    writer.end_pass(NOW, PassEnd("contract_changed", detail="half \ud800"))
    assert all_lines(writer._account_dir)[-1]["detail"] == "half \ud800"


def test_only_the_owner_reads_the_archive(writer: ArchiveWriter) -> None:
    old = os.umask(0)
    try:
        path = write_pass(writer)
    finally:
        os.umask(old)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, *path.parents[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o750]


def test_an_abandoned_pull_leaves_no_byte_and_takes_no_number(writer: ArchiveWriter) -> None:
    writer.begin_pass(NOW, "fake", "1.0")
    path = writer.path
    assert path is not None
    before = path.stat().st_size
    writer.begin_pull(NOW, PULL)
    writer.reply(REQUEST, reply(os.urandom(300_000)))
    assert path.stat().st_size > before
    writer.abandon_pull()
    assert path.stat().st_size == before
    writer.end_pass(NOW, PassEnd("ok"))
    assert [line["seq"] for line in all_lines(writer._account_dir)] == [1, 2]


def test_a_long_pull_is_written_as_it_comes(writer: ArchiveWriter) -> None:
    writer.begin_pass(NOW, "fake", "1.0")
    writer.begin_pull(NOW, PULL)
    sizes = []
    for _ in range(3):
        writer.reply(REQUEST, reply(os.urandom(100_000)))
        assert writer.path is not None
        sizes.append(writer.path.stat().st_size)
    assert sizes[0] > 50_000
    assert sizes[2] > sizes[1] > sizes[0]


def test_a_pass_over_midnight_stays_in_the_file_of_its_beginning(writer: ArchiveWriter) -> None:
    writer.begin_pass(at("2026-03-02T23:59"), "fake", "1.0")
    writer.begin_pull(at("2026-03-03T00:01"), PULL)
    writer.end_pull(at("2026-03-03T00:01"), complete(0, 0))
    writer.end_pass(at("2026-03-03T00:02"), PassEnd("ok"))
    writer.condition(at("2026-03-03T00:03"), "throttled", "raised", "", {"n": 1})
    first = day_path(writer._account_dir, at("2026-03-02").date())
    second = day_path(writer._account_dir, at("2026-03-03").date())
    assert len(gzip.decompress(first.read_bytes()).splitlines()) == 4
    assert b'"kind":"condition"' in gzip.decompress(second.read_bytes())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_told_and_what_did_not_fit_is_taken_back(small_disk: Path) -> None:
    writer = ArchiveWriter(small_disk / "alice", 1)
    path = write_pass(writer, b"{}")
    before = path.read_bytes()
    writer.begin_pass(NOW, "fake", "1.0")
    size = path.stat().st_size
    writer.begin_pull(NOW, PULL)
    with pytest.raises(OperatorError, match=r"no room is left for .*03-02\.jsonl\.gz") as caught:
        writer.reply(REQUEST, reply(os.urandom(200_000)))
    assert caught.value.code == "disk_full"
    assert path.stat().st_size == size
    writer.begin_pull(NOW, PULL)  # the next, smaller one fits again
    writer.end_pull(NOW, complete(0, 0))
    writer.end_pass(NOW, PassEnd("ok"))
    writer.close()
    assert path.read_bytes().startswith(before)
    assert [line["seq"] for line in all_lines(small_disk / "alice")] == list(range(1, 10))


def test_a_read_only_disk_is_told(small_disk: Path) -> None:
    writer = ArchiveWriter(small_disk / "alice", 1)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OperatorError, match="read-only") as caught:
        writer.begin_pass(NOW, "fake", "1.0")
    assert caught.value.code == "disk_read_only"


FOREIGN = """
import os, sys
from pathlib import Path
from fitbitd.errors import OperatorError
from tests.store.test_archive import NOW, ArchiveWriter
os.setuid(65534)
try:
    ArchiveWriter(Path(sys.argv[1]), 1).begin_pass(NOW, "fake", "1.0")
except OperatorError as err:
    print(err.code, err)
"""


def test_a_foreign_folder_is_told() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    with tempfile.TemporaryDirectory() as open_folder:
        Path(open_folder).chmod(0o755)
        account_dir = Path(open_folder) / "alice"
        account_dir.mkdir(mode=0o755)
        told = subprocess.run(
            [sys.executable, "-c", FOREIGN, str(account_dir)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    assert told.startswith("permission ")
    assert "uid 65534" in told
    assert "belongs to uid 0" in told


SYNCS = """
import sys
from pathlib import Path
from tests.store.test_archive import NOW, ArchiveWriter, write_pass
writer = ArchiveWriter(Path(sys.argv[1]), 1)
write_pass(writer, b"{}")
print("first", flush=True)
write_pass(writer, b"{}", b"{}")
write_pass(writer)
"""


def test_a_pass_is_synced_once_and_a_new_name_with_its_folder(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("counting system calls takes strace")
    log = tmp_path / "calls"
    subprocess.run(
        [
            *("strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(log)),
            *(sys.executable, "-c", SYNCS, str(tmp_path / "alice")),
        ],
        check=True,
        capture_output=True,
    )
    calls = log.read_text().splitlines()
    half = next(number for number, call in enumerate(calls) if '"first' in call)
    first, later = (
        [call.split("<")[1].split(">")[0] for call in part if "fsync(" in call]
        for part in (calls[:half], calls[half:])
    )
    archive = tmp_path / "alice" / "archive"
    file = archive / "2026" / "03-02.jsonl.gz"
    assert first[0] == str(file)
    assert set(first[1:]) == {
        str(file.parent),
        str(archive),
        str(tmp_path / "alice"),
        str(tmp_path),
    }
    assert later == [str(file)] * 2


FAILED_SYNC = """
import sys
from pathlib import Path
from fitbitd.errors import OperatorError
from tests.store.test_archive import ArchiveWriter, write_pass
writer = ArchiveWriter(Path(sys.argv[1]), 1)
write_pass(writer, b"{}")
try:
    write_pass(writer, b"[]")
except OperatorError as err:
    print(err.code)
write_pass(writer, b"[1]")
"""


def test_what_could_not_be_synced_is_taken_back(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("failing system calls takes strace")
    told = subprocess.run(
        [
            *("strace", "-f", "-e", "trace=fsync", "-o", str(tmp_path / "calls")),
            *(
                "-e",
                "inject=fsync:error=EIO:when=6",
            ),  # the first pass syncs a file and four folders
            *(sys.executable, "-c", FAILED_SYNC, str(tmp_path / "alice")),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert told == "disk_failed\n"
    written = all_lines(tmp_path / "alice")
    assert [line["seq"] for line in written] == list(range(1, 11))
    assert [line["body"] for line in written if line["kind"] == "reply"] == ["{}", "[1]"]


def test_a_damaged_member_is_not_mistaken_for_a_whole_one(writer: ArchiveWriter) -> None:
    path = write_pass(writer, b"{}" * 100)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = list(read_archive(writer._account_dir, {}))
    assert [type(one) for one in found] == [Member, Damage, Member]
