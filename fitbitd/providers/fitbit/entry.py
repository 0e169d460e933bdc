"""What an entry of the catalogue says: a data type, how Fitbit is asked for it, what is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fitbitd.model import DataType, Field
from fitbitd.providers.fitbit.members import members, number

_DECIMALS = 3  # of a value in another unit than Fitbit's; beyond them is the noise of floats


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a row, and the field that it is.

    Attributes:
        path: from the row's value to the number; empty where the value is the number.
        scale: what Fitbit's number is multiplied by to be in the field's unit.
        nothing: the number that stands for no value, where there is one.
    """

    path: tuple[str, ...]
    field: Field
    scale: float = 1
    nothing: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A data type, and how Fitbit is asked for it.

    Attributes:
        path: of a whole window; {start} and {end} are its first and last day, {before} is a day
            that is surely before it by any clock.
        tail_path: of part of a day; {from_time} and {to_time} are minutes of the wall clock.
        container: the keys that lead from the root of a reply to its rows.
        one: the container is a single object, not a list of rows.
        bare: there is no container; the root may also be one row without a list, or `{}` for none.
        daily: the key that still comes when an app that is not of type Personal is denied the rows.
        next_date: rows of the window's last evening lie under the date that follows.
        ascending: a list in pages, oldest first and without an upper bound.
        values: what is read of each row, for the data types that share a reader.
        source: the member that says by what a row was measured.
    """

    data_type: DataType
    path: str
    tail_path: str = ""
    container: tuple[str, ...] = ()
    one: bool = False
    bare: bool = False
    daily: str = ""
    next_date: bool = False
    ascending: bool = False
    values: tuple[Value, ...] = ()
    source: str = ""


def measured(
    thing: Any, values: tuple[Value, ...], member: str
) -> Iterator[tuple[str, int | float]]:
    """Give the fields that a row's value has, in their own units; what is absent is no value.

    Raises:
        ContractError: a number that is none.
    """
    for value in values:
        at = thing
        for key in value.path:
            at = None if at is None else members(at, member).get(key)
        if at is None and value.path:
            continue
        found = number(at, member, *value.path)
        if found != value.nothing:
            scaled = found if value.scale == 1 else round(found * value.scale, _DECIMALS)
            yield value.field.name, scaled
