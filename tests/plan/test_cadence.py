from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.model import Cadence, DataType, DeviceSync, Why
from fitbitd.plan.cadence import Wants, due, first_pass, next_pass, next_poll
from fitbitd.plan.ledger import Ledger, TypeLedger, believed
from tests.support.types import ALL, CARD, DENSE, HOURLY, NIGHTS, WEIGHED

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WANTS = Wants("alice", ALL, 15 * MINUTE)


def ledger(
    data_type: DataType, synced: timedelta | None = None, *followed: timedelta, **known: Any
) -> Ledger:
    devices = {} if synced is None else {"1": DeviceSync("1", NOW - synced)}
    syncs = tuple(NOW - ago for ago in followed)
    return Ledger(
        zone="Europe/Berlin",
        types={data_type.name: TypeLedger(**known)},
        devices=devices,
        syncs=syncs,
    )


def test_what_was_never_read_is_due() -> None:
    assert due(NIGHTS, WANTS, Ledger(), NOW) is Why.INTERVAL


def test_a_read_by_a_clock_that_was_ahead_does_not_stall_the_type() -> None:
    known = ledger(NIGHTS, HOUR, read_at=NOW + 30 * 24 * HOUR, rests_on=NOW - HOUR)
    assert due(NIGHTS, WANTS, known, NOW) is Why.INTERVAL


def test_a_refused_type_is_left_alone_until_its_time() -> None:
    known = ledger(NIGHTS, blocked={None: NOW + MINUTE})
    assert due(NIGHTS, WANTS, known, NOW) is None
    assert due(NIGHTS, WANTS, known, NOW + MINUTE) is Why.INTERVAL


def test_a_sync_makes_a_type_of_the_watch_due_and_an_old_one_does_not() -> None:
    read = {"read_at": NOW - 2 * HOUR, "rests_on": NOW - 3 * HOUR}
    assert due(DENSE, WANTS, ledger(DENSE, HOUR, **read), NOW) is Why.SYNC
    assert due(DENSE, WANTS, ledger(DENSE, 3 * HOUR, **read), NOW) is None
    assert due(DENSE, WANTS, ledger(DENSE, HOUR, read_at=NOW - HOUR), NOW) is Why.SYNC


@pytest.mark.parametrize(
    ("synced_ago", "read_ago", "expected"),
    [
        (14 * MINUTE, 13 * MINUTE, Why.FOLLOW_UP),  # 15 minutes, a tenth early
        (13 * MINUTE, 13 * MINUTE, None),
        (55 * MINUTE, 30 * MINUTE, Why.FOLLOW_UP),
        (3 * HOUR, 2 * HOUR, None),
        (3 * HOUR + 37 * MINUTE, 2 * HOUR, Why.FOLLOW_UP),
        (5 * HOUR, HOUR, None),
        (23 * HOUR, 5 * HOUR, Why.FOLLOW_UP),  # the next morning at 9 in Berlin is 8 UTC
        (23 * HOUR, 3 * HOUR, None),
    ],
)
def test_a_sync_has_follow_ups_for_what_appears_late(
    synced_ago: timedelta, read_ago: timedelta, expected: Why | None
) -> None:
    state = {"read_at": NOW - read_ago, "rests_on": NOW - synced_ago}
    assert due(NIGHTS, WANTS, ledger(NIGHTS, synced_ago, synced_ago, **state), NOW) is expected
    assert due(DENSE, WANTS, ledger(DENSE, synced_ago, synced_ago, **state), NOW) is None


def test_every_six_hours_regardless_and_a_little_early_in_company() -> None:
    known = ledger(DENSE, 7 * HOUR, read_at=NOW - 5 * HOUR, rests_on=NOW - 7 * HOUR)
    assert due(DENSE, WANTS, known, NOW) is None
    assert due(DENSE, WANTS, known, NOW, riding=True) is Why.INTERVAL
    assert due(DENSE, WANTS, known, NOW + HOUR) is Why.INTERVAL


def test_without_a_usable_sync_the_interval_is_an_hour_unless_set() -> None:
    for synced in (None, timedelta(days=8)):
        known = ledger(DENSE, synced, read_at=NOW - 59 * MINUTE)
        assert due(DENSE, WANTS, known, NOW) is None
        assert due(DENSE, WANTS, known, NOW + MINUTE) is Why.INTERVAL
        eager = replace(WANTS, poll={DENSE.name: 5 * MINUTE})
        assert due(DENSE, eager, known, NOW) is Why.INTERVAL


def test_a_type_with_its_own_clock_does_not_care_about_syncs() -> None:
    known = ledger(CARD, MINUTE, read_at=NOW - 23 * HOUR, rests_on=NOW - 24 * HOUR)
    assert due(CARD, WANTS, known, NOW) is None
    assert due(CARD, WANTS, known, NOW + HOUR) is Why.INTERVAL


@given(
    name=st.text(min_size=1),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis wants naive bounds
    every=st.integers(5, 86400),
)
def test_polls_are_evenly_spread_and_in_the_same_places_after_a_restart(
    name: str, after: datetime, every: int
) -> None:
    wants = Wants(name, ALL, timedelta(seconds=every))
    first = next_poll(wants, after)
    assert timedelta(0) < first - after <= timedelta(seconds=every) + timedelta(microseconds=100)
    assert abs(next_poll(wants, first) - first - wants.poll_every) < timedelta(milliseconds=1)
    assert next_poll(wants, after + (first - after) / 2) == first


def test_an_account_is_looked_at_as_often_as_its_most_eager_type() -> None:
    eager = replace(WANTS, poll={DENSE.name: 5 * MINUTE})
    assert next_poll(eager, NOW) - NOW <= 5 * MINUTE


def test_a_pass_with_work_left_is_followed_at_once() -> None:
    assert next_pass(WANTS, Ledger(), NOW, more=True) == NOW + timedelta(seconds=1)
    assert next_pass(WANTS, Ledger(), NOW, more=False) == next_poll(WANTS, NOW)


def test_a_throttled_account_waits() -> None:
    until = NOW + 3 * HOUR
    assert next_pass(WANTS, Ledger(throttled_until=until), NOW, more=True) == until


@pytest.mark.parametrize(("deaths", "delay"), [(1, 2 * MINUTE), (3, 8 * MINUTE), (20, 6 * HOUR)])
def test_a_pass_that_killed_the_process_is_delayed_and_doubly_so_each_time(
    deaths: int, delay: timedelta
) -> None:
    known = Ledger(unfinished_passes=deaths, last_seen_at=NOW)
    assert next_pass(WANTS, known, NOW, more=True) == NOW + delay
    ahead = Ledger(unfinished_passes=deaths, last_seen_at=NOW + 999 * HOUR)
    assert next_pass(WANTS, ahead, NOW, more=True) == NOW + delay


@pytest.mark.parametrize(
    ("seen_ago", "at_once"),
    [(None, True), (16 * MINUTE, True), (14 * MINUTE, False), (-HOUR, True)],
)
def test_a_restart_looks_at_once_unless_a_pass_was_just_now(
    seen_ago: timedelta | None, *, at_once: bool
) -> None:
    known = Ledger(last_seen_at=None if seen_ago is None else NOW - seen_ago)
    assert first_pass(WANTS, known, NOW) == (NOW if at_once else next_poll(WANTS, NOW))


def test_a_restart_of_a_process_that_died_waits() -> None:
    known = Ledger(last_seen_at=NOW - 15 * MINUTE, unfinished_passes=5)
    assert first_pass(WANTS, known, NOW) == NOW + 17 * MINUTE


def test_a_snapshot_that_was_read_after_a_sync_is_not_read_again_for_it() -> None:
    follows = replace(CARD, cadence=Cadence.WATCH)
    before, after = (
        ledger(CARD, HOUR, read_at=NOW - ago, rests_on=None) for ago in (2 * HOUR, MINUTE)
    )
    assert due(follows, WANTS, before, NOW) is Why.SYNC
    assert due(follows, WANTS, after, NOW) is None


def test_a_snapshot_that_follows_the_watch_is_read_with_a_sync_and_daily_without_any() -> None:
    follows = replace(CARD, cadence=Cadence.WATCH)
    read = {"read_at": NOW - 2 * HOUR, "rests_on": NOW - 3 * HOUR}
    assert due(follows, WANTS, ledger(follows, HOUR, **read), NOW) is Why.SYNC
    assert due(follows, WANTS, ledger(follows, 3 * HOUR, **read), NOW) is None
    assert due(follows, WANTS, ledger(follows, None, **read), NOW) is None
    silent = {"read_at": NOW - 24 * HOUR, "rests_on": NOW - 99 * HOUR}
    assert due(follows, WANTS, ledger(follows, 99 * HOUR, **silent), NOW) is Why.INTERVAL


def test_a_pause_longer_than_any_that_is_asked_for_was_noted_by_a_clock_ahead() -> None:
    assert believed(NOW + 25 * HOUR, NOW)
    assert not believed(NOW + 26 * HOUR, NOW)
    assert believed(NOW - 999 * HOUR, NOW)


@given(
    phase=st.integers(0, 15 * 60 - 1),
    lags=st.lists(st.integers(0, 50), min_size=30, max_size=30),
)
def test_what_is_typed_in_is_read_within_an_hour_and_three_minutes_at_any_phase(
    phase: int, lags: list[int]
) -> None:
    reads = []
    read_at = NOW
    for poll, lag in enumerate(lags):
        at = NOW + timedelta(seconds=phase + poll * 900 + lag)  # passes are seconds late
        if due(WEIGHED, WANTS, ledger(WEIGHED, MINUTE, read_at=read_at), at) is not None:
            reads.append(at - read_at)
            read_at = at
    assert reads
    assert max(reads[1:]) <= 63 * MINUTE


def test_a_type_of_a_week_is_due_half_a_poll_early_at_most() -> None:
    week = timedelta(days=7)
    assert due(HOURLY, WANTS, ledger(HOURLY, read_at=NOW - week + 8 * MINUTE), NOW) is None
    assert due(HOURLY, WANTS, ledger(HOURLY, read_at=NOW - week + 7 * MINUTE), NOW) is not None


def test_late_values_of_a_watch_that_syncs_all_the_time_are_read_each_three_quarters() -> None:
    quarter, second = timedelta(minutes=15), timedelta(seconds=1)
    late = next(data_type for data_type in ALL if data_type.late)
    often = Wants("alice", (late,), quarter)
    known = TypeLedger(read_at=NOW - 3 * quarter + second, rests_on=NOW - 3 * quarter)
    for back, why in ((quarter, None), (timedelta(hours=2), Why.SYNC)):
        syncs = (NOW - second - back, NOW - second)
        devices = {"1": DeviceSync("1", syncs[-1])}
        book = Ledger(zone="UTC", types={late.name: known}, devices=devices, syncs=syncs)
        assert due(late, often, book, NOW) is why
        assert due(late, often, book, NOW + second) is Why.SYNC
