"""Every recorded body comes to what its documentation says; `said.json` holds it, line by line."""

import json
from typing import Any

import pytest

from fitbitd.errors import (
    ContractError,
    FitbitdError,
    GoneError,
    OperatorError,
    RefusedError,
    StaleTokenError,
    ThrottledError,
    TransientError,
)
from tests.support.google_wire import GOOGLE, INDEX, RECORDED, pull, recorded, told

SAID: dict[str, dict[str, Any]] = json.loads((RECORDED / "said.json").read_text(encoding="utf-8"))

REFUSED: dict[str, tuple[type[FitbitdError], str]] = {
    "400-account-not-linked.json": (OperatorError, "account_not_linked"),
    "400-daily-rollup-not-supported.json": (RefusedError, "method_refused"),
    "400-data-source-family.json": (RefusedError, "request_refused"),
    "400-filter-civil-format.json": (RefusedError, "request_refused"),
    "400-filter-member-not-supported.json": (RefusedError, "request_refused"),
    "400-invalid-data-type.json": (RefusedError, "data_type_refused"),
    "400-list-not-supported.json": (RefusedError, "method_refused"),
    "400-rollup-range-too-long.json": (RefusedError, "too_large"),
    "400-time-range-empty.json": (RefusedError, "request_refused"),
    "401-invalid-credentials.json": (StaleTokenError, "authorization_needed"),
    "401-missing-credentials.json": (ContractError, "contract_changed"),
    "403-legacy-fitbit-account.json": (RefusedError, "access_denied"),
    "403-missing-oauth-scope.json": (RefusedError, "scope_missing"),
    "403-resource-permission-denied.json": (RefusedError, "access_denied"),
    "403-scope-insufficient.json": (RefusedError, "scope_missing"),
    "403-service-disabled.json": (OperatorError, "service_disabled"),
    "404-data-point.json": (RefusedError, "request_refused"),
    "404-unknown-path.html": (RefusedError, "request_refused"),
    "410-legacy-fitbit-gone.json": (GoneError, "provider_gone"),
    "412-profile-not-ready.json": (OperatorError, "profile_not_ready"),
    "429-quota-per-user-per-minute.json": (ThrottledError, "throttled"),
    "429-with-retry-after.json": (ThrottledError, "throttled"),
    "500-internal.json": (TransientError, "provider_failed"),
    "502-bad-gateway.html": (TransientError, "provider_unreachable"),
    "503-unavailable.json": (TransientError, "provider_unreachable"),
    "504-deadline-exceeded.json": (RefusedError, "too_slow"),
}

NOT_ASKED = {  # answers to what is never asked: a single point, a single device, a write
    "get/exercise.json": "exercise",
    "account/paired-device.json": "paired_devices",
    "write/nutrition-create-operation.json": "nutrition_log",
}


def test_no_body_is_forgotten() -> None:
    """Those of the token endpoint and of webhooks are not the provider's."""
    ours = {row["file"] for row in INDEX if row["file"].split("/")[0] not in ("oauth", "webhooks")}
    assert ours == {*SAID, *(f"errors/{name}" for name in REFUSED), *NOT_ASKED}


@pytest.mark.parametrize("file", SAID)
def test_a_recorded_body_says_what_it_says(file: str) -> None:
    expected, answer = SAID[file], recorded(file)
    asked = pull(expected["data_type"], item="k@v")
    assert GOOGLE.judge(answer) is None
    survey = GOOGLE.survey(asked, answer)
    assert (survey.points, survey.next_page) == (expected["points"], expected["next_page"])
    page = GOOGLE.read(asked, answer)
    assert told(page) == expected["says"]
    assert (page.outside, page.unread, page.unread_why) == (0, 0, "")


@pytest.mark.parametrize("name", REFUSED)
def test_a_recorded_error_leads_to_its_class(name: str) -> None:
    answer = recorded(f"errors/{name}")
    with pytest.raises(FitbitdError) as caught:
        GOOGLE.judge(answer)
    assert (type(caught.value), caught.value.code) == REFUSED[name]
    message = str(caught.value)
    for quoted in ("123456789", "resting-heart-rate", "UberMint", "Quota exceeded", "health."):
        assert quoted not in message


@pytest.mark.parametrize(("file", "name"), NOT_ASKED.items())
def test_an_answer_to_something_else_is_not_taken_for_an_empty_one(file: str, name: str) -> None:
    with pytest.raises(ContractError):
        GOOGLE.survey(pull(name), recorded(file))
    with pytest.raises(ContractError):
        GOOGLE.read(pull(name), recorded(file))
