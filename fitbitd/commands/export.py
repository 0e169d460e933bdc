"""fitbitd export: one data type as CSV or JSON Lines."""

import argparse
import sys

from fitbitd.assembly import parts
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    config_argument,
    data_type_of,
    days_arguments,
    index_of,
)
from fitbitd.store.export import Format, export_lines

HELP = "one data type as CSV or JSON Lines"
DESCRIPTION = """\
Write everything that was collected of one data type to stdout. Days are the wearer's, both ends
included. Sleep has a row for each stage in CSV, and one object for each night in JSON Lines.

  fitbitd export alice heart_rate > heart_rate.csv
  fitbitd export alice sleep --format jsonl --from 2026-03-01 --to 2026-03-31
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd export`."""
    account_argument(parser)
    parser.add_argument("data_type", metavar="DATA_TYPE", help="heart_rate, steps, sleep...")
    days_arguments(parser)
    parser.add_argument(
        "--format",
        choices=[form.value for form in Format],
        default=Format.CSV.value,
        help="a table, or an object a line (default: csv)",
    )
    config_argument(parser)


def main(context: Context) -> int:
    """Write one data type of one account."""
    args = context.args
    settings = context.settings()
    account = parts(settings, account_of(settings, args.account))
    data_type = data_type_of(account, args.data_type)
    with index_of(account) as db:
        db.execute("BEGIN")  # all of it is of one moment
        sys.stdout.writelines(
            export_lines(db, data_type, Format(args.format), args.first, args.last)
        )
    return 0
