"""One series across two accounts of one person: the account that goes on, and the one before it.

What is made here are temporary tables and views over two attached indexes, so that nothing is
stored and the order in which the two accounts are read does not matter:

    continued_field   which field of the earlier account is which field of the later one: what the
                      later one's catalogue says, else the same names; never across units
    half_day          the civil days of which the later account has read a part only, where the
                      earlier one holds something of the rest: days of UTC, by which instants are
                      read, begin and end in the middle of civil ones
    held_day          the other civil days on which the later account holds anything of a data type
    the views         under the names that each index has them by, with a column `provider` more:
                      the rows of the later account, but for half days, and those of the earlier
                      one for the days that the later one does not hold. So nothing is there twice,
                      nothing is lost on the way, and the seam can be seen.

Sessions go by the name of their data type, and what happens in them by the words of the later
account (`in_later_words`). A day that both have read, of which only the earlier account holds
anything, has a row of each in `coverage_days`.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two accounts.

    Attributes:
        schema: what its index is attached as.
        by_instant: its data types that are read by days of UTC.
    """

    schema: str
    provider: str
    by_instant: tuple[str, ...] = ()


_FIELDS = """
CREATE TEMP TABLE continued_field AS
SELECT f.data_type, f.name AS field, o.data_type AS old_type, o.name AS old_field
FROM {later}.field AS f
JOIN {earlier}.field AS o
    ON o.unit = f.unit
    AND CASE f.legacy
        WHEN '' THEN o.data_type = f.data_type AND o.name = f.name
        ELSE f.legacy = o.data_type || '.' || o.name
    END
"""
_HELD = """
CREATE TEMP TABLE held_day (
    data_type TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (data_type, day)
) WITHOUT ROWID
"""
_FILL_HELD = """
INSERT INTO temp.held_day
SELECT s.data_type, d.day FROM {later}.series AS s JOIN {later}.rollup_day AS d ON d.series = s.id
    WHERE s.data_type IN (SELECT data_type FROM temp.continued_field)
UNION SELECT data_type, day FROM {later}.daily
UNION SELECT data_type, day FROM {later}.session
"""
_HALF = """
CREATE TEMP TABLE half_day (
    data_type TEXT NOT NULL, day TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    PRIMARY KEY (data_type, day)
) WITHOUT ROWID
"""
# Only a day beside one that was not read can be half a day. Its calendar may be any on Earth.
_FILL_HALF = """
INSERT INTO temp.half_day
WITH edge AS MATERIALIZED (
    SELECT
        data_type,
        day,
        (unixepoch(day) - 50400) * 1000 AS from_ms,
        (unixepoch(day) + 136800) * 1000 AS to_ms
    FROM temp.held_day AS h
    WHERE data_type IN ({by_instant}) AND 3 > (
        SELECT count(*) FROM {later}.coverage AS c WHERE c.data_type = h.data_type
            AND c.day IN (date(h.day, '-1 day'), h.day, date(h.day, '+1 day'))
    )
)
SELECT DISTINCT e.* FROM edge AS e
JOIN temp.continued_field AS m ON m.data_type = e.data_type
JOIN {earlier}.series AS s ON s.data_type = m.old_type AND s.field = m.old_field
JOIN {earlier}.rollup_hour AS r
    ON r.series = s.id AND r.hour >= e.from_ms AND r.hour < e.to_ms
WHERE date(r.hour / 1000 + s.utc_offset_s, 'unixepoch') = e.day AND NOT EXISTS (
    SELECT 1 FROM {later}.coverage AS c
    WHERE c.data_type = e.data_type AND c.day = date(r.hour / 1000, 'unixepoch')
)
UNION
SELECT e.* FROM edge AS e
JOIN {earlier}.session AS s ON s.data_type = e.data_type AND s.day = e.day
WHERE NOT EXISTS (
    SELECT 1 FROM {later}.coverage AS c
    WHERE c.data_type = e.data_type AND c.day = date(s.end_ms / 1000, 'unixepoch')
)
"""
_HALF_IS_NOT_HELD = """
DELETE FROM temp.held_day WHERE (data_type, day) IN (SELECT data_type, day FROM temp.half_day)
"""
# For most readings the two comparisons say enough; the plus keeps SQLite from beginning with dates.
_NOT_HALF = """NOT EXISTS (
    SELECT 1 FROM temp.half_day AS h WHERE h.data_type = {data_type} AND {within} +h.day = {day}
)"""
_WITHIN = "{at} >= h.from_ms AND {at} < h.to_ms AND"
_NOT_HELD = """NOT EXISTS (
    SELECT 1 FROM temp.held_day AS h WHERE h.data_type = {data_type} AND h.day = {day}
)"""

_READING = (
    "unit, source, at_utc, at_local, value, duration_s, instant, utc_offset_s, ordinal",
    "date(o.instant / 1000 + o.utc_offset_s, 'unixepoch')",
    _WITHIN.format(at="o.instant"),
)
_BY_FIELD = {
    "readings": _READING,
    "preferred_readings": _READING,
    "days": ("unit, source, day, n, mean, low, high, total", "o.day", ""),
    "daily_values": ("unit, source, day, value", "o.day", ""),
}
"""The columns behind data type and field, what gives the civil day, and what it is not far from."""

_OF_FIELD = """
SELECT m.data_type, m.field, {columns}, {provider} AS provider
FROM temp.continued_field AS m
JOIN {earlier}.{view} AS o ON o.data_type = m.old_type AND o.field = m.old_field
WHERE {not_held}
"""

_IN_LATER_WORDS = (
    ("wake", "awake"),  # the same level: the earlier one says awake, too, in nights without stages
    ("short", "short_awakening"),
)
_SUMMARY = ("summary.wake.", "summary.awake.")
_BY_TYPE = {
    "sessions": ("o.data_type", ("numbers",)),
    "sleep": ("o.data_type", ("numbers", "stages_s")),
    "exercises": ("o.data_type", ()),
    "sleep_stages": ("'sleep'", ("kind", "stage")),
    "exercise_parts": ("'exercise'", ()),
}
"""What gives the data type of the sessions that a view shows, and which columns hold words."""

_SESSION = (
    *("data_type", "key", "day", "start_utc", "start_local", "end_utc", "end_local", "duration_s"),
    *("labels", "numbers", "session"),
)
_PART_OF = ("key", "day", "ordinal", "kind")
_WHEN = ("start_utc", "start_local", "duration_s")
_COLUMNS = {
    "sessions": _SESSION,
    "sleep": (*_SESSION, "stages_s"),
    "exercises": (*_SESSION, "parts"),
    "sleep_stages": (*_PART_OF, "stage", *_WHEN),
    "exercise_parts": (*_PART_OF, "label", *_WHEN),
}

_OF_TYPE = "SELECT {columns}, {provider} AS provider FROM {earlier}.{view} AS o WHERE {not_held}"
_LATER = "SELECT *, {provider} AS provider FROM {later}.{view} AS o WHERE {whole}"

_HOURLY = """
SELECT
    {names}.data_type,
    {names}.field,
    s.unit,
    s.source,
    strftime('%Y-%m-%dT%H:%M:%SZ', r.hour / 1000, 'unixepoch') AS hour_utc,
    sum(r.n) AS n,
    sum(r.total) / CAST(sum(r.n) AS REAL) AS mean,
    min(r.low) AS low,
    max(r.high) AS high,
    sum(r.total) AS total,
    {provider} AS provider
FROM {series}
JOIN {schema}.rollup_hour AS r ON r.series = s.id
WHERE {begins} {both} {ends}
GROUP BY {names}.data_type, {names}.field, s.unit, s.source, r.hour
"""
_SERIES = """temp.continued_field AS m
JOIN {earlier}.series AS s ON s.data_type = m.old_type AND s.field = m.old_field"""
_COVERAGE = """
SELECT t.data_type, o.day, o.state, o.settled_by, o.whole, o.readings, o.read_at_utc,
    o.synced_at_utc, {provider} AS provider
FROM (
    SELECT data_type, old_type FROM temp.continued_field
    UNION SELECT data_type, data_type FROM {earlier}.session
) AS t
JOIN {earlier}.coverage_days AS o ON o.data_type = t.old_type
WHERE {not_held}
"""


def continue_views(db: sqlite3.Connection, later: Side, earlier: Side) -> None:
    """Have the views of `later` show `earlier` too, wherever they are named without an account."""
    for statement in statements(later, earlier):
        db.execute(statement)


def statements(later: Side, earlier: Side) -> Iterator[str]:
    """Give the SQL that joins two indexes, for any connection that has both attached."""
    names = {"later": _name(later.schema), "earlier": _name(earlier.schema)}
    by_instant = ", ".join(map(_text, later.by_instant))
    yield _FIELDS.format(**names).strip()
    yield _HELD.strip()
    yield _FILL_HELD.format(**names).strip()
    yield _HALF.strip()
    yield _FILL_HALF.format(**names, by_instant=by_instant).strip()
    yield _HALF_IS_NOT_HELD.strip()
    later_rows = dict(_later_rows(names["later"], _text(later.provider)))
    for view, old_rows in _earlier_rows(names["earlier"], _text(earlier.provider)):
        yield (
            f"CREATE TEMP VIEW {view} AS\n{later_rows[view].strip()}\nUNION ALL\n{old_rows.strip()}"
        )


def in_later_words(word: str) -> str:
    """Give a stage, a kind of part or the name of a number as the later account calls it."""
    if word.startswith(_SUMMARY[0]):
        return _SUMMARY[1] + word.removeprefix(_SUMMARY[0])
    return dict(_IN_LATER_WORDS).get(word, word)


def _later_rows(later: str, provider: str) -> Iterator[tuple[str, str]]:
    """Give for each view the rows of the later account."""
    told = {"later": later, "provider": provider}
    for view, (_, day, within) in _BY_FIELD.items():
        whole = _not_half("o.data_type", day, within)
        yield view, _LATER.format(**told, view=view, whole=whole)
    for view, (data_type, _) in _BY_TYPE.items():
        yield view, _LATER.format(**told, view=view, whole=_not_half(data_type, "o.day"))
    within = _WITHIN.format(at="r.hour")
    begins, ends = (
        _not_half("s.data_type", f"date(r.hour / 1000 + {s} + s.utc_offset_s, 'unixepoch')", within)
        for s in (0, 3599)
    )
    rows = {"names": "s", "series": f"{later}.series AS s", "schema": later, "both": "OR"}
    yield "hourly", _HOURLY.format(provider=provider, **rows, begins=begins, ends=ends)
    yield "coverage_days", _LATER.format(**told, view="coverage_days", whole="TRUE")


def _earlier_rows(earlier: str, provider: str) -> Iterator[tuple[str, str]]:
    """Give for each view the rows that the earlier account adds."""
    told = {"earlier": earlier, "provider": provider}
    for view, (columns, day, _) in _BY_FIELD.items():
        not_held = _not_held("m.data_type", day)
        yield view, _OF_FIELD.format(**told, view=view, columns=columns, not_held=not_held)
    for view, (data_type, worded) in _BY_TYPE.items():
        columns = ", ".join(_worded(each, worded) for each in _COLUMNS[view])
        not_held = _not_held(data_type, "o.day")
        yield view, _OF_TYPE.format(**told, view=view, columns=columns, not_held=not_held)
    # Where an offset is no whole hour, a midnight lies in an hour: it is then left out.
    begins, ends = (
        _not_held("m.data_type", f"date(r.hour / 1000 + {s} + s.utc_offset_s, 'unixepoch')")
        for s in (0, 3599)
    )
    rows = {"names": "m", "series": _SERIES.format(earlier=earlier), "schema": earlier}
    yield "hourly", _HOURLY.format(provider=provider, **rows, begins=begins, both="AND", ends=ends)
    yield "coverage_days", _COVERAGE.format(**told, not_held=_not_held("t.data_type", "o.day"))


def _worded(column: str, worded: tuple[str, ...]) -> str:
    """Give a column of sessions, its words those of the later account."""
    if column not in worded:
        return f"o.{column}"
    if column in {"kind", "stage"}:
        cases = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in _IN_LATER_WORDS)
        return f"CASE o.{column} {cases} ELSE o.{column} END AS {column}"
    old, new = _SUMMARY if column == "numbers" else ('wake"', 'awake"')
    return f"""replace(o.{column}, '"{old}', '"{new}') AS {column}"""


def _not_half(data_type: str, day: str, within: str = "") -> str:
    return _NOT_HALF.format(data_type=data_type, day=day, within=within)


def _not_held(data_type: str, day: str) -> str:
    return _NOT_HELD.format(data_type=data_type, day=day)


def _name(schema: str) -> str:
    return '"' + schema.replace('"', '""') + '"'


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
