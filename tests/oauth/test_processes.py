"""Real processes on one token file, and real kills."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from fitbitd.clock import SystemClock
from fitbitd.oauth import token
from fitbitd.oauth.token import TokenState
from tests.support.token_endpoint import TokenEndpoint

WORKER = Path(__file__).with_name("token_worker.py")
ROOT = Path(__file__).parents[2]


class TokenServer:
    """The token endpoint on a port: it decides at once and answers after `delay_s`."""

    def __init__(self, folder: Path, *, life_s: int, delay_s: float) -> None:
        self.endpoint = TokenEndpoint(SystemClock().now, life_s)
        self.delay_s = delay_s
        self.folder = folder
        self.guard = threading.Lock()
        self.stopping = threading.Event()
        self.kill_next_holder = False
        self.killed: list[int] = []
        self.left_s: list[float] = []
        self.base = ""

    def take(self, form: dict[str, str]) -> tuple[int, bytes]:
        with self.guard:
            answer = self.endpoint.handle(form)
            if self.kill_next_holder:
                self.kill_next_holder = False
                self.killed.append(int((self.folder / "token.lock").read_text()))
                os.kill(self.killed[0], signal.SIGKILL)
        self.stopping.wait(self.delay_s)
        return answer

    def use(self, access_token: str) -> int:
        with self.guard:
            self.left_s.append(self.endpoint.left_s(access_token))
            return 200 if self.left_s[-1] > 0 else 401

    @contextmanager
    def running(self) -> Iterator["TokenServer"]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                self._answer(*server.take(dict(parse_qsl(raw.decode()))))

            def do_GET(self) -> None:
                self._answer(server.use(self.headers["authorization"].split()[1]), b"{}")

            def _answer(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return  # who asked is dead

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            self.base = f"http://127.0.0.1:{http.server_port}"
            thread = threading.Thread(target=http.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self
            finally:
                self.stopping.set()
                http.shutdown()
                thread.join()

    def start(self, seconds: float, kill: str = "") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, WORKER, self.folder, self.base, str(seconds), "--kill", kill],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )


def put_token_file(server: TokenServer, *, left_s: float) -> None:
    """Write the server's newest pair with so much life left."""
    pair = server.endpoint.pair
    pair.issued_at = SystemClock().now() - timedelta(seconds=server.endpoint.life_s - left_s)
    (server.folder / "token.json").write_text(server.endpoint.token_file())


@pytest.mark.parametrize(
    ("delay_s", "life_s", "seconds", "lives"), [(1.0, 8, 6.0, 2), (5.0, 24, 8.0, 1)]
)
def test_eight_processes_send_one_refresh_a_life_though_the_lock_holder_is_killed(
    tmp_path: Path, delay_s: float, life_s: int, seconds: float, lives: int
) -> None:
    server = TokenServer(tmp_path, life_s=life_s, delay_s=delay_s)
    put_token_file(server, left_s=0)
    with server.running():
        server.kill_next_holder = True
        workers = [server.start(seconds) for _ in range(8)]
        ends = [(worker, worker.communicate(timeout=60)) for worker in workers]
    assert [worker.pid for worker, _ in ends if worker.returncode == -signal.SIGKILL] == (
        server.killed
    )
    diaries = [json.loads(out) for worker, (out, _) in ends if worker.pid not in server.killed]
    assert len(diaries) == 7
    for diary in diaries:
        assert diary["errors"] == []
        assert diary["requests"] > 3
        assert diary["longest_wait_s"] < 30
        assert diary["longest_block_s"] < 0.1
    sent = server.endpoint.sent
    assert sent[:2] == ["refresh-0", "refresh-0"]  # the dead holder's, and the one after it
    assert sent[1:] == [f"refresh-{life}" for life in range(server.endpoint.rotations)]
    assert server.endpoint.rotations >= lives
    assert server.endpoint.late == []
    assert min(server.left_s) > 4.5


@pytest.mark.parametrize("kill", ["before POST", "after POST", "after temporary file"])
def test_a_kill_before_the_new_pair_is_in_place_is_made_good_by_the_next_start(
    tmp_path: Path, kill: str
) -> None:
    server = kill_and_start_again(tmp_path, kill)
    assert server.endpoint.sent == ["refresh-0"] * (1 if kill == "before POST" else 2)


def test_a_kill_after_the_rename_leaves_the_new_pair(tmp_path: Path) -> None:
    server = kill_and_start_again(tmp_path, "after rename")
    assert server.endpoint.sent == ["refresh-0"]


def kill_and_start_again(folder: Path, kill: str) -> TokenServer:
    server = TokenServer(folder, life_s=3600, delay_s=0.0)
    put_token_file(server, left_s=60)
    with server.running():
        dead = server.start(5, kill)
        dead.communicate(timeout=30)
        assert dead.returncode == -signal.SIGKILL
        left_behind = token.from_json((folder / "token.json").read_text())
        expected = TokenState.FRESH if kill == "after rename" else TokenState.IN_DOUBT
        assert token.state(left_behind, SystemClock().now()) is expected
        out, _ = server.start(0.3).communicate(timeout=30)
    diary = json.loads(out)
    assert diary["errors"] == []
    assert diary["requests"] >= 1
    assert server.endpoint.pair.used
    assert (server.endpoint.rotations, server.endpoint.late) == (1, [])
    return server
