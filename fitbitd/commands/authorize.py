"""fitbitd authorize: the wearer's consent, in a browser, by pasting, or from a file."""

import argparse
import asyncio
import secrets
import sys
import webbrowser
from dataclasses import replace
from pathlib import Path

from fitbitd.assembly import AccountParts, World, parts
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    config_argument,
    run_async,
    say,
)
from fitbitd.errors import RefusedError
from fitbitd.model import Kind, Pull, Why
from fitbitd.oauth import consent
from fitbitd.oauth.grant import authorize_url, read_redirect, verifier_from
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.listener import LoopbackListener
from fitbitd.oauth.token import Grant

HELP = "let fitbitd read an account's data"
DESCRIPTION = """\
Ask the wearer for consent and keep the tokens that come of it. A running daemon sees them within a
minute.

  fitbitd authorize alice                  on a machine with a browser
  fitbitd authorize alice --paste          on a machine without one: open the printed address
                                           anywhere, then paste the address that the browser ends at
  fitbitd authorize alice --import FILE    take over another fitbitd's token.json, or the two-line
                                           file of the original script

The redirect URI that is printed has to be registered with the app at the provider, exactly.
"""

_RANDOM_BYTES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd authorize`."""
    account_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--paste", action="store_true", help="paste the redirected address yourself")
    how.add_argument("--import", dest="file", type=Path, metavar="FILE", help="a token file")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    config_argument(parser)


def main(context: Context) -> int:
    """Authorize one account."""
    return run_async(_authorize(context))


async def _authorize(context: Context) -> int:
    args = context.args
    settings = context.settings()
    account = parts(settings, account_of(settings, args.account))
    async with context.world() as world:
        account.make_folder()
        keeper = account.keeper(world)
        if args.file is not None:
            grant = await consent.import_file(keeper, args.file)
        else:
            grant = await _consented(context, account, keeper)
        await finish(account, keeper, grant, world)
    return 0


async def finish(account: AccountParts, keeper: Keeper, grant: Grant, world: World) -> None:
    """Keep a grant that was just given, prove that it works, and say what it allows."""
    aside = await consent.keep(keeper, grant)
    if aside is not None:
        say(f"the old token file could not be understood; it is kept as {aside}")
    await _prove(account, keeper, world)
    name = account.settings.name
    say(f"{name}: authorized as user {grant.user_id or '(not told)'}; the token works")
    missing = [scope for scope in account.scopes if scope not in grant.scope]
    if grant.scope and missing:
        off = [t.name for t in account.wants.data_types if t.scope in missing]
        say(f"not granted: {', '.join(missing)}; these stay off: {', '.join(off)}")
        say(f"Next: to have them too, run fitbitd authorize {name} again and tick them")


async def _prove(account: AccountParts, keeper: Keeper, world: World) -> None:
    """Call once with the new token."""
    provider = account.provider()
    snapshots = [t for t in account.kit.catalogue.values() if t.kind is Kind.SNAPSHOT]
    token = await keeper.bearer()
    granted = (await keeper.grant()).scope
    usable = [t for t in snapshots if not granted or t.scope in granted] or snapshots
    request = provider.request(Pull(usable[0].name, None, Why.ASKED, "UTC"))
    bearer = ("authorization", f"Bearer {token}")
    reply = await world.send(replace(request, headers=(*request.headers, bearer)))
    try:
        provider.judge(reply)
    except RefusedError:
        return  # the token was understood; what it does not cover is said from its scopes


async def _consented(context: Context, account: AccountParts, keeper: Keeper) -> Grant:
    """Send the wearer to the consent page and exchange the code that comes back."""
    state = secrets.token_urlsafe(_RANDOM_BYTES)
    verifier = verifier_from(secrets.token_bytes(_RANDOM_BYTES))
    context.redactor.add(verifier)

    def address(redirect_uri: str) -> str:
        return authorize_url(
            keeper.app,
            scopes=account.scopes,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )

    redirect_uri = account.settings.redirect_uri
    if context.args.paste:
        _invite(address(redirect_uri), redirect_uri)
        say("\nThe browser then ends at an address that begins with the redirect URI, and may say")
        say("that it cannot be reached. Paste that whole address here:")
        code = read_redirect((await _pasted()).strip(), state=state)
    else:
        async with LoopbackListener(redirect_uri, state=state) as listener:
            redirect_uri = listener.redirect_uri
            _invite(address(redirect_uri), redirect_uri)
            if not context.args.no_browser:
                await asyncio.to_thread(webbrowser.open, address(redirect_uri))
            say("\nWaiting for the browser to come back; Ctrl-C gives up. No browser here?")
            say(f"Run: fitbitd authorize {account.settings.name} --paste")
            code = await listener.code()
    return await consent.exchange(keeper, code, verifier=verifier, redirect_uri=redirect_uri)


async def _pasted() -> str:
    """Wait for a line on stdin; unlike a thread that reads, this can be interrupted."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    try:
        loop.add_reader(sys.stdin, there.set)
    except OSError:
        return sys.stdin.readline()  # a file never makes anybody wait
    try:
        await there.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


def _invite(address: str, redirect_uri: str) -> None:
    say(f"The app must have this redirect URI registered, exactly:\n  {redirect_uri}\n")
    say("Open this address as the person who wears the watch:\n")
    print(address, flush=True)
