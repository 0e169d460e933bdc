"""Folders and files with their modes, and what a disk refuses as something a person can act on."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitbitd.errors import OperatorError
from fitbitd.own_file import check_link, check_own

ACCOUNT_FOLDER_MODE = 0o750
"""Readers in the service's group may pass through to the index."""

PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
INDEX_FILE_MODE = 0o640

_CODES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "disk_read_only",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EIO: "disk_failed",
}
_SQLITE_CODES = {
    sqlite3.SQLITE_BUSY: "lock_held",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_READONLY: "disk_read_only",
    sqlite3.SQLITE_CANTOPEN: "permission",
    sqlite3.SQLITE_PERM: "permission",
    sqlite3.SQLITE_IOERR: "disk_failed",
    sqlite3.SQLITE_CORRUPT: "index_damaged",
    sqlite3.SQLITE_NOTADB: "index_damaged",
}
_PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended result codes
_WORDS = {
    "lock_held": "{path} is kept by another program, in a transaction that does not end.\n"
    "Nothing stored is lost; passes are paused.\n"
    "Next: end it (fuser {path} tells its number); work goes on by itself.",
    "disk_full": "no room is left for {path}.\n"
    "Nothing stored is lost; passes are paused.\n"
    "Next: free some space on that file system; work goes on by itself.",
    "disk_read_only": "{path} cannot be written: its file system or the file is read-only.\n"
    "Nothing stored is lost; passes are paused.\n"
    "Next: look for disk errors (dmesg), then mount it writable again.",
    "permission": "{path} may not be opened by this user (uid {uid}){owner}.\n"
    "Nothing stored is lost; passes are paused.\n"
    "Next: run fitbitd as the owner of the state directory, or chown it to this user.",
    "disk_failed": "the disk failed at {path}: {reason}.\n"
    "What was stored before is still there; passes are paused.\n"
    "Next: look for disk errors (dmesg); copy the state directory to a new card.",
    "index_damaged": "{path} is damaged: {reason}.\n"
    "The archive, from which it is made, is not affected; nothing collected is lost.\n"
    "Next: fitbitd rebuild {account}",
}


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what the disk refuses about `path` into an error that names it and the remedy.

    Raises:
        OperatorError: `disk_full`, `disk_read_only`, `permission`, `disk_failed`, `index_damaged`,
            or `lock_held` for a database that another program does not let go of.
    """
    try:
        yield
    except OSError as err:
        code = _CODES.get(err.errno or 0)
        if code is None:
            raise
        raise _operator_error(code, path, err.strerror or str(err)) from err
    except sqlite3.DatabaseError as err:
        code = _SQLITE_CODES.get(getattr(err, "sqlite_errorcode", 0) & _PRIMARY_CODE)
        if code is None:
            raise
        raise _operator_error(code, path, str(err)) from err


def make_folder(folder: Path, mode: int) -> bool:
    """Create `folder` with `mode` if it is missing; say whether it was.

    Raises:
        OperatorError: something else has its name, or what the disk refuses.
    """
    with telling(folder):
        try:
            folder.mkdir(mode=mode)
        except FileExistsError:
            check_folder(folder)
            check_link(folder)
            return False
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchmod(descriptor, mode)  # whatever the umask took away
        finally:
            os.close(descriptor)
    return True


def check_folder(folder: Path) -> None:
    """See that what is there, if anything, is a folder.

    Raises:
        OperatorError: something else has its name, or what the disk refuses.
    """
    with telling(folder):
        if os.path.lexists(folder) and not folder.is_dir():
            raise OperatorError(
                f"{folder} is there, and is no folder; perhaps a link to a disk that is not"
                " mounted.\nNothing was changed.\nNext: mount the disk, or correct the path",
                code="disk_failed",
            )


def create(path: Path, mode: int) -> None:
    """Have `path` there, empty and with `mode`, before another library opens it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        return
    os.fchmod(descriptor, mode)  # whatever the umask took away
    os.close(descriptor)


def database_files(path: Path) -> list[Path]:
    """Name a database and what SQLite keeps beside it, which comes first."""
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal", "")]


def check_database(path: Path) -> None:
    """See that SQLite will open files of ours, before it does.

    Raises:
        OperatorError: `permission`.
    """
    for file in database_files(path):
        check_own(file)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a new file is not there after a power cut otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _operator_error(code: str, path: Path, reason: str) -> OperatorError:
    words = _WORDS[code].format(
        path=path, reason=reason, uid=os.geteuid(), owner=_owner(path), account=path.parent.name
    )
    return OperatorError(words, code=code)


def _owner(path: Path) -> str:
    """Name the owner of `path`, or of the nearest folder above it that can be seen."""
    for candidate in (path, *path.parents):
        try:
            return f"; {candidate} belongs to uid {candidate.stat().st_uid}"
        except OSError:
            continue
    return ""
