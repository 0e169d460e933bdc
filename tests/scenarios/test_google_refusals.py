"""What Google refuses, denies or cannot manage: what is asked instead, what is learnt."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fitbitd import facts
from fitbitd.health import Condition
from fitbitd.model import DataTypeName
from fitbitd.providers.google_health.capability import CAPABILITIES
from fitbitd.simulator import Fault, RegularSyncs, Wearer, hours
from fitbitd.simulator.google_health import GoogleHealthSettings
from fitbitd.store.ledger import read_ledger
from tests.support.google_replies import answers, archived, body, pulled
from tests.support.household import Household, google_account

START = datetime(2027, 3, 10, 6, 5, tzinfo=UTC)  # five minutes after a sync
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAYS = date(2027, 3, 5), date(2027, 3, 9)


def household(state_dir: Path, *names: str, **google: Any) -> Household:
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(
            seed=4,
            member_since=date(2027, 3, 1),
            syncs=RegularSyncs(2 * 3600),
            worn_minutes=hours(8, 12, 17, 23),
            intervals_s=(60,),
        ),
        google_settings=GoogleHealthSettings(**google),
        accounts=(google_account(data_types=tuple(map(DataTypeName, names)), poll_every=HOUR / 2),),
    )
    home.authorize()
    return home


def refuse(home: Household, path: str, count: int | None = None) -> None:
    reason = "RESOURCE_PERMISSION_DENIED"
    home.simulator.faults.add(Fault(kind="refuse", path=path, reason=reason, count=count))


def asked(home: Household, part: str, since: datetime = START) -> list[Any]:
    return [entry for entry in home.data_requests(since=since) if part in entry.path]


def stored(home: Household) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that was collected, but not when."""
    queries = {
        "readings": "SELECT data_type, field, source, utc_offset_s, ordinal, instant, value,"
        " duration_s FROM readings ORDER BY 1, 2, 3, 4, 5, 6",
        "sessions": "SELECT key, day, start_utc, end_utc, labels, numbers FROM sessions ORDER BY 1",
        "parts": "SELECT key, kind, label, p.start_ms, duration_ms FROM session_part AS p"
        " JOIN session AS s ON s.id = p.session ORDER BY 1, 2, 4",
        "daily": "SELECT data_type, field, source, day, value FROM daily ORDER BY 1, 2, 3, 4",
    }
    with closing(home.index()) as db:
        return {name: db.execute(query).fetchall() for name, query in queries.items()}


def lessons(home: Household) -> set[tuple[str, str, str]]:
    """Give what `status` says was learnt."""
    with closing(home.index()) as db:
        known = read_ledger(db, home.clock.now()).lessons
    return {(each.data_type, str(each.kind), each.value) for each in known}


def last_pull(db: sqlite3.Connection, name: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = db.execute(
        "SELECT outcome, reason FROM pull WHERE data_type = ? ORDER BY id DESC", (name,)
    ).fetchone()
    return found


# one data type


REFUSED = {
    "errors/400-data-source-family.json": ("weight", "request_refused"),
    "errors/400-filter-civil-format.json": ("exercise", "request_refused"),
    "errors/400-time-range-empty.json": ("steps", "request_refused"),
    "errors/404-data-point.json": ("nutrition_log", "request_refused"),
    # It names other ways, but a day's totals can be asked for in this way only.
    "errors/400-daily-rollup-not-supported.json": ("daily_weight", "data_type_refused"),
}


@pytest.mark.parametrize("file", REFUSED)
def test_what_is_refused_waits_an_hour_and_stops_nothing_else(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, reason = REFUSED[file]
    home = household(tmp_path / "state", name)
    google_id = name.removeprefix("daily_").replace("_", "-")
    home.simulator.faults.add(answers(file, f"/dataTypes/{google_id}/"))
    report, conditions = pulled(home, name, DAYS, monkeypatch=monkeypatch)
    assert (report.outcome, report.failed) == ("ok", 1)
    assert [(each.code, each.data_type) for each in conditions] == [(reason, name)]
    with closing(home.index()) as db:
        assert last_pull(db, name) == ("failed", reason)
        ((first, wait_ms),) = db.execute("SELECT first_at, next_at - last_at FROM refusal")
    assert timedelta(milliseconds=wait_ms) == HOUR
    assert first >= START.timestamp() * 1000
    assert body(file) in set(archived(home.parts().folder))


TAUGHT = {
    "errors/400-list-not-supported.json": ("steps", ("steps", "method", "rollUp")),
    "errors/400-rollup-range-too-long.json": (
        "daily_total_calories",
        ("daily_total_calories", "longest_days", "14"),
    ),
}


@pytest.mark.parametrize("file", TAUGHT)
def test_a_refusal_that_names_another_way_is_obeyed_at_once_and_for_good(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, lesson = TAUGHT[file]
    days = date(2027, 2, 1), date(2027, 3, 9)
    home = household(tmp_path / "state", name)
    google_id = name.removeprefix("daily_").replace("_", "-")
    home.simulator.faults.add(answers(file, f"/dataTypes/{google_id}/", count=1))
    report, conditions = pulled(home, name, days, monkeypatch=monkeypatch)
    assert (report.outcome, conditions) == ("ok", ())
    assert lessons(home) == {lesson}
    first = stored(home)
    assert first["readings"] or first["daily"]
    assert body(file) in set(archived(home.parts().folder))

    sent = len(asked(home, google_id))
    pulled(home, name, days, monkeypatch=monkeypatch)  # by another process
    again = asked(home, google_id)[sent:]
    assert {entry.status for entry in again} == {200}
    if name == "steps":
        assert {entry.path.rpartition(":")[2] for entry in again} == {"rollUp"}
    assert stored(home) == first


READABLE = [
    (each.name, action)
    for each in CAPABILITIES.values()
    for letter, action in (("L", "list"), ("R", "reconcile"), ("U", "rollup"))
    if letter in each.methods
]


@pytest.mark.parametrize(("name", "action"), READABLE)
def test_a_method_that_is_not_offered_is_made_up_for_or_told(
    name: str, action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    google_id = name.replace("_", "-")
    home = household(tmp_path / "state", name, not_offered=frozenset({(google_id, action)}))
    report, conditions = pulled(home, name, (DAYS[1], DAYS[1]), monkeypatch=monkeypatch)
    refused = [entry for entry in asked(home, f"/{google_id}/") if entry.status == 400]
    assert report.outcome == "ok"
    assert len(refused) <= (
        1 if CAPABILITIES[google_id].filter.axis else 2
    )  # in the first look too
    if not conditions:
        with closing(home.index()) as db:
            assert last_pull(db, name) == ("complete", "")
        assert {each[:2] for each in lessons(home)} == ({(name, "method")} if refused else set())
        sent = len(home.data_requests())
        pulled(home, name, (DAYS[1], DAYS[1]), monkeypatch=monkeypatch)  # by another process
        assert {entry.status for entry in home.data_requests()[sent:]} == {200}
    else:
        assert [(each.code, each.data_type) for each in conditions] == [("data_type_refused", name)]
        assert action == "list" or "L" not in CAPABILITIES[google_id].methods


def test_day_totals_that_are_not_offered_are_listed_and_nothing_counts_as_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "daily_activity_level", "hourly_activity_level", "sleep")
    home.live(30 * HOUR, monkeypatch=monkeypatch)
    names = ("daily_activity_level", "hourly_activity_level")
    assert home.conditions() == {("data_type_refused", name) for name in names}
    assert len(asked(home, "/activity-level/")) <= 2 * 6  # after 1, 2, 4, 8, 16 hours


def test_a_data_type_that_is_offered_after_all_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = frozenset({("activity-level", "dailyRollup"), ("activity-level", "rollup")})
    home = household(tmp_path / "state", "daily_activity_level", also_offered=offered)
    _, conditions = pulled(home, "daily_activity_level", DAYS, monkeypatch=monkeypatch)
    assert conditions == ()
    assert len(stored(home)["daily"]) > len(range(DAYS[0].day, DAYS[1].day))


# 403


def test_a_type_that_is_denied_alone_is_off_alone_and_asked_ever_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "sleep", "weight", "daily_steps")
    refuse(home, "/dataTypes/sleep/")
    home.live(timedelta(hours=58), monkeypatch=monkeypatch)

    times = [entry.at for entry in asked(home, "/sleep/")]
    waits = [(after - before) / HOUR for before, after in pairwise(times)]
    for wait, least in zip(waits, [1, 2, 4, 8, 16, 24], strict=True):
        assert least <= wait <= least + 0.6, waits
    assert home.conditions() == {("data_type_refused", "sleep")}
    assert {report.outcome for _, _, report in home.reports} == {"ok"}
    assert len(asked(home, "/weight/")) >= 50
    assert stored(home)["daily"]

    home.restart()
    home.simulator.faults.clear()
    consent = home.clock.now() + HOUR
    home.at.append((consent, home.authorize))
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    assert asked(home, "/sleep/", consent)[0].at - consent <= HOUR / 2 + MINUTE  # the next pass
    assert home.conditions() == set()
    assert stored(home)["sessions"]


def test_a_denial_of_everything_is_one_condition_after_three_passes_and_no_type_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "sleep", "weight", "daily_steps", "settings", "identity")
    struck, healed = START + HOUR, START + 5 * HOUR
    home.at.append((struck, lambda: refuse(home, " /v4/")))
    home.at.append((healed, home.simulator.faults.clear))
    seen: list[tuple[Condition, ...]] = []
    off: list[Any] = []

    def look() -> None:
        with closing(home.index()) as db:
            seen.append(facts.standing(home.parts().subject, db, home.clock.now()))
            off.extend(db.execute("SELECT * FROM refusal").fetchall())

    for minutes in (40, 70, 100):  # after the first, the second and the third pass
        home.at.append((struck + minutes * MINUTE, look))
    home.at.append((healed - MINUTE, look))
    home.live(8 * HOUR, monkeypatch=monkeypatch)

    codes = [[each.code for each in found] for found in seen]
    assert codes[:2] == [[], []]
    assert codes[2][:1] == codes[3][:1] == ["access_denied"]
    assert {code for found in codes for code in found} <= {"access_denied", "data_stale"}
    told = str(seen[2][0])
    assert "myaccount.google.com/connections" in told
    assert "fitbitd authorize gina" in told
    assert off == []
    denied = [entry for entry in home.data_requests() if entry.status == 403]
    assert len(denied) <= 8 * 3
    back = home.data_requests(since=healed)
    first_pass = [entry for entry in back if entry.at - back[0].at <= MINUTE]
    for part in ("/pairedDevices", "/sleep/", "/weight/", "/steps/"):
        assert any(part in entry.path for entry in first_pass), part
    assert home.conditions() == set()


def test_a_denial_of_everything_that_passes_by_itself_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "sleep", "weight")
    home.at.append((START + HOUR, lambda: refuse(home, " /v4/")))
    home.at.append((START + 2 * HOUR, home.simulator.faults.clear))
    home.live(4 * HOUR, monkeypatch=monkeypatch)
    with closing(home.index()) as db:
        codes = set(db.execute("SELECT code FROM condition"))
    assert codes == set()
    assert stored(home)["sessions"]


# too much at once


def collected(
    state_dir: Path, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, **google: Any
) -> Household:
    """Collect some days of some data types from a Google with these habits."""
    home = household(state_dir, *names, **google)
    for name in names:
        report, _ = pulled(home, name, DAYS, monkeypatch=monkeypatch)
        while report.left:
            report, _ = pulled(home, name, DAYS, monkeypatch=monkeypatch)
    return home


DENSE = ("steps", "heart_rate_variability", "sleep", "hourly_steps", "daily_steps")


def test_pages_and_windows_become_as_small_as_google_can_manage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = stored(collected(tmp_path / "usual", DENSE, monkeypatch))
    assert all(usual.values())
    habits: tuple[dict[str, Any], ...] = (
        {"slow_above_points": 700},
        {"slow_above_days": 2.0},
        {"slow_above_points": 700, "slow_above_days": 1.0},
        {"longest_days": {"steps": 2}},
    )
    for number, habit in enumerate(habits):
        home = collected(tmp_path / f"slow-{number}", DENSE, monkeypatch, **habit)
        assert stored(home) == usual, habit
        assert home.conditions() == set()


def test_the_page_that_google_can_manage_is_remembered_by_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "steps", "daily_steps", slow_above_points=700)
    home.simulator.change(longest_days={"steps": 2})
    home.live(HOUR, monkeypatch=monkeypatch)
    refused = [entry for entry in home.data_requests() if entry.status in {400, 504}]
    assert [entry.status for entry in refused].count(504) == 3  # 5000, 2500, 1250
    assert lessons(home) == {("steps", "page_size", "625"), ("daily_steps", "longest_days", "2")}
    sent = len(home.data_requests())
    home.restart()
    home.live(6 * HOUR, monkeypatch=monkeypatch)
    assert {entry.status for entry in home.data_requests()[sent:]} == {200}
    assert home.conditions() == set()


# pages


HABITS: dict[str, dict[str, Any]] = {
    "short pages": {"short_page": 450},
    "repeated points": {"short_page": 450, "repeat_point": True},
    "empty first pages": {"empty_page_days": 0.0},
    "an empty list": {"empty_body": "array"},
    "no token at the end": {"last_token": "absent"},
    "bare windows": {"empty_windows": "bare"},
    "no midnight": {"midnight": "absent"},
    "zeros that are said": {"zero_counts": "explicit"},
    "indented": {"indent": True},
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Collect from a Google of the usual habits."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        state_dir = tmp_path_factory.mktemp("usual") / "state"
        return stored(collected(state_dir, (*DENSE, "weight"), monkeypatch))


@pytest.mark.parametrize("habit", HABITS)
def test_however_it_is_paged_and_spelt_the_same_is_stored(
    habit: str,
    usual: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = collected(tmp_path / "state", (*DENSE, "weight"), monkeypatch, **HABITS[habit])
    assert stored(home) == usual
    assert home.conditions() == set()


def test_a_token_that_leads_in_a_circle_ends_the_pull_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state", "steps")
    pulled(home, "steps", DAYS, monkeypatch=monkeypatch)
    before = stored(home)
    circle = b'{"dataPoints": [], "nextPageToken": "again"}'
    home.simulator.faults.add(Fault(kind="body", path="/steps/", body=circle, count=None))
    sent = len(asked(home, "/steps/"))
    report, conditions = pulled(home, "steps", DAYS, monkeypatch=monkeypatch)
    assert report.failed == 1
    assert [(each.code, each.data_type) for each in conditions] == [("contract_changed", "steps")]
    assert len(asked(home, "/steps/")) - sent == 2
    assert stored(home) == before
