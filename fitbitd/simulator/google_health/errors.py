"""Google's refusals, in the words and forms that were recorded from the API."""

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any

import httpx

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"
SERVICE = "health.googleapis.com"
PACKAGE = "google.devicesandservices.health.v4"

_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_HELP = "type.googleapis.com/google.rpc.Help"
_QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"
_REALM = 'Bearer realm="https://accounts.google.com/"'
_EXPECTED = (
    " Expected OAuth 2 access token, login cookie or other valid authentication credential. See"
    " https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_PROJECT = "123456789"
_METHOD = "DataPointsService.ListDataPoints"


class RefusalError(Exception):
    """Google refuses a request: status, headers and body."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> httpx.Response:
        """Write it as it is sent; a body of text is an HTML page."""
        if isinstance(self.body, str):
            return html_response(self.body, self.status)
        response = json_response(self.body, self.status, indent=True)
        response.headers.update(self.headers)
        return response


def json_response(body: object, status: int = 200, *, indent: bool = False) -> httpx.Response:
    """Answer with JSON, indented by two as Google does, or on one line."""
    text = json.dumps(body, indent=2) + "\n" if indent else json.dumps(body, separators=(",", ":"))
    headers = {"content-type": JSON_TYPE}
    return httpx.Response(status, headers=headers, content=text.encode())


def html_response(page: str, status: int) -> httpx.Response:
    """Answer with a page of Google's front end."""
    return httpx.Response(status, headers={"content-type": HTML_TYPE}, content=page.encode())


def refusal(  # noqa: PLR0913 - the parts of one body, each optional
    code: int,
    status: str,
    message: str,
    reason: str | None = None,
    metadata: Mapping[str, str] | None = None,
    *,
    domain: str = SERVICE,
    violations: Sequence[tuple[str, str]] = (),
) -> RefusalError:
    """Make an error of the form that all of Google's APIs share."""
    details: list[dict[str, Any]] = []
    if reason is not None:
        info: dict[str, Any] = {"@type": _INFO, "reason": reason, "domain": domain}
        details.append(info | ({"metadata": dict(metadata)} if metadata else {}))
    if violations:
        fields = [{"field": field, "description": text} for field, text in violations]
        details.append({"@type": _BAD_REQUEST, "fieldViolations": fields})
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    return RefusalError(code, {"error": error | ({"details": details} if details else {})})


def invalid(
    message: str = "Invalid argument in request.",
    reason: str | None = None,
    metadata: Mapping[str, str] | None = None,
    violations: Sequence[tuple[str, str]] = (),
) -> RefusalError:
    """Refuse an argument."""
    code = HTTPStatus.BAD_REQUEST
    return refusal(code, "INVALID_ARGUMENT", message, reason, metadata, violations=violations)


def invalid_data_type(name: str) -> RefusalError:
    """Refuse an id that is none, such as one in snake_case."""
    return invalid(
        f"Invalid data type ID referenced in the parent data type collection: {name}",
        "INVALID_PARENT_DATA_TYPE_COLLECTION",
        violations=[("parent", f"The data type ID '{name}' is not supported.")],
    )


def unsupported_action(label: str, data_type: str, allowed: Sequence[str]) -> RefusalError:
    """Refuse a method that the data type does not offer."""
    actions = ", ".join(allowed)
    return invalid(
        f"{label} is not supported for data type {data_type},"
        f" but the following actions are supported: {actions}",
        "UNSUPPORTED_DATA_TYPE_ACTION",
        {"allowed_actions": actions},
    )


def invalid_filter(reasons: Sequence[str], descriptions: Sequence[str] = ()) -> RefusalError:
    """Refuse a filter; each reason stands as often as it applies."""
    return invalid(
        f"Invalid data point filter: {', '.join(reasons)}.",
        "INVALID_DATA_POINT_FILTER",
        {"detailedReasons": ",".join(reasons)},
        [("filter", text) for text in descriptions],
    )


def empty_time_range() -> RefusalError:
    """Refuse a filter that ends before it begins, or at once."""
    text = "Query end time must be strictly larger than start time"
    return invalid_filter(["INVALID_TIME_RANGE"], [text])


def range_too_long(longest_days: int) -> RefusalError:
    """Refuse the range of a roll-up."""
    days = {"maxDurationDays": str(longest_days)}
    return invalid(reason="INVALID_ROLLUP_QUERY_DURATION", metadata=days)


def invalid_family() -> RefusalError:
    """Refuse a family of data sources."""
    message = "Data family is missing or is not supported"
    return invalid(message, "INVALID_DATA_POINT_DATA_SOURCE_FAMILY")


def invalid_payload(text: str) -> RefusalError:
    """Refuse a body or a parameter that does not fit the request message."""
    return invalid(f"Invalid JSON payload received. {text}", violations=[("", text)])


def invalid_credentials() -> RefusalError:
    """Refuse an access token that is bad, expired or revoked."""
    message = "Request had invalid authentication credentials." + _EXPECTED
    refused = refusal(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", message)
    refused.headers["www-authenticate"] = f'{_REALM}, error="invalid_token"'
    return refused


def missing_credentials(method: str = _METHOD) -> RefusalError:
    """Refuse a request without an access token; an API key is none."""
    refused = refusal(
        HTTPStatus.UNAUTHORIZED,
        "UNAUTHENTICATED",
        "Request is missing required authentication credential." + _EXPECTED,
        "CREDENTIALS_MISSING",
        {"method": f"{PACKAGE}.{method}", "service": SERVICE},
        domain="googleapis.com",
    )
    refused.headers["www-authenticate"] = _REALM
    return refused


def scope_insufficient(method: str = _METHOD) -> RefusalError:
    """Refuse what the wearer did not consent to."""
    return refusal(
        HTTPStatus.FORBIDDEN,
        "PERMISSION_DENIED",
        "Request had insufficient authentication scopes.",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        {"service": SERVICE, "method": f"{PACKAGE}.{method}"},
        domain="googleapis.com",
    )


def permission_denied(reason: str | None = None) -> RefusalError:
    """Refuse access, for a reason or for none that is said."""
    message = "The caller does not have permission"
    return refusal(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", message, reason)


def service_disabled() -> RefusalError:
    """Refuse a project in which the API is not enabled."""
    url = f"https://console.developers.google.com/apis/api/{SERVICE}/overview?project={_PROJECT}"
    refused = refusal(
        HTTPStatus.FORBIDDEN,
        "PERMISSION_DENIED",
        f"Google Health API has not been used in project {_PROJECT} before or it is disabled."
        f" Enable it by visiting {url} then retry. If you enabled this API recently, wait a few"
        " minutes for the action to propagate to our systems and retry.",
        "SERVICE_DISABLED",
        {"consumer": f"projects/{_PROJECT}", "service": SERVICE},
        domain="googleapis.com",
    )
    link = {"description": "Google developers console API activation", "url": url}
    _details(refused).append({"@type": _HELP, "links": [link]})
    return refused


def account_not_linked() -> RefusalError:
    """Refuse an account that never opened the Google Health app."""
    return refusal(
        HTTPStatus.BAD_REQUEST,
        "FAILED_PRECONDITION",
        "The account is not linked to Google Health.",
        "ACCOUNT_NOT_LINKED",
        {"redirect_uri": "https://fitbit.google.com/auth/signup"},
    )


def profile_not_ready() -> RefusalError:
    """Refuse an account whose profile is not set up."""
    message = "Precondition check failed."
    return refusal(HTTPStatus.PRECONDITION_FAILED, "FAILED_PRECONDITION", message)


def point_not_found() -> RefusalError:
    """Refuse a point that is not there, or no longer."""
    return refusal(
        HTTPStatus.NOT_FOUND,
        "NOT_FOUND",
        "The requested resource was not found. Please refer to the Google Health API developer"
        " documentation for guidance and support.",
        "RESOURCE_NOT_FOUND",
    )


def _quota_message(limit: str) -> str:
    return (
        f"Quota exceeded for quota metric 'Queries' and limit '{limit}' of service '{SERVICE}'"
        f" for consumer 'project_number:{_PROJECT}'."
    )


def too_many_requests(limit: int = 300) -> RefusalError:
    """Refuse because the user's minute is spent."""
    return refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "RESOURCE_EXHAUSTED",
        _quota_message("Queries per minute per user"),
        "RATE_LIMIT_EXCEEDED",
        {
            "consumer": f"projects/{_PROJECT}",
            "quota_limit": "QueriesPerMinutePerUser",
            "quota_limit_value": str(limit),
            "quota_metric": f"{SERVICE}/queries",
            "service": SERVICE,
        },
        domain="googleapis.com",
    )


def project_quota_spent() -> RefusalError:
    """Refuse because the project's minute is spent."""
    refused = refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "RESOURCE_EXHAUSTED",
        _quota_message("Queries per minute"),
        "RATE_LIMIT_EXCEEDED",
        domain="googleapis.com",
    )
    violation = {"subject": f"project:{_PROJECT}", "description": "Quota exceeded"}
    _details(refused).append({"@type": _QUOTA_FAILURE, "violations": [violation]})
    return refused


def internal() -> RefusalError:
    """Fail inside."""
    message = "Internal error encountered."
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", message)


def unavailable() -> RefusalError:
    """Be down for a while."""
    message = "The service is currently unavailable."
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", message)


def deadline_exceeded() -> RefusalError:
    """Give up on an answer that takes too long to make."""
    message = "Deadline expired before operation could complete."
    return refusal(HTTPStatus.GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", message)


def unknown_path(path: str) -> RefusalError:
    """Answer a path or a verb that leads nowhere: HTML, not JSON."""
    page = (
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n"
        "  <title>Error 404 (Not Found)!!1</title>\n"
        "  <p><b>404.</b> <ins>That’s an error.</ins>\n"  # noqa: RUF001 - Google's own
        f"  <p>The requested URL <code>{escape(path)}</code> was not found on this server."
        "  <ins>That’s all we know.</ins>\n"  # noqa: RUF001 - Google's own
    )
    return RefusalError(HTTPStatus.NOT_FOUND, page)


def bad_gateway() -> RefusalError:
    """Answer as Google's front end does when nothing is behind it."""
    page = (
        "<!DOCTYPE html>\n<html lang=en>\n  <title>Error 502 (Server Error)!!1</title>\n"
        "  <p><b>502.</b> <ins>That’s an error.</ins>\n"  # noqa: RUF001 - Google's own
        "  <p>The server encountered a temporary error and could not complete your request."
        "<p>Please try again in 30 seconds."
        "  <ins>That’s all we know.</ins>\n"  # noqa: RUF001 - Google's own
    )
    return RefusalError(HTTPStatus.BAD_GATEWAY, page)


def captive_portal() -> RefusalError:
    """Answer as the Wi-Fi of a hotel does: 200, and a page that is not Google's."""
    page = "<!doctype html><title>Welcome</title><p>Please accept the terms to go online.</p>"
    return RefusalError(HTTPStatus.OK, page)


def oauth_error(error: str, description: str, status: int = HTTPStatus.BAD_REQUEST) -> RefusalError:
    """Make an error of the token endpoint."""
    return RefusalError(status, {"error": error, "error_description": description})


def dead_token() -> RefusalError:
    """Refuse a refresh token that was good once."""
    return oauth_error("invalid_grant", "Token has been expired or revoked.")


def foreign_token() -> RefusalError:
    """Refuse a refresh token or a code that never was one."""
    return oauth_error("invalid_grant", "Bad Request")


def unknown_client() -> RefusalError:
    """Refuse a client id."""
    description = "The OAuth client was not found."
    return oauth_error("invalid_client", description, HTTPStatus.UNAUTHORIZED)


def wrong_secret() -> RefusalError:
    """Refuse a client secret."""
    return oauth_error("invalid_client", "Unauthorized", HTTPStatus.UNAUTHORIZED)


def other_client() -> RefusalError:
    """Refuse a refresh token that another client was given."""
    return oauth_error("unauthorized_client", "Unauthorized", HTTPStatus.UNAUTHORIZED)


def oauth_throttled() -> RefusalError:
    """Refuse because too much was asked of the token endpoint."""
    description = "Rate Limit Exceeded"
    return oauth_error("rate_limit_exceeded", description, HTTPStatus.TOO_MANY_REQUESTS)


def _details(refused: RefusalError) -> list[Any]:
    body: Any = refused.body
    details: list[Any] = body["error"]["details"]
    return details


REASONS: Mapping[str, Callable[[], RefusalError]] = {
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": scope_insufficient,
    "ACCOUNT_NOT_LINKED": account_not_linked,
    "BAD_GATEWAY": bad_gateway,
    "CAPTIVE_PORTAL": captive_portal,
    "CREDENTIALS_MISSING": missing_credentials,
    "DEADLINE_EXCEEDED": deadline_exceeded,
    "INTERNAL": internal,
    "INVALID_CREDENTIALS": invalid_credentials,
    "LEGACY_ACCOUNT": permission_denied,
    "MISSING_OAUTH_SCOPE": lambda: permission_denied("MISSING_OAUTH_SCOPE"),
    "OAUTH_THROTTLED": oauth_throttled,
    "PROFILE_NOT_READY": profile_not_ready,
    "PROJECT_QUOTA": project_quota_spent,
    "RATE_LIMIT_EXCEEDED": too_many_requests,
    "RESOURCE_NOT_FOUND": point_not_found,
    "RESOURCE_PERMISSION_DENIED": lambda: permission_denied("RESOURCE_PERMISSION_DENIED"),
    "SERVICE_DISABLED": service_disabled,
    "TOKEN_DEAD": dead_token,
    "TOKEN_FOREIGN": foreign_token,
    "UNAUTHORIZED_CLIENT": other_client,
    "UNAVAILABLE": unavailable,
    "UNKNOWN_CLIENT": unknown_client,
}
"""What a fault of the kind "refuse" can answer with."""
