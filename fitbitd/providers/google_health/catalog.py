"""The data types of the Google Health API, made from the table of what can be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Field, Kind
from fitbitd.providers.google_health.capability import (
    CAPABILITIES,
    Capability,
    Comes,
    Method,
    Scope,
    Shape,
)
from fitbitd.providers.google_health.values import POINT, ROLLUP, Value

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_LOOK = 6 * _HOUR  # a watch type is asked this often even without a sync
_WEEK = 7 * _DAY
_YEAR = 366 * _DAY
_ALWAYS = 3660 * _DAY  # no upper bound is accepted, so a narrower window spares nothing

_NO_TIME = timedelta(0)
_NIGHT = 12 * _HOUR
_LASTS: Mapping[str, timedelta] = MappingProxyType({"sedentary-period": _NIGHT})
"""What is not over after minutes: a night without a watch being moved is one period."""

_WATCH = "worn tracker or watch, once synced"
_TYPED = "typed in, or written by another app or device"
_MERGED = "computed by Google from all sources"

_AS_SESSIONS = ("moods", "symptoms", "menstrual-period", "ovulation-test")
"""Words instead of numbers: they are sessions, though their points look like samples."""

_HOURS_A_DAY = 24
_SETTINGS, _DEVICES = "settings", "paired_devices"


@dataclass(frozen=True, slots=True)
class Entry:
    """A data type, and how Google is asked for it.

    Attributes:
        capability: None for what hangs on the user, or on a session, and is no data type there.
        methods: those it can be asked by, the usual one first.
        path: of what has no capability; {item} is the session.
        listed: the path gives a list, in pages; otherwise one thing.
    """

    data_type: DataType
    capability: Capability | None = None
    methods: tuple[Method, ...] = ()
    path: str = ""
    listed: bool = False


def _points(row: Capability) -> Entry:
    """Make the entry of what is read point by point, or hour by hour where there are no points."""
    kind = _kind(row)
    by_hours = row.can(Method.ROLL_UP) and not row.can(Method.LIST)
    values = ROLLUP[row.id] if by_hours else POINT[row.id]
    dense = kind is Kind.READINGS and row.comes in (Comes.SYNC, Comes.LATE)
    return Entry(
        DataType(
            name=DataTypeName(row.name),
            title=row.title,
            kind=kind,
            group=row.group,
            scope=row.scope,
            axis=row.filter.axis,
            longest=_longest(row, by_hours=by_hours),
            reread=8 * _DAY if dense else _WEEK,
            cadence=Cadence.OWN if row.comes is Comes.TYPED else Cadence.WATCH,
            every=_every(row),
            late=row.comes in (Comes.LATE, Comes.BOTH),
            dense=dense,
            # What is measured asleep is there once the night is over.
            lasts=_NIGHT if dense and row.comes is Comes.LATE else _LASTS.get(row.id, _NO_TIME),
            by_default=row.default,
            member=row.filter.selects,
            expected_a_day=_HOURS_A_DAY if by_hours else row.a_day,
            fields=_new_fields(values) if by_hours else _fields(values) + _extra_fields(row),
            source=_MERGED if by_hours else _TYPED if row.comes is Comes.TYPED else _WATCH,
            grain="one value per hour" if by_hours else _GRAIN.get(row.id, _GRAIN_OF[row.shape]),
        ),
        row,
        _methods(row, kind, by_hours=by_hours),
    )


def _daily(row: Capability) -> Entry:
    """Make the entry of a day's totals, which Google computes in civil days."""
    typed = row.comes is Comes.TYPED
    return Entry(
        DataType(
            name=DataTypeName(f"daily_{row.name}"),
            title=f"{row.title}, by day",
            kind=Kind.DAILY,
            group=row.group,
            scope=row.scope,
            axis=Axis.DATE,
            longest=timedelta(days=row.roll_days),
            reread=_WEEK,
            cadence=Cadence.OWN if typed else Cadence.WATCH,
            every=_LOOK,
            late=not typed,
            by_default=row.default and not row.rolls_unsure,
            expected_a_day=1,
            sums_of=DataTypeName(row.name),
            fields=_fields(ROLLUP[row.id]),
            source=_MERGED,
            grain="one value of each field per day",
        ),
        row,
        (Method.DAILY_ROLL_UP,),
    )


def _hourly(row: Capability) -> Entry:
    """Make the entry of the hours by which a dense type is checked for days that moved."""
    return Entry(
        DataType(
            name=DataTypeName(f"hourly_{row.name}"),
            title=f"{row.title}, by hour",
            kind=Kind.READINGS,
            group="check",
            scope=row.scope,
            axis=Axis.INSTANT,
            longest=timedelta(days=row.roll_days),
            reread=35 * _DAY,
            cadence=Cadence.OWN,
            every=_WEEK,
            by_default=row.default and not row.rolls_unsure,
            expected_a_day=_HOURS_A_DAY,
            checks=DataTypeName(row.name),
            fields=_new_fields(ROLLUP[row.id]),
            source=_MERGED,
            grain="one value of each field per hour (UTC); where one moves, its day is read again",
        ),
        row,
        (Method.ROLL_UP,),
    )


def _snapshot(name: str, title: str, scope: Scope, path: str, every: timedelta) -> Entry:
    watches = name == _DEVICES
    return Entry(
        DataType(
            name=DataTypeName(name),
            title=title,
            kind=Kind.SNAPSHOT,
            group="account",
            scope=scope,
            axis=None,
            longest=_DAY,
            reread=_DAY,
            # A trip shows with a sync, and the zone of the settings decides what a day is.
            cadence=Cadence.WATCH if name == _SETTINGS else Cadence.OWN,
            every=every,
            watches=watches,
            needed=name in (_SETTINGS, _DEVICES),
            source="the wearer's Google account",
            grain="as it stood when asked",
        ),
        path=f"/v4/users/me/{path}",
        listed=watches,
    )


def _tracks() -> Entry:
    return Entry(
        DataType(
            name=DataTypeName("exercise_tcx"),
            title="Tracks of exercises",
            kind=Kind.FILE,
            group="activity",
            scope=f"{Scope.LOCATION} {Scope.ACTIVITY}",
            axis=None,
            longest=_DAY,
            reread=_DAY,
            cadence=Cadence.WATCH,
            every=_LOOK,
            late=True,
            file_of=DataTypeName("exercise"),
            source=_WATCH,
            grain="one TCX file per exercise, kept in the archive",
        ),
        path="/v4/users/me/dataTypes/exercise/dataPoints/{item}:exportExerciseTcx",
    )


def _kind(row: Capability) -> Kind:
    if row.id in _AS_SESSIONS:
        return Kind.SESSIONS
    return _KIND_OF[row.shape]


def _methods(row: Capability, kind: Kind, *, by_hours: bool) -> tuple[Method, ...]:
    """Give the documented method first, then those that Google may name in its place."""
    points = [Method.LIST, Method.RECONCILE]
    if not row.can(Method.LIST):
        points.reverse()
    if not POINT[row.id] and by_hours:
        points = []  # there are no points of it, only sums
    rolled = [Method.ROLL_UP] if kind is Kind.READINGS and row.can(Method.ROLL_UP) else []
    return (*rolled, *points) if by_hours else (*points, *rolled)


def _longest(row: Capability, *, by_hours: bool) -> timedelta:
    if by_hours:
        return timedelta(days=row.roll_days)
    return _YEAR if row.filter.upper else _ALWAYS


def _every(row: Capability) -> timedelta:
    if row.shape is Shape.CATALOGUE:
        return _WEEK
    return _LOOK if row.comes in (Comes.SYNC, Comes.LATE) else _HOUR


def _fields(values: tuple[Value, ...]) -> tuple[Field, ...]:
    return tuple(field for value in values for field in value.fields())


def _new_fields(values: tuple[Value, ...]) -> tuple[Field, ...]:
    """Give the fields of hours, which the legacy API did not have."""
    return tuple(replace(field, legacy="") for field in _fields(values))


def hours_of(data_type: DataType, row: Capability) -> DataType:
    """Give a data type as it is when Google only has its sums, hour by hour."""
    return replace(
        data_type,
        longest=timedelta(days=row.roll_days),
        expected_a_day=_HOURS_A_DAY,
        fields=_new_fields(ROLLUP[row.id]),
    )


def points_of(data_type: DataType, row: Capability) -> DataType:
    """Give a data type as it is when Google has its points."""
    return replace(
        data_type, longest=_YEAR, expected_a_day=row.a_day, fields=_fields(POINT[row.id])
    )


def _extra_fields(row: Capability) -> tuple[Field, ...]:
    """Give the fields of the readings that come inside of sessions."""
    return _READINGS_IN_SESSIONS.get(row.id, ())


_READINGS_IN_SESSIONS: Mapping[str, tuple[Field, ...]] = MappingProxyType(
    {
        "electrocardiogram": (Field("waveform", "mV", "the recorded voltage"),),
        "irregular-rhythm-notification": (
            Field("heart_rate", "bpm", "beats that led to a notification"),
        ),
    }
)

_KIND_OF: Mapping[Shape, Kind] = MappingProxyType(
    {
        Shape.INTERVAL: Kind.READINGS,
        Shape.SAMPLE: Kind.READINGS,
        Shape.DAILY: Kind.DAILY,
        Shape.SESSION: Kind.SESSIONS,
        Shape.CATALOGUE: Kind.SNAPSHOT,
    }
)

_GRAIN_OF: Mapping[Shape, str] = MappingProxyType(
    {
        Shape.INTERVAL: "one value per minute while worn",
        Shape.SAMPLE: "one value per measurement",
        Shape.DAILY: "one value of each field per day",
        Shape.SESSION: "one entry each",
        Shape.CATALOGUE: "as it stood when asked",
    }
)

_GRAIN: Mapping[str, str] = MappingProxyType(
    {
        "heart-rate": "one value every 1 to 5 s while worn",
        "heart-rate-variability": "one value every 5 min of sleep",
        "oxygen-saturation": "one value per minute of sleep",
        "skin-temperature-sensors": "one value per minute of sleep",
        "sedentary-period": "one value per period",
        "swim-lengths-data": "one value per length of the pool",
        "menstrual-period": "one entry each",
        "moods": "one entry each",
        "symptoms": "one entry each",
        "ovulation-test": "one entry each",
        "sleep": "one log per sleep; stages on a 30 s grid",
        "electrocardiogram": "one recording each; its voltage 250 times a second",
    }
)


def _entries() -> Iterator[Entry]:
    yield _snapshot(_SETTINGS, "Settings", Scope.SETTINGS, "settings", _DAY)
    at_every_pass = timedelta(0)
    yield _snapshot(_DEVICES, "Devices", Scope.SETTINGS, "pairedDevices", at_every_pass)
    yield _snapshot("profile", "Profile", Scope.PROFILE, "profile", _DAY)
    # Any scope opens it; that of the settings is asked for always.
    yield _snapshot("identity", "Identity", Scope.SETTINGS, "identity", _WEEK)
    yield _snapshot("irn_profile", "Irregular rhythm profile", Scope.RHYTHM, "irnProfile", _WEEK)
    for row in CAPABILITIES.values():
        yield _points(row)
        if row.id == "exercise":
            yield _tracks()
    yield from (_daily(row) for row in CAPABILITIES.values() if row.can(Method.DAILY_ROLL_UP))
    for row in CAPABILITIES.values():
        points = _points(row)
        if points.data_type.dense and Method.ROLL_UP in points.methods[1:]:
            yield _hourly(row)


ENTRIES: Mapping[DataTypeName, Entry] = MappingProxyType(
    {entry.data_type.name: entry for entry in _entries()}
)

CATALOGUE: Mapping[DataTypeName, DataType] = MappingProxyType(
    {name: entry.data_type for name, entry in ENTRIES.items()}
)
