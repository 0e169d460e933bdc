"""fitbitd gaps: what is missing, why, and what will happen."""

import argparse
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from fitbitd.assembly import AccountParts, parts
from fitbitd.clock import SystemClock
from fitbitd.commands import gaps_page, words
from fitbitd.commands.common import (
    Context,
    account_of,
    accounts_argument,
    config_argument,
    data_type_of,
    days_arguments,
    index_of,
    ordered_days,
    say_error,
    suppress_missing,
    write_json,
    write_page,
)
from fitbitd.commands.corrections_page import corrections_page
from fitbitd.commands.progress import history_line, progress_of
from fitbitd.errors import OperatorError
from fitbitd.model import DataTypeName
from fitbitd.oauth.token import Grant
from fitbitd.plan.gaps import Evidence, Gap, Look, gaps, tally
from fitbitd.plan.ledger import Ledger
from fitbitd.store import listing
from fitbitd.store.gaps import read_evidence, read_pace
from fitbitd.store.ledger import read_ledger

HELP = "what is missing, why, and what will happen"
DESCRIPTION = """\
Show which days are not complete and final, why, and what will happen: history that was not asked
yet, a watch that has not synced, what was refused or failed, days on which nobody wore it. Days are
those of the ledger: the wearer's, or UTC days for what is kept by instant. Reads only, also beside
a running daemon.

  fitbitd gaps
  fitbitd gaps alice --data-type heart_rate --from 2026-03-01 --to 2026-03-31
  fitbitd gaps --json                   one object for each data type and run of days
  fitbitd gaps alice --corrections      what changed on days that were final already
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd gaps`."""
    accounts_argument(parser)
    parser.add_argument(
        "--data-type", action="append", metavar="T", help="only this one; repeatable"
    )
    days_arguments(parser)
    parser.add_argument(
        "--corrections", action="store_true", help="what changed on final days, newest first"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a gap")
    config_argument(parser)


def main(context: Context) -> int:
    """Tell the gaps, or the corrections, of the named accounts or all."""
    args = context.args
    settings = context.settings()
    days = ordered_days(args)
    names = args.accounts or [account.name for account in settings.accounts]
    accounts = [parts(settings, account_of(settings, name)) for name in names]
    wanted = [(account, _types(account, args.data_type or (), accounts)) for account in accounts]
    show = _show_corrections if args.corrections else _show_gaps
    code, shown = 0, False
    for account, types in wanted:
        if shown and not args.json:
            sys.stdout.write("\n")
        try:
            show(account, types, days, args)
            shown = True
        except OperatorError as err:
            say_error(f"{account.settings.name}: {err}")
            code = max(code, err.exit_code)
    return code


def _types(
    account: AccountParts, named: Sequence[str], accounts: Sequence[AccountParts]
) -> Collection[DataTypeName] | None:
    """Give the data types that are looked at, None for all that the account wants.

    Raises:
        OperatorError: none of the accounts knows one of them.
    """
    if not named:
        return None
    for name in named:
        if not any(name in each.kit.catalogue for each in accounts):
            data_type_of(account, name)
    return {DataTypeName(name) for name in named}


def _show_gaps(
    account: AccountParts,
    types: Collection[DataTypeName] | None,
    days: tuple[date, date],
    args: argparse.Namespace,
) -> None:
    now = SystemClock().now()
    grant: Grant | None = None
    with suppress(OperatorError):  # status says why it cannot be read
        grant = account.token_file.read()
    granted = grant.scope if grant else ()
    ledger, evidence, pace = Ledger(), Evidence(), None
    with suppress_missing(), index_of(account) as db:
        ledger, evidence, pace = read_ledger(db, now), read_evidence(db), read_pace(db, now)
    ledger = ledger.after_consent(grant.consented_at if grant else None)
    progress = progress_of(account, ledger, pace, granted, now)
    look = Look(granted, days, types)
    found = gaps(account.wants, ledger, evidence, now, look)
    if args.json:
        write_json(_as_json(account.settings.name, gap) for gap in found)
        return
    narrow = types is not None or args.first is not None or args.last is not None
    told = gaps_page.Account(
        account.settings.name,
        account.kit.flavour.title,
        now,
        found,
        tally(account.wants, ledger, evidence, now, look),
        history="" if narrow else history_line(progress),
        authorized=grant is not None,
        whole=narrow,
    )
    write_page(gaps_page.page(told, words.width()))


def _show_corrections(
    account: AccountParts,
    types: Collection[DataTypeName] | None,
    days: tuple[date, date],
    args: argparse.Namespace,
) -> None:
    rows = []
    with suppress_missing(), index_of(account) as db:
        rows = [
            row
            for row in listing.corrections(db, first=days[0], last=days[1])
            if types is None or row.data_type in types
        ]
    if args.json:
        name = account.settings.name
        write_json({"account": name, **_correction(row)} for row in rows)
    else:
        write_page(corrections_page(account.settings.name, rows))


def _as_json(account: str, gap: Gap) -> dict[str, Any]:
    return {
        "account": account,
        "data_type": gap.data_type,
        "why": gap.lack,
        "first": gap.first,
        "last": gap.last,
        "days": gap.days,
        "since": gap.since,
        "until": gap.until,
        "detail": gap.detail,
        "count": gap.count,
    }


def _correction(row: listing.CorrectionRow) -> dict[str, Any]:
    return {
        "seen_at": row.seen_at,
        "data_type": row.data_type,
        "day": row.day,
        "at": _local(row.at),
        "field": row.field,
        "key": row.key,
        "source": row.source,
        "change": row.change,
        "old": row.old,
        "new": row.new,
        "unit": row.unit,
    }


def _local(at: datetime | None) -> str | None:
    """Write an instant by the wearer's clock, with its offset."""
    return None if at is None else at.isoformat()
