"""Several points of one minute: what lists hold, and which of them is the one stream."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.measured import Point
from fitbitd.simulator.orders import SourceMix
from fitbitd.simulator.wearer import Wearer

NOW = datetime(2026, 3, 20, tzinfo=UTC)
BOUNDS = 1000 * int(datetime(2026, 3, 6, tzinfo=UTC).timestamp()), 1000 * int(NOW.timestamp())
NEVER = SourceMix(0, 0, 0)


def count(point: Point) -> int:
    return int(point.value.get("count", 0))


def life(mix: SourceMix) -> GoogleLife:
    return GoogleLife(Wearer(sources=mix))


@pytest.mark.parametrize("type_id", ["steps", "distance", "activity-level"])
def test_the_one_stream_is_the_same_however_many_sources_there_are(type_id: str) -> None:
    alone, many = life(NEVER), life(SourceMix(3, 20, 20))
    stream = alone.points(type_id, *BOUNDS, NOW)
    assert alone.merged(type_id, *BOUNDS, NOW) == stream == many.merged(type_id, *BOUNDS, NOW)
    assert len(many.points(type_id, *BOUNDS, NOW)) > len(stream)
    assert max(Counter(point.start_ms for point in stream).values()) == 1


def test_the_phone_gives_other_counts_for_minutes_of_the_watch() -> None:
    points = life(SourceMix(phone_in=3, two_offsets_in=0, contradiction_in=0)).points(
        "steps", *BOUNDS, NOW
    )
    watch = {p.start_ms: count(p) for p in points if p.source.platform == "FITBIT"}
    phone = {p.start_ms: count(p) for p in points if p.source.platform == "HEALTH_CONNECT"}
    assert phone.keys() < watch.keys()
    assert 0 < sum(phone[at] == watch[at] for at in phone) < len(phone)
    assert all(abs(phone[at] - watch[at]) <= 5 for at in phone)


def test_one_reading_may_be_served_under_two_offsets() -> None:
    points = life(SourceMix(0, 20, 0)).points("steps", *BOUNDS, NOW)
    twice = [at for at, seen in Counter(p.start_ms for p in points).items() if seen == 2]
    assert 5 < len(twice) < 50
    for at in twice:
        one, other = (p for p in points if p.start_ms == at)
        assert one.start_offset_s != other.start_offset_s
        assert replace(other, start_offset_s=3600, end_offset_s=3600) == one


def test_a_watch_may_contradict_itself_about_a_minute() -> None:
    points = life(SourceMix(0, 0, 20)).points("steps", *BOUNDS, NOW)
    twice = [at for at, seen in Counter(p.start_ms for p in points).items() if seen == 2]
    assert twice
    for at in twice:
        one, other = (p for p in points if p.start_ms == at)
        assert (one.source, count(one) + 7) == (other.source, count(other))


def test_by_default_all_of_this_happens_at_a_modest_rate() -> None:
    everything, one = (
        ask("steps", *BOUNDS, NOW) for ask in (life(SourceMix()).points, life(SourceMix()).merged)
    )
    assert 0 < len(everything) - len(one) < len(one) / 20


def test_on_a_day_without_the_watch_the_phone_is_the_one_stream() -> None:
    day = date(2026, 3, 3)
    drawer = GoogleLife(Wearer(days_off=frozenset({day})))
    bounds = 1_772_492_400_000, 1_772_578_800_000
    points = drawer.merged("steps", *bounds, NOW)
    assert {p.source.platform for p in points} == {"HEALTH_CONNECT"}
    assert sum(map(count, points)) > 1000
    assert drawer.merged("floors", *bounds, NOW) == []


def test_an_active_day_can_have_forty_thousand_heart_rates() -> None:
    wearer = Wearer(intervals_s=(1, 2, 3))
    points = GoogleLife(wearer).points("heart-rate", 1_772_492_400_000, 1_772_578_800_000, NOW)
    assert 38_000 < len(points) < 46_000
    assert len(wearer.heart(1_772_492_400, 1_772_578_800, NOW)) <= len(points)
