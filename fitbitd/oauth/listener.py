"""Waits on this machine for the browser that comes back from the consent page."""

import asyncio
from html import escape
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.oauth.grant import read_redirect

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_BROWSER_PATIENCE_S = 10.0
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>fitbitd</title>
<body style="font-family: sans-serif; margin: 4em auto; max-width: 34em">
<h1>{title}</h1><p>{text}</p></body></html>
"""


class LoopbackListener:
    """A small server for one answer, used as a context manager.

    Port 0 in the redirect URI takes a free port, and `redirect_uri` then says which.
    """

    def __init__(self, redirect_uri: str, *, state: str) -> None:
        self.redirect_uri = redirect_uri
        self._state = state
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None
        self._browsers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            OperatorError: `settings`: not an address of this machine, or its port is taken.
        """
        parts = urlsplit(self.redirect_uri)
        try:
            port = parts.port
        except ValueError:
            port = None
        host = parts.hostname
        if host not in _LOOPBACK or parts.scheme != "http" or port is None:
            raise OperatorError(
                f"{self.redirect_uri} is not an address with a port on this machine, so the"
                " browser cannot be waited for. Next: use --paste, or register a redirect URI"
                " such as http://127.0.0.1:8712/callback",
                code="settings",
            )
        address = "::1" if host == "::1" else "127.0.0.1"
        try:
            self._server = await asyncio.start_server(self._serve, address, port)
        except OSError as err:
            raise OperatorError(
                f"Cannot listen on {address} port {port}: {err.strerror}. Next: end what uses the"
                " port, or use --paste.",
                code="settings",
            ) from err
        bound = self._server.sockets[0].getsockname()[1]
        self.redirect_uri = parts._replace(
            netloc=parts.netloc.removesuffix(f":{port}") + f":{bound}"
        ).geturl()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening, whoever is still connected."""
        if not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # looked at, or asyncio complains that nobody did
        if self._server is not None:
            self._server.close()
            for browser in self._browsers:
                browser.close()
            await self._server.wait_closed()

    async def code(self) -> str:
        """Wait for the authorization code.

        Raises:
            AuthorizationError: the wearer said no.
            OperatorError: the provider refused for another reason.
        """
        return await self._answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._browsers.add(writer)
        try:
            async with asyncio.timeout(_BROWSER_PATIENCE_S):
                request = (await reader.readuntil(b"\r\n\r\n")).decode("ascii", "replace")
                status, title, text = self._reply(*request.split()[:2])
                writer.write(_page(status, title, text))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # a browser that only tries whether we are here, or went away
        finally:
            self._browsers.discard(writer)
            writer.close()

    def _reply(self, method: str = "", target: str = "") -> tuple[HTTPStatus, str, str]:
        """Take one request; the first one that answers our question ends the wait."""
        path, _, query = target.partition("?")
        if method != "GET" or path != (urlsplit(self.redirect_uri).path or "/"):
            return HTTPStatus.NOT_FOUND, "Nothing here", "fitbitd waits for a consent."
        try:
            code = read_redirect(query, state=self._state)
        except FitbitdError as err:
            if err.code in {"state_mismatch", "redirect_unreadable"}:
                return HTTPStatus.BAD_REQUEST, "Not the answer that fitbitd waits for", str(err)
            if not self._answer.done():
                self._answer.set_exception(err)
            return HTTPStatus.OK, "No consent", f"{err} The terminal says what to do next."
        if not self._answer.done():
            self._answer.set_result(code)
        return (
            HTTPStatus.OK,
            "Thank you",
            "Your answer has arrived. Close this page: the terminal says whether all is well.",
        )


def _page(status: HTTPStatus, title: str, text: str) -> bytes:
    body = _PAGE.format(title=escape(title), text=escape(text)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: text/html; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\n"
        "cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
