import os
import socket
from pathlib import Path

import pytest

from fitbitd.systemd import notify, watchdog_interval_s


def test_the_manager_gets_one_datagram(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        notify("READY=1", "STATUS=ready", environ={"NOTIFY_SOCKET": address})
        assert manager.recv(1024) == b"READY=1\nSTATUS=ready"


def test_an_abstract_address_is_understood() -> None:
    name = f"fitbitd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": "@" + name})
        assert manager.recv(1024) == b"WATCHDOG=1"


def test_no_manager_and_a_deaf_one_are_no_failure(tmp_path: Path) -> None:
    notify("READY=1", environ={})
    notify("READY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "nobody")})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "90000000"}, 30.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_progress_is_shown_three_times_as_often_as_asked(
    environ: dict[str, str], expected: float | None
) -> None:
    assert watchdog_interval_s(environ) == expected
