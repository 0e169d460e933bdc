"""fitbitd rebuild: the index, from the archive."""

import argparse

from fitbitd.assembly import AccountParts, parts
from fitbitd.clock import SystemClock
from fitbitd.commands.common import Context, account_argument, account_of, config_argument, say
from fitbitd.errors import OperatorError
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.members import archive_files
from fitbitd.store.rebuild import rebuild
from fitbitd.store.recovery import recover

HELP = "make an index again from the archive"
DESCRIPTION = """\
Make the index of an account again from its archive, and put it in the place of the old one in one
transaction: whoever reads meanwhile sees the old rows or the new ones. What is interrupted is
continued by the next call. The daemon must not be running: one process writes an account's data.

  fitbitd rebuild alice
"""

_TOLD_EVERY_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd rebuild`."""
    account_argument(parser)
    config_argument(parser)


def main(context: Context) -> int:
    """Rebuild one account's index."""
    settings = context.settings()
    account = parts(settings, account_of(settings, context.args.account))
    if not any(archive_files(account.folder)):
        raise OperatorError(
            f"{account.settings.name} has no archive yet: nothing was collected.\n"
            "Nothing was changed.\n"
            "Next: fitbitd run, or fitbitd pull",
            code="index_missing",
        )
    pulls = _rebuild(account)
    say(f"{account.settings.name}: the index is made anew from {pulls} pulls")
    return 0


def _rebuild(account: AccountParts) -> int:
    provider = account.provider()
    pulls = 0
    clock = SystemClock()
    told_at = clock.monotonic()
    with AccountLock(account.folder):
        recover(account.folder, {})  # the index, which knows what is synced, may be what is damaged
        catalogue = account.kit.catalogue
        for step in rebuild(account.folder, provider.read, catalogue, provider.learn):
            pulls += step.pull is not None
            now = clock.monotonic()
            if now - told_at >= _TOLD_EVERY_S:
                told_at = now
                say(f"{account.settings.name}: {pulls} pulls applied")
    return pulls
