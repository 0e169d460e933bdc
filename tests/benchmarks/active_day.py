"""An active day of a wearer of everything that Google has: requests, bytes received and archived.

    python -m tests.benchmarks.active_day [--normal]

96 syncs, about 40,000 heart rates, polls each 15 minutes, with the days before it read already.
Bytes received are bodies after content decoding; bytes archived are those of the day's file, which
holds each pass that began on that day (UTC). `--normal` is a day of 8 syncs at a usual density.
The checks by the hour are weekly, and fell on the day before.
"""

import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import pytest

from fitbitd.simulator import DailySyncs, Wearer
from fitbitd.simulator.days import INTERVALS_S
from fitbitd.simulator.life import google
from fitbitd.store.members import Member, read_file
from tests.benchmarks.place import quiet_logs, tell, tell_conditions
from tests.support.household import Household, google_account

DAY_BEGAN = datetime(2027, 3, 10, tzinfo=UTC)
BEFORE = timedelta(hours=3)  # by then a new account has read what lies behind it
DAY = timedelta(days=1)
LIVED_BEFORE = 20 * DAY
ACTIVE_S = (1, 2, 2, 3)  # between two heart rates: 40,000 on a day
RECEIVED_GOAL_MB = 150
ARCHIVED_GOAL_MB = 5
SHOWN = 12
KEPT_POINTS = 1_000_000
_TYPE = re.compile(r"/dataTypes/([a-z0-9-]+)/dataPoints(?::(\w+))?(?:/.*)?$")


@dataclass(frozen=True, slots=True)
class Life:
    """How a day is lived."""

    name: str
    syncs: int
    intervals_s: tuple[int, ...]

    def household(self, folder: Path) -> Household:
        """Make the household; its wearer began long enough ago."""
        minutes = range(7, 24 * 60, 24 * 60 // self.syncs)
        times = tuple(wall_time(minute // 60, minute % 60, 30) for minute in minutes)
        wearer = Wearer(
            seed=3,
            member_since=(DAY_BEGAN - LIVED_BEFORE).date(),
            syncs=DailySyncs(times),
            has_scale=True,
            intervals_s=self.intervals_s,
        )
        account = google_account(poll_every=timedelta(minutes=15))
        home = Household(
            folder / "state", (DAY_BEGAN - BEFORE).isoformat(), wearer, accounts=(account,)
        )
        home.authorize()
        return home


ACTIVE = Life("an active day", 96, ACTIVE_S)
NORMAL = Life("a normal day", 8, INTERVALS_S)


def main() -> None:
    """Tell of the day."""
    tell_conditions()
    quiet_logs()
    life = NORMAL if "--normal" in sys.argv else ACTIVE
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(google, "_CACHED_POINTS", KEPT_POINTS)  # the simulator's speed, no more
            home = life.household(Path(folder))
            home.live(BEFORE + DAY, monkeypatch=patch)
        _tell(home, life)


def _tell(home: Household, life: Life) -> None:
    """Compare the day with the goals, and say what it consists of."""
    requests: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for entry in home.data_requests(since=DAY_BEGAN):
        requests[_kind(entry.path)] += 1
        received[_kind(entry.path)] += entry.size_bytes
    passes = [report for _, at, report in home.reports if at >= DAY_BEGAN]
    archived = _archived(home)
    heart = home.simulator.wearer.truth(DAY_BEGAN + DAY)["heart_rate"]
    on_the_day = sum(at_s >= DAY_BEGAN.timestamp() for at_s, _ in heart)
    print(f"\n{life.name}: {life.syncs} syncs, {on_the_day:,} heart rates, {len(passes)} passes")
    tell("requests", f"{requests.total():,}")
    tell("  in the quietest pass", f"{min(report.requests for report in passes)}")
    tell("received", f"{received.total() / 1e6:.1f} MB  (goal {RECEIVED_GOAL_MB})")
    tell("archived", f"{archived.total() / 1e6:.2f} MB  (goal {ARCHIVED_GOAL_MB})")
    print("\n  requests by kind, with MB received")
    for kind, count in requests.most_common(SHOWN):
        tell(f"  {kind}", f"{count:,}  {received[kind] / 1e6:.1f} MB")
    print("\n  MB received by kind, with requests")
    for kind, size in received.most_common(SHOWN):
        tell(f"  {kind}", f"{size / 1e6:.1f} MB  {requests[kind]:,}")
    print("\n  MB archived by data type and reason")
    for kind, size in archived.most_common(SHOWN):
        tell(f"  {kind}", f"{size / 1e6:.2f} MB")


def _archived(home: Household) -> Counter[str]:
    """Sum up the members of the day's file by what they hold."""
    day = DAY_BEGAN
    path = home.parts().folder / "archive" / f"{day:%Y}" / f"{day:%m-%d}.jsonl.gz"
    sizes: Counter[str] = Counter()
    for member in read_file(path):
        if isinstance(member, Member):
            line = next(member.lines())
            name = f"{line['data_type']} {line['why']}" if "data_type" in line else line["kind"]
            sizes[name] += member.end - member.start
    return sizes


def _kind(path: str) -> str:
    found = _TYPE.search(path)
    if found is None:
        return path.rpartition("/")[2]
    return f"{found[1]} {found[2] or 'list'}"


if __name__ == "__main__":
    main()
