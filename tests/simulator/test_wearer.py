"""The synthetic wearer: one life per seed, and only what was synced is known."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from fitbitd.simulator import DailySyncs, ListedSyncs, RegularSyncs, Wearer
from fitbitd.simulator.civil import day_bounds

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARCH_8 = date(2026, 3, 8)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_seed_is_one_life_and_another_seed_another() -> None:
    first, again, other = (Wearer(seed=seed).truth(NOON, MARCH_8) for seed in (1, 1, 2))
    assert first == again
    lived = first.keys() - {"profile", "devices"}  # the account and the watch are the same
    assert all(first[name] != other[name] for name in lived)


def test_the_order_of_questions_changes_no_answer() -> None:
    one, two = Wearer(), Wearer()
    late = one.truth(NOON, date(2026, 3, 10))
    two.truth(NOON, date(2026, 3, 1), date(2026, 3, 2))
    assert two.truth(NOON, date(2026, 3, 10)) == late


def test_a_worn_day_has_thousands_of_heart_rates_1_to_15_seconds_apart() -> None:
    wearer = Wearer()
    counts = []
    for back in range(1, 31):
        start_s, end_s = day_bounds(date(2026, 3, 10) - timedelta(days=back), wearer.zone)
        rows = wearer.heart(start_s, end_s, NOON)
        counts.append(len(rows))
        apart = [later[0] - earlier[0] for earlier, later in pairwise(rows)]
        assert min(apart) >= 1
        assert sum(gap > 15 for gap in apart) <= 3  # a night or a charge off the wrist
        assert all(start_s <= second < end_s and 30 <= bpm <= 220 for second, bpm in rows)
    assert min(counts) >= 8_000


@pytest.mark.parametrize(
    ("day", "zone", "minutes"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23 * 60),
        (date(2026, 10, 25), "Europe/Berlin", 25 * 60),
        (date(2026, 10, 4), "Australia/Lord_Howe", 23 * 60 + 30),
        (date(2026, 3, 29), "Asia/Kathmandu", 24 * 60),
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(day: date, zone: str, minutes: int) -> None:
    wearer = Wearer(zone=zone)
    rows = wearer.truth(at("2026-12-01"), day, day)["steps"]
    seconds = [row[0] for row in rows]
    assert len(rows) == minutes
    assert seconds == list(range(seconds[0], seconds[0] + 60 * minutes, 60))


def test_nothing_recorded_after_the_last_sync_is_known() -> None:
    synced = at("2026-03-09T08:15:20")
    wearer = Wearer(syncs=ListedSyncs([synced]))
    truth = wearer.truth(NOON, date(2026, 3, 1))
    assert wearer.synced_at(NOON) == synced
    assert 0 < synced.timestamp() - truth["heart_rate"][-1][0] <= 15
    assert truth["steps"][-1][0] == at("2026-03-09T08:15:00").timestamp()
    assert truth["daily_steps"][-1][0] == date(2026, 3, 9)
    assert max(row[3] for row in truth["sleep"]) <= synced.timestamp()


def test_before_the_first_sync_nothing_is_known() -> None:
    truth = Wearer(syncs=ListedSyncs([NOON + timedelta(seconds=1)])).truth(NOON)
    assert truth.pop("profile") == [("Europe/Berlin", date(2026, 1, 1))]
    assert not any(truth.values())


def test_a_late_sync_fills_past_days_and_changes_totals() -> None:
    wearer = Wearer(syncs=ListedSyncs([at("2026-03-05T09:00:10"), at("2026-03-10T09:00:10")]))
    first = date(2026, 3, 1)
    before, after = wearer.truth(at("2026-03-10T09:00:09"), first), wearer.truth(NOON, first)
    assert set(before["heart_rate"]) < set(after["heart_rate"])
    assert before["daily_steps"][-1] not in after["daily_steps"]
    assert [row[0] for row in after["daily_steps"]][-5:] == [date(2026, 3, n) for n in range(6, 11)]


def test_the_minute_that_a_sync_cuts_is_known_in_part() -> None:
    whole = {second: count for second, count, *_ in Wearer().truth(NOON, MARCH_8)["steps"]}
    second = next(second for second, count in whole.items() if count > 60)
    wearer = Wearer(syncs=ListedSyncs([datetime.fromtimestamp(second + 30, UTC)]))
    assert wearer.truth(NOON, MARCH_8)["steps"][-1] == (second, whole[second] // 2)


def test_the_resting_heart_rate_of_a_day_that_is_not_over_moves() -> None:
    wearer, day = Wearer(), date(2026, 3, 9)
    morning, evening, settled = (
        wearer.day_heart(day, at(text))
        for text in ("2026-03-09T09:00:00", "2026-03-09T22:00:00", "2026-03-10T09:00:00")
    )
    assert morning is not None
    assert evening is not None
    assert settled is not None
    assert morning.resting != evening.resting != settled.resting


def test_nights_differ_stages_classic_naps_and_nights_without_the_watch() -> None:
    wearer = Wearer()
    logs = wearer.sleeps(date(2026, 1, 2), date(2026, 5, 1), at("2026-05-02T00:00:00"))
    days = {log.day for log in logs}
    assert {log.kind for log in logs if log.main} == {"stages", "classic"}
    assert any(log.info_code == 1 for log in logs)  # too little heart data
    assert 100 < len(days) < 120  # some of 120 nights were off the wrist
    assert any(not log.main for log in logs)  # naps
    assert any(datetime.fromtimestamp(log.start_s, UTC).date() < log.day for log in logs)


def test_the_stages_of_a_log_fill_it_without_gaps_on_half_minutes() -> None:
    for _, _, start_s, end_s, kind, asleep, stages in Wearer().truth(NOON, date(2026, 2, 20))[
        "sleep"
    ]:
        long = [(begin, seconds) for name, _, begin, seconds in stages if name == "stage"]
        short = [(begin, seconds) for name, _, begin, seconds in stages if name == "short"]
        ends = [begin + seconds for begin, seconds in long]
        assert [begin for begin, _ in long] == [start_s, *ends[:-1]]
        assert ends[-1] == end_s
        assert all(seconds % 30 == 0 for _, seconds in long + short)
        assert all(seconds <= 180 for _, seconds in short)
        assert kind == "stages" or not short
        assert 0 < asleep <= (end_s - start_s) // 60


def test_a_sleep_log_appears_as_long_after_its_sync_as_was_ordered() -> None:
    wearer = Wearer(
        publish_after=timedelta(hours=3), syncs=ListedSyncs([at("2026-03-09T10:00:00")])
    )
    assert not wearer.sleeps(MARCH_8, MARCH_8, at("2026-03-09T12:59:59"))
    assert wearer.sleeps(MARCH_8, MARCH_8, at("2026-03-09T13:00:00"))


def test_a_single_night_can_be_late() -> None:
    wearer = Wearer(publish_late={MARCH_8: timedelta(days=2)})
    assert not wearer.sleeps(MARCH_8, MARCH_8, at("2026-03-09T12:00:00"))
    assert wearer.sleeps(date(2026, 3, 7), date(2026, 3, 7), at("2026-03-09T12:00:00"))
    assert wearer.sleeps(MARCH_8, MARCH_8, at("2026-03-10T23:00:00"))


def test_a_deleted_log_is_gone_from_its_instant_on() -> None:
    wearer = Wearer()
    log = wearer.sleeps(MARCH_8, MARCH_8, NOON)[0]
    wearer.delete_sleep(log.log_id, at=NOON)
    assert log in wearer.sleeps(MARCH_8, MARCH_8, NOON - timedelta(seconds=1))
    assert log not in wearer.sleeps(MARCH_8, MARCH_8, NOON)


def test_an_edited_log_is_replaced_by_a_shorter_one_with_another_id() -> None:
    wearer = Wearer()
    log = wearer.sleeps(MARCH_8, MARCH_8, NOON)[-1]
    new_id = wearer.edit_sleep(log.log_id, at=NOON, cut_minutes=20)
    edited = wearer.sleeps(MARCH_8, MARCH_8, NOON)[-1]
    assert (edited.log_id, edited.start_s, edited.end_s) == (new_id, log.start_s + 1200, log.end_s)
    assert sum(seconds for _, _, seconds in edited.stages) == edited.end_s - edited.start_s


def test_an_account_holds_nothing_from_before_it_began() -> None:
    wearer = Wearer(member_since=date(2026, 3, 5))
    truth = wearer.truth(NOON, date(2026, 1, 1))
    began_s, _ = day_bounds(date(2026, 3, 5), wearer.zone)
    assert truth["steps"][0][0] == began_s
    assert truth["daily_steps"][0][0] == date(2026, 3, 5)
    assert min(row[2] for row in truth["sleep"]) >= began_s


def test_a_day_in_a_drawer_has_no_heart_rate_and_bare_zones() -> None:
    wearer = Wearer(days_off=frozenset({MARCH_8}))
    truth = wearer.truth(NOON, MARCH_8, MARCH_8)
    assert (truth["heart_rate"], truth["daily_steps"]) == ([], [(MARCH_8, 0)])
    assert {row[1].partition(".")[2] for row in truth["daily_heart_rate"]} == {"min", "max"}


@pytest.mark.parametrize(
    ("plan", "last", "first"),
    [
        (RegularSyncs(600, 7), "2026-03-10T11:50:07", "2026-03-10T12:00:07"),
        (
            DailySyncs(
                (time(8), time(21)), pauses=((at("2026-03-09T00:00"), at("2026-03-10T15:00")),)
            ),
            "2026-03-08T20:00:00",
            "2026-03-10T20:00:00",
        ),
        (
            ListedSyncs([NOON, NOON + timedelta(days=1)]),
            "2026-03-10T12:00:00",
            "2026-03-10T12:00:00",
        ),
        (RegularSyncs(60, 0), "2026-03-10T12:00:00", "2026-03-10T12:00:00"),
    ],
)
def test_a_plan_knows_its_syncs_before_and_after(
    plan: RegularSyncs | DailySyncs | ListedSyncs, last: str, first: str
) -> None:
    assert (plan.last(NOON), plan.first(NOON)) == (at(last), at(first))


def test_a_sync_can_be_ordered() -> None:
    wearer = Wearer(syncs=ListedSyncs())
    wearer.sync(NOON)
    assert wearer.synced_at(NOON) == NOON
    assert wearer.truth(NOON, MARCH_8)["heart_rate"]
