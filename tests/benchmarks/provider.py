"""A simulated provider in a process of its own; it ends when its standard input does.

It prints one line of JSON: its address, and the token file of a grant.
"""

import json
import sys

from fitbitd.clock import SystemClock
from fitbitd.oauth.token import to_json
from fitbitd.simulator import live_wearer, serve
from tests.benchmarks.shapes import SHAPES
from tests.support.grant import minted

ONE_DAY_S = 86_400


def main() -> None:
    """Serve a wearer whose watch syncs at midnight UTC and not again while anybody measures."""
    clock = SystemClock()
    wearer = live_wearer(clock, history_days=60, sync_every_s=ONE_DAY_S)
    simulator = SHAPES[sys.argv[1]].simulator(clock, wearer)
    with serve(simulator) as server:
        token = to_json(minted(simulator, clock.now()))
        print(json.dumps({"url": server.url, "token": token}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
