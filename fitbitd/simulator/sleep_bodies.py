"""Sleep logs as version 1.2 of the API shows them. Pure.

All times of a log are wall clock by the offset at its start, across a change of the clocks too.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from fitbitd.simulator.civil import wall
from fitbitd.simulator.sleep import SleepLog, Stretch

T = TypeVar("T")


def sleep_day(logs: list[SleepLog]) -> dict[str, Any]:
    """Answer for one date: the logs and their sums."""
    return {"sleep": [sleep_entry(log) for log in logs], "summary": _sleep_totals(logs)}


def sleep_page(
    logs: list[SleepLog], params: dict[str, str], base_url: str, most: int
) -> dict[str, Any]:
    """Give a page of logs, see `paged`."""
    starts = [(log.start_s + log.offset_s, log) for log in reversed(logs)]
    page, about = paged(starts, params, f"{base_url}/1.2/user/-/sleep/list.json", most)
    return {"pagination": about, "sleep": [sleep_entry(log) for log in page]}


def paged(
    entries: list[tuple[int, T]], params: dict[str, str], url: str, most: int
) -> tuple[list[T], dict[str, Any]]:
    """Give a page of a list: before a date and descending, or after it and ascending.

    Args:
        entries: all of them by their start on the wall clock (as if it were UTC), oldest first.
        params: the date's name first, then sort, limit, offset.
        url: of the list, for the link to the next page.
        most: entries that a page holds at the most.
    """
    name = next(iter(params))
    limit, offset = min(int(params["limit"]), most), int(params["offset"])
    edge_s = int(datetime.fromisoformat(params[name]).replace(tzinfo=UTC).timestamp())
    if name == "beforeDate":
        found = [entry for start_s, entry in reversed(entries) if start_s < edge_s]
    else:
        found = [entry for start_s, entry in entries if start_s >= edge_s]
    link = (
        f"{url}?offset={offset + limit}&limit={limit}"
        f"&sort={params['sort']}&{name}={params[name].replace(':', '%3A')}"
    )
    more = offset + limit < len(found)
    about: dict[str, Any] = {name: params[name], "limit": limit, "next": link if more else ""}
    about |= {"offset": offset, "previous": "", "sort": params["sort"]}
    return found[offset : offset + limit], about


def sleep_entry(log: SleepLog) -> dict[str, Any]:
    """Show one log."""
    levels: dict[str, Any] = {"data": _levels(log.stages, log.offset_s)}
    if log.kind == "stages":
        levels["shortData"] = _levels(log.short, log.offset_s)
    levels["summary"] = {
        name: {"count": runs, "minutes": minutes}
        | ({"thirtyDayAvgMinutes": minutes * 9 // 10} if log.kind == "stages" else {})
        for name, (runs, minutes) in log.summary().items()
    }
    return {
        "dateOfSleep": log.day.isoformat(),
        "duration": (log.end_s - log.start_s) * 1000,
        "efficiency": 100 * log.minutes_asleep // max(1, log.minutes_in_bed),
        "endTime": wall(log.end_s, log.offset_s),
        "infoCode": log.info_code,
        "isMainSleep": log.main,
        "levels": levels,
        "logId": log.log_id,
        "logType": "auto_detected",
        "minutesAfterWakeup": 0,
        "minutesAsleep": log.minutes_asleep,
        "minutesAwake": log.minutes_awake,
        "minutesToFallAsleep": 0,
        "startTime": wall(log.start_s, log.offset_s),
        "timeInBed": log.minutes_in_bed,
        "type": log.kind,
    }


def _levels(stretches: Iterable[Stretch], offset: int) -> list[dict[str, Any]]:
    return [
        {"dateTime": wall(at_s, offset), "level": level, "seconds": seconds}
        for level, at_s, seconds in stretches
    ]


def _sleep_totals(logs: list[SleepLog]) -> dict[str, Any]:
    totals: dict[str, Any] = {
        "totalMinutesAsleep": sum(log.minutes_asleep for log in logs),
        "totalSleepRecords": len(logs),
        "totalTimeInBed": sum(log.minutes_in_bed for log in logs),
    }
    staged = [log.summary() for log in logs if log.kind == "stages"]
    if staged:
        levels = ("deep", "light", "rem", "wake")
        totals["stages"] = {level: sum(s[level][1] for s in staged) for level in levels}
    return totals
