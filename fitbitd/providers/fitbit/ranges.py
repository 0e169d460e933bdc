"""The daily values and nights of which one request covers a month or years, as data.

Where Google has the same quantity it has Google's name and unit here, so that an account that
continues this one shows one series; where it has not, the name is another one.

Source: dev.fitbit.com, Web API reference: Activity Time Series, Active Zone Minutes, Heart Rate
Variability, SpO2, Breathing Rate, Temperature, each "by Interval" or "by Date Range" (read
2026-11-22).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Field, Kind
from fitbitd.providers.fitbit.entry import Entry, Value

_DAY = timedelta(days=1)
_MONTH = 30  # as documented; the examples span 31 dates
_LONGEST = 1095
_IN_ONE = 28 * _DAY  # read again as far as one request of a month reaches, with a day to spare

_LOOK = timedelta(hours=3)
"""Not at every sync: twenty data types would spend the quota of 150 requests an hour on values that
change once a day, or that steps and heart rate show by the minute."""

_ACTIVITY = ("activity", "activity")
_HEART = ("heart", "heartrate")
_OXYGEN = ("sleep", "oxygen_saturation")
_BREATH = ("sleep", "respiratory_rate")
_WARMTH = ("sleep", "temperature")
"""Group and scope of what is measured."""

_SUMMED = "computed by Fitbit; 0 also for a day without data"
_BURNED = "computed by Fitbit; the basal rate also for a day without data"
_ZONES = "computed by Fitbit; absent for a day without any"
_NIGHT = "computed by Fitbit from the main sleep"


def _daily(
    name: str, title: str, topic: tuple[str, str], path: str, values: tuple[Value, ...]
) -> Entry:
    """Make the entry of values by date, of which a request covers a month."""
    return Entry(
        DataType(
            name=DataTypeName(name),
            title=title,
            kind=Kind.DAILY,
            group=topic[0],
            scope=topic[1],
            axis=Axis.DATE,
            longest=_MONTH * _DAY,
            reread=_IN_ONE,
            cadence=Cadence.OWN,
            every=_LOOK,
            late=True,
            fields=tuple(value.field for value in values),
            source=_NIGHT,
            grain="one value of each field per day" if len(values) > 1 else "one value per day",
        ),
        path=f"/1/user/-/{path}.json",
        values=values,
    )


def _longer(entry: Entry, days: int) -> Entry:
    """Give an entry of which a request covers more than a month."""
    data_type = replace(entry.data_type, longest=days * _DAY, reread=_MONTH * _DAY)
    return replace(entry, data_type=data_type)


def _series(name: str, title: str, resource: str, source: str, *values: Value) -> Entry:
    """Make the entry of a time series of activity."""
    path = f"activities/{resource}/date/{{start}}/{{end}}"
    made = _daily(name, title, _ACTIVITY, path, values)
    data_type = replace(made.data_type, source=source)
    made = replace(made, data_type=data_type, container=(f"activities-{resource}",))
    return made if resource == "activityCalories" else _longer(made, _LONGEST)


def _one(name: str, unit: str, meaning: str, scale: float = 1) -> Value:
    """Make the value of a series that has only one: not a member, but a string."""
    return Value((), Field(name, unit, meaning), scale)


def _activity() -> Iterator[Entry]:
    steps = _series(
        "daily_steps", "Steps of the day", "steps", _SUMMED,
        _one("steps", "steps", "the day's total, steps typed in included"),
    )  # fmt: skip
    # The one series that is read at each sync: people look at it all day.
    at_syncs = replace(steps.data_type, cadence=Cadence.WATCH, every=2 * _LOOK)
    yield replace(steps, data_type=at_syncs)
    yield _series(
        "daily_total_calories", "Energy of the day", "calories", _BURNED,
        _one("total_calories", "kcal", "energy burned, with basal"),
    )  # fmt: skip
    yield _series(
        "daily_basal_energy_burned", "Basal energy of the day", "caloriesBMR", _BURNED,
        _one("basal_energy_burned", "kcal", "energy burned at rest"),
    )  # fmt: skip
    yield _series(
        "daily_activity_calories", "Energy of active time", "activityCalories", _SUMMED,
        _one("activity_calories", "kcal", "energy burned while active, with basal"),
    )  # fmt: skip
    yield _series(
        "daily_distance", "Distance of the day", "distance", _SUMMED,
        _one("distance", "mm", "distance moved", 1e6),  # kilometres
    )  # fmt: skip
    yield _series(
        "daily_elevation", "Height climbed in the day", "elevation", _SUMMED,
        _one("elevation", "m", "height climbed, by floors"),
    )  # fmt: skip
    yield _series(
        "daily_floors", "Floors of the day", "floors", _SUMMED,
        _one("floors", "floors", "floors climbed"),
    )  # fmt: skip
    for level, source in (
        ("Sedentary", "computed by Fitbit; all of a day without data"),
        ("Lightly Active", _SUMMED),
        ("Fairly Active", _SUMMED),
        ("Very Active", _SUMMED),
    ):
        name, resource = level.lower().replace(" ", "_"), f"minutes{level.replace(' ', '')}"
        at_level = _one(name, "s", "time at the level", 60)  # minutes
        title = f"Time {level.lower()} in the day"
        yield _series(f"daily_{name}", title, resource, source, at_level)
    twice = "active zone minutes; cardio and peak count 2"
    yield _series(
        "daily_active_zone_minutes", "Active zone minutes of the day", "active-zone-minutes",
        _ZONES,
        Value(("activeZoneMinutes",), Field("active_zone_minutes", "min", "those of all zones")),
        Value(("fatBurnActiveZoneMinutes",), Field("fat_burn", "min", twice)),
        Value(("cardioActiveZoneMinutes",), Field("cardio", "min", twice)),
        Value(("peakActiveZoneMinutes",), Field("peak", "min", twice)),
    )  # fmt: skip


def _nightly(name: str, title: str, topic: tuple[str, str], path: str, *values: Value) -> Entry:
    """Make the entry of values of a night, under the date on which it ended."""
    resource = path.partition("/date")[0]
    container = {"hrv": ("hrv",), "br": ("br",), "temp/skin": ("tempSkin",)}.get(resource, ())
    made = _daily(name, title, topic, path, values)
    return replace(made, container=container, bare=not container)


def _by_minutes(entry: Entry, grain: str) -> Entry:
    """Give the entry of a night's values as one of readings within it.

    Rows lie under the date on which the night ended, and their clock may show the evening before.
    The days of the ledger are those of the readings, so a request asks for one date more.
    """
    data_type = replace(
        entry.data_type,
        kind=Kind.READINGS,
        axis=Axis.CIVIL,
        longest=(_MONTH - 1) * _DAY,
        reread=8 * _DAY,
        wall_clock=True,
        source="worn tracker or watch, in the main sleep",
        grain=grain,
    )
    return replace(entry, data_type=data_type, next_date=True)


def _breaths(*path: str, name: str = "respiratory_rate") -> Value:
    field = Field(name, "1/min", "breaths per minute in sleep")
    return Value((*path, "breathingRate"), field, nothing=-1)


def _nights() -> Iterator[Entry]:
    dates = "date/{start}/{end}"
    yield _nightly(
        "daily_heart_rate_variability", "Heart rate variability of the night", _HEART,
        f"hrv/{dates}",
        Value(("dailyRmssd",), Field("rmssd", "ms", "mean of the night")),
        Value(("deepRmssd",), Field("deep_rmssd", "ms", "mean of deep sleep")),
    )  # fmt: skip
    variability = _nightly(
        "heart_rate_variability", "Heart rate variability", _HEART, f"hrv/{dates}/all",
        Value(("rmssd",), Field("rmssd", "ms", "root mean square of successive differences")),
        Value(("coverage",), Field("coverage", "", "share of the 5 min that was good enough")),
        Value(("hf",), Field("high_frequency_power", "ms2", "fast variation")),
        Value(("lf",), Field("low_frequency_power", "ms2", "slow variation")),
    )  # fmt: skip
    yield _by_minutes(variability, "one value of each field every 5 min of sleep")
    of_night = _nightly(
        "daily_oxygen_saturation", "Oxygen saturation of the night", _OXYGEN, f"spo2/{dates}",
        Value(("avg",), Field("oxygen_saturation_mean", "%", "mean of the night")),
        Value(("min",), Field("oxygen_saturation_min", "%", "lowest of the night")),
        Value(("max",), Field("oxygen_saturation_max", "%", "highest of the night")),
    )  # fmt: skip
    yield _longer(of_night, 365)  # no limit is documented, and years were answered
    oxygen = _nightly(
        "oxygen_saturation", "Oxygen saturation", _OXYGEN, f"spo2/{dates}/all",
        _one("oxygen_saturation", "%", "oxygen saturation of the blood"),
    )  # fmt: skip
    yield _by_minutes(oxygen, "one value per minute of sleep, a mean of five")
    yield _nightly(
        "daily_respiratory_rate", "Breathing rate of the night", _BREATH, f"br/{dates}",
        _breaths(),
    )  # fmt: skip
    yield _nightly(
        "daily_respiratory_rate_by_stage", "Breathing rate by sleep stage", _BREATH,
        f"br/{dates}/all",
        *(_breaths(f"{stage}SleepSummary", name=f"{stage}.respiratory_rate")
          for stage in ("deep", "light", "rem", "full")),
    )  # fmt: skip
    warmer = Field("nightly_relative", "Cel", "skin, how much warmer than in the nights before")
    skin = _nightly(
        "daily_skin_temperature", "Skin temperature of the night", _WARMTH,
        f"temp/skin/{dates}",
        Value(("nightlyRelative",), warmer),
    )  # fmt: skip
    yield replace(skin, source="logType")


RANGES = (*_activity(), *_nights())
