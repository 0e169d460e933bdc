"""What `fitbitd gaps` shows, laid out for a person: what is missing, why, and what will happen."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType

from fitbitd import health
from fitbitd.commands import words
from fitbitd.health_codes import CODES
from fitbitd.plan.gaps import Gap, Lack, Tally

RUNS_SHOWN = 6
"""Of what is missing for one reason, this many runs of days are listed by default."""

_OUTLINED = frozenset({Lack.BY_AGE, Lack.PROVISIONAL})
_NOTHING_MISSING = frozenset({Lack.NOT_WORN, Lack.BY_AGE, Lack.PROVISIONAL})


@dataclass(frozen=True, slots=True)
class Account:
    """What the page says of one account.

    Attributes:
        provider: its name for people.
        history: how far back the data goes, or is on its way; empty if nobody knows.
        whole: every run of days is wanted.
    """

    name: str
    provider: str
    now: datetime
    gaps: Sequence[Gap]
    tally: Tally
    history: str = ""
    authorized: bool = True
    whole: bool = False

    @property
    def most(self) -> float:
        """Give how many runs of days are told one by one."""
        return inf if self.whole else RUNS_SHOWN


def page(account: Account, width: int) -> str:
    """Lay one account out."""
    lines = [f"{account.name} ({account.provider})"]
    if not account.authorized:
        lines.append(f"  there is no token yet. Next: fitbitd authorize {account.name}")
    elif all(gap.lack in _NOTHING_MISSING for gap in account.gaps):
        lines.append("  nothing is missing")
    for lack in Lack:
        alike = defaultdict(list)
        for gap in account.gaps:
            if gap.lack is lack:
                alike[gap.detail, gap.since is None].append(gap)
        for found in alike.values():
            lines += _block(account, found, width)
    lines += [f"  {line}" for line in _sums(account)]
    return "\n".join(lines) + "\n"


def _block(account: Account, found: list[Gap], width: int) -> Iterator[str]:
    """Tell what is missing for one reason: the reason, the days, and what will happen."""
    say = _WORDS[found[0].lack]
    since = min((gap.since for gap in found if gap.since), default=None)
    until = max((gap.until for gap in found if gap.until), default=None)
    said: Mapping[str, str] = {
        "account": account.name,
        "provider": account.provider,
        "since": f" since {health.moment(since)}" if since else "",
        "read": f"since the watch synced at {health.moment(since)}" if since else "yet",
        "reason": reason(found[0].detail),
        "until": _until(until, account.now),
    }
    yield f"  {say.why.format_map(said)}:"
    outlined = found[0].lack in _OUTLINED and not account.whole
    for line in _runs(found, width - 4, most=0 if outlined else account.most):
        yield f"    {line}"
    if say.then:
        yield f"    {say.then.format_map(said)}"


def _until(until: datetime | None, now: datetime) -> str:
    return f"by {health.moment(until)}" if until and now < until else "with the next passes"


def reason(code: str) -> str:
    """Put an error's code into words; what was not understood is words already."""
    return CODES[code].about if code in CODES else code.replace("_", " ")


def _runs(found: list[Gap], width: int, most: float) -> Iterator[str]:
    """Tell the data types and their days: those with the same days together."""
    together: dict[str, list[Gap]] = defaultdict(list)
    for gap in found:
        together[_about(gap)].append(gap)
    if len(together) > max(most, 1):
        together = {_outline(found): found}
    for about, gaps in together.items():
        names = list(dict.fromkeys(gap.data_type for gap in gaps))
        yield from words.line(names, about, width)


def _outline(found: list[Gap]) -> str:
    """Tell only from when to when, and how many days of all types."""
    first = min(gap.first for gap in found if gap.first)
    last = max(gap.last for gap in found if gap.last)
    return f"{sum(gap.days for gap in found):,} days in all, between {first} and {last}"


def _about(gap: Gap) -> str:
    days = words.days(gap.first, gap.last) if gap.first and gap.last else ""
    if not gap.count:
        return days
    one = "point" if gap.lack is Lack.NOT_UNDERSTOOD else "file"
    return f"{words.many(gap.count, one)}{f', {days}' if days else ''}"


def _sums(account: Account) -> Iterator[str]:
    """Sum up: how far back, and how many days are final, may still change, or are missing."""
    known = account.tally
    if account.history:
        yield account.history
    if not known.days:
        return
    final = f"{known.final:,} final"
    if known.by_age:
        final += f" ({known.by_age:,} of them by age alone)"
    yield (
        f"{words.many(known.days, 'day')}, counted for each data type: {final},"
        f" {known.provisional:,} may still change, {known.absent:,} never read"
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """How one kind of gap is told: why, as a heading, and what will happen then."""

    why: str
    then: str


_WORDS: Mapping[Lack, _Words] = MappingProxyType(
    {
        Lack.NOT_GRANTED: _Words(
            "not granted: the consent leaves these out",
            "Next: fitbitd authorize {account}, and tick every box.",
        ),
        Lack.REFUSED: _Words(
            "not offered{since}: {reason}",
            "Asked again {until}; no day of them is missing until they are.",
        ),
        Lack.FAILED: _Words(
            "failed{since}: {reason}",
            "Asked again by itself, all of it {until}. What arrived is kept in the archive.",
        ),
        Lack.NOT_UNDERSTOOD: _Words(
            "not understood{since}: {reason}",
            "Kept in the archive; a newer fitbitd may read them: fitbitd rebuild {account}.",
        ),
        Lack.NOT_BELIEVED: _Words(
            "not believed{since}: came back empty, though readings of it are stored",
            "What is stored stays. Asked again {until}; a second empty answer will count.",
        ),
        Lack.NOT_SYNCED: _Words(
            "the watch has not synced{since}, so the rest of these days is still on it",
            "Comes by itself after the next sync: open the app near the watch.",
        ),
        Lack.NOT_READ: _Words("not read {read}", "Comes with the next passes."),
        Lack.HISTORY: _Words(
            "history that was never asked yet", "Comes with the backfill, newest days first."
        ),
        Lack.NOT_WORN: _Words(
            "not worn, as far as the data can tell (complete, without a heartbeat)", ""
        ),
        Lack.BY_AGE: _Words(
            "final by age alone: complete when last read, but no sync of a watch proves it", ""
        ),
        Lack.PROVISIONAL: _Words(
            "complete as far as they go, and may still change", "The last of them is final {until}."
        ),
    }
)
