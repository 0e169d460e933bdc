"""How commands behave: help that teaches, interruptions, pipes, and files that are left alone."""

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fitbitd import cli
from fitbitd.assembly import DATA_TYPES
from fitbitd.commands import words
from fitbitd.config import load
from tests.support.cli import PROGRAM, ROOT, Desk, Said, end, line_of, write_config

NAMES = cli.COMMANDS


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Give the parser of each command."""
    (commands,) = (
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def quiet(said: Said, code: int, *words: str) -> None:
    """See that a command ended as it was asked to, in plain words."""
    assert said.code == code, said
    assert "Traceback" not in said.err, said.err
    assert "Exception ignored" not in said.err, said.err
    for word in words:
        assert word in said.err, said.err


# What is proposed


def test_a_proposed_command_names_the_configuration_that_this_one_was_given(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    own = tmp_path / "my own.toml"
    write_config(desk, "http://127.0.0.1:9")
    desk.config.rename(own)
    again = f"fitbitd authorize --config '{own}' alice"
    for name, *more in (("status",), ("check", "--offline"), ("gaps",), ("plan",)):
        said = desk.ask(name, *more, "--config", str(own))
        assert f"Next: {again}" in said.out + said.err, said
    said = desk.ask("status", "--json", "--config", str(own))
    (report,) = map(json.loads, said.out.splitlines())  # for programs, the same everywhere
    assert [each["next"] for each in report["conditions"]] == ["fitbitd authorize alice"]
    assert f"Next: {again}" in desk.ask("pull", "--config", str(own)).err


def test_which_commands_need_a_configuration_is_known_where_they_are_proposed() -> None:
    token = words.given_config.set(Path("my.toml"))
    try:
        for name, own in parsers().items():
            named = {action.dest for action in own._actions} & {"config"}
            proposed = f"fitbitd {name} alice"
            repeated = f"fitbitd {name} --config my.toml alice"
            assert words.repeated(proposed) == (repeated if named else proposed)
            assert words.repeated(repeated) == repeated
    finally:
        words.given_config.reset(token)


# Help


@pytest.mark.parametrize("name", NAMES)
def test_help_teaches_by_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line.startswith(f"  fitbitd {name}")]
    for action in parsers()[name]._actions:
        assert action.help, f"{name}: {action.dest} is not explained"


def test_every_example_of_the_help_can_be_typed() -> None:
    parser = cli.parser()
    for name, own in parsers().items():
        for line in (own.description or "").splitlines():
            if line.startswith(f"  fitbitd {name}"):
                command = line.strip().partition(" > ")[0].partition("  ")[0]
                parser.parse_args(shlex.split(command)[1:])


def test_the_program_without_a_command_shows_what_there_is(desk: Desk) -> None:
    said = desk.type()
    assert (said.code, said.out) == (64, "")
    for name in NAMES:
        assert f"    {name}" in said.err
    assert "fitbitd demo" in said.err
    assert desk.type("--version").out.startswith("fitbitd ")


def test_the_daemon_imports_nothing_that_only_other_commands_need(desk: Desk) -> None:
    said = desk.type("run", "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert "fitbitd.daemon" in said.err
    assert "fitbitd.simulator" not in said.err
    assert "fitbitd.commands.demo" not in said.err


# Ctrl-C


@pytest.mark.parametrize("loaded", ["structlog", "apscheduler"])
def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word(desk: Desk, loaded: str) -> None:
    (desk.folder / f"{loaded}.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    said = desk.type("run", env={"PYTHONPATH": f"{desk.folder}:{ROOT}"})
    assert said == Said(130, "", "")


def test_ctrl_c_ends_a_consent_that_nobody_gives(desk: Desk) -> None:
    with desk.start("authorize", "alice", "--no-browser") as running:
        line_of(running, "Run: fitbitd authorize alice --paste")
        quiet(end(running), 130, "interrupted; what was archived is kept")
    assert not desk.token.exists()


def test_ctrl_c_ends_a_wait_for_a_paste(desk: Desk) -> None:
    with desk.start("authorize", "alice", "--paste") as running:
        line_of(running, "Paste that whole address here:")
        running.send_signal(signal.SIGINT)  # and stdin stays open, as on a terminal
        assert running.wait(timeout=10) == 130
        assert running.stderr is not None
        assert running.stderr.read() == "interrupted; what was archived is kept\n"


@pytest.mark.parametrize("given", ["", "\n", "http://127.0.0.1:1/callback?code=x&state=y\n"])
def test_a_paste_that_is_no_answer_is_refused(desk: Desk, given: str) -> None:
    said = desk.type("authorize", "alice", "--paste", given=given)
    assert said.code == 78, said
    assert "Next: " in said.err
    assert "Traceback" not in said.err
    assert not desk.token.exists()


def test_ctrl_c_ends_a_pull_and_keeps_what_is_whole(collected: Desk) -> None:
    before = collected.archives[0].read_bytes()
    text = collected.config.read_text()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lines = [line for line in text.splitlines() if not line.startswith("api_url")]
        collected.config.write_text("\n".join([*lines, f'api_url = "{address}"', ""]))
        with collected.start("pull") as running:
            connection, _ = silent.accept()  # a request is under way, and will not be answered
            with connection:
                quiet(end(running), 130, "interrupted; what was archived is kept")
    collected.config.write_text(text)
    assert collected.archives[0].read_bytes().startswith(before)
    assert collected.type("pull").code == 0  # applies what was archived before the end
    assert collected.ask("verify", "--compare").code == 0


def test_ctrl_c_ends_a_query_that_would_never_end(collected: Desk) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
    with collected.start("query", endless) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=2)  # it says nothing by which its start could be seen
        quiet(end(running), 130, "interrupted; what was archived is kept")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_daemon_cleanly(collected: Desk, number: signal.Signals) -> None:
    with collected.start("run") as running:
        line_of(running, "daemon.started")
        quiet(end(running, number), 0, "daemon.stopped")
    assert collected.ask("verify").code == 0


def test_ctrl_c_ends_the_simulator(desk: Desk) -> None:
    with desk.start("simulate", "--port", "0") as running:
        line_of(running, "serving on")
        said = end(running)
        quiet(said, 0, "served 0 requests")
    assert "[provider.google_health]" in said.out


def test_a_port_that_is_taken_is_said(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        desk.type("simulate", "--port", port).refused(78, f"port {port}", "--port")


# Pipes


def test_a_reader_that_has_enough_is_no_error(collected: Desk) -> None:
    with collected.start("export", "alice", "heart_rate") as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("time_utc,")
        running.stdout.close()
        assert running.stderr is not None
        assert (running.stderr.read(), running.wait(timeout=10)) == ("", 0)


def test_a_reader_that_was_never_there_is_no_error(collected: Desk) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with collected.start("status", stdout=writer) as running:
        os.close(writer)
        assert running.stderr is not None
        assert (running.stderr.read(), running.wait(timeout=10)) == ("", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("command", [("status",), ("export", "alice", "heart_rate")])
def test_output_that_cannot_be_written_is_said(collected: Desk, command: tuple[str, ...]) -> None:
    with (
        Path("/dev/full").open("w", encoding="utf-8") as full,
        collected.start(*command, stdout=full) as running,
    ):
        assert running.stderr is not None
        said = running.stderr.read()
        assert said == (
            "error: the output cannot be written: No space left on device.\n"
            "Next: write it elsewhere\n"
        )
        assert running.wait(timeout=10) == 74


@pytest.mark.parametrize("command", [("status",), ("export", "alice", "heart_rate")])
def test_output_that_goes_nowhere_is_said(collected: Desk, command: tuple[str, ...]) -> None:
    shell = ("sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM)
    said = collected.type(*command, program=shell)
    quiet(said, 74, "error: the output cannot be written: Bad file descriptor.")


def test_a_command_without_output_does_not_miss_it(collected: Desk) -> None:
    shell = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *PROGRAM)
    assert collected.type("rebuild", "alice", program=shell) == Said(0, "", "")


# init


def test_init_writes_an_example_once_and_never_again(desk: Desk) -> None:
    for args, path in (
        ((), desk.folder / ".config" / "fitbitd" / "fitbitd.toml"),
        (("--output", "mine.toml"), desk.folder / "mine.toml"),
    ):
        said = desk.type("init", *args)
        assert (said.code, said.out) == (0, ""), said
        assert "fitbitd authorize" in said.err
        path.write_text(f"# mine\n{path.read_text()}")
        before = path.read_bytes()
        desk.type("init", *args).refused(78, "is there already; it was not touched")
        assert path.read_bytes() == before


def test_init_can_write_to_stdout(desk: Desk) -> None:
    said = desk.type("init", "--output", "-")
    assert (said.code, said.err) == (0, "")
    assert '\nprovider = "google_health"\n' in said.out


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (
            "google_health",
            (
                'enable "Google Health API"',
                "user type External",
                '"Data Access"',
                'type "Desktop app"',
                "test user",
                "ends after 7 days",
                "consent once more",
                '"Advanced", "Go to ..."',
                "account that the watch syncs to",
                "ACCOUNT_NOT_LINKED",
                "https://developers.google.com/health/setup",
            ),
        ),
        ("fitbit", ("410 Gone", "https://dev.fitbit.com/apps", "continues")),
    ],
)
def test_init_shows_a_newcomer_the_way_and_a_file_that_loads(
    desk: Desk, provider: str, words: tuple[str, ...]
) -> None:
    said = desk.type("init", "--provider", provider, "--output", "new.toml")
    assert (said.code, said.out) == (0, ""), said
    for word in words:
        assert word in said.err
    (account,) = load(desk.folder / "new.toml", DATA_TYPES).accounts
    assert account.provider == provider


def test_no_default_of_a_newcomer_is_a_provider_that_is_gone(desk: Desk) -> None:
    desk.type("init", "--provider", "garmin").refused(64, "invalid choice: 'garmin'")
    said = desk.type("init")
    assert "Google wants an app of your own" in said.err


def test_the_tests_run_the_program_of_this_folder() -> None:
    assert Path(cli.__file__).is_relative_to(Path(__file__).parents[2]), sys.path
