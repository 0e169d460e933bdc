from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from fitbitd.model import Axis, DataType, DeviceSync, Pull, Why, Window
from fitbitd.plan.budget import Allowance
from fitbitd.plan.cadence import Wants
from fitbitd.plan.history import EARLIEST
from fitbitd.plan.ledger import DayRead, Ledger, TypeLedger
from fitbitd.plan.planner import asked
from fitbitd.plan.windows import halves
from tests.support.plans import chosen
from tests.support.types import ALL, CARD, DENSE, NIGHTS, TOTALS

NOW = datetime(2026, 3, 15, 11, tzinfo=UTC)  # noon in Berlin
TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PLENTY = Allowance(10_000, 10_000)
WANTS = Wants("alice", (DENSE,), timedelta(minutes=15))


def days_of(pulls: tuple[Pull, ...], data_type: DataType) -> set[date]:
    return {
        day
        for pull in pulls
        if pull.window and pull.data_type == data_type.name
        for day in pull.window.days()
    }


def ledger(synced_at: datetime | None, **types: TypeLedger) -> Ledger:
    devices = {} if synced_at is None else {"1": DeviceSync("1", synced_at)}
    names = {data_type.name: data_type for data_type in ALL}
    assert set(types) <= set(names)
    return Ledger(
        zone="Europe/Berlin",
        types={name: types[name] for name in names if name in types},
        devices=devices,
    )


def whole(synced_at: datetime | None, read_at: datetime = NOW - HOUR) -> DayRead:
    return DayRead(read_at, 100, synced_at, whole=True)


def settled_until(last: date, days: int = 400) -> tuple[tuple[date, date], ...]:
    return ((last - timedelta(days=days), last),)


def up_to_date(synced_at: datetime, *, read_at: datetime = NOW - HOUR) -> TypeLedger:
    """Describe a dense type all of whose days were read after `synced_at`."""
    return TypeLedger(
        read_at=read_at,
        rests_on=synced_at,
        newest=synced_at,
        settled=settled_until(TODAY - 9 * DAY),
        open={TODAY - timedelta(days=back): whole(synced_at) for back in range(9)},
    )


def test_a_new_account_reads_the_last_days_and_no_more() -> None:
    pulls = chosen(replace(WANTS, data_types=ALL), Ledger(zone="Europe/Berlin"), NOW, PLENTY)
    assert days_of(pulls, DENSE) == {TODAY - timedelta(days=back) for back in range(9)}
    assert min(days_of(pulls, NIGHTS)) == TODAY - 8 * DAY
    assert min(days_of(pulls, TOTALS)) == TODAY - 30 * DAY
    assert [pull.window for pull in pulls if pull.data_type == CARD.name] == [None]
    assert not [pull for pull in pulls if pull.data_type == "watches"]


def test_before_the_first_profile_days_are_utc() -> None:
    pulls = chosen(WANTS, Ledger(), datetime(2026, 3, 15, 23, 30, tzinfo=UTC), PLENTY)
    assert max(days_of(pulls, DENSE)) == TODAY
    assert {pull.zone for pull in pulls} == {"UTC"}


def test_nothing_is_asked_while_the_watch_has_not_synced() -> None:
    synced_at = NOW - HOUR
    assert chosen(WANTS, ledger(synced_at, pulse=up_to_date(synced_at)), NOW, PLENTY) == ()


def test_a_sync_is_read_by_a_tail_that_begins_an_hour_before_what_is_known() -> None:
    known = up_to_date(NOW - 3 * HOUR)
    (pull,) = chosen(WANTS, ledger(NOW - HOUR, pulse=known), NOW, PLENTY)
    assert pull.window == Window(
        Axis.CIVIL,
        datetime(2026, 3, 15, 8, 0),  # noqa: DTZ001  # civil time has no zone
        datetime(2026, 3, 15, 23, 59),  # noqa: DTZ001
    )
    assert (pull.why, pull.tail, pull.synced_at) == (Why.SYNC, True, NOW - HOUR)


def test_a_tail_begins_at_the_newest_reading_if_that_is_older_than_the_sync() -> None:
    known = replace(up_to_date(NOW - 3 * HOUR), newest=NOW - 5 * HOUR)
    (pull,) = chosen(WANTS, ledger(NOW - HOUR, pulse=known), NOW, PLENTY)
    assert pull.window is not None
    assert pull.window.start.time() == time(6, 0)


def test_a_tail_never_begins_at_the_last_read() -> None:
    known = replace(up_to_date(NOW - 5 * HOUR), read_at=NOW - timedelta(minutes=1))
    (pull,) = chosen(WANTS, ledger(NOW, pulse=known), NOW, PLENTY)
    assert pull.window is not None
    assert pull.window.start.time() == time(6, 0)


def test_a_tail_that_would_begin_yesterday_is_a_read_of_whole_days() -> None:
    known = up_to_date(NOW - 13 * HOUR)
    pulls = chosen(WANTS, ledger(NOW - HOUR, pulse=known), NOW, PLENTY)
    assert [pull.tail for pull in pulls] == [False, False]
    assert days_of(pulls, DENSE) == {TODAY, TODAY - DAY}


def test_within_the_last_minute_of_a_day_the_day_is_read_as_a_whole() -> None:
    late = datetime(2026, 3, 15, 22, 59, 30, tzinfo=UTC)
    known = replace(up_to_date(late + HOUR, read_at=late - HOUR), rests_on=late + HOUR - 1 * DAY)
    ahead = replace(known, newest=late + HOUR, rests_on=late + HOUR)
    (pull,) = chosen(WANTS, ledger(late + 2 * HOUR, pulse=ahead), late, PLENTY)
    assert not pull.tail


def test_a_sync_after_a_pause_reads_every_day_of_the_gap() -> None:
    paused = NOW - 5 * DAY
    known = replace(
        up_to_date(paused),
        open={TODAY - timedelta(days=back): whole(paused, paused) for back in range(9)},
    )
    pulls = chosen(WANTS, ledger(NOW, pulse=known), NOW, PLENTY)
    assert days_of(pulls, DENSE) == {TODAY - timedelta(days=back) for back in range(6)}
    assert [pull.why for pull in pulls] == [Why.SYNC, *[Why.GAP] * 5]


def test_a_day_read_after_a_later_sync_is_left_alone_until_it_can_settle() -> None:
    synced_at = NOW - HOUR
    old = TODAY - 8 * DAY
    known = replace(
        up_to_date(synced_at), open={TODAY: whole(synced_at), old: whole(synced_at - 7 * DAY)}
    )
    known = replace(known, settled=(*known.settled, (old + DAY, TODAY - DAY)))
    alone = datetime(2026, 3, 15, 23, tzinfo=UTC) + 6 * HOUR
    recent = replace(known, read_at=alone - HOUR)
    assert (
        chosen(WANTS, ledger(synced_at, pulse=recent), alone - timedelta(seconds=1), PLENTY) == ()
    )
    (pull,) = chosen(WANTS, ledger(synced_at, pulse=recent), alone, PLENTY)
    assert (pull.why, days_of((pull,), DENSE)) == (Why.SETTLE, {old})


def test_a_day_that_can_settle_comes_along_when_anything_is_asked() -> None:
    synced_at = NOW - HOUR
    old = TODAY - 9 * DAY
    known = replace(
        up_to_date(synced_at - HOUR),
        settled=settled_until(old - DAY),
        open={
            old: whole(synced_at - 8 * DAY),
            **{TODAY - timedelta(days=back): whole(synced_at - HOUR) for back in range(9)},
        },
    )
    early = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
    pulls = chosen(WANTS, ledger(early, pulse=known), early, PLENTY)
    assert Why.SETTLE in {pull.why for pull in pulls}


def test_without_a_sync_open_days_are_read_daily_and_settle_after_twice_the_window() -> None:
    known = TypeLedger(
        read_at=NOW - timedelta(minutes=5),
        newest=NOW - HOUR,
        settled=settled_until(TODAY - 18 * DAY),
        open={
            **{TODAY - timedelta(days=back): whole(None) for back in range(18)},
            TODAY - 3 * DAY: whole(None, NOW - DAY),
            TODAY - 17 * DAY: whole(None, NOW - HOUR),
        },
    )
    pulls = chosen(WANTS, ledger(None, pulse=known), NOW, PLENTY)
    assert {(pull.why, *days_of((pull,), DENSE)) for pull in pulls} >= {
        (Why.GAP, TODAY - 3 * DAY),
        (Why.SETTLE, TODAY - 17 * DAY),
    }
    assert len(pulls) == 2


def test_a_range_type_reads_its_open_days_in_one_request() -> None:
    known = TypeLedger(
        read_at=NOW - HOUR,
        rests_on=NOW - 2 * HOUR,
        settled=settled_until(TODAY - 20 * DAY),
        open={TODAY - timedelta(days=back): whole(None) for back in range(20)},
    )
    wants = replace(WANTS, data_types=(NIGHTS,), backfill_from=TODAY - 100 * DAY)
    (pull,) = chosen(wants, ledger(NOW, nights=known), NOW, PLENTY)
    assert pull.window == Window.of_days(Axis.DATE, TODAY - 19 * DAY, TODAY)


def test_history_is_read_newest_first_and_ranges_before_days() -> None:
    wants = replace(WANTS, data_types=(DENSE, NIGHTS), backfill_from=TODAY - 300 * DAY)
    synced_at = NOW - HOUR
    nights = TypeLedger(read_at=NOW, rests_on=synced_at)
    pulls = chosen(
        wants, ledger(synced_at, pulse=up_to_date(synced_at), nights=nights), NOW, PLENTY
    )
    assert [pull.data_type for pull in pulls] == ["nights"] * 3
    known = replace(up_to_date(synced_at), settled=())
    pulls = chosen(wants, ledger(synced_at, pulse=known, nights=nights), NOW, PLENTY)
    dense = [pull.window.start for pull in pulls if pull.window and pull.data_type == "pulse"]
    assert dense == sorted(dense, reverse=True)
    assert len(dense) == 292
    assert [pull.data_type for pull in pulls[:3]] == ["nights"] * 3


def test_refused_days_and_types_are_left_out() -> None:
    later = NOW + HOUR
    every_day: dict[date | None, datetime] = {
        TODAY - timedelta(days=back): later for back in range(400)
    }
    refusals: list[dict[date | None, datetime]] = [{None: later}, every_day]
    for blocked in refusals:
        wants = replace(WANTS, data_types=(DENSE, NIGHTS), backfill_from=TODAY - 300 * DAY)
        known = TypeLedger(blocked=blocked)
        assert chosen(wants, ledger(NOW, pulse=known, nights=known), NOW, PLENTY) == ()


def test_doubted_days_of_a_range_are_left_out_and_the_others_are_read() -> None:
    doubted = frozenset({TODAY - 5 * DAY, TODAY - 4 * DAY})
    known = TypeLedger(doubted=doubted, blocked=dict.fromkeys(doubted, NOW + HOUR))
    wants = replace(WANTS, data_types=(NIGHTS,))
    pulls = chosen(wants, ledger(NOW - HOUR, nights=known), NOW, PLENTY)
    live = tuple(pull for pull in pulls if pull.why is not Why.BACKFILL)
    expected = {TODAY - timedelta(days=back) for back in range(9)} - doubted
    assert days_of(live, NIGHTS) >= expected
    assert not days_of(pulls, NIGHTS) & doubted


def test_what_a_person_asks_is_every_day_of_it_whatever_is_settled() -> None:
    wants = replace(WANTS, data_types=ALL)
    pulls = asked(wants, ledger(None), NOW, (date(2024, 12, 31), date(2026, 1, 1)))
    assert len(days_of(pulls, DENSE)) == len([p for p in pulls if p.data_type == "pulse"]) == 367
    assert [len(list(p.window.days())) for p in pulls if p.window and p.data_type == "totals"] == [
        365,
        2,
    ]
    assert {pull.why for pull in pulls} == {Why.ASKED}
    newest = asked(wants, ledger(None), NOW, None)
    assert {pull.data_type for pull in newest} == {"card", "pulse", "nights", "totals"}


def test_a_pause_longer_than_the_days_that_are_read_again_leaves_no_hole() -> None:
    stopped = TODAY - 40 * DAY
    before = TypeLedger(
        first_asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        settled=((stopped - 99 * DAY, stopped),),
    )
    known = ledger(NOW - HOUR, pulse=before, nights=before)
    wants = replace(WANTS, data_types=(DENSE, NIGHTS))
    pulls = chosen(wants, known, NOW, PLENTY)
    paused = {stopped + timedelta(days=n) for n in range(1, 41)}
    assert days_of(pulls, DENSE) == days_of(pulls, NIGHTS) == paused


def test_what_fails_from_the_beginning_on_is_asked_from_its_beginning_on() -> None:
    began = NOW - 40 * DAY
    never = TypeLedger(first_asked_at=began)
    known = ledger(NOW - HOUR, pulse=never, nights=never)
    pulls = chosen(replace(WANTS, data_types=(DENSE, NIGHTS)), known, NOW, PLENTY)
    for one in (DENSE, NIGHTS):
        first = began.date() - one.reread
        assert days_of(pulls, one) == {first + n * DAY for n in range((TODAY - first).days + 1)}


def test_what_was_never_wanted_before_has_no_history_of_its_own() -> None:
    known = replace(ledger(NOW - HOUR), first_pass_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert min(days_of(chosen(WANTS, known, NOW, PLENTY), DENSE)) == TODAY - DENSE.reread


def test_history_begins_when_there_could_be_any() -> None:
    wants = Wants("alice", ALL, timedelta(minutes=15), backfill_from=date.min)
    long = chosen(wants, ledger(None), NOW, PLENTY)
    for pulls in (long, asked(wants, ledger(None), NOW, (date.min, TODAY))):
        assert min(days_of(pulls, NIGHTS)) == EARLIEST
    assert days_of(asked(wants, ledger(None), NOW, (date.min, date.min)), DENSE) == set()


days = st.integers(0, 60).map(lambda back: TODAY - timedelta(days=back))
instants = st.integers(0, 60 * 24).map(lambda hours: NOW - timedelta(hours=hours))
reads = st.builds(DayRead, instants, st.integers(0, 9), st.none() | instants, whole=st.booleans())


@st.composite
def type_ledgers(draw: st.DrawFn) -> TypeLedger:
    settled = draw(st.sets(days))
    open_days: Mapping[date, DayRead] = draw(st.dictionaries(days, reads))
    return TypeLedger(
        read_at=draw(st.none() | instants),
        rests_on=draw(st.none() | instants),
        newest=draw(st.none() | instants),
        settled=tuple((day, day) for day in sorted(settled - set(open_days))),
        open=open_days,
        blocked=draw(st.dictionaries(st.none() | days, instants.map(lambda at: at + 30 * DAY))),
    )


@given(
    known=st.tuples(type_ledgers(), type_ledgers(), type_ledgers()),
    synced_at=st.none() | instants,
    left=st.integers(0, 80),
    backfill=st.none() | days,
)
def test_a_plan_stays_within_the_quota_and_repeats_nothing(
    known: tuple[TypeLedger, TypeLedger, TypeLedger],
    synced_at: datetime | None,
    left: int,
    backfill: date | None,
) -> None:
    wants = replace(WANTS, data_types=ALL, backfill_from=backfill)
    book = ledger(synced_at, pulse=known[0], nights=known[1], totals=known[2])
    allowed = Allowance(left, max(0, left - 30))
    pulls = chosen(wants, book, NOW, allowed)
    assert len(pulls) == len(set(pulls)) <= left
    assert sum(pull.why is Why.BACKFILL for pull in pulls) <= allowed.history
    dense = [p.window.start.date() for p in pulls if p.window and p.data_type == DENSE.name]
    assert len(dense) == len(set(dense))
    settled = {day for run in known[0].settled for day in run}
    assert not (set(dense) - {TODAY}) & settled
    for pull in pulls:
        blocked = book.of(pull.data_type).blocked
        first = pull.window.start.date() if pull.window else None
        assert all(blocked.get(key, NOW) <= NOW for key in (None, first))


@given(known=type_ledgers(), synced_at=st.none() | instants, backfill=st.none() | days)
def test_a_plan_leaves_no_hole_that_the_quota_allowed_to_fill(
    known: TypeLedger, synced_at: datetime | None, backfill: date | None
) -> None:
    free = replace(known, blocked={}, read_at=None)
    for data_type in (DENSE, NIGHTS, TOTALS):
        wants = replace(WANTS, data_types=(data_type,), backfill_from=backfill)
        book = ledger(synced_at, **{str(data_type.name): free})
        pulls = chosen(wants, book, NOW, PLENTY)
        first = min(backfill or TODAY, TODAY - data_type.reread)
        settled = {day for run in free.settled for day in run}
        wanted = {first + timedelta(days=n) for n in range((TODAY - first).days + 1)}
        assert wanted <= days_of(pulls, data_type) | settled | set(free.open)


@given(
    axis=st.sampled_from(Axis),
    hours=st.integers(0, 23),
    lasts_h=st.integers(1, 40 * 24),
)
@example(axis=Axis.CIVIL, hours=1, lasts_h=25)  # its middle lies on the day on which it begins
def test_halves_cover_a_window_newest_first_until_no_more_than_a_day_is_left(
    axis: Axis, hours: int, lasts_h: int
) -> None:
    start = datetime.combine(TODAY, time(hours), UTC if axis is Axis.INSTANT else None)
    window = Window(axis, start, start + lasts_h * HOUR)
    pull = Pull(NIGHTS.name, window, Why.BACKFILL, "Europe/Berlin", NOW)
    cut = halves(pull)
    if lasts_h <= 24:
        assert cut == ()
        return
    newer, older = (half.window for half in cut)
    assert newer is not None
    assert older is not None
    assert (older.start, older.end, newer.end) == (window.start, newer.start, window.end)
    assert newer.start.time() == time()
    assert all(replace(half, window=window) == pull for half in cut)


def test_a_snapshot_is_not_cut() -> None:
    assert halves(Pull(CARD.name, None, Why.INTERVAL, "Europe/Berlin")) == ()
