"""What `fitbitd status` shows, laid out for a person; the report itself is that of `--json`."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from fitbitd import health
from fitbitd.commands import words
from fitbitd.model import LessonKind

Report = Mapping[str, Any]


def page(report: Report, now: datetime, *, whole: bool = False) -> str:
    """Lay one account out.

    Args:
        whole: with a line for each data type, instead of one for each group of them.
    """
    lines = [f"{report['account']} ({report['provider']})"]
    lines += _freshness(report)
    lines += _conditions(report)
    lines += _complete(report)
    lines += _stored_types(report) if whole else _stored_groups(report)
    lines += _notes(report, now)
    if report["last_pass_at"]:
        lines.append(_foot(report, now))
    return "\n".join(lines) + "\n"


def _freshness(report: Report) -> Iterator[str]:
    for one in report["freshness"]:
        late = "  (late)" if one["overdue"] else ""
        said = "no reading yet"
        if one["newest"]:
            said = f"newest {health.moment(one['newest'])}, {_ago(one['age_s'])}{late}"
        yield f"  {one['group']:<10} {said}"
    if not report["freshness"] and not report["data_types"]:
        yield "  nothing to show yet"


def _conditions(report: Report) -> Iterator[str]:
    """Tell what is wrong; what is wrong with many data types alike is told once."""
    alike = itertools.groupby(report["conditions"], lambda one: (one["code"], one["next"]))
    for _, group in alike:
        first, *others = same = list(group)
        about = f" ({first['data_type']})" if first["data_type"] else ""
        summary, since = first["summary"], min(one["since"] for one in same)
        if others:
            about = f" ({len(same)} data types)"
            summary = ", ".join(one["data_type"] for one in same)
        yield f"  {first['severity']}: {first['code']}{about} since {health.moment(since)}"
        yield from (f"    {text}" for text in (summary, first["meaning"]))
        yield f"    Next: {first['next']}"
    if not report["conditions"]:
        yield "  nothing is wrong"


def _complete(report: Report) -> Iterator[str]:
    """Say how far history has come, and what is known of how many days."""
    if report["history"]:
        yield f"  {report['history']['text']}"
    if days := report["days"]:
        told = f"{days['final']:,} final, {days['provisional']:,} may still change"
        if absent := days["never_read"]:
            told += f", {absent:,} never read; see fitbitd gaps"
        yield f"  days, counted for each data type: {told}"


def _stored_groups(report: Report) -> Iterator[str]:
    """Tell what is stored by group, the largest first."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in report["data_types"]:
        groups[one["group"]].append(one)
    counts = {name: sum(one["count"] for one in some) for name, some in groups.items()}
    for name in sorted(groups, key=lambda name: -counts[name]):
        types = words.many(len(groups[name]), "data type")
        since = min(one["oldest"] for one in groups[name])
        yield f"  {name:<10} {counts[name]:>13,} values since {since:%Y-%m-%d}, {types}"


def _stored_types(report: Report) -> Iterator[str]:
    width = max((len(one["data_type"]) for one in report["data_types"]), default=0)
    for one in report["data_types"]:
        days = f"{one['days_settled']} days final, {one['days_provisional']} may still change"
        since = f"since {one['oldest']:%Y-%m-%d}"
        yield f"  {one['data_type']:<{max(width, 18)}} {one['count']:>10,} {since}; {days}"


def _notes(report: Report, now: datetime) -> Iterator[str]:
    """Say what is neither wrong nor a number of readings."""
    if report["continues"]:
        yield f"  continues {report['continues']}: query and export show both as one series"
    if until := report["consent_expires_at"]:
        left = max(timedelta(0), until - now)
        yield f"  the consent lasts until {health.moment(until)}, {words.lasting(left)} from now"
    for one in report["scopes_off"]:
        types = ", ".join(one["data_types"])
        yield f"  not asked for, since the consent leaves {_short(one['scope'])} out: {types}"
    if count := report["corrections"]:
        changed = f"{words.many(count, 'value')} of final days changed in the last 30 days"
        yield f"  {changed}; see fitbitd gaps --corrections"
    for one in report["unread"]:
        points = words.many(one["count"], "point")
        yield f"  {points} of {one['data_type']} not understood ({one['why']}); kept in the archive"
    for data_type, lessons in itertools.groupby(report["lessons"], lambda one: one["data_type"]):
        ways = ", ".join(_LESSONS[one["kind"]].format(one["value"]) for one in lessons)
        yield f"  learnt from the provider: {data_type} is asked {ways}"
    if full_on := report["disk_full_on"]:
        yield f"  the disk is full about {full_on:%B %Y}, if all goes on as in the last weeks"
    if count := report["pulls_waiting"]:
        pulls = words.many(count, "pull")
        when = "a daemon applies them when its pass ends, or at its start"
        yield f"  in the archive and not in the index yet: {pulls}; {when}"


_LESSONS = {
    LessonKind.METHOD: "by {}",
    LessonKind.LONGEST_DAYS: "for at most {} days at once",
    LessonKind.PAGE_SIZE: "in pages of {}",
}


def _foot(report: Report, now: datetime) -> str:
    synced = report["synced_at"]
    outcome = report["last_pass"] or "not ended"
    if (requests := report["last_pass_requests"]) is not None:
        outcome += f", {words.many(requests, 'request')}"
    parts_of_it = [
        f"watch synced {_ago((now - synced).total_seconds())}" if synced else "no watch seen",
        f"last pass {_ago((now - report['last_pass_at']).total_seconds())} ({outcome})",
        f"{report['stored_bytes'] / 1e6:,.1f} MB on disk",
    ]
    if report["quota_left"] is not None:
        parts_of_it.append(f"{report['quota_left']} of {report['quota_limit']} requests left")
    elif report["requests_per_s"] is not None:
        pace = f"{report['requests_per_s']:g}"
        parts_of_it.append(f"no quota is told; at most {pace} requests a second are sent")
    return f"  {'; '.join(parts_of_it)}"


def _short(scope: str) -> str:
    """Give the part of a scope that tells it from the provider's others."""
    return scope.rpartition("/")[2]


def _ago(seconds: float | None) -> str:
    return words.ago(None if seconds is None else timedelta(seconds=round(seconds)))
