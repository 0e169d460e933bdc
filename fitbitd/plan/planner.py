"""The ordered pulls of a pass: newest days, late syncs, days that can settle, files, history. Pure.

A dense type is read by its tail and by whole days, see `dense.py`. All other types are read by
ranges, which cost few requests whether they hold one day or thirty.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from fitbitd.model import DataType, DataTypeName, Pull, Why
from fitbitd.plan import dense
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants, due
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.scene import EARLIEST, Scene
from fitbitd.plan.windows import DAY, chunks, missing, runs

FILES_A_PASS = 50
"""Half of what a pass asks: files are read along with history and do not outlast it."""


def plan(wants: Wants, ledger: Ledger, now: datetime, allowed: Allowance) -> tuple[Pull, ...]:
    """Choose what the pass asks, most urgent first, within what is allowed.

    Whatever is due comes before any history, and history never takes from the reserve. The data
    type that carries the device syncs is not planned: every pass begins with it.
    """
    scene = Scene(wants, ledger, now)
    types = [data_type for data_type in wants.data_types if not data_type.watches]
    live = _newest_first(_live(scene, types))[: allowed.live]
    files = [pull for data_type in types for pull in _files(scene, data_type)]
    files = files[: min(FILES_A_PASS, allowed.live - len(live))]
    begun = (*live, *files)
    spare = max(0, min(allowed.history, allowed.live) - len(begun))
    reached = _reached(live)
    history = [pull for data_type in types for pull in _history(scene, data_type, reached)]
    return (*begun, *_cheapest_first(history, types)[:spare])


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
    for window in chunks(data_type, first, last, scene.ledger.of(data_type.name)):
        yield scene.pull(data_type, window, Why.ASKED)


def _live(scene: Scene, types: list[DataType]) -> list[Pull]:
    """Give what is due now; what is nearly due comes along when anything is."""
    pulls = _due(scene, types, riding=False)
    return _due(scene, types, riding=True) if pulls else pulls


def _due(scene: Scene, types: list[DataType], *, riding: bool) -> list[Pull]:
    pulls: list[Pull] = []
    for data_type in types:
        if data_type.file_of is not None:
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
    first = scene.horizon(data_type) if known.untouched else recent
    days = {first + timedelta(days=n) for n in range((today - first) // DAY + 1)}
    return [
        scene.pull(data_type, window, why)
        for run in runs(sorted((days | known.recheck) - known.doubted))
        for window in chunks(data_type, *run, known)
        if window.end.date() > recent or not known.recheck.isdisjoint(window.days())
        if not scene.blocked(data_type, window.start.date())
    ]


def _files(scene: Scene, data_type: DataType) -> list[Pull]:
    """Give the files of sessions that are missing or of another version."""
    if data_type.file_of is None or scene.blocked(data_type, None):
        return []
    keys = scene.ledger.of(data_type.name).files_wanted
    return [scene.pull(data_type, None, Why.INTERVAL, item=key) for key in keys]


def _reached(pulls: list[Pull]) -> Mapping[DataTypeName, date]:
    """Give the first day of each data type that some pulls ask for."""
    days: dict[DataTypeName, date] = {}
    for pull in pulls:
        if pull.window is not None:
            first = pull.window.start.date()
            days[pull.data_type] = min(first, days.get(pull.data_type, first))
    return days


def _history(
    scene: Scene, data_type: DataType, reached: Mapping[DataTypeName, date]
) -> Iterator[Pull]:
    """Give what is missing before the days that live polling looks after, newest first.

    What only checks another data type has no history: that was just read as a whole.

    Args:
        reached: how far back the pass reads, without a gap, what was never read before.
    """
    checks = data_type.checks is not None
    if data_type.axis is None or checks or scene.blocked(data_type, None):
        return
    known = scene.ledger.of(data_type.name)
    last = scene.today(data_type) - data_type.reread - (DAY if data_type.dense else 2 * DAY)
    if known.untouched:
        last = min(last, reached.get(data_type.name, date.max) - DAY)
    for first, upto in runs(missing(known, scene.horizon(data_type), last)):
        for window in chunks(data_type, first, upto, known):
            if not scene.blocked(data_type, window.start.date()):
                yield scene.pull(data_type, window, Why.BACKFILL)


def _newest_first(pulls: list[Pull]) -> list[Pull]:
    """Order live pulls by urgency, then newest first."""
    urgency = list(Why)
    return sorted(pulls, key=lambda pull: (urgency.index(pull.why), -_ends(pull)))


def _cheapest_first(pulls: list[Pull], types: list[DataType]) -> list[Pull]:
    """Order history: ranges before single days, and newest first within each."""
    days = {data_type.name for data_type in types if data_type.dense}
    return sorted(pulls, key=lambda pull: (pull.data_type in days, -_ends(pull)))


def _ends(pull: Pull) -> int:
    return pull.window.end.toordinal() if pull.window else date.max.toordinal()
