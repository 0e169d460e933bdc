"""Wherever a process dies, and whatever a power cut takes, the next one goes on by itself."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from fitbitd.simulator import Fault
from fitbitd.simulator.refusals import expired_token
from tests.support.crash_disk import ALL, ARCHIVE, BYTES, INDEX, JOURNAL, Loss
from tests.support.crash_home import CrashHome, Death, crash_home
from tests.support.crash_spot import Spot, Step
from tests.support.crash_trace import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

PULLS_TO_THE_END = 3
REPLAY_WINDOW_IS_OVER = timedelta(minutes=5)

BOB = "access 1"
"""His token, in the provider's log."""

DAY_FILE, WAL, ACCOUNT = "*.jsonl.gz", "index.sqlite-wal", "alice"
DEVICES = Step("answer", "/devices.json")
HEART = Step("answer", "/heart/date/{yesterday}/1d")
LAST = Step("answer", "/steps/date/{oldest}/1d")
"""Of alice's requests; what comes behind it is the end of the pass, and the index."""


PROGRESS = {
    "reply append": (False, False),
    "before the fsync": (False, False),
    "fsync to commit": (True, False),
    "index transaction": (True, True),
    "index checkpoint": (True, False),
    "token rename": (False, False),
}
"""Whether the whole pass is durable by then, and whether a transaction is open."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a process dies, and what of its work is lost beside that."""

    place: str
    words: str
    loss: Loss | None
    steps: tuple[Step, ...]


KILLS = (
    Kill("reply append", "a small reply", None, (DEVICES, Step("write", DAY_FILE))),
    Kill("reply append", "half of a reply", None, (HEART, Step("write", DAY_FILE, 2))),
    Kill("reply append", "a large reply", BYTES, (HEART, Step("write", DAY_FILE))),
    Kill("reply append", "the last reply", ALL, (LAST, Step("write", DAY_FILE))),
    Kill("before the fsync", "end of the pass", None, (LAST, Step("write", DAY_FILE, 3))),
    Kill("before the fsync", "fsync of the file", ARCHIVE, (LAST, Step("fsync", DAY_FILE))),
    Kill("before the fsync", "fsync of its folder", ALL, (LAST, Step("fsync", "20??"))),
    Kill("before the fsync", "fsync above that", None, (LAST, Step("fsync", "archive"))),
    Kill("fsync to commit", "the look at the archive", None, (LAST, Step("openat", DAY_FILE))),
    Kill("fsync to commit", "the note of what comes", ARCHIVE, (LAST, Step("pwrite64", WAL))),
    Kill("fsync to commit", "commit of the note", ALL, (LAST, Step("pwrite64", WAL, 2))),
    Kill("fsync to commit", "reading a pull", None, (LAST, Step("openat", DAY_FILE, 3))),
    Kill(
        "index transaction",
        "the first pull",
        None,
        (LAST, Step("commit", WAL), Step("pwrite64", WAL, 4)),
    ),
    Kill(
        "index transaction",
        "a large pull",
        ARCHIVE,
        (LAST, Step("commit", WAL, 8), Step("pwrite64", WAL, 40)),
    ),
    Kill("index transaction", "its last frame", INDEX, (LAST, Step("commit", WAL, 9))),
    Kill(
        "index transaction",
        "its last page",
        None,
        (LAST, Step("commit", WAL, 10), Step("pwrite64", WAL)),
    ),
    Kill("index checkpoint", "half of it", JOURNAL, (LAST, Step("pwrite64", "index.sqlite", 20))),
    Kill("token rename", "rename of the note", None, (Step("rename", "token.json"),)),
    Kill(
        "token rename",
        "fsync after the note",
        BYTES,
        (Step("rename", "token.json"), Step("fsync", "*")),
    ),
    Kill(
        "token rename",
        "fsync of the new pair",
        BYTES,
        (Step("rename", "token.json"), Step("fsync", "token.json.room")),
    ),
    Kill("token rename", "rename of the new pair", None, (Step("rename", "token.json", 2),)),
    Kill(
        "token rename",
        "fsync after the rename",
        ALL,
        (Step("rename", "token.json", 2), Step("fsync", ACCOUNT)),
    ),
    Kill(
        "token rename",
        "the next write",
        ALL,
        (Step("rename", "token.json", 2), Step("write", DAY_FILE)),
    ),
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[CrashHome]:
    with crash_home(tmp_path) as home:
        yield home


@pytest.fixture(scope="module")
def deaths() -> dict[Kill, Death]:
    """Collect how processes died, for the table at the end."""
    return {}


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: f"{kill.place}: {kill.words}")
def test_after_a_kill_the_next_process_goes_on_and_nothing_is_wrong_or_missing(
    home: CrashHome, kill: Kill, deaths: dict[Kill, Death]
) -> None:
    if kill.place == "token rename":
        refuse_the_token(home)
    death, spot = die(home, kill)
    deaths[kill] = death
    see_that_work_was_under_way(death)
    resumed_at = home.simulator.requests_seen
    collect_to_the_end(home)
    assert home.simulator.oauth.counts.refreshes_refused == 0
    if kill.loss is None:
        see_that_nothing_whole_was_asked_twice(home, death, resumed_at)
    see_that_all_is_well(home)
    if kill.place == "token rename":
        refresh_once_more(home)
    assert ("archive" in spot.synced, spot.in_transaction) == PROGRESS[kill.place]


def test_a_pull_that_failed_in_a_killed_pass_covers_no_day(home: CrashHome) -> None:
    path = f"/steps/date/{home.yesterday}/1d"
    home.simulator.faults.add(Fault(kind="body", path=path, body='{"not": "steps"}'))
    die(home, Kill("", "", None, (LAST, Step("fsync", DAY_FILE))))
    collect_to_the_end(home, whole=False)
    day = str(home.yesterday)
    covered = [row for row in home.dump("alice") if row.startswith("coverage|'steps'")]
    assert len(covered) == 8
    assert day not in "".join(covered)
    said = home.desk.type("pull", "alice", "--data-type", "steps", "--from", day, "--to", day)
    assert said.code == 0, said.err
    see_that_all_is_well(home)


def test_the_kills_were_as_many_and_as_different_as_promised(
    deaths: dict[Kill, Death], capsys: pytest.CaptureFixture[str]
) -> None:
    if len(deaths) < len(KILLS):
        pytest.skip("only some of the kills were run")
    with capsys.disabled():
        print(
            "\n  place              before                    call                                 "
            "  no. answered  lost"
        )
        for kill, death in deaths.items():
            lost = f"{kill.loss.title}, {death.lost_bytes} bytes" if kill.loss else "-"
            print(
                f"  {kill.place:<18} {kill.words:<25} {death.call!s:<38}"
                f" {death.call.number:>4} {len(death.answered):>8}  {lost}"
            )
    places = Counter(kill.place for kill in deaths)
    with_loss = Counter(kill.place for kill in deaths if kill.loss)
    assert len({(kill.place, kill.steps) for kill in deaths}) == len(KILLS)
    assert places.keys() == PROGRESS.keys()
    assert min(places[place] for place in places if place != "index checkpoint") >= 3
    assert all(with_loss[place] * 2 >= places[place] for place in places)


def die(home: CrashHome, kill: Kill) -> tuple[Death, Spot]:
    begun = home.simulator.requests_seen
    days = {"yesterday": home.yesterday, "oldest": home.yesterday - timedelta(days=7)}
    steps = [Step(step.name, step.file.format(**days), step.times) for step in kill.steps]
    spot = Spot(steps, lambda: [entry.path for entry in home.simulator.log[begun:]])
    return home.die(spot.reached, kill.loss), spot


def refuse_the_token(home: CrashHome) -> None:
    """Have the provider refuse the access token once, in the middle of the work."""
    refusal = json.dumps(expired_token("it").body)
    home.simulator.faults.add(Fault(kind="body", path="GET .*/1d/1min", status=401, body=refusal))


def see_that_work_was_under_way(death: Death) -> None:
    """The provider's log: some of alice's requests were answered, and none of bob's yet."""
    data = [entry for entry in death.answered if entry.method == "GET"]
    assert sum(entry.status == 200 for entry in data) >= 2
    assert BOB not in {entry.token for entry in data}


def collect_to_the_end(home: CrashHome, *, whole: bool = True) -> None:
    """Collect, as a timer would, until there is nothing more to be had."""
    for _ in range(PULLS_TO_THE_END):
        begun = home.simulator.requests_seen
        said = home.pull()
        assert said.code == 0, said.err
        paths = {entry.path for entry in home.simulator.log[begun:]}
        if paths == {"/1/user/-/devices.json"}:
            return
        if whole and home.collected("alice") == home.truth():
            return
    assert not whole, "it never comes to an end"


def see_that_nothing_whole_was_asked_twice(home: CrashHome, death: Death, resumed_at: int) -> None:
    """What had arrived whole before the process died is not asked again."""
    whole = {
        entry.path for entry in death.answered[:-1] if entry.status == 200 and "/1d/" in entry.path
    }
    again = {entry.path for entry in home.simulator.log[resumed_at:] if entry.token != BOB}
    assert not whole & again


def see_that_all_is_well(home: CrashHome) -> None:
    """The index is the truth, and what a rebuild makes; the archive is whole."""
    truth = home.truth()
    assert home.collected("alice") == truth
    assert home.collected("bob")["steps"] == truth["steps"]
    for name in ("alice", "bob"):
        assert home.findings(name) == []
    before = home.dump("alice")
    home.rebuild("alice")
    assert home.dump("alice") == before


def refresh_once_more(home: CrashHome) -> None:
    """The refresh token on disk is the good one: it works when nothing is repeated any more."""
    home.clock.advance(REPLAY_WINDOW_IS_OVER.total_seconds())
    home.simulator.faults.add(
        Fault(kind="body", path="GET", status=401, body=json.dumps(expired_token("it").body))
    )
    rotations = home.simulator.oauth.counts.rotations
    said = home.desk.type("pull", "alice")
    assert said.code == 0, said.err
    assert home.simulator.oauth.counts.rotations == rotations + 1
    assert home.simulator.oauth.counts.refreshes_refused == 0
