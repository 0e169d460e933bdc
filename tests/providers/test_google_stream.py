"""Decoding a page point by point says what decoding it at once says, or that it cannot be read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.errors import ContractError
from fitbitd.providers.google_health.members import document
from fitbitd.providers.google_health.stream import points_of

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
points = st.lists(st.dictionaries(st.text(max_size=3), scalars, max_size=3), min_size=1, max_size=4)
others = st.dictionaries(
    st.text(max_size=3).filter(lambda name: name != "dataPoints"), scalars, max_size=2
)


def streamed(body: bytes) -> list[Any] | None:
    found = points_of(body, "dataPoints")
    return None if found is None else list(found)


@given(points=points, others=others, indent=st.sampled_from([None, 0, 2]))
def test_all_points_of_any_page_come_in_their_order(
    points: list[Any], others: dict[str, Any], indent: int | None
) -> None:
    body = json.dumps({"dataPoints": points, **others}, indent=indent).encode()
    assert streamed(body) == points


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"dataPoints": []}',
        b'{"dataPoints": [1]}',
        b'{"nextPageToken": "t", "dataPoints": [{}]}',
        b'{"rollupDataPoints": [{}]}',
    ],
)
def test_what_does_not_begin_with_points_is_left_to_others(body: bytes) -> None:
    assert streamed(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"dataPoints": [{}',
        b'{"dataPoints": [{}]',
        b'{"dataPoints": [{}]]}',
        b'{"dataPoints": [{},]}',
        b'{"dataPoints": [{}{}]}',
        b'{"dataPoints": [{}],}',
        b'{"dataPoints": [{}] "a": 1}',
        b'{"dataPoints": [{}], "a"}',
        b'{"dataPoints": [{}]} {}',
        b'{"dataPoints": [{}], "dataPoints": [{}]}',
        b'{"dataPoints": [{}, ' + b"[" * 100_000,
    ],
)
def test_a_page_that_is_not_whole_is_not_read(body: bytes) -> None:
    with pytest.raises(ContractError):
        streamed(body)


def test_a_byte_that_is_no_text_spoils_a_word_and_not_the_page() -> None:
    body = b'{"dataPoints": [{"a": "\xff"}, {"b": 1}]}'
    assert streamed(body) == [{"a": "\ufffd"}, {"b": 1}]
    assert document(b"\xef\xbb\xbf" + body)["dataPoints"] == streamed(body)


def test_numbers_that_are_none_pass_as_words() -> None:
    assert streamed(b'{"dataPoints": [{"a": NaN}]}') == [{"a": "NaN"}]
