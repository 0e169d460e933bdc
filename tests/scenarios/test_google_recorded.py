"""Every recorded body of Google, from the provider to the rows of the index, and to its bytes."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Wearer
from fitbitd.simulator.google_health import GoogleHealthSettings
from tests.support.google_replies import INDEX, answers, archived, body, path_of, pulled
from tests.support.google_said import NOT_ASKED, SAID, TRACKS
from tests.support.household import Household, google_account

NOW = "2026-11-04T09:40:00+00:00"
TESTS = Path(__file__).parents[1]
ELSEWHERE = {
    "oauth/token-exchange-production.json": "support/google.py",
    "oauth/token-exchange-testing-mode.json": "commands/test_google_consent.py",
    "oauth/token-exchange-partial-scopes.json": "commands/test_google_consent.py",
    "oauth/token-refresh.json": "commands/test_google_consent.py",
    "oauth/authorization-redirect-denied.txt": "oauth/test_grant.py",
}
"""What `authorize` meets, by the file that has it so; `test_google_consent.py` runs it."""


def test_no_recorded_body_is_forgotten() -> None:
    failing = "".join(
        (TESTS / "scenarios" / name).read_text(encoding="utf-8")
        for name in ("test_google_refusals.py", "test_two_providers.py")
    )
    for file, test in ELSEWHERE.items():
        assert Path(file).name in (TESTS / test).read_text(encoding="utf-8"), file
    here = {*SAID, *TRACKS, *NOT_ASKED, *ELSEWHERE}
    assert [file for file in INDEX if file not in here and f'"{file}":' not in failing] == []
    assert here <= INDEX.keys()
    assert len(INDEX) == 131


def household(state_dir: Path, name: str, **google: Any) -> Household:
    """Make a household of one account that collects one data type; nothing else is asked."""
    home = Household(
        state_dir,
        NOW,
        Wearer(seed=1, member_since=date(2026, 11, 3)),
        google_settings=GoogleHealthSettings(**google),
        accounts=(google_account(data_types=(DataTypeName(name),)),),
    )
    home.authorize()
    return home


def span(days: str) -> tuple[date, date] | None:
    """Read the first and the last day."""
    if not days:
        return None
    first, *last = map(date.fromisoformat, days.split())
    return first, last[0] if last else first


def rows(db: sqlite3.Connection, name: str) -> Iterator[str]:
    """Tell every row of a data type, one a line."""

    def ask(columns: str) -> Iterator[tuple[Any, ...]]:
        return iter(db.execute(f"SELECT {columns}", (name,)).fetchall())

    readings = "field, value, at_utc, duration_s, utc_offset_s, source FROM readings"
    for field, value, at, length, offset, source in ask(f"{readings} WHERE data_type = ?"):
        lasts = "" if length is None else f" {length} s"
        yield f"{field}={value!r} at {at}{lasts} {offset} [{source}]"
    for day, field, value, source in ask(
        "day, field, value, source FROM daily_values WHERE data_type = ?"
    ):
        yield f"{day} {field}={value!r} [{source}]"
    own = "FROM session AS s JOIN sessions AS v ON v.session = s.id WHERE s.data_type = ?"
    for key, day, start, end, offset, numbers, labels in ask(
        f"s.key, s.day, start_utc, end_utc, utc_offset_s, numbers, labels {own}"
    ):
        yield f"{key} on {day} from {start} to {end} {offset}"
        yield from (f"{key} {field}={value!r}" for field, value in json.loads(numbers).items())
        yield from (f"{key} {field}: {text}" for field, text in json.loads(labels).items())
    for key, kind, label, start, length_ms in ask(
        "key, kind, label, strftime('%Y-%m-%dT%H:%M:%SZ', p.start_ms / 1000, 'unixepoch'),"
        " duration_ms FROM session_part AS p JOIN session AS s ON s.id = p.session"
        " WHERE data_type = ?"
    ):
        yield f"{key} {kind} {label} at {start} {length_ms // 1000} s"
    for key, content in ask("key, content FROM snapshots WHERE data_type = ?"):
        yield from (f"{key} {value}" for value in json.loads(content).values())
    for device, synced_at in ask("device, synced_at FROM device_sync WHERE ?1 = 'paired_devices'"):
        yield f"{device} synced {synced_at}"


def counts(db: sqlite3.Connection, name: str) -> tuple[int, ...]:
    """Count readings, sessions, parts of sessions, daily values and snapshots."""
    return tuple(
        db.execute(f"SELECT count(*) FROM {each} WHERE data_type = ?", (name,)).fetchone()[0]  # noqa: S608 - ours
        for each in (
            "readings",
            "session",
            "session_part JOIN session ON session.id = session",
            "daily",
            "snapshots",
        )
    )


def last_pull(db: sqlite3.Connection, name: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = db.execute(
        "SELECT outcome, reason, pages, unread FROM pull WHERE data_type = ? ORDER BY id DESC",
        (name,),
    ).fetchone()
    return found


@pytest.mark.parametrize("file", SAID)
def test_a_recorded_answer_becomes_its_rows_and_stays_as_it_came(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = SAID[file]
    name = said.data_type
    google_id = name.replace("_", "-")
    home = household(
        tmp_path / "state",
        name,
        not_offered=frozenset((google_id, method) for method in said.refused),
        also_offered=frozenset((google_id, method) for method in ("list", "reconcile")),
    )
    if not said.days and name != "paired_devices":  # the first pass asks them anyway
        pulled(home, name, None, monkeypatch=monkeypatch)
    path = path_of(file, name)
    home.simulator.faults.add(answers(file, path, count=1))
    if said.pages > 1:
        home.simulator.faults.add(answers("list/empty-braces.json", path, count=1))
    report, conditions = pulled(home, name, span(said.days), monkeypatch=monkeypatch)

    assert (report.outcome, conditions) == ("ok", ())
    with closing(home.index()) as db:
        assert last_pull(db, name) == ("complete", "", said.pages, 0)
        assert counts(db, name) == said.counts
        found = list(rows(db, name))
    assert [line for line in said.lines if line not in found] == []
    assert body(file) in set(archived(home.parts().folder))
    asked = [entry.asked for entry in home.data_requests() if entry.fault]
    assert len(asked) == said.pages
    if said.pages > 1:
        token = json.loads(body(file))["nextPageToken"]
        assert [token in each for each in asked] == [False, True]


@pytest.mark.parametrize("file", TRACKS)
def test_a_recorded_track_is_kept_as_a_file(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "exercise_tcx")
    home.simulator.faults.add(answers(file, ":exportExerciseTcx$"))
    report, conditions = pulled(
        home, "exercise_tcx", None, monkeypatch=monkeypatch, item="4100000000017326772@v1"
    )
    assert (report.outcome, conditions) == ("ok", ())
    with closing(home.index()) as db:
        kept = db.execute("SELECT key, version, media_type, size_bytes FROM file").fetchall()
    assert kept == [("4100000000017326772", "v1", TRACKS[file], len(body(file)))]
    assert body(file) in set(archived(home.parts().folder))


@pytest.mark.parametrize("file", NOT_ASKED)
def test_an_answer_to_something_else_is_no_empty_answer(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = NOT_ASKED[file]
    name, days = SAID[usual].data_type, span(SAID[usual].days)
    home = household(tmp_path / "state", name)
    home.simulator.faults.add(answers(usual, path_of(usual, name), count=1))
    pulled(home, name, days, monkeypatch=monkeypatch)
    home.simulator.faults.add(answers(file, path_of(usual, name)))
    with closing(home.index()) as db:
        before = list(rows(db, name)), coverage(db)

    report, conditions = pulled(home, name, days, monkeypatch=monkeypatch)
    assert (report.outcome, report.failed) == ("ok", 1)
    assert ("contract_changed", name) in {(each.code, each.data_type) for each in conditions}
    with closing(home.index()) as db:
        assert last_pull(db, name)[:2] == ("failed", "contract_changed")
        assert (list(rows(db, name)), coverage(db)) == before
        assert db.execute("SELECT count(*) FROM doubt").fetchone() == (0,)
    assert body(file) in set(archived(home.parts().folder))


def coverage(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT * FROM coverage WHERE data_type <> 'settings'").fetchall()
