"""The token file on disk and the lock beside it: never half written, never written by two.

    <state_dir>/<account>/token.json        the grant; mode 0600 from its first byte
                          token.json.new    a grant on its way (or left over from a crash)
                          token.json.room   room for the answer to the refresh that is under way
                          token.lock        flock; the holder's pid inside; never unlinked

What is written to a temporary name is synced, then renamed, then the folder is synced. Everything
here but `TokenLock` blocks, and is called through `Offload`.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from fitbitd.clock import Clock, Offload
from fitbitd.errors import OperatorError, TransientError
from fitbitd.oauth import token
from fitbitd.oauth.token import Grant
from fitbitd.own_file import open_own

T = TypeVar("T")
Signature = tuple[int, int, int]

PATIENCE_S = 30.0
_POLL_S = 0.05
_LARGEST_BYTES = 1 << 20
_OWN_EYES_ONLY = 0o600


class TokenFile:
    """The file that holds one account's grant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(f"{path.name}.new")
        self._room = path.with_name(f"{path.name}.room")

    def signature(self) -> Signature | None:
        """Give what changes whenever the file does; None while there is none."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as err:
            raise disk_error(err, self.path) from err
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def read(self) -> Grant | None:
        """Read the grant; None if there is no file.

        Raises:
            OperatorError: `permission` (unreadable, or somebody else's), `token_file` (corrupt).
        """
        try:
            text = self._read_text()
            return None if text is None else token.from_json(text)
        except OSError as err:
            raise disk_error(err, self.path) from err
        except (UnicodeDecodeError, OperatorError) as err:
            if isinstance(err, OperatorError) and err.code != "token_file":
                raise
            why = err if isinstance(err, OperatorError) else "it is not text"
            raise OperatorError(
                f"The token file {self.path} cannot be understood: {why}. It is left as it is."
                " Next: put a copy of it back, or run `fitbitd authorize` for this account.",
                code="token_file",
            ) from err

    def _read_text(self) -> str | None:
        try:
            fd = open_own(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(fd, "rb") as file:
            return file.read(_LARGEST_BYTES).decode()

    def write(self, grant: Grant) -> None:
        """Replace the file by one with `grant`, durably.

        Raises:
            OperatorError: `disk_full`, `disk_read_only`, `disk_failed`, `permission`,
                `token_file`.
        """
        self._put(self._new, grant)

    def reserve(self, size_bytes: int) -> None:
        """Take so much room on the disk, durably, for the grant that `fill` brings.

        Raises:
            OperatorError: as `write`.
        """
        try:
            self._overwrite(self._room, b" " * size_bytes)
        except OSError as err:
            raise disk_error(err, self.path) from err

    def fill(self, grant: Grant) -> None:
        """Replace the file by one with `grant` as `write` does, in the room that was reserved."""
        self._put(self._room, grant)

    def set_aside(self, now: datetime) -> Path:
        """Rename a file that cannot be understood, so that nothing overwrites it."""
        aside = self.path.with_name(f"{self.path.name}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}")
        try:
            self.path.rename(aside)
        except OSError as err:
            raise disk_error(err, self.path) from err
        return aside

    def remove(self) -> None:
        """Delete the file if there is one."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as err:
            raise disk_error(err, self.path) from err

    def _put(self, temporary: Path, grant: Grant) -> None:
        try:
            self._overwrite(temporary, token.to_json(grant).encode())
            self._publish(temporary)
        except OSError as err:
            raise disk_error(err, self.path) from err

    def _overwrite(self, path: Path, content: bytes) -> None:
        """Write over what is there before cutting it to length: room once taken is not given up."""
        path.parent.mkdir(mode=0o750, exist_ok=True)
        fd = open_own(path, os.O_WRONLY | os.O_CREAT, _OWN_EYES_ONLY)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, _OWN_EYES_ONLY)  # a file left over may have had another mode
            file.write(content)
            file.flush()
            os.ftruncate(fd, len(content))
            os.fsync(fd)

    def _publish(self, temporary: Path) -> None:
        temporary.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # without it a power cut brings the old name back
        finally:
            os.close(folder)


def disk_error(err: OSError, path: Path) -> OperatorError:
    """Turn what the disk refused into what the operator can do about it."""
    reason = err.strerror or "an error without a name"
    match err.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return OperatorError(
                f"No room on the disk for {path}. Next: free some; nothing is lost until then.",
                code="disk_full",
            )
        case errno.EROFS:
            return OperatorError(
                f"The disk under {path} is read-only. Next: look for disk errors in `dmesg`, then"
                " mount it for writing again.",
                code="disk_read_only",
            )
        case errno.EACCES | errno.EPERM:
            return OperatorError(
                f"No permission for {path} ({reason}) as user {os.geteuid()}. Next: give the file"
                " and its folder to the user that the service runs as.",
                code="permission",
            )
        case errno.EIO:
            return OperatorError(
                f"The disk fails for {path}: {reason}. Next: look for disk errors in `dmesg`.",
                code="disk_failed",
            )
    return OperatorError(
        f"{path} cannot be used: {reason}. Next: see what is there (ls -l {path.parent}), and put"
        " it right.",
        code="token_file",
    )


async def to_the_end(offload: Offload, work: Callable[[], T]) -> T:
    """Run `work`; a cancellation is heard when it has ended.

    Otherwise the lock would be free while a thread still writes.
    """
    task = asyncio.ensure_future(offload(work))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as err:
            cancelled = err
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, or asyncio complains that nobody did
    raise cancelled


class TokenLock:
    """The right to send a refresh token, among all processes of this machine."""

    def __init__(self, path: Path, clock: Clock, offload: Offload) -> None:
        self.path = path
        self._clock = clock
        self._offload = offload

    @asynccontextmanager
    async def held(self, patience_s: float = PATIENCE_S) -> AsyncIterator[None]:
        """Hold the lock; a holder that dies frees it.

        Raises:
            TransientError: `lock_held`: another process kept it for `patience_s`.
            OperatorError: the lock file cannot be opened.
        """
        claim = _Claim(self.path)
        give_up_at = self._clock.monotonic() + patience_s
        try:
            while not await to_the_end(self._offload, claim.made):
                if self._clock.monotonic() >= give_up_at:
                    raise TransientError(
                        f"Process {claim.holder()} holds {self.path} for {patience_s:.0f} s"
                        " already; this one tries again later.",
                        code="lock_held",
                    )
                await self._clock.sleep(_POLL_S)
            yield
        finally:
            claim.end()


class _Claim:
    """One try after another to get the lock, on one open file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def made(self) -> bool:
        """Try once, without waiting."""
        try:
            if self._fd is None:
                self._path.parent.mkdir(mode=0o750, exist_ok=True)
                self._fd = open_own(self._path, os.O_RDWR | os.O_CREAT, _OWN_EYES_ONLY)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as err:
            raise disk_error(err, self._path) from err
        self._sign()
        return True

    def _sign(self) -> None:
        """Leave our pid for those who wait; the lock holds without it, on a full disk too."""
        fd = self._fd
        if fd is None:
            return
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return

    def holder(self) -> str:
        """Name the process that holds it."""
        said = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() if self._fd else ""
        return said or "unknown"

    def end(self) -> None:
        """Free the lock, if it was ours, by closing its file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
