"""A grant that a simulated provider gives without asking anybody."""

from collections.abc import Collection
from datetime import datetime, timedelta

from fitbitd.oauth.token import Grant
from fitbitd.simulator import FitbitSimulator, Simulator
from fitbitd.simulator.life import GoogleLife


def minted(simulator: Simulator, now: datetime, scopes: Collection[str] = ()) -> Grant:
    """Make what `fitbitd authorize` would keep after the wearer's consent, by our clock.

    Args:
        scopes: what the wearer ticks; all that there is, if not said.
    """
    body = simulator.mint(frozenset(scopes)) if scopes else simulator.mint()
    legacy = isinstance(simulator, FitbitSimulator)
    deadline_s = body.get("refresh_token_expires_in")
    person = GoogleLife(simulator.wearer).identity(now)
    return Grant(
        provider="fitbit" if legacy else "google_health",
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
        issued_at=now,
        expires_at=now + timedelta(seconds=body["expires_in"]),
        scope=tuple(body["scope"].split()),
        user_id=body["user_id"] if legacy else person["healthUserId"],
        refresh_expires_at=None if deadline_s is None else now + timedelta(seconds=deadline_s),
        consented_at=now,
    )
