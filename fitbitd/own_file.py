"""Files that are written by their names: plain ones of ours, never what a name leads to elsewhere.

The state directory belongs to the service alone. Where others came to write in it all the same (a
group that was given too much, a folder above that is everybody's), a name in it may be a link to
another file of ours, which would be cut off, overwritten or taken for what it is not.
"""

import errno
import os
import stat
from pathlib import Path

from fitbitd.errors import OperatorError

_LINK, _NO_FILE = "is a link to another place", "is no plain file"


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file of ours, and wait for nothing; a new one has `mode` from its first moment.

    Raises:
        OperatorError: `permission`: by that name there is something else.
        OSError: what the disk refuses.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as err:
        if err.errno == errno.ELOOP:
            raise _strange(path, _LINK) from err
        if err.errno == errno.ENXIO:  # a pipe, or a socket
            raise _strange(path, _NO_FILE) from err
        raise
    if flags & os.O_EXCL:
        return descriptor  # made just now; on some disks whatever is made belongs to another user
    try:
        # Who only reads may find another name for it: some backups are made so.
        _check(os.fstat(descriptor), path, alone=flags & os.O_ACCMODE != os.O_RDONLY)
    except OperatorError:
        os.close(descriptor)
        raise
    return descriptor


def check_own(path: Path) -> None:
    """See that a file that a library is going to open is ours, if it is there.

    Raises:
        OperatorError: `permission`: by that name there is something else.
        OSError: it cannot be seen.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    _check(found, path, alone=True)


def check_link(folder: Path) -> None:
    """See that a folder is one, or a link that we or root have made, as to another disk.

    Raises:
        OperatorError: `permission`: somebody else says where it leads.
        OSError: it cannot be seen.
    """
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in {os.geteuid(), 0}:
        raise _strange(folder, f"is a link that user {found.st_uid} has made")


def _check(found: os.stat_result, path: Path, *, alone: bool) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _strange(path, _LINK)
    if not stat.S_ISREG(found.st_mode):
        raise _strange(path, _NO_FILE)
    we = os.geteuid()
    if found.st_uid != we:
        raise OperatorError(
            f"{path} belongs to user {found.st_uid}, and this runs as user {we}.\n"
            f"Nothing was changed.\nNext: chown {we} {path}, if it is yours",
            code="permission",
        )
    if alone and found.st_nlink > 1:
        raise _strange(path, "has a second name somewhere, and would change there too")


def _strange(path: Path, what: str) -> OperatorError:
    return OperatorError(
        f"{path} {what}; fitbitd writes to plain files of its own alone.\nNothing was changed.\n"
        f"Next: see who put it there (ls -l {path.parent}), and put the file itself in its place",
        code="permission",
    )
