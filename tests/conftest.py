"""What holds for every test."""

import os
import signal

from hypothesis import HealthCheck, settings

# A shared machine may be slow at any moment; no test is about that. CI draws the same examples each
# time, so that what is red there was red before.
settings.register_profile(
    "fitbitd",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fitbitd")

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
