"""`fitbitd backfill`: to its end, through every wait, and as far as it came when it is stopped."""

import asyncio
import itertools
import signal
import socket
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx  # noqa: TID251 - stands for the network
import pytest

from fitbitd.commands.backfill import backfill
from fitbitd.commands.teller import Teller
from fitbitd.errands.errand import Errand
from fitbitd.errors import OperatorError
from fitbitd.simulator import Fault, FitbitSettings, Wearer, hours
from fitbitd.store.account_lock import AccountLock
from tests.support.cli import Desk
from tests.support.household import Household, account_settings

FIRST = date(2026, 10, 25)
ERRAND = Errand("backfill", "alice", first=FIRST)
NOON = "2026-11-10T12:00:00+00:00"
ALL_OF_IT = 45
"""More requests than all of it takes."""


def household(tmp_path: Path, *, quota: int = 1000, began: date = date(2026, 1, 1)) -> Household:
    """Give an account whose history is to be fetched from October on."""
    home = Household(
        tmp_path / "state",
        NOON,
        Wearer(seed=1, member_since=began, worn_minutes=hours(8)),
        provider_settings=FitbitSettings(quota=quota),
        accounts=(account_settings(backfill_from=FIRST),),
    )
    home.authorize()
    return home


def run(
    home: Household, patch: pytest.MonkeyPatch, *, hours: float = 48, terminal: bool = False
) -> int:
    """Run the command's own part until it ends, or so many hours at most."""

    async def script() -> int:
        teller = Teller(home.clock, terminal=terminal)
        async with asyncio.timeout(hours * 3600):
            errand = replace(ERRAND, first=home.accounts[0].backfill_from)
            return await backfill(errand, home.settings, home.world(), teller)

    return home.play(script(), monkeypatch=patch)


def days_read(home: Household, data_type: str) -> set[date]:
    with closing(home.index()) as db:
        rows = db.execute("SELECT day FROM coverage WHERE data_type = ?", (data_type,))
        return {date.fromisoformat(day) for (day,) in rows}


def since(first: date) -> set[date]:
    today = datetime.fromisoformat(NOON).date()
    return {first + timedelta(days=n) for n in range((today - first).days + 1)}


def test_it_ends_when_all_of_it_is_here_and_says_how_far_back_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path)
    assert run(home, monkeypatch) == 0
    assert days_read(home, "heart_rate") >= since(FIRST)
    assert days_read(home, "sleep") >= since(FIRST)
    said = capsys.readouterr().err
    assert f"alice: history is complete since {FIRST}, as asked (" in said
    assert len(home.data_requests()) < ALL_OF_IT


def test_it_stops_at_the_day_on_which_the_account_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path, began=date(2026, 10, 30))
    assert run(home, monkeypatch) == 0
    assert "since 2026-10-29, for the account began then (" in capsys.readouterr().err
    assert min(days_read(home, "heart_rate")) == date(2026, 10, 29)


def test_it_waits_for_the_quota_and_says_until_when_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path, quota=20)
    assert run(home, monkeypatch) == 0
    assert days_read(home, "heart_rate") >= since(FIRST)
    answered = [entry.at for entry in home.data_requests() if entry.status == 200]
    an_hour = Counter(at.replace(minute=0, second=0, microsecond=0) for at in answered)
    assert len(an_hour) >= 3
    assert max(an_hour.values()) <= 20
    lines = capsys.readouterr().err.splitlines()
    first_wait = next(line for line in lines if "waits for the quota until 13:00 UTC" in line)
    assert "to go" in first_wait
    assert sum("waits for the quota until 13:00 UTC" in line for line in lines) == 1


def test_it_goes_on_as_soon_as_the_quota_renews_long_before_the_next_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path, quota=60)
    hours = timedelta(hours=12)
    home.accounts = (account_settings(backfill_from=date(2026, 9, 20), poll_every=hours),)
    began_at = home.clock.now()
    assert run(home, monkeypatch) == 0
    assert timedelta(minutes=50) < home.clock.now() - began_at < timedelta(hours=4)


def test_it_waits_as_long_as_the_provider_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path)
    home.simulator.faults.add(Fault(kind="throttle", path="heart"))
    assert run(home, monkeypatch) == 0
    assert "alice: 0 %, about 1 h to go, waits for the quota until 13:00 UTC" in (
        capsys.readouterr().err
    )
    times = sorted(entry.at for entry in home.data_requests())
    pauses = [later - before for before, later in itertools.pairwise(times)]
    assert timedelta(hours=1) <= max(pauses) < timedelta(hours=1, minutes=2)
    assert days_read(home, "heart_rate") >= since(FIRST)


def test_the_same_command_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path, quota=20)
    with pytest.raises(TimeoutError):
        run(home, monkeypatch, hours=0.5)
    assert capsys.readouterr().err.endswith("alice: the same command goes on from here\n")
    before = days_read(home, "heart_rate")
    assert not before >= since(FIRST)
    home.restart()
    assert run(home, monkeypatch) == 0
    assert days_read(home, "heart_rate") >= since(FIRST) | before
    old = [
        e.path for e in home.data_requests() if "heart/date/2026-10-" in e.path and "1sec" in e.path
    ]
    assert len(old) == len(set(old)), "a day of history was asked twice"


def test_an_outage_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path, quota=20)
    began_at = home.clock.now()

    def cut(request: httpx.Request) -> None:
        if home.clock.now() > began_at + timedelta(minutes=30):
            raise httpx.ConnectError("no route", request=request)

    home.exchange.tap = cut
    assert run(home, monkeypatch) == 75
    said = capsys.readouterr().err
    assert "no answer; asks again at" in said
    assert said.count("error: alice: ") == 1
    assert home.clock.now() < began_at + timedelta(hours=3)


def test_a_provider_that_was_never_reached_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    began_at = home.clock.now()

    def cut(request: httpx.Request) -> None:
        raise httpx.ConnectError("no route", request=request)

    home.exchange.tap = cut
    assert run(home, monkeypatch) == 75
    assert home.clock.now() < began_at + timedelta(minutes=2)


def test_a_consent_that_has_ended_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path)
    file = home.parts().token_file
    grant = file.read()
    assert grant is not None
    file.write(replace(grant, rejected_at=home.clock.now()))
    assert run(home, monkeypatch) == 77
    assert "Next: fitbitd authorize alice" in capsys.readouterr().err


def test_what_the_provider_refuses_does_not_keep_it_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = household(tmp_path)
    home.simulator.faults.add(
        Fault(kind="json_error", path="heart/date/2026-10-28", status=400, count=None)
    )
    assert run(home, monkeypatch) == 0
    said = capsys.readouterr().err
    assert "alice: all that the provider gives is here (" in said
    assert said.endswith("Next: fitbitd gaps alice\n")
    assert since(FIRST) - days_read(home, "heart_rate") == {date(2026, 10, 28)}


def test_an_account_that_another_process_holds_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)

    async def script() -> None:
        teller = Teller(home.clock, terminal=False)
        with AccountLock(home.parts().folder):
            await backfill(ERRAND, home.settings, home.world(), teller)

    with pytest.raises(OperatorError) as caught:
        home.play(script(), monkeypatch=monkeypatch)
    assert (caught.value.code, caught.value.exit_code) == ("lock_held", 75)
    assert home.data_requests() == []


def test_on_a_terminal_one_line_is_rewritten_and_stays_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    home = household(tmp_path, quota=20)
    assert run(home, monkeypatch, terminal=True) == 0
    rewritten, last, _ = capsys.readouterr().err.split("\n")
    shown = rewritten.split("\r\x1b[2K")[1:]
    assert len(shown) >= 3
    assert all(len(line) < 60 for line in shown)
    assert last.startswith("alice: history is complete since")


# As a person meets it


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("alice",), "required: --from"),
        (("alice", "--from", "2999-01-01"), "--from 2999-01-01 has not come yet"),
        (("bob", "--from", "2026-01-01"), "there is no account 'bob'"),
    ],
)
def test_what_nobody_can_mean_is_refused(desk: Desk, args: tuple[str, ...], words: str) -> None:
    said = desk.ask("backfill", *args)
    assert said.code == 64
    assert words in said.err
    assert "Next: " in said.err


def test_ctrl_c_ends_it_and_says_that_it_can_go_on(collected: Desk) -> None:
    text = collected.config.read_text()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lines = [line for line in text.splitlines() if not line.startswith("api_url")]
        collected.config.write_text("\n".join([*lines, f'api_url = "{address}"', ""]))
        with collected.start("backfill", "alice", "--from", "2017-05-01") as running:
            connection, _ = silent.accept()  # a request is under way, and will not be answered
            with connection:
                running.send_signal(signal.SIGINT)
                assert running.wait(timeout=10) == 130
                assert running.stderr is not None
                said = running.stderr.read()
    assert said.endswith(
        "alice: the same command goes on from here\ninterrupted; what was archived is kept\n"
    )
    with closing(sqlite3.connect(collected.index)) as db:
        assert db.execute("SELECT count(*) FROM coverage").fetchone()[0] > 0
