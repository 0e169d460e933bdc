"""What commands answer about data that was collected, alone and beside a daemon."""

import csv
import json
import re
import shlex
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from fitbitd.clock import SystemClock
from fitbitd.commands import query
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.dump import canonical_dump
from tests.support.cli import (
    PATIENCE_S,
    RECORDINGS,
    Desk,
    authorize,
    end,
    line_of,
    simulator,
    write_config,
)

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OF_TIME = {
    "since",
    "newest",
    "oldest",
    "synced_at",
    "last_pass_at",
    "throttled_until",
    "consent_expires_at",
}


def dump(desk: Desk) -> list[str]:
    with closing(sqlite3.connect(f"{desk.index.as_uri()}?mode=ro", uri=True)) as db:
        return list(canonical_dump(db))


def times(value: Any) -> Iterator[tuple[str, Any]]:
    """Give what stands under the keys of a JSON value that speak of time."""
    if isinstance(value, list):
        for each in value:
            yield from times(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in OF_TIME:
                yield key, each
            yield from times(each)


def test_status_is_json_with_times_in_utc(collected: Desk) -> None:
    said = collected.ask("status", "--json")
    (report,) = map(json.loads, said.out.splitlines())
    found = dict(times(report))
    assert found.keys() == OF_TIME
    for key, value in times(report):
        assert value is None or INSTANT.fullmatch(value), (key, value)
    assert report["last_pass"] == "ok"
    assert {one["data_type"]: one["count"] for one in report["data_types"]}["heart_rate"] == 9373
    ages = {one["group"]: one["newest"] for one in report["freshness"]}
    assert list(ages) == ["heart", "activity", "sleep"]
    assert [group for group, newest in ages.items() if newest] == ["heart"]


def test_status_of_an_account_that_was_never_authorized_says_what_to_do(desk: Desk) -> None:
    said = desk.type("status")
    assert said.code == 0
    assert "error: authorization_needed since" in said.out
    assert "Next: fitbitd authorize alice" in said.out
    empty = json.loads(desk.ask("status", "--json").out)
    assert [one["code"] for one in empty["conditions"]] == ["authorization_needed"]
    desk.type("pull").refused(77, "never authorized", "Next: fitbitd authorize alice")
    desk.type("revoke", "alice").refused(77, "never authorized")


def test_status_has_the_same_keys_with_and_without_data(desk: Desk, collected: Desk) -> None:
    without, with_data = (
        json.loads(some.ask("status", "--json").out) for some in (desk, collected)
    )
    assert without.keys() == with_data.keys()


def test_status_tells_how_complete_the_record_is(collected: Desk) -> None:
    report = json.loads(collected.ask("status", "--json").out)
    assert report["history"] is None
    assert report["days"].keys() == {"final", "final_by_age", "provisional", "never_read"}
    with_history = collected.config.read_text().replace(
        'client_id = "23SIMU"', 'client_id = "23SIMU"\nbackfill_from = 2017-05-01'
    )
    collected.config.write_text(with_history)
    history = json.loads(collected.ask("status", "--json").out)["history"]
    assert history.keys() == {
        "first",
        "because",
        "share",
        "requests_left",
        "days_left",
        "eta_s",
        "text",
    }
    assert history["text"] in collected.ask("status").out


def test_status_tells_of_the_consent_and_of_what_stands_out(collected: Desk) -> None:
    grant = json.loads(collected.token.read_bytes())
    granted = [scope for scope in grant["scope"] if scope != "sleep"]
    ends = {"scope": granted, "refresh_expires_at": "2099-01-01T00:00:00Z"}
    collected.token.write_text(json.dumps({**grant, **ends}))
    in_2286 = 10_000_000_000_000
    with closing(sqlite3.connect(collected.index)) as db, db:
        db.execute(
            "UPDATE reading SET instant = ? WHERE instant = (SELECT max(instant) FROM reading)",
            (in_2286,),
        )
        db.execute("UPDATE archive_file SET synced_bytes = 0")
        just_now_ms = round(1000 * SystemClock().now().timestamp())
        db.execute("INSERT INTO lesson VALUES ('steps', 'method', 'rollUp', ?)", (just_now_ms,))
        day = "2017-05-01"
        db.execute("INSERT INTO unread VALUES ('steps', ?, ?, 3, 'no time', 0, 0)", (day, day))
    said = collected.ask("status", "--json")
    assert said.code == 0, said
    report = json.loads(said.out)
    assert report["consent_expires_at"] == "2099-01-01T00:00:00Z"
    assert report["scopes_off"] == [{"scope": "sleep", "data_types": ["sleep"]}]
    assert report["lessons"] == [{"data_type": "steps", "kind": "method", "value": "rollUp"}]
    assert [(one["data_type"], one["count"]) for one in report["unread"]] == [("steps", 3)]
    assert report["corrections"] == 0
    assert report["pulls_waiting"] >= 8
    assert report["freshness"][0]["newest"].startswith("2017-05-02T")


def test_commands_that_read_say_when_there_is_nothing_yet(desk: Desk) -> None:
    for command in (
        ("export", "alice", "steps"),
        ("query", "SELECT 1"),
        ("verify",),
        ("rebuild", "alice"),
    ):
        desk.ask(*command).refused(78, "alice", "nothing was collected", "fitbitd pull")


def test_a_query_answers_as_a_table_as_csv_and_as_json(collected: Desk) -> None:
    sql = "SELECT day, n, round(mean, 1) AS mean FROM days WHERE data_type = 'heart_rate'"
    (row,) = map(json.loads, collected.ask("query", sql, "--json").out.splitlines())
    assert (row["day"], row["n"]) == ("2017-05-01", 9373)
    (other,) = csv.DictReader(collected.ask("query", sql, "--csv").out.splitlines())
    assert other == {key: str(value) for key, value in row.items()}
    head, rule, line = collected.ask("query", sql).out.splitlines()
    assert head.split() == ["day", "n", "mean"]
    assert set(rule) == {"-", " "}
    assert line.split() == [str(value) for value in row.values()]


def test_the_help_of_query_shows_how_to_find_the_views(collected: Desk) -> None:
    (example,) = (line for line in query.DESCRIPTION.splitlines() if "sqlite_schema" in line)
    names = collected.ask(*shlex.split(example)[1:], "--csv").out.split()
    assert {"name", "readings", "days", "sleep"} <= set(names)


def test_rebuild_makes_the_same_index_again(collected: Desk) -> None:
    before = dump(collected)
    assert len(before) > 9373
    said = collected.type("rebuild", "alice")
    assert said.code == 0, said
    assert re.search(r"made anew from \d+ pulls", said.err), said
    assert dump(collected) == before


def test_verify_finds_an_index_that_is_not_what_the_archive_says(collected: Desk) -> None:
    assert collected.type("verify").code == 0
    with closing(sqlite3.connect(collected.index)) as db, db:
        db.execute("UPDATE reading SET value = value + 1 WHERE value = 60")
    assert collected.ask("verify").code == 0  # that costs more than a look
    said = collected.ask("verify", "--compare", "--json")
    assert said.code == 1
    assert json.loads(said.out)["code"] == "index_differs"
    assert collected.ask("rebuild", "alice").code == 0
    assert collected.ask("verify", "--compare").code == 0


def test_an_index_that_was_deleted_comes_back(collected: Desk) -> None:
    before = dump(collected)
    collected.index.unlink()
    assert collected.ask("rebuild", "alice").code == 0
    assert dump(collected) == before


def test_beside_a_daemon_data_is_read_and_the_daemon_writes_it(collected: Desk) -> None:
    shutil.rmtree(collected.account_dir / "archive")
    collected.index.unlink()  # as after a first authorize: the daemon looks at once
    with collected.start("run") as running:
        line_of(running, "pass.finished")
        for command in (("pull",), ("rebuild", "alice")):
            assert collected.type(*command).code == 0
            assert (collected.account_dir / "lock").read_text() == f"{running.pid}\n"
        assert collected.ask("status").code == 0
        assert collected.ask("verify").code == 0
        assert collected.ask("export", "alice", "heart_rate").code == 0
        assert end(running, signal.SIGTERM).code == 0
    assert collected.type("pull").code == 0


def test_a_pull_without_days_asks_what_is_due(collected: Desk) -> None:
    said = collected.type("pull", "alice")
    assert said.code == 0
    requests, pulls, values = (
        rf"(one {word}|(?!1 )[\d,]+ {word}s)" for word in ("request", "pull", "value")
    )
    told = rf"alice: {requests}, {pulls} complete, 0 failed, {values}, 0 pulls left\n"
    assert re.fullmatch(told, said.err), said.err
    assert said.out == ""


def with_an_empty_account_before(desk: Desk) -> None:
    """Put an account that has no grant and no data before the one that there is."""
    text = desk.config.read_text()
    first = text.index("[[account]]")
    block = text[first : text.index("[provider")]
    bob = block.replace('name = "alice"', 'name = "bob"')
    desk.config.write_text(f"{text[:first]}{bob}{text[first:]}")


def test_an_account_that_fails_does_not_stop_the_others(collected: Desk) -> None:
    with_an_empty_account_before(collected)
    with AccountLock(collected.folder / "state" / "bob"):
        said = collected.type("pull")
        assert said.code == 75
        assert "error: bob: another process" in said.err
        assert re.search(r"(?m)^alice: .* requests?, .* 0 pulls left$", said.err), said.err
    said = collected.ask("verify")
    assert said.code == 78
    assert "error: bob has no index yet" in said.err
    assert "alice: checked" in said.err
    assert "all is well" not in said.err


def test_a_query_over_all_accounts_leaves_out_those_that_have_no_data_yet(collected: Desk) -> None:
    with_an_empty_account_before(collected)
    sql = "SELECT count(*) AS n FROM readings"
    assert json.loads(collected.ask("query", sql, "--json").out) == {"n": 9373}
    collected.ask("query", sql, "--account", "bob").refused(78, "bob has no index yet")


def asked(url: str, access_token: str) -> int:
    """Ask the provider with a token; give the status."""
    request = Request(  # noqa: S310 - our own simulator
        f"{url}/1/user/-/devices.json", headers={"authorization": f"Bearer {access_token}"}
    )
    try:
        with urlopen(request, timeout=PATIENCE_S) as reply:  # noqa: S310 - the same
            return int(reply.status)
    except HTTPError as err:
        with err:
            return err.code


def test_a_revoked_grant_is_ended_at_the_provider_and_here(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    provider = tmp_path / "provider"
    provider.mkdir()
    with simulator("--replay", str(RECORDINGS), folder=provider) as url:
        write_config(desk, url)
        assert authorize(desk).code == 0
        access_token = json.loads(desk.token.read_bytes())["access_token"]
        assert asked(url, access_token) == 200
        said = desk.type("revoke", "alice")
        assert (said.code, "what was collected stays" in said.err) == (0, True), said
        assert asked(url, access_token) == 401
        desk.type("pull").refused(77, "ended with `fitbitd revoke`", "fitbitd authorize alice")
        assert authorize(desk).code == 0
        assert desk.type("pull").code == 0


def test_a_token_file_of_another_fitbitd_can_be_imported(collected: Desk, desk: Desk) -> None:
    grant = json.loads(collected.token.read_bytes())
    said = desk.type("authorize", "alice", "--import", str(collected.token))
    assert said.code == 0, said
    assert json.loads(desk.token.read_bytes())["access_token"] == grant["access_token"]
    desk.ask("authorize", "alice", "--import", "no/such/file").refused(78, "cannot be read")


def test_no_secret_is_in_anything_that_was_said(desk: Desk) -> None:
    said = authorize(desk)
    grant = json.loads(desk.token.read_bytes())
    verbose = desk.type("pull", "--data-type", "steps", env={"FITBITD_DEBUG": "1"})
    assert "pull.archived" in verbose.err
    everything = (said.out, said.err, verbose.err, verbose.out)
    for secret in (grant["access_token"], grant["refresh_token"], "simulated-secret"):
        assert not any(secret in text for text in everything)


@pytest.mark.parametrize("day", [date(2017, 5, 1), date(2017, 5, 2)])
def test_days_of_an_export_are_the_wearers(collected: Desk, day: date) -> None:
    said = collected.ask(
        "export", "alice", "heart_rate", "--from", day.isoformat(), "--to", day.isoformat()
    )
    # The last readings of the first of May are of the second in UTC.
    assert len(said.out.splitlines()) - 1 == (9373 if day.day == 1 else 0)
