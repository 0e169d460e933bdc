"""Sixty days in which everything happens that a collector of Google's data has to survive."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from fitbitd.simulator import Fault, ListedSyncs, Wearer, hours
from fitbitd.simulator.civil import days_between
from fitbitd.simulator.faults import FaultKind
from fitbitd.simulator.google_health import GoogleHealthSettings
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.nights import sleep_id
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import Trip
from tests.support.google_truth import looks_by_itself
from tests.support.household import GOOGLE_TYPES, Household, google_account
from tests.support.year import MIDNIGHTS

FIRST = date(2027, 2, 18)
START = datetime(2027, 3, 10, 12, 7, tzinfo=UTC)
DAYS = timedelta(days=60)
QUIET = timedelta(hours=40)
"""At the end nothing syncs any more, and what came last has appeared."""
AWAY = Trip(
    # Europe's clocks go forward on 28 March, Sydney's back on 4 April; then it is eight hours away.
    "Australia/Sydney",
    datetime(2027, 3, 30, 6, tzinfo=UTC),
    datetime(2027, 4, 10, 6, tzinfo=UTC),
)
WORN = hours(10, 11, 12, 17) | MIDNIGHTS
"""When most is changed afterwards, when people run, and about midnight."""
PAUSE = (datetime(2027, 4, 14, tzinfo=UTC), datetime(2027, 4, 19, 12, tzinfo=UTC))
_KINDS: tuple[FaultKind, ...] = ("json_error", "html", "cut", "reset", "throttle")
TROUBLE = (
    Fault(kind="json_error", path="dataTypes/heart-rate", count=9),
    Fault(kind="html", path="dataTypes/steps/dataPoints$", count=9),
    *(Fault(kind=kind, chance=0.006, count=None) for kind in _KINDS),
)
"""Two types that fail for hours, and three requests in a hundred that fail as they like."""
OFFERED = frozenset({("activity-level", "rollup"), ("activity-level", "dailyRollup")})
_DAY = timedelta(days=1)


def syncs(start: datetime, end: datetime) -> Iterator[datetime]:
    """Give up to three syncs a day, at odd times, and none in the pause."""
    rng = Random("syncs")
    day = start.replace(hour=0, minute=0)
    while day < end:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            at = day + timedelta(seconds=rng.randrange(86_400))
            if at < end and not PAUSE[0] <= at < PAUSE[1]:
                yield at
        day += _DAY


@dataclass(frozen=True, slots=True)
class Told:
    """What was ordered for days that had long settled: the type, from, to, and when."""

    type_id: str
    start: datetime
    end: datetime
    at: datetime


@dataclass(slots=True)
class Eventful:
    """The household, and what was changed in it.

    Attributes:
        late: changes of settled days, which only the weekly look at the hours can find.
        typed: ids of weights by what became of them.
    """

    home: Household
    late: list[Told] = field(default_factory=list)
    typed: dict[str, str] = field(default_factory=dict)


def eventful(state_dir: Path, lasts: timedelta = DAYS) -> Eventful:
    """Make the household and order all that happens."""
    began = datetime.combine(FIRST, time(), UTC)
    wearer = Wearer(
        seed=3,
        member_since=FIRST,
        syncs=ListedSyncs(syncs(began, START + lasts - QUIET)),
        publish_after=timedelta(minutes=40),
        publish_late={date(2027, 3, 23): timedelta(hours=7)},
        processed_after=timedelta(hours=3),
        daily_late={
            date(2027, 3, 17): timedelta(days=5),
            date(2027, 3, 25): timedelta(hours=30),
        },
        days_off=frozenset({date(2027, 3, 14)}),
        trips=(AWAY,),
        has_scale=True,
        worn_minutes=WORN,
        intervals_s=(30, 60, 90),
        sleep_samples_apart=5,
    )
    account = google_account(
        backfill_from=FIRST,
        poll_every=timedelta(hours=11),
        poll={name: timedelta(hours=20) for name in GOOGLE_TYPES if not looks_by_itself(name)},
    )
    home = Household(
        state_dir,
        START.isoformat(),
        wearer,
        accounts=(account,),
        google_settings=GoogleHealthSettings(also_offered=OFFERED),
    )
    life = Eventful(home)
    _edit_sessions(wearer)
    _type_weights(life, wearer)
    _change_readings(life, wearer)
    home.simulator.faults.add(*TROUBLE)
    home.at.append((START + lasts - QUIET, home.simulator.faults.clear))
    return life


def _edit_sessions(wearer: Wearer) -> None:
    days = days_between(date(2027, 3, 7), date(2027, 3, 22))
    nights = [log for day in days for log in wearer.recorded(day) if log.main]
    wearer.delete_sleep(nights[0].log_id, at=START + _DAY)
    wearer.edit_sleep(nights[1].log_id, at=START + _DAY, cut_minutes=20)
    wearer.edit_sleep(nights[-2].log_id, at=START + 15 * _DAY, cut_minutes=35)
    wearer.delete_point(sleep_id(nights[-1].log_id), at=START + 16 * _DAY)
    workouts = _exercises(wearer, date(2027, 3, 15), date(2027, 3, 19))
    at = datetime(2027, 3, 22, 8, tzinfo=UTC)
    wearer.delete_point(workouts[0].point_id or "", at=at)
    changed = {"displayName": "Lunch walk", "notes": "windy"}
    wearer.edit_point(workouts[1].point_id or "", changed, at=at)


def _exercises(wearer: Wearer, first: date, last: date) -> list[Point]:
    ever = datetime(2027, 6, 1, tzinfo=UTC)
    start, end = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (first, last))
    return GoogleLife(wearer).points("exercise", 1000 * start, 1000 * end, ever)


def _type_weights(life: Eventful, wearer: Wearer) -> None:
    at = datetime(2027, 3, 12, 12, 7, tzinfo=UTC)
    life.typed = {
        "kept": wearer.type_weight(81_250, at),
        "edited": wearer.type_weight(80_900, at + _DAY),
        "deleted": wearer.type_weight(8_100, at + 2 * _DAY),
    }
    wearer.edit_point(life.typed["edited"], {"weightGrams": 80_950}, at=at + 3 * _DAY)
    wearer.delete_point(life.typed["deleted"], at=at + 3 * _DAY)


def _change_readings(life: Eventful, wearer: Wearer) -> None:
    def hours(day: date, first: int, last: int) -> tuple[datetime, datetime]:
        return (
            datetime.combine(day, time(first), UTC),
            datetime.combine(day, time(last), UTC),
        )

    # Lately: days that are still read.
    wearer.rebucket(*hours(date(2027, 3, 20), 8, 14), at=START + 11 * _DAY)
    wearer.correct("heart-rate", *hours(date(2027, 3, 24), 9, 10), at=START + 16 * _DAY, by=4)
    wearer.delete_readings(*hours(date(2027, 3, 25), 10, 12), at=START + 17 * _DAY)
    # Long ago: settled days.
    found = START + 23 * _DAY
    for type_id, day, by in (
        ("heart-rate", date(2027, 3, 11), 5),
        ("distance", date(2027, 3, 13), 3),
        ("heart-rate", date(2027, 2, 27), -3),
    ):
        wearer.correct(type_id, *hours(day, 9, 11), at=found, by=by)
        life.late.append(Told(type_id, *hours(day, 9, 11), found))
    wearer.delete_readings(*hours(date(2027, 3, 12), 9, 11), at=found, type_id="steps")
    life.late.append(Told("steps", *hours(date(2027, 3, 12), 9, 11), found))
