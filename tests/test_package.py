"""What is installed: the .deb and what lies in it, whose it is, that it runs; and what pip puts."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fitbitd import __version__
from tests.support.cli import ROOT

BUILD = ROOT / "systemd" / "deb" / "build.py"
PYTHONS = ("/usr/bin/python3", "python3.13")
"""Debian's own, and that of Debian 13 where one is found."""

CARRIED = {"fitbitd.service": "fitbitd.service", "sysusers.conf": "sysusers.d/fitbitd.conf"}
"""What `check --install-unit` writes: its name in fitbitd, and the file of systemd/ that it is."""

INSTALLED = {
    "usr/bin/fitbitd": "-rwxr-xr-x",
    "usr/lib/fitbitd/fitbitd/cli.py": "-rw-r--r--",
    "usr/lib/fitbitd/fitbitd/store/schema/0001.sql": "-rw-r--r--",
    "usr/lib/fitbitd/httpx/__init__.py": "-rw-r--r--",
    "usr/lib/fitbitd/tzdata/zoneinfo/Europe/Berlin": "-rw-r--r--",
    "usr/lib/systemd/system/fitbitd.service": "-rw-r--r--",
    "usr/lib/sysusers.d/fitbitd.conf": "-rw-r--r--",
    "usr/share/bash-completion/completions/fitbitd": "-rw-r--r--",
    "usr/share/doc/fitbitd/changelog.gz": "-rw-r--r--",
    "usr/share/doc/fitbitd/copyright": "-rw-r--r--",
    "usr/share/doc/fitbitd/examples/fitbitd.toml": "-rw-r--r--",
    "usr/share/man/man1/fitbitd.1.gz": "-rw-r--r--",
    "usr/share/python3/runtime.d/fitbitd.rtupdate": "-rwxr-xr-x",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb here")
    order = [sys.executable, str(BUILD), str(tmp_path_factory.mktemp("deb"))]
    done = subprocess.run(order, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def run(*order: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(order, env=env, check=False, capture_output=True, text=True)


def dpkg(*args: str) -> str:
    return subprocess.run(["dpkg-deb", *args], check=True, capture_output=True, text=True).stdout


def test_one_package_is_for_every_machine_and_both_debians(package: Path) -> None:
    assert package.name == f"fitbitd_{__version__}_all.deb"
    said = dict(
        line.split(": ", 1) for line in dpkg("-f", str(package)).splitlines() if line[0] != " "
    )
    assert said["Architecture"] == "all"
    assert said["Version"] == __version__
    assert said["Depends"].split(", ") == ["python3 (>= 3.11)", "systemd"]


def test_what_it_installs_is_roots_and_nobody_elses_to_write(package: Path) -> None:
    modes = {}
    for line in dpkg("-c", str(package)).splitlines():
        mode, owner, _, _, _, path = line.split(maxsplit=5)
        assert owner == "root/root", line
        assert mode in {"drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--"}, line
        modes[path.removeprefix("./")] = mode
    assert {path: modes.get(path) for path in INSTALLED} == INSTALLED
    programs = {path for path, mode in modes.items() if mode == "-rwxr-xr-x"}
    assert programs == {path for path, mode in INSTALLED.items() if mode == "-rwxr-xr-x"}
    unfit = re.compile(r"\.(so|pyd|pyc|pth)\b|__pycache__|^etc/|^var/|^usr/local/|^opt/")
    assert not [path for path in modes if unfit.search(path)]


def test_it_enables_nothing_and_asks_nothing(package: Path, tmp_path: Path) -> None:
    dpkg("-e", str(package), str(tmp_path))
    scripts = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert set(scripts) >= {"control", "postinst", "prerm", "postrm"}
    assert not {"config", "templates", "conffiles"} & set(scripts)
    for name in ("postinst", "prerm", "postrm"):
        lines = [line for line in scripts[name].splitlines() if not line.startswith("#")]
        unasked = r"systemctl (enable|start|restart)|\bread\b|debconf"
        assert not [line for line in lines if re.search(unasked, line)]
        subprocess.run(["sh", "-n", str(tmp_path / name)], check=True)


@pytest.mark.parametrize("python", PYTHONS)
def test_it_runs_with_nothing_but_debians_python(
    python: str, package: Path, tmp_path: Path
) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environ["PYENV_VERSION"] = "3.13"  # what is found may be pyenv's, which runs none untold
    if shutil.which(python) is None or run(python, "-V", env=environ).returncode:
        pytest.skip(f"no {python} that runs here")
    dpkg("-x", str(package), str(tmp_path))
    order = (python, "-IS", str(tmp_path / "usr/bin/fitbitd"))
    done = run(*order, "--version", env=environ)
    assert (done.returncode, done.stdout) == (0, f"fitbitd {__version__}\n"), done
    done = run(*order, "demo", "--for", "1s", "--provider", "fitbit", env=environ)
    assert (done.returncode, "What was collected:" in done.stderr) == (0, True), done


def test_what_is_not_pure_python_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "h11-0.16.0.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: h11\nVersion: 0.16.0\n")
    (fake / "RECORD").write_text("h11/_speed.cpython-311-x86_64-linux-gnu.so,,\n")
    environ = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = run(sys.executable, str(BUILD), str(tmp_path / "out"), env=environ)
    assert (done.returncode, "h11 is compiled for one kind of machine" in done.stderr) == (1, True)


def carried(name: str) -> str:
    return (ROOT / "systemd" / CARRIED[name]).read_text("utf-8")


@pytest.mark.parametrize("name", CARRIED)
def test_what_is_installed_carries_the_unit_and_its_user(name: str) -> None:
    asked = "import sys; from importlib import resources;"
    asked += " print(resources.files('fitbitd').joinpath(sys.argv[1]).read_text('utf-8'), end='')"
    done = run(sys.executable, "-I", "-c", asked, name)  # the installed one, not this folder's
    assert (done.returncode, done.stdout) == (0, carried(name)), done


def test_a_wheel_carries_the_unit_and_its_user_as_text(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="no hatchling here")
    order = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(order, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        found = {name: files.read(f"fitbitd/{name}").decode() for name in CARRIED}
    assert found == {name: carried(name) for name in CARRIED}
