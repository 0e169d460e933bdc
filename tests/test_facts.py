"""What is gathered about an account whose index cannot be read, and in which words."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd import facts
from fitbitd.errors import OperatorError
from fitbitd.model import AccountName
from fitbitd.plan.cadence import Wants
from fitbitd.providers.fitbit.catalog import CATALOGUE
from fitbitd.store.index import Index, open_reader

NOW = datetime(2026, 3, 1, 10, 40, tzinfo=UTC)


def subject(folder: Path) -> facts.Subject:
    name = AccountName("alice")
    wants = Wants(name, tuple(CATALOGUE.values()), timedelta(minutes=15))
    return facts.Subject(name, "Fitbit", folder, wants)


def test_an_index_that_rots_while_it_is_open_is_told_as_such(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    index.close()
    content = index.path.read_bytes()
    index.path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    with closing(open_reader(tmp_path)) as db, pytest.raises(OperatorError) as caught:
        facts.gather(subject(tmp_path), db, NOW)
    assert caught.value.code == "index_damaged"


def test_a_condition_repeats_what_happened_and_not_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text("{")
    for words in ("It is damaged. Next: mend it.", "It is damaged.\nNothing is lost.\nNext: mend."):
        known = facts.without_index(subject(tmp_path), NOW, OperatorError(words, code="any"))
        assert known.last_error is not None
        assert (known.last_error.code, known.last_error.detail) == ("any", "It is damaged.")
        assert known.token_trouble.endswith("It is left as it is.")
        assert "Next" not in known.token_trouble


def test_a_reply_that_was_skipped_is_told_until_its_days_are_read_again(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    insert = (
        "INSERT INTO pull VALUES (?, 1, 'heart_rate', 'civil', '2026-03-01T00:00:00', NULL, 'gap',"
        " 'UTC', NULL, 0, 0, ?, ?, '', 1, 1, 0, 0, 0, '')"
    )
    with closing(index.db) as db:
        db.execute(insert, (2, "failed", "index_behind"))
        known = facts.gather(subject(tmp_path), db, NOW)
        assert (known.skipped, known.types) == (1, ())
        db.execute(insert, (9, "complete", ""))
        assert facts.gather(subject(tmp_path), db, NOW).skipped == 0
