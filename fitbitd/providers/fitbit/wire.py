"""The legacy Fitbit Web API on the wire: a pull to a request, a reply to what it says."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from fitbitd.errors import ContractError
from fitbitd.model import (
    DataType,
    DataTypeName,
    Lesson,
    Page,
    Pull,
    Quota,
    Reply,
    Request,
    Survey,
)
from fitbitd.providers.fitbit import verdict
from fitbitd.providers.fitbit.asked import window_of
from fitbitd.providers.fitbit.catalog import CATALOGUE, ENTRIES
from fitbitd.providers.fitbit.entry import Entry
from fitbitd.providers.fitbit.exercise import ends_beyond
from fitbitd.providers.fitbit.members import changed, document, members
from fitbitd.providers.fitbit.parse import READERS
from fitbitd.providers.origin import origin

# No Accept-Language: without it Fitbit answers in metric units.
_HEADERS = (("accept", "application/json"),)

_DAY = timedelta(days=1)
_UP_TO_A_MINUTE = timedelta(minutes=1) - timedelta.resolution


class FitbitProvider:
    """The legacy Fitbit Web API at `api_url`."""

    name = "fitbit"
    catalogue: Mapping[DataTypeName, DataType] = CATALOGUE

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url.rstrip("/")
        self._home = origin(self._api_url)

    def request(self, pull: Pull, page: str | None = None) -> Request:
        """Turn a pull, or the next page of it, into the request that asks for it.

        A next page is a URL of Fitbit's own making; its form has changed over time, so it is
        followed to the letter, and only home: the token goes along.

        Raises:
            ContractError: `page` leads to another host than the API's.
        """
        if page is None:
            return Request("GET", self._api_url + _path(pull), _HEADERS)
        if self._home is None or origin(page) != self._home:
            raise ContractError(
                "Fitbit's link to the next page leads to another host; the token was not sent "
                "there. The first pages are archived."
            )
        return Request("GET", page, _HEADERS)

    def judge(self, reply: Reply) -> Quota | None:
        """Turn one data reply into the quota left, or into what the caller may do."""
        return verdict.judge(reply)

    def survey(self, pull: Pull, reply: Reply) -> Survey:
        """Check that the container of the data type is there, count its points, find the next page.

        Raises:
            ContractError: not JSON, or the container is missing.
            RefusedError: the values of the day are missing, the daily ones are there.
        """
        entry = ENTRIES[pull.data_type]
        root = document(reply.body)
        rows = _rows(entry, root)
        if rows is None:
            if entry.daily and isinstance(root, dict) and entry.daily in root:
                raise verdict.not_personal()
            raise changed(".".join(entry.container) or "reply")
        next_page = _next_page(root)
        if next_page is not None and entry.ascending and ends_beyond(rows, pull):
            next_page = None  # the rest of the list is outside of the window
        return Survey(len(rows), next_page)

    def read(self, pull: Pull, reply: Reply) -> Page:
        """Read every point of a judged reply.

        Raises:
            ContractError: a point that cannot be understood.
        """
        entry = ENTRIES[pull.data_type]
        rows = _rows(entry, document(reply.body))
        if rows is None:
            raise changed(".".join(entry.container) or "reply")
        return READERS[pull.data_type](rows, pull, reply.received_at)

    def learn(self, _pull: Pull, _reply: Reply) -> tuple[Lesson, ...]:
        """Learn nothing: the legacy API's limits are documented, and it never names others."""
        return ()

    def adapted(self, data_type: DataType, _lessons: Sequence[Lesson]) -> DataType:
        """Give the data type as it is."""
        return data_type


def _path(pull: Pull) -> str:
    entry = ENTRIES[pull.data_type]
    if entry.data_type.axis is None:
        return entry.path
    start, end = window_of(pull).start, window_of(pull).end
    if not entry.tail_path:
        last = end.date() - (timedelta() if entry.next_date else _DAY)
        # Whether the named day itself is answered, and by which clock, is not documented.
        before = start.date() - 2 * _DAY
        return entry.path.format(start=start.date(), end=last, before=before)
    next_midnight = datetime.combine(start.date() + timedelta(days=1), time())
    if end > next_midnight:
        raise ValueError(f"a pull of {pull.data_type} that spans more than one civil day")
    # Whether the last minute that a path names is answered whole is not documented, and there is
    # none to name after 23:59. So a window that ends at midnight asks for the whole day: rows too
    # many do no harm, while rows missing at the end of a window look withdrawn.
    last_minute = end + _UP_TO_A_MINUTE
    if last_minute >= next_midnight:
        return entry.path.format(start=start.date())
    return entry.tail_path.format(
        start=start.date(), from_time=f"{start:%H:%M}", to_time=f"{last_minute:%H:%M}"
    )


def _rows(entry: Entry, root: Any) -> list[Any] | None:
    """Give the rows of a reply; None if the container is not there or not of its kind."""
    at = root
    for key in entry.container:
        if not isinstance(at, dict) or key not in at:
            return None
        at = at[key]
    if entry.bare and isinstance(at, dict):
        return [at] if "dateTime" in at else None if at else []
    if entry.one:
        return [at] if isinstance(at, dict) else None
    return at if isinstance(at, list) else None


def _next_page(root: Any) -> str | None:
    """Give the link to the next page; "" is how Fitbit says that there is none."""
    if not isinstance(root, dict) or "pagination" not in root:
        return None
    link = members(root["pagination"], "pagination").get("next", "")
    if not isinstance(link, str):
        raise changed("pagination.next")
    return link or None
