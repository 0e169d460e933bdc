"""HTTP: timeouts, TLS, proxies; every foreign exception to exactly one of ours.

httpx 0.28 can lose a pool for ever when a request that waits for a connection is cancelled. So none
ever waits there: a semaphore of ours lets no more requests in than the pool has connections, and a
pool lives for one pass. The TLS settings, which are what costs, are shared.
"""

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from fitbitd import __version__
from fitbitd.clock import Clock
from fitbitd.errors import FitbitdError, OperatorError, RefusedError, TransientError
from fitbitd.model import Reply, Request
from fitbitd.providers.origin import origin

AT_ONCE = 8
"""Requests under way at one time, over all accounts; as many as a pool has connections."""

DEADLINE_S = 60.0
"""From the wait for a turn to the last byte."""

LARGEST_BODY = 16 * 1024 * 1024
"""Of what is legitimate only the track of a workout of many hours comes near it."""

HEAVIEST = 128 * 1024 * 1024
"""What a body may come to while it is archived and read: on a Pi a daemon of 45 MB has 192.

The fullest page of Google's, 10,000 points of five hundred characters, comes to 80, and to no more
than this also where a watch has an emoji in its name.
"""

_VALUE_BYTES = 200
"""An object of one member takes 192; other values take less for each sign that stands for them."""

_WIDE = re.compile(rb"[\xf0-\xf4]")  # begins a character that makes all others take four bytes

_CODING = "gzip"
_GZIP = 16 + zlib.MAX_WBITS

_TIMEOUT = httpx.Timeout(connect=10.0, read=30.0, write=10.0, pool=5.0)

_FOREIGN = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    OSError,  # also the deadline's TimeoutError, and ssl.SSLError in the middle of a body
)

# First match wins. The last lines are the roots, so that a new kind of failure has a class too.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "no connection was free in time"),
    (httpx.TimeoutException, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (httpx.ProxyError, "the proxy refused"),
    (httpx.ConnectError, "no connection"),
    (httpx.DecodingError, "the answer could not be unpacked"),
    (httpx.ProtocolError, "the answer broke off or was not HTTP"),
    (httpx.TooManyRedirects, "it redirects without end"),
    (httpx.HTTPError, "the connection broke"),
    (OSError, "the connection broke"),
)
_NO_URL = (httpx.InvalidURL, httpx.UnsupportedProtocol)
_OUR_FAULT = (httpx.HTTPStatusError, httpx.StreamError, httpx.CookieConflict)

_CERTIFICATE_NOT_YET_VALID, _CERTIFICATE_EXPIRED = 9, 10  # X509_V_ERR_... of OpenSSL


class Sender:
    """Sends requests over the connections of one pass."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        turns: asyncio.Semaphore,
        clock: Clock,
        largest_body: int,
    ) -> None:
        self._client = client
        self._turns = turns
        self._clock = clock
        self._largest_body = largest_body

    async def __call__(self, request: Request, deadline_s: float = DEADLINE_S) -> Reply:
        """Send `request` and read the answer to its end; redirects are not followed.

        Args:
            request: headers as they shall be sent, the token included.
            deadline_s: for all of it, the wait for a turn included.

        Raises:
            TransientError: no whole answer; `clock_wrong` where a certificate is out of its time.
            RefusedError: `too_large`.
            OperatorError: the URL cannot be asked at all.
        """
        try:
            async with asyncio.timeout(deadline_s), self._turns:
                return await self._exchange(request)
        except httpx.LocalProtocolError as err:
            # Not chained: its text quotes the header that it does not like, and that is the token.
            raise translate(err, request.url) from None
        except _FOREIGN as err:
            raise translate(err, request.url) from err

    async def _exchange(self, request: Request) -> Reply:
        headers = list(request.headers)
        content = None
        if request.form is not None:
            headers.append(("content-type", "application/x-www-form-urlencoded"))
            content = urlencode(request.form).encode()
        elif request.json is not None:
            headers.append(("content-type", "application/json"))
            content = request.json.encode()
        async with self._client.stream(
            request.method, request.url, headers=headers, content=content
        ) as response:
            received_at = self._clock.now()  # what the headers say of time counts from here
            body = await _read(response, self._largest_body)
        return Reply(response.status_code, dict(response.headers), body, received_at)


class Network:
    """What all passes share: TLS settings, proxies from the environment, and the turns.

    Args:
        clock: tells when a reply was received.
        transport: an httpx transport in place of the network, for tests and the simulator.
        at_once: how many requests may be under way at one time.
        largest_body: bytes, after unpacking.

    Raises:
        OperatorError: SSL_CERT_FILE or SSL_CERT_DIR leads to no certificates.
    """

    def __init__(
        self,
        clock: Clock,
        transport: Any = None,
        *,
        at_once: int = AT_ONCE,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._clock = clock
        self._largest_body = largest_body
        self._transport = transport
        self._limits = httpx.Limits(max_connections=at_once)
        self._turns = asyncio.Semaphore(at_once)
        self._token_turns = asyncio.Semaphore(at_once)
        try:
            self._tls = httpx.create_ssl_context()
        except OSError as err:
            raise OperatorError(
                "The certificates named by SSL_CERT_FILE or SSL_CERT_DIR cannot be read; without "
                "them no connection is safe. Next: correct or unset the variable."
            ) from err

    @asynccontextmanager
    async def session(self, *, for_tokens: bool = False) -> AsyncIterator[Sender]:
        """Open the connections of one pass, or those to the token endpoint.

        A token's request never waits behind data: the seconds that it has are for its answer.

        Raises:
            OperatorError: the environment names a proxy that cannot be used.
        """
        try:
            client = httpx.AsyncClient(
                headers={"user-agent": f"fitbitd/{__version__}", "accept-encoding": _CODING},
                verify=self._tls,
                timeout=_TIMEOUT,
                limits=self._limits,
                transport=self._transport,
                trust_env=True,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            # Not chained: the text quotes the proxy's address, which may hold a password.
            raise OperatorError(
                "The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: it takes an "
                "address such as http://host:port. Next: correct or unset the variable."
            ) from None
        async with client:
            turns = self._token_turns if for_tokens else self._turns
            yield Sender(client, turns, self._clock, self._largest_body)


def translate(err: Exception, url: str) -> FitbitdError:
    """Turn an exception of httpx, or of the system below it, into one of ours."""
    asked = origin(url)
    host = asked[1] if asked else "the provider"
    if isinstance(err, _NO_URL):
        return OperatorError(
            f"{host} cannot be asked: its URL in the settings is not a web address."
        )
    if isinstance(err, _OUR_FAULT):
        return FitbitdError(f"fitbitd used its HTTP library wrongly ({type(err).__name__}).")
    certificate = _certificate_error(err)
    if certificate is not None:
        return _untrusted(host, certificate)
    kind = next(words for kinds, words in _KINDS if isinstance(err, kinds))
    return TransientError(f"{host} was not reached: {kind}. Nothing is lost; it is asked again.")


def _untrusted(host: str, certificate: ssl.SSLCertVerificationError) -> TransientError:
    if certificate.verify_code in (_CERTIFICATE_NOT_YET_VALID, _CERTIFICATE_EXPIRED):
        return TransientError(
            f"The certificate of {host} is not valid at the time that this machine shows: most "
            "likely its clock is wrong. Nothing was sent. Next: set the clock; then it goes on.",
            code="clock_wrong",
        )
    return TransientError(
        f"The certificate of {host} is not trusted ({certificate.verify_message}): something on "
        "the way may listen. Nothing was sent; it is asked again. Next: look at the network, or "
        "name the network's own certificates in SSL_CERT_FILE."
    )


def _certificate_error(err: BaseException) -> ssl.SSLCertVerificationError | None:
    cause: BaseException | None = err
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


async def _read(response: httpx.Response, largest: int) -> bytes:
    body = bytearray()
    async for piece in _unpacked(response, largest + 1):
        body += piece
        if len(body) > largest:
            raise _too_large()
    if _weight(body) > HEAVIEST:
        raise _too_large()
    return bytes(body)


def _too_large() -> RefusedError:
    return RefusedError(
        "The answer is larger than any that a provider should give; it was not kept. It is asked "
        "in smaller windows.",
        code="too_large",
    )


def _weight(body: bytearray) -> int:
    """Say how much memory a body may come to, as text that is copied and as values.

    Few bytes can become many: `{},` takes 72 of them, and one emoji makes all of a text take four
    times its size. To be archived and read back, a text is there three times beside its bytes.
    """
    width = 1 if body.isascii() else 4 if _WIDE.search(body) else 2
    values = body.count(b",") + body.count(b"{") + body.count(b"[")
    return len(body) * (1 + 3 * width) + values * _VALUE_BYTES


async def _unpacked(response: httpx.Response, at_most: int) -> AsyncIterator[bytes]:
    """Give a body as it arrives, of no piece more than so many bytes.

    httpx would unpack what arrives at one time as a whole, and through each coding that the answer
    names: a few bytes may become more than the machine has.
    """
    if response.is_stream_consumed:  # a transport in place of the network may have read it
        yield response.content
        return
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding not in (_CODING, "identity"):
        raise httpx.DecodingError("a coding that was not asked for")
    unpacking = zlib.decompressobj(_GZIP)
    async for piece in response.aiter_raw():
        try:
            yield unpacking.decompress(piece, at_most) if coding == _CODING else piece
        except zlib.error as err:
            raise httpx.DecodingError(str(err)) from err
    if coding == _CODING and response.num_bytes_downloaded and not unpacking.eof:
        raise httpx.DecodingError("it ends too early")
