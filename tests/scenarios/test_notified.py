"""Who is told what while the whole daemon runs: by the command, and by the heartbeat."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx  # noqa: TID251 - what the outside sees
import pytest

from fitbitd import standing
from fitbitd.commands.status import describe
from fitbitd.config import NotifySettings
from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, RegularSyncs, Wearer
from fitbitd.simulator.syncs import ListedSyncs, SyncPlan
from tests.support.household import Household, account_settings
from tests.support.scenes import Stage, die_in_passes

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
PING = "http://127.0.0.1:11/ping"


def household(state_dir: Path, syncs: SyncPlan) -> tuple[Household, list[datetime]]:
    """Give a household whose command and heartbeat are heard, and when the heart beat."""
    types = tuple(map(DataTypeName, ("daily_steps", "steps")))
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=3, member_since=START.date(), syncs=syncs),
        accounts=(account_settings(data_types=types),),
        notify=NotifySettings(("tell",), PING),
    )
    home.authorize()
    beats: list[datetime] = []

    def note(request: httpx.Request) -> None:
        if str(request.url) == PING:
            assert "authorization" not in request.headers
            beats.append(home.clock.now())

    home.exchange.tap = note
    return home, beats


def told(home: Household) -> list[tuple[object, object]]:
    return [(one["code"], one["change"]) for one in home.news]


def test_a_revoked_consent_is_told_once_daily_and_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, beats = household(tmp_path / "state", RegularSyncs())
    consent = "authorization_needed"
    home.at += [
        (START + 2 * HOUR + timedelta(minutes=1), home.simulator.revoke),
        (START + 9 * HOUR, home.authorize),
    ]
    home.live(5 * HOUR, monkeypatch=monkeypatch)
    assert told(home) == [(consent, "raised")]
    home.restart()
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    assert [code for code, _ in told(home)].count(consent) == 1, told(home)
    home.restart()
    home.live(4 * HOUR, monkeypatch=monkeypatch)
    assert [change for code, change in told(home) if code == consent] == ["raised", "cleared"]
    well = [at for at in beats if not START + 2.5 * HOUR < at < START + 9 * HOUR]
    assert beats == well
    assert min(beats) < START + HOUR
    assert max(beats) > START + 10 * HOUR


def test_what_began_while_the_daemon_was_down_is_told_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = [START + n * HOUR / 2 for n in range(-48, 4)]  # and then the watch is in a drawer
    home, _ = household(tmp_path / "state", ListedSyncs(syncs))
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    home.skip(START + 50 * HOUR)
    home.restart()
    home.live(HOUR, monkeypatch=monkeypatch)
    assert told(home) == [("watch_not_synced", "raised")]


def test_a_service_that_keeps_dying_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = household(tmp_path / "state", RegularSyncs())
    home.live(HOUR / 30, monkeypatch=monkeypatch)
    die_in_passes(Stage(home))
    for lasts in (1.2 * HOUR, HOUR / 2):  # no pass is tried meanwhile
        home.restart()
        home.live(lasts, monkeypatch=monkeypatch)
    assert told(home) == [("passes_unfinished", "raised")]


def test_what_is_found_at_a_start_does_not_put_the_first_pass_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = household(tmp_path / "state", RegularSyncs())
    home.parts().token_file.path.unlink()
    home.live(HOUR / 30, monkeypatch=monkeypatch)
    assert told(home) == [("authorization_needed", "raised")]
    assert [at for _, at, _ in home.reports] == [START]


def test_a_service_that_is_restarted_often_reminds_once_a_day_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = household(tmp_path / "state", RegularSyncs())
    home.at.append((START + HOUR, home.simulator.revoke))
    home.live(7 * HOUR, monkeypatch=monkeypatch)
    for _ in range(4):
        home.restart()
        home.skip(home.clock.now() + HOUR)
        home.live(6 * HOUR, monkeypatch=monkeypatch)
    assert told(home) == [("authorization_needed", change) for change in ("raised", "lasts")]
    first, second = (one["told_at"] for one in home.news)
    assert timedelta(hours=24) <= second - first <= timedelta(hours=25)


def test_whoever_is_told_keeps_no_pass_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = household(tmp_path / "state", RegularSyncs())
    home.telling_takes_s = 1e9
    refused = Fault(kind="body", path="/steps/|activities", status=200, body="[]", count=None)
    home.at.append((START + HOUR, lambda: home.simulator.faults.add(refused)))
    home.live(6 * HOUR, monkeypatch=monkeypatch)
    assert [one["code"] for one in home.news] == ["contract_changed"]  # the others wait their turn
    times = [at for _, at, _ in home.reports if at > START + HOUR]
    assert max(b - a for a, b in pairwise(times)) <= timedelta(minutes=16)


def test_no_heart_beats_for_an_account_that_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, beats = household(tmp_path / "state", RegularSyncs())
    home.accounts += (account_settings("bob"),)  # there is no client secret of bob's
    home.live(HOUR, monkeypatch=monkeypatch)
    assert {name for name, _, _ in home.reports} == {"alice"}
    assert beats == []


def test_the_three_silences_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # For more than a day, the watch is away.
    syncs = [START + n * HOUR / 2 for n in range(-48, 96) if not 8 <= n < 68]
    home, _ = household(tmp_path / "state", ListedSyncs(syncs))
    broken = Fault(kind="json_error", path="activities", count=None)
    home.at += [
        (START + 36 * HOUR, lambda: home.simulator.faults.add(broken)),
        (START + 40 * HOUR, home.simulator.faults.clear),
        (START + 42 * HOUR, home.simulator.revoke),
    ]
    home.live(43 * HOUR, monkeypatch=monkeypatch)
    raised = [code for code, change in told(home) if change == "raised"]
    causes = {"request_refused"}  # why the data is stale is told as well
    silences = [code for code in raised if code not in causes]
    assert silences == ["watch_not_synced", "data_stale", "authorization_needed"], told(home)


@pytest.mark.parametrize("restarted", [False, True])
def test_nothing_is_called_stale_before_it_could_have_been_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    home, _ = household(tmp_path / "state", RegularSyncs(3600))
    if restarted:
        home.live(HOUR, monkeypatch=monkeypatch)
        home.skip(START + 30 * HOUR)
        home.restart()
    began, broken = home.clock.now(), Fault(kind="json_error", path="activities", count=None)
    home.simulator.faults.add(broken)
    seen = []

    def look() -> None:
        report, _ = describe(home.parts(), home.clock.now())
        shown = standing.read(home.state_dir, "alice") or ()
        said = {each["code"] for each in report["conditions"]}, {each.code for each in shown}
        seen.append([("data_stale" in codes) for codes in said])

    home.at += [(began + minutes * HOUR / 60, look) for minutes in (1, 20, 50)]
    home.live(HOUR, monkeypatch=monkeypatch)
    assert seen == [[False, False], [False, False], [True, True]]
