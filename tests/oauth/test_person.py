import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fitbitd.errors import ContractError
from fitbitd.model import Reply
from fitbitd.oauth.person import Person, read_google

IDENTITY = Path(__file__).parents[1] / "data" / "google_health" / "account" / "identity.json"


def reply(body: bytes) -> Reply:
    return Reply(200, {}, body, datetime(2026, 3, 1, tzinfo=UTC))


def test_google_tells_both_ids_of_a_person() -> None:
    assert read_google(reply(IDENTITY.read_bytes())) == Person("1000000000000000001", "AAAAAA")


@pytest.mark.parametrize("legacy", [{}, {"legacyUserId": None}, {"legacyUserId": 5}])
def test_who_was_never_at_the_legacy_provider_has_no_id_there(legacy: dict[str, object]) -> None:
    body = json.dumps({"healthUserId": "1", **legacy}).encode()
    assert read_google(reply(body)) == Person("1")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"healthUserId": ""}', b'{"healthUserId": 5}', b"[" * 100_000],
)
def test_an_answer_that_does_not_say_who_it_is_is_refused(body: bytes) -> None:
    with pytest.raises(ContractError):
        read_google(reply(body))
