"""How a daemon's accounts stand, for other processes: also what no index of a full disk can tell.

One small file in memory: in the folder that systemd made for the service, or among what programs of
this machine share. It counts as long as its daemon lives, which a lock on it proves; a dead one's
is as good as none.
"""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from fitbitd import control
from fitbitd.health import Condition
from fitbitd.health_codes import Severity
from fitbitd.model import AccountName, DataTypeName
from fitbitd.store import disk

NAME = "standing.json"
MEMORY = Path("/dev/shm")  # noqa: S108 - what lies there has its owner looked at
SERVICE = control.OF_THE_SERVICE.parent
_NOT_OURS = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What comes of a file that no daemon of ours wrote, or of none."""

Accounts = Mapping[str, Sequence[Condition]]


class Standing:
    """The file, in the hands of a daemon."""

    def __init__(self, path: Path, state_dir: Path) -> None:
        """Prepare; there is no file before the first `show`."""
        self._path = path
        self._new = path.with_suffix(".new")
        self._state_dir = state_dir
        self._held: int | None = None
        self._told: dict[str, Any] = {}

    def show(self, accounts: Accounts) -> None:
        """Show how all accounts stand; where the disk refuses even this, nothing is shown."""
        told = {
            "state_dir": str(self._state_dir.resolve()),
            "accounts": {name: [asdict(one) for one in found] for name, found in accounts.items()},
        }
        if told == self._told and self._is_ours():
            return  # spares the card
        if not self._is_ours() and _is_held(self._path):
            return  # another daemon's, which was here first
        try:
            self._write(json.dumps(told, default=_text).encode())
        except OSError:
            self.close()  # the old one would be believed
        else:
            self._told = told

    def close(self) -> None:
        """Take the file away."""
        with suppress(OSError):
            self._new.unlink()
        if self._is_ours():
            with suppress(OSError):
                self._path.unlink()
        self._let_go()
        self._told = {}

    def _write(self, content: bytes) -> None:
        self._new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file = os.open(self._new, flags, disk.PRIVATE_FILE_MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fchmod(file, disk.INDEX_FILE_MODE)
            with open(file, "wb", closefd=False) as whole:
                whole.write(content)
            self._new.replace(self._path)
        except OSError:
            os.close(file)
            raise
        self._let_go()
        self._held = file

    def _is_ours(self) -> bool:
        """Say whether the file that is there is the one that we hold."""
        with suppress(OSError):
            return self._held is not None and os.path.samestat(
                os.fstat(self._held), self._path.lstat()
            )
        return False

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


def path_for(
    state_dir: Path, environ: Mapping[str, str] = os.environ, *, memory: Path = MEMORY
) -> Path:
    """Say where a daemon shows it: on no disk, for a full one would refuse this too."""
    if environ.get("RUNTIME_DIRECTORY"):
        return control.path_for(state_dir, environ).with_name(NAME)
    if not os.access(memory, os.W_OK):
        return state_dir / NAME
    named = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:16]
    return memory / f"fitbitd-{named}.json"


def read(
    state_dir: Path, account: str, *, service: Path = SERVICE, memory: Path = MEMORY
) -> tuple[Condition, ...] | None:
    """Give what is wrong with an account by a running daemon's last look; None if none tells."""
    with suppress(*_NOT_OURS):
        return tuple(_conditions(_shown(state_dir, service, memory)["accounts"][account]))
    return None


def is_shown(state_dir: Path, *, service: Path = SERVICE, memory: Path = MEMORY) -> bool:
    """Say whether a running daemon shows how the accounts of a state directory stand."""
    return bool(_shown(state_dir, service, memory))


def _shown(state_dir: Path, service: Path, memory: Path) -> Mapping[str, Any]:
    """Give what a running daemon of a state directory shows; nothing if none does."""
    by_hand = path_for(state_dir, {}, memory=memory)
    for path in (service / NAME, by_hand, state_dir / NAME):
        with suppress(*_NOT_OURS):
            told = _read(path, state_dir)
            if told["state_dir"] == str(state_dir.resolve()):
                return told
    return {}


def _read(path: Path, state_dir: Path) -> Mapping[str, Any]:
    """Read the file; it counts only while somebody holds it, and that is no stranger."""
    file = _opened(path)
    try:
        if not _is_locked(file) or os.fstat(file).st_uid not in _known(path.parent, state_dir):
            raise KeyError(path.name)
        with open(file, encoding="utf-8", closefd=False) as text:
            told: Mapping[str, Any] = json.load(text)
            return told
    finally:
        os.close(file)


def _known(*folders: Path) -> set[int]:
    """Give whose word counts: ours, and that of the folders' owners.

    In memory everybody may leave a file; and where a disk is gone, its folder is another's.
    """
    known = {os.geteuid()}
    for folder in folders:
        with suppress(OSError):
            known.add(folder.stat().st_uid)
    return known


def _is_held(path: Path) -> bool:
    try:
        file = _opened(path)
    except OSError:
        return False
    try:
        return _is_locked(file)
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    """Open what is a file, without waiting for what is none."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileNotFoundError(path)
    return file


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _conditions(rows: Iterable[Mapping[str, Any]]) -> Iterable[Condition]:
    for row in rows:
        yield Condition(
            **{
                **row,
                "severity": Severity(row["severity"]),
                "since": datetime.fromisoformat(row["since"]),
                "account": AccountName(row["account"]),
                "data_type": None if row["data_type"] is None else DataTypeName(row["data_type"]),
            }
        )


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
