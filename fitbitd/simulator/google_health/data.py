"""What the API asks of the data behind it, and a wearer of whom nothing is known."""

from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from fitbitd.simulator.measured import Point

Version = Callable[[int, int], Hashable]
"""For [start, end) in Unix milliseconds: equal for as long as the merged points there are."""


class Life(Protocol):
    """One account's data, as of an instant; windows are half-open, in Unix milliseconds."""

    def points(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        """List the points of every source, oldest first, by start; sleep by end."""

    def merged(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        """List the points that are right where sources disagree, worn periods only."""

    def version(self, type_id: str, now: datetime) -> Version | None:
        """Give what tells whether merged points have changed; None if that is not known."""

    def dailies(self, type_id: str, first: date, last: date, now: datetime) -> list[Point]:
        """List the daily points from `first` to `last`, both included, oldest first."""

    def settings(self, now: datetime) -> dict[str, Any]:
        """Give the settings resource."""

    def profile(self, now: datetime) -> dict[str, Any]:
        """Give the profile resource."""

    def identity(self, now: datetime) -> dict[str, Any]:
        """Give the identity resource."""

    def irn_profile(self, now: datetime) -> dict[str, Any]:
        """Give the profile of irregular-rhythm notifications."""

    def paired_devices(self, now: datetime) -> dict[str, Any]:
        """Give all devices as one page, `{}` for none."""

    def tcx(self, point_id: str, partial: bool, now: datetime) -> str | None:  # noqa: FBT001 - theirs
        """Write an exercise as TCX; None if there is no such exercise."""


class NoLife:
    """Whoever recorded the bodies that are replayed: what was not recorded is empty."""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self._identity = dict(identity)

    def points(self, type_id: str, start_ms: int, end_ms: int, now: datetime) -> list[Point]:
        """Know of no point."""
        del type_id, start_ms, end_ms, now
        return []

    merged = points

    def version(self, type_id: str, now: datetime) -> Version | None:
        """Promise nothing: whoever lives by hand may change anything."""
        del type_id, now
        return None

    def dailies(self, type_id: str, first: date, last: date, now: datetime) -> list[Point]:
        """Know of no day."""
        del type_id, first, last, now
        return []

    def settings(self, now: datetime) -> dict[str, Any]:
        """Know no zone."""
        del now
        return {"name": "users/me/settings", "timeZone": "UTC", "utcOffset": "0s"}

    def profile(self, now: datetime) -> dict[str, Any]:
        """Know nothing about the person."""
        del now
        return {"name": "users/me/profile"}

    def identity(self, now: datetime) -> dict[str, Any]:
        """Say who it is."""
        del now
        return dict(self._identity)

    def irn_profile(self, now: datetime) -> dict[str, Any]:
        """Say that nothing was enrolled."""
        del now
        return {"name": "users/me/irnProfile"}

    def paired_devices(self, now: datetime) -> dict[str, Any]:
        """Know of no device."""
        del now
        return {}

    def tcx(self, point_id: str, partial: bool, now: datetime) -> str | None:  # noqa: FBT001 - theirs
        """Know of no exercise."""
        del point_id, partial, now
        return None
