"""What is missing, why, and what is only not final yet."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fitbitd.model import DataType, DeviceSync
from fitbitd.plan.cadence import Wants
from fitbitd.plan.coverage import SettledBy
from fitbitd.plan.gaps import Evidence, Final, Gap, Lack, Look, Tally, gaps, tally
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from tests.support.types import (
    ALL,
    CARD,
    DENSE,
    HOURLY,
    NIGHTS,
    STREAM,
    TOTALS,
    TRACKS,
    WATCHES,
    WEIGHED,
    WORKOUTS,
)

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
FIRST = date(2026, 3, 1)
AN_HOUR_AGO = NOW - timedelta(hours=1)


def march(day: int) -> date:
    return date(2026, 3, day)


def read(at: datetime = NOW, synced_at: datetime | None = AN_HOUR_AGO) -> DayRead:
    return DayRead(at, 1, synced_at, whole=True)


def ledger(data_type: DataType, synced_at: datetime | None = AN_HOUR_AGO, **known: Any) -> Ledger:
    """Give what is known of one data type, of an account that has been collected for long."""
    devices = {} if synced_at is None else {"watch": DeviceSync("watch", synced_at)}
    return Ledger(
        zone="UTC",
        types={data_type.name: TypeLedger(**known)},
        devices=devices,
        first_pass_at=datetime(2026, 2, 1, tzinfo=UTC),
    )


def settled(*runs: tuple[date, date]) -> dict[str, Any]:
    return {"settled": runs, "read_at": NOW}


def opened(first: date, last: date, how: DayRead) -> dict[date, DayRead]:
    return {date.fromordinal(n): how for n in range(first.toordinal(), last.toordinal() + 1)}


def found(
    data_type: DataType, known: Ledger, evidence: Evidence | None = None, **look: Any
) -> list[Gap]:
    wants = Wants("alice", (data_type,), timedelta(minutes=15), backfill_from=FIRST)
    return list(gaps(wants, known, evidence or Evidence(), NOW, Look(**look)))


def lacks(some: Iterable[Gap]) -> list[tuple[Lack, date | None, date | None]]:
    return [(gap.lack, gap.first, gap.last) for gap in some]


# Never read


def test_recent_days_are_not_read_yet_and_older_ones_are_history() -> None:
    for data_type, recent in ((DENSE, march(12)), (NIGHTS, march(11))):
        assert lacks(found(data_type, ledger(data_type))) == [
            (Lack.HISTORY, FIRST, recent - timedelta(days=1)),
            (Lack.NOT_READ, recent, TODAY),
        ]


def test_what_was_read_is_no_gap_and_what_lies_between_is() -> None:
    known = ledger(DENSE, **settled((FIRST, march(3)), (march(6), TODAY)))
    assert lacks(found(DENSE, known)) == [(Lack.HISTORY, march(4), march(5))]


def test_what_has_no_days_of_its_own_has_no_gaps() -> None:
    for data_type in (CARD, WATCHES, HOURLY):
        known = ledger(data_type, open={TODAY: read()})
        assert found(data_type, known) == []


def test_files_that_were_not_read_are_counted() -> None:
    known = ledger(TRACKS, files_wanted=("a@1", "b@1"))
    assert found(TRACKS, known) == [Gap(TRACKS.name, Lack.NOT_READ, count=2)]


# Read, and not final


def test_a_day_that_may_still_change_says_when_it_is_final() -> None:
    known = ledger(DENSE, open=opened(march(12), TODAY, read()), **settled((FIRST, march(11))))
    (gap,) = found(DENSE, known)
    assert lacks([gap]) == [(Lack.PROVISIONAL, march(12), TODAY)]
    assert gap.until == datetime(2026, 3, 29, tzinfo=UTC)
    assert gap.days == 9


def test_without_a_usable_sync_it_takes_twice_as_long() -> None:
    for synced_at in (None, NOW - timedelta(days=9)):
        known = ledger(
            WEIGHED,
            synced_at,
            open=opened(march(19), TODAY, read()),
            **settled((FIRST, march(18))),
        )
        (gap,) = found(WEIGHED, known)
        assert (gap.lack, gap.until) == (Lack.PROVISIONAL, datetime(2026, 4, 6, tzinfo=UTC))


def test_a_day_whose_time_has_come_is_final_no_earlier_than_now() -> None:
    known = ledger(DENSE, open={march(5): read()}, **settled((FIRST, march(4)), (march(6), TODAY)))
    (gap,) = found(DENSE, known)
    assert (gap.lack, gap.until) == (Lack.PROVISIONAL, NOW)


@pytest.mark.parametrize("rested_on", [None, NOW - timedelta(hours=2)])
def test_what_a_sync_brought_and_nobody_read_is_not_read_yet(rested_on: datetime | None) -> None:
    known = ledger(DENSE, open={TODAY: read(synced_at=rested_on)}, **settled((FIRST, march(19))))
    assert found(DENSE, known) == [Gap(DENSE.name, Lack.NOT_READ, TODAY, TODAY, since=AN_HOUR_AGO)]


def test_a_sync_after_its_end_brings_a_day_nothing_more() -> None:
    after = datetime(2026, 3, 19, 0, 30, tzinfo=UTC)
    known = ledger(
        DENSE,
        open={march(18): read(synced_at=after)},
        **settled((FIRST, march(17)), (march(19), TODAY)),
    )
    assert [gap.lack for gap in found(DENSE, known)] == [Lack.PROVISIONAL]


def test_a_watch_that_is_silent_still_has_the_rest_of_the_days() -> None:
    silent = NOW - timedelta(hours=40)
    known = ledger(
        DENSE,
        silent,
        open=opened(march(18), TODAY, read(synced_at=silent)),
        **settled((FIRST, march(17))),
    )
    (gap,) = found(DENSE, known)
    assert lacks([gap]) == [(Lack.NOT_SYNCED, march(18), TODAY)]
    assert gap.since == silent


def test_a_watch_that_synced_this_morning_is_not_silent() -> None:
    this_morning = NOW - timedelta(hours=5, minutes=59)
    known = ledger(
        DENSE,
        this_morning,
        open={TODAY: read(synced_at=this_morning)},
        **settled((FIRST, march(19))),
    )
    assert [gap.lack for gap in found(DENSE, known)] == [Lack.PROVISIONAL]


def test_what_people_type_in_does_not_wait_for_a_watch() -> None:
    silent = NOW - timedelta(days=2)
    known = ledger(
        WEIGHED, silent, open={TODAY: read(synced_at=None)}, **settled((FIRST, march(19)))
    )
    assert [gap.lack for gap in found(WEIGHED, known)] == [Lack.PROVISIONAL]


def test_a_final_day_that_moved_may_change_again() -> None:
    known = ledger(DENSE, recheck=frozenset({march(5)}), **settled((FIRST, TODAY)))
    assert found(DENSE, known) == [
        Gap(DENSE.name, Lack.PROVISIONAL, march(5), march(5), detail="moved")
    ]


# Refused, not believed, not understood


def test_a_type_that_the_consent_leaves_out_is_told_and_not_its_days() -> None:
    known = ledger(DENSE)
    assert found(DENSE, known, granted={"sleep"}) == [Gap(DENSE.name, Lack.NOT_GRANTED)]
    assert Lack.NOT_GRANTED not in [g.lack for g in found(DENSE, known, granted={"heart"})]


def test_a_type_that_is_refused_as_a_whole_is_missing_on_no_day() -> None:
    refused = Gap(DENSE.name, Lack.REFUSED, since=AN_HOUR_AGO, until=NOW, detail="scope_missing")
    evidence = Evidence(refused=(refused, Gap(NIGHTS.name, Lack.REFUSED)))
    known = ledger(DENSE, blocked={None: NOW + timedelta(hours=1)})
    assert found(DENSE, known, evidence) == [refused]
    # A new consent has lifted it: the ledger no longer blocks it, and the row is history.
    assert Lack.REFUSED not in [gap.lack for gap in found(DENSE, ledger(DENSE), evidence)]


def test_days_that_failed_are_told_together_and_without_those_that_were_read() -> None:
    times = [AN_HOUR_AGO, NOW, NOW + timedelta(hours=1)]
    evidence = Evidence(
        refused=(
            Gap(DENSE.name, Lack.FAILED, march(2), march(4), times[0], times[1], "too_large"),
            Gap(DENSE.name, Lack.FAILED, march(5), march(5), times[1], times[2], "too_large"),
            Gap(NIGHTS.name, Lack.FAILED, march(7), march(7), detail="too_large"),
        )
    )
    known = ledger(
        DENSE, open={march(4): read()}, **settled((march(3), march(3)), (march(6), TODAY))
    )
    assert found(DENSE, known, evidence) == [
        Gap(DENSE.name, Lack.FAILED, march(2), march(2), times[0], times[1], "too_large"),
        Gap(DENSE.name, Lack.FAILED, march(5), march(5), times[1], times[2], "too_large"),
        Gap(DENSE.name, Lack.HISTORY, FIRST, FIRST),
        Gap(DENSE.name, Lack.PROVISIONAL, march(4), march(4), until=NOW),
    ]


def test_days_in_a_row_that_failed_alike_are_one_gap_from_the_first_time_to_the_last() -> None:
    evidence = Evidence(
        refused=(
            Gap(DENSE.name, Lack.FAILED, march(2), march(2), NOW, NOW, "too_large"),
            Gap(DENSE.name, Lack.FAILED, march(3), march(3), AN_HOUR_AGO, AN_HOUR_AGO, "too_large"),
            Gap(DENSE.name, Lack.FAILED, march(4), march(4), NOW, NOW, "contract_changed"),
        )
    )
    known = ledger(DENSE, **settled((FIRST, FIRST), (march(5), TODAY)))
    assert found(DENSE, known, evidence) == [
        Gap(DENSE.name, Lack.FAILED, march(2), march(3), AN_HOUR_AGO, NOW, "too_large"),
        Gap(DENSE.name, Lack.FAILED, march(4), march(4), NOW, NOW, "contract_changed"),
    ]


def test_files_that_failed_are_told_without_days() -> None:
    failed = Gap(TRACKS.name, Lack.FAILED, detail="data_type_refused", count=3)
    assert found(TRACKS, ledger(TRACKS), Evidence(refused=(failed,))) == [failed]


def test_a_final_day_that_came_back_empty_is_not_believed() -> None:
    doubted = Gap(DENSE.name, Lack.NOT_BELIEVED, march(5), march(5), AN_HOUR_AGO, NOW)
    known = ledger(DENSE, **settled((FIRST, TODAY)))
    assert found(DENSE, known, Evidence(doubted=(doubted, Gap(NIGHTS.name, Lack.FAILED)))) == [
        doubted
    ]


def test_a_day_that_is_not_believed_is_not_told_twice() -> None:
    doubted = Gap(DENSE.name, Lack.NOT_BELIEVED, TODAY, TODAY, AN_HOUR_AGO, NOW)
    known = ledger(DENSE, open={TODAY: read()}, **settled((FIRST, march(19))))
    assert found(DENSE, known, Evidence(doubted=(doubted,))) == [doubted]


def test_what_was_not_understood_is_told_with_its_days_or_without() -> None:
    unread = (
        Gap(DENSE.name, Lack.NOT_UNDERSTOOD, march(2), march(3), detail="no time", count=4),
        Gap(DENSE.name, Lack.NOT_UNDERSTOOD, detail="no time", count=1),
        Gap(NIGHTS.name, Lack.NOT_UNDERSTOOD, count=1),
    )
    known = ledger(DENSE, **settled((FIRST, TODAY)))
    assert found(DENSE, known, Evidence(unread=unread)) == list(unread[:2])


# Final, and worth a word


def final(data_type: DataType, first: date, last: date, **how: Any) -> Evidence:
    run = Final(first, last, **{"by": SettledBy.SYNC, "empty": False, **how})
    return Evidence(final={data_type.name: (run,)})


def test_final_days_without_a_heartbeat_were_not_worn() -> None:
    days = settled((FIRST, TODAY))
    for how in (SettledBy.SYNC, SettledBy.AGE):
        evidence = final(DENSE, march(2), march(3), empty=True, by=how)
        assert lacks(found(DENSE, ledger(DENSE, **days), evidence)) == [
            (Lack.NOT_WORN, march(2), march(3))
        ]
    assert found(DENSE, ledger(DENSE, **days), final(DENSE, march(2), march(3))) == []


@pytest.mark.parametrize("data_type", [NIGHTS, TOTALS, WORKOUTS])
def test_a_day_without_a_workout_or_a_night_says_nothing_of_the_watch(data_type: DataType) -> None:
    known = ledger(data_type, **settled((date(2026, 1, 1), TODAY)))
    assert found(data_type, known, final(data_type, march(2), march(3), empty=True)) == []


def test_final_by_age_alone_is_told() -> None:
    known = ledger(DENSE, **settled((FIRST, TODAY)))
    evidence = final(DENSE, march(2), march(3), by=SettledBy.AGE)
    assert lacks(found(DENSE, known, evidence)) == [(Lack.BY_AGE, march(2), march(3))]


# What is looked at


def test_only_the_days_that_are_looked_at_are_told() -> None:
    known = ledger(DENSE, **settled((march(8), TODAY)))
    assert lacks(found(DENSE, known, days=(march(3), march(5)))) == [
        (Lack.HISTORY, march(3), march(5))
    ]
    assert found(DENSE, known, days=(march(9), march(9))) == []


def test_only_the_data_types_that_are_looked_at_are_told() -> None:
    wants = Wants("alice", (DENSE, STREAM), timedelta(minutes=15), backfill_from=FIRST)
    some = gaps(wants, Ledger(), Evidence(), NOW, Look(only={STREAM.name}))
    assert {gap.data_type for gap in some} == {STREAM.name}


def test_what_is_about_no_days_is_told_whatever_days_are_looked_at() -> None:
    known = ledger(TRACKS, files_wanted=("a@1",))
    assert len(found(TRACKS, known, days=(FIRST, FIRST))) == 1


# The sums


def test_every_day_is_counted_once() -> None:
    wants = Wants("alice", (*ALL, HOURLY), timedelta(minutes=15), backfill_from=FIRST)
    known = ledger(
        DENSE,
        open=opened(march(13), TODAY, read()),
        recheck=frozenset({march(6)}),
        **settled((march(5), march(10))),
    )
    runs = (
        Final(march(5), march(5), SettledBy.AGE, empty=False),
        Final(march(7), march(10), SettledBy.SYNC, empty=True),
    )
    evidence = Evidence(final={DENSE.name: runs})
    only = {DENSE.name, CARD.name, HOURLY.name}
    assert tally(wants, known, evidence, NOW, Look(only=only)) == Tally(5, 1, 9, 6)
    assert tally(wants, known, evidence, NOW, Look(only=only)).days == 20
    some = Look(only=only, days=(march(5), march(8)))
    assert tally(wants, known, evidence, NOW, some) == Tally(3, 1, 1, 0)
    later = Look(only=only, days=(march(11), march(11)))
    assert tally(wants, known, evidence, NOW, later) == Tally(0, 0, 0, 1)


@pytest.mark.parametrize(
    ("known", "granted"),
    [
        (ledger(DENSE, blocked={None: NOW}), ()),
        (ledger(DENSE), ("sleep",)),
    ],
)
def test_what_is_not_offered_is_missing_on_no_day(known: Ledger, granted: tuple[str, ...]) -> None:
    wants = Wants("alice", (DENSE,), timedelta(minutes=15), backfill_from=FIRST)
    assert tally(wants, known, Evidence(), NOW, Look(granted)) == Tally()
