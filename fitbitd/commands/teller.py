"""Progress of long work: a line that is rewritten on a terminal, one a minute elsewhere."""

import sys

from fitbitd.clock import Clock
from fitbitd.commands import words
from fitbitd.commands.common import say

TOLD_EVERY_S = 60.0

_REWRITE = "\r\x1b[2K"
"""To the line's beginning, and empty it."""


class Teller:
    """Says on stderr how far the work of one account is."""

    def __init__(self, clock: Clock, *, terminal: bool | None = None) -> None:
        self._clock = clock
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._shown = False
        self._told_at_s: float | None = None
        self._pause = ""

    def show(self, line: str, pause: str = "") -> None:
        """Show how far it is.

        Args:
            pause: what is waited for, if something is: off a terminal that is told once.
        """
        if self._terminal:
            sys.stderr.write(f"{_REWRITE}{line[: words.width() - 1]}")
            sys.stderr.flush()
            self._shown = True
        elif self._is_time() if not pause else pause != self._pause:
            self._told_at_s = self._clock.monotonic()
            say(line)
        self._pause = pause

    def say(self, words: str) -> None:
        """Say something that stays."""
        self.close()
        say(words)

    def close(self) -> None:
        """End the line that is rewritten, so that it stays."""
        if self._shown:
            say("")
        self._shown = False

    def _is_time(self) -> bool:
        at_s = self._told_at_s
        return at_s is None or self._clock.monotonic() - at_s >= TOLD_EVERY_S
