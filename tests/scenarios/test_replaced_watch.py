"""A watch is replaced right after a sync that nobody saw: what that sync brought comes home.

From then on the old one stands in no list of devices: no poll ever learns of its last sync.
"""

from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fitbitd.config import AccountSettings
from fitbitd.model import DataTypeName
from fitbitd.simulator import ListedSyncs, Wearer, hours
from tests.support.google_truth import GoogleTruth, held
from tests.support.household import Household, account_settings, google_account

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2027, 3, 20, 12, 7, tzinfo=UTC)
FIRST = date(2027, 3, 18)
DENSE = ("heart_rate", "steps")
WANTED: dict[str, Any] = {"poll_every": 5 * HOUR, "backfill_from": FIRST}


def types(*also: str) -> tuple[DataTypeName, ...]:
    return tuple(map(DataTypeName, (*also, "profile", *DENSE)))


def missing(home: Household) -> dict[str, int]:
    """Count the readings that the provider has and the index has not."""
    with closing(home.index()) as db:
        if home.accounts[0].provider == "google_health":
            truth, now = GoogleTruth(home.wearer), home.clock.now()
            return {name: (truth.of(name, now) - held(db, name)).total() for name in DENSE}
    truths, collected = home.truth(), home.collected()
    return {name: len(truths[name] - collected[name]) for name in DENSE}


@pytest.mark.parametrize("pause", [31 * HOUR, 20 * DAY], ids=str)
@pytest.mark.parametrize(
    "account",
    [
        account_settings(data_types=types("devices"), **WANTED),
        google_account(data_types=types("paired_devices", "settings"), **WANTED),
    ],
    ids=lambda account: account.provider,
)
def test_what_the_old_watch_brought_at_the_last_moment_is_collected(
    account: AccountSettings, pause: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = START + pause
    paired = last + 6 * MINUTE
    before, after = (START - DAY, START), [paired + n * DAY for n in range(9)]
    wearer = Wearer(
        seed=3,
        member_since=FIRST,
        syncs=ListedSyncs([*before, last, *after]),
        replaced_at=last + MINUTE,
        worn_minutes=hours(9, 13, 20),
        intervals_s=(60,),
    )
    home = Household(tmp_path / "state", START.isoformat(), wearer, accounts=(account,))
    home.authorize()
    home.live_by_passes(paired + 9 * DAY - HOUR, monkeypatch=monkeypatch)

    with closing(home.index()) as db:
        seen = {at // 1000 for (at,) in db.execute("SELECT synced_at FROM device_sync")}
    assert int(last.timestamp()) not in seen
    assert int(paired.timestamp()) in seen
    assert +Counter(missing(home)) == {}
