"""A value block of Google's JSON to numbers by field, as the table of values says."""

from collections.abc import Iterator
from typing import Any

from fitbitd.providers.google_health.members import (
    dig,
    elements,
    flag,
    members,
    number,
    seconds,
    word,
)
from fitbitd.providers.google_health.values import Form, Value


def measured(
    block: Any, values: tuple[Value, ...], length_s: float | None = None
) -> dict[str, int | float]:
    """Give what `block` says, by field.

    Args:
        block: the value of a data point or of a rolled-up window.
        values: what to look for.
        length_s: of the interval; None where there is none, and a sample has no length.

    Raises:
        UnreadError: a member that is there is not of its kind.
    """
    found: dict[str, int | float] = {}
    for value in values:
        for element in elements(dig(block, value.each), value.each[-1]) if value.each else (block,):
            found.update(_one(element, value, length_s))
    return found


def _one(element: Any, value: Value, length_s: float | None) -> Iterator[tuple[str, int | float]]:
    name = value.name
    if value.key:
        said = dig(element, value.key)
        if said is None and value.form is Form.WORD:
            return
        name = name.format(word(said, value.key[-1]))
    counted = _number(element, value, length_s)
    if counted is not None:
        yield name, counted


def _number(element: Any, value: Value, length_s: float | None) -> int | float | None:
    if value.form is Form.WORD:
        return 1
    if value.form is Form.LENGTH:
        return length_s
    said = dig(members(element, value.path[0]), value.path)
    if value.form is Form.FLAG:
        return int(flag(said, value.path[-1]))
    if said is None:
        return 0 if value.zero else None
    if value.form is Form.SECONDS:
        return seconds(said, value.path[-1])
    return number(said, value.path[-1])
