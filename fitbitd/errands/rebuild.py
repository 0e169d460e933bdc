"""Rebuilding an index in slices, between which the account's passes go on."""

import asyncio
from itertools import islice

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World
from fitbitd.clock import while_awaited
from fitbitd.commands import words
from fitbitd.control import Listener
from fitbitd.errors import OperatorError
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.members import archive_files
from fitbitd.store.rebuild import rebuild as rebuild_steps
from fitbitd.store.recovery import recover

SLICE = 20
"""Steps, of a pull each that is read or left out, before whoever waits has a turn."""


async def rebuild(
    account: AccountParts, world: World, held: OpenAccount | None, listener: Listener
) -> int:
    """Rebuild one account's index; give the exit code.

    Args:
        held: the account, if this process has it open; its passes go on. Otherwise it is locked.

    Raises:
        OperatorError: nothing was collected yet, another process holds the account, or the disk
            refuses.
    """
    name, folder = account.settings.name, account.folder
    if not await world.offload(lambda: any(archive_files(folder))):
        raise OperatorError(
            f"{name} has no archive yet: nothing was collected.\nNothing was changed.\n"
            "Next: fitbitd run, or fitbitd pull",
            code="index_missing",
        )
    if held is not None:
        pulls, superseded = await _in_slices(account, world, held, listener)
    else:
        lock = AccountLock(folder)
        try:
            await world.offload(lock.acquire)
            # The index, which knows what is synced, may be what is damaged.
            await world.offload(lambda: recover(folder, {}))
            pulls, superseded = await _in_slices(account, world, None, listener)
        finally:
            lock.release()
    listener.say(
        f"{name}: the index is made anew from {words.many(pulls, 'pull')}"
        f" ({superseded} of them say nothing that later ones do not)"
    )
    return 0


async def _in_slices(
    account: AccountParts, world: World, held: OpenAccount | None, listener: Listener
) -> tuple[int, int]:
    """Rebuild; give how many pulls there are, and how many of them need not be read.

    A slice has its turn like a pass: what the archive holds meanwhile is whole and synced.
    """
    provider, name = account.provider(), account.settings.name
    turn = asyncio.Lock() if held is None else held.turn
    steps = rebuild_steps(
        account.folder, provider.read, account.kit.catalogue, provider.learn, while_awaited()
    )
    pulls = superseded = last_seq = 0
    listener.show(f"{name}: reads the archive")
    try:
        while True:
            async with turn:
                done = await world.offload(lambda: list(islice(steps, SLICE)))
                ended = len(done) < SLICE
                if ended and held is not None:
                    await world.offload(held.store.renew_index)
            for step in done:
                if step.last_seq < last_seq:
                    pulls = superseded = 0  # begun anew
                last_seq = step.last_seq
                pulls += step.pull is not None
                superseded += step.superseded
            if ended:
                return pulls, superseded
            if pulls:
                listener.show(f"{name}: {words.many(pulls, 'pull')} applied")
    finally:
        await world.offload(steps.close)
