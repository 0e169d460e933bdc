"""Errors in the words and shapes that were recorded from the API. Messages may echo tokens."""

import json
from http import HTTPStatus
from typing import Any

import httpx

JSON_TYPE = "application/json;charset=utf-8"

_MORE = (
    " Visit https://dev.fitbit.com/docs/oauth2 for more information on the Fitbit Web API"
    " authorization process."
)


class RefusalError(Exception):
    """The provider refuses a request: a status and the body that goes with it."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body['errors'][0]['errorType']}")
        self.status = status
        self.body = body


def json_response(body: object, status: int = HTTPStatus.OK) -> httpx.Response:
    """Answer with JSON."""
    content = json.dumps(body, separators=(",", ":")).encode()
    return httpx.Response(status, headers={"content-type": JSON_TYPE}, content=content)


def refuse(status: int, kind: str, message: str, field: str | None = None) -> RefusalError:
    """Make an error of the plain form."""
    entry = {"errorType": kind} | ({"fieldName": field} if field else {}) | {"message": message}
    return RefusalError(status, {"errors": [entry], "success": False})


def bad_request(message: str, field: str = "n/a", kind: str = "validation") -> RefusalError:
    """Refuse a date, a period, a level or a time that means nothing."""
    return refuse(HTTPStatus.BAD_REQUEST, kind, message, field)


def invalid_request(message: str) -> RefusalError:
    """Refuse a body of the token endpoint."""
    return refuse(HTTPStatus.BAD_REQUEST, "invalid_request", message + _MORE)


def unreadable_body() -> RefusalError:
    """Refuse a body that is not a form."""
    message = "There was an error reading the request body."
    return bad_request(message, kind="invalid_request")


def invalid_grant(message: str) -> RefusalError:
    """Refuse a code or a refresh token."""
    return refuse(HTTPStatus.BAD_REQUEST, "invalid_grant", message + _MORE)


def invalid_client(message: str) -> RefusalError:
    """Refuse the application itself."""
    return refuse(HTTPStatus.UNAUTHORIZED, "invalid_client", message + _MORE)


def no_authorization() -> RefusalError:
    """Refuse a request without a bearer token."""
    message = "Authorization header required." + _MORE
    return refuse(HTTPStatus.UNAUTHORIZED, "invalid_request", message)


def expired_token(token: str) -> RefusalError:
    """Refuse an access token that was good once; `success` comes first, as recorded."""
    entry = {"errorType": "expired_token", "message": f"Access token expired: {token}.{_MORE}"}
    return RefusalError(HTTPStatus.UNAUTHORIZED, {"success": False, "errors": [entry]})


def invalid_token(token: str) -> RefusalError:
    """Refuse an access token that is malformed, unknown or revoked."""
    message = f"Access token invalid: {token}.{_MORE}"
    return refuse(HTTPStatus.UNAUTHORIZED, "invalid_token", message)


def insufficient_scope(what: str) -> RefusalError:
    """Refuse data that the wearer did not consent to."""
    message = f"This application does not have permission to access {what} data.{_MORE}"
    return refuse(HTTPStatus.FORBIDDEN, "insufficient_scope", message)


def insufficient_permissions() -> RefusalError:
    """Refuse what the application's type is not entitled to."""
    message = "API client is not authorized by Fitbit to access the resource requested." + _MORE
    return refuse(HTTPStatus.FORBIDDEN, "insufficient_permissions", message)


def read_only() -> RefusalError:
    """Refuse to write."""
    message = "Read-only API client is not authorized to update resources."
    return refuse(HTTPStatus.FORBIDDEN, "insufficient_permissions", message)


def not_found() -> RefusalError:
    """Refuse a path that leads nowhere."""
    message = "The API you are requesting could not be found."
    return refuse(HTTPStatus.NOT_FOUND, "not_found", message, "n/a")


def too_many_points() -> RefusalError:
    """Refuse a series that is too long; the recorded body has no `success`."""
    message = "The number of data points queried exceeds limit."
    entry = {"errorType": "validation", "fieldName": "Request", "message": message}
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, {"errors": [entry]})


def too_many_requests() -> RefusalError:
    """Refuse because the hour's quota is spent."""
    return refuse(HTTPStatus.TOO_MANY_REQUESTS, "system", "Too Many Requests", "n/a")


def internal_error() -> RefusalError:
    """Fail as the API did for a period that it no longer knows."""
    message = (
        "An error occurred with the Fitbit Web API while processing the request."
        " Error id: 0A000001:704B_0A000002:01BB_5A391941_00000001:1D7A"
    )
    return refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "request", message, "500")
