from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.plan.coverage import SettledBy, day_end, settles, usable

END = datetime(2026, 3, 1, 23, tzinfo=UTC)
WEEK = timedelta(days=8)


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2026, 3, 1), "Europe/Berlin", "2026-03-01T23:00:00+00:00"),
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-29T22:00:00+00:00"),  # 23 hours
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-25T23:00:00+00:00"),  # 25 hours
        (date(2026, 3, 1), "Pacific/Kiritimati", "2026-03-01T10:00:00+00:00"),
    ],
)
def test_a_day_ends_at_the_wearers_midnight(day: date, zone: str, end: str) -> None:
    assert day_end(day, zone) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("read_after", "synced_after", "settled"),
    [
        (WEEK, timedelta(minutes=15), SettledBy.SYNC),
        (WEEK, timedelta(minutes=14), None),  # the last minutes may still be on the watch
        (WEEK - timedelta(seconds=1), timedelta(days=7), None),  # too early
        (WEEK, -timedelta(minutes=1), None),  # usable no more, and twice the window not passed
        (WEEK - timedelta(hours=1), -timedelta(minutes=1), None),
        (2 * WEEK, -timedelta(days=30), SettledBy.AGE),  # a watch in a drawer
        (2 * WEEK, None, SettledBy.AGE),
        (2 * WEEK - timedelta(seconds=1), None, None),
    ],
)
def test_a_day_settles_after_a_sync_beyond_its_end_or_twice_the_window(
    read_after: timedelta, synced_after: timedelta | None, settled: SettledBy | None
) -> None:
    synced_at = None if synced_after is None else END + synced_after
    assert settles(END, WEEK, END + read_after, synced_at) is settled


def test_a_sync_older_than_the_window_proves_nothing() -> None:
    assert usable(END, END + WEEK - timedelta(seconds=1), WEEK) == END
    assert usable(END, END + WEEK, WEEK) is None
    assert usable(None, END, WEEK) is None
