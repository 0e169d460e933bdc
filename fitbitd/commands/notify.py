"""fitbitd notify: try the ways by which fitbitd tells that something is wrong."""

import argparse
from collections.abc import Awaitable
from datetime import datetime

from fitbitd.commands.common import Context, config_argument, run_async, say, say_error
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.health import Condition
from fitbitd.health_codes import Severity
from fitbitd.model import AccountName
from fitbitd.notify import Change, News, beat, run_command

HELP = "try the command and the address that [notify] names"
DESCRIPTION = """\
Run the command of [notify] with an example on its stdin, and ask for its heartbeat_url once, so
that you know before you need them that both work.

  fitbitd notify --test
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd notify`."""
    parser.add_argument(
        "--test", action="store_true", required=True, help="try both, and say how it went"
    )
    config_argument(parser)


def main(context: Context) -> int:
    """Try both ways."""
    return run_async(_try(context))


async def _try(context: Context) -> int:
    notify = context.settings().notify
    if not notify.command and not notify.heartbeat_url:
        raise OperatorError(
            "[notify] names neither a command nor a heartbeat_url.\n"
            "Next: see the example that fitbitd init writes"
        )
    code = 0
    async with context.world() as world:
        if notify.command:
            text = _example(world.clock.now()).text
            todo = "look at what it said above, and correct the command in [notify]"
            code = await _tried("the command", run_command(notify.command, text), todo)
        if notify.heartbeat_url:
            work = beat(notify.heartbeat_url, world.send)
            todo = "look at the network, and correct heartbeat_url in [notify]"
            code = max(code, await _tried("the heartbeat", work, todo))
    return code


async def _tried(way: str, work: Awaitable[None], todo: str) -> int:
    try:
        await work
    except FitbitdError as err:
        # What follows is about passes, and what to do where nobody watches.
        happened, _, _ = str(err).replace(".\n", ". ").partition(". ")
        say_error(f"{way}: {happened}.\nNext: {todo}")
        return err.exit_code
    say(f"{way} works")
    return 0


def _example(now: datetime) -> News:
    condition = Condition(
        code="authorization_needed",
        severity=Severity.ERROR,
        since=now,
        account=AccountName("example"),
        summary="this is a test of fitbitd notify; nothing is wrong.",
        meaning="When something is, you will be told like this.",
        next="nothing is to be done",
    )
    return News(Change.TEST, condition)
