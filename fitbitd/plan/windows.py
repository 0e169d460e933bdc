"""Days into windows, and windows into smaller ones. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from fitbitd.model import Axis, DataType, Pull, Window
from fitbitd.plan.ledger import NOTHING, TypeLedger

PAGES_A_PULL = 50
"""What a pull is sized for; one that turns out much larger is abandoned and asked in halves."""

POINTS_A_PAGE = 5000
"""What a page is taken to hold before one was seen."""

DAY = timedelta(days=1)

Run = tuple[date, date]
"""Days in a row: the first and the last, both included."""


def whole_days(axis: Axis, first: date, last: date) -> Window:
    """Span the days `first` to `last`, both included: civil ones, UTC days on the instant axis."""
    if axis is not Axis.INSTANT:
        return Window.of_days(axis, first, last)
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last))
    return Window(axis, start, end + DAY)


def chunks(
    data_type: DataType,
    first: date,
    last: date,
    known: TypeLedger = NOTHING,
    pages: int = PAGES_A_PULL,
) -> Iterator[Window]:
    """Cut the days `first` to `last`, both included, into the longest windows, newest first.

    Args:
        known: what was seen of the data type; it says how many pages a day has.
        pages: what one window is sized for; a day is not cut, however many it has.
    """
    axis = data_type.axis or Axis.DATE
    step = days_that_fill(pages, data_type, known)
    while last >= first:
        start = max(first, last - timedelta(days=step - 1))
        yield whole_days(axis, start, last)
        last = start - DAY


def days_a_pull(data_type: DataType, known: TypeLedger) -> int:
    """Say how many days of a data type one pull may ask for."""
    return days_that_fill(PAGES_A_PULL, data_type, known)


def days_that_fill(pages: int, data_type: DataType, known: TypeLedger) -> int:
    """Say how many days of a data type so many pages hold, a day at least."""
    longest = max(1, data_type.longest // DAY)
    density = known.points_a_day
    a_day = data_type.expected_a_day if density is None else density
    room = pages * (known.points_a_page or POINTS_A_PAGE)
    return longest if a_day * longest <= room else max(1, int(room / a_day))


def halves(pull: Pull) -> tuple[Pull, ...]:
    """Cut the window of a pull that was too large in two, newest first; a day is not cut."""
    window = pull.window
    if window is None or window.end - window.start <= DAY:
        return ()
    middle = window.start + (window.end - window.start) / 2
    middle = middle.replace(hour=0, minute=0, second=0, microsecond=0)
    if middle <= window.start:
        middle += DAY
    bounds = ((middle, window.end), (window.start, middle))
    return tuple(replace(pull, window=Window(window.axis, *bound)) for bound in bounds)


def cut(pull: Pull, longest: timedelta) -> tuple[Pull, ...]:
    """Cut the window of a pull at midnights into pieces no longer than `longest`, newest first.

    A piece of a day is not cut, whatever is said of it.
    """
    window = pull.window
    if window is None or window.end - window.start <= max(longest, DAY):
        return (pull,)
    return tuple(piece for half in halves(pull) for piece in cut(half, longest))


def unread(known: TypeLedger, first: date, last: date, also: Iterable[Run] = ()) -> Iterator[Run]:
    """Give the days `first` to `last` that were never read as runs, both ends included.

    Args:
        also: runs of days that count as read.
    """
    return outside([*known.settled, *((day, day) for day in known.open), *also], first, last)


def outside(taken: Iterable[Run], first: date, last: date) -> Iterator[Run]:
    """Give the days `first` to `last` that lie in none of some runs, as runs, oldest first."""
    for begun, ended in sorted(run for run in taken if run[1] >= first and run[0] <= last):
        if first < begun:
            yield first, begun - DAY
        first = max(first, ended + DAY)
    if first <= last:
        yield first, last


def missing(known: TypeLedger, first: date, last: date) -> Iterator[date]:
    """Give the days `first` to `last` that were never read, oldest first."""
    for begun, ended in unread(known, first, last):
        yield from days_between(begun, ended)


def days_between(first: date, last: date) -> Iterator[date]:
    """Give the days `first` to `last`, both included."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)


def runs(days: Iterable[date]) -> list[Run]:
    """Join days, oldest first, into runs with both ends included."""
    found: list[Run] = []
    for day in days:
        if found and found[-1][1] == day - DAY:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
