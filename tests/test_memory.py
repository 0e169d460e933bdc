"""What a large buffer held goes back to the system when it is done with."""

import platform
import subprocess
import sys

import pytest

_SCRIPT = """
from pathlib import Path
from fitbitd.memory import give_back_large_buffers

def held_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6

give_back_large_buffers()
bytearray(8_000_000)  # from here on glibc would keep what is smaller
before = held_mb()
pins = []
for _ in range(20):
    large = [bytearray(3_000_000) for _ in range(6)]
    pins.append(bytearray(600))  # what stays keeps what is below it in the heap
    del large
print(round(held_mb() - before))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_large_buffers_leave_nothing_behind() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(said.stdout) <= 4
