"""Requests for a history of all that a provider has, beside the least that its limits allow.

    python -m tests.benchmarks.least_requests [fitbit | google_health] [DAYS...]

A new account with `backfill_from` lives on simulated time until it has its history. Its requests
are counted by the simulator: failures, looks at the devices and checks of what was read are in it.
So are the regular polls of that time, which a scarce quota makes hours; they are told apart too.
The least is worked out by `least.py` for the same wearer.

A month (which is told without DAYS) is lived at the density of a real watch, longer histories with
a heart rate a minute: a year of Google takes about ten minutes, and five (1826) an hour.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from functools import partial
from pathlib import Path

import httpx  # noqa: TID251 - looks at what the simulated provider answers
import pytest

from fitbitd.config import AccountSettings
from fitbitd.providers.fitbit.catalog import CATALOGUE as FITBIT_CATALOGUE
from fitbitd.simulator import DailySyncs, Wearer
from fitbitd.simulator.days import INTERVALS_S
from tests.benchmarks.least import (
    SMALL_PAGE,
    Span,
    least_of_fitbit,
    least_of_google,
    points_at_google,
)
from tests.benchmarks.place import quiet_logs, tell, tell_conditions
from tests.support.household import Household, account_settings, google_account

PROVIDERS: Mapping[str, Callable[..., AccountSettings]] = {
    "fitbit": partial(account_settings, data_types=tuple(FITBIT_CATALOGUE)),
    "google_health": google_account,
}
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
SYNCED = wall_time(7, 0, 30)  # its follow-ups are over, but for the morning's
A_MONTH_DAYS = 30
A_MINUTE_S = (60,)
LASTS = timedelta(hours=4)
LASTS_A_DAY = {"fitbit": timedelta(minutes=2), "google_health": timedelta(seconds=10)}
"""So much longer an account lives for each day of history; the legacy quota is 150 an hour."""

DOCUMENTED_PAGE = 10_000
FILES = "exercise_tcx"
_GOOGLE = re.compile(r"/dataTypes/([a-z0-9-]+)/dataPoints(?::(\w+))?(/.*)?$")
_FITBIT = re.compile(r"/1(?:\.\d)?/user/-/([\w/-]+?)(?:/date/[\d-]+/([\w-]+)(.*))?\.json")
_DAY = timedelta(days=1)


class Tapped(httpx.AsyncBaseTransport):
    """The provider, and how many points its largest page held, by data type."""

    def __init__(self, provider: httpx.AsyncBaseTransport) -> None:
        self.largest: Counter[str] = Counter()
        self._longest: Counter[str] = Counter()
        self._provider = provider

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on and look at the answer, if it is longer than those before it."""
        response = await self._provider.handle_async_request(request)
        found = _GOOGLE.search(request.url.path)
        if found is None or found[3] or response.status_code != httpx.codes.OK:
            return response
        name, size = found[1], len(response.content)
        if size > self._longest[name]:
            self._longest[name] = size
            points = len(json.loads(response.content).get("dataPoints", ()))
            self.largest[name] = max(self.largest[name], points)
        return response


@dataclass(frozen=True, slots=True)
class Cost:
    """What a history cost.

    Attributes:
        requests: by kind and data type.
        regular: those of them that read nothing of the history that was not there already.
        page: points of the largest page.
        lasted: until all was there, on simulated time.
    """

    requests: Counter[str]
    regular: int
    page: int
    lasted: timedelta


def main() -> None:
    """Tell of a month, or of so many days, of each provider."""
    tell_conditions()
    quiet_logs()
    named = [name for name in PROVIDERS if name in sys.argv]
    for days in [int(word) for word in sys.argv[1:] if word.isdecimal()] or [A_MONTH_DAYS]:
        for provider in named or PROVIDERS:
            _tell(provider, days)


def _tell(provider: str, days: int) -> None:
    span = Span(NOW.date() - timedelta(days=days - 1), NOW)
    wearer = Wearer(
        seed=3,
        member_since=span.first - timedelta(days=20),
        syncs=DailySyncs((SYNCED,)),
        has_scale=True,
        intervals_s=INTERVALS_S if days <= A_MONTH_DAYS else A_MINUTE_S,
    )
    ours = _ours(provider, wearer, span)
    total = ours.requests.total()
    print(f"\n{provider}: {days} days of everything")
    tell("until all was there (simulated)", str(ours.lasted).partition(".")[0])
    if provider == "fitbit":
        fewest = least_of_fitbit(wearer, span)
    else:
        points = points_at_google(wearer, span)
        fewest = least_of_google(points, span, ours.page)
        documented = least_of_google(points, span, DOCUMENTED_PAGE)
        tell("largest page served", f"{ours.page:,} points")
        tell("the least with pages of 10,000", f"{sum(documented.values()):,}")
    _compare("requests: ours / the least", total, sum(fewest.values()))
    _compare("  without regular polls", total - ours.regular, sum(fewest.values()))
    _table(ours.requests, fewest)


def _ours(provider: str, wearer: Wearer, span: Span) -> Cost:
    """Live until the history is there; give what it cost."""
    with tempfile.TemporaryDirectory(prefix="fitbitd-bench-") as folder:
        account = PROVIDERS[provider](backfill_from=span.first)
        home = Household(Path(folder) / "state", NOW.isoformat(), wearer, accounts=(account,))
        tapped = Tapped(home.exchange)
        home.exchange = tapped  # type: ignore[assignment] # all that the household needs of it
        home.authorize()
        with pytest.MonkeyPatch.context() as patch:
            until = NOW + LASTS + LASTS_A_DAY[provider] * span.days
            home.live_by_passes(until, monkeypatch=patch)
        pulls = list(_pulls(home, span))
    ended_at = max(at for _, at, new in pulls if new)
    if home.clock.now() - ended_at < LASTS / 4:
        raise SystemExit("there was more to ask than the time allowed")
    asked = Counter(
        _kind(entry.path) if entry.status == httpx.codes.OK else f"refused: {_kind(entry.path)}"
        for entry in home.data_requests()
        if entry.at <= ended_at
    )
    regular = sum(pages for pages, at, new in pulls if at <= ended_at and not new)
    largest = max((n for n in tapped.largest.values() if n > SMALL_PAGE), default=0)
    return Cost(asked, regular, largest, ended_at - NOW)


def _pulls(home: Household, span: Span) -> Iterator[tuple[int, datetime, bool]]:
    """Give the pages of each pull, when it ended, and whether it read something new of the span."""
    with closing(home.index()) as db:
        rows = db.execute(
            "SELECT data_type, why, axis, window_start, window_end, pages, ended_at FROM pull"
            " WHERE outcome = 'complete' ORDER BY id"
        ).fetchall()
    read: set[tuple[str, date | None]] = set()
    for name, why, axis, start, end, pages, ended_ms in rows:
        days = _days(start, end) if axis else [None]
        found = {(name, day) for day in days if day is None or span.first <= day <= span.now.date()}
        new = why != "deep" and (not found <= read or name == FILES)
        read |= found
        yield pages, datetime.fromtimestamp(ended_ms / 1000, UTC), new


def _days(start: str, end: str) -> Iterator[date | None]:
    """Give the days that a window touches."""
    day, last = (datetime.fromisoformat(text) for text in (start, end))
    while day < last:
        yield day.date()
        day += _DAY


def _kind(path: str) -> str:
    """Name what a request asks, in the words of `least`."""
    if found := _GOOGLE.search(path):
        if found[3]:
            return f"tracks: {found[1]}"
        return f"{found[2] if found[2] not in (None, 'reconcile') else 'list'}: {found[1]}"
    found = _FITBIT.match(path)
    if found is None:
        return f"the account: {path.rpartition('/')[2]}"
    name, until, rest = found.groups()
    if until is None:
        resource, _, listed = name.partition("/")
        return f"list: {resource}" if listed == "list" else f"the account: {name}"
    if until == "1d" or rest.startswith("/1"):
        return f"day by day: {name}"
    return f"ranges: {name}{rest}"


def _compare(what: str, ours: int, fewest: int) -> None:
    tell(what, f"{ours:,} / {fewest:,}  ({ours / fewest - 1:+.1%})")


def _table(ours: Counter[str], fewest: Mapping[str, int]) -> None:
    """Tell of each kind, and of each data type that costs more or less than it must."""
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
