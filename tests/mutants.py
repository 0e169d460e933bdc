"""Break a promise in a copy of the program and see the truth check fail; run on demand.

    python -m tests.mutants [NAME...]

Each mutant is one small edit that a tired programmer could make. A mutant that survives means that
the truth check looks away.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRUTH = "tests/scenarios/test_truth.py"
COPIED = ("fitbitd", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit: in `file`, `old` becomes `new`."""

    file: str
    old: str
    new: str


MUTANTS = {
    "a reply in seven is not archived": Mutant(
        "fitbitd/fetch/fetcher.py",
        "        await record(request, reply)\n",
        "        if self.requests % 7:\n            await record(request, reply)\n",
    ),
    "23:59 is dropped": Mutant(
        "fitbitd/providers/fitbit/intraday.py",
        "if first <= row[0] < last]",
        "if first <= row[0] < min(last, 86_340)]",
    ),
    "one day of the gap is skipped": Mutant(
        "fitbitd/plan/planner.py",
        "    ended_at = day_end(day, scene.zone)\n",
        "    ended_at = day_end(day, scene.zone)\n    if day.day == 20:\n        return None\n",
    ),
    "the window is off by an hour": Mutant(
        "fitbitd/providers/fitbit/intraday.py",
        "int((at - midnight).total_seconds()) for at",
        "int((at - midnight).total_seconds()) + 3600 for at",
    ),
    "an error is taken for an empty answer": Mutant(
        "fitbitd/fetch/fetcher.py",
        "            reply = await self._ask(request, send, record)\n",
        "            try:\n"
        "                reply = await self._ask(request, send, record)\n"
        "            except TransientError:\n"
        "                return Outcome(OutcomeKind.COMPLETE, pages=pages, points=points)\n",
    ),
    "a tail begins at the last read": Mutant(
        "fitbitd/plan/planner.py",
        "for at in (known.newest, known.rests_on) if at is not None]",
        "for at in (known.read_at,) if at is not None]",
    ),
}


def main(names: list[str]) -> int:
    """Run the mutants called `names`, or all; give the number of survivors."""
    survivors = 0
    for name in names or MUTANTS:
        killed = is_killed(MUTANTS[name])
        survivors += not killed
        print(f"{'killed  ' if killed else 'SURVIVED'}  {name}", flush=True)
    return survivors


def is_killed(mutant: Mutant) -> bool:
    """Apply `mutant` to a copy of the program and run the truth check there."""
    with tempfile.TemporaryDirectory(prefix="fitbitd-mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name)
            else:
                shutil.copy(source, copy / name)
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.file} has changed: the mutant no longer fits")
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TRUTH]
        return subprocess.run(command, cwd=copy, capture_output=True, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
