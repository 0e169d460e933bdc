"""Mutants of what keeps its promises when a process dies, the power goes or a disk refuses.

Run on demand; `tests/README.md` has a table of what caught each.

    python -m tests.mutants_crash [NAME...]
"""

import sys

from tests.mutants import Mutant, survivors

_POWER = "tests/crash/test_power_cuts.py::"
_ORDER = "tests/crash/test_order.py"
_CALLS = "tests/crash/test_every_call.py::"

MUTANTS = {
    "a token is not synced before its name": Mutant(
        "fitbitd/oauth/token_file.py",
        "            os.ftruncate(fd, len(content))\n            os.fsync(fd)\n",
        "            os.ftruncate(fd, len(content))\n",
        f"{_POWER}TestTokenRefresh",
    ),
    "a token gets its name before it is synced": Mutant(
        "fitbitd/oauth/token_file.py",
        "            os.fsync(fd)\n\n"
        "    def _publish(self, temporary: Path) -> None:\n"
        "        temporary.rename(self.path)\n",
        "\n"
        "    def _publish(self, temporary: Path) -> None:\n"
        "        temporary.rename(self.path)\n"
        "        with self.path.open() as file:\n"
        "            os.fsync(file.fileno())\n",
        f"{_POWER}TestTokenRefresh",
    ),
    "the name of a token is not synced": Mutant(
        "fitbitd/oauth/token_file.py",
        "            os.fsync(folder)  # without it",
        "            pass  # without it",
        f"{_POWER}TestTokenRefresh",
    ),
    "a doubt is not written down": Mutant(
        "fitbitd/oauth/keeper.py",
        "            await self._write(self.file.write, sent)\n",
        "            pass\n",
        f"{_POWER}TestTokenRefresh",
    ),
    "a new pair is used before it is stored": Mutant(
        "fitbitd/oauth/keeper.py",
        "        await self._save(self.file.fill, renewed)\n",
        "        self._adopt(renewed, self._seen)\n"
        "        self._unsaved = None\n"
        "        asyncio.get_running_loop().call_later(5, self.file.fill, renewed)\n",
        f"{_POWER}TestTokenRefresh",
    ),
    "the folder of a new account is not synced": Mutant(
        "fitbitd/assembly.py",
        "            disk.sync_folder(state_dir)  # who made",
        "            # who made",
        f"{_POWER}TestFirstConsentAndPass",
    ),
    "the index is moved before the archive is synced": Mutant(
        "fitbitd/store/archive.py",
        "        self._pass = None\n        self.sync()\n",
        "        self._pass = None\n",
        f"{_POWER}TestPass",
    ),
    "a file of the archive is not synced": Mutant(
        "fitbitd/store/archive.py",
        "            os.fsync(self._descriptor)\n",
        "",
        f"{_POWER}TestPass",
    ),
    "the names of a new day and year are not synced": Mutant(
        "fitbitd/store/archive.py",
        "self._unsynced_folders = [state, account, archive, year]",
        "self._unsynced_folders: list[Path] = []",
        f"{_POWER}TestFirstPassOfADay",
    ),
    "a new year's folder is not synced": Mutant(
        "fitbitd/store/archive.py",
        "self._unsynced_folders = [state, account, archive, year]",
        "self._unsynced_folders = [year]",
        f"{_POWER}TestFirstPassOfADay",
    ),
    "folders that a dead process made are not synced": Mutant(
        "fitbitd/store/archive.py",
        "        year, archive, account, state = path.parents[:4]\n",
        "        year, archive, account, state = path.parents[:4]\n"
        "        if path.exists():\n"
        "            archive = account = state = year\n",
        f"{_POWER}TestFirstPassOfADayAfterAKill",
    ),
    "the write-ahead log is not synced": Mutant(
        "fitbitd/store/index.py",
        "PRAGMA synchronous = NORMAL;",
        "PRAGMA synchronous = OFF;",
        f"{_POWER}TestIndexCommit",
    ),
    "a pull is applied row by row": Mutant(
        "fitbitd/store/index.py",
        '            self.db.execute("BEGIN IMMEDIATE")\n'
        "            try:\n"
        "                yield\n"
        '                self.db.execute("COMMIT")\n',
        "            try:\n                yield\n",
        f"{_POWER}TestIndexCommit",
    ),
    "what a dead process wrote is applied unsynced": Mutant(
        "fitbitd/store/recovery.py",
        "        _sync(path)\n",
        "",
        f"{_POWER}TestStartAfterAKill",
    ),
    "a torn end stays": Mutant(
        "fitbitd/store/recovery.py",
        "                cut.append((found, _cut_off(found)))\n",
        "                cut.append((found, found.path))\n",
        f"{_POWER}TestStartAfterAKill",
    ),
    "a rebuilt index is copied unsynced": Mutant(
        "fitbitd/store/rebuild.py",
        "PRAGMA synchronous = NORMAL",
        "PRAGMA synchronous = OFF",
        f"{_POWER}TestRebuild",
    ),
    "a copy's index gets its name first": Mutant(
        "fitbitd/store/backup.py",
        "    folders = {target.parent, target}\n",
        "    if part.exists():\n"
        "        _keep(part, target / INDEX_NAME)\n"
        "    folders = {target.parent, target}\n",
        f"{_POWER}TestBackup",
    ),
    "a copy gets its name unsynced": Mutant(
        "fitbitd/store/backup.py",
        "        os.fsync(descriptor)\n",
        "        pass\n",
        f"{_POWER}TestBackup",
    ),
    "the folders of a copy are not synced": Mutant(
        "fitbitd/store/backup.py",
        "            disk.sync_folder(folder)\n",
        "            pass\n",
        f"{_POWER}TestBackup",
    ),
    "a schema is changed statement by statement": Mutant(
        "fitbitd/store/index.py",
        "BEGIN; {script.read_text('utf-8')}; PRAGMA user_version = {number}; COMMIT;",
        "{script.read_text('utf-8')}; PRAGMA user_version = {number};",
        f"{_POWER}TestUpgrade",
    ),
    "a log ends by a journal that is not synced": Mutant(
        "fitbitd/store/index.py",
        '            self.db.execute("PRAGMA synchronous = FULL")\n',
        "",
        _ORDER,
    ),
    "half a member stays where it could not be written": Mutant(
        "fitbitd/store/archive.py",
        "        except BaseException:\n            self.abandon_pull()\n",
        "        except BaseException:\n            self._member = None\n",
        f"{_CALLS}TestFirstPassOfADay",
    ),
    "a token is written in its place": Mutant(
        "fitbitd/oauth/token_file.py",
        '        self._new = path.with_name(f"{path.name}.new")\n',
        "        self._new = path\n",
        f"{_POWER}TestTokenRefresh",
    ),
    "a copy is written in its place": Mutant(
        "fitbitd/store/backup.py",
        "        part = path.with_name(path.name + PART)\n",
        "        part = path\n",
        f"{_POWER}TestBackup",
    ),
}


if __name__ == "__main__":
    sys.exit(survivors(MUTANTS, sys.argv[1:]))
