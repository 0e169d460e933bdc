"""Long work elsewhere ends soon when the task that waits for it is cancelled, and costs nothing."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from fitbitd.account import OpenAccount
from fitbitd.clock import Threads, UnwantedError, while_awaited
from fitbitd.errands.rebuild import rebuild
from fitbitd.simulator import Wearer, hours
from tests.support.household import Household, account_settings
from tests.support.service import PATIENCE_S

T = TypeVar("T")

NOON = "2026-11-10T12:00:00+00:00"
FIRST = date(2026, 11, 1)


async def test_what_a_thread_does_ends_when_its_caller_is_cancelled() -> None:
    threads = Threads(1)
    begun, given_up = threading.Event(), threading.Event()

    async def wait() -> None:
        go_on = while_awaited()

        def work() -> None:
            begun.set()
            while not given_up.is_set():
                go_on()

        await threads(work)

    waiting = asyncio.create_task(wait())
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    done, _ = await asyncio.wait({waiting}, timeout=PATIENCE_S)
    given_up.set()
    assert done
    assert waiting.cancelled()
    threads.close()


class Stopping:
    """An executor in the midst of whose work the task that waits for it is cancelled.

    Attributes:
        when: says of which piece of work.
        ended: how many pieces ended because of it.
    """

    def __init__(self, when: Callable[[], bool]) -> None:
        self.when = when
        self.ended = 0

    async def __call__(self, work: Callable[[], T]) -> T:
        task = asyncio.current_task()
        assert task is not None
        if not self.when():
            return work()
        task.cancel()
        try:
            work()
        except UnwantedError:
            self.ended += 1
        raise asyncio.CancelledError


def is_next(place: int, places: Iterator[int]) -> bool:
    return next(places) == place


class Silent:
    """Nobody listens."""

    def say(self, words: str) -> None:
        pass

    def show(self, line: str, pause: str = "") -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Household:
    made = Household(
        tmp_path / "state",
        NOON,
        Wearer(seed=1, member_since=date(2026, 1, 1), worn_minutes=hours(8)),
        accounts=(account_settings(backfill_from=FIRST),),
    )
    made.authorize()
    return made


def test_a_stop_while_a_pass_is_applied_leaves_it_to_the_next_start(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script() -> int:
        begun = False

        def is_applied() -> bool:
            nonlocal begun
            begun |= held.store.writer.in_pass
            return begun and not held.store.writer.in_pass

        stopping = Stopping(lambda: False)
        world = replace(home.world(), offload=stopping)
        account = home.parts()
        held = await OpenAccount.open(account, account.keeper(world), world)
        stopping.when = is_applied
        passing = asyncio.create_task(held.run_pass())
        await asyncio.wait({passing})
        assert passing.cancelled()
        stopping.when = lambda: False
        await held.close()
        return stopping.ended

    assert home.play(script(), monkeypatch=monkeypatch) == 1
    assert not any(home.collected().values())
    home.restart()
    home.live(timedelta(hours=1), monkeypatch=monkeypatch)
    assert home.conditions() == set()
    before = home.dump()
    home.rebuild()
    assert home.dump() == before


def test_a_stop_at_any_moment_of_a_rebuild_changes_nothing_and_the_next_one_goes_on(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.live(timedelta(hours=2), monkeypatch=monkeypatch)
    home.restart()
    before = home.dump()

    async def script() -> int:
        """Stop in the first piece of work, in the second one of the next try, and so on."""
        ended = 0
        for place in itertools.count():
            stopping = Stopping(partial(is_next, place, itertools.count()))
            world = replace(home.world(), offload=stopping)
            rebuilding = asyncio.create_task(rebuild(home.parts(), world, None, Silent()))
            await asyncio.wait({rebuilding})
            assert home.dump() == before
            ended += stopping.ended
            if not rebuilding.cancelled():
                assert rebuilding.result() == 0
                break
        return ended

    assert home.play(script(), monkeypatch=monkeypatch) >= 2
    assert home.dump() == before
