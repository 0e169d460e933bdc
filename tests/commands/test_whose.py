"""Whose consent it is: asked with patience, and never guessed."""

from pathlib import Path
from random import Random

import httpx  # noqa: TID251 - stands for the network
import pytest

from fitbitd.assembly import AccountParts, World, parts
from fitbitd.clock import inline
from fitbitd.commands.whose import identified
from fitbitd.config import ENDPOINTS, AccountSettings, Settings
from fitbitd.errors import AuthorizationError, FitbitdError, OperatorError, TransientError
from fitbitd.fetch.transport import Network
from fitbitd.model import AccountName
from fitbitd.oauth.token import Grant
from tests.support.clock import FakeClock
from tests.support.google import ME, body

IDENTITY = (200, body("account/identity.json"))
TROUBLE = (503, body("errors/503-unavailable.json"))


def account(folder: Path, provider: str) -> AccountParts:
    alice = AccountSettings(AccountName("alice"), provider, "id", ())
    return parts(Settings(folder, (alice,), ENDPOINTS), alice)


class Desk:
    """A grant that was just given, and what is answered to it."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.clock = FakeClock()
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        now = self.clock.now()
        self.grant = Grant("google_health", "ya29.a", "r", now, now)
        self.world = World(
            clock=self.clock,
            offload=inline,
            network=Network(self.clock, transport=httpx.MockTransport(self.answer)),
            random=Random(1),
            environ={},
            learn_secret=lambda _: None,
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        status, content = self.answers.pop(0)
        return httpx.Response(status, content=content)


async def test_google_is_asked_with_the_token_that_was_just_given(tmp_path: Path) -> None:
    desk = Desk(IDENTITY)
    grant, person = await identified(account(tmp_path, "google_health"), desk.grant, desk.world)
    assert (grant.user_id, person and person.legacy_id) == (ME, "AAAAAA")
    (request,) = desk.asked
    assert str(request.url) == "https://health.googleapis.com/v4/users/me/identity"
    assert request.headers["authorization"] == "Bearer ya29.a"


async def test_whose_it_is_where_the_token_endpoint_tells_it_is_not_asked(tmp_path: Path) -> None:
    desk = Desk()
    assert await identified(account(tmp_path, "fitbit"), desk.grant, desk.world) == (
        desk.grant,
        None,
    )


async def test_a_consent_outlasts_short_trouble_of_the_provider(tmp_path: Path) -> None:
    desk = Desk(TROUBLE, TROUBLE, TROUBLE, IDENTITY)
    grant, _ = await identified(account(tmp_path, "google_health"), desk.grant, desk.world)
    assert grant.user_id == ME
    assert desk.clock.slept == [1, 5, 15]


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ([TROUBLE] * 4, TransientError, "provider_unreachable"),
        ([(400, body("errors/400-account-not-linked.json"))], OperatorError, "account_not_linked"),
        ([(412, body("errors/412-profile-not-ready.json"))], OperatorError, "profile_not_ready"),
        ([(403, body("errors/403-service-disabled.json"))], OperatorError, "service_disabled"),
    ],
)
async def test_who_cannot_be_told_is_not_let_in(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answers: list[tuple[int, bytes]],
    kind: type[FitbitdError],
    code: str,
) -> None:
    desk = Desk(*answers)
    with pytest.raises(kind) as caught:
        await identified(account(tmp_path, "google_health"), desk.grant, desk.world)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert not isinstance(caught.value, AuthorizationError)
    assert "run fitbitd authorize alice again" in capsys.readouterr().err
