"""What one pull changes in the index: everything its pages say, compared with what is stored."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from fitbitd.errors import ContractError
from fitbitd.model import DataType, DataTypeName, Page, Pull
from fitbitd.store import days, doubts, rollup, unread
from fitbitd.store.corrections import Corrections
from fitbitd.store.readings import ReadingsChange
from fitbitd.store.sessions import (
    DailiesChange,
    SessionsChange,
    withdraw_snapshots,
    write_snapshots,
)
from fitbitd.store.wanted_files import Place, write_files
from fitbitd.store.windows import to_ms
from fitbitd.store.words import plain


class PullChange:
    """The change that one complete pull makes; `add` every page, then `finish` once.

    It runs inside its caller's transaction, and writes nothing that its caller could not roll back.

    Attributes:
        written: readings, sessions, daily values, snapshots and files that are new or differ.
        withdrawn: those that were stored in the window and are gone.
        unread: points that were not understood.
        found: all points of the pages, those included.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        catalogue: Mapping[DataTypeName, DataType],
        pull: Pull,
        pull_id: int,
    ) -> None:
        self.written = 0
        self.withdrawn = 0
        self.unread = 0
        self.found = 0
        self._db = db
        self._catalogue = catalogue
        self._data_type = data_type = catalogue[pull.data_type]
        self._pull = pull
        self._unread_why = ""
        self._read_at: datetime | None = None
        self._snapshot_keys: set[str] = set()
        self._corrections = Corrections(db, data_type, pull, pull_id)
        window = pull.window
        if window is not None:
            corrections = self._corrections
            file_types = [one.name for one in catalogue.values() if one.file_of == data_type.name]
            self._readings = ReadingsChange(db, data_type, window, corrections)
            self._sessions = SessionsChange(db, data_type, window, corrections, file_types)
            self._dailies = DailiesChange(db, data_type.name, window, corrections)

    def add(self, page: Page, received_at: datetime, place: Place) -> None:
        """Write what differs of one page.

        Args:
            page: what the reply says.
            received_at: when it came.
            place: where it stands in the archive.

        Raises:
            ContractError: readings, sessions or daily values came although no window was asked.
        """
        self._read_at = received_at
        self._corrections.seen_at = to_ms(received_at)
        self.found += page.points + page.unread
        self.unread += page.unread
        self._unread_why = self._unread_why or page.unread_why
        self._write_windowed(page)
        self.written += write_snapshots(
            self._db, self._data_type.name, page.snapshots, to_ms(received_at)
        )
        self._snapshot_keys |= {plain(snapshot.key) for snapshot in page.snapshots}
        self.written += write_files(self._db, self._data_type, page.files, place, received_at)
        days.reopen(self._db, page.syncs, self._catalogue.values(), self._pull.zone, received_at)
        if page.zone is not None:
            days.reopen_without_zone(self._db, self._catalogue.values(), page.zone)
            days.note_zone(self._db, page.zone, received_at)
        if page.member_since is not None:
            days.note_member_since(self._db, page.member_since)

    def finish(self, ended_at: datetime) -> bool:
        """Withdraw what is gone, and move coverage; say whether the answer is believed.

        A wholly empty answer for days that held something is not: nothing changes then. Where
        points were not understood, nothing is withdrawn: what seems gone may be among them.
        """
        read_at = self._read_at or ended_at
        held = set() if self.found else doubts.held_days(self._db, self._data_type, self._pull)
        if held and not doubts.believe_empty(self._db, self._data_type, held, read_at):
            return False
        if not self.unread:
            self._withdraw(read_at)
        if self._pull.window is not None:
            self._settle_differences()
        days.cover(self._db, self._data_type, self._pull, read_at)
        doubts.clear(self._db, self._pull)
        unread.note(self._db, self._pull, self.unread, self._unread_why, read_at)
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

    def _settle_differences(self) -> None:
        """Bring what follows from the differences into line with them, and count them."""
        touched = self._readings.touched
        rollup.remake(self._db, touched)
        self._corrections.drop_moves()
        days.recheck(self._db, self._data_type, touched, self._catalogue.values())
        for change in (self._readings, self._sessions, self._dailies):
            self.written += change.written
            self.withdrawn += change.withdrawn
