"""How a simulated Fitbit behaves. What its documents leave open is a setting, marked (open)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class FitbitSettings:
    """The app's registration, and how the provider behaves.

    Attributes:
        client_secret: None registers a public client, which sends its `client_id` in the body.
        redirect_uris: registered for exact match; None accepts any http URI on a loopback host.
        personal: the app's type; any other gets no intraday data.
        intraday_refusal: how: 200 without the intraday container, or 403.
        consent: show the page, or answer at once with one of its two links.
        granted: the scopes that the wearer leaves ticked; None grants what was asked for.
        token_life_s: the life of an access token.
        replay_window_s: how long a used refresh token gets the same answer again, unless one of the
            new tokens was used (open: two minutes by older documents); 0 means never.
        fragment: append `#_=_` to the redirect (open).
        quota: requests an hour.
        quota_lag: by how many requests the header counts too few.
        token_counts: `/oauth2/token` counts against the quota (open).
        retry_after: what a 429 says in Retry-After: the true wait, a wrong one, or nothing.
        end_minute: what a `/time/` window holds of its last minute (open).
        zero_fill: rows of steps go on as zeros to 23:59, also where nothing was synced (open).
        list_page: the most entries that a page of a list holds, whatever is asked for.
        sync_millis: `lastSyncTime` ends in `.000`.
        true_offset: the profile's UTC offset is right; recorded ones were not always.
        skew_s: how far the provider's clock is ahead of the true one.
    """

    client_id: str = "23SIMU"
    client_secret: str | None = "simulated-secret"  # noqa: S105 - the simulator's own
    app_name: str = "fitbitd"
    redirect_uris: tuple[str, ...] | None = None
    personal: bool = True
    intraday_refusal: Literal["missing_key", "forbidden"] = "missing_key"
    consent: Literal["ask", "allow", "deny"] = "ask"
    granted: frozenset[str] | None = None
    token_life_s: int = 28_800
    code_life_s: int = 600
    replay_window_s: float = 120
    fragment: bool = True
    quota: int = 150
    quota_lag: int = 2
    token_counts: bool = False
    retry_after: Literal["reset", "wrong", "none"] = "reset"
    end_minute: Literal["whole", "first_second", "excluded"] = "first_second"
    zero_fill: bool = True
    list_page: int = 100
    sync_millis: bool = True
    true_offset: bool = True
    skew_s: float = 0.0


SCOPES = frozenset(
    {
        "activity",
        "cardio_fitness",
        "electrocardiogram",
        "heartrate",
        "irregular_rhythm_notifications",
        "location",
        "nutrition",
        "oxygen_saturation",
        "profile",
        "respiratory_rate",
        "settings",
        "sleep",
        "social",
        "temperature",
        "weight",
    }
)
"""Every scope that the provider knows."""
