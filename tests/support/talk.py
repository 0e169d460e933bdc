"""A provider of nothing but the protocol, and the other side of it, which a test scripts."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

from fitbitd.clock import inline
from fitbitd.engine import Engine
from fitbitd.errors import ContractError, RefusedError, TransientError
from fitbitd.fetch.fetcher import Send
from fitbitd.fetch.pace import Pace
from fitbitd.model import (
    DataType,
    DataTypeName,
    DeviceSync,
    File,
    Kind,
    Lesson,
    LessonKind,
    Page,
    Point,
    Pull,
    Quota,
    Readings,
    Reply,
    Request,
    Session,
    Snapshot,
    Survey,
)
from fitbitd.plan.cadence import Wants
from fitbitd.store.account import AccountStore
from tests.support.clock import FakeClock

NOW = "2027-03-15T12:00:00+00:00"
Answer = tuple[int, dict[str, Any]]
Asked = dict[str, Any]
EMPTY: Answer = (200, {"points": []})


class TalkProvider:
    """Asks with a POST of what it wants, and is answered with points."""

    name = "talk"

    def __init__(self, catalogue: Mapping[DataTypeName, DataType]) -> None:
        self.catalogue = catalogue

    def request(self, pull: Pull, page: str | None = None) -> Request:
        """Ask by the lessons that the pull carries."""
        asked: Asked = {"type": pull.data_type, "item": pull.item, "page": page or ""}
        if pull.window is not None:
            asked["start"] = pull.window.start.isoformat()
            asked["end"] = pull.window.end.isoformat()
        asked |= {str(lesson.kind): lesson.value for lesson in pull.lessons}
        return Request("POST", "https://talk.test/ask", json=json.dumps(asked, sort_keys=True))

    def judge(self, reply: Reply) -> Quota | None:
        """Refuse for the reason that the body names."""
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError("it failed.", code="provider_failed")
        if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise TransientError("it is down.")
        if reply.status != HTTPStatus.OK:
            raise RefusedError("it said no.", code=json.loads(reply.body)["code"])
        return None

    def survey(self, _pull: Pull, reply: Reply) -> Survey:
        """Count the points."""
        body = json.loads(reply.body)
        if "points" not in body:
            raise ContractError("no points")
        return Survey(len(body["points"]), body.get("next"))

    def read(self, pull: Pull, reply: Reply) -> Page:
        """Read instants, or what a snapshot says of zone and watches."""
        body = json.loads(reply.body)
        if "nonsense" in body["points"]:
            raise ContractError("a point is nonsense")
        kind = self.catalogue[pull.data_type].kind
        if kind is Kind.SNAPSHOT:
            syncs = tuple(
                DeviceSync("w", datetime.fromisoformat(at)) for at in body.get("synced", ())
            )
            snapshot = Snapshot(pull.data_type, "{}")
            since = body.get("member_since")
            return Page(
                zone=body.get("zone"),
                member_since=None if since is None else date.fromisoformat(since),
                snapshots=(snapshot,),
                syncs=syncs,
            )
        if kind is Kind.FILE:
            return Page(files=(File(pull.item, "1", "text/plain", 1),))
        if kind is Kind.SESSIONS:
            days = (datetime.fromtimestamp(at / 1000).astimezone().date() for at in body["points"])
            return Page(
                sessions=tuple(
                    Session(f"s{at}", day, at, at + 1, 0)
                    for at, day in zip(body["points"], days, strict=True)
                )
            )
        points: list[Point] = [(at, at % 97, None) for at in body["points"]]
        return Page(readings=(Readings(pull.data_type, "watch", 0, points),))

    def learn(self, pull: Pull, reply: Reply) -> tuple[Lesson, ...]:
        """Learn what the body teaches."""
        taught = json.loads(reply.body).get("teach", {}) if reply.body else {}
        return tuple(
            Lesson(pull.data_type, LessonKind(kind), value) for kind, value in taught.items()
        )

    def adapted(self, data_type: DataType, lessons: Sequence[Lesson]) -> DataType:
        """Shorten the longest window."""
        for lesson in lessons:
            if (lesson.data_type, lesson.kind) == (data_type.name, LessonKind.LONGEST_DAYS):
                return replace(data_type, longest=timedelta(days=int(lesson.value)))
        return data_type


class Tokens:
    """A grant that always lasts.

    Attributes:
        granted: the scopes; none are known at first.
    """

    def __init__(self) -> None:
        self.granted: tuple[str, ...] = ()

    async def bearer(self) -> str:
        """Give a token."""
        return "a-token"

    async def replace(self, refused: str) -> str:
        """Give another."""
        return f"not {refused}"

    async def consented_at(self) -> None:
        """Not know."""

    async def scopes(self) -> tuple[str, ...]:
        """Give what was granted."""
        return self.granted


class Talk:
    """An account at a provider that answers as a test says.

    Attributes:
        answer: gives status and body for what is asked.
        asked: what was asked so far.
    """

    def __init__(self, engine_of: Callable[["Talk"], Engine], clock: FakeClock) -> None:
        self.clock = clock
        self.tokens = Tokens()
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = lambda _: EMPTY
        self.engine = engine_of(self)

    def types(self) -> list[str]:
        """Give the data types in the order in which they were asked, and forget them."""
        names = [asked["type"] for asked in self.asked]
        self.asked.clear()
        return names

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        """Open nothing."""
        yield self._send

    async def _send(self, request: Request) -> Reply:
        asked = json.loads(request.json or "{}")
        self.asked.append(asked)
        status, body = self.answer(asked)
        return Reply(status, {}, json.dumps(body).encode(), self.clock.now())


@contextmanager
def talking(
    folder: Path, *types: DataType, per_s: float | None = None, **wanted: Any
) -> Iterator[Talk]:
    """Open an account with these data types."""
    catalogue = {data_type.name: data_type for data_type in types}
    provider, clock = TalkProvider(catalogue), FakeClock(NOW)
    wants = Wants("alice", types, timedelta(minutes=15), **wanted)
    with AccountStore(folder, provider.read, catalogue, learn=provider.learn) as store:

        def engine_of(talk: Talk) -> Engine:
            return Engine(
                wants,
                provider,
                tokens=talk.tokens,
                session=talk.session,
                store=store,
                clock=clock,
                offload=inline,
                random=Random(1),
                time_url="https://talk.test/",
                pace=None if per_s is None else Pace(clock, per_s),
            )

        yield Talk(engine_of, clock)
