"""What a data path asks for, or how it is refused. Pure.

Limits are those of the documents, read strictly: both ends count, so a year is 365 dates.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fitbitd.simulator.refusals import bad_request, internal_error, not_found, too_many_points

HEART_DAYS = 365
STEPS_DAYS = 1095
SLEEP_DAYS = 100
MONTH_DAYS = 30
WEIGHT_DAYS = 31
PAGE_LIMIT = 100

SUMMED = (
    *("calories", "caloriesBMR", "activityCalories", "distance", "elevation", "floors"),
    *("minutesSedentary", "minutesLightlyActive", "minutesFairlyActive", "minutesVeryActive"),
    "active-zone-minutes",
)
"""Time series beside steps and heart rate."""

LEVELS = {
    "heart": ("1sec", "1min", "5min", "15min"),
    "steps": ("1min", "5min", "15min"),
}
_YEARS = range(1990, 2100)
_PERIOD_DAYS = {"1d": 1, "7d": 7, "30d": 30, "1w": 7}
_PERIOD_MONTHS = {"heart": {"1m": 1}}
_USUAL_MONTHS = {"1m": 1, "3m": 3, "6m": 6, "1y": 12}
_NIGHT_SCOPES = {
    "hrv": "heartrate",
    "spo2": "oxygen_saturation",
    "br": "respiratory_rate",
    "temp/skin": "temperature",
}

_SPAN = r"date/(?P<first>[^/]+)/(?P<last>[^/]+)"
_DATES = r"date/(?P<first>[^/]+)(?:/(?P<last>(?!all$)[^/]+))?"
_TIMES = r"(?:/time/(?P<begin>[^/]+)/(?P<end>[^/]+))?"
_ROUTES = (
    ("1", "profile", r"profile"),
    ("1", "devices", r"devices"),
    ("1", "intraday", rf"activities/(?P<res>heart|steps)/{_SPAN}/(?P<level>[^/]+){_TIMES}"),
    ("1", "series", rf"activities/(?P<res>heart|steps|{'|'.join(SUMMED)})/{_SPAN}"),
    ("1", "night", rf"(?P<res>hrv|spo2|br)/{_DATES}(?P<level>/all)?"),
    ("1", "night", rf"(?P<res>temp/skin)/{_DATES}"),
    ("1", "weight", rf"body/log/weight/{_DATES}"),
    ("1", "activity_list", r"activities/list"),
    ("1.2", "sleep_list", r"sleep/list"),
    ("1.2", "sleep_range", rf"sleep/{_SPAN}"),
    ("1.2", "sleep_day", r"sleep/date/(?P<first>[^/]+)"),
)
_USER_PATH = re.compile(r"/(?P<version>1|1\.1|1\.2)/user/(?P<user>[^/]+)/(?P<rest>.+)\.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for data.

    Attributes:
        kind: profile, devices, intraday, series, sleep_day, sleep_range, sleep_list, night, weight
            or activity_list.
        user: as the path names the user: `-` or an id.
        scope: what the grant must hold.
        resource: what a series, intraday data or a night is of.
        level: of intraday data; "all" for all the rows of a night.
        one_date: of a night, by one date instead of a range.
        window: wall-clock times of the first and of the last day, for intraday.
        params: of a list.
    """

    kind: str
    user: str
    scope: str
    resource: str = ""
    first: date = date.min
    last: date = date.min
    level: str = ""
    one_date: bool = False
    window: tuple[time, time] | None = None
    params: tuple[tuple[str, str], ...] = ()


def parse(path: str, query: Mapping[str, str], today: date) -> Asked:
    """Read a data path.

    Args:
        path: without its query.
        query: its parameters.
        today: the wearer's date by the provider's clock, which the word `today` stands for.

    Raises:
        RefusalError: 404 for a path that leads nowhere, 400 and 422 for what it asks.
    """
    if "timezone" in query:
        raise bad_request("The parameter timezone is not simulated.", "timezone")
    route = route_of(path)
    if route is None:
        raise not_found()
    kind, found = route
    user = found["user"]
    if kind in {"profile", "devices"}:
        return Asked(kind, user, "profile" if kind == "profile" else "settings")
    if kind in {"sleep_list", "activity_list"}:
        scope = "sleep" if kind == "sleep_list" else "activity"
        return Asked(kind, user, scope, params=_list_params(query))
    first = _date(found["first"], today)
    if kind in {"night", "weight"}:
        return _logs(kind, found, first, today)
    if kind in {"sleep_day", "sleep_range"}:
        return _sleep(kind, found, first, today)
    return (_series if kind == "series" else _intraday)(found, first, today)


def route_of(path: str) -> tuple[str, dict[str, str]] | None:
    """Tell the kind of a data path and the words in it; None for a path that leads nowhere."""
    whole = _USER_PATH.fullmatch(path)
    if whole is None:
        return None
    for version, kind, pattern in _ROUTES:
        match = re.fullmatch(pattern, whole["rest"])
        if match is not None and version == whole["version"]:
            return kind, {"user": whole["user"], **match.groupdict("")}
    return None


def _sleep(kind: str, found: Mapping[str, str], first: date, today: date) -> Asked:
    last = first if kind == "sleep_day" else _date(found["last"], today)
    _check_span(first, last)
    if (last - first).days >= SLEEP_DAYS:
        raise bad_request("The date range must not be longer than 100 days.")
    return Asked(kind, found["user"], "sleep", first=first, last=last)


def _logs(kind: str, found: Mapping[str, str], first: date, today: date) -> Asked:
    last = _date(found["last"], today) if found["last"] else first
    _check_span(first, last)
    resource, level = found.get("res", ""), found.get("level", "").removeprefix("/")
    most = WEIGHT_DAYS if kind == "weight" else MONTH_DAYS
    unlimited = resource == "spo2" and not level  # no limit is documented
    if (last - first).days >= most and not unlimited:
        raise bad_request(f"The date range must not be longer than {most} days.")
    scope = _NIGHT_SCOPES.get(resource, "weight")
    one_date = not found["last"]
    return Asked(kind, found["user"], scope, resource, first, last, level, one_date)


def _series(found: Mapping[str, str], first: date, today: date) -> Asked:
    resource, end = found["res"], found["last"]
    if end == "max":
        raise internal_error()
    if re.fullmatch(r"\d+[dwmy]", end):
        first, last = _period(resource, first, end)
    else:
        last = _date(end, today)
    _check_span(first, last)
    most = {"heart": HEART_DAYS, "activityCalories": MONTH_DAYS}.get(resource, STEPS_DAYS)
    if (last - first).days >= most:
        raise too_many_points()
    return Asked("series", found["user"], _scope(resource), resource, first, last)


def _intraday(found: Mapping[str, str], first: date, today: date) -> Asked:
    resource = found["res"]
    last = first if found["last"] == "1d" else _date(found["last"], today)
    if found["level"] not in LEVELS[resource]:
        raise bad_request(f"Invalid detail level: {found['level']}", "detail-level")
    window = None
    if found["begin"]:
        window = (_time(found["begin"]), _time(found["end"]))
    begin, end = window or (time(), time())
    length = datetime.combine(last, end) - datetime.combine(first, begin)
    if window is None:
        length += timedelta(days=1)
    if length < timedelta():
        raise bad_request("The start of the range must not be after its end.")
    if length > timedelta(days=1):
        raise bad_request("Time range should not be bigger than 24 hours.", kind="request")
    return Asked(
        "intraday",
        found["user"],
        _scope(resource),
        resource,
        first,
        last,
        found["level"],
        window=window,
    )


def _scope(resource: str) -> str:
    return "heartrate" if resource == "heart" else "activity"


def _check_span(first: date, last: date) -> None:
    if first > last:
        raise bad_request("The start date must not be after the end date.")


def _date(text: str, today: date) -> date:
    if text == "today":
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.isoformat() != text or day.year not in _YEARS:
        raise bad_request(f"Invalid date: {text}", "date")
    return day


def _time(text: str) -> time:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise bad_request(f"Invalid time: {text}", "time")
    return time.fromisoformat(text)


def _period(resource: str, end: date, period: str) -> tuple[date, date]:
    """Give the dates of a period word, which ends on its date."""
    if period in _PERIOD_DAYS:
        return end - timedelta(days=_PERIOD_DAYS[period] - 1), end
    months = _PERIOD_MONTHS.get(resource, _USUAL_MONTHS).get(period)
    if months is None:
        raise bad_request(f"Invalid period: {period}", "period")
    year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
    day = min(end.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day) + timedelta(days=1), end


def _list_params(query: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Check the parameters of a list: one date, its own sort, a limit and an offset."""
    dates = [name for name in ("beforeDate", "afterDate") if name in query]
    sort = {"beforeDate": "desc", "afterDate": "asc"}
    if len(dates) != 1 or query.get("sort") != sort[dates[0]]:
        raise bad_request("Exactly one of beforeDate (desc) and afterDate (asc) is required.")
    try:
        datetime.fromisoformat(query[dates[0]])
        limit, offset = int(query["limit"]), int(query["offset"])
    except (KeyError, ValueError) as err:
        raise bad_request("Invalid date, limit or offset.") from err
    if not 1 <= limit <= PAGE_LIMIT or offset < 0:
        raise bad_request("Invalid limit or offset.")
    return tuple((name, query[name]) for name in (dates[0], "sort", "limit", "offset"))
