"""fitbitd demo: simulator, synthetic wearer and daemon in one process, with nothing to set up."""

import argparse
import asyncio
import re
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fitbitd import config
from fitbitd.assembly import DATA_TYPES, AccountParts, World, parts
from fitbitd.clock import SystemClock
from fitbitd.commands.common import Context, run_async, say
from fitbitd.config import Settings
from fitbitd.daemon import Daemon
from fitbitd.engine import Report
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.model import Request
from fitbitd.oauth import consent
from fitbitd.oauth.grant import authorize_url, read_redirect, verifier_from
from fitbitd.simulator import (
    FitbitSettings,
    FitbitSimulator,
    OffsetClock,
    SimulatorServer,
    live_wearer,
    serve,
)
from fitbitd.store.index import open_reader
from fitbitd.store.listing import holdings

HELP = "try it now: nothing to set up"
DESCRIPTION = """\
Start a simulated provider with a synthetic wearer, authorize by itself, bring 30 days of history
home and go on collecting while the wearer's watch syncs. Nothing leaves this machine, and nothing
stays on it unless --keep says so. Ctrl-C ends it.

  fitbitd demo
  fitbitd demo --for 60s
  fitbitd demo --keep demo-data       then: fitbitd status --config demo-data/fitbitd.toml
"""

BACKFILL_DAYS = 30
SYNC_EVERY_S = 10
POLL_EVERY_S = 5
QUOTA = 100_000
_SECRET = "simulated-secret"  # noqa: S105 - the simulator's own
_CONFIG = """\
state_dir = "{folder}/state"

[[account]]
name = "demo"
provider = "fitbit"
client_id = "23SIMU"
client_secret_file = "{folder}/client_secret"
poll_every = "{poll_every_s}s"
backfill_from = {backfill_from}

[provider.fitbit]
authorize_url = "{url}/oauth2/authorize"
token_url = "{url}/oauth2/token"
revoke_url = "{url}/oauth2/revoke"
api_url = "{url}"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd demo`."""
    parser.add_argument(
        "--for", dest="lasts_s", type=_seconds, metavar="TIME", help="end after 60s, 5m or 1h"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep everything in FOLDER")
    parser.add_argument("--seed", type=int, default=1, help="which wearer (default: 1)")


def main(context: Context) -> int:
    """Run the demonstration."""
    return run_async(_demo(context))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)(s|m|h)", text)
    if found is None:
        message = f"{text!r} is no time; write it as 60s, 5m or 1h"
        raise argparse.ArgumentTypeError(message)
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise OperatorError(
                f"{keep} is not empty; nothing in it was touched.\nNext: name a new folder",
                code="usage",
            )
        yield keep.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="fitbitd-demo-") as folder:
            yield Path(folder)


async def _demo(context: Context) -> int:
    args = context.args
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, seed=args.seed, history_days=60, sync_every_s=SYNC_EVERY_S)
    behaviour = FitbitSettings(consent="allow", quota=QUOTA, client_secret=_SECRET)
    simulator = FitbitSimulator(clock, wearer, behaviour)
    with _folder(args.keep) as folder, serve(simulator) as server:
        settings = _configure(folder, server, clock)
        account = parts(settings, settings.accounts[0])
        _introduce(server, folder)
        async with context.world() as world:
            await _authorize(account, world)
            await _collect(settings, world, args.lasts_s, _Narrator(account))
        _summarize(account, simulator, folder if args.keep else None)
    return 0


def _configure(folder: Path, server: SimulatorServer, clock: OffsetClock) -> Settings:
    """Write a configuration like anybody's, but for the addresses and the pace."""
    secret = folder / "client_secret"
    secret.touch(mode=0o600)
    secret.write_text(_SECRET, encoding="utf-8")
    path = folder / "fitbitd.toml"
    text = _CONFIG.format(
        folder=folder,
        url=server.url,
        poll_every_s=POLL_EVERY_S,
        backfill_from=clock.now().date() - timedelta(days=BACKFILL_DAYS),
    )
    path.write_text(text, encoding="utf-8")
    return config.load(path, DATA_TYPES)


def _introduce(server: SimulatorServer, folder: Path) -> None:
    say(f"""\
fitbitd demo: a simulated Fitbit with one synthetic wearer listens on {server.url}.
The wearer's watch syncs every {SYNC_EVERY_S} seconds; fitbitd looks every {POLL_EVERY_S}. With a \
real account it
looks every 15 minutes, within the 150 requests an hour that the provider grants.
Data goes to {folder}/state. Ctrl-C ends the demo.
""")


async def _authorize(account: AccountParts, world: World) -> None:
    """Be the browser and the wearer who clicks Allow."""
    say("1. Consent. A browser would show the provider's page; the demo clicks Allow itself.")
    keeper = account.keeper(world)
    account.make_folder()
    state, verifier = secrets.token_urlsafe(32), verifier_from(secrets.token_bytes(32))
    redirect_uri = account.settings.redirect_uri
    address = authorize_url(
        keeper.app,
        redirect_uri=redirect_uri,
        scopes=account.scopes,
        state=state,
        verifier=verifier,
    )
    reply = await world.send(Request("GET", address))
    code = read_redirect(reply.headers["location"], state=state)
    grant = await consent.exchange(keeper, code, verifier=verifier, redirect_uri=redirect_uri)
    await consent.keep(keeper, grant)
    say(f"   The tokens are in {keeper.file.path}, for this user's eyes only.")


async def _collect(
    settings: Settings, world: World, lasts_s: float | None, narrator: "_Narrator"
) -> None:
    say(f"2. The daemon starts: the last days first, then history, {BACKFILL_DAYS} days back.")
    daemon = Daemon(settings, lambda: settings, world, told=narrator.tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop)
    timer = loop.call_later(lasts_s, daemon.stop) if lasts_s is not None else None
    try:
        await daemon.run()
    finally:
        if timer is not None:
            timer.cancel()


@dataclass(slots=True)
class _Narrator:
    """Puts what the daemon does into words for a newcomer."""

    account: AccountParts
    complete: bool = False

    def tell(self, _name: str, report: Report) -> None:
        """Say what one pass did, if anything."""
        if report.error is not None:
            say(f"   {report.error}")
        if report.requests <= 1:
            return  # the watch has not synced: one request, and nothing to say
        what = f"{report.requests} requests, {report.points:,} values"
        if report.left:
            say(f"   history: {what}; {len(report.left)} pulls to go")
        elif not self.complete:
            self.complete = True
            say(f"   history: {what}; all of it is here: {self._stored()}")
            say("3. Keeping up: each sync of the watch is read by its tail, as it comes.")
        else:
            say(f"   the watch synced: {what}; {self._stored()}")

    def _stored(self) -> str:
        with suppress(FitbitdError), closing(open_reader(self.account.folder)) as db:
            stored = {one.data_type: one.count for one in holdings(db)}
            pulse, nights = stored.get("heart_rate", 0), stored.get("sleep", 0)
            return f"{pulse:,} heart-rate readings and {nights} nights and naps in all"
        return "nothing stored yet"


def _summarize(account: AccountParts, simulator: FitbitSimulator, kept: Path | None) -> None:
    say("\nWhat was collected:")
    with closing(open_reader(account.folder)) as db:
        for one in holdings(db):
            print(f"  {one.data_type:<18} {one.count:>10,}  since {one.oldest:%Y-%m-%d}")
    sizes = {
        name: sum(p.stat().st_size for p in account.folder.rglob(pattern)) / 1e6
        for name, pattern in (("archive", "*.jsonl.gz"), ("index", "index.sqlite*"))
    }
    say(
        f"It took {simulator.requests_seen} requests; the archive has {sizes['archive']:.1f} MB,"
        f" the index {sizes['index']:.1f} MB."
    )
    if kept is not None:
        configuration = kept / "fitbitd.toml"
        say(f"Look around: fitbitd status --config {configuration}")
        say(f"             fitbitd export demo sleep --config {configuration}")
    say("Next: fitbitd init writes a configuration for your own watch")
