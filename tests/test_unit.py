"""The systemd unit: what it promises, and that systemd understands it."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "fitbitd.service"
SYSUSERS = UNIT.parent / "sysusers.d" / "fitbitd.conf"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd here"
)
PROMISES = {
    "Unit": {"StartLimitIntervalSec": "0"},
    "Service": {
        "Type": "notify",
        "ExecReload": "/bin/kill -HUP $MAINPID",
        "User": "fitbitd",
        "StateDirectory": "fitbitd",
        "StateDirectoryMode": "0750",
        "RuntimeDirectory": "fitbitd",
        "RuntimeDirectoryMode": "0750",
        "Restart": "always",
        "RestartSec": "5s",
        "RestartPreventExitStatus": "78",
        "WatchdogSec": "90s",
        "TimeoutStopSec": "15s",
    },
    "Install": {"WantedBy": "multi-user.target"},
}


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=["="], comment_prefixes=["#"], strict=False
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys keep their case
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("section", PROMISES)
def test_the_unit_keeps_its_promises(section: str) -> None:
    assert PROMISES[section].items() <= dict(unit()[section]).items()


def test_a_start_waits_for_no_network_and_no_clock() -> None:
    assert not {"network-online.target", "time-sync.target"} & set(
        " ".join(unit()["Unit"].values()).split()
    )


def test_the_unit_runs_the_daemon() -> None:
    assert unit()["Service"]["ExecStart"].split() == ["/usr/bin/fitbitd", "run"]


def test_the_credentials_in_the_comments_have_the_name_that_is_looked_for() -> None:
    names = re.findall(
        r"(?m)^#LoadCredential(?:Encrypted)?=([^:]+):", UNIT.read_text(encoding="utf-8")
    )
    assert names == ["alice.client_secret", "alice.client_secret"]


def test_it_leaves_room_on_the_smallest_pi() -> None:
    megabytes = {
        key: unit()["Service"][key].removesuffix("M") for key in ("MemoryHigh", "MemoryMax")
    }
    assert 2 * 63 <= int(megabytes["MemoryHigh"]) < int(megabytes["MemoryMax"]) <= 512 // 2


def test_the_user_of_the_unit_is_the_one_that_sysusers_makes() -> None:
    lines = SYSUSERS.read_text(encoding="utf-8").splitlines()
    (made,) = (shlex.split(line) for line in lines if not line.startswith("#"))
    service = unit()["Service"]
    assert made[:2] == ["u", service["User"]]
    assert made[4] == f"/var/lib/{service['StateDirectory']}"


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = tmp_path / "fitbitd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / "fitbitd.service"
    text = UNIT.read_text(encoding="utf-8").replace("#LoadCredential", "LoadCredential")
    copy.write_text(text.replace("/usr/bin/fitbitd", str(program)))
    assert analyze("verify", "--man=no", str(copy)) == (0, "")


@needs_systemd
def test_the_sandbox_leaves_little_exposed() -> None:
    code, said = analyze("security", "--offline=true", "--threshold=12", str(UNIT))
    assert code == 0, said


def analyze(*args: str) -> tuple[int, str]:
    """Run systemd-analyze; give its exit code and its words."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout
