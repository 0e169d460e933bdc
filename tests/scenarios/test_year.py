"""After a year in which everything happens, an index is the wearer's truth, at either provider.

Syncs come at random and values hours after them; the watch and its phone, the provider and our
machine are each away for a week; five requests in a hundred fail; in June the watch is replaced;
the clocks change twice, and the wearer travels. `tests/support/year.py` says when.
"""

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import fitbit_rows
from tests.support.google_truth import GoogleTruth, differences, held
from tests.support.household import GOOGLE_TYPES, Household
from tests.support.promises import Claims
from tests.support.year import (
    END,
    OFF,
    SYNCED_AGAIN,
    UNREACHABLE,
    UNSYNCED,
    at_fitbit,
    at_google,
)

NEVER = ("basal_energy_burned",)
"""Accounts were seen to have none."""

EXPECTED = {
    *("watch_not_synced", "provider_unreachable", "throttled", "data_stale"),
    "token_in_doubt",  # a refresh may fail like any other request
}
OUTCOMES = {"ok", "provider_unreachable", "provider_failed", "throttled"}


def live(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live the year, one week of it without our machine; look at the ledger while syncs lack."""
    home.authorize()
    home.live_by_passes(SYNCED_AGAIN, monkeypatch=monkeypatch)
    assert_no_day_is_claimed_that_is_not_proven(home)
    home.restart()
    home.live_by_passes(OFF[0], monkeypatch=monkeypatch)
    home.skip(OFF[1])
    home.restart()
    home.live_by_passes(END, monkeypatch=monkeypatch)


class TestAtGoogle:  # classes, so that two workers can live a year each
    def test_after_a_year_the_index_equals_the_wearers_truth_and_its_rebuild(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = at_google(tmp_path / "state")
        live(home, monkeypatch)
        assert_all_of_it_happened(home, {"2000000001", "2000000003"})
        truth, now = GoogleTruth(home.wearer), home.true_clock.now()
        with closing(home.index()) as db:
            found = differences(db, truth, GOOGLE_TYPES, now)
            assert not found, "\n".join(f"{name}: {why}" for name, why in found.items())
            assert [name for name in GOOGLE_TYPES if not held(db, name)] == [*NEVER]
        home.assert_rebuilt_alike()


class TestAtFitbit:
    def test_after_a_year_the_index_equals_the_wearers_truth_and_its_rebuild(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = at_fitbit(tmp_path / "state")
        live(home, monkeypatch)
        assert_all_of_it_happened(home, {"100000003", "100000004"})
        truth, collected = home.truth(), home.collected()
        with closing(home.index()) as db:
            collected |= fitbit_rows.held(db)
            truth |= fitbit_rows.published(db, home.wearer)
        for name, rows in truth.items():
            missing, extra = rows - collected[name], collected[name] - rows
            first = min(missing | extra, key=str, default=None)
            assert first is None, (
                f"{name}: {len(missing)} missing, {len(extra)} extra, such as {first}"
            )
            assert rows, name
        home.assert_rebuilt_alike()


def assert_no_day_is_claimed_that_is_not_proven(home: Household) -> None:
    """Look for a complete read after a sync behind each settled day."""
    claims = Claims({one.name: one for one in home.parts().wants.data_types})
    with closing(home.index()) as db:
        assert claims.unproven(db) == []


def assert_all_of_it_happened(home: Household, watches: set[str]) -> None:
    """Make sure that the year was not a quiet one, and that all was told for what it was."""
    with closing(home.index()) as db:
        synced = [
            (device, datetime.fromtimestamp(at / 1000, UTC))
            for device, at in db.execute("SELECT device, synced_at FROM device_sync")
        ]
        told = {code for (code,) in db.execute("SELECT DISTINCT code FROM condition")}
    assert {device for device, _ in synced} >= watches
    assert not [at for _, at in synced if UNSYNCED[0] <= at < UNSYNCED[1]]
    reports = [(at, report.outcome) for _, at, report in home.reports]
    assert not [at for at, _ in reports if OFF[0] < at < OFF[1]]
    away = {outcome for at, outcome in reports if UNREACHABLE[0] < at < UNREACHABLE[1]}
    assert away == {"provider_unreachable"}
    assert {outcome for _, outcome in reports} <= OUTCOMES
    assert {"watch_not_synced", "provider_unreachable"} <= told <= EXPECTED, told
    faults = Counter(
        entry.fault is not None
        for entry in home.simulator.log
        if not UNREACHABLE[0] <= entry.at < UNREACHABLE[1]
    )
    assert 0.03 < faults[True] / faults.total() < 0.07
    assert home.simulator.oauth.counts.refreshes_refused == 0
