"""fitbitd rebuild: the index, from the archive."""

import argparse

from fitbitd.commands.common import Context, account_argument, config_argument, run_async
from fitbitd.commands.errand import do
from fitbitd.commands.teller import Teller
from fitbitd.errands.errand import Errand
from fitbitd.memory import give_back_large_buffers

HELP = "make an index again from the archive"
DESCRIPTION = """\
Make the index of an account again from its archive, and put it in the place of the old one in one
transaction: whoever reads meanwhile sees the old rows or the new ones. What later reads of the same
days say again is not read. What is interrupted is continued by the next call. A daemon that runs
does the work between its passes, for one process writes an account's data.

  fitbitd rebuild alice
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd rebuild`."""
    account_argument(parser)
    config_argument(parser)


def main(context: Context) -> int:
    """Rebuild one account's index."""
    give_back_large_buffers()
    return run_async(_rebuild(context))


async def _rebuild(context: Context) -> int:
    settings = context.settings()
    async with context.world() as world:
        errand = Errand("rebuild", context.args.account)
        return await do(errand, settings, world, Teller(world.clock))
