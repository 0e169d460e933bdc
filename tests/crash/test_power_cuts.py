"""Whatever a power cut leaves of what was under way, the next start puts it right.

The calls on files of a process that runs fitbitd's own parts are recorded, the states are made in
which a disk may be found after a cut between any two of them, and each is started from: see
`tests/support/crash_states.py` for what a disk may do, `crash_checks.py` for what must hold.

CI looks at the same states each time. A hunt looks at as many others as it is told:

    FITBITD_STATES=20000 FITBITD_SEED=7 pytest tests/crash/test_power_cuts.py

and one state is looked at again by its title:

    FITBITD_STATE="weak 738 3d" pytest -n0 tests/crash/test_power_cuts.py -k TestBackup
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support import store
from tests.support.crash_checks import Inspector, Ways, ways_of_passes
from tests.support.crash_doers import Doers
from tests.support.crash_record import record
from tests.support.crash_states import MEMORY, MODELS, Explorer, Model
from tests.support.crash_trace import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

STATES = int(os.environ.get("FITBITD_STATES", "0"))
SEED = int(os.environ.get("FITBITD_SEED", "1"))
ONE_STATE = os.environ.get("FITBITD_STATE", "")
TOLD = 5
"""So many broken states are told; there may be hundreds."""


class PowerCut:
    """A deed during which the power goes.

    Attributes:
        deed: what is done, of `crash_deeds`.
        enough: so many states of each model are looked at.
        by_hand: the account's store is written to by a test, not by passes.
        rebuilds: a rebuild is under way.
        unlike: rows that begin so are not what a rebuild makes.
    """

    deed: ClassVar[str]
    enough: ClassVar[int] = 150
    by_hand: ClassVar[bool] = False
    rebuilds: ClassVar[bool] = False
    unlike: ClassVar[str] = "nothing"

    @pytest.mark.parametrize("model", MODELS)
    def test_whatever_is_left_the_next_start_puts_it_right(
        self, model: Model, inspector: Inspector, record_property: Callable[[str, object], None]
    ) -> None:
        explorer = Explorer(inspector.recording, model, SEED)
        states = explorer.states(STATES or self.enough)
        if ONE_STATE:
            states = iter([explorer.state(ONE_STATE)] if ONE_STATE.startswith(model) else [])
        looked_at = count()
        problems = (
            (state, inspector.problem(state)) for state, _ in zip(states, looked_at, strict=False)
        )
        broken = (f"{state.title}: {state.told}: {why}" for state, why in problems if why)
        found = list(islice(broken, TOLD))
        record_property("explored power cuts", next(looked_at))
        assert not found, "\n".join(found)


@pytest.fixture(scope="class")
def inspector(request: pytest.FixtureRequest, doers: Doers) -> Iterator[Inspector]:
    """Record the deed of a class; its states are in memory, where an fsync costs nothing."""
    of: type[PowerCut] = request.cls
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        scratch = Path(folder)
        root = scratch / "recorded"
        root.mkdir()
        recording = record(of.deed, doers, root)
        by_hand = Ways(store.read, store.CATALOGUE, store.learn)
        ways = by_hand if of.by_hand else ways_of_passes()
        yield Inspector(scratch, recording, ways, of.rebuilds, of.unlike)


class TestTokenRefresh(PowerCut):
    deed = "refresh"


class TestFirstConsentAndPass(PowerCut):
    deed = "first"


class TestPass(PowerCut):
    deed = "append"


class TestFirstPassOfADay(PowerCut):
    deed = "new_day"


class TestFirstPassOfADayAfterAKill(PowerCut):
    deed = "killed"


class TestIndexCommit(PowerCut):
    deed = "commit"
    by_hand = True


class TestStartAfterAKill(PowerCut):
    deed = "restart"
    by_hand = True


class TestRebuild(PowerCut):
    deed = "anew"
    enough = 60
    rebuilds = True


class TestBackup(PowerCut):
    deed = "backup"
    enough = 180


class TestUpgrade(PowerCut):
    deed = "upgrade"
    by_hand = True
    unlike = "zone|"  # an earlier schema did not say since when
