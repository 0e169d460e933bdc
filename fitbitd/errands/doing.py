"""Doing an errand for an account that this process has open."""

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World
from fitbitd.control import Listener
from fitbitd.errands.backfill import backfill
from fitbitd.errands.errand import Errand
from fitbitd.errands.pull import pull
from fitbitd.errands.rebuild import rebuild


async def do_held(
    errand: Errand, account: AccountParts, world: World, held: OpenAccount, listener: Listener
) -> int:
    """Do an errand among the passes of an account; give the exit code.

    Args:
        account: as `prepared` gave it.

    Raises:
        FitbitdError: why it cannot be done.
    """
    match errand.errand:
        case "pull":
            return await pull(errand, account, world, held, listener)
        case "backfill":
            return await backfill(account, world, held, listener)
        case "rebuild":
            return await rebuild(account, world, held, listener)
