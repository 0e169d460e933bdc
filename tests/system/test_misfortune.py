"""What happens to a Pi that nobody looks after: power, network, clock and disk fail, one by one."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fitbitd.simulator import Fault
from tests.system.box import until
from tests.system.pi import STATE, Pi

DAYS = 20
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@pytest.fixture(scope="module")
def pi(new_pi: Callable[..., Pi]) -> Pi:
    pi = new_pi(history_days=DAYS)
    pi.consent()
    return pi


def test_after_a_power_cut_it_is_back_by_itself_without_a_network_and_nothing_is_lost(
    pi: Pi,
) -> None:
    begin = pi.wearer.member_since - timedelta(days=1)
    pi.configure(more=f"backfill_from = {begin}")
    # Sleep is kept back until then, so that the cut is in the middle however fast all is.
    pi.simulator.faults.add(Fault(kind="json_error", path="/sleep/", count=None))
    pi.systemctl("enable", "fitbitd")
    pi.box.run("sync")  # the set-up is older than the power cut
    pi.systemctl("start", "fitbitd")
    until(lambda: pi.readings > 0, pi.journal)
    held = pi.readings
    pi.box.cut_power()
    pi.simulator.faults.clear()
    pi.network.unplug()
    asked = pi.simulator.requests_seen
    pi.box.start()
    assert pi.running, pi.journal()  # nobody started it
    until(lambda: pi.readings >= held, pi.journal)  # from the archive: the provider says nothing
    until(lambda: "provider_unreachable" in pi.shown("StatusText"), pi.journal)
    assert pi.simulator.requests_seen == asked
    assert pi.lacks()  # so it was in the middle


def test_when_the_network_comes_the_backfill_goes_on_and_comes_to_the_truth(pi: Pi) -> None:
    pi.network.plug_in()
    pi.holds_the_truth()
    pi.box.run("fitbitd", "verify", "alice", "--compare")
    assert pi.simulator.oauth.counts.refreshes_refused == 0


@pytest.mark.skipif(FAKETIME is None, reason="another time for one service needs libfaketime")
def test_at_1970_it_is_ready_asks_nothing_and_collects_once_the_clock_is_set(pi: Pi) -> None:
    token = (pi.state / "alice" / "token.json").read_bytes()
    now_s = int(pi.simulator.clock.now().timestamp())
    pi.box.write("/etc/clock", f"-{now_s}")
    pi.drop_in(
        "clock",
        f"[Service]\nEnvironment=LD_PRELOAD={FAKETIME} FAKETIME_TIMESTAMP_FILE=/etc/clock"
        " FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1",
    )
    pi.systemctl("stop", "fitbitd")
    asked = pi.simulator.requests_seen
    pi.systemctl("start", "fitbitd")
    until(lambda: "clock_wrong" in pi.shown("StatusText"), pi.journal)
    assert pi.simulator.requests_seen == asked
    assert (pi.state / "alice" / "token.json").read_bytes() == token
    pi.box.write("/etc/clock", "+0")
    pi.collects()
    assert pi.simulator.oauth.counts.refreshes_refused == 0
    pi.drop_in("clock", "")
    pi.systemctl("restart", "fitbitd")


def test_a_full_disk_is_said_and_work_goes_on_when_there_is_room(pi: Pi) -> None:
    disk = os.statvfs(pi.box.root)
    most = disk.f_bavail * disk.f_frsize - (8 << 20)
    pi.box.run("fallocate", "-l", str(most), "/srv/most")
    pi.box.run("chmod", "1777", "/srv")
    as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
    rest = pi.box.run(*as_nobody, "dd", "if=/dev/zero", "of=/srv/rest", "bs=4k", check=False)
    assert "No space left" in rest.stderr
    until(lambda: "disk_full" in pi.shown("StatusText"), pi.journal)
    assert "disk_full" in pi.conditions()  # the same word, where no index can hold it
    pi.box.run("rm", "/srv/most", "/srv/rest")
    pi.collects()
    until(lambda: "1 of 1 accounts well" in pi.shown("StatusText"), pi.journal)
    assert not list((pi.box.root / STATE).rglob("*.torn-*"))
    pi.box.run("fitbitd", "verify", "alice", "--compare")
