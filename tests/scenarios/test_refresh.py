"""No request leaves with a token that could die under way, and each token is renewed once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx  # noqa: TID251 - what the provider sees
import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
SOME_TYPES = (DataTypeName("daily_steps"), DataTypeName("sleep"))
LEAST_S = 5  # what a request may take before its token dies under way

TROUBLE = (
    Fault(kind="body", path="oauth2/token", status=503, body=b"{}", count=4, wait_s=2),
    Fault(kind="html", path="oauth2/token", count=3),
    Fault(kind="reset", path="oauth2/token", count=2),
    Fault(kind="latency", path="oauth2/token", wait_s=8, count=3),
    Fault(kind="cut", path="oauth2/token", count=1),
    Fault(kind="timeout", path="oauth2/token", count=1),
    Fault(kind="empty", path="oauth2/token", count=1),
    Fault(kind="html", path="oauth2/token", chance=0.2, count=None),
    Fault(kind="reset", path="oauth2/token", chance=0.1, count=None),
)


def household(state_dir: Path, life_s: int) -> Household:
    wearer = Wearer(seed=2, member_since=START.date(), syncs=RegularSyncs(3 * 3600))
    home = Household(
        state_dir,
        START.isoformat(),
        wearer,
        FitbitSettings(token_life_s=life_s),
        accounts=(account_settings(data_types=SOME_TYPES),),
    )
    home.authorize()
    return home


def lives_left(home: Household) -> list[float]:
    """Have every data request that arrives note how long its token will still live."""
    seen: list[float] = []

    def note(request: httpx.Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            now = home.true_clock.now()
            told = home.simulator.oauth.introspect(token, now)
            ends_s = told["exp"] / 1000 if told["active"] else 0.0
            seen.append(ends_s - now.timestamp())

    home.exchange.tap = note
    return seen


@pytest.mark.parametrize(
    ("life_s", "lasts"),
    [
        (60, timedelta(hours=3)),
        (3600, timedelta(hours=20)),
        (28_800, timedelta(days=2, hours=12)),
    ],
)
def test_each_token_is_renewed_once_and_in_time(
    life_s: int, lasts: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", life_s)
    left_s = lives_left(home)
    home.live(lasts, monkeypatch=monkeypatch)

    counts = home.simulator.oauth.counts
    assert set(counts.refreshes_by_life.values()) == {1}
    assert counts.rotations == counts.refreshes_received
    renewed = [START, *(e.at for e in home.simulator.log if e.path == "/oauth2/token")]
    used_s = [(after - before).total_seconds() for before, after in pairwise(renewed)]
    assert used_s == pytest.approx([0.8 * life_s] * len(used_s), abs=5)  # a fifth is left
    assert len(used_s) >= lasts.total_seconds() / life_s - 1
    assert min(left_s) > LEAST_S - 1
    assert {entry.status for entry in home.simulator.log} == {200}
    assert {report.outcome for _, _, report in home.reports} == {"ok"}


@pytest.mark.parametrize(
    ("life_s", "lasts"), [(60, timedelta(hours=2)), (3600, timedelta(hours=20))]
)
def test_trouble_at_the_token_endpoint_costs_no_request_and_no_grant(
    life_s: int, lasts: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", life_s)
    left_s = lives_left(home)
    home.simulator.faults.add(*TROUBLE)
    home.live(lasts, monkeypatch=monkeypatch)

    counts = home.simulator.oauth.counts
    assert counts.refreshes_refused == 0
    assert min(left_s) > LEAST_S - 1
    assert {entry.status for entry in home.data_requests()} == {200}
    assert counts.replays > 0  # answers were lost, and given again
    late = home.data_requests(since=START + lasts - timedelta(minutes=40))
    assert late, "it no longer collects"
