"""Recorded bodies, by the real command line over a real port, to rows and to bytes.

The expected rows are computed here, from the recorded JSON alone.
"""

import base64
import csv
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.support.cli import PATIENCE_S, RECORDINGS, Desk, authorize, simulator, write_config

DATA = RECORDINGS / "data"
HOME = ZoneInfo("America/Los_Angeles")  # what the recorded profile says
OURS = re.compile(
    r"GET /1(\.2)?/user/-/"
    r"(profile|devices|activities/(heart|steps)/date/.*|sleep/date/[-0-9]*)\.json"
)
"""The recorded requests that our data types make."""


def recorded() -> list[dict[str, Any]]:
    """Give the entries of the index that our data types ask for, dated ones first."""
    entries = json.loads((RECORDINGS / "index.json").read_bytes())
    return [
        entry for entry in entries if OURS.fullmatch(entry["request"]) and entry["status"] == 200
    ]


def days() -> list[tuple[str, str]]:
    """Give the first and last day that is to be pulled for each recorded body."""
    pairs = {
        # A night belongs to the day on which it ends, and is asked for by that day.
        (entry["last_date"], entry["last_date"])
        if "/sleep/" in entry["request"]
        else (entry["first_date"], entry["last_date"])
        for entry in recorded()
        if "/date/" in entry["request"]
    }
    return sorted(pairs)


def body(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_bytes())


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Collect every recorded day as a person would."""
    desk = Desk(tmp_path_factory.mktemp("recorded"))
    provider = tmp_path_factory.mktemp("provider")
    with simulator("--replay", str(RECORDINGS), "--quota", "1000", folder=provider) as url:
        write_config(desk, url)
        assert authorize(desk).code == 0
        for first, last in days():
            said = desk.type("pull", desk.account, "--from", first, "--to", last)
            assert said.code == 0, said
        yield desk


def exported(desk: Desk, data_type: str, *args: str) -> list[dict[str, str]]:
    said = desk.type("export", desk.account, data_type, *args)
    assert (said.code, said.err) == (0, ""), said
    return list(csv.DictReader(said.out.splitlines()))


def instants(wall: datetime) -> dict[str, str]:
    """Write a wall-clock time of the wearer as `export` writes instants."""
    local = wall.replace(tzinfo=HOME)
    return {
        "time_utc": local.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "time_local": local.isoformat(),
    }


def intraday(name: str, resource: str) -> Iterator[dict[str, str]]:
    """Give time and value of each row of a recorded day."""
    said = body(name)
    (day,) = (row["dateTime"] for row in said[f"activities-{resource}"])
    for row in said[f"activities-{resource}-intraday"]["dataset"]:
        yield instants(datetime.fromisoformat(f"{day}T{row['time']}")) | {
            "value": str(row["value"])
        }


def test_the_days_of_the_recordings_are_those_that_the_index_names() -> None:
    assert days() == [
        ("2014-09-04", "2014-09-10"),
        ("2016-03-08", "2016-03-08"),
        ("2016-12-13", "2016-12-13"),
        ("2017-05-01", "2017-05-01"),
        ("2017-08-15", "2017-08-21"),
        ("2018-09-01", "2018-09-01"),
        ("2018-12-26", "2019-01-01"),
        ("2019-12-04", "2020-01-03"),
        ("2019-12-31", "2019-12-31"),
        ("2020-03-01", "2020-03-01"),
    ]


def test_heart_rate_comes_out_as_it_was_recorded(collected: Desk) -> None:
    own = {"field": "heart_rate", "unit": "bpm", "source": "", "duration_s": ""}
    recordings = ("intraday_heart_1sec", "intraday_heart_1min")
    expected = [{**row, **own} for name in recordings for row in intraday(name, "heart")]
    assert len(expected) > 10_000
    assert exported(collected, "heart_rate") == expected


def test_steps_come_out_as_they_were_recorded_zeros_included(collected: Desk) -> None:
    own = {"field": "steps", "unit": "steps", "source": "", "duration_s": "60"}
    expected = [{**row, **own} for row in intraday("intraday_steps_1min", "steps")]
    assert len(expected) == 1084  # the recorder left minutes out
    assert sum(row["value"] == "0" for row in expected) == 961
    assert exported(collected, "steps") == expected


def test_daily_steps_come_out_as_they_were_recorded(collected: Desk) -> None:
    names = ("ts_activities_steps_zero_day", "ts_activities_steps", "ts_activities_steps_real")
    rows = [row for name in names for row in body(name)["activities-steps"]]
    # A recorded day of minutes says its total too, but that is not asked for by the day's range.
    assert exported(collected, "daily_steps") == [
        {
            "day": row["dateTime"],
            "field": "steps",
            "value": row["value"],
            "unit": "steps",
            "source": "",
        }
        for row in rows
    ]


def test_resting_heart_rate_and_zones_come_out_as_they_were_recorded(collected: Desk) -> None:
    parts = {"minutes": "minutes", "caloriesOut": "calories", "min": "min", "max": "max"}
    units = {"minutes": "min", "calories": "kcal", "min": "bpm", "max": "bpm"}
    expected = set()
    for row in body("ts_activities_heart")["activities-heart"]:
        day, value = row["dateTime"], row["value"]
        if "restingHeartRate" in value:
            expected.add((day, "resting_heart_rate", float(value["restingHeartRate"]), "bpm"))
        assert not value["customHeartRateZones"]
        for zone in value["heartRateZones"]:
            name = zone["name"].lower().replace(" ", "_")
            for theirs, ours in parts.items():
                if theirs in zone:
                    expected.add((day, f"{name}.{ours}", float(zone[theirs]), units[ours]))
    rows = exported(collected, "daily_heart_rate")
    assert len(rows) == len(expected) > 50
    found = {(row["day"], row["field"], float(row["value"]), row["unit"]) for row in rows}
    assert found == expected


def night(log: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded sleep log as `export --format jsonl` writes a night."""

    def both(name: str, wall: str) -> dict[str, str]:
        # None of the recorded nights crosses a clock change.
        return {
            column.replace("time", name, 1): text
            for column, text in instants(datetime.fromisoformat(wall)).items()
        }

    start, end = (datetime.fromisoformat(log[name]) for name in ("startTime", "endTime"))
    length = (end - start) / timedelta(seconds=1)
    numbers = {
        "minutes_asleep": log["minutesAsleep"],
        "minutes_awake": log["minutesAwake"],
        "minutes_to_fall_asleep": log["minutesToFallAsleep"],
        "minutes_after_wakeup": log["minutesAfterWakeup"],
        "time_in_bed": log["timeInBed"],
        "efficiency": log["efficiency"],
        "duration_ms": log["duration"],
        "info_code": log["infoCode"],
        "main_sleep": int(log["isMainSleep"]),
        **{
            f"summary.{level}.{what}": totals[what]
            for level, totals in log["levels"]["summary"].items()
            for what in ("minutes", "count")
            if what in totals
        },
    }
    stretches = [
        {
            "part_kind": kind,
            "part": row["level"],
            **both("part_start", row["dateTime"]),
            "part_duration_s": row["seconds"],
        }
        for theirs, kind in (("data", "stage"), ("shortData", "short"))
        for row in log["levels"].get(theirs, [])
    ]
    return {
        "key": str(log["logId"]),
        "day": log["dateOfSleep"],
        **both("start", log["startTime"]),
        **both("end", log["endTime"]),
        "duration_s": length,
        "labels": {
            "type": log["type"],
            **({"log_type": log["logType"]} if "logType" in log else {}),
        },
        "values": numbers,
        "parts": stretches,
    }


def test_nights_come_out_with_their_stages_and_short_awakenings(collected: Desk) -> None:
    logs = [
        log
        for name in ("2016_classic_two", "classic_with_nap", "stages")
        for log in body(f"sleep_by_date_{name}")["sleep"]
    ]
    expected = sorted((night(log) for log in logs), key=lambda one: str(one["start_utc"]))
    said = collected.type("export", collected.account, "sleep", "--format", "jsonl")
    found = [json.loads(line) for line in said.out.splitlines()]
    assert len(found) == 5
    assert any(part["part_kind"] == "short" for one in found for part in one["parts"])
    assert found == expected


def archived(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read an archive as its format says, with nothing of ours: path asked, bytes received."""
    for file in sorted(folder.rglob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            for line in map(json.loads, lines):
                if line["kind"] == "reply":
                    text, packed = line.get("body"), line.get("body_base64")
                    content = text.encode() if packed is None else base64.b64decode(packed)
                    yield urlsplit(line["request"]["url"]).path, content


def test_the_archive_holds_every_recorded_body_to_the_byte(collected: Desk) -> None:
    replies = list(archived(collected.account_dir / "archive"))
    bodies = {content for _, content in replies}
    wanted = [
        entry["file"]
        for entry in recorded()
        # Of two recordings of one request the first in the index answers.
        if entry["file"] not in {"data/profile_other.json", "data/devices_tracker_and_scale.json"}
    ]
    assert len(wanted) == 12
    assert [name for name in wanted if (RECORDINGS / name).read_bytes() not in bodies] == []
    heart = [content for path, content in replies if "/heart/date/2017-05-01/1d/1sec" in path]
    assert heart == [(DATA / "intraday_heart_1sec.json").read_bytes()]


def test_an_export_of_some_days_has_those_days_only(collected: Desk) -> None:
    rows = exported(collected, "heart_rate", "--from", "2018-09-01", "--to", "2018-09-01")
    assert len(rows) == len(list(intraday("intraday_heart_1min", "heart")))
    assert {row["time_local"][:10] for row in rows} == {"2018-09-01"}
    rows = exported(collected, "daily_steps", "--from", "2019-12-31")
    assert [row["day"] for row in rows] == ["2019-12-31", "2020-01-01", "2020-01-02", "2020-01-03"]
    assert exported(collected, "sleep", "--to", "2016-12-12") == []


def test_a_browser_on_another_machine_will_do(collected: Desk) -> None:
    with collected.start("authorize", collected.account, "--paste") as running:
        assert running.stdout is not None
        address = urlsplit(running.stdout.readline().strip())
        elsewhere = HTTPConnection(str(address.netloc), timeout=PATIENCE_S)
        elsewhere.request("GET", f"{address.path}?{address.query}")
        redirected = elsewhere.getresponse().headers["location"]
        elsewhere.close()
        _, err = running.communicate(f"{redirected}\n", timeout=PATIENCE_S)
    assert running.returncode == 0, err
    assert "authorized as user ABC123; the token works" in err
