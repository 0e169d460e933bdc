"""JSON that nobody expects, and what any table must be able to hold all the same."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from fitbitd.model import Page

EXTREMES: list[Any] = [
    *(None, True, -1, 2**63, 10**400, 1.5, 1e308, "", "7", "\ud800", "\0", "9999-12-31"),
    *("9999-12-31T23:59:59", "0001-01-01T00:00:00", "9999-12-31T00:00:00Z"),
    *([], [None], {}, {"": None}, {"\ud800": 1}),
]

_WORDS = ("Europe", "UTC", "../x", "\ud800", "\x00", "1" * 400)
_NUMBERS = (2**63, -(2**63) - 1, 10**400, 1e308, -0.0)


def any_json(*words: str) -> st.SearchStrategy[Any]:
    """Give any JSON, in which some words are likely, as keys and as values."""
    likely = st.sampled_from([*words, *_WORDS])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | likely
    return st.recursive(
        leaves | st.sampled_from(_NUMBERS),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(likely | st.text(max_size=5), inner, max_size=6)
        ),
        max_leaves=20,
    )


_RAW_LEAVES = (
    *("null", "true", "-0", "0.1e-400", "1e308", "1e309", "-1e999", "NaN", "Infinity", "-Infinity"),
    *("9" * 5_000, "-" + "9" * 5_000, "0." + "3" * 5_000, "1" + "0" * 400, str(2**63), "007", "1."),
    *('""', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\x00"', '"\xff"', '"😀"', '"\\x"', '"'),
    *("[" * 2_000, '{"a":' * 2_000, "[]", "{}", "[" * 500 + "]" * 500),
)


def any_json_text(*words: str) -> st.SearchStrategy[bytes]:
    """Give what a JSON writer never writes, by JSON's grammar and beyond it.

    Keys come twice, numbers are of any length, brackets do not close, bytes are no UTF-8.
    """
    likely = st.sampled_from([json.dumps(word) for word in words])
    leaves = st.sampled_from(_RAW_LEAVES) | likely
    text = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda all_: f"[{','.join(all_)}]")
            | st.lists(st.tuples(likely, inner).map(":".join), max_size=6).map(
                lambda all_: f"{{{','.join(all_)}}}"
            )
        ),
        max_leaves=20,
    )
    encodings = st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-16", "utf-8-sig"])
    return st.tuples(text, encodings).map(lambda said: said[0].encode(said[1], "replace"))


def check(page: Page) -> None:
    """Fail on what no table could hold, and on names that are given twice."""
    cells: list[Any] = [page.zone, page.unread_why]
    for readings in page.readings:
        cells += [readings.field, readings.source, readings.utc_offset_s, readings.preference]
        cells += [cell for point in readings.points for cell in point]
    for session in page.sessions:
        cells += [session.key, session.start_ms, session.end_ms]
        cells += [cell for pair in (*session.values, *session.labels) for cell in pair]
        cells += [cell for part in session.parts for cell in (part.label, part.start_ms)]
        assert len(dict(session.values)) == len(session.values)
        assert len(dict(session.labels)) == len(session.labels)
    for daily in page.dailies:
        cells += [daily.field, daily.value, daily.source]
    for snapshot in page.snapshots:
        cells += [snapshot.key, snapshot.content]
        json.loads(snapshot.content, parse_constant=_no_json)
    with sqlite3.connect(":memory:") as table:
        table.execute("create table cells (cell)")
        table.executemany("insert into cells values (?)", ((cell,) for cell in cells))
    table.close()
    assert all(cell == cell for cell in cells)  # noqa: PLR0124 - nan is the one that is not


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is in the text of a snapshot, which is to be JSON")


def places(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path to each part of a JSON value, long lists by their first few."""
    yield path
    if isinstance(thing, dict):
        for key in thing:
            yield from places(thing[key], (*path, key))
    elif isinstance(thing, list):
        for index in range(min(len(thing), 2)):
            yield from places(thing[index], (*path, index))


def mutated(thing: Any, path: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    """Give a copy in which one part is another, or gone."""
    if not path:
        return new
    head, *rest = path
    copy = dict(thing) if isinstance(thing, dict) else list(thing)
    if drop and not rest:
        del copy[head]
    else:
        copy[head] = mutated(thing[head], tuple(rest), new, drop=drop)
    return copy


def spliced(thing: Any, path: tuple[Any, ...], raw: bytes) -> bytes:
    """Write a JSON value in which one part is `raw`, whatever that is."""
    mark = "here be dragons"
    text = json.dumps(mutated(thing, path, mark, drop=False))
    return text.encode().replace(json.dumps(mark).encode(), raw)
