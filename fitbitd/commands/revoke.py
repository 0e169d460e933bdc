"""fitbitd revoke: end the grant at the provider."""

import argparse

from fitbitd.assembly import parts
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    config_argument,
    run_async,
    say,
)
from fitbitd.oauth import consent

HELP = "end an account's grant at the provider"
DESCRIPTION = """\
Tell the provider that fitbitd may no longer read this account's data. What was collected stays. A
running daemon notices within a minute and pauses the account.

  fitbitd revoke alice
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd revoke`."""
    account_argument(parser)
    config_argument(parser)


def main(context: Context) -> int:
    """Revoke one account's grant."""
    return run_async(_revoke(context))


async def _revoke(context: Context) -> int:
    settings = context.settings()
    account = account_of(settings, context.args.account)
    async with context.world() as world:
        await consent.revoke(parts(settings, account).keeper(world))
    say(f"{account.name}: the grant is ended; what was collected stays")
    say(f"Next: to collect again, run fitbitd authorize {account.name}")
    return 0
