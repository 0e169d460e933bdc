"""Pulls that a rebuild need not read, because a later read of their days says all that they said.

A dense type is asked many times a day, and its days are read once more as a whole when they can
settle. What stands in the index of a day is then what that read gave: of all that was read before
it, only what lasts beyond the days counts (how fresh, how dense, what was refused). This holds
while the later read

    - covers every day of the earlier one as a whole, on the same axis,
    - ended before any of them could be settled by another one: what changes on a settled day is a
      correction, which is kept,
    - held something, and no earlier read of the day that came back empty is judged by what stood
      there then: an empty answer is not believed at once,
    - is understood, all of it. That is only seen when it is read: `SupersededError` then has the
      rebuild begun anew, with every pull of the data type read.

So the first whole read after the re-read window is looked for, whether it settles the day or not.
It is found in the first and the last line of each pull, without parsing a reply. Left out are data
types whose readings move what is known of other types or of other days: sessions, and the hourly
values that check dense ones. Pulls that are not read are taken to be what the archive says: all of
their points understood.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

from fitbitd.model import Axis, DataType, DataTypeName, Kind, Pull
from fitbitd.plan.coverage import day_end
from fitbitd.store import lines
from fitbitd.store.members import Member, read_archive
from fitbitd.store.passes import PullEnd
from fitbitd.store.windows import ledger_days, ledger_zone

_HELD = -1
"""A day of which something was read, and not yet by the read that supersedes the others."""

_READ_ALL = 0
"""A day of which every pull must be read."""

_Days = dict[int, int]  # by the day's number: that of the pull that supersedes, or one of the above


class SupersededError(Exception):
    """A read that was to supersede others says less than it seemed to.

    Attributes:
        data_type: of which every pull must be read.
    """

    def __init__(self, data_type: DataTypeName) -> None:
        super().__init__(f"every pull of {data_type} must be read")
        self.data_type = data_type


class Superseded:
    """What later pulls make superfluous: nothing, until the archive was looked through.

    It takes about a hundred bytes for each data type and day.

    Args:
        catalogue: the provider's data types.
        but: those of which every pull is read.
    """

    def __init__(
        self,
        catalogue: Mapping[DataTypeName, DataType],
        but: Collection[DataTypeName] = (),
    ) -> None:
        self._types = {
            name: known
            for name, known in catalogue.items()
            if known.kind is Kind.READINGS and known.checks is None and name not in but
        }
        self._known: dict[tuple[DataTypeName, Axis], _Days] = defaultdict(dict)

    def look_through(self, account_dir: Path) -> Iterator[None]:
        """Take note of all pulls of an archive; a step for each piece of it."""
        for member in read_archive(account_dir, {}):
            if isinstance(member, Member) and member.kind == "pull_begin":
                self._note(member)
            yield

    def _note(self, member: Member) -> None:
        """Take note of a pull; they come in the order of their numbers."""
        pull, last = lines.to_pull(member.first), member.last
        data_type = self._types.get(pull.data_type)
        if data_type is None or last is None or last["kind"] != "pull_end":
            return
        outcome = lines.to_outcome(last)
        if not outcome.complete:
            return
        ended_at = max(lines.from_instant(line["at"]) for line in (member.first, last))
        days, zone = self._days_of(pull), ledger_zone(pull)
        for day, whole in _days(pull):
            before = days.get(day.toordinal())
            if before is not None and before != _HELD:
                continue
            may_settle = whole and ended_at >= day_end(day, zone) + data_type.reread
            if outcome.points:
                days[day.toordinal()] = member.first_seq if may_settle else _HELD
            elif may_settle or before == _HELD:
                days[day.toordinal()] = _READ_ALL

    def has(self, pull: Pull, number: int) -> bool:
        """Say whether later pulls supersede the one of this number."""
        days = self._days_of(pull)
        return bool(days) and all(
            days.get(day.toordinal(), _READ_ALL) > number for day, _ in _days(pull)
        )

    def check(self, pull: Pull, number: int, end: PullEnd) -> None:
        """See whether a pull that was read is what its end in the archive made it look like.

        Args:
            pull: the pull.
            number: its number in the archive.
            end: what the index made of it.

        Raises:
            SupersededError: it is not, and others were not read because of it.
        """
        days = self._days_of(pull)
        later = [days.get(day.toordinal(), _READ_ALL) for day, _ in _days(pull)]
        failed = not end.outcome.complete and number in later
        hollow = end.outcome.points > 0 == end.found and max(later, default=_READ_ALL) >= number
        if (days and end.unread) or failed or hollow:
            raise SupersededError(pull.data_type)

    def _days_of(self, pull: Pull) -> _Days:
        known = pull.data_type in self._types and pull.window is not None
        return self._known[pull.data_type, pull.window.axis] if known and pull.window else {}


def _days(pull: Pull) -> Iterator[tuple[date, bool]]:
    return iter(()) if pull.window is None else ledger_days(pull.window)
