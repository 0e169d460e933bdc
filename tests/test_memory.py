"""What a large buffer held goes back to the system when it is done with."""

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
from pathlib import Path
from fitbitd.memory import give_back_large_buffers

def held_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6

give_back_large_buffers()
before = held_mb()
for size in range(20):
    keep = [bytearray(1_000_000 + 300_000 * size) for _ in range(6)]
    small = [object() for _ in range(2000)]
    del keep
print(round(held_mb() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's own count")
def test_large_buffers_leave_nothing_behind() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(said.stdout) <= 4
