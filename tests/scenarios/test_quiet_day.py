"""A quiet day costs little, and what the provider publishes late is there soon all the same."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from fitbitd.simulator import ListedSyncs, Wearer
from tests.support.household import Household, account_settings

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2027, 3, 10)
MIDNIGHT = datetime.combine(DAY, time(), BERLIN).astimezone(UTC)
WARM_UP = timedelta(hours=8)
LATE = timedelta(hours=3)
WITHIN = timedelta(minutes=75)


def at(*moments: str) -> list[datetime]:
    """Give the day's syncs by the wearer's clock."""
    return [
        datetime.combine(DAY, time.fromisoformat(moment), BERLIN).astimezone(UTC)
        for moment in moments
    ]


def by_chance(seed: int) -> list[datetime]:
    """Give eight syncs anywhere in the day, one of them after the night."""
    rng = Random(seed)
    minutes = [rng.randrange(9 * 60, 11 * 60), *(rng.randrange(24 * 60) for _ in range(7))]
    return [MIDNIGHT + timedelta(minutes=m, seconds=rng.randrange(60)) for m in minutes]


PATTERNS: dict[str, tuple[str, list[datetime]]] = {
    "spread": (
        "alice",
        at("00:40", "03:40", "06:40", "09:40", "12:40", "15:40", "18:40", "21:40"),
    ),
    "clustered": (
        "bob",
        at("09:00", "09:05", "09:20", "09:50", "20:00", "20:20", "20:40", "21:30"),
    ),
    "odd phases": (
        "carol-2",
        at("00:01", "08:59:59", "10:13", "11:31", "13:07", "17:59", "21:01", "23:58"),
    ),
    "chance 1": ("dave", by_chance(1)),
    "chance 2": ("e", by_chance(2)),
    "chance 3": ("a-name-that-is-rather-long", by_chance(3)),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_most_passes_of_a_day_are_one_request_and_late_nights_are_found_soon(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, syncs = PATTERNS[pattern]
    before = [MIDNIGHT - timedelta(hours=hours) for hours in (26, 15, 6)]
    wearer = Wearer(
        seed=5,
        member_since=DAY - timedelta(days=2),
        syncs=ListedSyncs([*before, *syncs]),
        publish_after=LATE,
        intervals_s=(60,),
    )
    home = Household(
        tmp_path / "state",
        (MIDNIGHT - WARM_UP).isoformat(),
        wearer,
        accounts=(account_settings(name),),
    )
    home.authorize()
    missing: list[tuple[datetime, int]] = []
    published = [when for when in _publications(wearer) if when >= MIDNIGHT]
    for when in published:
        home.at.append((when + WITHIN, _checks(home, when, missing)))
    home.live(WARM_UP + timedelta(days=1), monkeypatch=monkeypatch)

    passes = [
        report for _, when, report in home.reports if when >= MIDNIGHT and report.outcome == "ok"
    ]
    assert len(passes) >= 95
    quiet = sum(report.requests == 1 for report in passes)
    assert quiet >= 60, [report.requests for report in passes]
    assert published
    assert missing == []


def _publications(wearer: Wearer) -> list[datetime]:
    """Give when each sleep log appears, by the wearer's plan of syncs."""
    done = wearer.sleeps(DAY - timedelta(days=1), DAY, MIDNIGHT + timedelta(days=5))
    ended = [datetime.fromtimestamp(log.end_s, UTC) for log in done]
    synced = [wearer.syncs.first(end) for end in ended]
    return [sync + LATE for sync in synced if sync and sync + LATE + WITHIN < MIDNIGHT + _DAY]


_DAY = timedelta(days=1)


def _checks(
    home: Household, published: datetime, missing: list[tuple[datetime, int]]
) -> Callable[[], None]:
    def check() -> None:
        logs = home.wearer.sleeps(DAY - _DAY, DAY, published)
        with closing(home.index()) as db:
            known = {int(key) for (key,) in db.execute("SELECT key FROM sleep")}
        missing.extend((published, log.log_id) for log in logs if log.log_id not in known)

    return check
