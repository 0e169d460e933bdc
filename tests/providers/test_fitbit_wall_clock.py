"""Wall-clock times become the instants that they were."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.providers.fitbit.wall_clock import civil_day, offset_s, unix_ms

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # goes back from 01:00 to midnight
    "Africa/Cairo",  # goes forward at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",  # had no 30 December 2011
)
DAYS = (
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 4, 24),
    date(2026, 10, 4),
    date(2026, 10, 25),
    date(2026, 10, 29),
    date(2026, 11, 1),
    date(2026, 7, 1),
    date(2011, 12, 29),
    date(2011, 12, 31),
)


def instants(day: date, zone: str, clock: list[str]) -> list[str]:
    """Give the UTC times of wall-clock times, in order of the offsets."""
    seconds = [int(at[:2]) * 3600 + int(at[3:5]) * 60 for at in clock]
    that = civil_day(day, ZoneInfo(zone))
    return [
        f"{datetime.fromtimestamp(that.midnight_s - offset + second, UTC):%H:%M}"
        for offset, rows in that.by_offset([(second, 1) for second in seconds])
        for second, _ in rows
    ]


def test_an_hour_that_comes_twice_is_told_apart_by_order() -> None:
    clock = ["01:59", "02:00", "02:59", "02:00", "02:30", "02:59", "03:00"]
    assert instants(date(2026, 10, 25), "Europe/Berlin", clock) == [
        "23:59",
        "00:00",
        "00:59",
        "01:00",
        "01:30",
        "01:59",
        "02:00",
    ]


def test_an_hour_that_comes_twice_and_is_worn_once_is_taken_for_the_first() -> None:
    clock = ["01:59", "02:10", "03:00"]
    assert instants(date(2026, 10, 25), "Europe/Berlin", clock) == ["23:59", "00:10", "02:00"]


def test_a_time_that_no_clock_showed_is_from_a_watch_that_kept_the_old_one() -> None:
    clock = ["01:59", "02:30", "03:00"]
    assert instants(date(2026, 3, 29), "Europe/Berlin", clock) == ["00:59", "01:30", "01:00"]


def test_the_seconds_that_no_clock_showed_are_known() -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    berlin = ZoneInfo("Europe/Berlin")
    assert civil_day(spring, berlin).skipped == range(2 * 3600, 3 * 3600)
    assert not civil_day(autumn, berlin).skipped
    assert not civil_day(date(2026, 7, 1), berlin).skipped


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_each_minute_that_was_comes_back_as_itself(day: date, zone: str) -> None:
    """Walk a day's instants in UTC, keep what a watch would show, and turn it back."""
    where = ZoneInfo(zone)
    at = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=26)
    shown: list[tuple[int, int]] = []
    truth: list[int] = []
    for _ in range(52 * 60):
        local = at.astimezone(where)
        if local.date() == day:
            shown.append((local.hour * 3600 + local.minute * 60, 1))
            truth.append(int(at.timestamp()))
        at += timedelta(minutes=1)
    that = civil_day(day, where)
    found = [
        that.midnight_s - offset + second
        for offset, rows in that.by_offset(shown)
        for second, _ in rows
    ]
    assert found == truth


@given(
    naive=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - a wall clock
    zone=st.sampled_from(ZONES),
)
def test_a_wall_time_at_its_offset_is_the_instant_that_python_finds(
    naive: datetime, zone: str
) -> None:
    where = ZoneInfo(zone)
    exact = naive.replace(microsecond=0, tzinfo=where)
    found = unix_ms(naive.replace(microsecond=0), offset_s(naive.replace(microsecond=0), where))
    assert found == round(exact.timestamp() * 1000)
