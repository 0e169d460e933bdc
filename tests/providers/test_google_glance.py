"""A long page of points is surveyed without decoding it, and says the same."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.model import Axis, DataTypeName, Pull, Reply, Survey, Why, Window
from fitbitd.providers.google_health import parse
from fitbitd.providers.google_health.glance import LONG_BYTES, glance

START, END = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
STEPS = Pull(DataTypeName("steps"), Window(Axis.INSTANT, START, END), Why.SYNC, "UTC")
POINT = {"dataSource": {"platform": "FITBIT"}, "steps": {"interval": {}, "count": "3"}}
MANY = LONG_BYTES // 60


def body_of(root: dict[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(root, indent=indent).encode()


@given(
    token=st.none() | st.text(alphabet="abcXYZ019-_=.", max_size=400),
    indent=st.sampled_from((None, 0, 2)),
    more=st.integers(0, 9),
)
def test_a_long_page_is_surveyed_as_if_it_had_been_decoded(
    token: str | None, indent: int | None, more: int
) -> None:
    root: dict[str, Any] = {"dataPoints": [POINT] * (MANY + more)}
    if token is not None:
        root["nextPageToken"] = token
    assert glance(body_of(root, indent), "steps") == Survey(MANY + more, token or None)


@pytest.mark.parametrize(
    "root",
    [
        {"dataPoints": [POINT]},
        {"nextPageToken": "next", "dataPoints": [POINT] * MANY},
        {"dataPoints": [POINT] * MANY, "nextPageToken": "next", "more": [{}]},
        {"dataPoints": [POINT] * MANY, "nextPageToken": 'a "quoted" token'},
        {"dataPoints": [POINT] * MANY, "nextPageToken": 7},
        {"dataPoints": [POINT] * MANY + ["a word"]},
        {"rollupDataPoints": [POINT] * MANY},
    ],
)
def test_what_is_short_or_laid_out_otherwise_is_left_to_be_decoded(root: dict[str, Any]) -> None:
    assert glance(body_of(root), "steps") is None


def test_a_page_whose_token_comes_first_goes_on_all_the_same() -> None:
    body = body_of({"nextPageToken": "next", "dataPoints": [POINT] * MANY})
    assert parse.survey(STEPS, Reply(200, {}, body, END)) == Survey(MANY, "next")


def test_a_long_page_that_ends_early_is_not_taken_for_the_last_one() -> None:
    body = body_of({"dataPoints": [POINT] * MANY, "nextPageToken": "next"})
    assert glance(body[: len(body) // 2], "steps") is None


def test_a_long_page_is_surveyed_at_a_glance_and_read_whole() -> None:
    interval = {"startTime": "2026-11-03T09:30:00Z", "endTime": "2026-11-03T09:31:00Z"}
    point = {"steps": {"interval": interval, "count": "3"}}
    long = LONG_BYTES // 80
    reply = Reply(200, {}, body_of({"dataPoints": [point] * long, "nextPageToken": "t"}), END)
    assert parse.survey(STEPS, reply) == Survey(long, "t")
    assert parse.read(STEPS, reply).points == long
