"""Corrections: what changes on a settled day is kept beside what stood there."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitbitd.model import Axis, Daily, DeviceSync, Page, Point, Session, Why, Window
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    GLUCOSE,
    GLUCOSE_HOURS,
    HEART,
    NIGHTS,
    REST,
    RESTING,
    Life,
    at,
    day,
    heart,
    hours,
    ms,
    night,
    read,
    sugar,
    utc_days,
)

SUNDAY = day("2026-03-01")
SUNDAY_DATE = day("2026-03-01", axis=Axis.DATE)
EIGHT = ms("2026-03-01T08:00")
SYNCED = at("2026-03-10T09:00")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-03-10T10:00")
    yield made
    if made.rows("SELECT count(*) FROM correction") != [(0,)]:  # a rebuild finds the same
        before = list(canonical_dump(made.store.index.db))
        list(rebuild(tmp_path / "alice", read, CATALOGUE))
        assert list(canonical_dump(made.store.index.db)) == before
    made.store.close()


def corrected(life: Life) -> list[tuple[Any, ...]]:
    """Give the corrections of readings: seconds after eight, old, new."""
    rows = life.rows("SELECT instant, old, new FROM correction ORDER BY instant, old, new")
    return [((instant - EIGHT) // 1000, old, new) for instant, old, new in rows]


def beats(*points: tuple[int, float]) -> Page:
    said: list[Point] = [(EIGHT + second * 1000, value, None) for second, value in points]
    return heart(said, source="watch")


def test_what_changed_came_and_went_on_a_settled_day_is_kept(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 61), (10, 62)), synced_at=SYNCED)
    assert life.rows("SELECT count(*) FROM correction") == [(0,)]
    life.wait(hours=1)
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 71), (15, 63)), synced_at=SYNCED)
    assert corrected(life) == [(5, 61, 71), (10, 62, None), (15, None, 63)]
    (pull,) = life.rows("SELECT max(id) FROM pull")
    assert set(
        life.rows(
            "SELECT data_type, day, field, source, utc_offset_s, key, pull, seen_at FROM correction"
        )
    ) == {("heart", "2026-03-01", "bpm", "watch", 3600, "", *pull, ms("2026-03-10T11:00"))}
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 71), (15, 63)), synced_at=SYNCED)
    assert len(corrected(life)) == 3


def test_late_data_of_a_provisional_day_are_no_corrections(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 61)))
    life.pull(HEART, SUNDAY, beats((0, 70)), synced_at=SYNCED)  # this read settles it
    assert corrected(life) == []


def test_a_day_that_a_sync_opened_again_has_late_data_again(life: Life) -> None:
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at("2026-02-28T09:00")),)))
    life.pull(HEART, SUNDAY, beats((0, 60)), synced_at=SYNCED)
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", SYNCED),)))
    life.pull(HEART, SUNDAY, beats((0, 70)), synced_at=SYNCED)
    assert corrected(life) == []


def test_only_the_settled_days_of_a_window_have_corrections(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)), synced_at=SYNCED)
    monday = 86_400
    both = beats((0, 61), (monday, 62))
    life.pull(HEART, day("2026-03-01", "2026-03-02"), both)
    assert corrected(life) == [(0, 60, 61)]


def test_a_part_of_a_settled_day_that_is_read_again_corrects_it_too(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (7200, 61)), synced_at=SYNCED)
    life.pull(HEART, hours("2026-03-01T09:00", "2026-03-01T10:00"), beats((0, 61)))
    assert corrected(life) == [(0, 60, 61)]


def test_an_empty_answer_for_a_settled_day_counts_when_it_was_given_twice_a_day_apart(
    life: Life,
) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60), (5, 61)), synced_at=SYNCED)
    for hours_later in (1, 18):  # too soon after the first
        life.wait(hours=hours_later)
        life.pull(HEART, SUNDAY, beats(), synced_at=SYNCED, why=Why.DEEP)
        assert (len(life.readings()), corrected(life)) == (2, [])
    known = life.store.index.ledger(life.now).of(HEART.name)
    assert known.settled == ((date(2026, 3, 1), date(2026, 3, 1)),)
    assert known.doubted == {date(2026, 3, 1)}
    life.wait(hours=6)
    life.pull(HEART, SUNDAY, beats(), synced_at=SYNCED, why=Why.DEEP)
    assert life.readings() == []
    assert corrected(life) == [(0, 60, None), (5, 61, None)]
    assert life.rows("SELECT settled, readings FROM coverage") == [(1, 0)]
    assert life.store.index.ledger(life.now).of(HEART.name).doubted == set()


def test_an_empty_answer_for_a_settled_day_is_forgotten_when_the_next_one_is_not(
    life: Life,
) -> None:
    for page in (beats((0, 60)), beats(), beats((0, 60)), beats()):
        life.pull(HEART, SUNDAY, page, synced_at=SYNCED)
        life.wait(days=1)
    assert (len(life.readings()), corrected(life)) == (1, [])


def test_a_rechecked_day_is_a_settled_day(life: Life) -> None:
    life.pull(GLUCOSE, utc_days("2026-03-01"), sugar(("2026-03-01T23:30", 5.0)), synced_at=SYNCED)
    for value in (5.0, 5.5):
        life.pull(GLUCOSE_HOURS, utc_days("2026-03-01"), sugar(("2026-03-01T23:00", value)))
    assert life.rows("SELECT recheck FROM coverage WHERE recheck") == [(1,)]
    life.pull(GLUCOSE, utc_days("2026-03-01"), sugar(("2026-03-01T23:30", 5.5)))
    assert life.rows("SELECT day, old, new FROM correction") == [("2026-03-01", 5.0, 5.5)]


def test_the_day_of_a_correction_on_the_instant_axis_is_the_utc_day(life: Life) -> None:
    late = sugar(("2026-03-01T23:30", 5.0), offset_s=3600)  # Monday in Berlin
    life.pull(GLUCOSE, utc_days("2026-03-01"), late, synced_at=SYNCED)
    other = sugar(("2026-03-01T23:30", 5.1), offset_s=3600)
    life.pull(GLUCOSE, utc_days("2026-03-01", "2026-03-02"), other)
    assert life.rows("SELECT day, old, new FROM correction") == [("2026-03-01", 5.0, 5.1)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((60, 61), (61, 60), []),
        ((60, 61), (61,), [(0, 60, None)]),
        ((60, 61), (60,), [(0, 61, None)]),
        ((60,), (61, 60), [(0, None, 61)]),
        ((60, 61), (61, 62), [(0, 60, 62)]),
        ((60, 61, 62), (62, 63), [(0, 60, 63), (0, 61, None)]),
    ],
)
def test_a_point_that_moves_among_contradictory_ones_is_not_corrected(
    life: Life, before: tuple[int, ...], after: tuple[int, ...], expected: list[tuple[Any, ...]]
) -> None:
    life.pull(HEART, SUNDAY, beats(*((0, value) for value in before)), synced_at=SYNCED)
    life.pull(HEART, SUNDAY, beats(*((0, value) for value in after)), synced_at=SYNCED)
    assert corrected(life) == expected


def test_the_corrections_of_one_instant_by_one_pull_leave_those_of_others_alone(
    life: Life,
) -> None:
    for said in ((60,), (61,), (62, 63)):
        life.pull(HEART, SUNDAY, beats(*((0, value) for value in said)), synced_at=SYNCED)
    assert corrected(life) == [(0, None, 63), (0, 60, 61), (0, 61, 62)]


def test_a_pull_that_failed_or_is_doubted_corrects_nothing(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats((0, 60)), synced_at=SYNCED)
    life.pull(HEART, SUNDAY, Page())
    assert corrected(life) == []
    life.wait(hours=21)
    life.pull(HEART, SUNDAY, Page())
    assert corrected(life) == [(0, 60, None)]


def test_sessions_of_settled_days_are_kept_as_they_stood(life: Life) -> None:
    nights = (night("a", "2026-03-01"), night("b", "2026-03-01"))
    life.pull(NIGHTS, SUNDAY_DATE, Page(sessions=nights), synced_at=SYNCED)
    better = night("a", "2026-03-01", efficiency=95, stages=4)
    life.pull(NIGHTS, SUNDAY_DATE, Page(sessions=(better,)), synced_at=SYNCED)
    rows = life.rows("SELECT key, day, instant, old, new FROM correction ORDER BY key")
    assert [row[:3] for row in rows] == [("a", "2026-03-01", None), ("b", "2026-03-01", None)]
    old, new = (json.loads(text) for text in rows[0][3:])
    assert (old["values"], new["values"]) == ({"efficiency": 90}, {"efficiency": 95})
    assert [len(one["parts"]) for one in (old, new)] == [3, 4]
    assert json.loads(rows[1][3])["labels"] == {"type": "stages"}
    assert rows[1][4] is None


def test_a_session_that_moves_from_or_to_a_settled_day_corrects_it(life: Life) -> None:
    def rest(ended: str) -> Page:
        ended_ms = ms(ended)
        return Page(sessions=(Session("a", at(ended).date(), EIGHT, ended_ms, 3600),))

    both = utc_days("2026-03-01", "2026-03-02")
    life.pull(REST, both, rest("2026-03-02T00:10"), synced_at=at("2026-03-10T00:00"))
    life.rows("UPDATE coverage SET settled = (day = '2026-03-01')")
    life.pull(REST, both, rest("2026-03-01T23:50"))
    life.pull(REST, both, rest("2026-03-02T00:10"))
    life.rows("UPDATE coverage SET settled = 1")
    life.pull(REST, both, rest("2026-03-01T23:50"))
    life.rows("UPDATE coverage SET settled = 0")
    life.pull(REST, both, rest("2026-03-02T00:20"))
    assert life.rows("SELECT day FROM correction ORDER BY id") == [
        ("2026-03-01",),
        ("2026-03-01",),
        ("2026-03-02",),  # both are settled: where it stood
    ]
    life.rows("DELETE FROM correction")  # made by hand: no rebuild knows of it


def test_daily_values_of_settled_days_are_kept_as_they_stood(life: Life) -> None:
    def resting(**values: float) -> Page:
        return Page(
            dailies=tuple(Daily(date(2026, 3, 1), name, value) for name, value in values.items())
        )

    life.pull(RESTING, SUNDAY_DATE, resting(low=50, mean=55, high=60), synced_at=SYNCED)
    life.pull(RESTING, SUNDAY_DATE, resting(low=50, mean=56, top=70), synced_at=SYNCED)
    assert life.rows("SELECT field, day, old, new FROM correction ORDER BY field") == [
        ("high", "2026-03-01", 60, None),
        ("mean", "2026-03-01", 55, 56),
        ("top", "2026-03-01", None, 70),
    ]


def test_daily_values_of_provisional_days_in_the_same_window_are_late_data(life: Life) -> None:
    def resting(*values: float) -> Page:
        return Page(
            dailies=tuple(Daily(date(2026, 3, 1 + n), "bpm", v) for n, v in enumerate(values))
        )

    window = day("2026-03-01", "2026-03-02", axis=Axis.DATE)
    life.pull(RESTING, window, resting(50, 60), synced_at=SYNCED)
    life.pull(RESTING, window, resting(51, 61))
    assert life.rows("SELECT day, old, new FROM correction") == [("2026-03-01", 50, 51)]


def test_two_values_of_one_day_are_both_kept_and_told_apart(life: Life) -> None:
    def resting(*values: float, source: str = "") -> Page:
        days = (Daily(date(2026, 3, 1), "bpm", value, source) for value in values)
        return Page(dailies=tuple(days))

    for pages in ((resting(50, 51, 50, 52),), (resting(50, 51), resting(51, 52))):
        life.pull(RESTING, SUNDAY_DATE, *pages)
        assert life.rows("SELECT source, value FROM daily ORDER BY value") == [
            ("", 50),
            ("#2", 51),
            ("#3", 52),
        ]
    assert life.rows("SELECT written FROM pull") == [(3,), (0,)]
    life.pull(RESTING, SUNDAY_DATE, resting(50, 51, source="ring"))
    assert life.rows("SELECT source FROM daily ORDER BY source") == [("ring",), ("ring #2",)]


points = st.lists(
    st.tuples(st.integers(-9, 9).map(lambda hour: hour * 3600), st.integers(60, 62)), max_size=8
)
pulls = st.lists(
    st.tuples(
        st.sampled_from(
            [
                SUNDAY,
                day("2026-02-28", "2026-03-02"),
                hours("2026-03-01T03:00", "2026-03-01T10:00"),
                hours("2026-02-28T20:00", "2026-03-01T03:30"),
            ]
        ),
        st.lists(
            st.tuples(points, st.sampled_from(["watch", "phone"]), st.sampled_from([3600, -12600])),
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=4,
)


def standing(life: Life) -> Counter[tuple[object, ...]]:
    """Give all that is stored of Sunday, by the wearer's day."""
    return Counter(
        life.rows(
            "SELECT source, utc_offset_s, instant, value FROM reading JOIN series ON id = series"
            " WHERE date(instant / 1000 + utc_offset_s, 'unixepoch') = '2026-03-01'"
        )
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(pulls)
def test_what_stands_is_what_stood_with_the_corrections_made(
    tmp_path_factory: pytest.TempPathFactory,
    asked: list[tuple[Window, list[tuple[list[tuple[int, float]], str, int]]]],
) -> None:
    account_dir = tmp_path_factory.mktemp("corrections") / "alice"
    life = Life(account_dir, "2026-03-10T10:00")
    life.pull(HEART, SUNDAY, beats((0, 60), (3600, 61)), synced_at=SYNCED)
    stood = standing(life)
    for window, pages in asked:
        said = [
            heart([(EIGHT + second * 1000, value, None) for second, value in some], source, offset)
            for some, source, offset in pages
        ]
        life.pull(HEART, window, *said)
        life.wait(hours=21)
    for *reading, old, new in life.rows(
        "SELECT source, utc_offset_s, instant, old, new FROM correction"
        " WHERE day = '2026-03-01' ORDER BY id"
    ):
        if old is not None:
            assert stood[(*reading, old)]
            stood[(*reading, old)] -= 1
        if new is not None:
            stood[(*reading, new)] += 1
    assert +stood == standing(life)
    before = list(canonical_dump(life.store.index.db))
    list(rebuild(account_dir, read, CATALOGUE))
    assert list(canonical_dump(life.store.index.db)) == before
    life.store.close()
