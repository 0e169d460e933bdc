"""What can be read of each data type, and how it is asked for: one table.

Source: developers.google.com/health/data-types, .../endpoints, .../filters and the discovery
document, revision 20261030 (read 2026-11-22); what the live service answered to others, where it
differs: `active-minutes` has a list since mid-2026, `floors` has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fitbitd.model import Axis, Member

PAGE = 5_000
"""Points of a page: larger ones are answered with about as many, and slow ones time out."""

LARGEST_PAGE = 10_000
SMALLEST_PAGE = 100
"""Nobody is asked for less, but where the cap itself is lower."""

_SCOPE = "https://www.googleapis.com/auth/googlehealth."


class Scope(StrEnum):
    """What the wearer may allow, by what it opens."""

    ACTIVITY = f"{_SCOPE}activity_and_fitness.readonly"
    HEALTH = f"{_SCOPE}health_metrics_and_measurements.readonly"
    SLEEP = f"{_SCOPE}sleep.readonly"
    NUTRITION = f"{_SCOPE}nutrition.readonly"
    ECG = f"{_SCOPE}ecg.readonly"
    RHYTHM = f"{_SCOPE}irn.readonly"
    LOCATION = f"{_SCOPE}location.readonly"
    SETTINGS = f"{_SCOPE}settings.readonly"
    PROFILE = f"{_SCOPE}profile.readonly"
    MINDFULNESS = f"{_SCOPE}mindfulness.readonly"
    SYMPTOMS = f"{_SCOPE}logged_symptoms.readonly"
    CYCLE = f"{_SCOPE}reproductive_health.readonly"


class Method(StrEnum):
    """How Google is asked for data points; the value ends the path."""

    LIST = "list"
    RECONCILE = "reconcile"
    ROLL_UP = "rollUp"
    DAILY_ROLL_UP = "dailyRollUp"


METHODS: Mapping[str, Method] = MappingProxyType(
    {"L": Method.LIST, "R": Method.RECONCILE, "U": Method.ROLL_UP, "Y": Method.DAILY_ROLL_UP}
)
"""The letters of the table. G (get), T (TCX) and W (written by others) are not asked for points."""


class Shape(StrEnum):
    """Where a point has its time."""

    INTERVAL = "I"  # interval: a count in a minute
    SAMPLE = "S"  # sampleTime: a pulse
    DAILY = "D"  # date
    SESSION = "X"  # interval, with an identity and parts
    CATALOGUE = "F"  # none


@dataclass(frozen=True, slots=True)
class Filter:
    """By which member a window is selected.

    Attributes:
        member: behind the type's name; civil ones take wall-clock times, `date` takes dates.
        upper: whether an upper bound is accepted.
    """

    member: str
    axis: Axis | None
    selects: Member = Member.START
    upper: bool = True


START = Filter("interval.start_time", Axis.INSTANT)
SAMPLE = Filter("sample_time.physical_time", Axis.INSTANT)
DATE = Filter("date", Axis.DATE)
CIVIL = Filter("interval.civil_start_time", Axis.CIVIL)
END = Filter("interval.end_time", Axis.INSTANT, Member.END)
SINCE = Filter("interval.start_time", Axis.INSTANT, upper=False)
NONE = Filter("", None)


class Comes(StrEnum):
    """When new points may be there."""

    SYNC = "sync"  # the watch brought them
    LATE = "late"  # some time after the watch synced
    BOTH = "both"  # from the watch, late, or typed in
    TYPED = "typed"  # a person or another app wrote them


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of the table.

    Attributes:
        id: Google's, in paths; camelCase in JSON, snake_case in filters and with us.
        methods: letters of `METHODS`, and G, T, W.
        a_day: points of a day on which the watch was worn.
        default: `data_types = ["all"]` includes it.
        page: points asked for in one page.
        roll_days: the longest range of a roll-up.
        told_by: words of a point that belong to its source: how and where it was measured.
        rolls_unsure: the schema has its roll-ups and no document lists them, so that they are asked
            for by name only.
        version: of the API; what is in preview may change.
    """

    id: str
    shape: Shape
    scope: Scope
    methods: str
    filter: Filter
    group: str
    comes: Comes
    a_day: float
    title: str
    default: bool = True
    page: int = PAGE
    roll_days: int = 90
    told_by: tuple[str, ...] = ()
    rolls_unsure: bool = False
    version: str = "v4"

    @property
    def name(self) -> str:
        """Give our name, which is Google's in filters."""
        return self.id.replace("-", "_")

    @property
    def key(self) -> str:
        """Give the member of a data point that holds its value."""
        first, *rest = self.id.split("-")
        return first + "".join(part.capitalize() for part in rest)

    def can(self, method: Method) -> bool:
        """Say whether Google documents `method` for it."""
        return any(METHODS.get(letter) is method for letter in self.methods)


_I, _S, _D, _X, _F = Shape
_A, _H, _N = Scope.ACTIVITY, Scope.HEALTH, Scope.NUTRITION
_SYNC, _LATE, _BOTH, _TYPED = Comes


def _rows() -> tuple[Capability, ...]:
    row = Capability
    # fmt: off
    return (
        # id, shape, scope, methods, filter, group, comes, points a day, title
        row("steps", _I, _A, "LRUY", START, "activity", _SYNC, 1440, "Steps"),
        row("distance", _I, _A, "LRUY", START, "activity", _SYNC, 1440, "Distance"),
        row("floors", _I, _A, "RUY", START, "activity", _SYNC, 1440, "Floors"),
        row("altitude", _I, _A, "LRUY", START, "activity", _SYNC, 1440, "Altitude gained"),
        row("active-energy-burned", _I, _A, "LRUY", START, "activity", _SYNC, 1440,
            "Active energy burned"),
        row("basal-energy-burned", _I, _A, "LR", START, "activity", _SYNC, 1440,
            "Basal energy burned"),
        row("total-calories", _I, _A, "UY", START, "activity", _SYNC, 0, "Total calories",
            roll_days=14),
        row("calories-in-heart-rate-zone", _I, _A, "UY", START, "activity", _SYNC, 0,
            "Calories in heart rate zones", roll_days=14),
        row("active-minutes", _I, _A, "LRUY", START, "activity", _SYNC, 400, "Active minutes",
            roll_days=14),
        row("active-zone-minutes", _I, _A, "LRUY", START, "activity", _SYNC, 60,
            "Active zone minutes"),
        row("activity-level", _I, _A, "LRUY", START, "activity", _SYNC, 1440, "Activity level",
            rolls_unsure=True),
        row("sedentary-period", _I, _A, "LRUY", START, "activity", _SYNC, 30, "Sedentary periods"),
        row("time-in-heart-rate-zone", _I, _A, "RUY", START, "heart", _SYNC, 1440,
            "Time in heart rate zones"),
        row("swim-lengths-data", _I, _A, "LRUY", START, "activity", _SYNC, 2, "Swum lengths"),
        row("exercise", _X, _A, "LGRWT", CIVIL, "activity", _BOTH, 2, "Exercise", page=25),
        row("vo2-max", _S, _A, "LR", SAMPLE, "heart", _LATE, 0.1, "Cardio fitness",
            told_by=("measurementMethod",)),
        row("run-vo2-max", _S, _A, "LRUY", SAMPLE, "heart", _LATE, 0.1, "Cardio fitness of runs"),
        row("daily-vo2-max", _D, _A, "LR", DATE, "heart", _LATE, 1, "Cardio fitness of the day"),
        row("heart-rate", _S, _H, "LRUY", SAMPLE, "heart", _SYNC, 40_000, "Heart rate",
            roll_days=14),
        row("heart-rate-variability", _S, _H, "LR", SAMPLE, "heart", _LATE, 100,
            "Heart rate variability"),
        row("oxygen-saturation", _S, _H, "LR", SAMPLE, "sleep", _LATE, 480, "Oxygen saturation"),
        row("respiratory-rate-sleep-summary", _S, _H, "LR", SAMPLE, "sleep", _LATE, 1,
            "Breathing in sleep"),
        row("daily-resting-heart-rate", _D, _H, "LR", DATE, "heart", _LATE, 1,
            "Resting heart rate"),
        row("daily-heart-rate-variability", _D, _H, "LR", DATE, "heart", _LATE, 1,
            "Heart rate variability of the day"),
        row("daily-heart-rate-zones", _D, _H, "R", DATE, "heart", _LATE, 1,
            "Bounds of the heart rate zones"),
        row("daily-oxygen-saturation", _D, _H, "LR", DATE, "sleep", _LATE, 1,
            "Oxygen saturation of the day"),
        row("daily-respiratory-rate", _D, _H, "LR", DATE, "sleep", _LATE, 1,
            "Breathing of the day"),
        row("daily-sleep-temperature-derivations", _D, _H, "LR", DATE, "sleep", _LATE, 1,
            "Skin temperature of the night"),
        row("core-body-temperature", _S, _H, "LGRUYW", SAMPLE, "body", _TYPED, 0.1,
            "Body temperature", told_by=("measurementLocation",)),
        row("weight", _S, _H, "LGRUYW", SAMPLE, "body", _TYPED, 1, "Weight"),
        row("body-fat", _S, _H, "LGRUYW", SAMPLE, "body", _TYPED, 1, "Body fat"),
        row("height", _S, _H, "LGRW", SAMPLE, "body", _TYPED, 0.01, "Height"),
        row("blood-glucose", _S, _H, "LGRUYW", SAMPLE, "body", _TYPED, 10, "Blood glucose",
            told_by=("measurementSource", "specimen")),
        row("sleep", _X, Scope.SLEEP, "LGRW", END, "sleep", _BOTH, 1.5, "Sleep", page=25),
        row("hydration-log", _X, _N, "LGRUYW", CIVIL, "nutrition", _TYPED, 3, "Water"),
        row("nutrition-log", _X, _N, "LGRUYW", CIVIL, "nutrition", _TYPED, 6, "Food eaten"),
        row("food", _F, _N, "LG", NONE, "nutrition", _TYPED, 0, "Foods", default=False),
        row("food-measurement-unit", _F, _N, "LG", NONE, "nutrition", _TYPED, 0,
            "Units of food", default=False),
        row("electrocardiogram", _X, Scope.ECG, "L", SINCE, "heart", _BOTH, 0.1,
            "Electrocardiogram", page=10),  # each holds 7,500 samples of the voltage
        row("irregular-rhythm-notification", _X, Scope.RHYTHM, "L", CIVIL, "heart", _LATE, 0.01,
            "Irregular rhythm notifications", page=SMALLEST_PAGE),
        row("moods", _S, Scope.MINDFULNESS, "LW", SAMPLE, "body", _TYPED, 1, "Moods",
            default=False),
        row("symptoms", _S, Scope.SYMPTOMS, "LW", SAMPLE, "body", _TYPED, 1, "Symptoms",
            default=False),
        row("menstrual-period", _I, Scope.CYCLE, "LW", START, "body", _TYPED, 0.1,
            "Menstrual periods", default=False),
        row("ovulation-test", _S, Scope.CYCLE, "LW", SAMPLE, "body", _TYPED, 0.1,
            "Ovulation tests", default=False),
        row("skin-temperature-sensors", _S, _H, "L", SAMPLE, "sleep", _LATE, 480,
            "Skin temperature", default=False, version="v4beta"),
    )
    # fmt: on


CAPABILITIES: Mapping[str, Capability] = MappingProxyType({row.id: row for row in _rows()})
