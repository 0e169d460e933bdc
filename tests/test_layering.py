"""Imports point down only: entry, pass, edge, core, words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fitbitd

ROOT = Path(fitbitd.__file__).parent
LAYERS = ("words", "core", "edge", "pass", "entry")
LAYER_OF = {
    "fitbitd": "words",  # the version
    "fitbitd.model": "words",
    "fitbitd.errors": "words",
    "fitbitd.clock": "words",
    "fitbitd.config": "words",
    "fitbitd.journal": "words",
    "fitbitd.logs": "words",
    "fitbitd.own_file": "words",  # what both edges open files by
    "fitbitd.toml_table": "words",
    "fitbitd.providers": "core",
    "fitbitd.plan": "core",
    "fitbitd.oauth.token": "core",
    "fitbitd.oauth.grant": "core",
    "fitbitd.health": "core",
    "fitbitd.health_codes": "core",
    "fitbitd.oauth": "edge",
    "fitbitd.fetch": "edge",
    "fitbitd.store": "edge",
    "fitbitd.memory": "edge",
    "fitbitd.systemd": "edge",
    "fitbitd.engine": "pass",
    "fitbitd.pulling": "pass",
    "fitbitd.clock_trust": "pass",
    "fitbitd.facts": "pass",
    "fitbitd.account": "entry",
    "fitbitd.assembly": "entry",
    "fitbitd.checkup": "entry",
    "fitbitd.control": "entry",
    "fitbitd.daemon": "entry",
    "fitbitd.errands": "entry",
    "fitbitd.notify": "entry",
    "fitbitd.standing": "entry",
    "fitbitd.watch": "entry",
    "fitbitd.watchdog": "entry",
    "fitbitd.cli": "entry",
    "fitbitd.manual": "entry",
    "fitbitd.commands": "entry",
    "fitbitd.simulator": "entry",
    "fitbitd.__main__": "entry",
}
SIMULATOR_MAY_USE = ("fitbitd.simulator", "fitbitd.clock", "fitbitd.errors")


def layer_name(module: str) -> str:
    """Give the longest entry of the table that `module` falls under."""
    name = module
    while name not in LAYER_OF or (name == "fitbitd" and module != "fitbitd"):
        name, _, last = name.rpartition(".")
        assert last, f"{module} has no layer: add it to the table"
    return name


def imports(source: str) -> Iterator[str]:
    """Give the modules of ours that `source` imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("fitbitd"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            if node.module == "fitbitd":
                for alias in node.names:
                    under = ROOT / f"{alias.name}.py", ROOT / alias.name
                    known = any(path.exists() for path in under)
                    yield f"fitbitd.{alias.name}" if known else "fitbitd"
            elif node.module and node.module.startswith("fitbitd"):
                yield node.module


def violations(module: str, source: str) -> list[str]:
    """Name every import in `source` that points up, or sideways between edges."""
    own = layer_name(module)
    found = []
    for target in imports(source):
        other = layer_name(target)
        rank, rank_of_other = (LAYERS.index(LAYER_OF[name]) for name in (own, other))
        sideways = rank == rank_of_other and LAYER_OF[own] == "edge" and own != other
        lonely = own == "fitbitd.simulator" and not target.startswith(SIMULATOR_MAY_USE)
        if rank_of_other > rank or sideways or (lonely and target != "fitbitd"):
            found.append(f"{module} imports {target}")
    return found


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(("fitbitd", *path.relative_to(ROOT).with_suffix("").parts))
        yield name.removesuffix(".__init__"), path.read_text(encoding="utf-8")


def test_imports_point_down_only() -> None:
    assert [line for module, source in modules() for line in violations(module, source)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("fitbitd.model", "from fitbitd.plan.ledger import Ledger"),
        ("fitbitd.plan.planner", "import fitbitd.store.index"),
        ("fitbitd.providers.fitbit.wire", "from fitbitd.fetch import transport"),
        ("fitbitd.fetch.fetcher", "from fitbitd.store.archive import ArchiveWriter"),
        ("fitbitd.store.index", "from fitbitd.oauth.keeper import Keeper"),
        ("fitbitd.store.index", "from fitbitd import engine"),
        ("fitbitd.engine", "from fitbitd.daemon import Daemon"),
        ("fitbitd.simulator.fitbit", "from fitbitd.providers.fitbit import wire"),
        ("fitbitd.simulator.fitbit", "from fitbitd.oauth.token import Grant"),
    ],
)
def test_a_bad_import_is_seen(module: str, source: str) -> None:
    assert violations(module, source) != []


def test_good_imports_pass() -> None:
    down = "from fitbitd.plan.planner import plan\nfrom fitbitd import __version__, errors\n"
    assert violations("fitbitd.engine", down) == []
    assert violations("fitbitd.store.index", "from fitbitd.store.archive import Line\n") == []
    assert violations("fitbitd.simulator.server", "from fitbitd.clock import Clock\n") == []
