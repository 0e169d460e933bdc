"""The real program and a provider that lies: what it takes is bounded, and it is told."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitbitd.fetch.transport import LARGEST_BODY
from tests.support.liar import Asked, Liar, Victim, lying

STEPS = "/dataTypes/steps/"
PEAK_MB = 110
"""A third of it is the program itself; the service is killed at 192."""


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying() as served:
        yield served


@pytest.fixture
def victim(tmp_path: Path, liar: Liar) -> Victim:
    made = Victim(tmp_path, liar.url, "settings", "steps")
    made.authorize()
    return made


def asked_for(liar: Liar, part: str) -> int:
    return sum(part in path for path, _ in liar.asked)


def test_of_two_gigabytes_in_chunks_the_beginning_is_taken_and_nothing_kept(
    liar: Liar, victim: Victim
) -> None:
    piece = b'{"steps":1},' * 50_000

    def pour(asked: Asked) -> None:
        asked.pour(itertools.chain([b'{"dataPoints":['], itertools.repeat(piece, 3_600)))

    liar.answers[STEPS] = pour
    day = "2026-03-01"
    done = victim.run("pull", "alice", "--data-type", "steps", "--from", day, "--to", day)
    assert done.peak_mb < PEAK_MB
    assert asked_for(liar, STEPS) == 1
    assert LARGEST_BODY < liar.poured < 3 * LARGEST_BODY  # what lies in sockets is sent, not read
    assert "warning: request_refused (steps)" in victim.run("status").out
    assert sum(file.stat().st_size for file in victim.account_dir.rglob("*.gz")) < 4_000
