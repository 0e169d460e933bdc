"""A grant that the simulated provider gives without asking anybody."""

from datetime import datetime, timedelta

from fitbitd.oauth.token import Grant
from fitbitd.simulator import FitbitSimulator


def minted(simulator: FitbitSimulator, now: datetime) -> Grant:
    """Make what `fitbitd authorize` would keep after the wearer's consent, by our clock."""
    body = simulator.mint()
    return Grant(
        provider="fitbit",
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
        issued_at=now,
        expires_at=now + timedelta(seconds=body["expires_in"]),
        scope=tuple(body["scope"].split()),
        user_id=body["user_id"],
        consented_at=now,
    )
