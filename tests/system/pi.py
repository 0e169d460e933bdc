"""A Pi in a box: fitbitd from the .deb, one account, and a provider that is not on the Pi."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fitbitd.clock import SystemClock
from fitbitd.simulator import OffsetClock, live_wearer, serve
from fitbitd.simulator.google_health import GoogleHealthSettings, GoogleHealthSimulator
from fitbitd.store.index import SCHEMA_VERSION
from tests.support.google_truth import GoogleTruth, differences
from tests.system.box import Box, Network, until

STATE = "var/lib/fitbitd"
CONFIG = "/etc/fitbitd/fitbitd.toml"
TYPES = ("steps", "sleep", "daily_resting_heart_rate")

_HASTE = """\
[Service]
RestartSec=100ms
LoadCredential=alice.client_secret:/etc/fitbitd/alice.client_secret
"""
"""A restart is not waited for; and the secret is root's alone."""

_CONSENT = """\
"$@" --no-browser | python3 -c '
import sys, urllib.request
urllib.request.urlopen(sys.stdin.readline().strip()).read()
sys.stdin.read()'
"""
"""The browser is the simulator's kind: it agrees to everything."""

_COPY = """\
import sqlite3, sys
copy = sqlite3.connect("/mnt/share/copy.sqlite")
sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).backup(copy)
"""


class Pi:
    """A box with fitbitd installed but not started, beside a running provider."""

    def __init__(self, folder: Path, package: Path, history_days: int = 3) -> None:
        self.network = Network()
        clock = OffsetClock(SystemClock())
        self.wearer = live_wearer(clock, history_days=history_days)
        self.simulator = GoogleHealthSimulator(
            clock, self.wearer, GoogleHealthSettings(consent="allow", quota_per_minute=100_000)
        )
        with self.network.inside():
            self._server = serve(self.simulator)
        self.box = Box(folder, self.network)
        (self.box.share / "fitbitd.deb").write_bytes(package.read_bytes())

    def close(self) -> None:
        """End everything."""
        self.box.kill()
        self._server.stop()
        self.network.close()

    def install(self) -> None:
        """Boot it the first time, and install the package."""
        self.box.start()
        self.box.run("dpkg", "--force-unsafe-io", "-i", "/mnt/share/fitbitd.deb")
        self.set_up()

    def set_up(self) -> None:
        """Write what the service needs: an account, and the secret, which is root's alone."""
        self.box.write("/etc/systemd/system/fitbitd.service.d/haste.conf", _HASTE)
        secret = self.simulator.settings.client_secret
        self.box.write("/etc/fitbitd/alice.client_secret", f"{secret}\n", 0o600)
        self.configure()
        self.box.run("systemctl", "daemon-reload")

    def configure(self, poll_every: str = "5s", more: str = "") -> None:
        """Write the configuration; `more` is what follows the account's usual lines."""
        url = self._server.url
        self.box.write(
            CONFIG,
            f"""\
[[account]]
name = "alice"
provider = "google_health"
client_id = "{self.simulator.settings.client_id}"
poll_every = "{poll_every}"
data_types = {json.dumps(TYPES)}
{more}
[provider.google_health]
authorize_url = "{url}/o/oauth2/v2/auth"
token_url = "{url}/token"
revoke_url = "{url}/revoke"
api_url = "{url}"
requests_per_s = 100.0
""",
        )

    def consent(self, *asking: str) -> None:
        """Be the wearer at the browser, and root at the keyboard, where `asking` is typed."""
        secret = self.simulator.settings.client_secret
        usual = ("env", f"FITBITD_ALICE_CLIENT_SECRET={secret}", "fitbitd", "authorize", "alice")
        self.box.run("bash", "-o", "pipefail", "-ec", _CONSENT, "-", *(asking or usual))

    def systemctl(self, *words: str) -> str:
        """Type `systemctl ...`; give what it says."""
        return self.box.run("systemctl", *words).stdout.strip()

    def shown(self, name: str) -> str:
        """Give a property of the service."""
        return self.systemctl("show", "fitbitd", "--value", "-p", name)

    @property
    def running(self) -> bool:
        """Say whether the service is up, READY said."""
        return self.shown("ActiveState") == "active"

    def restarted(self, count: int) -> bool:
        """Say whether it was started again so many times, and is up."""
        return self.shown("NRestarts") == str(count) and self.running

    def stop(self) -> float:
        """Stop the service; give the seconds that it took, by systemd's own clock."""
        self.systemctl("stop", "fitbitd")
        assert self.shown("Result") == "success", self.journal()
        began_us, ended_us = (
            int(self.shown(f"{moment}TimestampMonotonic"))
            for moment in ("ActiveExit", "InactiveEnter")
        )
        return (ended_us - began_us) / 1e6

    def start_slowly(self, unit: str, calls: str, path: str, *command: str) -> Path:
        """Have something run with each of its `calls` on `path` delayed; give their list."""
        listed = self.box.share / unit
        slow = ("strace", "-f", "-qq", "-o", f"/mnt/share/{unit}", "-P", path, "-e", calls)
        self.box.run("systemd-run", f"--unit={unit}", "--collect", *slow, *command)
        return listed

    def is_traced(self) -> bool:
        """Say whether a tracer has attached to the service."""
        status = self.box.root / "proc" / self.shown("MainPID") / "status"
        return "TracerPid:\t0\n" not in status.read_text("ascii")

    def drop_in(self, name: str, text: str) -> None:
        """Write a drop-in of the service."""
        self.box.write(f"/etc/systemd/system/fitbitd.service.d/{name}.conf", text)
        self.systemctl("daemon-reload")

    def journal(self) -> str:
        """Give how the service stands, and what it said last."""
        return self.box.run("systemctl", "status", "-l", "-n40", "fitbitd", check=False).stdout

    def events(self, name: str) -> list[dict[str, Any]]:
        """Give what the journal has of an event, with all fields."""
        match = f"FITBITD_EVENT={name}"
        said = self.box.run("journalctl", "-u", "fitbitd", match, "-o", "json", "--no-pager").stdout
        return [json.loads(line) for line in said.splitlines()]

    @property
    def state(self) -> Path:
        """Give the state directory, as seen from here."""
        return self.box.root / STATE

    def kept(self) -> dict[str, bytes]:
        """Give what is nowhere else: configuration, tokens, and the archive's first kilobyte."""
        files = [self.box.root / "etc/fitbitd", self.state / "alice"]
        found = [path for folder in files for path in folder.rglob("*") if path.is_file()]
        kinds = (".toml", ".json", ".client_secret", ".gz")
        return {str(path): path.read_bytes()[:1000] for path in found if path.suffix in kinds}

    @contextmanager
    def index(self, account: str = "alice") -> Iterator[sqlite3.Connection]:
        """Read a copy of the index as it is now, also while the daemon writes."""
        self.box.run("/usr/bin/python3", "-Ic", _COPY, f"/{STATE}/{account}/index.sqlite")
        with closing(sqlite3.connect(self.box.share / "copy.sqlite")) as db:
            yield db

    def ask(self, sql: str, account: str = "alice") -> list[Any]:
        """Give the first column of what the index answers; nothing while there is none."""
        if not (self.state / account / "index.sqlite").exists():
            return []
        with self.index(account) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            return [first for first, *_ in db.execute(sql)] if version == SCHEMA_VERSION else []

    @property
    def passes(self) -> int:
        """Count the passes that ended well."""
        return sum(self.ask("SELECT count(*) FROM pass WHERE outcome = 'ok'"))

    @property
    def readings(self) -> int:
        """Count the readings in the index."""
        return sum(self.ask("SELECT count(*) FROM reading"))

    def conditions(self) -> list[str]:
        """Give the codes that `fitbitd status` shows now."""
        said = self.box.run("fitbitd", "status", "--json", check=False).stdout
        return [
            each["code"] for line in said.splitlines() for each in json.loads(line)["conditions"]
        ]

    def collects(self) -> None:
        """See that passes end well from now on."""
        seen = self.passes
        until(lambda: self.passes > seen, self.journal)

    def holds_the_truth(self) -> None:
        """See that the index comes to hold all that the provider has, and nothing else."""
        until(lambda: not self.lacks(), lambda: f"{self.lacks()}\n{self.journal()}", every_s=1.0)

    def lacks(self) -> dict[str, str]:
        """Give how the index differs from what the provider has, by data type."""
        if not self.ask("SELECT 1"):
            return {"index": "not there"}
        with self.index() as db:
            now = self.simulator.clock.now()
            return dict(differences(db, GoogleTruth(self.wearer), TYPES, now))
