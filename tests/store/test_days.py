"""Coverage: which reads settle a day, and what opens it again."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from fitbitd.model import Axis, Daily, DeviceSync, Page, Session, Why, Window
from fitbitd.plan.ledger import DayRead
from tests.support.store import (
    ASLEEP,
    DAILY_GLUCOSE,
    DEVICES,
    GLUCOSE,
    GLUCOSE_HOURS,
    HEART,
    NIGHTS,
    REST,
    Life,
    at,
    day,
    heart,
    hours,
    ms,
    night,
    sugar,
    utc_days,
)

SUNDAY = date(2026, 3, 1)
MONDAY = date(2026, 3, 2)
BEATS = heart([(ms("2026-03-01T08:00"), 60, None)])


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-03-10T10:00")
    yield made
    made.store.close()


def settled(life: Life) -> tuple[tuple[date, date], ...]:
    return life.store.index.ledger(life.now).of(HEART.name).settled


def opened(life: Life) -> dict[date, DayRead]:
    return dict(life.store.index.ledger(life.now).of(HEART.name).open)


def sync(life: Life, text: str, device: str = "watch") -> None:
    life.pull(DEVICES, None, Page(syncs=(DeviceSync(device, at(text)),)))


def test_a_whole_read_after_a_sync_and_the_reread_window_settles_a_day(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    assert settled(life) == ((SUNDAY, SUNDAY),)
    assert opened(life) == {}


def test_a_read_before_the_reread_window_has_passed_leaves_a_day_open(life: Life) -> None:
    life.now = at("2026-03-09T10:00")
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-09T09:00"))
    assert opened(life) == {SUNDAY: DayRead(life.now, 1, at("2026-03-09T09:00"), whole=True)}


def test_a_tail_settles_nothing_and_does_not_make_a_day_whole(life: Life) -> None:
    life.pull(
        HEART,
        hours("2026-03-01T00:00", "2026-03-01T23:59"),
        BEATS,
        synced_at=at("2026-03-10T09:00"),
    )
    assert opened(life) == {SUNDAY: DayRead(life.now, 1, at("2026-03-10T09:00"), whole=False)}


def test_a_read_of_more_than_a_day_settles_the_whole_one_only(life: Life) -> None:
    life.pull(
        HEART,
        hours("2026-03-01T00:00", "2026-03-02T06:00"),
        BEATS,
        synced_at=at("2026-03-10T09:00"),
    )
    assert settled(life) == ((SUNDAY, SUNDAY),)
    assert not opened(life)[MONDAY].whole


def test_a_tail_keeps_a_whole_day_whole_and_says_what_it_rests_on(life: Life) -> None:
    life.now = at("2026-03-01T21:00")
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-01T20:00"))
    life.wait(hours=1)
    later = heart([(ms("2026-03-01T21:30"), 61, None)])
    life.pull(
        HEART,
        hours("2026-03-01T22:00", "2026-03-01T23:00"),
        later,
        synced_at=at("2026-03-01T21:40"),
    )
    assert opened(life) == {SUNDAY: DayRead(life.now, 2, at("2026-03-01T21:40"), whole=True)}


def test_a_settled_day_stays_settled_when_it_is_read_again(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=None, why=Why.ASKED)
    assert settled(life) == ((SUNDAY, SUNDAY),)


def test_runs_of_settled_days_are_told_as_runs(life: Life) -> None:
    for first, last in (("2026-02-01", "2026-02-10"), ("2026-02-27", "2026-03-01")):
        life.pull(HEART, day(first, last), BEATS, synced_at=at("2026-03-10T09:00"))
    assert settled(life) == (
        (date(2026, 2, 1), date(2026, 2, 10)),
        (date(2026, 2, 27), SUNDAY),
    )


def test_days_that_have_not_begun_are_not_covered(life: Life) -> None:
    life.pull(HEART, day("2026-03-09", "2026-03-20"), heart([(ms("2026-03-10T08:00"), 60, None)]))
    assert list(opened(life)) == [date(2026, 3, 9), date(2026, 3, 10)]


def test_when_a_sync_advances_every_day_since_the_one_before_is_open_again(life: Life) -> None:
    sync(life, "2026-03-01T22:59")  # 23:59 in Berlin
    life.pull(HEART, day("2026-02-27", "2026-03-02"), BEATS, synced_at=at("2026-03-10T09:59"))
    life.pull(HEART, day("2026-03-03"), BEATS)
    assert len(settled(life)) == 1
    sync(life, "2026-03-10T09:59")
    assert settled(life) == ((date(2026, 2, 27), date(2026, 2, 28)),)
    known = opened(life)
    assert list(known) == [SUNDAY, date(2026, 3, 2), date(2026, 3, 3)]
    assert known[SUNDAY].synced_at == at("2026-03-01T22:59")
    assert known[date(2026, 3, 3)].synced_at is None  # no proof stays no proof


@pytest.mark.parametrize(
    ("before", "opened_again"),
    [
        ("2026-03-02T00:30", False),  # Monday here and there
        ("2026-03-01T23:30", True),  # Monday in Berlin, Sunday in UTC
        ("2026-03-01T22:30", True),
    ],
)
def test_of_the_civil_and_the_utc_day_of_the_sync_before_the_earlier_one_is_opened(
    life: Life, before: str, *, opened_again: bool
) -> None:
    sync(life, before)
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-03-10T09:59")
    assert settled(life) == (() if opened_again else ((SUNDAY, SUNDAY),))


def test_the_first_sight_of_a_device_and_an_older_sync_open_nothing(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-02-20T10:00")
    sync(life, "2026-02-19T10:00")
    sync(life, "2026-02-19T11:00", device="another watch")
    assert settled(life) == ((SUNDAY, SUNDAY),)
    assert set(life.store.index.ledger(life.now).devices) == {"watch", "another watch"}
    assert life.store.index.ledger(life.now).devices["watch"].synced_at == at("2026-02-20T10:00")


def test_what_lasts_a_night_settles_and_opens_by_the_sync_after_its_end(life: Life) -> None:
    def told() -> tuple[tuple[date, date], ...]:
        return life.store.index.ledger(life.now).of(ASLEEP.name).settled

    level, days = sugar(("2026-03-01T08:00", 5)), utc_days("2026-02-28", "2026-03-01")
    sync(life, "2026-03-02T11:59")
    life.pull(ASLEEP, days, level, synced_at=at("2026-03-10T09:59"))
    assert told() == ((date(2026, 2, 28), date(2026, 2, 28)),)
    life.wait(minutes=180)
    life.pull(ASLEEP, days, level, synced_at=at("2026-03-10T12:59"))
    assert told() == ((date(2026, 2, 28), SUNDAY),)
    sync(life, "2026-03-10T12:59")
    assert told() == ((date(2026, 2, 28), date(2026, 2, 28)),)


def test_the_first_sync_of_a_new_device_opens_the_days_since_the_newest_of_the_others(
    life: Life,
) -> None:
    sync(life, "2026-02-20T10:00", device="older still")
    sync(life, "2026-02-28T10:00", device="replaced")
    life.pull(HEART, day("2026-02-27", "2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-03-10T09:30", device="new")
    assert settled(life) == ((date(2026, 2, 27), date(2026, 2, 27)),)


def test_each_device_opens_the_days_since_its_own_last_sync(life: Life) -> None:
    sync(life, "2026-03-09T10:00", device="daily")
    sync(life, "2026-02-28T10:00", device="spare")
    life.pull(HEART, day("2026-02-27", "2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-03-10T09:30", device="daily")
    assert settled(life) == ((date(2026, 2, 27), SUNDAY),)
    sync(life, "2026-03-10T09:31", device="spare")
    assert settled(life) == ((date(2026, 2, 27), date(2026, 2, 27)),)


def test_a_sync_from_the_future_counts_as_now(life: Life) -> None:
    sync(life, "2026-03-10T19:00")
    assert life.store.index.ledger(life.now).synced_at == life.now


def test_freshness_follows_reads_that_reach_the_present(life: Life) -> None:
    life.now = at("2026-03-10T10:00")
    beats = heart([(ms("2026-03-10T08:00"), 60, None)])
    life.pull(HEART, day("2026-03-10"), beats, synced_at=at("2026-03-10T09:00"))
    life.wait(minutes=5)
    life.pull(HEART, day("2026-02-10"), BEATS, why=Why.BACKFILL)
    known = life.store.index.ledger(life.now).of(HEART.name)
    assert (known.read_at, known.rests_on) == (at("2026-03-10T10:00"), at("2026-03-10T09:00"))
    assert known.newest == at("2026-03-10T08:00")
    life.now = at("2026-03-10T23:10")  # ten past midnight in Berlin
    life.pull(HEART, hours("2026-03-10T22:00", "2026-03-10T23:59"), BEATS, why=Why.SYNC)
    assert life.store.index.ledger(life.now).of(HEART.name).read_at == life.now


def test_a_snapshot_is_fresh_when_it_was_taken(life: Life) -> None:
    life.pull(DEVICES, None, Page())
    assert life.store.index.ledger(life.now).of(DEVICES.name).read_at == life.now


def test_nights_are_counted_on_the_day_they_belong_to(life: Life) -> None:
    nights = Page(sessions=(night("a", "2026-03-01"), night("nap", "2026-03-01")))
    life.pull(NIGHTS, day("2026-03-01", "2026-03-02", axis=Axis.DATE), nights)
    assert life.rows("SELECT day, readings FROM coverage") == [("2026-03-01", 2), ("2026-03-02", 0)]


def test_instants_cover_utc_days_whatever_the_wearers_zone(life: Life) -> None:
    window = Window(Axis.INSTANT, at("2026-02-28T23:00"), at("2026-03-02T06:00"))
    life.pull(
        GLUCOSE,
        window,
        sugar(
            ("2026-02-28T23:30", 5.0),  # Sunday already in Berlin
            ("2026-03-01T00:00", 5.1),
            ("2026-03-01T23:59", 5.2),  # Monday there
            ("2026-03-02T00:00", 5.3),
            offset_s=3600,
        ),
    )
    assert life.rows("SELECT day, whole, readings FROM coverage") == [
        ("2026-02-28", 0, 1),
        ("2026-03-01", 1, 2),
        ("2026-03-02", 0, 1),
    ]


def test_a_utc_day_has_begun_and_settles_by_utc(tmp_path: Path) -> None:
    life = Life(tmp_path / "bob", "2026-03-09T23:30")  # Tuesday in Berlin
    life.pull(GLUCOSE, utc_days("2026-03-01", "2026-03-10"), synced_at=at("2026-03-09T23:20"))
    known = life.store.index.ledger(life.now).of(GLUCOSE.name)
    assert max(known.open) == date(2026, 3, 9)
    assert known.settled == ()  # in Berlin Sunday ended more than eight days ago, in UTC not yet
    life.wait(hours=1)
    life.pull(GLUCOSE, utc_days("2026-03-01", "2026-03-10"), synced_at=at("2026-03-10T00:20"))
    known = life.store.index.ledger(life.now).of(GLUCOSE.name)
    assert known.settled == ((SUNDAY, SUNDAY),)
    assert max(known.open) == date(2026, 3, 10)
    life.store.close()


def rest(key: str, started: str, ended: str) -> Session:
    return Session(key, at(started).date(), ms(started), ms(ended), 3600)


def test_sessions_that_go_by_their_end_are_counted_and_withdrawn_by_its_utc_day(
    life: Life,
) -> None:
    short = rest("short", "2026-03-01T22:00", "2026-03-01T23:59")
    long = rest("long", "2026-03-01T22:00", "2026-03-02T00:00")
    life.pull(REST, utc_days("2026-03-01", "2026-03-02"), Page(sessions=(short, long)))
    assert life.rows("SELECT day, readings FROM coverage") == [("2026-03-01", 1), ("2026-03-02", 1)]
    life.pull(REST, utc_days("2026-03-02"), Page())
    assert life.store.index.ledger(life.now).of(REST.name).doubted == {MONDAY}
    other = rest("other", "2026-03-02T01:00", "2026-03-02T02:00")
    life.pull(REST, utc_days("2026-03-02"), Page(sessions=(other,)))
    assert life.rows("SELECT key FROM session ORDER BY key") == [("other",), ("short",)]
    life.pull(REST, utc_days("2026-03-01"), Page())
    doubted = life.store.index.ledger(life.now).of(REST.name).doubted
    assert doubted == {SUNDAY}


def test_days_read_before_the_wearers_zone_was_known_are_open_again(life: Life) -> None:
    later = at("2026-03-10T09:00")
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=later)
    life.pull(GLUCOSE, utc_days("2026-03-01"), synced_at=later)
    life.pull(DEVICES, None, Page(zone="Asia/Tokyo"))
    assert settled(life) == ()
    assert life.store.index.ledger(life.now).of(GLUCOSE.name).settled == ((SUNDAY, SUNDAY),)
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=later)
    life.pull(DEVICES, None, Page(zone="Europe/Berlin"))  # a journey is another matter
    assert settled(life) == ((SUNDAY, SUNDAY),)


def test_the_zone_utc_opens_nothing_for_it_was_taken_for_it(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    life.pull(DEVICES, None, Page(zone="UTC"))
    assert settled(life) == ((SUNDAY, SUNDAY),)


def hours_of_sugar(life: Life, value: float, text: str = "2026-03-01T08:00") -> frozenset[date]:
    """Read the hourly values of a Sunday; give what is to be read once more."""
    life.pull(GLUCOSE_HOURS, utc_days("2026-03-01"), sugar((text, value)))
    return life.store.index.ledger(life.now).of(GLUCOSE.name).recheck


def test_a_settled_day_whose_hours_moved_is_read_once_more_and_stays_settled(life: Life) -> None:
    later = at("2026-03-10T09:00")
    level = sugar(("2026-03-01T08:30", 5.0))
    life.pull(GLUCOSE, utc_days("2026-02-28", "2026-03-01"), level, synced_at=later)
    assert hours_of_sugar(life, 5.0) == set()  # nothing was known of them before
    assert hours_of_sugar(life, 5.0) == set()
    assert hours_of_sugar(life, 5.5) == {SUNDAY}
    assert life.store.index.ledger(life.now).of(GLUCOSE.name).settled == (
        (date(2026, 2, 28), SUNDAY),
    )
    tail = Window(Axis.INSTANT, at("2026-03-01T08:00"), at("2026-03-01T09:00"))
    life.pull(GLUCOSE, tail, level)
    assert life.store.index.ledger(life.now).of(GLUCOSE.name).recheck == {SUNDAY}
    life.pull(GLUCOSE, utc_days("2026-03-01"), level)
    assert life.store.index.ledger(life.now).of(GLUCOSE.name).recheck == set()
    assert hours_of_sugar(life, 5.5, "2026-03-01T09:00") == {SUNDAY}  # an hour that was withdrawn


def test_the_sums_of_a_settled_day_whose_hours_moved_are_read_once_more_too(life: Life) -> None:
    later = at("2026-03-10T09:00")
    life.pull(GLUCOSE, utc_days("2026-03-01"), synced_at=later)
    week = Window.of_days(Axis.DATE, date(2026, 2, 25), date(2026, 3, 1))
    sums = Page(dailies=(Daily(SUNDAY, "level", 5.0),))
    life.pull(DAILY_GLUCOSE, week, sums, synced_at=later)
    hours_of_sugar(life, 5.0)
    hours_of_sugar(life, 5.5)
    known = life.store.index.ledger(life.now).of(DAILY_GLUCOSE.name)
    assert known.recheck == {SUNDAY - timedelta(days=1), SUNDAY}
    moved = Page(dailies=(Daily(SUNDAY, "level", 5.5),))
    life.pull(DAILY_GLUCOSE, week, moved, synced_at=later)
    assert life.rows("SELECT day, old, new FROM correction") == [("2026-03-01", 5.0, 5.5)]
    assert life.store.index.ledger(life.now).of(DAILY_GLUCOSE.name).recheck == set()


def test_hours_that_moved_say_nothing_of_days_that_may_change_anyway(life: Life) -> None:
    hours_of_sugar(life, 5.0)
    assert hours_of_sugar(life, 5.5) == set()  # never read
    life.pull(GLUCOSE, utc_days("2026-03-01"))  # without a sync
    assert hours_of_sugar(life, 5.6) == set()  # provisional
    assert life.rows("SELECT recheck FROM coverage WHERE data_type = 'glucose'") == [(0,)]


def test_a_day_that_a_sync_opens_again_needs_no_recheck(life: Life) -> None:
    sync(life, "2026-02-28T09:00")
    life.pull(GLUCOSE, utc_days("2026-03-01"), synced_at=at("2026-03-10T09:00"))
    hours_of_sugar(life, 5.0)
    assert hours_of_sugar(life, 5.5) == {SUNDAY}
    sync(life, "2026-03-10T09:00")
    assert life.rows("SELECT max(recheck) FROM coverage") == [(0,)]


def test_a_day_that_came_after_a_week_settles_once_what_appears_late_is_there(life: Life) -> None:
    sync(life, "2026-02-20T09:00")
    sync(life, "2026-03-10T09:00")
    life.now = at("2026-03-10T10:00")
    life.pull(REST, utc_days("2026-03-01"), synced_at=at("2026-03-10T09:00"))
    assert settled_days(life) == []
    life.now = at("2026-03-11T10:00")
    life.pull(REST, utc_days("2026-03-01"), synced_at=at("2026-03-10T09:00"))
    assert settled_days(life) == [("2026-03-01",)]


def settled_days(life: Life) -> list[tuple[object, ...]]:
    """Give the settled days of a type whose values appear late."""
    return life.rows("SELECT day FROM coverage WHERE data_type = 'rest' AND settled")
