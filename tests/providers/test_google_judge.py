"""Every answer leads to exactly one class; no message repeats what a body says."""

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
from fitbitd.model import Reply
from tests.support.google_wire import GOOGLE, RECEIVED_AT, recorded, reply

PAGE = b"<!DOCTYPE html><html><p>Log in to continue</p></html>"
XHTML = b"\xef\xbb\xbf <?xml version='1.0'?><HTML xmlns='x'>"


def verdict(answer: Reply) -> FitbitdError:
    with pytest.raises(FitbitdError) as caught:
        GOOGLE.judge(answer)
    return caught.value


def error(status: int, *reasons: Any) -> Reply:
    details = [{"reason": reason, "metadata": {"a": "b"}} for reason in reasons]
    return reply({"error": {"code": status, "message": "secret", "details": details}}, status)


def until(answer: Reply) -> datetime:
    err = verdict(answer)
    assert isinstance(err, ThrottledError)
    return err.until


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("7", 7),
        ("0", 0),
        ("90000", 3600),
        ("9" * 5000, 3600),
        ("Wed, 04 Nov 2026 10:45:00 GMT", 300),
        ("Wed, 04 Nov 2026 10:45:00 -0000", 300),
        ("Wed, 04 Nov 2026 09:00:00 GMT", 0),
        ("Thu, 05 Nov 2026 10:45:00 GMT", 3600),
        ("Wed, 04 Nov 2026 10:45:00 +9999999999", 60),
        ("soon", 60),
        ("-1", 60),
        ("²", 60),
        ("", 60),
    ],
)
def test_a_throttled_account_waits_as_long_as_google_says(said: str, wait_s: int) -> None:
    answer = reply(b"{}", 429, {"retry-after": said})
    assert until(answer) == RECEIVED_AT + timedelta(seconds=wait_s)


def test_a_quota_is_counted_by_the_minute() -> None:
    assert until(recorded("errors/429-quota-per-user-per-minute.json")) == RECEIVED_AT + timedelta(
        minutes=1
    )
    assert until(recorded("errors/429-with-retry-after.json")) == RECEIVED_AT + timedelta(seconds=7)
    assert until(error(403, "RATE_LIMIT_EXCEEDED")) == RECEIVED_AT + timedelta(minutes=1)


def test_an_api_that_is_gone_is_looked_at_again_a_day_later() -> None:
    err = verdict(reply(PAGE, 410, {"content-type": "text/html"}))
    assert isinstance(err, GoneError)
    assert err.until == datetime(2026, 11, 5, 10, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (reply(PAGE, 504), RefusedError, "too_slow"),
        (reply(PAGE, 500), TransientError, "provider_failed"),
        (reply(b"", 501), TransientError, "provider_unreachable"),
        (reply(PAGE, 200), TransientError, "provider_unreachable"),
        (reply(XHTML, 200), TransientError, "provider_unreachable"),
        (reply(b"{}", 200, {"content-type": "Text/HTML"}), TransientError, "provider_unreachable"),
        (reply(b" \n", 200), TransientError, "provider_unreachable"),
        (reply(b"{}", 302), TransientError, "provider_unreachable"),
        (reply(b"{}", 100), TransientError, "provider_unreachable"),
        (reply(PAGE, 401), TransientError, "provider_unreachable"),
        (reply(PAGE, 403), TransientError, "provider_unreachable"),
        (reply(PAGE, 511), TransientError, "provider_unreachable"),
        (reply(PAGE, 400), RefusedError, "request_refused"),
        (reply(b"{}", 401), StaleTokenError, "authorization_needed"),
        (reply(b"", 403), RefusedError, "access_denied"),
        (reply(b"", 407), TransientError, "provider_unreachable"),
        (reply(b"", 408), TransientError, "provider_unreachable"),
        (reply(b"", 412), OperatorError, "profile_not_ready"),
        (reply(b"", 425), TransientError, "provider_unreachable"),
        (reply(b"", 418), RefusedError, "request_refused"),
        (reply(b"[" * 100_000, 400), RefusedError, "request_refused"),
        (error(400, "UNHEARD_OF"), RefusedError, "request_refused"),
        (error(400, "UNSUPPORTED_DATA_TYPE_ACTION"), RefusedError, "data_type_refused"),
        (error(403, "UNHEARD_OF", "SERVICE_DISABLED"), OperatorError, "service_disabled"),
        (error(412, "ACCOUNT_NOT_LINKED"), OperatorError, "account_not_linked"),
        (error(403, "USER_PROJECT_DENIED"), RefusedError, "access_denied"),
    ],
)
def test_an_answer_leads_to_its_class(answer: Reply, kind: type[FitbitdError], code: str) -> None:
    err = verdict(answer)
    assert (type(err), err.code) == (kind, code)
    assert "secret" not in str(err)
    assert "Log in" not in str(err)


@pytest.mark.parametrize("details", [None, {}, "x", [None], [[]], [{"reason": ["x"]}]])
def test_an_error_body_of_another_form_is_judged_by_its_status(details: Any) -> None:
    assert verdict(reply({"error": {"details": details}}, 403)).code == "access_denied"
    assert verdict(reply({"error": "invalid"}, 400)).code == "request_refused"
    assert verdict(reply([], 400)).code == "request_refused"


def test_data_is_let_through_and_names_no_quota() -> None:
    assert GOOGLE.judge(reply({})) is None
    assert GOOGLE.judge(recorded("tcx/outdoor-gps.tcx")) is None


def test_metadata_of_another_form_is_left_out() -> None:
    detail = {"reason": "UNSUPPORTED_DATA_TYPE_ACTION", "metadata": ["list"]}
    assert verdict(reply({"error": {"details": [detail]}}, 400)).code == "data_type_refused"
