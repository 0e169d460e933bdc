"""fitbitd init: write a commented configuration."""

import argparse
import os
from pathlib import Path

from fitbitd.commands.common import Context, say
from fitbitd.config import STATE_DIR, example
from fitbitd.errors import OperatorError

HELP = "write a commented configuration"
DESCRIPTION = """\
Write a configuration that shows every key with a word on what it does. An existing file is never
overwritten.

  fitbitd init                          to ~/.config/fitbitd/fitbitd.toml
  sudo fitbitd init --system            to /etc/fitbitd/fitbitd.toml
  fitbitd init --output my.toml         to a file of your choice; - is stdout
"""

_SYSTEM = Path("/etc/fitbitd/fitbitd.toml")
_MODE = 0o644


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd init`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--system", action="store_true", help=f"write to {_SYSTEM}")
    where.add_argument("--output", "--config", metavar="FILE", help="write to FILE; - is stdout")


def main(context: Context) -> int:
    """Write the example where it was asked for."""
    asked = context.args.output
    if asked == "-":
        print(example(), end="")
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
        file.write(example() if context.args.system else for_user(example(), os.geteuid()))
    say(f"wrote {path}\nNext: edit it, then run: fitbitd authorize ACCOUNT")
    return 0


def for_user(text: str, uid: int) -> str:
    """Have an ordinary user's data kept at home: only the service may write where it keeps its."""
    return text if uid == 0 else text.replace(f'"{STATE_DIR}"', '"~/fitbitd"', 1)


def _own_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "fitbitd" / "fitbitd.toml"
