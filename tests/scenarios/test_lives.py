"""However a life goes, in the end the index is the wearer's truth; a seed makes it go so again.

The whole daemon lives it on simulated time: outages, bursts of errors, slow and broken answers,
429, a token endpoint that is down for hours, consent taken back and given again, kills, stops, a
clock that is wrong, a disk that takes no more, late syncs and values, trips, another watch, and
nights that are changed afterwards. CI lives four weeks of one seed; a hunt a year of each of N:

    pytest tests/scenarios/test_lives.py --seeds N

What is not ordered, because nobody could find it, is what `test_machine.py` says.
"""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from operator import itemgetter
from pathlib import Path

import pytest

from fitbitd.config import AccountSettings
from fitbitd.model import DataTypeName
from tests.support.google_truth import GoogleTruth, differences
from tests.support.household import Household, account_settings, google_account
from tests.support.lives import FIRST, START, Life, wearer
from tests.support.promises import Claims

WEEKS, YEAR = timedelta(weeks=4), timedelta(days=365)
EVERY = timedelta(hours=5)
IN_CI = (2,)

FITBIT = ("profile", "devices", "heart_rate", "daily_heart_rate", "steps", "sleep")
GOOGLE = (
    *("settings", "paired_devices", "profile", "heart_rate", "hourly_heart_rate", "sleep"),
    *("heart_rate_variability", "daily_resting_heart_rate", "exercise", "weight", "steps"),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    hunted = metafunc.config.getoption("seeds")
    metafunc.parametrize("seed", range(1, hunted + 1) if hunted else IN_CI)


@pytest.fixture
def lasts(request: pytest.FixtureRequest) -> timedelta:
    return YEAR if request.config.getoption("seeds") else WEEKS


def household(state_dir: Path, seed: int, lasts: timedelta, account: AccountSettings) -> Household:
    wanted = replace(account, poll_every=EVERY, backfill_from=FIRST)
    return Household(state_dir, START.isoformat(), wearer(seed, lasts), accounts=(wanted,))


def live(home: Household, seed: int, lasts: timedelta, patch: pytest.MonkeyPatch) -> None:
    """Live a life, and see that nothing in it was a bug, and nothing claimed that is not proven."""
    life = Life(home, seed, lasts, patch)
    life.live()
    print("\n".join(life.told))
    assert life.crashes == []
    assert home.simulator.oauth.counts.refreshes_refused <= life.revocations
    assert home.conditions() <= {("watch_not_synced", "")}  # of the last two days
    claims = Claims({one.name: one for one in home.parts().wants.data_types})
    with closing(home.index()) as db:
        assert claims.unproven(db) == []


def test_at_fitbit_a_life_ends_with_the_truth(
    seed: int, lasts: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(map(DataTypeName, FITBIT))
    home = household(tmp_path / "state", seed, lasts, account_settings(data_types=names))
    live(home, seed, lasts, monkeypatch)
    truth, collected = home.truth(), home.collected()
    for rows in (truth, collected):  # of a watch that was replaced the last sync is hidden
        rows["devices"] = {max(rows["devices"], key=itemgetter(1))}
    for name in names:
        missing, extra = truth[name] - collected[name], collected[name] - truth[name]
        found = [sorted(map(str, rows))[:3] for rows in (missing, extra)]
        assert found == [[], []], f"{name}: missing {found[0]}, extra {found[1]}"
    home.assert_rebuilt_alike()


def test_at_google_a_life_ends_with_the_truth(
    seed: int, lasts: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(map(DataTypeName, GOOGLE))
    home = household(tmp_path / "state", seed, lasts, google_account(data_types=names))
    live(home, seed, lasts, monkeypatch)
    with closing(home.index()) as db:
        found = differences(db, GoogleTruth(home.wearer), names, home.true_clock.now())
        assert not found, "\n".join(f"{name}: {why}" for name, why in found.items())
    home.assert_rebuilt_alike()
