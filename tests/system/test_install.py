"""What a package does to a Pi, and who may read what, in the order of a Pi's life."""

import json
import shutil
from collections.abc import Callable

import pytest

from tests.system.box import until
from tests.system.pi import STATE, Pi

ALICE = f"/{STATE}/alice"
COUNT = "SELECT count(*) FROM reading"
PYTHON = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[2]).execute(sys.argv[3]).fetchone())"
SHELL = ["sqlite3"] if shutil.which("sqlite3") else ["/usr/bin/python3", "-c", PYTHON]

NEWER = """
dpkg-deb -R /mnt/share/fitbitd.deb /root/newer
sed -i 's/^Version: .*/&+newer/' /root/newer/DEBIAN/control
dpkg-deb -Znone --root-owner-group --build /root/newer /root/newer.deb
"""
BY_HAND = """
/usr/bin/python3 -m venv --without-pip /opt/fitbitd
dpkg-deb -x /mnt/share/fitbitd.deb /root/unpacked
cp -r /root/unpacked/usr/lib/fitbitd/. /opt/fitbitd/lib/python3.*/site-packages/
cat >/opt/fitbitd/bin/fitbitd <<END
#!/opt/fitbitd/bin/python
import sys
from fitbitd.__main__ import main
sys.exit(main())
END
chmod 755 /opt/fitbitd/bin/fitbitd
"""
"""What pip would do: a virtual environment with what lies in the package."""


@pytest.fixture(scope="module")
def pi(new_pi: Callable[[], Pi]) -> Pi:
    return new_pi()


def owned(pi: Pi) -> list[str]:
    """Give owner, mode and name of everything in the state directory."""
    return pi.box.run("find", f"/{STATE}", "-printf", "%u:%g %m %P\\n").stdout.splitlines()


def test_consent_that_root_takes_on_a_fresh_pi_belongs_to_the_service(pi: Pi) -> None:
    pi.consent()
    assert {line.split()[0] for line in owned(pi)} == {"fitbitd:fitbitd"}
    assert "fitbitd:fitbitd 600 alice/token.json" in owned(pi)


def test_members_of_the_group_read_the_index_while_it_is_written_and_others_nothing(
    pi: Pi,
) -> None:
    def as_nobody(group: str, *command: str) -> int:
        who = ("setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "--")
        return pi.box.run(*who, *command, check=False).returncode

    pi.systemctl("enable", "--now", "fitbitd")
    until(lambda: pi.readings > 0, pi.journal)
    read = (*SHELL, "-readonly", f"{ALICE}/index.sqlite", COUNT)
    seen = pi.passes
    until(lambda: as_nobody("fitbitd", *read) != 0 or pi.passes > seen, pi.journal)
    assert as_nobody("fitbitd", *read) == 0
    assert as_nobody("nogroup", *read) != 0
    for group in ("fitbitd", "nogroup"):
        assert as_nobody(group, "cat", f"{ALICE}/token.json") != 0
        assert as_nobody(group, "ls", f"{ALICE}/archive") != 0
        assert as_nobody(group, "test", "-w", "/run/fitbitd/control.sock") != 0
    assert as_nobody("fitbitd", "cat", "/run/fitbitd/standing.json") == 0
    assert as_nobody("nogroup", "ls", "/run/fitbitd") != 0


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
    pi.box.run("apt-get", "remove", "-y", "fitbitd")
    assert pi.shown("ActiveState") == "inactive"
    assert pi.kept().items() >= kept.items()
    assert not (pi.box.root / "usr/lib/fitbitd").exists()
    assert not list((pi.box.root / "etc/systemd/system").rglob("*.wants/fitbitd.service"))


def test_a_purge_asks_nothing_and_leaves_nothing_but_the_user(pi: Pi) -> None:
    pi.box.run("apt-get", "purge", "-y", "fitbitd")  # nobody is there to answer a question
    assert not (pi.box.root / STATE).exists()
    assert not (pi.box.root / "etc/fitbitd").exists()
    assert pi.box.run("id", "fitbitd").stdout


def test_without_the_package_a_virtual_environment_becomes_the_same_service(pi: Pi) -> None:
    pi.box.run("userdel", "fitbitd")  # nothing is left of the package now
    pi.box.run("bash", "-ec", BY_HAND)
    pi.box.run("/opt/fitbitd/bin/fitbitd", "check", "--install-unit")
    pi.box.run("ln", "-s", "/opt/fitbitd/bin/fitbitd", "/usr/local/bin/")
    pi.box.run("fitbitd", "init", "--system")
    pi.set_up()
    pi.consent()
    assert {line.split()[0] for line in owned(pi)} == {"fitbitd:fitbitd"}
    pi.systemctl("enable", "--now", "fitbitd")
    assert pi.running, pi.journal()
    assert "/opt/fitbitd/bin/fitbitd" in pi.shown("ExecStart")
    pi.holds_the_truth()
    said = pi.box.run("fitbitd", "check", "--offline", "--json", check=False).stdout
    found = {look["code"]: look["found"] for look in map(json.loads, said.splitlines())}
    assert (found["unit"], found["client_secret"]) == ("ok", "ok")
