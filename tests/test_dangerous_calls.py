"""What no module may call, as its source shows: a shell, eval, TLS without a look."""

import ast
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

import fitbitd
from fitbitd.fetch.transport import Network
from tests.support.clock import FakeClock

ROOT = Path(fitbitd.__file__).parent

MAY_START_PROGRAMS = {
    "commands/install.py",  # systemctl, for root who asked for the unit
    "notify.py",  # the command of [notify], a list of arguments
}
STARTS = ("subprocess.", "asyncio.create_subprocess_exec")
NEVER = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.startfile"),
    *("asyncio.create_subprocess_shell", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pty.spawn", "pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open"),
    *("ssl._create_unverified_context", "ssl._create_stdlib_context", "tempfile.mktemp"),
}
NEVER_BEGINS = ("os.exec", "os.spawn", "os.posix_spawn")
NEVER_NAMED = {"CERT_NONE", "CERT_OPTIONAL", "check_hostname", "verify_mode"}


def complaints(source: str) -> Iterator[str]:
    """Name everything in `source` that must not be."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in NEVER_NAMED:
                yield name
            case ast.ImportFrom(module="os" | "subprocess" | "ssl" | "pickle" as module):
                yield f"from {module}: its functions are called by their whole names"
            case ast.Call():
                yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in NEVER or called.startswith(NEVER_BEGINS):
        yield called
    if called.startswith(STARTS):
        yield f"{called}: no program is started here"
    for given in node.keywords:
        said = ast.unparse(given.value)
        # A context of ours may stand for `verify`: the last test looks at it.
        if (given.arg == "shell" and said != "False") or (given.arg, said) == ("verify", "False"):
            yield f"{called}({given.arg}={said})"


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_no_module_calls_what_none_may() -> None:
    """Those that may start programs do: a name in that table for nothing would let another pass."""
    found = {name: wrong for name, source in modules() if (wrong := list(complaints(source)))}
    started = {name for name in found if all("no program" in wrong for wrong in found[name])}
    assert (set(found), started) == (MAY_START_PROGRAMS, MAY_START_PROGRAMS)


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.system('ls')",
        "import subprocess; subprocess.run('ls', shell=True)",
        "import subprocess; subprocess.run('ls', shell=wanted)",
        "from subprocess import Popen",
        "import asyncio; asyncio.create_subprocess_shell('ls')",
        "import os; os.execvp('ls', ['ls'])",
        "eval('1')",
        "import pickle; pickle.loads(b'')",
        "import httpx; httpx.Client(verify=False)",
        "import ssl; c = ssl.create_default_context(); c.check_hostname = False",
        "import ssl; c.verify_mode = ssl.CERT_NONE",
    ],
)
def test_what_none_may_is_seen(source: str) -> None:
    assert any("no program" not in wrong for wrong in complaints(source))


def test_certificates_and_names_are_looked_at() -> None:
    tls = Network(FakeClock())._tls
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2
