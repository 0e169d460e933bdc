"""The engine asks no question that only one provider can answer.

A provider of another kind: instants instead of civil time, pages with tokens, a POST with JSON, no
daily blocks. It is made of nothing but the protocol.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from fitbitd.clock import inline
from fitbitd.engine import Engine
from fitbitd.errors import ContractError
from fitbitd.fetch.fetcher import Send
from fitbitd.model import (
    DataType,
    DataTypeName,
    DeviceSync,
    Lesson,
    Page,
    Pull,
    Quota,
    Readings,
    Reply,
    Request,
    Snapshot,
    Survey,
)
from fitbitd.plan import planner
from fitbitd.plan.cadence import Wants
from fitbitd.plan.ledger import Ledger
from fitbitd.store.account import AccountStore
from fitbitd.store.dump import canonical_dump
from fitbitd.store.index import open_reader
from tests.support.clock import FakeClock
from tests.support.types import CARD, INSTANTS, WATCHES

NOW = "2027-03-01T12:00:00+00:00"
SYNCED = datetime(2027, 3, 1, 11, 50, tzinfo=UTC)
DAY = date(2027, 2, 20)
CATALOGUE = {data_type.name: data_type for data_type in (CARD, WATCHES, INSTANTS)}


class Pages:
    """Answers with a page of one instant an hour, `per_page` of them at a time."""

    name = "pages"
    catalogue: Mapping[DataTypeName, DataType] = CATALOGUE

    def request(self, pull: Pull, page: str | None = None) -> Request:
        if pull.window is None:
            return Request("GET", f"https://pages.test/{pull.data_type}")
        start, end = pull.window.start, pull.window.end
        asked = {"start": start.isoformat(), "end": end.isoformat(), "page": page or ""}
        return Request("POST", "https://pages.test/list", json=json.dumps(asked))

    def judge(self, _reply: Reply) -> Quota | None:
        return None

    def survey(self, _pull: Pull, reply: Reply) -> Survey:
        body = json.loads(reply.body)
        if "points" not in body:
            raise ContractError("no points")
        return Survey(len(body["points"]), body.get("next") or None)

    def read(self, pull: Pull, reply: Reply) -> Page:
        points = json.loads(reply.body)["points"]
        if pull.data_type == WATCHES.name:
            return Page(syncs=(DeviceSync("w", SYNCED),), snapshots=(Snapshot("w", "{}"),))
        if pull.data_type == CARD.name:
            return Page(zone="Asia/Kolkata", snapshots=(Snapshot("card", "{}"),))
        return Page(
            readings=(Readings("samples", "watch", 19_800, [(at, at % 97, None) for at in points]),)
        )

    def learn(self, _pull: Pull, _reply: Reply) -> tuple[Lesson, ...]:
        return ()

    def adapted(self, data_type: DataType, _lessons: Sequence[Lesson]) -> DataType:
        return data_type


class Server:
    """The other side of `Pages`."""

    def __init__(self, per_page: int) -> None:
        self.asked: list[Request] = []
        self._per_page = per_page

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        yield self._send

    async def _send(self, request: Request) -> Reply:
        self.asked.append(request)
        body = {"points": [0]} if request.json is None else self._page(json.loads(request.json))
        at = datetime.fromisoformat(NOW)
        return Reply(200, {}, json.dumps(body).encode(), at)

    def _page(self, asked: dict[str, str]) -> dict[str, object]:
        start, end = (datetime.fromisoformat(asked[key]) for key in ("start", "end"))
        hours = [
            start + timedelta(hours=n) for n in range(int((end - start).total_seconds()) // 3600)
        ]
        first = int(asked["page"] or 0)
        page = hours[first : first + self._per_page]
        more = first + self._per_page < len(hours)
        return {
            "points": [int(at.timestamp() * 1000) for at in page],
            "next": str(first + self._per_page) if more else "",
        }


class Tokens:
    async def bearer(self) -> str:
        return "a-token"

    async def replace(self, refused: str) -> str:
        return f"not {refused}"

    async def consented_at(self) -> None:
        return None

    async def scopes(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("per_page", [2, 7, 500])
async def test_pages_of_instants_by_post_end_up_whole_in_archive_and_index(
    tmp_path: Path, per_page: int
) -> None:
    clock, server, provider = FakeClock(NOW), Server(per_page), Pages()
    wants = Wants("alice", tuple(CATALOGUE.values()), timedelta(minutes=15))
    with AccountStore(tmp_path, provider.read, CATALOGUE) as store:
        engine = Engine(
            wants,
            provider,
            tokens=Tokens(),
            session=server.session,
            store=store,
            clock=clock,
            offload=inline,
            random=Random(1),
            time_url="https://pages.test/",
        )

        def asked(ledger: Ledger) -> tuple[Pull, ...]:
            assert ledger.zone == "Asia/Kolkata"
            return planner.asked(wants, ledger, clock.now(), (DAY, DAY))

        report = await engine.run_pass(asked)
    assert (report.outcome, report.failed) == ("ok", 0)
    hours = 2 * 24  # a day in Kolkata lies in two UTC days
    assert sum(request.json is not None for request in server.asked) == -(-hours // per_page)
    with closing(open_reader(tmp_path)) as db:
        rows = db.execute(
            "SELECT instant, value, at_local FROM readings ORDER BY instant"
        ).fetchall()
        assert len(rows) == hours
        assert all(value == instant % 97 for instant, value, _ in rows)
        assert rows[0][2] == "2027-02-19T05:30:00.000"
        days = db.execute("SELECT day, whole FROM coverage ORDER BY day").fetchall()
        assert days == [("2027-02-19", 1), ("2027-02-20", 1)]
        assert list(canonical_dump(db))
