"""One data type, or one day of it, that fails for ever never stops the others."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from fitbitd.simulator.fitbit import LogEntry
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
FIRST = START.date() - timedelta(days=4)
HOUR = timedelta(hours=1)
SLEEP_IS_OFF = '{"errors": [{"errorType": "insufficient_permissions", "message": "no"}]}'


def household(state_dir: Path, *types: str, quota: int = 150, lag: int = 2) -> Household:
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=4, member_since=FIRST, syncs=RegularSyncs(2 * 3600), intervals_s=(60,)),
        FitbitSettings(quota=quota, quota_lag=lag),
        accounts=(
            account_settings(
                data_types=tuple(map(DataTypeName, types)),
                poll_every=HOUR / 2,
                backfill_from=FIRST,
            ),
        ),
    )
    home.authorize()
    return home


def asked(home: Household, part: str) -> list[LogEntry]:
    return [entry for entry in home.data_requests() if part in entry.path]


def test_a_refused_type_is_asked_after_an_hour_doubling_to_a_day_while_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "steps", "daily_steps", "sleep")
    home.simulator.faults.add(
        Fault(kind="body", path="/sleep/", status=403, body=SLEEP_IS_OFF, count=None)
    )
    home.live(timedelta(hours=62), monkeypatch=monkeypatch)

    times = [entry.at for entry in asked(home, "/sleep/")]
    waits = [(after - before) / HOUR for before, after in pairwise(times)]
    for wait, least in zip(waits, [1, 2, 4, 8, 16, 24], strict=True):
        assert least <= wait <= least + 0.6, waits
    truth, collected = home.truth(), home.collected()
    assert collected["steps"] == truth["steps"]
    assert collected["daily_steps"] == truth["daily_steps"]
    assert home.conditions() == {("data_type_refused", "sleep")}
    assert {report.outcome for _, _, report in home.reports} == {"ok"}


def test_nothing_is_asked_while_the_quota_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "heart_rate", "steps", quota=9, lag=0)
    home.live(timedelta(minutes=59), monkeypatch=monkeypatch)
    assert len(home.data_requests()) == 9
    assert {entry.status for entry in home.data_requests()} == {200}


def test_a_type_that_is_not_offered_costs_one_request_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "heart_rate", "steps")
    home.simulator.faults.add(
        Fault(kind="body", path="activities/heart/", status=403, body=SLEEP_IS_OFF, count=None)
    )
    home.live(timedelta(minutes=10), monkeypatch=monkeypatch)
    assert len(asked(home, "activities/heart/")) == 1
    assert home.collected()["steps"] == home.truth()["steps"]


def test_a_new_consent_lifts_the_refusal_of_a_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "sleep")
    refusal = Fault(kind="body", path="/sleep/", status=403, body=SLEEP_IS_OFF, count=3)
    home.simulator.faults.add(refusal)
    # Refused at 6, 7 and 9 o'clock, it would be asked again at 13.
    again = START + timedelta(hours=4)
    home.at.append((again, home.authorize))
    home.live(timedelta(hours=6), monkeypatch=monkeypatch)

    times = [entry.at for entry in asked(home, "/sleep/") if entry.at > again]
    assert timedelta() < times[0] - again <= HOUR / 2 + timedelta(minutes=1)
    assert home.collected()["sleep"] == home.truth()["sleep"]
    assert home.conditions() == set()


def test_a_day_that_fails_for_ever_stops_no_other_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "heart_rate", "steps", "sleep")
    bad = START.date() - timedelta(days=2)
    for resource in ("heart", "steps"):  # two in a row could pass for a provider that is down
        path = f"activities/{resource}/date/{bad}"
        home.simulator.faults.add(Fault(kind="json_error", path=path, count=None))
    home.live(timedelta(days=1, hours=12), monkeypatch=monkeypatch)

    truth, collected = home.truth(), home.collected()
    began = datetime.combine(bad, datetime.min.time(), UTC).timestamp() - 3600  # Berlin
    for name in ("heart_rate", "steps"):
        missing = truth[name] - collected[name]
        assert missing
        assert {began <= at < began + 86_400 for at, _ in missing} == {True}
        assert not collected[name] - truth[name]
    assert collected["sleep"] == truth["sleep"]
    assert home.conditions() == {("request_refused", "heart_rate"), ("request_refused", "steps")}
    # Four attempts in each of the two first passes, then after 1, 2, 4, 8... hours.
    assert len(asked(home, f"heart/date/{bad}")) <= 4 * 8


def test_nothing_is_sent_before_the_quota_renews_and_a_margin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "heart_rate", "steps", "sleep", quota=9)
    home.live(timedelta(hours=8), monkeypatch=monkeypatch)

    log = home.simulator.log
    refused = [place for place, entry in enumerate(log) if entry.status == 429]
    assert refused
    for place in refused:
        renews = log[place].at.replace(minute=0, second=0) + HOUR
        after = log[place + 1 :]
        assert all(entry.at >= renews + timedelta(seconds=30) for entry in after)
        if after:
            assert after[0].at <= renews + timedelta(minutes=33)  # margin and next poll


def test_a_provider_that_is_gone_stays_gone_when_a_pass_is_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "sleep")
    grant = home.parts().token_file.read()
    home.at.append((START + HOUR, lambda: setattr(home.simulator, "gone", True)))
    home.at.append((START + 3 * HOUR, lambda: home.clock.step(timedelta(minutes=3))))
    home.live(5 * HOUR, monkeypatch=monkeypatch)
    assert home.conditions() == {("provider_gone", "")}
    assert home.reports[-1][2].outcome == "throttled"  # looked at again when the clock was set
    assert [entry.status for entry in home.data_requests(since=START + HOUR)] == [410]
    assert home.parts().token_file.read() == grant
