"""Every answer leads to exactly one class; no message repeats what a body says."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fitbitd.errors import (
    FitbitdError,
    GoneError,
    OperatorError,
    RefusedError,
    StaleTokenError,
    ThrottledError,
    TransientError,
)
from fitbitd.model import Quota, Reply
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.fitbit_wire import RECEIVED_AT, RECORDED, recorded, reply

FITBIT = FitbitProvider("https://api.fitbit.com")
NEXT_HOUR = datetime(2026, 3, 1, 11, tzinfo=UTC)

ACTIONS: dict[str, tuple[type[FitbitdError], str]] = {
    "400_invalid_grant_authorization_code": (StaleTokenError, "authorization_needed"),
    "400_invalid_grant_refresh_token": (StaleTokenError, "authorization_needed"),
    "400_invalid_request_body": (RefusedError, "request_refused"),
    "400_invalid_request_missing_refresh_token": (RefusedError, "request_refused"),
    "401_expired_token": (StaleTokenError, "authorization_needed"),
    "401_expired_token_no_link": (StaleTokenError, "authorization_needed"),
    "401_invalid_client_header": (OperatorError, "client_rejected"),
    "401_invalid_client_secret": (OperatorError, "client_rejected"),
    "403_insufficient_permissions_intraday": (RefusedError, "data_type_refused"),
    "403_insufficient_scope": (RefusedError, "scope_missing"),
    "403_read_only_client": (RefusedError, "data_type_refused"),
    "410_gone_after_shutdown": (GoneError, "provider_gone"),
    "422_too_many_data_points": (RefusedError, "too_large"),
    "429_too_many_requests": (ThrottledError, "throttled"),
    "500_internal_error": (TransientError, "provider_unreachable"),
}


def verdict(answer: Reply) -> FitbitdError:
    with pytest.raises(FitbitdError) as caught:
        FITBIT.judge(answer)
    return caught.value


def error(status: int, kind: Any, message: str = "No.") -> Reply:
    return reply({"errors": [{"errorType": kind, "message": message}]}, status)


def envelope(name: str) -> Reply:
    recorded_error = json.loads((RECORDED / "errors" / f"{name}.json").read_text())
    body = recorded_error.get("body", b"")
    return reply(body, recorded_error["status"], recorded_error["headers"])


def test_the_table_knows_every_recorded_error() -> None:
    assert {path.stem for path in (RECORDED / "errors").glob("*.json")} == set(ACTIONS)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_recorded_error_leads_to_its_action_and_is_not_repeated(name: str) -> None:
    answer = envelope(name)
    came = verdict(answer)
    assert (type(came), came.code) == ACTIONS[name]
    for said in json.loads(answer.body or b"{}").get("errors", []):
        assert said["message"][:20] not in str(came)
    assert "SYNTHETIC" not in str(came)
    assert "5f0c1d2e" not in str(came)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        # the kind that the body names comes before the status
        (error(401, "invalid_grant"), StaleTokenError, "authorization_needed"),
        (error(400, "expired_token"), StaleTokenError, "authorization_needed"),
        (error(401, "invalid_token"), StaleTokenError, "authorization_needed"),
        (error(401, "insufficient_scope"), RefusedError, "scope_missing"),
        (error(401, "invalid_request"), RefusedError, "request_refused"),
        (error(404, "not_found"), RefusedError, "request_refused"),
        (error(403, "invalid_client"), OperatorError, "client_rejected"),
        # a kind that says little leaves it to status and message
        (
            error(400, "request", "Time range should not be bigger than 24 hours."),
            RefusedError,
            "too_large",
        ),
        (
            error(400, "validation", "The number of data points queried exceeds limit."),
            RefusedError,
            "too_large",
        ),
        (error(400, "validation", "Invalid date"), RefusedError, "request_refused"),
        (error(409, "request"), RefusedError, "request_refused"),
        (error(401, "authorization"), StaleTokenError, "authorization_needed"),
        (error(403, "something new"), RefusedError, "data_type_refused"),
        (error(408, "system"), TransientError, "provider_unreachable"),
        (error(404, ["not", "text"]), RefusedError, "request_refused"),
        (error(503, "expired_token"), TransientError, "provider_unreachable"),
        (error(429, "expired_token"), ThrottledError, "throttled"),
        (error(410, "expired_token"), GoneError, "provider_gone"),
        # no body that can be read
        (reply(b"", 401), StaleTokenError, "authorization_needed"),
        (reply(b"{", 403), RefusedError, "data_type_refused"),
        (reply(b"[]", 404), RefusedError, "request_refused"),
        (reply(b'{"errors": []}', 404), RefusedError, "request_refused"),
        (reply(b'{"errors": ["no"]}', 422), RefusedError, "too_large"),
        (reply(b"[" * 100_000, 400), RefusedError, "request_refused"),
        (reply(b"<html>", 410), GoneError, "provider_gone"),
        # not Fitbit's answer
        (reply(b"", 200), TransientError, "provider_unreachable"),
        (reply(b" \r\n", 200), TransientError, "provider_unreachable"),
        (reply(b"<html>log in</html>", 200), TransientError, "provider_unreachable"),
        (reply(b"\xef\xbb\xbf\n <!doctype", 200), TransientError, "provider_unreachable"),
        (
            reply(b"x", 200, {"content-type": "text/html; charset=utf-8"}),
            TransientError,
            "provider_unreachable",
        ),
        (reply(b"<html>who are you</html>", 401), TransientError, "provider_unreachable"),
        (reply(b"<html>", 504), TransientError, "provider_unreachable"),
        (reply(b"", 302, {"location": "/login"}), TransientError, "provider_unreachable"),
        (reply(b"", 407), TransientError, "provider_unreachable"),
        (reply(b"", 101), TransientError, "provider_unreachable"),
    ],
)
def test_an_answer_leads_to_one_class(answer: Reply, kind: type[FitbitdError], code: str) -> None:
    came = verdict(answer)
    assert (type(came), came.code) == (kind, code)


def test_410_is_looked_at_again_a_day_later() -> None:
    came = verdict(envelope("410_gone_after_shutdown"))
    assert isinstance(came, GoneError)
    assert came.until == RECEIVED_AT + timedelta(days=1)


@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({"fitbit-rate-limit-reset": "1478"}, RECEIVED_AT + timedelta(seconds=1478)),
        (
            {"fitbit-rate-limit-reset": "1478", "retry-after": "5"},
            RECEIVED_AT + timedelta(seconds=1478),
        ),
        ({"fitbit-rate-limit-reset": "0", "retry-after": "5"}, RECEIVED_AT),
        (
            {"fitbit-rate-limit-reset": "soon", "retry-after": "5"},
            RECEIVED_AT + timedelta(seconds=5),
        ),
        (
            {"retry-after": "Sun, 01 Mar 2026 10:41:40 GMT"},
            RECEIVED_AT + timedelta(seconds=100),
        ),
        (
            {"retry-after": "Sun, 01 Mar 2026 10:41:40 -0000"},
            RECEIVED_AT + timedelta(seconds=100),
        ),
        ({"retry-after": "Sun, 01 Mar 2026 09:00:00 GMT"}, NEXT_HOUR),
        ({"retry-after": "whenever"}, NEXT_HOUR),
        ({"retry-after": f"Sun, 01 Mar 2026 10:41:40 +{'9' * 20}"}, NEXT_HOUR),
        ({"fitbit-rate-limit-reset": "3601"}, NEXT_HOUR),
        ({"fitbit-rate-limit-reset": "9" * 5000}, NEXT_HOUR),
        ({"fitbit-rate-limit-reset": "-3"}, NEXT_HOUR),
        ({}, NEXT_HOUR),
    ],
)
def test_a_spent_quota_says_until_when(headers: dict[str, str], until: datetime) -> None:
    came = verdict(reply({}, 429, headers))
    assert isinstance(came, ThrottledError)
    assert came.until == until


RATE = {
    "fitbit-rate-limit-limit": "150",
    "fitbit-rate-limit-remaining": "7",
    "fitbit-rate-limit-reset": "1200",
}


def test_an_answer_tells_the_quota_left() -> None:
    quota = FITBIT.judge(reply({}, 200, RATE))
    assert quota == Quota(150, 7, NEXT_HOUR)


@pytest.mark.parametrize("header", sorted(RATE))
@pytest.mark.parametrize("said", [None, "", "many", "-1", "1.5", "²", "9" * 5000])
def test_a_header_that_is_missing_or_nonsense_tells_no_quota(header: str, said: str | None) -> None:
    headers = {**RATE, header: said} if said is not None else {**RATE}
    if said is None:
        del headers[header]
    assert FITBIT.judge(reply({}, 200, headers)) is None


@pytest.mark.parametrize("path", sorted((RECORDED / "data").glob("*.json")), ids=lambda p: p.stem)
def test_recorded_data_is_no_error(path: Any) -> None:
    assert FITBIT.judge(recorded(path.stem)) is None
