"""The .deb: what lies in it, whose it is, and that it runs from where it lies."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fitbitd import __version__
from tests.support.cli import ROOT

BUILD = ROOT / "systemd" / "deb" / "build.py"
DEBIAN = Path("/usr/bin/python3")
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

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb here")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    order = [sys.executable, str(BUILD), str(tmp_path_factory.mktemp("deb"))]
    done = subprocess.run(order, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


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


@pytest.mark.skipif(not DEBIAN.exists(), reason="Debian's own Python runs it")
def test_it_runs_with_nothing_but_debians_python(package: Path, tmp_path: Path) -> None:
    dpkg("-x", str(package), str(tmp_path))
    order = [str(DEBIAN), "-I", str(tmp_path / "usr/bin/fitbitd"), "--version"]
    done = subprocess.run(order, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"fitbitd {__version__}\n"), done


def test_what_is_not_pure_python_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "h11-0.16.0.dist-info"
    fake.mkdir()
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: h11\nVersion: 0.16.0\n")
    (fake / "RECORD").write_text("h11/_speed.cpython-311-x86_64-linux-gnu.so,,\n")
    done = subprocess.run(
        [sys.executable, str(BUILD), str(tmp_path / "out")],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "h11 is compiled for one kind of machine" in done.stderr) == (1, True)
