"""What a pass asks, and what it asks instead when the provider will not have it so."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fitbitd.engine import next_plan
from fitbitd.errors import AuthorizationError
from fitbitd.model import Axis, Lesson, LessonKind, Pull, Quota, Why
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import FILES_A_PASS
from fitbitd.plan.windows import whole_days
from tests.support.talk import EMPTY, NOW, Answer, Asked, Talk, TalkProvider, talking
from tests.support.types import CARD, HOURLY, INSTANTS, STREAM, TRACKS, WATCHES, WEIGHED, WORKOUTS

SYNCED = {"points": [], "synced": [NOW]}
ZONED = {"points": [], "zone": "Europe/Berlin"}
HISTORY: dict[str, Any] = {"backfill_from": date(2026, 1, 1)}


def well(asked: Asked) -> Answer:
    told: dict[str, dict[str, Any]] = {"card": ZONED, "watches": SYNCED}
    return 200, told.get(asked["type"], {"points": []})


def days_asked(talk: Talk, name: str) -> list[int]:
    spans = [
        (datetime.fromisoformat(asked["start"]), datetime.fromisoformat(asked["end"]))
        for asked in talk.asked
        if asked["type"] == name
    ]
    return [(end - start).days for start, end in spans]


def of_days(days: int) -> tuple[Pull, ...]:
    """Ask the samples of some days, as a person would."""
    last = date(2027, 3, 1)
    window = whole_days(Axis.INSTANT, last - timedelta(days=days - 1), last)
    return (Pull(INSTANTS.name, window, Why.ASKED, "UTC"),)


async def ask(talk: Talk, *pulls: Pull) -> str:
    """Run a pass of these pulls and forget what was asked before them."""
    report = await talk.engine.run_pass(lambda _ledger: pulls)
    return report.outcome


# scopes and snapshots


async def test_what_the_consent_leaves_out_is_not_asked_at_all(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, STREAM, TRACKS) as talk:
        talk.answer = well
        talk.tokens.granted = ("heart", "activity")
        report = await talk.engine.run_pass()
        assert report.outcome == "ok"
        assert set(talk.types()) == {"stream"}
        outside = Pull(CARD.name, None, Why.ASKED, "UTC")
        assert await ask(talk, outside) == "ok"
        assert talk.asked == []


async def test_nothing_due_costs_one_request(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, STREAM, INSTANTS, pass_requests=110) as talk:
        talk.answer = well
        await talk.engine.run_pass()
        assert {"card", "watches", "stream", "samples"} <= set(talk.types())
        for _ in range(3):
            talk.clock.advance(900)
            await talk.engine.run_pass()
            assert talk.types() == ["watches"]


async def test_a_zone_that_is_never_told_costs_no_request_in_each_pass(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES) as talk:
        talk.answer = lambda asked: EMPTY if asked["type"] == "card" else well(asked)
        await talk.engine.run_pass()
        assert talk.types() == ["card", "watches"]
        talk.clock.advance(900)
        await talk.engine.run_pass()
        assert talk.types() == ["watches"]


async def test_an_account_without_devices_collects_by_the_hour(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, STREAM, pass_requests=110) as talk:
        talk.answer = well
        await talk.engine.run_pass()
        talk.types()
        for minutes, expected in ((15, []), (50, ["stream"])):
            talk.clock.advance(minutes * 60)
            await talk.engine.run_pass()
            assert talk.types() == expected


async def test_history_costs_no_look_at_the_devices_in_every_pass(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, INSTANTS, per_s=2.0, pass_requests=6, **HISTORY) as talk:
        short = replace(INSTANTS, longest=timedelta(days=1))
        talk.engine.wants = replace(talk.engine.wants, data_types=(CARD, WATCHES, short))
        talk.answer = well
        looks = 0
        for _ in range(5):
            report = await talk.engine.run_pass()
            looks += talk.types().count("watches")
            assert report.next_at - talk.clock.now() == timedelta(seconds=1)
        assert looks == 1
        for minutes, looked in ((10, False), (5, True)):  # it is polled each quarter of an hour
            talk.clock.advance(minutes * 60)
            await talk.engine.run_pass()
            assert ("watches" in talk.types()) is looked


async def test_files_are_asked_one_by_one_and_stop_nothing_when_they_fail(tmp_path: Path) -> None:
    at = [int(datetime(2027, 3, day, 9, tzinfo=UTC).timestamp() * 1000) for day in range(1, 6)]
    with talking(tmp_path, CARD, WATCHES, WORKOUTS, TRACKS, WEIGHED, **HISTORY) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "tracks":
                return 503, {}
            return (200, {"points": at}) if asked["type"] == "workouts" else well(asked)

        talk.answer = answer
        await talk.engine.run_pass()
        talk.types()
        talk.clock.advance(900)
        report = await talk.engine.run_pass()
        assert report.outcome == "ok"
        items = [asked["item"] for asked in talk.asked if asked["type"] == "tracks"]
        assert items[0].startswith(f"s{at[-1]}")  # the newest first


async def test_files_that_all_fail_are_not_asked_again_at_once_for_more_that_wait(
    tmp_path: Path,
) -> None:
    first = int(datetime(2027, 3, 1, 9, tzinfo=UTC).timestamp() * 1000)
    at = [first + minute * 60_000 for minute in range(3 * FILES_A_PASS)]
    types = (CARD, WATCHES, WORKOUTS, TRACKS)
    with talking(tmp_path, *types, per_s=2.0, pass_requests=110) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "tracks":
                return 503, {}
            return (200, {"points": at}) if asked["type"] == "workouts" else well(asked)

        talk.answer = answer
        await talk.engine.run_pass()
        await talk.engine.run_pass()  # it looks no more at the devices: files are all that is left
        report = await talk.engine.run_pass()
        assert report.left
        assert report.next_at - talk.clock.now() > timedelta(minutes=1)


async def test_history_does_not_go_back_behind_an_account_that_has_just_told_its_age(
    tmp_path: Path,
) -> None:
    since = date(2027, 2, 1)
    with talking(tmp_path, CARD, WATCHES, INSTANTS, pass_requests=110, **HISTORY) as talk:
        told = 200, {**ZONED, "member_since": since.isoformat()}
        talk.answer = lambda asked: told if asked["type"] == "card" else well(asked)
        await talk.engine.run_pass()
        begun = [asked["start"] for asked in talk.asked if asked["type"] == "samples"]
        first = datetime.combine(
            since - timedelta(days=2), time(), UTC
        )  # Berlin's day begins there
        assert min(map(datetime.fromisoformat, begun)) == first


def test_the_next_plan_knows_what_replies_have_taught() -> None:
    wants = Wants("alice", (INSTANTS,), timedelta(minutes=15))
    week = Lesson(INSTANTS.name, LessonKind.LONGEST_DAYS, "7")
    now = datetime.fromisoformat(NOW)
    for lessons, pulls in (((), 1), ((week,), 2)):
        ledger = Ledger("UTC", lessons=lessons)
        found = next_plan(TalkProvider({}), wants, ledger, None, now)
        assert [each.pull.data_type for each in found.chosen] == [INSTANTS.name] * pulls
        assert {each.pull.lessons for each in found.chosen} == {lessons}
    spent = Quota(150, 0, now + timedelta(minutes=9))
    assert next_plan(TalkProvider({}), wants, Ledger("UTC"), spent, now).chosen == ()


async def test_a_track_that_is_denied_holds_no_other_back(tmp_path: Path) -> None:
    at = [int(datetime(2027, 3, day, 9, tzinfo=UTC).timestamp() * 1000) for day in range(1, 6)]
    with talking(tmp_path, CARD, WATCHES, WORKOUTS, TRACKS, WEIGHED, **HISTORY) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["item"].startswith(f"s{at[-1]}"):  # the newest, which is asked first
                return 403, {"code": "access_denied"}
            return (200, {"points": at}) if asked["type"] == "workouts" else well(asked)

        talk.answer = answer
        for _ in range(4):
            await talk.engine.run_pass()
            talk.clock.advance(900)
        items = [asked["item"] for asked in talk.asked if asked["type"] == "tracks"]
        assert set(items) == {f"s{one}@{one + 1}" for one in at}
        assert items.count(f"s{at[-1]}@{at[-1] + 1}") == 1  # it waits an hour


# learning


async def test_a_refused_method_is_asked_at_once_by_the_other_and_once_only(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, INSTANTS, STREAM) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] != "samples":
                return well(asked)
            other = {"list": "rollUp", "rollUp": "list"}[asked.get("method", "list")]
            return 400, {"code": "method_refused", "teach": {"method": other}}

        talk.answer = answer
        assert await ask(talk, *of_days(2)) == "ok"
        methods = [asked.get("method") for asked in talk.asked if asked["type"] == "samples"]
        assert methods == [None, "rollUp"]


async def test_a_type_that_no_method_is_left_for_is_not_offered(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, INSTANTS) as talk:
        talk.answer = lambda asked: (
            (400, {"code": "method_refused"}) if asked["type"] == "samples" else well(asked)
        )
        for _ in range(4 * 24):
            await talk.engine.run_pass()
            talk.clock.advance(900)
        assert talk.types().count("samples") == 5  # at once, then after 1, 2, 4 and 8 hours
        known = (await talk.engine.ledger()).of(INSTANTS.name)
        assert list(known.blocked) == [None]


async def test_a_lesson_holds_for_what_waits_and_for_the_next_pass(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, INSTANTS) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "samples" and asked.get("method") != "rollUp":
                return 400, {"code": "method_refused", "teach": {"method": "rollUp"}}
            return well(asked)

        talk.answer = answer
        await ask(talk, *of_days(1), *of_days(2), *of_days(3))
        methods = [asked.get("method") for asked in talk.asked if asked["type"] == "samples"]
        assert methods == [None, "rollUp", "rollUp", "rollUp"]
        talk.asked.clear()
        talk.clock.advance(3600)
        await talk.engine.run_pass()
        assert {asked.get("method") for asked in talk.asked} == {"rollUp"}


async def test_a_window_that_is_too_long_is_cut_to_what_the_refusal_names(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, INSTANTS) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "samples" and days_asked_once(asked) > 14:
                return 400, {"code": "too_large", "teach": {"longest_days": "14"}}
            return well(asked)

        talk.answer = answer
        report = await talk.engine.run_pass(lambda _: (*of_days(28), *of_days(29)))
        assert (report.outcome, report.failed) == ("ok", 1)  # the second was cut before it was sent
        asked = days_asked(talk, "samples")
        assert asked[0] == 28
        assert max(asked[1:]) <= 14
        assert sum(asked[1:]) == 28 + 29


def days_asked_once(asked: Asked) -> int:
    return (datetime.fromisoformat(asked["end"]) - datetime.fromisoformat(asked["start"])).days


# too slow


async def test_a_provider_that_is_too_slow_is_asked_smaller_pages_then_shorter_windows(
    tmp_path: Path,
) -> None:
    with talking(tmp_path, CARD, INSTANTS) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "samples" and days_asked_once(asked) > 1:
                return 504, {"code": "too_slow"}
            return well(asked)

        talk.answer = answer
        report = await talk.engine.run_pass(lambda _: of_days(2))
        assert (report.outcome, report.complete) == ("ok", 3)
        samples = [asked for asked in talk.asked if asked["type"] == "samples"]
        pages = [asked.get("page_size") for asked in samples]
        assert pages == [None, "2500", "1250", "625", "312", "156", "100", "100", "100"]
        assert days_asked(talk, "samples") == [2] * 7 + [1, 1]


@pytest.mark.parametrize("status", [500, 504])
async def test_the_end_of_a_chain_counts_as_one_failure_and_waits_like_a_refusal(
    tmp_path: Path, status: int
) -> None:
    with talking(tmp_path, CARD, INSTANTS, STREAM) as talk:
        failing = {"samples"}

        def answer(asked: Asked) -> Answer:
            if asked["type"] in failing:
                return status, {"code": "too_slow"}
            return well(asked)

        talk.answer = answer
        report = await talk.engine.run_pass(lambda _: (*of_days(1), *stream_of_today()))
        while report.left:
            report = await talk.engine.run_pass(partial(_given, report.left))
        assert report.outcome == "ok"
        ledger = await talk.engine.ledger()
        assert date(2027, 3, 1) in ledger.of(INSTANTS.name).blocked
        assert date(2027, 3, 15) in ledger.of(STREAM.name).open
        talk.asked.clear()
        failing.clear()
        await ask(talk, *of_days(1))
        assert [asked.get("page_size") for asked in talk.asked if asked["type"] == "samples"] == [
            None  # it was not for the size of the page
        ]


def _given(pulls: tuple[Pull, ...], _ledger: Ledger) -> tuple[Pull, ...]:
    return pulls


def stream_of_today() -> tuple[Pull, ...]:
    today = date(2027, 3, 15)
    return (Pull(STREAM.name, whole_days(Axis.INSTANT, today, today), Why.ASKED, "UTC"),)


async def test_a_chain_that_does_not_end_in_a_pass_is_left_to_the_next_look(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, INSTANTS) as talk:

        def answer(asked: Asked) -> Answer:
            if asked["type"] == "samples":
                talk.clock.advance(40)
                return 504, {"code": "too_slow"}
            return well(asked)

        talk.answer = answer
        report = await talk.engine.run_pass(lambda _: of_days(1))
        assert len(report.left) == 1
        assert report.next_at - talk.clock.now() > timedelta(seconds=1)
        assert [lesson.value for lesson in report.left[0].lessons] == ["1250"]


async def test_a_provider_that_fails_everywhere_is_called_unreachable(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, STREAM, INSTANTS) as talk:
        talk.answer = lambda _: (500, {})
        report = await talk.engine.run_pass()
        assert report.outcome == "provider_unreachable"
        assert len(talk.asked) <= 8


# denied


async def test_three_types_denied_and_nothing_answered_end_the_pass(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, STREAM, INSTANTS, WEIGHED) as talk:
        talk.answer = lambda _: (403, {"code": "access_denied"})
        report = await talk.engine.run_pass()
        assert report.outcome == "access_denied"
        assert isinstance(report.error, AuthorizationError)
        assert len(talk.types()) == 3
        ledger: Ledger = await talk.engine.ledger()
        assert not [name for name, known in ledger.types.items() if None in known.blocked]


async def test_few_types_all_denied_end_the_pass_too(tmp_path: Path) -> None:
    with talking(tmp_path, STREAM, WEIGHED) as talk:
        talk.answer = lambda _: (403, {"code": "access_denied"})
        assert (await talk.engine.run_pass()).outcome == "access_denied"


async def test_types_denied_while_others_are_answered_do_not_stop_these(tmp_path: Path) -> None:
    types = (CARD, WATCHES, STREAM, INSTANTS, WEIGHED, HOURLY)
    with talking(tmp_path, *types, pass_requests=110) as talk:
        talk.answer = lambda asked: (
            (403, {"code": "access_denied"})
            if asked["type"] in {"samples", "weighed", "hourly_stream"}
            else well(asked)
        )
        report = await talk.engine.run_pass()
        assert report.outcome == "ok"
        names = talk.types()
        assert "stream" in names
        assert [names.count(name) for name in ("samples", "weighed", "hourly_stream")] == [1, 1, 1]


# counts and pace


async def test_a_pull_that_cannot_be_read_counts_as_failed(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, INSTANTS) as talk:
        talk.answer = lambda asked: (
            (200, {"points": ["nonsense"]}) if asked["type"] == "samples" else well(asked)
        )
        report = await talk.engine.run_pass(lambda _: of_days(1))
        assert (report.complete, report.failed) == (1, 1)


async def test_requests_follow_one_another_no_faster_than_the_pace(tmp_path: Path) -> None:
    with talking(tmp_path, CARD, WATCHES, STREAM, INSTANTS, per_s=2.0) as talk:
        talk.answer = well
        began = talk.clock.monotonic()
        report = await talk.engine.run_pass()
        assert talk.clock.monotonic() - began >= report.requests / 2.0
