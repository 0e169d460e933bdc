"""Bodies that no provider should send: a ContractError or the rest of it, never wrong data."""

import json
from contextlib import nullcontext

import pytest

from fitbitd.errors import ContractError
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support import fitbit_wire, google_wire
from tests.support.google_wire import GOOGLE, recorded, told

FITBIT = FitbitProvider("https://api.fitbit.com")
HEART = google_wire.tail("heart_rate", "2026-03-01T00:00+00:00", "2026-03-02T00:00+00:00")
DEEP = b"[" * 1_000_000
DIGITS = b"9" * 5_000


def beat(minute: int, bpm: bytes) -> bytes:
    at = b"2026-03-01T08:%02d:00Z" % minute
    return b'{"heartRate":{"sampleTime":{"physicalTime":"%b"},"beatsPerMinute":%b}}' % (at, bpm)


def beats(*said: bytes) -> bytes:
    return b'{"dataPoints":[%b]}' % b",".join(beat(*each) for each in enumerate(said))


def values(body: bytes) -> tuple[list[float], int]:
    page = GOOGLE.read(HEART, google_wire.reply(body))
    return [point[1] for series in page.readings for point in series.points], page.unread


@pytest.mark.parametrize(
    "said", [DIGITS, b"-" + DIGITS, b"1e308", b"1e309", b"-1e999", b'"1e308"', b'"' + DIGITS + b'"']
)
def test_a_number_beyond_all_measure_costs_its_own_point(said: bytes) -> None:
    assert values(beats(b'"60"', said, b'"61"')) == ([60, 61], 1)


@pytest.mark.parametrize("said", [b"NaN", b"Infinity", b"-Infinity", b'"NaN"'])
def test_what_is_no_number_is_no_value(said: bytes) -> None:
    assert values(beats(b'"60"', said, b'"61"')) == ([60, 61], 0)


def test_a_day_with_a_number_beyond_all_measure_costs_itself_alone() -> None:
    """Daily values are decoded as a page, where points are decoded one by one."""
    row = (
        b'{"dailyRestingHeartRate":{"date":{"year":2026,"month":11,"day":%d},"beatsPerMinute":%b}}'
    )
    body = b'{"dataPoints":[%b,%b]}' % (row % (1, DIGITS), row % (2, b'"61"'))
    asked = google_wire.pull("daily_resting_heart_rate", "2026-11-01", "2026-11-03")
    page = GOOGLE.read(asked, google_wire.reply(body))
    assert ([each.value for each in page.dailies], page.unread) == ([61], 1)


def test_a_number_that_is_none_to_json_is_in_no_snapshot() -> None:
    """Readers of the index take a snapshot's text for JSON."""
    for number, kept in ((b"1e99", True), (b"1e999", False)):
        with nullcontext() if kept else pytest.raises(ContractError):
            body = recorded("account/settings.json").body.replace(b"{", b'{"new":%b,' % number, 1)
            GOOGLE.read(google_wire.pull("settings"), google_wire.reply(body))
        with nullcontext() if kept else pytest.raises(ContractError):
            body = b'{"user": {"averageDailySteps": %b}}' % number
            FITBIT.read(fitbit_wire.pull("profile"), fitbit_wire.reply(body))


@pytest.mark.parametrize(
    "body",
    [DEEP, b'{"dataPoints":' + DEEP, b'{"dataPoints":[{"heartRate":' + DEEP, b'{"a":' * 200_000],
)
def test_a_megabyte_of_nesting_is_refused(body: bytes) -> None:
    with pytest.raises(ContractError):
        GOOGLE.survey(HEART, google_wire.reply(body))
    with pytest.raises(ContractError):
        GOOGLE.read(HEART, google_wire.reply(body))
    assert GOOGLE.learn(HEART, google_wire.reply(body, 400)) == ()
    asked = fitbit_wire.pull("heart_rate", "2026-03-01")
    for ask in (FITBIT.survey, FITBIT.read):
        with pytest.raises(ContractError):
            ask(asked, fitbit_wire.reply(body))


def test_the_points_of_a_container_that_comes_twice_are_not_chosen_from() -> None:
    one, other = beats(b'"60"')[:-1], beats(b'"61"')[1:]
    with pytest.raises(ContractError):
        values(one + b"," + other)


def test_a_member_that_comes_twice_says_what_it_says_last_as_to_any_reader_of_json() -> None:
    point = beat(1, b'"60","beatsPerMinute":"61"')
    assert values(b'{"dataPoints":[%b]}' % point) == ([61], 0)


def test_bytes_that_are_no_text_spoil_a_word_and_no_value() -> None:
    source = b'{"dataSource":{"device":{"displayName":"W\xff\xfe"}},'
    body = beats(b'"60"', b'"61"').replace(b'{"heartRate"', source + b'"heartRate"', 1)
    assert values(body)[0] == [60, 61]
    page = GOOGLE.read(HEART, google_wire.reply(body))
    assert any("W" in line for line in told(page))
    with pytest.raises(ContractError):
        FITBIT.read(fitbit_wire.pull("profile"), fitbit_wire.reply(b'{"user": {"a": "\xff"}}'))


@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "utf-8-sig"])
def test_json_in_another_writing_is_read_alike_or_refused(codec: str) -> None:
    body = json.dumps({"user": {"timezone": "Europe/Paris"}}).encode(codec)
    assert FITBIT.read(fitbit_wire.pull("profile"), fitbit_wire.reply(body)).zone == "Europe/Paris"
