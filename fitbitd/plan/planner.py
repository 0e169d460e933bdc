"""The ordered pulls of a pass: newest days, late syncs, days that can settle, files, history. Pure.

A dense type is read by its tail and by whole days, see `dense.py`. All other types are read by
ranges, which cost few requests whether they hold one day or thirty.

No day of a data type is asked twice in a plan, but for the hours by which a tail joins a whole day.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from fitbitd.model import DataType, DataTypeName, Pull, Why, Window
from fitbitd.plan import dense
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants, due
from fitbitd.plan.cost import Planned, fitted, priced
from fitbitd.plan.history import EARLIEST, has_history, last_day
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.scene import Scene
from fitbitd.plan.windows import (
    DAY,
    PAGES_A_PULL,
    Run,
    days_between,
    days_that_fill,
    missing,
    outside,
    runs,
    unread,
)

FILES_A_PASS = 50
"""Half of what a pass asks: files are read along with history and do not outlast it."""

LOOK_EVERY = timedelta(days=7)
"""How often days that are final are looked at once more."""

BASELINE_WAITS = timedelta(days=7)
"""What only checks other data types is first read when history is, and not much later."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass asks, most urgent first, and what is wanted beyond what it may spend."""

    chosen: tuple[Planned, ...]
    waiting: tuple[Planned, ...]


def plan(wants: Wants, ledger: Ledger, now: datetime, allowed: Allowance) -> Plan:
    """Choose what the pass asks within what is allowed, counted in requests.

    Whatever is due comes before any history, and history never takes from the reserve; looks back
    leave it half. The data type that carries the device syncs is not planned: every pass begins
    with it.
    """
    types = {one.name: one for one in wants.data_types if not one.watches}
    scene = Scene(wants, ledger, now, _pages(allowed.live))
    live = _newest_first(_live(scene, types.values()))
    files = [pull for one in types.values() for pull in _files(scene, one)]
    unhurried = min(allowed.history, allowed.live)
    scene, taken = replace(scene, pages=_pages(unhurried)), _taken(live)
    history = [pull for one in types.values() for pull in _history(scene, one, taken[one.name])]
    history = _cheapest_first(history, types, ledger)
    look = (unhurried + 1) // 2
    scene = replace(scene, pages=_pages(look))
    first_too = not history or _began_long_ago(ledger, now)
    deep = [
        pull
        for one in types.values()
        for pull in _deep(scene, one, taken[one.name], riding=bool(live), first_too=first_too)
    ]

    def price(pulls: Iterable[Pull]) -> Iterator[Planned]:
        for pull in pulls:
            yield priced(pull, types[pull.data_type], ledger.of(pull.data_type), now)

    urgent = fitted(price(live), allowed.live, allowed.live)
    some = fitted(price(files[:FILES_A_PASS]), urgent.left, allowed.live)
    spare = max(0, unhurried - (allowed.live - some.left))
    looks = fitted(price(_newest_first(deep)), (spare + 1) // 2, look)
    past = fitted(price(history), spare // 2 + looks.left, unhurried)
    more = fitted(looks.waiting, past.left, look)
    later = tuple(price(files[FILES_A_PASS:]))
    return Plan(
        (*urgent.chosen, *some.chosen, *looks.chosen, *more.chosen, *past.chosen),
        (*urgent.waiting, *some.waiting, *later, *more.waiting, *past.waiting),
    )


def asked(
    wants: Wants, ledger: Ledger, now: datetime, days: tuple[date, date] | None
) -> tuple[Pull, ...]:
    """Give the pulls of what a person asked for: first and last day included, or the newest."""
    scene = Scene(wants, ledger, now)
    pulls: list[Pull] = []
    for data_type in wants.data_types:
        if data_type.watches:
            continue
        if data_type.file_of is not None:
            keys = ledger.of(data_type.name).files_wanted
            pulls += [scene.pull(data_type, None, Why.ASKED, item=key) for key in keys]
        elif data_type.axis is None:
            pulls.append(scene.pull(data_type, None, Why.ASKED))
        elif days is None:
            pulls += _newest(scene, data_type, Why.ASKED)
        else:
            pulls += _days(scene, data_type, *days)
    return tuple(pulls)


def _days(scene: Scene, data_type: DataType, first: date, last: date) -> Iterator[Pull]:
    """Ask for days of the wearer's calendar, of those that have begun."""
    tomorrow = scene.now.date() + DAY
    first, last = min(max(first, EARLIEST), tomorrow), min(last, tomorrow)
    first, last = scene.days_of(data_type, first, last)
    last = min(last, scene.today(data_type))
    for window in scene.windows(data_type, first, last):
        yield scene.pull(data_type, window, Why.ASKED)


def _live(scene: Scene, types: Collection[DataType]) -> list[Pull]:
    """Give what is due now; what is nearly due comes along when anything is."""
    pulls = _due(scene, types, riding=False)
    return _due(scene, types, riding=True) if pulls else pulls


def _due(scene: Scene, types: Collection[DataType], *, riding: bool) -> list[Pull]:
    pulls: list[Pull] = []
    for data_type in types:
        if data_type.file_of is not None or data_type.checks is not None:
            continue
        why = due(data_type, scene.wants, scene.ledger, scene.now, riding=riding)
        found = [] if why is None else _newest(scene, data_type, why)
        pulls += found
        if data_type.dense:
            tail = found[0].window if found else None
            pulls += dense.recent_days(scene, data_type, tail, riding=riding)
    return pulls


def _newest(scene: Scene, data_type: DataType, why: Why) -> list[Pull]:
    """Ask for the newest of a data type that is due."""
    if data_type.axis is None:
        return [scene.pull(data_type, None, why)]
    today, known = scene.today(data_type), scene.ledger.of(data_type.name)
    if data_type.dense:
        window = dense.newest(scene, data_type)
        if any(scene.blocked(data_type, day) for day in (today, window.start.date())):
            return []
        return [scene.pull(data_type, window, why)]
    recent = max(
        scene.horizon(data_type),
        min([today - data_type.reread - DAY, *known.open]),
    )
    # What was never read is read as far back as one pull reaches: its history costs no other one.
    first = scene.horizon(data_type) if known.untouched and data_type.checks is None else recent
    days = {*days_between(first, today), *known.recheck} - known.doubted
    return [
        scene.pull(data_type, window, why)
        for run in runs(sorted(days))
        for window in scene.windows(data_type, *run)
        if window.end.date() > recent or _holds(window, known.recheck)
        if not scene.blocked(data_type, window.start.date())
    ]


def _holds(window: Window, days: Iterable[date]) -> bool:
    return any(window.start.date() <= day < window.end.date() for day in days)


def _files(scene: Scene, data_type: DataType) -> list[Pull]:
    """Give the files of sessions that are missing or of another version."""
    if data_type.file_of is None or scene.blocked(data_type, None):
        return []
    keys = scene.ledger.of(data_type.name).files_wanted
    return [scene.pull(data_type, None, Why.INTERVAL, item=key) for key in keys]


def _taken(pulls: Iterable[Pull]) -> Mapping[DataTypeName, list[Run]]:
    """Give the days of each data type that some pulls ask for."""
    days = defaultdict[DataTypeName, list[Run]](list)
    for pull in pulls:
        if pull.window is not None:
            last = (pull.window.end - timedelta.resolution).date()
            days[pull.data_type].append((pull.window.start.date(), last))
    return days


def _history(scene: Scene, data_type: DataType, taken: list[Run]) -> Iterator[Pull]:
    """Give what is missing before the days that live polling looks after, newest first.

    What only checks another data type has no history: that was just read as a whole.

    Args:
        taken: the days that the pass asks for anyway.
    """
    if not has_history(data_type) or scene.blocked(data_type, None):
        return
    known, last = scene.ledger.of(data_type.name), last_day(data_type, scene.ledger, scene.now)
    for run in unread(known, scene.horizon(data_type), last, taken):
        for window in scene.windows(data_type, *run):
            if not scene.blocked(data_type, window.start.date()):
                yield scene.pull(data_type, window, Why.BACKFILL)


def _deep(
    scene: Scene, data_type: DataType, taken: list[Run], *, riding: bool, first_too: bool
) -> Iterator[Pull]:
    """Give the days that are final and are looked at once more, a week after the last look.

    Args:
        taken: the days that the pass asks for anyway.
        riding: the pass has something to ask anyway.
        first_too: also what was never read, and only checks another data type.
    """
    known = scene.ledger.of(data_type.name)
    if data_type.checks is not None:
        why = due(data_type, scene.wants, scene.ledger, scene.now, riding=riding)
        if why is not None and (first_too or not known.untouched):
            yield from _newest(scene, data_type, Why.DEEP)
        elif why is None and known.read_at is not None and scene.now - known.read_at < DAY:
            yield from _left_of_a_look(scene, data_type, known.read_at - DAY)
        return
    looked_at = known.looked_back_at
    if looked_at is None or scene.now - looked_at < LOOK_EVERY:
        return
    if data_type.axis is None or data_type.dense or scene.blocked(data_type, None):
        return
    left_out = [*taken, *((day, day) for day in known.doubted)]
    for first, last in known.unlooked:
        for run in outside(left_out, first, last):
            for window in scene.windows(data_type, *run):
                if not scene.blocked(data_type, window.start.date()):
                    yield scene.pull(data_type, window, Why.DEEP)


def _left_of_a_look(scene: Scene, data_type: DataType, since: datetime) -> Iterator[Pull]:
    """Give the windows that a look which began a moment ago has not come to, for its pass ended."""
    known, today = scene.ledger.of(data_type.name), scene.today(data_type)
    old = {day for day, read in known.open.items() if read.read_at < since}
    old.update(missing(known, scene.horizon(data_type), today))
    for pull in _newest(scene, data_type, Why.DEEP):
        if pull.window and old.intersection(pull.window.days()):
            yield pull


def _newest_first(pulls: list[Pull]) -> list[Pull]:
    """Order live pulls by urgency, then newest first."""
    urgency = list(Why)
    return sorted(pulls, key=lambda pull: (urgency.index(pull.why), -_ends(pull)))


def _cheapest_first(
    pulls: list[Pull], types: Mapping[DataTypeName, DataType], ledger: Ledger
) -> list[Pull]:
    """Order history: what spans most days with a request first, single days last, newest first."""
    ranges = (one for one in types.values() if not one.dense)
    spans = {one.name: days_that_fill(1, one, ledger.of(one.name)) for one in ranges}
    return sorted(pulls, key=lambda pull: (-spans.get(pull.data_type, 0), -_ends(pull)))


def _began_long_ago(ledger: Ledger, now: datetime) -> bool:
    return ledger.first_pass_at is not None and now - ledger.first_pass_at >= BASELINE_WAITS


def _pages(budget: int) -> int:
    """Size a pull so that two of them fit into what may be spent, for the other one may be due."""
    return max(1, min(PAGES_A_PULL, budget // 2))


def _ends(pull: Pull) -> int:
    return pull.window.end.toordinal() if pull.window else date.max.toordinal()
