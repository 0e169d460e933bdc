"""A provider that answers as no provider should, on this machine, for the real program to meet."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCOPES = ("settings", "health_metrics_and_measurements", "activity_and_fitness")
SCOPE = " ".join(f"https://www.googleapis.com/auth/googlehealth.{one}.readonly" for one in SCOPES)
TOKENS = {"access_token": "A", "expires_in": 3599, "scope": SCOPE, "token_type": "Bearer"}
ACCESS_TOKEN = TOKENS["access_token"]

_PROGRAM = """
import sys
from fitbitd.__main__ import main
try:
    sys.exit(main())
finally:
    with open("/proc/self/status") as told, open(sys.argv[-1] + ".status", "r+") as kept:
        kept.write(told.read())
"""
"""What the system says of a child counts what its parent held when it was made, a test runner's."""

Answer = Callable[["Asked"], None]
"""Answers one request, however it likes."""


class Asked(BaseHTTPRequestHandler):
    """One request to a liar."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body leave together: two small packets would wait for each other
    liar: "Liar"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve()

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer with a body that is all there."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def pour(self, pieces: Iterator[bytes]) -> None:
        """Answer in chunks; how much of it was taken is the liar's to know."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.liar.poured += len(piece)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _serve(self) -> None:
        self.liar.asked.append((self.path, self.headers.get("Authorization", "")))
        for part, answer in self.liar.answers.items():
            if part in self.path:
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # whoever asked has had enough
                return
        self.answer(self.liar.usual(self.path))


@dataclass(slots=True)
class Liar:
    """What is answered, by a part of the path, and what was asked.

    Attributes:
        url: of its loopback address.
        answers: the first whose key is in the path; all else is answered well, and empty.
        asked: path and Authorization header of each request.
        poured: bytes of bodies that were taken from `pour`.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    poured: int = 0

    def usual(self, path: str) -> bytes:
        """Give the answer of a provider that has nothing to tell."""
        if path.startswith("/token"):
            return json.dumps(TOKENS).encode()
        if path.startswith("/v4/users/me/identity"):
            return json.dumps({"name": "users/me/identity", "healthUserId": "1"}).encode()
        return b"{}"


@contextmanager
def lying() -> Iterator[Liar]:
    """Serve a liar on a port of this machine."""
    liar = Liar()
    handler = type("AskedOfIt", (Asked,), {"liar": liar})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        liar.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield liar
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its code, its words, and the most memory that it held."""

    code: int
    out: str
    err: str
    peak_mb: float


class Victim:
    """An account whose provider is a liar, and the real command line.

    Attributes:
        under: a program that runs the commands, with its arguments.
        umask: of the commands.
    """

    def __init__(self, folder: Path, url: str, *data_types: str) -> None:
        self.folder = folder
        self.under: tuple[str, ...] = ()
        self.umask = -1  # as it is
        self.account_dir = folder / "state" / "alice"
        self._config = folder / "fitbitd.toml"
        for name, text in (("secret", "a secret"), ("tokens", "A0\nR\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        Path(f"{self._config}.status").touch()
        self._config.write_text(
            f"""state_dir = "{folder / "state"}"
[[account]]
name = "alice"
provider = "google_health"
client_id = "an app"
client_secret_file = "{folder / "secret"}"
data_types = {json.dumps(list(data_types))}
[provider.google_health]
authorize_url = "{url}/auth"
token_url = "{url}/token"
revoke_url = "{url}/revoke"
api_url = "{url}"
requests_per_s = 1000
"""
        )

    def run(self, *words: str, timeout_s: float = 120) -> Done:
        """Run a command and wait for its end."""
        program = [sys.executable, "-c", _PROGRAM, *words, "--config", str(self._config)]
        with (self.folder / "out").open("w+") as out, (self.folder / "err").open("w+") as err:
            command = [*self.under, *program]
            ended = subprocess.run(
                command, stdout=out, stderr=err, umask=self.umask, timeout=timeout_s, check=False
            )
            for file in (out, err):
                file.seek(0)
            return Done(ended.returncode, out.read(), err.read(), self._peak_mb())

    def _peak_mb(self) -> float:
        status = Path(f"{self._config}.status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def authorize(self) -> None:
        """Import a grant."""
        done = self.run("authorize", "alice", "--import", str(self.folder / "tokens"))
        assert done.code == 0, done.err
