"""How fast requests follow one another."""

from hypothesis import given
from hypothesis import strategies as st

from fitbitd.fetch.pace import BURST, Pace
from tests.support.clock import FakeClock


async def test_a_process_begins_without_any_turns() -> None:
    clock = FakeClock()
    pace = Pace(clock, 2.0)
    for _ in range(6):
        await pace.wait()
    assert clock.slept == [0.5] * 6


async def test_after_a_pause_a_few_go_at_once_and_no_more() -> None:
    clock = FakeClock()
    pace = Pace(clock, 2.0)
    clock.advance(3600)
    for _ in range(BURST):
        await pace.wait()
    assert clock.slept == []
    await pace.wait()
    assert clock.slept == [0.5]


@given(pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60))
async def test_no_stretch_of_time_has_more_than_its_share(pauses: list[float]) -> None:
    clock = FakeClock()
    pace, at = Pace(clock, 2.0), []
    for pause in pauses:
        clock.advance(pause)
        await pace.wait()
        at.append(clock.monotonic())
    for first in range(len(at)):
        for last in range(first, len(at)):
            assert last - first + 1 <= BURST + 1e-6 + (at[last] - at[first]) * 2.0 + 1
