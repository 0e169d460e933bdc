"""What the status, the headers and the error body of a Fitbit reply let the caller do.

Messages never quote a body: Fitbit's own messages echo tokens.

Source: dev.fitbit.com, Web API, Troubleshooting Guide, "Error Handling"; Application Design, "Rate
Limits" (read 2026-11-22); bodies recorded by users of the API.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

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

_HOUR_S = 3600
_PASSING = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)


def judge(reply: Reply) -> Quota | None:
    """Turn one data reply into the quota left, or into what the caller may do.

    Raises:
        GoneError: 410, whatever the body is; until a day later.
        TransientError: 5xx, a page for browsers, no body where there should be one.
        ThrottledError: 429; `until` is the renewal as Fitbit says it, without a margin: whoever
            has randomness adds one, since waking at the exact second meets the old quota.
        FitbitdError: any other 4xx, by the kind that the body names before the status.
    """
    status = reply.status
    if status == HTTPStatus.GONE:
        raise GoneError(
            "Fitbit answers that its Web API is gone (410). Everything collected stays, and so "
            "does the token. Next: move this account to the google_health provider.",
            until=reply.received_at + timedelta(days=1),
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ThrottledError(
            "Fitbit's hourly quota for this account is spent. Nothing is lost; collecting goes on "
            "by itself when it renews.",
            until=_renewal(reply),
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TransientError(f"Fitbit answered {status}. Nothing is lost; it is asked again.")
    if _is_page(reply) or not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(reply)
    if not reply.body.strip():
        raise TransientError("Fitbit's answer was empty. Nothing is lost; it is asked again.")
    return _quota(reply)


def _refusal(reply: Reply) -> FitbitdError:
    """Make the error for a reply that is not the data: a page for browsers, 3xx or 4xx."""
    if _is_page(reply) or reply.status < HTTPStatus.BAD_REQUEST:
        return TransientError(
            "Something on the way to Fitbit answered in its place: a proxy, a log-in page of the "
            "network, or a page about maintenance. Nothing is lost; Fitbit is asked again."
        )
    error = _first_error(reply.body)
    kind = error.get("errorType")
    if isinstance(kind, str) and kind in _BY_KIND:
        return _BY_KIND[kind](reply.status)
    return _by_status(reply.status, error)


def not_personal() -> RefusedError:
    """Make the error for an answer that leaves out the rows of the day."""
    return RefusedError(
        "Fitbit left out the values within the day: the app is not of type Personal. Next: set "
        "its type to Personal on its page at dev.fitbit.com.",
        code="data_type_refused",
    )


def _by_status(status: int, error: dict[str, Any]) -> FitbitdError:
    """Judge an error whose kind says little (request, validation, system) or nothing."""
    if status == HTTPStatus.UNAUTHORIZED:
        return _stale(status)
    if status == HTTPStatus.FORBIDDEN:
        return _not_offered(status)
    if status in _PASSING:
        return TransientError(f"Fitbit answered {status}. Nothing is lost; it is asked again.")
    message = str(error.get("message"))
    too_large = "should not be bigger" in message or "exceeds limit" in message
    if status == HTTPStatus.UNPROCESSABLE_ENTITY or too_large:
        return RefusedError(
            "Fitbit finds the window too large; it is asked in smaller ones.", code="too_large"
        )
    return _unanswerable(status)


def _stale(_status: int) -> FitbitdError:
    return StaleTokenError("Fitbit refuses the access token; a new one is needed.")


def _client_rejected(_status: int) -> FitbitdError:
    return OperatorError(
        "Fitbit does not accept the app's client id or secret. Nothing archived is lost. "
        "Next: compare client_id and client_secret with the app's page at dev.fitbit.com.",
        code="client_rejected",
    )


def _scope_missing(_status: int) -> FitbitdError:
    return RefusedError(
        "The wearer did not allow this data type; the others go on. Next: fitbitd authorize, and "
        "leave its box ticked.",
        code="scope_missing",
    )


def _not_offered(_status: int) -> FitbitdError:
    return RefusedError(
        "Fitbit does not offer this data type to the app: it is not of type Personal, or not "
        "approved for it. The other data types go on; this one is asked again later.",
        code="data_type_refused",
    )


def _unanswerable(status: int) -> FitbitdError:
    return RefusedError(
        f"Fitbit will not answer this request ({status}). The other data types go on; this one is "
        "asked again later.",
        code="request_refused",
    )


_BY_KIND: Mapping[str, Callable[[int], FitbitdError]] = MappingProxyType(
    {
        "expired_token": _stale,
        "invalid_token": _stale,
        "invalid_grant": _stale,  # seen with 401 from data endpoints; the token endpoint decides
        "invalid_client": _client_rejected,
        "insufficient_scope": _scope_missing,
        "insufficient_permissions": _not_offered,
        "not_found": _unanswerable,
        "invalid_request": _unanswerable,
    }
)


def _is_page(reply: Reply) -> bool:
    """Say whether the body is a page for browsers, which no answer of the API is."""
    beginning = reply.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return beginning.startswith(b"<") or "text/html" in reply.headers.get("content-type", "")


def _first_error(body: bytes) -> dict[str, Any]:
    """Give the first error that a body names; empty if it is not of that form."""
    try:
        match json.loads(body):
            case {"errors": [dict() as error, *_]}:
                return error
    except (ValueError, RecursionError):
        pass
    return {}


def _quota(reply: Reply) -> Quota | None:
    limit = _whole(reply, "fitbit-rate-limit-limit")
    left = _whole(reply, "fitbit-rate-limit-remaining")
    reset_s = _reset_s(reply)
    if limit is None or left is None or reset_s is None:
        return None
    return Quota(limit, left, reply.received_at + timedelta(seconds=reset_s))


def _renewal(reply: Reply) -> datetime:
    """Give the instant at which the quota renews; unsaid, the next full hour."""
    reset_s = _reset_s(reply)
    if reset_s is None:
        reset_s = _retry_after_s(reply)
    if reset_s is not None:
        return reply.received_at + timedelta(seconds=reset_s)
    this_hour = reply.received_at.replace(minute=0, second=0, microsecond=0)
    return this_hour + timedelta(hours=1)


def _reset_s(reply: Reply) -> int | None:
    return _within_an_hour(_whole(reply, "fitbit-rate-limit-reset"))


def _retry_after_s(reply: Reply) -> int | None:
    """Give the wait of Retry-After, seconds or a date; by it Fitbit has been wrong before."""
    seconds = _whole(reply, "retry-after")
    if seconds is None:
        try:
            at = parsedate_to_datetime(reply.headers.get("retry-after", ""))
        except (ValueError, OverflowError):  # the latter of an offset from UTC that is beyond C
            return None
        seconds = int((at.replace(tzinfo=at.tzinfo or UTC) - reply.received_at).total_seconds())
    return _within_an_hour(seconds)


def _within_an_hour(seconds: int | None) -> int | None:
    """Drop what cannot be: the quota renews each hour, and a wrong header must not silence us."""
    return seconds if seconds is not None and 0 <= seconds <= _HOUR_S else None


def _whole(reply: Reply, header: str) -> int | None:
    said = reply.headers.get(header, "").strip()
    sane = said.isascii() and said.isdigit() and len(said) < len("1000000000")
    return int(said) if sane else None
