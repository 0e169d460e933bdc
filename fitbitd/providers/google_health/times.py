"""Google's times to Unix milliseconds: two look-ups for most, since hours come again and again.

A heart rate has up to 40,000 times a day. `2026-08-06T12:01:29Z` is cut behind its hour: the first
part is in a table that grows with the page, the second in one of an hour's seconds.
"""

import re
from datetime import UTC, date, datetime, timedelta

from fitbitd.providers.google_health.members import UnreadError, number, seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_HOUR = re.compile(r"(?:19[789]|20\d)\d-\d\d-\d\dT\d\d", re.ASCII)
_REST = re.compile(r":([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_FURTHEST_S = 18 * 3600  # no offset from UTC is larger

CUT = 13
"""Where a time is cut: behind its hour."""


class Hours(dict[str, int]):
    """`YYYY-MM-DDTHH` to Unix milliseconds."""

    def __missing__(self, hour: str) -> int:
        """Work out an hour that was not seen before."""
        if not _HOUR.fullmatch(hour):
            raise UnreadError("time")
        try:
            at = datetime.fromisoformat(hour).replace(tzinfo=UTC)
        except ValueError:
            raise UnreadError("time") from None
        self[hour] = found = (at - _EPOCH) // _MILLISECOND
        return found


class Seconds(dict[str, int]):
    """`:MM:SSZ`, with or without a fraction, to milliseconds."""

    def __missing__(self, rest: str) -> int:
        """Work out seconds with a fraction; they seldom come again, so they are not kept."""
        found = _REST.fullmatch(rest)
        if found is None:
            raise UnreadError("time")
        fraction = (found[3] or "")[:3].ljust(3, "0")
        return (int(found[1]) * 60 + int(found[2])) * 1000 + int(fraction)


_SECONDS = Seconds({f":{n // 60:02}:{n % 60:02}Z": n * 1000 for n in range(3600)})


class Offsets(dict[str, int]):
    """`-14400s` to seconds from UTC."""

    def __missing__(self, said: str) -> int:
        """Work out an offset that was not seen before."""
        offset_s = seconds(said, "utcOffset")
        if not isinstance(offset_s, int) or abs(offset_s) > _FURTHEST_S:
            raise UnreadError("utcOffset")
        self[said] = offset_s
        return offset_s


class Numbers(dict[str, int | float | None]):
    """Numbers written as text; those written as numbers pass through."""

    def __missing__(self, said: object) -> int | float | None:
        """Read a number that was not seen before; only text is kept, for 1 and true are equal."""
        counted = number(said, "value")
        if isinstance(said, str):
            self[said] = counted
        return counted


class Times:
    """What the times of one page have in common."""

    def __init__(self) -> None:
        self.hours = Hours()
        self.seconds = _SECONDS
        self.offsets = Offsets()

    def instant_ms(self, at: object, member: str) -> int:
        """Take `at` as an instant."""
        try:
            if isinstance(at, str):
                return self.hours[at[:CUT]] + self.seconds[at[CUT:]]
        except UnreadError:
            pass
        raise UnreadError(member)

    def instant(self, at: object, member: str) -> datetime:
        """Take `at` as an instant, as an aware datetime."""
        return _EPOCH + _MILLISECOND * self.instant_ms(at, member)

    def offset_s(self, said: object, member: str) -> int:
        """Take `said` as an offset from UTC; absent is none."""
        if said is None:
            return 0
        if not isinstance(said, str):
            raise UnreadError(member)
        return self.offsets[said]


def wall_clock(instant_ms: int, offset_s: int) -> datetime:
    """Give the naive time of the wall clock at an instant."""
    return (_EPOCH + _MILLISECOND * (instant_ms + offset_s * 1000)).replace(tzinfo=None)


def civil_day(instant_ms: int, offset_s: int) -> date:
    """Give the wearer's day at an instant."""
    return wall_clock(instant_ms, offset_s).date()


def unix_ms(at: datetime) -> int:
    """Turn an aware datetime into Unix milliseconds."""
    return (at - _EPOCH) // _MILLISECOND
