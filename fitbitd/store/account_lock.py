"""The account's lock: its holder is the only process that writes the archive and the index."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from fitbitd.errors import OperatorError
from fitbitd.own_file import open_own
from fitbitd.store import disk

LOCK_NAME = "lock"


class AccountLock:
    """An advisory lock on `<account_dir>/lock`, with the holder's pid inside.

    The file is never unlinked: a second process could otherwise lock a name that the first one no
    longer holds. A dead holder frees the lock by dying.
    """

    def __init__(self, account_dir: Path) -> None:
        self._path = account_dir / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or say at once who holds it.

        Raises:
            OperatorError: `lock_held`, with the holder's pid; or what the disk refuses.
        """
        disk.make_folder(self._path.parent, disk.ACCOUNT_FOLDER_MODE)
        with disk.telling(self._path):
            flags = os.O_RDWR | os.O_CREAT
            descriptor = open_own(self._path, flags, disk.PRIVATE_FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BlockingIOError as err:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise OperatorError(self._held_by(holder), code="lock_held") from err
        except OSError:
            # A full disk cannot hold the pid. The lock itself holds all the same, but the next
            # process could not say who we are: let nobody work half-locked.
            os.close(descriptor)
            with disk.telling(self._path):
                raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock; once is enough, twice does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _held_by(self, holder: str) -> str:
        account = self._path.parent.name
        return (
            f"{account}: another process (pid {holder}) writes this account's data.\n"
            "Nothing was changed.\n"
            f"Next: wait for it to end, or stop it (the daemon: systemctl stop fitbitd)."
        )
