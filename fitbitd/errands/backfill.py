"""Bringing history home: passes until nothing of it is left to ask, and the waits between them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World
from fitbitd.commands import words
from fitbitd.commands.progress import Progress, full_since, granted_wants, progress_of, reason
from fitbitd.control import Listener
from fitbitd.engine import Report, next_plan
from fitbitd.errors import FitbitdError, GoneError, ThrottledError, TransientError, complaint
from fitbitd.model import Why
from fitbitd.plan.ledger import Ledger
from fitbitd.store.gaps import read_pace

LOOKS_EVERY_S = 60.0
"""The clock may be set while a pause is waited for."""

FAILURES_IN_A_ROW = 3
"""So many passes that could not reach the provider end it."""


async def backfill(
    account: AccountParts, world: World, held: OpenAccount, listener: Listener
) -> int:
    """Run passes until nothing of history is left to ask; give the exit code.

    Args:
        account: with the first day that is asked for as its `backfill_from`.
    """
    first = account.settings.backfill_from
    assert first is not None  # noqa: S101 - `prepared` has seen to it
    with held.backfilling(first):
        return await _Backfill(account, world, held, listener, held.requests).run()


@dataclass(slots=True)
class _Backfill:
    """One errand for an account that this process holds.

    Attributes:
        before: requests that had been sent for the account when it began.
        reached: the provider has answered.
        failures: passes in a row that could not reach the provider.
    """

    account: AccountParts
    world: World
    held: OpenAccount
    listener: Listener
    before: int
    reached: bool = False
    failures: int = 0

    async def run(self) -> int:
        """Run passes, and wait between them as the provider asks; give the exit code."""
        self._show("what is new comes first, then history")
        while True:
            report = await self.held.run_pass()
            self.reached |= report.complete > 0
            ledger, progress = await self._progress()
            if report.error is not None and not self._goes_on(report.error):
                self.listener.say(complaint(f"{self.account.settings.name}: {report.error}"))
                return report.error.exit_code
            if report.error is None and await self._ended(report, ledger, progress):
                self._tell_end(progress)
                return 0
            await self._wait(report, ledger, progress)

    def _goes_on(self, error: FitbitdError) -> bool:
        """Say whether a failed pass is one after which waiting helps."""
        if isinstance(error, TransientError):
            self.failures += 1
            return self.reached and self.failures < FAILURES_IN_A_ROW
        self.failures = 0
        return isinstance(error, ThrottledError) and not isinstance(error, GoneError)

    async def _granted(self) -> tuple[str, ...]:
        grant = await self.world.offload(self.account.token_file.read)
        return grant.scope if grant else ()

    async def _progress(self) -> tuple[Ledger, Progress]:
        granted, now = await self._granted(), self.world.clock.now()
        async with self.held.turn:
            db = self.held.store.index.db
            ledger = await self.held.engine.ledger()
            pace = await self.world.offload(lambda: read_pace(db, now))
        return ledger, progress_of(self.account, ledger, pace, granted, now)

    async def _ended(self, report: Report, ledger: Ledger, progress: Progress) -> bool:
        """Say whether nothing is left that could be asked: what is refused is another matter."""
        if progress.done or report.left:
            return progress.done
        wants = granted_wants(self.account, ledger, await self._granted())
        now = self.world.clock.now()
        plan = next_plan(self.account.provider(), wants, ledger, ledger.quota, now)
        return all(each.pull.why is not Why.BACKFILL for each in (*plan.chosen, *plan.waiting))

    async def _wait(self, report: Report, ledger: Ledger, progress: Progress) -> None:
        """Show how far it is, and let pass what the provider asks to wait."""
        clock = self.world.clock
        until = _resumes_at(report, ledger, clock.now())
        long = until - clock.now() > timedelta(seconds=LOOKS_EVERY_S)
        pause = _paused(report, until) if long else ""
        while (left := until - clock.now()) > timedelta(0):
            self._show(self._line(ledger, progress, pause), pause)
            await clock.sleep(min(left.total_seconds(), LOOKS_EVERY_S))

    def _line(self, ledger: Ledger, progress: Progress, pause: str) -> str:
        """Say how far it is, what matters most first: a narrow terminal has no room for more."""
        told = [words.percent(progress.share)]
        if progress.eta is not None:
            told.append(f"{words.about(progress.eta)} to go")
        if pause:
            told.append(pause)
        reached = full_since(self.account, ledger, self.world.clock.now())
        if reached is not None:
            told.append(f"complete since {reached}")
        told.append(self._requests())
        return ", ".join(told)

    def _tell_end(self, progress: Progress) -> None:
        """Say how far back the data goes, and why it stops there."""
        found, asked = progress.history, self._requests()
        if found is None or not found.done:
            self._say(f"all that the provider gives is here ({asked})")
            gaps = f"fitbitd gaps {self.account.settings.name}"
            self._say(f"some days are refused or not believed, and asked again. Next: {gaps}")
        else:
            why = reason(found, asked_by="as asked")
            self._say(f"history is complete since {found.first}, {why} ({asked})")

    def _requests(self) -> str:
        return words.many(self.held.requests - self.before, "request")

    def _show(self, line: str, pause: str = "") -> None:
        self.listener.show(f"{self.account.settings.name}: {line}", pause)

    def _say(self, line: str) -> None:
        self.listener.say(f"{self.account.settings.name}: {line}")


def _resumes_at(report: Report, ledger: Ledger, now: datetime) -> datetime:
    """Say when the next pass is due; history need not wait for a poll once the quota renews."""
    if isinstance(report.error, ThrottledError):
        return report.error.until
    quota = ledger.quota
    if quota is not None and now < quota.renews_at:
        return min(report.next_at, quota.renews_at)
    return report.next_at


def _paused(report: Report, until: datetime) -> str:
    """Say what is waited for."""
    if isinstance(report.error, TransientError):
        return f"no answer; asks again at {until:%H:%M} UTC"
    return f"waits for the quota until {until:%H:%M} UTC"
