"""The other end of sockets that take a datagram a message: journald's, a service manager's."""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fitbitd.journal import Journal


@dataclass
class Receiver:
    """Keeps all that it is sent.

    Attributes:
        kept: the datagrams that were taken from the socket so far.
    """

    path: Path
    kept: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)  # noqa: FBT003 - that is how it is called

    def empty(self) -> list[bytes]:
        """Take what has come, before the socket is full; give all that ever came."""
        while True:
            try:
                self.kept.append(self._socket.recv(1 << 20))
            except BlockingIOError:
                return self.kept

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


class HeardJournal(Journal):
    """A way to the journal at whose other end somebody listens all the time."""

    def __init__(self, journald: Receiver) -> None:
        super().__init__(str(journald.path))
        self._journald = journald

    def send(self, event: Mapping[str, object]) -> bool:
        """Send one event, and have it taken."""
        taken = super().send(event)
        self._journald.empty()
        return taken


def fields(sent: bytes) -> dict[str, str]:
    """Read a datagram as journald does."""
    found = {}
    while sent:
        line, _, sent = sent.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", sent[:8])
            value, sent = sent[8 : 8 + length], sent[8 + length :]
            assert sent[:1] == b"\n"
            sent = sent[1:]
        assert name.decode() not in found
        found[name.decode()] = value.decode()
    return found
