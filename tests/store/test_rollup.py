"""Rollups and rebuilds: equal to what one computes by hand, after any run of pulls."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitbitd.model import Page, Pull, Why, Window
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    HEART,
    ZONE,
    Life,
    body,
    complete,
    day,
    failed,
    heart,
    hours,
    ms,
    read,
)

FIRST = ms("2026-02-27T00:00")
QUARTER_MS = 900_000

points = st.lists(
    st.tuples(
        st.integers(0, 4 * 96).map(lambda quarter: FIRST + quarter * QUARTER_MS),
        st.one_of(st.integers(40, 180), st.floats(0, 200)),
        st.sampled_from([None, 60_000]),
    ),
    max_size=12,
)
pages = st.lists(
    st.builds(
        heart, points, st.sampled_from(["", "phone"]), st.sampled_from([3600, -12600, 49500])
    ),
    max_size=3,
)
days = st.integers(0, 3).map(lambda number: date(2026, 2, 27) + timedelta(days=number))
windows = st.one_of(
    st.tuples(days, days).map(lambda pair: day(min(pair).isoformat(), max(pair).isoformat())),
    days.map(lambda one: hours(f"{one}T06:00", f"{one}T13:30")),
)
pulls = st.lists(st.tuples(windows, pages, st.booleans()), min_size=1, max_size=5)


def live(account_dir: Path, asked: list[tuple[Window, list[Page], bool]]) -> Life:
    life = Life(account_dir)
    for window, said, ends_well in asked:
        life.begin_pass()
        life.write_pull(
            Pull(HEART.name, window, Why.GAP, ZONE),
            [body(page) for page in said],
            complete(len(said), 0) if ends_well else failed("too_large"),
        )
        life.end_pass()
        life.wait(hours=15)
    return life


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(pulls)
def test_rollups_equal_what_is_computed_by_hand(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[Window, list[Page], bool]]
) -> None:
    life = live(tmp_path_factory.mktemp("rollup") / "alice", asked)
    stored = life.rows(
        "SELECT series, instant, value, utc_offset_s FROM reading JOIN series ON id = series"
    )
    by_hour, by_day = defaultdict(list), defaultdict(list)
    for series, instant, value, offset_s in stored:
        by_hour[series, instant - instant % 3_600_000].append(value)
        local = datetime.fromtimestamp(instant / 1000 + offset_s, UTC)
        by_day[series, local.date().isoformat()].append(value)
    for query, expected in (
        ("SELECT series, hour, n, total, low, high FROM rollup_hour", by_hour),
        ("SELECT series, day, n, total, low, high FROM rollup_day", by_day),
    ):
        rows = {(series, at): tuple(rest) for series, at, *rest in life.rows(query)}
        assert rows == {
            at: (len(values), pytest.approx(sum(values)), min(values), max(values))
            for at, values in expected.items()
        }
    life.store.close()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(pulls)
def test_a_rebuilt_index_equals_the_live_one(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[Window, list[Page], bool]]
) -> None:
    account_dir = tmp_path_factory.mktemp("rebuild") / "alice"
    life = live(account_dir, asked)
    before = list(canonical_dump(life.store.index.db))
    coverage = life.store.index.ledger(life.now)
    list(rebuild(account_dir, read, CATALOGUE))
    assert list(canonical_dump(life.store.index.db)) == before
    assert life.store.index.ledger(life.now) == coverage
    life.store.close()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(pulls)
def test_a_complete_pull_leaves_in_its_window_exactly_what_it_said(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[Window, list[Page], bool]]
) -> None:
    """The truth by sets: no page order, repeat or earlier pull changes what is stored."""
    life = live(tmp_path_factory.mktemp("truth") / "alice", [(*one[:2], True) for one in asked])
    window, said, _ = asked[-1]
    if any(page.points for page in said):
        assert _stored(life, window) == _said(said, window)
    life.store.close()


def test_a_changed_value_and_an_emptied_hour_reach_the_rollups(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    noon = FIRST + 12 * 3_600_000
    for said in (
        [(noon, 60, None), (noon + 3_600_000, 61, None)],
        [(noon, 70, None), (noon + 3_600_000, 61, None)],
        [(noon, 70, None)],
    ):
        life.pull(HEART, day("2026-02-27"), heart(said))
        assert life.rows("SELECT hour, n, total, low, high FROM rollup_hour") == [
            (instant, 1, value, value, value) for instant, value, _ in said
        ]
        assert life.rows("SELECT n, total FROM rollup_day") == [
            (len(said), sum(value for _, value, _ in said))
        ]
    life.store.close()


def test_an_hour_can_lie_in_two_days_where_the_offset_is_odd(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    kolkata = 19800
    evening, night = ms("2026-02-27T18:15"), ms("2026-02-27T18:45")  # 23:45 and 00:15 there
    for instant, text in ((evening, "2026-02-27"), (night, "2026-02-28")):
        life.pull(HEART, day(text), heart([(instant, 60, None)], offset_s=kolkata))
    assert life.rows("SELECT day, n FROM rollup_day") == [("2026-02-27", 1), ("2026-02-28", 1)]
    assert life.rows("SELECT n FROM rollup_hour") == [(2,)]
    life.store.close()


def _stored(life: Life, window: Window) -> set[tuple[object, ...]]:
    rows = life.rows(
        "SELECT source, utc_offset_s, instant, value, duration_ms FROM reading"
        " JOIN series ON id = series"
    )
    return {row for row in rows if _inside(row[2], row[1], window)}


def _said(said: list[Page], window: Window) -> set[tuple[object, ...]]:
    return {
        (one.source, one.utc_offset_s, *point)
        for page in said
        for one in page.readings
        for point in one.points
        if _inside(point[0], one.utc_offset_s, window)
    }


def _inside(instant: int, offset_s: int, window: Window) -> bool:
    local = datetime.fromtimestamp(instant / 1000 + offset_s, UTC).replace(tzinfo=None)
    return window.start <= local < window.end
