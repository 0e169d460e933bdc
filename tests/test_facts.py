"""What is gathered about an account whose index cannot be read, and in which words."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fitbitd import facts, health
from fitbitd.errors import OperatorError
from fitbitd.model import AccountName, DataTypeName
from fitbitd.oauth.token import Grant
from fitbitd.oauth.token_file import TokenFile
from fitbitd.plan.cadence import LATE_APART, Wants
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


def test_a_setting_that_keeps_an_account_shut_is_believed_of_the_daemon(tmp_path: Path) -> None:
    known = facts.without_index(subject(tmp_path), NOW, OperatorError("HTTPS_PROXY is none."))
    told = facts.only_told(health.conditions(known))
    assert [each.code for each in told] == ["settings"]


def test_how_full_the_disk_is_can_be_said_without_an_index(tmp_path: Path) -> None:
    free = facts.without_index(subject(tmp_path), NOW).disk_free_bytes
    assert free is not None
    assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30  # others write meanwhile
    assert facts.without_index(subject(tmp_path / "none"), NOW).disk_free_bytes is None


def test_a_reply_that_was_skipped_is_told_until_its_days_are_read_again(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    insert = (
        "INSERT INTO pull VALUES (?, 1, 'heart_rate', 'civil', ?, '2026-03-02T00:00:00', 'gap',"
        " 'UTC', NULL, 0, 0, ?, ?, '', 1, 1, 0, 0, 0, '')"
    )
    with closing(index.db) as db:
        db.execute(insert, (2, "2026-03-01T08:00:00", "failed", "index_behind"))
        known = facts.gather(subject(tmp_path), db, NOW)
        assert (known.skipped, known.types) == (1, ())
        db.execute(insert, (5, "2026-03-01T09:00:00", "complete", ""))  # the tail that follows
        assert facts.gather(subject(tmp_path), db, NOW).skipped == 1
        db.execute(insert, (9, "2026-03-01T00:00:00", "complete", ""))
        assert facts.gather(subject(tmp_path), db, NOW).skipped == 0


GRANT = Grant(
    provider="fitbit",
    access_token="a",
    refresh_token="r",
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=8),
    scope=tuple({one.scope for one in CATALOGUE.values()} - {"sleep"}),
    consented_at=NOW - timedelta(days=5),
    refresh_expires_at=NOW + timedelta(days=2),
)


def kept(folder: Path, grant: Grant) -> None:
    TokenFile(folder / "token.json").write(grant)


def test_what_the_consent_leaves_out_is_told_without_a_request_and_is_not_stale(
    tmp_path: Path,
) -> None:
    kept(tmp_path, GRANT)
    index = Index(tmp_path, CATALOGUE)
    with closing(index.db) as db:
        known = facts.gather(subject(tmp_path), db, NOW)
        assert [(each.data_type, each.code, each.since) for each in known.types] == [
            ("sleep", "scope_missing", GRANT.consented_at)
        ]
        assert set(known.read_at) == {"heart", "activity"}
        kept(tmp_path, replace(GRANT, scope=()))  # a grant that does not say
        known = facts.gather(subject(tmp_path), db, NOW)
        assert known.types == ()
        assert "sleep" in known.read_at


def test_the_end_of_a_consent_is_told_also_without_an_index(tmp_path: Path) -> None:
    kept(tmp_path, GRANT)
    known = facts.without_index(subject(tmp_path), NOW)
    assert (known.grant, known.grant_ends_at) == ("fresh", NOW + timedelta(days=2))


def passes(db: sqlite3.Connection, *outcomes: str | None) -> None:
    (before,) = db.execute("SELECT count(*) FROM pass").fetchone()
    for number, outcome in enumerate(outcomes, start=before + 1):
        db.execute(
            "INSERT INTO pass (id, provider, program, began_at, ended_at, outcome)"
            " VALUES (?, 'fitbit', '1', ?, ?, ?)",
            (number, number, None if outcome is None else number, outcome),
        )


def test_passes_that_end_alike_are_counted_from_the_last_that_did_not(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    with closing(index.db) as db:
        passes(db, "access_denied", "ok", "access_denied", "access_denied")
        known = facts.gather(subject(tmp_path), db, NOW).last_error
        assert known is not None
        assert (known.code, known.times, known.since.microsecond) == ("access_denied", 2, 3000)
        passes(db, None, "access_denied")
        known = facts.gather(subject(tmp_path), db, NOW).last_error
        assert known is not None
        assert known.times == 3


def test_passes_have_been_tried_since_the_first_one(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    with closing(index.db) as db:
        assert facts.gather(subject(tmp_path), db, NOW).tried_since is None
        passes(db, "throttled", "ok")
        (first,) = db.execute("SELECT began_at FROM pass WHERE outcome = 'throttled'").fetchone()
        tried_since = facts.gather(subject(tmp_path), db, NOW).tried_since
        assert tried_since == datetime.fromtimestamp(first / 1000, UTC)


def test_a_zone_is_called_unknown_only_after_a_pass_that_asked_for_it(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    with closing(index.db) as db:
        passes(db, "authorization_needed")
        assert facts.gather(subject(tmp_path), db, NOW).zone_known
        passes(db, "ok")
        assert not facts.gather(subject(tmp_path), db, NOW).zone_known
        db.execute("INSERT INTO meta VALUES ('zone', 'Europe/Berlin')")
        assert facts.gather(subject(tmp_path), db, NOW).zone_known


def test_points_that_are_not_understood_are_told_with_their_number_and_reason(
    tmp_path: Path,
) -> None:
    index = Index(tmp_path, CATALOGUE)
    insert = "INSERT INTO unread VALUES ('steps', ?, '2026-03-02', ?, 'no count', ?, 9)"
    with closing(index.db) as db:
        db.executemany(insert, [("2026-02-01", 2, 5), ("2026-02-02", 3, 7)])
        (trouble,) = facts.gather(subject(tmp_path), db, NOW).types
        assert (trouble.code, trouble.detail) == ("contract_changed", "5 points of steps: no count")


def test_a_folder_that_is_gone_is_told_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "alice"
    folder.mkdir()
    index = Index(folder, CATALOGUE)
    with closing(index.db) as db:
        shutil.rmtree(folder)
        with pytest.raises(OperatorError) as caught:
            facts.gather(subject(folder), db, NOW)
        assert caught.value.code == "disk_failed"
        assert str(folder) in str(caught.value)


def test_one_exercise_without_a_track_is_no_trouble_of_all_tracks(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    insert = "INSERT INTO refusal VALUES ('exercise_tcx', ?, 'request_refused', 1, 0, 0, 0)"
    with closing(index.db) as db:
        db.execute(insert, ("item:77@2027-03-01T00:00:00Z",))
        assert facts.gather(subject(tmp_path), db, NOW).types == ()
        db.execute(insert, ("",))
        assert [each.data_type for each in facts.gather(subject(tmp_path), db, NOW).types] == [
            "exercise_tcx"
        ]


def test_what_appears_late_may_be_read_a_little_later_than_it_came(tmp_path: Path) -> None:
    index = Index(tmp_path, CATALOGUE)
    wants = replace(subject(tmp_path).wants, data_types=(CATALOGUE[DataTypeName("sleep")],))
    with closing(index.db) as db:
        read_ms = round(NOW.timestamp() * 1000)
        db.execute("INSERT INTO freshness VALUES ('sleep', ?, 1)", (read_ms,))
        known = facts.gather(replace(subject(tmp_path), wants=wants), db, NOW)
    assert known.read_at == {"sleep": NOW + LATE_APART}
