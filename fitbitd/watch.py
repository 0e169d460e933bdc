"""How all accounts stand, for whoever wants to know: systemd, other processes, and a person."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fitbitd import health, systemd
from fitbitd.account import OpenAccount, ToldAt
from fitbitd.assembly import World
from fitbitd.config import AccountSettings, NotifySettings
from fitbitd.engine import Report
from fitbitd.health import Condition
from fitbitd.health_codes import CODES
from fitbitd.notify import Notifier
from fitbitd.standing import Standing

Passed = Callable[[str, Report], None]


@dataclass(frozen=True, slots=True)
class Stand:
    """How an account stands.

    Attributes:
        found: what is wrong with it, the most urgent first.
        next_at: when its next pass is due.
        report: how its last pass went; None if none has run.
    """

    found: tuple[Condition, ...]
    next_at: datetime
    report: Report | None = None


class Watch:
    """Knows how each account stood at its last look."""

    def __init__(
        self,
        notify: NotifySettings,
        world: World,
        standing: Standing | None = None,
        passed: Passed | None = None,
    ) -> None:
        """Prepare; nobody is told anything before the first `note`.

        Args:
            standing: shows other processes how the accounts stand.
            passed: called with an account's name after each of its passes.
        """
        self._world = world
        self._standing = standing
        self._passed = passed
        self._notifier = Notifier(notify, world.clock, world.send, world.tells)
        self._stands: dict[str, Stand] = {}
        self._showing = asyncio.Lock()

    def expect(self, notify: NotifySettings, accounts: Collection[str]) -> None:
        """Go on with exactly these accounts."""
        self._notifier.settings = notify
        self._notifier.expect(accounts)
        self._stands = {name: each for name, each in self._stands.items() if name in accounts}

    def recall(self, name: str, account: OpenAccount) -> None:
        """Have nobody told again of what an earlier process told."""
        self._notifier.recall(name, account.conditions, account.told)

    async def note(self, account: AccountSettings, stand: Stand) -> ToldAt:
        """Take note of how an account stands; say when a person was told of what is open."""
        fresh_until = None
        if stand.report is not None and health.is_fresh(stand.found):
            lasts = health.STALE_AFTER_POLLS * account.poll_every
            fresh_until = self._world.clock.now() + lasts
        told = self._notifier.take(account.name, stand.found, fresh_until)
        self._stands[account.name] = stand
        systemd.notify(f"STATUS={status_line(self._stands)}")
        await self._show()
        if stand.report is not None and self._passed is not None:
            self._passed(account.name, stand.report)
        return told

    async def _show(self) -> None:
        """Show other processes how all accounts stand, one look after the other."""
        if self._standing is not None:
            show = self._standing.show
            async with self._showing:
                found = {name: one.found for name, one in self._stands.items()}
                await self._world.offload(lambda: show(found))

    def remind(self) -> Mapping[str, ToldAt]:
        """Tell a person what time alone makes news; give what `note` gives, by account."""
        return self._notifier.remind()

    async def close(self) -> None:
        """Give what is under way a moment to end, and show nothing any more."""
        await self._notifier.close()
        if self._standing is not None:
            await self._world.offload(self._standing.close)


def status_line(stands: Mapping[str, Stand]) -> str:
    """Say in one line how all accounts stand: what troubles which, and when the next look is."""
    troubled = [f"{name}: {_in_short(one.found)}" for name, one in stands.items() if one.found]
    well = f"{len(stands) - len(troubled)} of {len(stands)} accounts well"
    next_at = min(stand.next_at for stand in stands.values())
    return "; ".join((*troubled, well, f"next look at {next_at:%H:%M} UTC"))


def _in_short(found: Sequence[Condition]) -> str:
    """Name each code once, with its words."""
    codes = dict.fromkeys(each.code for each in found)
    return ", ".join(f"{code} ({CODES[code].about})" for code in codes)
