"""Sleep as the API holds it: sessions that come without stages, get them, and are edited. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fitbitd.simulator.life.lived import Lived
from fitbitd.simulator.life.sources import DERIVED
from fitbitd.simulator.life.values import Value, ms, seconds, stamp
from fitbitd.simulator.measured import Point
from fitbitd.simulator.sleep import SleepLog, Stretch, trimmed
from fitbitd.simulator.wearer import Wearer

_FIRST_SLEEP_ID = 4_100_000_000_000_000_000
_NOTICED_AFTER_MS = 6_234_675
"""When the provider says that it created a session: long before the sleeper woke."""
_REJECTED = {0: "SUCCEEDED", 1: "REJECTED_COVERAGE", 2: "REJECTED_NAP"}
_TYPES = {"wake": "AWAKE"}
_OUT_OF_BED_IN = 6


def sleep_id(log_id: int) -> str:
    """Give the id that a legacy sleep log has here, whatever happens to it."""
    return str(_FIRST_SLEEP_ID + log_id)


def appears_at(wearer: Wearer, log: SleepLog) -> datetime | None:
    """Give the instant at which the provider first shows a sleep, None for never."""
    ended = datetime.fromtimestamp(log.end_s, UTC)
    brought = wearer.brought_at(ended)
    wait = wearer.publish_late.get(log.day, wearer.publish_after)
    return None if brought is None else brought + wait


def sleeps(lived: Lived, now: datetime) -> list[Point]:
    """Give the sleep of a day as the provider holds it at `now`."""
    recorded = lived.wearer.recorded(lived.day)
    return [point for log in recorded if (point := _as_held(lived, log, now)) is not None]


@dataclass(frozen=True, slots=True)
class _Held:
    """A log with what the provider has done to it."""

    log: SleepLog
    created_ms: int
    updated_ms: int
    processed: bool
    edited: bool


def _as_held(lived: Lived, log: SleepLog, now: datetime) -> Point | None:
    wearer = lived.wearer
    shown = appears_at(wearer, log)
    if shown is None or shown > now:
        return None
    point_id = sleep_id(log.log_id)
    created_ms = min(1000 * log.start_s + _NOTICED_AFTER_MS, ms(shown))
    ready = shown + wearer.processed_after
    processed = ready <= now
    updated_ms = ms(ready if processed else shown)
    held: _Held | None = _Held(log, created_ms, updated_ms, processed=processed, edited=False)
    for change in wearer.sleep_changes:
        if held is not None and change.at <= now and change.log_id == held.log.log_id:
            held = _edited(held, change.cut_minutes, change.at)
    gone = any(
        change.point_id == point_id and change.members is None and change.at <= now
        for change in wearer.point_changes
    )
    if held is None or gone:
        return None
    told: dict[_Held, Point] = lived.made.setdefault("sleep", {})
    if held not in told:
        told[held] = _point(wearer, held, point_id)
    return told[held]


def _edited(held: _Held, cut_minutes: int | None, at: datetime) -> _Held | None:
    if cut_minutes is None:
        return None
    log = trimmed(held.log, cut_minutes, held.log.log_id + 1)
    updated_ms = max(held.updated_ms, ms(at))
    return replace(held, log=log, updated_ms=updated_ms, edited=True)


def _point(wearer: Wearer, held: _Held, point_id: str) -> Point:
    log = held.log
    offsets = wearer.offset_at(log.start_s), wearer.offset_at(log.end_s)
    return Point(
        1000 * log.start_s,
        1000 * log.end_s,
        *offsets,
        DERIVED,
        _value(wearer, held),
        point_id=point_id,
        created_ms=held.created_ms,
        updated_ms=held.updated_ms,
    )


def _value(wearer: Wearer, held: _Held) -> Value:
    log, metadata = held.log, dict[str, Any]()
    if held.edited:
        metadata["manuallyEdited"] = True
    if not held.processed:
        return {"type": "CLASSIC", "metadata": metadata}
    metadata |= {"stagesStatus": _REJECTED[log.info_code], "processed": True}
    metadata["mainSleep" if log.main else "nap"] = True
    body: dict[str, Any] = {
        "type": log.kind.upper(),
        "stages": [_stage(wearer, stretch) for stretch in log.stages],
        "metadata": metadata,
        "summary": _summary(log),
    }
    if log.short:
        body["shortAwakenings"] = [_stage(wearer, stretch) for stretch in log.short]
    out = list(_out_of_bed(wearer, log))
    if out:
        body["outOfBedSegments"] = out
    return body


def _summary(log: SleepLog) -> Value:
    """Sum a sleep up; short awakenings count as awake, but not in the summary of the stages."""
    spent, runs = Counter[str](), Counter[str]()
    for level, _, length_s in log.stages:
        spent[_type(level)] += length_s
        runs[_type(level)] += 1
    return {
        "minutesInSleepPeriod": str(log.minutes_in_bed),
        "minutesAfterWakeUp": "0",
        "minutesToFallAsleep": "0",
        "minutesAsleep": str(log.minutes_asleep),
        "minutesAwake": str(log.minutes_awake),
        "stagesSummary": [
            {"type": name, "minutes": str(spent[name] // 60), "count": str(runs[name])}
            for name in sorted(spent)
        ],
    }


def _stage(wearer: Wearer, stretch: Stretch) -> dict[str, str]:
    level, start_s, length_s = stretch
    return {**_span(wearer, start_s, start_s + length_s), "type": _type(level)}


def _type(level: str) -> str:
    return _TYPES.get(level, level.upper())


def _out_of_bed(wearer: Wearer, log: SleepLog) -> Iterator[dict[str, str]]:
    """Let a sleeper who lies awake leave the bed now and then, for the second half of it."""
    awake = [stretch for stretch in log.stages[1:-1] if stretch[0] == "wake"]
    for _, start_s, length_s in awake[:1] if log.log_id // 100 % _OUT_OF_BED_IN == 0 else ():
        end_s = start_s + length_s
        yield _span(wearer, end_s - length_s // 60 * 30, end_s)


def _span(wearer: Wearer, start_s: int, end_s: int) -> dict[str, str]:
    return {
        "startTime": stamp(1000 * start_s),
        "startUtcOffset": seconds(wearer.offset_at(start_s)),
        "endTime": stamp(1000 * end_s),
        "endUtcOffset": seconds(wearer.offset_at(end_s)),
    }


def processed_wait(wearer: Wearer, day: date) -> timedelta:
    """Give how long after its sync a night of `day` is fully worked out."""
    return wearer.publish_late.get(day, wearer.publish_after) + wearer.processed_after
