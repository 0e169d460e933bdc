"""One account, opened for writing: its store, its keeper and its engine, held by this process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Self

import structlog

from fitbitd import facts, health
from fitbitd.assembly import AccountParts, World
from fitbitd.engine import Asked, Engine, Report
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.fetch.pace import Pace
from fitbitd.health import Condition, ConditionKey
from fitbitd.health_codes import Severity
from fitbitd.oauth.keeper import Keeper
from fitbitd.plan.cadence import first_pass
from fitbitd.store.account import AccountStore

log = structlog.get_logger()

ToldAt = Mapping[str, datetime]
"""By code: when a person was last told of a condition that is open."""


class OpenAccount:
    """The account's lock is held from `open` to `close`.

    Attributes:
        after_pass: called after each pass, whoever asked for it; says who was told of what is open.
        engine: runs its passes.
        store: what it keeps on disk.
        told: of what a person was told, as it is noted in the index.
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
        self.after_pass: Callable[[Report], Awaitable[ToldAt]] | None = None
        self.told: ToldAt = {}
        self._opened_s = world.clock.monotonic()
        self._conditions: tuple[Condition, ...] = ()
        self._unnoted: dict[ConditionKey, tuple[Condition, datetime]] = {}
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
            account.told = await world.offload(account._noted_as_told)
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
            if self.after_pass is not None:
                await self._note_told(await self.after_pass(report))
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

    async def first_review(self) -> None:
        """See how things stand before the first pass: it may be the one of which the process dies.

        What let no pass begin is believed until one does, or does not.
        """
        async with self.turn:
            noted = await self._world.offload(self._noted)
            await self.review(None, facts.only_told(noted))

    async def review(
        self, trouble: FitbitdError | None, told: Iterable[Condition] = ()
    ) -> tuple[Condition, ...]:
        """Compare how things stand with the last look; note in the archive what has changed.

        Args:
            trouble: why no pass could be run, where the index cannot know it.
            told: conditions that are known otherwise.
        """
        now, before = self._world.clock.now(), self._conditions
        subject, db = self._parts.subject, self.store.index.db
        opened_at = now - timedelta(seconds=self._world.clock.monotonic() - self._opened_s)
        writable = True
        try:
            known = await self._world.offload(
                lambda: facts.gather(subject, db, now, trouble, before)
            )
            known = replace(known, tried_since=opened_at)
        except OperatorError as err:
            known = await self._world.offload(
                partial(facts.without_index, subject, now, err, before)
            )
            writable = False
        self._conditions = health.conditions(known, tuple(told))
        raised = log_changes(before, self._conditions)
        self._unnoted |= {each.key: (each, now) for each in raised}
        if writable:
            await self._note_if_possible()
        return self._conditions

    def missed(self, found: Sequence[Condition]) -> None:
        """Take over what was wrong while the account could not be opened; it is noted as well."""
        raised, _ = health.changes(self._conditions, found)
        self._conditions += raised
        self._unnoted |= {each.key: (each, each.since) for each in raised}

    async def remember(self, told: ToldAt) -> None:
        """Note of what a person was told; while a pass is under way, its end does that."""
        if not self.turn.locked():
            async with self.turn:
                await self._note_told(told)

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

    def _noted_as_told(self) -> ToldAt:
        return facts.noted_as_told(self._parts.subject, self.store.index.db)

    async def _note_told(self, told: ToldAt) -> None:
        if told != self.told:
            self.told = told
            await self._note_if_possible()

    async def _note_if_possible(self) -> None:
        with suppress(OperatorError):  # a disk that refuses is told by the passes; see `_note`
            await self._world.offload(self._note)

    def _note(self) -> None:
        """Write changes of conditions to the archive, and apply them like all else in it.

        Compared is what the index holds: what could not be written is written the next time, also
        what is over by then, with the time at which it was noticed.
        """
        now, found, noted = self._world.clock.now(), self._conditions, self._noted()
        raised, cleared = health.changes(noted, found)
        missed = [each for each, _ in self._unnoted.values()]
        over, _ = health.changes((*noted, *found), missed)
        before = self._noted_as_told()
        told = [each for each in found if self.told.get(each.code) != before.get(each.code)]
        for each in {one.key: one for one in (*over, *raised, *told)}.values():
            self._write(now, each, "raised")
        for each in (*over, *cleared):
            self._write(now, each, "cleared")
        if raised or cleared or over or told:
            self.store.writer.sync()
            self.store.apply_pass()
        self._unnoted.clear()

    def _write(self, now: datetime, condition: Condition, change: str) -> None:
        told_at = self.told.get(condition.code)
        _, noticed_at = self._unnoted.get(condition.key, (condition, now))
        words = {
            "severity": condition.severity,
            "since": condition.since.isoformat(),
            "summary": condition.summary,
            "meaning": condition.meaning,
            "next": condition.next,
            **({"noticed_at": noticed_at.isoformat()} if noticed_at < now else {}),
            **({"told_at": told_at.isoformat()} if told_at else {}),
        }
        subject = condition.data_type or ""
        self.store.writer.condition(now, condition.code, change, subject, words)


def log_changes(before: Sequence[Condition], found: Sequence[Condition]) -> tuple[Condition, ...]:
    """Log what was raised and what was cleared between two looks; give what was raised."""
    raised, cleared = health.changes(before, found)
    for each in raised:
        urgent, coped = each.severity is Severity.ERROR, each.severity is Severity.WARNING
        tell = log.error if urgent else log.warning if coped else log.info
        tell("condition.raised", code=each.code, data_type=each.data_type, summary=each.summary)
    for each in cleared:
        log.info("condition.cleared", code=each.code, data_type=each.data_type)
    return raised
