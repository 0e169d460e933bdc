"""Members of Google's JSON, checked.

A reply as a whole is as documented or a ContractError; a point of it that is not, is UnreadError
and costs only itself. Both name the member and never its value, which is health data; for the same
reason no foreign exception, whose text may quote the value, is chained.

Source: the JSON mapping of protocol buffers, protobuf.dev/programming-guides/json, and bodies
recorded by users of the API (read 2026-11-22): int64 as text, absent defaults, "NaN" as text.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fitbitd.errors import ContractError

_LARGEST = 10**15  # larger than anything measured, small enough for every table and float
_NUMERAL = re.compile(r"-?\d{1,15}(\.\d{1,20})?([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_DURATION = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)
_NO_VALUE = ("NaN", "Infinity", "-Infinity")
_YEARS = range(1970, 2100)  # a weight may have been typed in for long ago
_LONGEST_TEXT = 4000
SPACE = " \t\n\r"
_MOST_DIGITS = 40  # no number has more of them; Python reads 4,300

_DECODER = json.JSONDecoder(parse_constant=str)
_PATIENT = json.JSONDecoder(
    parse_constant=str,
    parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else digits,
)
"""Leaves a number as text that has more digits than Python reads: it costs its point alone."""


class UnreadError(Exception):
    """A point is not as documented; `str` of it names the member."""


MISREAD = (UnreadError, KeyError, TypeError, AttributeError)
"""What comes of a point whose members are not there, or not of their kind."""


@dataclass(slots=True)
class Unread:
    """The points of a page that were not understood."""

    count: int = 0
    why: str = ""

    def add(self, err: Exception, member: str) -> None:
        """Count one more; the first tells why, by the member alone."""
        self.count += 1
        named = str(err) if isinstance(err, UnreadError) else member
        self.why = self.why or f"{named} is not as documented"


def changed(member: str) -> ContractError:
    """Make the error that says that `member` is not what Google documents."""
    return ContractError(
        f"Google's {member} is not as documented. The reply is archived and nothing of it is "
        "indexed; a fitbitd that understands it reads it from the archive."
    )


def document(body: bytes) -> dict[str, Any]:
    """Parse a JSON body, which is an object.

    Raises:
        ContractError: not JSON, or JSON that no sane writer produces (endless nesting).
    """
    try:
        text = body.decode(json.detect_encoding(body), "replace")  # a byte spoils a word at most
        root = decoded(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise changed("reply") from None
    if not isinstance(root, dict):
        raise changed("reply")
    return root


def decoded(text: str) -> Any:
    """Decode a text that is one JSON value.

    Raises:
        ValueError: it is not.
        RecursionError: it is nested without end.
    """
    text = text.strip(SPACE)
    value, end = element(text, 0)
    if end < len(text):
        raise ValueError
    return value


def element(text: str, at: int) -> tuple[Any, int]:
    """Decode the JSON value that begins at `at`; give it and where it ends.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested without end.
    """
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _PATIENT.raw_decode(text, at)


def canonical(content: Any) -> str:
    """Write JSON text with sorted keys, in ASCII, so that equal content is equal text."""
    try:
        return json.dumps(content, sort_keys=True, allow_nan=False)
    except (ValueError, RecursionError):  # 1e999 is a number to Python, and none to JSON
        raise changed("reply") from None


def dig(thing: Any, path: Sequence[str]) -> Any:
    """Follow `path` into JSON objects; None where it ends, for null says the same as nothing."""
    for key in path:
        if thing is None:
            return None
        thing = members(thing, key).get(key)
    return thing


def members(thing: Any, member: str) -> dict[str, Any]:
    """Take `thing` as a JSON object."""
    if not isinstance(thing, dict):
        raise UnreadError(member)
    return thing


def elements(thing: Any, member: str) -> list[Any]:
    """Take `thing` as a list; one that is absent is empty."""
    if thing is None:
        return []
    if not isinstance(thing, list):
        raise UnreadError(member)
    return thing


@lru_cache(maxsize=256)  # a page has thousands of a handful
def slug(word: str) -> str:
    """Write a word of Google's in our way: FAT_BURN is fat_burn."""
    return re.sub(r"\W+", "_", word.lower()).strip("_") or "other"


def word(thing: Any, member: str) -> str:
    """Take `thing` as a word of a closed list that may grow."""
    return slug(words(thing, member))


def words(thing: Any, member: str) -> str:
    """Take `thing` as words for people; what fits no table (a lone surrogate) becomes a space.

    Of very long ones the beginning is taken; the archive has them all.
    """
    if not isinstance(thing, str) or not thing:
        raise UnreadError(member)
    thing = thing[:_LONGEST_TEXT]
    return thing if thing.isprintable() else "".join(c if c.isprintable() else " " for c in thing)


def number(thing: Any, member: str) -> int | float | None:
    """Take `thing` as a number, also one written as text; None for NaN and the infinities."""
    if isinstance(thing, str):
        if thing in _NO_VALUE:
            return None
        if not _NUMERAL.fullmatch(thing):
            raise UnreadError(member)
        thing = int(thing) if _WHOLE.fullmatch(thing) else float(thing)
    if type(thing) not in (int, float) or not -_LARGEST < thing < _LARGEST:
        raise UnreadError(member)
    counted: int | float = thing
    return counted


def whole(thing: Any, member: str) -> int:
    """Take `thing` as a whole number; absent is 0."""
    counted = number(0 if thing is None else thing, member)
    if type(counted) is not int:
        raise UnreadError(member)
    return counted


def seconds(thing: Any, member: str) -> int | float:
    """Take `thing` as a duration, "900s" or "3539.368s"."""
    found = _DURATION.fullmatch(thing) if isinstance(thing, str) else None
    if found is None:
        raise UnreadError(member)
    length_s = float(found[1])
    return int(length_s) if length_s.is_integer() else length_s


def flag(thing: Any, member: str) -> bool:
    """Take `thing` as a boolean; absent is false."""
    if thing is not None and not isinstance(thing, bool):
        raise UnreadError(member)
    return bool(thing)


def civil_date(thing: Any, member: str) -> date:
    """Take `thing` as {year, month, day}."""
    named = members(thing, member)
    year, month, day = (whole(named.get(part), member) for part in ("year", "month", "day"))
    if year not in _YEARS:
        raise UnreadError(member)
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        raise UnreadError(member) from None


def last_of(name: Any, member: str) -> str:
    """Give the id at the end of a resource name, `users/1/dataTypes/sleep/dataPoints/2`."""
    return words(words(name, member).rpartition("/")[2], member)


def known_zone(name: object) -> str | None:
    """Give back an IANA name that has rules here; the zone known before stays otherwise."""
    if not isinstance(name, str):
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, such as "Europe"
        return None
