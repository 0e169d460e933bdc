"""The keeper of one account's grant: one refresh at a time, on disk before its first use.

    room for the answer on disk -> `refresh_sent_at` on disk -> POST -> new pair on disk -> use

All of it under two locks: an `asyncio.Lock` among the tasks of this process, `token.lock` among
processes. Nothing waits while holding them but for the answer, and for that at most `deadline_s`.
A crash or a lost answer anywhere on this way leaves a file that says "in doubt": the same refresh
token is sent again, and the provider repeats its answer while the new pair is unused.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from fitbitd.clock import Clock, Offload
from fitbitd.errors import (
    AuthorizationError,
    FitbitdError,
    OperatorError,
    ThrottledError,
    TransientError,
)
from fitbitd.model import AccountName, Reply, Request
from fitbitd.oauth import token
from fitbitd.oauth.grant import App, read_token_reply, refresh_request
from fitbitd.oauth.token import Grant, TokenState
from fitbitd.oauth.token_file import PATIENCE_S, Signature, TokenFile, TokenLock, to_the_end

log = structlog.get_logger()

Send = Callable[[Request], Awaitable[Reply]]
"""Sends one request, once. Raises TransientError when no whole answer arrives."""

LOOK_EVERY_S = 60.0
_SAVE_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class TokenReport:
    """How the grant stands, for people: nothing in it is secret.

    Attributes:
        state: None while the account was never authorized.
        trouble: the failure that is not over yet, as a sentence, and its code; or "".
    """

    state: TokenState | None
    expires_at: datetime | None = None
    refresh_sent_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scope: tuple[str, ...] = ()
    user_id: str = ""
    trouble_code: str = ""
    trouble: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Keeper:
    """Gives the access token of one account, and renews it in time.

    Attributes:
        send: how a request reaches the provider.
        learn_secret: told every token before it can reach a log.
        deadline_s: how long one POST may take in total.
        patience_s: how long to wait for those who are at it already.
    """

    account: AccountName
    app: App
    file: TokenFile
    lock: TokenLock
    send: Send
    clock: Clock
    offload: Offload
    learn_secret: Callable[[str], None]
    deadline_s: float = 10.0
    patience_s: float = PATIENCE_S
    _guard: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _seen: Signature | None = field(init=False, default=None)
    _grant: Grant | None = field(init=False, default=None)
    _refused: str | None = field(init=False, default=None)  # the access token of the last 401
    _unsaved: Grant | None = field(init=False, default=None)  # renewed, but not on disk: not used
    _failures: int = field(init=False, default=0)
    _trouble: FitbitdError | None = field(init=False, default=None)
    _next_try: float | None = field(init=False, default=None)  # monotonic; None: at once

    async def bearer(self) -> str:
        """Give an access token that will not die under way; refresh first if need be.

        Raises:
            AuthorizationError: the wearer must consent.
            FitbitdError: no token can be had now, for the reason that its class says.
        """
        grant = await self._renewed_if_due()
        if grant.access_token != self._refused and token.may_be_sent(grant, self.clock.now()):
            return grant.access_token
        raise self._trouble or TransientError("No usable access token; one is asked for again.")

    async def replace(self, refused: str) -> str:
        """Give another access token than `refused`, which was answered with 401.

        The file's, if it is another one by now; otherwise that of one refresh.

        Raises:
            FitbitdError: as `bearer`.
        """
        self._refused = refused
        return await self.bearer()

    async def tend(self) -> datetime:
        """Do what is due, and see whether another process changed the file.

        Foreseen failures are logged and kept for `describe`, not raised.

        Returns:
            When to be called next, a minute from now at the latest.
        """
        try:
            grant = await self._renewed_if_due()
            wait_s = (token.refresh_due_at(grant) - self.clock.now()).total_seconds()
            if self._next_try is not None:
                wait_s = self._next_try - self.clock.monotonic()
        except FitbitdError as err:
            self._note(err)
            wait_s = LOOK_EVERY_S
        # Rounded up: called a moment too early, it would have nothing to do but to be called again.
        wait_ms = math.ceil(1000 * max(0.0, min(wait_s, LOOK_EVERY_S)))
        return self.clock.now() + timedelta(milliseconds=wait_ms)

    async def grant(self) -> Grant:
        """Give the grant that the file holds.

        Raises:
            FitbitdError: there is none, or it cannot be read.
        """
        return await self._look()

    async def consented_at(self) -> datetime | None:
        """Say when the wearer last consented, None if that is not known.

        Raises:
            FitbitdError: as `grant`.
        """
        return (await self._look()).consented_at

    async def scopes(self) -> tuple[str, ...]:
        """Give the scopes that the wearer granted; empty if that is not known.

        Raises:
            FitbitdError: as `grant`.
        """
        return (await self._look()).scope

    def describe(self, now: datetime) -> TokenReport:
        """Say how the grant stood when it was last looked at."""
        trouble = self._trouble
        code, words = (trouble.code, str(trouble)) if trouble is not None else ("", "")
        grant = self._grant
        if grant is None:
            return TokenReport(None, trouble_code=code, trouble=words)
        return TokenReport(
            token.state(grant, now),
            grant.expires_at,
            grant.refresh_sent_at,
            grant.refresh_expires_at,
            grant.scope,
            grant.user_id,
            code,
            words,
        )

    async def post(self, request: Request) -> Reply:
        """Send one request to the provider's token service, within the deadline.

        Raises:
            TransientError: no whole answer arrived.
        """
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self.send(request)
        except TimeoutError as err:
            raise TransientError(
                f"{self.app.flavour.title} did not answer within {self.deadline_s:.0f} s."
            ) from err

    def _good(self, grant: Grant) -> bool:
        """Say whether there is nothing to do but to use the token."""
        return (
            self._unsaved is None
            and grant.access_token != self._refused
            and token.state(grant, self.clock.now()) is TokenState.FRESH
        )

    def _due(self) -> bool:
        return self._next_try is None or self.clock.monotonic() >= self._next_try

    def _refuse_ended(self, grant: Grant) -> None:
        if token.state(grant, self.clock.now()) is TokenState.REVOKED:
            raise self._ended(grant)

    def _ended(self, grant: Grant) -> AuthorizationError:
        flavour = self.app.flavour
        why = token.why_ended(grant, flavour.title, flavour.causes)
        return AuthorizationError(f"{why} Next: fitbitd authorize {self.account}")

    # What the file holds

    async def _look(self) -> Grant:
        """Give what the file holds; read it only when it is another one than last time."""
        if self._grant is None or await self.offload(self.file.signature) != self._seen:
            return await self._read()
        return self._grant

    async def _read(self) -> Grant:
        seen = await self.offload(self.file.signature)  # before reading: a change between shows
        grant = await self.offload(self.file.read)
        if grant is None:
            self._grant = None
            raise AuthorizationError(
                f"This account was never authorized. Next: fitbitd authorize {self.account}"
            )
        if grant.provider != self.app.flavour.provider:
            # Its tokens must not be shown to another provider.
            raise OperatorError(
                f"{self.file.path} holds a grant of {grant.provider}, and the account is set up"
                f" for {self.app.flavour.provider}. Next: correct the configuration, or run"
                " `fitbitd authorize` for this account.",
                code="token_file",
            )
        self._adopt(grant, seen)
        return grant

    async def _write(self, save: Callable[[Grant], None], grant: Grant) -> None:
        """Bring `grant` to disk with `save`; only then is it ours."""
        await to_the_end(self.offload, lambda: save(grant))
        self._adopt(grant, await self.offload(self.file.signature))

    def _adopt(self, grant: Grant, seen: Signature | None) -> None:
        for secret in grant.secrets:
            self.learn_secret(secret)
        if self._grant is None or grant.access_token != self._grant.access_token:
            self._next_try = None  # what failed with another pair says nothing about this one
        self._grant, self._seen = grant, seen

    # The refresh

    async def _renewed_if_due(self) -> Grant:
        """Give the grant as good as it can be had now."""
        grant = await self._look()
        if self._unsaved is None:
            self._refuse_ended(grant)
        for _ in ("a refresh", "another: the first brought a repeated answer that is old by now"):
            if not self._good(grant) and self._due():
                grant = await self._renew_if_possible(grant)
        if self._good(grant):
            self._recover()
        elif self._due():
            title = self.app.flavour.title
            self._note(TransientError(f"{title} gives tokens that end before they can be used."))
        return grant

    async def _renew_if_possible(self, grant: Grant) -> Grant:
        """Renew the grant; where that fails for now, go on with what there is."""
        try:
            return await self._renew()
        except FitbitdError as err:
            self._note(err)
            if isinstance(err, AuthorizationError):
                raise
            return self._grant or grant

    async def _renew(self) -> Grant:
        """Send one refresh under both locks, unless somebody else has by then."""
        give_up_at = self.clock.monotonic() + self.patience_s
        try:
            async with asyncio.timeout(self.patience_s):
                await self._guard.acquire()
        except TimeoutError as err:
            raise TransientError("A refresh is under way for too long.", code="lock_held") from err
        try:
            if self._trouble is not None and not self._due():
                raise self._trouble  # who held the guard before us has just tried
            async with self.lock.held(max(0.0, give_up_at - self.clock.monotonic())):
                grant = await self._read()
                if self._unsaved is not None:
                    grant = await self._save_again(self._unsaved, grant)
                if self._good(grant):
                    return grant
                self._refuse_ended(grant)
                return await self._refresh(grant)
        finally:
            self._guard.release()

    async def _refresh(self, grant: Grant) -> Grant:
        room_bytes = token.room_for(grant)
        await to_the_end(self.offload, lambda: self.file.reserve(room_bytes))
        now = self.clock.now()
        sent = token.sending(grant, now) if self.app.flavour.rotating else grant
        if sent != grant:
            await self._write(self.file.write, sent)
        try:
            renewed = read_token_reply(
                await self.post(refresh_request(self.app, grant.refresh_token)),
                self.app.flavour,
                issued_at=token.earliest_issue(sent, now),
                old=grant,
            )
        except TransientError:
            raise  # in doubt: perhaps a new pair exists
        except AuthorizationError:
            return await self._reject(sent)
        except FitbitdError:
            if sent != grant:
                await self._write(self.file.write, grant)  # a plain no: nothing was issued
            raise
        for secret in renewed.secrets:
            self.learn_secret(secret)
        self._unsaved = renewed
        await self._save(self.file.fill, renewed)
        log.info("token.refreshed", account=self.account, expires_at=renewed.expires_at.isoformat())
        return renewed

    async def _save(self, save: Callable[[Grant], None], grant: Grant) -> None:
        await self._write(save, grant)
        self._unsaved = None

    async def _save_again(self, unsaved: Grant, on_disk: Grant) -> Grant:
        """Bring to disk the pair that could not be written, unless the file has gone on since."""
        if on_disk.access_token == unsaved.access_token:
            unsaved = on_disk  # the name is there, but its folder may not have been synced
        elif (
            on_disk.revoked_at is not None
            or unsaved.previous is None
            or on_disk.access_token != unsaved.previous.access_token
        ):
            self._unsaved = None
            return on_disk
        await self._save(self.file.write, unsaved)
        return unsaved

    async def _reject(self, grant: Grant) -> Grant:
        """Note that the grant has ended, unless somebody put another one there meanwhile."""
        if await self.offload(self.file.signature) != self._seen:
            other = await self._read()
            self._refuse_ended(other)
            return other
        rejected = token.rejecting(grant, self.clock.now())
        self._grant = rejected  # also where the disk cannot be told
        log.error("token.rejected", account=self.account)
        await self._write(self.file.write, rejected)
        raise self._ended(rejected)

    # Failures in a row

    def _note(self, err: FitbitdError) -> None:
        """Remember a failure and when to try again; log it if it is another one than before."""
        before, self._trouble = self._trouble, err
        if isinstance(err, AuthorizationError) or err is before:
            return
        self._failures += 1
        in_doubt = self._grant is not None and self._grant.refresh_sent_at is not None
        wait_s = token.retry_delay_s(self._failures, in_doubt=in_doubt)
        if self._unsaved is not None:
            wait_s = _SAVE_AGAIN_S
        elif isinstance(err, ThrottledError):
            wait_s = max(wait_s, (err.until - self.clock.now()).total_seconds())
        self._next_try = self.clock.monotonic() + wait_s
        if before is None or before.code != err.code:
            say = log.error if isinstance(err, OperatorError) else log.warning
            say(
                "token.refresh_failed",
                account=self.account,
                code=err.code,
                detail=str(err),
                retry_s=round(wait_s),
            )

    def _recover(self) -> None:
        """Forget failures that are over."""
        if self._trouble is not None and self._failures:
            log.info("token.recovered", account=self.account, failures=self._failures)
        self._trouble, self._failures, self._next_try = None, 0, None
