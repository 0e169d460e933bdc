"""Provider: the few questions that the engine may ask. Everything here is pure."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from fitbitd.model import (
    DataType,
    DataTypeName,
    Lesson,
    Page,
    Pull,
    Quota,
    Reply,
    Request,
    Survey,
)


class Provider(Protocol):
    """One provider's way of saying things; a new provider is one of these and a simulator."""

    name: str
    catalogue: Mapping[DataTypeName, DataType]

    def request(self, pull: Pull, page: str | None = None) -> Request:
        """Turn a pull, or the next page of it, into the request that asks for it.

        Args:
            pull: what is wanted.
            page: what `survey` gave as `next_page` of the reply before; None for the first.

        Raises:
            ContractError: `page` leads to another host than the API's.
        """

    def judge(self, reply: Reply) -> Quota | None:
        """Turn one data reply into the quota left, or into what the caller may do.

        Raises:
            FitbitdError: the one class whose caller knows what to do; the kind that the body names
                comes before the status.
        """

    def survey(self, pull: Pull, reply: Reply) -> Survey:
        """Check that the container of the data type is there, count its points, find the next page.

        Raises:
            ContractError: not JSON, or the container is missing.
            RefusedError: the reply says by a missing container that the type is not offered.
        """

    def read(self, pull: Pull, reply: Reply) -> Page:
        """Read every point of a judged reply.

        Raises:
            ContractError: a point that cannot be understood.
        """

    def learn(self, pull: Pull, reply: Reply) -> tuple[Lesson, ...]:
        """Say what a reply, also a refused one, teaches about how its data type is to be asked.

        It never raises: a reply that teaches nothing gives nothing.
        """

    def adapted(self, data_type: DataType, lessons: Sequence[Lesson]) -> DataType:
        """Give a data type of the catalogue as those of the lessons that are its own correct it."""
