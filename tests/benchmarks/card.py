"""What a card bears in a day of polls at 15 minutes: fsyncs, and bytes written.

    python -m tests.benchmarks.card

The daemon lives through two days on simulated time, and the second is counted: fsyncs by strace,
bytes by what the kernel says that this process caused to be written. After each pass everything is
flushed, as a kernel would have done by itself long before the next one. What the file system
writes for its own book-keeping is not in it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import pytest

from fitbitd.clock import SystemClock
from fitbitd.simulator import DailySyncs, Wearer
from tests.benchmarks.place import tell, tell_conditions
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, tzinfo=UTC)
SYNCS = (8, 96)
_TRACED = ("strace", "-f", "-ttt", "-e", "trace=fsync,fdatasync", "-o")


def main() -> None:
    """Live through the days in a process of its own, under strace."""
    if len(sys.argv) > 1:
        _live(int(sys.argv[1]))
        return
    tell_conditions()
    for syncs in SYNCS:
        _measure(syncs)


def _measure(syncs: int) -> None:
    with tempfile.NamedTemporaryFile(prefix="fitbitd-bench-", mode="r") as trace:
        told = subprocess.run(
            [*_TRACED, trace.name, sys.executable, "-m", "tests.benchmarks.card", str(syncs)],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        began_s, ended_s, written, passes, requests = map(
            float, told.stdout.splitlines()[-1].split()
        )
        calls = [float(line.split()[1]) for line in trace if "sync(" in line]
    fsyncs = sum(began_s <= at_s < ended_s for at_s in calls)
    day = f"a day of {passes:.0f} passes, {requests:.0f} requests, {syncs} syncs"
    tell(f"{day}: fsyncs", f"{fsyncs}")
    tell("bytes written", f"{written / 1e6:.1f} MB")


def _live(syncs: int) -> None:
    """Live for two days; print when the second began and ended, and what was done in it."""
    minutes = range(7, 24 * 60, 24 * 60 // syncs)
    times = tuple(wall_time(minute // 60, minute % 60, 30) for minute in minutes)
    wearer = Wearer(member_since=date(2027, 2, 1), syncs=DailySyncs(times))
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as folder:
        account = account_settings(poll_every=timedelta(minutes=15))
        home = Household(Path(folder) / "state", START.isoformat(), wearer, accounts=(account,))
        home.authorize()
        noted: list[tuple[float, int, int, int]] = []

        def note() -> None:
            os.sync()
            passes = sum(report.began for _, _, report in home.reports)
            noted.append(
                (SystemClock().now().timestamp(), _written(), passes, home.simulator.requests_seen)
            )

        home.at = [(START + timedelta(days=day), note) for day in (1, 2)]
        home.at += [(moment, os.sync) for moment in _between(START, START + timedelta(days=2))]
        with pytest.MonkeyPatch.context() as patch:
            home.live(timedelta(days=2, seconds=1), monkeypatch=patch)
    (began_s, *before), (ended_s, *after) = noted
    print(began_s, ended_s, *(late - early for early, late in zip(before, after, strict=True)))


def _between(first: datetime, last: datetime) -> Iterator[datetime]:
    """Give moments by which a kernel would have written what a pass left in memory."""
    while first < last:
        first += timedelta(minutes=5)
        yield first


def _written() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        name, _, count = line.partition(": ")
        if name == "write_bytes":
            return int(count)
    raise SystemExit("/proc/self/io does not say what was written")


if __name__ == "__main__":
    main()
