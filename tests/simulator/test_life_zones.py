"""Offsets follow the wearer: across clock changes and on a trip across eight zones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from fitbitd.simulator.civil import day_bounds
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.orders import Trip
from fitbitd.simulator.syncs import ListedSyncs
from fitbitd.simulator.wearer import Wearer

OUT = datetime(2026, 4, 10, 9, 30, tzinfo=UTC)
BACK = datetime(2026, 4, 12, 22, 15, tzinfo=UTC)
TOKYO = Trip("Asia/Tokyo", OUT, BACK)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def ms(at: datetime) -> int:
    return 1000 * int(at.timestamp())


@pytest.mark.parametrize("type_id", ["steps", "heart-rate", "sedentary-period"])
@pytest.mark.parametrize(
    ("day", "turn", "offsets"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC), (3600, 7200)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 1, tzinfo=UTC), (7200, 3600)),
    ],
)
def test_offsets_change_with_the_clocks(
    type_id: str, day: date, turn: datetime, offsets: tuple[int, int]
) -> None:
    life = GoogleLife(Wearer(seed=2))
    start_s, end_s = day_bounds(day, "Europe/Berlin")
    points = life.merged(type_id, 1000 * start_s, 1000 * end_s, NOW)
    assert {offset for p in points for offset in (p.start_offset_s, p.end_offset_s)} == set(offsets)
    for point in points:
        assert point.start_offset_s == offsets[point.start_ms >= ms(turn)]
        assert point.end_offset_s == offsets[point.end_ms >= ms(turn)]
    assert all(one.start_ms < two.start_ms for one, two in pairwise(points))


@pytest.mark.parametrize("type_id", ["steps", "heart-rate", "oxygen-saturation", "hydration-log"])
def test_a_trip_moves_offsets_and_not_the_life(type_id: str) -> None:
    bounds = ms(OUT - timedelta(days=1)), ms(BACK + timedelta(days=1))
    away, home = (
        GoogleLife(Wearer(trips=trips)).merged(type_id, *bounds, NOW) for trips in ((TOKYO,), ())
    )
    told = [(p.start_ms, p.end_ms, p.value) for p in away]
    assert told == [(p.start_ms, p.end_ms, p.value) for p in home]
    for point in away:
        abroad = ms(OUT) <= point.start_ms < ms(BACK)
        assert point.start_offset_s == (9 * 3600 if abroad else 7200)


def test_a_night_over_the_flight_has_two_offsets() -> None:
    quiet = GoogleLife(Wearer())
    (night, *_) = quiet.points("sleep", ms(OUT), ms(OUT + timedelta(days=3)), NOW)
    inside = datetime.fromtimestamp((night.start_ms // 3_600_000 + 2) * 3600, UTC)
    life = GoogleLife(Wearer(trips=(Trip("Asia/Tokyo", inside, inside + timedelta(days=9)),)))
    (moved, *_) = life.points("sleep", ms(OUT), ms(OUT + timedelta(days=3)), NOW)
    assert (moved.start_offset_s, moved.end_offset_s) == (7200, 32400)
    seen = {stage["startUtcOffset"] for stage in moved.value["stages"]}
    assert seen == {"7200s", "32400s"}


def test_settings_name_the_new_zone_from_the_first_sync_abroad() -> None:
    before, abroad = OUT - timedelta(hours=1), OUT + timedelta(hours=14)
    life = GoogleLife(Wearer(trips=(TOKYO,), syncs=ListedSyncs([before, abroad])))
    late = life.settings(abroad - timedelta(seconds=1))
    assert (late["timeZone"], late["utcOffset"]) == ("Europe/Berlin", "7200s")
    arrived = life.settings(abroad)
    assert (arrived["timeZone"], arrived["utcOffset"]) == ("Asia/Tokyo", "32400s")
    assert (life.zone_at(ms(OUT) - 1), life.zone_at(ms(OUT))) == ("Europe/Berlin", "Asia/Tokyo")
    assert life.civil_offset_s(ms(BACK)) == 7200


def test_a_trip_keeps_to_quarters_of_an_hour() -> None:
    with pytest.raises(ValueError, match="quarter"):
        Trip("Asia/Tokyo", OUT + timedelta(minutes=1), BACK)
