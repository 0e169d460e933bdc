"""Sleep logs of version 1.2 to sessions: classic ones and those with stages."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fitbitd.model import Page, Part, Pull, Session
from fitbitd.providers.fitbit.asked import holds, window_of
from fitbitd.providers.fitbit.members import (
    changed,
    civil_date,
    identity,
    members,
    number,
    objects,
    text,
    wall_time,
)
from fitbitd.providers.fitbit.wall_clock import offset_s, unix_ms

_VALUES = (
    ("minutesAsleep", "minutes_asleep"),
    ("minutesAwake", "minutes_awake"),
    ("minutesToFallAsleep", "minutes_to_fall_asleep"),
    ("minutesAfterWakeup", "minutes_after_wakeup"),
    ("timeInBed", "time_in_bed"),
    ("efficiency", "efficiency"),
    ("duration", "duration_ms"),
    ("infoCode", "info_code"),
)
_LABELS = (("type", "type"), ("logType", "log_type"))
_PARTS = (("data", "stage"), ("shortData", "short"))


def read_sleep(rows: list[Any], pull: Pull, _received_at: datetime) -> Page:
    """Read the logs whose day, the one on which they end, lies in the window."""
    window = window_of(pull)
    zone = ZoneInfo(pull.zone)
    logs = [_log(row, zone) for row in objects(rows, "sleep")]
    inside = tuple(log for log in logs if holds(window, log.day))
    return Page(sessions=inside, outside=len(logs) - len(inside))


def _log(log: dict[str, Any], zone: ZoneInfo) -> Session:
    start = wall_time(log.get("startTime"), "sleep.startTime")
    offset = offset_s(start, zone)  # all times of a log keep the offset of its start
    start_ms = unix_ms(start, offset)
    end_ms = unix_ms(wall_time(log.get("endTime"), "sleep.endTime"), offset)
    if end_ms < start_ms:
        raise changed("sleep.endTime")
    levels = members(log.get("levels", {}), "sleep.levels")
    return Session(
        key=identity(log.get("logId"), "sleep.logId"),
        day=civil_date(log.get("dateOfSleep"), "sleep.dateOfSleep"),
        start_ms=start_ms,
        end_ms=end_ms,
        utc_offset_s=offset,
        values=(*_values(log), *_summary(levels)),
        labels=tuple(
            (ours, text(log[theirs], f"sleep.{theirs}"))
            for theirs, ours in _LABELS
            if theirs in log
        ),
        parts=tuple(
            part for theirs, kind in _PARTS for part in _parts(levels.get(theirs, []), kind, offset)
        ),
    )


def _values(log: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    for theirs, ours in _VALUES:
        if theirs in log:
            yield ours, number(log[theirs], f"sleep.{theirs}")
    if "isMainSleep" in log:  # absent in some answers for a range
        if not isinstance(log["isMainSleep"], bool):
            raise changed("sleep.isMainSleep")
        yield "main_sleep", int(log["isMainSleep"])


def _summary(levels: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    """Give minutes and count of each level; the 30-day average speaks of other nights."""
    for level, of_level in members(levels.get("summary", {}), "sleep.levels.summary").items():
        name = text(level, "sleep.levels.summary")
        totals = members(of_level, "sleep.levels.summary")
        for what in ("minutes", "count"):
            if what in totals:
                read = number(totals[what], f"sleep.levels.summary.{what}")
                yield f"summary.{name}.{what}", read


def _parts(rows: Any, kind: str, offset: int) -> Iterator[Part]:
    for row in objects(rows, "sleep.levels"):
        seconds = number(row.get("seconds"), "sleep.levels.seconds")
        if seconds < 0:
            raise changed("sleep.levels.seconds")
        yield Part(
            kind,
            text(row.get("level"), "sleep.levels.level"),
            unix_ms(wall_time(row.get("dateTime"), "sleep.levels.dateTime"), offset),
            round(seconds * 1000),
        )
