"""What a process does to the files of a folder, step by step, as far as a disk is concerned.

The process says by itself when it begins and what it has promised: it writes lines of JSON to the
file `SAID`, which is no part of what is recorded. An empty object marks the beginning; what is in
the folder then counts as long on the disk.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.crash_doers import Doers
from tests.support.crash_trace import Call, Traced

SAID = "said.jsonl"

SHARED_MEMORY = "-shm"  # SQLite's, written through mmap: nothing of it outlives the machine
_NEW_NAME = {"openat", "open", "mkdir", "mkdirat"}
_GONE_NAME = {"unlink", "unlinkat", "rmdir"}
_EMPTIES = 0o1000  # O_TRUNC


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were written to a file."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A file got another length."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder's entries changed, at once.

    Attributes:
        folder: the folder.
        path: the name that leads to `file` now; it is gone if that is None.
        old: a name that is gone; "" if none is.
        replaced: the name led to another file before.
    """

    folder: int
    path: str
    file: int | None
    old: str = ""
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """The bytes of a file, or the entries of a folder, were made durable."""

    file: int


@dataclass(frozen=True, slots=True)
class Said:
    """The process said something: what was done before is what it rests on."""

    words: Mapping[str, Any]


Step = Write | Cut | Entry | Sync | Said


@dataclass(slots=True)
class Recording:
    """What a folder held, and what a process did to it.

    Files and folders have numbers, which stay when names change.

    Attributes:
        names: of everything that was there, by its path from the folder; the folder's own is "".
        contents: of each file that was there; a folder has none.
        steps: what happened, in its order.
        calls: the calls as they are told to people, one for each step.
    """

    names: dict[str, int] = field(default_factory=lambda: {"": 0})
    contents: dict[int, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def record(deed: str, by: Doers, root: Path) -> Recording:
    """Have a deed done in the empty folder `root`; give what it did there from its beginning on."""
    recorder = _Recorder(root)
    assert by.do(deed, Traced(root, lambda _: False, recorder.told)) == 0, by.words()
    return recorder.made


@dataclass(slots=True)
class _Recorder:
    root: Path
    made: Recording = field(default_factory=Recording)
    _begun: bool = False
    _now: dict[str, int] = field(default_factory=dict)  # as `Recording.names`, by now

    def told(self, call: Call) -> None:
        """Take note of a call that succeeded."""
        path = self._inside(call.path)
        if path == SAID:
            self._said(call)
        elif self._begun and not path.endswith(SHARED_MEMORY):
            step = self._step(call, path)
            if step is not None:
                self._add(step, call)

    def _said(self, call: Call) -> None:
        if call.name != "write":
            return
        words = json.loads(call.data)
        if self._begun:
            self._add(Said(words), call)
        elif not words:
            self._begun = True
            self._look_around()

    def _look_around(self) -> None:
        """Note what is there before the first step."""
        for found in sorted(self.root.rglob("*")):
            path = self._inside(found)
            if path == SAID or path.endswith(SHARED_MEMORY):
                continue
            number = len(self.made.names)
            self.made.names[path] = number
            if found.is_file():
                self.made.contents[number] = found.read_bytes()
        self._now = dict(self.made.names)

    def _step(self, call: Call, path: str) -> Step | None:
        if call.name in _NEW_NAME and path not in self._now:
            self._now[path] = len(self.made.names) + len(self.made.steps)
            return Entry(self._folder_of(path), path, self._now[path])
        if call.old is not None:
            return self._renamed(call, path, self._inside(call.old))
        if call.name in _GONE_NAME:
            del self._now[path]
            return Entry(self._folder_of(path), path, None)
        file = self._now.get(path)
        return None if file is None else self._done_to(file, call)  # None: it has no name any more

    def _done_to(self, file: int, call: Call) -> Step | None:
        match call.name:
            case "open" | "openat":
                emptied = call.arguments[1 if call.name == "open" else 2] & _EMPTIES
                return Cut(file, 0) if emptied else None
            case "write" | "pwrite64":
                return Write(file, call.offset, call.data)
            case "truncate" | "ftruncate":
                return Cut(file, call.arguments[1])
            case "fsync" | "fdatasync":
                return Sync(file)
        raise NotImplementedError(f"{call} is not modelled")

    def _renamed(self, call: Call, path: str, old: str) -> Entry:
        linked = call.name.startswith("link")
        folder = self._folder_of(path)
        if folder != self._folder_of(old):
            raise NotImplementedError(f"{call} goes from folder to folder, which is not modelled")
        file = self._now[old] if linked else self._now.pop(old)
        replaced = path in self._now
        self._now[path] = file
        return Entry(folder, path, file, "" if linked else old, replaced=replaced)

    def _add(self, step: Step, call: Call) -> None:
        self.made.steps.append(step)
        self.made.calls.append(str(call))

    def _inside(self, path: Path) -> str:
        inside = path.relative_to(self.root).as_posix()
        return "" if inside == "." else inside

    def _folder_of(self, path: str) -> int:
        return self._now[path.rpartition("/")[0]]
