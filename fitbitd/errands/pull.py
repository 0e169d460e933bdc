"""Pulling now: a pass of what is due, or the days asked for until they are there."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from fitbitd.account import OpenAccount
from fitbitd.assembly import AccountParts, World
from fitbitd.commands import words
from fitbitd.commands.common import data_type_of
from fitbitd.control import Listener
from fitbitd.engine import Asked, Report
from fitbitd.errands.errand import Errand
from fitbitd.errors import FitbitdError, complaint
from fitbitd.model import Pull
from fitbitd.plan import planner
from fitbitd.plan.ledger import Ledger

TEMPORARY = 75
"""sysexits.h: the same again later."""


async def pull(
    errand: Errand, account: AccountParts, world: World, held: OpenAccount, listener: Listener
) -> int:
    """Pull for one account; give the exit code."""
    name, asked = account.settings.name, _asked(errand, account, world)
    waiting: int | None = None
    report = await _pass(held, asked, name, listener)
    unread = report.unread
    if asked is None and report.left and report.error is None:
        report = await _pass(held, None, name, listener)  # an account's first pass is a short one
    while asked and report.left and report.error is None and len(report.left) != waiting:
        waiting = len(report.left)  # a pass that sends none of them meets the end of the quota
        report = await _pass(held, _the_rest(report), name, listener)
        unread = report.unread or unread
    if report.error is not None:
        if waiting:
            listener.say(f"{name}: {waiting} pulls are left for another time")
        return _failed(report.error, name, listener)
    if unread is not None and asked is not None:  # the days asked for are not all there
        return _failed(unread, name, listener)
    if report.left and asked is None:
        listener.say(
            f"{name}: the rest comes with the next passes. Next: fitbitd run, or pull again"
        )
    return TEMPORARY if report.left and asked is not None else 0


def _asked(errand: Errand, account: AccountParts, world: World) -> Asked | None:
    """Turn what is asked for into pulls; None asks for what is due."""
    if not (errand.data_types or errand.first or errand.last):
        return None
    wants = account.wants
    if errand.data_types:
        types = tuple(data_type_of(account, name) for name in errand.data_types)
        wants = replace(wants, data_types=types)
    last = errand.last or date.max
    first = errand.first or last  # one day is meant

    def asked(ledger: Ledger) -> Iterable[Pull]:
        days = (first, last) if errand.first or errand.last else None
        return planner.asked(wants, ledger, world.clock.now(), days)

    return asked


async def _pass(held: OpenAccount, asked: Asked | None, name: str, listener: Listener) -> Report:
    """Run a pass and say what it did."""
    report = await held.run_pass(asked)
    if report.began:
        listener.say(
            f"{name}: {words.many(report.requests, 'request')},"
            f" {words.many(report.complete, 'pull')} complete, {report.failed} failed,"
            f" {words.many(report.points, 'value')}, {words.many(len(report.left), 'pull')} left"
        )
    return report


def _the_rest(report: Report) -> Asked:
    return lambda _: report.left


def _failed(error: FitbitdError, name: str, listener: Listener) -> int:
    listener.say(complaint(f"{name}: {error}"))
    return error.exit_code
