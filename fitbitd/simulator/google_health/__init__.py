"""The Google Health API v4 and Google's OAuth endpoints, as their documents describe them.

    google = GoogleHealthSimulator(clock, wearer, GoogleHealthSettings(consent="allow"))
    google.mint()                                # a grant without a browser
    google.change(slow_above_points=500)         # 504 for larger pages, from now on
    google.faults.add(Fault(kind="refuse", reason="SERVICE_DISABLED", count=None))

`capabilities` says what each data type offers; `filters`, `messages`, `paging` and `rollups` how it
is asked for, `shapes` how it is told, `errors` how it is refused, `oauth` how tokens live and die.
"""

from fitbitd.simulator.google_health.replay import GoogleReplay, load_google_replay
from fitbitd.simulator.google_health.settings import (
    READ_SCOPES,
    SCOPE_PREFIX,
    SCOPES,
    GoogleHealthSettings,
)
from fitbitd.simulator.google_health.simulator import GoogleHealthSimulator, LogEntry

__all__ = [
    "READ_SCOPES",
    "SCOPES",
    "SCOPE_PREFIX",
    "GoogleHealthSettings",
    "GoogleHealthSimulator",
    "GoogleReplay",
    "LogEntry",
    "load_google_replay",
]
