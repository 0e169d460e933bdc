"""The real command line, as a person meets it: processes, a port of this machine, files."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import copy_context
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.request import urlopen

import structlog

from fitbitd import cli

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests" / "data" / "fitbit"
PROGRAM = (sys.executable, "-m", "fitbitd")
PATIENCE_S = 30.0
"""A process that takes longer hangs."""

SECRET = "simulated-secret"


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit code, its data and its words."""

    code: int
    out: str
    err: str

    def refused(self, code: int, *words: str) -> None:
        """See that it failed for a reason it foresaw: one error, with the remedy."""
        assert self.code == code, self
        assert self.err.count("error: ") == 1, self.err
        assert "Next: " in self.err, self.err
        assert "Traceback" not in self.err, self.err
        assert self.out == "", self.out
        for word in words:
            assert word in self.err, self.err


def environment(home: Path, **more: str) -> dict[str, str]:
    """Give an environment in which nothing of this machine's user is found."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a configuration, and a person who types commands in it."""

    folder: Path
    account: str = "alice"

    @property
    def config(self) -> Path:
        """Give the configuration."""
        return self.folder / "fitbitd.toml"

    @property
    def account_dir(self) -> Path:
        """Give the folder of the account."""
        return self.folder / "state" / self.account

    @property
    def token(self) -> Path:
        """Give the token file."""
        return self.account_dir / "token.json"

    @property
    def index(self) -> Path:
        """Give the index."""
        return self.account_dir / "index.sqlite"

    @property
    def archives(self) -> list[Path]:
        """Give the files of the archive."""
        return sorted((self.account_dir / "archive").rglob("*.jsonl.gz"))

    def type(self, *args: str, given: str | None = None, **process: Any) -> Said:
        """Run one command to its end; `given` is typed into it."""
        with self.start(*args, **process) as running:
            out, err = running.communicate(given, timeout=PATIENCE_S)
        return Said(running.returncode, out, err)

    def ask(self, command: str, *args: str) -> Said:
        """Run one command in this process: the same, without the start of an interpreter."""
        out, err = StringIO(), StringIO()
        named = patch.dict(os.environ, FITBITD_CONFIG=str(self.config))
        with redirect_stdout(out), redirect_stderr(err), named:
            try:
                code = copy_context().run(cli.main, [command, *args])
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                structlog.reset_defaults()  # a command's level is not that of the tests after it
        return Said(code, out.getvalue(), err.getvalue())

    @contextmanager
    def start(self, *args: str, **process: Any) -> Iterator[subprocess.Popen[str]]:
        """Start one command; it is gone when the block ends."""
        environ: Mapping[str, str] = process.pop("env", {})
        running = subprocess.Popen(
            [*process.pop("program", PROGRAM), *args],
            cwd=self.folder,
            env=environment(self.folder, FITBITD_CONFIG=str(self.config), **environ),
            text=True,
            stdin=process.pop("stdin", subprocess.PIPE),
            stdout=process.pop("stdout", subprocess.PIPE),
            stderr=process.pop("stderr", subprocess.PIPE),
            **process,
        )
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
            for stream in (running.stdin, running.stdout, running.stderr):
                if stream is not None:
                    stream.close()
            running.wait()

    def contents(self) -> dict[str, bytes]:
        """Give every file below the folder, to the byte."""
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def line_of(running: subprocess.Popen[str], words: str) -> str:
    """Wait until a process says `words` on stderr; give that line."""
    assert running.stderr is not None
    seen = []
    for line in running.stderr:
        seen.append(line)
        if words in line:
            return line
    raise AssertionError(f"never said {words!r}: {''.join(seen)}")


def end(running: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> Said:
    """Send a signal and give how the process ended."""
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE_S)
    return Said(running.returncode, out, err)


@contextmanager
def simulator(*args: str, folder: Path) -> Iterator[str]:
    """Serve the simulator from a process of its own; give its address."""
    desk = Desk(folder)
    with desk.start(
        "simulate", "--provider", "fitbit", "--port", "0", "--consent", "allow", *args
    ) as running:
        said = line_of(running, "serving on ")
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None
        yield found[0]


def write_config(desk: Desk, url: str, *lines: str) -> None:
    """Write a configuration of one account at the simulator, as a person would."""
    secret = desk.folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    own: Sequence[str] = (
        "[[account]]",
        f'name = "{desk.account}"',
        'provider = "fitbit"',
        'client_id = "23SIMU"',
        'client_secret_file = "secret"',
        'redirect_uri = "http://127.0.0.1:0/callback"',  # any free port
        *lines,
        "[provider.fitbit]",
        f'authorize_url = "{url}/oauth2/authorize"',
        f'token_url = "{url}/oauth2/token"',
        f'revoke_url = "{url}/oauth2/revoke"',
        f'api_url = "{url}"',
    )
    desk.config.write_text("\n".join(('state_dir = "state"', *own, "")))


def authorize(desk: Desk) -> Said:
    """Run `fitbitd authorize` and be the browser that comes back from the consent page."""
    with desk.start("authorize", desk.account, "--no-browser") as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        with urlopen(address, timeout=PATIENCE_S) as page:  # noqa: S310 - our own simulator
            assert "Thank you" in page.read().decode()
        out, err = running.communicate(timeout=PATIENCE_S)
    return Said(running.returncode, address + out, err)
