"""A consistent copy of an account, made beside whoever writes it.

The index is copied first, as of one moment; then each file of the archive as far as that index has
it. So a copy holds the archive of exactly its index, and never half a pull. The index gets its name
last: whenever the power goes, the copy's index does not lead its archive. A file that is there
already is left alone: days that are over never change, and tools that compare by time and size
(rsync) find nothing to do.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fitbitd.errors import OperatorError
from fitbitd.own_file import open_own
from fitbitd.store import disk
from fitbitd.store.index import INDEX_NAME, open_reader
from fitbitd.store.members import Member, archive_files, read_file

GRANT_FILE = "token.json"
PART = ".part"
"""What is being copied ends so, until it is whole."""

_PIECE_BYTES = 1 << 20
_PIECE_PAGES = 64
_WITHOUT_INDEX = frozenset({"index_missing", "index_damaged", "index_newer", "index_older"})


@dataclass(frozen=True, slots=True)
class Copied:
    """One file of the copy; `size_bytes` is None where it was as it should be already."""

    path: Path
    size_bytes: int | None


def back_up(account_dir: Path, target: Path, *, secrets: bool) -> Iterator[Copied]:
    """Copy an account into the folder `target`, file by file; an older copy there is brought up.

    Where there is no index, or none that can be read, the archive is copied as far as it is whole:
    the index can be made again from it.

    Args:
        secrets: the grant is copied too. Without it nothing in the copy opens anything.

    Raises:
        OperatorError: `target` holds another account's copy or lies within what is copied, or the
            disk refuses.
    """
    _check(account_dir, target)
    for folder in (target.parent, target):
        disk.make_folder(folder, disk.ACCOUNT_FOLDER_MODE)
    part = target / f"{INDEX_NAME}{PART}"
    _discard(part)
    try:
        sizes = _copy_index(account_dir, part)
    except OperatorError as err:
        if err.code not in _WITHOUT_INDEX:
            raise
        _discard(part)
        sizes = {path: _whole_bytes(path) for path in archive_files(account_dir)}
    _check_older(account_dir, target, sizes)
    folders = {target.parent, target}
    for source, size in sorted(sizes.items()):
        path = target / source.relative_to(account_dir)
        for name in reversed(path.relative_to(target).parents[:-1]):
            disk.make_folder(target / name, disk.PRIVATE_FOLDER_MODE)
            folders.add(target / name)
        yield _copy(source, path, size)
    with disk.telling(target):
        for folder in sorted(folders):  # also older ones: who made them may have died before this
            disk.sync_folder(folder)
    if part.exists():
        with disk.telling(part):
            _keep(part, target / INDEX_NAME)
        yield Copied(target / INDEX_NAME, (target / INDEX_NAME).stat().st_size)
    token = account_dir / GRANT_FILE
    if secrets and token.exists():
        yield _copy(token, target / GRANT_FILE, token.stat().st_size)


def _discard(part: Path) -> None:
    """Remove what was not copied to its end."""
    with disk.telling(part):
        part.unlink(missing_ok=True)


def _check(account_dir: Path, target: Path) -> None:
    inside, outside = account_dir.resolve(), target.resolve()
    if inside in {outside, *outside.parents} or outside in inside.parents:
        raise OperatorError(
            f"{target} lies within what is to be copied, or around it.\nNothing was copied.\n"
            "Next: name a folder elsewhere, best on another disk",
            code="usage",
        )


def _check_older(account_dir: Path, target: Path, sizes: Mapping[Path, int]) -> None:
    """See that the copy holds nothing that the account lacks: then it is the better one."""
    for path in archive_files(target):
        size = path.stat().st_size
        if size > sizes.get(account_dir / path.relative_to(target), 0):
            raise OperatorError(
                f"{path} holds more than {account_dir} does: it is a copy of another account, or"
                " this one has lost something.\nNothing was copied.\n"
                "Next: name another folder, or restore that copy first",
                code="usage",
            )


def _copy_index(account_dir: Path, part: Path) -> dict[Path, int]:
    """Copy the index as of one moment; give up to where it has each file of the archive."""
    with disk.telling(part), closing(open_reader(account_dir)) as db:
        new = open_own(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, disk.INDEX_FILE_MODE)
        os.fchmod(new, disk.INDEX_FILE_MODE)  # whatever the umask took away
        os.close(new)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            # All of one moment, piece by piece: between two of them Ctrl-C is heard.
            copy.execute(f"PRAGMA cache_size = {_PIECE_PAGES}")  # else all is written at the end
            db.execute("BEGIN")
            db.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
            db.backup(copy, pages=_PIECE_PAGES, progress=lambda *_: None)
            db.execute("COMMIT")
            copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
            sizes = dict(copy.execute("SELECT path, synced_bytes FROM archive_file"))
    return {account_dir / name: size for name, size in sizes.items()}


def _copy(source: Path, path: Path, size: int) -> Copied:
    """Copy the first `size` bytes of a file, with its time; leave alone what has them already."""
    with disk.telling(path):
        if path.exists() and path.stat().st_size == size and path.name != GRANT_FILE:
            return Copied(path, None)
        part = path.with_name(path.name + PART)
        part.unlink(missing_ok=True)
        new = open_own(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, disk.PRIVATE_FILE_MODE)
        with source.open("rb") as of, os.fdopen(new, "wb") as to:
            left = size
            while left and (piece := of.read(min(left, _PIECE_BYTES))):
                to.write(piece)
                left -= len(piece)
        found = source.stat()
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
        _keep(part, path)
    return Copied(path, size)


def _keep(part: Path, path: Path) -> None:
    """Have what was copied be there under its name, all of it, whenever the power goes."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
    disk.sync_folder(path.parent)


def _whole_bytes(path: Path) -> int:
    """Say how far a file of the archive reaches in whole members; what is torn behind is not."""
    end = 0
    for found in read_file(path):
        if isinstance(found, Member) or not found.tail:
            end = found.end
    return end
