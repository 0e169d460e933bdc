"""The simulator as a public client of the API sees it, unchanged but for the host.

Run by hand, where fitbitd and the client are installed; it wants a newer Python than fitbitd:

    pip install google-health-api
    python tests/clients/google_health_client.py

The client demands a count of every minute, so zeros are written out here (`zero_counts`).
It compares what the client reads with the wearer's truth, and ends with the number of values.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
from google_health_api.api import GoogleHealthApi
from google_health_api.auth import AbstractAuth

from fitbitd.clock import SystemClock
from fitbitd.simulator import OffsetClock, Wearer, serve
from fitbitd.simulator.google_health import GoogleHealthSettings, GoogleHealthSimulator
from fitbitd.simulator.life import GoogleLife

_NOW = datetime(2027, 3, 12, 18, 37, tzinfo=UTC)
_DAYS = 3


class _Token(AbstractAuth):
    def __init__(self, websession: aiohttp.ClientSession, host: str, token: str) -> None:
        super().__init__(websession, host)
        self._token = token

    async def async_get_access_token(self) -> str:
        return self._token


async def _pages(result: Any) -> AsyncIterator[Any]:
    async for page in result:
        for point in page.data_points:
            yield point.data


def _instant(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).timestamp())


async def _read(api: GoogleHealthApi, life: GoogleLife, now: datetime) -> dict[str, int]:
    """Read each type as the client does, and compare.

    Raises:
        AssertionError: client and truth differ.
    """
    start = (now - timedelta(days=_DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    end = now + timedelta(hours=1)
    span = round(1000 * start.timestamp()), round(1000 * end.timestamp())
    counted = {}

    steps = [p async for p in _pages(await api.steps.list(start, end, page_size=1000))]
    truth = life.points("steps", *span, now)
    told = sum(p.count for p in steps)
    assert (len(steps), told) == (len(truth), sum(int(p.value.get("count", 0)) for p in truth))
    counted["steps"] = len(steps)

    beats = [p async for p in _pages(await api.heart_rate.list(start, end, page_size=5000))]
    pulses = {(_instant(p.sample_time.physical_time), p.beats_per_minute) for p in beats}
    truth = life.points("heart-rate", *span, now)
    assert pulses == {(p.start_ms, int(p.value["beatsPerMinute"])) for p in truth}
    counted["heart-rate"] = len(beats)

    # Its filter for sleep names the start, which the documents (and so the simulator) refuse.
    nights = [p async for p in _pages(await api.sleep.list(page_size=25))]
    truth = life.points("sleep", 0, span[1], now)
    ends = sorted(_instant(p.end_time) for p in nights)
    assert ends == sorted(p.end_ms for p in truth)
    counted["sleep"] = len(nights)

    merged = [p async for p in _merged(await api.steps.reconcile(start, end, page_size=1000))]
    assert len(merged) == len(life.merged("steps", *span, now))
    counted["steps, reconciled"] = len(merged)

    days = await api.steps.daily_rollup(start.date(), end.date() + timedelta(days=1))
    counted["steps by day"] = len(days)
    assert len(days) == _DAYS + 1

    weights = [p async for p in _pages(await api.weight.list(start, end))]
    assert len(weights) == len(life.points("weight", *span, now))
    counted["weight"] = len(weights)

    devices = (await api.paired_devices.list()).paired_devices
    content = life.paired_devices(now)["pairedDevices"]
    assert [d.last_sync_time for d in devices] == [d.get("lastSyncTime") for d in content]
    counted["devices"] = len(devices)

    assert (await api.get_settings()).time_zone == life.settings(now)["timeZone"]
    assert (await api.get_identity()).health_user_id == life.identity(now)["healthUserId"]
    assert (await api.get_profile()) is not None
    return counted


async def _merged(result: Any) -> AsyncIterator[Any]:
    async for page in result:
        for point in page.reconciled_data_points:
            yield point


async def main() -> None:
    """Serve a wearer and read it."""
    clock = OffsetClock(SystemClock())
    clock.set_offset((_NOW - SystemClock().now()).total_seconds())
    wearer = Wearer(seed=7, member_since=date(2027, 3, 1))
    simulator = GoogleHealthSimulator(clock, wearer, GoogleHealthSettings(zero_counts="explicit"))
    with serve(simulator) as server:
        token = simulator.mint()["access_token"]
        async with aiohttp.ClientSession() as session:
            api = GoogleHealthApi(_Token(session, server.url, token))
            counted = await _read(api, GoogleLife(wearer), clock.now())
    for what, count in counted.items():
        print(f"{what:<20} {count:>8,}")


if __name__ == "__main__":
    asyncio.run(main())
