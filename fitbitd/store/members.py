"""Reading the archive: its files, their whole members, and all of them in the order of `seq`.

Memory stays small whatever a member holds: it is first checked to its end, in chunks that are
dropped, and then read line by line.
"""

import heapq
import json
import re
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fitbitd.errors import OperatorError
from fitbitd.store import disk
from fitbitd.store.archive import ARCHIVE_NAME, FORMAT
from fitbitd.store.lines import Line

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b\x08"
_CHUNK = 1 << 16
_LONGEST_FIRST_LINE = 1 << 20
_NEVER_REACHED = 1 << 53  # by a number of a line; larger ones are no numbers to every tool
NO_LINE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What comes of text that is no line of an archive."""

_YEAR = re.compile(r"\d{4}")
_FILE = re.compile(r"\d\d-\d\d\.jsonl\.gz")


@dataclass(frozen=True, slots=True)
class Member:
    """One whole gzip member.

    Attributes:
        start, end: its bytes in the file.
        count: how many lines it holds; their numbers follow one another.
        first: its first line.
        last_text: its last line as text; the end of it, if it is very long.
    """

    path: Path
    start: int
    end: int
    first_seq: int
    kind: str
    count: int
    first: Line
    last_text: bytes

    @property
    def last_seq(self) -> int:
        """Give the number of its last line."""
        return self.first_seq + self.count - 1

    @property
    def last(self) -> Line | None:
        """Give its last line without reading the others; None if it is too long for that."""
        with suppress(*NO_LINE):
            return dict(json.loads(self.last_text))
        return None

    def lines(self) -> Iterator[Line]:
        """Read its lines, one in memory at a time."""
        with disk.telling(self.path), self.path.open("rb") as file:
            yield from map(json.loads, _texts(_chunks(file, self.start)))


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file that are no readable member.

    Attributes:
        tail: nothing readable follows them in the file.
    """

    path: Path
    start: int
    end: int
    tail: bool


def archive_files(account_dir: Path) -> Iterator[Path]:
    """Give the archive's files by name, oldest day first; of links those that lead to one."""
    archive = account_dir / ARCHIVE_NAME
    with disk.telling(archive):
        if not archive.is_dir():
            return
        for year in sorted(archive.iterdir()):
            if _YEAR.fullmatch(year.name) and year.is_dir():
                found = (path for path in year.iterdir() if _FILE.fullmatch(path.name))
                yield from sorted(path for path in found if path.is_file())


def read_file(path: Path, start: int = 0) -> Iterator[Member | Damage]:
    """Give what a file holds from the offset `start` on, in its order."""
    with disk.telling(path), path.open("rb") as file:
        size = path.stat().st_size
        offset = start
        while offset < size:
            member = _whole_member(file, path, offset)
            if member is None:
                member = _next_member(file, path, offset + 1)
                end = size if member is None else member.start
                yield Damage(path, offset, end, tail=member is None)
                if member is None:
                    return
            yield member
            offset = member.end


def read_archive(
    account_dir: Path, known: Mapping[Path, int], only: Path | None = None
) -> Iterator[Member | Damage]:
    """Give what the archive holds behind the offsets `known`, in the order of the numbers.

    Files are opened when their first number is reached: in a life without a clock that steps back
    that is one at a time. A damaged stretch comes before the member that follows it.

    Args:
        account_dir: the account whose archive it is.
        known: offsets by file; a file that is not there is read from its beginning.
        only: look at this file alone, because no other one has changed.
    """
    waiting = []
    for path in [only] if only is not None else archive_files(account_dir):
        start = known.get(path, 0)
        first = next(read_file(path, start), None)
        while isinstance(first, Damage):
            yield first
            start = first.end
            first = None if first.tail else next(read_file(path, start), None)
        if first is not None:
            waiting.append((first.first_seq, path, start))
    yield from _merged(sorted(waiting))


def _merged(waiting: list[tuple[int, Path, int]]) -> Iterator[Member | Damage]:
    opened: list[tuple[int, Path, Member, Iterator[Member | Damage]]] = []
    while waiting or opened:
        while waiting and (not opened or waiting[0][0] <= opened[0][0]):
            _, path, start = waiting.pop(0)
            yield from _advance(opened, path, read_file(path, start))
        _, path, member, rest = heapq.heappop(opened)
        yield member
        yield from _advance(opened, path, rest)


def _advance(
    opened: list[tuple[int, Path, Member, Iterator[Member | Damage]]],
    path: Path,
    rest: Iterator[Member | Damage],
) -> Iterator[Damage]:
    """Put the next member of a file in line; give the damage before it."""
    for found in rest:
        if isinstance(found, Member):
            heapq.heappush(opened, (found.first_seq, path, found, rest))
            return
        yield found


def _whole_member(file: BinaryIO, path: Path, start: int) -> Member | None:
    """Read the member at `start` to its end and its checksum; None if it is not whole.

    Raises:
        OperatorError: `index_newer`: it is of a format that this program does not know.
    """
    file.seek(start)
    if file.read(len(_MAGIC)) != _MAGIC:
        return None
    chunks = _chunks(file, start)
    try:
        first, last, count, end = _drain(chunks)
        line = json.loads(first)
        member = Member(path, start, end, _seq(line), str(line["kind"]), count, line, last)
        newer = line.get("format", FORMAT) != FORMAT
    except (zlib.error, EOFError, *NO_LINE):
        return None
    if newer:
        raise OperatorError(
            f"{path} was written by a newer fitbitd, in a form that this one does not know.\n"
            "Nothing was changed, and nothing is lost.\nNext: install that fitbitd again",
            code="index_newer",
        )
    return member


def _seq(line: Line) -> int:
    seq: int = line["seq"]
    if type(seq) is not int or not 0 < seq < _NEVER_REACHED:
        raise ValueError
    return seq


def _drain(chunks: Generator[bytes, None, int]) -> tuple[bytes, bytes, int, int]:
    """Decompress to the end; give the first and the last line, how many, and where it ended."""
    first = before = last = b""
    count = 0
    while True:
        try:
            chunk = next(chunks)
        except StopIteration as stop:
            *_, text, _ = (b"\n" + before + last).split(b"\n")
            return first[: first.index(b"\n")], text, count, stop.value
        before, last = last, chunk
        if b"\n" not in first and len(first) < _LONGEST_FIRST_LINE:
            first += chunk
        count += chunk.count(b"\n")


def _next_member(file: BinaryIO, path: Path, start: int) -> Member | None:
    """Find the first whole member that begins at `start` or behind it."""
    offset = start
    while True:
        file.seek(offset)
        window = file.read(_CHUNK)
        if len(window) < len(_MAGIC):
            return None
        found = window.find(_MAGIC)
        if found < 0:
            offset += len(window) - len(_MAGIC) + 1
            continue
        member = _whole_member(file, path, offset + found)
        if member is not None:
            return member
        offset += found + 1


def _chunks(file: BinaryIO, start: int) -> Generator[bytes, None, int]:
    """Decompress the member at `start` in bounded chunks; its generator returns where it ends.

    Raises:
        zlib.error: not a gzip member, or its checksum is wrong.
        EOFError: the file ends before the member does.
    """
    file.seek(start)
    read = 0
    decompressor = zlib.decompressobj(_GZIP)
    waiting = b""
    while not decompressor.eof:
        if not waiting:
            waiting = file.read(_CHUNK)
            read += len(waiting)
            if not waiting:
                raise EOFError("the file ends inside a member")
        chunk = decompressor.decompress(waiting, _CHUNK)
        waiting = decompressor.unconsumed_tail
        if chunk:
            yield chunk
    return start + read - len(decompressor.unused_data)


def _texts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut chunks into lines at LF alone: other separators may stand in a body.

    A line can be megabytes: nothing here holds on to it while its reader works.
    """
    pieces: list[bytes] = []
    for chunk in chunks:
        head, *rest = chunk.split(b"\n")
        pieces.append(head)
        for text in rest:
            pieces[:] = [b"".join(pieces)]
            yield pieces.pop()
            pieces.append(text)
