"""The journal of systemd, by its own protocol: what an event tells stays in fields of its own.

One datagram an event. A field is `NAME=value` and a newline; where the value has newlines of its
own it is `NAME`, a newline, the value's length in 64 bits (little endian), the value, a newline. A
line on stdout, JSON or not, would be one MESSAGE that nobody can select by.

Source: systemd.io/JOURNAL_NATIVE_PROTOCOL and systemd.journal-fields(7) of systemd 252 (read
2026-11-22).
"""

import os
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import TextIO

SOCKET = "/run/systemd/journal/socket"

PREFIX = "FITBITD_"

LONGEST_FIELD = 32 * 1024
"""Of a longer value the end is kept, where a traceback says what happened: a datagram has to fit
into the socket's buffer."""

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_UNFIT = re.compile(r"[^A-Z0-9_]")
_LONGEST_NAME = 64


class Journal:
    """The way to the journal; as good as closed where nobody listens."""

    def __init__(self, address: str = SOCKET) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # noqa: FBT003 - that is how it is called
        # A full journal must not stop the collecting.

    def send(self, event: Mapping[str, object]) -> bool:
        """Send one event, cleaned and with its level; say whether it was taken."""
        try:
            self._socket.sendto(datagram(event), self._address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()


def is_behind(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether what is written to `stream` goes to the journal."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))


def datagram(event: Mapping[str, object]) -> bytes:
    """Write an event as the journal takes it."""
    return b"".join(_field(name, value) for name, value in _fields(event))


def _fields(event: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    keys = {
        key: str(value)
        for key, value in event.items()
        if key not in {"event", "level", "timestamp", "exception"} and value is not None
    }
    name = str(event.get("event", ""))
    yield "MESSAGE", " ".join([name, *(f"{key}={value}" for key, value in keys.items())])
    yield "PRIORITY", str(_PRIORITIES.get(str(event.get("level")), 6))
    yield "SYSLOG_IDENTIFIER", "fitbitd"
    yield f"{PREFIX}EVENT", name
    for key, value in keys.items():
        yield field_name(key), value
    if "exception" in event:
        yield f"{PREFIX}TRACEBACK", str(event["exception"])


def field_name(key: str) -> str:
    """Name the field that holds a key of an event."""
    return (PREFIX + _UNFIT.sub("_", key.upper()))[:_LONGEST_NAME]


def _field(name: str, text: str) -> bytes:
    value = text.encode("utf-8", "backslashreplace")[-LONGEST_FIELD:]
    if b"\n" not in value:
        return f"{name}=".encode() + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
