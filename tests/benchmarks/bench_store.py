"""Measure how many readings a CPU second stores, from a reply's body to a synced, applied index.

    python tests/benchmarks/bench_store.py [days]

Each day is a pass of one pull with one body of 10,000 heart rates. What the provider's own parsing
costs is measured alone and told apart, since another provider's parser costs something else.
"""

import json
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from fitbitd.model import Axis, Page, PassEnd, Point, Pull, Readings, Reply, Why, Window
from fitbitd.store.account import AccountStore
from tests.support.store import CATALOGUE, HEART, REQUEST, ZONE, at, complete

POINTS = 10_000
FIRST = date(2026, 1, 1)


def body_of(number: int) -> bytes:
    seconds = range(0, POINTS * 8, 8)
    points = [
        {
            "time": f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}",
            "value": 60 + (s // 8 * 7919 + number) % 90,
        }
        for s in seconds
    ]
    return json.dumps({"activities-heart-intraday": {"dataset": points}}).encode()


def read(pull: Pull, reply: Reply) -> Page:
    """Read a body as quickly as Python can: a table of seconds by their text."""
    assert pull.window is not None
    midnight = int((pull.window.start - at("1970-01-01").replace(tzinfo=None)).total_seconds())
    dataset = json.loads(reply.body)["activities-heart-intraday"]["dataset"]
    points: list[Point] = [
        (
            (midnight + int(t[:2]) * 3600 + int(t[3:5]) * 60 + int(t[6:]) - 3600) * 1000,
            point["value"],
            None,
        )
        for point in dataset
        for t in (point["time"],)
    ]
    return Page(readings=(Readings("bpm", "", 3600, points),))


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    bodies = [body_of(number) for number in range(days)]
    pulls = [
        Pull(HEART.name, Window.of_days(Axis.CIVIL, day, day), Why.BACKFILL, ZONE)
        for day in (FIRST + timedelta(days=number) for number in range(days))
    ]
    now = at("2026-03-02T10:00")
    replies = [Reply(200, {"content-type": "application/json"}, body, now) for body in bodies]

    began = time.process_time()
    for pull, reply in zip(pulls, replies, strict=True):
        read(pull, reply)
    parsing_s = time.process_time() - began

    with (
        tempfile.TemporaryDirectory() as folder,
        AccountStore(Path(folder) / "alice", read, CATALOGUE) as store,
    ):
        for round_name in ("new", "unchanged"):
            began = time.process_time()
            for pull, reply in zip(pulls, replies, strict=True):
                store.writer.begin_pass(now, "fake", "1.0")
                store.writer.begin_pull(now, pull)
                store.writer.reply(REQUEST, reply)
                store.writer.end_pull(now, complete(1, POINTS))
                store.writer.end_pass(now, PassEnd("ok"))
                store.apply_pass()
            _tell(round_name, days * POINTS, time.process_time() - began, parsing_s)


def _tell(what: str, readings: int, spent_s: float, parsing_s: float) -> None:
    print(
        f"{what}: {readings / spent_s:,.0f} readings per CPU second in all,"
        f" {readings / (spent_s - parsing_s):,.0f} in the store alone"
        f" ({parsing_s / spent_s:.0%} was parsing)"
    )


if __name__ == "__main__":
    main()
