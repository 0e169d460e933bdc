"""The network is one callable; whatever breaks in it is exactly one of our errors."""

import asyncio
import gzip
import json
import ssl
import traceback
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx  # noqa: TID251 - what its exceptions become is the question
import pytest

from fitbitd import __version__
from fitbitd.errors import FitbitdError, OperatorError, RefusedError, TransientError
from fitbitd.fetch.transport import Network
from fitbitd.model import Reply, Request
from tests.support.clock import FakeClock

DATA = Path(__file__).parent.parent / "data"
TLS = DATA / "tls"
FULLEST = DATA / "google_health" / "list" / "active-minutes.json"
"""Of the points that come ten thousand a page none has more members."""
ASK = Request("GET", "https://api.fitbit.com/1/user/-/profile.json")


async def send(handler: Callable[[httpx.Request], httpx.Response], request: Request = ASK) -> Reply:
    async with Network(FakeClock(), httpx.MockTransport(handler)).session() as sender:
        return await sender(request)


async def failure(raised: Exception) -> FitbitdError:
    def fail(_: httpx.Request) -> httpx.Response:
        raise raised

    with pytest.raises(FitbitdError) as caught:
        await send(fail)
    return caught.value


@asynccontextmanager
async def server(
    answer: bytes | None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, asyncio.Queue[bytes]]]:
    """Serve `answer`, byte for byte, to whatever is asked; None never answers."""
    asked: asyncio.Queue[bytes] = asyncio.Queue()
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.put_nowait(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                await done.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1], asked
        done.set()


# what is sent and what comes back


async def test_a_request_is_sent_as_it_is_and_says_who_asks() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    await send(handle, Request("GET", ASK.url, (("accept", "application/json"),)))
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("GET", ASK.url, b"")
    assert request.headers["user-agent"] == f"fitbitd/{__version__}"
    assert request.headers["accept"] == "application/json"
    assert not {"authorization", "accept-language", "cookie"} & set(request.headers)


async def test_a_form_is_sent_urlencoded() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    await send(handle, Request("POST", ASK.url, form=(("grant_type", "a b"), ("code", "x&y=é"))))
    assert seen[0].content == b"grant_type=a+b&code=x%26y%3D%C3%A9"
    assert seen[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_json_is_sent_as_it_is_written() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    await send(handle, Request("POST", ASK.url, json='{"day": "é"}'))
    assert seen[0].content == '{"day": "é"}'.encode()
    assert seen[0].headers["content-type"] == "application/json"


async def test_a_reply_has_lower_case_headers_the_unpacked_body_and_its_time() -> None:
    body = gzip.compress(b'\xef\xbb\xbf{"a": "\xff"}\r\n')
    headers = {"Content-Encoding": "gzip", "Fitbit-Rate-Limit-Remaining": "7"}
    came = await send(lambda _: httpx.Response(200, content=body, headers=headers))
    assert came.body == b'\xef\xbb\xbf{"a": "\xff"}\r\n'
    assert came.headers["fitbit-rate-limit-remaining"] == "7"
    assert (came.status, came.received_at) == (200, FakeClock().now())


@pytest.mark.parametrize("status", [204, 302, 401, 410, 429, 503])
async def test_every_status_is_a_reply_and_no_redirect_is_followed(status: int) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"location": "https://evil.example/"})

    assert (await send(handle)).status == status
    assert asked == [ASK.url]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_takes_a_token_or_a_secret_to_another_host(status: int) -> None:
    async with server(b"") as (elsewhere, asked_there):
        away = f"HTTP/1.1 {status} Away\r\nLocation: http://127.0.0.1:{elsewhere}/\r\n"
        answer = f"{away}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        async with server(answer) as (port, _), Network(FakeClock()).session() as sender:
            url = f"http://127.0.0.1:{port}/"
            data = Request("GET", url, (("authorization", "Bearer hush"),))
            token = Request("POST", url, form=(("refresh_token", "hush"),))
            assert [(await sender(each)).status for each in (data, token)] == [status, status]
        assert asked_there.empty()


async def test_a_body_without_end_is_not_read_to_it() -> None:
    served = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal served
        while True:
            served += 1
            yield bytes(1000)

    mock = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    async with Network(FakeClock(), mock, largest_body=3000).session() as sender:
        with pytest.raises(RefusedError) as caught:
            await sender(ASK)
    assert (caught.value.code, served) == ("too_large", 4)


async def test_few_bytes_that_unpack_to_many_take_no_memory() -> None:
    bomb, headers = gzip.compress(bytes(50_000_000)), {"content-encoding": "gzip"}
    mock = httpx.MockTransport(lambda _: httpx.Response(200, content=stream(bomb), headers=headers))
    async with Network(FakeClock(), mock, largest_body=1_000_000).session() as sender:
        tracemalloc.start()
        try:
            with pytest.raises(RefusedError, match="larger than any"):
                await sender(ASK)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"{}," * 350_000,
        b'{"a":' * 700_000,
        b"x" * 12_000_000 + "\N{PILE OF POO}".encode(),  # each x takes four bytes in Python
    ],
    ids=["values", "nesting", "emoji"],
)
async def test_what_would_be_more_than_a_pi_can_hold_is_not_kept(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        await send(lambda _: httpx.Response(200, content=body))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("name", ["Pixel Watch", "\N{WATCH} \N{PILE OF POO}"])
async def test_the_fullest_page_that_google_gives_is_kept(name: str) -> None:
    (point,) = json.loads(FULLEST.read_text(encoding="utf-8"))["dataPoints"]
    point["dataSource"]["device"] = {"displayName": name}
    page = json.dumps([point] * 10_000, ensure_ascii=False, separators=(",", ":")).encode()
    assert (await send(lambda _: httpx.Response(200, content=page))).body == page


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "deflate"])
async def test_what_is_packed_otherwise_than_was_asked_is_not_unpacked(coding: str) -> None:
    packed = gzip.compress(gzip.compress(b"{}"))
    headers = {"content-encoding": coding}
    with pytest.raises(TransientError, match="could not be unpacked"):
        await send(lambda _: httpx.Response(200, content=stream(packed), headers=headers))


async def stream(body: bytes) -> AsyncIterator[bytes]:
    """Serve a body that httpx has not read before."""
    yield body


# what breaks


def exceptions() -> list[type[Exception]]:
    return [
        thing
        for thing in vars(httpx).values()
        if isinstance(thing, type) and issubclass(thing, Exception)
    ]


def make(kind: type[Exception]) -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        request = httpx.Request("GET", ASK.url)
        return kind("secret", request=request, response=httpx.Response(500))
    if kind in (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead):
        return kind()
    return kind() if kind is httpx.RequestNotRead else kind("secret")


OPERATOR = {httpx.UnsupportedProtocol, httpx.InvalidURL}
OURS = {
    httpx.HTTPStatusError,
    httpx.CookieConflict,
    httpx.StreamError,
    httpx.StreamConsumed,
    httpx.StreamClosed,
    httpx.ResponseNotRead,
    httpx.RequestNotRead,
}


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
async def test_every_exception_of_httpx_has_exactly_one_class(kind: type[Exception]) -> None:
    came = await failure(make(kind))
    wanted: type[FitbitdError] = TransientError
    if kind in OPERATOR:
        wanted = OperatorError
    elif kind in OURS:
        wanted = FitbitdError
    assert type(came) is wanted
    assert "secret" not in str(came)


@pytest.mark.parametrize(
    "raised", [TimeoutError(), ConnectionResetError(), ssl.SSLError(1, "bad record"), OSError(101)]
)
async def test_what_the_system_raises_below_httpx_is_transient(raised: Exception) -> None:
    assert type(await failure(raised)) is TransientError


async def test_words_for_people_name_the_host_and_the_failure() -> None:
    came = await failure(httpx.ConnectError("x"))
    assert str(came) == (
        "api.fitbit.com was not reached: no connection. Nothing is lost; it is asked again."
    )


async def test_a_bug_of_ours_is_not_taken_for_weather() -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await send(fail)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
        + gzip.compress(b"[1, 2]", mtime=0)[:-1],
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
async def test_an_answer_that_does_not_arrive_whole_is_transient(answer: bytes) -> None:
    async with server(answer) as (port, _), Network(FakeClock()).session() as sender:
        with pytest.raises(TransientError):
            await sender(Request("GET", f"http://127.0.0.1:{port}/"))


async def test_a_closed_port_is_transient() -> None:
    async with server(b"") as (port, _):
        pass
    async with Network(FakeClock()).session() as sender:
        with pytest.raises(TransientError, match=r"127\.0\.0\.1 was not reached: no connection"):
            await sender(Request("GET", f"http://127.0.0.1:{port}/"))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "/1/user", "https://[::1/", "http://a\n/"])
async def test_what_is_no_web_address_is_for_the_operator(url: str) -> None:
    async with Network(FakeClock()).session() as sender:
        with pytest.raises(OperatorError):
            await sender(Request("GET", url))


async def test_a_deadline_holds_also_for_a_server_that_never_answers() -> None:
    async with server(None) as (port, _), Network(FakeClock()).session() as sender:
        with pytest.raises(TransientError, match="no answer in time"):
            await sender(Request("GET", f"http://127.0.0.1:{port}/"), deadline_s=0.01)


async def test_the_wait_for_a_turn_is_within_the_deadline() -> None:
    async with server(None) as (port, asked):
        network = Network(FakeClock(), at_once=1)
        async with network.session() as sender, network.session() as other:
            url = f"http://127.0.0.1:{port}/"
            first = asyncio.create_task(sender(Request("GET", url)))
            await asked.get()
            with pytest.raises(TransientError):
                await other(Request("GET", url), deadline_s=0.01)
            assert asked.empty()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)


async def test_a_token_that_is_no_header_is_not_in_the_traceback() -> None:
    async with server(b"") as (port, _), Network(FakeClock()).session() as sender:
        headers = (("authorization", "Bearer hush\nhush"),)
        with pytest.raises(TransientError) as caught:
            await sender(Request("GET", f"http://127.0.0.1:{port}/", headers))
    assert "hush" not in "".join(traceback.format_exception(caught.value))


# certificates and proxies


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("expired", "clock_wrong", "clock"),
        ("future", "clock_wrong", "clock"),
        ("wrong_host", "provider_unreachable", "not trusted"),
    ],
)
async def test_a_certificate_out_of_its_time_means_a_wrong_clock_first(
    name: str, code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / f"{name}.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(TLS / f"{name}.pem")
    async with server(b"", tls) as (port, asked), Network(FakeClock()).session() as sender:
        with pytest.raises(TransientError, match=words) as caught:
            await sender(Request("GET", f"https://localhost:{port}/"))
    assert (caught.value.code, asked.empty()) == (code, True)


async def test_a_certificate_that_nobody_vouches_for_is_not_the_clock() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(TLS / "expired.pem")
    async with server(b"", tls) as (port, _), Network(FakeClock()).session() as sender:
        with pytest.raises(TransientError, match="not trusted") as caught:
            await sender(Request("GET", f"https://localhost:{port}/"))
    assert caught.value.code == "provider_unreachable"


def test_certificates_that_cannot_be_read_are_for_the_operator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(OperatorError, match="SSL_CERT_FILE"):
        Network(FakeClock())


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with server(answer) as (port, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        async with Network(FakeClock()).session() as sender:
            assert (await sender(Request("GET", "http://api.example/x"))).body == b"{}"
    assert asked.get_nowait().startswith(b"GET http://api.example/x HTTP/1.1")


@pytest.mark.parametrize("proxy", ["foo://me:hush@host", "http://[me:hush", "http://h:hush"])
async def test_a_proxy_that_cannot_be_used_is_for_the_operator(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(OperatorError, match="proxy") as caught:
        async with Network(FakeClock()).session():
            pass
    assert "hush" not in "".join(traceback.format_exception(caught.value))


async def test_a_tokens_request_does_not_wait_behind_data() -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/oauth2/token":
            asked.set()
            await answered.wait()
        return httpx.Response(200)

    network = Network(FakeClock(), httpx.MockTransport(handle), at_once=1)
    async with network.session() as data, network.session(for_tokens=True) as tokens:
        waiting = asyncio.create_task(data(ASK))
        await asked.wait()
        reply = await tokens(Request("POST", "https://api.fitbit.com/oauth2/token"), deadline_s=5)
        answered.set()
        assert (reply.status, (await waiting).status) == (200, 200)
