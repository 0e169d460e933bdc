"""Readings stored per CPU second in a backfill, body to durable index, for both providers.

    python -m tests.benchmarks.backfill [--profile] [fitbit | google_health]

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
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from fitbitd.clock import SystemClock
from fitbitd.fetch.transport import Network
from fitbitd.model import DataTypeName, Outcome, OutcomeKind, PassEnd, Pull, Reply, Request, Why
from fitbitd.plan.windows import chunks
from fitbitd.providers.base import Provider
from fitbitd.simulator import SimulatorTransport, Wearer
from fitbitd.store.account import AccountStore
from tests.benchmarks.place import place, tell, tell_conditions
from tests.benchmarks.shapes import NOWHERE, SHAPES, Shape
from tests.support.clock import FakeClock

TIMES = 3
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
LAST = date(2027, 3, 9)

Asked = tuple[Pull, list[tuple[Request, Reply]]]


def main() -> None:
    """Measure both ways, and print the medians."""
    tell_conditions()
    profile = cProfile.Profile() if "--profile" in sys.argv else None
    named = [shape for name, shape in SHAPES.items() if name in sys.argv]
    for shape in named or SHAPES.values():
        print(f"{shape.name}, goal {shape.goal:,}")
        if profile is None:
            _whole_process(shape)
        _body_to_index(shape, profile)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


def _whole_process(shape: Shape) -> None:
    with place(shape) as here:
        last = SystemClock().now().date() - timedelta(days=2)
        first = last - timedelta(days=shape.days - 1)
        days = ("--from", first.isoformat(), "--to", last.isoformat())
        types = [word for name in shape.types for word in ("--data-type", name)]
        spent, started = [], []
        for _ in range(TIMES):
            here.forget()
            started.append(here.cpu_s("pull", "--data-type", shape.small))
            here.forget()
            spent.append(here.cpu_s("pull", *days, *types))
        readings, spent_s, started_s = here.readings(), median(spent), median(started)
        what = f"fitbitd pull of {shape.days} days, {readings:,} readings: CPU"
        tell(what, f"{spent_s:.2f} s")
        tell("readings per CPU second, all in all", f"{readings / spent_s:,.0f}")
        tell("the same pull of a profile alone: CPU", f"{started_s:.2f} s")
        tell("readings per CPU second, less that", f"{readings / (spent_s - started_s):,.0f}")


def _body_to_index(shape: Shape, profile: cProfile.Profile | None) -> None:
    provider = shape.provider(NOWHERE)
    asked = asyncio.run(_answers(shape, provider))
    rates, readings = [], 0
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
    size_bytes = sum(len(reply.body) for _, replies in asked for _, reply in replies)
    tell("body to durable index, without HTTP: readings per CPU s", f"{median(rates):,.0f}")
    tell(
        "  from bodies of", f"{size_bytes / 1e6:,.0f} MB, {size_bytes / readings:,.0f} B a reading"
    )


async def _answers(shape: Shape, provider: Provider) -> list[Asked]:
    """Ask the simulator for every body beforehand."""
    clock = FakeClock(NOW.isoformat())
    simulator = shape.simulator(clock, Wearer(member_since=LAST - timedelta(days=60)))
    bearer = ("authorization", f"Bearer {simulator.mint()['access_token']}")
    network = Network(clock, SimulatorTransport(simulator, clock))
    found = []
    async with network.session() as send:
        for name in map(DataTypeName, shape.types):
            first = LAST - timedelta(days=shape.days - 1)
            for window in chunks(provider.catalogue[name], first, LAST):
                pull = Pull(name, window, Why.BACKFILL, "Europe/Berlin", NOW)
                replies: list[tuple[Request, Reply]] = []
                page: str | None = None
                while page is not None or not replies:
                    asking = provider.request(pull, page)
                    reply = await send(replace(asking, headers=(*asking.headers, bearer)))
                    replies.append((asking, reply))
                    page = provider.survey(pull, reply).next_page
                found.append((pull, replies))
    return found


def _store(provider: Provider, store: AccountStore, asked: list[Asked]) -> None:
    """Do with the answers what a pass does."""
    writer = store.writer
    writer.begin_pass(NOW, provider.name, "benchmark")
    for pull, replies in asked:
        writer.begin_pull(NOW, pull)
        points = 0
        for request, reply in replies:
            writer.reply(request, reply)
            provider.judge(reply)
            points += provider.survey(pull, reply).points
        writer.end_pull(NOW, Outcome(OutcomeKind.COMPLETE, pages=len(replies), points=points))
    writer.end_pass(NOW, PassEnd("ok"))
    store.apply_pass()


if __name__ == "__main__":
    main()
