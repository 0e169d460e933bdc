"""fitbitd demo: simulators, synthetic wearer and daemon in one process, with nothing to set up."""

import argparse
import asyncio
import re
import secrets
import signal
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fitbitd.assembly import AccountParts, World, parts
from fitbitd.commands import words
from fitbitd.commands.authorize import NOBODYS_PORT, on_port
from fitbitd.commands.common import Context, run_async, say
from fitbitd.commands.stage import (
    BACKFILL_DAYS,
    PLAYS,
    POLL_EVERY_S,
    SYNC_EVERY_S,
    configure,
    served,
)
from fitbitd.commands.whose import identified
from fitbitd.config import DEFAULT_PROVIDER, Settings
from fitbitd.daemon import Daemon
from fitbitd.engine import Report
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.model import Request
from fitbitd.oauth import consent
from fitbitd.oauth.grant import authorize_url, read_redirect, verifier_from
from fitbitd.simulator import SimulatorServer
from fitbitd.store.index import open_reader
from fitbitd.store.listing import holdings

HELP = "try it now: nothing to set up"
DESCRIPTION = """\
Start a simulated provider with a synthetic wearer, authorize by itself, bring 30 days of history
home and go on collecting while the wearer's watch syncs. Nothing leaves this machine, and nothing
stays on it unless --keep says so. Ctrl-C ends it.

  fitbitd demo
  fitbitd demo --for 60s
  fitbitd demo --provider both        the Google Health API and the legacy one, side by side
  fitbitd demo --keep demo-data       then: fitbitd status --config demo-data/fitbitd.toml
"""

COUNTED_EVERY_S = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd demo`."""
    parser.add_argument(
        "--for", dest="lasts_s", type=_seconds, metavar="TIME", help="end after 60s, 5m or 1h"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep everything in FOLDER")
    parser.add_argument("--seed", type=int, default=1, help="which wearer (default: 1)")
    parser.add_argument(
        "--provider",
        choices=tuple(PLAYS),
        default=DEFAULT_PROVIDER,
        help=f"what is simulated (default: {DEFAULT_PROVIDER})",
    )


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
    play = PLAYS[args.provider]
    with _folder(args.keep) as folder, served(play, args.seed) as servers:
        settings = configure(folder, play, servers)
        accounts = [parts(settings, each) for each in settings.accounts]
        _introduce(accounts, servers, folder)
        async with context.world() as world:
            say("1. Consent. A browser would show a page; the demo clicks Allow on it by itself.")
            for account in accounts:
                await _authorize(account, world)
            narrators: dict[str, _Narrator] = {
                each.settings.name: _Narrator(each, alone=len(accounts) == 1) for each in accounts
            }
            await _collect(settings, world, args.lasts_s, servers.values(), narrators)
        _summarize(accounts, _requests(servers.values()), folder if args.keep else None)
    return 0


def _introduce(
    accounts: Sequence[AccountParts], servers: Mapping[str, SimulatorServer], folder: Path
) -> None:
    for account in accounts:
        url = servers[account.settings.provider].url
        title = account.kit.flavour.title
        say(f"fitbitd demo: a simulated {title} with one synthetic wearer listens on {url}.")
    say(f"""\
The wearer's watch syncs every {SYNC_EVERY_S} seconds and measures the heart about every 20;
fitbitd looks every {POLL_EVERY_S}.
A real watch measures more often, and with a real account fitbitd looks every 15 minutes and asks no
faster than the provider grants.
Data goes to {folder}/state. Ctrl-C ends the demo.
""")


async def _authorize(account: AccountParts, world: World) -> None:
    """Be the browser and the wearer who clicks Allow."""
    keeper = account.keeper(world)
    account.make_folder()
    state, verifier = secrets.token_urlsafe(32), verifier_from(secrets.token_bytes(32))
    redirect_uri = on_port(account.settings.redirect_uri, NOBODYS_PORT)
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
    grant, _ = await identified(account, grant, world)
    await consent.keep(keeper, grant)
    say(f"   The tokens are in {keeper.file.path}, for this user's eyes only.")


async def _collect(
    settings: Settings,
    world: World,
    lasts_s: float | None,
    servers: Collection[SimulatorServer],
    narrators: Mapping[str, "_Narrator"],
) -> None:
    say(f"2. The daemon starts: the last days first, then history, {BACKFILL_DAYS} days back.")
    daemon = Daemon(
        settings, lambda: settings, world, passed=lambda name, report: narrators[name].tell(report)
    )
    counting = asyncio.create_task(_count(world, servers, narrators))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stop)
    timer = loop.call_later(lasts_s, daemon.stop) if lasts_s is not None else None
    try:
        await daemon.run()
    finally:
        counting.cancel()
        if timer is not None:
            timer.cancel()


async def _count(
    world: World, servers: Collection[SimulatorServer], narrators: Mapping[str, "_Narrator"]
) -> None:
    """Show that something goes on, as long as the history takes."""
    told = 0
    while not all(narrator.complete for narrator in narrators.values()):
        await world.clock.sleep(COUNTED_EVERY_S)
        told, before = _requests(servers), told
        if told != before and not all(narrator.complete for narrator in narrators.values()):
            say(f"   {words.many(told, 'request')} so far")


def _requests(servers: Collection[SimulatorServer]) -> int:
    return sum(server.simulator.requests_seen for server in servers)


@dataclass(slots=True)
class _Narrator:
    """Puts what the daemon does for one account into words for a newcomer."""

    account: AccountParts
    alone: bool
    complete: bool = False

    def tell(self, report: Report) -> None:
        """Say what one pass did, if anything."""
        if report.error is not None:
            self._say(f"{report.error}")
        if report.requests <= 1:
            return  # the watch has not synced: one request, and nothing to say
        what = f"{report.requests:,} requests, {words.many(report.points, 'value')}"
        if self.complete:
            self._say(f"the watch synced: {what}; {self._stored()}")
        elif report.left or not self._reaches_back():
            self._say(f"history: {what}; {self._stored()}; it goes on")
        else:
            self.complete = True
            self._say(f"history: {what}; all of it is here: {self._stored()}")
            say("3. Keeping up: each sync of the watch is read by its tail, as it comes.")

    def _say(self, words: str) -> None:
        say(f"   {words}" if self.alone else f"   {self.account.settings.name}: {words}")

    def _reaches_back(self) -> bool:
        """Say whether the first day of the history is there."""
        first = self.account.settings.backfill_from
        with suppress(FitbitdError), closing(open_reader(self.account.folder)) as db:
            oldest = [one.oldest.date() for one in holdings(db) if one.data_type == "heart_rate"]
            return first is None or (bool(oldest) and oldest[0] <= first + timedelta(days=1))
        return False

    def _stored(self) -> str:
        with suppress(FitbitdError), closing(open_reader(self.account.folder)) as db:
            stored = {one.data_type: one.count for one in holdings(db)}
            pulse, nights = stored.get("heart_rate", 0), stored.get("sleep", 0)
            return f"{pulse:,} heart-rate readings and {nights} nights and naps in all"
        return "nothing stored yet"


def _summarize(accounts: Sequence[AccountParts], requests: int, kept: Path | None) -> None:
    for account in accounts:
        of = "" if len(accounts) == 1 else f" for {account.settings.name}"
        say(f"\nWhat was collected{of}:")
        with closing(open_reader(account.folder)) as db:
            stored = list(holdings(db))
        for one in stored:
            print(f"  {one.data_type:<38} {one.count:>10,}  since {one.oldest:%Y-%m-%d}")
        if not stored:
            say(
                "  nothing that can be asked yet: the first pass was cut short. What had arrived is"
            )
            say("  in the archive, and the next start would go on from there.")
    sizes = {
        name: sum(p.stat().st_size for a in accounts for p in a.folder.rglob(pattern)) / 1e6
        for name, pattern in (("archive", "*.jsonl.gz"), ("index", "index.sqlite*"))
    }
    say(
        f"It took {words.many(requests, 'request')}; the archive has {sizes['archive']:.1f} MB,"
        f" the index {sizes['index']:.1f} MB."
    )
    if kept is not None:
        configuration = kept / "fitbitd.toml"
        name = accounts[0].settings.name
        say(f"Look around: fitbitd status --config {configuration}")
        say(f"             fitbitd export {name} sleep --config {configuration}")
    say("Next: fitbitd init writes a configuration for your own watch")
