"""A process whose calls on files are told before they happen, and which can be killed at one.

This is what `strace --inject=CALL:signal=KILL:when=N` does, with two differences that matter here:
strace counts for each thread on its own, and blocking work wanders between the threads of a pool;
and whoever is told of a call can look at the disk while the process stands still.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_ENTRY, _EXIT = 1, 2
_SEIZE, _INTERRUPT, _SYSCALL, _GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x420E
_TELL_APART, _FOLLOW_THREADS, _TELL_EXEC, _KILL_ON_EXIT = 0x01, 0x08, 0x10, 0x100000
_ALL_THREADS, _OF_THIS_THREAD = 0x40000000, 0x20000000  # for waitpid
_CALL_STOP = signal.SIGTRAP | 0x80
_INFO = struct.Struct("=B3xIQQQ6Q")
_RESULT = struct.Struct("=qB")
_RESULT_AT = 24
_LONGEST_PATH = 4096
_LARGEST_WRITE = 1 << 20

_CALLS: Mapping[str, Mapping[int, str]] = {
    "x86_64": {
        1: "write",
        18: "pwrite64",
        74: "fsync",
        75: "fdatasync",
        82: "rename",
        257: "openat",
        264: "renameat",
        316: "renameat2",
    },
    "aarch64": {
        38: "renameat",
        56: "openat",
        64: "write",
        68: "pwrite64",
        82: "fsync",
        83: "fdatasync",
        276: "renameat2",
    },
}
_PATH_ARGUMENT = {"openat": 1, "rename": 1, "renameat": 3, "renameat2": 3}
"""Where a call names its file; all others take a descriptor first."""

_ptrace = ctypes.PyDLL(None, use_errno=True).ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


@cache
def why_not() -> str:
    """Say why no process can be followed here; nothing if one can."""
    if platform.system() != "Linux" or platform.machine() not in _CALLS:
        return f"the calls of {platform.system()} on {platform.machine()} are not known"
    traced = Traced(Path("/"), lambda _: False)
    try:
        traced.run(["/bin/true"], {}, Path(os.devnull), 10)
    except OSError as err:
        return f"no process may be traced here: {err}"
    return ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call on a file of the watched folder.

    Attributes:
        number: its place among all such calls of all threads, from 1.
        path: the file; of a rename the new name.
        data: what a write would write.
    """

    number: int
    name: str
    path: Path
    data: bytes = b""

    def __str__(self) -> str:
        """Write it as strace would, more or less."""
        size = f", {len(self.data)} bytes" if self.data else ""
        return f"{self.name}({self.path.name}{size})"


Watch = Callable[[Call], bool]
"""Told of a call before it happens; True kills the process instead."""

Done = Callable[[Call], None]
"""Told of a call that succeeded, before the thread goes on."""


@dataclass(slots=True)
class Traced:
    """One process, followed to its end.

    Attributes:
        folder: calls on files in it are told.
        killed_at: the call that did not happen.
    """

    folder: Path
    watch: Watch
    done: Done = lambda _: None
    pid: int = 0
    calls: int = 0
    killed_at: Call | None = None
    _under_way: dict[int, Call | None] = field(default_factory=dict)

    def run(
        self, command: Sequence[str], environ: Mapping[str, str], output: Path, patience_s: float
    ) -> int:
        """Run `command`; give its exit code, or the negative number of the signal that ended it."""
        wait, go = os.pipe()
        self.pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", 'read _ && exec "$@"', "sh", *command],  # no call before it is followed
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, wait, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        os.close(wait)
        hanging = threading.Timer(patience_s, os.kill, (self.pid, signal.SIGKILL))
        hanging.start()
        try:
            _request(_SEIZE, self.pid, _TELL_APART | _FOLLOW_THREADS | _TELL_EXEC | _KILL_ON_EXIT)
            _request(_INTERRUPT, self.pid)
            os.write(go, b"\n")
            return self._follow()
        except BaseException:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, _ALL_THREADS)
            raise
        finally:
            os.close(go)
            hanging.cancel()
            hanging.join()

    def _follow(self) -> int:
        while True:
            thread, status = os.waitpid(-1, _ALL_THREADS | _OF_THIS_THREAD)
            if not os.WIFSTOPPED(status):
                if thread == self.pid:
                    return os.waitstatus_to_exitcode(status)
                continue
            delivered = 0
            if os.WSTOPSIG(status) == _CALL_STOP:
                self._at_call(thread)
            elif not status >> 16:  # neither a new thread nor our own interruption
                delivered = os.WSTOPSIG(status)
            _request(_SYSCALL, thread, delivered)

    def _at_call(self, thread: int) -> None:
        info = ctypes.create_string_buffer(_INFO.size)
        if _ptrace(_GET_SYSCALL_INFO, thread, _INFO.size, ctypes.addressof(info)) < 0:
            return  # killed meanwhile
        phase, _, _, _, number, *arguments = _INFO.unpack(info.raw)
        if phase == _ENTRY:
            name = _CALLS[platform.machine()].get(number)
            call = self._call(thread, name, arguments) if name is not None else None
            self._under_way[thread] = call
            if call is not None and self.killed_at is None and self.watch(call):
                self.killed_at = call
                os.kill(self.pid, signal.SIGKILL)
        elif phase == _EXIT and (call := self._under_way.pop(thread, None)) is not None:
            result, failed = _RESULT.unpack_from(info.raw, _RESULT_AT)
            if not failed and self.killed_at is None and result >= 0:
                self.done(call)

    def _call(self, thread: int, name: str, arguments: Sequence[int]) -> Call | None:
        """Read what a call is about; None where it is no file of the folder."""
        path = self._path(thread, name, arguments)
        if path is None or not path.is_relative_to(self.folder):
            return None
        self.calls += 1
        data = b""
        if "write" in name:
            data = self._memory(arguments[1], min(arguments[2], _LARGEST_WRITE))
        return Call(self.calls, name, path, data)

    def _path(self, thread: int, name: str, arguments: Sequence[int]) -> Path | None:
        place = _PATH_ARGUMENT.get(name)
        if place is not None:
            text = self._memory(arguments[place], _LONGEST_PATH).partition(b"\0")[0]
            return Path(os.fsdecode(text)) if text.startswith(b"/") else None
        with suppress(OSError):
            return Path(f"/proc/{thread}/fd/{arguments[0]}").readlink()
        return None

    def _memory(self, address: int, size: int) -> bytes:
        with Path(f"/proc/{self.pid}/mem").open("rb", buffering=0) as memory:
            return os.pread(memory.fileno(), size, address)


def _request(what: int, thread: int, data: int = 0) -> None:
    """Ask ptrace for something; a thread that is gone already needs nothing more."""
    if _ptrace(what, thread, None, data) < 0:
        number = ctypes.get_errno()
        if number != errno.ESRCH:
            raise OSError(number, os.strerror(number), f"ptrace {what:#x}")
