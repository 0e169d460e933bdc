"""Every form that was ever on disk is opened by this program and brought up to date.

`tests/data/forms/schemaN.tar.xz` holds an account as the last program of schema N left it, after a
day of its life with a simulator (how it was made: the README beside it).
"""

import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fitbitd.assembly import PROVIDERS
from fitbitd.errors import OperatorError
from fitbitd.oauth.token_file import TokenFile
from fitbitd.store.account import AccountStore
from fitbitd.store.backup import back_up
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import INDEX_NAME, SCHEMA_VERSION, open_reader
from fitbitd.store.rebuild import rebuild
from fitbitd.store.verify import verify

FORMS = Path(__file__).parents[1] / "data" / "forms"
KIT = PROVIDERS["fitbit"]
PROVIDER = KIT.provider("http://127.0.0.1:9")

READINGS = 13_471
"""Of each form: the life is the same."""

KEPT = (
    """SELECT s.data_type, s.field, s.source, s.utc_offset_s, s.ordinal, r.instant, r.value,
    r.duration_ms FROM reading AS r JOIN series AS s ON s.id = r.series ORDER BY 1, 2, 3, 4, 5, 6
    """,
    "SELECT data_type, key, day, start_ms, end_ms, utc_offset_s FROM session ORDER BY 1, 2",
    "SELECT data_type, day, field, source, value FROM daily ORDER BY 1, 2, 3, 4",
    "SELECT data_type, day, settled, read_at, readings, synced_at FROM coverage ORDER BY 1, 2",
    "SELECT id, pass, data_type, window_start, window_end, outcome FROM pull ORDER BY 1",
)
"""What all forms have in common."""


def forms() -> list[int]:
    names = sorted(path.name for path in FORMS.glob("schema*.tar.xz"))
    return [int(name.removeprefix("schema").removesuffix(".tar.xz")) for name in names]


@pytest.fixture(params=forms())
def schema(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def account_dir(schema: int, tmp_path: Path) -> Path:
    with tarfile.open(FORMS / f"schema{schema}.tar.xz") as form:
        form.extractall(tmp_path, filter="data")
    return tmp_path / "alice"


def version(account_dir: Path) -> int:
    with closing(sqlite3.connect(account_dir / INDEX_NAME)) as db:
        (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def kept(account_dir: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(account_dir / INDEX_NAME)) as db:
        return [db.execute(query).fetchall() for query in KEPT]


def dump(account_dir: Path) -> Iterator[str]:
    """Give the index as text, but for when the zone was first seen: 1 and 2 did not note it."""
    with closing(open_reader(account_dir)) as db:
        yield from (line for line in canonical_dump(db) if not line.startswith("zone|"))


def bring_up_to_date(account_dir: Path) -> None:
    with AccountStore(account_dir, PROVIDER.read, KIT.catalogue, PROVIDER.learn) as store:
        assert list(store.catch_up()) == []
        assert (store.recovery.damage, store.recovery.cut) == ((), ())


def test_no_earlier_schema_is_without_its_form() -> None:
    assert set(forms()) >= set(range(1, SCHEMA_VERSION))


def test_an_index_is_brought_up_to_date_with_all_that_it_holds(
    account_dir: Path, schema: int
) -> None:
    before = kept(account_dir)
    assert len(before[0]) == READINGS
    assert version(account_dir) == schema
    bring_up_to_date(account_dir)
    assert version(account_dir) == SCHEMA_VERSION
    assert kept(account_dir) == before
    with closing(open_reader(account_dir)) as db:
        assert list(verify(account_dir, db)) == []
    upgraded = list(dump(account_dir))
    list(rebuild(account_dir, PROVIDER.read, KIT.catalogue, learn=PROVIDER.learn))
    assert list(dump(account_dir)) == upgraded


def test_who_only_reads_waits_for_who_writes_and_changes_nothing(account_dir: Path) -> None:
    index = account_dir / INDEX_NAME
    before = index.read_bytes()
    try:
        open_reader(account_dir).close()
    except OperatorError as err:
        assert err.code == "index_older"  # noqa: PT017 - only the newest form can be read
    assert index.read_bytes() == before


def test_a_token_file_is_read_and_written_again(account_dir: Path) -> None:
    file = TokenFile(account_dir / "token.json")
    grant = file.read()
    assert grant is not None
    assert (grant.provider, grant.user_id, grant.refresh_sent_at) == ("fitbit", "SIM001", None)
    assert grant.previous is not None  # it has been refreshed
    file.write(grant)
    assert file.read() == grant


def test_a_copy_that_was_made_then_restores_now(account_dir: Path, tmp_path: Path) -> None:
    """A backup has the forms of what it is a copy of."""
    before = kept(account_dir)
    list(back_up(account_dir, tmp_path / "copy", secrets=True))
    if not (
        tmp_path / "copy" / INDEX_NAME
    ).exists():  # an older index is not copied: it is made again
        with AccountStore(tmp_path / "copy", PROVIDER.read, KIT.catalogue, PROVIDER.learn) as store:
            list(store.catch_up())
    bring_up_to_date(tmp_path / "copy")
    assert kept(tmp_path / "copy") == before
    assert TokenFile(tmp_path / "copy" / "token.json").read() is not None
