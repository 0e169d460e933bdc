"""Nights and naps of the synthetic wearer, each made from the seed and its date alone. Pure."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from random import Random
from zoneinfo import ZoneInfo

from fitbitd.simulator.civil import happens_once, offset_s

GRID_S = 30
"""Levels lie on a grid of half minutes."""
SHORT_WAKE_S = 180
"""A waking up to this long is overlaid on the stages instead of being one."""

NO_WATCH_IN = 14
"""One night in so many passes without the watch."""
TOO_LITTLE_HEART_IN = 10
"""One recorded night in so many has too little heart data for stages."""
NAP_IN = 5
"""One day in so many has a nap."""

_FIRST_LOG_ID = 9_007_199_254_740_993
"""Ids are unsigned 64 bit; these start one above what a float can hold."""
_IDS_A_DAY = 100

Stretch = tuple[str, int, int]
"""Level, start (Unix seconds), seconds."""


@dataclass(frozen=True, slots=True)
class SleepLog:
    """One sleep log as the provider keeps it.

    Attributes:
        day: the date on which it ended, by the offset of its start.
        offset_s: the zone's offset at its start; it holds for all of its wall-clock times.
        kind: "stages" or "classic".
        info_code: 0 is fine, 1 too little heart data, 2 under three hours.
        stages: the levels end to end.
        short: wakings overlaid on `stages` (stages nights only).
    """

    log_id: int
    day: date
    start_s: int
    end_s: int
    offset_s: int
    kind: str
    main: bool
    info_code: int
    stages: tuple[Stretch, ...]
    short: tuple[Stretch, ...] = ()

    @property
    def minutes_in_bed(self) -> int:
        """Count the whole minutes from start to end."""
        return (self.end_s - self.start_s) // 60

    @property
    def minutes_awake(self) -> int:
        """Count the minutes that were not sleep, short wakings included."""
        awake = [s for s in (*self.stages, *self.short) if s[0] in {"wake", "restless", "awake"}]
        return sum(seconds for _, _, seconds in awake) // 60

    @property
    def minutes_asleep(self) -> int:
        """Count the minutes of sleep."""
        return self.minutes_in_bed - self.minutes_awake

    def summary(self) -> dict[str, tuple[int, int]]:
        """Count runs and minutes of each level, with the short wakings laid over the stages."""
        if self.kind == "classic":
            runs = Counter(level for level, _, _ in self.stages)
            spent = Counter[str]()
            for level, _, seconds in self.stages:
                spent[level] += seconds
            return {
                name: (runs[name], spent[name] // 60) for name in ("asleep", "awake", "restless")
            }
        grid = [level for level, _, seconds in self.stages for _ in range(seconds // GRID_S)]
        for _, start_s, seconds in self.short:
            first = (start_s - self.start_s) // GRID_S
            grid[first : first + seconds // GRID_S] = ["wake"] * (seconds // GRID_S)
        runs = Counter(level for level, _ in groupby(grid))
        cells = Counter(grid)
        minutes = {name: cells[name] * GRID_S // 60 for name in ("deep", "rem", "wake")}
        minutes["light"] = self.minutes_in_bed - sum(minutes.values())
        return {name: (runs[name], minutes[name]) for name in ("deep", "light", "rem", "wake")}


@dataclass(frozen=True, slots=True)
class Night:
    """The main sleep that ends on `day`; worn or not, the body lies still."""

    day: date
    start_s: int
    end_s: int
    worn: bool


def night(seed: int, day: date, zone: str) -> Night:
    """Plan the night that ends on `day`: to bed between 22:00 and 00:45, for 6 to 9 hours."""
    rng = Random(f"{seed}:night:{day}")
    half_minutes = rng.randrange(0, 330)
    bed = datetime.combine(day - timedelta(days=1), time(22)) + timedelta(seconds=30 * half_minutes)
    while not happens_once(bed.date(), bed.time(), zone):
        bed -= timedelta(hours=1)  # a log whose start is ambiguous could not be told to anybody
    start_s = int(bed.replace(tzinfo=ZoneInfo(zone)).timestamp())
    length_s = GRID_S * rng.randrange(6 * 120, 9 * 120)
    return Night(day, start_s, start_s + length_s, worn=rng.randrange(NO_WATCH_IN) != 0)


@lru_cache(maxsize=1024)
def logs_of(seed: int, day: date, zone: str) -> tuple[SleepLog, ...]:
    """Make the sleep logs whose date is `day`, oldest first; a night without the watch has none."""
    rng = Random(f"{seed}:sleep:{day}")
    plan = night(seed, day, zone)
    first_id = _FIRST_LOG_ID + day.toordinal() * _IDS_A_DAY
    logs = []
    if plan.worn:
        little = rng.randrange(TOO_LITTLE_HEART_IN) == 0
        base = SleepLog(
            log_id=first_id,
            day=day,
            start_s=plan.start_s,
            end_s=plan.end_s,
            offset_s=offset_s(zone, plan.start_s),
            kind="classic" if little else "stages",
            main=True,
            info_code=1 if little else 0,
            stages=(),
        )
        logs.append(_restless(rng, base) if little else _staged(rng, base))
    if rng.randrange(NAP_IN) == 0:
        logs.append(_nap(rng, day, zone, first_id + _IDS_A_DAY // 2))
    return tuple(logs)


def trimmed(log: SleepLog, minutes: int, log_id: int) -> SleepLog:
    """Give `log` as its wearer edited it: begun `minutes` later, under a new id."""
    start_s = min(log.start_s + 60 * minutes, log.end_s - 60)
    stages = tuple(
        (level, max(at, start_s), at + seconds - max(at, start_s))
        for level, at, seconds in log.stages
        if at + seconds > start_s
    )
    short = tuple(stretch for stretch in log.short if stretch[1] >= start_s)
    return replace(log, log_id=log_id, start_s=start_s, stages=stages, short=short)


def _nap(rng: Random, day: date, zone: str, log_id: int) -> SleepLog:
    begin = datetime.combine(day, time(13), ZoneInfo(zone))
    start_s = int(begin.timestamp()) + GRID_S * rng.randrange(240)
    end_s = start_s + GRID_S * rng.randrange(2 * 61, 2 * 100)
    return SleepLog(
        log_id=log_id,
        day=day,
        start_s=start_s,
        end_s=end_s,
        offset_s=offset_s(zone, start_s),
        kind="classic",
        main=False,
        info_code=2,
        stages=(("asleep", start_s, end_s - start_s),),
    )


def _restless(rng: Random, log: SleepLog) -> SleepLog:
    stages: list[Stretch] = []
    at = log.start_s
    while at < log.end_s:
        level = "asleep" if len(stages) % 2 else rng.choice(("restless", "restless", "awake"))
        cells = rng.randrange(20, 160) if level == "asleep" else rng.randrange(1, 8)
        seconds = min(GRID_S * cells, log.end_s - at)
        stages.append((level, at, seconds))
        at += seconds
    return replace(log, stages=tuple(stages))


def _staged(rng: Random, log: SleepLog) -> SleepLog:
    """Fill a night with cycles of light, deep, light and REM, and now and then a long waking."""
    stages: list[Stretch] = [("wake", log.start_s, GRID_S * rng.randrange(7, 16))]
    at = log.start_s + stages[0][2]
    cycle = ("light", "deep", "light", "rem")
    turn = 0
    while at < log.end_s:
        waking = turn % 5 == 4  # noqa: PLR2004 - after each cycle and a bit
        level = "wake" if waking else cycle[turn % 4]
        cells = rng.randrange(7, 20) if waking else rng.randrange(15, 80)
        seconds = min(GRID_S * cells, log.end_s - at)
        stages.append((level, at, seconds))
        at += seconds
        turn += 1
    short: list[Stretch] = []
    for level, start_s, seconds in stages:
        longest = SHORT_WAKE_S // GRID_S
        if level != "wake" and seconds > 2 * SHORT_WAKE_S and rng.randrange(2):
            cells = rng.randrange(1, longest + 1)
            first = rng.randrange(1, seconds // GRID_S - cells)
            short.append(("wake", start_s + GRID_S * first, GRID_S * cells))
    return replace(log, stages=tuple(stages), short=tuple(short))
