"""A synthetic wearer from a seed: what happened, and what of it the provider has been told.

Everything is made when it is asked for, from the seed and the date alone: a history of years costs
nothing to start with, and two wearers of one seed lived the same life.

Nothing recorded after the last sync at or before `now` is visible, and of the minute in which that
sync fell only its first part is. Where wall-clock times happen twice (autumn), rows come in the
order of the instants: the repeated hour is listed twice, one after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from fitbitd.simulator import days
from fitbitd.simulator.civil import civil_day, day_bounds, days_between, offset_s
from fitbitd.simulator.orders import Orders, SleepChange
from fitbitd.simulator.sleep import SleepLog, logs_of, trimmed
from fitbitd.simulator.syncs import ListedSyncs, RegularSyncs, SyncPlan

Truth = dict[str, list[tuple[Any, ...]]]

WATCH_IDS = ("100000003", "100000004")
"""The wearer's watch, and the one that replaces it, as the legacy provider calls them."""

_SECOND = timedelta(seconds=1)
_MINUTE_S, _HOUR_S = 60, 3_600


def hours(*which: int) -> frozenset[int]:
    """Give the minutes of some hours of a day, for `Wearer.worn_minutes`."""
    return frozenset(60 * hour + minute for hour in which for minute in range(60))


@dataclass(frozen=True, slots=True)
class HeartZone:
    """Time and energy in one heart-rate zone; None where the watch brought nothing that day."""

    name: str
    low: int
    high: int
    minutes: int | None = None
    calories: float | None = None

    @property
    def key(self) -> str:
        """Give the name as rows of the truth have it."""
        return self.name.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class DayHeart:
    """The daily heart-rate values of one civil day."""

    zones: tuple[HeartZone, ...]
    resting: int | None


@dataclass(kw_only=True)
class Wearer(Orders):
    """One person with a watch, and what was ordered to happen to them.

    Attributes:
        zone: the zone of the profile (IANA), by which civil days are counted.
        member_since: the day on which the account began; there is nothing before it.
        syncs: when the watch meets its phone, and the phone uploads what it knows.
        publish_after: how long after the sync that brought it a sleep log appears.
        publish_late: the same for single nights, by their date.
        days_off: days on which the watch stayed in a drawer.
        has_scale: the account also has a scale, which is not a watch.
        has_watch: False for an account that knows only the phone and what is typed.
        watch_until: the instant at which the watch died; the phone's uploads go on.
        replaced_at: the instant from which another watch syncs; what the first one had not synced
            by then is lost.
        old_watch_stays: the devices go on naming the first one, with its last sync.
        worn_minutes: minutes of the day, from its first, in which the watch is on the wrist; nights
            are told all the same. Few of them make a long life cheap.
        enough_for_resting: minutes of a day in which it must have been on the wrist before the
            provider names a resting heart rate.
        intervals_s: how far apart samples of the heart are, each as likely as the next.
        sleep_samples_apart: how many times further apart than usual samples in sleep are.
        processed_after: how long after its appearance a night gets its stages (Google).
        daily_after: how long after the sync that brought the end of a day or night its daily values
            appear (Google).
        daily_late: the same for single days.
    """

    seed: int = 1
    user_id: str = "SIM001"
    zone: str = "Europe/Berlin"
    member_since: date = date(2026, 1, 1)
    syncs: SyncPlan = field(default_factory=RegularSyncs)
    publish_after: timedelta = timedelta()
    publish_late: Mapping[date, timedelta] = field(default_factory=dict)
    days_off: frozenset[date] = frozenset()
    has_scale: bool = False
    has_watch: bool = True
    watch_until: datetime | None = None
    replaced_at: datetime | None = None
    old_watch_stays: bool = False
    worn_minutes: frozenset[int] = frozenset(range(26 * 60))
    enough_for_resting: int = 180
    intervals_s: tuple[int, ...] = days.INTERVALS_S
    sleep_samples_apart: int = 1
    processed_after: timedelta = timedelta(minutes=20)
    daily_after: timedelta = timedelta(hours=1)
    daily_late: Mapping[date, timedelta] = field(default_factory=dict)
    _by_hand: ListedSyncs = field(default_factory=ListedSyncs, init=False)

    # What can be ordered.

    def sync(self, at: datetime) -> None:
        """Let the watch sync at `at`, whatever the plan says."""
        self._by_hand.add(at)

    # What the provider knows.

    def uploaded_at(self, now: datetime) -> datetime | None:
        """Give the phone's last upload at or before `now`, None before the first."""
        done = [sync for plan in (self.syncs, self._by_hand) if (sync := plan.last(now))]
        newest = max(done, default=None)
        began_s, _ = day_bounds(self.member_since, self.zone)
        return newest if newest is not None and newest.timestamp() >= began_s else None

    def synced_at(self, now: datetime) -> datetime | None:
        """Give the watch's last sync at or before `now`, None before the first."""
        if not self.has_watch:
            return None
        return self.uploaded_at(min(now, self.watch_until) if self.watch_until else now)

    def watches(self, now: datetime) -> list[tuple[int, datetime]]:
        """List the watches, 0 for the first and 1 for its successor, each with its last sync."""
        synced = self.synced_at(now)
        if synced is None:
            return []
        if self.replaced_at is None or now < self.replaced_at:
            return [(0, synced)]
        last = self._last_of_first()
        listed = [(0, last)] if last is not None and self.old_watch_stays else []
        return [*listed, (1, synced)] if synced >= self.replaced_at else listed

    def off_s(self, day: date) -> tuple[days.Span, ...]:
        """Give when on `day` nothing was recorded, or what was is lost for good."""
        bounds = day_bounds(day, self.zone)
        off = _off_the_wrist(*bounds, self.worn_minutes)
        return off if self.keeps(*bounds) else (*off, self._lost_s())

    def keeps(self, start_s: int, end_s: int) -> bool:
        """Say whether nothing of [start, end) went with a watch that was replaced."""
        if self.replaced_at is None:
            return True
        lost_s, until_s = self._lost_s()
        return end_s <= lost_s or until_s <= start_s

    def brought_at(self, ready: datetime) -> datetime | None:
        """Give the first sync of the watch at or after `ready`, None if it never comes."""
        syncs = [sync for plan in (self.syncs, self._by_hand) if (sync := plan.first(ready))]
        first = min(syncs, default=None)
        dead = first is not None and self.watch_until is not None and first > self.watch_until
        return first if self.has_watch and not dead else None

    def zone_at(self, at_s: float) -> str:
        """Give the zone in which the wearer is at an instant."""
        for trip in self.trips:
            if trip.start.timestamp() <= at_s < trip.end.timestamp():
                return trip.zone
        return self.zone

    def offset_at(self, at_s: int) -> int:
        """Give the offset of the wearer's clock from UTC at an instant, in seconds."""
        return offset_s(self.zone_at(at_s), at_s)

    def wears(self, day: date) -> bool:
        """Say whether the watch was taken out of its drawer on `day`."""
        return day not in self.days_off

    def today(self, now: datetime) -> date:
        """Give the wearer's date at `now`."""
        return civil_day(now.timestamp(), self.zone)

    def heart(self, start_s: int, end_s: int, now: datetime) -> list[tuple[int, int]]:
        """Give the heart-rate samples of [start, end) that are known at `now`."""
        known_s = min(end_s, self._known_until(now))
        return [
            sample
            for day in self._days(start_s, known_s)
            for sample in days.beats_of(
                self.seed,
                day,
                self.zone,
                worn=self.wears(day),
                off_s=self.off_s(day),
                intervals_s=self.intervals_s,
            ).between(start_s, known_s)
        ]

    def steps(self, start_s: int, end_s: int, now: datetime) -> list[tuple[int, int]]:
        """Give the steps of each minute begun in [start, end) that is known, zeros included."""
        known_s = min(end_s, self._known_until(now))
        rows: list[tuple[int, int]] = []
        for day in self._days(start_s, known_s):
            minutes = self._minutes(day)
            first, last = minutes.until(start_s), minutes.until(known_s)
            at = range(minutes.start_s + 60 * first, minutes.start_s + 60 * last, _MINUTE_S)
            rows.extend(zip(at, minutes.steps[first:last], strict=True))
        if rows:
            at_s, count = rows[-1]
            rows[-1] = (at_s, self._seen(count, at_s, now))
        return rows

    def day_steps(self, day: date, now: datetime) -> int:
        """Sum the steps of `day` that are known at `now`."""
        if day < self.member_since:
            return 0
        minutes = self._minutes(day)
        known = minutes.steps[: minutes.until(self._known_until(now))]
        if not known:
            return 0
        last_s = minutes.start_s + _MINUTE_S * (len(known) - 1)
        return sum(known[:-1]) + self._seen(known[-1], last_s, now)

    def heart_zones(self, start_s: int, end_s: int, now: datetime) -> tuple[HeartZone, ...]:
        """Give minutes and energy in each zone within [start, end); bare if nothing is known."""
        known_s = min(end_s, self._known_until(now))
        bpm = b"".join(
            minutes.bpm[minutes.until(start_s) : minutes.until(known_s)]
            for minutes in map(self._minutes, self._days(start_s, known_s))
        )
        if not any(bpm):
            return tuple(HeartZone(name, low, high) for name, low, high, _ in days.ZONES)
        return tuple(
            HeartZone(name, low, high, minutes, round(minutes * rate, 5))
            for (name, low, high, rate), minutes in zip(
                days.ZONES, days.zone_minutes(bpm), strict=True
            )
        )

    def day_heart(self, day: date, now: datetime) -> DayHeart | None:
        """Give the daily heart-rate values of `day`; None after the last sync's day.

        The resting heart rate of a day that is not over moves from sync to sync.
        """
        synced = self.synced_at(now)
        if synced is None or not self.member_since <= day <= self.today(synced):
            return None
        start_s, end_s = day_bounds(day, self.zone)
        zones = self.heart_zones(start_s, end_s, now)
        worn = sum(zone.minutes or 0 for zone in zones)
        final = days.resting(self.seed, day) if worn >= self.enough_for_resting else None
        left_s = max(0, end_s - int(synced.timestamp()))
        return DayHeart(zones, None if final is None else final + -(-left_s // (6 * 3600)))

    def sleeps(self, first: date, last: date, now: datetime) -> list[SleepLog]:
        """Give the sleep logs dated `first` to `last` that are published at `now`, newest first."""
        logs = [
            log
            for day in days_between(max(first, self.member_since), min(last, self.today(now)))
            for log in self.recorded(day)
            if self._published(log, now)
        ]
        for change in self.sleep_changes:
            logs = list(_changed(logs, change)) if change.at <= now else logs
        return sorted(logs, key=lambda log: log.start_s, reverse=True)

    def recorded(self, day: date) -> list[SleepLog]:
        """Give the sleep that ends on `day` as the watch recorded it; none if it was not worn."""
        if not self.has_watch or not self.wears(day):
            return []
        began_s, _ = day_bounds(self.member_since, self.zone)
        return [
            log
            for log in logs_of(self.seed, day, self.zone)
            if log.start_s >= began_s and self.keeps(log.start_s, log.end_s)
        ]

    # What a test compares.

    def truth(self, now: datetime, first: date | None = None, last: date | None = None) -> Truth:
        """Give all that the provider has published at `now`, as rows, oldest first.

        Args:
            now: aware; what is published later is not in it.
            first: the first civil day, or None for the day on which the account began.
            last: the last civil day, or None for the day of the last sync.

        Returns:
            `heart_rate`: Unix seconds, beats a minute. `steps`: Unix seconds at which the minute
            begins, steps; every minute begun before the last sync, zeros included. `daily_steps`:
            date, steps, to the day of the last sync. `daily_heart_rate`: date, field, value, with
            the fields `resting_heart_rate` and, per zone, `<zone>.minutes`, `<zone>.calories`,
            `<zone>.min`, `<zone>.max`, as far as they were served. `sleep`: log id, date, start and
            end in Unix seconds, type, minutes asleep, and the stages as a tuple of (`stage` or
            `short`, level, start in Unix seconds, seconds). `profile`: zone, first day.
            `devices`: id and last sync in Unix seconds of each watch there ever was.
        """
        rows: Truth = {
            name: [] for name in ("heart_rate", "steps", "daily_steps", "daily_heart_rate", "sleep")
        }
        rows["profile"] = [(self.zone, self.member_since)]
        rows["devices"] = []
        synced = self.synced_at(now)
        if synced is None:
            return rows
        before = [] if self.replaced_at is None else [(0, self._last_of_first())]
        rows["devices"] = sorted(
            {
                (WATCH_IDS[turn], int(at.timestamp()))
                for turn, at in (*before, *self.watches(now))
                if at is not None and at <= now
            }
        )
        begin = max(first or self.member_since, self.member_since)
        end = min(last or self.today(synced), self.today(synced))
        for day in days_between(begin, end):
            bounds = day_bounds(day, self.zone)
            rows["heart_rate"] += self.heart(*bounds, now)
            rows["steps"] += self.steps(*bounds, now)
            rows["daily_steps"].append((day, self.day_steps(day, now)))
            rows["daily_heart_rate"] += _heart_rows(day, self.day_heart(day, now))
            logs = self.sleeps(day, day, now)
            rows["sleep"] += [_sleep_row(log) for log in reversed(logs)]
        return rows

    def _last_of_first(self) -> datetime | None:
        """Give the last sync of the watch that was replaced."""
        return self.replaced_at and self.uploaded_at(self.replaced_at - _SECOND)

    def _lost_s(self) -> days.Span:
        """Give the whole minutes that the first watch took along; none is an empty span."""
        if self.replaced_at is None:
            return 0, 0
        last = self._last_of_first()
        lost_s = 0 if last is None else -(-int(last.timestamp()) // _MINUTE_S) * _MINUTE_S
        return lost_s, -(-int(self.replaced_at.timestamp()) // _MINUTE_S) * _MINUTE_S

    def _known_until(self, now: datetime) -> int:
        synced = self.synced_at(now)
        return int(synced.timestamp()) if synced is not None else 0

    def _seen(self, count: int, at_s: int, now: datetime) -> int:
        """Give what is known of the steps of a minute, which the last sync may have cut."""
        return count * min(self._known_until(now) - at_s, _MINUTE_S) // _MINUTE_S

    def _days(self, start_s: int, end_s: int) -> list[date]:
        """List the days of the account that [start, end) touches."""
        if start_s >= end_s:
            return []
        first = max(civil_day(start_s, self.zone), self.member_since)
        return days_between(first, civil_day(end_s - 1, self.zone))

    def _minutes(self, day: date) -> days.Minutes:
        worn, off_s = self.wears(day), self.off_s(day)
        return days.minutes_of(self.seed, day, self.zone, worn=worn, off_s=off_s)

    def _published(self, log: SleepLog, now: datetime) -> bool:
        brought = self.brought_at(datetime.fromtimestamp(log.end_s, now.tzinfo))
        wait = self.publish_late.get(log.day, self.publish_after)
        return brought is not None and brought + wait <= now


@lru_cache(maxsize=1024)
def _off_the_wrist(start_s: int, end_s: int, worn: frozenset[int]) -> tuple[days.Span, ...]:
    minutes = groupby(range((end_s - start_s) // _MINUTE_S), key=worn.__contains__)
    spans = [[*span] for is_worn, span in minutes if not is_worn]
    return tuple(
        (start_s + _MINUTE_S * span[0], start_s + _MINUTE_S * (span[-1] + 1)) for span in spans
    )


def _changed(logs: list[SleepLog], change: SleepChange) -> Iterator[SleepLog]:
    for log in logs:
        if log.log_id != change.log_id:
            yield log
        elif change.cut_minutes is not None:
            yield trimmed(log, change.cut_minutes, log.log_id + 1)


def _heart_rows(day: date, heart: DayHeart | None) -> Iterator[tuple[date, str, int | float]]:
    if heart is None:
        return
    if heart.resting is not None:
        yield day, "resting_heart_rate", heart.resting
    for zone in heart.zones:
        yield day, f"{zone.key}.min", zone.low
        yield day, f"{zone.key}.max", zone.high
        if zone.minutes is not None and zone.calories is not None:
            yield day, f"{zone.key}.minutes", zone.minutes
            yield day, f"{zone.key}.calories", zone.calories


def _sleep_row(log: SleepLog) -> tuple[Any, ...]:
    stages = tuple(("stage", *stretch) for stretch in log.stages)
    short = tuple(("short", *stretch) for stretch in log.short)
    times = (log.log_id, log.day, log.start_s, log.end_s)
    return (*times, log.kind, log.minutes_asleep, stages + short)
