"""Cancelled requests never poison what comes after them."""

import asyncio

import pytest

from fitbitd.fetch.transport import Network
from fitbitd.model import Request
from tests.support.clock import FakeClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("turns", range(8))
async def test_requests_cancelled_on_their_way_leave_the_network_whole(turns: int) -> None:
    """Cancel more requests than there are connections, after so many turns of the loop."""
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        request = Request("GET", f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/")
        network = Network(FakeClock(), at_once=4)
        async with network.session() as send:
            for _ in range(3):
                under_way = [asyncio.create_task(send(request)) for _ in range(8)]
                for _ in range(turns):
                    await asyncio.sleep(0)  # noqa: TID251 - one turn, no wait
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)
            after = await asyncio.gather(*(send(request, deadline_s=4.0) for _ in range(8)))
        async with network.session() as send:
            after.append(await send(request, deadline_s=4.0))
        assert [reply.body for reply in after] == [b"ok"] * 9
