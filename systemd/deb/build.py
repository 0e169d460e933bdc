#!/usr/bin/env python3
"""Build the .deb: `systemd/deb/build.py [FOLDER]`, by a Python that has fitbitd's dependencies.

Architecture all, for armhf, arm64 and amd64 alike: fitbitd and all it needs are pure Python, and
lie in a folder of their own, /usr/lib/fitbitd, which Debian's own python3 runs.

Why not a virtual environment: one belongs to a minor version of Python, and is broken when an
upgrade of Debian brings the next. Why not Debian's python3-httpx and the others: those of bookworm
are older than what fitbitd is tested with. What lies here is what the tests ran with, to the byte.

What is taken is what is installed where this runs; nothing is downloaded.
"""

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHONS = ("3.11", "3.13")
"""What Debian 12 and Debian 13 run it with."""

LAUNCHER = """\
#!/usr/bin/python3 -IS
# -I and -S: nothing of the caller's environment or folder, and no other package of this machine.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib" / "fitbitd"))
from fitbitd.__main__ import main

sys.exit(main())
"""

CONTROL = """\
Package: fitbitd
Version: {version}
Architecture: all
Section: net
Priority: optional
Maintainer: The fitbitd authors <fitbitd@localhost>
Depends: python3 (>= {python}), systemd
Installed-Size: {size_kb}
Description: {summary}
 A daemon for a Raspberry Pi: it collects a person's data from the provider of
 their watch, at full resolution, into an archive that needs no fitbitd to be
 read and an index that answers SQL.
"""

INSTALLED = (
    ("systemd/fitbitd.service", "usr/lib/systemd/system/fitbitd.service"),
    ("systemd/sysusers.d/fitbitd.conf", "usr/lib/sysusers.d/fitbitd.conf"),
    ("config/fitbitd.toml", "usr/share/doc/fitbitd/examples/fitbitd.toml"),
)
NEVER_COPIED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
COMPILED = {".so", ".pyd", ".dylib"}


def main() -> None:
    """Build into the folder that is named, or into dist/."""
    parser = argparse.ArgumentParser(description="Build the .deb of what is installed here.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    target = parser.parse_args().folder
    target.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "fitbitd"
        fill(tree, project)
        package = target / f"fitbitd_{project['version']}_all.deb"
        order = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(package)]
        subprocess.run(order, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - written above
    print(package)  # noqa: T201 - the answer


def fill(tree: Path, project: dict[str, Any]) -> None:
    """Lay out all that the package installs, and what dpkg has to know."""
    library = tree / "usr/lib/fitbitd"
    shutil.copytree(
        ROOT / "fitbitd", library / "fitbitd", ignore=shutil.ignore_patterns("__pycache__")
    )
    needed = list(closure(project["dependencies"]))
    for each in needed:
        copy(each, library)
    for source, place in INSTALLED:
        write(tree / place, (ROOT / source).read_bytes())
    write(tree / "usr/bin/fitbitd", LAUNCHER.encode(), 0o755)
    write(tree / "usr/share/man/man1/fitbitd.1.gz", gzip.compress(manual("man"), 9, mtime=0))
    write(tree / "usr/share/bash-completion/completions/fitbitd", manual("bash"))
    documents = tree / "usr/share/doc/fitbitd"
    write(documents / "copyright", copyright_of(needed).encode())
    write(documents / "changelog.gz", gzip.compress(changes().encode(), 9, mtime=0))
    write(
        tree / "usr/share/python3/runtime.d/fitbitd.rtupdate",
        (HERE / "fitbitd.rtupdate").read_bytes(),
        0o755,
    )
    for path in tree.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
        elif path.is_relative_to(library):
            path.chmod(0o644)
    tree.chmod(0o755)
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    control = CONTROL.format(
        version=project["version"],
        python=project["requires-python"].removeprefix(">="),
        size_kb=size // 1024,
        summary=project["description"].rstrip("."),
    )
    write(tree / "DEBIAN/control", control.encode())
    for script in ("postinst", "prerm", "postrm"):
        write(tree / "DEBIAN" / script, (HERE / script).read_bytes(), 0o755)


def manual(kind: str) -> bytes:
    """Have fitbitd write its man page or its completion."""
    order = [sys.executable, "-m", "fitbitd.manual", kind]
    return subprocess.run(order, check=True, cwd=ROOT, capture_output=True).stdout  # noqa: S603 - written above


def closure(requirements: list[str]) -> Iterator[Distribution]:
    """Give all that is needed, directly or not, by any Python that may run it."""
    wanted, seen = list(requirements), set[str]()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or not needed_by_any(requirement):
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"error: {name} is not installed here.\nNext: pip install {ROOT}")
        if found.version not in requirement.specifier:
            sys.exit(f"error: {name} {found.version} is installed, but {requirement} is needed")
        yield found
        wanted += found.requires or ()


def needed_by_any(requirement: Requirement) -> bool:
    """Say whether a requirement holds on one of our Pythons, without any extra."""
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": "", "python_version": python}) for python in PYTHONS
    )


def copy(wanted: Distribution, library: Path) -> None:
    """Copy what a distribution installed: modules, data, licences, entry points; no programs."""
    for file in wanted.files or ():
        if ".." in file.parts or "__pycache__" in file.parts or file.name in NEVER_COPIED:
            continue
        if COMPILED & set(PurePath(file).suffixes):
            sys.exit(f"error: {wanted.name} is compiled for one kind of machine: {file}")
        write(library / file, Path(str(wanted.locate_file(file))).read_bytes())


def copyright_of(bundled: list[Distribution]) -> str:
    """Say under which licences the package is, ours and those of what lies in it."""
    theirs = "\n".join(
        f"{each.name} {each.version}: {licence_of(each)}" for each in sorted(bundled, key=by_name)
    )
    return f"""\
{(ROOT / "LICENSE").read_text(encoding="utf-8")}

/usr/lib/fitbitd also holds, unchanged, each with its licence in the folder that ends in .dist-info:

{theirs}
"""


def by_name(one: Distribution) -> str:
    """Give what distributions are put in order by."""
    return one.name.lower()


def licence_of(one: Distribution) -> str:
    """Give the licence that a distribution names, in short."""
    named = one.metadata.get_all("License-Expression") or one.metadata.get_all("License")
    return named[0].splitlines()[0] if named else "see there"


def changes() -> str:
    """Give what changed, as the README tells it."""
    return (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Changes\n")[2].lstrip()


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


if __name__ == "__main__":
    os.umask(0o022)
    main()
