"""Lessons: what replies taught about how a data type is to be asked, derived from the archive."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from fitbitd.model import DataTypeName, Lesson, LessonKind, Pull, Reply
from fitbitd.store.windows import from_ms, to_ms
from fitbitd.store.words import plain

Learn = Callable[[Pull, Reply], tuple[Lesson, ...]]

KEPT: Mapping[LessonKind, timedelta] = MappingProxyType(
    {
        LessonKind.PAGE_SIZE: timedelta(days=7),  # a bad hour does not shrink pages for ever
        LessonKind.LONGEST_DAYS: timedelta(days=90),
        LessonKind.METHOD: timedelta(days=90),
    }
)
"""After this a lesson is forgotten, and the catalogue tried again: what is never asked for is never
corrected."""


def learn_nothing(_pull: Pull, _reply: Reply) -> tuple[Lesson, ...]:
    """Learn nothing of a reply."""
    return ()


def note(db: sqlite3.Connection, learnt: Iterable[tuple[Lesson, datetime]]) -> None:
    """Note lessons with the times of their replies, in their order.

    The newest of a kind counts; of page sizes the least of the last days.
    """
    for lesson, at in learnt:
        row = db.execute(
            "SELECT value, learnt_at FROM lesson WHERE data_type = ? AND kind = ?",
            (lesson.data_type, lesson.kind),
        ).fetchone()
        if row is None or _replaces(lesson, at, row[0], from_ms(row[1])):
            db.execute(
                "INSERT OR REPLACE INTO lesson (data_type, kind, value, learnt_at)"
                " VALUES (?, ?, ?, ?)",
                (lesson.data_type, lesson.kind, plain(lesson.value), to_ms(at)),
            )


def known(db: sqlite3.Connection, now: datetime) -> tuple[Lesson, ...]:
    """Give what holds at `now`."""
    rows = db.execute("SELECT data_type, kind, value, learnt_at FROM lesson").fetchall()
    return tuple(
        Lesson(DataTypeName(data_type), LessonKind(kind), value)
        for data_type, kind, value, learnt_at in rows
        if _holds(LessonKind(kind), from_ms(learnt_at), now)
    )


def _replaces(lesson: Lesson, at: datetime, value: str, learnt_at: datetime) -> bool:
    if not _holds(lesson.kind, learnt_at, at):
        return True
    if lesson.kind is not LessonKind.PAGE_SIZE:
        return lesson.value != value  # the same again is no reason to write
    return int(lesson.value) <= int(value)


def _holds(kind: LessonKind, learnt_at: datetime, at: datetime) -> bool:
    """Say whether a lesson still counts; a clock that was ahead makes none last longer."""
    return abs(at - learnt_at) < KEPT[kind]
