"""Take keys out of TOML tables with a reader each; note every problem with the path of its key.

A reader turns one value into ours or raises UnfitError with what is wrong and what would be right.
What no reader asked for is unknown: the keys that were asked for are the ones there are.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

INTERVAL_LEAST = timedelta(seconds=5)
INTERVAL_MOST = timedelta(days=31)
NUMBER_LEAST, NUMBER_MOST = 0.01, 1000.0
SHOWN_MOST = 60
_INTERVAL = re.compile("([0-9]{1,7})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class UnfitError(Exception):
    """A value that cannot be; the message says why and what could."""


class Table:
    """One table that is being read.

    Attributes:
        where: what stands before a key in a message.
        problems: shared by all tables of a file, in the order in which they were found.
    """

    def __init__(self, content: Mapping[str, object], where: str, problems: list[str]) -> None:
        self.where = where
        self.problems = problems
        self._content = content
        self._known: set[str] = set()

    @property
    def keys(self) -> tuple[str, ...]:
        """Give the keys that the file has, in its order."""
        return tuple(self._content)

    def problem(self, key: str, wrong: str) -> None:
        """Note what is wrong with a key."""
        self.problems.append(f"{self.where}{key}: {wrong}")

    def take(self, key: str, read: Callable[[object], T], default: T) -> T:
        """Read a key that may be absent; after a problem the default stands in."""
        self._known.add(key)
        if key not in self._content:
            return default
        try:
            return read(self._content[key])
        except UnfitError as err:
            self.problem(key, str(err))
            return default

    def need(self, key: str, read: Callable[[object], T], stand_in: T) -> T:
        """Read a key that must be there."""
        if key not in self._content:
            self.problem(key, "is missing")
        return self.take(key, read, stand_in)

    def table(self, key: str) -> "Table":
        """Enter a table inside this one; an absent one is empty."""
        nothing: Mapping[str, object] = {}
        content = self.take(key, _table, nothing)
        return Table(content, f"{self.where}{key}.", self.problems)

    def tables(self, key: str) -> Iterator["Table"]:
        """Enter each table of a list of which there must be one."""
        nothing: list[Mapping[str, object]] = []
        for number, content in enumerate(self.need(key, _tables, nothing), start=1):
            yield Table(content, f"{self.where}{key}[{number}]: ", self.problems)

    def finish(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self._content:
            if key not in self._known:
                self.problem(key, f"this key {_unknown(key, self._known)}")


def text(value: object) -> str:
    """Read text that says something."""
    if not isinstance(value, str):
        raise UnfitError(f'must be text in quotes ("..."), not {_shown(value)}')
    if not value.strip():
        raise UnfitError("is empty")
    return _without_nul(value)


def path_from(folder: Path) -> Callable[[object], Path]:
    """Read a path; a relative one counts from `folder`, and `~` is the home folder."""

    def read(value: object) -> Path:
        try:
            return folder / Path(text(value)).expanduser()
        except RuntimeError as err:
            raise UnfitError(f"{_shown(value)} names a home folder that is not known") from err

    return read


def interval(value: object) -> timedelta:
    """Read a length of time that is a number and a unit."""
    match = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnfitError(
            f'must be a number and a unit in quotes, as in "90s", "15m", "6h" or "1d", '
            f"not {_shown(value)}"
        )
    found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not INTERVAL_LEAST <= found <= INTERVAL_MOST:
        raise UnfitError(f'must lie between "5s" and "31d", not {_shown(value)}')
    return found


def number(value: object) -> float:
    """Read how many times a second."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(f"must be a number without quotes, as in 2 or 0.5, not {_shown(value)}")
    if not NUMBER_LEAST <= value <= NUMBER_MOST:
        raise UnfitError(f"must lie between 0.01 and 1000, not {_shown(value)}")
    return float(value)


def day(value: object) -> date:
    """Read a civil day."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise UnfitError(
            f"must be a day without quotes or time, as in 2024-01-01, not {_shown(value)}"
        )
    return value


def one_of(known: Iterable[str]) -> Callable[[object], str]:
    """Read one of some words."""

    def read(value: object) -> str:
        word = text(value)
        if word not in known:
            raise UnfitError(f"{_shown(word)} {_unknown(word, known)}")
        return word

    return read


def some_of(known: Mapping[str, bool] | None) -> Callable[[object], tuple[str, ...]]:
    """Read a list of words; they come back in the order of `known`.

    Args:
        known: each word, and whether "all" includes it or it has to be named. With None nobody
            knows which words there are: every word passes.
    """

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise UnfitError(
                f'must be a list with a name in it, as in ["all"] or ["steps"], not {_shown(value)}'
            )
        words = tuple(text(word) for word in value)
        if known is None:
            return words
        strangers = [word for word in words if word not in known and word != "all"]
        if strangers:
            raise UnfitError("; ".join(f"{_shown(w)} {_unknown(w, known)}" for w in strangers))
        every = "all" in words
        return tuple(word for word, usual in known.items() if word in words or (every and usual))

    return read


def words(value: object) -> tuple[str, ...]:
    """Read a command: its program and its arguments, none of them for a shell."""
    if not isinstance(value, list) or not value:
        raise UnfitError(
            'must be a list of the program and its arguments, as in ["/usr/bin/mail", "me"], '
            f"not {_shown(value)}"
        )
    program, *arguments = (text(value[0]), *(_argument(each) for each in value[1:]))
    return (program, *arguments)


def _argument(value: object) -> str:
    if not isinstance(value, str):
        raise UnfitError(f'an argument must be text in quotes ("..."), not {_shown(value)}')
    return _without_nul(value)


def _without_nul(value: str) -> str:
    """Pass text that the system can take as a name or as an argument."""
    if "\0" in value:
        raise UnfitError("holds the character NUL, which no name has")
    return value


def link(value: object) -> str:
    """Read an address to which nothing secret goes: http or https, with a query if need be."""
    address = text(value)
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.fragment
        _ = parts.port  # raises for one that is none
    except ValueError as err:
        raise UnfitError(f"{_shown(address)} is not an address: {err}") from err
    if not whole or any(mark.isspace() or not mark.isprintable() for mark in address):
        raise UnfitError(
            f'must be a whole address, as in "https://example.com/ping/1", not {_shown(address)}'
        )
    return address


def url(value: object) -> str:
    """Read an address to which a token may go: https, or plain http on this machine."""
    address = text(value)
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port  # raises for one that is none
    except ValueError as err:
        raise UnfitError(f"{_shown(address)} is not an address: {err}") from err
    if "@" in parts.netloc:
        raise UnfitError("an address here holds no user name and no password")
    whole = parts.scheme in {"http", "https"} and host and not (parts.query or parts.fragment)
    if not whole or any(mark.isspace() or not mark.isprintable() for mark in address):
        raise UnfitError(
            f'must be a whole address, as in "https://api.example.com", not {_shown(address)}'
        )
    if parts.scheme == "http" and not _is_this_machine(host):
        raise UnfitError(
            f"{_shown(address)} would send tokens over the network in the clear; write https:// "
            "(plain http is for this machine only: 127.0.0.1, [::1] or localhost)"
        )
    return address


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UnfitError(f"must be a table of keys, not {_shown(value)}")
    return value


def _tables(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not value:
        raise UnfitError("must be tables, each begun with the name in two brackets: [[account]]")
    return [_table(each) for each in value]


def _unknown(word: str, known: Iterable[str]) -> str:
    """Say that a word is unknown, and which one is meant or which ones there are."""
    return f"is unknown to this version; {hint(word, known)}"


def hint(word: str, known: Iterable[str]) -> str:
    """Say which one of `known` is meant by a word that is none of them, or which ones there are."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(known))}"


def _shown(value: object) -> str:
    """Give a value as it stands in the file, cut short."""
    if isinstance(value, dict | list):
        kind = "table" if isinstance(value, dict) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    if isinstance(value, int) and value.bit_length() > SHOWN_MOST:
        return "a number of so many digits"  # thousands of which Python does not even write
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= SHOWN_MOST else f"{shown[:SHOWN_MOST]}..."
