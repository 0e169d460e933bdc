"""fitbitd simulate: the providers' simulators on ports of this machine."""

import argparse
import json
import re
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fitbitd.clock import SystemClock
from fitbitd.commands import words
from fitbitd.commands.common import Context, say
from fitbitd.errors import OperatorError
from fitbitd.simulator import (
    Fault,
    FitbitSettings,
    FitbitSimulator,
    GoogleHealthSettings,
    GoogleHealthSimulator,
    OffsetClock,
    Simulator,
    Wearer,
    live_wearer,
    load_google_replay,
    load_replay,
    serve,
)

HELP = "the provider's simulator, on a port of this machine"
DESCRIPTION = """\
Serve a provider as its documents describe it, from one synthetic wearer, on 127.0.0.1. It is as
strict as the real one: scopes, filters, page sizes, ranges, lives of tokens, requests a minute.

  fitbitd simulate                            then put the printed lines into a configuration
  fitbitd simulate --provider both            both providers, one life; Fitbit's on the next port
  fitbitd simulate --replay FOLDER            recorded bodies (FOLDER/index.json says which request
                                              each answers) instead of a wearer
  fitbitd simulate --fault '{"kind": "html", "path": "sleep", "count": 3}'
  fitbitd simulate --fault '{"kind": "refuse", "reason": "SERVICE_DISABLED", "count": null}'
  curl 127.0.0.1:8189/_simulator/log          what was asked; also state, truth
  curl -d '[{"kind": "reset"}]' 127.0.0.1:8189/_simulator/faults
  curl -d '{"slow_above_points": 500}' 127.0.0.1:8189/_simulator/settings     504 for larger pages
  curl -X POST 127.0.0.1:8189/_simulator/sync     the watch syncs now

Kinds of faults: latency, timeout, reset, cut, html, json_error, empty, body, throttle, wrong_date,
revoke, and for Google refuse. Ctrl-C ends it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd simulate`."""
    parser.add_argument(
        "--provider",
        choices=["google_health", "fitbit", "both"],
        default="google_health",
        help="whose API (default: google_health); both take two ports, Fitbit the second",
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
    parser.add_argument("--client-id", help="of the app; see the printed lines")
    parser.add_argument("--client-secret", help="of the app; see the printed lines")
    parser.add_argument(
        "--app-type",
        choices=["personal", "server", "client"],
        default="personal",
        help="Fitbit: how the app is registered; only a personal one gets intraday data",
    )
    parser.add_argument(
        "--testing",
        action="store_true",
        help="Google: the consent screen is in Testing, so refresh tokens live 7 days",
    )
    parser.add_argument(
        "--quota",
        type=_whole(0, 1_000_000_000),
        help="requests an hour (Fitbit, default: 150) or a minute (Google, default: 150)",
    )
    parser.add_argument(
        "--token-life-s",
        type=_whole(1, 366 * 86_400),
        help="life of an access token (default: 28800 for Fitbit, 3600 for Google)",
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
    wearer = live_wearer(
        clock,
        seed=args.seed,
        zone=args.zone,
        history_days=args.history_days,
        sync_every_s=args.sync_every_s,
    )
    made: list[GoogleHealthSimulator | FitbitSimulator] = []
    if args.provider != "fitbit":
        made.append(_google_health(args, clock, wearer))
    if args.provider != "google_health":
        made.append(_fitbit(args, clock, wearer))
    for text in args.fault:
        for simulator in made:
            _order(simulator, text)
    return _serve(made, args.port)


def _google_health(
    args: argparse.Namespace, clock: OffsetClock, wearer: Wearer
) -> GoogleHealthSimulator:
    settings = GoogleHealthSettings(
        consent=args.consent,
        testing=args.testing,
        quota_per_minute=args.quota,
        **_given(args, "client_id", "client_secret", "token_life_s"),
    )
    replay = load_google_replay(args.replay) if args.replay is not None else None
    return GoogleHealthSimulator(clock, wearer, settings, replay=replay)


def _fitbit(args: argparse.Namespace, clock: OffsetClock, wearer: Wearer) -> FitbitSimulator:
    given = _given(args, "client_id", "client_secret", "token_life_s", "quota")
    if args.app_type == "client":
        given["client_secret"] = None
    settings = FitbitSettings(
        personal=args.app_type == "personal",
        consent=args.consent,
        **given,
    )
    if args.replay is not None:
        return FitbitSimulator(clock, settings=settings, replay=load_replay(args.replay))
    return FitbitSimulator(clock, wearer, settings)


def _given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Take the options that were given; each provider has usual values of its own."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _order(simulator: Simulator, text: str) -> None:
    try:
        simulator.faults.add(_fault(text))
    except ValueError as err:
        raise OperatorError(
            f"--fault {text!r} means nothing: {err}.\nNext: name one of these reasons"
        ) from err


def _fault(text: str) -> Fault:
    try:
        order: dict[str, Any] = json.loads(text)
        return Fault.from_json(order)
    except (ValueError, TypeError, AttributeError) as err:
        raise OperatorError(
            f"--fault {text!r} means nothing: {err}.\n"
            'Next: write it as \'{"kind": "html", "path": "sleep", "count": 3}\''
        ) from err


def _serve(simulators: Sequence[GoogleHealthSimulator | FitbitSimulator], port: int) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as servers:
        for place, simulator in enumerate(simulators):
            own_port = port + place if port else 0
            try:
                server = servers.enter_context(serve(simulator, own_port))
            except (OSError, OverflowError) as err:
                raise OperatorError(
                    f"port {own_port} of 127.0.0.1 cannot be used: {err}.\n"
                    "Next: name another with --port; 0 takes any that is free"
                ) from err
            print(_snippet(simulator, server.url), flush=True)
            say(f"serving on {server.url}; Ctrl-C ends it")
        stop.wait()
    seen = sum(simulator.requests_seen for simulator in simulators)
    say(f"served {words.many(seen, 'request')}")
    return 0


def _snippet(simulator: GoogleHealthSimulator | FitbitSimulator, url: str) -> str:
    """Write the lines of a configuration that point at the simulator."""
    settings = simulator.settings
    if isinstance(settings, GoogleHealthSettings):
        name, provider = "simulated", "google_health"
        paths = {"authorize": "/o/oauth2/v2/auth", "token": "/token", "revoke": "/revoke"}
    else:
        name, provider = "simulated_fitbit", "fitbit"
        paths = {part: f"/oauth2/{part}" for part in ("authorize", "token", "revoke")}
    secret = (
        f"# its client secret: {settings.client_secret}"
        if settings.client_secret
        else 'app_type = "client"'
    )
    urls = "\n".join(f'{part}_url = "{url}{path}"' for part, path in paths.items())
    return f"""\
[[account]]
name = "{name}"
provider = "{provider}"
client_id = "{settings.client_id}"
{secret}

[provider.{provider}]
{urls}
api_url = "{url}"
"""
