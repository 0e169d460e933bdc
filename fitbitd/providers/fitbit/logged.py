"""What is logged one by one: weighings, and the activities of the log list, as data.

Source: dev.fitbit.com, Web API reference: Body, "Get Weight Log"; Activity, "Get Activity Log List"
(read 2026-11-22).
"""

from datetime import timedelta

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Field, Kind
from fitbitd.providers.fitbit.entry import Entry, Value

_DAY = timedelta(days=1)

_WEIGHING = (
    Value(("weight",), Field("weight", "g", "body weight"), 1e3),
    Value(("bmi",), Field("bmi", "kg/m2", "body mass index")),
    Value(("fat",), Field("body_fat", "%", "share of fat in the body weight")),
)

WEIGHT = Entry(
    DataType(
        name=DataTypeName("weight"),
        title="Weight",
        kind=Kind.READINGS,
        group="body",
        scope="weight",
        axis=Axis.CIVIL,
        longest=31 * _DAY,
        reread=28 * _DAY,  # as far as one request reaches, with a day to spare
        cadence=Cadence.OWN,
        every=timedelta(hours=1),
        wall_clock=True,
        fields=tuple(value.field for value in _WEIGHING),
        source="a scale, typed in, or written by another app",
        grain="one value of each field per weighing; at 23:59:59 where its time is not known",
    ),
    path="/1/user/-/body/log/weight/date/{start}/{end}.json",
    container=("weight",),
    values=_WEIGHING,
    source="source",
)

ZONES = {
    "Out of Range": "light_zone",
    "Fat Burn": "moderate_zone",
    "Cardio": "vigorous_zone",
    "Peak": "peak_zone",
}
"""Fitbit's heart rate zones by Google's names for them."""

LEVELS = ("sedentary", "lightly", "fairly", "very")

_ACTIVITY = (
    Value(("calories",), Field("calories", "kcal", "energy burned")),
    Value(("steps",), Field("steps", "steps", "steps taken")),
    Value(("averageHeartRate",), Field("heart_rate_mean", "bpm", "mean")),
    Value(("elevationGain",), Field("elevation_gain", "mm", "height gained"), 1e3),
    Value(("activeDuration",), Field("active_duration", "s", "time without pauses"), 1e-3),
    Value(("originalDuration",), Field("original_duration", "s", "before it was edited"), 1e-3),
    Value(("speed",), Field("speed", "km/h", "mean speed")),
    Value(("pace",), Field("pace", "s/km", "mean pace")),
    Value(
        ("activeZoneMinutes", "totalMinutes"),
        Field("active_zone_minutes", "min", "active zone minutes"),
    ),
)

EXERCISE = Entry(
    DataType(
        name=DataTypeName("exercise"),
        title="Exercise",
        kind=Kind.SESSIONS,
        group="activity",
        scope="activity",
        axis=Axis.CIVIL,  # the member compared is startTime, which carries its own offset
        longest=3660 * _DAY,  # a list without an upper bound: what counts is its pages
        reread=30 * _DAY,
        cadence=Cadence.WATCH,
        every=timedelta(hours=6),
        late=True,
        expected_a_day=2,
        fields=(
            *(value.field for value in _ACTIVITY),
            Field("distance", "mm", "distance moved"),
            Field("has_gps", "", "1 if the track has positions"),
            *(Field(name, "s", "time in the heart rate zone") for name in ZONES.values()),
            *(Field(f"{level}.minutes", "min", "time at the activity level") for level in LEVELS),
        ),
        source="worn tracker or watch, noticed or started; typed in, or written by another app",
        grain="one entry each",
    ),
    path="/1/user/-/activities/list.json?afterDate={before}&sort=asc&limit=100&offset=0",
    container=("activities",),
    ascending=True,
    values=_ACTIVITY,
)
