"""With a umask that allows everything, nothing is ever open to more people than it should be."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.liar import Victim, lying

MADE = re.compile(
    r'(?P<call>openat|open|creat|mkdir|mkdirat)\((?:AT_FDCWD, )?"(?P<path>[^"]+)", '
    r"(?P<flags>[A-Z_|]*)(?:, )?(?P<mode>0[0-7]*)\) = \d+"
)
INDEX = re.compile(r".*/index\.sqlite(\.rebuild|\.part)?(-wal|-shm|-journal)?")
COMMANDS = (
    ("authorize", "alice", "--import", "{folder}/tokens"),
    ("pull", "alice"),
    ("rebuild", "alice"),
    ("backup", "{folder}/copy", "--with-tokens"),
    ("check", "--offline", "--bundle", "{folder}/bundle"),
)


def made(log: Path, folder: Path) -> Iterator[tuple[str, bool, int]]:
    """Give each path that was made in `folder`, whether it is a folder, and its first mode.

    The first call for a path makes it; SQLite names another mode for a file that is there already.
    """
    seen = set()
    for call in MADE.finditer(log.read_text(encoding="utf-8")):
        is_folder = call["call"].startswith("mkdir")
        makes = is_folder or "O_CREAT" in call["flags"]
        if makes and call["path"].startswith(str(folder)) and call["path"] not in seen:
            seen.add(call["path"])
            yield call["path"], is_folder, int(call["mode"], 8)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace tells what is made")
def test_every_file_and_folder_has_its_mode_from_the_first_moment(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    with lying() as liar:
        victim = Victim(tmp_path, liar.url, "settings", "steps")
        victim.umask = 0
        calls = "trace=open,openat,creat,mkdir,mkdirat"
        victim.under = ("strace", "-f", "--seccomp-bpf", "-qq", "-A", "-e", calls, "-o", str(log))
        for command in COMMANDS:
            done = victim.run(*(word.format(folder=tmp_path) for word in command))
            assert done.code in {0, 1}, done.err
    found = [each for each in made(log, tmp_path) if "/out" not in each[0]]
    assert {Path(path).name for path, _, _ in found} > {
        *("state", "alice", "archive", "lock", "token.lock", "token.json.new"),
        *("index.sqlite", "index.sqlite-wal", "index.sqlite.rebuild", "index.sqlite.part"),
        *("token.json.part", "copy", "bundle"),
    }
    for path, is_folder, mode in found:
        most = 0o750 if is_folder else 0o640 if INDEX.fullmatch(path) else 0o600
        assert mode & ~most == 0, (path, oct(mode))
