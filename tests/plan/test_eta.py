"""How long history still takes, honestly."""

from datetime import UTC, datetime, timedelta

import pytest

from fitbitd.model import Quota
from fitbitd.plan.eta import Limits, Pace, eta

NOW = datetime(2026, 3, 1, 10, 40, tzinfo=UTC)
SPENT = Quota(150, 30, datetime(2026, 3, 1, 11, tzinfo=UTC))


def test_nobody_knows_before_anything_is_known() -> None:
    assert eta(100, NOW, None, Limits()) is None


def test_the_pace_that_was_measured_goes_on_waits_included() -> None:
    pace = Pace(100, timedelta(minutes=10))
    left = eta(600, NOW, pace, Limits())
    assert left == timedelta(hours=1)


def test_a_few_requests_tell_nothing_about_a_pace() -> None:
    pace = Pace(9, timedelta(minutes=10))
    assert eta(600, NOW, pace, Limits()) is None
    assert eta(600, NOW, pace, Limits(requests_per_s=2)) == timedelta(minutes=5)


def test_it_is_never_faster_than_is_allowed() -> None:
    burst = Pace(100, timedelta(seconds=10))
    left = eta(600, NOW, burst, Limits(requests_per_s=2))
    assert left == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("requests", "minutes"),
    [
        (1, 20),  # the reserve is not for history: it waits for the renewal
        (120, 20),
        (121, 80),
        (360, 140),
    ],
)
def test_a_burst_does_not_hide_that_the_quota_renews_once_an_hour(
    requests: int, minutes: int
) -> None:
    burst = Pace(120, timedelta(seconds=30))
    left = eta(requests, NOW, burst, Limits(quota=SPENT))
    assert left == timedelta(minutes=minutes)


def test_a_pause_that_the_provider_ordered_comes_first() -> None:
    until = NOW + timedelta(hours=2)
    pace = Pace(60, timedelta(minutes=1))
    left = eta(120, NOW, pace, Limits(requests_per_s=0.5, held_until=until))
    assert left == timedelta(hours=2, minutes=4)
    left = eta(120, NOW, pace, Limits(held_until=until))
    assert left == timedelta(hours=2, minutes=2)
    rich = Quota(150, 150, NOW + timedelta(minutes=20))
    left = eta(60, NOW, None, Limits(quota=rich, held_until=until))
    assert left == timedelta(hours=2)
    over = NOW - timedelta(hours=2)
    left = eta(60, NOW, pace, Limits(held_until=over))
    assert left == timedelta(minutes=1)


def test_what_the_quota_still_holds_takes_as_long_as_it_was_measured_to() -> None:
    fresh = Quota(150, 150, NOW + timedelta(minutes=20))
    pace = Pace(60, timedelta(minutes=1))
    assert eta(120, NOW, pace, Limits(quota=fresh)) == timedelta(minutes=2)


def test_a_quota_that_has_renewed_meanwhile_is_whole_again() -> None:
    old = Quota(150, 0, NOW - timedelta(minutes=1))
    assert eta(120, NOW, None, Limits(quota=old)) == timedelta(0)
    assert eta(121, NOW, None, Limits(quota=old)) == timedelta(hours=1)
