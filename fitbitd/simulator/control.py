"""What can be ordered and asked of a running simulator over its own port, under `/_simulator/`.

GET  log     every request that arrived
GET  state   counters, time, what is ordered
GET  truth   what the provider has published, as rows; `?first=` and `?last=` are dates
POST faults  a list of rules (see `faults.Fault`), added to those that are left; [] forgets them
POST clock   {"offset_s": 3600} or {"advance_s": 60}
POST sync    the watch syncs now
POST revoke  the wearer ends every grant
POST gone    {"gone": true}: 410 for everything
POST settings  {"slow_above_points": 500}: the provider behaves otherwise from now on
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from http import HTTPStatus
from typing import Any

import httpx

from fitbitd.simulator.faults import Fault
from fitbitd.simulator.live import OffsetClock
from fitbitd.simulator.refusals import JSON_TYPE
from fitbitd.simulator.serving import Changeable, Simulator

PREFIX = "/_simulator/"


def order(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    """Carry out a control request; 400 with a sentence for one that means nothing."""
    name = request.url.path.removeprefix(PREFIX)
    known = _KNOWN.get((request.method, name))
    if known is None:
        return _answer({"error": f"no {request.method} {name}"}, HTTPStatus.NOT_FOUND)
    try:
        if request.method == "GET":
            given: Any = dict(request.url.params)
        else:
            given = json.loads(request.content or b"null")
        return _answer(known(simulator, given))
    except (ValueError, KeyError, TypeError) as err:
        return _answer({"error": f"{type(err).__name__}: {err}"}, HTTPStatus.BAD_REQUEST)


def _log(simulator: Simulator, _: object) -> object:
    return [asdict(entry) for entry in tuple(simulator.log)]


def _state(simulator: Simulator, _: object) -> object:
    return simulator.state()


def _truth(simulator: Simulator, query: Mapping[str, str]) -> object:
    first, last = (
        date.fromisoformat(query[name]) if name in query else None for name in ("first", "last")
    )
    return simulator.wearer.truth(simulator.clock.now(), first, last)


def _faults(simulator: Simulator, rules: list[dict[str, Any]]) -> object:
    faults = [Fault.from_json(rule) for rule in rules]
    if not faults:
        simulator.faults.clear()
    simulator.faults.add(*faults)
    return {"faults_left": len(simulator.faults.left())}


def _clock(simulator: Simulator, given: Mapping[str, float]) -> object:
    clock = simulator.clock
    if not isinstance(clock, OffsetClock):
        raise TypeError("this simulator's clock cannot be set")
    if "offset_s" in given:
        clock.set_offset(float(given["offset_s"]))
    else:
        clock.advance(float(given["advance_s"]))
    return simulator.state()


def _sync(simulator: Simulator, _: object) -> object:
    simulator.wearer.sync(simulator.clock.now())
    return simulator.state()


def _revoke(simulator: Simulator, _: object) -> object:
    simulator.revoke()
    return simulator.state()


def _gone(simulator: Simulator, given: Mapping[str, bool]) -> object:
    simulator.gone = bool(given["gone"])
    return simulator.state()


def _settings(simulator: Simulator, given: Mapping[str, Any]) -> object:
    if not isinstance(simulator, Changeable):
        raise TypeError("this simulator's settings cannot be changed")
    simulator.change(**given)
    return simulator.state()


_KNOWN: dict[tuple[str, str], Callable[[Simulator, Any], object]] = {
    ("GET", "log"): _log,
    ("GET", "state"): _state,
    ("GET", "truth"): _truth,
    ("POST", "faults"): _faults,
    ("POST", "clock"): _clock,
    ("POST", "sync"): _sync,
    ("POST", "revoke"): _revoke,
    ("POST", "gone"): _gone,
    ("POST", "settings"): _settings,
}


def _answer(body: object, status: int = HTTPStatus.OK) -> httpx.Response:
    content = json.dumps(body, default=str).encode()
    return httpx.Response(status, headers={"content-type": JSON_TYPE}, content=content)
