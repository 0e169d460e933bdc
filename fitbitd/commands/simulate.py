"""fitbitd simulate: the provider's simulator on a port of this machine."""

import argparse
import json
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fitbitd.clock import SystemClock
from fitbitd.commands.common import Context, say
from fitbitd.errors import OperatorError
from fitbitd.simulator import (
    Fault,
    FitbitSettings,
    FitbitSimulator,
    OffsetClock,
    live_wearer,
    load_replay,
    serve,
)

HELP = "the provider's simulator, on a port of this machine"
DESCRIPTION = """\
Serve a provider as its documents describe it, from one synthetic wearer, on 127.0.0.1. It is as
strict as the real one: scopes, rotating refresh tokens, ranges, 150 requests an hour.

  fitbitd simulate                            then put the printed lines into a configuration
  fitbitd simulate --replay FOLDER            recorded bodies (FOLDER/index.json says which request
                                              each answers) instead of a wearer
  fitbitd simulate --fault '{"kind": "html", "path": "sleep", "count": 3}'
  curl 127.0.0.1:8189/_simulator/log          what was asked; also state, truth
  curl -d '[{"kind": "reset"}]' 127.0.0.1:8189/_simulator/faults
  curl -X POST 127.0.0.1:8189/_simulator/sync     the watch syncs now

Kinds of faults: latency, timeout, reset, cut, html, json_error, empty, body, throttle, wrong_date,
revoke. Ctrl-C ends it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd simulate`."""
    usual = FitbitSettings()
    parser.add_argument(
        "--provider", choices=["fitbit"], default="fitbit", help="whose API (default: fitbit)"
    )
    parser.add_argument(
        "--port", type=_whole(0, 65_535), default=8189, help="0 takes any (default: 8189)"
    )
    parser.add_argument("--seed", type=int, default=1, help="which wearer (default: 1)")
    parser.add_argument(
        "--zone",
        type=_zone,
        default="Europe/Berlin",
        help="where the wearer lives (default: Europe/Berlin)",
    )
    parser.add_argument(
        "--history-days",
        type=_whole(0, 10_000),
        default=400,
        metavar="N",
        help="days lived already",
    )
    parser.add_argument(
        "--sync-every-s",
        type=_whole(1, 31 * 86_400),
        default=900,
        metavar="S",
        help="how often the watch syncs",
    )
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="recorded bodies to serve")
    parser.add_argument(
        "--consent",
        choices=["ask", "allow", "deny"],
        default="ask",
        help="show the consent page, or answer at once (default: ask)",
    )
    parser.add_argument(
        "--client-id", default=usual.client_id, help=f"of the app (default: {usual.client_id})"
    )
    parser.add_argument(
        "--client-secret", default=usual.client_secret, help="of the app; see the printed lines"
    )
    parser.add_argument(
        "--app-type",
        choices=["personal", "server", "client"],
        default="personal",
        help="how the app is registered; only a personal one gets intraday data",
    )
    parser.add_argument(
        "--quota", type=_whole(0, 1_000_000_000), default=usual.quota, help="requests an hour"
    )
    parser.add_argument(
        "--token-life-s",
        type=_whole(1, 366 * 86_400),
        default=usual.token_life_s,
        help="life of an access token",
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="JSON", help="what to do wrong; repeatable"
    )


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Read a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
            message = f"{text!r} is no whole number from {least} to {most}"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return read


def _zone(text: str) -> str:
    """Read the name of a time zone."""
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, such as "Europe"
        message = f"{text!r} is no time zone; write it as Europe/Berlin"
        raise argparse.ArgumentTypeError(message) from None


def main(context: Context) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    args = context.args
    clock = OffsetClock(SystemClock())
    settings = FitbitSettings(
        client_id=args.client_id,
        client_secret=None if args.app_type == "client" else args.client_secret,
        personal=args.app_type == "personal",
        consent=args.consent,
        quota=args.quota,
        token_life_s=args.token_life_s,
    )
    if args.replay is not None:
        simulator = FitbitSimulator(clock, settings=settings, replay=load_replay(args.replay))
    else:
        wearer = live_wearer(
            clock,
            seed=args.seed,
            zone=args.zone,
            history_days=args.history_days,
            sync_every_s=args.sync_every_s,
        )
        simulator = FitbitSimulator(clock, wearer, settings)
    simulator.faults.add(*map(_fault, args.fault))
    return _serve(simulator, args.port)


def _fault(text: str) -> Fault:
    try:
        order: dict[str, Any] = json.loads(text)
        return Fault.from_json(order)
    except (ValueError, TypeError, AttributeError) as err:
        raise OperatorError(
            f"--fault {text!r} means nothing: {err}.\n"
            'Next: write it as \'{"kind": "html", "path": "sleep", "count": 3}\''
        ) from err


def _serve(simulator: FitbitSimulator, port: int) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = serve(simulator, port)
    except OSError as err:
        raise OperatorError(
            f"port {port} of 127.0.0.1 cannot be used: {err.strerror}.\n"
            "Next: name another with --port; 0 takes any that is free"
        ) from err
    with server:
        print(_snippet(simulator, server.url), flush=True)
        say(f"serving on {server.url}; Ctrl-C ends it")
        stop.wait()
    say(f"served {simulator.requests_seen} requests")
    return 0


def _snippet(simulator: FitbitSimulator, url: str) -> str:
    """Write the lines of a configuration that point at the simulator."""
    settings = simulator.settings
    secret = (
        f"# its client secret: {settings.client_secret}"
        if settings.client_secret
        else 'app_type = "client"'
    )
    return f"""\
[[account]]
name = "simulated"
provider = "fitbit"
client_id = "{settings.client_id}"
{secret}

[provider.fitbit]
authorize_url = "{url}/oauth2/authorize"
token_url = "{url}/oauth2/token"
revoke_url = "{url}/oauth2/revoke"
api_url = "{url}"
"""
