"""An active day of a wearer of everything that Google has: requests, bytes received and archived.

    python -m tests.benchmarks.active_day [--normal]

96 syncs, about 40,000 heart rates, polls each 15 minutes, with the days before it read already.
Bytes received are bodies after content decoding; bytes archived are those of the day's file, which
holds each pass that began on that day (UTC). `--normal` is a day of 8 syncs at a usual density.
The checks by the hour are weekly, and fell on the day before.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import pytest

from fitbitd.simulator import DailySyncs, Wearer
from fitbitd.simulator.days import INTERVALS_S
from fitbitd.simulator.life import google
from fitbitd.store.lines import body_of
from fitbitd.store.members import Member, read_file
from tests.benchmarks.place import quiet_logs, tell, tell_conditions
from tests.support.household import Household, google_account

DAY_BEGAN = datetime(2027, 3, 10, tzinfo=UTC)
BEFORE = timedelta(hours=3)  # by then a new account has read what lies behind it
DAY = timedelta(days=1)
LIVED_BEFORE = 20 * DAY
ACTIVE_S = (1, 2, 2, 3)  # between two heart rates: 40,000 on a day
QUIET_GOAL = 1
RECEIVED_GOAL_MB = 150
ARCHIVED_GOAL_MB = 5
KEPT_POINTS = 1_000_000


@dataclass(slots=True)
class Cost:
    """What some pulls cost; sizes in bytes, of bodies and of members of the archive."""

    requests: int = 0
    received: int = 0
    archived: int = 0


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
    asked = home.data_requests(since=DAY_BEGAN)
    passes = [report for _, at, report in home.reports if at >= DAY_BEGAN]
    received = sum(entry.size_bytes for entry in asked)
    heart = home.simulator.wearer.truth(DAY_BEGAN + DAY)["heart_rate"]
    on_the_day = sum(at_s >= DAY_BEGAN.timestamp() for at_s, _ in heart)
    path = home.parts().folder / "archive" / f"{DAY_BEGAN:%Y}" / f"{DAY_BEGAN:%m-%d}.jsonl.gz"
    print(f"\n{life.name}: {life.syncs} syncs, {on_the_day:,} heart rates, {len(passes)} passes")
    tell("requests", f"{len(asked):,}")
    quietest = min(report.requests for report in passes)
    tell("  in the quietest pass", f"{quietest}  (goal {QUIET_GOAL}, of one without a sync)")
    tell("received", f"{received / 1e6:.1f} MB  (goal {RECEIVED_GOAL_MB})")
    tell("archived", f"{path.stat().st_size / 1e6:.2f} MB  (goal {ARCHIVED_GOAL_MB})")
    for title, key in (("data type", "data_type"), ("reason", "why")):
        costs = _costs(path, key)
        print(f"\n  {title:<36} {'requests':>9} {'MB received':>12} {'MB archived':>12}")
        for name, cost in sorted(costs.items(), key=lambda item: -item[1].archived):
            sizes = f"{cost.received / 1e6:>12.2f} {cost.archived / 1e6:>12.3f}"
            print(f"  {name:<36} {cost.requests:>9,} {sizes}")


def _costs(path: Path, key: str) -> Mapping[str, Cost]:
    """Sum up the pulls of the day's file by their data type or reason."""
    costs: defaultdict[str, Cost] = defaultdict(Cost)
    for member in read_file(path):
        if not isinstance(member, Member):
            continue
        first, *rest = member.lines()
        replies = [line for line in rest if line["kind"] == "reply"]
        cost = costs[str(first.get(key, first["kind"]))]
        cost.requests += len(replies)
        cost.received += sum(len(body_of(line)) for line in replies)
        cost.archived += member.end - member.start
    return costs


if __name__ == "__main__":
    main()
