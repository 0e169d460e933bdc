"""Where the benchmarks run: a provider, an authorized account, and `fitbitd` as its own process."""

import json
import logging
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import structlog

from tests.benchmarks.shapes import Shape

ACCOUNT = "alice"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

_CONFIG = """\
state_dir = "{folder}/state"

[[account]]
name = "{account}"
provider = "{shape.name}"
client_id = "{shape.client_id}"
client_secret_file = "{folder}/client_secret"
poll_every = "{poll_every}"
{backfill}

[provider.{shape.name}]
{urls}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A provider that answers, and an account that it knows.

    Attributes:
        folder: everything is in here; it goes away at the end.
    """

    folder: Path
    url: str
    shape: Shape

    @property
    def account_dir(self) -> Path:
        """Give the account's folder."""
        return self.folder / "state" / ACCOUNT

    def configure(self, *, poll_every: str = "15m", backfill_from: str = "") -> None:
        """Write the configuration."""
        text = _CONFIG.format(
            folder=self.folder,
            account=ACCOUNT,
            shape=self.shape,
            urls="\n".join(f'{key} = "{self.url}{path}"' for key, path in self.shape.paths.items()),
            poll_every=poll_every,
            backfill=backfill_from and f"backfill_from = {backfill_from}",
        )
        (self.folder / "fitbitd.toml").write_text(text)

    def forget(self) -> None:
        """Drop all that was collected, and keep the grant."""
        for path in sorted(self.account_dir.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()
            elif path.name != "token.json":
                path.unlink()

    def start(self, *command: str, **environ: str) -> "subprocess.Popen[bytes]":
        """Start `fitbitd COMMAND`, compiled as installed packages are; its words go to a file."""
        ours = {
            "FITBITD_CONFIG": str(self.folder / "fitbitd.toml"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
        }
        others = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with (self.folder / "stderr").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "fitbitd", *command],
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**others, **ours, **environ},
            )

    def cpu_s(self, *command: str) -> float:
        """Run `fitbitd COMMAND` to its end; give the CPU seconds that it took."""
        process = self.start(*command)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit((self.folder / "stderr").read_text())
        return usage.ru_utime + usage.ru_stime

    def requests(self) -> list[str]:
        """Give the path of every data request that arrived at the provider."""
        with urlopen(f"{self.url}/_simulator/log") as answer:  # noqa: S310 - our own port
            return [entry["path"] for entry in json.load(answer)]

    def readings(self) -> int:
        """Count the readings in the index."""
        with sqlite3.connect(self.account_dir / "index.sqlite") as db:
            return int(db.execute("SELECT count(*) FROM reading").fetchone()[0])


@contextmanager
def place(shape: Shape) -> Iterator[Place]:
    """Start a provider and put an authorized account beside it."""
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as name:
        folder = Path(name)
        provider = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.provider", shape.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert provider.stdin is not None
        assert provider.stdout is not None
        with provider, provider.stdin:
            told = json.loads(provider.stdout.readline())
            here = Place(folder, told["url"], shape)
            here.configure()
            here.account_dir.mkdir(parents=True, mode=0o750)
            for path, text in (
                (here.account_dir / "token.json", told["token"]),
                (folder / "client_secret", "simulated-secret"),
            ):
                path.touch(mode=0o600)
                path.write_text(text)
            here.cpu_s("pull", "--data-type", shape.small)  # leaves everything compiled
            here.forget()
            yield here


def memory_mb(pid: int, key: str) -> float:
    """Give VmRSS (resident now) or VmHWM (the most it ever was) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) / 1024
    raise SystemExit(f"/proc/{pid}/status has no {key}")


def process_cpu_s(pid: int) -> float:
    """Give the CPU seconds, user and system, that a running process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def quiet_logs() -> None:
    """Keep the words of a daemon that lives in this process out of the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def tell(what: str, figure: str) -> None:
    """Print one figure."""
    print(f"  {what:<58} {figure}", flush=True)


def tell_conditions() -> None:
    """Print where the figures are from."""
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    load = os.getloadavg()[0]
    print(f"{python}, {platform.machine()}, {os.cpu_count()} CPUs, load {load:.1f}")
