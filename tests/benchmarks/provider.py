"""A simulated provider in a process of its own; it ends when its standard input does.

It prints one line of JSON: its address, and the token file of a grant.
"""

import json
import sys
from datetime import timedelta

from fitbitd.clock import SystemClock
from fitbitd.oauth.token import Grant, to_json
from fitbitd.simulator import FitbitSettings, FitbitSimulator, live_wearer, serve

MANY_REQUESTS = 100_000
ONE_DAY_S = 86_400


def main() -> None:
    """Serve a wearer whose watch syncs at midnight UTC and not again while anybody measures."""
    clock = SystemClock()
    wearer = live_wearer(clock, history_days=60, sync_every_s=ONE_DAY_S)
    simulator = FitbitSimulator(clock, wearer, FitbitSettings(quota=MANY_REQUESTS))
    with serve(simulator) as server:
        print(json.dumps({"url": server.url, "token": _token(simulator)}), flush=True)
        sys.stdin.read()


def _token(simulator: FitbitSimulator) -> str:
    body = simulator.mint()
    now = simulator.clock.now()
    grant = Grant(
        provider="fitbit",
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
        issued_at=now,
        expires_at=now + timedelta(seconds=body["expires_in"]),
        scope=tuple(body["scope"].split()),
        user_id=body["user_id"],
    )
    return to_json(grant)


if __name__ == "__main__":
    main()
