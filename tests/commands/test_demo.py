"""The demonstration: what a newcomer sees first."""

import re
import shlex
import signal
import socket
from pathlib import Path

import pytest

from tests.support.cli import Desk, Said, end, line_of


def port_of(said: Said) -> int:
    found = re.search(r"listens on http://127\.0\.0\.1:(\d+)\.", said.err)
    assert found is not None, said.err
    return int(found[1])


def closed(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def alone(tmp_path: Path) -> Desk:
    """Give a desk with nothing on it."""
    return Desk(tmp_path)


def test_the_demo_ends_by_itself_and_leaves_nothing(alone: Desk) -> None:
    said = alone.type("demo", "--for", "4s", "--provider", "fitbit")
    assert said.code == 0, said
    assert "1. Consent." in said.err
    assert "2. The daemon starts" in said.err
    assert "What was collected:" in said.err
    assert "Next: fitbitd init" in said.err
    assert "Traceback" not in said.err
    folder = re.search(r"Data goes to (.*)/state\.", said.err)
    assert folder is not None
    assert not Path(folder[1]).exists()
    assert closed(port_of(said))
    assert alone.contents() == {}


def test_what_the_demo_keeps_can_be_looked_at_as_it_says(alone: Desk) -> None:
    with alone.start("demo", "--keep", "kept", "--provider", "fitbit") as running:
        line_of(running, "history: ")
        said = end(running, signal.SIGINT)
    assert said.code == 0, said
    assert "Traceback" not in said.err
    assert re.search(r"^  heart_rate +[\d,]{6,}  since ", said.out, re.MULTILINE), said.out
    alone.type("demo", "--keep", "kept").refused(64, "kept is not empty; nothing in it was touched")
    commands = [shlex.split(words) for words in re.findall(r"fitbitd (.* --config .*)", said.err)]
    assert [words[0] for words in commands] == ["status", "export"]
    for words in commands:
        looked = alone.type(*words)
        assert looked.code == 0, looked
        assert looked.out


def test_what_a_newcomer_sees_is_the_provider_of_today(alone: Desk) -> None:
    with alone.start("demo") as running:
        line_of(running, "a simulated Google Health with one synthetic wearer")
        line_of(running, "1. Consent.")
        line_of(running, "2. The daemon starts")
        line_of(running, "requests so far")
        said = end(running, signal.SIGINT)
    assert said.code == 0, said
    assert "Traceback" not in said.err
    assert "Next: fitbitd init" in said.err
    assert alone.contents() == {}


def test_two_providers_play_side_by_side(alone: Desk) -> None:
    with alone.start("demo", "--provider", "both", "--keep", "kept") as running:
        line_of(running, "demo_fitbit: history: ")
        said = end(running, signal.SIGINT)
    assert said.code == 0, said
    assert "Traceback" not in said.err
    for name in ("demo", "demo_fitbit"):
        assert f"What was collected for {name}:" in said.err
        assert list((alone.folder / "kept" / "state" / name).rglob("*.jsonl.gz"))
