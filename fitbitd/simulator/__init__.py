"""The providers as their documents describe them, from one synthetic wearer.

This is a second reading of the documents: nothing here imports the client's own providers or OAuth,
so that the two can disagree.

    wearer = Wearer(seed=7)
    fitbit = FitbitSimulator(clock, wearer, FitbitSettings(consent="allow"))
    httpx.MockTransport(fitbit.handle)         # answers, without waiting
    SimulatorTransport(fitbit, clock)          # answers, with the latency that was ordered
    with serve(fitbit) as server: server.url   # the same over a real port
    fitbit.mint()                              # a grant without a browser
    GoogleHealthSimulator(clock, wearer)       # the same life, as Google serves it
    wearer.truth(clock.now())                  # what the provider has published by now, as rows
"""

from fitbitd.simulator.faults import Fault
from fitbitd.simulator.fitbit import FitbitSimulator
from fitbitd.simulator.google_health import (
    GoogleHealthSettings,
    GoogleHealthSimulator,
    GoogleReplay,
    load_google_replay,
)
from fitbitd.simulator.live import OffsetClock, live_wearer
from fitbitd.simulator.replay import Replay, load_replay
from fitbitd.simulator.server import SimulatorServer, serve
from fitbitd.simulator.serving import Simulator
from fitbitd.simulator.settings import FitbitSettings
from fitbitd.simulator.syncs import DailySyncs, ListedSyncs, RegularSyncs, every_quarter
from fitbitd.simulator.transport import SimulatorTransport
from fitbitd.simulator.wearer import Wearer, hours

__all__ = [
    "DailySyncs",
    "Fault",
    "FitbitSettings",
    "FitbitSimulator",
    "GoogleHealthSettings",
    "GoogleHealthSimulator",
    "GoogleReplay",
    "ListedSyncs",
    "OffsetClock",
    "RegularSyncs",
    "Replay",
    "Simulator",
    "SimulatorServer",
    "SimulatorTransport",
    "Wearer",
    "every_quarter",
    "hours",
    "live_wearer",
    "load_google_replay",
    "load_replay",
    "serve",
]
