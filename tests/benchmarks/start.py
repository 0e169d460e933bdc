"""Time from exec to READY=1, and what it costs to start a command.

python -m tests.benchmarks.start
"""

import socket
import time
from pathlib import Path
from statistics import median

from tests.benchmarks.place import Place, place, process_cpu_s, tell, tell_conditions
from tests.benchmarks.shapes import SHAPES, Shape

TIMES = 7
COMMANDS = (("--version",), ("--help",), ("status",), ("run", "--help"))


def main() -> None:
    """Measure each several times, and print the medians."""
    tell_conditions()
    for shape in SHAPES.values():
        _measure(shape)


def _measure(shape: Shape) -> None:
    print(f"{shape.name}, goal 0.5 s from exec to READY=1")
    with place(shape) as here:
        seconds, cpu_s = zip(*(_ready(here) for _ in range(TIMES)), strict=True)
        tell("fitbitd run: exec to READY=1", f"{median(seconds):.3f} s")
        tell("fitbitd run: CPU until READY=1", f"{median(cpu_s):.2f} s")
        here.cpu_s("pull")
        for command in COMMANDS:
            spent_s = median(here.cpu_s(*command) for _ in range(TIMES))
            tell(f"fitbitd {' '.join(command)}: CPU from start to end", f"{spent_s:.3f} s")


def _ready(here: Place) -> tuple[float, float]:
    """Start the daemon, and stop it when it is ready; give wall and CPU seconds until then."""
    address = here.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(30)
        began = time.perf_counter()
        process = here.start("run", NOTIFY_SOCKET=str(address))
        while b"READY=1" not in listener.recv(4096):
            continue
        took_s = time.perf_counter() - began
        cpu_s = process_cpu_s(process.pid)
        process.terminate()
        process.wait()
    Path(address).unlink()
    return took_s, cpu_s


if __name__ == "__main__":
    main()
