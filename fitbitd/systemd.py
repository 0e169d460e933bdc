"""What systemd is told: readiness, progress, a line of status. Silent where there is no systemd.

Source: sd_notify(3) and sd_watchdog_enabled(3) of systemd 252; the protocol is one datagram.
"""

import os
import socket
from collections.abc import Mapping

PATIENCE_S = 1.0
"""A manager that is too busy to listen must not stop the event loop."""


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send `lines` ("READY=1", "STATUS=...") to the service manager, if there is one."""
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.settimeout(PATIENCE_S)
        try:
            sender.sendto("\n".join(lines).encode(), address)
        except OSError:
            # A manager that does not listen must not stop the work; its watchdog speaks for itself.
            return


def watchdog_interval_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Give how often proof of progress is to be sent: a third of what the manager allows."""
    allowed_us = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID")
    if not allowed_us.isdecimal() or (pid is not None and pid != str(os.getpid())):
        return None
    return int(allowed_us) / 3e6
