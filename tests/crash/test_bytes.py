"""What the provider sent comes back from the archive to the byte, with common tools alone."""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from fitbitd.simulator import Fault, Wearer
from tests.support.crash_home import crash_home
from tests.support.household import Household

BODIES = {
    "no UTF-8": b'{"activities-steps": "\xff"}',
    "large and no UTF-8": b"\xff\xfe\x00" * 5000,  # the server compresses it on its way
    "a byte order mark": b'\xef\xbb\xbf{"a": []}',
    "a byte order mark of UTF-16": '{"a": []}'.encode("utf-16"),
    "CRLF": b'{\r\n"a":\r\n[]}\r\n',
    "other ends of lines": '{"a": "\u2028\u0085\x1e\x0b\r"}\n\n'.encode(),
    "half of a surrogate pair, escaped": rb'{"a": "\ud800", "b": "\udfff\ud83d"}',
    "half of a surrogate pair, encoded": b'{"a": "\xed\xa0\x80"}',
    "NUL": b'{"a": "\x00"}\x00',
    "escapes": rb'{"a": "\\\"\/\u0000\n"}',
    "another gzip": gzip.compress(b'{"seq": 1, "kind": "pass_begin"}\n'),
}
REFUSALS = {"nothing": b"", "a blank": b" ", "no UTF-8": b"\xfe\xff"}


def archived(account_dir: Path) -> Iterator[tuple[str, int, bytes]]:
    """Read URL, status and body of every reply as a stranger would, with gzip, JSON and base64."""
    for path in sorted(account_dir.glob("archive/*/*.jsonl.gz")):
        for text in gzip.decompress(path.read_bytes()).split(b"\n")[:-1]:
            line = json.loads(text)
            if line["kind"] != "reply":
                continue
            coded = line.get("body_base64")
            body = line["body"].encode() if coded is None else base64.b64decode(coded)
            yield line["request"]["url"], line["status"], body


def answers(kind: str, last: date, status: int, bodies: Sequence[bytes]) -> Iterator[Fault]:
    """Have each body answer another day of a data type, newest first."""
    for back, body in enumerate(bodies):
        path = f"/{kind}/date/{last - timedelta(days=back)}/1d"
        yield Fault(kind="body", path=path, status=status, body=body)


def test_any_body_comes_back_from_the_archive_to_the_byte(tmp_path: Path) -> None:
    bodies = [*BODIES.values()]
    with crash_home(tmp_path) as home:
        today = home.yesterday + timedelta(days=1)
        faults = (
            *answers("steps", today, 200, bodies[:6]),
            *answers("heart", today, 200, bodies[6:]),
            *answers("steps", today - timedelta(days=6), 400, [*REFUSALS.values()]),
        )
        home.simulator.faults.add(*faults)
        assert home.desk.type("pull", "alice").code == 0
        assert home.simulator.faults.left() == ()
        found = list(archived(home.state_dir / "alice"))
    for fault in faults:
        replies = [(status, body) for url, status, body in found if fault.path in url]
        assert replies == [(fault.status, fault.body)], fault.path


def test_an_answer_without_a_body_comes_back_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = "2027-03-10T12:00:00+00:00"
    home = Household(tmp_path / "state", start, Wearer(member_since=date(2027, 3, 9)))
    home.authorize()
    home.simulator.faults.add(Fault(kind="body", path="/profile", status=200, body=b""))
    home.live(timedelta(minutes=2), monkeypatch=monkeypatch)
    found = [body for url, _, body in archived(home.parts().folder) if "profile" in url]
    assert found[0] == b""
    assert json.loads(found[1])["user"]
