"""The wearer's consent: fetched, imported, kept and ended. Asking and printing is the caller's.

`authorize` and `revoke` work beside a running daemon: they take `token.lock` only, and the daemon
sees the changed file within a minute. Everything is done with a `Keeper` of the account.
"""

from dataclasses import replace
from pathlib import Path

import structlog

from fitbitd.errors import AuthorizationError, OperatorError
from fitbitd.oauth import token
from fitbitd.oauth.grant import (
    exchange_request,
    read_revocation,
    read_token_reply,
    revoke_request,
)
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.token import Grant, TokenState
from fitbitd.oauth.token_file import TokenFile, to_the_end

log = structlog.get_logger()

_LARGEST_BYTES = 1 << 20


async def exchange(keeper: Keeper, code: str, *, verifier: str, redirect_uri: str) -> Grant:
    """Exchange an authorization code for a grant. It is not on disk yet: `keep` it.

    Raises:
        AuthorizationError: the code is wrong, was used, or is older than ten minutes.
        FitbitdError: no grant for the reason that its class says; the code may still be good.
    """
    asked_at = keeper.clock.now()
    request = exchange_request(keeper.app, code, verifier=verifier, redirect_uri=redirect_uri)
    reply = await keeper.post(request)
    try:
        grant = read_token_reply(reply, keeper.app.flavour, issued_at=asked_at)
    except AuthorizationError as err:
        raise AuthorizationError(
            f"{keeper.app.flavour.title} refuses the code: it is good once, for ten minutes, and"
            " only with the consent page that was printed with it. Next: begin again."
        ) from err
    for secret in grant.secrets:
        keeper.learn_secret(secret)
    return grant


async def import_file(keeper: Keeper, path: Path) -> Grant:
    """Read a grant from another fitbitd token file or from the original script's two-line file.

    Two lines do not say whose tokens they are, or how long they last: they are refreshed once,
    under the name `token.json.import`, so that the account's own file stays what it is until
    `keep`. So is a token file that went stale, where a refresh takes nothing from whoever has it
    too: the provider may have to be asked whose it is.

    Raises:
        AuthorizationError: the tokens in it are good no more.
        OperatorError: `token_file`: it cannot be read, or is another provider's.
        FitbitdError: the refresh failed for now; the same import may be tried again.
    """
    text = await keeper.offload(lambda: _read_foreign(path))
    title, provider = keeper.app.flavour.title, keeper.app.flavour.provider
    now = keeper.clock.now()
    two_lines = not text.lstrip("\ufeff \t\r\n").startswith("{")
    try:
        read = token.from_two_lines(text, provider, now) if two_lines else token.from_json(text)
    except OperatorError as err:
        raise OperatorError(
            f"{path} cannot be imported: {err}. Next: name a token.json, or the two-line file of"
            " the original script.",
            code=err.code,
        ) from err
    if read.provider != provider:
        raise OperatorError(
            f"{path} holds a grant of {read.provider}, not of {title}. Next: name another file.",
            code="token_file",
        )
    if token.state(read, now) is TokenState.REVOKED:
        why = token.why_ended(read, title, keeper.app.flavour.causes)
        raise AuthorizationError(f"{why} Next: fitbitd authorize {keeper.account}")
    lasting = not keeper.app.flavour.rotating
    grant = await _prove(keeper, read) if two_lines or lasting else read
    for secret in grant.secrets:
        keeper.learn_secret(secret)
    return grant


def _read_foreign(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) else "it is not text"
        raise OperatorError(
            f"{path} cannot be read: {why}. Next: name another file.", code="token_file"
        ) from err


async def _prove(keeper: Keeper, grant: Grant) -> Grant:
    """Refresh a grant once if it is not fresh, as safely as the account's own."""
    staged = replace(keeper, file=_staging(keeper))
    async with keeper.lock.held():
        before = await keeper.offload(staged.file.read)
        known = before.secrets if before is not None else ()
        if grant.refresh_token not in known:  # else it was refreshed by an import that broke off
            await to_the_end(keeper.offload, lambda: staged.file.write(grant))
    await staged.bearer()
    return await staged.grant()


def _staging(keeper: Keeper) -> TokenFile:
    return TokenFile(keeper.file.path.with_name(f"{keeper.file.path.name}.import"))


async def keep(keeper: Keeper, grant: Grant) -> Path | None:
    """Make `grant` the account's own, if it is of the person whose data the account holds.

    Args:
        keeper: of the account.
        grant: with its `user_id`; where the token endpoint does not tell it (Google), the caller
            has asked for it.

    Returns:
        Where a file that could not be understood was put; None if there was none.

    Raises:
        OperatorError: `wrong_person`; or the disk refuses.
    """
    async with keeper.lock.held():
        aside = await to_the_end(keeper.offload, lambda: _keep(keeper, grant))
    if aside is not None:
        log.warning("token.set_aside", account=keeper.account, path=str(aside))
    return aside


def _keep(keeper: Keeper, grant: Grant) -> Path | None:
    aside = None
    try:
        old = keeper.file.read()
    except OperatorError as err:
        if err.code != "token_file":
            raise
        old, aside = None, keeper.file.set_aside(keeper.clock.now())
    if old is not None and old.provider != grant.provider:
        old = None
    if old is not None and old.user_id not in {"", grant.user_id}:
        raise OperatorError(
            "This consent is of another person than the one whose data this account holds;"
            " nothing was changed. Next: log the browser in as the right person and begin again,"
            " or set up an account of its own for this one.",
            code="wrong_person",
        )
    keeper.file.write(token.succeeding(grant, old))
    _staging(keeper).remove()
    return aside


async def revoke(keeper: Keeper) -> None:
    """End the grant at the provider, and note it in the file, which is kept: whose it was stays.

    Raises:
        FitbitdError: the provider did not confirm; nothing was changed.
    """
    async with keeper.lock.held():
        grant = await keeper.grant()
        request = revoke_request(keeper.app, grant.refresh_token)
        read_revocation(await keeper.post(request), keeper.app.flavour)
        ended = token.revoking(grant, keeper.clock.now())
        await to_the_end(keeper.offload, lambda: keeper.file.write(ended))
    log.info("token.revoked", account=keeper.account)
