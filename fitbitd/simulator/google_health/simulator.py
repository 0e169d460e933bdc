"""The Google Health API v4 and Google's OAuth as one function: a request in, a response out."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import httpx

from fitbitd.clock import Clock
from fitbitd.simulator.faults import Answer, Fault, FaultQueue
from fitbitd.simulator.google_health import consent, errors
from fitbitd.simulator.google_health.api import Api, Asker
from fitbitd.simulator.google_health.data import Life, NoLife
from fitbitd.simulator.google_health.errors import RefusalError, json_response
from fitbitd.simulator.google_health.oauth import GoogleOAuth, basic_credentials
from fitbitd.simulator.google_health.quota import MinuteQuota, left_s
from fitbitd.simulator.google_health.recorded import answer_from
from fitbitd.simulator.google_health.replay import GoogleReplay
from fitbitd.simulator.google_health.routes import Call, call_of
from fitbitd.simulator.google_health.settings import READ_SCOPES, GoogleHealthSettings
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.wearer import Wearer

_API = ("/v4/", "/v4beta/")
_OWN_WORDS = {"json_error": "INTERNAL", "throttle": "RATE_LIMIT_EXCEEDED"}
"""Faults that every provider has, in Google's words."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request that arrived.

    Attributes:
        asked: the body of a request to the API, or its query where it has none.
        token: its kind and number, never its text.
        size_bytes: of the answer's body, before compression.
    """

    number: int
    at: datetime
    method: str
    path: str
    asked: str
    status: int
    token: str | None
    size_bytes: int
    fault: str | None


class GoogleHealthSimulator:
    """Google, for one project and one wearer.

    Attributes:
        wearer: whose data it is.
        oauth: grants and tokens, with counters.
        faults: what to do wrong; `errors.REASONS` names the refusals.
        log: every request that arrived.
        gone: switched off: 410 for everything.
    """

    def __init__(
        self,
        clock: Clock,
        wearer: Wearer | None = None,
        settings: GoogleHealthSettings | None = None,
        *,
        life: Life | None = None,
        replay: GoogleReplay | None = None,
    ) -> None:
        self.clock = clock
        self.settings = settings or GoogleHealthSettings()
        self.wearer = wearer or Wearer()
        self.oauth = GoogleOAuth(f"{self.wearer.seed}:{clock.now().isoformat()}")
        self.faults = FaultQueue(self.wearer.seed, errors.REASONS)
        self.log: list[LogEntry] = []
        self.gone = False
        self._replay = replay
        known: Life = GoogleLife(self.wearer) if replay is None else NoLife(replay.identity())
        self._api = Api(life or known, datetime.combine(self.wearer.member_since, time(), UTC))
        self._quota = MinuteQuota()
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str], Callable[[httpx.Request], httpx.Response]] = {
            ("GET", consent.PATH): self._authorize,
            ("POST", "/token"): self._token,
            ("POST", "/revoke"): self._revoke,
            ("GET", "/tokeninfo"): self._introspect,
            ("POST", "/tokeninfo"): self._introspect,
        }

    @property
    def requests_seen(self) -> int:
        """Count every request that arrived."""
        return len(self.log)

    @property
    def secrets(self) -> frozenset[str]:
        """Give all that nobody else may ever see: codes, tokens, verifiers, the client's secret."""
        return frozenset({*self.oauth.secrets, self.settings.client_secret})

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer without waiting, for `httpx.MockTransport`; faults raise what httpx raises."""
        answer = self.answer(request)
        if answer.fault is not None:
            answer.fault.strike(request)
        return answer.response

    def answer(self, request: httpx.Request) -> Answer:
        """Answer a request whose body was read, and say which fault strikes on the way."""
        with self._lock:
            return self._answer(request)

    def change(self, **settings: Any) -> None:
        """Behave otherwise from now on.

        Raises:
            TypeError: there is no such setting.
        """
        for name in ("also_offered", "not_offered"):
            if name in settings:
                settings[name] = frozenset(tuple(pair) for pair in settings[name])
        if settings.get("granted") is not None:
            settings["granted"] = frozenset(settings["granted"])
        with self._lock:
            self.settings = replace(self.settings, **settings)

    def mint(self, scopes: frozenset[str] = READ_SCOPES) -> dict[str, Any]:
        """Grant consent without a browser; give what the token endpoint would answer."""
        with self._lock:
            self.faults.consent_given()
            return self.oauth.issue(tuple(sorted(scopes)), self.settings, self._now())

    def revoke(self) -> None:
        """Let the wearer remove the app's access."""
        with self._lock:
            self.oauth.revoke()

    def state(self) -> dict[str, Any]:
        """Sum up for a person or a test: counters, time, and what is ordered."""
        synced = self.wearer.synced_at(self.clock.now())
        return {
            "now": self._now().isoformat(),
            "synced_at": synced.isoformat() if synced is not None else None,
            "gone": self.gone,
            "requests_seen": self.requests_seen,
            "bytes_sent": sum(entry.size_bytes for entry in tuple(self.log)),
            "quota_spent": self._quota.spent(self._user_id()),
            "faults_left": len(self.faults.left()),
            "live_refresh_tokens": self.oauth.live_refresh_tokens(self._now()),
            **asdict(self.oauth.counts),
        }

    def _now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.settings.skew_s)

    def _user_id(self) -> str:
        return self._api.user_id(self.clock.now())

    def _answer(self, request: httpx.Request) -> Answer:
        path = request.url.path
        fault = None if self.gone else self.faults.pick(request.method, path)
        if fault is not None and fault.kind == "revoke":
            self.oauth.revoke()
        if self.gone:
            response = httpx.Response(HTTPStatus.GONE, headers={"content-type": errors.JSON_TYPE})
        elif fault is None or fault.takes_effect:
            response = self._processed(request)
        else:
            response = httpx.Response(HTTPStatus.OK)
        if fault is not None:
            response = _spoiled(response, fault, path)
        skew_s = fault.skew_s if fault is not None else 0.0
        date = self._now() + timedelta(seconds=skew_s)
        response.headers["date"] = format_datetime(date, usegmt=True)
        response.request = request
        self._note(request, response, fault)
        return Answer(response, fault)

    def _note(self, request: httpx.Request, response: httpx.Response, fault: Fault | None) -> None:
        asked = ""
        if request.url.path.startswith(_API):
            query = "&".join(f"{name}={value}" for name, value in request.url.params.items())
            asked = request.content.decode("utf-8", "replace") or query
        self.log.append(
            LogEntry(
                len(self.log) + 1,
                self.clock.now(),
                request.method,
                request.url.path,
                asked,
                response.status_code,
                self._token_of(request),
                len(response.content),
                fault.kind if fault is not None else None,
            )
        )

    def _token_of(self, request: httpx.Request) -> str | None:
        """Name the token that a request presents."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.oauth.name_of(text)
        if request.method == "POST" and request.url.path in {"/token", "/revoke"}:
            form = {**request.url.params, **_form(request)}
            text = form.get("refresh_token") or form.get("token") or ""
            return self.oauth.name_of(text) if text else None
        return None

    def _processed(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        route = self._routes.get((request.method, path))
        try:
            if route is not None:
                return route(request)
            if path.startswith(_API):
                return self._data(request)
            raise errors.unknown_path(path)
        except RefusalError as refusal:
            return refusal.response()

    def _authorize(self, request: httpx.Request) -> httpx.Response:
        pairs = request.url.params.multi_items()
        ticked = [value for name, value in pairs if name == consent.TICKED]
        own = {consent.TICKED, consent.CHOICE, consent.FORM}
        query = {name: value for name, value in pairs if name not in own}
        choice = request.url.params.get(consent.CHOICE, self.settings.consent)
        if wrong := consent.fault_of(query, self.settings):
            return consent.error_page(*wrong)
        if choice == "ask":
            return consent.consent_page(query, self.settings)
        left = ticked if consent.FORM in request.url.params else None
        scopes = consent.granted_scopes(query, left, self.settings)
        if choice != "allow" or not scopes:
            return consent.redirect(query, {"error": "access_denied"})
        code = self.oauth.code(query, scopes, self._now())
        return consent.redirect(query, {"code": code, "scope": " ".join(scopes)})

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = _form(request) | basic_credentials(request.headers.get("authorization", ""))
        body = self.oauth.token(form, self.settings, self._now())
        if form["grant_type"] == "authorization_code":
            self.faults.consent_given()
        return json_response(body, indent=True)

    def _revoke(self, request: httpx.Request) -> httpx.Response:
        text = _form(request).get("token") or request.url.params.get("token", "")
        if not text:
            raise errors.oauth_error("invalid_request", "Missing required parameter: token")
        self.oauth.revoke_token(text, self._now())
        return json_response({})

    def _introspect(self, request: httpx.Request) -> httpx.Response:
        form = _form(request) if request.method == "POST" else {}
        text = request.url.params.get("access_token") or form.get("access_token", "")
        return json_response(self.oauth.introspect(text, self._now()), indent=True)

    def _data(self, request: httpx.Request) -> httpx.Response:
        call, now = call_of(request.method, request.url.path), self._now()
        query = dict(request.url.params)
        access = self.oauth.bearer(request.headers.get("authorization"), call.method.grpc, now)
        if "key" in query:
            message = "API key not valid. Please pass a valid API key."
            raise errors.invalid(message, "API_KEY_INVALID")
        self._spend(now)
        asker = Asker(frozenset(access.scopes), query, request.content, now)
        self._api.check(call, asker, self.settings)
        body = self._body(call, asker)
        if isinstance(body, httpx.Response):
            return body
        pretty = query.get("prettyPrint")
        indent = pretty == "true" if pretty is not None else self.settings.indent
        return json_response(body, indent=indent)

    def _body(self, call: Call, asker: Asker) -> Any:
        """Answer from recordings what they can; whatever is wrong is refused all the same."""
        if self._replay is None:
            return self._api.answer(call, asker, self.settings)
        recorded = None
        try:
            body = self._api.answer(call, asker, self.settings)
            recorded = answer_from(self._replay, call, asker)
        except RefusalError as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:  # nobody's life holds a recorded point
                recorded = answer_from(self._replay, call, asker)
            if recorded is None:
                raise
            return recorded
        return body if recorded is None else recorded

    def _spend(self, now: datetime) -> None:
        settings = self.settings
        if self._quota.spend(self._user_id(), settings.quota, now):
            return
        refused = errors.too_many_requests(settings.quota)
        wait_s = left_s(now)
        if settings.retry_after == "seconds":
            refused.headers["retry-after"] = str(wait_s)
        elif settings.retry_after == "date":
            until = format_datetime(now + timedelta(seconds=wait_s), usegmt=True)
            refused.headers["retry-after"] = until
        raise refused


def _spoiled(response: httpx.Response, fault: Fault, path: str) -> httpx.Response:
    reason = fault.reason if fault.kind == "refuse" else _OWN_WORDS.get(fault.kind)
    if reason is None:
        return fault.spoil(response)
    if fault.kind == "throttle" and path == "/token":
        reason = "OAUTH_THROTTLED"
    refused = errors.REASONS[reason]().response()
    if fault.status is not None:
        refused.status_code = fault.status
    if fault.retry_after_s is not None:
        refused.headers["retry-after"] = str(fault.retry_after_s)
    return refused


def _form(request: httpx.Request) -> dict[str, str]:
    pairs: Mapping[str, str] = dict(
        parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True)
    )
    return dict(pairs)
