"""What the status, the headers and the error body of a reply let the caller do, and teach.

Messages never quote a body.

Source: developers.google.com/health/reference/rest/v4/errors, .../health/troubleshooting,
.../health/rate-limits, google.aip.dev/193 and /194; bodies recorded by users of the API (read
2026-11-22). Retry-After is not documented, but seen.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

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
from fitbitd.model import Reply
from fitbitd.providers.google_health.capability import Method

_MINUTE_S = 60
_HOUR_S = 3600
_PASSING = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)
_ANSWERS_OF_PAGES = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
"""Google's front end says these two with a page; nothing else on the way does."""

Reasons = Mapping[str, Mapping[str, str]]
"""What an error names, each with its metadata."""


def judge(reply: Reply) -> None:
    """Say what the caller may do if a reply is not the data; Google never tells a quota left.

    Raises:
        GoneError: 410; until a day later.
        ThrottledError: 429; without Retry-After a minute, by which the quota is counted.
        TransientError: 500 (`provider_failed`: what outlives the retries was too much to answer),
            other 5xx, a page for browsers, no body where there should be one.
        FitbitdError: any other, by the reason that the body names before the status.
    """
    status = reply.status
    if status == HTTPStatus.GONE:
        raise GoneError(
            "Google answers that this API is gone (410). Everything collected stays, and so does "
            "the token. Next: look for a newer fitbitd.",
            until=reply.received_at + timedelta(days=1),
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _throttled(reply)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _failure(status)
    is_page = _is_page(reply)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if status < HTTPStatus.BAD_REQUEST or (is_page and status not in _ANSWERS_OF_PAGES):
            raise _in_between()
        raise _refusal(reply)
    if is_page:
        raise _in_between()
    if not reply.body.strip():
        raise TransientError("Google's answer was empty. Nothing is lost; it is asked again.")


def reasons(reply: Reply) -> Reasons:
    """Give the reasons that an error body names; empty if it is not of that form."""
    try:
        root = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    match root:
        case {"error": {"details": [*details]}}:
            return dict(found for detail in details for found in _reasons(detail))
    return {}


def allowed_methods(metadata: Mapping[str, str]) -> tuple[Method, ...]:
    """Give the methods that Google names in place of one it refused."""
    named = {each.strip().lower() for each in metadata.get("allowed_actions", "").split(",")}
    return tuple(method for method in Method if method.lower() in named)


def _reasons(detail: Any) -> list[tuple[str, Mapping[str, str]]]:
    match detail:
        case {"reason": str(reason)}:
            pass
        case _:
            return []
    said = detail.get("metadata")
    items = said.items() if isinstance(said, dict) else ()
    return [(reason, {key: value for key, value in items if isinstance(value, str)})]


def _failure(status: int) -> FitbitdError:
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        return RefusedError(
            "Google did not manage the answer in time; it is asked in smaller pages.",
            code="too_slow",
        )
    code = "provider_failed" if status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    return TransientError(
        f"Google answered {status}. Nothing is lost; it is asked again.", code=code
    )


def _in_between() -> FitbitdError:
    return TransientError(
        "Something on the way to Google answered in its place: a proxy, a log-in page of the "
        "network, or a page about maintenance. Nothing is lost; Google is asked again."
    )


def _refusal(reply: Reply) -> FitbitdError:
    """Make the error for a 4xx: what it names before what it is."""
    named = reasons(reply)
    for reason, make in _BY_REASON.items():
        if reason in named:
            return make(reply, named[reason])
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return StaleTokenError("Google refuses the access token; a new one is needed.")
    if reply.status == HTTPStatus.FORBIDDEN:
        return _denied()
    if reply.status == HTTPStatus.PRECONDITION_FAILED:
        return OperatorError(
            "The Google account has no health profile yet. Nothing archived is lost; the account "
            "waits and the grant stays. Next: the wearer opens the Google Health app once and "
            "finishes its set-up.",
            code="profile_not_ready",
        )
    if reply.status in _PASSING:
        return TransientError(
            f"Google answered {reply.status}. Nothing is lost; it is asked again."
        )
    return _unanswerable(reply, {})


def _throttled(reply: Reply, _metadata: Mapping[str, str] = MappingProxyType({})) -> FitbitdError:
    wait_s = _retry_after_s(reply)
    return ThrottledError(
        "Google's quota for this minute is spent. Nothing is lost; collecting goes on by itself.",
        until=reply.received_at + timedelta(seconds=_MINUTE_S if wait_s is None else wait_s),
    )


def _not_linked(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return OperatorError(
        "The Google account is not linked to Google Health. Nothing archived is lost; the account "
        "waits and the grant stays. Next: the wearer signs in to the Google Health app with the "
        "account that was consented with, and the watch is synced to it.",
        code="account_not_linked",
    )


def _disabled(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return OperatorError(
        "The Google Health API is not enabled in the app's Google Cloud project. The account waits "
        "and the grant stays. Next: enable it at console.cloud.google.com, under APIs and "
        "services, in the project of this client_id.",
        code="service_disabled",
    )


def _scope_missing(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return RefusedError(
        "The wearer did not allow this data type; the others go on. Next: fitbitd authorize, and "
        "leave its box ticked.",
        code="scope_missing",
    )


def _denied() -> FitbitdError:
    return RefusedError(
        "Google denies access and does not say to what. If it denies everything: remove the app at "
        "myaccount.google.com/connections, then fitbitd authorize.",
        code="access_denied",
    )


def _tokenless(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return ContractError("Google saw no access token in a request that had one.")


def _another_method(_reply: Reply, metadata: Mapping[str, str]) -> FitbitdError:
    if not allowed_methods(metadata):
        return _unknown_type(_reply, metadata)
    return RefusedError(
        "Google does not answer this data type in this way, but in another; it is asked so.",
        code="method_refused",
    )


def _unknown_type(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return RefusedError(
        "Google does not offer this data type. The others go on; this one is asked again later.",
        code="data_type_refused",
    )


def _too_large(_reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return RefusedError(
        "Google finds the window too large; it is asked in smaller ones.", code="too_large"
    )


def _unanswerable(reply: Reply, _metadata: Mapping[str, str]) -> FitbitdError:
    return RefusedError(
        f"Google will not answer this request ({reply.status}). The other data types go on; this "
        "one is asked again later.",
        code="request_refused",
    )


_BY_REASON: Mapping[str, Callable[[Reply, Mapping[str, str]], FitbitdError]] = MappingProxyType(
    {
        "ACCOUNT_NOT_LINKED": _not_linked,
        "SERVICE_DISABLED": _disabled,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _scope_missing,
        "MISSING_OAUTH_SCOPE": _scope_missing,
        "RATE_LIMIT_EXCEEDED": _throttled,
        "CREDENTIALS_MISSING": _tokenless,
        "UNSUPPORTED_DATA_TYPE_ACTION": _another_method,
        "INVALID_PARENT_DATA_TYPE_COLLECTION": _unknown_type,
        "INVALID_ROLLUP_QUERY_DURATION": _too_large,
    }
)
"""What is not here (a filter, a family, a range: our mistakes) is a request that is refused."""


def _is_page(reply: Reply) -> bool:
    """Say whether the body is a page for browsers, which no answer of the API is."""
    beginning = reply.body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    marked = beginning.startswith(b"<") and (b"<html" in beginning or b"<!doctype" in beginning)
    return marked or "text/html" in reply.headers.get("content-type", "").lower()


def _retry_after_s(reply: Reply) -> int | None:
    """Give the wait of Retry-After, seconds or a date; at most an hour, whatever it says."""
    said = reply.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(int(said[:9]), _HOUR_S)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):  # the latter of an offset from UTC that is beyond C
        return None
    seconds = int((at.replace(tzinfo=at.tzinfo or UTC) - reply.received_at).total_seconds())
    return max(0, min(seconds, _HOUR_S))
