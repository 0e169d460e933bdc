"""The simulator as a transport of an httpx.AsyncClient, with the waits of the injected clock."""

from collections.abc import AsyncIterator

import httpx

from fitbitd.clock import Clock
from fitbitd.simulator.faults import Fault
from fitbitd.simulator.serving import Simulator


class SimulatorTransport(httpx.AsyncBaseTransport):
    """Answers without a socket.

    The request takes effect when it arrives, the answer comes after the latency that was ordered.
    A latency beyond the client's read timeout ends in ReadTimeout, as over a socket.
    """

    def __init__(self, simulator: Simulator, clock: Clock) -> None:
        self._simulator = simulator
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, break, or keep the client waiting."""
        await request.aread()
        answer = self._simulator.answer(request)
        patience_s = request.extensions.get("timeout", {}).get("read")
        if patience_s is not None and answer.delay_s > patience_s:
            await self._clock.sleep(patience_s)
            raise httpx.ReadTimeout("the simulated provider is slow", request=request)
        if answer.delay_s:
            await self._clock.sleep(answer.delay_s)
        response = answer.response
        if answer.fault is None:
            return response
        if answer.fault.kind != "cut":
            answer.fault.strike(request)
            return response
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_CutStream(response, answer.fault),
        )


class _CutStream(httpx.AsyncByteStream):
    """Half a body, and then the end of the connection."""

    def __init__(self, response: httpx.Response, fault: Fault) -> None:
        self._response = response
        self._fault = fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._response.content[: len(self._response.content) // 2]
        self._fault.strike(self._response.request)
