"""What `fitbitd plan` shows, laid out for a person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType

from fitbitd.commands import words
from fitbitd.model import Quota, Why, Window
from fitbitd.plan.cost import Planned
from fitbitd.plan.planner import Plan


@dataclass(frozen=True, slots=True)
class NextPass:
    """What the page says of one account.

    Attributes:
        provider: its name for people.
        at: when the next pass is due.
        held: what holds it back, in words.
        first: what every pass asks before it plans.
        quota: what the provider still grants, None if that is not known.
        synced_at: the newest device sync that is known.
    """

    account: str
    provider: str
    now: datetime
    at: datetime
    poll_every: timedelta
    held: Sequence[str]
    first: Sequence[str]
    plan: Plan
    quota: Quota | None = None
    requests_per_s: float | None = None
    synced_at: datetime | None = None


def page(told: NextPass, width: int) -> str:
    """Lay one account out."""
    due = "now" if told.at <= told.now else f"at {words.moment(told.at)}"
    every = f"one every {words.lasting(told.poll_every)}"
    lines = [f"{told.account} ({told.provider}): the next pass is due {due}, {every}"]
    lines += (f"  held back: {words_of}" for words_of in told.held)
    if not told.plan.chosen and not told.plan.waiting and told.held:
        return "\n".join(lines) + "\n"
    lines += _first(told)
    for why, some in _by_reason(told.plan.chosen):
        lines.append(f"  {_WHY[why]}:")
        lines += _pulls(some, width - 4)
    if not told.plan.chosen:
        lines.append("  nothing else is due")
    lines += _sums(told)
    return "\n".join(lines) + "\n"


def _first(told: NextPass) -> Iterator[str]:
    """Name what is asked before anything is planned, for it may add to the plan."""
    synced = f" since {words.moment(told.synced_at)}" if told.synced_at else ""
    for name in told.first:
        yield f"  first of all, {name}: has a watch synced{synced}? One request."
        yield "    If one has, what it brought is read too, before all that may wait."


def _by_reason(planned: Iterable[Planned]) -> Iterator[tuple[Why, list[Planned]]]:
    """Give what is planned by its reason, in the order in which it is asked."""
    found: dict[Why, list[Planned]] = defaultdict(list)
    for each in planned:
        found[each.pull.why].append(each)
    yield from found.items()


def _pulls(planned: list[Planned], width: int) -> Iterator[str]:
    """Tell pulls: those of one data type together, those of several that are alike too."""
    by_type: dict[str, list[Planned]] = defaultdict(list)
    for each in planned:
        by_type[each.pull.data_type].append(each)
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, some in by_type.items():
        alike[_when(some), _cost(some)].append(name)
    for (when, cost), names in alike.items():
        told = [when] if when else []
        told.append(f"each {cost}" if len(names) > 1 else cost)
        if points := sum(each.points for name in names for each in by_type[name]):
            told.append(_points(points) + (" in all" if len(names) > 1 else ""))
        yield from (f"    {line}" for line in words.line(names, ", ".join(told), width))


def _when(planned: Sequence[Planned]) -> str:
    """Say of which time some pulls of one data type are."""
    windows = [each.pull.window for each in planned if each.pull.window]
    if not windows:
        return ""
    first, last = min(windows, key=_begins), max(windows, key=_ends)
    if len(windows) == 1 and (first.start.time(), first.end.time()) != (time(), time()):
        zone = " UTC" if first.start.tzinfo else ""
        return f"{first.start:%Y-%m-%d %H:%M} to {_end(first)}{zone}"
    ended = (last.end - timedelta.resolution).date()
    return words.days(first.start.date(), ended)


def _begins(window: Window) -> datetime:
    return window.start.replace(tzinfo=None)


def _ends(window: Window) -> datetime:
    return window.end.replace(tzinfo=None)


def _end(window: Window) -> str:
    """Write the end of a part of a day: the time alone if it is of the day that it began on."""
    if window.end.date() == window.start.date():
        return f"{window.end:%H:%M}"
    if window.end.date() - window.start.date() == timedelta(days=1) and window.end.time() == time():
        return "24:00"
    return f"{window.end:%Y-%m-%d %H:%M}"


def _cost(planned: Sequence[Planned]) -> str:
    requests = sum(each.requests for each in planned)
    cost = words.many(requests, "request")
    if 1 < len(planned) < requests:
        cost = f"{words.many(len(planned), 'pull')}, {cost}"
    return cost


def _points(points: int) -> str:
    """Round a number that is a guess to what can be meant by it."""
    size = 10 ** max(0, len(str(points)) - 2)
    about = round(points / size) * size
    return f"about {words.many(about, 'point')}"


def _sums(told: NextPass) -> Iterator[str]:
    """Sum up the pass, what waits, and what the provider grants."""
    chosen, waiting = told.plan.chosen, told.plan.waiting
    requests = len(told.first) + sum(each.requests for each in chosen)
    points = sum(each.points for each in chosen)
    all_points = f", {_points(points)}" if points else ""
    yield f"  In all {words.many(requests, 'request')}{all_points}. {_granted(told)}"
    later = [
        f"{words.many(sum(p.requests for p in some), 'request')} for {_SHORT[why]}"
        for why, some in _by_reason(waiting)
    ]
    if later:
        yield f"  Beyond what one pass may spend, and left to later ones: {', '.join(later)}."


def _granted(told: NextPass) -> str:
    quota = told.quota
    if quota is not None:
        left, renews = f"{quota.left} of {quota.limit} requests are left", quota.renews_at
        return f"{left} until {words.moment(renews)}; one in five is kept for what is new."
    if told.requests_per_s is not None:
        return f"At most {told.requests_per_s:g} requests a second are sent."
    return "What the provider grants is not known yet."


_WHY: Mapping[Why, str] = MappingProxyType(
    {
        Why.SYNC: "the watch has synced since these were read",
        Why.FOLLOW_UP: "what appears some time after a sync may be there by now",
        Why.INTERVAL: "their own clock says so, or they were never read",
        Why.GAP: "recent days that no read covers yet",
        Why.SETTLE: "days that can be final: read once more as a whole",
        Why.DEEP: "a look back at days that are final already: has anything changed?",
        Why.BACKFILL: "history, newest first, what costs least before the rest",
        Why.ASKED: "asked for by a person",
    }
)
_SHORT: Mapping[Why, str] = MappingProxyType(
    {
        Why.SYNC: "what a sync brought",
        Why.FOLLOW_UP: "what appears late",
        Why.INTERVAL: "what is due",
        Why.GAP: "recent days",
        Why.SETTLE: "days that can be final",
        Why.DEEP: "looks back",
        Why.BACKFILL: "history",
        Why.ASKED: "what was asked for",
    }
)
