"""What a stop in the middle of a write left behind, put right by the holder of the account's lock.

Only the end of a file can be torn, and only behind what was synced. That alone is cut off, after a
copy; its pulls are asked again. Any other damage is somebody else's: it is told and left in place.
"""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fitbitd.own_file import open_own
from fitbitd.store import disk
from fitbitd.store.members import Damage, Member, archive_files, read_file

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the archive was found.

    Attributes:
        last_seq: the last number behind the known offsets, 0 if nothing is there.
        cut: torn ends that were cut off, and the copies of them.
        damage: other stretches that cannot be read.
        missing: files that are shorter than they are known to have been, and how long they are.
    """

    last_seq: int = 0
    cut: tuple[tuple[Damage, Path], ...] = ()
    damage: tuple[Damage, ...] = ()
    missing: tuple[tuple[Path, int], ...] = ()


def recover(account_dir: Path, known: Mapping[Path, int]) -> Recovery:
    """Cut torn ends off the archive and make the rest of it durable.

    Args:
        account_dir: the account; its lock is held.
        known: by file, up to where it is known to be synced (because it is applied); a file that
            is not there counts as synced up to its last readable member.

    Raises:
        OperatorError: what the disk refuses; a torn end is cut only when its copy is safe.
    """
    last_seq = 0
    cut, damage, missing = [], [], []
    for path in archive_files(account_dir):
        size = path.stat().st_size
        start = known.get(path, 0)
        if size == start:
            continue
        if size < start:
            missing.append((path, size))
            continue
        for found in read_file(path, start):
            if isinstance(found, Member):
                last_seq = max(last_seq, found.last_seq)
            elif found.tail:
                cut.append((found, _cut_off(found)))
            else:
                damage.append(found)
        _sync(path)
    return Recovery(last_seq, tuple(cut), tuple(damage), tuple(missing))


def _cut_off(torn: Damage) -> Path:
    """Copy a torn end to a file beside it, make the copy durable, then shorten the file."""
    copy = _free_name(torn.path.with_name(f"{torn.path.name}.torn-{torn.start}"))
    with disk.telling(copy):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with (
            torn.path.open("rb") as source,
            os.fdopen(os.open(copy, flags, disk.PRIVATE_FILE_MODE), "wb") as target,
        ):
            source.seek(torn.start)
            while chunk := source.read(_CHUNK):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        disk.sync_folder(copy.parent)
    with disk.telling(torn.path):
        descriptor = open_own(torn.path, os.O_RDWR)
        try:
            os.truncate(descriptor, torn.start)
        finally:
            os.close(descriptor)
    return copy


def _free_name(wanted: Path) -> Path:
    """Give `wanted`, or the first of wanted.2, wanted.3... if an earlier stop tore there too."""
    names = (wanted.with_name(f"{wanted.name}.{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([wanted], names) if not path.exists())


def _sync(path: Path) -> None:
    """Make durable what a process wrote that died before its fsync: the index must not lead it."""
    with disk.telling(path):
        descriptor = open_own(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        for folder in path.parents[:3]:  # the year's, the archive's and the account's
            disk.sync_folder(folder)
