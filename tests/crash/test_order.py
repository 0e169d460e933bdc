"""What is on the disk before what: the orders that power cuts have shown to matter, one by one."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.crash_doers import Doers
from tests.support.crash_record import Entry, Recording, Said, Step, Sync, Write, record
from tests.support.crash_trace import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


def number(recording: Recording, path: str) -> int:
    """Give the number of a file or folder, old or new."""
    made = (step for step in recording.steps if isinstance(step, Entry))
    new = {step.path: step.file for step in made if step.file is not None}
    return {**recording.names, **new}[path]


def place(steps: Sequence[Step], path: str) -> int:
    """Say when a name was given, for the last time."""
    return max(at for at, step in enumerate(steps) if isinstance(step, Entry) and step.path == path)


def test_the_name_of_a_new_account_is_durable_before_its_grant_counts(
    doers: Doers, tmp_path: Path
) -> None:
    recording = record("first", doers, tmp_path)
    steps = recording.steps
    stored = next(
        at for at, step in enumerate(steps) if isinstance(step, Said) and "stored" in step.words
    )
    made = place(steps, "state/alice")
    assert Sync(number(recording, "state")) in steps[made:stored]


def test_folders_that_a_dead_process_left_unsynced_are_synced_with_the_first_pass(
    doers: Doers, tmp_path: Path
) -> None:
    recording = record("killed", doers, tmp_path)
    steps = recording.steps
    archive = "state/alice/archive"
    written = max(
        at
        for at, step in enumerate(steps)
        if step == Sync(number(recording, f"{archive}/2027/01-01.jsonl.gz"))
    )
    for folder in (f"{archive}/2027", archive, "state/alice", "state"):
        assert Sync(number(recording, folder)) in steps[written:]


def test_the_archive_of_a_copy_is_durable_before_its_index_gets_a_name(
    doers: Doers, tmp_path: Path
) -> None:
    recording = record("backup", doers, tmp_path)
    steps = recording.steps
    index, archive = place(steps, "usb/alice/index.sqlite"), "usb/alice/archive"
    for file in ("2026/12-31.jsonl.gz", "2027/01-01.jsonl.gz"):
        assert place(steps, f"{archive}/{file}") < index
    made = place(steps, f"{archive}/2027")
    assert Sync(number(recording, archive)) in steps[made:index]


def test_a_clean_stop_syncs_its_journal_before_the_header_that_counts_its_pages(
    doers: Doers, tmp_path: Path
) -> None:
    recording = record("commit", doers, tmp_path)
    journal = number(recording, "state/alice/index.sqlite-journal")
    of_it = [
        step for step in recording.steps if isinstance(step, Write | Sync) and step.file == journal
    ]
    begun, counted, *_ = (
        at for at, step in enumerate(of_it) if isinstance(step, Write) and step.offset == 0
    )
    assert Sync(journal) in of_it[begun:counted]
