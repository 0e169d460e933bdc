"""fitbitd check: configuration, permissions, clock, disk, network, unit: what is wrong."""

import argparse
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from fitbitd import checkup
from fitbitd.assembly import parts
from fitbitd.checkup import Found, Look, Machine
from fitbitd.clock import SystemClock
from fitbitd.commands.bundle import write_bundle
from fitbitd.commands.common import Context, config_argument, run_async, say, write_json, write_page
from fitbitd.commands.install import install_unit, run_command, this_program

HELP = "what is wrong with this machine or an account, and what to do"
DESCRIPTION = """\
Look at everything that collecting needs: configuration, permissions, disk, clock, secrets, grants,
archive, index, unit, journal, and whether the providers answer. Nothing is changed, and no token is
sent anywhere. Exit code 1 if anything is wrong.

  fitbitd check
  fitbitd check --offline                    ask nobody outside
  fitbitd check --bundle report.json         write a report that can be shown to others
  sudo fitbitd check --install-unit          nothing of that: install the service that runs this
                                             very program, where it did not come as a .deb

The report holds no token, no secret and nothing of what was measured. Read it before you send it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd check`."""
    parser.add_argument("--offline", action="store_true", help="ask nobody outside")
    parser.add_argument("--json", action="store_true", help="one JSON object a look")
    parser.add_argument("--bundle", metavar="FILE", type=Path, help="also write a report")
    parser.add_argument("--install-unit", action="store_true", help="install the service instead")
    config_argument(parser)


def main(context: Context) -> int:
    """Look at everything, and say what was found."""
    if context.args.install_unit:
        install_unit(Machine(), this_program(), run_command)
        return 0
    settings = context.settings()
    now = SystemClock().now()
    machine = Machine()
    accounts = [parts(settings, account) for account in settings.accounts]
    looks = [*checkup.of_machine(settings, machine, now)]
    if not context.args.offline:
        at = [account.endpoints for account in accounts]
        urls = [url for each in at for url in (each.token_url, each.api_url)]
        by_host = {urlsplit(url).netloc: url for url in urls}  # one may be for both
        looks += run_async(_ask(context, by_host.values()))
    for account in accounts:
        looks += checkup.of_account(account, machine, os.environ, now)
    if context.args.json:
        write_json(asdict(look) for look in looks)
    else:
        write_page("".join(_lines(looks)))
    if context.args.bundle:
        write_bundle(context.args.bundle, settings, accounts, looks, context.redactor)
        say(f"wrote {context.args.bundle}; read it before you send it to anybody")
    wrong = sum(look.found is Found.WRONG for look in looks)
    if wrong:
        say("one thing is wrong" if wrong == 1 else f"{wrong} things are wrong")
        return 1
    say("nothing is wrong")
    return 0


async def _ask(context: Context, urls: Iterable[str]) -> list[Look]:
    async with context.world() as world:
        return [await checkup.of_address(url, world) for url in urls]


def _lines(looks: Sequence[Look]) -> list[str]:
    width = max(len(look.code) for look in looks)
    lines = []
    account = ""
    for look in looks:
        if look.account != account:
            account = look.account
            lines.append(f"{account}\n")
        lines.append(f"  {look.found:<5}  {look.code:<{width}}  {look.words}\n")
        if look.next and look.found is not Found.WELL:
            lines.append(f"  {'':<5}  {'':<{width}}  Next: {look.next}\n")
    return lines
