"""The two providers as the benchmarks meet them: what is asked of each, and who answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fitbitd.clock import Clock
from fitbitd.providers.base import Provider
from fitbitd.providers.fitbit.wire import FitbitProvider
from fitbitd.providers.google_health.wire import GoogleHealthProvider
from fitbitd.simulator import (
    FitbitSettings,
    FitbitSimulator,
    GoogleHealthSettings,
    GoogleHealthSimulator,
    Simulator,
    Wearer,
)

MANY_REQUESTS = 100_000
NOWHERE = "http://127.0.0.1:9"  # never connected


@dataclass(frozen=True, slots=True)
class Shape:
    """One provider.

    Attributes:
        days: of history that are read; both come to some hundred thousand readings.
        small: a data type that costs next to nothing.
        look: the end of the path of a quiet pass's only request.
        paths: under which its endpoints lie, by their key in the configuration.
        goal: readings stored in a CPU second.
    """

    name: str
    client_id: str
    types: tuple[str, ...]
    days: int
    small: str
    look: str
    paths: Mapping[str, str]
    goal: int
    provider: Callable[[str], Provider]
    simulator: Callable[[Clock, Wearer], Simulator]


def _fitbit(clock: Clock, wearer: Wearer) -> Simulator:
    return FitbitSimulator(clock, wearer, FitbitSettings(quota=MANY_REQUESTS))


def _google(clock: Clock, wearer: Wearer) -> Simulator:
    settings = GoogleHealthSettings(quota_per_minute=MANY_REQUESTS)
    return GoogleHealthSimulator(clock, wearer, settings)


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "fitbit": Shape(
            name="fitbit",
            client_id="23SIMU",
            types=("heart_rate", "steps", "daily_heart_rate", "daily_steps", "sleep"),
            days=30,
            small="profile",
            look="/devices.json",
            paths={
                "authorize_url": "/oauth2/authorize",
                "token_url": "/oauth2/token",
                "revoke_url": "/oauth2/revoke",
                "api_url": "",
            },
            goal=250_000,
            provider=FitbitProvider,
            simulator=_fitbit,
        ),
        "google_health": Shape(
            name="google_health",
            client_id=GoogleHealthSettings().client_id,
            types=(
                *("heart_rate", "steps", "distance", "activity_level", "oxygen_saturation"),
                *("daily_heart_rate", "daily_steps", "sleep"),
            ),
            days=10,
            small="profile",
            look="/pairedDevices",
            paths={
                "authorize_url": "/o/oauth2/v2/auth",
                "token_url": "/token",
                "revoke_url": "/revoke",
                "api_url": "",
            },
            goal=100_000,
            provider=GoogleHealthProvider,
            simulator=_google,
        ),
    }
)
