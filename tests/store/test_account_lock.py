"""One writer for each account."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fitbitd.errors import OperatorError
from fitbitd.store.account_lock import AccountLock
from tests.support.store import Life

HOLDER = """
import sys, time
from pathlib import Path
from fitbitd.store.account_lock import AccountLock
AccountLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_told_who_holds_the_lock_and_a_dead_one_frees_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "alice")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OperatorError, match=rf"pid {holder.pid}\b") as caught:
            AccountLock(tmp_path / "alice").acquire()
        assert caught.value.code == "lock_held"
        holder.kill()
    with AccountLock(tmp_path / "alice"):
        assert (tmp_path / "alice" / "lock").read_text() == f"{os.getpid()}\n"


def test_two_stores_of_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    life = Life(tmp_path / "alice")
    with pytest.raises(OperatorError, match="another process"):
        Life(tmp_path / "alice")
    life.store.close()
    Life(tmp_path / "alice").store.close()


def test_the_lock_is_never_removed(tmp_path: Path) -> None:
    with AccountLock(tmp_path / "alice"):
        first = (tmp_path / "alice" / "lock").stat().st_ino
    with AccountLock(tmp_path / "alice"):
        assert (tmp_path / "alice" / "lock").stat().st_ino == first
    assert (tmp_path / "alice" / "lock").stat().st_mode & 0o777 == 0o600
