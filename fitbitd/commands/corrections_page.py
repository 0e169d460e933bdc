"""What `fitbitd gaps --corrections` shows, laid out for a person."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fitbitd import health
from fitbitd.commands import words
from fitbitd.store.listing import CorrectionRow

SHOWN = 3
"""What one read changed of one day is told value by value up to this many, and counted beyond."""

LINES = 200
"""A list that is longer than this is not read by anybody."""


def corrections_page(account: str, rows: Sequence[CorrectionRow]) -> str:
    """Lay out what changed on the final days of one account, newest first."""
    if not rows:
        return f"{account}: nothing has changed on days that were final\n"
    days = len({(row.data_type, row.day) for row in rows})
    values = words.many(len(rows), "value")
    lines = [f"{account}: {values} changed on {words.many(days, 'day')} that were final"]
    lines += _lines(rows)
    if len(lines) > LINES:
        more = words.many(len(lines) - LINES, "line")
        lines[LINES:] = [f"  {more} not shown: narrow them by day or data type, or ask --json"]
    return "\n".join(lines) + "\n"


def _lines(rows: Sequence[CorrectionRow]) -> Iterator[str]:
    width = max(len(row.data_type) for row in rows)
    for (seen, data_type, day), group in itertools.groupby(rows, _read):
        same = list(group)
        start = f"  {seen}  {data_type:<{width}}  {day}  "
        if len(same) <= SHOWN:
            yield from (f"{start}{_change(row)}" for row in same)
        else:
            counts = Counter(row.change for row in same)
            told = ", ".join(f"{count:,} {change}" for change, count in sorted(counts.items()))
            yield f"{start}{len(same):,} values: {told}"


def _read(row: CorrectionRow) -> tuple[str, str, str]:
    return health.moment(row.seen_at), row.data_type, str(row.day)


def _change(row: CorrectionRow) -> str:
    if row.key:
        return f"{row.key}: {_session(row.old)} -> {_session(row.new)}"
    at = f" at {row.at:%H:%M:%S}" if row.at else ""
    unit = f" {row.unit}" if row.unit else ""
    old, new = ("nothing" if value is None else f"{value}" for value in (row.old, row.new))
    return f"{row.field}{at}: {old} -> {new}{unit}"


def _session(content: float | str | None) -> str:
    """Tell a session by when it began and ended, by the wearer's clock."""
    if not isinstance(content, str):
        return "nothing"
    said = json.loads(content)
    begun, ended = (_clock(said[key], said["utc_offset_s"]) for key in ("start_ms", "end_ms"))
    return f"{begun} to {ended}"


def _clock(at_ms: int, utc_offset_s: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000 + utc_offset_s, UTC):%H:%M}"
