"""What a service that answers wrongly is believed, through the real command line."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCOPES = ("settings", "health_metrics_and_measurements", "activity_and_fitness")
SCOPE = " ".join(f"https://www.googleapis.com/auth/googlehealth.{one}.readonly" for one in SCOPES)
TOKENS = {"access_token": "A", "expires_in": 3599, "scope": SCOPE, "token_type": "Bearer"}


class Portal(BaseHTTPRequestHandler):
    """Answers everything well, and steps with the page of a captive portal."""

    def do_GET(self) -> None:
        body = "{}"
        if self.path.startswith("/v4/users/me/identity"):
            body = json.dumps({"name": "users/me/identity", "healthUserId": "1"})
        elif "/dataTypes/steps/" in self.path:
            body = "<html>please log in</html>"
        self._answer(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.dumps(TOKENS))

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _answer(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def portal() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fitbitd(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fitbitd", *words, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_days_that_could_not_be_read_are_no_success(tmp_path: Path, portal: str) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "tokens").write_text("A\nR\n")
    (tmp_path / "tokens").chmod(0o600)
    config = tmp_path / "fitbitd.toml"
    config.write_text(
        f"""state_dir = "{tmp_path / "state"}"
[[account]]
name = "alice"
provider = "google_health"
client_id = "an app"
client_secret_file = "{tmp_path / "secret"}"
data_types = ["settings", "weight", "steps"]
[provider.google_health]
authorize_url = "{portal}/auth"
token_url = "{portal}/token"
revoke_url = "{portal}/revoke"
api_url = "{portal}"
requests_per_s = 100
"""
    )
    done = fitbitd(config, "authorize", "alice", "--import", str(tmp_path / "tokens"))
    assert done.returncode == 0, done.stderr
    done = fitbitd(config, "pull", "alice", "--from", "2026-03-01", "--to", "2026-03-02")
    assert done.returncode == 75, done.stdout + done.stderr
    assert "error: alice: " in done.stderr
