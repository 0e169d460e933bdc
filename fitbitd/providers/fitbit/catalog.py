"""The data types of the legacy Fitbit Web API, as data: adding one is an entry and a parser.

Source: dev.fitbit.com, Web API reference, the pages named at each entry (read 2026-11-22).
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Field, Kind
from fitbitd.providers.fitbit.entry import Entry
from fitbitd.providers.fitbit.logged import EXERCISE, WEIGHT
from fitbitd.providers.fitbit.ranges import RANGES

_DAY = timedelta(days=1)
_LOOK = timedelta(hours=6)  # a watch type is asked this often even without a sync
_WATCH = "worn tracker or watch, once synced"


PROFILE = Entry(  # User, "Get Profile"
    DataType(
        name=DataTypeName("profile"),
        title="Profile",
        kind=Kind.SNAPSHOT,
        group="account",
        scope="profile",
        axis=None,
        longest=_DAY,
        reread=_DAY,
        cadence=Cadence.WATCH,  # a trip shows with a sync, and its zone decides what a day is
        every=_DAY,
        needed=True,
        source="the wearer's settings",
        grain="as it stood when asked",
    ),
    path="/1/user/-/profile.json",
    container=("user",),
    one=True,
)

DEVICES = Entry(  # Devices, "Get Devices"
    DataType(
        name=DataTypeName("devices"),
        title="Devices",
        kind=Kind.SNAPSHOT,
        group="account",
        scope="settings",
        axis=None,
        longest=_DAY,
        reread=_DAY,
        cadence=Cadence.OWN,
        every=timedelta(0),  # every pass begins with it
        watches=True,
        needed=True,
        source="the devices paired with the account",
        grain="as they stood when asked",
    ),
    path="/1/user/-/devices.json",
)

HEART_RATE = Entry(  # Intraday, "Get Heart Rate Intraday by Date"
    DataType(
        name=DataTypeName("heart_rate"),
        title="Heart rate",
        kind=Kind.READINGS,
        group="heart",
        scope="heartrate",
        axis=Axis.CIVIL,
        longest=_DAY,
        reread=8 * _DAY,
        cadence=Cadence.WATCH,
        every=_LOOK,
        dense=True,
        wall_clock=True,
        fields=(Field("heart_rate", "bpm", "beats per minute"),),
        source=_WATCH,
        grain="one value every 1 to 15 s while worn",
    ),
    path="/1/user/-/activities/heart/date/{start}/1d/1sec.json",
    tail_path="/1/user/-/activities/heart/date/{start}/1d/1sec/time/{from_time}/{to_time}.json",
    container=("activities-heart-intraday", "dataset"),
    daily="activities-heart",
)

STEPS = Entry(  # Intraday, "Get Activity Intraday by Date"
    DataType(
        name=DataTypeName("steps"),
        title="Steps",
        kind=Kind.READINGS,
        group="activity",
        scope="activity",
        axis=Axis.CIVIL,
        longest=_DAY,
        reread=8 * _DAY,
        cadence=Cadence.WATCH,
        every=_LOOK,
        dense=True,
        wall_clock=True,
        fields=(Field("steps", "steps", "steps taken in the minute"),),
        source=_WATCH,
        grain="one value per minute, zeros included",
    ),
    path="/1/user/-/activities/steps/date/{start}/1d/1min.json",
    tail_path="/1/user/-/activities/steps/date/{start}/1d/1min/time/{from_time}/{to_time}.json",
    container=("activities-steps-intraday", "dataset"),
    daily="activities-steps",
)

ZONES = ("out_of_range", "fat_burn", "cardio", "peak")
"""Fitbit's own heart rate zones; a custom zone is `custom.<its name>`."""

DAILY_HEART_RATE = Entry(  # Heart Rate Time Series, "by Date Range"
    DataType(
        name=DataTypeName("daily_heart_rate"),
        title="Resting heart rate and zones",
        kind=Kind.DAILY,
        group="heart",
        scope="heartrate",
        axis=Axis.DATE,
        longest=365 * _DAY,
        reread=30 * _DAY,
        cadence=Cadence.WATCH,
        every=_LOOK,
        late=True,
        fields=(
            Field("resting_heart_rate", "bpm", "Fitbit's estimate for the day"),
            *(
                field
                for zone in ZONES
                for field in (
                    Field(f"{zone}.minutes", "min", "time in the zone"),
                    Field(f"{zone}.calories", "kcal", "energy burned in the zone"),
                    Field(f"{zone}.min", "bpm", "where the zone begins"),
                    Field(f"{zone}.max", "bpm", "where the zone ends"),
                )
            ),
        ),
        source="computed by Fitbit from the heart rate",
        grain="one value of each field per day; custom zones under their own names",
    ),
    path="/1/user/-/activities/heart/date/{start}/{end}.json",
    container=("activities-heart",),
)

SLEEP = Entry(  # Sleep, version 1.2, "Get Sleep Log by Date Range"
    DataType(
        name=DataTypeName("sleep"),
        title="Sleep",
        kind=Kind.SESSIONS,
        group="sleep",
        scope="sleep",
        axis=Axis.DATE,  # the member compared is dateOfSleep, the day a log ends
        longest=100 * _DAY,
        reread=8 * _DAY,
        cadence=Cadence.WATCH,
        every=_LOOK,
        late=True,
        wall_clock=True,
        fields=(
            Field("minutes_asleep", "min", "time asleep"),
            Field("minutes_awake", "min", "time awake after falling asleep"),
            Field("minutes_to_fall_asleep", "min", "time until asleep, mostly 0"),
            Field("minutes_after_wakeup", "min", "time in bed after waking up"),
            Field("time_in_bed", "min", "from the beginning to the end of the log"),
            Field("efficiency", "%", "Fitbit's score of time asleep"),
            Field("duration_ms", "ms", "length of the log"),
            Field("main_sleep", "", "1 for the main sleep of its day, 0 for a nap"),
            Field("info_code", "", "0 ok, 1 too little heart data, 2 too short, 3 server trouble"),
            *(
                field
                for level in ("deep", "light", "rem", "wake", "asleep", "restless", "awake")
                for field in (
                    Field(f"summary.{level}.minutes", "min", "time at the level"),
                    Field(f"summary.{level}.count", "", "stretches at the level"),
                )
            ),
        ),
        source="detected by the watch and Fitbit, or typed in",
        grain="one log per sleep; stages on a 30 s grid",
    ),
    path="/1.2/user/-/sleep/date/{start}/{end}.json",
    container=("sleep",),
)

ENTRIES: Mapping[DataTypeName, Entry] = MappingProxyType(
    {
        entry.data_type.name: entry
        for entry in (
            PROFILE,
            DEVICES,
            HEART_RATE,
            STEPS,
            DAILY_HEART_RATE,
            SLEEP,
            *RANGES,
            WEIGHT,
            EXERCISE,
        )
    }
)

CATALOGUE: Mapping[DataTypeName, DataType] = MappingProxyType(
    {name: entry.data_type for name, entry in ENTRIES.items()}
)
