"""fitbitd under a real systemd, from the .deb: the life of a service on one Pi, in order."""

import shutil
from collections.abc import Callable

import pytest

from tests.system.box import until
from tests.system.pi import CONFIG, STATE, Pi

STOPS_WITHIN_S = 5.0
INDEX = f"/{STATE}/alice/index.sqlite"
TOKEN = f"/{STATE}/alice/token.json"
READ = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT 7').fetchone())"

NEWER = """
dpkg-deb -R /mnt/share/fitbitd.deb /root/newer
sed -i 's/^Version: .*/&+newer/' /root/newer/DEBIAN/control
dpkg-deb -Znone --root-owner-group --build /root/newer /root/newer.deb
"""


@pytest.fixture(scope="module")
def pi(new_pi: Callable[[], Pi]) -> Pi:
    return new_pi()


def test_consent_that_root_takes_on_a_fresh_pi_belongs_to_the_service(pi: Pi) -> None:
    pi.consent()
    owned = pi.box.run("find", f"/{STATE}", "-printf", "%u:%g %m %P\\n").stdout.splitlines()
    assert {line.split()[0] for line in owned} == {"fitbitd:fitbitd"}
    assert "fitbitd:fitbitd 600 alice/token.json" in owned


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
    pi.collects()
    assert (pi.shown("MainPID"), pi.shown("NRestarts")) == (pid, "0")


def test_killed_it_comes_back_and_collects(pi: Pi) -> None:
    pi.systemctl("kill", "-s", "KILL", "fitbitd")
    until(lambda: pi.restarted(1), pi.journal)
    pi.collects()


@pytest.mark.skipif(shutil.which("strace") is None, reason="a loop is held with strace")
def test_a_dead_event_loop_is_noticed_though_its_threads_go_on(pi: Pi) -> None:
    """Only the loop's own thread hangs: it is held where it would wait the next time."""
    pi.drop_in("watchdog", "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
    pi.systemctl("restart", "fitbitd")
    hold = "inject=/^epoll_p?wait2?$:delay_enter=3600s"
    pi.box.run("systemd-run", "--unit=hold", "strace", "-p", pi.shown("MainPID"), "-e", hold)
    until(lambda: "Watchdog timeout" in pi.journal(), pi.journal)
    pi.systemctl("kill", "-s", "KILL", "hold")
    until(lambda: pi.restarted(1), pi.journal)
    pi.drop_in("watchdog", "")
    pi.systemctl("restart", "fitbitd")
    pi.collects()


def test_it_stops_within_five_seconds_and_leaves_the_index_readable(pi: Pi) -> None:
    pi.collects()
    took = pi.box.run("bash", "-c", "TIMEFORMAT=%R; time systemctl stop fitbitd").stderr
    assert float(took) < STOPS_WITHIN_S
    assert pi.shown("Result") == "success"
    assert not list((pi.state / "alice").glob("index.sqlite-*"))  # a member of the group can read
    pi.box.run("fitbitd", "verify", "alice", "--compare")
    pi.systemctl("start", "fitbitd")


def test_a_member_of_the_group_reads_the_index_and_others_nothing(pi: Pi) -> None:
    pi.collects()

    def as_nobody(group: str, *command: str) -> int:
        who = ("setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "--")
        return pi.box.run(*who, *command, check=False).returncode

    read_index = ("/usr/bin/python3", "-c", READ, INDEX)
    assert as_nobody("fitbitd", *read_index) == 0
    assert as_nobody("nogroup", *read_index) != 0
    assert as_nobody("fitbitd", "cat", TOKEN) != 0
    assert as_nobody("nogroup", "cat", TOKEN) != 0
    assert as_nobody("fitbitd", "ls", "/run/fitbitd") != 0


def test_the_simulator_of_the_same_package_runs_as_a_unit_beside_it(pi: Pi) -> None:
    pi.box.run("systemd-run", "--unit=provider", "-p", "DynamicUser=yes", "fitbitd", "simulate")
    ask = "import urllib.request as u; u.urlopen('http://127.0.0.1:8189/_simulator/state').read()"
    answers = ("/usr/bin/python3", "-c", ask)
    until(lambda: pi.box.run(*answers, check=False).returncode == 0)
    pi.systemctl("stop", "provider")


def test_an_upgrade_keeps_everything_and_restarts_what_runs(pi: Pi) -> None:
    kept, pid = pi.kept(), pi.shown("MainPID")
    pi.box.run("bash", "-ec", NEWER)
    pi.box.run("dpkg", "--force-unsafe-io", "-i", "/root/newer.deb")
    assert pi.running
    assert pi.shown("MainPID") != pid
    assert pi.kept().items() >= kept.items()
    pi.collects()


def test_a_removal_stops_it_and_leaves_all_that_was_collected(pi: Pi) -> None:
    kept = pi.kept()
    pi.box.run("dpkg", "--remove", "fitbitd")
    assert pi.shown("ActiveState") == "inactive"
    assert pi.kept().items() >= kept.items()
    assert not (pi.box.root / "usr/lib/fitbitd").exists()
    assert not list((pi.box.root / "etc/systemd/system").rglob("*.wants/fitbitd.service"))


def test_a_purge_asks_nothing_and_leaves_nothing_but_the_user(pi: Pi) -> None:
    pi.box.run("dpkg", "--purge", "fitbitd")
    assert not (pi.box.root / STATE).exists()
    assert not (pi.box.root / "etc/fitbitd").exists()
    assert pi.box.run("id", "fitbitd").stdout
