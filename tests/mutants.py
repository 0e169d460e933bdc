"""Break a promise in a copy of the program and see the truth check fail; run on demand.

    python -m tests.mutants [NAME...]

Each mutant is one small edit that a tired programmer could make. A mutant that survives means that
the truth check looks away.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRUTH = "tests/scenarios/test_truth.py"
GOOGLE = "tests/scenarios/test_google_truth.py"
YEAR = "tests/scenarios/test_year.py"
LIVES = "tests/scenarios/test_lives.py"
RACES = "tests/scenarios/test_races.py"
COPIED = ("fitbitd", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit: in `file`, `old` becomes `new`, and the truth check `seen_by` has to fail."""

    file: str
    old: str
    new: str
    seen_by: str = TRUTH


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
        "fitbitd/plan/dense.py",
        "    over_at, synced_at = scene.over_at(data_type, day), scene.ledger.synced_at\n",
        "    over_at, synced_at = scene.over_at(data_type, day), scene.ledger.synced_at\n"
        "    if day.day == 20:\n        return None\n",
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
        "fitbitd/plan/dense.py",
        "for at in (known.newest, known.rests_on) if at is not None]",
        "for at in (known.read_at,) if at is not None]",
    ),
    "the last page is not asked for": Mutant(
        "fitbitd/providers/google_health/parse.py",
        "    return Survey(len(_rows(entry, root)[1]), token or None)\n",
        "    last = len(_rows(entry, root)[1]) < 3000\n"
        "    return Survey(len(_rows(entry, root)[1]), None if last else token or None)\n",
        GOOGLE,
    ),
    "a tail begins an hour after what is known": Mutant(
        "fitbitd/plan/dense.py",
        "    begun = (min(marks) - OVERLAP).astimezone(UTC)",
        "    begun = (min(marks) + OVERLAP).astimezone(UTC)",
        GOOGLE,
    ),
    "a night is looked for by its beginning": Mutant(
        "fitbitd/providers/google_health/capability.py",
        'END = Filter("interval.end_time", Axis.INSTANT, Member.END)',
        'END = Filter("interval.end_time", Axis.INSTANT, Member.START)',
        GOOGLE,
    ),
    "settled days are never checked": Mutant(
        "fitbitd/store/days.py",
        "    if data_type.checks is None or data_type.axis is None:",
        "    if data_type.checks is not None or data_type.axis is None:",
        GOOGLE,
    ),
    "the second value of an instant is dropped": Mutant(
        "fitbitd/store/readings.py",
        "                if known is None or known == point:\n",
        "                if known is not None or known == point:\n",
        GOOGLE,
    ),
    "every offset is taken for that of UTC": Mutant(
        "fitbitd/providers/google_health/points.py",
        'when.get("startUtcOffset", "0s")',
        '"0s"',
        GOOGLE,
    ),
    "what a sync brings late is looked for today only": Mutant(
        "fitbitd/plan/dense.py",
        "    if data_type.late and late_since(",
        "    if not data_type.late and late_since(",
        GOOGLE,
    ),
    "no sync opens a day again": Mutant(
        "fitbitd/store/days.py",
        "        if before is not None and before < synced_at:\n",
        "        if before is not None and before > synced_at:\n",
        YEAR,
    ),
    "a day settles without a sync after one window": Mutant(
        "fitbitd/plan/coverage.py",
        "if read_at >= ended_at + 2 * reread else None",
        "if read_at >= ended_at + reread else None",
        YEAR,
    ),
    "a day settles before what comes late": Mutant(
        "fitbitd/store/days.py",
        "if data_type.late else ()",
        "if not data_type.late else ()",
        YEAR,
    ),
    "nothing is looked at once more": Mutant(
        "fitbitd/plan/planner.py",
        "scene.now - looked_at < LOOK_EVERY:",
        "scene.now - looked_at < 52 * LOOK_EVERY:",
        YEAR,
    ),
    "the last minutes of a day are dropped, all its life": Mutant(
        "fitbitd/providers/fitbit/intraday.py",
        "if first <= row[0] < last]",
        "if first <= row[0] < min(last, 86_280)]",
        LIVES,
    ),
    "two processes write for one account": Mutant(
        "fitbitd/store/account_lock.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        RACES,
    ),
    "two processes refresh at once": Mutant(
        "fitbitd/oauth/token_file.py",
        "            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        RACES,
    ),
}


def survivors(mutants: Mapping[str, Mutant], names: Sequence[str]) -> int:
    """Run the mutants called `names`, or all; give the number of survivors."""
    survived = 0
    for name in names or mutants:
        seen = what_saw(mutants[name])
        survived += not seen
        print(f"killed    {name}: {seen}" if seen else f"SURVIVED  {name}", flush=True)
    return survived


def what_saw(mutant: Mutant) -> str:
    """Apply `mutant` to a copy of the program and run the check there; give what it says first."""
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
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", mutant.seen_by]
        ran = subprocess.run(command, cwd=copy, capture_output=True, check=False, text=True)
        said = [line for line in ran.stdout.splitlines() if line.startswith("E  ")]
        return said[0][1:].strip() if said else "it failed" * (ran.returncode != 0)


if __name__ == "__main__":
    sys.exit(survivors(MUTANTS, sys.argv[1:]))
