"""fitbitd query: SQL over what was collected, read-only."""

import argparse
import sqlite3
from pathlib import Path

from fitbitd.assembly import parts
from fitbitd.commands.common import (
    Context,
    account_of,
    config_argument,
    write_csv,
    write_json,
    write_table,
)
from fitbitd.config import Settings
from fitbitd.errors import OperatorError
from fitbitd.store.index import INDEX_NAME
from fitbitd.store.readers import attach_readers

HELP = "SQL over what was collected, read-only"
DESCRIPTION = """\
Ask the index in SQL. Start with the views: readings, hourly, days, daily_values, sleep,
sleep_stages, coverage_days. With several accounts, name each before the view: alice.days.

  fitbitd query "SELECT day, round(mean) FROM days WHERE data_type = 'heart_rate'"
  fitbitd query --account alice --account bob "SELECT count(*) FROM bob.readings"
  fitbitd query "SELECT name FROM alice.sqlite_schema WHERE type = 'view'"

Nothing can be changed this way. The index is a plain SQLite file: sqlite3, Datasette, Grafana and
pandas read it as well, also while the daemon writes.
"""

_STEPS_BETWEEN_LOOKS = 1_000_000  # of SQLite's machine: some hundredths of a second


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd query`."""
    parser.add_argument("sql", metavar="SQL", help="one statement, in quotes")
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
    if args.account:
        folders = {
            name: parts(settings, account_of(settings, name)).folder for name in args.account
        }
    else:
        folders = _collected(settings)
    db = attach_readers(folders)
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


def _collected(settings: Settings) -> dict[str, Path]:
    """Give the folders of the accounts that have an index; all, if none has one yet."""
    folders: dict[str, Path] = {
        account.name: parts(settings, account).folder for account in settings.accounts
    }
    some = {name: path for name, path in folders.items() if (path / INDEX_NAME).exists()}
    return some or folders
