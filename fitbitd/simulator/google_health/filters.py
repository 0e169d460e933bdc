"""The filters of lists: a small part of AIP-160, and the reasons for which Google refuses one.

    steps.interval.start_time >= "2026-11-03T00:00:00Z" AND steps.interval.start_time < "..."

`>=` and `<`, joined by AND; OR, which binds more tightly than AND, for sleep alone. A filter comes
down to spans of whole milliseconds: Unix time for physical members, the wall clock read as if it
were UTC for civil members and dates.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

from fitbitd.simulator.google_health.capabilities import DATA_TYPES, DataType, Kind
from fitbitd.simulator.google_health.errors import RefusalError, empty_time_range, invalid_filter

Base = Literal["physical", "civil"]
Span = tuple[int, int]

EVER: Span = (-(10**15), 10**15)
"""Milliseconds before and after anything."""

_PREFIX = "INVALID_DATA_POINT_FILTER_"
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"\\]*")|(?P<comparator><=|>=|!=|<|>|=|:)|(?P<paren>[()])'
    r'|(?P<word>[^\s()"<>=!:]+))'
)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z")
_CIVIL = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")
_DATE_LENGTH = 10

_MEMBERS: dict[Kind, dict[str, Base]] = {
    Kind.INTERVAL: {"interval.start_time": "physical", "interval.civil_start_time": "civil"},
    Kind.SAMPLE: {"sample_time.physical_time": "physical", "sample_time.civil_time": "civil"},
    Kind.DAILY: {"date": "civil"},
    Kind.CATALOGUE: {},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which points a filter lets through.

    Attributes:
        base: which of a point's times is compared; None without a filter.
        spans: [start, end) in milliseconds; one of them must hold the time.
    """

    base: Base | None
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        """Give the earliest time that is let through."""
        return min(start for start, _ in self.spans)

    @property
    def end(self) -> int:
        """Give the first time after all that are let through."""
        return max(end for _, end in self.spans)

    def holds(self, at_ms: int) -> bool:
        """Say whether a time is let through."""
        return any(start <= at_ms < end for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def members_of(data_type: DataType) -> dict[str, Base]:
    """Name the members of a data type that can be filtered by."""
    name = data_type.filter_name
    if data_type.kind is Kind.SESSION:
        own: dict[str, dict[str, Base]] = {
            "sleep": {"interval.end_time": "physical", "interval.civil_end_time": "civil"},
            "electrocardiogram": {"interval.start_time": "physical"},
        }
        members = own.get(name, {"interval.civil_start_time": "civil"})
    else:
        members = _MEMBERS[data_type.kind]
    return {f"{name}.{member}": base for member, base in members.items()}


def parse_filter(text: str, data_type: DataType) -> Wanted:
    """Read the filter of a list of `data_type`; an empty one lets everything through.

    Raises:
        RefusalError: 400 with every reason that applies.
    """
    if not text.strip():
        return Wanted(None, (EVER,))
    parser = _Parser(_tokens(text), data_type)
    spans = parser.expression()
    parser.finish()
    held = tuple(span for span in spans if span[0] < span[1])
    if not held:
        raise empty_time_range()
    return Wanted(parser.bases.pop(), held)


def parse_timestamp(text: str) -> int | None:
    """Read an RFC 3339 time in Z as the first whole millisecond at or after it."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    try:
        whole = int(datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None
    return whole + int((Decimal(found[2] or 0) * 1000).to_integral_value("ROUND_CEILING"))


def _civil_ms(text: str, *, only_date: bool) -> int | None:
    found = _CIVIL.fullmatch(text)
    if found is None or (only_date and found[1]):
        return None
    try:
        if len(text) == _DATE_LENGTH:
            at = datetime.combine(date.fromisoformat(text), time(), UTC)
        else:
            at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(at.timestamp()) * 1000


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise _refuse("SYNTAX")
        column = found.start(found.lastgroup) + 1
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], column))
        place = found.end()
    return tokens


def _refuse(*reasons: str) -> RefusalError:
    return invalid_filter([f"{_PREFIX}{reason}" for reason in reasons])


class _Parser:
    """Recursive descent; what is wrong with single restrictions is collected and told at once."""

    def __init__(self, tokens: list[_Token], data_type: DataType) -> None:
        self.bases: set[Base] = set()
        self._tokens = tokens
        self._place = 0
        self._type = data_type
        self._members = members_of(data_type)
        self._reasons: list[str] = []
        self._descriptions: list[str] = []
        self._seen: set[tuple[str, str]] = set()

    def expression(self) -> list[Span]:
        """Read factors joined by AND."""
        spans = self._factor()
        while self._next_is("AND"):
            spans = [
                (max(a[0], b[0]), min(a[1], b[1])) for b in self._factor() for a in list(spans)
            ]
        return spans

    def finish(self) -> None:
        """Make sure that nothing is left over and nothing was wrong."""
        if self._place < len(self._tokens):
            raise _refuse("MISSING_TOKEN")  # two restrictions without a word between them
        if len(self.bases) > 1:
            self._reasons.append("MIXED_TIME_RESTRICTIONS")
        if self._reasons:
            reasons = [f"{_PREFIX}{reason}" for reason in self._reasons]
            raise invalid_filter(reasons, self._descriptions)

    def _factor(self) -> list[Span]:
        spans = self._term()
        while self._next_is("OR"):
            if self._type.id != "sleep":
                raise _refuse("EXPRESSION_STRUCTURE")
            self._seen.clear()
            spans += self._term()
        return spans

    def _term(self) -> list[Span]:
        if self._peek("paren", "("):
            self._take("paren")
            spans = self.expression()
            self._take("paren", ")")
            self._seen.clear()
            return spans
        return [self._restriction()]

    def _restriction(self) -> Span:
        member, comparator = self._take("word"), self._take("comparator")
        literal = self._take("text")
        base = self._base(member)
        if base is None:
            return EVER
        self.bases.add(base)
        if comparator.text not in self._comparators():
            self._reasons.append("RESTRICTION_COMPARATOR")
            return EVER
        if (member.text, comparator.text) in self._seen:
            self._reasons.append("EXPRESSION_STRUCTURE")  # one range, so each bound once
        self._seen.add((member.text, comparator.text))
        value = self._value(base, literal.text[1:-1])
        if value is None:
            return EVER
        return (value, EVER[1]) if comparator.text == ">=" else (EVER[0], value)

    def _base(self, member: _Token) -> Base | None:
        base = self._members.get(member.text)
        if base is not None:
            return base
        owner = member.text.partition(".")[0]
        others = {data_type.filter_name for data_type in DATA_TYPES.values()}
        if owner != self._type.filter_name and owner in others:
            self._reasons.append("COLLECTION_MISMATCH")
            return None
        self._reasons.append("DATA_TYPE_MEMBER")
        self._descriptions.append(
            f"Member '{member.text}' is not supported for filtering."
            f" (at line 1, column {member.column})"
        )
        return None

    def _comparators(self) -> Iterable[str]:
        return (">=",) if self._type.id == "electrocardiogram" else (">=", "<")

    def _value(self, base: Base, literal: str) -> int | None:
        if base == "physical":
            value, reason = parse_timestamp(literal), "TIMESTAMP_FORMAT"
        else:
            only_date = self._type.kind is Kind.DAILY
            value, reason = _civil_ms(literal, only_date=only_date), "CIVIL_DATE_TIME_FORMAT"
        if value is None:
            self._reasons.append(reason)
        return value

    def _peek(self, kind: str, text: str | None = None) -> bool:
        if self._place >= len(self._tokens):
            return False
        token = self._tokens[self._place]
        return token.kind == kind and text in (None, token.text)

    def _next_is(self, word: str) -> bool:
        if self._peek("word", word):
            self._place += 1
            return True
        return False

    def _take(self, kind: str, text: str | None = None) -> _Token:
        if self._place >= len(self._tokens):
            raise _refuse("MISSING_TOKEN")
        if not self._peek(kind, text):
            raise _refuse("SYNTAX")
        self._place += 1
        return self._tokens[self._place - 1]
