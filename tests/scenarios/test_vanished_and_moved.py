"""What the provider takes back, and wearers who travel."""

from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import DailySyncs, Fault, RegularSyncs, Wearer
from fitbitd.store.ledger import read_ledger
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
FIRST = START.date() - timedelta(days=5)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NO_NIGHTS = '{"pagination": {"next": ""}, "sleep": []}'


def test_an_empty_answer_is_believed_when_it_comes_again_a_day_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = DailySyncs((time(9, 20), time(12, 20), time(18, 20)))
    home = Household(
        tmp_path / "state",
        START.isoformat(),
        Wearer(seed=9, member_since=FIRST, syncs=syncs),
        accounts=(account_settings(data_types=(DataTypeName("sleep"),), poll_every=HOUR / 2),),
    )
    home.authorize()
    gone = Fault(kind="body", path="/sleep/", body=NO_NIGHTS, count=None)
    seen: dict[str, tuple[int, set[tuple[str, str]]]] = {}

    def look(name: str) -> None:
        seen[name] = (len(home.collected()["sleep"]), home.conditions())

    emptied = START + 4 * HOUR
    home.at += [
        (emptied, lambda: look("before")),
        (emptied, lambda: home.simulator.faults.add(gone)),
        (emptied + 20 * HOUR, lambda: look("doubted")),
        (emptied + 40 * HOUR, lambda: look("believed")),
        (emptied + 40 * HOUR, home.simulator.faults.clear),
    ]
    home.live(timedelta(days=3), monkeypatch=monkeypatch)

    stored, conditions = seen["before"]
    assert stored >= 4
    assert conditions == set()
    assert seen["doubted"] == (stored, {("readings_vanished", "sleep")})
    assert seen["believed"] == (0, set())
    held = str(START.date() - timedelta(days=1))
    asked = [
        entry.at
        for entry in home.data_requests(since=emptied)
        if "/sleep/" in entry.path and _spans(entry.path, held)
    ]
    assert timedelta(hours=24) <= asked[1] - asked[0] <= timedelta(hours=27)
    assert home.collected()["sleep"] == home.truth()["sleep"]  # and given again


def _spans(path: str, day: str) -> bool:
    first, last = path.removesuffix(".json").split("/")[-2:]
    return first <= day <= last


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_trip_shows_with_the_next_sync_and_the_pass_goes_by_the_new_zone(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Household(
        tmp_path / "state",
        START.isoformat(),
        Wearer(seed=9, member_since=FIRST, syncs=RegularSyncs(2 * 3600, 600)),
        accounts=(
            account_settings(
                data_types=tuple(map(DataTypeName, ("steps", "sleep"))), poll_every=HOUR / 4
            ),
        ),
    )
    home.authorize()
    sync = home.wearer.syncs.first(START + 7 * HOUR)
    assert sync is not None

    def move() -> None:
        home.wearer.zone = zone

    home.at.append((sync - timedelta(seconds=1), move))
    home.live(sync - START + 17 * MINUTE, monkeypatch=monkeypatch)

    paths = [entry.path.rpartition("/")[2] for entry in home.data_requests(since=sync)]
    assert paths[:3] == ["devices.json", "profile.json", "devices.json"]
    with closing(home.index()) as db:
        assert read_ledger(db, home.clock.now()).zone == zone
        last = db.execute(
            "SELECT DISTINCT zone, synced_at / 1000 FROM pull WHERE began_at >= ?"
            " AND window_start IS NOT NULL",
            (sync.timestamp() * 1000,),
        ).fetchall()
    # The days before were lived in the old zone, and are read by it.
    assert set(last) == {(zone, sync.timestamp()), ("Europe/Berlin", sync.timestamp())}


def test_the_first_pass_knows_the_zone_before_it_reads_when_the_watch_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Household(
        tmp_path / "state",
        START.isoformat(),
        Wearer(seed=9, member_since=date(2027, 3, 9), zone="Asia/Tokyo"),
    )
    home.authorize()
    home.live(2 * MINUTE, monkeypatch=monkeypatch)
    paths = [entry.path for entry in home.data_requests()]
    assert [path.rpartition("/")[2] for path in paths[:2]] == ["profile.json", "devices.json"]
    with closing(home.index()) as db:
        zones = db.execute("SELECT DISTINCT zone FROM pull WHERE data_type <> 'profile'").fetchall()
        synced = db.execute("SELECT max(synced_at) / 1000 FROM device_sync").fetchone()
    assert zones == [("Asia/Tokyo",)]
    known = home.wearer.synced_at(START)
    assert known is not None
    assert synced == (known.timestamp(),)
