"""A plan's cost in requests: what it may spend, what waits, and that nothing waits for ever."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.model import Axis, DataType, DeviceSync, Pull, Why
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.cost import priced
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from fitbitd.plan.planner import FILES_A_PASS, Plan, plan
from fitbitd.plan.windows import whole_days
from tests.support.types import (
    CARD,
    DENSE,
    HOURLY,
    NIGHTS,
    STREAM,
    TOTALS,
    TRACKS,
    WATCHES,
    WORKOUTS,
)

NOW = datetime(2026, 3, 15, 11, tzinfo=UTC)
TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EVERY = (CARD, WATCHES, STREAM, HOURLY, DENSE, NIGHTS, TRACKS)
BY_NAME = {one.name: one for one in (*EVERY, TOTALS, WORKOUTS)}
QUIET = TypeLedger(read_at=NOW - timedelta(minutes=5), rests_on=NOW - HOUR)


def wants(*types: DataType, since: date | None = None) -> Wants:
    return Wants("alice", types, timedelta(minutes=15), backfill_from=since)


def ledger(**types: TypeLedger) -> Ledger:
    known = {name: types[name] for name in BY_NAME if name in types}
    assert len(known) == len(types)
    return Ledger("Europe/Berlin", types=known, devices={"1": DeviceSync("1", NOW - HOUR)})


def spent(found: Plan, *reasons: Why) -> int:
    return sum(each.requests for each in found.chosen if each.pull.why in (reasons or set(Why)))


# what a pull costs


@pytest.mark.parametrize(
    ("data_type", "known", "days", "requests", "points"),
    [
        (STREAM, TypeLedger(), 2, 8, 40_000),  # what the catalogue expects
        (STREAM, TypeLedger(points_a_day=300.0), 2, 1, 600),
        (STREAM, TypeLedger(points_a_day=0.0), 2, 1, 0),  # that there is nothing costs one too
        (STREAM, TypeLedger(points_a_day=300.0, points_a_page=100.0), 2, 6, 600),
        (STREAM, TypeLedger(points_a_day=300.1, points_a_page=100.0), 2, 7, 600),
        (DENSE, TypeLedger(points_a_day=17_280.0), 1, 1, 17_280),  # no second page ever came
        (DENSE, TypeLedger(points_a_day=300.0, points_a_page=100.0), 1, 3, 300),
    ],
)
def test_a_pull_costs_a_request_for_each_page_that_is_expected(
    data_type: DataType, known: TypeLedger, days: int, requests: int, points: int
) -> None:
    axis = data_type.axis
    assert axis is not None
    window = whole_days(axis, TODAY - 10 * DAY, TODAY - (11 - days) * DAY)
    pull = Pull(data_type.name, window, Why.GAP, "Europe/Berlin")
    each = priced(pull, data_type, known, NOW)
    assert (each.pull, each.requests, each.points) == (pull, requests, points)


def test_what_is_not_lived_yet_costs_nothing_and_files_and_snapshots_one_request() -> None:
    today = Pull(STREAM.name, whole_days(Axis.INSTANT, TODAY, TODAY), Why.SYNC, "UTC")
    assert priced(today, STREAM, TypeLedger(points_a_day=24_000.0), NOW).points == 11_000
    civil = Pull(DENSE.name, whole_days(Axis.CIVIL, TODAY, TODAY), Why.SYNC, "Europe/Berlin")
    assert priced(civil, DENSE, TypeLedger(points_a_day=24_000.0), NOW).points == 12_000
    ahead = Pull(DENSE.name, whole_days(Axis.CIVIL, TODAY + DAY, TODAY + DAY), Why.SYNC, "UTC")
    assert priced(ahead, DENSE, TypeLedger(points_a_day=24_000.0), NOW).points == 0
    card = Pull(CARD.name, None, Why.INTERVAL, "UTC")
    assert priced(card, CARD, TypeLedger(points_a_day=24_000.0), NOW).requests == 1


# the budget


def test_history_is_counted_in_requests_and_not_in_pulls() -> None:
    book = ledger(stream=replace(QUIET, settled=((TODAY - 8 * DAY, TODAY),)))
    found = plan(wants(STREAM, since=TODAY - 400 * DAY), book, NOW, Allowance(110, 100))
    assert [each.requests for each in found.chosen] == [48, 48]
    assert {each.pull.why for each in (*found.chosen, *found.waiting)} == {Why.BACKFILL}


def test_a_smaller_pull_goes_before_one_that_does_not_fit() -> None:
    book = ledger(stream=replace(QUIET, settled=((TODAY - 8 * DAY, TODAY),)))
    found = plan(wants(STREAM, since=TODAY - 20 * DAY), book, NOW, Allowance(110, 30))
    assert [each.requests for each in found.chosen] == [12, 12, 4]  # of days of four pages
    assert [each.requests for each in found.waiting] == [12, 12]


def test_live_pulls_are_never_held_up_by_history_and_history_never_takes_their_reserve() -> None:
    types = (STREAM, NIGHTS, TOTALS)
    for live, past in ((60, 0), (60, 20), (20, 20), (3, 0), (0, 0)):
        found = plan(wants(*types, since=TODAY - 900 * DAY), ledger(), NOW, Allowance(live, past))
        assert spent(found) <= live
        assert spent(found, Why.BACKFILL) <= past
        if found.waiting and found.waiting[0].pull.why is not Why.BACKFILL:
            assert spent(found, Why.BACKFILL) <= max(0, past - spent(found, Why.INTERVAL))


def test_a_pull_is_sized_for_half_of_what_may_be_spent() -> None:
    book = ledger(stream=replace(QUIET, settled=((TODAY - 8 * DAY, TODAY),)))
    for past, pages in ((100, 48), (60, 28), (16, 8), (8, 4), (4, 4)):
        found = plan(wants(STREAM, since=TODAY - 400 * DAY), book, NOW, Allowance(110, past))
        assert found.chosen[0].requests == pages


def test_a_day_that_no_budget_could_hold_is_begun_all_the_same_and_nothing_follows_it() -> None:
    known = replace(QUIET, settled=((TODAY - 8 * DAY, TODAY),), points_a_day=50_000.0)
    book = ledger(stream=known)
    found = plan(wants(STREAM, since=TODAY - 400 * DAY), book, NOW, Allowance(9, 6))
    assert [(each.requests, each.pull.why) for each in found.chosen] == [(10, Why.BACKFILL)]
    assert len(found.waiting) == 392
    days = [TODAY, *(TODAY - back * DAY for back in range(1, 9))]
    due = replace(known, read_at=None, settled=(), open={}, recheck=frozenset(days))
    found = plan(wants(CARD, STREAM), ledger(stream=due), NOW, Allowance(3, 0))
    assert [each.pull.data_type for each in found.chosen] == ["card", "stream"]
    nothing = plan(wants(CARD, STREAM), ledger(stream=due), NOW, Allowance(0, 0))
    assert nothing.chosen == ()
    assert nothing.waiting


def test_files_beyond_those_of_a_pass_wait() -> None:
    keys = tuple(f"run-{number}" for number in range(FILES_A_PASS + 3))
    book = ledger(tracks=TypeLedger(files_wanted=keys))
    found = plan(wants(TRACKS), book, NOW, Allowance(110, 100))
    assert [each.pull.item for each in found.chosen] == list(keys[:FILES_A_PASS])
    assert [each.pull.item for each in found.waiting] == list(keys[FILES_A_PASS:])


def test_history_comes_by_what_spans_most_days_and_full_resolution_comes_last() -> None:
    known = replace(QUIET, settled=((TODAY - 40 * DAY, TODAY),))
    book = ledger(pulse=known, nights=known, totals=known, workouts=known)
    types = (DENSE, NIGHTS, WORKOUTS, TOTALS)
    found = plan(wants(*types, since=TODAY - 900 * DAY), book, NOW, Allowance(9_000, 9_000))
    names = [str(each.pull.data_type) for each in found.chosen]
    assert list(dict.fromkeys(names)) == ["workouts", "totals", "nights", "pulse"]
    assert [names.count(name) for name in ("workouts", "totals", "nights")] == [1, 3, 9]


# what must always hold

backs = st.integers(0, 120)
days = backs.map(lambda back: TODAY - timedelta(days=back))
instants = st.integers(0, 60 * 24).map(lambda hours: NOW - timedelta(hours=hours))
reads = st.builds(DayRead, instants, st.integers(0, 9), st.none() | instants, whole=st.booleans())
densities = st.none() | st.floats(0, 200_000)


@st.composite
def type_ledgers(draw: st.DrawFn) -> TypeLedger:
    opened = draw(st.dictionaries(days, reads, max_size=3))
    first, lasts = draw(days), draw(st.integers(0, 60))
    inside = (first + timedelta(days=n) for n in range(lasts))
    settled = [(day, day) for day in inside if day not in opened and day < TODAY]
    looked_at = draw(st.none() | instants)
    return TypeLedger(
        read_at=draw(st.none() | instants),
        rests_on=draw(st.none() | instants),
        newest=draw(st.none() | instants),
        settled=tuple(settled),
        open=opened,
        blocked=draw(st.sampled_from([{}, {}, {None: NOW + HOUR}])),
        doubted=draw(st.frozensets(days, max_size=1)),
        recheck=draw(st.sampled_from([frozenset(), frozenset(day for day, _ in settled[:2])])),
        looked_back_at=looked_at if settled else None,
        unlooked=tuple(settled[2:]) if looked_at else (),
        points_a_day=draw(densities),
        points_a_page=draw(st.none() | st.floats(25, 10_000)),
        files_wanted=draw(st.sampled_from([(), ("a", "b")])),
    )


books = st.builds(
    lambda known, synced_at, first_pass_at, member_since: Ledger(
        "Europe/Berlin",
        types=known,
        devices={} if synced_at is None else {"1": DeviceSync("1", synced_at)},
        first_pass_at=first_pass_at,
        member_since=member_since,
    ),
    st.fixed_dictionaries({one.name: type_ledgers() for one in EVERY[2:]}),
    st.none() | instants,
    st.none() | instants,
    st.none() | days,
)


@settings(max_examples=25)
@given(book=books, left=st.integers(0, 90), since=st.none() | days)
def test_a_plan_keeps_to_its_budget_repeats_nothing_and_leaves_no_hole_that_could_be_filled(
    book: Ledger, left: int, since: date | None
) -> None:
    wanted, allowed = wants(*EVERY, since=since), Allowance(left, max(0, left - 20))
    found = plan(wanted, book, NOW, allowed)
    assert found == plan(wanted, book, NOW, allowed)
    budgets = {Why.BACKFILL: allowed.history, Why.DEEP: (allowed.history + 1) // 2}
    unhurried = [each for each in found.chosen if each.pull.why in budgets]
    too_large = [one for one in found.chosen if one.requests > budgets.get(one.pull.why, left)]
    assert spent(found) - sum(one.requests for one in too_large) <= left
    assert sum(one.requests for one in unhurried if one not in too_large) <= allowed.history
    for one in too_large:  # it is a day, or today and what is new of yesterday: no plan can cut it
        assert one.pull.window is not None
        assert one.pull.window.end - one.pull.window.start <= 2 * DAY
    for one in found.waiting:
        background = one.pull.why in budgets
        assert one.requests > (allowed.history if background else left) - spent(found)
    pulls = [each.pull for each in (*found.chosen, *found.waiting)]
    everything = plan(wanted, book, NOW, Allowance(10**8, 10**8))
    assert everything.waiting == ()
    assert days_read(pulls) == days_read([each.pull for each in everything.chosen])
    assert max(Counter(days_read(pulls)).values(), default=1) == 1


def days_read(pulls: Iterable[Pull]) -> list[tuple[str, date | str]]:
    """List what is asked of each data type: the days that are read from midnight on, and files."""
    found: list[tuple[str, date | str]] = []
    for pull in pulls:
        if pull.window is None:
            found.append((pull.data_type, pull.item))
        elif not pull.tail:
            begun = pull.window.start.time() > time()
            found += [(pull.data_type, day) for day in list(pull.window.days())[begun:]]
    return sorted(found, key=str)
