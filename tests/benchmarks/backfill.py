"""Readings stored per CPU second for 30 days of backfill, body to durable index.

    python -m tests.benchmarks.backfill [--profile]

First as a user has it: the CPU seconds of the process `fitbitd pull --from --to` (daily values and
nights included), with the provider in another process. Then from a body in memory through archive
and index, without HTTP, which `--profile` shows by function.
"""

import asyncio
import cProfile
import pstats
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from fitbitd.clock import SystemClock
from fitbitd.fetch.transport import Network
from fitbitd.model import DataTypeName, Outcome, OutcomeKind, PassEnd, Pull, Reply, Request, Why
from fitbitd.plan.planner import chunks
from fitbitd.providers.fitbit.wire import FitbitProvider
from fitbitd.simulator import FitbitSettings, FitbitSimulator, SimulatorTransport, Wearer
from fitbitd.store.account import AccountStore
from tests.benchmarks.place import place, tell, tell_conditions
from tests.support.clock import FakeClock

DAYS = 30
TIMES = 3
TYPES = ("heart_rate", "steps", "daily_heart_rate", "daily_steps", "sleep")
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
LAST = date(2027, 3, 9)

Asked = tuple[Pull, Request, Reply]


def main() -> None:
    """Measure both ways, and print the medians."""
    tell_conditions()
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    if profile is None:
        _whole_process()
    _body_to_index(profile)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


def _whole_process() -> None:
    with place() as here:
        last = SystemClock().now().date() - timedelta(days=2)
        first = last - timedelta(days=DAYS - 1)
        days = ("--from", first.isoformat(), "--to", last.isoformat())
        types = [word for name in TYPES for word in ("--data-type", name)]
        spent, started = [], []
        for _ in range(TIMES):
            here.forget()
            started.append(here.cpu_s("pull", "--data-type", "profile"))
            here.forget()
            spent.append(here.cpu_s("pull", *days, *types))
        readings, spent_s, started_s = here.readings(), median(spent), median(started)
        tell(f"fitbitd pull of {DAYS} days, {readings:,} readings: CPU", f"{spent_s:.2f} s")
        tell("readings per CPU second, all in all", f"{readings / spent_s:,.0f}")
        tell("the same pull of a profile alone: CPU", f"{started_s:.2f} s")
        tell("readings per CPU second, less that", f"{readings / (spent_s - started_s):,.0f}")


def _body_to_index(profile: cProfile.Profile | None) -> None:
    provider = FitbitProvider("http://127.0.0.1:9")
    asked = asyncio.run(_answers(provider))
    rates = []
    for _ in range(TIMES):
        with (
            tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as folder,
            AccountStore(Path(folder) / "alice", provider.read, provider.catalogue) as store,
        ):
            began_s = time.process_time()
            with profile or nullcontext():
                _store(provider, store, asked)
            spent_s = time.process_time() - began_s
            (readings,) = store.index.db.execute("SELECT count(*) FROM reading").fetchone()
            rates.append(readings / spent_s)
    tell("body to durable index, without HTTP: readings per CPU s", f"{median(rates):,.0f}")


async def _answers(provider: FitbitProvider) -> list[Asked]:
    """Ask the simulator for every body beforehand."""
    clock = FakeClock(NOW.isoformat())
    simulator = FitbitSimulator(
        clock, Wearer(member_since=LAST - timedelta(days=60)), FitbitSettings(quota=1_000)
    )
    bearer = ("authorization", f"Bearer {simulator.mint()['access_token']}")
    network = Network(clock, SimulatorTransport(simulator, clock))
    found = []
    async with network.session() as send:
        for name in map(DataTypeName, TYPES):
            for window in chunks(provider.catalogue[name], LAST - timedelta(days=DAYS - 1), LAST):
                pull = Pull(name, window, Why.BACKFILL, "Europe/Berlin", NOW)
                request = provider.request(pull)
                asking = Request("GET", request.url, (*request.headers, bearer))
                found.append((pull, request, await send(asking)))
    return found


def _store(provider: FitbitProvider, store: AccountStore, asked: list[Asked]) -> None:
    """Do with the answers what a pass does."""
    writer = store.writer
    writer.begin_pass(NOW, provider.name, "benchmark")
    for pull, request, reply in asked:
        writer.begin_pull(NOW, pull)
        writer.reply(request, reply)
        provider.judge(reply)
        points = provider.survey(pull, reply).points
        writer.end_pull(NOW, Outcome(OutcomeKind.COMPLETE, pages=1, points=points))
    writer.end_pass(NOW, PassEnd("ok"))
    store.apply_pass()


if __name__ == "__main__":
    main()
