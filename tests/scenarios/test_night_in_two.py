"""A night that the watch brings in two pieces, weeks apart, is whole in the end.

What is measured asleep is published when the night is over. A sync in the middle of it is later
than the end of the evening's day, yet has brought nothing of the evening.
"""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import ListedSyncs, Wearer
from tests.support.google_truth import GoogleTruth, held
from tests.support.household import Household, google_account

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = date(2027, 3, 6)
START = datetime(2027, 3, 20, 12, 7, tzinfo=UTC)
ASLEEP = datetime(2027, 3, 21, 3, 19, tzinfo=UTC)
NAMES = tuple(
    DataTypeName(name)
    for name in ("heart_rate_variability", "oxygen_saturation", "respiratory_rate_sleep_summary")
)


@pytest.mark.parametrize("pause", [2 * DAY, 13 * DAY, 40 * DAY], ids=str)
def test_a_sync_in_the_middle_of_a_night_leaves_no_hole_in_its_evening(
    pause: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [START + (n - 14) * DAY for n in range(15)]
    wearer = Wearer(
        seed=3,
        member_since=FIRST,
        syncs=ListedSyncs([*before, ASLEEP, ASLEEP + pause, ASLEEP + pause + DAY / 2]),
        publish_after=40 * timedelta(minutes=1),
    )
    types = ("paired_devices", "profile", "settings", *NAMES)
    account = google_account(
        data_types=tuple(map(DataTypeName, types)), poll_every=5 * HOUR, backfill_from=FIRST
    )
    home = Household(tmp_path / "state", START.isoformat(), wearer, accounts=(account,))
    home.authorize()
    home.live_by_passes(ASLEEP + pause + 12 * DAY, monkeypatch=monkeypatch)

    truth = GoogleTruth(wearer)
    with closing(home.index()) as db:
        missing = {name: truth.of(name, home.clock.now()) - held(db, name) for name in NAMES}
    assert {name: sorted(rows)[:3] for name, rows in missing.items() if rows} == {}
