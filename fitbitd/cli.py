"""The command line: which command, with what arguments, and how it ended."""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import structlog

from fitbitd import __version__, journal, logs
from fitbitd.commands.common import Context, say, say_error
from fitbitd.commands.words import given_config
from fitbitd.errors import FitbitdError

log = structlog.get_logger()

COMMANDS = (
    "demo",
    "init",
    "authorize",
    "run",
    "pull",
    "backfill",
    "plan",
    "gaps",
    "status",
    "export",
    "query",
    "verify",
    "rebuild",
    "backup",
    "check",
    "notify",
    "revoke",
    "simulate",
)
"""Each is a module of `fitbitd.commands`."""

DESCRIPTION = """\
fitbitd brings a person's Fitbit data home: every reading, at full resolution, for years.

  fitbitd demo                try it now: nothing to set up, nothing leaves this machine
  fitbitd init                write a commented configuration
  fitbitd authorize alice     let fitbitd read alice's data
  fitbitd run                 collect, in the foreground (systemd does this for you)
  fitbitd status              how old the data is, and what needs you
"""

USAGE = 64
BUG = 70
OUTPUT_FAILED = 74
INTERRUPTED = 130
_LEVELS = {
    "run": logging.INFO,
    "backfill": logging.ERROR,  # what fails meanwhile is asked again, and told at its end
}
_OUTPUT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


class _Parser(argparse.ArgumentParser):
    """A parser whose exit code is that of sysexits.h, like all of ours."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and where help is."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"error: {message}\nNext: {self.prog} --help\n")


def command(name: str) -> ModuleType:
    """Give the module of one command."""
    return import_module(f"fitbitd.commands.{name}")


def parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Build the command line: all of it, or as far as the commands `names` go."""
    top = _Parser(
        prog="fitbitd",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="fitbitd COMMAND --help explains one command.",
    )
    top.add_argument("--version", action="version", version=f"fitbitd {__version__}")
    top.set_defaults(run=None)
    commands = top.add_subparsers(metavar="COMMAND")
    for name in names:
        module = command(name)
        own = commands.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(own)
        own.set_defaults(command=name, run=module.main)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code (sysexits.h)."""
    _stand_in_for_closed_streams()
    words = sys.argv[1:] if argv is None else argv
    # A command needs nothing of the others: a Pi has no memory for a simulator that nobody asked.
    top = parser(words[:1] if words and words[0] in COMMANDS else COMMANDS)
    args = top.parse_args(words)
    if args.run is None:
        top.print_help(sys.stderr)
        return USAGE
    given_config.set(getattr(args, "config", None))
    redactor = logs.Redactor()
    behind = journal.is_behind(sys.stderr)
    entries = journal.Journal() if behind else None
    logs.configure(sys.stderr, redactor, level=_level(args), journal=entries)
    try:
        code = int(args.run(Context(args, redactor)))
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("interrupted; what was archived is kept")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()  # whoever read it has enough of it
        return 0
    except Exception as err:  # noqa: BLE001 - the border of the program
        return _failed(err, redactor)
    return code


def _failed(err: Exception, redactor: logs.Redactor) -> int:
    """Say why a command failed; give its exit code."""
    if isinstance(err, FitbitdError):
        say_error(redactor.clean(str(err)))
        return err.exit_code
    if isinstance(err, OSError) and err.errno in _OUTPUT_ERRORS and err.filename is None:
        _forget_output()
        say_error(f"the output cannot be written: {err.strerror}. Next: write it elsewhere")
        return OUTPUT_FAILED
    log.error("command.crashed", exc_info=err)
    say_error("this is a bug in fitbitd; nothing archived is lost. Next: report the lines above")
    return BUG


def _level(args: argparse.Namespace) -> int:
    """Give the least that is logged: the daemon tells events, a command speaks for itself."""
    if os.environ.get("FITBITD_DEBUG"):
        return logging.DEBUG
    return _LEVELS.get(args.command, logging.WARNING)


def _stand_in_for_closed_streams() -> None:
    """Open what the caller closed: a file of ours must not come to stand where words are written.

    Output that nobody can get is refused when there is some; words to nobody are not missed.
    """
    for number, name, mode in (
        (0, "stdin", os.O_RDONLY),
        (1, "stdout", os.O_RDONLY),
        (2, "stderr", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def _forget_output() -> None:
    """Keep Python from trying once more, at its end, to write what cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
