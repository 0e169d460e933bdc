"""A process whose calls on files are told before they happen, and which can be killed at one.

Or one of them fails instead, of which the kernel knows nothing.

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
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

_ENTRY, _EXIT = 1, 2
_SEIZE, _INTERRUPT, _SYSCALL, _GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x420E
_TELL_APART, _FOLLOW_THREADS, _TELL_EXEC, _KILL_ON_EXIT = 0x01, 0x08, 0x10, 0x100000
_ALL_THREADS, _OF_THIS_THREAD = 0x40000000, 0x20000000  # for waitpid
_CALL_STOP = signal.SIGTRAP | 0x80
_SET_USER = 6
_CALL_REGISTER, _RESULT_REGISTER = 15 * 8, 10 * 8  # orig_rax and rax: of x86_64 alone
_NO_CALL = -1
_INFO = struct.Struct("=B3xIQQQ6Q")
_RESULT = struct.Struct("=qB")
_RESULT_AT = 24
_LONGEST_PATH = 4096
_LARGEST_WRITE = 1 << 20

_CALLS: Mapping[str, Mapping[int, str]] = {
    "x86_64": {
        1: "write",
        2: "open",
        18: "pwrite64",
        20: "writev",
        40: "sendfile",
        74: "fsync",
        75: "fdatasync",
        76: "truncate",
        77: "ftruncate",
        82: "rename",
        83: "mkdir",
        84: "rmdir",
        85: "creat",
        86: "link",
        87: "unlink",
        88: "symlink",
        257: "openat",
        258: "mkdirat",
        263: "unlinkat",
        264: "renameat",
        265: "linkat",
        285: "fallocate",
        296: "pwritev",
        316: "renameat2",
        326: "copy_file_range",
    },
    "aarch64": {
        34: "mkdirat",
        35: "unlinkat",
        37: "linkat",
        38: "renameat",
        45: "truncate",
        46: "ftruncate",
        47: "fallocate",
        56: "openat",
        64: "write",
        66: "writev",
        68: "pwrite64",
        70: "pwritev",
        71: "sendfile",
        82: "fsync",
        83: "fdatasync",
        276: "renameat2",
        285: "copy_file_range",
    },
}
_PATH_ARGUMENT = {
    "creat": 0,
    "link": 1,
    "linkat": 3,
    "mkdir": 0,
    "mkdirat": 1,
    "open": 0,
    "openat": 1,
    "rename": 1,
    "renameat": 3,
    "renameat2": 3,
    "rmdir": 0,
    "symlink": 1,
    "truncate": 0,
    "unlink": 0,
    "unlinkat": 1,
}
"""Where a call names its file; all others take a descriptor, of which the last is written to."""
_OLD_PATH_ARGUMENT = {"link": 0, "linkat": 1, "rename": 0, "renameat": 1, "renameat2": 1}
_DESCRIPTOR_ARGUMENT = {"copy_file_range": 2}
_PWRITE_OFFSET = 3
_FROM_WORKING_FOLDER = -100

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


def why_none_refused() -> str:
    """Say why no call can be made to fail here; nothing if one can."""
    if platform.machine() != "x86_64":
        return f"the registers of {platform.machine()} are not known"
    return why_not()


@dataclass(frozen=True, slots=True)
class Call:
    """A call on a file of the watched folder.

    Attributes:
        number: its place among all such calls of all threads, from 1.
        path: the file; of a rename the new name.
        data: what a write would write; once it has, what it wrote.
        old: of a rename or a link, the name that was there.
        offset: where a write begins; of `write` known once it has.
        arguments: as the kernel got them.
    """

    number: int
    name: str
    path: Path
    data: bytes = b""
    old: Path | None = None
    offset: int = 0
    arguments: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Write it as strace would, more or less."""
        size = f", {len(self.data)} bytes" if self.data else ""
        return f"{self.name}({self.path.name}{size})"


Watch = Callable[[Call], bool]
"""Told of a call before it happens; True kills the process instead."""

Done = Callable[[Call], None]
"""Told of a call that succeeded, before the thread goes on."""

Refuse = Callable[[Call], int]
"""Told of a call before it happens; gives the error with which it fails instead, or 0."""


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
    refuse: Refuse = lambda _: 0
    pid: int = 0
    calls: int = 0
    killed_at: Call | None = None
    _under_way: dict[int, Call | None] = field(default_factory=dict)
    _refused: dict[int, int] = field(default_factory=dict)

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
        try:
            return self.follow(self.pid, lambda: os.write(go, b"\n"), patience_s)
        finally:
            os.close(go)

    def follow(self, pid: int, go: Callable[[], object], patience_s: float) -> int:
        """Follow a process below this one, which waits for `go`, to its end, as `run` does."""
        self.pid = pid
        hanging = threading.Timer(patience_s, os.kill, (pid, signal.SIGKILL))
        hanging.start()
        try:
            _request(_SEIZE, pid, _TELL_APART | _FOLLOW_THREADS | _TELL_EXEC | _KILL_ON_EXIT)
            _request(_INTERRUPT, pid)
            go()
            return self._follow()
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, _ALL_THREADS)
            raise
        finally:
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
            elif call is not None and (error := self.refuse(call)):
                self._refused[thread] = error
                _request(_SET_USER, thread, _NO_CALL, _CALL_REGISTER)
        elif phase == _EXIT and (error := self._refused.pop(thread, 0)):
            del self._under_way[thread]
            _request(_SET_USER, thread, -error, _RESULT_REGISTER)
        elif phase == _EXIT and (call := self._under_way.pop(thread, None)) is not None:
            result, failed = _RESULT.unpack_from(info.raw, _RESULT_AT)
            if not failed and self.killed_at is None and result >= 0:
                self.done(self._written(thread, call, result) if call.data else call)

    def _call(self, thread: int, name: str, arguments: Sequence[int]) -> Call | None:
        """Read what a call is about; None where it is no file of the folder."""
        path = self._path(thread, name, arguments)
        if path is None or not path.is_relative_to(self.folder):
            return None
        self.calls += 1
        data = b""
        if name in {"write", "pwrite64"}:
            data = self._memory(arguments[1], min(arguments[2], _LARGEST_WRITE))
        offset = arguments[_PWRITE_OFFSET] if name == "pwrite64" else 0
        place = _OLD_PATH_ARGUMENT.get(name)
        old = None if place is None else self._named(thread, name, arguments, place)
        return Call(self.calls, name, path, data, old, offset, tuple(arguments))

    def _written(self, thread: int, call: Call, size: int) -> Call:
        """Say what a write has written, and where."""
        if call.name == "write":
            told = Path(f"/proc/{thread}/fdinfo/{call.arguments[0]}").read_text().split()
            call = replace(call, offset=int(told[1]) - size)  # the first line is "pos: NUMBER"
        return replace(call, data=call.data[:size])

    def _path(self, thread: int, name: str, arguments: Sequence[int]) -> Path | None:
        place = _PATH_ARGUMENT.get(name)
        if place is not None:
            return self._named(thread, name, arguments, place)
        return self._opened(thread, arguments[_DESCRIPTOR_ARGUMENT.get(name, 0)])

    def _named(self, thread: int, name: str, arguments: Sequence[int], place: int) -> Path | None:
        """Give the path that an argument names, from the folder that it starts from."""
        text = os.fsdecode(self._memory(arguments[place], _LONGEST_PATH).partition(b"\0")[0])
        if text.startswith("/"):
            return Path(text)
        folder = arguments[place - 1] if "at" in name else _FROM_WORKING_FOLDER
        start = self._opened(thread, folder)
        return None if start is None else start / text

    def _opened(self, thread: int, descriptor: int) -> Path | None:
        descriptor = ctypes.c_int32(descriptor).value
        link = "cwd" if descriptor == _FROM_WORKING_FOLDER else f"fd/{descriptor}"
        with suppress(OSError):
            return Path(f"/proc/{thread}/{link}").readlink()
        return None

    def _memory(self, address: int, size: int) -> bytes:
        with Path(f"/proc/{self.pid}/mem").open("rb", buffering=0) as memory:
            return os.pread(memory.fileno(), size, address)


def _request(what: int, thread: int, data: int = 0, address: int = 0) -> None:
    """Ask ptrace for something; a thread that is gone already needs nothing more."""
    if _ptrace(what, thread, address, data) < 0:
        number = ctypes.get_errno()
        if number != errno.ESRCH:
            raise OSError(number, os.strerror(number), f"ptrace {what:#x}")
