"""A clock is believed until something says otherwise, and asked about rarely."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fitbitd.clock_trust import RELEASED, ClockTrust
from fitbitd.errors import TransientError
from fitbitd.fetch.fetcher import Send
from fitbitd.model import Reply, Request
from tests.support.clock import FakeClock

NOW = "2027-03-10T10:00:00+00:00"
NEWEST = datetime(2027, 3, 10, 9, tzinfo=UTC)
DAY_S = 86_400.0


class Provider:
    """Tells a time in each answer; None is a provider that cannot be reached."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.ahead: timedelta | None = timedelta()
        self.date: str | None = None
        self.asked: list[Request] = []
        self.trust = ClockTrust(self.clock, self.session, "https://api.example.org/oauth2/token")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        yield self.send

    async def send(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.ahead is None:
            raise TransientError("no route")
        now = self.clock.now()
        date = self.date
        if date is None:
            date = format_datetime((now + self.ahead).replace(microsecond=0), usegmt=True)
        return Reply(404, {"date": date}, b"", now)

    async def doubts(self, newest: datetime | None = NEWEST) -> bool:
        code = ""
        try:
            await self.trust.check(newest)
        except TransientError as err:
            code = err.code
        assert code in {"", "clock_wrong"}
        assert self.trust.believed is not bool(code)
        return bool(code)


@pytest.fixture
def provider() -> Provider:
    return Provider()


async def test_a_clock_that_is_not_behind_the_archive_costs_no_question(provider: Provider) -> None:
    assert not await provider.doubts(None)
    assert not await provider.doubts(NEWEST)
    assert not await provider.doubts(NEWEST + timedelta(minutes=64))
    assert provider.asked == []


async def test_before_the_release_nobody_is_asked(provider: Provider) -> None:
    provider.clock.step((RELEASED - provider.clock.now()).total_seconds() - 1)
    assert await provider.doubts(None)
    assert await provider.doubts(NEWEST)
    assert provider.asked == []
    provider.clock.advance(1)
    assert not await provider.doubts(None)


async def test_behind_the_archive_the_provider_is_asked_without_a_token_each_quarter(
    provider: Provider,
) -> None:
    provider.ahead = timedelta(days=30)
    provider.clock.step(-30 * DAY_S)
    for _ in range(61):
        assert await provider.doubts()
        provider.clock.advance(60)
    assert len(provider.asked) == 5
    assert {(each.method, each.headers, each.form) for each in provider.asked} == {
        ("GET", (), None)
    }


@pytest.mark.parametrize("ahead_s", [299, -299])
async def test_agreement_within_five_minutes_lets_work_go_on(
    ahead_s: float, provider: Provider
) -> None:
    provider.clock.step(-30 * DAY_S)
    provider.ahead = timedelta(seconds=ahead_s)
    assert not await provider.doubts()
    provider.clock.advance(3 * DAY_S)
    assert not await provider.doubts()
    assert len(provider.asked) == 1  # it is remembered
    provider.ahead = timedelta(seconds=302)
    provider.clock.step(-10 * DAY_S)
    assert await provider.doubts()


async def test_what_was_agreed_holds_until_the_clock_steps_again(provider: Provider) -> None:
    provider.clock.step(-30 * DAY_S)
    assert not await provider.doubts()
    provider.clock.step(-10 * DAY_S)
    provider.ahead = timedelta(days=10)
    assert not provider.trust.believed
    assert await provider.doubts()


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 Foo 2027 10:00:00 GMT"])
async def test_an_answer_without_a_time_agrees_with_nothing(date: str, provider: Provider) -> None:
    provider.clock.step(-30 * DAY_S)
    provider.date = date
    assert await provider.doubts()


async def test_without_an_answer_the_doubt_stays(provider: Provider) -> None:
    provider.clock.step(-30 * DAY_S)
    provider.ahead = None
    assert await provider.doubts()
    provider.clock.step(30 * DAY_S)
    assert not await provider.doubts()
