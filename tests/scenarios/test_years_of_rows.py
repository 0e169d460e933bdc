"""A pass costs as much in its tenth year as in its first week: nothing walks over all that is kept.

Syncs, passes, pulls and readings are counted in hundreds of thousands by then, on a small machine
with a slow card. What a pass costs is counted in steps of SQLite's machine, which do not depend on
the machine that the test runs on.
"""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fitbitd.config import AccountSettings
from fitbitd.simulator import ListedSyncs, Wearer, hours
from fitbitd.store.index import INDEX_NAME
from tests.support.household import Household, account_settings, google_account

ROWS = 30_000
A_FEW = timedelta(hours=4)
STEPS = 100
_EARLIER = {
    "pass": "id - n",
    "pull": "id - n",
    "device_sync": "synced_at - n * 900000",
    "reading": "instant - n * 60000",
    "condition": "since - n * 60000",
}
"""What is one row's own among those of its table, and that of the n-th before it."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the steps that SQLite takes."""
    taken = [0]

    def count() -> None:
        taken[0] += STEPS

    class Counted(sqlite3.Connection):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            self.set_progress_handler(count, STEPS)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *given, **options: connect(*given, factory=Counted, **options)
    )
    return taken


def pile_up(index: Path) -> None:
    """Put so many rows before the first one of each table that grows."""
    with closing(sqlite3.connect(index)) as db:
        for table, earlier in _EARLIER.items():
            columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
            own = earlier.split()[0]
            values = [earlier if name == own else name for name in columns]
            db.execute(
                "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT ?)"  # noqa: S608 - ours
                f" INSERT INTO {table} SELECT {', '.join(values)} FROM count,"
                f" (SELECT * FROM {table} ORDER BY {own} LIMIT 1)",
                (ROWS,),
            )
        db.execute("UPDATE condition SET until = since WHERE until IS NULL")
        db.commit()


@pytest.mark.parametrize(
    "account", [account_settings(), google_account()], ids=["fitbit", "google"]
)
def test_a_pass_takes_as_many_steps_after_years(
    account: AccountSettings, tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = "2027-03-10T12:07:00+00:00"
    wearer = Wearer(member_since=date(2027, 3, 9), worn_minutes=hours(8), syncs=ListedSyncs([]))
    home = Household(tmp_path / "state", start, wearer, accounts=(account,))
    wearer.sync(home.clock.now())
    home.authorize()

    def live() -> int:
        steps[0] = 0
        home.restart()
        home.live(A_FEW, monkeypatch=monkeypatch)
        return steps[0]

    home.live(A_FEW, monkeypatch=monkeypatch)  # what is read once
    before = live()
    pile_up(home.parts().folder / INDEX_NAME)
    # Not quite as many: the syncs of two days are looked at, and days settle that did not before.
    assert live() < 2 * before
