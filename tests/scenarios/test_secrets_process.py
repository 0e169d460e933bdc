"""Secrets and real processes: what their arguments, environments, words and files say of them."""

import gzip
import json
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fitbitd.clock import SystemClock
from fitbitd.simulator import (
    Fault,
    FitbitSettings,
    FitbitSimulator,
    GoogleHealthSettings,
    GoogleHealthSimulator,
    OffsetClock,
    Simulator,
    SimulatorServer,
    live_wearer,
    serve,
)
from tests.support.cli import PATIENCE_S, SECRET, Desk, line_of
from tests.support.leaks import leaks
from tests.support.service import Manager, run, stop, told, until

CLIENT_ID = "23SIMU"
DEBUG = {"FITBITD_DEBUG": "1"}
CONFIG = """\
state_dir = "state"
[[account]]
name = "alice"
provider = "{provider}"
client_id = "23SIMU"
client_secret_file = "secret"
redirect_uri = "http://127.0.0.1:0/callback"
data_types = ["daily_steps", "sleep"]
poll_every = "5s"
[notify]
command = ["{python}", "{program}", "told"]
heartbeat_url = "{url}/ping"
[provider.{provider}]
authorize_url = "{url}{consent}"
token_url = "{url}{tokens}token"
revoke_url = "{url}{tokens}revoke"
api_url = "{url}"
"""
PATHS = {
    "fitbit": {"consent": "/oauth2/authorize", "tokens": "/oauth2/"},
    "google_health": {"consent": "/o/oauth2/v2/auth", "tokens": "/"},
}
NOTE_ALL = """\
import os, pathlib, sys
here, above = (pathlib.Path("/proc", str(pid)) for pid in (os.getpid(), os.getppid()))
seen = [(one / name).read_bytes() for one in (here, above) for name in ("cmdline", "environ")]
with open(sys.argv[1], "ab") as file:
    file.write(b"\\n".join([sys.stdin.buffer.read(), *seen]))
"""


def simulator_of(provider: str) -> Simulator:
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, history_days=2, sync_every_s=1)
    if provider == "fitbit":
        app = FitbitSettings(
            client_id=CLIENT_ID,
            client_secret=SECRET,
            consent="allow",
            quota=10_000,
        )
        return FitbitSimulator(clock, wearer, app)
    google = GoogleHealthSettings(client_id=CLIENT_ID, client_secret=SECRET, consent="allow")
    return GoogleHealthSimulator(clock, wearer, google)


@pytest.fixture(params=PATHS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(provider: str) -> Iterator[SimulatorServer]:
    with serve(simulator_of(provider)) as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, provider: str, server: SimulatorServer) -> Desk:
    program = tmp_path / "note-all"
    program.write_text(NOTE_ALL)
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    desk = Desk(tmp_path)
    names = {"provider": provider, "url": server.url, "program": program, "python": sys.executable}
    desk.config.write_text(CONFIG.format(**names, **PATHS[provider]))
    return desk


def of_process(pid: int) -> bytes:
    """Give what anybody may read of a process, and what its owner may."""
    return b"".join(Path("/proc", str(pid), name).read_bytes() for name in ("cmdline", "environ"))


def come_back(address: str) -> str:
    """Consent, and give the address at which the browser ends."""
    split = urlsplit(address)
    browser = HTTPConnection(split.netloc, timeout=PATIENCE_S)
    browser.request("GET", f"{split.path}?{split.query}")
    back = browser.getresponse().headers["location"]
    browser.close()
    return str(back)


def authorized(desk: Desk, *, state: str = "state=") -> tuple[int, bytes]:
    """Consent by pasting the address; give the exit code, and all that was said and seen."""
    with desk.start("authorize", "alice", "--paste", env=DEBUG) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        line_of(running, "Paste that whole address here:")
        seen = of_process(running.pid)
        back = come_back(address).replace("state=", state)
        out, err = running.communicate(back + "\n", timeout=PATIENCE_S)
    return running.returncode, f"{address}\n{out}\n{err}".encode() + seen


def test_no_process_tells_a_secret(
    desk: Desk, manager: Manager, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator, said = server.simulator, {}
    code, said["authorize, pasted wrongly"] = authorized(desk, state="state=another")
    assert code != 0
    code, said["authorize"] = authorized(desk)
    assert code == 0, said
    grant = json.loads(desk.token.read_text())  # a refresh is due
    desk.token.write_text(json.dumps({**grant, "expires_at": grant["issued_at"]}))
    simulator.faults.add(Fault(kind="body", path="[dD]aily|/steps/", status=400, body="no"))
    monkeypatch.setenv("FITBITD_DEBUG", "1")
    with run(desk, manager, **DEBUG) as running:
        until(lambda: len(told(desk, "pass.finished")) > 0)
        said["run, its process"] = of_process(running.pid)
        said["pull"] = words_of(desk, "pull")
        simulator.revoke()
        said["pull, refused"] = words_of(desk, "pull")
        until((desk.folder / "told").exists)
        for command in ("status", "status --json", "check --offline --json"):
            said[command] = words_of(desk, *command.split())
        said["check --bundle"] = words_of(
            desk, "check", "--offline", "--bundle", str(desk.folder / "bundle")
        )
        stop(running)
    said["pull, alone"] = words_of(desk, "pull")
    said["revoke"] = words_of(desk, "revoke", "alice")
    said["STATUS"] = "\n".join(manager.said).encode()
    for path in desk.folder.rglob("*"):
        if path.is_file() and path.name not in {"secret", "token.json"}:
            said[path.name] = path.read_bytes()
            if path.suffix == ".gz":
                said[f"{path.name}, unpacked"] = gzip.decompress(path.read_bytes())
    assert b"authorization_needed" in said["told"]
    assert {"log", "bundle", "index.sqlite"} <= {*said}
    assert b'"level": "debug"' in said["log"]
    assert len(simulator.secrets) >= 7  # codes, a verifier, tokens, the client's
    found = {name: leaks(simulator.secrets, CLIENT_ID, text)[:3] for name, text in said.items()}
    assert not any(found.values()), {name: some for name, some in found.items() if some}


def words_of(desk: Desk, command: str, *args: str) -> bytes:
    """Run a command and give all that it said."""
    ended = desk.ask(command, *args)
    return f"{ended.out}\n{ended.err}".encode()
