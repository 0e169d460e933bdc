"""fitbitd pull: one pass now, or the days that were asked for."""

import argparse

from fitbitd.assembly import World
from fitbitd.commands.common import (
    Context,
    accounts_argument,
    config_argument,
    days_arguments,
    run_async,
    say_error,
)
from fitbitd.commands.errand import do
from fitbitd.commands.teller import Teller
from fitbitd.config import Settings
from fitbitd.errands.errand import Errand, prepared
from fitbitd.errors import FitbitdError

HELP = "one pass now, or the days asked for; then exit"
DESCRIPTION = """\
Ask the provider once, now, for what is due; or for the days that are named, whatever is known of
them already. Days are the wearer's, both ends included. A daemon that runs does the work, for one
process writes an account's data.

  fitbitd pull                                          what is due, for every account
  fitbitd pull alice --data-type heart_rate             today's heart rate
  fitbitd pull alice --from 2026-03-01 --to 2026-03-07  a week of everything

Days are read until all are there or the provider's quota ends.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd pull`."""
    accounts_argument(parser)
    parser.add_argument(
        "--data-type", action="append", metavar="T", help="only this one; repeatable"
    )
    days_arguments(parser)
    config_argument(parser)


def main(context: Context) -> int:
    """Pull for the named accounts, or for all."""
    return run_async(_pull(context))


async def _pull(context: Context) -> int:
    args, settings = context.args, context.settings()
    names = args.accounts or [account.name for account in settings.accounts]
    types = tuple(args.data_type or ())
    errands = [Errand("pull", name, types, args.first, args.last) for name in names]
    async with context.world() as world:
        for errand in errands:
            prepared(errand, settings, world.clock.now())  # nothing is begun that cannot be meant
        return max([await _do_or_tell(errand, settings, world) for errand in errands])


async def _do_or_tell(errand: Errand, settings: Settings, world: World) -> int:
    """Pull for one account; what keeps it from even being opened does not stop the others."""
    try:
        return await do(errand, settings, world, Teller(world.clock))
    except FitbitdError as err:
        say_error(str(err))
        return err.exit_code
