"""What holds for every test."""

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of seeds of a long hunt; see `scenarios/test_lives.py`."""
    parser.addoption("--seeds", type=int, default=0, help="live a year of each of so many seeds")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Leave nothing of what a test logs with to the next one."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was explored: the sums of all that tests recorded as "explored ...", a number.

    What a test records as a property comes here from every worker.
    """
    explored: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name.startswith("explored ") and report.when == "call":
                explored[name] += int(str(value))
    for name, count in sorted(explored.items()):
        terminalreporter.write_line(f"{name}: {count:,}")
