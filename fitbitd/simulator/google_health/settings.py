"""How a simulated Google behaves. What its documents leave open is a setting, marked (open)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SCOPE_PREFIX = "https://www.googleapis.com/auth/googlehealth."

_BOTH = (
    "activity_and_fitness",
    "health_metrics_and_measurements",
    "logged_symptoms",
    "mindfulness",
    "nutrition",
    "profile",
    "reproductive_health",
    "settings",
    "sleep",
)
_READ_ONLY = ("ecg", "irn", "location")

READ_SCOPES = frozenset(f"{SCOPE_PREFIX}{name}.readonly" for name in (*_BOTH, *_READ_ONLY))
"""Every scope that lets data be read."""
SCOPES = READ_SCOPES | {f"{SCOPE_PREFIX}{name}.writeonly" for name in _BOTH}
"""Every scope of the Health API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleHealthSettings:
    """The project, its OAuth client, and how Google behaves.

    Attributes:
        client_type: a desktop client takes any loopback redirect, a web client only registered
            ones.
        redirect_uris: registered by a web client.
        other_clients: further clients of the project, id to secret.
        consent: show the page, or answer at once with one of its links.
        granted: the scopes that the wearer leaves ticked; None grants what was asked for.
        testing: the consent screen is in Testing: refresh tokens live 7 days.
        verified: decides the quota of a user and minute: 300, or 150.
        quota_per_minute: another quota.
        retry_after: whether a 429 says when, and how.
        token_life_s: the life of an access token; answers say one second less, as Google does.
        live_tokens: how many refresh tokens one account and client may have; the oldest dies.
        rotate_every: each n-th refresh brings a new refresh token; 0 means never (open).
        rotation_kills: the refresh token that was replaced ends (open).
        scope_reason: what a 403 for a missing scope says; both are documented.
        default_pages: points on a page without `pageSize`, where it is not the documented number.
        largest_pages: points on a page, however many are asked for.
        short_page: no page of a list is longer than this.
        empty_page_days: a list over this many days begins with an empty page and a token, for
            types of intervals; None never does.
        repeat_point: the last point of a page is there again on the next one.
        empty_body: how an answer without any point looks.
        last_token: what the last page of a list says for a token.
        page_token_life_s: how long a page token lives (open).
        also_offered: (data type, action) pairs on top of the documents; actions are spelt as in
            error messages: "list", "rollup" ...
        not_offered: (data type, action) pairs that are refused in spite of the documents.
        longest_days: another cap on the range of roll-ups, by data type.
        slow_above_points: pages of more points than this end in 504.
        slow_above_days: ranges of more days than this end in 504.
        empty_windows: whether a roll-up tells of windows without worn data, and how.
        zero_counts: how a list spells a worn minute without a step: `count` left out, or "0".
        midnight: how midnight is spelt: `"time": {}`, or no `time`.
        float_noise: kilocalories carry noise in their last digit.
        indent: answers are indented unless `prettyPrint=false`, as Google's are. Off, because it
            costs most of the simulator's time; `prettyPrint=true` is obeyed all the same.
        skew_s: how far Google's clock is ahead of the true one.
    """

    client_id: str = "000000000000-simulated.apps.googleusercontent.com"
    client_secret: str = "GOCSPX-simulated-secret"  # noqa: S105 - the simulator's own
    client_type: Literal["desktop", "web"] = "desktop"
    redirect_uris: tuple[str, ...] = ()
    other_clients: Mapping[str, str] = field(default_factory=dict)
    app_name: str = "fitbitd"
    project_number: str = "123456789"
    consent: Literal["ask", "allow", "deny"] = "ask"
    granted: frozenset[str] | None = None
    testing: bool = False
    verified: bool = False
    quota_per_minute: int | None = None
    retry_after: Literal["none", "seconds", "date"] = "none"
    token_life_s: int = 3600
    code_life_s: int = 600
    live_tokens: int = 100
    rotate_every: int = 0
    rotation_kills: bool = True
    scope_reason: Literal["ACCESS_TOKEN_SCOPE_INSUFFICIENT", "MISSING_OAUTH_SCOPE"] = (
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    )
    default_pages: Mapping[str, int] = field(default_factory=lambda: {"heart-rate": 50})
    largest_pages: Mapping[str, int] = field(default_factory=lambda: {"heart-rate": 5000})
    short_page: int | None = None
    empty_page_days: float | None = 28
    repeat_point: bool = False
    empty_body: Literal["braces", "array"] = "braces"
    last_token: Literal["empty", "absent"] = "empty"  # noqa: S105 - not a secret
    page_token_life_s: float = 3600
    also_offered: frozenset[tuple[str, str]] = frozenset()
    not_offered: frozenset[tuple[str, str]] = frozenset()
    longest_days: Mapping[str, int] = field(default_factory=dict)
    slow_above_points: int | None = None
    slow_above_days: float | None = None
    empty_windows: Literal["omitted", "bare", "zero"] = "omitted"
    zero_counts: Literal["absent", "explicit"] = "absent"
    midnight: Literal["empty", "absent"] = "empty"
    float_noise: bool = False
    indent: bool = False
    skew_s: float = 0.0

    @property
    def quota(self) -> int:
        """Give the requests that one user may send in a minute."""
        if self.quota_per_minute is not None:
            return self.quota_per_minute
        return 300 if self.verified else 150
