"""`fitbitd check --install-unit`: what a program that did not come as a .deb needs as a service."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fitbitd.checkup import Machine
from fitbitd.commands.install import install_unit
from fitbitd.errors import OperatorError
from tests.support.cli import ROOT

PROGRAM = Path("/usr/bin/env")  # any that is there, and that the service would see
UNIT = "etc/systemd/system/fitbitd.service"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for folder in ("/run/systemd/system", "/etc", "/var/lib"):
        machine.at(folder).mkdir(parents=True)
    return machine


def install(machine: Machine, program: Path = PROGRAM) -> list[Sequence[str]]:
    """Install the unit; give the commands that were run."""
    done: list[Sequence[str]] = []
    install_unit(machine, program, done.append)
    return done


def test_the_unit_is_the_packages_but_for_the_program_that_it_runs(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    install(machine)
    packaged = (ROOT / "systemd" / "fitbitd.service").read_text("utf-8")
    unit = machine.at("/" + UNIT)
    assert unit.read_text("utf-8") == packaged.replace("=/usr/bin/fitbitd run", f"={PROGRAM} run")
    assert f"ExecStart={PROGRAM} run" in unit.read_text("utf-8")
    assert unit.stat().st_mode & 0o777 == 0o644
    said = capsys.readouterr().err
    assert f"wrote {unit}\n" in said
    assert "systemctl enable --now fitbitd\n" in said


def test_the_user_and_the_state_directory_are_made_and_nothing_is_started(machine: Machine) -> None:
    sysusers = machine.at("/etc/sysusers.d/fitbitd.conf")
    state = machine.at("/var/lib/fitbitd")
    reload = ("systemctl", "daemon-reload")
    make = ("install", "-d", "-o", "fitbitd", "-g", "fitbitd", "-m", "0750", str(state))
    assert install(machine) == [("systemd-sysusers", str(sysusers)), make, reload]
    known = (ROOT / "systemd" / "sysusers.d" / "fitbitd.conf").read_text("utf-8")
    assert sysusers.read_text("utf-8") == known
    state.mkdir()
    assert make not in install(machine)  # as after an upgrade


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/usr/bin/fitbitd", "the package has installed"),
        ("/opt/nowhere/bin/fitbitd", "there is no program"),
        ("/home/pi/.local/bin/fitbitd", "could not see it"),
    ],
)
def test_a_program_that_the_service_could_not_run_is_refused(
    machine: Machine, program: str, words: str
) -> None:
    with pytest.raises(OperatorError, match=words) as caught:
        install(machine, Path(program))
    assert "\nNothing was changed.\nNext: " in str(caught.value)
    assert not machine.at("/" + UNIT).exists()


@pytest.mark.parametrize("masked", ["/" + UNIT, "/etc/sysusers.d/fitbitd.conf"])
def test_a_link_is_not_written_through(machine: Machine, tmp_path: Path, masked: str) -> None:
    aim = tmp_path / "null"
    aim.touch(0o666)
    machine.at(masked).parent.mkdir(parents=True, exist_ok=True)
    machine.at(masked).symlink_to(aim)
    with pytest.raises(OperatorError, match=r"is a link.*\n.*\nNext: sudo systemctl unmask"):
        install(machine)
    assert aim.read_bytes() == b""


def test_a_machine_without_systemd_is_told_so(machine: Machine) -> None:
    machine.at("/run/systemd/system").rmdir()
    with pytest.raises(OperatorError, match="does not run systemd"):
        install(machine)
