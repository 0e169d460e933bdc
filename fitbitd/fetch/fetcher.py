"""One pull to its last page: token, send, archive, judge; what may be retried within seconds."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Protocol

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from fitbitd.clock import Clock
from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    GoneError,
    RefusedError,
    StaleTokenError,
    ThrottledError,
    TransientError,
)
from fitbitd.fetch.pace import Pace
from fitbitd.model import Outcome, OutcomeKind, Pull, Quota, Reply, Request
from fitbitd.plan.windows import halves
from fitbitd.providers.base import Provider
from fitbitd.providers.origin import origin

log = structlog.get_logger()

PAGES = 65
"""A pull with more pages is abandoned and asked again in halves; it was sized for fewer."""

PAGES_OF_A_DAY = 500
"""The same for a day, which is not cut: its pages may have become small."""

EMPTY_PAGES = 25
"""So many pages in a row without a point may have no end: the pull is abandoned as too large."""

ATTEMPTS = 4
RETRY_FOR_S = 30.0
"""Within these a request is tried again; what takes longer is left to the next pass."""

_FIRST_WAIT_S = 4.0  # at most; doubled each time
_MARGIN_S = (30.0, 120.0)  # whoever wakes at the second of the renewal meets the old quota

Send = Callable[[Request], Awaitable[Reply]]
Session = Callable[[], AbstractAsyncContextManager[Send]]
"""The connections of one pass."""

Record = Callable[[Request, Reply], Awaitable[None]]
"""Archive a reply, also a refused one; the request is without its token."""


class Tokens(Protocol):
    """What the fetcher needs of the account's token."""

    async def bearer(self) -> str:
        """Give an access token that lives long enough for a request."""

    async def replace(self, refused: str) -> str:
        """Give another access token than `refused`, by a refresh if nobody refreshed meanwhile."""


class _RefusedTokenError(Exception):
    """The access token in `token` was refused; never leaves this module."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


class Fetcher:
    """Fetches the pulls of one account, one after another.

    Attributes:
        quota: what the provider said last; None before it said anything.
        requests: how many were sent.
    """

    def __init__(
        self,
        provider: Provider,
        tokens: Tokens,
        clock: Clock,
        random: Random,
        pace: Pace | None = None,
    ) -> None:
        """Prepare for one pass.

        Args:
            pace: how fast requests may follow one another; None where the provider counts by hours.
        """
        self._provider = provider
        self._pace = pace
        self._tokens = tokens
        self._clock = clock
        self._random = random
        self.quota: Quota | None = None
        self.requests = 0

    async def fetch(self, pull: Pull, send: Send, record: Record) -> Outcome:
        """Read `pull` to its last page.

        Args:
            pull: what is wanted.
            send: sends a request and gives the answer, as received.
            record: called with every answer, before anything is made of it.

        Raises:
            ThrottledError: with a margin added to what the provider said.
            AuthorizationError: a new token was refused as well.
            ContractError: the pages run in a circle or lead elsewhere, or the reply is not what
                the provider documents.
            RefusedError: also `too_large`, for a pull of too many pages.
            FitbitdError: whatever else the provider's judgement or the network came to.
        """
        first = self._provider.request(pull)
        request, points, empty = first, 0, 0
        seen: set[str] = set()
        most = PAGES if halves(pull) else PAGES_OF_A_DAY
        for pages in range(1, most + 1):
            reply = await self._ask(request, send, record)
            survey = self._provider.survey(pull, reply)
            points += survey.points
            empty = 0 if survey.points else empty + 1
            if survey.next_page is None:
                return Outcome(OutcomeKind.COMPLETE, pages=pages, points=points)
            if survey.next_page in seen:
                raise ContractError(
                    "The provider's pages run in a circle, so the pull has no end. What arrived "
                    "is archived; nothing of it is indexed."
                )
            if empty == EMPTY_PAGES:
                break
            seen.add(survey.next_page)
            request = self._provider.request(pull, survey.next_page)
            if origin(request.url) != origin(first.url):
                raise ContractError("The next page is on another host; the token stays here.")
        raise RefusedError(
            "The answer has no end within what is reasonable; it is asked in smaller windows.",
            code="too_large",
        )

    async def _ask(self, request: Request, send: Send, record: Record) -> Reply:
        """Send `request` until it is answered; a refused token is replaced once."""
        try:
            return await self._persist(request, send, record)
        except _RefusedTokenError as refused:
            token = refused.token
        await self._tokens.replace(token)
        try:
            return await self._persist(request, send, record)
        except _RefusedTokenError:
            raise AuthorizationError(
                "The provider refuses a token that it has just given. Nothing archived is lost; "
                "this account pauses. Next: fitbitd authorize."
            ) from None

    async def _persist(self, request: Request, send: Send, record: Record) -> Reply:
        """Send `request` again, after a while, where nobody needs to act."""
        begun = self._clock.monotonic()

        def is_enough(state: RetryCallState) -> bool:
            waited_s = self._clock.monotonic() - begun + state.upcoming_sleep
            return state.attempt_number >= ATTEMPTS or waited_s > RETRY_FOR_S

        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(TransientError),
            wait=self._full_jitter,
            stop=is_enough,
            before_sleep=_log_retry,
            reraise=True,
        )
        async for attempt in retrying:
            if self._pace is not None:
                await self._pace.wait()
            token = await self._tokens.bearer()  # not retried here: the keeper has its own rhythm
            with attempt:
                return await self._exchange(request, token, send, record)
        raise AssertionError("tenacity ends by an answer or by an exception")

    async def _exchange(self, request: Request, token: str, send: Send, record: Record) -> Reply:
        headers = (*request.headers, ("authorization", f"Bearer {token}"))
        self.requests += 1
        reply = _without(token, await send(replace(request, headers=headers)))
        await record(request, reply)
        try:
            self.quota = self._provider.judge(reply) or self.quota
        except StaleTokenError:
            raise _RefusedTokenError(token) from None
        except GoneError:
            raise
        except ThrottledError as err:
            err.until += timedelta(seconds=self._random.uniform(*_MARGIN_S))
            raise
        return reply

    def _full_jitter(self, state: RetryCallState) -> float:
        """Give anything from nothing to the whole wait: clients that fail together part again."""
        return self._random.uniform(0.0, _FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1))


def _without(token: str, reply: Reply) -> Reply:
    """Hide our token in a reply: some refusals quote it, and replies are kept."""
    if token.encode() not in reply.body:
        return reply
    return replace(reply, body=reply.body.replace(token.encode(), b"[hidden]"))


def _log_retry(state: RetryCallState) -> None:
    err = state.outcome.exception() if state.outcome else None
    log.debug(
        "request.retried",
        reason=getattr(err, "code", ""),
        attempt=state.attempt_number,
        wait_s=round(state.upcoming_sleep, 1),
    )
