"""Two accounts at a simulator on a port, whose collecting processes die where they are told to."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from fitbitd.assembly import PROVIDERS
from fitbitd.clock import SystemClock
from fitbitd.oauth.token import to_json
from fitbitd.simulator import (
    FitbitSettings,
    FitbitSimulator,
    ListedSyncs,
    OffsetClock,
    SimulatorServer,
    Wearer,
    serve,
)
from fitbitd.simulator.civil import civil_day
from fitbitd.simulator.fitbit import LogEntry
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from fitbitd.store.rebuild import rebuild
from fitbitd.store.verify import Finding, verify
from tests.support.cli import PATIENCE_S, PROGRAM, SECRET, Desk, Said, environment
from tests.support.crash_disk import Disk, Loss
from tests.support.crash_trace import Call, Traced, Watch
from tests.support.grant import minted
from tests.support.household import rows_of

Rows = dict[str, set[tuple[object, ...]]]

_AFTERNOON = 15
_FARTHEST_EAST = 14


@dataclass(frozen=True, slots=True)
class Death:
    """How a process died.

    Attributes:
        call: the one that did not happen.
        answered: the requests that it got an answer to.
        lost_bytes: how much smaller the state directory is for the power cut.
    """

    call: Call
    answered: tuple[LogEntry, ...]
    lost_bytes: int


@dataclass(slots=True)
class CrashHome:
    """Alice collects everything, bob his steps only and after her; both wear one watch.

    The watch has two days to tell and has synced once. It is afternoon where it is worn, so that no
    day ends while a test runs.
    """

    folder: Path
    server: SimulatorServer
    clock: OffsetClock
    yesterday: date
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.folder)
        self._write_config()
        for name in ("bob", "alice"):  # whoever consents last has the refresh token that is good
            self._authorize(name)

    @property
    def simulator(self) -> FitbitSimulator:
        """Give the provider."""
        simulator = self.server.simulator
        assert isinstance(simulator, FitbitSimulator)
        return simulator

    @property
    def state_dir(self) -> Path:
        """Give the folder in which everything is kept."""
        return self.folder / "state"

    def pull(self) -> Said:
        """Collect what is due, to the end."""
        return self.desk.type("pull", "alice", "bob")

    def trace(self, watch: Watch, *args: str) -> int:
        """Run a command to its end, `watch` being told of its calls on files; give its code."""
        return self._run(Traced(self.state_dir, watch), *args)

    def die(self, watch: Watch, loss: Loss | None) -> Death:
        """Collect until `watch` says so; then the process dies, and perhaps the power with it."""
        begun = self.simulator.requests_seen
        with closing(Disk(self.state_dir)) as disk:
            traced = Traced(self.state_dir, watch, disk.told)
            self._run(traced, "pull", "alice", "bob")
            said = (self.folder / "output.txt").read_text()
            assert traced.killed_at is not None, f"it went on to its end:\n{said}"
            lost_bytes = disk.cut(loss) if loss is not None else 0
        return Death(traced.killed_at, tuple(self.simulator.log[begun:]), lost_bytes)

    def _run(self, traced: Traced, *args: str) -> int:
        environ = environment(self.folder, FITBITD_CONFIG=str(self.desk.config))
        return traced.run([*PROGRAM, *args], environ, self.folder / "output.txt", PATIENCE_S)

    def truth(self) -> Rows:
        """Give what the provider has published."""
        return {
            name: set(rows) for name, rows in self.simulator.wearer.truth(self.clock.now()).items()
        }

    def collected(self, name: str) -> Rows:
        """Give what the index of an account says."""
        with closing(open_reader(self.state_dir / name)) as db:
            return rows_of(db)

    def dump(self, name: str) -> list[str]:
        """Give every row of an account that its archive determines."""
        with closing(open_reader(self.state_dir / name)) as db:
            return list(canonical_dump(db))

    def findings(self, name: str) -> list[Finding]:
        """Give what `fitbitd verify` would find."""
        folder = self.state_dir / name
        with closing(open_reader(folder)) as db:
            return list(verify(folder, db))

    def rebuild(self, name: str) -> None:
        """Make an index anew, as `fitbitd rebuild` does."""
        folder = self.state_dir / name
        kit = PROVIDERS["fitbit"]
        with AccountLock(folder):
            for _ in rebuild(folder, kit.provider(self.server.url).read, kit.catalogue):
                pass

    def _write_config(self) -> None:
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(SECRET)
        accounts = [
            "\n".join(
                (
                    "[[account]]",
                    f'name = "{name}"',
                    'provider = "fitbit"',
                    'client_id = "23SIMU"',
                    'client_secret_file = "secret"',
                    f'data_types = ["{types}"]',
                )
            )
            for name, types in (("alice", "all"), ("bob", "steps"))
        ]
        url = self.server.url
        provider = (
            "[provider.fitbit]",
            f'authorize_url = "{url}/oauth2/authorize"',
            f'token_url = "{url}/oauth2/token"',
            f'revoke_url = "{url}/oauth2/revoke"',
            f'api_url = "{url}"',
        )
        text = "\n".join(('state_dir = "state"', *accounts, *provider, ""))
        self.desk.config.write_text(text)

    def _authorize(self, name: str) -> None:
        """Put a grant in place, as `fitbitd authorize` would."""
        file = self.state_dir / name / "token.json"
        file.parent.mkdir(parents=True, mode=0o750)
        file.touch(mode=0o600)
        file.write_text(to_json(minted(self.simulator, self.clock.now())))


@contextmanager
def crash_home(folder: Path) -> Iterator[CrashHome]:
    """Open a home of two accounts that have collected nothing yet."""
    clock = OffsetClock(SystemClock())
    now = clock.now()
    zone = _where_it_is_afternoon(now)
    yesterday = civil_day(now.timestamp(), zone) - timedelta(days=1)
    wearer = Wearer(
        seed=5,
        zone=zone,
        member_since=yesterday,
        syncs=ListedSyncs([now - timedelta(minutes=1)]),
    )
    simulator = FitbitSimulator(clock, wearer, FitbitSettings(client_secret=SECRET, quota=1000))
    with serve(simulator) as server:
        yield CrashHome(folder, server, clock, yesterday)


def _where_it_is_afternoon(now: datetime) -> str:
    east = _AFTERNOON - now.hour
    east -= 24 if east > _FARTHEST_EAST else 0
    return f"Etc/GMT{-east:+}"  # POSIX counts westward
