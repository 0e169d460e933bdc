"""A process to which one call on a file is fatal, or fails, wherever that call is.

kill    SIGKILL instead of the call
EIO     the call fails, and does nothing
ENOSPC  the call fails, and every later one that takes room, until the process has noticed
"""

import errno
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from tests.support.crash_doers import Doers
from tests.support.crash_record import SAID, SHARED_MEMORY, Said
from tests.support.crash_states import State, Tree
from tests.support.crash_trace import Call, Traced

Kind = Literal["kill", "EIO", "ENOSPC"]
KINDS: tuple[Kind, ...] = ("kill", "EIO", "ENOSPC")

_TAKES_ROOM = {"write", "pwrite64", "mkdir", "rename", "fsync", "fdatasync"}
_OPENS = {"open": 1, "openat": 2}
_CREATES = 0o100  # O_CREAT
_OF_SQLITE = (".sqlite", "-wal", "-journal")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of a call; `at` counts them from the process's beginning."""

    kind: Kind
    at: int


@dataclass(slots=True)
class Victim:
    """A deed done with a fault, or without.

    Attributes:
        root: a folder of its own to do it in; there is none yet.
        calls: those on files since it said that it begins.
        code: how it ended.
        said: what it promised since then.
        first: what was there when it began.
    """

    root: Path
    fault: Fault | None = None
    calls: list[Call] = field(default_factory=list)
    code: int | None = None
    said: tuple[Said, ...] = ()
    first: frozenset[str] = frozenset()
    _begun: bool = False
    _failing: bool = False

    def do(self, deed: str, by: Doers) -> None:
        """Have it done."""
        self.root.mkdir()
        self.code = by.do(deed, Traced(self.root, self._kills, refuse=self._refuses))
        words = [json.loads(line) for line in (self.root / SAID).read_text().splitlines()]
        for step in words[words.index({}) + 1 :]:
            # Of all that may be promised, these alone never change.
            for kind in step.keys() & {"rows", "copied"}:
                step[kind] = [row for row in step[kind] if row.startswith("reading|")]
            self.said = (*self.said, Said(step))

    @property
    def state(self) -> State:
        """Give what it left on the disk, of which nothing is lost."""
        tree: Tree = {"": None}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if name != SAID and not name.endswith(SHARED_MEMORY):
                tree[name] = path.read_bytes() if path.is_file() else None
        return State("", "", tree, self.said)

    @property
    def readings(self) -> set[str]:
        """Give those that it promised last."""
        promised = [step.words["rows"] for step in self.said if "rows" in step.words]
        return set(promised[-1]) if promised else set()

    def _kills(self, call: Call) -> bool:
        if call.path.name == SAID:
            if call.data == b"{}\n":
                self._begun, self.first = True, frozenset(self.state.tree)
            self._failing &= b'"refused"' not in call.data
            return False
        if not self._begun or call.path.name.endswith(SHARED_MEMORY):
            return False
        self.calls.append(call)
        return self.fault == Fault("kill", len(self.calls))

    def _refuses(self, call: Call) -> int:
        if self.fault is None or not self.calls or self.calls[-1] is not call:
            return 0
        reached = len(self.calls) == self.fault.at
        if self.fault.kind == "EIO":
            return errno.EIO if reached else 0
        self._failing |= reached
        return errno.ENOSPC if self._failing and takes_room(call) else 0


def takes_room(call: Call) -> bool:
    """Say whether a call can find the disk full."""
    flags = _OPENS.get(call.name)
    creates = flags is not None and bool(call.arguments[flags] & _CREATES)
    return creates or call.name in _TAKES_ROOM


def faults(calls: Sequence[Call], kind: Kind, enough: int, seed: int) -> list[Fault]:
    """Choose so many calls to be fatal, or to fail: first one of each sort on each file.

    Sorts of writes are told apart by their size. SQLite's own files come last: they are many, and
    SQLite has been looked at by others.
    """
    places = [at for at, call in enumerate(calls, 1) if kind != "ENOSPC" or takes_room(call)]
    Random(seed).shuffle(places)
    seen: Counter[tuple[str, str, int]] = Counter()
    ranks: dict[int, tuple[int, bool]] = {}
    for at in places:
        call = calls[at - 1]
        sort = call.name, call.path.name, len(call.data).bit_length()
        ranks[at] = seen[sort], call.path.name.endswith(_OF_SQLITE)
        seen[sort] += 1
    return [Fault(kind, at) for at in sorted(places, key=ranks.__getitem__)[:enough]]
