"""What the planner is told: runs of final days, the first day, the zones, the last look back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitbitd.model import Axis, Daily, DeviceSync, Page
from fitbitd.plan.coverage import SettledBy
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.windows import runs
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    GLUCOSE,
    HEART,
    NIGHTS,
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

SUNDAY = date(2026, 3, 1)
SYNCED = at("2026-03-10T09:00")
DAY = timedelta(days=1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice", "2026-03-10T10:00")
    yield made
    before = list(canonical_dump(made.store.index.db))
    list(rebuild(tmp_path / "alice", read, CATALOGUE))
    assert list(canonical_dump(made.store.index.db)) == before
    made.store.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Life]:
    """Give an index that is written to past its archive."""
    made = Life(tmp_path / "alice", "2026-03-10T10:00")
    yield made
    made.store.close()


def ledger(life: Life) -> Ledger:
    return life.store.index.ledger(life.now)


def beats(on: str) -> Page:
    return heart([(ms(f"{on}T08:00"), 60, None)])


def settled_by(life: Life) -> list[tuple[str, str | None]]:
    return life.rows("SELECT day, settled_by FROM coverage ORDER BY day")


def zone(life: Life, name: str) -> None:
    life.pull(DEVICES, None, Page(zone=name))


def test_the_ledger_says_what_let_a_day_settle(life: Life) -> None:
    life.pull(HEART, day("2026-02-20"), beats("2026-02-20"))
    life.pull(HEART, day("2026-02-21"), beats("2026-02-21"), synced_at=SYNCED)
    life.pull(HEART, day("2026-03-09"), beats("2026-03-09"), synced_at=SYNCED)
    by_age, by_sync = SettledBy.AGE.value, SettledBy.SYNC.value
    assert settled_by(life) == [
        ("2026-02-20", by_age),
        ("2026-02-21", by_sync),
        ("2026-03-09", None),
    ]
    life.pull(HEART, day("2026-02-20"), beats("2026-02-20"), synced_at=SYNCED)
    assert settled_by(life)[0] == ("2026-02-20", by_sync)  # better proof is noted
    life.pull(HEART, day("2026-02-21", "2026-02-21"), beats("2026-02-21"))
    life.pull(HEART, hours("2026-02-21T00:00", "2026-02-21T09:00"), beats("2026-02-21"))
    assert settled_by(life)[1] != ("2026-02-21", None)  # a part of a day takes nothing back
    rows = life.rows("SELECT day, state, settled_by FROM coverage_days ORDER BY day")
    assert rows[-1] == ("2026-03-09", "provisional", None)


def test_what_opens_a_day_again_takes_its_proof_back(life: Life) -> None:
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at("2026-03-01T09:00")),)))
    for on in ("2026-02-28", "2026-03-01"):
        life.pull(HEART, day(on), beats(on), synced_at=SYNCED)
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", SYNCED),)))
    assert settled_by(life) == [("2026-02-28", "sync"), ("2026-03-01", None)]
    zone(life, "America/Los_Angeles")  # the first that is told: days were not what they seemed
    assert settled_by(life) == [("2026-02-28", None), ("2026-03-01", None)]


def test_each_zone_is_kept_with_when_it_was_first_seen(life: Life) -> None:
    assert ledger(life).zones == ()
    for name in ("Europe/Berlin", "Europe/Berlin", "Asia/Tokyo", "Europe/Berlin"):
        zone(life, name)
        life.wait(days=1)
    seen = at("2026-03-10T10:00")
    assert ledger(life).zones == (
        (seen, "Europe/Berlin"),
        (seen + 2 * DAY, "Asia/Tokyo"),
        (seen + 3 * DAY, "Europe/Berlin"),
    )
    assert ledger(life).zone == "Europe/Berlin"
    assert life.rows("SELECT * FROM zones")[1] == ("2026-03-12T10:00:00Z", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("home", "away", "first_open"),
    [
        ("America/Los_Angeles", "Asia/Tokyo", "2026-02-28"),  # it was still February at home
        ("Asia/Tokyo", "America/Los_Angeles", "2026-02-28"),  # and there it was February again
        ("Europe/Berlin", "Asia/Tokyo", "2026-03-01"),
    ],
)
def test_a_sync_after_a_trip_opens_the_days_of_the_zone_at_the_sync_before(
    life: Life, home: str, away: str, first_open: str
) -> None:
    life.now = at("2026-03-01T04:10")
    zone(life, home)
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at("2026-03-01T04:00")),)))
    life.now = at("2026-03-14T10:00")
    zone(life, away)
    for on in ("2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"):
        life.pull(HEART, day(on), beats(on), synced_at=at("2026-03-14T09:00"))
    assert not ledger(life).of(HEART.name).open
    life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at("2026-03-14T09:30")),)))
    opened = ledger(life).of(HEART.name).open
    assert min(opened).isoformat() == first_open


def test_the_earliest_first_day_of_an_account_that_was_told_counts(life: Life) -> None:
    assert ledger(life).member_since is None
    for told in (date(2024, 5, 1), date(2023, 5, 1), date(2025, 5, 1), None):
        life.pull(DEVICES, None, Page(member_since=told))
    assert ledger(life).member_since == date(2023, 5, 1)


def test_the_first_day_seen_is_the_first_with_anything_but_zeros(life: Life) -> None:
    assert ledger(life).first_seen is None
    zeros = [(ms("2026-01-05T08:00"), 0, None)]
    life.pull(HEART, day("2026-01-05"), heart(zeros))
    assert ledger(life).first_seen is None
    life.pull(HEART, day("2026-03-05"), beats("2026-03-05"))
    assert ledger(life).first_seen == date(2026, 3, 5)
    life.pull(GLUCOSE, utc_days("2026-03-04"), sugar(("2026-03-04T08:00", -1.0)))
    assert ledger(life).first_seen == date(2026, 3, 4)
    of_rest = Page(dailies=(Daily(date(2026, 1, 6), "bpm", 50),))
    life.pull(RESTING, day("2026-01-06", axis=Axis.DATE), of_rest)
    assert ledger(life).first_seen == date(2026, 3, 4)  # no steps: it may be made up
    nights = day("2026-03-03", axis=Axis.DATE)
    life.pull(NIGHTS, nights, Page(sessions=(night("a", "2026-03-03"),)))
    assert ledger(life).first_seen == date(2026, 3, 3)


def test_daily_steps_tell_the_first_day_if_they_are_not_zero(bare: Life) -> None:
    bare.rows("INSERT INTO field VALUES ('daily_steps', 'steps', 'steps', 'taken', '')")
    for on, value in (("2020-01-01", 0), ("2021-01-01", 7), ("2022-01-01", 9)):
        bare.rows("INSERT INTO daily VALUES ('daily_steps', 'steps', '', ?, ?)", on, value)
    assert ledger(bare).first_seen == date(2021, 1, 1)


def test_the_last_look_back_is_the_oldest_read_of_the_days_settled_lately(life: Life) -> None:
    assert ledger(life).of(HEART.name).looked_back_at is None
    life.pull(HEART, day("2025-12-01"), beats("2025-12-01"))  # beyond ninety days
    assert ledger(life).of(HEART.name).looked_back_at is None
    first = life.now
    for on in ("2026-02-01", "2026-02-02", "2026-02-04"):
        life.pull(HEART, day(on), beats(on), synced_at=life.now)
        life.wait(hours=20)
    life.pull(HEART, day("2026-03-09"), beats("2026-03-09"))  # not settled
    known = ledger(life).of(HEART.name)
    assert known.looked_back_at == first
    assert known.unlooked == ((date(2026, 2, 1), date(2026, 2, 2)),)
    life.pull(HEART, day("2026-02-01", "2026-02-02"), beats("2026-02-01"))
    known = ledger(life).of(HEART.name)
    assert (known.looked_back_at, known.unlooked) == (first + timedelta(hours=40), ())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(settled=st.sets(st.integers(0, 40)), opened=st.sets(st.integers(0, 40)))
def test_settled_days_are_told_as_runs_wherever_the_holes_are(
    bare: Life, settled: set[int], opened: set[int]
) -> None:
    bare.rows("DELETE FROM coverage")
    for number in sorted(settled | opened):
        bare.rows(
            "INSERT INTO coverage (data_type, day, readings, settled, whole, read_at)"
            " VALUES ('heart', ?, 1, ?, 1, 1)",
            (SUNDAY + number * DAY).isoformat(),
            number not in opened,
        )
    final = [SUNDAY + number * DAY for number in sorted(settled - opened)]
    assert ledger(bare).of(HEART.name).settled == tuple(runs(final))
    assert sorted(ledger(bare).of(HEART.name).open) == [SUNDAY + n * DAY for n in sorted(opened)]
