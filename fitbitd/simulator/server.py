"""The simulator on a real port of this machine: keep-alive, gzip, real resets and cut bodies."""

import gzip
import socket
import struct
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast

import httpx

from fitbitd.simulator.control import PREFIX, order
from fitbitd.simulator.faults import Fault
from fitbitd.simulator.serving import Simulator

_SMALL_BYTES = 512
"""Bodies below this are not worth compressing."""


class SimulatorServer:
    """A running server; a context manager, or call `stop`.

    Attributes:
        simulator: what it serves.
        url: where, such as "http://127.0.0.1:40123".
    """

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        self._http = _Server(("127.0.0.1", port), simulator)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._serve, name="simulator", daemon=True)

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection and every thread."""
        self._http.shutdown()
        self._http.end_connections()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.05)


def serve(simulator: Simulator, port: int = 0) -> SimulatorServer:
    """Serve on 127.0.0.1 in a thread of its own; port 0 takes any that is free.

    Raises:
        OSError: the port is taken.
    """
    return SimulatorServer(simulator, port).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away; anything else is a bug of the simulator."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        """Wake every thread that waits for a client, or lets one wait."""
        self.stopping.set()
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the same

    def log_message(self, *_: object) -> None:
        """Keep quiet: the simulator has a log of its own."""

    def _serve(self) -> None:
        server = cast("_Server", self.server)
        length = int(self.headers.get("content-length") or 0)
        request = httpx.Request(
            self.command,
            f"http://{self.headers.get('host') or 'localhost'}{self.path}",
            headers=list(self.headers.items()),
            content=self.rfile.read(length),
        )
        if request.url.path.startswith(PREFIX):
            self._send(order(server.simulator, request), None)
            return
        answer = server.simulator.answer(request)
        if answer.delay_s:
            server.stopping.wait(answer.delay_s)
        if answer.fault is not None and answer.fault.kind in {"reset", "timeout"}:
            self._reset()
            return
        self._send(answer.response, answer.fault)

    def _send(self, response: httpx.Response, fault: Fault | None) -> None:
        content = response.content
        packed = len(content) > _SMALL_BYTES and "gzip" in self.headers.get("accept-encoding", "")
        if packed:
            content = gzip.compress(content, compresslevel=1)
        self.send_response_only(response.status_code, response.reason_phrase)
        for name, value in response.headers.items():
            if name not in {"content-length", "transfer-encoding"}:
                self.send_header(name, value)
        if packed:
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if fault is not None and fault.kind == "cut":
            content = content[: len(content) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close with a reset instead of an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
