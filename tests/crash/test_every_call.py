"""Whichever call on a file is fatal to a process, or fails, nothing is lost and work goes on.

CI looks at a few calls of each deed, of as many sorts as there are. A hunt looks at every one:

    FITBITD_STATES=20000 pytest tests/crash/test_power_cuts.py tests/crash/test_every_call.py
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from fitbitd.store.members import Damage, archive_files, read_file
from tests.support.crash_checks import Inspector, ways_of_passes
from tests.support.crash_deeds import NAME, STATE
from tests.support.crash_doers import Doers
from tests.support.crash_faults import KINDS, Fault, Kind, Victim, faults
from tests.support.crash_record import Recording
from tests.support.crash_states import MEMORY
from tests.support.crash_trace import why_none_refused

pytestmark = pytest.mark.skipif(bool(why_none_refused()), reason=why_none_refused())

ENOUGH: Mapping[Kind, int] = {"kill": 3, "EIO": 9, "ENOSPC": 9}
"""Most of what a kill leaves is among what a power cut leaves."""

STATES = int(os.environ.get("FITBITD_STATES", "0"))
SEED = int(os.environ.get("FITBITD_SEED", "1"))


@dataclass(frozen=True, slots=True)
class Ordeal:
    """A deed, as it goes when nothing goes wrong, and a folder to do it in again."""

    deed: str
    doers: Doers
    scratch: Path
    undisturbed: Victim

    def problem(self, fault: Fault) -> str:
        """Do it with a fault, and start again where it ended; say what does not hold."""
        victim = Victim(self.scratch / "victim", fault)
        victim.do(self.deed, self.doers)
        try:
            if fault.kind != "kill" and victim.code:
                return f"it ended with {victim.code}:\n{self.doers.words()}"
            account_dir = victim.root / STATE / NAME
            files = archive_files(account_dir)
            broken = [one for path in files for one in read_file(path) if isinstance(one, Damage)]
            if any(not one.tail for one in broken):
                return f"there is damage between whole members: {broken}"
            if victim.code == 0 and not self.undisturbed.readings <= victim.readings:
                return "readings are missing in the end"
            begun_with = dict.fromkeys(self.undisturbed.first, 0)
            recording = Recording(begun_with, steps=list(victim.said))
            return Inspector(self.scratch, recording, ways_of_passes()).problem(victim.state)
        finally:
            shutil.rmtree(victim.root)


class EveryCall:
    """A deed of `crash_deeds`, whose calls are fatal or fail, one of them each time.

    Attributes:
        share: one of so many faults is enough, for it takes long.
    """

    deed: ClassVar[str]
    share: ClassVar[int] = 1

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_is_lost_and_work_goes_on(
        self, kind: Kind, ordeal: Ordeal, record_property: Callable[[str, object], None]
    ) -> None:
        chosen = faults(ordeal.undisturbed.calls, kind, STATES or ENOUGH[kind] // self.share, SEED)
        record_property("explored faults in calls", len(chosen))
        for fault in chosen:
            problem = ordeal.problem(fault)
            assert not problem, f"{fault}, {ordeal.undisturbed.calls[fault.at - 1]}: {problem}"


@pytest.fixture(scope="class")
def ordeal(request: pytest.FixtureRequest, doers: Doers) -> Iterator[Ordeal]:
    """Do the deed of a class undisturbed, to know its calls."""
    of: type[EveryCall] = request.cls
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        undisturbed = Victim(Path(folder, "undisturbed"))
        undisturbed.do(of.deed, doers)
        assert undisturbed.code == 0, doers.words()
        yield Ordeal(of.deed, doers, Path(folder), undisturbed)


class TestTokenRefresh(EveryCall):
    deed = "refresh"


class TestFirstConsentAndPass(EveryCall):
    deed = "first"


class TestFirstPassOfADay(EveryCall):
    deed = "new_day"


class TestRebuild(EveryCall):
    deed = "anew"
    share = 3


class TestBackup(EveryCall):
    deed = "backup"

    def test_a_leftover_that_cannot_be_removed_is_told_in_words(self, ordeal: Ordeal) -> None:
        calls = list(map(str, ordeal.undisturbed.calls))
        fault = Fault("EIO", calls.index("unlink(index.sqlite.part)") + 1)
        assert not ordeal.problem(fault)
