"""For any JSON a parser yields a page or ContractError; nothing else ever leaves it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.errors import ContractError, FitbitdError
from fitbitd.model import Page, Pull
from tests.support.google_wire import GOOGLE, RECORDED, pull, recorded, reply

SAID: dict[str, dict[str, Any]] = json.loads((RECORDED / "said.json").read_text(encoding="utf-8"))
ENOUGH = ("steps", "activity-level", "nutrition-log")  # totals of the day are much alike
FILES = {  # one body of each data type, and of each container of it
    (each["data_type"], file.split("/")[0]): file
    for file, each in SAID.items()
    if each["says"] and (not file.startswith("daily-rollup/") or file[13:-5] in ENOUGH)
}
BODIES: dict[str, tuple[Pull, Any]] = {
    file: (pull(name, item="k@v"), json.loads(recorded(file).body))
    for (name, _), file in FILES.items()
    if not file.endswith(".tcx")
}

WORDS = st.sampled_from(
    [
        *("dataPoints", "rollupDataPoints", "pairedDevices", "nextPageToken", "name", "date"),
        *("steps", "heartRate", "sleep", "exercise", "interval", "sampleTime", "dataSource"),
        *("startTime", "endTime", "physicalTime", "utcOffset", "count", "beatsPerMinute"),
        *("2026-11-03T12:00:00Z", "9999-12-31T23:59:59Z", "3600s", "NaN", "7", "a/b", "TRACKER"),
        *("Europe", "UTC", "../x", "\ud800", "\x00", "1" * 400),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, -0.0])
    | st.floats()
    | st.text(max_size=20)
    | WORDS
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=20,
)


def check(page: Page) -> None:
    """Fail on what no table could hold."""
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
    with sqlite3.connect(":memory:") as table:
        table.execute("create table cells (cell)")
        table.executemany("insert into cells values (?)", ((cell,) for cell in cells))
    table.close()
    assert all(cell == cell for cell in cells)  # noqa: PLR0124 - nan is the one that is not


def ask(asked: Pull, body: bytes) -> None:
    """Ask all that may be asked of a reply."""
    answer = reply(body)
    counted = None
    with suppress(ContractError):
        counted = GOOGLE.survey(asked, answer).points
    try:
        page = GOOGLE.read(asked, answer)
    except ContractError:
        pass
    else:
        check(page)
        assert counted is None or page.unread + page.outside <= counted
    for status in (200, 400, 403, 504):
        judged = reply(body, status)
        with suppress(FitbitdError):
            GOOGLE.judge(judged)
        for lesson in GOOGLE.learn(asked, judged):
            GOOGLE.request(asked)
            assert lesson.data_type == asked.data_type


@pytest.mark.parametrize("file", BODIES)
@settings(max_examples=4, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_understood_or_refused(file: str, body: bytes) -> None:
    ask(BODIES[file][0], body)


@pytest.mark.parametrize("file", BODIES)
@settings(max_examples=8, deadline=None)
@given(inner=JSON, container=st.sampled_from(["dataPoints", "rollupDataPoints", ""]))
def test_any_json_is_understood_or_refused(file: str, inner: Any, container: str) -> None:
    """Put any JSON at the root, and into each container."""
    body = {container: inner} if container else inner
    ask(BODIES[file][0], json.dumps(body).encode())


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


@pytest.mark.parametrize("file", BODIES)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), new=JSON, drop=st.booleans())
def test_a_recorded_body_with_one_part_changed_is_understood_or_refused(
    file: str,
    data: st.DataObject,
    new: Any,
    drop: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    asked, body = BODIES[file]
    path = data.draw(st.sampled_from(list(places(body))))
    ask(asked, json.dumps(mutated(body, path, new, drop=drop)).encode())


EXTREMES: list[Any] = [
    *(None, True, -1, 2**63, 10**400, 1.5, 1e308, "", "7", "\ud800", "\0", "9999-12-31T00:00:00Z"),
    *([], [None], {}, {"": None}, {"\ud800": 1}),
]


@pytest.mark.parametrize("file", BODIES)
def test_a_point_that_is_not_understood_never_costs_another(file: str) -> None:
    """Break each part of a point in turn; those behind it are read as before."""
    asked, body = BODIES[file]
    (container,) = [key for key, rows in body.items() if isinstance(rows, list)][:1] or [""]
    if not container or not isinstance(body[container][0], dict):
        return
    first = body[container][0]
    alone = GOOGLE.read(asked, reply(body)).points
    for path in list(places(first))[1:]:
        for drop, new in [(True, None), *((False, extreme) for extreme in EXTREMES)]:
            broken = [mutated(first, path, new, drop=drop), *body[container]]
            page = GOOGLE.read(asked, reply({container: broken}))
            check(page)
            # Of two values for one day none can be told to be the right one: the first stays.
            assert page.points >= alone or asked.data_type.startswith("daily_")
            assert page.unread + page.outside <= 1
