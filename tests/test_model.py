from datetime import date, datetime

import pytest

from fitbitd.model import Axis, DataTypeName, Pull, Why, Window

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def pull(axis: Axis, start: str, end: str) -> Pull:
    return Pull(DataTypeName("pulse"), Window(axis, at(start), at(end)), Why.SYNC, BERLIN)


@pytest.mark.parametrize(
    ("axis", "start", "end", "tail"),
    [
        (Axis.CIVIL, "2027-03-01T00:00", "2027-03-02T00:00", False),
        (Axis.CIVIL, "2027-03-01T08:00", "2027-03-01T23:59", True),
        (Axis.CIVIL, "2027-03-01T00:00", "2027-03-01T23:59", True),
        (Axis.CIVIL, "2027-03-01T22:00", "2027-03-02T23:59", True),
        (Axis.CIVIL, "2027-03-01T22:00", "2027-03-03T00:00", False),
        (Axis.DATE, "2027-03-01T00:00", "2027-03-31T00:00", False),
        (Axis.INSTANT, "2027-03-01T00:00Z", "2027-03-02T00:00Z", False),
        (Axis.INSTANT, "2027-02-28T23:00Z", "2027-03-01T23:00Z", True),
        (Axis.INSTANT, "2027-03-27T10:00Z", "2027-03-29T14:00Z", False),
    ],
)
def test_a_tail_holds_no_whole_day_of_the_ledger(
    axis: Axis, start: str, end: str, *, tail: bool
) -> None:
    assert pull(axis, start, end).tail is tail


def test_a_snapshot_is_no_tail() -> None:
    assert not Pull(DataTypeName("profile"), None, Why.SYNC, BERLIN).tail


@pytest.mark.parametrize(
    ("axis", "start", "end"),
    [
        (Axis.CIVIL, "2027-03-01T08:00", "2027-03-01T08:00"),
        (Axis.CIVIL, "2027-03-02T08:00", "2027-03-01T08:00"),
        (Axis.CIVIL, "2027-03-01T08:00Z", "2027-03-02T08:00Z"),
        (Axis.INSTANT, "2027-03-01T08:00", "2027-03-02T08:00"),
    ],
)
def test_a_window_is_never_empty_nor_of_the_wrong_kind_of_time(
    axis: Axis, start: str, end: str
) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(axis, at(start), at(end))


def test_a_window_names_the_days_that_it_touches() -> None:
    window = Window(Axis.CIVIL, at("2027-03-01T23:00"), at("2027-03-03T00:00"))
    assert list(window.days()) == [date(2027, 3, 1), date(2027, 3, 2)]
