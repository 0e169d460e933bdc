"""Requests for a history of everything that Google has, beside the least that its caps allow.

    python -m tests.benchmarks.least_requests [DAYS]

A new account with `backfill_from` lives on simulated time until a pass finds nothing left to ask.
Its requests are counted by the simulator: failures, looks at the devices and the checks by the hour
are in it. A month is lived at the density of a real watch; with DAYS (365 takes half an hour) there
is one heart rate a minute. The least is worked out by `least.py` for the same wearer.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import httpx  # noqa: TID251 - looks at what the simulated provider answers
import pytest

from fitbitd.simulator import DailySyncs, Wearer
from fitbitd.simulator.days import INTERVALS_S
from tests.benchmarks.least import SMALL_PAGE, Span, least
from tests.benchmarks.place import quiet_logs, tell, tell_conditions
from tests.support.household import Household, google_account

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
SYNCED = wall_time(7, 0, 30)  # its follow-ups are over, but for the morning's
MOST_LASTS = timedelta(hours=4)
DOCUMENTED_PAGE = 10_000
_TYPE = re.compile(r"/dataTypes/([a-z0-9-]+)/dataPoints(?::(\w+))?(/.*)?$")


class Tapped(httpx.AsyncBaseTransport):
    """The provider, and how many points its largest page held, by data type."""

    def __init__(self, provider: httpx.AsyncBaseTransport) -> None:
        self.largest: Counter[str] = Counter()
        self._provider = provider

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on and look at the answer."""
        response = await self._provider.handle_async_request(request)
        found = _TYPE.search(request.url.path)
        if found is not None and found[3] is None and response.status_code == httpx.codes.OK:
            points = len(json.loads(response.content).get("dataPoints", ()))
            self.largest[found[1]] = max(self.largest[found[1]], points)
        return response


def main() -> None:
    """Tell of a month, or of so many days."""
    tell_conditions()
    quiet_logs()
    if len(sys.argv) > 1:
        _tell(int(sys.argv[1]), (60,), "one heart rate a minute")
    else:
        _tell(30, INTERVALS_S, "a heart rate as dense as a watch's")


def _tell(days: int, intervals_s: tuple[int, ...], density: str) -> None:
    span = Span(NOW.date() - timedelta(days=days), NOW)
    wearer = Wearer(
        seed=3,
        member_since=span.first - timedelta(days=20),
        syncs=DailySyncs((SYNCED,)),
        has_scale=True,
        intervals_s=intervals_s,
    )
    ours, page, lasted = _ours(wearer, span)
    print(f"\n{days} days of everything, {density}")
    tell("largest page served", f"{page:,} points")
    tell("until all was there (simulated)", str(lasted).partition(".")[0])
    served = least(wearer, span, page, empty_first=True)
    theirs = least(wearer, span, DOCUMENTED_PAGE, empty_first=False)
    _compare("requests", ours.total(), sum(served.values()))
    tell("  the same with pages of 10,000, none of them empty", f"{sum(theirs.values()):,}")
    _table(ours, served)


def _ours(wearer: Wearer, span: Span) -> tuple[Counter[str], int, timedelta]:
    """Live until a pass finds nothing to ask; give the requests by kind and data type."""
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as folder:
        account = google_account(backfill_from=span.first)
        home = Household(Path(folder) / "state", NOW.isoformat(), wearer, accounts=(account,))
        tapped = Tapped(home.exchange)
        home.exchange = tapped  # type: ignore[assignment] # all that the household needs of it
        home.authorize()
        with pytest.MonkeyPatch.context() as patch:
            home.live(MOST_LASTS, monkeypatch=patch)
    passes = [(at, report) for _, at, report in home.reports if report.outcome == "ok"]
    quiet = (at for at, report in passes if report.requests == 1)
    ended_at = next(quiet, None)
    if ended_at is None:
        raise SystemExit(f"there was more to ask than {MOST_LASTS} allow")
    worked = [at for at, _ in passes if at < ended_at]
    asked = Counter(
        _kind(entry.path) if entry.status == httpx.codes.OK else f"refused: {_kind(entry.path)}"
        for entry in home.simulator.log
        if entry.at <= worked[-1]
    )
    pages = (n for name, n in tapped.largest.items() if n > SMALL_PAGE)
    return asked, max(pages), worked[-1] - NOW


def _kind(path: str) -> str:
    """Name what a request asks, in the words of `least`."""
    found = _TYPE.search(path)
    if found is None:
        return f"the account: {path.rpartition('/')[2]}"
    if found[3]:
        return f"tracks: {found[1]}"
    return f"{found[2] if found[2] not in (None, 'reconcile') else 'list'}: {found[1]}"


def _compare(what: str, ours: int, fewest: int) -> None:
    tell(f"{what}: ours / the least", f"{ours:,} / {fewest:,}  (+{ours / fewest - 1:.1%})")


def _table(ours: Counter[str], fewest: Mapping[str, int]) -> None:
    """Tell of each kind, and of each data type that costs more than it must."""
    kinds = dict.fromkeys(name.partition(":")[0] for name in (*fewest, *ours))
    for kind in kinds:
        names = sorted(n for n in {*fewest, *ours} if n.startswith(f"{kind}:"))
        asked, needed = (sum(of.get(n, 0) for n in names) for of in (ours, fewest))
        tell(f"{kind}", f"{asked:,} / {needed:,}")
        for name in names:
            if ours[name] != fewest.get(name, 0):
                tell(f"  {name.partition(': ')[2]}", f"  {ours[name]:,} / {fewest.get(name, 0):,}")


if __name__ == "__main__":
    main()
