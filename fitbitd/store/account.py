"""The store of one account: lock, archive and index, opened in the one right order."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from fitbitd.clock import GoOn, always
from fitbitd.model import DataType, DataTypeName
from fitbitd.store.account_lock import AccountLock
from fitbitd.store.apply import Applied, Read, apply_archive
from fitbitd.store.archive import ArchiveWriter
from fitbitd.store.index import Index
from fitbitd.store.lessons import Learn, learn_nothing
from fitbitd.store.recovery import Recovery, recover

log = structlog.get_logger()


class AccountStore:
    """All that one account keeps on disk, held by one process.

    Opening it takes the lock and puts right what a stop in the middle of a write left behind. It
    does not catch up with the archive: `catch_up` does, in steps, so that a daemon can be ready
    before.

    Attributes:
        index: the index, possibly behind the archive.
        writer: the archive's end.
        recovery: how the archive was found.
    """

    def __init__(
        self,
        account_dir: Path,
        read: Read,
        catalogue: Mapping[DataTypeName, DataType],
        learn: Learn = learn_nothing,
    ) -> None:
        """Open the store.

        Raises:
            OperatorError: `lock_held`, `index_newer`, `index_damaged`, or what the disk refuses.
        """
        self.account_dir = account_dir
        self._read = read
        self._learn = learn
        self._catalogue = catalogue
        self._lock = AccountLock(account_dir)
        self._lock.acquire()
        try:
            self.index = Index(account_dir, catalogue)
            try:
                self.recovery = recover(account_dir, self.index.known())
                self._note(self.recovery)
            except BaseException:
                self.index.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        last_seq = max(self.recovery.last_seq, self.index.applied_seq)
        self.writer = ArchiveWriter(account_dir, last_seq + 1)

    def catch_up(self, go_on: GoOn = always) -> Iterator[Applied]:
        """Apply to the index, step by step, what the archive has more."""
        return self._apply(None, go_on)

    def apply_pass(self, go_on: GoOn = always) -> list[Applied]:
        """Apply the pass that was just written and synced; what is left out, the next start does.

        Raises:
            UnwantedError: what `go_on` raises, between two replies.
        """
        return list(self._apply(self.writer.path, go_on))

    def _apply(self, changed: Path | None, go_on: GoOn) -> Iterator[Applied]:
        read, learn = self._read, self._learn
        return apply_archive(self.index, read, self._catalogue, changed, learn=learn, go_on=go_on)

    def renew_index(self) -> None:
        """Open the index again: a rebuild may have put another file in the place of a damaged one.

        Raises:
            OperatorError: what the disk refuses.
        """
        self.index.close()
        self.index = Index(self.account_dir, self._catalogue)

    def close(self) -> None:
        """Let go of everything, the lock last."""
        try:
            self.writer.close()
        finally:
            try:
                self.index.close()
            finally:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _note(self, recovery: Recovery) -> None:
        for torn, copy in recovery.cut:
            log.warning("archive.end_cut", path=str(torn.path), offset=torn.start, copy=str(copy))
        for path, size in recovery.missing:
            log.error("archive.end_missing", path=str(path), size_bytes=size)
            self.index.note_missing(path, size)
        for damage in recovery.damage:
            log.error("archive.damaged", path=str(damage.path), offset=damage.start)
            with self.index.transaction():
                self.index.note_damage(damage)
