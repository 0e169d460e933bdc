"""Settings that cannot be: one clear error with the remedy, and nothing is touched."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest

from tests.support.cli import Desk, Said

NOBODY = 65_534
AS_NOBODY = """
import asyncio.base_events, ctypes, encodings.idna, encodings.utf_8_sig, importlib.readers
import os, statistics, sys
import anyio._backends._asyncio, certifi, httpcore
from fitbitd.cli import main  # before: the interpreter itself may be out of another user's reach
os.setgroups([])
os.setresgid({0}, {0}, {0})
os.setresuid({0}, {0}, {0})
sys.exit(main())
"""
PULL = ("pull", "--from", "2018-09-01", "--to", "2018-09-01")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


def as_nobody(desk: Desk, *args: str) -> Said:
    """Run a command as a user to whom nothing belongs."""
    for folder in (desk.folder, *desk.folder.parents):
        if folder.owner() == "root" and folder.is_relative_to("/tmp/"):  # noqa: S108 - pytest's own
            folder.chmod(0o755)
    certificates = desk.folder / "certificates.pem"
    shutil.copyfile(certifi.where(), certificates)
    program = (sys.executable, "-c", AS_NOBODY.format(NOBODY))
    return desk.type(*args, program=program, env={"SSL_CERT_FILE": str(certificates)})


def give(folder: Path, user: int) -> None:
    """Have a folder and all in it belong to a user."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)


def change(desk: Desk, old: str, new: str) -> None:
    text = desk.config.read_text()
    assert old in text
    desk.config.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda desk: change(desk, "client_id =", "poll_evry = '15m'\nclient_id ="),
            ('poll_evry: this key is unknown to this version; did you mean "poll_every"?',),
        ),
        (
            lambda desk: change(desk, "client_id =", "poll_every = 15\nclient_id ="),
            ("poll_every: must be a number and a unit in quotes", "not 15"),
        ),
        (
            lambda desk: change(desk, 'client_id = "23SIMU"', "client_idd = 1\npoll_every = true"),
            ("3 problems", "client_id: is missing", "client_idd: ", "poll_every: "),
        ),
        (
            lambda desk: change(desk, 'client_secret_file = "secret"\n', ""),
            ("alice: there is no client secret.", "FITBITD_ALICE_CLIENT_SECRET"),
        ),
        (
            lambda desk: (desk.folder / "secret").unlink(),
            ("cannot read the client secret in", "no such file"),
        ),
        (
            lambda desk: (desk.folder / "secret").write_bytes(b"\xff\xfe"),
            ("cannot read the client secret in", "it is not text"),
        ),
        (lambda desk: desk.config.unlink(), ("cannot read", "no such file", "fitbitd init")),
        (lambda desk: desk.config.write_text("state_dir = /var"), ("is not TOML", "line 1")),
        (lambda desk: desk.config.write_bytes(b"# \xe4\n"), ("line 1 is not UTF-8 text",)),
        (
            lambda desk: change(desk, '"state"', '"missing/below/state"'),
            ("missing/below/state cannot be made", "correct state_dir"),
        ),
    ],
    ids=[
        "unknown key",
        "wrong type",
        "several at once",
        "no secret",
        "missing secret file",
        "secret that is no text",
        "missing file",
        "no TOML",
        "no text",
        "no place for the state",
    ],
)
def test_settings_that_cannot_be_are_refused(
    collected: Desk, spoil: Callable[[Desk], object], words: tuple[str, ...]
) -> None:
    spoil(collected)
    before = collected.contents()
    collected.type(*PULL).refused(78, *words)
    assert collected.contents() == before


def test_the_daemon_refuses_them_as_pull_does(collected: Desk) -> None:
    change(collected, "client_id", "client_idd")
    collected.type("run").refused(78, 'did you mean "client_id"?')
    change(collected, "client_idd", "client_id")
    (collected.folder / "secret").unlink()
    said = collected.type("run")
    said.refused(78, "none of the accounts can be started")
    assert "cannot read the client secret" in said.err


@needs_root
@pytest.mark.parametrize("name", ["fitbitd.toml", "secret"])
def test_a_file_that_may_not_be_read_is_named(collected: Desk, name: str) -> None:
    give(collected.folder, NOBODY)
    os.chown(collected.folder / name, 0, 0)
    (collected.folder / name).chmod(0)
    as_nobody(collected, *PULL).refused(78, str(collected.folder / name), "permission denied")


@needs_root
@pytest.mark.parametrize("command", [PULL, ("revoke", "alice")])
def test_a_token_file_of_somebody_else_is_left_alone(
    collected: Desk, command: tuple[str, ...]
) -> None:
    give(collected.folder, NOBODY)
    os.chown(collected.token, 12_345, 12_345)
    before = collected.token.read_bytes()
    as_nobody(collected, *command).refused(78, str(collected.token), f"user {NOBODY}")
    collected.token.chmod(0o644)  # readable, and all the same not ours
    as_nobody(collected, *command).refused(78, "belongs to user 12345", f"chown {NOBODY}")
    assert collected.token.read_bytes() == before


@needs_root
@pytest.mark.parametrize(
    "command",
    [PULL, ("export", "alice", "steps"), ("rebuild", "alice")],
)
def test_a_state_directory_of_somebody_else_is_left_alone(
    collected: Desk, command: tuple[str, ...]
) -> None:
    os.chown(collected.folder / "secret", NOBODY, NOBODY)
    collected.account_dir.parent.chmod(0o700)
    said = as_nobody(collected, *command)
    said.refused(78, str(collected.account_dir), f"uid {NOBODY}", "belongs to uid 0", "chown")


@needs_root
def test_status_tells_what_it_may_not_see(collected: Desk) -> None:
    collected.account_dir.parent.chmod(0o700)
    said = as_nobody(collected, "status")
    assert said.code == 78
    assert "error: permission since" in said.out
    assert "Traceback" not in said.err
    assert "belongs to uid 0" in said.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("pull", "--from", "2026-02-30"), "'2026-02-30' is no day; write it as 2026-03-01"),
        (("pull", "--from", "2026-02-03", "--to", "2026-02-01"), "swap them"),
        (("pull", "--data-type", "stepz"), "there is no data type 'stepz'"),
        (("pull", "bob"), "there is no account 'bob'"),
        (("export", "alice"), "the following arguments are required: DATA_TYPE"),
        (("export", "alice", "stepz"), "use one of profile, devices, heart_rate, steps,"),
        (("export", "bob", "steps"), "Next: use one of alice"),
        (("demo", "--for", "soon"), "'soon' is no time; write it as 60s, 5m or 1h"),
        (("simulate", "--port", "70000"), "'70000' is no whole number from 0 to 65535"),
        (("simulate", "--sync-every-s", "0"), "'0' is no whole number from 1 to"),
        (("simulate", "--zone", "Europe"), "'Europe' is no time zone"),
        (("query", "SELECT wrong"), "SQLite cannot do that: no such column: wrong"),
        (("query", "DELETE FROM reading"), "nothing can be changed from here"),
        (("query", "SELECT 1; SELECT 2"), "one statement at a time"),
        (("query", "ATTACH 'x' AS y"), "not authorized"),
    ],
)
def test_a_command_that_cannot_be_meant_so_exits_with_64(
    collected: Desk, args: tuple[str, ...], words: str
) -> None:
    before = collected.contents()
    collected.ask(*args).refused(64, words)
    assert collected.contents() == before


def test_an_unknown_command_exits_with_64(collected: Desk) -> None:
    collected.type("frobnicate").refused(64, "invalid choice: 'frobnicate'", "fitbitd --help")
