"""fitbitd backfill: history, within the quota, resumable, with progress."""

import argparse
import asyncio

from fitbitd.assembly import World
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    civil_day,
    config_argument,
    run_async,
)
from fitbitd.commands.errand import do
from fitbitd.commands.teller import Teller
from fitbitd.config import Settings
from fitbitd.errands.errand import Errand

HELP = "history, within the quota, resumable, with progress"
DESCRIPTION = """\
Bring the history of an account home, from a day on until all of it is here: what costs few requests
first, then everything at full resolution, newest days first. What the provider grants is kept to,
and its pauses are waited for; what is new meanwhile is read along. Ctrl-C ends it at any time, and
the same command goes on where it ended. A daemon that runs does the work, for one process writes an
account's data; with backfill_from in the configuration, it does the same unasked.

  fitbitd backfill alice --from 2020-01-01
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd backfill`."""
    account_argument(parser)
    parser.add_argument(
        "--from",
        dest="first",
        type=civil_day,
        metavar="DAY",
        required=True,
        help="the first day, as 2020-01-01; no day before the account's first is asked",
    )
    config_argument(parser)


def main(context: Context) -> int:
    """Bring the history of one account home."""
    return run_async(_backfill(context))


async def _backfill(context: Context) -> int:
    settings, first = context.settings(), context.args.first
    own = account_of(settings, context.args.account)
    async with context.world() as world:
        teller = Teller(world.clock)
        code = await backfill(Errand("backfill", own.name, first=first), settings, world, teller)
        if code == 0 and (own.backfill_from is None or own.backfill_from > first):
            teller.say(
                f"Next: put backfill_from = {first} under {own.name} in {settings.path}: then the"
                " daemon looks after all of it"
            )
    return code


async def backfill(errand: Errand, settings: Settings, world: World, teller: Teller) -> int:
    """Have history brought home until nothing of it is left to ask; give the exit code.

    Raises:
        OperatorError: it cannot be asked so, another process holds the account, or its disk or
            index refuse.
    """
    try:
        return await do(errand, settings, world, teller)
    except asyncio.CancelledError:
        teller.say(f"{errand.account}: the same command goes on from here")
        raise
    finally:
        teller.close()
