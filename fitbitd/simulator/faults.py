"""Faults to order: what can go wrong between a client and this provider, and how often."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Literal, get_args

import httpx

from fitbitd.simulator.refusals import JSON_TYPE, internal_error, json_response, too_many_requests

FaultKind = Literal[
    "latency",  # the answer comes late
    "timeout",  # no answer comes, and the connection stays open
    "reset",  # the connection is reset instead of an answer
    "cut",  # half the body, then the connection ends
    "html",  # an HTML page of some gateway, 503 unless `status` says otherwise
    "json_error",  # the recorded JSON of a 500
    "empty",  # the right status and headers, and no body
    "body",  # `status` and `body`, with `retry_after_s` in Retry-After if there is one
    "throttle",  # 429 with `retry_after_s` in Retry-After, or without it
    "refuse",  # the provider's refusal that `reason` names, where it has names for its refusals
    "wrong_date",  # the Date header is off by `skew_s`
    "revoke",  # the wearer revokes the grant just before this request
]

_PROCESSED = {"latency", "timeout", "reset", "cut", "empty", "wrong_date", "revoke"}
"""Kinds for which the request takes effect, though its answer suffers: the nastier case."""

_NEVER_S = 86_400.0
_HTML = "<!doctype html><html><body><h1>{} Service Unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. The first that matches a request and has some left strikes.

    Attributes:
        path: a regular expression that is searched for in "METHOD /path".
        count: how often it strikes; None is for ever.
        chance: how likely it strikes a request that matches.
        wait_s: how late the answer is, for every kind.
        processed: whether the request takes effect all the same; None leaves it to the kind.
        reason: which refusal, for the kind "refuse".
        until_consent: the wearer's next consent ends it.
    """

    kind: FaultKind
    path: str = ""
    count: int | None = 1
    chance: float = 1.0
    wait_s: float = 0.0
    status: int | None = None
    body: str | bytes = b""
    content_type: str = JSON_TYPE
    retry_after_s: int | None = None
    skew_s: float = 0.0
    processed: bool | None = None
    reason: str = ""
    until_consent: bool = False

    @classmethod
    def from_json(cls, order: Mapping[str, Any]) -> "Fault":
        """Read a rule as the control endpoint takes it.

        Raises:
            ValueError: an unknown key or kind, a bad expression, a number that is none.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(order) - known):
            raise ValueError(f"unknown keys: {', '.join(unknown)}")
        if order.get("kind") not in get_args(FaultKind):
            raise ValueError(f"kind must be one of {', '.join(get_args(FaultKind))}")
        try:
            fault = cls(**order)
            re.compile(fault.path)
            return replace(fault, wait_s=float(fault.wait_s), chance=float(fault.chance))
        except (TypeError, re.error) as err:
            raise ValueError(str(err)) from err

    @property
    def takes_effect(self) -> bool:
        """Say whether the request is processed before its answer suffers."""
        return self.kind in _PROCESSED if self.processed is None else self.processed

    @property
    def delay_s(self) -> float:
        """Give how long the client waits before whatever comes."""
        return self.wait_s or (_NEVER_S if self.kind == "timeout" else 0.0)

    def spoil(self, response: httpx.Response) -> httpx.Response:
        """Turn the right response into the one that is sent; cuts and resets come later."""
        match self.kind:
            case "html":
                page = _HTML.format(self.status or 503).encode()
                headers = {"content-type": "text/html"}
                return httpx.Response(self.status or 503, headers=headers, content=page)
            case "json_error":
                error = internal_error()
                return json_response(error.body, self.status or error.status)
            case "empty":
                headers = {"content-type": response.headers.get("content-type", JSON_TYPE)}
                return httpx.Response(self.status or response.status_code, headers=headers)
            case "body":
                content = self.body.encode() if isinstance(self.body, str) else self.body
                headers = {"content-type": self.content_type}
                if self.retry_after_s is not None:
                    headers["retry-after"] = str(self.retry_after_s)
                return httpx.Response(self.status or 200, headers=headers, content=content)
            case "throttle":
                error = too_many_requests()
                refused = json_response(error.body, error.status)
                if self.retry_after_s is not None:
                    refused.headers["retry-after"] = str(self.retry_after_s)
                return refused
            case _:
                return response

    def strike(self, request: httpx.Request) -> None:
        """Raise what httpx would raise for a fault of the connection; do nothing for others."""
        match self.kind:
            case "timeout":
                raise httpx.ReadTimeout("the simulated provider did not answer", request=request)
            case "reset":
                raise httpx.ReadError("the simulated provider reset", request=request)
            case "cut":
                message = "peer closed connection without sending complete message body"
                raise httpx.RemoteProtocolError(message, request=request)
            case _:
                return


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and the fault that strikes on its way."""

    response: httpx.Response
    fault: Fault | None

    @property
    def delay_s(self) -> float:
        """Give how long the client waits."""
        return self.fault.delay_s if self.fault is not None else 0.0


class FaultQueue:
    """The rules that are left, in the order in which they were given."""

    def __init__(self, seed: int = 1, reasons: Collection[str] = ()) -> None:
        self._rng = Random(seed)
        self._reasons = reasons
        self._rules: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Order more faults.

        Raises:
            ValueError: a refusal that this provider does not know.
        """
        for fault in faults:
            if fault.kind == "refuse" and fault.reason not in self._reasons:
                known = ", ".join(sorted(self._reasons)) or "none: this provider names none"
                raise ValueError(f"reason {fault.reason!r} is not one of {known}")
        self._rules.extend(faults)

    def consent_given(self) -> None:
        """Forget the faults that a new consent ends."""
        self._rules = [fault for fault in self._rules if not fault.until_consent]

    def clear(self) -> None:
        """Forget every fault."""
        self._rules.clear()

    def left(self) -> tuple[Fault, ...]:
        """List what may still strike."""
        return tuple(self._rules)

    def pick(self, method: str, path: str) -> Fault | None:
        """Take the fault that strikes this request, if any."""
        for place, fault in enumerate(self._rules):
            if not re.search(fault.path, f"{method} {path}"):
                continue
            if fault.chance < 1.0 and self._rng.random() >= fault.chance:
                continue
            if fault.count is not None:
                if fault.count > 1:
                    self._rules[place] = replace(fault, count=fault.count - 1)
                else:
                    del self._rules[place]
            return fault
        return None
