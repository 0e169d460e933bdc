"""A spot in the life of a process: the call on a file before which it is killed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch

from tests.support.crash_trace import Call

_FRAME_HEADER_BYTES = 24
_SIZE_AFTER_COMMIT = slice(4, 8)  # zero in every frame but a transaction's last one


def ends_transaction(call: Call) -> bool:
    """Say whether a write to the write-ahead log is the header of a transaction's last frame."""
    return len(call.data) == _FRAME_HEADER_BYTES and any(call.data[_SIZE_AFTER_COMMIT])


@dataclass(frozen=True, slots=True)
class Step:
    """The `times`-th call `name` on a file named `file`, counted from the step before it.

    Two names are none of the kernel's: "answer" is the provider's answer to a path that holds
    `file`, and "commit" the header of the frame with which SQLite ends a transaction.
    """

    name: str
    file: str
    times: int = 1

    def matches(self, call: Call) -> bool:
        """Say whether `call` is such a call."""
        if not fnmatch(call.path.name, self.file):
            return False
        return ends_transaction(call) if self.name == "commit" else call.name == self.name


@dataclass(slots=True)
class Spot:
    """The last of these steps, after all the others in their order.

    Attributes:
        answered: gives the paths of the requests that were answered so far.
        synced: folders that were synced so far, other than by SQLite, which says fdatasync.
        in_transaction: whether SQLite has written whole frames, and no last one, when it ends here.
    """

    steps: Sequence[Step]
    answered: Callable[[], Sequence[str]]
    synced: set[str] = field(default_factory=set, init=False)
    in_transaction: bool = field(default=False, init=False)
    _place: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False)
    _last_frame: bool = field(default=False, init=False)

    def reached(self, call: Call) -> bool:
        """Take note of the next call; say whether it is the one, which will not happen then."""
        if self._advance(call):
            return True
        if call.name == "fsync":
            self.synced.add(call.path.name)
        if call.path.name.endswith("-wal") and call.name == "pwrite64":
            if len(call.data) == _FRAME_HEADER_BYTES:
                self._last_frame = ends_transaction(call)
            else:
                self.in_transaction = not self._last_frame
        return False

    def _advance(self, call: Call) -> bool:
        step = self.steps[self._place]
        if step.name == "answer":
            if sum(step.file in path for path in self.answered()) < step.times:
                return False
            self._place += 1
            step = self.steps[self._place]
        if not step.matches(call):
            return False
        self._seen += 1
        if self._seen == step.times:
            self._place += 1
            self._seen = 0
        return self._place == len(self.steps)
