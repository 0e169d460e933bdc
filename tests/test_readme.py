"""The README says what the code does; `python -m tests.support.readme` writes its tables anew."""

import difflib
import re
import shlex
from pathlib import Path

import pytest

from fitbitd import cli
from fitbitd.assembly import PROVIDERS
from fitbitd.providers.fitbit.catalog import CATALOGUE as FITBIT
from fitbitd.providers.google_health.catalog import CATALOGUE as GOOGLE
from fitbitd.store.index import Index
from tests.support import readme

TEXT = readme.README.read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Give the blocks of code in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_tables_are_those_of_the_code() -> None:
    wanted = readme.with_tables(TEXT)
    changes = list(
        difflib.unified_diff(
            TEXT.splitlines(), wanted.splitlines(), "README.md", "the code", n=0, lineterm=""
        )
    )
    if changes:
        pytest.fail("\n".join(("run: python -m tests.support.readme", *changes)), pytrace=False)


def test_the_data_types_of_both_providers_have_a_row_each() -> None:
    google, legacy = (
        TEXT.partition(f"<!-- table: {name} -->")[2].partition("<!-- end")[0]
        for name in ("data types", "legacy data types")
    )
    for catalogue, table in ((GOOGLE, google), (FITBIT, legacy)):
        named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        assert named == list(catalogue)


def test_a_table_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place for the table of commands"):
        readme.with_tables("# fitbitd\n")


def test_every_event_is_a_literal_and_has_a_meaning_and_no_other_has() -> None:
    found = list(readme.events())
    assert [each.where for each in found if each.name is None] == []
    assert {each.name for each in found} == set(readme.EVENTS)
    assert list(readme.EVENTS) == sorted(readme.EVENTS)
    for name in readme.EVENTS:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name), name


def test_every_exit_code_has_a_meaning_and_no_other_has() -> None:
    assert set(readme.EXIT_CODES) == readme.exit_codes()


def test_the_two_commands_of_a_newcomer_stand_on_a_line_each() -> None:
    lines = TEXT.splitlines()
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/fitbitd demo" in lines
    assert ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest" in lines


def test_every_command_that_is_shown_can_be_typed() -> None:
    shown = [
        command
        for block in blocks("sh")
        for line in block.splitlines()
        for command in re.findall(r"(?:^|sudo |/bin/)fitbitd ([a-z].*)", line.partition("  #")[0])
    ]
    assert len(shown) > 12
    for command in shown:
        parsed = cli.parser().parse_args(shlex.split(command.partition(" > ")[0]))
        assert parsed.run is not None


def test_every_question_that_is_shown_can_be_asked(tmp_path: Path) -> None:
    statements = [one for block in blocks("sql") for one in block.split(";") if one.strip()]
    assert len(statements) >= 4
    index = Index(tmp_path, PROVIDERS["fitbit"].catalogue)
    try:
        for statement in statements:
            assert index.db.execute(statement).fetchall() == []
    finally:
        index.close()


def test_every_file_that_is_shown_is_there() -> None:
    root = readme.README.parent
    for name in re.findall(r"\]\(([\w./-]+)\)", TEXT):
        assert (root / name).exists(), name
