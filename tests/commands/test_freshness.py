"""Which value stands for the age of a group of data types."""

from datetime import UTC, datetime
from pathlib import Path

from fitbitd.assembly import parts
from fitbitd.commands.status import _newest
from fitbitd.store.listing import Holding
from tests.support.household import account_settings, settings

MIDNIGHT = datetime(2027, 3, 1, tzinfo=UTC)
NOON = datetime(2027, 2, 28, 12, tzinfo=UTC)


def test_daily_values_tell_the_age_only_of_a_group_without_readings(tmp_path: Path) -> None:
    account = account_settings()
    alice = parts(settings(tmp_path, account), account)
    stored = [
        Holding("daily_heart_rate", MIDNIGHT, MIDNIGHT, 1),
        Holding("daily_steps", MIDNIGHT, MIDNIGHT, 1),
        Holding("heart_rate", NOON, NOON, 1),
        Holding("profile", MIDNIGHT, MIDNIGHT, 1),
    ]
    assert _newest(alice, stored) == {"heart": NOON, "activity": MIDNIGHT}
