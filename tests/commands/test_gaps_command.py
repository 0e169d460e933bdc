"""`fitbitd gaps` and `fitbitd plan`: what they say, and that they leave everything as it is."""

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from fitbitd.clock import SystemClock
from fitbitd.health import moment
from tests.support.cli import Desk

KEYS = {
    "account",
    "data_type",
    "why",
    "first",
    "last",
    "days",
    "since",
    "until",
    "detail",
    "count",
}
PULL_KEYS = {
    "account",
    "state",
    "data_type",
    "why",
    "axis",
    "start",
    "end",
    "zone",
    "item",
    "requests",
    "points",
}


def rows(desk: Desk, *args: str) -> list[dict[str, Any]]:
    said = desk.ask(*args, "--json")
    assert (said.code, said.err) == (0, "")
    return [json.loads(line) for line in said.out.splitlines()]


def spoil(desk: Desk, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """Change the index as no provider in these tests does."""
    with closing(sqlite3.connect(desk.index)) as db, db:
        for statement, values in statements:
            db.execute(statement, values)


A_DAY_AGO = ("UPDATE freshness SET read_at = read_at - 86400000", ())


# gaps


def test_every_gap_is_one_object(collected: Desk) -> None:
    found = rows(collected, "gaps")
    assert {frozenset(each) for each in found} == {frozenset(KEYS)}
    for each in found:
        days = (date.fromisoformat(each["last"]) - date.fromisoformat(each["first"])).days + 1
        assert (each["account"], each["days"]) == ("alice", days)


def test_gaps_before_anything_was_collected_say_what_to_do(desk: Desk) -> None:
    said = desk.ask("gaps")
    assert said.code == 0
    assert "there is no token yet. Next: fitbitd authorize alice" in said.out
    assert desk.ask("gaps", "--corrections").out == (
        "alice: nothing has changed on days that were final\n"
    )


TOLD = """
  not offered since {now}: the provider does not offer a data type to this app:
    sleep
    Asked again by {later}; no day of them is missing until they are.
  failed since {now}: a reply is not what the provider documents:
    steps: 2017-05-03
    Asked again by itself, all of it with the next passes. What arrived is kept in the archive.
  not understood since {now}: a step without a time:
    steps: 3 points, 2017-05-01 to 2017-05-02 (2 days)
    Kept in the archive; a newer fitbitd may read them: fitbitd rebuild alice.
  not believed since {now}: came back empty, though readings of it are stored:
    heart_rate: 2017-05-01
"""


def test_gaps_tell_the_reason_the_days_and_what_will_happen(collected: Desk) -> None:
    now = SystemClock().now()
    later = now + timedelta(hours=2)
    now_ms, later_ms = (round(1000 * at.timestamp()) for at in (now, later))
    refusal = "INSERT INTO refusal VALUES (?, ?, ?, 1, ?, ?, ?)"
    spoil(
        collected,
        ("DELETE FROM refusal", ()),
        (refusal, ("steps", "2017-05-03", "contract_changed", now_ms, now_ms, now_ms)),
        (refusal, ("sleep", "", "data_type_refused", now_ms, now_ms, later_ms)),
        ("INSERT INTO doubt VALUES ('heart_rate', '2017-05-01', ?)", (now_ms,)),
        (
            "INSERT INTO unread VALUES ('steps', '2017-05-01', '2017-05-02', 3, ?, ?, 0)",
            ("a step without a time", now_ms),
        ),
    )
    said = collected.ask("gaps")
    assert said.code == 0, said
    assert TOLD.format(now=moment(now), later=moment(later)) in said.out
    assert "nothing is missing" not in said.out
    assert said.out.endswith(" never read\n")


def test_gaps_can_be_narrowed(collected: Desk) -> None:
    found = rows(collected, "gaps", "--data-type", "steps", "--from", "2017-05-01")
    assert {each["data_type"] for each in found} == {"steps"}
    day = found[-1]["last"]
    found = rows(collected, "gaps", "--from", day, "--to", day)
    assert {(each["first"], each["last"]) for each in found} == {(day, day)}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--data-type", "step"), "did you mean steps"),
        (("alcie",), "there is no account 'alcie'"),
        (("--from", "2026-03-04", "--to", "2026-03-01"), "--to 2026-03-01 is before --from"),
    ],
)
def test_gaps_that_nobody_can_mean_are_refused(
    collected: Desk, args: tuple[str, ...], words: str
) -> None:
    collected.ask("gaps", *args).refused(64, words)


CORRECTIONS = """\
alice: 7 values changed on 4 days that were final
  2033-05-18 03:33 UTC  heart_rate   2017-05-01  heart_rate at 12:00:00: 61 -> nothing bpm
  1970-01-01 01:06 UTC  steps        2017-05-01  4 values: 4 changed
  1970-01-01 00:50 UTC  sleep        2017-05-02  7: nothing -> 00:00 to 08:00
  1970-01-01 00:16 UTC  daily_steps  2017-05-01  steps: 100 -> 200 steps
"""


def test_corrections_are_told_value_by_value_newest_first(collected: Desk) -> None:
    night = json.dumps({"start_ms": 1493676000000, "end_ms": 1493704800000, "utc_offset_s": 7200})
    insert = (
        "INSERT INTO correction (data_type, day, field, source, utc_offset_s, key, instant, old,"
        " new, seen_at, pull) VALUES (?, ?, ?, '', 7200, ?, ?, ?, ?, ?, 1)"
    )
    steps, pulse, noon = "steps", "heart_rate", 1493632800000
    spoil(
        collected,
        (insert, ("daily_steps", "2017-05-01", steps, "", None, 100, 200, 1_000_000)),
        (insert, (pulse, "2017-05-01", pulse, "", noon, 61, None, 2_000_000_000_000)),
        (insert, ("sleep", "2017-05-02", "", "7", None, None, night, 3_000_000)),
        *((insert, (steps, "2017-05-01", steps, "", n, 1, n, 4_000_000)) for n in range(4)),
    )
    assert collected.ask("gaps", "--corrections").out == CORRECTIONS
    found = rows(collected, "gaps", "--corrections", "--data-type", pulse)
    assert [(each["old"], each["new"], each["change"], each["at"]) for each in found] == [
        (61, None, "withdrawn", "2017-05-01T12:00:00+02:00")
    ]


# plan


def test_a_plan_names_each_pull_its_reason_and_its_cost(collected: Desk) -> None:
    spoil(collected, A_DAY_AGO)
    found = rows(collected, "plan")
    assert {frozenset(each) for each in found} == {frozenset(PULL_KEYS)}
    assert {each["account"] for each in found} == {"alice"}
    assert all(each["requests"] >= 1 and each["state"] in {"next", "waits"} for each in found)
    said = collected.ask("plan")
    assert said.code == 0
    assert "first of all, devices: has a watch synced" in said.out
    told = sum(each["requests"] for each in found if each["state"] == "next")
    assert f"In all {told + 1} requests" in said.out


def test_a_plan_and_gaps_send_nothing_and_leave_every_file_as_it_is(
    collected: Desk, provider: str
) -> None:
    nobody = collected.config.read_text().replace(provider, "http://127.0.0.1:9")
    collected.config.write_text(nobody)
    before = collected.contents()
    for command in ("plan", "gaps", "status"):
        assert collected.ask(command).code == 0
        assert collected.ask(command, "--json").code == 0
    assert collected.contents() == before


def test_a_plan_says_what_holds_the_next_pass_back(desk: Desk, collected: Desk) -> None:
    said = desk.ask("plan")
    assert said.code == 0
    assert "held back: there is no token yet. Next: fitbitd authorize alice" in said.out
    grant = json.loads(collected.token.read_bytes())
    collected.token.write_text(json.dumps({**grant, "rejected_at": "2026-03-01T04:12:00Z"}))
    begun = "INSERT INTO pass (id, provider, program, began_at) VALUES (9999999, '', '', 1)"
    spoil(collected, (begun, ()))
    said = collected.ask("plan")
    assert "held back: the grant has ended. Next: fitbitd authorize alice" in said.out
    assert "held back: one pass in a row began and never ended" in said.out


def test_a_plan_is_made_of_what_the_consent_grants(collected: Desk) -> None:
    grant = json.loads(collected.token.read_bytes())
    scope = [each for each in grant["scope"] if each != "sleep"]
    collected.token.write_text(json.dumps({**grant, "scope": scope}))
    spoil(collected, A_DAY_AGO)
    assert "sleep" not in {each["data_type"] for each in rows(collected, "plan")}
    found = {each["data_type"]: each["why"] for each in rows(collected, "gaps")}
    assert found["sleep"] == "not_granted"
