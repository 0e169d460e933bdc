"""fitbitd pull: one pass now, or the days that were asked for."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World, parts
from fitbitd.commands.common import (
    Context,
    account_of,
    accounts_argument,
    config_argument,
    data_type_of,
    days_arguments,
    run_async,
    say,
    say_error,
)
from fitbitd.engine import Asked, Report
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.model import Pull
from fitbitd.plan import planner
from fitbitd.plan.ledger import Ledger

HELP = "one pass now, or the days asked for; then exit"
DESCRIPTION = """\
Ask the provider once, now, for what is due; or for the days that are named, whatever is known of
them already. Days are the wearer's, both ends included. The daemon must not be running: one process
writes an account's data.

  fitbitd pull                                          what is due, for every account
  fitbitd pull alice --data-type heart_rate             today's heart rate
  fitbitd pull alice --from 2026-03-01 --to 2026-03-07  a week of everything

Days are read until all are there or the provider's quota ends.
"""

_TEMPORARY = 75


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
    args = context.args
    settings = context.settings()
    names = args.accounts or [account.name for account in settings.accounts]
    accounts = [parts(settings, account_of(settings, name)) for name in names]
    async with context.world() as world:
        wanted = [(account, _asked(account, args, world)) for account in accounts]
        codes = [await _pull_or_tell(account, world, asked) for account, asked in wanted]
    return max(codes)


def _asked(account: AccountParts, args: argparse.Namespace, world: World) -> Asked | None:
    """Turn the command line into pulls; None asks for what is due.

    Raises:
        OperatorError: an unknown data type, or days that end before they begin.
    """
    if not (args.data_type or args.first or args.last):
        return None
    wants = account.wants
    if args.data_type:
        types = tuple(data_type_of(account, name) for name in args.data_type)
        wants = replace(wants, data_types=types)
    first: date | None = args.first or args.last
    if first and args.last and args.last < first:
        raise OperatorError(
            f"--to {args.last} is before --from {first}.\nNext: swap them", code="usage"
        )

    def asked(ledger: Ledger) -> Iterable[Pull]:
        days = (first, args.last or date.max) if first else None
        return planner.asked(wants, ledger, world.clock.now(), days)

    return asked


async def _pull_or_tell(account: AccountParts, world: World, asked: Asked | None) -> int:
    """Pull for one account; what keeps it from even being opened does not stop the others."""
    try:
        return await _pull_account(account, world, asked)
    except FitbitdError as err:
        say_error(str(err))
        return err.exit_code


async def _pull_account(account: AccountParts, world: World, asked: Asked | None) -> int:
    name = account.settings.name
    keeper = account.keeper(world)
    opened = await OpenAccount.open(account, keeper, world)
    waiting: int | None = None
    unread: FitbitdError | None = None
    try:
        report = await opened.engine.run_pass(asked)
        _tell(name, report)
        unread = report.unread
        if asked is None and report.left and report.error is None:
            report = await opened.engine.run_pass()  # an account's first pass is a short one
            _tell(name, report)
        while asked and report.left and report.error is None and len(report.left) != waiting:
            waiting = len(report.left)  # a pass that sends none of them meets the end of the quota
            report = await opened.engine.run_pass(_the_rest(report))
            _tell(name, report)
            unread = report.unread or unread
        await opened.review(report.error)
    finally:
        await opened.close()
    if report.error is not None:
        if waiting:
            say(f"{name}: {waiting} pulls are left for another time")
        say_error(f"{name}: {report.error}")
        return report.error.exit_code
    if unread is not None and asked is not None:  # the days asked for are not all there
        say_error(f"{name}: {unread}")
        return unread.exit_code
    if report.left and asked is None:
        say(f"{name}: the rest comes with the next passes. Next: fitbitd run, or pull again")
    return _TEMPORARY if report.left and asked is not None else 0


def _the_rest(report: Report) -> Asked:
    return lambda _: report.left


def _tell(name: str, report: Report) -> None:
    if report.began:
        say(
            f"{name}: {report.requests} requests, {report.complete} pulls complete,"
            f" {report.failed} failed, {report.points} values, {len(report.left)} pulls left"
        )
