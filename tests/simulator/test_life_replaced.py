"""A watch that is replaced: what it had not synced is lost, at both providers."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.simulator import FitbitSettings, ListedSyncs, Wearer, hours
from fitbitd.simulator.bodies import Bodies
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.dense import DENSE, START
from fitbitd.simulator.life.minutes import COUNTED_BY_PHONE
from fitbitd.simulator.orders import SourceMix
from fitbitd.simulator.paths import parse

DAY = timedelta(days=1)
LAST = datetime(2026, 6, 9, 20, 30, 20, tzinfo=UTC)  # the first watch never syncs again
REPLACED = datetime(2026, 6, 11, 9, 0, 40, tzinfo=UTC)
NEXT = REPLACED + timedelta(hours=3)
NOW = NEXT + 5 * DAY
LOST = (LAST.replace(minute=31, second=0), REPLACED.replace(minute=1, second=0))
"""Whole minutes."""
SPAN = (LAST - DAY, NEXT)


def wearer(**changes: object) -> Wearer:
    syncs = ListedSyncs([LAST - DAY, LAST, *(NEXT + n * DAY for n in range(5))])
    return Wearer(
        syncs=syncs,
        member_since=date(2026, 6, 1),
        sources=SourceMix(0, 0, 0),
        **changes,  # type: ignore[arg-type] # what a test changes
    )


def replaced(**changes: object) -> Wearer:
    return wearer(replaced_at=REPLACED, **changes)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def devices(of: Wearer, now: datetime) -> list[tuple[str, str]]:
    body = Bodies(of, FitbitSettings(), now, "").of(parse("/1/user/-/devices.json", {}, now.date()))
    return [(one["id"], one["lastSyncTime"][:10]) for one in body]


def paired(of: Wearer, now: datetime) -> list[tuple[str, str]]:
    listed = GoogleLife(of).paired_devices(now).get("pairedDevices", [])
    return [(one["name"].rpartition("/")[2], one["lastSyncTime"][:10]) for one in listed]


@pytest.mark.parametrize(("list_of", "ids"), [(devices, (3, 4)), (paired, (1, 3))])
def test_the_next_watch_stands_in_the_devices_once_it_has_synced(
    list_of: object, ids: tuple[int, int]
) -> None:
    def numbers(of: Wearer, now: datetime) -> list[tuple[int, str]]:
        return [(int(name[-1]), day) for name, day in list_of(of, now)]  # type: ignore[operator] # two of one kind

    first, second = ids
    a_moment = timedelta(seconds=1)
    assert numbers(replaced(), REPLACED - a_moment) == [(first, "2026-06-09")]
    assert numbers(replaced(), REPLACED) == []
    assert numbers(replaced(), NEXT - a_moment) == []
    assert numbers(replaced(), NOW) == [(second, "2026-06-15")]
    both = replaced(old_watch_stays=True)
    assert numbers(both, REPLACED) == [(first, "2026-06-09")]
    assert numbers(both, NOW) == [(first, "2026-06-09"), (second, "2026-06-15")]


def test_the_truth_names_every_watch_there_was_with_its_last_sync() -> None:
    ids = [name for name, _ in replaced().truth(NOW)["devices"]]
    assert ids == ["100000003", "100000004"]
    assert replaced().truth(REPLACED)["devices"] == [("100000003", int(LAST.timestamp()))]


def test_what_the_first_watch_had_not_synced_is_lost_and_nothing_else() -> None:
    lost_s = tuple(int(at.timestamp()) for at in LOST)

    def lived(of: Wearer, name: str) -> set[tuple[int, ...]]:
        return {row for row in of.truth(NOW)[name] if row[1]}

    for name in ("heart_rate", "steps"):
        missing = lived(wearer(), name) - lived(replaced(), name)
        assert missing == {row for row in lived(wearer(), name) if lost_s[0] <= row[0] < lost_s[1]}
        assert lived(replaced(), name) <= lived(wearer(), name)
        assert missing


@pytest.mark.parametrize("type_id", sorted(DENSE - {"sedentary-period"}))
def test_no_dense_type_has_a_point_of_the_lost_time(type_id: str) -> None:
    whole = GoogleLife(wearer()).points(type_id, ms(SPAN[0]), ms(SPAN[1]), NOW)
    left = GoogleLife(replaced()).points(type_id, ms(SPAN[0]), ms(SPAN[1]), NOW)
    kept = [at for at in map(START, whole) if not ms(LOST[0]) <= at < ms(LOST[1])]
    assert kept == list(map(START, left))
    assert len(kept) < len(whole)


def test_a_night_is_lost_whole_with_all_that_was_measured_in_it() -> None:
    nights = {log.day for log in wearer().sleeps(date(2026, 6, 8), date(2026, 6, 13), NOW)}
    left = {log.day for log in replaced().sleeps(date(2026, 6, 8), date(2026, 6, 13), NOW)}
    assert nights - left == {date(2026, 6, 10), date(2026, 6, 11)} & nights
    life = GoogleLife(replaced())
    for type_id in ("sleep", "oxygen-saturation", "heart-rate-variability", "exercise"):
        points = life.points(type_id, ms(SPAN[0]), ms(SPAN[1]), NOW)
        assert not [p for p in points if p.end_ms > ms(LOST[0]) and p.start_ms < ms(LOST[1])]
    whole = GoogleLife(wearer()).points("oxygen-saturation", ms(SPAN[0]), ms(SPAN[1]), NOW)
    assert [p for p in whole if p.start_ms > ms(LOST[0]) and p.end_ms < ms(LOST[1])]


def test_the_phone_went_on_counting_while_the_first_watch_was_lost() -> None:
    life = GoogleLife(wearer(replaced_at=REPLACED))
    life.wearer.sources = SourceMix(phone_in=1)
    for type_id in COUNTED_BY_PHONE:
        points = life.points(type_id, ms(LOST[0]), ms(LOST[1]), NOW)
        assert points
        assert {point.source.platform for point in points} == {"HEALTH_CONNECT"}


def test_hours_off_the_wrist_leave_few_minutes_and_whole_nights() -> None:
    short = wearer(worn_minutes=hours(8, 17))
    seen = {
        datetime.fromtimestamp(at_s, UTC).hour + 2  # Berlin's summer
        for at_s, _ in short.truth(NOW)["heart_rate"]
    }
    assert seen == {8, 17}
    assert short.truth(NOW)["sleep"] == wearer().truth(NOW)["sleep"]
