"""The journal of systemd: what an event becomes on its way there."""

import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.journal import LONGEST_FIELD, Journal, datagram, field_name, is_behind
from fitbitd.logs import HIDDEN, Redactor, configure
from tests.support.journald import fields

pytestmark = pytest.mark.usefixtures("logging_as_before")


class Journald:
    """The other end of the socket."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "journal")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(5)

    def entry(self) -> dict[str, str]:
        return fields(self._socket.recv(1 << 20))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    other_end = Journald(tmp_path)
    yield other_end
    other_end.close()


def test_an_event_keeps_its_keys_as_fields_and_its_level_as_priority(journald: Journald) -> None:
    journal, stream = Journal(journald.address), io.StringIO()
    configure(stream, Redactor(), journal=journal)
    with structlog.contextvars.bound_contextvars(account="alice", pass_id=7):
        structlog.get_logger().warning("pull.failed", data_type="heart_rate", reason=None)
    journal.close()
    entry = journald.entry()
    event, *told = entry.pop("MESSAGE").split()
    assert (event, sorted(told)) == (
        "pull.failed",
        ["account=alice", "data_type=heart_rate", "pass_id=7"],
    )
    assert entry == {
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "fitbitd",
        "FITBITD_EVENT": "pull.failed",
        "FITBITD_DATA_TYPE": "heart_rate",
        "FITBITD_ACCOUNT": "alice",
        "FITBITD_PASS_ID": "7",
    }
    assert stream.getvalue() == ""


def test_a_traceback_is_a_field_of_its_own_with_all_its_lines(journald: Journald) -> None:
    journal = Journal(journald.address)
    configure(io.StringIO(), Redactor(["hunter22"]), journal=journal)
    try:
        int("the password is hunter22")
    except ValueError:
        structlog.get_logger().exception("pass.crashed")
    journal.close()
    entry = journald.entry()
    assert entry["PRIORITY"] == "3"
    assert entry["MESSAGE"] == "pass.crashed"
    assert entry["FITBITD_TRACEBACK"].splitlines()[0] == "Traceback (most recent call last):"
    assert entry["FITBITD_TRACEBACK"].endswith(f"'the password is {HIDDEN}'")


def test_what_the_journal_does_not_take_is_written_as_a_line(tmp_path: Path) -> None:
    journal, stream = Journal(str(tmp_path / "nobody")), io.StringIO()
    configure(stream, Redactor(), journal=journal)
    structlog.get_logger().info("daemon.started", accounts=["alice"])
    journal.close()
    line = json.loads(stream.getvalue())
    assert (line["event"], line["accounts"]) == ("daemon.started", ["alice"])


def test_a_journal_that_is_full_stops_nothing(journald: Journald) -> None:
    journal = Journal(journald.address)
    taken = [journal.send({"event": "pull.archived"}) for _ in range(2000)]
    journal.close()
    assert taken[0]
    assert not taken[-1]


def test_of_a_value_without_end_the_end_is_kept() -> None:
    sent = fields(datagram({"event": "library.logged", "message": "a" * LONGEST_FIELD * 9 + "b"}))
    assert len(sent["FITBITD_MESSAGE"]) == LONGEST_FIELD
    assert sent["FITBITD_MESSAGE"].endswith("ab")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,30}", fullmatch=True),
        st.one_of(st.text(), st.integers(), st.none()),
    )
)
def test_whatever_an_event_tells_arrives_as_it_was(keys: dict[str, object]) -> None:
    keys = {key: value for key, value in keys.items() if field_name(key) != "FITBITD_EVENT"}
    sent = fields(datagram({"event": "pull.archived", "level": "info", **keys}))
    for key, value in keys.items():
        if value is not None and key not in {"exception", "timestamp", "level", "traceback"}:
            expected = str(value).encode("utf-8", "backslashreplace").decode()
            assert sent[field_name(key)] == expected


@pytest.mark.parametrize("key", ["a-b", "größe", "x" * 200, "id"])
def test_a_field_has_a_name_that_the_journal_takes(key: str) -> None:
    name = field_name(key)
    assert len(name) <= 64
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
    assert name.startswith("FITBITD_")


def test_only_the_stream_that_systemd_named_leads_to_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="utf-8") as stream:
        found = os.fstat(stream.fileno())
        here = f"{found.st_dev}:{found.st_ino}"
        assert is_behind(stream, {"JOURNAL_STREAM": here})
        assert not is_behind(stream, {"JOURNAL_STREAM": f"{here}1"})
        assert not is_behind(stream, {})
    assert not is_behind(stream, {"JOURNAL_STREAM": here})  # closed
    assert not is_behind(io.StringIO(), {"JOURNAL_STREAM": here})
