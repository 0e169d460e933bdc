"""What a test can order to happen in a wearer's life, behind the back of whoever collects it.

Each order names the instant `at` from which the provider shows it; before that nothing has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fitbitd.simulator.measured import Source

_QUARTER_S = 900
_FIRST_TYPED_ID = 7_700_000_000_000_000_001

BY_HAND = Source("MANUAL", "FITBIT")
"""What the wearer typed into the app."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A stay in another zone from `start` to `end`, aware instants on quarters of an hour."""

    zone: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if any(instant.timestamp() % _QUARTER_S for instant in (self.start, self.end)):
            raise ValueError("a trip begins and ends on a quarter of an hour")


@dataclass(frozen=True, slots=True)
class SourceMix:
    """How often one minute has several points: one hour in so many, 0 for never.

    Attributes:
        phone_in: the phone counts steps too, and differently.
        two_offsets_in: one reading is served a second time under another offset.
        contradiction_in: the watch contradicts itself about one minute.
    """

    phone_in: int = 12
    two_offsets_in: int = 100
    contradiction_in: int = 150


@dataclass(frozen=True, slots=True)
class Rebucketing:
    """From `at` the additive readings of [start, end) are fewer, longer and overlapping."""

    start: datetime
    end: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """From `at` the readings of one type in [start, end) are higher by `by`; zeros stay."""

    type_id: str
    start: datetime
    end: datetime
    at: datetime
    by: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """From `at` the readings of [start, end) are gone: those of one type, or all of them."""

    type_id: str | None
    start: datetime
    end: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class PointChange:
    """From `at` a point with an id has these members instead, or is gone."""

    point_id: str
    at: datetime
    members: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value that exists from `at`, about [start, end)."""

    point_id: str
    type_id: str
    start: datetime
    end: datetime
    at: datetime
    value: Mapping[str, Any]
    source: Source


@dataclass(frozen=True, slots=True)
class SleepChange:
    """From `at` a sleep log begins later, or is gone (`cut_minutes` None)."""

    at: datetime
    log_id: int
    cut_minutes: int | None


@dataclass(kw_only=True)
class Orders:
    """Orders given so far, in the order in which they were given.

    Attributes:
        trips: stays in other zones; they move offsets, not the life that is lived.
        sources: how often there are several points of one minute.
    """

    trips: tuple[Trip, ...] = ()
    sources: SourceMix = SourceMix()
    rebucketings: list[Rebucketing] = field(default_factory=list, init=False)
    corrections: list[Correction] = field(default_factory=list, init=False)
    deletions: list[Deletion] = field(default_factory=list, init=False)
    point_changes: list[PointChange] = field(default_factory=list, init=False)
    typed: list[TypedValue] = field(default_factory=list, init=False)
    sleep_changes: list[SleepChange] = field(default_factory=list, init=False)

    def rebucket(self, start: datetime, end: datetime, *, at: datetime) -> None:
        """Let a later sync replace the minutes of [start, end) by overlapping longer records."""
        self.rebucketings.append(Rebucketing(start, end, at))

    def correct(
        self, type_id: str, start: datetime, end: datetime, *, at: datetime, by: int
    ) -> None:
        """Let the provider correct its history of one type."""
        self.corrections.append(Correction(type_id, start, end, at, by))

    def delete_readings(
        self, start: datetime, end: datetime, *, at: datetime, type_id: str | None = None
    ) -> None:
        """Let readings of [start, end) vanish: of one type, or of all told by the minute."""
        self.deletions.append(Deletion(type_id, start, end, at))

    def type_value(
        self,
        type_id: str,
        value: Mapping[str, Any],
        at: datetime,
        *,
        about: tuple[datetime, datetime] | None = None,
        source: Source = BY_HAND,
    ) -> str:
        """Let the wearer type a value at `at`, about that instant or a time; give its id."""
        point_id = str(_FIRST_TYPED_ID + 97 * len(self.typed))
        start, end = about or (at, at)
        self.typed.append(TypedValue(point_id, type_id, start, end, at, value, source))
        return point_id

    def type_weight(self, grams: float, at: datetime) -> str:
        """Let the wearer type a weight; give its id."""
        return self.type_value("weight", {"weightGrams": grams}, at)

    def edit_point(self, point_id: str, members: Mapping[str, Any], *, at: datetime) -> None:
        """Let the wearer change members of a typed value or an exercise."""
        self.point_changes.append(PointChange(point_id, at, members))

    def delete_point(self, point_id: str, *, at: datetime) -> None:
        """Let the wearer delete whatever has this id: a typed value, an exercise or a night."""
        self.point_changes.append(PointChange(point_id, at, None))

    def delete_sleep(self, log_id: int, *, at: datetime) -> None:
        """Let the wearer delete a sleep log at `at`."""
        self.sleep_changes.append(SleepChange(at, log_id, None))

    def edit_sleep(self, log_id: int, *, at: datetime, cut_minutes: int) -> int:
        """Let the wearer correct a sleep log at `at` to begin later.

        Returns:
            The id of the log from then on at the legacy provider; the other keeps its name.
        """
        self.sleep_changes.append(SleepChange(at, log_id, cut_minutes))
        return log_id + 1
