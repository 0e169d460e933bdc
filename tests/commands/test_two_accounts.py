"""What commands answer about one person at two providers."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from fitbitd.assembly import PROVIDERS
from fitbitd.model import (
    Axis,
    Daily,
    DataTypeName,
    Page,
    Part,
    Point,
    Pull,
    Readings,
    Session,
    Why,
)
from tests.support.cli import Desk
from tests.support.seam import OtherLife
from tests.support.store import ZONE, complete, day, ms, night

GOOGLE, FITBIT = (PROVIDERS[name].catalogue for name in ("google_health", "fitbit"))
NOW = "2026-03-10T10:00"
CONFIG = """
state_dir = "state"

[[account]]
name = "old"
provider = "fitbit"
client_id = "23SIMU"
client_secret_file = "secret"

[[account]]
name = "alice"
provider = "google_health"
client_id = "simulated"
client_secret_file = "secret"
continues = "old"
"""


def pulse(*points: tuple[str, int], source: str = "watch", preference: int = 0) -> Page:
    at: list[Point] = [(ms(f"2026-03-{when}"), value, None) for when, value in points]
    return Page(readings=(Readings("heart_rate", source, 3600, at, preference),))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk at which the legacy account has two days, and the other one the second too."""
    desk = Desk(tmp_path)
    desk.config.write_text(CONFIG)
    state = tmp_path / "state"
    state.mkdir()
    kind, sleep = DataTypeName("heart_rate"), DataTypeName("sleep")
    old = OtherLife(state / "old", NOW, FITBIT)
    old.pull(
        FITBIT[kind], day("2026-03-01", "2026-03-02"), pulse(("01T08:00", 61), ("02T08:00", 62))
    )
    dates = day("2026-03-01", "2026-03-02", axis=Axis.DATE)
    old.pull(FITBIT[sleep], dates, Page(sessions=(night("a", "2026-03-01"),)))
    rest = Page(dailies=(Daily(date(2026, 3, 1), "resting_heart_rate", 50),))
    old.pull(FITBIT[DataTypeName("daily_heart_rate")], dates, rest)
    old.store.close()
    new = OtherLife(state / "alice", NOW, GOOGLE)
    phone = pulse(("02T08:00", 99), source="phone", preference=1)
    new.pull(GOOGLE[kind], day("2026-03-02"), pulse(("02T08:00", 72)), phone)
    new.store.close()
    return desk


def asked(desk: Desk, sql: str, *args: str) -> list[dict[str, object]]:
    said = desk.ask("query", sql, "--json", *args)
    assert said.code == 0, said
    return [json.loads(line) for line in said.out.splitlines()]


def test_a_query_shows_one_series_and_its_seam(desk: Desk) -> None:
    sql = "SELECT value, provider FROM preferred_readings ORDER BY instant"
    both = [{"value": 61, "provider": "fitbit"}, {"value": 72, "provider": "google_health"}]
    assert asked(desk, sql) == both  # whichever account the configuration has first
    assert asked(desk, sql, "--account", "alice") == both
    assert asked(desk, "SELECT data_type, value FROM daily_values") == [
        {"data_type": "daily_resting_heart_rate", "value": 50}
    ]


def test_each_account_can_be_asked_alone(desk: Desk) -> None:
    count = "SELECT count(*) AS n FROM {}readings"
    assert asked(desk, count.format("alice.")) == [{"n": 2}]
    assert asked(desk, count.format(""), "--account", "old") == [{"n": 2}]
    desk.ask("query", "SELECT provider FROM readings", "--account", "old").refused(64, "provider")


def test_the_first_account_gives_its_views(desk: Desk) -> None:
    accounts = ("--account", "old", "--account", "alice")
    assert asked(desk, "SELECT count(*) AS n FROM days", *accounts) == [{"n": 2}]
    assert asked(desk, "SELECT count(*) AS n FROM days", *accounts[2:], *accounts[:2]) == [{"n": 3}]


def test_the_views_can_be_had_elsewhere(desk: Desk) -> None:
    script = desk.ask("query", "--account", "alice", "--show-views").out
    with closing(sqlite3.connect("file::memory:", uri=True)) as db:
        db.executescript(script)
        days = db.execute("SELECT day, provider FROM days ORDER BY day, source").fetchall()
    assert days == [
        ("2026-03-01", "fitbit"),
        ("2026-03-02", "google_health"),
        ("2026-03-02", "google_health"),
    ]
    desk.ask("query", "--account", "old", "--show-views").refused(64, "continues no account")
    assert desk.ask("query").code == 64


def test_an_export_goes_across_the_seam(desk: Desk) -> None:
    def rows(*args: str) -> list[tuple[str, str]]:
        said = desk.ask("export", *args)
        assert said.code == 0, said
        return [(row["value"], row["provider"]) for row in csv.DictReader(said.out.splitlines())]

    assert rows("alice", "heart_rate") == [
        ("61", "fitbit"),
        ("99", "google_health"),
        ("72", "google_health"),
    ]
    assert rows("alice", "heart_rate", "--preferred", "--from", "2026-03-02") == [
        ("72", "google_health")
    ]
    assert rows("alice", "daily_resting_heart_rate") == [("50", "fitbit")]
    nights = desk.ask("export", "alice", "sleep", "--format", "jsonl").out.splitlines()
    assert [(json.loads(one)["key"], json.loads(one)["provider"]) for one in nights] == [
        ("a", "fitbit")
    ]
    head, *_ = desk.ask("export", "old", "heart_rate").out.splitlines()
    assert "provider" not in head


def test_an_account_is_as_others_until_the_one_that_it_continues_has_an_index(desk: Desk) -> None:
    (desk.folder / "state" / "old" / "index.sqlite").unlink()
    assert asked(desk, "SELECT count(*) AS n FROM days") == [{"n": 2}]
    said = desk.ask("export", "alice", "heart_rate", "--format", "jsonl")
    assert "provider" not in json.loads(said.out.splitlines()[0])


def test_status_names_the_account_that_is_continued(desk: Desk) -> None:
    said = desk.ask("status", "alice")
    assert "continues old: query and export show both as one series" in said.out
    assert "no quota is told; at most" in said.out


XML = '<?xml version="1.0"?>\r\n<Track Name="Köln"/>\n'.encode()


@pytest.fixture
def tracked(desk: Desk) -> Desk:
    """Give a desk at which a run has a track."""
    life = OtherLife(desk.folder / "state" / "alice", NOW, GOOGLE)
    start = ms("2026-03-05T07:00")
    part = Part("split", "1", start, 600_000)
    run = Session("run/../1", date(2026, 3, 5), start, start + 600_000, 3600, parts=(part,))
    life.pull(GOOGLE[DataTypeName("exercise")], day("2026-03-05"), Page(sessions=(run,)))
    life.begin_pass()
    pull = Pull(DataTypeName("exercise_tcx"), None, Why.INTERVAL, ZONE, item=run.key)
    life.write_pull(pull, [XML], complete(1, 1))
    life.end_pass()
    (path, seq) = life.rows("SELECT path, last_seq - 2 FROM archive_file")[0]
    life.rows(
        "INSERT INTO file VALUES ('exercise_tcx', ?, '1', 'application/xml', ?, ?, ?, 0)",
        *(run.key, len(XML), path, seq),
    )
    life.store.close()
    return desk


def test_tracks_are_written_into_a_folder_to_the_byte(tracked: Desk) -> None:
    folder = tracked.folder / "tracks" / "alice"
    said = tracked.ask("export", "alice", "exercise_tcx", "--output", str(folder))
    (track,) = folder.iterdir()
    assert (said.code, said.out, track.name) == (0, f"{track}\n", "2026-03-05T070000Z_run_.._1.tcx")
    assert track.read_bytes() == XML
    late = ("--output", str(folder), "--from", "2026-03-06")
    said = tracked.ask("export", "alice", "exercise_tcx", *late)
    assert (said.code, said.out) == (0, "")
    assert "no files of exercise_tcx in these days" in said.err


def test_tracks_need_a_folder_and_nothing_else_does(tracked: Desk) -> None:
    tracked.ask("export", "alice", "exercise_tcx").refused(64, "made of files", "--output")
    tracked.ask("export", "alice", "steps", "--output", "x").refused(64, "has no files")
    tracked.ask("export", "alice", "exercise_tcx", "--output", str(tracked.config)).refused(
        64, "is no folder"
    )
