"""fitbitd authorize: the wearer's consent, in a browser, by pasting, or from a file."""

import argparse
import asyncio
import os
import secrets
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from fitbitd.assembly import AccountParts, World, parts
from fitbitd.commands.common import (
    Context,
    account_argument,
    account_of,
    config_argument,
    run_async,
    say,
)
from fitbitd.commands.whose import check_continued, identified
from fitbitd.errors import OperatorError, RefusedError
from fitbitd.model import DataType, Kind, Pull, Why
from fitbitd.oauth import consent
from fitbitd.oauth.grant import authorize_url, read_pasted, verifier_from
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.listener import LoopbackListener
from fitbitd.oauth.token import Grant, for_people

HELP = "let fitbitd read an account's data"
DESCRIPTION = """\
Ask the wearer for consent and keep the tokens that come of it. A running daemon sees them within a
minute.

  fitbitd authorize alice                  on a machine with a browser
  fitbitd authorize alice --paste          on a machine without one: open the printed address
                                           anywhere, then paste the address that the browser ends at
  fitbitd authorize alice --port 8712      the same without pasting, where the other machine said
                                           before: ssh -L 8712:127.0.0.1:8712 THIS_MACHINE
  fitbitd authorize alice --import FILE    take over another fitbitd's token.json, or the two-line
                                           file of the original script

A redirect URI that the app must have registered is printed, exactly as it must be.
"""

NOBODYS_PORT = 1023
"""Where a pasted consent is sent to fail: reserved by IANA, closed to all but root, and not among
the ports that browsers refuse to show the address of."""

_RANDOM_BYTES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd authorize`."""
    account_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--paste", action="store_true", help="paste the redirected address yourself")
    how.add_argument("--import", dest="file", type=Path, metavar="FILE", help="a token file")
    how.add_argument("--port", type=_port, metavar="N", help="wait for the browser on this port")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    config_argument(parser)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) <= 65_535:  # noqa: PLR2004 - TCP has no more
        message = f"{text!r} is no port; write a number from 1 to 65535"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def main(context: Context) -> int:
    """Authorize one account."""
    return run_async(_authorize(context))


async def _authorize(context: Context) -> int:
    args = context.args
    settings = context.settings()
    account = parts(settings, account_of(settings, args.account))
    continued = account.settings.continues
    older = parts(settings, account_of(settings, continued)) if continued else None
    async with context.world() as world:
        account.make_folder()
        keeper = account.keeper(world)
        if args.file is not None:
            grant = await consent.import_file(keeper, args.file)
        else:
            grant = await _consented(context, account, keeper)
        grant, person = await identified(account, grant, world)
        if older is not None and person is not None:
            check_continued(older, person)
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
        say("Boxes that were not ticked, and what stays off without them:")
        for scope in missing:
            off = [t.name for t in account.wants.data_types if scope in t.scope.split()]
            say(f"  {scope.rpartition('/')[2]}: {', '.join(off)}")
        if any(t.needed for t in account.wants.data_types if not _covered(t, grant.scope)):
            say("Without the settings, the zone and the syncs of the watch are not known: days are")
            say("in UTC, and what is new is looked for by the clock.")
        say(f"Next: to have them too, run fitbitd authorize {name} again and tick every box")
    if grant.refresh_expires_at is not None:
        say(f"This consent ends on {for_people(grant.refresh_expires_at)}.")
        say(keeper.app.flavour.causes.deadline)


def _covered(data_type: DataType, granted: tuple[str, ...]) -> bool:
    return not granted or set(data_type.scope.split()) <= set(granted)


async def _prove(account: AccountParts, keeper: Keeper, world: World) -> None:
    """Call once with the new token."""
    provider = account.provider()
    snapshots = [t for t in account.kit.catalogue.values() if t.kind is Kind.SNAPSHOT]
    token = await keeper.bearer()
    granted = (await keeper.grant()).scope
    usable = [t for t in snapshots if _covered(t, granted)] or snapshots
    request = provider.request(Pull(usable[0].name, None, Why.ASKED, "UTC"))
    bearer = ("authorization", f"Bearer {token}")
    reply = await world.send(replace(request, headers=(*request.headers, bearer)))
    try:
        provider.judge(reply)
    except RefusedError:
        return  # the token was understood; what it does not cover is said from its scopes


@dataclass(frozen=True, slots=True)
class _Question:
    """What the consent page is asked with, but for the redirect URI."""

    state: str
    verifier: str = field(repr=False)
    address: Callable[[str], str]


def _question(context: Context, account: AccountParts, keeper: Keeper) -> _Question:
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

    return _Question(state, verifier, address)


async def _consented(context: Context, account: AccountParts, keeper: Keeper) -> Grant:
    """Send the wearer to the consent page and exchange the code that comes back."""
    question = _question(context, account, keeper)
    registered = account.settings.redirect_uri
    if context.args.paste:
        redirect_uri = on_port(registered, NOBODYS_PORT)
        code = await _code_pasted(question, redirect_uri, free=redirect_uri != registered)
    else:
        redirect_uri, code = await _code_brought(context, account, question)
    return await consent.exchange(
        keeper, code, verifier=question.verifier, redirect_uri=redirect_uri
    )


async def _code_pasted(question: _Question, redirect_uri: str, *, free: bool) -> str:
    _invite(question.address(redirect_uri), redirect_uri, free=free)
    say("\nThe browser then ends at an address that begins with the redirect URI, and says that it")
    say("cannot be reached: so it should. If the provider's page shows an error, paste its words.")
    say("Paste that whole address here:")
    return read_pasted((await _pasted()).strip(), state=question.state)


async def _code_brought(
    context: Context, account: AccountParts, question: _Question
) -> tuple[str, str]:
    """Wait for the browser; give the redirect URI that it came by, and the code."""
    registered, port = account.settings.redirect_uri, context.args.port
    wanted = on_port(registered, port) if port else registered
    if port and urlsplit(wanted).port != port:
        raise OperatorError(
            f"--port {port} is not the port of the redirect URI that is registered, {registered}."
            "\nNext: leave --port out",
            code="usage",
        )
    async with LoopbackListener(wanted, state=question.state) as listener:
        found = listener.redirect_uri
        address = question.address(found)
        _invite(address, found, free=found != registered)
        if not context.args.no_browser:
            await asyncio.to_thread(webbrowser.open, address)
        _wait_words(account.settings.name, urlsplit(found).port)
        return found, await listener.code()


def on_port(redirect_uri: str, port: int) -> str:
    """Give a redirect URI with `port` in place of 0, which stands for any; others stay."""
    split = urlsplit(redirect_uri)
    if split.port != 0:
        return redirect_uri
    return split._replace(netloc=f"{split.netloc.removesuffix(':0')}:{port}").geturl()


def _wait_words(name: str, port: int | None) -> None:
    say("\nWaiting for the browser to come back; Ctrl-C gives up. No browser here?")
    say(f"Run: fitbitd authorize {name} --paste")
    say("Or, before you open the address on the machine that has one, run there:")
    say(f"  ssh -L {port}:127.0.0.1:{port} {os.uname().nodename}")


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


def _invite(address: str, redirect_uri: str, *, free: bool) -> None:
    if free:
        say(f"The redirect URI is {redirect_uri}")
        say("An app that takes any port of this machine (a Desktop app) has none to register; for")
        say("another kind, register one with a fixed port, and set redirect_uri to it.\n")
    else:
        say(f"The app must have this redirect URI registered, exactly:\n  {redirect_uri}\n")
    say("Open this address as the person who wears the watch:\n")
    print(address, flush=True)
