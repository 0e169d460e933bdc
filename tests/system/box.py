"""A machine with a real systemd as PID 1, in namespaces of its own: half a second to boot.

What it writes goes to a disk image, so that it can be booted again, also as a power cut left it. Of
its network nothing leads out; a server that is to be found there listens inside of `Network`.
Memory and task limits are accepted but without effect where this machine runs cgroups of the first
version. `box.sh` is the inside.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

INSIDE = Path(__file__).with_name("box.sh")
PATIENCE_S = 120.0
"""Of a busy machine: nothing is proven by how fast it is."""

DISK_BYTES = 1 << 30
"""As far as it may grow; what is not written takes no room."""

_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")
_PROGRAMS = ("unshare", "nsenter", "setpriv", "mkfs.ext4", "losetup", "ip", "dpkg")
_CLONE_NEWNET = 0x40000000
_OUR_NETWORK = Path("/proc/thread-self/ns/net")


@cache
def why_not() -> str | None:
    """Say what this machine lacks for a box; None if nothing."""
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    kinds = Path("/proc/filesystems")
    needs = (
        (sys.platform == "linux", "namespaces are Linux's"),
        (os.geteuid() == 0, "only root can boot a systemd"),
        (Path("/lib/systemd/systemd").exists(), "no systemd is installed here"),
        (not lacking, f"no {', '.join(lacking)} here"),
        (_cgroups() and os.access(_cgroups() or "", os.W_OK), "no cgroup2 to write in here"),
        (Path("/dev/loop-control").exists(), "no loop devices here"),
        (kinds.exists() and "overlay" in kinds.read_text("ascii").split(), "no overlayfs here"),
        (_may_unshare(), "this container may make no namespaces"),
    )
    return next((reason for there, reason in needs if not there), None)


def _may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    order = ("unshare", *_NAMESPACES, "--net", "--fork", "mount", "-t", "tmpfs", "box", "/mnt")
    return subprocess.run(order, capture_output=True, check=False).returncode == 0


def _cgroups() -> Path | None:
    mounts = Path("/proc/mounts")
    lines = mounts.read_text("utf-8").splitlines() if mounts.exists() else []
    split = (line.split() for line in lines)
    return next((Path(where) for _, where, kind, *_ in split if kind == "cgroup2"), None)


def until(true: Callable[[], bool], what: Callable[[], str] = str, every_s: float = 0.05) -> None:
    """Wait for something in the box; `what` tells how it stands when it does not come."""
    give_up_at = time.monotonic() + PATIENCE_S  # noqa: TID251 - of a real machine
    while not true():
        assert time.monotonic() < give_up_at, what()  # noqa: TID251 - of a real machine
        time.sleep(every_s)  # noqa: TID251 - there is nothing to wait on


class Network:
    """A network namespace: a loopback device and nothing else."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        with _OUR_NETWORK.open("rb") as ours:
            self._call("unshare", _CLONE_NEWNET)
            self.fd = os.open(_OUR_NETWORK, os.O_RDONLY)
            self._call("setns", ours.fileno(), _CLONE_NEWNET)
        self.plug_in()

    def plug_in(self) -> None:
        """Let everybody in it reach everybody."""
        self._ip("link", "set", "lo", "down")
        self._ip("link", "set", "lo", "up")  # which brings the routes back

    def unplug(self) -> None:
        """Let nobody reach anybody, also after a boot.

        Setting the device down would not do: systemd 252 sets it up for whatever has PrivateIPC=.
        """
        for where in ("127.0.0.0/8", "127.0.0.1"):
            self._ip("route", "del", "local", where, "dev", "lo", "table", "local")

    def _ip(self, *words: str) -> None:
        with self.inside():
            subprocess.run(["ip", *words], check=True)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread, and what it starts, be there."""
        with _OUR_NETWORK.open("rb") as ours:
            self._call("setns", self.fd, _CLONE_NEWNET)
            try:
                yield
            finally:
                self._call("setns", ours.fileno(), _CLONE_NEWNET)

    def close(self) -> None:
        """Let it go; the last one in it takes it along."""
        os.close(self.fd)

    def _call(self, name: str, *args: int) -> None:
        if getattr(self._libc, name)(*args) != 0:
            raise OSError(ctypes.get_errno(), name)


class Box:
    """One machine. `share` is its /mnt/share; `root` is its root, as seen from here."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder = folder
        self.share = folder / "share"
        self._network = network
        self._disk = folder / "disk.img"
        self._cgroup = (_cgroups() or Path("/")) / f"box.{os.getpid()}.{folder.name}"
        self._outer: subprocess.Popen[bytes] | None = None
        for name in ("share", "mnt"):
            (folder / name).mkdir()
        with self._disk.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1", str(self._disk)], check=True)

    @property
    def pid(self) -> int:
        """Give the PID 1 of the box, by its number here."""
        return int((self.folder / "pid").read_text("ascii"))

    @property
    def root(self) -> Path:
        """Give the root directory of the box."""
        return Path(f"/proc/{self.pid}/root")

    def start(self) -> None:
        """Boot, and wait until all that is enabled has started."""
        console = self.folder / "console"
        console.touch()
        (self.folder / "pid").unlink(missing_ok=True)
        self._cgroup.mkdir()
        with console.open("ab") as told:
            self._outer = self._boot(told)
        until(lambda: self._state() in {"running", "degraded"}, console.read_text)

    def _boot(self, told: BinaryIO) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [
                *("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self._cgroup)),
                *("setpriv", "--pdeathsig", "KILL"),  # however we end, it ends
                *("nsenter", f"--net=/proc/self/fd/{self._network.fd}", "--"),
                *("unshare", *_NAMESPACES),
                *("--fork", "--kill-child", "--propagation", "private", "--"),
                *("sh", str(INSIDE), str(self.folder)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            pass_fds=(self._network.fd,),
            start_new_session=True,
        )

    def _state(self) -> str:
        assert self._outer is not None
        assert self._outer.poll() is None, (self.folder / "console").read_text("utf-8")
        if not (self.folder / "pid").exists():
            return "none yet"
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def run(
        self, *command: str, check: bool = True, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the box as root, to its end."""
        done = subprocess.run(
            [*self._way_in(), *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0 or not check, (command, done)
        return done

    def _way_in(self) -> tuple[str, ...]:
        """Give the words that a command of the box begins with."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        where = ("-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C")
        return ("nsenter", *where, "--", "env", "-i", path, "HOME=/root", "LANG=C.UTF-8")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the box."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def shut_down(self) -> None:
        """Shut down in good order; the disk stays."""
        self.run("systemctl", "poweroff", "--no-wall", check=False)
        self._gone()

    def cut_power(self) -> None:
        """Pull the plug: what had not reached the disk is lost."""
        (self._cgroup / "cgroup.freeze").write_text("1")
        time.sleep(0.05)  # noqa: TID251 - what is on its way to the disk arrives
        left = self.folder / "left.img"
        subprocess.run(["cp", "--sparse=always", str(self._disk), str(left)], check=True)
        self.kill()
        left.rename(self._disk)

    def kill(self) -> None:
        """End it at once, and leave nothing of it behind but its folder."""
        if self._outer is None:
            return
        if (self.folder / "pid").exists():
            os.kill(self.pid, signal.SIGKILL)
        else:
            self._outer.kill()
        (self._cgroup / "cgroup.freeze").write_text("0")  # who waits for them is frozen as well
        self._gone()

    def _gone(self) -> None:
        assert self._outer is not None
        self._outer.wait(PATIENCE_S)
        self._outer = None
        (self.folder / "pid").unlink(missing_ok=True)
        until(self._cgroup_removed)

    def _cgroup_removed(self) -> bool:
        for path, _, _ in os.walk(self._cgroup, topdown=False):
            try:
                Path(path).rmdir()
            except OSError:
                return False  # the last of its processes are still ending
        return True
