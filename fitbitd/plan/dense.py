"""Dense data types: their tails, and the days that are read as a whole. Pure.

A day is thousands of points, so while it runs only its newest part is read. On the instant axis one
tail follows the other across midnight, and a day is read as a whole when it settles; by civil time
a tail ends with its day, which is read as a whole when a sync later than its end has come.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fitbitd.model import Axis, DataType, LessonKind, Pull, Why, Window
from fitbitd.plan.cadence import late_since
from fitbitd.plan.coverage import SYNC_MARGIN, brought_lately, settles, usable
from fitbitd.plan.ledger import DayRead
from fitbitd.plan.scene import Scene
from fitbitd.plan.windows import DAY, days_that_fill, missing, runs, unread, whole_days

OVERLAP = timedelta(hours=1)
"""How far a tail reaches back before what is known."""

LAST_MINUTE = time(23, 59)
"""Where a tail by civil time ends: whether a window's last minute is answered whole is not
documented, so that of a day is left to the read of the whole day, which asks for no times."""

BEHIND = DAY + OVERLAP
"""What begins longer ago than this is read by days."""

LATE_BEHIND = 2 * DAY + OVERLAP
"""The same for values that appear late: what was measured yesterday may appear today."""

SETTLE_ALONE = timedelta(hours=6)
"""A day that can settle waits this long for a pass with something to ask, then makes one itself."""

UNPROVEN = DAY
"""How often a day that no sync vouches for is read as a whole, until it is old enough to settle."""


def newest(scene: Scene, data_type: DataType) -> Window:
    """Span what is new of a dense type, or today as a whole while nothing of it is known."""
    if data_type.axis is Axis.INSTANT:
        return _tail_of_instants(scene, data_type)
    return _tail_of_today(scene, data_type, data_type.axis or Axis.CIVIL)


def recent_days(
    scene: Scene, data_type: DataType, tail: Window | None, *, riding: bool
) -> Iterator[Pull]:
    """Give the days before today that a sync or their age makes worth a whole read.

    Args:
        tail: what this pass reads of the data type anyway, None if nothing.
        riding: the pass has something to ask anyway.
    """
    known, today = scene.ledger.of(data_type.name), scene.today(data_type)
    if scene.blocked(data_type, None):
        return
    first = max(today - data_type.reread, scene.horizon(data_type))
    candidates = {day for day in known.open.keys() | known.recheck if day < today}
    candidates |= set(missing(known, first, today - DAY))
    candidates -= set(_days_within(tail))
    wanted: dict[Why, list[date]] = {}
    for day in sorted(candidates):
        why = _need(scene, data_type, day, tail, riding=riding)
        if why is not None and not scene.blocked(data_type, day):
            wanted.setdefault(why, []).append(day)
    for why, days in wanted.items():
        for begun, last in runs(days):
            along = begun == first and not known.blocked
            reached = _unread_before(scene, data_type, begun) if along else begun
            for window in scene.windows(data_type, reached, last):
                if window.end.date() > begun:
                    yield scene.pull(data_type, window, why)


def _unread_before(scene: Scene, data_type: DataType, day: date) -> date:
    """Give the first day of those in a row up to `day` that were never read.

    Asked along with it, they cost fewer requests: each pull has a last page that is not full.
    """
    known = scene.ledger.of(data_type.name)
    *_, (first, last) = ((day, day), *unread(known, scene.horizon(data_type), day))
    return first if last == day else day


def _tail_of_today(scene: Scene, data_type: DataType, axis: Axis) -> Window:
    known, today = scene.ledger.of(data_type.name), scene.today(data_type)
    marks = [at for at in (known.newest, known.rests_on) if at is not None]
    if today in known.open and marks:
        begun = (min(marks) - OVERLAP).astimezone(ZoneInfo(scene.zone)).replace(tzinfo=None)
        begun = begun.replace(second=0, microsecond=0)
        end = datetime.combine(today, LAST_MINUTE)
        if begun.date() == today and begun.time() != time() and begun < end:
            return Window(axis, begun, end)
    return whole_days(axis, today, today)


def _tail_of_instants(scene: Scene, data_type: DataType) -> Window:
    """Span from an hour before what is known to the next midnight: no midnight breaks the chain."""
    known, today = scene.ledger.of(data_type.name), scene.today(data_type)
    all_of_today = whole_days(Axis.INSTANT, today, today)
    if known.untouched:
        return _first_page(scene, data_type, all_of_today)
    read = known.open.get(today)
    of_today = None if read is None else read.synced_at
    marks = [at for at in (known.newest, known.rests_on, of_today) if at is not None]
    if not marks:
        return all_of_today
    begun = (min(marks) - OVERLAP).astimezone(UTC).replace(second=0, microsecond=0)
    if scene.now - begun > (LATE_BEHIND if data_type.late else BEHIND):
        first = today - DAY if data_type.late else today
        return whole_days(Axis.INSTANT, first, today)
    if any(each.kind is LessonKind.METHOD for each in scene.lessons(data_type)):
        begun = begun.replace(minute=0)  # it may come by the hour, and half an hour is none
    if begun >= all_of_today.end or (read is None and begun > all_of_today.start):
        return all_of_today
    return Window(Axis.INSTANT, begun, all_of_today.end)


def _first_page(scene: Scene, data_type: DataType, today: Window) -> Window:
    """Span as many days up to today as may fill one page: of what is rare, the whole history."""
    days = days_that_fill(1, data_type, scene.ledger.of(data_type.name))
    first = max(today.start.date() - (days - 1) * DAY, scene.horizon(data_type))
    return whole_days(Axis.INSTANT, min(first, today.start.date()), today.start.date())


def _days_within(tail: Window | None) -> Iterator[date]:
    """Give the days that a tail reads from midnight to midnight."""
    if tail is not None:
        for day in tail.days():
            whole = whole_days(tail.axis, day, day)
            if tail.start <= whole.start and whole.end <= tail.end:
                yield day


def _need(
    scene: Scene, data_type: DataType, day: date, tail: Window | None, *, riding: bool
) -> Why | None:
    """Say why a past day of a dense type is read once more, or None."""
    known = scene.ledger.of(data_type.name)
    if day in known.recheck:
        return Why.SETTLE
    read = known.open.get(day)
    if read is None:
        return Why.GAP
    over_at, synced_at = scene.over_at(data_type, day), scene.ledger.synced_at
    waited = scene.now if riding else scene.now - SETTLE_ALONE
    whole = all(settles(over_at, data_type.reread, at, synced_at) for at in (waited, scene.now))
    if whole and not (data_type.late and brought_lately(scene.ledger.syncs, over_at, scene.now)):
        return Why.SETTLE
    sync = usable(synced_at, scene.now, data_type.reread)
    if sync is None:
        return Why.GAP if scene.now - read.read_at >= UNPROVEN else None
    ended_at = scene.day_end(data_type, day)
    if read.synced_at is None or not _reaches(tail, min(ended_at, read.synced_at), day):
        return _need_since(scene, data_type, day, read, sync)
    return None


def _need_since(
    scene: Scene, data_type: DataType, day: date, read: DayRead, sync: datetime
) -> Why | None:
    """Say why a past day is read once more that was read before: of what may have come since."""
    rests_on, known_at = read.synced_at, scene.over_at(data_type, day) + SYNC_MARGIN
    # What appears late has been read by the tails since, from the newest that was there before.
    brought_at = known_at if data_type.late else min(sync, known_at)
    if rests_on is None or rests_on < brought_at <= sync:
        return Why.GAP
    if sync < known_at:
        # The watch may be dead, and a phone bring what it counted; nothing tells when.
        return Why.GAP if scene.now - read.read_at >= UNPROVEN else None
    ended_at = scene.day_end(data_type, day)
    begun_at = ended_at - DAY
    if data_type.late and late_since(scene.ledger, begun_at, ended_at, read.read_at, scene.now):
        return Why.FOLLOW_UP
    return None


def _reaches(tail: Window | None, known_until: datetime, day: date) -> bool:
    """Say whether a tail joins what is known of a past day, so that nothing lies between them."""
    if tail is None or tail.axis is not Axis.INSTANT:
        return False
    return tail.start < known_until or tail.start <= datetime.combine(day, time(), UTC)
