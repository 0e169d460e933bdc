"""What a server, a transport and the control orders need of any provider's simulator."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import httpx

from fitbitd.clock import Clock
from fitbitd.simulator.faults import Answer, FaultQueue
from fitbitd.simulator.wearer import Wearer


class Simulator(Protocol):
    """One provider, for one application and one wearer.

    Attributes:
        gone: switched off: 410 for everything.
    """

    clock: Clock
    wearer: Wearer
    faults: FaultQueue
    gone: bool

    @property
    def log(self) -> Sequence[Any]:
        """Give every request that arrived, as dataclasses."""

    @property
    def requests_seen(self) -> int:
        """Count every request that arrived."""

    @property
    def secrets(self) -> frozenset[str]:
        """Give all that nobody else may ever see: codes, tokens, verifiers, the client's secret."""

    def answer(self, request: httpx.Request) -> Answer:
        """Answer a request whose body was read, and say which fault strikes on the way."""

    def mint(self, scopes: frozenset[str] = ...) -> dict[str, Any]:
        """Grant consent without a browser; give what the token endpoint would answer."""

    def revoke(self) -> None:
        """Let the wearer end every grant."""

    def state(self) -> dict[str, Any]:
        """Sum up for a person or a test: counters, time, and what is ordered."""


@runtime_checkable
class Changeable(Protocol):
    """A simulator whose settings can be changed while it runs."""

    def change(self, **settings: Any) -> None:
        """Behave otherwise from now on.

        Raises:
            TypeError: there is no such setting.
        """
