"""What the demonstration plays with: each provider simulated, and the account that is set up there.

The configuration is like anybody's, but for the addresses and the pace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from fitbitd import config
from fitbitd.assembly import DATA_TYPES
from fitbitd.clock import SystemClock
from fitbitd.config import Settings
from fitbitd.simulator import (
    FitbitSettings,
    FitbitSimulator,
    GoogleHealthSettings,
    GoogleHealthSimulator,
    OffsetClock,
    Simulator,
    SimulatorServer,
    Wearer,
    live_wearer,
    serve,
)

BACKFILL_DAYS = 30
SYNC_EVERY_S = 10
POLL_EVERY_S = 5

_HISTORY_DAYS = 60
_INTERVALS_S = (15, 20, 25)  # a watch has one each 1 to 15 s; here it would be made as well as read
_QUOTA = 100_000
_REQUESTS_PER_S = 100
_SECRET = "simulated-secret"  # noqa: S105 - the simulator's own


@dataclass(frozen=True, slots=True)
class Part:
    """One provider in the play.

    Attributes:
        account: the name of the account there.
        paths: of its addresses, by their key in the configuration.
        simulate: makes the simulator from a clock and a wearer.
        data_types: what is collected; a simulator on the same processor is slower than a provider.
    """

    account: str
    provider: str
    client_id: str
    paths: Mapping[str, str]
    simulate: Callable[[OffsetClock, Wearer], Simulator]
    data_types: tuple[str, ...] = ("all",)


def _google(clock: OffsetClock, wearer: Wearer) -> GoogleHealthSimulator:
    behaviour = GoogleHealthSettings(
        consent="allow",
        quota_per_minute=_QUOTA,
        client_id="demo",
        client_secret=_SECRET,
        also_offered=frozenset({("activity-level", "rollup"), ("activity-level", "dailyRollup")}),
    )
    return GoogleHealthSimulator(clock, wearer, behaviour)


def _fitbit(clock: OffsetClock, wearer: Wearer) -> FitbitSimulator:
    behaviour = FitbitSettings(
        consent="allow", quota=_QUOTA, client_id="demo", client_secret=_SECRET
    )
    return FitbitSimulator(clock, wearer, behaviour)


_PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "google_health": Part(
            "demo",
            "google_health",
            "demo",
            MappingProxyType(
                {
                    "authorize_url": "/o/oauth2/v2/auth",
                    "token_url": "/token",
                    "revoke_url": "/revoke",
                    "api_url": "",
                }
            ),
            _google,
            (
                "heart_rate",
                "steps",
                "distance",
                "sleep",
                "exercise",
                "heart_rate_variability",
                "oxygen_saturation",
                "weight",
                "daily_steps",
                "daily_total_calories",
                "daily_resting_heart_rate",
                "daily_oxygen_saturation",
                "daily_respiratory_rate",
            ),
        ),
        "fitbit": Part(
            "demo_fitbit",
            "fitbit",
            "demo",
            MappingProxyType(
                {
                    "authorize_url": "/oauth2/authorize",
                    "token_url": "/oauth2/token",
                    "revoke_url": "/oauth2/revoke",
                    "api_url": "",
                }
            ),
            _fitbit,
        ),
    }
)

PLAYS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {**{name: (part,) for name, part in _PARTS.items()}, "both": tuple(_PARTS.values())}
)
"""What `--provider` may say."""


@contextmanager
def served(parts: Sequence[Part], seed: int) -> Iterator[dict[str, SimulatorServer]]:
    """Serve each part's simulator, all of one wearer; give the servers by provider."""
    clock = OffsetClock(SystemClock())
    wearer = live_wearer(clock, seed=seed, history_days=_HISTORY_DAYS, sync_every_s=SYNC_EVERY_S)
    wearer.intervals_s = _INTERVALS_S
    with ExitStack() as stack:
        yield {
            part.provider: stack.enter_context(serve(part.simulate(clock, wearer)))
            for part in parts
        }


def configure(
    folder: Path, parts: Sequence[Part], servers: Mapping[str, SimulatorServer]
) -> Settings:
    """Write the configuration and the secret, and load them as any command would."""
    secret = folder / "client_secret"
    secret.touch(mode=0o600)
    secret.write_text(_SECRET, encoding="utf-8")
    first = SystemClock().now().date() - timedelta(days=BACKFILL_DAYS)
    lines = [f'state_dir = "{folder}/state"', ""]
    for part in parts:
        lines += [
            "[[account]]",
            f'name = "{part.account}"',
            f'provider = "{part.provider}"',
            f'client_id = "{part.client_id}"',
            f'client_secret_file = "{secret}"',
            f'poll_every = "{POLL_EVERY_S}s"',
            f"backfill_from = {first}",
            f"data_types = {list(part.data_types)}",
            "",
        ]
    for part in parts:
        url = servers[part.provider].url
        lines += [
            f"[provider.{part.provider}]",
            *(f'{key} = "{url}{path}"' for key, path in part.paths.items()),
            f"requests_per_s = {_REQUESTS_PER_S}  # the simulator is nobody else's",
            "",
        ]
    path = folder / "fitbitd.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return config.load(path, DATA_TYPES)
