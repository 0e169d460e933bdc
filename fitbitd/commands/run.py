"""fitbitd run: the daemon, in the foreground."""

import argparse
import asyncio
import signal
from functools import partial

from fitbitd import standing
from fitbitd.commands.common import Context, config_argument, run_async
from fitbitd.config import Settings
from fitbitd.control import Control, Run, path_for
from fitbitd.daemon import Daemon
from fitbitd.memory import give_back_large_buffers

HELP = "the daemon, in the foreground"
DESCRIPTION = """\
Collect for every account of the configuration until told to stop. This is what systemd runs.

  fitbitd run
  fitbitd run --config my.toml

  SIGTERM, Ctrl-C    end cleanly, within five seconds
  SIGHUP             read the configuration again; a wrong file changes nothing
  FITBITD_DEBUG=1    log more
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd run`."""
    config_argument(parser)


def main(context: Context) -> int:
    """Run the daemon until a signal ends it."""
    give_back_large_buffers()
    return run_async(_run(context))


async def _run(context: Context) -> int:
    settings = context.settings()
    reloads: set[asyncio.Task[None]] = set()
    async with context.world() as world:
        daemon = Daemon(
            settings,
            context.settings,
            world,
            listens=partial(_control, settings),
            standing=standing.Standing(standing.path_for(settings.state_dir), settings.state_dir),
        )
        loop = asyncio.get_running_loop()

        def reload() -> None:
            task = loop.create_task(daemon.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stop)
        loop.add_signal_handler(signal.SIGHUP, reload)
        await daemon.run()
    return 0


def _control(settings: Settings, run: Run) -> Control:
    return Control(path_for(settings.state_dir), settings.state_dir, run)
