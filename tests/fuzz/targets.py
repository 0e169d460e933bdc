"""What is hunted: each target takes bytes and fails on what may never come of any.

The properties are those of the everyday tests; here they meet inputs by the million.
"""

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from fitbitd.assembly import DATA_TYPES
from fitbitd.config import example, parse
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.model import Pull, Reply
from fitbitd.oauth import grant as oauth
from fitbitd.oauth import token
from fitbitd.store.members import Damage, Member, read_file
from tests.providers import test_fitbit_properties as fitbit
from tests.providers import test_google_properties as google

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRANT = token.Grant("fitbit", "access", "refresh", NOON, NOON + timedelta(hours=8))
LINES = (
    {"seq": 1, "kind": "pass_begin", "at": "2026-03-01T12:00:00Z", "provider": "p", "program": "1"},
    {"seq": 2, "kind": "pass_end", "at": "2026-03-01T12:00:01Z", "outcome": "ok"},
)


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads what others wrote.

    Attributes:
        try_one: fails if the input makes it break a promise.
        seeds: inputs as they are in real life, to begin from.
    """

    try_one: Callable[[bytes], None]
    seeds: Sequence[bytes]


def _google(data: bytes) -> None:
    google.ask(_chosen([asked for asked, _ in google.BODIES.values()], data), data[1:])


def _fitbit(data: bytes) -> None:
    fitbit.ask(_chosen([asked for asked, _ in fitbit.RECORDED.values()], data), data[1:])


def _chosen(pulls: list[Pull], data: bytes) -> Pull:
    return pulls[(data[0] if data else 0) % len(pulls)]


def _token(data: bytes) -> None:
    """Read a token file, or what the token endpoint answers."""
    with suppress(OperatorError):
        read = token.from_json(data.decode("utf-8", "surrogateescape"))
        assert token.from_json(token.to_json(read)) == read
        token.state(read, NOON)
        token.why_ended(read, "Fitbit")
    for flavour in (oauth.FITBIT, oauth.GOOGLE):
        for status in (200, 400, 401, 503):
            with suppress(FitbitdError):
                reply = Reply(status, {}, data, NOON)
                new = oauth.read_token_reply(reply, flavour, issued_at=NOON, old=GRANT)
                assert token.from_json(token.to_json(new)) == new


def _settings(data: bytes) -> None:
    with suppress(OperatorError):
        assert parse(data.decode("utf-8", "replace"), DATA_TYPES).accounts


def _archive(data: bytes) -> None:
    """Read a file of the archive: each byte is of a member or told as damage, once."""
    if data.startswith(b"{"):  # else the checksums would let nothing through
        data = b"".join(gzip.compress(part, 1, mtime=0) for part in data.split(b"\0"))
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        path = Path(folder) / "03-01.jsonl.gz"
        path.write_bytes(data)
        found = list(read_file(path))
        assert all(one.end == other.start for one, other in pairwise(found))
        assert not found or (found[0].start, found[-1].end) == (0, len(data))
        for one in found:
            if isinstance(one, Member):
                assert one.count > 0
                assert one.last_seq >= one.first_seq
                _ = one.last
                with suppress(ValueError, RecursionError):  # lines that are none are no promise
                    list(one.lines())
            else:
                assert isinstance(one, Damage)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - spares the disk


def _numbered(bodies: Sequence[bytes]) -> list[bytes]:
    return [bytes([number]) + body for number, body in enumerate(bodies)]


def _members() -> bytes:
    return b"\0".join(json.dumps(line).encode() + b"\n" for line in LINES)


TARGETS = {
    "google": Target(
        _google, _numbered([json.dumps(body).encode() for _, body in google.BODIES.values()])
    ),
    "fitbit": Target(
        _fitbit, _numbered([json.dumps(body).encode() for body in fitbit.BODIES.values()])
    ),
    "token": Target(
        _token,
        [
            token.to_json(GRANT).encode(),
            b'{"access_token": "a", "refresh_token": "r", "expires_in": 3600, "scope": "x y"}',
            b'{"errors": [{"errorType": "invalid_grant"}]}',
            b'{"error": "invalid_grant"}',
        ],
    ),
    "archive": Target(_archive, [_members(), gzip.compress(_members(), mtime=0) * 2]),
    "settings": Target(_settings, [example().encode()]),
}
