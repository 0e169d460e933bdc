"""Civil days are those of the zone at that time: trips, the date line, days of 23 and 25 hours."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.model import DataType, DeviceSync
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import asked
from fitbitd.plan.scene import Scene
from tests.support.plans import chosen
from tests.support.types import DENSE, NIGHTS, STREAM

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PLENTY = Allowance(10_000, 10_000)
NOW = datetime(2026, 3, 15, 11, tzinfo=UTC)
TODAY = date(2026, 3, 15)
WALL = replace(NIGHTS, wall_clock=True)
BERLIN, TOKYO, YORK = "Europe/Berlin", "Asia/Tokyo", "America/New_York"


def ledger(*zones: tuple[datetime, str]) -> Ledger:
    devices = {"1": DeviceSync("1", NOW - HOUR)}
    return Ledger(zones[-1][1], zones, devices=devices)


def wants(*types: DataType, since: date | None = None) -> Wants:
    return Wants("alice", types, timedelta(minutes=15), backfill_from=since)


def asked_in(
    data_type: DataType, book: Ledger, first: date, last: date
) -> list[tuple[date, date, str]]:
    pulls = asked(wants(data_type), book, NOW, (first, last))
    return [
        (pull.window.start.date(), (pull.window.end - DAY).date(), pull.zone)
        for pull in pulls
        if pull.window
    ]


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


TRIP = ledger((at(1, month=1), BERLIN), (at(4), TOKYO), (at(9), BERLIN))


def test_a_window_of_wall_clocks_is_cut_where_the_zone_changed_and_each_part_has_its_own() -> None:
    assert asked_in(WALL, TRIP, date(2026, 2, 20), date(2026, 3, 12)) == [
        (date(2026, 3, 9), date(2026, 3, 12), BERLIN),
        (date(2026, 3, 4), date(2026, 3, 8), TOKYO),
        (date(2026, 2, 20), date(2026, 3, 3), BERLIN),
    ]
    assert asked_in(WALL, TRIP, date(2026, 3, 5), date(2026, 3, 7)) == [
        (date(2026, 3, 5), date(2026, 3, 7), TOKYO)
    ]
    assert asked_in(WALL, TRIP, date(2026, 3, 4), date(2026, 3, 4))[0][2] == TOKYO


def test_windows_with_offsets_of_their_own_are_not_cut_by_a_trip() -> None:
    whole = asked_in(NIGHTS, TRIP, date(2026, 2, 20), date(2026, 3, 8))
    assert whole == [(date(2026, 2, 20), date(2026, 3, 8), TOKYO)]


def test_a_zone_that_was_left_before_its_day_began_cuts_nothing() -> None:
    hop = ledger((at(1, month=1), BERLIN), (at(4, 10), TOKYO), (at(4, 16), BERLIN))
    spans = asked_in(WALL, hop, date(2026, 3, 1), date(2026, 3, 9))
    assert spans == [(date(2026, 3, 1), date(2026, 3, 9), BERLIN)]


def test_history_and_live_windows_are_cut_too_and_every_day_is_asked_once() -> None:
    for since in (None, date(2025, 12, 1)):
        pulls = chosen(wants(WALL, since=since), TRIP, NOW, PLENTY)
        days = [day for pull in pulls if pull.window for day in pull.window.days()]
        assert len(days) == len(set(days))
        assert set(days) >= {TODAY - back * DAY for back in range(9)}
        for pull in pulls:
            assert pull.window is not None
            assert {TRIP.zone_on(day) for day in pull.window.days()} == {pull.zone}


def test_a_past_day_of_a_dense_type_is_read_in_its_own_zone_and_today_in_the_present_one() -> None:
    pulls = chosen(wants(DENSE), TRIP, NOW, PLENTY)
    zones = {pull.window.start.date(): pull.zone for pull in pulls if pull.window}
    assert (zones[TODAY], zones[date(2026, 3, 8)], zones[date(2026, 3, 9)]) == (
        BERLIN,
        TOKYO,
        BERLIN,
    )


def test_windows_by_instants_carry_the_present_zone() -> None:
    pulls = chosen(wants(STREAM), TRIP, NOW, PLENTY)
    assert {pull.zone for pull in pulls} == {BERLIN}
    scene = Scene(wants(STREAM), TRIP, NOW)
    assert scene.day_end(STREAM, TODAY) == datetime(2026, 3, 16, tzinfo=UTC)
    # the days of a person in Tokyo begin on the UTC day before
    assert scene.days_of(STREAM, date(2026, 3, 5), date(2026, 3, 5)) == (
        date(2026, 3, 4),
        date(2026, 3, 5),
    )


def test_a_day_ended_when_it_did_where_the_wearer_was() -> None:
    day = date(2026, 3, 5)  # in New York; it ended at five in the morning by UTC
    scene = Scene(wants(DENSE), ledger((at(1), YORK), (at(7), TOKYO)), NOW)
    assert scene.day_end(DENSE, day) == datetime(2026, 3, 6, 5, tzinfo=UTC)
    assert scene.day_end(DENSE, date(2026, 3, 7)) == datetime(2026, 3, 7, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (YORK, date(2026, 3, 8), 23),
        (YORK, date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Pacific/Kiritimati", date(2026, 3, 29), 24),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # there was none
    ],
)
def test_days_are_as_long_as_their_zone_makes_them(zone: str, day: date, hours: float) -> None:
    scene = Scene(wants(DENSE), ledger((at(1, month=1), zone)), NOW)
    lasted = scene.day_end(DENSE, day) - scene.day_end(DENSE, day - DAY)
    assert lasted == hours * HOUR


def test_who_crosses_the_date_line_has_every_day_asked_once() -> None:
    samoa, kiribati, tonga = "Pacific/Pago_Pago", "Pacific/Kiritimati", "Pacific/Tongatapu"
    east = ledger((at(1, month=1), tonga), (at(10), samoa))  # lives the ninth twice
    west = ledger((at(1, month=1), samoa), (at(10), kiribati))  # never lives the tenth
    for book in (east, west, ledger((at(1, month=1), kiribati), (at(8), samoa), (at(9), tonga))):
        for data_type in (WALL, DENSE):
            pulls = chosen(wants(data_type), book, NOW, PLENTY)
            days = [day for pull in pulls if pull.window for day in pull.window.days()]
            today = Scene(wants(data_type), book, NOW).today(data_type)
            assert len(days) == len(set(days))
            assert set(days) >= {today - back * DAY for back in range(9)}
            assert max(days) == today
    assert Scene(wants(WALL), west, NOW).today(WALL) == date(2026, 3, 16)
    assert Scene(wants(WALL), east, NOW).today(WALL) == date(2026, 3, 15)


def test_a_zone_that_is_seen_is_known_at_once_and_since_when() -> None:
    book = Ledger().in_zone(BERLIN, at(1))
    assert (book.zone, book.zones) == (BERLIN, ((at(1), BERLIN),))
    assert book.in_zone(BERLIN, at(2)) is book
    assert book.in_zone(None, at(2)) is book
    there = book.in_zone(TOKYO, at(4))
    assert (there.zone_on(date(2026, 3, 3)), there.zone_on(date(2026, 3, 4))) == (BERLIN, TOKYO)
