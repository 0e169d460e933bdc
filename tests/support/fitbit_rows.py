"""What an index holds of the legacy data types that one request covers months of, as rows."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from fitbitd.model import DataTypeName, Kind
from fitbitd.providers.fitbit.catalog import CATALOGUE
from fitbitd.simulator.fitbit_life import FitbitLife
from fitbitd.simulator.fitbit_truth import truth
from fitbitd.simulator.wearer import Wearer
from tests.support.household import ALL_TYPES

NAMES = tuple(name for name in CATALOGUE if name not in ALL_TYPES)


def published(db: sqlite3.Connection, wearer: Wearer) -> dict[str, set[tuple[Any, ...]]]:
    """Give what was there of each when it was last read, in the form of `truth`.

    They are not read as often as they change: what counts is what was there to be read.
    """
    life, read_at = FitbitLife(wearer), {name: last_read(db, name) for name in NAMES}
    said = {at: truth(life, at) for at in set(read_at.values())}
    return {name: set(said[at][name]) for name, at in read_at.items()}


def held(db: sqlite3.Connection) -> dict[str, set[tuple[Any, ...]]]:
    """Give the rows of an index in the same form."""
    return {name: set((_exercises if name == "exercise" else _values)(db, name)) for name in NAMES}


def last_read(db: sqlite3.Connection, name: str) -> datetime:
    """Say when the newest days of a data type were last read completely."""
    sql = "SELECT read_at FROM freshness WHERE data_type = ?"
    (read_at,) = db.execute(sql, (name,)).fetchone()
    return datetime.fromtimestamp(read_at / 1000, UTC)


def _values(db: sqlite3.Connection, name: DataTypeName) -> Iterator[tuple[Any, ...]]:
    if CATALOGUE[name].kind is Kind.DAILY:
        sql = "SELECT day, field, value, source FROM daily WHERE data_type = ?"
        for day, *row in db.execute(sql, (name,)):
            yield date.fromisoformat(day), *row
    else:
        yield from db.execute(
            "SELECT instant / 1000, field, value, source FROM reading"
            " JOIN series ON id = series WHERE data_type = ?",
            (name,),
        )


def _exercises(db: sqlite3.Connection, name: DataTypeName) -> Iterator[tuple[Any, ...]]:
    for key, day, start_s, end_s, labels, numbers in db.execute(
        "SELECT key, day, unixepoch(start_utc), unixepoch(end_utc), labels, numbers"
        " FROM sessions WHERE data_type = ?",
        (name,),
    ):
        said, values = json.loads(labels), json.loads(numbers)
        changed_at = datetime.fromisoformat(said["last_modified"])
        numbers_of = [values.get(field) for field in ("calories", "distance", "steps")]
        when = date.fromisoformat(day), start_s, end_s
        yield key, *when, said.get("name"), *numbers_of, changed_at
