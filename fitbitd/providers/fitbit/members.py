"""Members of Fitbit's JSON, checked: a value of the right kind, or ContractError.

A message names the member and never its value, which is health data; for the same reason no
foreign exception, whose text may quote the value, is chained.
"""

import json
import re
from datetime import date, datetime
from typing import Any

from fitbitd.errors import ContractError

_LARGEST = 10**15  # larger than anything measured, small enough for every table and float
_NUMERAL = re.compile(r"-?\d{1,15}(\.\d{1,20})?", re.ASCII)
_YEARS = range(2000, 2100)  # Fitbit began in 2007; a year outside these is no date of a wearer
_WALL_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?", re.ASCII)
_FIRST_ID_OUT = 2**64  # ids are unsigned 64 bit


def changed(member: str) -> ContractError:
    """Make the error that says that `member` is not what Fitbit documents."""
    return ContractError(
        f"Fitbit's {member} is not as documented. The reply is archived and nothing of it is "
        "indexed; a fitbitd that understands it reads it from the archive."
    )


def document(body: bytes) -> Any:
    """Parse a JSON body.

    Raises:
        ContractError: not JSON, or JSON that no sane writer produces (NaN, endless nesting).
    """
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise changed("reply") from None


def canonical(content: Any) -> str:
    """Write JSON text with sorted keys, in ASCII, so that equal content is equal text."""
    try:
        return json.dumps(content, sort_keys=True, allow_nan=False)
    except (ValueError, RecursionError):  # 1e999 is a number to Python, and none to JSON
        raise changed("reply") from None


def members(thing: Any, member: str) -> dict[str, Any]:
    """Take `thing` as a JSON object."""
    if not isinstance(thing, dict):
        raise changed(member)
    return thing


def objects(thing: Any, member: str) -> list[dict[str, Any]]:
    """Take `thing` as a list of JSON objects."""
    if not isinstance(thing, list) or not set(map(type, thing)) <= {dict}:
        raise changed(member)
    return thing


def text(thing: Any, member: str) -> str:
    """Take `thing` as words: not empty, nothing unprintable (a lone surrogate fits no table)."""
    if not isinstance(thing, str) or not thing or not thing.isprintable():
        raise changed(member)
    return thing


def number(thing: Any, *path: str) -> int | float:
    """Take `thing` as a number, also one written as a string, as Fitbit's series have it.

    Args:
        thing: what stands there.
        path: the member, or the members that lead to it.
    """
    if isinstance(thing, str) and _NUMERAL.fullmatch(thing):
        thing = float(thing) if "." in thing else int(thing)
    if type(thing) not in (int, float) or not -_LARGEST < thing < _LARGEST:
        raise changed(".".join(path))
    counted: int | float = thing
    return counted


def identity(thing: Any, member: str) -> str:
    """Take `thing` as an id: a string, or a number that may be larger than a float can hold."""
    if type(thing) is int and 0 <= thing < _FIRST_ID_OUT:
        return str(thing)
    return text(thing, member)


def civil_date(thing: Any, member: str) -> date:
    """Take `thing` as yyyy-MM-dd."""
    try:
        day = date.fromisoformat(text(thing, member))
    except ValueError:
        raise changed(member) from None
    if day.isoformat() != thing or day.year not in _YEARS:
        raise changed(member)
    return day


def wall_time(thing: Any, member: str) -> datetime:
    """Take `thing` as yyyy-MM-ddTHH:mm:ss, with or without a fraction: naive, no zone known."""
    if not isinstance(thing, str) or not _WALL_TIME.fullmatch(thing):
        raise changed(member)
    try:
        return datetime.fromisoformat(thing)
    except ValueError:
        raise changed(member) from None


def instant(thing: Any, member: str) -> datetime:
    """Take `thing` as a time of the wearer's clock with its offset from UTC, or Z."""
    try:
        at = datetime.fromisoformat(text(thing, member))
    except ValueError:
        raise changed(member) from None
    if at.tzinfo is None or at.year not in _YEARS:
        raise changed(member)
    return at


def free_text(thing: Any) -> str:
    """Take `thing` as what a person may have typed; what no table holds is shown as a sign."""
    said = thing if isinstance(thing, str) else str(thing)
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in said
    )


def _no_constant(_: str) -> None:
    raise ValueError  # NaN and the infinities are not JSON
