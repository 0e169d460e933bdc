"""Data types made for tests: one of each shape."""

from datetime import timedelta

from fitbitd.model import Axis, Cadence, DataType, DataTypeName, Field, Kind

DENSE = DataType(
    name=DataTypeName("pulse"),
    title="Pulse",
    kind=Kind.READINGS,
    group="heart",
    scope="heart",
    axis=Axis.CIVIL,
    longest=timedelta(days=1),
    reread=timedelta(days=8),
    cadence=Cadence.WATCH,
    every=timedelta(hours=6),
    dense=True,
    fields=(Field("pulse", "bpm", "beats per minute"),),
)
NIGHTS = DataType(
    name=DataTypeName("nights"),
    title="Nights",
    kind=Kind.SESSIONS,
    group="sleep",
    scope="sleep",
    axis=Axis.DATE,
    longest=timedelta(days=100),
    reread=timedelta(days=8),
    cadence=Cadence.WATCH,
    every=timedelta(hours=6),
    late=True,
)
TOTALS = DataType(
    name=DataTypeName("totals"),
    title="Totals",
    kind=Kind.DAILY,
    group="activity",
    scope="activity",
    axis=Axis.DATE,
    longest=timedelta(days=365),
    reread=timedelta(days=30),
    cadence=Cadence.WATCH,
    every=timedelta(hours=6),
    late=True,
    fields=(Field("total", "steps", "steps of the day"),),
)
CARD = DataType(
    name=DataTypeName("card"),
    title="Profile",
    kind=Kind.SNAPSHOT,
    group="account",
    scope="profile",
    axis=None,
    longest=timedelta(days=1),
    reread=timedelta(days=1),
    cadence=Cadence.OWN,
    every=timedelta(days=1),
)
WATCHES = DataType(
    name=DataTypeName("watches"),
    title="Devices",
    kind=Kind.SNAPSHOT,
    group="account",
    scope="settings",
    axis=None,
    longest=timedelta(days=1),
    reread=timedelta(days=1),
    cadence=Cadence.OWN,
    every=timedelta(0),
    watches=True,
)
INSTANTS = DataType(
    name=DataTypeName("samples"),
    title="Samples",
    kind=Kind.READINGS,
    group="heart",
    scope="heart",
    axis=Axis.INSTANT,
    longest=timedelta(days=30),
    reread=timedelta(days=8),
    cadence=Cadence.WATCH,
    every=timedelta(hours=6),
)
ALL = (CARD, WATCHES, DENSE, NIGHTS, TOTALS)
