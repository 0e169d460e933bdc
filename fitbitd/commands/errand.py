"""Having an errand done: by the daemon that runs, or by this process where there is none."""

from fitbitd import control
from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World
from fitbitd.commands.teller import Teller
from fitbitd.config import Settings
from fitbitd.errands.doing import do_held
from fitbitd.errands.errand import Errand, prepared
from fitbitd.errands.rebuild import rebuild


async def do(errand: Errand, settings: Settings, world: World, teller: Teller) -> int:
    """Have an errand done; give the exit code.

    Raises:
        FitbitdError: why it cannot be done, or the daemon went away before the end.
    """
    account = prepared(errand, settings, world.clock.now())
    try:
        code = await control.ask(settings.state_dir, errand.asked(), teller)
        return await _do_here(errand, account, world, teller) if code is None else code
    finally:
        teller.close()


async def _do_here(errand: Errand, account: AccountParts, world: World, teller: Teller) -> int:
    if errand.errand == "rebuild":
        return await rebuild(account, world, None, teller)  # whatever keeps its index from opening
    held = await OpenAccount.open(account, account.keeper(world), world)
    try:
        return await do_held(errand, account, world, held, teller)
    finally:
        await held.close()
