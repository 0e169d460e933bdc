"""The authorize page: what the wearer sees in the browser, and where it leads."""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import httpx

from fitbitd.simulator.settings import SCOPES, FitbitSettings

CHOICE = "simulator_choice"
"""The parameter that the page's own two links add."""

_PROMPTS = {"none", "consent", "login", "login consent"}
_METHODS = {"plain", "S256"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_LENGTHS = range(43, 129)


def fault_of(query: Mapping[str, str], settings: FitbitSettings) -> tuple[str, str] | None:
    """Find what is wrong with an authorize request: error and description, or None."""
    checks = (
        (query.get("client_id") == settings.client_id, "unauthorized_client", "client_id"),
        (query.get("response_type") == "code", "unsupported_response_type", "response_type"),
        (_registered(query, settings), "invalid_request", "redirect_uri"),
        (_known_scopes(query.get("scope", "")), "invalid_request", "scope"),
        (query.get("prompt", "none") in _PROMPTS, "invalid_request", "prompt"),
        (
            query.get("code_challenge_method", "plain") in _METHODS,
            "invalid_request",
            "code_challenge_method",
        ),
        (
            "code_challenge" in query or "code_challenge_method" not in query,
            "invalid_request",
            "code_challenge",
        ),
        (
            len(query.get("code_challenge", "-" * 43)) in _LENGTHS,
            "invalid_request",
            "code_challenge",
        ),
    )
    for passed, error, name in checks:
        if not passed:
            return error, f"Missing or invalid parameter: {name}"
    return None


def asked_scopes(query: Mapping[str, str], settings: FitbitSettings) -> tuple[str, ...]:
    """Give the scopes that a consent grants, in alphabetical order."""
    asked = set(query["scope"].split())
    return tuple(sorted(asked if settings.granted is None else asked & settings.granted))


def error_page(error: str, description: str) -> httpx.Response:
    """Show an error to the person at the browser: bad requests are never redirected."""
    text = f"<h1>{escape(error)}</h1><p>{escape(description)}</p>"
    return _page("Developer information", text, HTTPStatus.BAD_REQUEST)


def consent_page(query: Mapping[str, str], settings: FitbitSettings) -> httpx.Response:
    """Ask: the application, its scopes, and two plain links."""
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in sorted(query["scope"].split()))
    links = " ".join(
        f'<a id="{choice}" href="/oauth2/authorize?{escape(urlencode({**query, CHOICE: choice}))}">'
        f"{choice.capitalize()}</a>"
        for choice in ("allow", "deny")
    )
    text = (
        f"<h1>{escape(settings.app_name)} would like to read your data</h1>"
        f"<p>This is a simulator: the wearer is made up.</p><ul>{scopes}</ul><p>{links}</p>"
    )
    return _page(f"Allow {settings.app_name}?", text, HTTPStatus.OK)


def redirect(
    query: Mapping[str, str], answer: Mapping[str, str], settings: FitbitSettings
) -> httpx.Response:
    """Send the browser back to the application with `answer` and its own state."""
    uri = query["redirect_uri"]
    state = {"state": query["state"]} if "state" in query else {}
    joint = "&" if urlsplit(uri).query else "?"
    tail = "#_=_" if settings.fragment else ""
    location = f"{uri}{joint}{urlencode({**answer, **state})}{tail}"
    return httpx.Response(HTTPStatus.FOUND, headers={"location": location})


def _registered(query: Mapping[str, str], settings: FitbitSettings) -> bool:
    uri = query.get("redirect_uri", "")
    if settings.redirect_uris is not None:
        return uri in settings.redirect_uris
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _known_scopes(scope: str) -> bool:
    asked = set(scope.split())
    return bool(asked) and asked <= SCOPES


def _page(title: str, text: str, status: int) -> httpx.Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"</head><body>{text}</body></html>"
    )
    headers = {"content-type": "text/html;charset=utf-8"}
    return httpx.Response(status, headers=headers, content=html.encode())
