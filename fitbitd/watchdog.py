"""What feeds systemd's watchdog: a job of the scheduler, on the event loop.

So a fed watchdog proves that both go on: that the scheduler runs what is due, and that the loop
lets it. A thread or a task of its own would vouch for itself alone.
"""

from contextlib import suppress
from datetime import timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from fitbitd import systemd
from fitbitd.clock import Clock

JOB = "watchdog"


class Watchdog:
    """Feeds the watchdog a few times as often as it must be; does nothing where there is none."""

    def __init__(self, scheduler: AsyncIOScheduler, clock: Clock) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._every = timedelta(seconds=systemd.watchdog_interval_s() or 0)

    def start(self) -> None:
        """Have it fed from now on."""
        if self._every:
            self._scheduler.add_job(
                self._feed,
                "interval",
                id=JOB,
                days=1,  # never reached: each run says when the next one is due
                next_run_time=self._clock.now(),
            )

    def arm(self) -> None:
        """Have it fed at once, whatever was planned by the clock before."""
        self._next_after(timedelta())

    async def _feed(self) -> None:
        systemd.notify("WATCHDOG=1")
        self._next_after(self._every)

    def _next_after(self, wait: timedelta) -> None:
        with suppress(JobLookupError):  # there is no watchdog
            self._scheduler.modify_job(JOB, next_run_time=self._clock.now() + wait)
