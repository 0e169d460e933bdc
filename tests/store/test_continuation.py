"""One person at two providers: one series, nothing twice, and a seam that can be seen."""

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from fitbitd.model import Axis, Daily, DataType, Field, Kind, Page, Readings
from fitbitd.providers.fitbit.catalog import CATALOGUE as FITBIT
from fitbitd.providers.google_health.catalog import CATALOGUE as GOOGLE
from fitbitd.store import continuation
from fitbitd.store.continuation import Side
from fitbitd.store.export import Export, Format, Joined, export_lines
from fitbitd.store.index import open_reader
from fitbitd.store.readers import attach_readers
from tests.support.seam import OtherLife
from tests.support.store import (
    HEART,
    NIGHTS,
    RESTING,
    Life,
    data_type,
    day,
    heart,
    ms,
    night,
)

PULSE = data_type(
    "pulse",
    Kind.READINGS,
    Axis.CIVIL,
    Field("rate", "bpm", "beats", legacy="heart.bpm"),
    Field("level", "%", "in another unit there", legacy="glucose.level"),
)
AT_REST = data_type(
    "at_rest", Kind.DAILY, Axis.DATE, Field("rate", "bpm", "at rest", legacy="resting.bpm")
)
NEW = {each.name: each for each in (PULSE, AT_REST, NIGHTS)}
NOW = "2026-03-10T10:00"
SEAM = (Side("alice", "google_health"), Side("alice_fitbit", "fitbit"))


def pulse(points: list[tuple[int, int, None]], source: str = "watch") -> Page:
    return Page(readings=(Readings("rate", source, 3600, list(points)),))


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Two lives that overlap on the second and third of March, where only one has the third."""
    folders = {name: tmp_path / name for name in ("alice", "alice_fitbit")}
    old = Life(folders["alice_fitbit"], NOW)
    beats = [(ms(f"2026-03-0{n}T08:00"), 60 + n, None) for n in (1, 2, 3)]
    late = (ms("2026-03-01T23:30"), 99, None)  # half past midnight in Berlin: it is of the second
    old.pull(HEART, day("2026-03-01", "2026-03-03"), heart([*beats, late], "tracker"))
    dates = day("2026-03-01", "2026-03-03", axis=Axis.DATE)
    nights = [night(f"old{n}", f"2026-03-0{n}") for n in (1, 2)]
    old.pull(NIGHTS, dates, Page(sessions=tuple(nights)))
    rest = [Daily(date(2026, 3, n), "bpm", 50 + n) for n in (1, 2)]
    old.pull(RESTING, dates, Page(dailies=(*rest, Daily(date(2026, 3, 1), "odd", 1))))
    old.store.close()
    new = OtherLife(folders["alice"], NOW, NEW)
    instants = [(ms(f"2026-03-0{n}T08:00"), 70 + n, None) for n in (2, 4)]
    new.pull(PULSE, day("2026-03-01", "2026-03-04"), pulse(instants))
    dates = day("2026-03-01", "2026-03-04", axis=Axis.DATE)
    new.pull(NIGHTS, dates, Page(sessions=(night("new2", "2026-03-02"),)))
    new.pull(AT_REST, dates, Page(dailies=(Daily(date(2026, 3, 2), "rate", 72, "watch"),)))
    new.store.close()
    return folders


@pytest.fixture
def db(folders: dict[str, Path]) -> Iterator[sqlite3.Connection]:
    with closing(attach_readers(folders, SEAM)) as db:
        yield db


@pytest.mark.parametrize("view", ["readings", "preferred_readings"])
def test_each_day_is_of_one_account_and_says_of_which(db: sqlite3.Connection, view: str) -> None:
    columns = "data_type, field, unit, source, substr(at_local, 1, 10), value, provider"
    query = f"SELECT {columns} FROM {view} ORDER BY instant"  # noqa: S608 - a name of ours
    assert db.execute(query).fetchall() == [
        ("pulse", "rate", "bpm", source, f"2026-03-0{n}", value, provider)
        for source, n, value, provider in (
            ("tracker", 1, 61, "fitbit"),
            ("watch", 2, 72, "google_health"),
            ("tracker", 3, 63, "fitbit"),
            ("watch", 4, 74, "google_health"),
        )
    ]


def exported(
    folders: dict[str, Path], of: DataType, *, preferred: bool = False
) -> list[dict[str, str]]:
    """Export a data type of the account that goes on, as a table."""
    with (
        closing(attach_readers(folders, SEAM)) as db,
        closing(open_reader(folders["alice_fitbit"])) as earlier,
    ):
        joined = Joined(earlier, ("google_health", "fitbit"))
        asked = Export(of, preferred=preferred, joined=joined)
        return list(csv.DictReader(export_lines(db, asked, Format.CSV)))


@pytest.mark.parametrize("preferred", [False, True])
def test_an_export_goes_across_the_seam(folders: dict[str, Path], *, preferred: bool) -> None:
    rows = exported(folders, PULSE, preferred=preferred)
    assert [list(row.values()) for row in rows] == [
        [
            f"2026-03-0{n}T08:00:00Z",
            f"2026-03-0{n}T09:00:00+01:00",
            *("rate", value, "bpm", source, "", provider),
        ]
        for n, value, source, provider in (
            (1, "61", "tracker", "fitbit"),
            (2, "72", "watch", "google_health"),
            (3, "63", "tracker", "fitbit"),
            (4, "74", "watch", "google_health"),
        )
    ]


def test_an_export_of_nights_and_daily_values_goes_across_the_seam(
    folders: dict[str, Path],
) -> None:
    nights = exported(folders, NIGHTS)
    assert [(row["key"], row["part"], row["provider"]) for row in nights] == [
        (key, stage, provider)
        for key, provider in (("old1", "fitbit"), ("new2", "google_health"))
        for stage in ("deep", "light", "rem")
    ]
    assert {row["efficiency"] for row in nights} == {"90"}
    rest = exported(folders, AT_REST)
    assert [(row["day"], row["field"], row["value"], row["provider"]) for row in rest] == [
        ("2026-03-01", "rate", "51", "fitbit"),
        ("2026-03-02", "rate", "72", "google_health"),
    ]


def test_what_has_no_counterpart_stays_where_it_is(db: sqlite3.Connection) -> None:
    assert db.execute("SELECT DISTINCT data_type FROM readings").fetchall() == [("pulse",)]
    assert db.execute("SELECT count(*) FROM daily_values WHERE field = 'odd'").fetchone() == (0,)
    fields = db.execute("SELECT field, old_field FROM continued_field ORDER BY 1").fetchall()
    assert ("level", "level") not in fields  # mmol/L is not %


def test_days_and_hours_go_on_in_the_same_unit(db: sqlite3.Connection) -> None:
    query = "SELECT day, unit, n, total, provider FROM days WHERE field = 'rate' ORDER BY day"
    assert db.execute(query).fetchall() == [
        ("2026-03-01", "bpm", 1, 61, "fitbit"),
        ("2026-03-02", "bpm", 1, 72, "google_health"),
        ("2026-03-03", "bpm", 1, 63, "fitbit"),
        ("2026-03-04", "bpm", 1, 74, "google_health"),
    ]
    query = "SELECT substr(hour_utc, 9, 5), unit, total, provider FROM hourly ORDER BY hour_utc"
    assert db.execute(query).fetchall() == [
        ("01T08", "bpm", 61, "fitbit"),
        ("02T08", "bpm", 72, "google_health"),
        ("03T08", "bpm", 63, "fitbit"),
        ("04T08", "bpm", 74, "google_health"),
    ]


def test_nights_and_their_stages_go_on_by_the_name_of_the_data_type(
    db: sqlite3.Connection,
) -> None:
    for view in ("sessions", "sleep"):
        query = f"SELECT key, day, provider FROM {view} ORDER BY day"  # noqa: S608 - a name of ours
        assert db.execute(query).fetchall() == [
            ("old1", "2026-03-01", "fitbit"),
            ("new2", "2026-03-02", "google_health"),
        ]
    stages = db.execute("SELECT key, count(*) FROM sleep_stages GROUP BY key").fetchall()
    assert stages == [("new2", 3), ("old1", 3)]


def test_daily_values_and_coverage_go_by_the_names_of_the_account_that_goes_on(
    db: sqlite3.Connection,
) -> None:
    assert db.execute("SELECT * FROM daily_values ORDER BY day").fetchall() == [
        ("at_rest", "rate", "bpm", "", "2026-03-01", 51, "fitbit"),
        ("at_rest", "rate", "bpm", "watch", "2026-03-02", 72, "google_health"),
    ]
    old = db.execute(
        "SELECT data_type, day FROM coverage_days WHERE provider = 'fitbit' ORDER BY 1, 2"
    ).fetchall()
    assert old == [
        ("at_rest", "2026-03-01"),
        ("at_rest", "2026-03-03"),
        ("pulse", "2026-03-01"),
        ("pulse", "2026-03-03"),
        ("sleep", "2026-03-01"),
        ("sleep", "2026-03-03"),
    ]


def test_each_account_can_still_be_asked_alone(db: sqlite3.Connection) -> None:
    assert db.execute("SELECT count(*) FROM alice.readings").fetchone() == (2,)
    assert db.execute("SELECT count(*) FROM alice_fitbit.readings").fetchone() == (4,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM temp.held_day")


def test_equal_names_need_no_entry_of_the_catalogue(tmp_path: Path) -> None:
    new, old = Life(tmp_path / "new"), Life(tmp_path / "old")
    old.pull(HEART, day("2026-03-01"), heart([(ms("2026-03-01T08:00"), 60, None)]))
    new.pull(HEART, day("2026-03-02"), heart([(ms("2026-03-02T08:00"), 61, None)]))
    old.store.close()
    new.store.close()
    folders = {"new": tmp_path / "new", "old": tmp_path / "old"}
    with closing(attach_readers(folders, (Side("new", "one"), Side("old", "it's")))) as db:
        rows = db.execute("SELECT value, provider FROM readings ORDER BY instant").fetchall()
    assert rows == [(60, "it's"), (61, "one")]


def test_every_view_that_tells_of_days_is_joined(db: sqlite3.Connection) -> None:
    """The views of an index, without those that tell of one account only."""
    own = {"snapshots", "files", "corrections", "unread_points", "lessons", "zones"}
    names = {
        name for (name,) in db.execute("SELECT name FROM alice.sqlite_schema WHERE type = 'view'")
    }
    joined = dict(db.execute("SELECT name, sql FROM sqlite_temp_schema WHERE type = 'view'"))
    assert joined.keys() == names - own
    for name in joined:
        plain, both = (
            [column[0] for column in db.execute(f"SELECT * FROM {schema}.{name}").description]  # noqa: S608
            for schema in ("alice", "temp")
        )
        assert both == [*plain, "provider"], name
        assert db.execute(f"SELECT count(*) FROM {name}").fetchone() is not None  # noqa: S608


def test_the_statements_can_be_typed_elsewhere(folders: dict[str, Path]) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for name, folder in folders.items():
            db.execute(f"ATTACH ? AS {name}", (str(folder / "index.sqlite"),))
        db.executescript(";\n".join(continuation.statements(*SEAM)))
        assert db.execute("SELECT count(*) FROM readings").fetchone() == (4,)


def test_an_hour_that_a_midnight_lies_in_is_nowhere_twice(tmp_path: Path) -> None:
    kolkata = 19_800  # half an hour beside the full hours: midnight is 18:30 in UTC
    old = Life(tmp_path / "old")
    around = [(ms("2026-03-01T18:15"), 60, None), (ms("2026-03-01T18:45"), 61, None)]
    old.pull(HEART, day("2026-03-01", "2026-03-02"), heart(around, offset_s=kolkata))
    old.store.close()
    new = Life(tmp_path / "new")
    new.pull(HEART, day("2026-03-02"), heart(around[1:], offset_s=kolkata))
    new.store.close()
    folders = {"new": tmp_path / "new", "old": tmp_path / "old"}
    with closing(attach_readers(folders, (Side("new", "n"), Side("old", "o")))) as db:
        assert db.execute("SELECT total, provider FROM hourly").fetchall() == [(61, "n")]
        rows = db.execute("SELECT value, provider FROM readings ORDER BY instant").fetchall()
    assert rows == [(60, "o"), (61, "n")]


def test_what_the_catalogue_says_is_the_same_exists_there_and_has_the_same_unit() -> None:
    earlier = {
        f"{each.name}.{one.name}": one.unit for each in FITBIT.values() for one in each.fields
    }
    told = [one for each in GOOGLE.values() for one in each.fields if one.legacy]
    assert len(told) > 12
    for one in told:
        assert earlier[one.legacy] == one.unit, one
