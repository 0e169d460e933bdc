"""The ordered pulls of a pass: newest days, late syncs, days that can settle, history. Pure.

A dense type (a day is thousands of points) is read by its tail while the day runs, once as a whole
when a sync later than its end has come, and once more when it can settle. All other types are read
by ranges, which cost one request whether they hold one day or thirty.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, Pull, Why, Window
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants, due
from fitbitd.plan.coverage import SYNC_MARGIN, day_end, settles, usable
from fitbitd.plan.ledger import Ledger, TypeLedger

OVERLAP = timedelta(hours=1)
"""How far a tail reaches back before what is known."""

LAST_MINUTE = time(23, 59)
"""Where a tail ends: whether a window's last minute is answered whole is not documented, so that of
a day is left to the read of the whole day, which asks for no times."""

SETTLE_ALONE = timedelta(hours=6)
"""A day that can settle waits this long for a pass with something to ask, then makes one itself."""

EARLIEST = date(2000, 1, 2)
"""No watch measured before it; replies are believed from 2000 on, a night begins the day before."""

_DAY = timedelta(days=1)


UNPROVEN = timedelta(days=1)
"""How often a day that no sync vouches for is read as a whole, until it is old enough to settle."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every step of planning looks at."""

    wants: Wants
    ledger: Ledger
    now: datetime
    zone: str
    today: date

    def horizon(self, data_type: DataType) -> date:
        """Give the first day that is wanted of `data_type`."""
        recent = self.today - data_type.reread
        return min(max(self.wants.backfill_from or recent, EARLIEST), recent)

    def pull(self, data_type: DataType, window: Window | None, why: Why) -> Pull:
        return Pull(data_type.name, window, why, self.zone, self.ledger.synced_at)


def plan(wants: Wants, ledger: Ledger, now: datetime, allowed: Allowance) -> tuple[Pull, ...]:
    """Choose what the pass asks, most urgent first, within what is allowed.

    Whatever is due comes before any history, and history never takes from the reserve. The data
    type that carries the device syncs is not planned: every pass begins with it.
    """
    scene = _look(wants, ledger, now)
    types = [data_type for data_type in wants.data_types if not data_type.watches]
    live = _newest_first(_live(scene, types))[: allowed.live]
    spare = max(0, min(allowed.history, allowed.live) - len(live))
    history = [pull for data_type in types for pull in _history(scene, data_type)]
    return (*live, *_cheapest_first(history, types)[:spare])


def asked(
    wants: Wants, ledger: Ledger, now: datetime, days: tuple[date, date] | None
) -> tuple[Pull, ...]:
    """Give the pulls of what a person asked for: first and last day included, or the newest."""
    scene = _look(wants, ledger, now)
    pulls: list[Pull] = []
    for data_type in wants.data_types:
        if data_type.watches:
            continue
        if data_type.axis is None:
            pulls.append(scene.pull(data_type, None, Why.ASKED))
        elif days is None:
            pulls += _newest(scene, data_type, Why.ASKED)
        else:
            last = min(days[1], scene.today)
            pulls += [
                scene.pull(data_type, window, Why.ASKED)
                for window in chunks(data_type, max(days[0], EARLIEST), last)
            ]
    return tuple(pulls)


def chunks(data_type: DataType, first: date, last: date) -> Iterator[Window]:
    """Cut the days `first` to `last`, both included, into the longest windows, newest first."""
    axis = data_type.axis or Axis.DATE
    step = max(1, data_type.longest // _DAY)
    while last >= first:
        start = max(first, last - timedelta(days=step - 1))
        yield _window(axis, start, last)
        last = start - _DAY


def halves(pull: Pull) -> tuple[Pull, ...]:
    """Cut the window of a pull that was too large in two, newest first; a day is not cut."""
    window = pull.window
    if window is None or window.end - window.start <= _DAY:
        return ()
    middle = window.start + (window.end - window.start) / 2
    middle = middle.replace(hour=0, minute=0, second=0, microsecond=0)
    if middle <= window.start:
        middle += _DAY
    bounds = ((middle, window.end), (window.start, middle))
    return tuple(replace(pull, window=Window(window.axis, *bound)) for bound in bounds)


def _look(wants: Wants, ledger: Ledger, now: datetime) -> _Scene:
    zone = ledger.zone or "UTC"
    return _Scene(wants, ledger, now, zone, now.astimezone(ZoneInfo(zone)).date())


def _window(axis: Axis, first: date, last: date) -> Window:
    if axis is not Axis.INSTANT:
        return Window.of_days(axis, first, last)
    # Civil time has to stand for instants: whole UTC days, the widest offsets on either side.
    start = datetime.combine(first, time(), UTC) - timedelta(hours=14)
    return Window(axis, start, datetime.combine(last, time(), UTC) + _DAY + timedelta(hours=14))


def _live(scene: _Scene, types: list[DataType]) -> list[Pull]:
    """Give what is due now; what is nearly due comes along when anything is."""
    pulls = _due(scene, types, riding=False)
    return _due(scene, types, riding=True) if pulls else pulls


def _due(scene: _Scene, types: list[DataType], *, riding: bool) -> list[Pull]:
    pulls: list[Pull] = []
    for data_type in types:
        why = due(data_type, scene.wants, scene.ledger, scene.now, riding=riding)
        if why is not None:
            pulls += _newest(scene, data_type, why)
        if data_type.dense:
            pulls += _recent_days(scene, data_type, riding=riding)
    return pulls


def _newest(scene: _Scene, data_type: DataType, why: Why) -> list[Pull]:
    """Ask for the newest of a data type that is due."""
    if data_type.axis is None:
        return [scene.pull(data_type, None, why)]
    if data_type.dense:
        window = _today(scene, data_type, data_type.axis)
        return (
            [] if _blocked(scene, data_type, scene.today) else [scene.pull(data_type, window, why)]
        )
    known = scene.ledger.of(data_type.name)
    first = max(
        scene.horizon(data_type),
        min([scene.today - data_type.reread - _DAY, *known.open]),
    )
    days = (first + n * _DAY for n in range((scene.today - first) // _DAY + 1))
    return [
        scene.pull(data_type, window, why)
        for run in _runs(day for day in days if day not in known.doubted)
        for window in chunks(data_type, *run)
        if not _blocked(scene, data_type, window.start.date())
    ]


def _today(scene: _Scene, data_type: DataType, axis: Axis) -> Window:
    """Span today's tail, or today as a whole while nothing of it is known."""
    known = scene.ledger.of(data_type.name)
    marks = [at for at in (known.newest, known.rests_on) if at is not None]
    if scene.today in known.open and marks:
        begun = (min(marks) - OVERLAP).astimezone(ZoneInfo(scene.zone)).replace(tzinfo=None)
        begun = begun.replace(second=0, microsecond=0)
        end = datetime.combine(scene.today, LAST_MINUTE)
        if begun.date() == scene.today and begun.time() != time() and begun < end:
            return Window(axis, begun, end)
    return _window(axis, scene.today, scene.today)


def _recent_days(scene: _Scene, data_type: DataType, *, riding: bool) -> Iterator[Pull]:
    """Give the days before today, of a dense type, that a sync or their age makes worth a read."""
    known = scene.ledger.of(data_type.name)
    if _blocked(scene, data_type, None):
        return
    recent = scene.today - data_type.reread
    candidates = {day for day in known.open if day < scene.today}
    candidates |= set(_missing(known, max(recent, scene.horizon(data_type)), scene.today - _DAY))
    for day in candidates:
        why = _need(scene, data_type, day, riding=riding)
        if why is not None and not _blocked(scene, data_type, day):
            yield scene.pull(data_type, _window(data_type.axis or Axis.CIVIL, day, day), why)


def _need(scene: _Scene, data_type: DataType, day: date, *, riding: bool) -> Why | None:
    """Say why a past day of a dense type is read once more, or None."""
    ended_at = day_end(day, scene.zone)
    newest = scene.ledger.synced_at
    read = scene.ledger.of(data_type.name).open.get(day)
    if read is None:
        return Why.GAP
    waited = scene.now if riding else scene.now - SETTLE_ALONE
    if all(settles(ended_at, data_type.reread, at, newest) for at in (waited, scene.now)):
        return Why.SETTLE
    sync = usable(newest, scene.now, data_type.reread)
    if sync is None:
        return Why.GAP if scene.now - read.read_at >= UNPROVEN else None
    rests_on = read.synced_at
    if rests_on is None or (rests_on < sync and rests_on < ended_at + SYNC_MARGIN):
        return Why.GAP  # a sync came since that may have brought more of the day
    return None


def _history(scene: _Scene, data_type: DataType) -> Iterator[Pull]:
    """Give what is missing before the days that live polling looks after, newest first."""
    if data_type.axis is None or _blocked(scene, data_type, None):
        return
    known = scene.ledger.of(data_type.name)
    last = scene.today - data_type.reread - (_DAY if data_type.dense else 2 * _DAY)
    for first, upto in _runs(_missing(known, scene.horizon(data_type), last)):
        for window in chunks(data_type, first, upto):
            if not _blocked(scene, data_type, window.start.date()):
                yield scene.pull(data_type, window, Why.BACKFILL)


def _missing(known: TypeLedger, first: date, last: date) -> Iterator[date]:
    """Give the days `first` to `last` that were never read, oldest first."""
    runs = iter(known.settled)
    run = next(runs, None)
    day = first
    while day <= last:
        while run is not None and run[1] < day:
            run = next(runs, None)
        if run is not None and run[0] <= day:
            day = run[1] + _DAY
            continue
        if day not in known.open:
            yield day
        day += _DAY


def _runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Join days, oldest first, into runs with both ends included."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and runs[-1][1] == day - _DAY:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _blocked(scene: _Scene, data_type: DataType, day: date | None) -> bool:
    blocked = scene.ledger.of(data_type.name).blocked
    return any(scene.now < blocked[key] for key in (None, day) if key in blocked)


def _newest_first(pulls: list[Pull]) -> list[Pull]:
    """Order live pulls by urgency, then newest first."""
    urgency = list(Why)
    return sorted(pulls, key=lambda pull: (urgency.index(pull.why), -_ends(pull)))


def _cheapest_first(pulls: list[Pull], types: list[DataType]) -> list[Pull]:
    """Order history: ranges before single days, and newest first within each."""
    dense = {data_type.name for data_type in types if data_type.dense}
    return sorted(pulls, key=lambda pull: (pull.data_type in dense, -_ends(pull)))


def _ends(pull: Pull) -> int:
    return pull.window.end.toordinal() if pull.window else date.max.toordinal()
