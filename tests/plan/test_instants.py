"""Data types by physical time: UTC days, tails across midnight, files, checks by the hour."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.model import Axis, DataType, DeviceSync, Lesson, LessonKind, Pull, Why
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from fitbitd.plan.planner import FILES_A_PASS, asked
from tests.support.plans import chosen
from tests.support.types import HOURLY, INSTANTS, STREAM, TRACKS, WEIGHED, WORKOUTS

MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)
TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PLENTY = Allowance(10_000, 10_000)
ZONE = "Pacific/Auckland"  # its days begin 13 hours before those of UTC
LATE_STREAM = replace(STREAM, late=True)


def wants(*types: DataType, backfill_from: date | None = None) -> Wants:
    return Wants("alice", types or (STREAM,), 15 * MINUTE, backfill_from=backfill_from)


def ledger(
    synced_at: datetime | None, lessons: tuple[Lesson, ...] = (), **types: TypeLedger
) -> Ledger:
    devices = {} if synced_at is None else {"1": DeviceSync("1", synced_at)}
    known = {
        data_type.name: types[data_type.name] for data_type in EVERY if data_type.name in types
    }
    assert len(known) == len(types)
    return Ledger(zone=ZONE, types=known, devices=devices, lessons=lessons)


EVERY = (STREAM, HOURLY, WORKOUTS, TRACKS, WEIGHED, INSTANTS)


def read_until(synced_at: datetime, *, newest: datetime | None = None) -> TypeLedger:
    """Describe a dense type of which everything up to a sync was read."""
    last = synced_at.date()
    return TypeLedger(
        read_at=synced_at + MINUTE,
        rests_on=synced_at,
        newest=newest or synced_at,
        settled=((last - timedelta(days=400), last - 7 * DAY),),
        open={
            last - timedelta(days=back): DayRead(synced_at, 9, synced_at, whole=back > 0)
            for back in range(7)
        },
    )


def windows(pulls: tuple[Pull, ...]) -> list[tuple[datetime, datetime]]:
    return [(pull.window.start, pull.window.end) for pull in pulls if pull.window]


def test_today_is_the_utc_day_wherever_the_wearer_is() -> None:
    now = MIDNIGHT + 20 * HOUR  # already tomorrow in Auckland
    pulls = chosen(wants(WEIGHED), ledger(None), now, PLENTY)
    assert max(end for _, end in windows(pulls)) == MIDNIGHT + DAY
    assert {pull.zone for pull in pulls} == {ZONE}


def test_a_tail_runs_from_an_hour_before_what_is_known_to_the_next_utc_midnight() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = replace(read_until(now - 2 * HOUR), newest=now - 3 * HOUR - timedelta(seconds=20))
    (pull,) = chosen(wants(), ledger(now - MINUTE, stream=known), now, PLENTY)
    assert windows((pull,)) == [(now - 4 * HOUR - MINUTE, MIDNIGHT + DAY)]
    assert (pull.why, pull.tail) == (Why.SYNC, True)


def test_a_tail_of_what_may_come_by_the_hour_begins_with_one() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = replace(read_until(now - 2 * HOUR), newest=now - 3 * HOUR - timedelta(minutes=22))
    method = Lesson(STREAM.name, LessonKind.METHOD, "rollUp")
    (pull,) = chosen(wants(), ledger(now - MINUTE, (method,), stream=known), now, PLENTY)
    assert windows((pull,)) == [(now - 5 * HOUR, MIDNIGHT + DAY)]


def test_without_any_sync_and_any_value_today_is_read_whole() -> None:
    read_at = MIDNIGHT + HOUR
    known = TypeLedger(read_at=read_at, open={TODAY: DayRead(read_at, 0, None, whole=False)})
    now = MIDNIGHT + 12 * HOUR
    pulls = chosen(wants(STREAM), ledger(None, stream=known), now, PLENTY)
    assert (MIDNIGHT, MIDNIGHT + DAY) in windows(pulls)


def test_a_tail_crosses_midnight_and_yesterday_is_not_read_once_more() -> None:
    known = read_until(MIDNIGHT - 10 * MINUTE)
    now = MIDNIGHT + 6 * MINUTE
    pulls = chosen(wants(), ledger(now - MINUTE, stream=known), now, PLENTY)
    assert windows(pulls) == [(MIDNIGHT - HOUR - 10 * MINUTE, MIDNIGHT + DAY)]
    assert not pulls[0].tail  # today lies in it end to end


def test_a_phone_that_was_away_over_night_costs_one_tail() -> None:
    known = read_until(MIDNIGHT - 2 * HOUR)
    now = MIDNIGHT + 8 * HOUR
    pulls = chosen(wants(), ledger(now - MINUTE, stream=known), now, PLENTY)
    assert windows(pulls) == [(MIDNIGHT - 3 * HOUR, MIDNIGHT + DAY)]


def test_more_than_a_day_behind_is_read_by_whole_days() -> None:
    now = MIDNIGHT + 12 * HOUR
    exactly = read_until(now - DAY)
    assert len(chosen(wants(), ledger(now - MINUTE, stream=exactly), now, PLENTY)) == 1
    paused = read_until(now - 3 * DAY - MINUTE)
    recent = {day: read for day, read in paused.open.items() if day > TODAY - 6 * DAY}
    paused = replace(paused, open=recent, settled=((TODAY - 400 * DAY, TODAY - 6 * DAY),))
    pulls = chosen(wants(), ledger(now - MINUTE, stream=paused), now, PLENTY)
    assert windows(pulls)[0] == (MIDNIGHT, MIDNIGHT + DAY)
    assert [pull.why for pull in pulls] == [Why.SYNC, Why.GAP]
    assert windows(pulls)[1] == (MIDNIGHT - 3 * DAY, MIDNIGHT)  # joined: it is one question


def test_a_new_account_reads_today_and_the_days_before_it_whole() -> None:
    now = MIDNIGHT + 12 * HOUR
    pulls = chosen(wants(), ledger(now, stream=TypeLedger()), now, PLENTY)
    assert windows(pulls) == [(MIDNIGHT, MIDNIGHT + DAY), (MIDNIGHT - 8 * DAY, MIDNIGHT)]


def test_a_today_that_was_never_read_is_read_whole_though_the_type_is_known() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = read_until(now - 2 * HOUR)
    known = replace(known, open={day: read for day, read in known.open.items() if day < TODAY})
    (pull,) = chosen(wants(), ledger(now, stream=known), now, PLENTY)
    assert windows((pull,)) == [(MIDNIGHT, MIDNIGHT + DAY)]


def test_marks_of_a_clock_that_was_ahead_make_no_empty_window() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = replace(read_until(now), newest=now + 3 * DAY, rests_on=now + 3 * DAY)
    ahead = {TODAY: DayRead(now, 9, now + 3 * DAY, whole=True)}
    known = replace(known, open={**known.open, **ahead})
    pulls = chosen(wants(), ledger(now + 4 * DAY, stream=known), now, PLENTY)
    assert windows(pulls)[0] == (MIDNIGHT, MIDNIGHT + DAY)


def test_a_watch_that_syncs_after_another_has_its_part_of_today_read() -> None:
    now = MIDNIGHT + 20 * HOUR
    known = read_until(now - 15 * MINUTE)
    waited = DayRead(now, 9, MIDNIGHT + 8 * HOUR, whole=True)  # since the sync of the other one
    known = replace(known, open={**known.open, TODAY: waited})
    (pull,) = chosen(wants(), ledger(now, stream=known), now, PLENTY)
    assert windows((pull,))[0][0] == MIDNIGHT + 7 * HOUR


def test_a_tail_that_does_not_join_what_is_known_of_yesterday_leaves_it_to_a_whole_read() -> None:
    now = MIDNIGHT + HOUR
    known = read_until(MIDNIGHT + HOUR / 2)
    stopped = DayRead(now, 9, MIDNIGHT - 14 * HOUR, whole=False)  # its whole read failed since
    known = replace(known, open={**known.open, TODAY - DAY: stopped})
    pulls = chosen(wants(), ledger(now, stream=known), now, PLENTY)
    assert (Why.GAP, (MIDNIGHT - DAY, MIDNIGHT)) in [
        (pull.why, *windows((pull,))) for pull in pulls
    ]


def test_without_a_tail_in_the_pass_yesterday_is_read_whole() -> None:
    now = MIDNIGHT + HOUR
    known = replace(read_until(MIDNIGHT - 2 * HOUR), blocked={TODAY: now + HOUR})
    pulls = chosen(wants(), ledger(now, stream=known), now, PLENTY)
    assert windows(pulls) == [(MIDNIGHT - DAY, MIDNIGHT)]


def test_a_day_is_read_whole_once_when_it_settles() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = read_until(now - MINUTE)
    old = TODAY - 9 * DAY
    known = replace(known, settled=((old - 400 * DAY, old - DAY), (old + DAY, old + 2 * DAY)))
    known = replace(known, open={**known.open, old: DayRead(now - 8 * DAY, 9, now, whole=False)})
    (pull,) = chosen(wants(), ledger(now - MINUTE, stream=known), now, PLENTY)
    assert (pull.why, windows((pull,))) == (Why.SETTLE, [(MIDNIGHT - 9 * DAY, MIDNIGHT - 8 * DAY)])


def test_a_day_whose_intervals_last_a_night_settles_when_they_may_change_no_more() -> None:
    now = MIDNIGHT + 11 * HOUR
    asleep, day = replace(LATE_STREAM, lasts=12 * HOUR), TODAY - 9 * DAY
    known = replace(read_until(now), open={day: DayRead(now - 8 * DAY, 9, now, whole=False)})
    for passed, settles in ((0 * HOUR, False), (DAY, True)):
        book = ledger(now + passed, stream=replace(known, rests_on=now + passed))
        pulls = chosen(wants(asleep), book, now + passed, PLENTY)
        assert (Why.SETTLE in {pull.why for pull in pulls}) is settles


def test_a_settled_day_whose_hours_moved_is_read_whole_once_more() -> None:
    now = MIDNIGHT + 12 * HOUR
    moved = frozenset({TODAY - 30 * DAY})
    known = replace(read_until(now - MINUTE), recheck=moved)
    (pull,) = chosen(wants(), ledger(now - MINUTE, stream=known), now, PLENTY)
    assert (pull.why, windows((pull,))) == (
        Why.SETTLE,
        [(MIDNIGHT - 30 * DAY, MIDNIGHT - 29 * DAY)],
    )


def test_late_values_are_looked_for_from_the_newest_that_is_stored() -> None:
    now = MIDNIGHT + 9 * HOUR
    synced_at = now - HOUR
    known = read_until(synced_at, newest=MIDNIGHT - 18 * HOUR)  # the night before last
    book = replace(ledger(synced_at, stream=known), syncs=(synced_at,))
    (pull,) = chosen(wants(LATE_STREAM), book, now, PLENTY)
    assert (pull.why, windows((pull,))) == (
        Why.FOLLOW_UP,
        [(MIDNIGHT - 19 * HOUR, MIDNIGHT + DAY)],
    )
    gone = replace(known, newest=MIDNIGHT - 9 * DAY)
    (pull,) = chosen(wants(LATE_STREAM), replace(book, types={STREAM.name: gone}), now, PLENTY)
    assert windows((pull,)) == [(MIDNIGHT - DAY, MIDNIGHT + DAY)]


def test_hours_that_check_are_read_weekly_over_five_weeks_and_have_no_history() -> None:
    now = MIDNIGHT + 12 * HOUR
    read = TypeLedger(read_at=now - 7 * DAY)
    book = ledger(now, hourly_stream=read)
    pulls = chosen(wants(HOURLY, backfill_from=date(2024, 1, 1)), book, now, PLENTY)
    assert {pull.why for pull in pulls} == {Why.DEEP}
    assert min(start for start, _ in windows(pulls)) == MIDNIGHT - 36 * DAY
    assert all(end - start <= HOURLY.longest for start, end in windows(pulls))
    fresh = ledger(now, hourly_stream=replace(read, read_at=now - 6 * DAY))
    assert chosen(wants(HOURLY), fresh, now, PLENTY) == ()


KEYS = tuple(f"workout-{number}" for number in range(50))


def test_files_come_after_live_pulls_and_before_history_newest_first_some_at_a_time() -> None:
    now = MIDNIGHT + 12 * HOUR
    book = ledger(now, tracks=TypeLedger(files_wanted=KEYS))
    wanted = wants(TRACKS, WEIGHED, INSTANTS, backfill_from=date(2025, 1, 1))
    pulls = chosen(wanted, book, now, PLENTY)
    items = [pull.item for pull in pulls]
    first = items.index(KEYS[0])
    assert tuple(items[first : first + FILES_A_PASS]) == KEYS[:FILES_A_PASS]
    assert not any(items[:first] + items[first + FILES_A_PASS :])
    assert {pull.why for pull in pulls[first + FILES_A_PASS :]} == {Why.BACKFILL}
    assert Why.BACKFILL not in {pull.why for pull in pulls[:first]}
    assert len(chosen(wanted, book, now, Allowance(first + 3, 0))) == first + 3


def test_files_that_are_not_offered_are_not_asked() -> None:
    now = MIDNIGHT + 12 * HOUR
    known = TypeLedger(files_wanted=KEYS, blocked={None: now + HOUR})
    assert chosen(wants(TRACKS), ledger(now, tracks=known), now, PLENTY) == ()


def test_a_person_who_asks_for_files_gets_all_that_are_missing() -> None:
    book = ledger(None, tracks=TypeLedger(files_wanted=KEYS))
    for days in (None, (TODAY, TODAY)):
        pulls = asked(wants(TRACKS), book, MIDNIGHT, days)
        assert tuple(pull.item for pull in pulls) == KEYS


def test_a_day_that_a_person_asks_for_is_the_wearers_own() -> None:
    (pull,) = asked(wants(), ledger(None), MIDNIGHT, (date(2026, 1, 5), date(2026, 1, 5)))
    assert windows((pull,)) == [
        (datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
    ]


def test_history_begins_with_the_wearers_own_first_day() -> None:
    first = date(2025, 7, 1)
    pulls = chosen(wants(INSTANTS, backfill_from=first), ledger(None), MIDNIGHT, PLENTY)
    assert min(start for start, _ in windows(pulls)) == datetime(2025, 6, 30, tzinfo=UTC)


def test_history_is_contiguous_newest_first_and_as_long_as_pages_allow() -> None:
    now = MIDNIGHT + 12 * HOUR
    recent = ((TODAY - 8 * DAY, TODAY - 7 * DAY),)
    known = replace(read_until(now - MINUTE), settled=recent, points_a_day=40_000.0)
    wanted = wants(backfill_from=date(2025, 3, 15))
    pulls = chosen(wanted, ledger(now - MINUTE, stream=known), now, PLENTY)
    spans = windows(pulls)
    assert {end - start for start, end in spans[:-1]} == {6 * DAY}
    assert all(newer[0] == older[1] for newer, older in pairwise(spans))
    assert spans[0][1] == MIDNIGHT - 8 * DAY


def test_history_next_to_a_gap_comes_along_in_the_same_pull() -> None:
    now = MIDNIGHT + 12 * HOUR
    page = {TODAY: DayRead(now - HOUR, 9, now - HOUR, whole=False)}
    new = TypeLedger(read_at=now - MINUTE, rests_on=now - HOUR, newest=now - HOUR, open=page)
    known = replace(new, points_a_day=10_000.0)
    wanted = wants(backfill_from=date(2025, 3, 15))
    pulls = chosen(wanted, ledger(now - HOUR, stream=known), now, PLENTY)
    begun = MIDNIGHT - 25 * DAY  # fifty pages before
    assert next((one.why, one.window.start) for one in pulls if one.window) == (Why.GAP, begun)
    assert sum(pull.why is Why.GAP for pull in pulls) == 1
    refused = replace(known, blocked={TODAY - 20 * DAY: now + HOUR})
    first, *_ = chosen(wanted, ledger(now - HOUR, stream=refused), now, PLENTY)
    assert first.window is not None
    assert first.window.start == MIDNIGHT - 8 * DAY  # nothing refused is asked along


def test_a_pull_carries_what_was_learnt_of_its_type() -> None:
    page, other = (
        Lesson(data_type.name, LessonKind.PAGE_SIZE, "100") for data_type in (STREAM, WEIGHED)
    )
    pulls = chosen(wants(), ledger(MIDNIGHT, (page, other)), MIDNIGHT, PLENTY)
    assert {pull.lessons for pull in pulls} == {(page,)}


def covered(pulls: tuple[Pull, ...], since: datetime, until: datetime) -> bool:
    """Say whether the windows of pulls leave nothing out of a stretch."""
    at = since
    for start, end in sorted(windows(pulls)):
        if start <= at:
            at = max(at, end)
    return at >= until


@given(
    minutes=st.lists(st.integers(1, 4 * 24 * 60), min_size=1, max_size=8),
    begun=st.integers(0, 24 * 60),
    late=st.booleans(),
)
def test_whatever_the_rhythm_of_syncs_each_pass_joins_the_one_before(
    minutes: list[int], begun: int, *, late: bool
) -> None:
    """Nothing measured between two syncs lies outside of what the second is read by."""
    data_type = replace(STREAM, late=late)
    at = MIDNIGHT + begun * MINUTE
    known = read_until(at)
    for pause in minutes:
        before, at = at, at + pause * MINUTE
        pulls = chosen(wants(data_type), ledger(at, stream=known), at + MINUTE, PLENTY)
        assert covered(pulls, before, at)
        known = _applied(known, pulls, at)


def _applied(known: TypeLedger, pulls: tuple[Pull, ...], synced_at: datetime) -> TypeLedger:
    days = dict(known.open)
    for pull in pulls:
        assert pull.window is not None
        for day in pull.window.days():
            if day <= synced_at.date():
                days[day] = DayRead(synced_at + MINUTE, 9, synced_at, whole=True)
    return replace(
        known, open=days, read_at=synced_at + MINUTE, rests_on=synced_at, newest=synced_at
    )


@pytest.mark.parametrize("axis", [Axis.INSTANT, Axis.CIVIL])
def test_a_quiet_account_asks_nothing(axis: Axis) -> None:
    now = MIDNIGHT + 12 * HOUR
    data_type = replace(STREAM, axis=axis, longest=DAY)
    book = replace(ledger(now - HOUR, stream=read_until(now - HOUR)), zone="UTC")
    assert chosen(wants(data_type), book, now, PLENTY) == ()


def test_what_a_sync_after_days_brings_late_is_looked_for_on_all_of_these_days() -> None:
    synced = MIDNIGHT + 10 * HOUR
    before = synced - 4 * DAY
    known = replace(read_until(synced), newest=before)
    life = replace(ledger(synced, stream=known), syncs=(before, synced))
    now = synced + 70 * MINUTE
    pulls = chosen(wants(LATE_STREAM), life, now, PLENTY)
    late = [pull.window for pull in pulls if pull.why is Why.FOLLOW_UP and pull.window]
    assert min(window.start for window in late) == MIDNIGHT - 4 * DAY
    assert max(window.end for window in late) == MIDNIGHT + DAY
    read = {day: replace(one, read_at=now) for day, one in known.open.items()}
    again = replace(life, types={LATE_STREAM.name: replace(known, read_at=now, open=read)})
    assert chosen(wants(LATE_STREAM), again, now + 15 * MINUTE, PLENTY) == ()


def test_days_that_no_sync_vouches_for_are_read_once_a_day_for_what_a_phone_brings() -> None:
    died = MIDNIGHT - 3 * DAY + 9 * HOUR
    known = read_until(died)
    after = {TODAY - back * DAY: DayRead(died, 0, died, whole=True) for back in (1, 2)}
    now = MIDNIGHT + 10 * HOUR
    stale = replace(known, read_at=now - MINUTE, open={**known.open, **after})
    pulls = chosen(wants(), ledger(died, stream=stale), now, PLENTY)
    (gap,) = [pull.window for pull in pulls if pull.why is Why.GAP and pull.window]
    assert (gap.start, gap.end) == (MIDNIGHT - 3 * DAY, MIDNIGHT)
    fresh = {day: replace(one, read_at=now - HOUR) for day, one in stale.open.items()}
    again = replace(stale, open=fresh)
    pulls = chosen(wants(), ledger(died, stream=again), now, PLENTY)
    assert not [pull for pull in pulls if pull.why is Why.GAP]


def test_a_settled_day_whose_sums_moved_is_asked_along_with_the_newest_days() -> None:
    synced = MIDNIGHT + 10 * HOUR
    moved = TODAY - 20 * DAY
    known = replace(read_until(synced - DAY), recheck=frozenset({moved}))
    sums = replace(INSTANTS, dense=False)
    pulls = chosen(wants(sums), ledger(synced, samples=known), synced, PLENTY)
    asked_for = {day for pull in pulls if pull.window for day in pull.window.days()}
    assert moved in asked_for
    assert moved + DAY not in asked_for
    assert TODAY in asked_for


def test_what_is_rare_is_read_with_its_whole_history_the_first_time() -> None:
    rare = replace(STREAM, expected_a_day=1.0, longest=366 * DAY)
    since = TODAY - 300 * DAY
    pulls = chosen(wants(rare, WEIGHED, backfill_from=since), ledger(None), MIDNIGHT, PLENTY)
    begun = datetime.combine(since, datetime.min.time(), UTC) - DAY  # Auckland's day began then
    assert {pull.data_type: windows((pull,)) for pull in pulls} == {
        "stream": [(begun, MIDNIGHT + DAY)],
        "weighed": [(begun, MIDNIGHT + DAY)],
    }


def test_what_fills_pages_is_read_page_by_page_from_today_on_the_first_time() -> None:
    heavy = replace(STREAM, expected_a_day=1440.0, longest=366 * DAY)
    since = TODAY - 60 * DAY
    pulls = chosen(wants(heavy, backfill_from=since), ledger(None), MIDNIGHT, PLENTY)
    spans = windows(pulls)
    assert spans[0] == (MIDNIGHT - 2 * DAY, MIDNIGHT + DAY)  # three days fill a page of 5,000
    assert all(later[0] == earlier[1] for later, earlier in pairwise(spans))
    assert spans[-1][0].date() == since - DAY


def test_a_day_in_whose_last_hour_a_long_interval_began_is_read_after_a_later_sync() -> None:
    synced = MIDNIGHT + 90 * MINUTE
    known = replace(read_until(synced), newest=MIDNIGHT - 2 * HOUR)
    later = synced + 21 * HOUR
    now = later + 8 * HOUR
    periods = replace(STREAM, lasts=12 * HOUR)
    for data_type, begun in ((STREAM, MIDNIGHT), (periods, MIDNIGHT - DAY)):
        pulls = chosen(wants(data_type), ledger(later, stream=known), now, PLENTY)
        assert min(p.window.start for p in pulls if p.window and p.why is Why.GAP) == begun


def test_a_day_that_a_sync_brought_after_a_week_waits_for_what_appears_late() -> None:
    before = MIDNIGHT - 9 * DAY - HOUR
    synced = MIDNIGHT + 10 * HOUR
    known = TypeLedger(
        read_at=synced,
        rests_on=before,
        open={TODAY - 9 * DAY: DayRead(before, 0, before, whole=False)},
    )
    life = replace(ledger(synced, stream=known), syncs=(before, synced))
    for data_type, why in ((STREAM, Why.SETTLE), (LATE_STREAM, Why.GAP)):
        pulls = chosen(wants(data_type), life, synced + 20 * MINUTE, PLENTY)
        day = MIDNIGHT - 9 * DAY
        assert {p.why for p in pulls if p.window and p.window.start <= day < p.window.end} == {why}
    pulls = chosen(wants(LATE_STREAM), life, synced + 25 * HOUR, PLENTY)
    assert Why.SETTLE in {pull.why for pull in pulls}
