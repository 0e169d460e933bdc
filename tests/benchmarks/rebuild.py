"""What it takes to make the index of years again: time, memory, and what need not be read.

    python -m tests.benchmarks.rebuild [YEARS] [--google] [--read-all]

An archive of YEARS (five) is written, with a heart rate of 40,000 points a day: six tails of the
day, each with an hour of the one before it, and nine days later the read that settles it. Then
`fitbitd rebuild` runs as a process of its own. `--read-all` rebuilds once more with every pull
read, as it would be without looking for what is superseded.
"""

import os
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from fitbitd.model import (
    Axis,
    DataTypeName,
    Outcome,
    OutcomeKind,
    PassEnd,
    Pull,
    Reply,
    Request,
    Why,
    Window,
)
from fitbitd.store.apply import apply_archive
from fitbitd.store.archive import ArchiveWriter
from fitbitd.store.dump import first_difference
from fitbitd.store.index import Index, open_reader
from tests.benchmarks.place import ACCOUNT, memory_mb, tell, tell_conditions
from tests.benchmarks.shapes import NOWHERE, SHAPES, Shape

FIRST = date(2020, 1, 1)
POINTS = 40_000
TAILS = 6
PAGE = 5000
SETTLED_AFTER = timedelta(days=9)
HEART_RATE = DataTypeName("heart_rate")
REQUEST = Request("GET", f"{NOWHERE}/heart_rate", ())
MEMORY_GOAL_MB = 64
_DAY = timedelta(days=1)
_DAY_S = 86_400
_LOOKS_EVERY_S = 0.1
_TOLD_EVERY_DAYS = 365


@dataclass(frozen=True, slots=True)
class Bodies:
    """The replies of any day, but for its date."""

    google: bool
    rows: tuple[str, ...]

    def of(self, day: date, first_s: int, end_s: int) -> list[bytes]:
        """Give the pages of a part of a day."""
        wanted = self.rows[-(-first_s * POINTS // _DAY_S) : -(-end_s * POINTS // _DAY_S)]
        if not self.google:
            day_rows = ",".join(wanted)
            dataset = f'{{"dataset":[{day_rows}],"datasetInterval":1,"datasetType":"second"}}'
            return [f'{{"activities-heart":[],"activities-heart-intraday":{dataset}}}'.encode()]
        civil = f'"year":{day.year},"month":{day.month},"day":{day.day}'
        return [
            f'{{"dataPoints":[{",".join(wanted[at : at + PAGE])}]}}'.replace("@DATE@", str(day))
            .replace("@CIVIL@", civil)
            .encode()
            for at in range(0, len(wanted), PAGE)
        ]


def bodies(*, google: bool) -> Bodies:
    """Make the rows of a day: a heart rate at whole seconds, about two apart."""
    rows = []
    for number in range(POINTS):
        at, rate = time.min, 60 + number * 7919 // 40 % 90
        minutes, second = divmod(number * _DAY_S // POINTS, 60)
        at = time(minutes // 60, minutes % 60, second)
        rows.append(_google_row(at, rate) if google else f'{{"time":"{at}","value":{rate}}}')
    return Bodies(google, tuple(rows))


def _google_row(at: time, rate: int) -> str:
    return (
        '{"dataSource":{"recordingMethod":"PASSIVELY_MEASURED","platform":"FITBIT","device":'
        '{"displayName":"Pixel Watch 4"}},"heartRate":{"sampleTime":{"physicalTime":"@DATE@T'
        f'{at}Z","utcOffset":"0s","civilTime":{{"date":{{@CIVIL@}},"time":{{"hours":{at.hour},'
        f'"minutes":{at.minute},"seconds":{at.second}}}}}}},"beatsPerMinute":"{rate}","metadata":'
        '{"motionContext":"SEDENTARY","sensorLocation":"WRIST"}}}'
    )


def main() -> None:
    """Write the archive, rebuild, and tell what it took."""
    if "--in" in sys.argv:
        _read_all(SHAPES[sys.argv[2]], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    years = next((float(word) for word in sys.argv[1:] if word[0].isdigit()), 5)
    shape = SHAPES["google_health" if "--google" in sys.argv else "fitbit"]
    tell_conditions()
    days = round(years * 365)
    print(f"{shape.name}, {days} days, {POINTS:,} points a day, {TAILS} tails")
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as name:
        folder = Path(name)
        account_dir = folder / "state" / ACCOUNT
        _write(shape, account_dir, days)
        size = sum(path.stat().st_size for path in account_dir.rglob("*.gz"))
        tell("archive", f"{size / 1e6:,.0f} MB")
        _configure(folder, shape)
        command = ["-m", "fitbitd", "rebuild", ACCOUNT, "--config", str(folder / "fitbitd.toml")]
        _measure("fitbitd rebuild", command, account_dir, days)
        if "--read-all" in sys.argv:
            other = folder / "other"
            other.mkdir()
            command = ["-m", "tests.benchmarks.rebuild", "--in", shape.name, str(account_dir)]
            _measure("with every pull read", [*command, str(other)], other, days)
            _compare(account_dir, other)


def _write(shape: Shape, account_dir: Path, days: int) -> None:
    """Write the passes of as many days, one a day."""
    account_dir.mkdir(parents=True)
    made = bodies(google=shape.name == "google_health")
    axis = shape.provider(NOWHERE).catalogue[HEART_RATE].axis
    assert axis is not None
    writer = ArchiveWriter(account_dir, 1)
    for number in range(days):
        day = FIRST + number * _DAY
        now = datetime.combine(day, time(23, 59, 30), UTC)
        writer.begin_pass(now, shape.name, "benchmark")
        for first_s, end_s, of, why in _reads(day, settles=day - SETTLED_AFTER >= FIRST):
            tz = UTC if axis is Axis.INSTANT else None
            start = datetime.combine(of, time(), tz)
            window = Window(axis, *(start + timedelta(seconds=at) for at in (first_s, end_s)))
            writer.begin_pull(now, Pull(HEART_RATE, window, why, "UTC", now))
            pages = made.of(of, first_s, end_s)
            for page in pages:
                writer.reply(REQUEST, Reply(200, {"content-type": "application/json"}, page, now))
            points = (end_s - first_s) * POINTS // _DAY_S
            writer.end_pull(now, Outcome(OutcomeKind.COMPLETE, pages=len(pages), points=points))
        writer.end_pass(now, PassEnd("ok"))
        if number % _TOLD_EVERY_DAYS == _TOLD_EVERY_DAYS - 1:
            print(f"    written: {number + 1} days", file=sys.stderr, flush=True)
    writer.close()


def _reads(day: date, *, settles: bool) -> Iterator[tuple[int, int, date, Why]]:
    """Give what is asked on a day: seconds from midnight, of which day, and why."""
    every = _DAY_S // TAILS
    for tail in range(TAILS):
        yield max(0, tail * every - 3600), (tail + 1) * every - 60, day, Why.SYNC
    if settles:
        yield 0, _DAY_S, day - SETTLED_AFTER, Why.SETTLE


def _configure(folder: Path, shape: Shape) -> None:
    (folder / "fitbitd.toml").write_text(
        f'state_dir = "{folder}/state"\n[[account]]\nname = "{ACCOUNT}"\n'
        f'provider = "{shape.name}"\nclient_id = "{shape.client_id}"\n'
        f'client_secret_file = "{folder}/none"\n'
    )


def _measure(what: str, command: list[str], index_dir: Path, days: int) -> None:
    """Run a process to its end; tell its CPU time, its memory, and what the index then holds."""
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=words, stderr=subprocess.STDOUT, text=True
        )
        most_mb = 0.0
        while True:
            with suppress(SystemExit):  # it has just ended
                most_mb = max(most_mb, memory_mb(process.pid, "VmHWM"))
            clock.sleep(_LOOKS_EVERY_S)  # noqa: TID251 - the other process lives in real time
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:  # what `usage` says of memory counts that of this process, too
                break
        process.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        said = words.read()
    if process.returncode:
        raise SystemExit(said)
    print(f"  {what}: {said.strip().splitlines()[-1]}")
    cpu_s = usage.ru_utime + usage.ru_stime
    with closing(open_reader(index_dir)) as db:
        (readings,) = db.execute("SELECT sum(n) FROM rollup_day").fetchone()
    tell("readings in the index", f"{readings:,}")
    tell("CPU", f"{cpu_s:,.1f} s, {cpu_s / days * 1000:,.0f} ms a day")
    tell("readings in the index per CPU second", f"{readings / cpu_s:,.0f}")
    tell(f"most memory, goal {MEMORY_GOAL_MB} MB", f"{most_mb:.1f} MB")


def _read_all(shape: Shape, account_dir: Path, folder: Path) -> None:
    """Apply the archive to an index in another folder, every pull of it."""
    provider = shape.provider(NOWHERE)
    index = Index(folder, provider.catalogue)
    index.account_dir = account_dir
    steps = apply_archive(index, provider.read, provider.catalogue, learn=provider.learn)
    pulls = sum(one.pull is not None for one in steps)
    index.close()
    print(f"an index is made from {pulls} pulls")


def _compare(one_dir: Path, other_dir: Path) -> None:
    with closing(open_reader(one_dir)) as one, closing(open_reader(other_dir)) as other:
        difference = first_difference(one, other)
    tell("the two indexes", "are equal" if difference is None else f"differ: {difference}")


if __name__ == "__main__":
    main()
