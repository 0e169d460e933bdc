"""What the API says about the wearer, in the shapes that were recorded. Pure.

Values of series are strings. Rows of intraday data carry no date, and come in the order of the
instants: on the day on which clocks go back, the repeated hour is there twice.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from fitbitd.simulator.civil import (
    clock_time,
    day_bounds,
    naive_s,
    offset_s,
    wall,
)
from fitbitd.simulator.fitbit_bodies import (
    activity_entry,
    night_body,
    series_rows,
    weight_body,
)
from fitbitd.simulator.fitbit_life import FitbitLife
from fitbitd.simulator.paths import SUMMED, Asked
from fitbitd.simulator.settings import FitbitSettings
from fitbitd.simulator.sleep import SleepLog
from fitbitd.simulator.sleep_bodies import paged, sleep_day, sleep_entry, sleep_page
from fitbitd.simulator.wearer import WATCH_IDS, HeartZone, Wearer

Rows = list[tuple[int, int]]

_MINUTE_S = 60
_AVATAR = "https://static0.fitbit.com/images/profile/defaultProfile"


class Bodies:
    """Answers about one wearer, as of an instant; `base_url` is where a list's next page is."""

    def __init__(
        self,
        wearer: Wearer,
        settings: FitbitSettings,
        now: datetime,
        base_url: str,
        life: FitbitLife | None = None,
    ) -> None:
        self._wearer = wearer
        self._settings = settings
        self._now = now
        self._base_url = base_url
        self._life = life or FitbitLife(wearer)

    def of(self, asked: Asked) -> Any:
        """Say what was asked for.

        An account holds nothing before it began, and nothing after today.
        """
        answers: dict[str, Callable[[Asked], Any]] = {
            "profile": self._profile,
            "devices": self._devices,
            "series": lambda asked: {f"activities-{asked.resource}": self._series(asked)},
            "intraday": self._intraday,
            "sleep_day": lambda asked: sleep_day(self._logs(asked)),
            "sleep_range": lambda asked: {"sleep": [sleep_entry(log) for log in self._logs(asked)]},
            "sleep_list": self._sleep_list,
            "night": lambda asked: night_body(self._life, asked, self._now),
            "weight": self._weighings,
            "activity_list": self._activity_list,
        }
        return answers[asked.kind](asked)

    def _profile(self, _: Asked) -> dict[str, Any]:
        wearer = self._wearer
        offset = offset_s(wearer.zone, int(self._now.timestamp()))
        wrong = 0 if self._settings.true_offset else -7 * 3600
        return {
            "user": {
                "age": 38,
                "ambassador": False,
                "avatar": f"{_AVATAR}_100.png",
                "avatar150": f"{_AVATAR}_150.png",
                "avatar640": f"{_AVATAR}_640.png",
                "averageDailySteps": 9120,
                "clockTimeDisplayFormat": "24hour",
                "corporate": False,
                "corporateAdmin": False,
                "dateOfBirth": "1988-01-01",
                "displayName": "Sim W.",
                "displayNameSetting": "name",
                "distanceUnit": "METRIC",
                "encodedId": wearer.user_id,
                "features": {"exerciseGoal": True},
                "firstName": "Sim",
                "foodsLocale": "en_GB",
                "fullName": "Sim Wearer",
                "gender": "NA",
                "glucoseUnit": "METRIC",
                "height": 172.0,
                "heightUnit": "METRIC",
                "isChild": False,
                "isCoach": False,
                "lastName": "Wearer",
                "locale": "en_GB",
                "memberSince": wearer.member_since.isoformat(),
                "mfaEnabled": False,
                "offsetFromUTCMillis": (offset + wrong) * 1000,
                "startDayOfWeek": "MONDAY",
                "strideLengthRunning": 101.3,
                "strideLengthRunningType": "default",
                "strideLengthWalking": 71.4,
                "strideLengthWalkingType": "default",
                "swimUnit": "METRIC",
                "timezone": wearer.zone,
                "topBadges": [],
                "waterUnit": "METRIC",
                "waterUnitName": "ml",
                "weight": 68.5,
                "weightUnit": "METRIC",
            }
        }

    def _devices(self, _: Asked) -> list[dict[str, Any]]:
        synced = self._wearer.synced_at(self._now)
        if synced is None:
            return []
        day = self._wearer.today(synced)
        weighed_s = day_bounds(day, self._wearer.zone)[0] + 7 * 3600 + 11
        weighed_s -= 86_400 if weighed_s > synced.timestamp() else 0
        devices = [
            self._device(WATCH_IDS[turn], "TRACKER", "Charge 6", int(at.timestamp()))
            for turn, at in self._wearer.watches(self._now)
        ]
        if self._wearer.has_scale:
            devices.append(self._device("100000002", "SCALE", "Aria 2", weighed_s))
        return devices

    def _device(self, name: str, kind: str, version: str, synced_s: int) -> dict[str, Any]:
        synced = wall(synced_s, offset_s(self._wearer.zone, synced_s))
        return {
            "battery": "High",
            "batteryLevel": 65 + synced_s // 3600 % 30,
            "deviceVersion": version,
            "features": [],
            "id": name,
            "lastSyncTime": synced if self._settings.sync_millis else synced.partition(".")[0],
            "mac": "A1B2C3D4E5F6",
            "type": kind,
        }

    def _series(self, asked: Asked) -> list[dict[str, Any]]:
        if asked.resource in SUMMED:
            return series_rows(self._life, asked, self._now)
        rows: list[dict[str, Any]] = []
        for day in self._account_days(asked.first, asked.last):
            if asked.resource == "steps":
                total = str(self._wearer.day_steps(day, self._now))
                rows.append({"dateTime": day.isoformat(), "value": total})
            elif (heart := self._wearer.day_heart(day, self._now)) is not None:
                resting = {} if heart.resting is None else {"restingHeartRate": heart.resting}
                value = _zone_lists(heart.zones) | resting
                rows.append({"dateTime": day.isoformat(), "value": value})
        return rows

    def _intraday(self, asked: Asked) -> dict[str, Any]:
        seconds = asked.level == "1sec"
        every = 1 if seconds else int(asked.level.removesuffix("min"))
        if asked.resource == "steps":
            samples = self._windowed(asked, self._step_rows(asked))
            rows = samples if every == 1 else _sums(samples, every * _MINUTE_S)
        else:
            samples = self._windowed(asked, self._heart_rows(asked))
            rows = samples if seconds else _means(samples, every * _MINUTE_S)
        key = f"activities-{asked.resource}"
        daily = self._series(asked) if asked.window is None else self._window_values(asked, samples)
        return {
            key: daily,
            f"{key}-intraday": {
                "dataset": [
                    {"time": clock_time(at_s, self._offset(at_s)), "value": value}
                    for at_s, value in rows
                ],
                "datasetInterval": every,
                "datasetType": "second" if seconds else "minute",
            },
        }

    def _heart_rows(self, asked: Asked) -> Rows:
        return self._wearer.heart(*self._bounds(asked), self._now)

    def _step_rows(self, asked: Asked) -> Rows:
        """Give the known minutes and, if so set, zeros to the end of each day up to today."""
        start_s, end_s = self._bounds(asked)
        rows = self._wearer.steps(start_s, end_s, self._now)
        days = self._account_days(asked.first, asked.last)
        if self._settings.zero_fill and days:
            known_s = rows[-1][0] + _MINUTE_S if rows else day_bounds(days[0], self._wearer.zone)[0]
            last_s = day_bounds(days[-1], self._wearer.zone)[1]
            rows.extend((at_s, 0) for at_s in range(known_s, last_s, _MINUTE_S))
        return rows

    def _windowed(self, asked: Asked, rows: Rows) -> Rows:
        """Keep the rows whose wall clock is inside the window; its last minute is a setting."""
        if asked.window is None:
            return rows
        low = naive_s(asked.first, asked.window[0])
        high = naive_s(asked.last, asked.window[1])
        high += {"whole": _MINUTE_S, "first_second": 1, "excluded": 0}[self._settings.end_minute]
        return [row for row in rows if low <= row[0] + self._offset(row[0]) < high]

    def _window_values(self, asked: Asked, samples: Rows) -> list[dict[str, Any]]:
        """Give the daily block of a `/time/` window: one decimal string, the zones a level up."""
        if not samples:
            return []
        day, values = asked.first.isoformat(), [value for _, value in samples]
        if asked.resource == "steps":
            return [{"dateTime": day, "value": str(sum(values))}]
        first_s, last_s = samples[0][0], samples[-1][0] + 1
        zones = self._wearer.heart_zones(first_s - first_s % _MINUTE_S, last_s, self._now)
        mean = f"{sum(values) / len(values):.2f}"
        return [{"dateTime": day, "value": mean, **_zone_lists(zones)}]

    def _logs(self, asked: Asked) -> list[SleepLog]:
        return self._wearer.sleeps(asked.first, asked.last, self._now)

    def _sleep_list(self, asked: Asked) -> dict[str, Any]:
        logs = self._wearer.sleeps(self._wearer.member_since, date.max, self._now)
        return sleep_page(logs, dict(asked.params), self._base_url, self._settings.list_page)

    def _weighings(self, asked: Asked) -> dict[str, Any]:
        weighings = self._life.weighings(asked.first, asked.last, self._now)
        return weight_body(self._life, weighings)

    def _activity_list(self, asked: Asked) -> dict[str, Any]:
        """Give a page of the activity log list, which is ordered by the clock of each entry."""
        params = dict(asked.params)
        named = datetime.fromisoformat(next(iter(params.values()))).date()
        first = named - timedelta(days=1) if "afterDate" in params else self._wearer.member_since
        starts = sorted(
            (
                (one.start_ms // 1000 + one.start_offset_s, one)
                for one in self._life.exercises(first, self._now)
            ),
            key=itemgetter(0),
        )
        url = f"{self._base_url}/1/user/-/activities/list.json"
        page, about = paged(starts, params, url, self._settings.list_page)
        return {"activities": [activity_entry(one) for one in page], "pagination": about}

    def _bounds(self, asked: Asked) -> tuple[int, int]:
        zone = self._wearer.zone
        return day_bounds(asked.first, zone)[0], day_bounds(asked.last, zone)[1]

    def _account_days(self, first: date, last: date) -> list[date]:
        return self._life.account_days(first, last, self._now)

    def _offset(self, at_s: int) -> int:
        return offset_s(self._wearer.zone, at_s)


def _zone_lists(zones: Iterable[HeartZone]) -> dict[str, Any]:
    entries = []
    for zone in zones:
        entry: dict[str, Any] = {"max": zone.high, "min": zone.low, "name": zone.name}
        if zone.minutes is not None:
            entry |= {"caloriesOut": zone.calories or 0, "minutes": zone.minutes}
        entries.append(entry)
    return {"customHeartRateZones": [], "heartRateZones": entries}


def _buckets(samples: Rows, every_s: int) -> list[tuple[int, list[int]]]:
    buckets: dict[int, list[int]] = {}
    for at_s, value in samples:
        buckets.setdefault(at_s - at_s % every_s, []).append(value)
    return list(buckets.items())


def _sums(samples: Rows, every_s: int) -> Rows:
    return [(at_s, sum(values)) for at_s, values in _buckets(samples, every_s)]


def _means(samples: Rows, every_s: int) -> Rows:
    return [(at_s, round(sum(v) / len(v))) for at_s, v in _buckets(samples, every_s)]
