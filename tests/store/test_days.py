"""Coverage: which reads settle a day, and what opens it again."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fitbitd.model import Axis, DeviceSync, Page, Why, Window
from fitbitd.plan.ledger import DayRead
from tests.support.store import (
    DEVICES,
    GLUCOSE,
    HEART,
    NIGHTS,
    Life,
    at,
    day,
    heart,
    hours,
    ms,
    night,
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


def test_the_day_of_the_sync_before_is_the_wearers_civil_day(life: Life) -> None:
    sync(life, "2026-03-01T23:30")  # 00:30 on Monday in Berlin
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-03-10T09:59")
    assert settled(life) == ((SUNDAY, SUNDAY),)


def test_the_first_sight_of_a_device_and_an_older_sync_open_nothing(life: Life) -> None:
    life.pull(HEART, day("2026-03-01"), BEATS, synced_at=at("2026-03-10T09:00"))
    sync(life, "2026-02-20T10:00")
    sync(life, "2026-02-19T10:00")
    sync(life, "2026-02-25T10:00", device="another watch")
    assert settled(life) == ((SUNDAY, SUNDAY),)
    assert set(life.store.index.ledger(life.now).devices) == {"watch", "another watch"}
    assert life.store.index.ledger(life.now).devices["watch"].synced_at == at("2026-02-20T10:00")


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


def test_instants_cover_the_days_of_the_wearers_zone(life: Life) -> None:
    window = Window(Axis.INSTANT, at("2026-02-28T23:00"), at("2026-03-02T00:00"))
    life.pull(GLUCOSE, window, Page())
    assert life.rows("SELECT day, whole FROM coverage") == [("2026-03-01", 1), ("2026-03-02", 0)]
