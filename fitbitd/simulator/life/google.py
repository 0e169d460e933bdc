"""The questions that the Google Health API's simulator asks of a life, answered for any `now`."""

import functools
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import date, datetime
from typing import Any

from fitbitd.simulator.civil import civil_day, days_between
from fitbitd.simulator.life import account
from fitbitd.simulator.life.catalogue import CATALOGUES, entries
from fitbitd.simulator.life.daily import RULES as DAILY
from fitbitd.simulator.life.dense import DENSE, START, Told, tell
from fitbitd.simulator.life.exercises import day_of, exercises
from fitbitd.simulator.life.lived import Lived
from fitbitd.simulator.life.nights import sleeps
from fitbitd.simulator.life.ordered import applying, corrected, cut, deleted, rebucketed
from fitbitd.simulator.life.sparse import SPARSE, held, ordered
from fitbitd.simulator.life.tcx import tcx
from fitbitd.simulator.life.values import ms
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import Correction, Deletion
from fitbitd.simulator.wearer import Wearer

_CACHED_POINTS = 150_000
_CACHED_DAYS = 100
_DAY_MS = 86_400_000


class GoogleLife:
    """One wearer's life; answers are made when asked for, and days of dense types are kept."""

    def __init__(self, wearer: Wearer, *, cached_days: int = _CACHED_DAYS) -> None:
        """Begin with nothing told.

        Args:
            cached_days: how many days are kept as lived; each takes some 200 kB.
        """
        self.wearer = wearer
        self._days = _DayCache(_CACHED_POINTS)
        self._lives = functools.lru_cache(maxsize=cached_days)(
            functools.partial(Lived.with_watch, wearer)
        )

    # Points.

    def points(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        """Give what every source recorded in [start, end), as the provider holds it at `now`.

        Points are chosen and ordered by their start, sleep by its end; the oldest comes first.

        Raises:
            KeyError: there is no such type, or its points have dates (`dailies`).
        """
        if type_id in DENSE:
            return self._dense(type_id, start_ms, end_ms, now, every=True)
        return self._sparse(type_id, start_ms, end_ms, now)

    def merged(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        """Give one authoritative stream of [start, end); otherwise as `points`."""
        if type_id in DENSE:
            return self._dense(type_id, start_ms, end_ms, now, every=False)
        return self._sparse(type_id, start_ms, end_ms, now)

    def version(self, type_id: str, now: datetime) -> Callable[[int, int], Hashable] | None:
        """Give what is equal for two instants if the merged points of [start, end) are.

        Returns:
            None for types with few points, which are made faster than compared.
        """
        if type_id not in DENSE:
            return None
        uploaded = self.wearer.uploaded_at(now)
        known_ms = 0 if uploaded is None else ms(uploaded)
        brought_ms = self._brought_ms()
        given: list[Correction | Deletion] = [*self.wearer.deletions, *self.wearer.corrections]
        orders = [order for order in given if order.at <= now and order.type_id in {None, type_id}]

        def of(start_ms: int, end_ms: int) -> Hashable:
            made = [
                order for order in orders if ms(order.start) < end_ms and ms(order.end) > start_ms
            ]
            return min(known_ms, end_ms), brought_ms, *made

        return of

    def dailies(self, type_id: str, first: date, last: date, now: datetime) -> list[Point]:
        """Give the rows of a `daily-*` type from `first` to `last`, both included, oldest first.

        Raises:
            KeyError: there is no such type, or its points have instants.
        """
        if type_id not in DAILY:
            raise KeyError(type_id)
        until = min(last, self.wearer.today(now))
        days = days_between(max(first, self.wearer.member_since), until)
        rows = [point for day in days for point in held(type_id, self.lived(day), now)]
        return self._amended(type_id, rows, now)

    def tcx(self, point_id: str, partial: bool, now: datetime) -> str | None:  # noqa: FBT001 - the API's own parameter, passed on
        """Give the track of an exercise as TCX.

        Returns:
            None if the exercise is not there, or has no places and `partial` is not asked for.
        """
        day = day_of(point_id)
        if day is None or day < self.wearer.member_since:
            return None
        lived = self.lived(day)
        shown = {point.point_id for point in held("exercise", lived, now)}
        one = next((one for one in exercises(lived) if one.point_id == point_id), None)
        if one is None or point_id not in shown or not (one.gps or partial):
            return None
        return tcx(lived, one)

    def _sparse(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        if type_id in CATALOGUES:
            return entries(type_id, self.wearer)
        if type_id != "sleep" and type_id not in SPARSE:
            raise KeyError(type_id)
        days = self._days_about(start_ms, min(end_ms, ms(now)))
        if type_id == "sleep":
            found = [point for day in days for point in sleeps(self.lived(day), now)]
            inside = [point for point in found if start_ms <= point.end_ms < end_ms]
            return sorted(inside, key=lambda point: point.end_ms)
        found = [point for day in days for point in held(type_id, self.lived(day), now)]
        found += ordered(type_id, self.wearer, now)
        inside = [point for point in found if start_ms <= point.start_ms < end_ms]
        return sorted(self._amended(type_id, inside, now), key=START)

    def _amended(self, type_id: str, points: list[Point], now: datetime) -> list[Point]:
        """Apply deletions and corrections that name this type."""
        named = [order for order in self.wearer.deletions if order.type_id == type_id]
        points = deleted(type_id, points, named, now)
        return corrected(type_id, points, self.wearer.corrections, now)

    def _dense(
        self, type_id: str, start_ms: int, end_ms: int, now: datetime, *, every: bool
    ) -> list[Point]:
        known = self.wearer.uploaded_at(now)
        if known is None:
            return []
        orders = self.wearer
        blocks = applying(type_id, orders.rebucketings, start_ms, end_ms, now) if every else []
        low_ms = min(start_ms, *(ms(order.start) for order in blocks), start_ms)
        high_ms = min(max(end_ms, *(ms(order.end) for order in blocks), end_ms), ms(known))
        points: list[Point] = []
        for day in self._days_of(low_ms, high_ms):
            told = self._told(type_id, day)
            chosen = told.every if every else told.one
            first = bisect_left(chosen, low_ms, key=START)
            points += chosen[first : bisect_left(chosen, high_ms, key=START)]
        points = cut(type_id, points, ms(known))
        points = deleted(type_id, points, orders.deletions, now)
        points = corrected(type_id, points, orders.corrections, now)
        for order in blocks:
            points = rebucketed(type_id, points, order)
        if blocks:
            points = [point for point in points if start_ms <= point.start_ms < end_ms]
        return points

    def _told(self, type_id: str, day: date) -> Told:
        brought_ms, lived = self._brought_ms(), self.lived(day)
        key = (type_id, day, brought_ms, lived.off_s)
        told = self._days.get(key)
        if told is None:
            told = tell(type_id, lived, brought_ms)
            self._days.put(key, told)
        return told

    def _brought_ms(self) -> int | None:
        """Give the last that a dead watch brought; None for one that lives."""
        dead = self.wearer.watch_until
        brought = self.wearer.synced_at(dead) if dead is not None else None
        return None if dead is None else ms(brought) if brought is not None else 0

    def lived(self, day: date) -> Lived:
        """Give one day as it was lived."""
        return self._lives(day, self.wearer.off_s(day))

    def _days_of(self, start_ms: int, end_ms: int) -> list[date]:
        """List the days of the account that [start, end) touches, by the profile's zone."""
        if start_ms >= end_ms:
            return []
        zone = self.wearer.zone
        first = max(civil_day(start_ms // 1000, zone), self.wearer.member_since)
        return days_between(first, civil_day((end_ms - 1) // 1000, zone))

    def _days_about(self, start_ms: int, end_ms: int) -> list[date]:
        """List them with the day before and the day after."""
        return self._days_of(start_ms - _DAY_MS, end_ms + _DAY_MS)

    # The account.

    def settings(self, now: datetime) -> dict[str, Any]:
        """Give the content of `users.getSettings`."""
        return account.settings(self.wearer, now)

    def profile(self, now: datetime) -> dict[str, Any]:
        """Give the content of `users.getProfile`, with all that some scope may hide."""
        return account.profile(self.wearer, now)

    def identity(self, now: datetime) -> dict[str, Any]:
        """Give the content of `users.getIdentity`."""
        return account.identity(self.wearer, now)

    def irn_profile(self, now: datetime) -> dict[str, Any]:
        """Give the content of `users.getIrnProfile`."""
        return account.irn_profile(self.wearer, now)

    def paired_devices(self, now: datetime) -> dict[str, Any]:
        """Give the content of one page of `pairedDevices.list` with all devices; `{}` for none."""
        return account.paired_devices(self.wearer, now)

    # The calendar.

    def zone_at(self, at_ms: int) -> str:
        """Give the zone in which the wearer is at an instant."""
        return self.wearer.zone_at(at_ms / 1000)

    def civil_offset_s(self, at_ms: int) -> int:
        """Give the offset of the wearer's clock at an instant."""
        return self.wearer.offset_at(at_ms // 1000)


class _DayCache:
    """The days last told, up to so many points."""

    def __init__(self, most_points: int) -> None:
        self._most = most_points
        self._held = 0
        self._days: OrderedDict[tuple[Any, ...], Told] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> Told | None:
        told = self._days.get(key)
        if told is not None:
            self._days.move_to_end(key)
        return told

    def put(self, key: tuple[Any, ...], told: Told) -> None:
        self._days[key] = told
        self._held += len(told.every)
        while self._held > self._most and len(self._days) > 1:
            _, oldest = self._days.popitem(last=False)
            self._held -= len(oldest.every)
