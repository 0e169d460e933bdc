"""fitbitd verify: the archive against itself, and the index against the archive."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fitbitd.assembly import AccountParts, parts
from fitbitd.commands import words
from fitbitd.commands.common import (
    Context,
    account_of,
    accounts_argument,
    config_argument,
    index_of,
    say,
    say_error,
    write_json,
    write_page,
)
from fitbitd.errors import FitbitdError
from fitbitd.store.verify import Finding, compare, verify

HELP = "check the archive, and the index against it"
DESCRIPTION = """\
Read every line of the archive and see whether the index stands where the archive ends. With
--compare the index is made anew beside the live one and the two are compared, row by row. Reads
only, also beside a running daemon. Exit code 1 if anything is not as it should be.

  fitbitd verify
  fitbitd verify alice --compare
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd verify`."""
    accounts_argument(parser)
    parser.add_argument("--compare", action="store_true", help="also make the index anew")
    parser.add_argument("--json", action="store_true", help="one JSON object a finding")
    config_argument(parser)


def main(context: Context) -> int:
    """Verify the named accounts, or all."""
    settings = context.settings()
    names = context.args.accounts or [account.name for account in settings.accounts]
    count = code = 0
    for account in [parts(settings, account_of(settings, name)) for name in names]:
        name = account.settings.name
        try:
            for finding in _findings(account, compare_too=context.args.compare):
                count += 1
                _tell(name, finding, as_json=context.args.json)
        except FitbitdError as err:  # the other accounts are checked all the same
            say_error(str(err))
            code = max(code, err.exit_code)
        else:
            say(f"{name}: checked")
    if count:
        say(words.many(count, "finding"))
    elif not code:
        say("all is well")
    return 1 if count else code


def _findings(account: AccountParts, *, compare_too: bool) -> Iterator[Finding]:
    with index_of(account) as db:
        yield from verify(account.folder, db)
        if compare_too:
            provider = account.provider()
            with tempfile.TemporaryDirectory(prefix="fitbitd-verify-") as scratch:
                yield from compare(
                    account.folder,
                    db,
                    provider.read,
                    account.kit.catalogue,
                    Path(scratch),
                    learn=provider.learn,
                )


def _tell(name: str, finding: Finding, *, as_json: bool) -> None:
    if as_json:
        row = {
            "account": name,
            "code": finding.code,
            "path": str(finding.path),
            "offset": finding.offset,
            "words": finding.words,
        }
        write_json([row])
    else:
        at = "" if finding.offset is None else f" at byte {finding.offset}"
        write_page(f"{name}: {finding.code}: {finding.path}{at}: {finding.words}\n")
