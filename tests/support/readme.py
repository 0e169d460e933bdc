"""The tables of README.md, made from the code that they describe.

    python -m tests.support.readme

writes them anew, each between its two marks. What the code cannot say stands here, once.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fitbitd
from fitbitd import cli, errors
from fitbitd.assembly import DATA_TYPES
from fitbitd.config import example, parse
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.health_codes import CODES
from fitbitd.model import DataType
from fitbitd.providers.fitbit.catalog import ENTRIES as FITBIT_ENTRIES
from fitbitd.providers.google_health.catalog import ENTRIES as GOOGLE_ENTRIES
from fitbitd.providers.google_health.catalog import Entry as GoogleEntry

SOURCE = Path(fitbitd.__file__).parent
README = Path(__file__).parents[2] / "README.md"

EVENTS = {
    "account.recovered": "the account's passes go well again",
    "account.rejected": "the account cannot be set up from its settings; the others start",
    "account.troubled": "the account's passes fail, for another reason than before",
    "archive.damaged": "a stretch of the archive cannot be read; it is left as it is",
    "archive.end_cut": "an end that a stop had torn was cut off, after a copy",
    "archive.end_missing": "a file of the archive is shorter than it was",
    "clock.compared": "the clock is older than the archive; the provider's clock was asked",
    "clock.stepped": "the wall clock was set; every job looks at once",
    "command.crashed": "a defect ended a command",
    "condition.cleared": "a condition is over; the table of conditions has its words",
    "condition.raised": "a condition began; the table of conditions has its words",
    "config.rejected": "a reload met a wrong file; the settings stay as they were",
    "config.reloaded": "a reload took a changed file",
    "control.unavailable": "the socket for commands cannot be opened; collecting goes on",
    "daemon.started": "every account is scheduled",
    "daemon.stopped": "everything is closed",
    "errand.crashed": "a defect ended what a command had asked for; its account goes on",
    "job.crashed": "a defect ended a job; it comes again",
    "job.skipped": "the scheduler left a run of a job out",
    "library.logged": "a warning of a library that fitbitd uses",
    "notify.failed": "the command or the heartbeat of [notify] does not work",
    "notify.recovered": "it works again",
    "pass.crashed": "a defect ended a pass; the next one comes",
    "pass.finished": "a pass is archived and in the index",
    "pull.archived": "one data type was read for one window",
    "pull.failed": "one data type could not be read for one window",
    "pull.not_read": "archived replies of a pull cannot be understood; the index goes without them",
    "pull.skipped": "applying a pull to the index ended the process twice; it is left out",
    "pull.unreadable": "the replies of this pass's pull cannot be understood",
    "request.retried": "a request failed and is sent again",
    "token.recovered": "refreshing the token works again",
    "token.refresh_failed": "the token could not be refreshed; it is tried again",
    "token.refreshed": "a new pair of tokens is on disk",
    "token.rejected": "the provider has ended the grant",
    "token.revoked": "the grant was ended by `fitbitd revoke`",
    "token.set_aside": "a token file that cannot be understood was renamed",
    "zone.changed": "the wearer's zone changed; the pass was planned anew",
}

EXIT_CODES = {
    0: "done; a refused pull alone is listed, and no failure",
    1: "`verify` or `check` found something",
    64: "the command was not understood: unknown words, account, data type or SQL",
    69: "the provider has switched its API off",
    70: "a defect of fitbitd, or a reply that is not what the provider documents",
    74: "the output could not be written",
    75: "not now: network, quota, or another process has the account; try again later",
    77: "the wearer must consent: `fitbitd authorize`",
    78: "settings, disk or a file of ours: somebody must act, starting again does not help",
    130: "interrupted by Ctrl-C; `run`, `demo` and `simulate` end with 0, as they are meant to",
}

_LEVELS = ("debug", "info", "warning", "error")
_METHODS = {*_LEVELS, "exception"}


@dataclass(frozen=True, slots=True)
class Event:
    """One place where an event is logged; `name` is None where it is no literal."""

    name: str | None
    levels: frozenset[str]
    keys: tuple[str, ...]
    where: str


def events() -> Iterator[Event]:
    """Find every place in the source where an event is logged."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _events_of(function, path)


def _events_of(function: ast.AST, path: Path) -> Iterator[Event]:
    chosen = {  # say = log.error if ... else log.warning
        node.targets[0].id: _methods(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and _methods(node.value)
    }
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        called = chosen.get(node.func.id) if isinstance(node.func, ast.Name) else None
        levels = called or (_methods(node.func) if isinstance(node.func, ast.Attribute) else None)
        if levels:
            first = node.args[0] if node.args else None
            name = first.value if isinstance(first, ast.Constant) else None
            keys = tuple(word.arg for word in node.keywords if word.arg and word.arg != "exc_info")
            where = f"{path.relative_to(SOURCE.parent)}:{node.lineno}"
            yield Event(str(name) if name is not None else None, frozenset(levels), keys, where)


def _methods(node: ast.AST) -> set[str]:
    """Give the levels of the methods of `log` that an expression names."""
    return {
        "error" if each.attr == "exception" else each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.value, ast.Name)
        and each.value.id == "log"
        and each.attr in _METHODS
    }


def exit_codes() -> set[int]:
    """Find every exit code that the source has a name or a class for."""
    classes: list[type[FitbitdError]] = [FitbitdError, *_below(FitbitdError)]
    return {
        0,
        1,
        *(each.exit_code for each in classes),
        *(OperatorError("", code=code).exit_code for code in errors._EXIT_CODES),
        *(cli.USAGE, cli.BUG, cli.OUTPUT_FAILED, cli.INTERRUPTED),
    }


def _below(kind: type[FitbitdError]) -> Iterator[type[FitbitdError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *(list(row) for row in rows)]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )


def commands_table() -> str:
    """List the commands."""
    rows = ((f"`fitbitd {name}`", cli.command(name).HELP) for name in cli.COMMANDS)
    return _table(("command", "what it does"), rows)


def settings_table() -> str:
    """List the keys of the configuration, from its example."""
    return _table(("key", "in the example", "what it is"), _settings())


def _settings() -> Iterator[tuple[str, str, str]]:
    place = ""
    for block in example().split("\n\n"):
        words: list[str] = []
        for line in block.splitlines():
            if table := re.fullmatch(r"(?:# )?\[+([a-z_.]+)\]+", line):
                place = f"{table[1]}."
            elif key := re.fullmatch(r"(# )?([a-z_]+) = (.+)", line):
                needed = " (needed)" if _is_needed(line) else ""
                yield f"`{place}{key[2]}`", f"`{key[3]}`{needed}", " ".join(words).strip(" .")
                words = ["the same"]
            else:
                words.append(line.removeprefix("#").strip())


def _is_needed(line: str) -> bool:
    """Say whether the example without this line is refused."""
    if line.startswith("#"):
        return False
    try:
        parse(example().replace(f"\n{line}\n", "\n"), DATA_TYPES)
    except OperatorError:
        return True
    return False


def google_types_table() -> str:
    """List the data types of the Google Health API."""
    return _data_types(
        (entry.data_type, _google_method(entry)) for entry in GOOGLE_ENTRIES.values()
    )


def fitbit_types_table() -> str:
    """List the data types of the legacy API."""
    return _data_types(
        (entry.data_type, "by parts of a day" if entry.tail_path else "as a whole")
        for entry in FITBIT_ENTRIES.values()
    )


def _data_types(entries: Iterable[tuple[DataType, str]]) -> str:
    head = ("data type", "what it is", "units", "where it comes from", "how fine", "how", "scope")
    return _table(
        head,
        (
            (
                f"`{each.name}`",
                each.title if each.by_default else f"{each.title} (only if named)",
                ", ".join(dict.fromkeys(one.unit for one in each.fields if one.unit)),
                each.source,
                each.grain,
                how,
                " and ".join(f"`{_short(scope)}`" for scope in each.scope.split()),
            )
            for each, how in entries
        ),
    )


def _google_method(entry: GoogleEntry) -> str:
    """Name Google's method; what is no data type there is got by its path."""
    if entry.methods:
        return f"`{entry.methods[0]}`"
    return f"`{entry.path.rpartition(':')[2]}`" if ":" in entry.path else "`get`"


def _short(scope: str) -> str:
    return scope.rpartition("/")[2].removeprefix("googlehealth.").removesuffix(".readonly")


def events_table() -> str:
    """List the events of the log."""
    found = list(events())
    rows = []
    for name, meaning in EVENTS.items():
        places = [each for each in found if each.name == name]
        levels = sorted({level for each in places for level in each.levels}, key=_LEVELS.index)
        keys = dict.fromkeys(key for each in places for key in each.keys)
        rows.append((f"`{name}`", ", ".join(levels), ", ".join(f"`{k}`" for k in keys), meaning))
    return _table(("event", "level", "keys", "what happened"), rows)


def conditions_table() -> str:
    """List the conditions that an account can be in."""
    return _table(
        ("condition", "severity", "what it is", "what to do"),
        (
            (f"`{code}`", kind.severity, kind.about, kind.next.replace("{account}", "ACCOUNT"))
            for code, kind in CODES.items()
        ),
    )


def exit_codes_table() -> str:
    """List the exit codes."""
    return _table(("exit code", "meaning"), ((f"{n}", words) for n, words in EXIT_CODES.items()))


TABLES: dict[str, Callable[[], str]] = {
    "commands": commands_table,
    "settings": settings_table,
    "data types": google_types_table,
    "legacy data types": fitbit_types_table,
    "conditions": conditions_table,
    "events": events_table,
    "exit codes": exit_codes_table,
}


def with_tables(text: str) -> str:
    """Give the text of the README with its tables as they should be.

    Raises:
        ValueError: a table has no place in it.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end of table -->"
        head, found, rest = text.partition(begin)
        _, ended, tail = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"README.md has no place for the table of {name}: {begin}...{end}")
        text = f"{head}{begin}\n{table()}\n\n{ended}{tail}"
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text("utf-8")), encoding="utf-8")
