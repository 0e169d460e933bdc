"""fitbitd backup: a consistent copy that restores."""

import argparse
import os
from pathlib import Path

from fitbitd.assembly import DATA_TYPES, parts
from fitbitd.clock import SystemClock
from fitbitd.commands.common import Context, account_of, config_argument, say, say_error
from fitbitd.commands.ownership import become_owner
from fitbitd.config import Settings, find_config, load
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.store import disk
from fitbitd.store.backup import back_up

HELP = "a consistent copy that restores"
DESCRIPTION = """\
Copy what was collected into a folder, also beside a running daemon: the archive, and an index of
the same moment. The next backup into the same folder copies only what is new. Tokens stay out of
it unless asked for: who has them can read the wearer's data at the provider.

  fitbitd backup /mnt/usb/fitbitd
  fitbitd backup /mnt/usb/fitbitd alice --with-tokens

To restore, stop the daemon, put the folder in the place of state_dir, owned by the user that runs
fitbitd (chown -R fitbitd: /var/lib/fitbitd), and look at it with: fitbitd verify
"""

_TOLD_EVERY_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd backup`."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where the copy is kept")
    parser.add_argument(
        "accounts", nargs="*", metavar="ACCOUNT", help="names in the configuration (default: all)"
    )
    parser.add_argument("--with-tokens", action="store_true", help="also the wearers' grants")
    config_argument(parser)


def main(context: Context) -> int:
    """Back up the named accounts, or all."""
    args = context.args
    settings = load(find_config(args.config, os.environ), DATA_TYPES)
    names = args.accounts or [account.name for account in settings.accounts]
    accounts = [parts(settings, account_of(settings, name)) for name in names]
    _make(args.folder, settings)
    become_owner(settings.state_dir)
    code = 0
    for account in accounts:
        name = account.settings.name
        try:
            with disk.telling(account.folder):
                found = account.folder.exists()
            if found:
                _back_up(account.folder, args.folder / name, secrets=args.with_tokens)
            else:
                say(f"{name}: nothing was collected yet")
        except FitbitdError as err:  # the other accounts are copied all the same
            say_error(f"{name}: {err}")
            code = max(code, err.exit_code)
    return code


def _make(folder: Path, settings: Settings) -> None:
    """Make the folder where it is missing, for the user as whom the copying is done.

    Raises:
        OperatorError: it cannot be made, or is no place for a copy.
    """
    if settings.state_dir.resolve() in {folder.resolve(), *folder.resolve().parents}:
        raise OperatorError(
            f"{folder} lies within {settings.state_dir}, of which it is to be a copy.\n"
            "Nothing was copied.\nNext: name a folder elsewhere, best on another disk",
            code="usage",
        )
    with disk.telling(folder):
        try:
            made = disk.make_folder(folder, disk.ACCOUNT_FOLDER_MODE)
        except (FileNotFoundError, NotADirectoryError) as err:
            raise OperatorError(
                f"{folder} cannot be made: there is no folder {folder.parent}.\n"
                "Nothing was copied.\nNext: mount its disk, or create the folder above it",
            ) from err
        if made and os.geteuid() == 0 and settings.state_dir.exists():
            owner = settings.state_dir.stat()
            os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _back_up(source: Path, target: Path, *, secrets: bool) -> None:
    clock = SystemClock()
    told_at = clock.monotonic()
    files = size_bytes = same = 0
    for copied in back_up(source, target, secrets=secrets):
        if copied.size_bytes is None:
            same += 1
        else:
            files += 1
            size_bytes += copied.size_bytes
        if clock.monotonic() - told_at >= _TOLD_EVERY_S:
            told_at = clock.monotonic()
            say(f"{source.name}: {files} files copied, {size_bytes / 1e6:,.1f} MB")
    say(
        f"{source.name}: {files} files copied ({size_bytes / 1e6:,.1f} MB),"
        f" {same} were there already: {target}"
    )
