"""What several commands share: the configuration, the world outside, and words for a terminal."""

import argparse
import asyncio
import csv
import difflib
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from fitbitd import logs
from fitbitd.assembly import DATA_TYPES, AccountParts, World
from fitbitd.clock import SystemClock, Threads
from fitbitd.commands.ownership import become_owner
from fitbitd.commands.words import fitted, repeated
from fitbitd.config import AccountSettings, Settings, find_config, load
from fitbitd.errors import OperatorError, complaint
from fitbitd.fetch.transport import Network
from fitbitd.model import DataType, DataTypeName
from fitbitd.store import disk
from fitbitd.store.index import INDEX_NAME, open_reader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What `cli` hands to a command."""

    args: argparse.Namespace
    redactor: logs.Redactor

    def settings(self) -> Settings:
        """Load the configuration that the command line or the environment names.

        If root runs the command, it goes on as the owner of the state directory.

        Raises:
            OperatorError: it is missing or wrong; every problem at once.
        """
        settings = load(find_config(self.args.config, os.environ), DATA_TYPES)
        become_owner(settings.state_dir)
        return settings

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """Give the real world: this machine's clock, some threads, the network."""
        threads = Threads()
        clock = SystemClock()
        try:
            yield World(
                clock=clock,
                offload=threads,
                network=Network(clock),
                random=Random(),  # noqa: S311 - spreads retries, guards nothing
                environ=os.environ,
                learn_secret=self.redactor.add,
            )
        finally:
            threads.close()


def account_of(settings: Settings, name: str) -> AccountSettings:
    """Find the account called `name`.

    Raises:
        OperatorError: there is none; it names those that there are.
    """
    for account in settings.accounts:
        if account.name == name:
            return account
    known = ", ".join(account.name for account in settings.accounts)
    raise OperatorError(
        f"there is no account {name!r} in {settings.path}.\nNext: use one of {known}", code="usage"
    )


def _meant(name: str, account: AccountParts) -> str:
    near = difflib.get_close_matches(name, account.kit.catalogue, n=1)
    return f"; did you mean {near[0]}" if near else ""


def data_type_of(account: AccountParts, name: str) -> DataType:
    """Find the data type called `name`.

    Raises:
        OperatorError: there is none; it names those that there are.
    """
    data_type = account.kit.catalogue.get(DataTypeName(name))
    if data_type is None:
        known = ", ".join(account.kit.catalogue)
        raise OperatorError(
            f"there is no data type {name!r}{_meant(name, account)}.\nNext: use one of {known}",
            code="usage",
        )
    return data_type


@contextmanager
def index_of(account: AccountParts) -> Iterator[sqlite3.Connection]:
    """Open an account's index for reading; damage that shows only later is told as such too.

    Raises:
        OperatorError: there is none, or it cannot be read.
    """
    with closing(open_reader(account.folder)) as db:
        try:
            yield db
        except sqlite3.DatabaseError:
            with disk.telling(account.folder / INDEX_NAME):
                raise


@contextmanager
def suppress_missing() -> Iterator[None]:
    """Go on with nothing where an account has no index, for nothing was collected yet."""
    try:
        yield
    except OperatorError as err:
        if err.code != "index_missing":
            raise


def say(words: str) -> None:
    """Tell a person something, on stderr: stdout is for data."""
    print(repeated(words), file=sys.stderr, flush=True)


def say_error(words: str) -> None:
    """Tell a person what went wrong."""
    say(complaint(words))


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a command that waits for something."""
    return asyncio.run(main)


def civil_day(text: str) -> date:
    """Read a day of the command line.

    Raises:
        argparse.ArgumentTypeError: it is no date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day; write it as 2026-03-01"
        raise argparse.ArgumentTypeError(message) from None


def account_argument(parser: argparse.ArgumentParser) -> None:
    """Add the one account that a command is about."""
    parser.add_argument("account", metavar="ACCOUNT", help="its name in the configuration")


def accounts_argument(parser: argparse.ArgumentParser) -> None:
    """Add the accounts that a command is about."""
    parser.add_argument(
        "accounts", nargs="*", metavar="ACCOUNT", help="names in the configuration (default: all)"
    )


def days_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--from` and `--to`."""
    for name, dest, which in (("--from", "first", "first"), ("--to", "last", "last")):
        parser.add_argument(
            name, dest=dest, type=civil_day, metavar="DAY", help=f"the {which} day, as 2026-03-01"
        )


def ordered_days(args: argparse.Namespace) -> tuple[date, date]:
    """Give the days of `--from` and `--to`, of all time where one is left out.

    Raises:
        OperatorError: they end before they begin.
    """
    first, last = args.first or date.min, args.last or date.max
    if last < first:
        raise OperatorError(f"--to {last} is before --from {first}.\nNext: swap them", code="usage")
    return first, last


def config_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--config`, which every command takes that needs a configuration."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the configuration (default: $FITBITD_CONFIG, then /etc/fitbitd/fitbitd.toml, then"
        " ~/.config/fitbitd/fitbitd.toml)",
    )


def write_page(text: str) -> None:
    """Write what a person reads to stdout."""
    sys.stdout.write(fitted(repeated(text)))


def write_json(rows: Iterable[dict[str, Any]]) -> None:
    """Write rows to stdout, one JSON object on a line each."""
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: object) -> str:
    """Write what JSON has no form for; instants as RFC 3339, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to stdout as CSV with a header line."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows to stdout as columns that line up."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    for line in [list(columns), ["-" * width for width in widths], *cells]:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _cell(value: object) -> str:
    return "" if value is None else str(value)
