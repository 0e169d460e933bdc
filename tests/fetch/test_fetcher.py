"""One pull to its last page: token, send, archive, judge, and again where nobody needs to act."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    FitbitdError,
    GoneError,
    OperatorError,
    RefusedError,
    ThrottledError,
    TransientError,
)
from fitbitd.fetch.fetcher import (
    ATTEMPTS,
    EMPTY_PAGES,
    PAGES,
    PAGES_OF_A_DAY,
    RETRY_FOR_S,
    Fetcher,
)
from fitbitd.fetch.pace import Pace
from fitbitd.model import (
    DataType,
    DataTypeName,
    Lesson,
    Outcome,
    OutcomeKind,
    Page,
    Pull,
    Quota,
    Reply,
    Request,
    Survey,
)
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.clock import FakeClock
from tests.support.fitbit_wire import pull, reply

API = "https://api.fitbit.com"
NIGHTS = pull("sleep", "2026-02-27")
FIRST = f"{API}/1.2/user/-/sleep/date/2026-02-27/2026-02-27.json"
EMPTY = reply({"sleep": []})
EXPIRED = reply({"errors": [{"errorType": "expired_token"}]}, 401)
DOWN = reply(b"<html>later</html>", 503)


def chance(seed: int = 7) -> Random:
    return Random(seed)


def page(next_page: str, nights: int = 2) -> Reply:
    return reply({"sleep": [{}] * nights, "pagination": {"next": next_page}})


class Keeper:
    """Tokens t0, t1, ...; `ends` raises at the first question."""

    def __init__(self, ends: FitbitdError | None = None) -> None:
        self.ends = ends
        self.number = 0
        self.refused: list[str] = []

    async def bearer(self) -> str:
        if self.ends:
            raise self.ends
        return f"t{self.number}"

    async def replace(self, refused: str) -> str:
        self.refused.append(refused)
        self.number += 1
        return f"t{self.number}"


class Scene:
    """A fetcher whose network answers from a script, in order."""

    def __init__(
        self,
        *script: Reply | FitbitdError,
        tokens: Keeper | None = None,
        forever: Callable[[Request], Reply] | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.tokens = tokens or Keeper()
        self.script = list(script)
        self.forever = forever
        self.sent: list[Request] = []
        self.recorded: list[tuple[Request, Reply]] = []
        self.takes_s = 0.0
        self.fetcher = Fetcher(FitbitProvider(API), self.tokens, self.clock, chance())

    async def send(self, request: Request) -> Reply:
        self.sent.append(request)
        self.clock.advance(self.takes_s)
        if self.forever:
            return self.forever(request)
        answer = self.script.pop(0)
        if isinstance(answer, FitbitdError):
            raise answer
        return answer

    async def record(self, request: Request, answer: Reply) -> None:
        assert len(self.recorded) < len(self.sent)
        self.recorded.append((request, answer))

    async def fetch(self, asked: Pull = NIGHTS) -> Outcome:
        return await self.fetcher.fetch(asked, self.send, self.record)

    async def fails(self, asked: Pull = NIGHTS) -> FitbitdError:
        with pytest.raises(FitbitdError) as caught:
            await self.fetch(asked)
        return caught.value

    @property
    def bearers(self) -> list[str]:
        return [dict(request.headers)["authorization"] for request in self.sent]


# pages


async def test_a_pull_of_one_page_is_complete() -> None:
    scene = Scene(EMPTY)
    assert await scene.fetch() == Outcome(OutcomeKind.COMPLETE, pages=1, points=0)
    assert [request.url for request in scene.sent] == [FIRST]
    assert (scene.fetcher.requests, scene.clock.slept) == (1, [])


async def test_a_pull_is_read_to_its_last_page() -> None:
    links = [f"{API}/1.2/user/-/sleep/list.json?offset={n}" for n in (1, 2)]
    scene = Scene(page(links[0]), page(links[1], nights=0), page("", nights=3))
    assert await scene.fetch() == Outcome(OutcomeKind.COMPLETE, pages=3, points=5)
    assert [request.url for request in scene.sent] == [FIRST, *links]
    assert len(scene.recorded) == scene.fetcher.requests == 3


async def test_pages_that_run_in_a_circle_end() -> None:
    link = f"{API}/1.2/user/-/sleep/list.json?offset=1"
    scene = Scene(page(link), page(link))
    assert type(await scene.fails()) is ContractError
    assert len(scene.recorded) == 2


async def test_a_pull_of_too_many_pages_is_to_be_halved() -> None:
    turned = iter(range(1000))
    scene = Scene(forever=lambda _: page(f"{API}/list.json?offset={next(turned)}"))
    came = await scene.fails(pull("sleep", "2026-02-20", "2026-02-27"))
    assert (type(came), came.code) == (RefusedError, "too_large")
    assert len(scene.sent) == PAGES


async def test_a_day_that_cannot_be_cut_may_have_many_small_pages() -> None:
    pages = [page(f"{API}/list.json?offset={n}") for n in range(2 * PAGES)]
    assert (await Scene(*pages, page("")).fetch()).pages == 2 * PAGES + 1
    turned = iter(range(1000))
    scene = Scene(forever=lambda _: page(f"{API}/list.json?offset={next(turned)}"))
    assert (await scene.fails()).code == "too_large"
    assert len(scene.sent) == PAGES_OF_A_DAY


async def test_pages_without_points_are_followed_only_so_far() -> None:
    empty = [page(f"{API}/list.json?offset={n}", nights=0) for n in range(EMPTY_PAGES - 1)]
    assert (await Scene(*empty, page("")).fetch()).complete
    turned = iter(range(1000))
    scene = Scene(forever=lambda _: page(f"{API}/list.json?offset={next(turned)}", nights=0))
    assert (await scene.fails()).code == "too_large"
    assert len(scene.sent) == EMPTY_PAGES


async def test_each_request_waits_for_its_turn_also_the_repeated_ones() -> None:
    scene = Scene(DOWN, page(f"{API}/list.json?offset=1"), EMPTY)
    pace = Pace(scene.clock, 2.0)
    scene.fetcher = Fetcher(FitbitProvider(API), scene.tokens, scene.clock, chance(), pace)
    began = scene.clock.monotonic()
    await scene.fetch()
    assert len(scene.sent) == 3
    assert scene.clock.monotonic() - began >= 1.0
    assert scene.clock.slept.count(0.5) >= 1


async def test_a_pull_of_just_as_many_pages_as_allowed_is_complete() -> None:
    pages = [page(f"{API}/list.json?offset={n}") for n in range(PAGES - 1)]
    outcome = await Scene(*pages, page("")).fetch(pull("sleep", "2026-02-20", "2026-02-27"))
    assert (outcome.complete, outcome.pages) == (True, PAGES)


@pytest.mark.parametrize("link", ["https://evil.example/x", "http://api.fitbit.com/x"])
async def test_no_token_follows_a_page_to_another_host(link: str) -> None:
    scene = Scene(page(link))
    assert type(await scene.fails()) is ContractError
    assert len(scene.sent) == 1


class Careless:
    """A provider that follows any link."""

    name = "careless"
    catalogue: Mapping[DataTypeName, DataType] = {}

    def request(self, _: Pull, page: str | None = None) -> Request:
        return Request("GET", page or FIRST)

    def judge(self, _: Reply) -> Quota | None:
        return None

    def survey(self, _pull: Pull, _reply: Reply) -> Survey:
        return Survey(1, "https://evil.example/x")

    def read(self, _pull: Pull, _reply: Reply) -> Page:
        return Page()

    def learn(self, _pull: Pull, _reply: Reply) -> tuple[Lesson, ...]:
        return ()

    def adapted(self, data_type: DataType, _lessons: Sequence[Lesson]) -> DataType:
        return data_type


async def test_the_fetcher_itself_keeps_the_token_at_home() -> None:
    scene = Scene(EMPTY, EMPTY)
    scene.fetcher = Fetcher(Careless(), scene.tokens, scene.clock, chance())
    assert type(await scene.fails()) is ContractError
    assert len(scene.sent) == 1


# tokens


async def test_the_token_is_added_last_and_not_archived() -> None:
    scene = Scene(EMPTY)
    await scene.fetch()
    assert scene.sent[0].headers == (("accept", "application/json"), ("authorization", "Bearer t0"))
    ((request, answer),) = scene.recorded
    assert (request.headers, answer) == ((("accept", "application/json"),), EMPTY)


async def test_every_request_asks_for_the_token_anew() -> None:
    scene = Scene(
        forever=lambda _: page("" if len(scene.sent) > 1 else f"{API}/list.json?offset=1")
    )
    send = scene.send

    async def renewed_meanwhile(request: Request) -> Reply:
        scene.tokens.number += 1
        return await send(request)

    await scene.fetcher.fetch(NIGHTS, renewed_meanwhile, scene.record)
    assert scene.bearers == ["Bearer t0", "Bearer t1"]


async def test_a_refused_token_is_replaced_once_and_the_request_repeated_once() -> None:
    scene = Scene(EXPIRED, EMPTY)
    assert (await scene.fetch()).complete
    assert scene.tokens.refused == ["t0"]
    assert scene.bearers == ["Bearer t0", "Bearer t1"]
    assert [answer.status for _, answer in scene.recorded] == [401, 200]
    assert scene.clock.slept == []


async def test_a_new_token_that_is_refused_as_well_needs_the_wearer() -> None:
    scene = Scene(EXPIRED, EXPIRED)
    came = await scene.fails()
    assert type(came) is AuthorizationError
    assert scene.tokens.refused == ["t0"]
    assert "t1" not in str(came)


async def test_a_repeat_that_meets_an_outage_still_counts_as_the_one() -> None:
    scene = Scene(EXPIRED, DOWN, EXPIRED)
    assert type(await scene.fails()) is AuthorizationError
    assert scene.tokens.refused == ["t0"]


async def test_each_page_may_meet_one_expired_token() -> None:
    scene = Scene(EXPIRED, page(f"{API}/list.json?offset=1"), EXPIRED, page(""))
    assert (await scene.fetch()).complete
    assert scene.tokens.refused == ["t0", "t1"]


@pytest.mark.parametrize(
    "error", [AuthorizationError("x"), TransientError("lock"), OperatorError("x")]
)
async def test_what_the_keeper_says_ends_the_pull_at_once(error: FitbitdError) -> None:
    scene = Scene(EMPTY, tokens=Keeper(error))
    assert await scene.fails() is error
    assert (scene.sent, scene.clock.slept) == ([], [])


# again


async def test_what_nobody_needs_to_act_on_is_tried_again_with_full_jitter() -> None:
    scene = Scene(DOWN, TransientError("reset"), DOWN, EMPTY)
    assert (await scene.fetch()).complete
    random = chance()
    assert scene.clock.slept == [random.uniform(0, most) for most in (4.0, 8.0, 16.0)]
    assert [answer.status for _, answer in scene.recorded] == [503, 503, 200]
    assert scene.fetcher.requests == 4


async def test_a_request_is_tried_a_few_times_and_then_left_to_the_next_pass() -> None:
    last = TransientError("the last")
    scene = Scene(DOWN, DOWN, DOWN, last)
    assert await scene.fails() is last
    assert len(scene.sent) == ATTEMPTS


async def test_a_request_that_took_long_to_fail_is_not_tried_again() -> None:
    scene = Scene(DOWN, EMPTY)
    scene.takes_s = RETRY_FOR_S
    assert type(await scene.fails()) is TransientError
    assert (len(scene.sent), scene.clock.slept) == (1, [])


async def test_trying_again_ends_within_half_a_minute() -> None:
    for seed in range(50):
        scene = Scene(forever=lambda _: DOWN)
        scene.takes_s = 7.0
        scene.fetcher = Fetcher(FitbitProvider(API), scene.tokens, scene.clock, chance(seed))
        begun = scene.clock.monotonic()
        await scene.fails()
        assert scene.clock.monotonic() - begun <= RETRY_FOR_S + scene.takes_s


REFUSALS: list[tuple[Reply, type[FitbitdError]]] = [
    (reply({"errors": [{"errorType": "insufficient_scope"}]}, 403), RefusedError),
    (reply({"errors": [{"errorType": "invalid_client"}]}, 401), OperatorError),
    (reply(b"", 410), GoneError),
    (reply({}, 429), ThrottledError),
    (reply({"unknown": 1}), ContractError),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_what_will_not_change_in_seconds_is_not_tried_again(
    answer: Reply, kind: type[FitbitdError]
) -> None:
    scene = Scene(answer)
    assert type(await scene.fails()) is kind
    assert (len(scene.sent), len(scene.recorded), scene.clock.slept) == (1, 1, [])


async def test_an_archive_that_cannot_be_written_ends_the_pull() -> None:
    scene = Scene(EMPTY)
    full = OperatorError("full", code="disk_full")

    async def record(_request: Request, _reply: Reply) -> None:
        raise full

    with pytest.raises(OperatorError) as caught:
        await scene.fetcher.fetch(NIGHTS, scene.send, record)
    assert caught.value is full


# quota


def rate(left: int) -> dict[str, str]:
    return {
        "fitbit-rate-limit-limit": "150",
        "fitbit-rate-limit-remaining": str(left),
        "fitbit-rate-limit-reset": "1200",
    }


async def test_the_quota_last_said_is_kept_when_an_answer_says_none() -> None:
    bodies: list[Any] = [{"sleep": [], "pagination": {"next": f"{API}/x?{n}"}} for n in range(2)]
    first, second = (
        reply(body, 200, rate(left)) for body, left in zip(bodies, (9, 8), strict=True)
    )
    scene = Scene(first, second, EMPTY)
    assert scene.fetcher.quota is None
    await scene.fetch()
    assert scene.fetcher.quota == Quota(150, 8, datetime(2026, 3, 1, 11, tzinfo=UTC))


async def test_a_throttled_pull_says_until_when_with_a_margin_and_is_not_sent_again() -> None:
    margins = set()
    for seed in range(50):
        scene = Scene(reply({}, 429, rate(0)))
        scene.fetcher = Fetcher(FitbitProvider(API), scene.tokens, scene.clock, chance(seed))
        came = await scene.fails()
        assert isinstance(came, ThrottledError)
        margins.add(came.until - datetime(2026, 3, 1, 11, tzinfo=UTC))
        assert (len(scene.sent), scene.clock.slept) == (1, [])
    assert timedelta(seconds=30) <= min(margins) < timedelta(seconds=50)
    assert timedelta(seconds=100) < max(margins) <= timedelta(seconds=120)


async def test_a_provider_that_is_gone_gets_no_margin() -> None:
    came = await Scene(reply(b"", 410)).fails()
    assert isinstance(came, GoneError)
    assert came.until == EMPTY.received_at + timedelta(days=1)
