"""The daemon: two jobs per account, the signals, and what systemd is told.

APScheduler is the alarm clock only: `plan.cadence` decides when a pass is due, `engine` what comes
of it. A job here is one call, and the scheduler never sees it fail.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from fitbitd import facts, health, systemd
from fitbitd.account import OpenAccount, ToldAt, log_changes
from fitbitd.assembly import AccountParts, World, parts
from fitbitd.config import Settings
from fitbitd.control import Control, Listener, Run
from fitbitd.engine import Report
from fitbitd.errands.doing import do_held
from fitbitd.errands.errand import Errand, prepared
from fitbitd.errands.rebuild import rebuild
from fitbitd.errors import FitbitdError, OperatorError, TransientError
from fitbitd.health import Condition
from fitbitd.oauth import token
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.token import TokenState
from fitbitd.standing import Standing
from fitbitd.watch import Passed, Stand, Watch
from fitbitd.watchdog import Watchdog

log = structlog.get_logger()

STOPS_WITHIN_S = 3.0
"""What is under way at a stop gets this long to end by itself; then it is closed as it is."""

GUARD_EVERY_S = 30.0
CLOCK_STEP = timedelta(minutes=1)
OPENED_AGAIN_AFTER = timedelta(seconds=30)
TENDED_AGAIN_AFTER = timedelta(minutes=1)

Listens = Callable[[Run], Control]


class Daemon:
    """Looks after all accounts of a configuration until it is told to stop."""

    def __init__(  # noqa: PLR0913 - each is a way to the outside
        self,
        settings: Settings,
        load: Callable[[], Settings],
        world: World,
        passed: Passed | None = None,
        *,
        listens: Listens | None = None,
        standing: Standing | None = None,
    ) -> None:
        """Prepare everything; nothing runs before `run`.

        Args:
            load: reads the configuration again, for a reload.
            passed: called with an account's name after each of its passes.
            listens: makes the socket over which commands ask for something; None: there is none.
            standing: shows other processes how the accounts stand.
        """
        self._settings = settings
        self._load = load
        self._world = world
        self._accounts: dict[str, _Jobs] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(
            _tell_of_job, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED
        )
        self._watchdog = Watchdog(self._scheduler, world.clock)
        self._stop = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._leaving: list[_Jobs] = []
        self._control = listens(self._do) if listens else None
        self._watch = Watch(settings.notify, world, standing, passed)

    def stop(self) -> None:
        """End the daemon soon: what is under way is closed cleanly first."""
        self._stop.set()

    async def run(self) -> None:
        """Run until `stop` is called.

        Raises:
            OperatorError: no account of the configuration can be started.
        """
        names = [account.name for account in self._settings.accounts]
        self._watch.expect(self._settings.notify, names)
        for account in self._settings.accounts:
            self._add(parts(self._settings, account))
        if not self._accounts:
            raise OperatorError(
                "none of the accounts can be started.\n"
                "Next: correct the configuration as the lines above say"
            )
        self._scheduler.start()
        self._watchdog.start()
        guard = asyncio.create_task(self._guard())
        if self._control is not None:
            await self._control.open()
        count = health.many(len(self._accounts), "account")
        systemd.notify("READY=1", f"STATUS=looking after {count}")
        log.info("daemon.started", accounts=list(self._accounts))
        try:
            await self._stop.wait()
        finally:
            systemd.notify("STOPPING=1")
            guard.cancel()
            await asyncio.gather(guard, return_exceptions=True)
            if self._control is not None:
                await self._control.close()
            open_still = [*self._accounts.values(), *self._leaving]
            await asyncio.gather(*(jobs.close() for jobs in open_still))
            await self._watch.close()
            self._scheduler.shutdown(wait=False)
            await self._world.clock.sleep(0)  # the scheduler ends on the loop's next round
            log.info("daemon.stopped")

    async def reload(self) -> None:
        """Apply the configuration file if it is valid; keep the old settings if it is not."""
        async with self._reloading:
            now_us = int(self._world.clock.monotonic() * 1e6)
            systemd.notify("RELOADING=1", f"MONOTONIC_USEC={now_us}")
            try:
                settings = await self._world.offload(self._load)
            except FitbitdError as err:
                log.error("config.rejected", detail=str(err))
            else:
                await self._apply(settings)
            systemd.notify("READY=1")

    async def _apply(self, settings: Settings) -> None:
        """End the accounts that are gone or look different now; start the new ones."""
        self._settings = settings
        wanted = {account.name: parts(settings, account) for account in settings.accounts}
        self._leaving = [
            self._accounts.pop(name)
            for name, jobs in list(self._accounts.items())
            if self._differs(jobs, wanted.get(jobs.parts.settings.name))
        ]
        await asyncio.gather(*(jobs.close() for jobs in self._leaving))
        self._leaving = []
        if self._stop.is_set():
            return
        self._watch.expect(settings.notify, wanted.keys())
        for name, account in wanted.items():
            if name not in self._accounts:
                self._add(account)
        log.info("config.reloaded", accounts=list(self._accounts))

    def _differs(self, jobs: "_Jobs", wanted: AccountParts | None) -> bool:
        """Say whether an account is to end: it is gone, or set up differently, secret included."""
        if wanted is None or wanted != jobs.parts:
            return True
        try:
            return wanted.app(self._world) != jobs.keeper.app
        except OperatorError as err:
            log.error("account.rejected", account=wanted.settings.name, detail=str(err))
            return False  # it goes on with the secret that it has

    def _add(self, account: AccountParts) -> None:
        try:
            keeper = account.keeper(self._world)
        except OperatorError as err:
            log.error("account.rejected", account=account.settings.name, detail=str(err))
            return
        jobs = _Jobs(account, keeper, self._world, self._scheduler, self._watch)
        self._accounts[account.settings.name] = jobs
        jobs.start()

    async def _do(self, asked: Mapping[str, Any], listener: Listener) -> int:
        """Do what a command asks for; give its exit code.

        Raises:
            FitbitdError: why it cannot be done.
        """
        errand = Errand.read(asked)
        account = prepared(errand, self._settings, self._world.clock.now())
        jobs = self._accounts.get(errand.account)
        if jobs is None:
            raise OperatorError(
                f"the daemon could not start {errand.account}.\nNothing was changed.\n"
                "Next: fitbitd check, then systemctl reload fitbitd"
            )
        return await jobs.do(errand, account, listener)

    async def _guard(self) -> None:
        """Arm every job anew when the wall clock steps; remind of what lasts; stay within reach.

        APScheduler computes its next wake-up from the wall clock: after a step back it would sleep
        until the old time comes round again. The monotonic clock does not step.
        """
        clock = self._world.clock
        before = clock.now() - timedelta(seconds=clock.monotonic())
        while True:
            await clock.sleep(GUARD_EVERY_S)
            offset = clock.now() - timedelta(seconds=clock.monotonic())
            try:
                self._look_up(offset - before)
                if self._control is not None:
                    await self._control.keep()
            except Exception as err:  # whatever it is, the guard outlives it
                log.error("job.crashed", job="guard", exc_info=err)
            before = offset

    def _look_up(self, step: timedelta) -> None:
        """Do what a step of the clock asks for; without one, remind of what lasts."""
        if abs(step) > CLOCK_STEP:  # the passes, which come at once, know better what lasts
            log.warning("clock.stepped", by_s=round(step.total_seconds()))
            for jobs in self._accounts.values():
                jobs.arm()
            self._watchdog.arm()
            return
        for name, told in self._watch.remind().items():
            if name in self._accounts:
                self._accounts[name].remember(told)


class _Jobs:
    """The pass job and the token job of one account, and what of them is under way."""

    def __init__(
        self,
        account: AccountParts,
        keeper: Keeper,
        world: World,
        scheduler: AsyncIOScheduler,
        watch: Watch,
    ) -> None:
        self._watch = watch
        self.parts = account
        self._name = account.settings.name
        self.keeper = keeper
        self._world = world
        self._scheduler = scheduler
        self._open: OpenAccount | None = None
        self._opening = asyncio.Lock()
        self._errands: set[asyncio.Task[Any]] = set()
        self._running: dict[str, asyncio.Task[datetime]] = {}
        self._again: set[str] = set()
        self._outcome = "ok"
        self._shut: tuple[Condition, ...] = ()  # what is wrong while the account cannot be opened
        self._may_ask = True
        self._closing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Schedule both jobs, at once."""
        for job_id, job in self._jobs().items():
            self._scheduler.add_job(
                self._run,
                "interval",
                args=(job_id, job),
                id=job_id,
                days=1,  # never reached: each run says when the next one is due
                next_run_time=self._world.clock.now(),
            )

    def arm(self) -> None:
        """Have both jobs look at once, whatever was planned by the clock before."""
        for job_id in self._jobs():
            self._set_next(job_id, self._world.clock.now())

    async def close(self) -> None:
        """End what is under way, within a few seconds, and let the account go; once."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await self._closing

    async def _close(self) -> None:
        for job_id in self._jobs():
            with suppress(JobLookupError):
                self._scheduler.remove_job(job_id)
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        if self._running:
            _, late = await asyncio.wait(self._running.values(), timeout=STOPS_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def do(self, errand: Errand, account: AccountParts, listener: Listener) -> int:
        """Do an errand between the account's passes, in the caller's task; give its exit code.

        Raises:
            FitbitdError: why it cannot be done.
        """
        if self._closing is not None:
            raise TransientError("the daemon lets this account go. Next: the same again")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._errands.add(task)
        try:
            if errand.errand == "rebuild":
                async with self._opening:
                    if self._open is None:  # perhaps for its index cannot be opened
                        return await rebuild(account, self._world, None, listener)
            held = await self._opened()
            return await do_held(errand, account, self._world, held, listener)
        finally:
            self._errands.discard(task)

    async def _opened(self) -> OpenAccount:
        """Give the account, opened by whoever needs it first."""
        async with self._opening:
            if self._open is None:
                held = await OpenAccount.open(self.parts, self.keeper, self._world)
                self._watch.recall(self._name, held)
                held.missed(self._shut)
                held.after_pass = partial(self._passed, held)
                self._open, self._shut = held, ()
            return self._open

    async def _passed(self, held: OpenAccount, report: Report) -> ToldAt:
        """Have it noted how the account stands after a pass, its own or one that was asked for."""
        self._tell(report.outcome, report.error)
        return await self._note(Stand(held.conditions, report.next_at, report))

    def remember(self, told: ToldAt) -> None:
        """Have noted of what a person was told, if there is where to."""
        if self._open is not None and self._closing is None:
            task = asyncio.create_task(self._open.remember(told))
            self._errands.add(task)
            task.add_done_callback(self._errands.discard)

    async def _note(self, stand: Stand) -> ToldAt:
        return await self._watch.note(self.parts.settings, stand)

    def _jobs(self) -> dict[str, Callable[[], Awaitable[datetime]]]:
        return {f"pass:{self._name}": self._pass, f"token:{self._name}": self._tend}

    async def _run(self, job_id: str, job: Callable[[], Awaitable[datetime]]) -> None:
        """Begin a job in a task of our own, unless it is under way; its end sets the next one.

        APScheduler would catch whatever a job raises, even cancellation, and a job that is due
        again before it counts as ended would be skipped for a whole interval. So for the scheduler
        every job ends at once.
        """
        if self._closing is not None:
            return
        if job_id in self._running:
            self._again.add(job_id)  # the clock stepped, or there is a new grant
            return

        async def work() -> datetime:
            with structlog.contextvars.bound_contextvars(account=self._name):
                return await job()

        task = asyncio.create_task(work())
        self._running[job_id] = task
        task.add_done_callback(partial(self._ended, job_id))

    def _ended(self, job_id: str, task: "asyncio.Task[datetime]") -> None:
        del self._running[job_id]
        if task.cancelled():
            return
        err = task.exception()
        if err is not None:
            log.error("job.crashed", job=job_id, exc_info=err)
        if self._closing is not None:
            return
        now = self._world.clock.now()
        next_at = now + self.parts.settings.poll_every if err else task.result()
        self._set_next(job_id, now if job_id in self._again else next_at)
        self._again.discard(job_id)

    def _set_next(self, job_id: str, at: datetime) -> None:
        with suppress(JobLookupError):
            self._scheduler.modify_job(job_id, next_run_time=at)

    async def _tend(self) -> datetime:
        """Look after the grant, and have a pass look at once when there is a new one.

        By a clock that is doubted only a refresh in doubt is sent: its answer is kept for minutes.
        """
        now = self._world.clock.now()
        if not await self._world.offload(self.parts.folder.is_dir):
            return now + TENDED_AGAIN_AFTER  # the passes say what is wrong
        believed = self._open is not None and self._open.engine.believes_clock
        if not believed and not await self._in_doubt(now):
            return now + TENDED_AGAIN_AFTER
        next_at = await self.keeper.tend()
        may_ask = self.keeper.describe(now).state not in {None, TokenState.REVOKED}
        if may_ask and not self._may_ask:
            self._set_next(f"pass:{self._name}", now)
        self._may_ask = may_ask
        return next_at

    async def _in_doubt(self, now: datetime) -> bool:
        try:
            return token.state(await self.keeper.grant(), now) is TokenState.IN_DOUBT
        except FitbitdError:
            return False

    async def _pass(self) -> datetime:
        """Run a pass, after opening the account the first time."""
        first = self._open is None
        try:
            held = await self._opened()
            waits_until = await self._first_look(held) if first else None
        except FitbitdError as err:
            self._tell(err.code, err)
            next_at = self._world.clock.now() + OPENED_AGAIN_AFTER
            await self._note(Stand(await self._without_index(err), next_at))
            return next_at
        if waits_until is not None:
            return waits_until
        report = await held.run_pass()
        return report.next_at

    async def _first_look(self, held: OpenAccount) -> datetime | None:
        """Say how the account stands that was just opened; give when its first pass is due."""
        first_at = await held.first_pass_at()  # before anything is noted
        await held.first_review()
        waits = first_at > self._world.clock.now()
        if waits or held.conditions:
            await held.remember(await self._note(Stand(held.conditions, first_at)))
        return first_at if waits else None

    async def _without_index(self, err: FitbitdError) -> tuple[Condition, ...]:
        """Say how an account stands that cannot even be opened."""
        now, subject, before = self._world.clock.now(), self.parts.subject, self._shut
        known = await self._world.offload(lambda: facts.without_index(subject, now, err, before))
        self._shut = health.conditions(known)
        log_changes(before, self._shut)
        return self._shut

    def _tell(self, outcome: str, error: FitbitdError | None) -> None:
        """Log the first failure and the recovery, not what lies between."""
        if outcome == self._outcome:
            return
        self._outcome = outcome
        if error is None:
            log.info("account.recovered")
        else:
            log.warning("account.troubled", reason=outcome, detail=str(error))


def _tell_of_job(event: JobEvent) -> None:
    """Log what APScheduler decides about a job on its own."""
    log.warning("job.skipped", job=event.job_id, event_code=event.code)
