"""The man page and the completion: all of the command line, in words that man and bash take."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fitbitd import cli
from fitbitd.manual import bash_completion, man_page
from tests.support.cli import environment


def parsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}


def completed(*typed: str) -> set[str]:
    """Give what bash offers where the last word is being typed."""
    script = (
        bash_completion()
        + 'COMP_WORDS=(fitbitd "$@"); COMP_CWORD=$#; _fitbitd; echo ${COMPREPLY[@]}'
    )
    order = ["bash", "--norc", "-c", script, "bash", *typed]
    done = subprocess.run(order, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def section(name: str) -> str:
    return man_page().partition(f".SS {name}\n")[2].partition("\n.S")[0]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_option_of_every_command_is_in_both(name: str) -> None:
    flags = options(parsers()[name])
    assert flags
    assert {flag for flag in flags if flag.startswith("-")} <= completed(name, "-")
    told = section(name).replace("\\-", "-")
    for flag in flags:
        assert f"\\fB{flag}\\fR" in told, flag


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_commands_and_what_there_is_to_choose_from() -> None:
    assert set(cli.COMMANDS) <= completed("")
    assert completed("bac") == {"backfill", "backup"}
    assert completed("export", "--format", "") == {"csv", "jsonl"} | completed(
        "export", "--format", "parq"
    )
    assert "--config" in completed("status", "--c")
    assert completed("status", "--config", "/x/") == set()  # files, which bash knows itself


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_laid_out_without_complaint(tmp_path: Path) -> None:
    page = tmp_path / "fitbitd.1"
    page.write_text(man_page(), encoding="utf-8")
    order = ["groff", "-man", "-ww", "-Tutf8", str(page)]
    done = subprocess.run(order, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "fitbitd demo" in done.stdout


def test_nothing_of_the_text_is_taken_for_a_request() -> None:
    known = {".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi"}
    requests = {line.split()[0] for line in man_page().splitlines() if line[:1] in {".", "'"}}
    assert requests <= known


def test_both_can_be_had_without_a_package(tmp_path: Path) -> None:
    order = [sys.executable, "-m", "fitbitd.manual", "bash"]
    env = environment(tmp_path)
    done = subprocess.run(order, capture_output=True, text=True, check=True, env=env)
    assert done.stdout == bash_completion()
    done = subprocess.run(order[:-1], capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "manual man" in done.stderr
