"""Hunt for inputs that break a promise; run on demand, and as long as you like.

    python -m tests.fuzz [NAME...] [--seconds 60] [--seed 1]

With atheris (`pip install atheris`, Linux) the hunt follows what the code does with an input, and
what was found interesting is kept in `.fuzz/NAME`, where the next hunt begins. Without it, or with
`--plain`, real inputs are changed at random; a failing seed replays exactly. What breaks a promise
is written to `.fuzz/NAME.broken`, and goes into an everyday test.
"""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random

from fitbitd.clock import SystemClock

KEPT = Path(".fuzz")
NAMES = ("google", "fitbit", "token", "archive", "settings")
_GRAFTS = (
    *(b"1e999", b"NaN", b"-1", b"9" * 5_000, b"[" * 3_000, b'{"a":' * 2_000, b"\xff\xfe", b"\0"),
    *(b"null", b'""', b"{}", b"[]", b'"\\ud800"', b"9999-12-31", b"\x1f\x8b\x08", b"\n", b"true"),
)


def main() -> int:
    """Hunt in the targets that were named, or in all, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=60, help="for each (default: 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        return _hunt(args.names[0], args)
    broken = 0
    for name in args.names or NAMES:
        command = [sys.executable, "-m", "tests.fuzz", *sys.argv[1:], "--here"]
        command = [word for word in command if word not in NAMES]
        broken += subprocess.run([*command, name], check=False).returncode != 0
    return broken


def _hunt(name: str, args: argparse.Namespace) -> int:
    if args.plain or find_spec("atheris") is None:
        return _hunt_plainly(name, args.seconds, args.seed)
    import atheris  # noqa: PLC0415 - by hand only

    with atheris.instrument_imports(include=["fitbitd"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    target = TARGETS[name]
    corpus = KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    options = [f"-max_total_time={args.seconds}", f"-seed={args.seed}", "-rss_limit_mb=2048"]
    options += ["-max_len=20000", "-timeout=20", f"-artifact_prefix={KEPT / name}.broken-"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(corpus)], target.try_one)
    atheris.Fuzz()
    return 0


def _hunt_plainly(name: str, seconds: int, seed: int) -> int:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - as above

    target, random, clock = TARGETS[name], Random(seed), SystemClock()
    ends_at, tried = clock.monotonic() + seconds, 0
    while clock.monotonic() < ends_at:
        data = changed(random.choice(target.seeds), random)
        try:
            target.try_one(data)
        except BaseException:
            KEPT.mkdir(exist_ok=True)
            (KEPT / f"{name}.broken").write_bytes(data)
            print(f"{name}: broken by input {tried} of seed {seed}: see {KEPT}/{name}.broken")
            raise
        tried += 1
    print(f"{name}: {tried} inputs of seed {seed}, none breaks a promise")
    return 0


def changed(data: bytes, random: Random) -> bytes:
    """Change a few places: bits, stretches that are doubled or left out, and grafts."""
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((0, 1, 1, 4, 40)))
        middle = random.choice(
            (b"", data[at:end] * 2, random.choice(_GRAFTS), bytes([random.randrange(256)]))
        )
        data = data[:at] + middle + data[end:]
    return data


if __name__ == "__main__":
    sys.exit(main())
