from datetime import UTC, datetime, timedelta

import pytest

from fitbitd.model import Quota
from fitbitd.plan.budget import Allowance, allowance

NOW = datetime(2026, 3, 1, 10, 40, tzinfo=UTC)
LATER = NOW + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (None, Allowance(30, 15)),
        (Quota(150, 150, LATER), Allowance(150, 120)),
        (Quota(150, 40, LATER), Allowance(40, 10)),
        (Quota(150, 30, LATER), Allowance(30, 0)),
        (Quota(150, -2, LATER), Allowance(0, 0)),
        (Quota(150, 0, NOW), Allowance(150, 120)),
        (Quota(150, 0, NOW + timedelta(days=200)), Allowance(30, 15)),  # by a clock ahead
    ],
)
def test_history_leaves_a_fifth_of_the_quota_and_a_renewed_quota_is_whole(
    quota: Quota | None, expected: Allowance
) -> None:
    assert allowance(quota, NOW) == expected


@pytest.mark.parametrize(
    ("requests", "expected"),
    [(30, Allowance(30, 15)), (31, Allowance(31, 21)), (110, Allowance(110, 100))],
)
def test_where_no_quota_is_told_a_pass_spends_what_the_provider_bears(
    requests: int, expected: Allowance
) -> None:
    assert allowance(None, NOW, requests) == expected
    assert allowance(Quota(150, 40, LATER), NOW, requests) == Allowance(40, 10)
