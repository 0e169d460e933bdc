"""Mutants of what stands between us and hostile answers, files and people; run on demand.

python -m tests.mutants_hostile [NAME...]
"""

import sys

from tests.mutants import Mutant, survivors

_TRANSPORT = "tests/fetch/test_transport.py"
_BODIES = "tests/providers/test_hostile_bodies.py"
_FILES = "tests/test_hostile_files.py"
_OWN = "tests/test_own_file.py"
_CALLS = "tests/test_dangerous_calls.py"
_FORMS = "tests/store/test_forms.py"
_NEWER = "tests/commands/test_newer_forms.py"
_CHANGED = "tests/store/test_changed_lines.py"
_MODES = "tests/scenarios/test_modes.py"
_PROVIDER = "tests/scenarios/test_hostile_provider.py"

MUTANTS = {
    "few bytes may become many values": Mutant(
        "fitbitd/fetch/transport.py",
        "    if _weight(body) > HEAVIEST:",
        "    if False:",
        _TRANSPORT,
    ),
    "a body is taken to its end": Mutant(
        "fitbitd/fetch/transport.py",
        "        if len(body) > largest:\n            raise _too_large()\n",
        "        if len(body) > 20 * largest:\n            raise _too_large()\n",
        _PROVIDER,
    ),
    "redirects are followed": Mutant(
        "fitbitd/fetch/transport.py",
        "                trust_env=True,\n",
        "                trust_env=True,\n                follow_redirects=True,\n",
        _TRANSPORT,
    ),
    "certificates are not looked at": Mutant(
        "fitbitd/fetch/transport.py", "verify=self._tls", "verify=False", _CALLS
    ),
    "pages go on as long as the provider likes": Mutant(
        "fitbitd/fetch/fetcher.py",
        "most = PAGES if halves(pull) else PAGES_OF_A_DAY",
        "most = 3 * PAGES_OF_A_DAY",
        "tests/fetch/test_fetcher.py",
    ),
    "a next page may be on another host": Mutant(
        "fitbitd/providers/fitbit/wire.py",
        "if self._home is None or origin(page) != self._home:",
        "if self._home is None:",
        "tests/providers/test_fitbit_requests.py",
    ),
    "a long number costs its page": Mutant(
        "fitbitd/providers/google_health/members.py",
        "    except ValueError:\n        return _PATIENT.raw_decode(text, at)\n",
        "    except ZeroDivisionError:\n        return _PATIENT.raw_decode(text, at)\n",
        _BODIES,
    ),
    "1e999 gets into a snapshot": Mutant(
        "fitbitd/providers/google_health/members.py", ", allow_nan=False", "", _BODIES
    ),
    "the same of the legacy API": Mutant(
        "fitbitd/providers/fitbit/members.py",
        ", allow_nan=False",
        "",
        "tests/providers/test_fitbit_properties.py",
    ),
    "nesting ends a start": Mutant(
        "fitbitd/store/members.py", "    OverflowError,\n    RecursionError,\n", "", _FILES
    ),
    "a changed line stops its account": Mutant(
        "fitbitd/store/apply.py", "            if not skip:\n", "            if True:\n", _CHANGED
    ),
    "what tomllib trips over is a crash": Mutant(
        "fitbitd/config.py",
        "    except (ValueError, RecursionError) as err:",
        "    except tomllib.TOMLDecodeError as err:",
        _FILES,
    ),
    "NUL may stand in a path": Mutant(
        "fitbitd/toml_table.py", 'if "\\0" in value:', 'if "\\0\\0" in value:', _FILES
    ),
    "http is taken for any host that looks local": Mutant(
        "fitbitd/toml_table.py",
        '        return host == "localhost"\n',
        '        return host.startswith(("localhost", "127."))\n',
        _FILES,
    ),
    "links are followed": Mutant("fitbitd/own_file.py", " | os.O_NOFOLLOW", "", _OWN),
    "a second name does not matter": Mutant(
        "fitbitd/own_file.py", "if alone and found.st_nlink > 1:", "if found.st_nlink > 99:", _OWN
    ),
    "a pipe is waited for": Mutant(
        "fitbitd/own_file.py", "if not stat.S_ISREG(found.st_mode):", "if not found:", _OWN
    ),
    "the owner does not matter": Mutant(
        "fitbitd/own_file.py", "    if found.st_uid != we:", "    if False:", _OWN
    ),
    "anybody may say where a folder is": Mutant(
        "fitbitd/store/disk.py", "            check_link(folder)\n", "", _OWN
    ),
    "SQLite opens what is there": Mutant(
        "fitbitd/store/index.py", "            disk.check_database(self.path)\n", "", _OWN
    ),
    "a token file is readable by all": Mutant(
        "fitbitd/oauth/token_file.py", "_OWN_EYES_ONLY = 0o600", "_OWN_EYES_ONLY = 0o644", _MODES
    ),
    "an index is made by SQLite": Mutant(
        "fitbitd/store/index.py",
        "            disk.create(self.path, disk.INDEX_FILE_MODE)\n",
        "",
        _MODES,
    ),
    "a shell": Mutant(
        "fitbitd/notify.py",
        "asyncio.create_subprocess_exec(",
        "asyncio.create_subprocess_shell(",
        _CALLS,
    ),
    "an older index keeps no reason why its days settled": Mutant(
        "fitbitd/store/schema/0003.sql",
        "UPDATE coverage SET settled_by = CASE WHEN synced_at IS NULL THEN 'age' ELSE 'sync' END\n"
        "WHERE settled;\n",
        "",
        _FORMS,
    ),
    "a newer index is opened": Mutant(
        "fitbitd/store/index.py",
        "    if version > SCHEMA_VERSION:",
        "    if version > 999:",
        _NEWER,
    ),
    "a newer archive is read": Mutant(
        "fitbitd/store/members.py", "    if newer:\n", "    if newer is None:\n", _NEWER
    ),
    "a newer token file is read": Mutant(
        "fitbitd/oauth/token.py",
        'if document.get("version", _VERSION) != _VERSION:',
        'if "version" in {}:',
        _NEWER,
    ),
}


if __name__ == "__main__":
    sys.exit(survivors(MUTANTS, sys.argv[1:]))
