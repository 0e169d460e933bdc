"""Google's authorization page: what the wearer sees in the browser, and where it leads."""

from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import httpx

from fitbitd.simulator.google_health.errors import HTML_TYPE
from fitbitd.simulator.google_health.settings import SCOPE_PREFIX, SCOPES, GoogleHealthSettings

PATH = "/o/oauth2/v2/auth"
CHOICE = "simulator_choice"
"""The parameter that the page's own links and buttons add."""
TICKED = "simulator_scope"
"""The parameter of each box that is left ticked, when the form is sent."""
FORM = "simulator_form"
"""The parameter by which the form tells itself from the links."""

_OTHERS = frozenset({"openid", "email", "profile"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_METHODS = frozenset({"plain", "S256"})
_LENGTHS = range(43, 129)


def fault_of(query: Mapping[str, str], settings: GoogleHealthSettings) -> tuple[int, str] | None:
    """Find what is wrong with a request: status and error, or None. Google shows it as a page."""
    asked = set(query.get("scope", "").split())
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    checks = (
        (query.get("client_id") in {settings.client_id, *settings.other_clients}, "invalid_client"),
        (_registered(query.get("redirect_uri", ""), settings), "redirect_uri_mismatch"),
        (query.get("response_type") == "code", "unsupported_response_type"),
        (bool(asked) and asked <= SCOPES | _OTHERS, "invalid_scope"),
        (query.get("access_type", "online") in {"online", "offline"}, "invalid_request"),
        (method is None or (method in _METHODS and challenge is not None), "invalid_request"),
        (challenge is None or len(challenge) in _LENGTHS, "invalid_request"),
    )
    for passed, error in checks:
        if not passed:
            status = HTTPStatus.UNAUTHORIZED if error == "invalid_client" else 400
            return status, error
    return None


def granted_scopes(
    query: Mapping[str, str], ticked: Sequence[str] | None, settings: GoogleHealthSettings
) -> tuple[str, ...]:
    """Give the scopes that a consent grants, in the order in which they were asked for."""
    left = set(query["scope"].split() if ticked is None else ticked)
    if settings.granted is not None:
        left &= settings.granted
    return tuple(scope for scope in dict.fromkeys(query["scope"].split()) if scope in left)


def error_page(status: int, error: str) -> httpx.Response:
    """Show an error to the person at the browser: bad requests are never redirected."""
    text = f"<h1>Access blocked: this request is invalid</h1><p>Error {status}: {escape(error)}</p>"
    return _page("Error", text, status)


def consent_page(query: Mapping[str, str], settings: GoogleHealthSettings) -> httpx.Response:
    """Ask: a warning, a box for each scope, and two plain links that answer for all of them."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in {**query, FORM: "1"}.items()
    )
    boxes = "".join(
        f'<li><label><input type="checkbox" name="{TICKED}" value="{escape(scope)}" checked>'
        f" {escape(scope.removeprefix(SCOPE_PREFIX))}</label></li>"
        for scope in query["scope"].split()
    )
    links = " ".join(
        f'<a id="{choice}" href="{PATH}?{escape(urlencode({**query, CHOICE: choice}))}">{words}</a>'
        for choice, words in (("allow", "Allow all"), ("deny", "Deny"))
    )
    warning = "" if settings.verified else "<p>Google hasn't verified this app.</p>"
    text = (
        f"<h1>{escape(settings.app_name)} wants access to your Google Account</h1>{warning}"
        f"<p>This is a simulator: the wearer is made up.</p>"
        f'<form action="{PATH}">{hidden}<ul>{boxes}</ul>'
        f'<button name="{CHOICE}" value="allow">Continue</button></form><p>{links}</p>'
    )
    return _page(f"Allow {settings.app_name}?", text, HTTPStatus.OK)


def redirect(query: Mapping[str, str], answer: Mapping[str, str]) -> httpx.Response:
    """Send the browser back to the application with `answer` and its own state."""
    uri = query["redirect_uri"]
    state = {"state": query["state"]} if "state" in query else {}
    parts = urlsplit(uri)
    joint = "&" if parts.query else "?"
    slash = "" if parts.path else "/"
    location = f"{uri}{slash}{joint}{urlencode({**answer, **state})}"
    return httpx.Response(HTTPStatus.FOUND, headers={"location": location})


def _registered(uri: str, settings: GoogleHealthSettings) -> bool:
    if settings.client_type == "web":
        return uri in settings.redirect_uris
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and not parts.fragment


def _page(title: str, text: str, status: int) -> httpx.Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"</head><body>{text}</body></html>"
    )
    return httpx.Response(status, headers={"content-type": HTML_TYPE}, content=html.encode())
