"""The catalogue says what a data type is; engine, planner and README believe it."""

from datetime import timedelta

import pytest

from fitbitd.model import Cadence, Kind
from fitbitd.providers.fitbit.catalog import CATALOGUE, DEVICES, ENTRIES
from fitbitd.providers.fitbit.entry import Entry
from fitbitd.providers.fitbit.parse import READERS

EVERY = [pytest.param(entry, id=name) for name, entry in ENTRIES.items()]


def test_every_data_type_has_a_reader() -> None:
    assert set(READERS) == set(ENTRIES) == set(CATALOGUE)


@pytest.mark.parametrize("entry", EVERY)
def test_an_entry_is_filled_for_the_readme(entry: Entry) -> None:
    data_type = entry.data_type
    assert all((data_type.title, data_type.source, data_type.grain, data_type.scope))
    assert bool(data_type.fields) is (data_type.kind is not Kind.SNAPSHOT)
    names = [field.name for field in data_type.fields]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", EVERY)
def test_a_window_goes_with_an_axis_and_a_tail_with_a_dense_type(entry: Entry) -> None:
    data_type = entry.data_type
    assert (data_type.axis is None) is (data_type.kind is Kind.SNAPSHOT)
    assert bool(entry.tail_path) is data_type.dense is bool(entry.daily)
    assert data_type.longest >= timedelta(days=1)


def test_only_the_devices_carry_syncs_and_they_are_asked_every_pass() -> None:
    assert [d for d in CATALOGUE.values() if d.watches] == [DEVICES.data_type]
    assert DEVICES.data_type.cadence is Cadence.OWN
    assert DEVICES.data_type.every == timedelta(0)


def test_what_shows_the_wall_clock_only_says_so() -> None:
    assert {name for name, data_type in CATALOGUE.items() if data_type.wall_clock} == {
        *("heart_rate", "steps", "sleep", "heart_rate_variability", "oxygen_saturation", "weight"),
    }
