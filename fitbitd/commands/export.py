"""fitbitd export: one data type as CSV or JSON Lines, or the files that belong to sessions."""

import argparse
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fitbitd.assembly import AccountParts, parts
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    config_argument,
    data_type_of,
    days_arguments,
    index_of,
    say,
)
from fitbitd.commands.continuing import earlier_of, seam
from fitbitd.config import Settings
from fitbitd.errors import OperatorError
from fitbitd.model import DataType, Kind
from fitbitd.store import disk
from fitbitd.store.export import Export, Format, Joined, export_lines
from fitbitd.store.export_days import coverage_lines
from fitbitd.store.index import INDEX_NAME
from fitbitd.store.readers import attach_readers
from fitbitd.store.session_files import StoredFile, read_files, stored_files

HELP = "one data type as CSV or JSON Lines"
DESCRIPTION = """\
Write everything that was collected of one data type to stdout. Days are the wearer's, both ends
included. Sleep has a row for each stage in CSV, and one object for each night in JSON Lines. Where
several sources have a value for the same instant, all are written; --preferred writes one.

  fitbitd export alice heart_rate > heart_rate.csv
  fitbitd export alice sleep --format jsonl --from 2026-03-01 --to 2026-03-31
  fitbitd export alice exercise_tcx --output tracks
  fitbitd export alice heart_rate --coverage heart_rate_days.csv > heart_rate.csv

--coverage writes beside them what is known of each day: absent, provisional or settled, by which
sync, and how many readings; no day is left out. A day without data then says why.

Of an account that continues another one, the rows of both are written, and a column `provider`
tells which is which. Tracks of workouts are written into a folder as the provider gave them; their
names go to stdout.
"""

_ENDINGS = {"exercise_tcx": ".tcx"}
_UNFIT = re.compile(r"[^\w.-]+", re.ASCII)


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
    parser.add_argument(
        "--preferred", action="store_true", help="of several sources at one instant, one"
    )
    parser.add_argument(
        "--coverage", metavar="FILE", type=Path, help="a file for how complete each day is"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="the folder for tracks; made if it is missing"
    )
    config_argument(parser)


def main(context: Context) -> int:
    """Write one data type of one account."""
    args = context.args
    settings = context.settings()
    account = parts(settings, account_of(settings, args.account))
    data_type = data_type_of(account, args.data_type)
    if (data_type.kind is Kind.FILE) is not (args.output is not None):
        raise OperatorError(
            f"{data_type.name} is made of files.\nNext: name a folder for them with --output"
            if args.output is None
            else f"{data_type.name} has no files.\nNext: leave --output out; its rows go to stdout",
            code="usage",
        )
    if args.coverage is not None and data_type.axis is None:
        raise OperatorError(
            f"{data_type.name} is not read by days.\nNext: leave --coverage out", code="usage"
        )
    if data_type.kind is Kind.FILE:
        with index_of(account) as db:
            wanted = stored_files(db, data_type, args.first, args.last)
        return _write_files(account, data_type, wanted, args.output)
    with _opened(settings, account) as (db, joined):
        asked = Export(data_type, args.first, args.last, preferred=args.preferred, joined=joined)
        form = Format(args.format)
        if args.coverage is not None:
            _write_coverage(args.coverage, coverage_lines(db, asked, form))
        sys.stdout.writelines(export_lines(db, asked, form))
    return 0


def _write_coverage(path: Path, lines: Iterable[str]) -> None:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as err:
        raise OperatorError(
            f"{path} cannot be written: {err.strerror}.\nNext: name another file", code="usage"
        ) from err
    with disk.telling(path), file:
        file.writelines(lines)


@contextmanager
def _opened(
    settings: Settings, account: AccountParts
) -> Iterator[tuple[sqlite3.Connection, Joined | None]]:
    """Open the index of an account, and of the one that it continues; all is of one moment."""
    earlier = earlier_of(settings, account)
    with ExitStack() as stack:
        db = stack.enter_context(index_of(account))
        if earlier is None:
            db.execute("BEGIN")
            yield db, None
            return
        both: dict[str, Path] = {each.settings.name: each.folder for each in (account, earlier)}
        joined_db = attach_readers(both, seam(account, earlier))
        stack.callback(joined_db.close)
        before = stack.enter_context(index_of(earlier))
        before.execute("BEGIN")
        with disk.telling(account.folder / INDEX_NAME):
            providers = (account.settings.provider, earlier.settings.provider)
            yield joined_db, Joined(before, providers)


def _write_files(
    account: AccountParts, data_type: DataType, wanted: list[StoredFile], folder: Path
) -> int:
    if folder.exists() and not folder.is_dir():
        raise OperatorError(f"{folder} is no folder.\nNext: name another one", code="usage")
    with disk.telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for file, content in read_files(account.folder, wanted):
        path = folder / _name(file, _ENDINGS.get(data_type.name, ""))
        with disk.telling(path):
            path.write_bytes(content)
        sys.stdout.write(f"{path}\n")
    if not wanted:
        say(f"{account.settings.name}: no files of {data_type.name} in these days")
    return 0


def _name(file: StoredFile, ending: str) -> str:
    """Name a file by when its session began (UTC) and the session's key."""
    begins = f"{file.begins:%Y-%m-%dT%H%M%SZ}_" if file.begins else ""
    return f"{begins}{_UNFIT.sub('_', file.key)}{ending}"
