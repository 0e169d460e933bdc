"""Processes that do deeds, each a child of one that has everything loaded already."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support.crash_trace import Traced

_PATIENCE_S = 120


@dataclass(slots=True)
class Doers:
    """Starts one process after another, each of which does one deed and is followed all the way.

    Attributes:
        folder: where their words are kept.
    """

    folder: Path
    _parent: "subprocess.Popen[bytes]" = field(init=False)
    _said: IO[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self._said = (self.folder / "doers.txt").open("w+b")
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_deeds"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            bufsize=0,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parent.communicate()
        self._said.close()

    def do(self, deed: str, traced: Traced) -> int:
        """Do a deed in the folder that is watched; give the exit code, as `Traced.run` does."""
        self._said.seek(0)
        self._said.truncate()
        self._tell(f"{deed} {traced.folder}")
        assert self._parent.stdout is not None
        return traced.follow(
            int(self._parent.stdout.readline()), lambda: self._tell("go"), _PATIENCE_S
        )

    def words(self) -> str:
        """Give what the last one had to say."""
        self._said.seek(0)
        return self._said.read().decode()

    def _tell(self, words: str) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(words.encode())
