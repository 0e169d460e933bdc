"""Looks far back, at days that were final already: once a week, and at nobody's cost."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.model import DataType, DeviceSync, Pull, Why
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from fitbitd.plan.planner import plan
from tests.support.plans import chosen
from tests.support.types import CARD, DENSE, HOURLY, NIGHTS, TOTALS

NOW = datetime(2026, 3, 15, 11, tzinfo=UTC)
TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
PLENTY = Allowance(10_000, 10_000)
SHORT = replace(NIGHTS, longest=30 * DAY)
FIRST, LAST = TODAY - 90 * DAY, TODAY - 10 * DAY
READ = TypeLedger(
    read_at=NOW - MINUTE,
    rests_on=NOW - 2 * MINUTE,
    settled=((TODAY - 900 * DAY, LAST),),
    open={TODAY - back * DAY: DayRead(NOW, 1, NOW, whole=True) for back in range(10)},
    looked_back_at=NOW - 7 * DAY,
    unlooked=((FIRST, LAST),),
)


def wants(*types: DataType, since: date | None = None) -> Wants:
    return Wants("alice", types, 15 * MINUTE, backfill_from=since)


def ledger(**types: TypeLedger) -> Ledger:
    known = {
        one.name: types[one.name]
        for one in (DENSE, NIGHTS, TOTALS, HOURLY, CARD)
        if one.name in types
    }
    return Ledger(
        "Europe/Berlin",
        types=known,
        devices={"1": DeviceSync("1", NOW - 2 * MINUTE)},
        first_pass_at=NOW - 6 * DAY,
    )


def spans(pulls: tuple[Pull, ...], data_type: DataType = NIGHTS) -> list[tuple[date, date]]:
    return [
        (pull.window.start.date(), (pull.window.end - DAY).date())
        for pull in pulls
        if pull.window and pull.data_type == data_type.name
    ]


def test_final_days_are_looked_at_again_after_a_week_in_the_fewest_windows() -> None:
    (pull,) = chosen(wants(NIGHTS), ledger(nights=READ), NOW, PLENTY)
    assert (pull.why, spans((pull,))) == (Why.DEEP, [(FIRST, LAST)])
    pulls = chosen(wants(SHORT), ledger(nights=READ), NOW, PLENTY)
    assert len(pulls) == 3
    assert spans(pulls)[0] == (LAST - 29 * DAY, LAST)


@pytest.mark.parametrize(
    "known",
    [
        replace(READ, looked_back_at=NOW - 7 * DAY + MINUTE),
        replace(READ, looked_back_at=None, unlooked=()),
        replace(READ, blocked={None: NOW + MINUTE}),
        replace(READ, blocked={FIRST: NOW + MINUTE}),
        replace(READ, unlooked=()),
    ],
)
def test_there_is_no_look_back_before_the_week_is_over_or_while_it_is_refused(
    known: TypeLedger,
) -> None:
    assert chosen(wants(NIGHTS), ledger(nights=known), NOW, PLENTY) == ()


def test_dense_days_and_snapshots_are_not_looked_back_at() -> None:
    book = ledger(pulse=replace(READ, newest=NOW - 2 * MINUTE), card=READ)
    pulls = chosen(wants(DENSE, CARD), book, NOW, PLENTY)
    assert Why.DEEP not in {pull.why for pull in pulls}


def test_a_look_that_the_budget_or_a_death_cut_short_goes_on_where_it_stopped() -> None:
    found = plan(wants(SHORT), ledger(nights=READ), NOW, Allowance(30, 2))
    done = [each.pull for each in found.chosen]
    assert len(done) == 2
    rest = replace(READ, unlooked=((FIRST, LAST - 60 * DAY),))
    later = chosen(wants(SHORT), ledger(nights=rest), NOW, PLENTY)
    assert spans(later) == [(FIRST, LAST - 60 * DAY)]


def test_a_look_leaves_out_what_the_pass_reads_anyway_and_what_is_doubted() -> None:
    doubted, moved = TODAY - 40 * DAY, TODAY - 60 * DAY
    known = replace(READ, doubted=frozenset({doubted}), recheck=frozenset({moved}), rests_on=None)
    pulls = chosen(wants(NIGHTS), ledger(nights=known), NOW, PLENTY)
    deep = tuple(pull for pull in pulls if pull.why is Why.DEEP)
    assert sorted(spans(deep)) == [
        (FIRST, moved - DAY),
        (moved + DAY, doubted - DAY),
        (doubted + DAY, LAST),
    ]
    assert (moved, moved) in spans(tuple(pull for pull in pulls if pull.why is Why.SYNC))


def test_looks_come_before_history_and_leave_it_half_of_what_may_be_spent() -> None:
    short, daily = replace(SHORT, longest=5 * DAY), replace(TOTALS, longest=30 * DAY)
    book = ledger(nights=READ, totals=replace(READ, looked_back_at=NOW, unlooked=()))
    wanted = wants(short, daily, since=TODAY - 2000 * DAY)
    found = plan(wanted, book, NOW, Allowance(30, 10))
    reasons = [each.pull.why for each in found.chosen]
    assert reasons == [Why.DEEP] * 5 + [Why.BACKFILL] * 5
    alone = plan(wants(short), book, NOW, Allowance(30, 10))
    assert [each.pull.why for each in alone.chosen] == [Why.DEEP] * 10
    assert {each.pull.why for each in alone.waiting} == {Why.DEEP}
    urgent = plan(wanted, replace(book, devices={}), NOW, Allowance(0, 0))
    assert urgent.chosen == ()


def test_what_checks_others_is_first_read_when_history_is_or_after_a_week() -> None:
    nights = replace(READ, looked_back_at=NOW)
    book, far = ledger(nights=nights), TODAY - 1000 * DAY
    busy = wants(NIGHTS, HOURLY, since=far)
    assert HOURLY.name not in {pull.data_type for pull in chosen(busy, book, NOW, PLENTY)}
    started = replace(book, first_pass_at=None)
    assert HOURLY.name not in {pull.data_type for pull in chosen(busy, started, NOW, PLENTY)}
    for wanted, since in (
        (wants(NIGHTS, HOURLY), NOW),
        (wants(NIGHTS, HOURLY, since=TODAY - 800 * DAY), NOW),
        (busy, NOW - 7 * DAY),
    ):
        pulls = chosen(wanted, replace(book, first_pass_at=since), NOW, PLENTY)
        checks = [pull for pull in pulls if pull.data_type == HOURLY.name]
        assert {pull.why for pull in checks} == {Why.DEEP}
        assert min(spans(tuple(checks), HOURLY))[0] <= TODAY - 35 * DAY
    known = ledger(nights=nights, hourly_stream=TypeLedger(read_at=NOW - 7 * DAY))
    assert HOURLY.name in {pull.data_type for pull in chosen(busy, known, NOW, PLENTY)}


def test_a_look_by_the_hour_that_was_cut_short_goes_on_with_what_it_has_not_come_to() -> None:
    before, begun = NOW - 7 * DAY, NOW - 20 * MINUTE
    reads = {TODAY - back * DAY: begun if back < 14 else before for back in range(36)}
    cut = TypeLedger(
        read_at=begun,
        first_asked_at=NOW - 60 * DAY,
        settled=((TODAY - 80 * DAY, TODAY - 36 * DAY),),
        open={day: DayRead(at, 9, at, whole=True) for day, at in reads.items()},
    )
    whole = replace(cut, open=dict.fromkeys(cut.open, DayRead(begun, 9, begun, whole=True)))
    never = {day: read for day, read in whole.open.items() if day != TODAY - 30 * DAY}

    def asked(known: TypeLedger, now: datetime) -> list[tuple[date, date]]:
        return spans(chosen(wants(HOURLY), ledger(hourly_stream=known), now, PLENTY), HOURLY)

    assert [last for _, last in asked(cut, NOW)] == [TODAY - 14 * DAY, TODAY - 28 * DAY]
    assert [last for _, last in asked(replace(whole, open=never), NOW)] == [TODAY - 28 * DAY]
    assert asked(whole, NOW) == []
    assert asked(cut, NOW + DAY) == []  # the next look is soon enough
