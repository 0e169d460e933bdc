"""Telling a person: what is told, how often, and that nothing waits for it."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fitbitd import notify
from fitbitd.config import NotifySettings
from fitbitd.errors import FitbitdError, OperatorError, TransientError
from fitbitd.health import Condition, is_fresh
from fitbitd.health_codes import CODES, Severity
from fitbitd.model import AccountName, DataTypeName, Reply, Request
from fitbitd.notify import Change, Notifier, news, run_command
from tests.support.clock import FakeClock

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def condition(
    code: str, since: datetime = NOW, data_type: str | None = None, account: str = "alice"
) -> Condition:
    return Condition(
        code=code,
        severity=CODES[code].severity,
        since=since,
        account=AccountName(account),
        summary=f"{code}!",
        meaning="what it means",
        next="what to do",
        data_type=DataTypeName(data_type) if data_type else None,
    )


def changes(tell: Sequence[notify.News]) -> list[tuple[str, str]]:
    return [(one.condition.code, one.change) for one in tell]


CONSENT = condition("authorization_needed")


def test_what_needs_a_person_is_told_once_then_daily_and_when_it_is_over() -> None:
    tell, told = news({}, [CONSENT], NOW)
    assert changes(tell) == [("authorization_needed", "raised")]
    for hours in (1, 12, 23):
        tell, told = news(told, [CONSENT], NOW + hours * HOUR)
        assert tell == ()
    tell, told = news(told, [CONSENT], NOW + DAY)
    assert changes(tell) == [("authorization_needed", "lasts")]
    tell, told = news(told, [CONSENT], NOW + DAY + HOUR)
    assert tell == ()
    tell, told = news(told, [], NOW + DAY + 2 * HOUR)
    assert changes(tell) == [("authorization_needed", "cleared")]
    assert told == {}


def test_a_warning_is_told_when_it_has_lasted_an_hour_and_what_is_good_to_know_never() -> None:
    unreachable, throttled = condition("provider_unreachable"), condition("throttled")
    assert unreachable.severity is Severity.WARNING
    assert throttled.severity is Severity.INFO
    tell, told = news({}, [unreachable, throttled], NOW + HOUR - timedelta(seconds=1))
    assert (tell, told) == ((), {})
    tell, _ = news(told, [unreachable, throttled], NOW + HOUR)
    assert changes(tell) == [("provider_unreachable", "raised")]
    tell, _ = news({}, [], NOW + HOUR)
    assert tell == ()  # what was never told is not taken back


def test_what_is_wrong_with_many_data_types_is_one_piece_of_news() -> None:
    types = ("steps", "heart_rate", "sleep")
    found = [condition("scope_missing", NOW - HOUR, data_type) for data_type in types]
    (one,), _ = news({}, found, NOW)
    assert set(one.data_types) == set(types)
    assert json.loads(one.text) == {
        "account": "alice",
        "code": "scope_missing",
        "severity": "warning",
        "change": "raised",
        "since": "2027-03-10T11:00:00Z",
        "summary": "scope_missing!",
        "meaning": "what it means",
        "next": "what to do",
        "data_types": list(one.data_types),
    }


def types_told(tell: Sequence[notify.News]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.change, one.data_types) for one in tell]


def test_a_data_type_that_joins_days_later_is_told_and_reminded_of_with_the_others() -> None:
    refused = [condition("request_refused", NOW - HOUR, "steps")]
    tell, told = news({}, refused, NOW)
    assert types_told(tell) == [("raised", ("steps",))]
    refused.append(condition("request_refused", NOW + 10 * HOUR, "sleep"))
    tell, told = news(told, refused, NOW + 10 * HOUR)
    assert tell == ()  # it may mend itself, as any warning
    tell, told = news(told, refused, NOW + 11 * HOUR)
    assert types_told(tell) == [("raised", ("sleep",))]
    tell, told = news(told, refused, NOW + 12 * HOUR)
    assert tell == ()
    tell, told = news(told, refused, NOW + 35 * HOUR)
    assert types_told(tell) == [("lasts", ("steps", "sleep"))]
    tell, _ = news(told, [], NOW + 36 * HOUR)
    assert types_told(tell) == [("cleared", ("steps", "sleep"))]


def test_data_types_that_join_one_after_the_other_are_told_hourly_and_not_each() -> None:
    found: list[Condition] = []
    told: notify.Told = {}
    heard: list[int] = []
    for quarter in range(12):
        now = NOW + quarter * HOUR / 4
        found.append(condition("contract_changed", now, f"type {quarter}"))
        tell, told = news(told, found, now)
        heard += [len(one.data_types) for one in tell]
    assert heard == [1, 4, 4]


def test_a_data_type_that_comes_and_goes_is_no_news_each_time() -> None:
    steps, sleep = (condition("contract_changed", NOW, name) for name in ("steps", "sleep"))
    _, told = news({}, [steps, sleep], NOW)
    for hours in range(2, 10):
        tell, told = news(told, [steps, sleep] if hours % 2 else [steps], NOW + hours * HOUR)
        assert tell == ()


class Place:
    """Where a notifier's words go."""

    def __init__(self, **settings: object) -> None:
        self.clock = FakeClock("2027-03-10T12:00:00+00:00")
        self.told: list[dict[str, object]] = []
        self.asked: list[str] = []
        self.error: FitbitdError | None = None
        self.status = 200
        usual = {"command": ("tell",), "heartbeat_url": "https://example.com/ping?me"}
        self.notifier = Notifier(
            NotifySettings(**{**usual, **settings}),  # type: ignore[arg-type] # by name
            self.clock,
            self.send,
            self.run,
        )

    async def run(self, _command: Sequence[str], text: str) -> None:
        if self.error is not None:
            raise self.error
        self.told.append(json.loads(text))

    async def send(self, request: Request) -> Reply:
        self.asked.append(request.url)
        return Reply(self.status, {}, b"", NOW)

    async def take(self, *found: Condition, account: str = "alice") -> None:
        fresh_until = self.clock.now() + HOUR / 2 if is_fresh(found) else None
        self.told_at = self.notifier.take(account, found, fresh_until)
        await self.notifier.close()

    @property
    def codes(self) -> list[tuple[object, object]]:
        return [(one["code"], one["change"]) for one in self.told]


async def test_each_change_runs_the_command_once() -> None:
    place = Place()
    for _ in range(3):
        await place.take(CONSENT)
    await place.take()
    await place.take()
    assert place.codes == [("authorization_needed", "raised"), ("authorization_needed", "cleared")]


async def test_a_restart_tells_nothing_anew_but_what_was_never_told() -> None:
    before = Place()
    told, young = (
        condition("authorization_needed"),
        condition("provider_unreachable", NOW - HOUR / 2),
    )
    await before.take(told, young)
    assert before.told_at == {"authorization_needed": NOW}
    place = Place()
    place.clock.advance(20 * 3600)
    place.notifier.recall("alice", [told, young], before.told_at)
    await place.take(told, young, condition("token_file", NOW - 5 * DAY))
    assert place.codes == [("provider_unreachable", "raised"), ("token_file", "raised")]
    place.clock.advance(4 * 3600)
    await place.take(told, young)
    assert place.codes[2:] == [("authorization_needed", "lasts"), ("token_file", "cleared")]


async def test_a_data_type_that_joined_while_nobody_told_it_is_told_after_a_restart() -> None:
    place = Place()
    found = [
        condition("request_refused", NOW - 2 * HOUR, "steps"),
        condition("request_refused", NOW - HOUR, "sleep"),
    ]
    place.notifier.recall("alice", found, {"request_refused": NOW - HOUR * 1.5})
    await place.take(*found)
    assert [one["data_types"] for one in place.told] == [["sleep"]]


async def test_what_was_told_before_an_account_could_be_opened_is_not_forgotten() -> None:
    place = Place()
    await place.take(condition("disk_failed"))
    place.notifier.recall("alice", [CONSENT], {"authorization_needed": NOW})
    await place.take(CONSENT)
    assert place.codes == [("disk_failed", "raised"), ("disk_failed", "cleared")]


async def test_a_clock_that_was_ahead_when_it_was_told_silences_nothing() -> None:
    place = Place()
    place.notifier.recall("alice", [CONSENT], {"authorization_needed": NOW + 300 * DAY})
    await place.take(CONSENT)
    await place.take(CONSENT)
    assert place.codes == [("authorization_needed", "lasts")]


async def test_what_was_a_warning_and_needs_a_person_by_now_is_told_at_once() -> None:
    place = Place()
    soon = condition("grant_expires_soon", NOW - 2 * HOUR)
    await place.take(soon)
    now = replace(soon, severity=Severity.ERROR)
    await place.take(now)
    await place.take(now)
    await place.take(soon)
    assert [(one["change"], one["severity"]) for one in place.told] == [
        ("raised", "warning"),
        ("lasts", "error"),
    ]


async def test_what_time_alone_makes_news_needs_no_other_look() -> None:
    place = Place()
    await place.take(condition("provider_unreachable"), CONSENT)
    for _ in range(24 * 60):
        place.clock.advance(60)
        place.notifier.remind()
        await place.notifier.close()
    assert place.codes == [
        ("authorization_needed", "raised"),
        ("provider_unreachable", "raised"),
        ("authorization_needed", "lasts"),
    ]


async def test_who_begins_to_be_told_hears_what_is_open() -> None:
    place = Place(command=())
    await place.take(CONSENT)
    place.notifier.settings = NotifySettings(("tell",), None)
    await place.take(CONSENT)
    assert place.codes == [("authorization_needed", "raised")]


async def test_the_heart_beats_only_while_the_data_of_every_account_is_fresh() -> None:
    place = Place()
    await place.take()
    await place.take(CONSENT, account="bob")
    await place.take()
    assert len(place.asked) == 1
    place.notifier.expect(["alice"])  # bob is no longer in the configuration
    await place.take()
    assert place.asked == ["https://example.com/ping?me"] * 2


async def test_the_heart_stops_for_an_account_that_nobody_looks_at_any_more() -> None:
    place = Place()
    place.notifier.expect(["alice", "bob"])
    await place.take(account="bob")
    await place.take()
    assert len(place.asked) == 1
    place.clock.advance(1800)
    await place.take()
    assert len(place.asked) == 1
    await place.take(account="bob")
    assert len(place.asked) == 2


async def test_no_heart_beats_for_an_account_that_never_starts() -> None:
    place = Place()
    place.notifier.expect(["alice", "bob"])
    await place.take()
    assert place.asked == []
    await place.take(account="bob")
    assert len(place.asked) == 1


async def test_what_is_found_after_the_start_is_told_although_it_began_before() -> None:
    place = Place()
    await place.take()
    place.clock.advance(3600)
    await place.take(condition("watch_not_synced", NOW - 2 * DAY))
    assert place.codes == [("watch_not_synced", "raised")]


async def test_without_settings_nothing_is_told() -> None:
    place = Place(command=(), heartbeat_url=None)
    await place.take(CONSENT)
    await place.take()
    assert (place.told, place.asked) == ([], [])


async def test_a_way_that_fails_is_logged_once_and_when_it_works_again() -> None:
    place = Place()
    place.error, place.status = TransientError("tell ended with 1"), 500
    with capture_logs() as logs:
        await place.take()
        await place.take(CONSENT)
        await place.take(CONSENT, condition("disk_full"))
        place.error, place.status = None, 200
        await place.take(CONSENT)
        await place.take()
        await place.take()
    assert [(log["event"], log["way"]) for log in logs] == [
        ("notify.failed", "heartbeat"),
        ("notify.failed", "command"),
        ("notify.recovered", "command"),
        ("notify.recovered", "heartbeat"),
    ]


async def test_what_a_failing_command_did_not_tell_is_told_an_hour_later() -> None:
    place = Place()
    place.error = TransientError("no network")
    await place.take(CONSENT)
    assert place.told_at == {"authorization_needed": NOW}  # it is under way
    await place.take(CONSENT)
    assert place.told_at == {}
    place.error = None
    await place.take(CONSENT)
    assert place.told == []
    place.clock.advance(3600)
    place.notifier.remind()
    await place.notifier.close()
    assert place.codes == [("authorization_needed", "raised")]
    await place.take(CONSENT)
    assert (place.told_at, len(place.told)) == ({"authorization_needed": NOW}, 1)


def test_what_is_less_urgent_by_now_is_no_news() -> None:
    _, told = news({}, [condition("grant_expires_soon", NOW - HOUR)], NOW)
    assert told
    calmer = replace(told["grant_expires_soon"][0].condition, severity=Severity.INFO)
    tell, _ = news(told, [calmer], NOW + HOUR)
    assert tell == ()


# The command


def program(folder: Path, text: str) -> str:
    path = folder / "tell"
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


async def test_the_command_gets_the_text_on_stdin_and_no_secret_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITBITD_ALICE_CLIENT_SECRET", "hunter22")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/fitbitd.service")
    out = tmp_path / "out"
    code = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + repr(os.environ))"
    await run_command((program(tmp_path, code), str(out)), '{"code": "$(date)"}')
    written = out.read_text(encoding="utf-8")
    assert written.startswith('{"code": "$(date)"}')
    assert "PATH" in written
    assert "hunter22" not in written
    assert "CREDENTIALS_DIRECTORY" not in written


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/nowhere/tell",), "cannot be started"),
        (("tell\0me",), "cannot be started"),
        (("false",), "ended with 1"),
    ],
)
async def test_a_command_that_fails_says_how(command: tuple[str, ...], words: str) -> None:
    with pytest.raises((OperatorError, TransientError), match=words):
        await run_command(command, "{}")


async def test_a_command_without_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "COMMAND_LASTS_S", 0.5)
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: open(sys.argv[1], 'w').write(str(child))\n"
        "time.sleep(60)\n"
    )
    begun = time.perf_counter()
    with pytest.raises(TransientError, match="took more than"):
        await run_command((program(tmp_path, code), str(tmp_path / "child")), "{}")
    assert time.perf_counter() - begun < 20
    child = Path("/proc") / (tmp_path / "child").read_text(encoding="utf-8") / "stat"
    while child.exists() and " Z " not in child.read_text(encoding="utf-8"):
        os.sched_yield()


async def test_a_stop_does_not_wait_for_a_command() -> None:
    place = Place()
    waiting = Notifier(
        replace(place.notifier.settings, command=("sleep", "60")),
        place.clock,
        place.send,
        run_command,
    )
    waiting.take("alice", [CONSENT], None)
    begun = time.perf_counter()
    await waiting.close()
    assert time.perf_counter() - begun < 10


def test_every_change_has_a_word_for_it() -> None:
    assert {*Change} == {"raised", "lasts", "cleared", "test"}
