"""After a month of late syncs the index is what the watch recorded: no more and no less."""

from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from fitbitd.simulator import DailySyncs, Fault, FitbitSettings, Wearer
from tests.support.fitbit_rows import NAMES, held, published
from tests.support.household import ALL_TYPES, Household, account_settings

FIRST = date(2027, 2, 20)
START = datetime(2027, 3, 10, 12, tzinfo=UTC)
DAYS = timedelta(days=30)  # the clocks change on the 28th of March
SELDOM = timedelta(hours=12)
PAUSE = (datetime(2027, 3, 18, 12, tzinfo=UTC), datetime(2027, 3, 23, 12, tzinfo=UTC))
TROUBLE = (
    # A day of history that fails for some hours, and a provider that has its moods.
    Fault(kind="json_error", path="heart/date/2027-02-24", count=9),
    Fault(kind="html", path="steps/date/2027-02-23", count=9),
    Fault(kind="json_error", chance=0.01, count=None),
    Fault(kind="html", chance=0.01, count=None),
    Fault(kind="reset", chance=0.01, count=None),
    Fault(kind="cut", chance=0.01, count=None),
)


def household(state_dir: Path) -> Household:
    """Describe a wearer who syncs twice a day, and once not for five days."""
    syncs = DailySyncs((time(8, 50), time(21, 40)), pauses=(PAUSE,))
    wearer = Wearer(
        seed=3,
        member_since=FIRST,
        syncs=syncs,
        publish_after=timedelta(minutes=40),
        days_off=frozenset({date(2027, 3, 14)}),
        has_scale=True,
        intervals_s=(1, 5, 10, 10, 15, 15),
    )
    account = account_settings(
        backfill_from=FIRST,
        poll_every=timedelta(hours=3),
        data_types=(*ALL_TYPES, *NAMES),
        poll=dict.fromkeys(NAMES, SELDOM),
    )
    provider = FitbitSettings(list_page=20)
    home = Household(state_dir, START.isoformat(), wearer, provider, accounts=(account,))
    nights = wearer.sleeps(date(2027, 3, 8), date(2027, 3, 9), START)
    corrected = START + timedelta(days=1)
    wearer.delete_sleep(nights[0].log_id, at=corrected)
    wearer.edit_sleep(nights[1].log_id, at=corrected, cut_minutes=20)
    home.simulator.faults.add(*TROUBLE)
    return home


def test_after_a_month_the_index_equals_the_wearers_truth_and_its_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path / "state")
    home.authorize()
    home.live(DAYS, monkeypatch=monkeypatch)
    truth, collected = home.truth(), home.collected()
    with closing(home.index()) as db:
        collected |= held(db)
        truth |= published(db, home.wearer)
    with capsys.disabled():
        counts = {name: len(rows) for name, rows in truth.items()}
        print(f"\n  rows: {counts}; {home.simulator.requests_seen} requests")
    for name, rows in truth.items():
        missing, extra = rows - collected[name], collected[name] - rows
        assert not missing, f"{name}: {len(missing)} missing, such as {min(missing)}"
        assert not extra, f"{name}: {len(extra)} extra, such as {min(extra)}"
    assert len(truth["heart_rate"]) >= 8_000 * 30
    home.assert_rebuilt_alike()
