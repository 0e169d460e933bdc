"""The least number of requests for a wearer's history, from the documents and the wearer's truth.

It knows nothing of how fitbitd asks: neither planner nor catalogue is imported. What counts is what
Google's own limits leave: points of a page, days of a roll-up, one request for each track.

Source: developers.google.com/health/data-types, .../endpoints (read 2026-11-22).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fitbitd.simulator import Wearer
from fitbitd.simulator.life import GoogleLife

SMALL_PAGE = 25
_MONTH_DAYS = 28

_INTERVALS = (
    "steps distance altitude active-energy-burned basal-energy-burned active-minutes"
    " active-zone-minutes activity-level sedentary-period swim-lengths-data"
)
_OTHERS = (
    "vo2-max run-vo2-max heart-rate heart-rate-variability oxygen-saturation"
    " respiratory-rate-sleep-summary core-body-temperature weight body-fat height blood-glucose"
    " hydration-log nutrition-log electrocardiogram irregular-rhythm-notification"
)
_SMALL_PAGES = "exercise sleep"
_DATES = (
    "daily-vo2-max daily-resting-heart-rate daily-heart-rate-variability daily-heart-rate-zones"
    " daily-oxygen-saturation daily-respiratory-rate daily-sleep-temperature-derivations"
)
_ONLY_ROLLED = "floors total-calories calories-in-heart-rate-zone time-in-heart-rate-zone"
_ROLLED_BY_DAY = (
    "steps distance floors altitude active-energy-burned total-calories"
    " calories-in-heart-rate-zone active-minutes active-zone-minutes sedentary-period"
    " time-in-heart-rate-zone swim-lengths-data run-vo2-max heart-rate core-body-temperature weight"
    " body-fat blood-glucose hydration-log nutrition-log"
)
_FEW_DAYS = "heart-rate total-calories active-minutes calories-in-heart-rate-zone"
_ACCOUNT = "settings pairedDevices profile identity irnProfile"


@dataclass(frozen=True, slots=True)
class Span:
    """A history: its first day, and the instant up to which it is asked."""

    first: date
    now: datetime

    @property
    def days(self) -> int:
        """Count its days, today included."""
        return (self.now.date() - self.first).days + 1


def least(wearer: Wearer, span: Span, page: int, *, empty_first: bool) -> Mapping[str, int]:
    """Count the least requests of each kind and data type.

    Args:
        page: points of the largest page that is served; sleep and exercise have pages of 25.
        empty_first: a list over a month of intervals begins with an empty page, as was seen.
    """
    life = GoogleLife(wearer)
    found = {f"the account: {name}": 1 for name in _ACCOUNT.split()}
    for name in _INTERVALS.split():
        months = _points_by_month(life, name, span)
        in_one = _pages(sum(months), page) + (empty_first and span.days >= _MONTH_DAYS)
        found[f"list: {name}"] = min(in_one, sum(_pages(points, page) for points in months))
    for name in _OTHERS.split():
        found[f"list: {name}"] = _pages(sum(_points_by_month(life, name, span)), page)
    for name in _SMALL_PAGES.split():
        points = sum(_points_by_month(life, name, span))
        found[f"list: {name}"] = _pages(points, SMALL_PAGE)
        if name == "exercise":
            found["tracks: exercise"] = points
    for name in _DATES.split():
        rows = life.dailies(name, span.first, span.now.date(), span.now)
        found[f"list: {name}"] = _pages(len(rows), page)
    for method, names in (("rollUp", _ONLY_ROLLED), ("dailyRollUp", _ROLLED_BY_DAY)):
        for name in names.split():
            longest = 14 if name in _FEW_DAYS.split() else 90
            found[f"{method}: {name}"] = _pages(span.days, longest)
    return found


def _points_by_month(life: GoogleLife, name: str, span: Span) -> list[int]:
    """Count points in pieces of 27 days, a year of which need not fit into memory."""
    counts = []
    start = datetime.combine(span.first, time(), UTC)
    while start < span.now:
        end = start + timedelta(days=_MONTH_DAYS - 1)
        counts.append(len(life.points(name, _ms(start), _ms(end), span.now)))
        start = end
    return counts


def _pages(points: int, page: int) -> int:
    """Count pages; that there is nothing must be asked too."""
    return max(1, -(-points // page))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
