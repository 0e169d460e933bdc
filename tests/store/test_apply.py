"""What pulls do to the index: differences, withdrawals, doubts, failures, and deaths."""

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fitbitd.clock import UnwantedError
from fitbitd.errors import OperatorError, RefusedError
from fitbitd.model import (
    Axis,
    Daily,
    DataTypeName,
    DeviceSync,
    Page,
    PassEnd,
    Point,
    Pull,
    Quota,
    Readings,
    Reply,
    Snapshot,
    Why,
    Window,
)
from fitbitd.store.apply import Applied, apply_archive
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import Index, open_reader
from tests.support.store import (
    CATALOGUE,
    DEVICES,
    GLUCOSE,
    HEART,
    NIGHTS,
    REQUEST,
    RESTING,
    ZONE,
    Life,
    at,
    body,
    complete,
    day,
    failed,
    heart,
    hours,
    ms,
    night,
    read,
)

SUNDAY = day("2026-03-01")
SUNDAY_DATE = day("2026-03-01", axis=Axis.DATE)
EIGHT = ms("2026-03-01T08:00")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path / "alice")
    yield made
    made.store.close()


def beats(*values: int, start: int = EIGHT) -> Page:
    """Give a heart rate every five seconds."""
    return heart([(start + place * 5000, value, None) for place, value in enumerate(values)])


def values(life: Life) -> list[object]:
    return [row[1] for row in life.readings()]


def test_an_equal_pull_changes_no_row(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61, 62))
    before = life.store.index.db.total_changes
    (pulled, ended) = life.pull(HEART, SUNDAY, beats(60, 61, 62))
    assert (pulled.written, pulled.withdrawn) == (0, 0)
    assert ended.pull is None
    # The try (2), the pass (2), the pull, the coverage and freshness read again, the newest time
    # (not newer), and four times how far the archive is applied (2): nothing of the data.
    assert life.store.index.db.total_changes - before <= 14


def test_differences_alone_are_written_and_what_is_gone_is_withdrawn(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61, 62, 63))
    pulled, _ = life.pull(HEART, SUNDAY, heart([(EIGHT, 60, None), (EIGHT + 5000, 99, None)]))
    assert (pulled.written, pulled.withdrawn) == (1, 2)
    assert values(life) == [60, 99]
    assert life.rows("SELECT written, withdrawn FROM pull") == [(4, 0), (1, 2)]


def test_a_window_withdraws_nothing_outside_of_itself(life: Life) -> None:
    life.pull(HEART, day("2026-02-28", "2026-03-02"), beats(1, 2, 3), beats(4, start=EIGHT + 10**8))
    window = hours("2026-03-01T09:00:05", "2026-03-01T09:00:10")  # Berlin: the second one
    pulled, _ = life.pull(HEART, window, heart([(EIGHT + 5000, 9, None)]))
    assert (pulled.written, pulled.withdrawn) == (1, 0)
    assert values(life) == [1, 9, 3, 4]


def test_points_outside_of_the_window_are_left_out(life: Life) -> None:
    window = hours("2026-03-01T09:00:05", "2026-03-01T09:00:15")
    life.pull(HEART, window, beats(1, 2, 3, 4))
    assert values(life) == [2, 3]


def test_civil_windows_compare_by_the_offset_of_the_data(life: Life) -> None:
    """On a day of travel, one civil hour is two different stretches of time."""
    tokyo = heart([(EIGHT, 70, None)], offset_s=9 * 3600)  # 17:00 there
    berlin = heart([(EIGHT, 71, None)])  # 09:00 here
    life.pull(HEART, SUNDAY, tokyo, berlin)
    life.pull(
        HEART, hours("2026-03-01T16:30", "2026-03-01T17:30"), beats(80, start=EIGHT + 8 * 3_600_000)
    )
    assert [(value, offset) for _, value, offset, _ in life.readings()] == [(71, 3600), (80, 3600)]


def test_instant_windows_compare_by_instant_whatever_the_offset(life: Life) -> None:
    window = Window(Axis.INSTANT, at("2026-03-01T08:00"), at("2026-03-01T09:00"))

    def sugar(offset_s: int, *instants: int) -> Page:
        return Page(readings=(Readings("level", "", offset_s, [(i, 5.5, None) for i in instants]),))

    life.pull(GLUCOSE, window, sugar(0, EIGHT), sugar(3600, EIGHT + 1000))
    life.pull(GLUCOSE, window, sugar(3600, EIGHT))
    assert life.readings() == [(EIGHT, 5.5, 3600, 0)]


def test_equal_repeats_are_dropped_and_contradictions_are_all_kept(life: Life) -> None:
    page = heart(
        [(EIGHT, 60, None), (EIGHT, 60, None), (EIGHT, 61, None), (EIGHT + 1000, 62, None)]
    )
    pulled, _ = life.pull(HEART, SUNDAY, page)
    assert [(value, ordinal) for _, value, _, ordinal in life.readings()] == [
        (60, 0),
        (61, 1),
        (62, 0),
    ]
    assert pulled.written == 3
    pulled, _ = life.pull(HEART, SUNDAY, page)
    assert (pulled.written, pulled.withdrawn) == (0, 0)
    pulled, _ = life.pull(HEART, SUNDAY, heart([(EIGHT, 60, None), (EIGHT + 1000, 62, None)]))
    assert (pulled.written, pulled.withdrawn) == (0, 1)


def test_repeats_and_contradictions_are_seen_across_pages(life: Life) -> None:
    pages = (beats(1, 2, 3), heart([(EIGHT + 5000, 2, None), (EIGHT + 10_000, 9, None)]), beats(1))
    for expected in (4, 0):
        pulled, _ = life.pull(HEART, SUNDAY, *pages)
        assert (pulled.written, pulled.withdrawn) == (expected, 0)
    assert [(value, ordinal) for _, value, _, ordinal in life.readings()] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (9, 1),
    ]


def test_the_rank_of_a_source_is_kept_and_follows_what_the_provider_says(life: Life) -> None:
    def ranked(watch: int, phone: int) -> Page:
        points: list[Point] = [(EIGHT, 60, None)]
        return Page(
            readings=(
                Readings("bpm", "watch", 3600, points, watch),
                Readings("bpm", "phone", 3600, points, phone),
            )
        )

    dumps = []
    for ranks in ((1, 2), (3, 2)):
        life.pull(HEART, SUNDAY, ranked(*ranks))
        assert life.rows("SELECT preference FROM series ORDER BY id") == [(one,) for one in ranks]
        dumps.append([row for row in canonical_dump(life.store.index.db) if "reading|" in row])
    assert dumps[0] != dumps[1]


def test_overlapping_pages_do_not_hide_what_is_gone(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(1, 2, 3))
    pulled, _ = life.pull(HEART, SUNDAY, beats(1, 2), beats(1))  # three instants, one twice
    assert (pulled.written, pulled.withdrawn) == (0, 1)


def test_pages_may_come_newest_first(life: Life) -> None:
    late, early = beats(5, 6, start=EIGHT + 60_000), beats(1, 2)
    life.pull(HEART, SUNDAY, late, early)
    pulled, _ = life.pull(HEART, SUNDAY, late, beats(1))
    assert (pulled.written, pulled.withdrawn) == (0, 1)


@pytest.mark.parametrize("reason", ["provider_unreachable", "data_type_refused", "too_large"])
def test_nothing_of_a_failed_pull_stays_but_how_it_ended(life: Life, reason: str) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61))
    before = list(canonical_dump(life.store.index.db))
    pulled, _ = life.pull(HEART, SUNDAY, beats(1, 2, 3), outcome=failed(reason))
    assert list(canonical_dump(life.store.index.db)) == before
    assert pulled.outcome == failed(reason)
    assert life.rows("SELECT outcome, reason FROM pull ORDER BY id DESC LIMIT 1") == [
        ("failed", reason)
    ]
    refused = life.rows("SELECT data_type, day FROM refusal")
    assert (
        refused
        == {
            "provider_unreachable": [],
            "data_type_refused": [("heart", "")],
            "too_large": [("heart", "2026-03-01")],
        }[reason]
    )


def test_a_reply_that_breaks_the_contract_is_kept_and_changes_nothing(life: Life) -> None:
    life.begin_pass()
    pull = Pull(HEART.name, SUNDAY, Why.SYNC, ZONE)
    life.write_pull(pull, [body(beats(1, 2)), b"<html>"], complete(2, 2))
    with capture_logs() as logs:
        pulled, _ = life.end_pass()
    assert life.readings() == []
    assert pulled.outcome is not None
    assert (pulled.outcome.complete, pulled.outcome.reason) == (False, "contract_changed")
    assert life.rows("SELECT data_type, day, reason FROM refusal") == [
        ("heart", "2026-03-01", "contract_changed")
    ]
    assert [line["event"] for line in logs] == ["pull.not_read"]


@pytest.mark.parametrize("value", [math.nan, 2**70])
def test_a_value_that_no_table_can_hold_breaks_the_contract(life: Life, value: float) -> None:
    life.pull(HEART, SUNDAY, beats(60))
    pulled, _ = life.pull(HEART, SUNDAY, heart([(EIGHT + 1000, 7, None), (EIGHT, value, None)]))
    assert pulled.outcome is not None
    assert pulled.outcome.reason == "contract_changed"
    assert values(life) == [60]


def test_what_the_provider_refuses_inside_a_reply_counts_as_unreadable(life: Life) -> None:
    def refuse(_pull: Pull, _reply: Reply) -> Page:
        raise RefusedError("no intraday data for this app", code="data_type_refused")

    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), [b"{}"], complete(1, 0))
    life.store.writer.end_pass(life.now, PassEnd("ok"))
    with capture_logs():
        pulled, _ = apply_archive(life.store.index, refuse, CATALOGUE)
    assert pulled.outcome is not None
    assert pulled.outcome.reason == "contract_changed"


def test_a_data_type_that_is_not_in_the_catalogue_is_noted_and_passed_over(life: Life) -> None:
    life.begin_pass()
    pull = Pull(DataTypeName("aura"), SUNDAY, Why.SYNC, ZONE)
    life.write_pull(pull, [b"{}"], complete(1, 0))
    with capture_logs():
        pulled, _ = life.end_pass()
    assert pulled.outcome is not None
    assert "aura" in pulled.outcome.detail


def test_refusals_among_the_replies_of_a_complete_pull_are_not_read(life: Life) -> None:
    life.begin_pass()
    writer = life.store.writer
    writer.begin_pull(life.now, Pull(HEART.name, SUNDAY, Why.SYNC, ZONE))
    writer.reply(REQUEST, Reply(503, {}, b"<html>", life.now))
    writer.reply(REQUEST, Reply(200, {}, body(beats(60)), life.now))
    writer.end_pull(life.now, complete(1, 1))
    pulled, _ = life.end_pass()
    assert pulled.written == 1


def test_a_tail_writes_no_daily_values_and_no_sessions(life: Life) -> None:
    said = Page(
        readings=beats(60).readings,
        sessions=(night("a", "2026-03-01"),),
        dailies=(Daily(at("2026-03-01").date(), "bpm", 50),),
    )
    life.pull(HEART, hours("2026-03-01T08:00", "2026-03-01T10:00"), said)
    assert life.rows("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM daily)") == [
        (0, 0)
    ]
    life.pull(HEART, SUNDAY, said)
    assert life.rows("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM daily)") == [
        (1, 1)
    ]
    life.pull(HEART, hours("2026-03-01T08:00", "2026-03-01T10:00"), beats(60))
    assert life.rows("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM daily)") == [
        (1, 1)
    ]


def test_sessions_are_compared_whole_and_withdrawn_by_their_day(life: Life) -> None:
    nights = (night("a", "2026-03-01"), night("b", "2026-03-02"))
    window = day("2026-03-01", "2026-03-02", axis=Axis.DATE)
    (pulled, _) = life.pull(NIGHTS, window, Page(sessions=nights))
    assert pulled.written == 2
    (pulled, _) = life.pull(NIGHTS, window, Page(sessions=nights))
    assert (pulled.written, pulled.withdrawn) == (0, 0)
    (pulled, _) = life.pull(
        NIGHTS, window, Page(sessions=(night("a", "2026-03-01", stages=4), nights[1]))
    )
    assert pulled.written == 1
    (pulled, _) = life.pull(NIGHTS, SUNDAY_DATE, Page(sessions=(night("c", "2026-03-01"),)))
    assert (pulled.written, pulled.withdrawn) == (1, 1)
    assert life.rows("SELECT key FROM session ORDER BY key") == [("b",), ("c",)]
    assert life.rows("SELECT count(*) FROM session_part") == [(6,)]


def test_daily_values_are_compared_and_withdrawn(life: Life) -> None:
    def resting(*of: int) -> Page:
        days = ("2026-03-01", "2026-03-02")
        return Page(
            dailies=tuple(
                Daily(at(text).date(), "bpm", value) for text, value in zip(days, of, strict=False)
            )
        )

    window = day("2026-03-01", "2026-03-02", axis=Axis.DATE)
    counts = [
        life.pull(RESTING, window, page)[0]
        for page in (resting(50, 51), resting(50, 51), resting(50, 52), resting(50))
    ]
    assert [(one.written, one.withdrawn) for one in counts] == [(2, 0), (0, 0), (1, 0), (0, 1)]


def devices(**content: str) -> Page:
    return Page(snapshots=tuple(Snapshot(key, text) for key, text in content.items()))


def test_a_snapshot_keeps_the_last_state_of_each_day_on_which_it_changed(life: Life) -> None:
    for content in ("full", "full", "half", "low"):
        life.pull(DEVICES, None, devices(watch=content))
        life.wait(hours=5)
    assert life.rows("SELECT content, taken_at FROM snapshot") == [
        ("half", ms("2026-03-02T20:00")),
        ("low", ms("2026-03-03T01:00")),
    ]


def test_what_is_no_longer_listed_is_marked_and_may_come_back(life: Life) -> None:
    life.pull(DEVICES, None, devices(watch="x", scale="y"))
    life.wait(days=1)
    life.pull(DEVICES, None, devices(watch="x"))
    assert life.rows("SELECT key FROM snapshots") == [("watch",)]
    life.wait(days=1)
    life.pull(DEVICES, None, devices(watch="x", scale="y"))
    assert life.rows("SELECT key FROM snapshots") == [("scale",), ("watch",)]


def test_a_clock_that_ran_ahead_does_not_hide_newer_snapshots(life: Life) -> None:
    life.wait(days=200)
    life.pull(DEVICES, None, devices(watch="old"))
    life.wait(days=-200)
    life.pull(DEVICES, None, devices(watch="new"))
    assert life.rows("SELECT content FROM snapshots") == [("new",)]


def test_a_page_tells_the_zone(life: Life) -> None:
    life.pull(DEVICES, None, Page(zone="Asia/Tokyo"))
    assert life.store.index.ledger(life.now).zone == "Asia/Tokyo"


def test_text_that_sqlite_cannot_hold_is_kept_as_its_escape(life: Life) -> None:
    life.pull(DEVICES, None, devices(watch="half \ud800"))
    assert life.rows("SELECT content FROM snapshot") == [("half \\ud800",)]


def test_an_empty_answer_where_there_was_something_is_not_believed_at_once(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61))
    before = list(canonical_dump(life.store.index.db))
    life.wait(hours=1)
    asked = life.now
    pulled, _ = life.pull(HEART, SUNDAY, Page())
    assert pulled.outcome is not None
    assert (pulled.outcome.complete, pulled.outcome.reason) == (True, "empty_doubted")
    ledger = life.store.index.ledger(life.now).of(HEART.name)
    assert ledger.blocked == {at("2026-03-01").date(): at("2026-03-03T11:00")}
    life.wait(hours=19)
    life.pull(HEART, SUNDAY, Page())
    assert list(canonical_dump(life.store.index.db)) == before
    life.now = asked
    life.wait(hours=20)
    pulled, _ = life.pull(HEART, SUNDAY, Page())
    assert pulled.withdrawn == 2
    assert life.readings() == []
    assert life.rows("SELECT count(*) FROM doubt") == [(0,)]


def test_a_doubt_ends_with_the_next_answer_that_holds_something(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60, 61))
    life.pull(HEART, SUNDAY, Page())
    life.wait(hours=30)
    life.pull(HEART, SUNDAY, beats(60))
    assert life.rows("SELECT count(*) FROM doubt") == [(0,)]
    life.pull(HEART, SUNDAY, Page())
    assert values(life) == [60]


@pytest.mark.parametrize("of", ["sessions", "dailies"])
def test_nights_and_daily_values_are_not_given_up_at_once_either(life: Life, of: str) -> None:
    kind, page = {
        "sessions": (NIGHTS, Page(sessions=(night("a", "2026-03-01"),))),
        "dailies": (RESTING, Page(dailies=(Daily(at("2026-03-01").date(), "bpm", 50),))),
    }[of]
    life.pull(kind, SUNDAY_DATE, page)
    stored = len(list(canonical_dump(life.store.index.db)))
    life.pull(kind, SUNDAY_DATE, Page())
    assert len(list(canonical_dump(life.store.index.db))) == stored
    life.wait(hours=20)
    pulled, _ = life.pull(kind, SUNDAY_DATE, Page())
    assert pulled.withdrawn == 1


def test_an_empty_answer_where_nothing_was_counts_at_once(life: Life) -> None:
    pulled, _ = life.pull(HEART, SUNDAY, Page())
    assert pulled.outcome == complete(1, 0)
    assert life.rows("SELECT day, readings, whole FROM coverage") == [("2026-03-01", 0, 1)]


def test_refusals_wait_an_hour_and_twice_as_long_each_time_to_a_day(life: Life) -> None:
    waits = []
    for _ in range(7):
        life.pull(HEART, SUNDAY, outcome=failed("request_refused"))
        until = life.store.index.ledger(life.now).of(HEART.name).blocked[at("2026-03-01").date()]
        waits.append((until - life.now).total_seconds() / 3600)
        life.now = until
    assert waits == [1, 2, 4, 8, 16, 24, 24]
    life.pull(HEART, SUNDAY, beats(60))
    assert life.store.index.ledger(life.now).of(HEART.name).blocked == {}


def test_a_refused_data_type_is_refused_for_every_day(life: Life) -> None:
    life.pull(HEART, SUNDAY, outcome=failed("scope_missing"))
    assert list(life.store.index.ledger(life.now).of(HEART.name).blocked) == [None]
    life.pull(HEART, day("2026-02-20"), beats())
    assert life.store.index.ledger(life.now).of(HEART.name).blocked == {}


def test_the_end_of_a_pass_is_told_to_the_next_one(life: Life) -> None:
    life.begin_pass()
    quota = Quota(150, 12, at("2026-03-02T11:00"))
    life.store.writer.end_pass(life.now, PassEnd("throttled", quota, at("2026-03-02T10:30")))
    life.store.apply_pass()
    ledger = life.store.index.ledger(life.now)
    assert (ledger.quota, ledger.throttled_until) == (quota, at("2026-03-02T10:30"))
    life.begin_pass()
    life.end_pass()
    ledger = life.store.index.ledger(life.now)
    assert (ledger.quota, ledger.throttled_until) == (quota, None)


def test_conditions_are_raised_updated_and_cleared(life: Life) -> None:
    writer = life.store.writer
    life.begin_pass()
    writer.condition(life.now, "data_type_refused", "raised", "heart", {"count": 1})
    writer.condition(life.now, "data_type_refused", "raised", "heart", {"count": 2})
    writer.condition(life.now, "throttled", "raised", "", {})
    life.end_pass()
    life.wait(days=1)
    writer.condition(life.now, "throttled", "cleared", "", {})  # between two passes
    life.begin_pass()
    life.end_pass()
    assert life.rows("SELECT code, subject, until, facts FROM condition ORDER BY code") == [
        ("data_type_refused", "heart", None, '{"count": 2}'),
        ("throttled", "", ms("2026-03-03T10:00"), "{}"),
    ]


def test_lines_in_another_file_are_never_jumped_over(life: Life) -> None:
    """Live work looks at its own file only, but not past what it has not seen."""
    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), [body(beats(60))], complete(1, 1))
    life.store.writer.end_pass(life.now, PassEnd("ok"))  # and it is not applied
    life.wait(days=1)
    life.pull(HEART, day("2026-03-02"), beats(70, start=EIGHT + 86_400_000))
    assert values(life) == [60, 70]


def test_a_reader_never_sees_half_a_pull(life: Life, tmp_path: Path) -> None:
    seen: list[int] = []
    reader = open_reader(tmp_path / "alice")

    def spying(pull: Pull, reply: Reply) -> Page:
        seen.extend(row[0] for row in reader.execute("SELECT count(*) FROM reading"))
        return read(pull, reply)

    life.begin_pass()
    bodies = [body(beats(*range(60, 70), start=EIGHT + place * 60_000)) for place in range(3)]
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), bodies, complete(3, 30))
    life.write_pull(Pull(HEART.name, day("2026-02-28"), Why.GAP, ZONE), [b"{"], failed("x"))
    life.store.writer.end_pass(life.now, PassEnd("ok"))
    for _ in apply_archive(life.store.index, spying, CATALOGUE):
        seen.extend(row[0] for row in reader.execute("SELECT count(*) FROM reading"))
    reader.close()
    assert seen == [0, 0, 0, 30, 30, 30, 30]


def dying(life: Life, death: type[BaseException]) -> list[Applied]:
    def die(_pull: Pull, _reply: Reply) -> Page:
        raise death

    return list(apply_archive(life.store.index, die, CATALOGUE))


def test_a_reply_that_kills_twice_is_skipped_and_told(life: Life) -> None:
    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), [body(beats(60))], complete(1, 1))
    life.write_pull(Pull(HEART.name, day("2026-02-28"), Why.GAP, ZONE), [], complete(0, 0))
    life.store.writer.end_pass(life.now, PassEnd("ok"))
    for _ in range(2):
        with pytest.raises(MemoryError):
            dying(life, MemoryError)
        assert life.store.index.applied_seq == 0
    with capture_logs() as logs:
        skipped, following, _ = dying(life, MemoryError)
    assert [line["event"] for line in logs] == ["pull.skipped"]
    assert skipped.outcome is not None
    assert skipped.outcome.reason == "index_behind"
    assert following.outcome == complete(0, 0)
    assert life.rows("SELECT count(*) FROM pass WHERE ended_at NOT NULL") == [(1,)]
    assert list(life.store.index.ledger(life.now).of(HEART.name).blocked) == [
        at("2026-03-01").date()
    ]


def test_a_disk_that_fails_is_not_held_against_the_reply(life: Life) -> None:
    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), [body(beats(60))], complete(1, 1))
    life.store.writer.end_pass(life.now, PassEnd("ok"))

    def full(_pull: Pull, _reply: Reply) -> Page:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    for _ in range(4):
        with pytest.raises(OperatorError) as caught:
            list(apply_archive(life.store.index, full, CATALOGUE))
        assert caught.value.code == "disk_full"
    assert [one.written for one in life.store.catch_up()] == [1, 0]


def test_work_that_nobody_waits_for_is_taken_back_and_not_held_against_the_reply(
    life: Life,
) -> None:
    replies = [body(beats(60)), body(beats(61, start=EIGHT + 60_000))]
    life.begin_pass()
    life.write_pull(Pull(HEART.name, SUNDAY, Why.SYNC, ZONE), replies, complete(2, 2))
    life.store.writer.end_pass(life.now, PassEnd("ok"))
    for _ in range(4):
        lines = iter(("pull_begin", "reply"))  # it ends before the second reply

        def go_on(lines: Iterator[str] = lines) -> None:
            if next(lines, None) is None:
                raise UnwantedError

        with pytest.raises(UnwantedError):
            life.store.apply_pass(go_on)
        assert values(life) == []
    assert [one.written for one in life.store.catch_up()] == [2, 0]


def test_a_catch_up_that_is_interrupted_goes_on_where_it_was(life: Life) -> None:
    for number in range(4):
        life.begin_pass()
        window = day(f"2026-02-0{number + 1}")
        start = ms(f"2026-02-0{number + 1}T08:00")
        life.write_pull(
            Pull(HEART.name, window, Why.GAP, ZONE), [body(beats(60, start=start))], complete(1, 1)
        )
        life.store.writer.end_pass(life.now, PassEnd("ok"))
    steps = life.store.catch_up()
    first = [next(steps) for _ in range(3)]
    life.pull(HEART, SUNDAY, beats(99))  # a pass meanwhile
    rest = list(steps)
    assert len(values(life)) == 5
    assert rest == []
    assert first[-1].last_seq < life.store.index.applied_seq


def test_the_newest_time_in_the_archive_is_remembered(life: Life) -> None:
    life.pull(HEART, SUNDAY, beats(60))
    life.wait(days=-40)
    life.pull(HEART, SUNDAY, beats(60))
    known = life.store.index.ledger(life.now)
    assert (known.first_pass_at, known.last_seen_at) == (at("2026-03-02T10:00"),) * 2


def test_device_syncs_of_two_days_and_the_one_before_are_told_for_their_follow_ups(
    life: Life,
) -> None:
    for text in ("2026-02-20T09:00", "2026-02-27T09:00", "2026-03-01T09:00", "2026-03-02T09:00"):
        life.pull(DEVICES, None, Page(syncs=(DeviceSync("watch", at(text)),)))
    ledger = life.store.index.ledger(life.now)
    assert ledger.syncs == tuple(
        at(text) for text in ("2026-02-27T09:00", "2026-03-01T09:00", "2026-03-02T09:00")
    )
    assert ledger.synced_at == at("2026-03-02T09:00")


def test_an_index_opened_twice_is_not_written_to_for_its_catalogue(tmp_path: Path) -> None:
    Index(tmp_path, CATALOGUE).close()
    index = Index(tmp_path, CATALOGUE)
    assert index.db.total_changes == 0
    assert index.db.execute("SELECT unit FROM field WHERE name = 'level'").fetchone() == ("mmol/L",)
    index.close()


def test_instants_survive_before_and_after_an_hour_that_happens_twice(life: Life) -> None:
    window = day("2026-10-25")
    life.now = at("2026-10-27T10:00")
    summer = heart([(ms("2026-10-25T00:30"), 60, None)], offset_s=7200)  # 02:30 the first time
    winter = heart([(ms("2026-10-25T01:30"), 61, None)], offset_s=3600)  # and again
    life.pull(HEART, window, summer, winter)
    pulled, _ = life.pull(HEART, window, summer, winter)
    assert (pulled.written, pulled.withdrawn) == (0, 0)
    assert life.rows("SELECT day, n FROM days") == [("2026-10-25", 2)]
