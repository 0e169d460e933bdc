"""Resident memory of `fitbitd run`, idle and at its peak, and the requests of a quiet pass.

python -m tests.benchmarks.memory [fitbit | google_health]
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from fitbitd.clock import SystemClock
from tests.benchmarks.place import Place, memory_mb, place, tell, tell_conditions
from tests.benchmarks.shapes import SHAPES, Shape

BACKFILL_DAYS = 30
QUIET_PASSES = 2
POLL_EVERY_S = 5
GIVES_UP_AFTER_S = 600
IDLE_GOAL_MB = 45
PEAK_GOAL_MB = 64


def main() -> None:
    """Measure with both providers."""
    tell_conditions()
    named = [shape for name, shape in SHAPES.items() if name in sys.argv]
    for shape in named or SHAPES.values():
        _measure(shape)


def _measure(shape: Shape) -> None:
    """Backfill with one process, then be idle with that one and with a fresh one."""
    print(f"{shape.name}, goals {IDLE_GOAL_MB} MB idle and {PEAK_GOAL_MB} MB at most")
    with place(shape) as here:
        first = SystemClock().now().date() - timedelta(days=BACKFILL_DAYS)
        here.configure(poll_every=f"{POLL_EVERY_S}s", backfill_from=first.isoformat())
        with _daemon(here) as pid:
            _wait_until_quiet(here, seen=0)
            tell(f"peak during {BACKFILL_DAYS} days of backfill", _mb(pid, "VmHWM"))
            tell("idle after that backfill", _mb(pid, "VmRSS"))
            tell("requests in a quiet pass", f"{_requests_per_pass(here):.2f}")
        with _daemon(here) as pid:
            _wait_until_quiet(here, seen=len(here.requests()))
            tell(f"idle after a start and {QUIET_PASSES} quiet passes", _mb(pid, "VmRSS"))
            tell("peak of that process", _mb(pid, "VmHWM"))
        tell("readings in the index", f"{here.readings():,}")


@contextmanager
def _daemon(here: Place) -> Iterator[int]:
    process = here.start("run")
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_quiet(here: Place, seen: int) -> None:
    """Wait until the last requests are those of passes that found nothing to ask."""
    for _ in range(GIVES_UP_AFTER_S):
        time.sleep(1)  # noqa: TID251 - the daemon is another process, and lives in real time
        newest = here.requests()[seen:][-QUIET_PASSES - 1 :]
        if len(newest) > QUIET_PASSES and all(path.endswith(here.shape.look) for path in newest):
            return
    raise SystemExit("the daemon asks and asks: " + (here.folder / "stderr").read_text())


def _requests_per_pass(here: Place) -> float:
    """Count requests at the provider, and passes by what the daemon says of them."""
    requests, passes = len(here.requests()), _passes(here)
    time.sleep(4 * POLL_EVERY_S)  # noqa: TID251 - the same
    return (len(here.requests()) - requests) / (_passes(here) - passes)


def _passes(here: Place) -> int:
    return (here.folder / "stderr").read_text().count("pass.finished")


def _mb(pid: int, key: str) -> str:
    return f"{memory_mb(pid, key):.1f} MB"


if __name__ == "__main__":
    main()
