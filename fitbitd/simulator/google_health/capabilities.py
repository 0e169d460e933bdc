"""What each data type of the API offers, read from its documents and its discovery document."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from fitbitd.simulator.google_health.settings import SCOPE_PREFIX


class Kind(StrEnum):
    """How the points of a type lie in time."""

    INTERVAL = "I"
    SAMPLE = "S"
    DAILY = "D"
    SESSION = "X"
    CATALOGUE = "F"


class Action(StrEnum):
    """What can be asked for, spelt as in error messages."""

    LIST = "list"
    GET = "get"
    RECONCILE = "reconcile"
    ROLLUP = "rollup"
    DAILY_ROLLUP = "dailyRollup"
    TCX = "exportExerciseTcx"

    @property
    def label(self) -> str:
        """Spell it as a message begins: "DailyRollup"."""
        return self.value[0].upper() + self.value[1:]


_ACTIONS = {
    "L": Action.LIST,
    "G": Action.GET,
    "R": Action.RECONCILE,
    "U": Action.ROLLUP,
    "Y": Action.DAILY_ROLLUP,
    "T": Action.TCX,
}
_SCOPES = {
    "A": "activity_and_fitness",
    "H": "health_metrics_and_measurements",
    "S": "sleep",
    "N": "nutrition",
    "E": "ecg",
    "I": "irn",
    "M": "mindfulness",
    "Y": "logged_symptoms",
    "P": "reproductive_health",
}

_TABLE = """
steps                               I A LRUY
distance                            I A LRUY
floors                              I A RUY
altitude                            I A LRUY
active-energy-burned                I A LRUY
basal-energy-burned                 I A LR
total-calories                      I A UY
calories-in-heart-rate-zone         I A UY
active-minutes                      I A LRUY
active-zone-minutes                 I A LRUY
activity-level                      I A LR
sedentary-period                    I A LRUY
time-in-heart-rate-zone             I A RUY
swim-lengths-data                   I A LRUY
exercise                            X A LGRT
vo2-max                             S A LR
run-vo2-max                         S A LRUY
daily-vo2-max                       D A LR
heart-rate                          S H LRUY
heart-rate-variability              S H LR
oxygen-saturation                   S H LR
respiratory-rate-sleep-summary      S H LR
daily-resting-heart-rate            D H LR
daily-heart-rate-variability        D H LR
daily-heart-rate-zones              D H LR
daily-oxygen-saturation             D H LR
daily-respiratory-rate              D H LR
daily-sleep-temperature-derivations D H LR
core-body-temperature               S H LGRUY
weight                              S H LGRUY
body-fat                            S H LGRUY
height                              S H LGR
blood-glucose                       S H LGRUY
sleep                               X S LGR
hydration-log                       X N LGRUY
nutrition-log                       X N LGRUY
food                                F N LG
food-measurement-unit               F N LG
electrocardiogram                   X E L
irregular-rhythm-notification       X I L
moods                               S M L
symptoms                            S Y L
menstrual-period                    I P L
ovulation-test                      S P L
"""
"""id, kind, scope, actions. `daily-heart-rate-zones` is documented without a list; one works."""

_BETA = """
skin-temperature-sensors            S H L
"""

_FEW_DAYS = frozenset(
    {"heart-rate", "total-calories", "active-minutes", "calories-in-heart-rate-zone"}
)
_SMALL_PAGES = frozenset({"exercise", "sleep"})
NO_FAMILY = frozenset({"sleep", "food", "food-measurement-unit"})
"""Types whose list cannot be narrowed to a family of sources."""


@dataclass(frozen=True)  # without slots, so that names are made once
class DataType:
    """One data type.

    Attributes:
        id: as in a path: "heart-rate".
        scope: without its prefix and suffix.
        actions: in the order in which error messages list them.
    """

    id: str
    kind: Kind
    scope: str
    actions: tuple[Action, ...]
    beta: bool = False

    @property
    def filter_name(self) -> str:
        """Give its name in filters: "heart_rate"."""
        return self.id.replace("-", "_")

    @cached_property
    def key(self) -> str:
        """Give its name in JSON: "heartRate"."""
        first, *rest = self.id.split("-")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def read_scope(self) -> str:
        """Give the scope that lets its points be read."""
        return f"{SCOPE_PREFIX}{self.scope}.readonly"

    @property
    def write_scope(self) -> str:
        """Give the scope that lets a client write points, and read those that it wrote."""
        return f"{SCOPE_PREFIX}{self.scope}.writeonly"

    @property
    def largest_page(self) -> int:
        """Give the documented maximum of `pageSize` for lists."""
        return 25 if self.id in _SMALL_PAGES else 10_000

    @property
    def default_page(self) -> int:
        """Give the documented page without `pageSize`."""
        return 25 if self.id in _SMALL_PAGES else 1440

    @property
    def longest_days(self) -> int:
        """Give the longest range of a roll-up."""
        return 14 if self.id in _FEW_DAYS else 90

    @property
    def has_civil_times(self) -> bool:
        """Say whether its points carry civil times; sessions were recorded without."""
        return self.kind is not Kind.SESSION or self.id in {"hydration-log", "nutrition-log"}


def _read(table: str, *, beta: bool) -> dict[str, DataType]:
    types = {}
    for line in table.strip().splitlines():
        name, kind, scope, actions = line.split()
        offered = tuple(_ACTIONS[letter] for letter in actions)
        types[name] = DataType(name, Kind(kind), _SCOPES[scope], offered, beta)
    return types


DATA_TYPES = _read(_TABLE, beta=False) | _read(_BETA, beta=True)
"""Every data type by its id."""
