"""The least number of requests for a wearer's history, from the documents and the wearer's truth.

It knows nothing of how fitbitd asks: neither planner nor catalogue is imported. What counts is what
the provider's own limits leave: points of a page, days of a range, one request for each track, and
one more that says that there is nothing. Whoever asks knows where every point lies.

Sources: developers.google.com/health/data-types, .../endpoints; dev.fitbit.com, Web API reference,
the endpoints' pages (both read 2026-11-22).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fitbitd.simulator import Wearer
from fitbitd.simulator.life import GoogleLife

SMALL_PAGE = 25
"""Points of a page of Google's sleep and exercise."""

_MONTH_DAYS = 28
"""A list of intervals over more than this begins with an empty page, as was seen."""

_INTERVALS = (
    "steps distance altitude active-energy-burned basal-energy-burned active-minutes"
    " active-zone-minutes activity-level sedentary-period swim-lengths-data"
)
_SAMPLES = (
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

_DAY_BY_DAY = "activities/heart activities/steps"
_RANGES: Mapping[int, str] = {
    30: "activities/activityCalories hrv br temp/skin hrv/all br/all spo2/all",
    31: "body/log/weight",
    100: "sleep",
    365: "activities/heart",
    1095: (
        "activities/steps activities/distance activities/floors activities/elevation"
        " activities/calories activities/caloriesBMR activities/minutesSedentary"
        " activities/minutesLightlyActive activities/minutesFairlyActive"
        " activities/minutesVeryActive activities/active-zone-minutes"
    ),
    36_600: "spo2",  # no longest range is documented, and years were answered
}
"""What the legacy API answers by ranges, by the days of the longest one."""

_LOGGED_ON_A_PAGE = 100
_FITBIT_ACCOUNT = "profile devices"


@dataclass(frozen=True, slots=True)
class Span:
    """A history: its first day, and the instant up to which it is asked."""

    first: date
    now: datetime

    @property
    def days(self) -> int:
        """Count its days, today included."""
        return (self.now.date() - self.first).days + 1


def points_at_google(wearer: Wearer, span: Span) -> Mapping[str, int]:
    """Count the points of each data type that has a list."""
    life = GoogleLife(wearer)
    found = {
        name: _points(life, name, span)
        for name in f"{_INTERVALS} {_SAMPLES} {_SMALL_PAGES}".split()
    }
    for name in _DATES.split():
        found[name] = len(life.dailies(name, span.first, span.now.date(), span.now))
    return found


def least_of_google(points: Mapping[str, int], span: Span, page: int) -> Mapping[str, int]:
    """Count the least requests of each kind and data type.

    Args:
        points: by data type.
        page: points of the largest page that is served.
    """
    found = {f"the account: {name}": 1 for name in _ACCOUNT.split()}
    for name, count in points.items():
        found[f"list: {name}"] = _parts(count, SMALL_PAGE if name in _SMALL_PAGES.split() else page)
    for name in _INTERVALS.split():
        pages = found[f"list: {name}"]
        months = _parts(span.days, _MONTH_DAYS)
        found[f"list: {name}"] = min(pages + (months > 1), max(pages, months))
    found["tracks: exercise"] = points["exercise"]
    for method, names in (("rollUp", _ONLY_ROLLED), ("dailyRollUp", _ROLLED_BY_DAY)):
        for name in names.split():
            longest = 14 if name in _FEW_DAYS.split() else 90
            found[f"{method}: {name}"] = _parts(span.days, longest)
    return found


def least_of_fitbit(wearer: Wearer, span: Span) -> Mapping[str, int]:
    """Count the least requests of each kind and resource of the legacy API."""
    found = {f"the account: {name}": 1 for name in _FITBIT_ACCOUNT.split()}
    for name in _DAY_BY_DAY.split():
        found[f"day by day: {name}"] = span.days
    for longest, names in _RANGES.items():
        for name in names.split():
            found[f"ranges: {name}"] = _parts(span.days, longest)
    logged = _points(GoogleLife(wearer), "exercise", span)
    found["list: activities"] = _parts(logged, _LOGGED_ON_A_PAGE)
    return found


def _points(life: GoogleLife, name: str, span: Span) -> int:
    """Count points piece by piece, for years of them need not fit into memory."""
    count = 0
    start = datetime.combine(span.first, time(), UTC)
    while start < span.now:
        end = start + timedelta(days=_MONTH_DAYS)
        count += len(life.points(name, _ms(start), _ms(end), span.now))
        start = end
    return count


def _parts(whole: int, part: int) -> int:
    """Count pages or ranges; that there is nothing must be asked too."""
    return max(1, -(-whole // part))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
