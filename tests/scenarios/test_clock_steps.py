"""A wall clock that steps neither stalls the daemon nor makes it flood the provider."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from fitbitd.clock_trust import RELEASED
from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, RegularSyncs, Wearer
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
FIRST = START.date() - timedelta(days=3)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BACK = timedelta(days=-30)
AHEAD = timedelta(days=200)
TYPES = tuple(map(DataTypeName, ("steps", "daily_steps", "sleep")))
REFUSED = '{"errors": [{"errorType": "insufficient_permissions", "message": "no"}]}'


def household(state_dir: Path) -> Household:
    account = account_settings(data_types=TYPES, poll_every=HOUR / 2, backfill_from=FIRST)
    wearer = Wearer(seed=6, member_since=FIRST, syncs=RegularSyncs(4 * 3600), intervals_s=(60,))
    home = Household(state_dir, START.isoformat(), wearer, accounts=(account,))
    home.authorize()
    return home


def asked_between(home: Household, first: timedelta, last: timedelta) -> list[str]:
    """List what arrived at the provider between two moments of its clock."""
    log = home.simulator.log
    return [entry.path for entry in log if START + first <= entry.at < START + last]


def tried_each_hour(tries: list[float], hours: int) -> list[int]:
    """Count the passes, begun or not, in each hour of the loop's time."""
    return [sum(hour <= at / 3600 < hour + 1 for at in tries) for hour in range(hours)]


def note_tries(home: Household) -> list[float]:
    """Have the loop's time of each pass noted, whether it began or not."""

    class Noting(list[object]):
        def append(self, report: object) -> None:
            tries.append(home.clock.monotonic())
            super().append(report)

    tries: list[float] = []
    home.reports = Noting()  # type: ignore[assignment] # it is a list that looks at the clock
    return tries


def complete(home: Household) -> None:
    """Assert that nothing is missing and nothing is too much."""
    truth, collected = home.truth(), home.collected()
    for name in TYPES:
        assert collected[name] == truth[name], name


def test_a_clock_that_steps_back_alone_is_not_believed_and_costs_a_question_each_quarter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    tries = note_tries(home)
    home.at.append((START + 3 * HOUR, lambda: home.clock.step(BACK)))
    home.at.append((START + 8 * HOUR, lambda: home.clock.step(-BACK)))
    home.live(timedelta(days=1), monkeypatch=monkeypatch)

    wrong = [e for e in home.simulator.log if START + 3 * HOUR < e.at < START + 8 * HOUR]
    assert {(entry.method, entry.path, entry.token) for entry in wrong} == {
        ("GET", "/oauth2/token", None)
    }
    gaps = [b.at - a.at for a, b in pairwise(wrong)]
    assert min(gaps) >= 15 * MINUTE
    assert all(1 <= count <= 4 for count in tried_each_hour(tries, 24)[1:]), tries
    assert asked_between(home, 8 * HOUR, 8 * HOUR + MINUTE)  # at once when it is right again
    assert home.conditions() == set()
    complete(home)


def test_a_clock_that_steps_back_with_the_providers_is_believed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    home.clock.step(AHEAD)  # it was wrong from the beginning: so are the archive's times
    tries = note_tries(home)
    home.at.append((START + AHEAD + 5 * HOUR, lambda: home.clock.step(-AHEAD)))
    home.live(timedelta(days=3), monkeypatch=monkeypatch)

    assert asked_between(home, 5 * HOUR, 5 * HOUR + 2 * MINUTE)[:1] == ["/oauth2/token"]
    assert len(asked_between(home, 5 * HOUR, 6 * HOUR)) > 2
    counts = tried_each_hour(tries, 72)
    assert all(1 <= count <= 4 for count in counts[1:]), counts
    quiet = [report for _, _, report in home.reports[-48:] if report.requests == 1]
    assert len(quiet) >= 24
    complete(home)


def test_what_was_noted_by_a_clock_far_ahead_pauses_nothing_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    tries = note_tries(home)
    now = START
    faults = home.simulator.faults
    home.at += [
        (now + 3 * HOUR, lambda: home.clock.step(AHEAD)),
        (
            now + 4 * HOUR,
            lambda: faults.add(
                Fault(kind="body", path="/sleep/", status=403, body=REFUSED, count=1)
            ),
        ),
        (
            now + 6 * HOUR,
            lambda: faults.add(Fault(kind="throttle", path="GET /1", retry_after_s=3000)),
        ),
        (now + 6 * HOUR + 31 * MINUTE, lambda: home.clock.step(-AHEAD)),
    ]
    home.live(timedelta(days=3), monkeypatch=monkeypatch)

    counts = tried_each_hour(tries, 72)
    assert all(count <= 4 for count in counts), counts
    back = 6 * HOUR + 31 * MINUTE
    asked = asked_between(home, back, back + 2 * HOUR)
    assert any("/sleep/" in path for path in asked), asked
    quiet = [report for _, _, report in home.reports[-48:] if report.requests == 1]
    assert len(quiet) >= 24
    assert home.conditions() == set()
    complete(home)


@pytest.mark.parametrize("by", [BACK, AHEAD])
def test_the_schedule_goes_on_when_time_itself_jumps(
    by: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    tries = note_tries(home)

    def jump() -> None:
        home.clock.step(by)
        home.true_clock.step(by)

    home.at.append((START + 3 * HOUR, jump))
    home.live(timedelta(hours=9), monkeypatch=monkeypatch)
    counts = tried_each_hour(tries, 9)
    assert all(1 <= count <= 4 for count in counts[1:]), counts
    begun = [report for _, _, report in home.reports[-8:] if report.began]
    assert len(begun) == 8


def test_before_the_programs_release_nothing_is_asked_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    wrong_by = RELEASED - START - timedelta(days=365)
    home.clock.step(wrong_by)
    home.at.append((START + wrong_by + 3 * HOUR, lambda: home.clock.step(-wrong_by)))
    home.live(timedelta(hours=9), monkeypatch=monkeypatch)
    assert asked_between(home, timedelta(), 3 * HOUR) == []
    assert asked_between(home, 3 * HOUR, 3 * HOUR + MINUTE)
    complete(home)


def test_a_refresh_in_doubt_waits_for_no_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    file = home.parts().token_file
    grant = file.read()
    assert grant is not None
    file.write(replace(grant, refresh_sent_at=START - MINUTE))
    home.clock.step(RELEASED - START - timedelta(days=365))
    home.live(HOUR, monkeypatch=monkeypatch)
    assert [(e.method, e.path) for e in home.simulator.log] == [("POST", "/oauth2/token")]
    assert home.simulator.oauth.counts.rotations == 1


def test_a_start_with_a_clock_behind_the_archive_asks_for_the_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    home.restart()
    home.clock.step(timedelta(days=-90))
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    since = [e for e in home.simulator.log if e.at > START + 2 * HOUR]
    assert {(e.method, e.path, e.token) for e in since} == {("GET", "/oauth2/token", None)}
    assert 2 <= len(since) <= 8
    assert home.conditions() == {("clock_wrong", "")}
