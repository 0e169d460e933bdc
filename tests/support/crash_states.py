"""The states in which a power cut may leave a folder, by a recording of what was done to it.

Two models of a disk:

    weak   the letter of POSIX. What was written to a file is durable once the file was synced, an
           entry of a folder once that folder was. All else may have reached the disk or not, each
           sector and each entry on its own.
    ext4   `data=ordered`. Entries and lengths reach the disk in the order in which they were made,
           and with any fsync all that were made before it. Blocks of files that were not synced may
           be missing; those of a file that replaces another one come before its name does.

In both, the last sector of what was being written may hold anything. The power may go after any
call. Nobody can look at all that is left then: told are, for each call but those amid SQLite's long
writes, the states in which whole files or single entries are missing, and as many others of all
calls by seeded chance.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from pathlib import Path
from random import Random
from typing import Literal

from tests.support.crash_record import Cut, Entry, Recording, Said, Step, Sync, Write

Model = Literal["weak", "ext4"]
MODELS: tuple[Model, ...] = ("weak", "ext4")
Tree = dict[str, bytes | None]
"""What a name leads to; a folder has no bytes."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - folders with names of their own are made in it
MEMORY = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
"""A folder where an fsync costs nothing, if there is one."""

_SECTOR_BYTES, _BLOCK_BYTES = 512, 4096
_ALL_TOGETHER = 4
"""Of so many files and entries that may be missing, every selection is looked at."""

_CHANGES = Write | Cut | Entry
_VAIN = 2000
"""After so many draws that bring nothing new, there is nothing more."""


@dataclass(frozen=True, slots=True)
class State:
    """What is found after a power cut.

    Attributes:
        title: how to find it again: model, steps that were done, those of them that were not
            durable and are there all the same (bits, the oldest first), and which one is garbage.
        told: the same for people: the last call, and how much is missing.
        tree: what is there.
        said: what the process had said by then.
    """

    title: str
    told: str
    tree: Tree
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    after: int
    kept: frozenset[int]
    spoilt: int | None = None


class Explorer:
    """The states after a recording, by a model; the same ones in the same order each time."""

    def __init__(self, recording: Recording, model: Model, seed: int = 1) -> None:
        self._recording = recording
        self._model = model
        self._random = Random(seed)
        size = _SECTOR_BYTES if model == "weak" else _BLOCK_BYTES
        pieces = [
            (piece, call)
            for call, step in enumerate(recording.steps)
            for piece in _pieces(step, size)
        ]
        self._steps: list[Step] = [step for step, _ in pieces]
        self._call_of = [call for _, call in pieces]

    def states(self, limit: int) -> Iterator[State]:
        """Give different states, at most so many."""
        seen: set[int] = set()
        vain = 0
        for choice in self._choices():
            if len(seen) == limit or vain == _VAIN:
                return
            state = self._state(choice)
            key = hash((tuple(state.tree.items()), len(state.said)))
            vain = 0 if key not in seen else vain + 1
            if key not in seen:
                seen.add(key)
                yield state

    def state(self, title: str) -> State:
        """Give a state by its title."""
        _, after, kept, *spoilt = title.split()
        pending, bits = self._pending(int(after)), int(kept, 16)
        return self._state(
            _Choice(
                int(after),
                frozenset(place for bit, place in enumerate(pending) if bits >> bit & 1),
                pending[int(spoilt[0])] if spoilt else None,
            )
        )

    # Which states there are

    def _choices(self) -> Iterator[_Choice]:
        """Give choices of the telling cuts and of chance in turn, and then of all cuts.

        First of the telling ones what is left by a kill, and by the worst of disks.
        """
        cuts = [
            place
            for place in range(1, len(self._steps) + 1)
            if place == len(self._steps) or self._call_of[place - 1] != self._call_of[place]
        ]
        telling = [cut for cut in cuts if not self._is_amid_bulk(cut)]
        ends = [self._legal(cut, kept) for cut in telling for kept in ((), self._pending(cut))]
        between = list(chain.from_iterable(map(self._plain, telling)))
        self._random.shuffle(ends)
        self._random.shuffle(between)
        for choice in chain(ends, between):
            yield choice
            yield self._drawn(self._random.choice(cuts))
        while True:
            cut = self._random.choice(cuts)
            yield from self._plain(cut)
            yield self._drawn(cut)

    def _plain(self, cut: int) -> Iterator[_Choice]:
        """Give what may be left where whole files and single entries are there or missing."""
        pending = self._pending(cut)
        groups: dict[tuple[str, int], list[int]] = {}
        for place in pending:
            step = self._steps[place]
            what = ("entry", place) if isinstance(step, Entry) else ("file", _file_of(step))
            groups.setdefault(what, []).append(place)
        for kept in _selections(list(groups.values())):
            yield self._legal(cut, kept)
        if pending and isinstance(self._steps[pending[-1]], Write):
            torn = pending[-1]
            yield self._legal(cut, pending[:-1])
            yield self._legal(cut, pending, torn)
            yield self._legal(cut, groups["file", _file_of(self._steps[torn])], torn)

    def _drawn(self, cut: int) -> _Choice:
        """Give what chance leaves."""
        pending, likely = self._pending(cut), self._random.choice((0.1, 0.5, 0.9))
        kept = [place for place in pending if self._random.random() < likely]
        writes = [place for place in kept if isinstance(self._steps[place], Write)]
        spoilt = self._random.choice(writes) if writes and self._random.random() < likely else None
        return self._legal(cut, kept, spoilt)

    def _legal(self, cut: int, kept: Collection[int], spoilt: int | None = None) -> _Choice:
        """Make of a choice one that the model allows."""
        chosen = set(kept)
        if self._model == "ext4":
            ordered = [p for p in self._pending(cut) if isinstance(self._steps[p], Entry | Cut)]
            come = ordered[: sum(place in chosen for place in ordered)]
            chosen = chosen.difference(ordered).union(come)
            for place in self._pending(cut):
                if any(self._brings(entry, place) for entry in come):
                    chosen.add(place)
                    spoilt = None if spoilt == place else spoilt
        return _Choice(cut, frozenset(chosen), spoilt if spoilt in chosen else None)

    def _pending(self, cut: int) -> list[int]:
        """Give the steps before a cut that were not durable by then."""
        return [
            place
            for place in range(cut)
            if self._durable_at[place] >= cut and isinstance(self._steps[place], _CHANGES)
        ]

    @cached_property
    def _durable_at(self) -> list[int]:
        """Say for each step which one makes it durable, or one behind the last."""
        at = [len(self._steps)] * len(self._steps)
        entries = [place for place, step in enumerate(self._steps) if isinstance(step, Entry)]
        for place, step in enumerate(self._steps):
            if isinstance(step, Sync):
                for before in range(place):
                    if at[before] > place and self._makes_durable(step, self._steps[before]):
                        at[before] = place
        if self._model == "ext4":
            for entry in entries:
                for before in range(entry):
                    if self._brings(entry, before):
                        at[before] = min(at[before], at[entry])
        return at

    def _makes_durable(self, sync: Sync, step: Step) -> bool:
        if isinstance(step, Entry):
            return self._model == "ext4" or step.folder == sync.file
        if isinstance(step, Cut) and self._model == "ext4":
            return True
        return isinstance(step, Write | Cut) and step.file == sync.file

    def _brings(self, entry: int, write: int) -> bool:
        """Say whether a name that replaces another one comes after these bytes (ext4)."""
        name, bytes_of = self._steps[entry], self._steps[write]
        return (
            isinstance(name, Entry)
            and name.replaced
            and isinstance(bytes_of, Write)
            and bytes_of.file == name.file
            and write < entry
        )

    def _is_amid_bulk(self, cut: int) -> bool:
        """Say whether SQLite writes to the same file before and after a cut."""
        before, *after = self._steps[cut - 1 : cut + 1]
        return (
            isinstance(before, Write)
            and before.file in self._databases
            and any(isinstance(step, Write) and step.file == before.file for step in after)
        )

    @cached_property
    def _databases(self) -> set[int]:
        made = {step.path: step.file for step in self._steps if isinstance(step, Entry)}
        named = [*self._recording.names.items(), *made.items()]
        return {file for path, file in named if file is not None and ".sqlite" in path}

    # What a state looks like

    def _state(self, choice: _Choice) -> State:
        pending = self._pending(choice.after)
        bits = sum(1 << bit for bit, place in enumerate(pending) if place in choice.kept)
        spoilt = "" if choice.spoilt is None else f" {pending.index(choice.spoilt)}"
        call = self._call_of[choice.after - 1]
        told = (
            f"after call {call + 1} of {len(self._recording.calls)}, {self._recording.calls[call]}:"
            f" {len(pending) - len(choice.kept)} of {len(pending)} pieces lost"
            f"{', one garbage' if spoilt else ''}"
        )
        said = tuple(step for step in self._steps[: choice.after] if isinstance(step, Said))
        title = f"{self._model} {choice.after} {bits:x}{spoilt}"
        return State(title, told, self._tree(choice), said)

    def _tree(self, choice: _Choice) -> Tree:
        """Do again what reached the disk."""
        names = dict(self._recording.names)
        contents = _Contents(self._recording.contents)
        for place in range(choice.after):
            if self._durable_at[place] >= choice.after and place not in choice.kept:
                continue
            match self._steps[place]:
                case Write(file, offset, data):
                    contents.write(file, offset, _spoilt(data) if place == choice.spoilt else data)
                case Cut(file, size):
                    contents.cut(file, size)
                case Entry(path=path, file=number, old=old):
                    names.pop(old or path, None)
                    if number is not None:
                        names[path] = number
        folders = set(self._recording.names.values()) - self._recording.contents.keys()
        folders |= {step.folder for step in self._steps if isinstance(step, Entry)}
        tree: Tree = {"": None}
        for path, number in sorted(names.items()):
            if path.rpartition("/")[0] in tree:  # else its folder is lost, and it with it
                tree[path] = None if number in folders else contents.of(number)
        return tree


class _Contents:
    """The bytes of files, by their numbers; those that were there first stay as they are."""

    def __init__(self, first: Mapping[int, bytes]) -> None:
        self._first = first
        self._changed: dict[int, bytearray] = {}

    def of(self, file: int) -> bytes:
        changed = self._changed.get(file)
        return self._first.get(file, b"") if changed is None else bytes(changed)

    def write(self, file: int, offset: int, data: bytes) -> None:
        changed = self._to_change(file)
        if len(changed) < offset:
            changed.extend(bytes(offset - len(changed)))
        changed[offset : offset + len(data)] = data

    def cut(self, file: int, size: int) -> None:
        changed = self._to_change(file)
        del changed[size:]
        changed.extend(bytes(size - len(changed)))

    def _to_change(self, file: int) -> bytearray:
        if file not in self._changed:
            self._changed[file] = bytearray(self._first.get(file, b""))
        return self._changed[file]


def _pieces(step: Step, size: int) -> Iterator[Step]:
    """Cut a write where the disk may tear it."""
    if not isinstance(step, Write):
        yield step
        return
    begin = 0
    while begin < len(step.data):
        end = begin + size - (step.offset + begin) % size
        yield Write(step.file, step.offset + begin, step.data[begin:end])
        begin = end


def _spoilt(data: bytes) -> bytes:
    """Put garbage in the place of what went into the last sector."""
    lost = min(len(data), _SECTOR_BYTES)
    return data[:-lost] + Random(lost).randbytes(lost)


def _file_of(step: Step) -> int:
    assert isinstance(step, Write | Cut)
    return step.file


def _selections(groups: Sequence[list[int]]) -> Iterator[list[int]]:
    """Select groups: all ways of a few; of many none, all, each alone and all but each."""
    count = len(groups)
    sizes = range(count + 1) if count <= _ALL_TOGETHER else sorted({0, 1, count - 1, count})
    for size in sizes:
        for some in combinations(groups, size):
            yield list(chain.from_iterable(some))
