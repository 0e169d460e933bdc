"""What must hold after any power cut: looked at in this process, by starting where it left things.

- The grant is usable: what was stored is there, or it is in doubt; and a provider that knows no
  more of us than it did when the power went gives a token that works.
- Every member of the archive that is whole is there after the start.
- The index does not lead the archive, and caught up it is what a rebuild makes.
- Every row that was promised is there.
- A second start finds nothing more to do.
- A backup restores, whatever became of it, and the next one brings it up to date.
"""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx  # noqa: TID251 - stands for the network
from structlog.testing import capture_logs

from fitbitd.assembly import PROVIDERS
from fitbitd.errors import FitbitdError
from fitbitd.model import DataType, DataTypeName
from fitbitd.oauth import token
from fitbitd.oauth.token import TokenState
from fitbitd.store.account import AccountStore
from fitbitd.store.apply import Read
from fitbitd.store.backup import GRANT_FILE, back_up
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from fitbitd.store.lessons import Learn
from fitbitd.store.members import Member, archive_files, read_file
from fitbitd.store.rebuild import rebuild
from fitbitd.store.recovery import Recovery
from tests.support.crash_deeds import COPY, NAME, STATE, ask, household
from tests.support.crash_record import Recording, Said
from tests.support.crash_states import State, Tree
from tests.support.household import URL, Household
from tests.support.loop import run

Rows = frozenset[str]
Archive = dict[Path, bytes]

_UNTIL_THE_RESTART = timedelta(seconds=40)
_NOTHING: Rows = frozenset()


class BrokenPromiseError(Exception):
    """Something does not hold."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How an account's replies are read."""

    read: Read
    catalogue: Mapping[DataTypeName, DataType]
    learn: Learn


def ways_of_passes() -> Ways:
    """Give those of the provider that passes collect from."""
    kit = PROVIDERS["fitbit"]
    provider = kit.provider(URL)
    return Ways(provider.read, kit.catalogue, provider.learn)


@dataclass(slots=True)
class Inspector:
    """Looks at one state after another of the same deed.

    Attributes:
        scratch: a folder to start in, where an fsync costs nothing.
        ways: how the account's replies are read.
        rebuilds: a rebuild was under way, and is asked for again.
        unlike: rows that begin so are not what a rebuild makes.
    """

    scratch: Path
    recording: Recording
    ways: Ways
    rebuilds: bool = False
    unlike: str = "nothing"
    _rows: dict[str, list[Rows]] = field(init=False)
    _made: dict[int, list[str]] = field(default_factory=dict)
    _usable: set[int] = field(default_factory=set)
    _started: set[int] = field(default_factory=set)
    _quiet: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._rows = {kind: self._lasting(kind) for kind in ("rows", "copied")}

    def problem(self, state: State) -> str:
        """Start where the power cut left things; say what does not hold, or nothing."""
        root = self.scratch / "cut"
        lay_out(state.tree, root)
        try:
            with capture_logs():
                self._look_at_grant(root / STATE, state.said)
                self._look_at_rest(root, state)
        except (BrokenPromiseError, FitbitdError, sqlite3.Error, OSError, ValueError) as err:
            return f"{type(err).__name__}: {err}"
        finally:
            shutil.rmtree(root)
        return ""

    def _look_at_rest(self, root: Path, state: State) -> None:
        """See what a start makes of all but the grant, unless it was seen before."""
        folder, copy = root / STATE / NAME, root / COPY / NAME
        rest = [(path, content) for path, content in state.tree.items() if "token" not in path]
        key = hash((tuple(rest), sum("request" not in step.words for step in state.said)))
        if key in self._started:
            return
        dump = self._start(folder, self._promised("rows", state.said))
        if self.rebuilds:
            self._rebuild(folder)
            expect_rows(dumped(folder), dump, "rebuilt once more")
        if copy.parent.exists():
            if copy.exists():
                self._start(copy, self._promised("copied", state.said))
            for _ in back_up(folder, copy, secrets=True):
                pass
            expect_rows(dumped(copy), dump, "backed up once more")
        self._started.add(key)

    def _start(self, folder: Path, promised: Rows) -> list[str]:
        """Start, and give the index as it is then."""
        whole = {path: whole_members(path) for path in archive_files(folder)}
        with self._store(folder) as store:
            last_seq = max((one.last_seq for found in whole.values() for one in found), default=0)
            if store.recovery.missing or store.index.applied_seq > last_seq:
                raise BrokenPromiseError("the index leads the archive")
            list(store.catch_up())
            dump = list(canonical_dump(store.index.db))
        for path, members in whole.items():
            if whole_members(path) != members:
                raise BrokenPromiseError(f"whole members of {path.name} are gone")
        archive = {path.relative_to(folder): path.read_bytes() for path in archive_files(folder)}
        expect_rows(self._alike(dump), self._alike(self._rebuilt(archive)), "caught up")
        lost = promised.difference(dump)
        if lost:
            raise BrokenPromiseError(f"{len(lost)} promised rows are lost: {min(lost)}")
        self._start_again(folder, archive)
        return dump

    def _start_again(self, folder: Path, archive: Archive) -> None:
        """See that a second start finds nothing to do; once for each archive, for it costs half."""
        key = hash(tuple(archive.items()))
        if key not in self._quiet:
            with self._store(folder) as store:
                if store.recovery != Recovery() or list(store.catch_up()):
                    raise BrokenPromiseError("a second start has something to do again")
            self._quiet.add(key)

    def _rebuilt(self, archive: Archive) -> list[str]:
        """Give what a rebuild makes of an archive."""
        key = hash(tuple(archive.items()))
        if key not in self._made:
            anew = self.scratch / "anew"
            anew.mkdir()
            for path, content in archive.items():
                (anew / path).parent.mkdir(parents=True, exist_ok=True)
                (anew / path).write_bytes(content)
            self._rebuild(anew)
            self._made[key] = dumped(anew)
            shutil.rmtree(anew)
        return self._made[key]

    def _store(self, folder: Path) -> AccountStore:
        return AccountStore(folder, self.ways.read, self.ways.catalogue, self.ways.learn)

    def _rebuild(self, folder: Path) -> None:
        ways = self.ways
        for _ in rebuild(folder, ways.read, ways.catalogue, ways.learn):
            pass

    def _alike(self, dump: list[str]) -> list[str]:
        return [row for row in dump if not row.startswith(self.unlike)]

    def _look_at_grant(self, state_dir: Path, said: tuple[Said, ...]) -> None:
        """See that the account can go on, with the provider as it was when the power went."""
        path = state_dir / NAME / GRANT_FILE
        stored = [str(step.words["stored"]) for step in said if "stored" in step.words]
        begun_with = path.relative_to(state_dir.parent).as_posix() in self.recording.names
        if not (stored or begun_with or path.exists()):
            return  # nobody was told that there is a consent
        requests = [step.words for step in said if "request" in step.words]
        key = hash((path.exists() and path.read_bytes(), len(requests), len(stored)))
        if key not in self._usable:
            home = household(state_dir)
            run(home.loop, go_on(home, stored, requests))
            self._usable.add(key)

    # What was promised

    def _lasting(self, kind: str) -> list[Rows]:
        """Give what was promised each time, less what a later promise does not hold any more."""
        lasting: list[Rows] = []
        for step in reversed(self.recording.steps):
            if isinstance(step, Said) and kind in step.words:
                rows = frozenset(step.words[kind])
                lasting.append(rows & lasting[-1] if lasting else rows)
        return lasting[::-1]

    def _promised(self, kind: str, said: tuple[Said, ...]) -> Rows:
        times = sum(kind in step.words for step in said)
        return self._rows[kind][times - 1] if times else _NOTHING


async def go_on(
    home: Household, stored: Sequence[str], requests: Sequence[Mapping[str, Any]]
) -> None:
    """Have a provider see what it saw, and go on some seconds later with what the file holds.

    Args:
        home: where the account is; its provider knows nothing yet.
        stored: the access tokens that were said to be stored, oldest first.
        requests: what had reached the provider, and when.
    """
    given = {home.simulator.mint()["access_token"], *stored}
    grant = home.parts().token_file.read()
    if grant is None:
        raise BrokenPromiseError("there is no grant")
    if stored and grant.access_token in given - {stored[-1]}:
        raise BrokenPromiseError("a token that was stored is gone")
    sent = [parse_qs(words["request"][3]).get("refresh_token", [""])[0] for words in requests]
    in_doubt = token.state(grant, home.clock.now()) is TokenState.IN_DOUBT
    if grant.refresh_token in sent and not in_doubt:
        raise BrokenPromiseError("a refresh token was sent, and the file does not say so")
    for words in requests:
        at = datetime.fromisoformat(words["at"])
        await home.clock.sleep((at - home.clock.now()).total_seconds())
        method, url, headers, content = words["request"]
        request = httpx.Request(method, url, headers=headers, content=content.encode())
        await home.exchange.handle_async_request(request)
    await home.clock.sleep(_UNTIL_THE_RESTART.total_seconds())
    keeper = home.parts().keeper(home.world())
    bearer = await keeper.bearer()
    if await ask(home, bearer) == HTTPStatus.UNAUTHORIZED:
        bearer = await keeper.replace(bearer)
        if await ask(home, bearer) != HTTPStatus.OK:
            raise BrokenPromiseError("the token does not work")


def lay_out(tree: Tree, root: Path) -> None:
    """Put on a disk what a power cut left."""
    for path, content in tree.items():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)


def whole_members(path: Path) -> list[Member]:
    """Read what of a file of the archive is whole."""
    return (
        [found for found in read_file(path) if isinstance(found, Member)] if path.exists() else []
    )


def dumped(folder: Path) -> list[str]:
    """Give what an account's index says."""
    with closing(open_reader(folder)) as db:
        return list(canonical_dump(db))


def expect_rows(found: list[str], wanted: list[str], when: str) -> None:
    """See that an index holds what it should."""
    if found != wanted:
        ours, theirs = set(found) - set(wanted), set(wanted) - set(found)
        raise BrokenPromiseError(
            f"{when}, the index has {min(ours, default='nothing')} too much"
            f" and lacks {min(theirs, default='nothing')}"
        )
