"""fitbitd check --install-unit: the service, for a program that did not come as a .deb."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from fitbitd.checkup import Machine
from fitbitd.commands.common import say
from fitbitd.config import STATE_DIR
from fitbitd.errors import OperatorError
from fitbitd.store import disk

UNIT = "/etc/systemd/system/fitbitd.service"
SYSUSERS = "/etc/sysusers.d/fitbitd.conf"
_PACKAGED = "/usr/bin/fitbitd"
_UNSEEN = {"home", "root", "run", "tmp"}
"""Folders of / that the service does not see (ProtectHome=, PrivateTmp=), or that do not last."""

RunCommand = Callable[[Sequence[str]], None]


def install_unit(machine: Machine, program: Path, run: RunCommand) -> None:
    """Install the service that runs `program`; it is neither enabled nor started.

    Raises:
        OperatorError: it came with a package, the service could not see the program, or the
            machine refuses.
    """
    _check(machine, program)
    unit = _text("fitbitd.service").replace(f"ExecStart={_PACKAGED} ", f"ExecStart={program} ")
    for place, text in ((UNIT, unit), (SYSUSERS, _text("sysusers.conf"))):
        path = machine.at(place)
        with disk.telling(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
        say(f"wrote {path}")
    run(("systemd-sysusers", str(machine.at(SYSUSERS))))
    state_dir = machine.at(str(STATE_DIR))
    if not state_dir.exists():  # so that `sudo fitbitd authorize` knows whom to become
        run(("install", "-d", "-o", "fitbitd", "-g", "fitbitd", "-m", "0750", str(state_dir)))
    run(("systemctl", "daemon-reload"))
    say(
        f"Next: sudo {program} init --system\n"
        f"      sudo {program} authorize ACCOUNT\n"
        "      sudo systemctl enable --now fitbitd\n"
        "After an upgrade: the same again, then sudo systemctl restart fitbitd\n"
        "What differs on this machine belongs into: sudo systemctl edit fitbitd"
    )


def this_program() -> Path:
    """Give the `fitbitd` that belongs to the Python that runs this."""
    return Path(sys.executable).with_name("fitbitd")


def run_command(command: Sequence[str]) -> None:
    """Run a command of this machine.

    Raises:
        OperatorError: it failed.
    """
    try:
        subprocess.run(command, check=True)  # noqa: S603 - written above
    except (OSError, subprocess.CalledProcessError) as err:
        raise OperatorError(
            f"{' '.join(command)} failed: {err}\nNext: put that right, then the same again"
        ) from err


def _check(machine: Machine, program: Path) -> None:
    python = program.with_name("python").resolve()
    places = (program, program.resolve(), python)
    unseen = next((path for path in places if set(path.parts[1:2]) & _UNSEEN), None)
    link = next((path for path in map(machine.at, (UNIT, SYSUSERS)) if path.is_symlink()), None)
    if not machine.at("/run/systemd/system").exists():
        problem, todo = "this machine does not run systemd", "start fitbitd run by other means"
    elif link is not None:
        problem = f"{link} is a link, as `systemctl mask fitbitd` makes it"
        todo = f"sudo systemctl unmask fitbitd, or: sudo rm {link}"
    elif str(program) == _PACKAGED:
        problem = "the package has installed the service already"
        todo = "sudo systemctl enable --now fitbitd"
    elif unseen is not None:
        problem = f"{unseen} lies where the service could not see it"
        todo = "install fitbitd elsewhere: sudo /usr/bin/python3 -m venv /opt/fitbitd"
    elif not program.exists():
        problem = f"there is no program {program}"
        todo = "install fitbitd as the README shows under `Run it`"
    elif not os.access(machine.at("/etc"), os.W_OK):
        problem, todo = "only root can install a service", f"sudo {program} check --install-unit"
    else:
        return
    raise OperatorError(f"{problem}.\nNothing was changed.\nNext: {todo}")


def _text(name: str) -> str:
    return resources.files("fitbitd").joinpath(name).read_text(encoding="utf-8")
