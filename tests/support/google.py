"""Google as it was recorded, on a port of this machine: consent, tokens, and whose they are."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.cli import ROOT, SECRET, Desk

RECORDED = ROOT / "tests" / "data" / "google_health"
ME = "1000000000000000001"
LEGACY_ME = "AAAAAA"
CLIENT_ID = "000000000000-test.apps.googleusercontent.com"


def body(name: str) -> bytes:
    """Give a recorded body, such as "oauth/token-refresh.json"."""
    return (RECORDED / name).read_bytes()


def identity(user_id: str, legacy_id: str | None = LEGACY_ME) -> bytes:
    """Write what `users.getIdentity` says of a person."""
    said = {"name": "users/me/identity", "healthUserId": user_id, "legacyUserId": legacy_id}
    return json.dumps({key: value for key, value in said.items() if value}).encode()


@dataclass
class Google:
    """What is answered, and what was asked.

    Attributes:
        answers: status and body by path; what is not in it is 404.
        says: what the consent page puts into the redirect in place of a code.
        asked: method, path and form or query of every request, in order.
        tokens: the Authorization headers that came.
    """

    url: str = ""
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=lambda: {"code": "4/0c0de"})
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers |= {
            "/token": (200, body("oauth/token-exchange-production.json")),
            "/revoke": (200, b"{}"),
            "/v4/users/me/identity": (200, body("account/identity.json")),
            "/v4/users/me/settings": (200, body("account/settings.json")),
            "/v4/users/me/profile": (200, body("account/profile.json")),
            "/v4/users/me/pairedDevices": (200, body("account/paired-devices.json")),
        }

    def asked_of(self, path: str) -> list[dict[str, str]]:
        """Give the forms and queries that went to one path."""
        return [form for _, asked, form in self.asked if asked == path]


@contextmanager
def google() -> Iterator[Google]:
    """Serve it."""
    served = Google()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("content-length", "0")))
            self._answer(dict(parse_qsl(form.decode())))

        def _answer(self, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            served.asked.append((self.command, path, form))
            if "authorization" in self.headers:
                served.tokens.append(self.headers["authorization"])
            status, content = served.answers.get(path, (404, b"<html>404</html>"))
            if path == "/auth":
                status, content = 302, b""
            self.send_response(status)
            if path == "/auth":
                back = urlencode({**served.says, "state": form["state"]})
                self.send_header("location", f"{form['redirect_uri']}?{back}")
            self.send_header("content-type", "application/json; charset=UTF-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_google_config(desk: Desk, url: str, *lines: str, after: str = "") -> None:
    """Write a configuration of one account there, as a person would."""
    secret = desk.folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    written = (
        'state_dir = "state"',
        "[[account]]",
        f'name = "{desk.account}"',
        'provider = "google_health"',
        f'client_id = "{CLIENT_ID}"',
        'client_secret_file = "secret"',
        *lines,
        after,
        "[provider.google_health]",
        f'authorize_url = "{url}/auth"',
        f'token_url = "{url}/token"',
        f'revoke_url = "{url}/revoke"',
        f'api_url = "{url}"',
        "",
    )
    desk.config.write_text("\n".join(written))
