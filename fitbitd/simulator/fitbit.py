"""The legacy Fitbit Web API as one function: a request in, a response out."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import httpx

from fitbitd.clock import Clock
from fitbitd.simulator import consent, paths, refusals
from fitbitd.simulator.bodies import Bodies
from fitbitd.simulator.civil import civil_day
from fitbitd.simulator.faults import Answer, FaultQueue
from fitbitd.simulator.fitbit_life import FitbitLife
from fitbitd.simulator.oauth import OAuthProvider, Pair
from fitbitd.simulator.quota import HourlyQuota, reset_s
from fitbitd.simulator.refusals import RefusalError, json_response
from fitbitd.simulator.replay import Replay, empty_wearer
from fitbitd.simulator.settings import SCOPES, FitbitSettings
from fitbitd.simulator.wearer import Wearer

_FORM = "application/x-www-form-urlencoded"
_SUBJECTS = {
    "activity": "activity",
    "heartrate": "heart rate",
    "oxygen_saturation": "oxygen saturation",
    "profile": "profile",
    "respiratory_rate": "respiratory rate",
    "settings": "settings",
    "sleep": "sleep",
    "temperature": "temperature",
    "weight": "weight",
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request that arrived. `token` is its kind and its pair's number, never its text."""

    number: int
    at: datetime
    method: str
    path: str
    status: int
    token: str | None
    fault: str | None


class FitbitSimulator:
    """The provider, for one application and one wearer.

    Attributes:
        wearer: whose data it is.
        oauth: grants and tokens, with counters.
        faults: what to do wrong.
        log: every request that arrived.
        gone: switched off: 410 for everything, the token endpoint included.
    """

    def __init__(
        self,
        clock: Clock,
        wearer: Wearer | None = None,
        settings: FitbitSettings | None = None,
        *,
        replay: Replay | None = None,
    ) -> None:
        self.clock = clock
        self.settings = settings or FitbitSettings()
        self.wearer = wearer or (Wearer() if replay is None else empty_wearer())
        salt = f"{self.wearer.seed}:{clock.now().isoformat()}"
        self.oauth = OAuthProvider(self.settings, self.wearer.user_id, salt)
        self.faults = FaultQueue(self.wearer.seed)
        self.log: list[LogEntry] = []
        self.gone = False
        self._quota = HourlyQuota(self.settings.quota, self.settings.quota_lag)
        self._replay = replay
        self._life = FitbitLife(self.wearer)
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str], Callable[[httpx.Request], httpx.Response]] = {
            ("GET", "/oauth2/authorize"): self._authorize,
            ("POST", "/oauth2/token"): self._token,
            ("POST", "/oauth2/revoke"): self._revoke,
            ("POST", "/1.1/oauth2/introspect"): self._introspect,
        }

    @property
    def requests_seen(self) -> int:
        """Count every request that arrived."""
        return len(self.log)

    @property
    def secrets(self) -> frozenset[str]:
        """Give all that nobody else may ever see: codes, tokens, verifiers, the client's secret."""
        given = self.settings.client_secret
        return frozenset(self.oauth.secrets | ({given} if given else set()))

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

    def mint(self, scopes: frozenset[str] = SCOPES) -> dict[str, Any]:
        """Grant consent without a browser; give what the token endpoint would answer."""
        with self._lock:
            return dict(self.oauth.issue(tuple(sorted(scopes)), self._now()).body)

    def revoke(self) -> None:
        """Let the wearer end every grant."""
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
            "quota_spent": self._quota.spent(self.oauth.user_id),
            "faults_left": len(self.faults.left()),
            **asdict(self.oauth.counts),
        }

    def _now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.settings.skew_s)

    def _answer(self, request: httpx.Request) -> Answer:
        fault = None if self.gone else self.faults.pick(request.method, request.url.path)
        token = self._token_of(request)
        if fault is not None and fault.kind == "revoke":
            self.oauth.revoke()
        if self.gone:
            headers = {"content-type": refusals.JSON_TYPE}
            response = httpx.Response(HTTPStatus.GONE, headers=headers)
        elif fault is None or fault.takes_effect:
            response = self._processed(request)
        else:
            response = httpx.Response(HTTPStatus.OK)
        if fault is not None:
            response = fault.spoil(response)
        skew_s = fault.skew_s if fault is not None else 0.0
        date = self._now() + timedelta(seconds=skew_s)
        response.headers["date"] = format_datetime(date, usegmt=True)
        response.request = request
        self.log.append(
            LogEntry(
                len(self.log) + 1,
                self.clock.now(),
                request.method,
                request.url.path,
                response.status_code,
                token or self._token_of(request),
                fault.kind if fault is not None else None,
            )
        )
        return Answer(response, fault)

    def _processed(self, request: httpx.Request) -> httpx.Response:
        route = self._routes.get((request.method, request.url.path), self._data)
        try:
            return route(request)
        except RefusalError as refusal:
            return json_response(refusal.body, refusal.status)

    def _token_of(self, request: httpx.Request) -> str | None:
        """Name the token that a request presents."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.oauth.name_of(text)
        if request.method == "POST" and (text := _form(request).get("refresh_token", "")):
            return self.oauth.name_of(text)
        return None

    def _authorize(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        choice = query.pop(consent.CHOICE, self.settings.consent)
        if wrong := consent.fault_of(query, self.settings):
            return consent.error_page(*wrong)
        if choice == "ask":
            return consent.consent_page(query, self.settings)
        if choice == "allow":
            scopes = consent.asked_scopes(query, self.settings)
            code = {"code": self.oauth.code(query, scopes, self._now())}
            return consent.redirect(query, code, self.settings)
        denial = {
            "error": "access_denied",
            "error_description": "The user denied the request.",
        }
        return consent.redirect(query, denial, self.settings)

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = self._client_form(request)
        user, now = self.oauth.user_id, self._now()
        if self.settings.token_counts and not self._quota.spend(user, now):
            return self._throttled(user)
        return json_response(self.oauth.token(form, now).body)

    def _revoke(self, request: httpx.Request) -> httpx.Response:
        form = self._client_form(request)
        if not form.get("token"):
            raise refusals.invalid_request("Missing parameters: token")
        self.oauth.revoke(form["token"])
        return httpx.Response(HTTPStatus.OK)

    def _introspect(self, request: httpx.Request) -> httpx.Response:
        self.oauth.bearer(request.headers.get("authorization"), self._now())
        form = _read_form(request)
        if not form.get("token"):
            raise refusals.invalid_request("Missing parameters: token")
        return json_response(self.oauth.introspect(form["token"], self._now()))

    def _client_form(self, request: httpx.Request) -> Mapping[str, str]:
        form = _read_form(request)
        self.oauth.check_client(request.headers.get("authorization"), form)
        return form

    def _data(self, request: httpx.Request) -> httpx.Response:
        now = self._now()
        try:
            pair = self.oauth.bearer(request.headers.get("authorization"), now)
        except RefusalError:
            if not self._quota.spend("", now):  # without a user: a quota of its own
                return self._throttled("")
            raise
        if not self._quota.spend(pair.user_id, now):
            return self._throttled(pair.user_id)
        try:
            response = self._body(request, pair)
        except RefusalError as refusal:
            response = json_response(refusal.body, refusal.status)
        response.headers.update(self._quota.headers(pair.user_id, now))
        return response

    def _body(self, request: httpx.Request, pair: Pair) -> httpx.Response:
        """Check what is asked against the grant and the app, and answer it."""
        if request.method != "GET":
            raise refusals.read_only()
        path, query = request.url.path, dict(request.url.params)
        recorded = self._replay.exact(path, query) if self._replay is not None else None
        try:
            today = civil_day(self._now().timestamp(), self.wearer.zone)
            asked = paths.parse(path, query, today)
        except RefusalError:
            if recorded is not None:
                return recorded
            raise
        if asked.user not in {"-", pair.user_id}:
            raise refusals.insufficient_permissions()
        if asked.scope not in pair.scopes:
            raise refusals.insufficient_scope(_SUBJECTS[asked.scope])
        intraday = asked.kind == "intraday" or asked.level == "all"
        if intraday and not self.settings.personal:
            if self.settings.intraday_refusal == "forbidden" or asked.kind == "night":
                raise refusals.insufficient_permissions()
        elif self._replay is not None and (body := recorded or self._replay.answer(asked)):
            return body
        body = self._bodies(request).of(asked)
        if intraday and not self.settings.personal:
            del body[f"activities-{asked.resource}-intraday"]
        return json_response(body)

    def _bodies(self, request: httpx.Request) -> Bodies:
        base_url = str(request.url.copy_with(raw_path=b"/")).rstrip("/")
        return Bodies(self.wearer, self.settings, self.clock.now(), base_url, self._life)

    def _throttled(self, user: str) -> httpx.Response:
        refusal = refusals.too_many_requests()
        response = json_response(refusal.body, refusal.status)
        now = self._now()
        response.headers.update(self._quota.headers(user, now))
        if self.settings.retry_after != "none":
            wait_s = reset_s(now) if self.settings.retry_after == "reset" else 3600
            response.headers["retry-after"] = str(wait_s)
        return response


def _form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True))


def _read_form(request: httpx.Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise refusals.unreadable_body()
    return _form(request)
