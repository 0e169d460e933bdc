"""A life from a seed: a wearer, and all that goes wrong around the daemon of their account.

A schedule is made from the seed alone, and so is everything else that happens: a life that ended
badly ends so again. Times are seconds of true time since the beginning; the machine's own clock may
be wrong for a while.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx  # noqa: TID251 - stands for the network
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from fitbitd.daemon import Daemon
from fitbitd.oauth import token
from fitbitd.oauth.token import TokenState
from fitbitd.simulator import Fault, ListedSyncs, Wearer
from fitbitd.simulator.civil import days_between
from fitbitd.simulator.faults import FaultKind
from fitbitd.simulator.orders import Trip
from tests.support.household import Household
from tests.support.year import WORN

START = datetime(2027, 2, 10, 12, 7, tzinfo=UTC)
FIRST = date(2027, 2, 1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CALM = 11 * DAY
"""At the end nothing goes wrong; the watch syncs daily, and in the last two days no more."""
EDITED_WITHIN = 30
"""Days back that a night is changed: what is older than a look back reaches, nobody can find."""

_WRITE = os.write  # one full disk may follow on another before it ends
_EVERYWHERE, _DATA, _TOKEN = "", r" /(1|1\.2|v4)/", "POST .*/token$"
_MOODS: tuple[FaultKind, ...] = ("reset", "cut", "json_error", "html")
_ZONES = ("America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Australia/Sydney")


Deed = tuple[float, Callable[[], object]]
"""When something happens, in seconds, and what."""


class KilledError(KeyboardInterrupt):  # what else ends a loop at once, whichever task it is in?
    """The process ends here, and nothing of it comes after this."""


def wearer(seed: int, lasts: timedelta) -> Wearer:
    """Make a wearer who syncs at random, travels, and gets another watch."""
    rng = Random(f"wearer {seed}")
    end = START + lasts
    calm = end - CALM
    syncs = [datetime.combine(FIRST, time(18), UTC)]
    while (at := syncs[-1] + timedelta(hours=rng.choice((1, 3, 13, 30, 58, 118)))) < calm:
        syncs.append(at + timedelta(seconds=rng.randrange(3000)))
    replaced_at = START + rng.random() * (calm - START)
    syncs += [replaced_at, *(calm + n * DAY for n in range(CALM.days - 2))]
    days = list(days_between(FIRST, end.date()))
    trips = []
    leaves = START.replace(minute=0)
    while (leaves := leaves + rng.randrange(10, 120) * DAY) < calm - 10 * DAY:
        back = leaves + rng.randrange(1, 9) * DAY
        trips.append(Trip(rng.choice(_ZONES), leaves, back))
        leaves = back
    return Wearer(
        seed=seed,
        member_since=FIRST,
        syncs=ListedSyncs(sorted(syncs)),
        publish_after=40 * MINUTE,
        publish_late={day: rng.randrange(2, 20) * HOUR for day in days if rng.random() < 0.2},
        daily_late={day: rng.randrange(2, 60) * HOUR for day in days if rng.random() < 0.2},
        days_off=frozenset(day for day in days if rng.random() < 0.02),
        trips=tuple(trips),
        has_scale=True,
        replaced_at=replaced_at,
        worn_minutes=WORN,
        enough_for_resting=30,
        intervals_s=(120, 180, 240),
        sleep_samples_apart=10,
    )


@dataclass(slots=True)
class Life:
    """One account, and what is to happen to it.

    Attributes:
        lasts: how long; the last days of it are calm.
        told: what happened, in words, for whoever looks into a life that ended badly.
        crashes: what was logged of bugs, but for what a process that is killed says last.
    """

    home: Household
    seed: int
    lasts: timedelta
    patch: pytest.MonkeyPatch
    told: list[str] = field(default_factory=list)
    crashes: list[object] = field(default_factory=list)
    _rng: Random = field(init=False)
    _daemon: Daemon | None = None
    _off_until_s: float = 0.0
    revocations: int = 0
    _logged: list[EventDict] = field(default_factory=list)
    _calm_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._rng = Random(f"life {self.seed}")
        self._calm_s = (self.lasts - CALM).total_seconds()

    # How it goes on.

    def live(self) -> None:
        """Live it to its end."""
        self.home.authorize()
        deeds = sorted(self._schedule(), key=lambda deed: deed[0])
        end_s = self.lasts.total_seconds()
        while self._now_s < end_s:
            while deeds and deeds[0][0] <= self._now_s:  # while nothing ran
                deeds.pop(0)[1]()
            self.home.loop.virtual_s = max(self._now_s, self._off_until_s)
            self._run(deeds, end_s)
            if self._now_s < end_s:
                self.home.restart()

    @property
    def _now_s(self) -> float:
        return self.home.loop.virtual_s

    def _run(self, deeds: list[Deed], end_s: float) -> None:
        """Run a daemon until it is stopped or killed."""
        self._daemon = daemon = self.home.daemon()
        loop = self.home.loop

        def do_next() -> None:
            at_s, deed = deeds.pop(0)
            if deeds:
                loop.call_at(deeds[0][0], do_next)
            self.told.append(f"{START + timedelta(seconds=at_s)}: {deed.__name__}")
            deed()

        async def live() -> None:
            if deeds:
                loop.call_at(deeds[0][0], do_next)
            loop.call_at(end_s, daemon.stop)
            await daemon.run()

        with capture_logs() as self._logged, suppress(KilledError):
            self.home.play(live(), monkeypatch=self.patch)
            self._note_crashes()
        self._daemon = None

    def _note_crashes(self) -> None:
        self.crashes += [one for one in self._logged if one["event"].endswith(".crashed")]

    def _schedule(self) -> Iterator[Deed]:
        """Give what happens and when, in no order."""
        kinds = (
            *(self._outage, self._burst, self._throttling, self._slowness, self._no_tokens),
            *(self._revocation, self._kill, self._kill, self._stop, self._clock_step),
            *(self._full_disk, self._edit, self._edit),
        )
        mean_s = min(4 * DAY, self.lasts / 15).total_seconds()
        at_s = 0.0
        while (at_s := at_s + self._rng.expovariate(1 / mean_s)) < self._calm_s:
            yield from self._rng.choice(kinds)(at_s)
        yield self._calm_s, self.home.simulator.faults.clear
        yield self._calm_s + 36_000, self._authorize_if_ended

    def _until(self, at_s: float, least: timedelta, most: timedelta) -> float:
        lasts_s = self._rng.uniform(least.total_seconds(), most.total_seconds())
        return min(at_s + lasts_s, self._calm_s)

    # What happens to the provider.

    def _failing(self, at_s: float, until_s: float, *faults: Fault) -> Iterator[Deed]:
        def fail() -> None:
            self.home.simulator.faults.add(*faults)

        yield at_s, fail
        yield until_s, self._mend

    def _mend(self) -> None:
        self.home.simulator.faults.clear()
        self.home.simulator.faults.add(
            *(Fault(kind=kind, path=_DATA, chance=0.01, count=None) for kind in _MOODS)
        )

    def _outage(self, at_s: float) -> Iterator[Deed]:
        gone = (
            Fault(kind="html", path=_EVERYWHERE, chance=0.5, count=None, processed=False),
            Fault(kind="timeout", path=_EVERYWHERE, count=None, processed=False),
        )
        return self._failing(at_s, self._until(at_s, HOUR, 7 * DAY), *gone)

    def _burst(self, at_s: float) -> Iterator[Deed]:
        kind: FaultKind = self._rng.choice((*_MOODS, "empty"))
        burst = Fault(kind=kind, path=_DATA, chance=0.6, count=None)
        return self._failing(at_s, self._until(at_s, HOUR, 30 * HOUR), burst)

    def _throttling(self, at_s: float) -> Iterator[Deed]:
        wait_s = self._rng.choice((None, 30, 900, 7_200))
        fault = Fault(kind="throttle", path=_DATA, chance=0.4, count=None, retry_after_s=wait_s)
        return self._failing(at_s, self._until(at_s, HOUR, 30 * HOUR), fault)

    def _slowness(self, at_s: float) -> Iterator[Deed]:
        fault = Fault(kind="latency", path=_DATA, chance=0.5, count=None, wait_s=50)
        return self._failing(at_s, self._until(at_s, HOUR, 10 * HOUR), fault)

    def _no_tokens(self, at_s: float) -> Iterator[Deed]:
        """Have the token endpoint fail for hours; what it did before it failed cannot be known."""
        kind: FaultKind = self._rng.choice((*_MOODS, "timeout"))
        fault = Fault(kind=kind, path=_TOKEN, count=None, processed=False)
        return self._failing(at_s, self._until(at_s, HOUR, 30 * HOUR), fault)

    def _revocation(self, at_s: float) -> Iterator[Deed]:
        """Have the wearer take the consent back, and log in again, as another process does."""

        def revoke() -> None:
            self.home.simulator.oauth.revoke()
            self.revocations += 1

        yield at_s, revoke
        yield self._until(at_s, HOUR, 5 * DAY), self._authorize

    def _authorize(self) -> None:
        self.home.authorize()

    def _authorize_if_ended(self) -> None:
        """Log in where a refresh that was under way wrote over the last consent."""
        grant, now = self.home.parts().token_file.read(), self.home.clock.now()
        if grant is None or token.state(grant, now) is TokenState.REVOKED:
            self.home.authorize()

    # What happens to the machine.

    def _kill(self, at_s: float) -> Iterator[Deed]:
        at_request, off_s = self._rng.random() < 0.7, self._rng.uniform(1, 20 * 3600)

        def kill(_request: httpx.Request | None = None) -> None:
            self._off_until_s = self._now_s + off_s
            self._note_crashes()
            self._die()
            raise KilledError

        def kill_soon() -> None:
            if self._daemon is not None:
                if not at_request:
                    kill()
                self.home.exchange.tap = kill

        yield at_s, kill_soon

    def _stop(self, at_s: float) -> Iterator[Deed]:
        off_s = self._rng.uniform(1, 7 * 24 * 3600 if self._rng.random() < 0.2 else 3600)

        def stop() -> None:
            if self._daemon is not None:
                self._off_until_s = min(self._now_s + off_s, self._calm_s)
                self._daemon.stop()

        yield at_s, stop

    def _clock_step(self, at_s: float) -> Iterator[Deed]:
        by = timedelta(seconds=self._rng.choice((-1, 1)) * self._rng.uniform(120, 90_000))

        def step() -> None:
            self.home.clock.step(by)

        def step_back() -> None:
            self.home.clock.step(-by)

        yield at_s, step
        yield self._until(at_s, HOUR, 30 * HOUR), step_back

    def _full_disk(self, at_s: float) -> Iterator[Deed]:
        number = self._rng.choice((errno.ENOSPC, errno.EIO, errno.EROFS))

        def refuse() -> None:
            archive = self.home.parts().folder / "archive"

            def refusing(descriptor: int, data: Any) -> int:
                if archive in Path(f"/proc/self/fd/{descriptor}").resolve().parents:
                    raise OSError(number, os.strerror(number))
                return _WRITE(descriptor, data)

            self.patch.setattr(os, "write", refusing)

        def take() -> None:
            self.patch.setattr(os, "write", _WRITE)

        yield at_s, refuse
        yield self._until(at_s, HOUR, 2 * DAY), take

    def _die(self) -> None:
        """Let go of what a dead process holds, and write nothing any more."""
        self.home.exchange.tap = lambda _request: None
        assert self._daemon is not None
        for jobs in self._daemon._accounts.values():
            if jobs._open is not None:
                store = jobs._open.store
                if store.writer._file is not None:
                    store.writer._file.close()
                store.index.db.close()
                store._lock.release()

    # What the wearer does.

    def _edit(self, at_s: float) -> Iterator[Deed]:
        back, cut = self._rng.randrange(EDITED_WITHIN), self._rng.choice((0, 5, 20))

        def edit() -> None:
            now = self.home.true_clock.now()
            wearer = self.home.wearer
            first = max(FIRST, now.date() - EDITED_WITHIN * DAY)
            nights = wearer.sleeps(first, wearer.today(now), now)
            if back < len(nights) and cut:
                wearer.edit_sleep(nights[back].log_id, at=now, cut_minutes=cut)
            elif back < len(nights):
                wearer.delete_sleep(nights[back].log_id, at=now)

        yield at_s, edit
