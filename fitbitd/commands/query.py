"""fitbitd query: SQL over what was collected, read-only."""

import argparse
import sqlite3
import sys
from pathlib import Path

from fitbitd.assembly import AccountParts, parts
from fitbitd.commands.common import (
    Context,
    account_of,
    config_argument,
    write_csv,
    write_json,
    write_table,
)
from fitbitd.commands.continuing import earlier_of, has_index, seam
from fitbitd.config import Settings
from fitbitd.errors import OperatorError
from fitbitd.store.continuation import statements
from fitbitd.store.index import INDEX_NAME
from fitbitd.store.readers import attach_readers

HELP = "SQL over what was collected, read-only"
DESCRIPTION = """\
Ask the index in SQL. Start with the views: readings, preferred_readings, hourly, days,
daily_values, sleep, sleep_stages, exercises, exercise_parts, coverage_days, corrections, zones.
With several accounts, name each before the view: alice.days.

  fitbitd query "SELECT day, round(mean) FROM days WHERE data_type = 'heart_rate'"
  fitbitd query --account alice --account bob "SELECT count(*) FROM bob.readings"
  fitbitd query "SELECT name FROM alice.sqlite_schema WHERE type = 'view'"

Where the first account continues another one (see `continues` in the configuration), its views
show both as one series when they are named without an account; their column `provider` tells which
is which. alice.days has its own rows only. `--show-views` writes the SQL that joins the two, for
other programs:

  fitbitd query --account alice --show-views > joined.sql && sqlite3 -init joined.sql

Nothing can be changed this way. The index is a plain SQLite file: sqlite3, Datasette, Grafana and
pandas read it as well, also while the daemon writes.
"""

_STEPS_BETWEEN_LOOKS = 1_000_000  # of SQLite's machine: some hundredths of a second


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd query`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("sql", metavar="SQL", nargs="?", help="one statement, in quotes")
    what.add_argument(
        "--show-views", action="store_true", help="the SQL that joins an account to the one before"
    )
    parser.add_argument(
        "--account",
        action="append",
        metavar="NAME",
        help="repeatable (default: all that have an index)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--csv", action="store_true", help="CSV with a header")
    config_argument(parser)


def main(context: Context) -> int:
    """Run one statement and write its rows."""
    args = context.args
    settings = context.settings()
    chosen = (
        [parts(settings, account_of(settings, name)) for name in args.account]
        if args.account
        else _collected(settings)
    )
    earlier = earlier_of(settings, chosen[0])
    if args.show_views:
        return _show_views(chosen[0], earlier)
    brought = [] if earlier is None else [earlier]
    folders: dict[str, Path] = {each.settings.name: each.folder for each in (*chosen, *brought)}
    db = attach_readers(folders, seam(chosen[0], earlier))
    # Python hears of Ctrl-C between its own steps only, and a statement is one of them.
    db.set_progress_handler(lambda: 0, _STEPS_BETWEEN_LOOKS)
    try:
        cursor = db.execute(args.sql)
        columns = [column[0] for column in cursor.description or ()]
        if args.json:
            write_json(dict(zip(columns, row, strict=True)) for row in cursor)
        elif args.csv:
            write_csv(columns, cursor)
        elif columns:
            write_table(columns, cursor)
    except (sqlite3.Error, sqlite3.Warning) as err:
        if getattr(err, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None  # the handler above lets none out
        if getattr(err, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            raise OperatorError(
                f"an index is damaged: {err}.\n"
                "The archive, from which it is made, is not affected; nothing collected is lost.\n"
                "Next: fitbitd verify names it, and fitbitd rebuild ACCOUNT makes it again",
                code="index_damaged",
            ) from err
        raise OperatorError(
            f"SQLite cannot do that: {str(err).rstrip('.')}.\n"
            "Next: fitbitd query --help names the views; nothing can be changed from here",
            code="usage",
        ) from err
    finally:
        db.close()
    return 0


def _collected(settings: Settings) -> list[AccountParts]:
    """Give the accounts that have an index, or all; what another one continues comes behind it."""
    every = [parts(settings, account) for account in settings.accounts]
    some = [each for each in every if has_index(each)] or every
    continued = {each.settings.continues for each in some}
    return sorted(some, key=lambda each: each.settings.name in continued)


def _show_views(account: AccountParts, earlier: AccountParts | None) -> int:
    """Write a script for the sqlite3 shell.

    Raises:
        OperatorError: there is nothing to join.
    """
    both = seam(account, earlier)
    if earlier is None or both is None:
        raise OperatorError(
            f"{account.settings.name} continues no account that has an index: its views are in its"
            " own.\nNext: fitbitd query --help",
            code="usage",
        )
    for side in (account, earlier):
        address = (side.folder / INDEX_NAME).absolute().as_uri()
        sys.stdout.write(f"ATTACH '{address}?mode=ro' AS \"{side.settings.name}\";\n")
    sys.stdout.writelines(f"{statement};\n" for statement in statements(*both))
    return 0
