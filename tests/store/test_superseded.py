"""A rebuild leaves out what a later read supersedes, and comes to the same index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from fitbitd.model import (
    Axis,
    DataType,
    DeviceSync,
    Lesson,
    LessonKind,
    Page,
    Point,
    Pull,
    Readings,
    Reply,
    Why,
    Window,
)
from fitbitd.store.apply import Applied
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import SIDE_NAME, rebuild
from fitbitd.store.superseded import Superseded
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    GLUCOSE,
    GLUCOSE_HOURS,
    HEART,
    REQUEST,
    ZONE,
    Life,
    at,
    body,
    complete,
    day,
    failed,
    heart,
    hours,
    learn,
    ms,
    read,
    sugar,
    teaching,
    utc_days,
)

SUNDAY = day("2026-03-01")
EIGHT = ms("2026-03-01T08:00")
SYNCED = at("2026-03-10T09:00")
KEPT_BESIDE = (
    "SELECT * FROM doubt",
    "SELECT * FROM refusal",
    "SELECT * FROM density",
    "SELECT data_type FROM freshness",
)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-03-01T10:00")
    yield made
    made.store.close()


def beats(*points: tuple[int, float], unread: int = 0) -> Page:
    said: list[Point] = [(EIGHT + second * 1000, value, None) for second, value in points]
    return replace(heart(said), unread=unread, unread_why="no value" if unread else "")


def what_stands(life: Life) -> list[object]:
    return [
        *canonical_dump(life.store.index.db),
        *(row for query in KEPT_BESIDE for row in life.rows(query)),
    ]


def assert_rebuilt_equal(life: Life) -> int:
    """Rebuild, and compare with what was applied pull by pull; give how many were left out."""
    before = what_stands(life)
    steps = list(rebuild(life.store.account_dir, read, CATALOGUE, learn))
    assert what_stands(life) == before
    in_the_end = {one.last_seq: one.superseded for one in steps if one.pull is not None}
    assert life.rows("SELECT count(*) FROM pull") == [(len(in_the_end),)]
    return sum(in_the_end.values())


def settle(life: Life, *pages: Page, of: DataType = HEART, window: Window = SUNDAY) -> None:
    life.now = max(life.now + timedelta(minutes=1), at("2026-03-10T10:00"))
    life.pull(of, window, *pages, why=Why.SETTLE, synced_at=SYNCED)


def test_what_was_read_before_the_read_that_settles_a_day_is_left_out(life: Life) -> None:
    for hour in range(1, 5):
        page = beats(*((second, 60 + hour) for second in range(0, hour * 60, 5)))
        life.pull(HEART, SUNDAY, page)
        life.wait(hours=1)
    settle(life, beats((0, 60), (7, 61)))
    assert assert_rebuilt_equal(life) == 4
    assert life.readings() == [(EIGHT, 60, 3600, 0), (EIGHT + 7000, 61, 3600, 0)]
    rows = life.rows("SELECT outcome, pages, points, written FROM pull ORDER BY id")
    assert rows[:2] == [("complete", 1, 12, 0), ("complete", 1, 24, 0)]
    assert life.rows("SELECT points_a_day FROM density") == [(2,)]


def test_how_dense_a_day_was_is_known_from_what_is_not_read(life: Life) -> None:
    life.now = at("2026-03-03T10:00")
    life.pull(HEART, SUNDAY, beats(*((second, 60) for second in range(100))))
    settle(life, beats((0, 60), (7, 61)))
    assert assert_rebuilt_equal(life) == 1
    assert life.rows("SELECT points_a_day FROM density") == [(75.5,)]


def test_which_of_two_sources_is_preferred_does_not_hang_on_what_is_not_read(life: Life) -> None:
    from_phone, from_watch = (
        heart([(EIGHT, 60, None)], source=name) for name in ("phone", "watch")
    )
    life.pull(HEART, SUNDAY, from_watch)
    settle(life, from_phone, from_watch)
    preferred = life.rows("SELECT source FROM preferred_readings")
    assert assert_rebuilt_equal(life) == 1
    assert life.rows("SELECT source FROM preferred_readings") == preferred == [("phone",)]


def test_a_pull_is_read_if_only_one_of_its_days_was_read_later(life: Life) -> None:
    life.now = at("2026-03-02T01:00")
    life.pull(HEART, hours("2026-03-01T23:00", "2026-03-02T01:00"), beats((57_000, 60)))
    life.pull(HEART, hours("2026-03-01T22:00", "2026-03-02T00:00"), beats((50_500, 61)))
    settle(life, beats((0, 60), (50_500, 61)))
    assert assert_rebuilt_equal(life) == 1


def test_several_reads_may_supersede_one_together(life: Life) -> None:
    life.now = at("2026-03-02T01:00")
    life.pull(HEART, hours("2026-03-01T23:00", "2026-03-02T01:00"), beats((57_000, 60)))
    settle(life, beats((0, 60)))
    life.wait(days=1)
    settle(life, beats((86_400, 60)), window=day("2026-03-02"))
    assert assert_rebuilt_equal(life) == 1


def test_what_comes_after_the_first_that_can_settle_a_day_is_read(life: Life) -> None:
    settle(life, beats((0, 60), (5, 61)))
    for value in (70, 71):  # corrections
        settle(life, beats((0, value)))
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT old, new FROM correction WHERE old IS NOT NULL ORDER BY id") == [
        *((60, 70), (61, None)),
        (70, 71),
    ]


def test_a_day_that_a_sync_opened_again_is_read_as_it_was(life: Life) -> None:
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at("2026-02-28T09:00")),)))
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats((0, 60), (5, 61)))
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", SYNCED),)))
    settle(life, beats((0, 62), (5, 61)))
    settle(life, beats((0, 63), (5, 61)))
    assert assert_rebuilt_equal(life) == 1
    assert life.rows("SELECT old, new FROM correction") == [(62, 63)]


def test_a_part_of_a_day_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (36_000, 61)))
    settle(life, beats((0, 62)), window=hours("2026-03-01T00:00", "2026-03-01T12:00"))
    assert assert_rebuilt_equal(life) == 0
    assert len(life.readings()) == 2


def test_a_read_of_a_fresh_day_supersedes_nothing(life: Life) -> None:
    """It would do no harm; but how far back a day can be settled is what is looked for."""
    life.pull(HEART, SUNDAY, beats((0, 60)))
    life.now = at("2026-03-08T22:00")
    life.pull(HEART, SUNDAY, beats((0, 61)))
    assert assert_rebuilt_equal(life) == 0


def test_a_read_that_failed_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    life.now = at("2026-03-10T10:00")
    life.pull(HEART, SUNDAY, beats((0, 61)), outcome=replace(failed("cut_off"), points=1, pages=1))
    assert assert_rebuilt_equal(life) == 0
    assert life.readings() == [(EIGHT, 60, 3600, 0)]


def test_a_failed_pull_that_is_not_read_moves_nothing(life: Life) -> None:
    refused = replace(failed("request_refused"), pages=1, points=500)
    life.now = at("2026-03-03T10:00")
    life.pull(HEART, SUNDAY, beats((0, 60)), outcome=refused)
    settle(life, beats((0, 61)))
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT outcome FROM pull ORDER BY id") == [("failed",), ("complete",)]


def test_an_empty_read_supersedes_nothing_and_is_doubted_as_it_was(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats())
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT reason FROM pull ORDER BY id") == [("",), ("empty_doubted",)]
    life.wait(days=1)
    settle(life, beats())
    assert assert_rebuilt_equal(life) == 0
    assert life.readings() == []


def test_a_day_that_an_empty_read_settled_is_settled(life: Life) -> None:
    settle(life, beats())
    settle(life, beats((0, 60)))
    settle(life, beats((0, 61)))
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT old, new FROM correction") == [(None, 60), (60, 61)]


def test_where_an_empty_read_was_doubted_all_is_read(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    life.pull(HEART, SUNDAY, beats())
    both = day("2026-03-01", "2026-03-02")
    life.pull(HEART, both, beats())
    settle(life, beats((0, 60)))
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT reason FROM pull ORDER BY id")[1:3] == [("empty_doubted",)] * 2


def test_one_that_cannot_be_read_in_the_end_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    life.now = at("2026-03-10T10:00")
    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SETTLE, ZONE, SYNCED), [b"{"], complete(1, 7))
    life.end_pass()
    assert assert_rebuilt_equal(life) == 0
    assert life.readings() == [(EIGHT, 60, 3600, 0)]


def test_one_with_points_that_are_not_understood_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 61)))
    life.pull(GLUCOSE, utc_days("2026-03-01"), sugar(("2026-03-01T09:00", 5.0)))
    settle(life, beats((0, 60), unread=1))
    settle(life, sugar(("2026-03-01T09:00", 5.5)), of=GLUCOSE, window=utc_days("2026-03-01"))
    assert assert_rebuilt_equal(life) == 1  # of the type that is understood
    assert len(life.readings()) == 3


def test_each_type_that_is_not_understood_is_read_as_a_whole(life: Life) -> None:
    sunday = utc_days("2026-03-01")
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 61)))
    life.pull(GLUCOSE, sunday, sugar(("2026-03-01T09:00", 5.0)))
    settle(life, beats((0, 60), unread=1))
    once_more = replace(sugar(("2026-03-01T10:00", 5.5)), unread=1, unread_why="no value")
    settle(life, once_more, of=GLUCOSE, window=sunday)
    assert assert_rebuilt_equal(life) == 0
    assert len(life.readings()) == 4


def test_one_whose_points_all_lie_outside_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    life.now = at("2026-03-10T10:00")
    life.pull(HEART, SUNDAY, beats(), synced_at=SYNCED, outcome=complete(1, 9))
    assert assert_rebuilt_equal(life) == 0
    assert life.readings() == [(EIGHT, 60, 3600, 0)]


def test_what_is_begun_anew_and_interrupted_goes_on_without_leaving_out(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats((0, 61), unread=1))
    life.pull(HEART, day("2026-03-02"), beats((86_400, 60)))
    life.wait(days=1)
    settle(life, beats((86_400, 61)), window=day("2026-03-02"))
    before = what_stands(life)
    begun = rebuild(life.store.account_dir, read, CATALOGUE)
    seen: list[Applied] = [next(begun), next(begun)]
    while seen[-1].last_seq >= seen[-2].last_seq:  # until it begins anew
        seen.append(next(begun))
    begun.close()
    assert (life.store.account_dir / SIDE_NAME).exists()
    rest = list(rebuild(life.store.account_dir, read, CATALOGUE))
    assert sum(one.superseded for one in seen) == 1
    assert not any(one.superseded for one in rest)
    assert what_stands(life) == before


def test_one_that_the_program_died_of_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats((0, 61)))
    before = what_stands(life)
    begun = rebuild(life.store.account_dir, read, CATALOGUE)
    while not next(begun).superseded:
        pass
    next(begun)  # the end of that pass
    begun.close()
    (number,) = life.rows("SELECT max(id) FROM pass")[0]
    with closing(sqlite3.connect(life.store.account_dir / SIDE_NAME)) as side, side:
        side.execute("INSERT OR REPLACE INTO meta VALUES ('applying_seq', ?)", (number,))
        side.execute("INSERT OR REPLACE INTO meta VALUES ('applying_tries', 2)")
    assert not any(one.superseded for one in rebuild(life.store.account_dir, read, CATALOGUE))
    assert what_stands(life) == before


def test_what_a_refusal_before_the_answer_taught_is_learnt(life: Life) -> None:
    taught = Lesson(HEART.name, LessonKind.PAGE_SIZE, "100")
    pull = Pull(HEART.name, SUNDAY, Why.SYNC, ZONE)
    life.begin_pass()
    writer = life.store.writer
    writer.begin_pull(life.now, pull)
    writer.reply(REQUEST, Reply(400, {}, teaching(taught), life.now))
    writer.reply(REQUEST, Reply(200, {}, body(beats((0, 60))), life.now))
    writer.end_pull(life.now, complete(1, 1))
    life.end_pass()
    settle(life, beats((0, 61)))
    assert assert_rebuilt_equal(life) == 0
    assert life.rows("SELECT value FROM lesson") == [("100",)]


def test_hourly_values_are_always_read_for_they_move_other_types(life: Life) -> None:
    window = utc_days("2026-03-01")
    for value in (5.0, 5.5):
        life.pull(GLUCOSE_HOURS, window, sugar(("2026-03-01T09:00", value)))
    settle(life, sugar(("2026-03-01T09:00", 5.0)), of=GLUCOSE, window=window)
    settle(life, sugar(("2026-03-01T09:00", 5.5)), of=GLUCOSE_HOURS, window=window)
    assert assert_rebuilt_equal(life) == 0


def test_a_window_on_another_axis_supersedes_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats((0, 61)), window=utc_days("2026-03-01"))
    assert assert_rebuilt_equal(life) == 0


def test_what_need_not_be_read_is_found_without_reading_replies(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)))
    settle(life, beats((0, 61)))
    found = Superseded(CATALOGUE)
    steps = sum(1 for _ in found.look_through(life.store.account_dir))
    pull = Pull(HEART.name, SUNDAY, Why.SYNC, ZONE)
    numbers = [number for (number,) in life.rows("SELECT id FROM pull ORDER BY id")]
    assert [found.has(pull, number) for number in numbers] == [True, False]
    assert steps > len(numbers)  # between any two of them others may work
    but = Superseded(CATALOGUE, [HEART.name])
    list(but.look_through(life.store.account_dir))
    assert not any(but.has(pull, number) for number in numbers)


FIRST = datetime(2026, 2, 20, 7, tzinfo=UTC)
DAYS = 20
TYPES = (HEART, GLUCOSE)
_MINUTE = timedelta(minutes=1)


class RandomLife:
    """A watch that syncs when it likes, values that change later, and replies of every kind."""

    def __init__(self, life: Life, seed: int) -> None:
        self.life = life
        self.random = Random(seed)
        life.now = FIRST
        self.synced_at = FIRST
        self.zone = ZONE

    def live(self) -> None:
        while self.life.now < FIRST + timedelta(days=DAYS):
            self.life.wait(hours=self.random.choice((2, 4, 7, 13)))
            self.life.begin_pass()
            if self.random.random() < 0.6:
                self._sync()
            for data_type in TYPES:
                for pull in self._pulls(data_type):
                    self._write(data_type, pull)
            self.life.end_pass()

    def _sync(self) -> None:
        behind = timedelta(hours=self.random.choice((0, 0, 0, 5, 40)))
        self.synced_at = max(self.synced_at, self.life.now - behind)
        self.zone = self.random.choice((ZONE, ZONE, "Asia/Kolkata"))
        page = Page(syncs=(DeviceSync("watch", self.synced_at),), zone=self.zone)
        self.life.write_pull(Pull(DEVICES.name, None, Why.SYNC, ZONE), [body(page)], complete(1, 1))

    def _pulls(self, data_type: DataType) -> Iterator[Pull]:
        now = self.life.now if data_type.axis is Axis.INSTANT else self._civil(self.life.now)
        start = now - timedelta(hours=self.random.choice((1, 3, 30)))
        windows = [Window(data_type.axis or Axis.DATE, start, now)]
        back = self.random.choice((0, 2, 8, 9, 10, 12))
        if back:
            last = now.replace(hour=0, minute=0) - timedelta(days=back - 1)
            length = timedelta(days=self.random.choice((1, 1, 1, 3)))
            windows.append(Window(data_type.axis or Axis.DATE, last - length, last))
        for window in windows:
            synced_at = self.random.choice((self.synced_at, self.synced_at, None))
            yield Pull(data_type.name, window, Why.SYNC, self.zone, synced_at)

    def _write(self, data_type: DataType, pull: Pull) -> None:
        page = self._page(data_type, pull)
        told = complete(1, page.points + page.unread)
        fate = self.random.random()
        if fate < 0.04:
            page, told = Page(), complete(1, 0)
        elif fate < 0.06:
            told = failed("provider_unreachable")
        self.life.write_pull(pull, [body(page)], told)

    def _page(self, data_type: DataType, pull: Pull) -> Page:
        window = pull.window
        assert window is not None
        offset_s = 0 if window.axis is Axis.INSTANT else 19_800 if pull.zone != ZONE else 3600
        start, end = (each.replace(tzinfo=UTC).timestamp() - offset_s for each in _ends(window))
        known = self.synced_at.timestamp()
        points: list[Point] = [
            (second * 1000, second // 1800 % 50 + self._edition(second), None)
            for second in range(-(-int(start) // 1800) * 1800, int(end), 1800)
            if second <= known and second % 7
        ]
        source = self.random.choice(("watch", "watch", "phone"))
        field = data_type.fields[0].name
        return Page(readings=(Readings(field, source, offset_s, points),) if points else ())

    def _edition(self, second: int) -> int:
        """Give what a value has grown by: some change hours later, and some after weeks."""
        age_s = self.life.now.timestamp() - second
        return sum(second // 1800 % each == 0 and age_s > each * 20_000 for each in (5, 47))

    def _civil(self, at: datetime) -> datetime:
        return (at + timedelta(hours=1)).replace(tzinfo=None)


def _ends(window: Window) -> tuple[datetime, datetime]:
    return window.start.replace(tzinfo=None), window.end.replace(tzinfo=None)


@pytest.mark.parametrize("seed", range(4))
def test_random_lives_come_to_the_same_index(life: Life, seed: int) -> None:
    RandomLife(life, seed).live()
    left_out = assert_rebuilt_equal(life)
    (pulls,) = life.rows("SELECT count(*) FROM pull")
    assert left_out > 10, pulls
    assert life.rows("SELECT count(*) FROM correction") != [(0,)]
