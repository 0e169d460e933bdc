"""The systemd unit: what it promises, and that systemd understands it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "fitbitd.service"
PROMISES = {
    "Unit": {"StartLimitIntervalSec": "0"},
    "Service": {
        "Type": "notify",
        "ExecReload": "/bin/kill -HUP $MAINPID",
        "User": "fitbitd",
        "StateDirectory": "fitbitd",
        "StateDirectoryMode": "0750",
        "Restart": "always",
        "RestartSec": "5s",
        "RestartPreventExitStatus": "78",
        "WatchdogSec": "90s",
        "TimeoutStopSec": "15s",
    },
    "Install": {"WantedBy": "multi-user.target"},
}


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=["="], comment_prefixes=["#"])
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


def test_the_credential_in_the_comment_has_the_name_that_is_looked_for() -> None:
    names = re.findall(r"(?m)^#LoadCredential=([^:]+):", UNIT.read_text(encoding="utf-8"))
    assert names == ["alice.client_secret"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = tmp_path / "fitbitd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / "fitbitd.service"
    text = UNIT.read_text(encoding="utf-8").replace("#LoadCredential=", "LoadCredential=")
    copy.write_text(text.replace("/usr/bin/fitbitd", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
