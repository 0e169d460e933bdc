"""fitbitd init: write a commented configuration."""

import argparse
import os
import re
from pathlib import Path

from fitbitd.commands.common import Context, say
from fitbitd.commands.walk import WALKS
from fitbitd.config import DEFAULT_PROVIDER, STATE_DIR, example
from fitbitd.errors import OperatorError

HELP = "write a commented configuration"
DESCRIPTION = """\
Write a configuration that shows every key with a word on what it does, and say what there is to do
at the provider before an account can be authorized. An existing file is never overwritten.

  fitbitd init                          to ~/.config/fitbitd/fitbitd.toml
  sudo fitbitd init --system            to /etc/fitbitd/fitbitd.toml
  fitbitd init --output my.toml         to a file of your choice; - is stdout
  fitbitd init --provider fitbit        with an account of the legacy API
"""

_SYSTEM = Path("/etc/fitbitd/fitbitd.toml")
_MODE = 0o644
_ACCOUNT_BEGINS = re.compile(r"(?m)^(?=(?:# )?\[\[account\]\]$)")
_NEEDED_LINE = re.compile(r"(?m)^(?:# )?(\[\[account\]\]$|(?:name|provider|client_id) = )")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd init`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--system", action="store_true", help=f"write to {_SYSTEM}")
    where.add_argument("--output", "--config", metavar="FILE", help="write to FILE; - is stdout")
    parser.add_argument(
        "--provider",
        choices=sorted(WALKS),
        default=DEFAULT_PROVIDER,
        help=f"whose account the file has (default: {DEFAULT_PROVIDER})",
    )


def main(context: Context) -> int:
    """Write the example where it was asked for."""
    asked, provider = context.args.output, context.args.provider
    text = for_provider(example(), provider)
    if asked == "-":
        print(text, end="")
        return 0
    path = Path(asked) if asked else _SYSTEM if context.args.system else _own_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        raise OperatorError(
            f"{path} is there already; it was not touched.\n"
            "Next: edit it, or name another file with --output"
        ) from None
    except OSError as err:
        raise OperatorError(
            f"{path} cannot be written: {err.strerror}.\nNext: name another file with --output"
        ) from err
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text if context.args.system else for_user(text, os.geteuid()))
    say(f"wrote {path}\n\n{WALKS[provider]}")
    say(f"Next: go through this, edit {path}, then run: fitbitd authorize ACCOUNT")
    return 0


def for_provider(text: str, provider: str) -> str:
    """Let the example's account of `provider` be the one that is not a comment."""
    head, *blocks = _ACCOUNT_BEGINS.split(text)
    return "".join((head, *(_as_needed(block, provider) for block in blocks)))


def _as_needed(block: str, provider: str) -> str:
    mark = "" if f'provider = "{provider}"' in block else "# "
    return _NEEDED_LINE.sub(rf"{mark}\1", block)


def for_user(text: str, uid: int) -> str:
    """Have an ordinary user's data kept at home: only the service may write where it keeps its."""
    return text if uid == 0 else text.replace(f'"{STATE_DIR}"', '"~/fitbitd"', 1)


def _own_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "fitbitd" / "fitbitd.toml"
