"""What a power cut leaves of a folder: a copy, kept beside, of all that was synced.

The model is a strict reading of POSIX, harsher than any one file system:

    bytes of a file     are durable once fsync or fdatasync of that file has returned
    names in a folder   are durable once fsync of that folder has returned, its files' bytes not
    what was there when the process began is durable

Anything else may have reached the disk or not, each thing on its own. A `Loss` picks what did not;
all that it does not name did. The nastiest cases lose one file and keep what was made from it.
"""

import os
import shutil
import stat
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.support.crash_trace import Call


@dataclass(frozen=True, slots=True)
class Loss:
    """What had not reached the disk.

    Attributes:
        files: of files with such a name the bytes that were not synced.
        names: new names, renames and removals in folders that were not synced.
    """

    title: str
    files: str
    names: bool = False


ALL = Loss("all", "*", names=True)
BYTES = Loss("bytes", "*")
ARCHIVE = Loss("archive", "*.jsonl.gz", names=True)
INDEX = Loss("index", "index.sqlite*")
JOURNAL = Loss("journal", "index.sqlite-wal")


@dataclass(frozen=True, slots=True)
class _Content:
    mode: int
    data: bytes


@dataclass(slots=True)
class Disk:
    """A folder, and what of it would be there after a power cut now."""

    root: Path
    _contents: dict[int, _Content] = field(default_factory=dict)  # by inode
    _names: dict[int, dict[str, int]] = field(default_factory=dict)  # by the folder's inode
    _held: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder, _, files in os.walk(self.root):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                self.synced(path)

    def told(self, call: Call) -> None:
        """Take note of a call that succeeded."""
        if call.name in {"fsync", "fdatasync"}:
            self.synced(call.path)

    def synced(self, path: Path) -> None:
        """Note that the bytes of a file, or the names in a folder, are durable as they are now."""
        if not path.exists():  # removed, and open for somebody still
            return
        number = path.stat().st_ino
        if path.is_dir():
            self._names[number] = _names_in(path)
            return
        if number not in self._contents:
            # As long as it is open, no other file gets this number.
            self._held.append(os.open(path, os.O_RDONLY))
        self._contents[number] = _read(path)

    def cut(self, loss: Loss) -> int:
        """Cut the power: lose what `loss` names; give how many bytes were lost."""
        before = _size(self.root)
        self._restore(self.root, loss)
        return before - _size(self.root)

    def close(self) -> None:
        """Let go of the files that were held."""
        while self._held:
            os.close(self._held.pop())

    def _restore(self, folder: Path, loss: Loss) -> None:
        there = _names_in(folder)
        names = self._names.get(folder.stat().st_ino, {}) if loss.names else there
        now = {number: folder / name for name, number in there.items()}
        files = {
            name: self._content(number, now.get(number), lost=fnmatch(name, loss.files))
            for name, number in names.items()
            if not (number in now and now[number].is_dir())
        }
        for number, path in now.items():
            if not path.is_dir():
                path.unlink()
            elif number in names.values():
                self._restore(path, loss)
            else:
                shutil.rmtree(path)
        for name, content in files.items():
            _write(folder / name, content)

    def _content(self, number: int, now: Path | None, *, lost: bool) -> _Content:
        """Give what a file holds after the cut; one that was never synced is empty."""
        if now is None:
            return self._contents[number]
        content = _read(now)
        if lost:
            return self._contents.get(number, _Content(content.mode, b""))
        return content


def _names_in(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


def _read(path: Path) -> _Content:
    return _Content(stat.S_IMODE(path.stat().st_mode), path.read_bytes())


def _write(path: Path, content: _Content) -> None:
    path.touch(content.mode)
    path.chmod(content.mode)
    path.write_bytes(content.data)


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
