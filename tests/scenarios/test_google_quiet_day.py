"""At Google a quiet day costs little, and what is typed or published late is there soon."""

from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fitbitd.simulator import ListedSyncs, Wearer, hours
from fitbitd.simulator.google_health import READ_SCOPES, SCOPE_PREFIX, GoogleHealthSettings
from tests.support.google_life import OFFERED
from tests.support.google_truth import GoogleTruth, differences, held
from tests.support.household import GOOGLE_TYPES, Household, google_account

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2027, 3, 10)
MIDNIGHT = datetime.combine(DAY, time(), BERLIN).astimezone(UTC)
_DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
WARM_UP = timedelta(hours=6)
NAMES = ("gina", "bob", "a-name-that-is-rather-long")
SYNCS = ("08:41", "13:27", "21:10")
HOURLY = timedelta(hours=1)
A_DAY_LATER = WARM_UP + _DAY + timedelta(hours=10)
"""Where no watch tells of news, a past day is looked at once a day."""


def at(moment: str) -> datetime:
    """Give an instant of the day by the wearer's clock."""
    return datetime.combine(DAY, time.fromisoformat(moment), BERLIN).astimezone(UTC)


UPLOADS = [MIDNIGHT - _DAY, MIDNIGHT - timedelta(hours=7), at("05:00")]


def household(
    state_dir: Path, name: str = "gina", *, poll_every: timedelta = QUARTER, **life: Any
) -> Household:
    """Describe an account that has some days of history; few samples keep the test short."""
    before = [MIDNIGHT - timedelta(hours=ago) for ago in (40, 30, 15, 7)]
    usual: dict[str, Any] = {
        "seed": 5,
        "member_since": DAY - 2 * _DAY,
        "syncs": ListedSyncs([*before, *map(at, SYNCS)]),
        "intervals_s": (120,),
        "worn_minutes": hours(7, 8, 11, 12, 17, 20, 23),
    }
    return Household(
        state_dir,
        (MIDNIGHT - WARM_UP).isoformat(),
        Wearer(**{**usual, **life}),
        accounts=(google_account(name, poll_every=poll_every),),
        google_settings=GoogleHealthSettings(also_offered=OFFERED),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_with_nothing_due_is_one_request_and_a_typed_weight_is_there_within_the_hour(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", name, publish_after=timedelta(hours=3))
    home.authorize()
    weight = home.wearer.type_weight(81_250, at("12:07"))
    night = next(log for log in home.wearer.sleeps(DAY, DAY, MIDNIGHT + 5 * _DAY) if log.main)
    synced = home.wearer.brought_at(datetime.fromtimestamp(night.end_s, UTC))
    assert synced is not None
    published = synced + timedelta(hours=3)
    seen: dict[str, bool] = {}

    def look(what: str, row: tuple[object, ...]) -> None:
        with closing(home.index()) as db:
            seen[what] = (
                db.execute(
                    "SELECT 1 FROM reading JOIN series ON id = series WHERE data_type = ?1"
                    " AND value = ?2"
                    " UNION SELECT 1 FROM session WHERE data_type = ?1 AND end_ms = ?2",
                    row,
                ).fetchone()
                is not None
            )

    home.at.append((at("13:10"), lambda: look("weight", ("weight", 81_250))))
    of_night = ("sleep", 1000 * night.end_s)
    home.at.append((published - timedelta(minutes=1), lambda: look("early", of_night)))
    home.at.append((published + timedelta(minutes=75), lambda: look("night", of_night)))
    home.live(WARM_UP + _DAY, monkeypatch=monkeypatch)

    assert weight
    assert seen == {"weight": True, "early": False, "night": True}
    passes = [report for _, when, report in home.reports if when >= MIDNIGHT]
    assert len(passes) >= 95
    assert all(report.outcome == "ok" for report in passes)
    asked = [report.requests for report in passes]
    assert all(n == 1 for n, report in zip(asked, passes, strict=True) if report.complete == 1)
    assert asked.count(1) >= 48, asked


def test_an_account_without_any_device_collects_what_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(
        tmp_path / "state", poll_every=HOURLY, has_watch=False, syncs=ListedSyncs(UPLOADS)
    )
    home.authorize()
    home.live(A_DAY_LATER, monkeypatch=monkeypatch)
    _assert_collected(home, at_least=("steps", "distance", "weight", "hydration_log"))
    assert home.conditions() == set()


def test_an_account_whose_watch_died_collects_what_the_phone_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = MIDNIGHT - timedelta(hours=20)
    home = household(
        tmp_path / "state", poll_every=HOURLY, watch_until=died, syncs=ListedSyncs(UPLOADS)
    )
    home.authorize()
    home.live(A_DAY_LATER, monkeypatch=monkeypatch)
    _assert_collected(home, at_least=("steps", "distance", "heart_rate", "weight"))
    with closing(home.index()) as db:
        (newest,) = db.execute(
            "SELECT max(instant) FROM reading JOIN series ON id = series WHERE field = 'steps'"
            " AND source LIKE 'health_connect%'"
        ).fetchone()
    assert newest > 1000 * died.timestamp()


def test_without_the_scope_of_the_settings_everything_else_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", poll_every=HOURLY, syncs=ListedSyncs(UPLOADS))
    home.authorize(scopes=READ_SCOPES - {f"{SCOPE_PREFIX}settings.readonly"})
    home.live(A_DAY_LATER, monkeypatch=monkeypatch)
    hidden = ("settings", "paired_devices", "identity")
    _assert_collected(home, at_least=("steps", "heart_rate", "weight", "sleep"), hidden=hidden)
    assert {code for code, _ in home.conditions()} == {"scope_missing", "zone_unknown"}
    assert not [entry for entry in home.data_requests() if entry.status == 403]


def _assert_collected(
    home: Household, *, at_least: tuple[str, ...], hidden: tuple[str, ...] = ()
) -> None:
    """Compare with the truth, and see that there was something to collect."""
    names = [name for name in GOOGLE_TYPES if name not in hidden]
    with closing(home.index()) as db:
        found = differences(db, GoogleTruth(home.wearer), names, home.true_clock.now())
        assert found == {}, found
        for name in at_least:
            assert held(db, name), name


def test_ten_starts_in_a_minute_send_no_burst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    home.authorize()
    began = home.clock.now()
    for turn in range(10):
        if turn:
            home.restart()
        home.live(timedelta(seconds=6), monkeypatch=monkeypatch)
    sent = sorted(entry.at for entry in home.simulator.log)
    minute = home.clock.now() - began
    assert len(sent) <= 2 * minute.total_seconds() + 1
    within = timedelta(seconds=2)
    busiest = max(sum(first <= other < first + within for other in sent) for first in sent)
    assert busiest <= 2 * 2 + 1, sent
