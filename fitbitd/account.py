"""One account, opened for writing: its store, its keeper and its engine, held by this process."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Self

import structlog

from fitbitd import facts, health
from fitbitd.assembly import AccountParts, World
from fitbitd.engine import Asked, Engine, Report
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.fetch.pace import Pace
from fitbitd.health import Condition
from fitbitd.oauth.keeper import Keeper
from fitbitd.plan.cadence import first_pass
from fitbitd.store.account import AccountStore

log = structlog.get_logger()


class OpenAccount:
    """The account's lock is held from `open` to `close`.

    Attributes:
        engine: runs its passes.
        store: what it keeps on disk.
        turn: held by whoever uses the engine or the store; several may have an account open.
        requests: sent for it so far.
    """

    def __init__(
        self, parts: AccountParts, keeper: Keeper, world: World, store: AccountStore
    ) -> None:
        self.store = store
        self._parts = parts
        self._world = world
        provider, per_s = parts.provider(), parts.kit.requests_per_s
        self.engine = Engine(
            parts.wants,
            provider,
            tokens=keeper,
            session=world.network.session,
            store=store,
            clock=world.clock,
            offload=world.offload,
            random=world.random,
            time_url=parts.endpoints.token_url,
            pace=None if per_s is None else Pace(world.clock, per_s),
        )
        self.turn = asyncio.Lock()
        self.requests = 0
        self._conditions: tuple[Condition, ...] = ()
        self._backfills: list[date] = []

    @classmethod
    async def open(cls, parts: AccountParts, keeper: Keeper, world: World) -> Self:
        """Take the lock, put right what the last stop left behind, and catch up with the archive.

        Raises:
            OperatorError: another process holds the account, or the disk or the index refuse.
        """
        await world.offload(parts.make_folder)
        provider = parts.provider()
        opened: list[AccountStore] = []  # what a cancelled caller leaves is closed all the same

        def open_store() -> None:
            opened.append(
                AccountStore(parts.folder, provider.read, parts.kit.catalogue, learn=provider.learn)
            )

        try:
            await world.offload(open_store)
            account = cls(parts, keeper, world, opened[0])
            await account.engine.catch_up()
            account._conditions = await world.offload(account._noted)
        except BaseException:
            for store in opened:
                await world.offload(store.close)
            raise
        return account

    async def run_pass(self, asked: Asked | None = None) -> Report:
        """Run a pass when nobody else's is under way, and review what has come of it."""
        async with self.turn:
            report = await self.engine.run_pass(asked)
            self.requests += report.requests
            await self.review(report.error)
            return report

    @contextmanager
    def backfilling(self, first: date) -> Iterator[None]:
        """Have passes read history from a day on, or from before it, while the block lasts."""
        self._backfills.append(first)
        self._aim()
        try:
            yield
        finally:
            self._backfills.remove(first)
            self._aim()

    def _aim(self) -> None:
        wants = self._parts.wants
        own = [] if wants.backfill_from is None else [wants.backfill_from]
        self.engine.wants = replace(wants, backfill_from=min(own + self._backfills, default=None))

    async def review(self, trouble: FitbitdError | None) -> tuple[Condition, ...]:
        """Compare how things stand with the last look; note in the archive what has changed.

        Args:
            trouble: why no pass could be run, where the index cannot know it.
        """
        now = self._world.clock.now()
        subject, db = self._parts.subject, self.store.index.db
        writable = True
        try:
            known = await self._world.offload(lambda: facts.gather(subject, db, now, trouble))
        except OperatorError as err:
            known = await self._world.offload(partial(facts.without_index, subject, now, err))
            writable = False
        found = health.conditions(known)
        raised, cleared = health.changes(self._conditions, found)
        self._conditions = found
        for each in raised:
            tell = log.error if each.severity == "error" else log.info
            tell("condition.raised", code=each.code, data_type=each.data_type)
        for each in cleared:
            log.info("condition.cleared", code=each.code, data_type=each.data_type)
        if writable:
            with suppress(OperatorError):  # a disk that refuses is told by the passes; see `_note`
                await self._world.offload(lambda: self._note(now, found))
        return found

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Give what was wrong at the last look, before the first one by the index."""
        return self._conditions

    async def first_pass_at(self) -> datetime:
        """Say when the first pass after this start is due."""
        async with self.turn:
            ledger = await self.engine.ledger()
        return first_pass(self._parts.wants, ledger, self._world.clock.now())

    async def close(self) -> None:
        """Let go of the store, its lock last."""
        await self._world.offload(self.store.close)

    def _noted(self) -> tuple[Condition, ...]:
        return facts.noted(self._parts.subject, self.store.index.db)

    def _note(self, now: datetime, found: Sequence[Condition]) -> None:
        """Write changes of conditions to the archive, and apply them like all else in it.

        Compared is what the index holds: what could not be written is written the next time.
        """
        raised, cleared = health.changes(self._noted(), found)
        if not raised and not cleared:
            return
        writer = self.store.writer
        for change, some in (("raised", raised), ("cleared", cleared)):
            for each in some:
                facts_of_it = {
                    "severity": each.severity,
                    "since": each.since.isoformat(),
                    "summary": each.summary,
                    "meaning": each.meaning,
                    "next": each.next,
                }
                writer.condition(now, each.code, change, each.data_type or "", facts_of_it)
        writer.sync()
        self.store.apply_pass()
