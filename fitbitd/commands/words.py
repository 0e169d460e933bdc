"""Words that several pages for a terminal share: names, days, lengths of time."""

import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import date, timedelta
from pathlib import Path

from fitbitd import health

WIDTH = 100
"""Of lines that nobody's terminal wraps: output into a pipe or a file."""

ROOM = 40
"""Columns that a list of names needs to say anything."""

given_config: ContextVar[Path | None] = ContextVar("given_config", default=None)
"""What `--config` said, which whoever types a proposed command has to say again."""

_COMMANDS = re.compile(
    r"\bfitbitd (authorize|backfill|backup|check|export|gaps|notify|plan|pull|query|rebuild|revoke"
    r"|run|status|verify)\b(?! --config)"
)
"""Those that need a configuration."""


def width() -> int:
    """Give the columns of the terminal."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def fitted(text: str) -> str:
    """Break lines at words where a terminal would break them anywhere; leave other output whole."""
    if not sys.stdout.isatty():
        return text
    columns = max(width(), ROOM)
    lines = []
    for each in text.splitlines():
        indent = " " * (len(each) - len(each.lstrip()) + 2)
        lines += textwrap.wrap(each, columns, subsequent_indent=indent, break_on_hyphens=False) or [
            ""
        ]
    return "\n".join(lines) + "\n"


def repeated(text: str) -> str:
    """Have the commands that `text` proposes name the configuration that this one was given."""
    config = given_config.get()
    if config is None:
        return text
    return _COMMANDS.sub(lambda match: f"{match[0]} --config {shlex.quote(str(config))}", text)


def some(names: Sequence[str], room: int) -> str:
    """Name as many as fit into `room` columns, and count the others."""
    for shown in range(len(names), 0, -1):
        told = enough(names, shown)
        if len(told) <= room or shown == 1:
            return told
    return ""


def line(names: Sequence[str], about: str, columns: int) -> Iterator[str]:
    """Tell something about some names on one line, or on two where one has no room for names."""
    if not about:
        yield some(names, columns)
    elif len(names) == 1 or columns - len(about) - 2 >= ROOM:
        yield f"{some(names, columns - len(about) - 2)}: {about}"
    else:
        yield f"{some(names, columns - 1)}:"
        yield f"  {about}"


def enough(names: Sequence[str], shown: int) -> str:
    """Name the first few: "steps, sleep and 11 more"."""
    others = len(names) - shown
    if others > 0:
        return f"{', '.join(names[:shown])} and {others} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def days(first: date, last: date) -> str:
    """Name a run of days."""
    if first == last:
        return str(first)
    return f"{first} to {last} ({(last - first).days + 1:,} days)"


def lasting(span: timedelta) -> str:
    """Say how long something lasts, as exactly as it matters."""
    minutes, rest = divmod(int(span.total_seconds()), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 48:  # noqa: PLR2004 - from two days on, hours say nothing
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min" if minutes else f"{rest} s"


def about(span: timedelta) -> str:
    """Say how long something will take: nobody knows the future to the minute."""
    minutes = span.total_seconds() / 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"about {round(minutes)} min"
    hours = minutes / 60
    if hours < 10:  # noqa: PLR2004 - beyond, halves of hours say nothing
        return f"about {round(hours * 2) / 2:g} h"
    return f"about {round(hours)} h" if hours < 48 else f"about {round(hours / 24)} days"  # noqa: PLR2004 - as in `lasting`


def ago(span: timedelta | None) -> str:
    """Say how long something is past."""
    return "never" if span is None else f"{lasting(max(span, timedelta()))} ago"


def percent(part: float) -> str:
    """Write a share; all of it only when it is all."""
    shown = min(round(100 * part, 1), 99.9) if part < 1 else 100
    return f"{shown:g} %"


moment = health.moment
"""Write an instant with its zone."""

many = health.many
"""Count things."""
