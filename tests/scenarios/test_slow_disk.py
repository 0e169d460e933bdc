"""A disk that takes its time, as real ones do, changes nothing about when passes come."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd.simulator import Wearer
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 12, tzinfo=UTC)


def test_the_first_pass_and_all_others_come_though_time_passes_while_the_account_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Household(
        tmp_path / "state",
        START.isoformat(),
        Wearer(member_since=date(2027, 3, 1)),
        accounts=(account_settings(poll_every=timedelta(minutes=15)),),
        disk_takes_s=0.01,
    )
    home.authorize()
    home.live(timedelta(hours=1), monkeypatch=monkeypatch)
    ends = [at - START for _, at, _ in home.reports]
    assert ends[0] < timedelta(minutes=1)
    assert len(ends) == 1 + 4
