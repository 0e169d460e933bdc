"""Applying the archive to the index: the one way by which anything gets into it.

Live passes, the start after a crash and a rebuild all read the archive from where the index stands.
One transaction per pull holds its rows, how it ended and the number applied, so that whoever reads
sees whole pulls only, and whoever dies in it begins it again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

import structlog

from fitbitd.clock import GoOn, UnwantedError, always
from fitbitd.errors import ContractError, OperatorError, RefusedError
from fitbitd.model import (
    DataType,
    DataTypeName,
    Lesson,
    Outcome,
    OutcomeKind,
    Page,
    Pull,
    Reply,
)
from fitbitd.store import days, density, doubts, lessons, lines, passes
from fitbitd.store.change import PullChange
from fitbitd.store.index import Index
from fitbitd.store.lessons import Learn, learn_nothing
from fitbitd.store.lines import Line
from fitbitd.store.members import NO_LINE, Damage, Member, read_archive
from fitbitd.store.passes import PullEnd
from fitbitd.store.superseded import Superseded
from fitbitd.store.wanted_files import Place
from fitbitd.store.words import plain

log = structlog.get_logger()

Read = Callable[[Pull, Reply], Page]

_DEATHS = 2
"""After so many deaths on a number, it is skipped."""

_SKIPPED = Outcome(
    OutcomeKind.FAILED,
    "index_behind",
    "the program died twice while it read this reply; it stays in the archive",
)
_NOT_AS_DOCUMENTED = (*NO_LINE, sqlite3.IntegrityError, sqlite3.ProgrammingError)
"""What comes of whole lines that say what no program of ours writes: somebody changed them."""

DOUBTED = "empty_doubted"
"""The reason of a complete pull whose empty answer is not believed yet."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One committed step.

    Attributes:
        last_seq: the number up to which the index stands now.
        pull: the pull that was applied, None for the lines around pulls.
        outcome: how it ended for the index: what the archive says, or why it could not be read.
        written, withdrawn: how many values differed from what was stored, and how many are gone.
        superseded: it was not read, because later ones say all that it said.
    """

    last_seq: int
    pull: Pull | None = None
    outcome: Outcome | None = None
    written: int = 0
    withdrawn: int = 0
    superseded: bool = False


def apply_archive(  # noqa: PLR0913 - the index, the provider's ways, and what may be left out
    index: Index,
    read: Read,
    catalogue: Mapping[DataTypeName, DataType],
    changed: Path | None = None,
    *,
    learn: Learn = learn_nothing,
    superseded: Superseded | None = None,
    go_on: GoOn = always,
) -> Iterator[Applied]:
    """Apply what the archive holds behind the index; each step that is given is committed.

    The caller may stop between two steps, and go on later with a new call.

    Args:
        index: its holder holds the account's lock, and the archive is synced.
        read: the provider's way to read a reply.
        catalogue: the provider's data types.
        changed: the file that was written last; if the index stands right before what it holds,
            that spares the look at all others.
        learn: the provider's way to learn from a reply, also from a refused one.
        superseded: the pulls that need not be read.
        go_on: called before each reply; a pull that it ends is as if it had not been begun.

    Raises:
        OperatorError: what the disk refuses; the index stands where the last step left it.
        UnwantedError: what `go_on` raises; the same holds.
        SupersededError: pulls were not read because of one that says less than it seemed to.
    """
    applier = _Applier(
        index, read, catalogue, learn, superseded=superseded or Superseded({}), go_on=go_on
    )
    waiting: list[Member] = []
    last_seq = index.applied_seq
    for found in read_archive(index.account_dir, index.known(), changed):
        if isinstance(found, Damage):
            if not found.tail:  # an end may be under way; `recover` judges it
                with index.transaction():
                    index.note_damage(found)
            continue
        if changed is not None and found.first_seq > last_seq + 1:
            # Something stands in another file: it comes first.
            yield from apply_archive(index, read, catalogue, learn=learn, go_on=go_on)
            return
        last_seq = max(last_seq, found.last_seq)
        if found.last_seq > index.applied_seq:
            waiting.append(found)
            if found.kind != "pass_begin":  # it costs no transaction of its own
                yield applier.apply(waiting)
                waiting = []
    if waiting:
        yield applier.apply(waiting)


class _Applier:
    def __init__(  # noqa: PLR0913 - what `apply_archive` is given
        self,
        index: Index,
        read: Read,
        catalogue: Mapping[DataTypeName, DataType],
        learn: Learn,
        *,
        superseded: Superseded,
        go_on: GoOn,
    ) -> None:
        self._index = index
        self._db = index.db
        self._read = read
        self._learn = learn
        self._catalogue = catalogue
        self._superseded = superseded
        self._go_on = go_on
        self._first = True

    def apply(self, members: Sequence[Member]) -> Applied:
        """Apply members in one transaction: at most one pull, and what stands before it."""
        skip = False
        if self._first:
            # Only what a run begins with can be what the last process died of.
            skip = self._index.begin_applying(members[0].first_seq) > _DEATHS
            self._first = False
        try:
            with self._index.transaction():
                applied = [self._apply(member, skip=skip) for member in members]
        except (OperatorError, UnwantedError):
            self._index.excuse_applying()
            raise
        return applied[-1]

    def _apply(self, member: Member, *, skip: bool) -> Applied:
        self._db.execute("SAVEPOINT member")
        try:
            applied = self._lines(member, skip=skip)
        except _NOT_AS_DOCUMENTED:
            if not skip:
                raise  # as long as it may be this program that is wrong
            self._db.execute("ROLLBACK TO member")
            log.error("archive.damaged", path=str(member.path), offset=member.start)
            self._index.note_damage(Damage(member.path, member.start, member.end, tail=False))
            applied = Applied(member.last_seq)
        self._db.execute("RELEASE member")
        self._index.mark_applied(member.path, member.end, member.last_seq)
        return applied

    def _lines(self, member: Member, *, skip: bool) -> Applied:
        if member.kind == "pull_begin":
            return self._pull(member, skip=skip)
        for line in member.lines():
            passes.apply_line(self._db, line)
        return Applied(member.last_seq)

    def _pull(self, member: Member, *, skip: bool) -> Applied:
        pull = lines.to_pull(member.first)
        superseded = None if skip else self._end_of_superseded(member, pull)
        if skip:
            log.error("pull.skipped", data_type=pull.data_type, seq=member.first_seq)
            end = PullEnd(lines.from_instant(member.first["at"]), _SKIPPED)
        elif superseded is not None:
            end = superseded
            days.cover(self._db, self._catalogue[pull.data_type], pull, end.at)
            doubts.clear(self._db, pull)
            density.note(self._db, pull, end.outcome, end.at)
        else:
            end = self._read_pull(member, pull)
        if superseded is None:
            self._superseded.check(pull, member.first_seq, end)
        if not end.outcome.complete:
            doubts.refuse(self._db, pull, end.outcome, end.at)
        passes.insert_pull(self._db, member.first, end)
        return Applied(
            member.last_seq,
            pull,
            end.outcome,
            end.written,
            end.withdrawn,
            superseded=superseded is not None,
        )

    def _end_of_superseded(self, member: Member, pull: Pull) -> PullEnd | None:
        """Give the end of a complete pull that later ones supersede, None if it is to be read."""
        last = member.last
        if last is None or not self._superseded.has(pull, member.first_seq):
            return None
        end = PullEnd(lines.from_instant(last["at"]), lines.to_outcome(last))
        # With more replies than pages, some were refused, and those teach.
        pages_alone = member.count == end.outcome.pages + 2
        return end if end.outcome.complete and pages_alone else None

    def _read_pull(self, member: Member, pull: Pull) -> PullEnd:
        """Write what a pull says, and what its replies teach."""
        learnt: list[tuple[Lesson, datetime]] = []
        self._db.execute("SAVEPOINT pull")
        end = self._replies(member, pull, member.lines(), learnt)
        if not end.outcome.complete:
            self._db.execute("ROLLBACK TO pull")
        self._db.execute("RELEASE pull")
        lessons.note(self._db, learnt)  # a pull that failed teaches most
        return end

    def _replies(
        self,
        member: Member,
        pull: Pull,
        found: Iterator[Line],
        learnt: list[tuple[Lesson, datetime]],
    ) -> PullEnd:
        """Write what the replies of a pull say; its caller takes it back if it is not complete."""
        change, broken = None, f"this program knows no data type {pull.data_type}"
        if pull.data_type in self._catalogue:
            change, broken = PullChange(self._db, self._catalogue, pull, member.first_seq), ""
        name = self._index.name(member.path)
        end: PullEnd | None = None
        for line in found:
            self._go_on()
            if line["kind"] == "pull_end":
                end = PullEnd(lines.from_instant(line["at"]), lines.to_outcome(line))
            elif line["kind"] == "reply" and change is not None:
                reply, place = lines.to_reply(line), Place(name, line["seq"])
                line.clear()  # a large body need not be there twice
                learnt += ((lesson, reply.received_at) for lesson in self._learn(pull, reply))
                if not broken and _is_answer(reply):
                    broken = self._page(change, pull, reply, place)
        if end is None:
            raise ValueError(f"the member of a pull of {pull.data_type} has no end")
        if end.outcome.complete:
            if change is None or broken:
                log.warning("pull.not_read", data_type=pull.data_type, reason=broken)
                return replace(end, outcome=_failed(end.outcome, broken))
            return self._finish(change, pull, end)
        return end

    def _finish(self, change: PullChange, pull: Pull, end: PullEnd) -> PullEnd:
        """End the change of a complete pull."""
        if not change.finish(end.at):
            return replace(end, outcome=replace(end.outcome, reason=DOUBTED))
        density.note(self._db, pull, end.outcome, end.at)
        return replace(
            end,
            written=change.written,
            withdrawn=change.withdrawn,
            unread=change.unread,
            found=change.found,
        )

    def _page(self, change: PullChange, pull: Pull, reply: Reply, place: Place) -> str:
        """Write one reply; give the words why it cannot be read, or nothing."""
        try:
            change.add(self._read(pull, reply), reply.received_at, place)
        except (ContractError, RefusedError) as err:
            return plain(str(err))
        except (sqlite3.IntegrityError, OverflowError):
            # A value that is no number, or one beyond 64 bits: SQLite has no words for which.
            return "a reply holds a value that cannot be stored"
        return ""


def _failed(outcome: Outcome, detail: str) -> Outcome:
    return replace(outcome, kind=OutcomeKind.FAILED, reason="contract_changed", detail=detail)


def _is_answer(reply: Reply) -> bool:
    """Say whether a reply can hold data; refusals are kept, and not read."""
    return HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
