"""For any JSON a parser yields a page or ContractError; nothing else ever leaves it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.errors import ContractError, FitbitdError
from fitbitd.model import Pull
from tests.support.google_wire import GOOGLE, RECORDED, pull, recorded, reply
from tests.support.hostile import EXTREMES, any_json, any_json_text, check, mutated, places, spliced

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

WORDS = (
    *("dataPoints", "rollupDataPoints", "pairedDevices", "nextPageToken", "name", "date"),
    *("steps", "heartRate", "sleep", "exercise", "interval", "sampleTime", "dataSource"),
    *("startTime", "endTime", "physicalTime", "utcOffset", "count", "beatsPerMinute"),
    *("2026-11-03T12:00:00Z", "9999-12-31T23:59:59Z", "3600s", "NaN", "7", "a/b", "TRACKER"),
)
JSON = any_json(*WORDS)


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


@pytest.mark.parametrize("file", BODIES)
@settings(max_examples=5, deadline=None)
@given(data=st.data(), raw=any_json_text(*WORDS))
def test_a_recorded_body_with_anything_written_into_it_is_understood_or_refused(
    file: str, data: st.DataObject, raw: bytes
) -> None:
    asked, body = BODIES[file]
    ask(asked, spliced(body, data.draw(st.sampled_from(list(places(body)))), raw))


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
