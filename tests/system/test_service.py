"""fitbitd under a real systemd, from the .deb: the life of a service on one Pi, in order."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fitbitd.store.index import PAGE_BYTES
from tests.system.box import until
from tests.system.pi import CONFIG, STATE, Pi

STOPS_WITHIN_S = 5.0
ALICE = f"/{STATE}/alice"
SECRET = "/etc/fitbitd/alice.client_secret"
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes it slow")

PROVIDER = """\
[Service]
ExecStart=/usr/bin/fitbitd simulate --provider fitbit --consent allow --history-days 2
DynamicUser=yes
[Install]
WantedBy=multi-user.target
"""
BOB = """\
[[account]]
name = "bob"
provider = "fitbit"
client_id = "23SIMU"
client_secret_file = "bob.client_secret"
poll_every = "5s"
data_types = ["daily_steps", "sleep"]

[provider.fitbit]
authorize_url = "http://127.0.0.1:8189/oauth2/authorize"
token_url = "http://127.0.0.1:8189/oauth2/token"
revoke_url = "http://127.0.0.1:8189/oauth2/revoke"
api_url = "http://127.0.0.1:8189"
"""


@pytest.fixture(scope="module")
def pi(new_pi: Callable[[], Pi]) -> Pi:
    pi = new_pi()
    pi.consent()
    return pi


def test_once_enabled_it_is_ready_and_collects_all_there_is(pi: Pi) -> None:
    pi.systemctl("enable", "--now", "fitbitd")
    assert pi.running
    pi.holds_the_truth()
    until(lambda: "1 of 1 accounts well" in pi.shown("StatusText"), pi.journal)
    assert pi.shown("NRestarts") == "0"


def test_the_journal_answers_by_event_and_field(pi: Pi) -> None:
    (started,) = pi.events("daemon.started")
    assert (started["PRIORITY"], started["_SYSTEMD_UNIT"]) == ("6", "fitbitd.service")
    assert started["SYSLOG_IDENTIFIER"] == "fitbitd"
    first, *_ = pi.events("pass.finished")
    assert (first["FITBITD_ACCOUNT"], first["FITBITD_OUTCOME"]) == ("alice", "ok")


def test_a_reload_takes_a_good_file_and_keeps_the_old_one_beside_a_bad_one(pi: Pi) -> None:
    pid = pi.shown("MainPID")
    pi.configure(poll_every="6s")
    pi.systemctl("reload", "fitbitd")
    until(lambda: len(pi.events("config.reloaded")) == 1, pi.journal)
    good = (pi.box.root / CONFIG.lstrip("/")).read_text("utf-8")
    pi.box.write(CONFIG, good.replace("poll_every", "pol_every"))
    pi.systemctl("reload", "fitbitd")
    until(lambda: len(pi.events("config.rejected")) == 1, pi.journal)
    pi.configure()
    assert (pi.shown("MainPID"), pi.shown("NRestarts")) == (pid, "0")


def test_while_it_reads_its_configuration_systemd_knows_that_it_reloads(pi: Pi) -> None:
    pi.box.run("rm", CONFIG)
    pi.box.run("mkfifo", CONFIG)  # so the reading lasts until somebody writes
    pi.systemctl("reload", "--no-block", "fitbitd")
    until(lambda: pi.shown("ActiveState") == "reloading", pi.journal)
    pi.box.run("sh", "-c", f"echo none >{CONFIG}")
    until(lambda: pi.running, pi.journal)
    pi.box.run("rm", CONFIG)
    pi.configure()


def test_what_another_unit_serves_is_collected_once_a_reload_names_it(pi: Pi) -> None:
    """The simulator of the same package is the provider of a second account."""
    pi.box.write("/etc/systemd/system/provider.service", PROVIDER)
    pi.systemctl("daemon-reload")
    pi.systemctl("enable", "--now", "provider")
    pi.box.run("sh", "-c", "umask 077; echo simulated-secret >/etc/fitbitd/bob.client_secret")
    pi.box.run("chown", "fitbitd:", "/etc/fitbitd/bob.client_secret")
    pi.configure(more=BOB)
    until(lambda: "8189" in pi.box.run("journalctl", "-u", "provider").stdout)
    pi.consent("fitbitd", "authorize", "bob")
    pi.systemctl("reload", "fitbitd")
    until(lambda: "2 of 2 accounts well" in pi.shown("StatusText"), pi.journal)
    days = "SELECT count(*) FROM daily WHERE value > 0"
    until(lambda: sum(pi.ask(days, "bob")) > 0, pi.journal)
    pi.configure()
    pi.systemctl("reload", "fitbitd")
    until(lambda: "1 of 1 accounts well" in pi.shown("StatusText"), pi.journal)
    pi.systemctl("disable", "--now", "provider")


def test_killed_it_comes_back_and_collects(pi: Pi) -> None:
    pi.systemctl("kill", "-s", "KILL", "fitbitd")
    until(lambda: pi.restarted(1), pi.journal)
    pi.collects()


@needs_strace
def test_a_dead_event_loop_is_noticed_though_its_threads_go_on(pi: Pi) -> None:
    """Only the loop's own thread hangs: it is held where it would wait the next time."""
    pi.drop_in("watchdog", "[Service]\nWatchdogSec=6s\nTimeoutAbortSec=1s\n")
    pi.systemctl("restart", "fitbitd")
    hold = "inject=/^epoll_p?wait2?$:delay_enter=3600s"
    pi.box.run("systemd-run", "--unit=hold", "strace", "-p", pi.shown("MainPID"), "-e", hold)
    until(lambda: "Watchdog timeout" in pi.journal(), pi.journal)
    pi.systemctl("kill", "-s", "KILL", "hold")
    until(lambda: pi.restarted(1), pi.journal)
    pi.drop_in("watchdog", "")
    pi.systemctl("restart", "fitbitd")


def test_it_stops_within_five_seconds_and_leaves_the_index_readable(pi: Pi) -> None:
    assert pi.stop() < STOPS_WITHIN_S
    assert not list((pi.state / "alice").glob("index.sqlite-*"))  # a member of the group can read
    pi.box.run("fitbitd", "verify", "alice", "--compare")


@contextmanager
def slow(pi: Pi, calls: str, path: str) -> Iterator[None]:
    """Have a daemon that polls nothing of its own accord rebuild, with slow `calls` on `path`."""
    pi.configure(poll_every="1h")
    pi.systemctl("start", "fitbitd")
    calls_made = pi.start_slowly("slow", f"inject={calls}", path, "-p", pi.shown("MainPID"))
    until(lambda: calls_made.exists() and pi.is_traced(), pi.journal)
    pi.box.run("systemd-run", "--unit=asked", "--collect", "fitbitd", "rebuild", "alice")
    until(lambda: calls_made.read_text().count("(DELAYED)") > 2, pi.journal)
    yield
    until(lambda: pi.systemctl("list-units", "--plain", "-q", "slow.*", "asked.*") == "")
    pi.configure()


@needs_strace
@pytest.mark.parametrize("piece", ["first", "last"])
def test_it_stops_as_quickly_in_the_longest_pieces_of_a_rebuild(pi: Pi, piece: str) -> None:
    """Nobody knows beforehand how long the archive takes to look through, or the index to copy."""
    archive = max((pi.state / "alice" / "archive").rglob("*.gz"))
    calls, path = {
        "first": ("read:delay_enter=500ms", f"{ALICE}/{archive.relative_to(pi.state / 'alice')}"),
        "last": ("pwrite64:delay_enter=40ms", f"{ALICE}/index.sqlite-wal"),
    }[piece]
    with slow(pi, calls, path):
        assert pi.stop() < STOPS_WITHIN_S
    assert "made anew" not in pi.box.run("journalctl", "-u", "asked").stdout
    pi.box.run("fitbitd", "verify", "alice", "--compare")


@needs_strace
def test_it_stops_as_quickly_beside_a_backup_which_ctrl_c_ends(pi: Pi) -> None:
    pi.systemctl("start", "fitbitd")
    part = "/srv/copy/alice/index.sqlite.part"
    calls = "inject=pwrite64:delay_enter=100ms"
    backup = ("fitbitd", "backup", "/srv/copy")
    written = pi.start_slowly("backup", calls, part, *backup)
    until(lambda: written.exists() and "(DELAYED)" in written.read_text(), pi.journal)
    assert pi.stop() < STOPS_WITHIN_S
    pi.box.run("systemctl", "kill", "-s", "INT", "backup")
    until(lambda: "backup" not in pi.systemctl("list-units", "--plain", "-q", "backup.*"))
    copy = pi.box.root / "srv/copy/alice/index.sqlite"
    assert not copy.exists()
    pi.box.run(*backup)
    pages = copy.stat().st_size // PAGE_BYTES
    assert written.read_text().count("(DELAYED)") < pages  # so it ended in the middle
    pi.systemctl("start", "fitbitd")


def test_a_secret_may_be_encrypted_on_the_card_for_the_service_and_for_a_command(pi: Pi) -> None:
    """Consent that has ended is given again meanwhile: collecting goes on by itself."""
    sealed = f"{SECRET}.cred"
    seal = ("systemd-creds", "encrypt", "--with-key=host", "--name=alice.client_secret")
    pi.box.run(*seal, SECRET, sealed)
    pi.box.run("rm", SECRET)
    handed = f"LoadCredentialEncrypted=alice.client_secret:{sealed}"
    pi.drop_in("secret", f"[Service]\nLoadCredential=\n{handed}\n")
    pi.systemctl("restart", "fitbitd")
    pid = pi.shown("MainPID")
    pi.simulator.revoke()
    until(lambda: "authorization_needed" in pi.shown("StatusText"), pi.journal)
    unseen = pi.box.run("fitbitd", "authorize", "alice", check=False).stderr
    assert "systemd-run" in unseen
    as_service = ("-p", "User=fitbitd", "-p", handed)
    run = ("systemd-run", "--quiet", "--collect", "--pipe", *as_service)
    pi.consent(*run, "fitbitd", "authorize", "alice")
    pi.collects()
    pi.holds_the_truth()
    assert (pi.shown("MainPID"), pi.conditions()) == (pid, [])
