import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 65534
SCRIPT = """
import json, os, sys
from pathlib import Path
from fitbitd.commands.ownership import become_owner
become_owner(Path(sys.argv[1]))
print(json.dumps([os.getuid(), os.geteuid(), os.getgid()]))
"""


def run_as_root(state_dir: Path) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(state_dir)], capture_output=True, check=True, text=True
    )
    ids: list[int] = json.loads(done.stdout)
    return ids


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_owner_of_the_state_directory(tmp_path: Path) -> None:
    assert run_as_root(tmp_path)[:2] == [0, 0]
    assert run_as_root(tmp_path / "missing")[:2] == [0, 0]
    os.chown(tmp_path, NOBODY, -1)
    assert run_as_root(tmp_path)[:2] == [NOBODY, NOBODY]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_an_owner_who_is_no_user_is_said(tmp_path: Path) -> None:
    os.chown(tmp_path, 54_321, -1)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run_as_root(tmp_path)
    assert "belongs to uid 54321" in failed.value.stderr
