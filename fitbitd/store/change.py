"""What one pull changes in the index: everything its pages say, compared with what is stored."""

import sqlite3
from datetime import datetime

from fitbitd.errors import ContractError
from fitbitd.model import DataType, Page, Pull
from fitbitd.store import days, doubts, rollup
from fitbitd.store.readings import ReadingsChange
from fitbitd.store.sessions import (
    DailiesChange,
    SessionsChange,
    withdraw_snapshots,
    write_snapshots,
)
from fitbitd.store.windows import to_ms
from fitbitd.store.words import plain


class PullChange:
    """The change that one complete pull makes; `add` every page, then `finish` once.

    It runs inside its caller's transaction, and writes nothing that its caller could not roll back.

    Attributes:
        written: readings, sessions, daily values and snapshots that are new or differ.
        withdrawn: those that were stored in the window and are gone.
    """

    def __init__(self, db: sqlite3.Connection, data_type: DataType, pull: Pull) -> None:
        self.written = 0
        self.withdrawn = 0
        self._db = db
        self._data_type = data_type
        self._pull = pull
        self._points = 0
        self._read_at: datetime | None = None
        self._snapshot_keys: set[str] = set()
        window = pull.window
        if window is not None:
            self._readings = ReadingsChange(db, data_type, window)
            self._sessions = SessionsChange(db, data_type.name, window)
            self._dailies = DailiesChange(db, data_type.name, window)

    def add(self, page: Page, received_at: datetime) -> None:
        """Write what differs of one page.

        Raises:
            ContractError: readings, sessions or daily values came although no window was asked.
        """
        self._read_at = received_at
        self._points += page.points
        self._write_windowed(page)
        self.written += write_snapshots(
            self._db, self._data_type.name, page.snapshots, to_ms(received_at)
        )
        self._snapshot_keys |= {plain(snapshot.key) for snapshot in page.snapshots}
        days.reopen(self._db, page.syncs, self._pull.zone, received_at)
        if page.zone is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('zone', ?)", (page.zone,)
            )

    def finish(self, ended_at: datetime) -> bool:
        """Withdraw what is gone, and move coverage; say whether the answer is believed.

        A wholly empty answer for days that held something is not: nothing changes then.
        """
        read_at = self._read_at or ended_at
        held = set() if self._points else doubts.held_days(self._db, self._data_type, self._pull)
        if held and not doubts.believe_empty(self._db, self._data_type, held, read_at):
            return False
        self._withdraw(read_at)
        days.cover(self._db, self._data_type, self._pull, read_at)
        doubts.clear(self._db, self._pull)
        return True

    def _write_windowed(self, page: Page) -> None:
        if self._pull.window is None:
            if page.readings or page.sessions or page.dailies:
                raise ContractError(f"{self._data_type.name} has no window, but values for days")
            return
        for readings in page.readings:
            self._readings.add(readings)
        if self._pull.tail:
            return  # part of a day says nothing about the day, nor about a night
        for session in page.sessions:
            self._sessions.add(session)
        for daily in page.dailies:
            self._dailies.add(daily)

    def _withdraw(self, read_at: datetime) -> None:
        if self._pull.window is None:
            withdraw_snapshots(self._db, self._data_type.name, self._snapshot_keys, to_ms(read_at))
            return
        self._readings.withdraw()
        if not self._pull.tail:
            self._sessions.withdraw()
            self._dailies.withdraw()
        rollup.remake(self._db, self._readings.touched)
        for change in (self._readings, self._sessions, self._dailies):
            self.written += change.written
            self.withdrawn += change.withdrawn
