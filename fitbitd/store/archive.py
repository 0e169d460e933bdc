"""The archive: an append-only log of passes, pulls and raw replies. This module writes it.

Files
    <account_dir>/archive/<YYYY>/<MM>-<DD>.jsonl.gz, named for the UTC day on which a pass began.
    Folders have mode 0700, files 0600. Nothing deletes from them but the user.

Format
    A file is a run of gzip members, and the whole of it decompresses to JSON Lines in UTF-8, so
    that `zcat FILE | jq` reads it with nothing of ours installed. Lines end with LF only. A member
    is the unit of repair: it is whole, or it does not count.

        member of a pass's begin   pass_begin
        member of one pull         pull_begin, reply..., pull_end
        member of a pass's end     pass_end
        member of its own          condition

    The pass's begin is written before the first request and not synced on its own: what it guards
    against, a process that dies in each of its passes, leaves the page cache intact. One fsync
    follows the pass's end, and the index is applied only then.

Lines: every one has
    seq     a number that only ever grows, by one, over all files: order is this, never the clock
    kind    see below
    at      when it was written (RFC 3339, UTC); of a reply, when it was received

    pass_begin   provider, program (its version), format (1 where it is absent: what is written
                 here). The pass is named by this line's seq.
    pull_begin   pass; data_type; window {axis: instant|civil|date, start, end}, half-open, aware
                 in UTC on the instant axis and naive on the others, or null for a snapshot;
                 why; zone (IANA); synced_at (the newest device sync known then) or null; item (the
                 session whose file is asked for, as key@version) or ""; lessons {kind: value},
                 what was known beyond the catalogue when it was asked
    reply        request, without secrets {method, url, and json where a POST asks for data};
                 status; headers, those that matter, by names in lower case (content-type, date,
                 retry-after, fitbit-rate-limit-*); and the body after content decoding: `body`,
                 text, if it is valid UTF-8, otherwise `body_base64`. Its exact bytes are those of
                 the text in UTF-8.
    pull_end     outcome (complete|failed), reason (a code), detail (words), pages, points
    condition    code, subject (a data type or ""), change (raised|cleared), facts {}
    pass_end     outcome (ok or a code), detail, quota {limit, left, renews_at} or null,
                 throttled_until or null, requests, counts {}, device_syncs {device: instant}

Readers
    Merge files by seq: after a clock stepped back, a later pass stands in an earlier day's file.
    Ignore unknown kinds and unknown keys. Refuse a pass of a format that they do not know: a known
    kind or key means something else there. Skip what is no readable member (`members.py`).
"""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fitbitd.model import DeviceSync, Outcome, PassEnd, Pull, Reply, Request, Why
from fitbitd.own_file import open_own
from fitbitd.store import disk, lines

ARCHIVE_NAME = "archive"
FORMAT = 1

_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 9  # an eighth less of what comes every day, for years
_BULK_LEVEL = 4  # years that come within hours would wait for the processor
_BULK = frozenset({Why.BACKFILL, Why.ASKED})


def day_path(account_dir: Path, day: date) -> Path:
    """Name the file for the passes that begin on `day` (UTC)."""
    return account_dir / ARCHIVE_NAME / f"{day:%Y}" / f"{day:%m-%d}.jsonl.gz"


class ArchiveWriter:
    """Appends passes to an account's archive, each reply as it comes.

    Held by the holder of the account's lock only. A member that cannot be finished is taken back
    at once, so that a file never has anything but whole members before its end. Every method may
    raise OperatorError for what the disk refuses; afterwards the writer stands where it stood
    before the member, and may be used again.

    Attributes:
        next_seq: the number of the next line.
    """

    def __init__(self, account_dir: Path, next_seq: int) -> None:
        self.next_seq = next_seq
        self._account_dir = account_dir
        self._file: _DayFile | None = None
        self._member: _Member | None = None
        self._pass: int | None = None

    @property
    def path(self) -> Path | None:
        """Give the file of the last pass, None before the first."""
        return None if self._file is None else self._file.path

    @property
    def in_pass(self) -> bool:
        """Say whether a pass began and has not ended."""
        return self._pass is not None

    @property
    def in_pull(self) -> bool:
        """Say whether a pull is open: after a failed write it is not, for it was taken back."""
        return self._member is not None

    def begin_pass(self, at: datetime, provider: str, program: str) -> int:
        """Note that a pass begins, before its first request; give its id."""
        self._select(at)
        pass_id = self.next_seq
        self._write_member(self._line("pass_begin", at, provider=provider, program=program))
        self._pass = pass_id
        return pass_id

    def begin_pull(self, at: datetime, pull: Pull) -> int:
        """Open the member of a pull; give its id."""
        if self._pass is None or self._member is not None:
            raise RuntimeError("a pull begins inside a pass and outside of another pull")
        pull_id = self.next_seq
        self._member = _Member(self._opened, pull_id, _BULK_LEVEL if pull.why in _BULK else _LEVEL)
        self._append("pull_begin", at, **{"pass": self._pass}, **lines.from_pull(pull))
        return pull_id

    def reply(self, request: Request, reply: Reply) -> None:
        """Append one reply to the open pull."""
        self._append("reply", reply.received_at, **lines.from_reply(request, reply))

    def end_pull(self, at: datetime, outcome: Outcome) -> None:
        """Close the member of the open pull."""
        self._append("pull_end", at, **lines.from_outcome(outcome))
        self._finish_member()

    def abandon_pull(self) -> None:
        """Take back the open pull, if there is one: nothing of it stays."""
        if self._member is not None:
            member, self._member = self._member, None
            self.next_seq = member.first_seq
            member.take_back()

    def condition(
        self, at: datetime, code: str, change: str, subject: str, facts: Mapping[str, Any]
    ) -> None:
        """Note, between two pulls or between two passes, that a condition was raised or cleared."""
        if self._member is not None:
            raise RuntimeError("a condition is noted outside of a pull")
        if self._pass is None:
            self._select(at)
        line = {"code": code, "subject": subject, "change": change, "facts": dict(facts)}
        self._write_member(self._line("condition", at, **line))

    def end_pass(self, at: datetime, end: PassEnd, syncs: Sequence[DeviceSync] = ()) -> None:
        """Note how the pass ended and make all of it durable: one fsync."""
        self.abandon_pull()
        self._write_member(self._line("pass_end", at, **lines.from_pass_end(end, syncs)))
        self._pass = None
        self.sync()

    def sync(self) -> None:
        """Make durable what was written since the last time; if it fails, take it back.

        After a failed fsync nobody knows which pages reached the disk, and asking again would say
        yes without looking. What is taken back is simply pulled once more.
        """
        file = self._opened
        try:
            file.sync()
        except BaseException:
            self.next_seq = file.take_back_unsynced()
            raise
        file.synced_seq = self.next_seq

    def close(self) -> None:
        """Take back a pull that is open and let go of the file."""
        self.abandon_pull()
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _opened(self) -> "_DayFile":
        if self._file is None:
            raise RuntimeError("nothing is written before the first pass")
        return self._file

    def _select(self, at: datetime) -> None:
        """Have the file of the UTC day of `at` open; what the one before still owes is synced."""
        path = day_path(self._account_dir, at.astimezone(UTC).date())
        if self._file is not None:
            if self._file.path == path:
                return
            if self._file.owes_sync:
                self.sync()
            self._file.close()
            self._file = None
        self._file = _DayFile(path, self.next_seq)

    def _line(self, kind: str, at: datetime, /, **rest: Any) -> bytes:
        line = {"seq": self.next_seq, "kind": kind, "at": lines.instant(at), **rest}
        encoded = lines.encode(line)
        self.next_seq += 1
        return encoded

    def _append(self, kind: str, at: datetime, /, **rest: Any) -> None:
        if self._member is None:
            raise RuntimeError("no pull is open")
        with self._or_taken_back():
            self._member.write(self._line(kind, at, **rest))

    def _finish_member(self) -> None:
        if self._member is not None:
            with self._or_taken_back():
                self._member.finish()
            self._member = None

    def _write_member(self, line: bytes) -> None:
        """Write a member of one line, which has taken its number already."""
        self._member = _Member(self._opened, self.next_seq - 1, _LEVEL)
        with self._or_taken_back():
            self._member.write(line)
        self._finish_member()

    @contextmanager
    def _or_taken_back(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.abandon_pull()
            raise


class _DayFile:
    """One file of the archive, open at its end."""

    def __init__(self, path: Path, next_seq: int) -> None:
        self.path = path
        self.synced_seq = next_seq
        year, archive, account, state = path.parents[:4]
        disk.make_folder(account, disk.ACCOUNT_FOLDER_MODE)
        disk.make_folder(archive, disk.PRIVATE_FOLDER_MODE)
        disk.make_folder(year, disk.PRIVATE_FOLDER_MODE)
        with disk.telling(path):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            self._descriptor = open_own(path, flags, disk.PRIVATE_FILE_MODE)
            self.size = self._synced_size = os.fstat(self._descriptor).st_size
        # Also those that were there: who made a name may have died before it was synced.
        self._unsynced_folders = [state, account, archive, year]

    @property
    def owes_sync(self) -> bool:
        """Say whether anything was written since the last fsync."""
        return self.size != self._synced_size

    def append(self, data: bytes) -> None:
        """Write all of `data`, or raise."""
        with disk.telling(self.path):
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        self.size += len(data)

    def take_back(self, size: int) -> None:
        """Forget everything behind `size`."""
        with disk.telling(self.path):
            os.ftruncate(self._descriptor, size)
        self.size = size

    def take_back_unsynced(self) -> int:
        """Forget everything since the last fsync; give the number that comes next then."""
        self.take_back(self._synced_size)
        return self.synced_seq

    def sync(self) -> None:
        """Make the content durable; the first time also the names of the file and its folders."""
        with disk.telling(self.path):
            os.fsync(self._descriptor)
            while self._unsynced_folders:
                disk.sync_folder(self._unsynced_folders[-1])
                self._unsynced_folders.pop()
        self._synced_size = self.size

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self._descriptor)


class _Member:
    """One gzip member under way at the end of a file."""

    def __init__(self, file: _DayFile, first_seq: int, level: int) -> None:
        self.first_seq = first_seq
        self._file = file
        self._start = file.size
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP)

    def write(self, line: bytes) -> None:
        self._append(self._compressor.compress(line))

    def finish(self) -> None:
        self._append(self._compressor.flush())

    def take_back(self) -> None:
        self._file.take_back(self._start)

    def _append(self, data: bytes) -> None:
        if data:
            self._file.append(data)
