"""How far back history goes, and how much of it is there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.model import Axis, DataType, Why
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.history import EARLIEST, Because, Floor, floor
from fitbitd.plan.ledger import Ledger, TypeLedger
from fitbitd.plan.progress import history
from tests.support.plans import chosen
from tests.support.types import CARD, DENSE, HOURLY, NIGHTS, STREAM, TOTALS, WEIGHED

NOW = datetime(2026, 3, 15, 11, tzinfo=UTC)
TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)
WANTED = date(2021, 1, 1)
PLENTY = Allowance(10_000, 10_000)
MONTHLY = replace(NIGHTS, longest=30 * DAY)
READ_DOWN = TypeLedger(settled=((WANTED, TODAY),))


def wants(*types: DataType, since: date | None = WANTED) -> Wants:
    return Wants("alice", types, timedelta(minutes=15), backfill_from=since)


def ledger(
    member_since: date | None = None, first_seen: date | None = None, **types: TypeLedger
) -> Ledger:
    known = {one.name: types[one.name] for one in (DENSE, NIGHTS, TOTALS) if one.name in types}
    return Ledger("UTC", member_since=member_since, first_seen=first_seen, types=known)


def first_asked(data_type: DataType, book: Ledger, *others: DataType) -> date:
    pulls = chosen(wants(data_type, *others), book, NOW, PLENTY)
    return min(
        pull.window.start.date()
        for pull in pulls
        if pull.window and pull.data_type == data_type.name
    )


def test_without_a_wish_there_is_no_history() -> None:
    assert floor(wants(DENSE, since=None), ledger(date(2024, 5, 2)), NOW) is None
    assert history(wants(DENSE, since=None), ledger(date(2024, 5, 2)), NOW) is None


@pytest.mark.parametrize(
    ("member_since", "first_seen", "first", "because"),
    [
        (None, None, WANTED, Because.BACKFILL_FROM),
        (date(2024, 5, 2), None, date(2024, 5, 1), Because.MEMBER_SINCE),
        (date(2024, 5, 2), date(2025, 1, 1), date(2024, 5, 1), Because.MEMBER_SINCE),
        (date(2024, 5, 2), date(2023, 1, 9), date(2023, 1, 8), Because.NOTHING_BEFORE),
        (date(2020, 5, 2), date(2022, 1, 9), WANTED, Because.BACKFILL_FROM),
        (WANTED + DAY, None, WANTED, Because.BACKFILL_FROM),
        (date.min, None, WANTED, Because.BACKFILL_FROM),
        (None, date(2024, 5, 2), date(2024, 4, 1), Because.NOTHING_BEFORE),
    ],
)
def test_history_ends_a_day_before_the_account_begins(
    member_since: date | None, first_seen: date | None, first: date, because: Because
) -> None:
    book = ledger(member_since, first_seen, totals=READ_DOWN)
    assert floor(wants(DENSE, TOTALS), book, NOW) == Floor(WANTED, first, because)


def test_wide_data_types_are_read_to_the_first_day_wanted_and_the_others_are_not() -> None:
    book = ledger(date(2024, 5, 2))
    assert first_asked(TOTALS, book, DENSE) == WANTED
    assert first_asked(NIGHTS, book) == WANTED
    for narrow in (DENSE, MONTHLY):
        assert first_asked(narrow, book, TOTALS) == date(2024, 5, 1)


def test_empty_years_count_once_the_wide_data_types_have_been_read() -> None:
    seen = date(2024, 5, 2)
    half = TypeLedger(settled=((WANTED + DAY, TODAY),))
    assert first_asked(DENSE, ledger(None, seen, totals=half), TOTALS) == WANTED
    assert first_asked(DENSE, ledger(None, seen, totals=READ_DOWN), TOTALS) == seen - 31 * DAY
    # neither what a person types in nor what is refused speaks for the days of a watch
    weight = replace(TOTALS, name=WEIGHED.name, cadence=WEIGHED.cadence)
    assert first_asked(DENSE, ledger(None, seen), weight) == seen - 366 * DAY
    refused = TypeLedger(blocked={None: NOW + DAY})
    assert first_asked(DENSE, ledger(None, seen, totals=refused), TOTALS) == seen - 366 * DAY
    assert first_asked(DENSE, ledger(None, seen), HOURLY, CARD) == seen - 366 * DAY


def test_a_wish_for_all_time_begins_when_there_could_be_any() -> None:
    found = floor(wants(DENSE, since=date.min), ledger(), NOW)
    assert found == Floor(EARLIEST, EARLIEST, Because.BACKFILL_FROM)


def test_progress_counts_requests_that_are_left_of_all() -> None:
    # 100 days: a dense one costs 100 requests, the nights one, and the snapshot has no history
    since = TODAY - 107 * DAY
    half = TypeLedger(settled=((TODAY - 58 * DAY, TODAY - 9 * DAY),))
    found = history(wants(DENSE, NIGHTS, CARD, HOURLY, since=since), ledger(pulse=half), NOW)
    assert found is not None
    assert (found.first, found.wanted, found.because) == (since, since, Because.BACKFILL_FROM)
    assert found.days_left == {"pulse": 49, "nights": 98}
    assert (found.requests_left, found.requests) == (50, 100)
    assert (found.share, found.done) == (0.5, False)


def test_progress_counts_pages_where_a_day_has_many() -> None:
    since = TODAY - 28 * DAY
    found = history(wants(STREAM, since=since), ledger(), NOW)
    assert found is not None
    assert found.requests_left == 20 * 4  # 20,000 points a day, 5,000 on a page


def test_progress_is_whole_when_nothing_is_left_or_nothing_can_be_had() -> None:
    for known in (READ_DOWN, TypeLedger(blocked={None: NOW + DAY})):
        found = history(wants(TOTALS), ledger(totals=known), NOW)
        assert found is not None
        assert (found.share, found.done, found.requests_left) == (1.0, True, 0)


def test_many_small_holes_never_make_progress_negative() -> None:
    holes = tuple((WANTED + 2 * n * DAY, WANTED + 2 * n * DAY) for n in range(900))
    found = history(wants(TOTALS), ledger(totals=TypeLedger(settled=holes)), NOW)
    assert found is not None
    assert found.share == 0.0


def test_an_account_younger_than_the_wish_is_done_without_what_cannot_be_there() -> None:
    young = date(2026, 3, 10)  # later than any day that is history
    found = history(wants(DENSE), ledger(young), NOW)
    assert found is not None
    assert (found.done, found.first, found.because) == (
        True,
        young - DAY,
        Because.MEMBER_SINCE,
    )
    pulls = chosen(wants(DENSE), ledger(young), NOW, PLENTY)
    assert Why.BACKFILL not in {pull.why for pull in pulls}


def test_days_of_the_wearers_calendar_begin_on_an_earlier_utc_day_in_the_east() -> None:
    east = replace(ledger(date(2024, 5, 2)), zone="Pacific/Auckland")
    pulls = chosen(wants(STREAM), east, NOW, PLENTY)
    assert min(pull.window.start for pull in pulls if pull.window) == datetime(
        2024, 4, 30, tzinfo=UTC
    )
    assert all(pull.window.axis is Axis.INSTANT for pull in pulls if pull.window)
