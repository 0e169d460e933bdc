import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from fitbitd.clock import inline
from fitbitd.errors import AuthorizationError, OperatorError, TransientError
from fitbitd.model import AccountName, Reply, Request
from fitbitd.oauth import consent, token
from fitbitd.oauth.grant import FITBIT, GOOGLE, App, Client, Endpoints
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.listener import LoopbackListener
from fitbitd.oauth.token import TokenState
from fitbitd.oauth.token_file import TokenFile, TokenLock
from tests.support.clock import FakeClock
from tests.support.token_endpoint import TokenEndpoint

ENDPOINTS = Endpoints("https://a.example/", "https://t.example/token", "https://t.example/revoke")


class Desk:
    """A person at the keyboard, and the provider's token endpoint."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.endpoint = TokenEndpoint(self.clock.now)
        self.path = folder / "alice" / "token.json"
        self.answers: list[tuple[int, object]] = []
        self.lost = 0
        self.posted: list[Request] = []
        self.learned: set[str] = set()
        self.keeper = self.new_keeper()

    def new_keeper(self) -> Keeper:
        return Keeper(
            account=AccountName("alice"),
            app=App(FITBIT, Client("23XXXX", "client-secret"), ENDPOINTS),
            file=TokenFile(self.path),
            lock=TokenLock(self.path.with_name("token.lock"), self.clock, inline),
            send=self.send,
            clock=self.clock,
            offload=inline,
            learn_secret=self.learned.add,
        )

    async def send(self, request: Request) -> Reply:
        self.posted.append(request)
        if self.answers:
            status, body = self.answers.pop(0)
            return Reply(status, {}, json.dumps(body).encode(), self.clock.now())
        status, raw = self.endpoint.handle(dict(request.form or ()))
        if self.lost:
            self.lost -= 1
            raise TransientError("connection reset")
        return Reply(status, {}, raw, self.clock.now())

    async def consent(self) -> None:
        grant = await consent.exchange(self.keeper, "c0de", verifier="v", redirect_uri="http://l/")
        await consent.keep(self.keeper, grant)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_code_becomes_a_grant_that_a_running_keeper_sees(desk: Desk) -> None:
    daemon = desk.new_keeper()
    await daemon.tend()
    await desk.consent()
    assert dict(desk.posted[0].form or ())["code_verifier"] == "v"
    await daemon.tend()
    assert daemon.describe(desk.clock.now()).state is TokenState.FRESH
    assert await daemon.bearer() == "access-1"
    assert {"access-1", "refresh-1"} <= desk.learned
    assert (await daemon.grant()).consented_at == desk.clock.now()


async def test_a_refused_code_says_what_a_code_is_good_for(desk: Desk) -> None:
    desk.answers = [(400, {"errors": [{"errorType": "invalid_grant"}]})]
    with pytest.raises(AuthorizationError, match="good once, for ten minutes"):
        await desk.consent()
    assert not desk.path.exists()


async def test_the_consent_of_another_person_is_refused_and_changes_nothing(desk: Desk) -> None:
    await desk.consent()
    before = desk.path.read_text()
    other = replace(await desk.keeper.grant(), user_id="XYZ999")
    for grant in (other, replace(other, user_id="")):
        with pytest.raises(OperatorError, match="another person") as caught:
            await consent.keep(desk.keeper, grant)
        assert caught.value.code == "wrong_person"
    assert desk.path.read_text() == before


async def test_a_new_consent_ends_a_rejection_and_remembers_how_long_the_last_one_lived(
    desk: Desk,
) -> None:
    await desk.consent()
    desk.clock.advance(7 * 86_400)
    desk.endpoint.revoked.append("all")
    with pytest.raises(AuthorizationError):
        await desk.keeper.bearer()
    desk.endpoint.revoked.clear()
    await desk.consent()
    assert await desk.keeper.bearer() == "access-2"
    assert (await desk.keeper.grant()).consents_lived_s == (7 * 86_400,)


async def test_a_corrupt_file_is_set_aside_by_a_new_consent(desk: Desk) -> None:
    desk.path.parent.mkdir()
    desk.path.write_text("{half")
    await desk.consent()
    (aside,) = desk.path.parent.glob("token.json.corrupt-*")
    assert aside.read_text() == "{half"
    assert await desk.keeper.bearer() == "access-1"


async def test_the_grant_of_another_provider_is_not_compared(desk: Desk) -> None:
    await desk.consent()
    grant = await desk.keeper.grant()
    desk.keeper.file.write(replace(grant, provider="google_health", user_id="other"))
    assert await consent.keep(desk.keeper, grant) is None


# Import


async def test_the_original_scripts_file_is_refreshed_once_and_kept(
    desk: Desk, tmp_path: Path
) -> None:
    script = tmp_path / "tokens.txt"
    script.write_bytes(b"access-0\r\nrefresh-0\r\n\r\n")
    grant = await consent.import_file(desk.keeper, script)
    assert (grant.user_id, grant.access_token) == ("ABC123", "access-1")
    await consent.keep(desk.keeper, grant)
    assert await desk.keeper.bearer() == "access-1"
    assert sorted(path.name for path in desk.path.parent.iterdir()) == ["token.json", "token.lock"]
    assert script.read_bytes().startswith(b"access-0")


async def test_an_import_of_another_persons_lines_costs_neither_grant(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.consent()
    desk.keeper.file.write(replace(await desk.keeper.grant(), user_id="XYZ999"))
    before = desk.path.read_text()
    script = tmp_path / "tokens.txt"
    pair = desk.endpoint.issue("")
    script.write_text(f"{pair.access_token}\n{pair.refresh_token}\n")
    with pytest.raises(OperatorError, match="another person"):
        await consent.keep(desk.keeper, await consent.import_file(desk.keeper, script))
    assert desk.path.read_text() == before
    kept = token.from_json(desk.path.with_name("token.json.import").read_text())
    assert kept.refresh_token == desk.endpoint.pair.refresh_token


async def test_an_import_that_broke_off_is_gone_on_with(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "tokens.txt"
    script.write_text("access-0\nrefresh-0")
    desk.lost = 1
    with pytest.raises(TransientError):
        await consent.import_file(desk.keeper, script)
    await consent.import_file(desk.keeper, script)  # and never kept
    desk.clock.advance(3600)
    grant = await consent.import_file(desk.keeper, script)
    await consent.keep(desk.keeper, grant)
    assert await desk.keeper.bearer() == "access-1"
    assert desk.endpoint.late == []


async def test_another_token_file_is_imported_as_it_is(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text("\n" + desk.endpoint.token_file())
    await consent.keep(desk.keeper, await consent.import_file(desk.keeper, copy))
    assert await desk.keeper.bearer() == "access-0"
    assert desk.posted == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "two lines"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not text"),
        (None, "No such file"),
    ],
)
async def test_a_file_that_cannot_be_imported_is_named(
    desk: Desk, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "copy.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperatorError, match=words) as caught:
        await consent.import_file(desk.keeper, path)
    assert str(path) in str(caught.value)


async def test_a_grant_of_another_provider_or_one_that_ended_is_not_imported(
    desk: Desk, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text(desk.endpoint.token_file().replace("fitbit", "google_health"))
    with pytest.raises(OperatorError, match="a grant of google_health"):
        await consent.import_file(desk.keeper, copy)
    ended = token.rejecting(token.from_json(desk.endpoint.token_file()), desk.clock.now())
    copy.write_text(token.to_json(ended))
    with pytest.raises(AuthorizationError):
        await consent.import_file(desk.keeper, copy)


def googles(desk: Desk, copy: Path, **changes: object) -> None:
    """Let the desk be one at Google, and write a token file to import."""
    desk.keeper.app = App(GOOGLE, Client("id", "client-secret"), ENDPOINTS)
    document = json.loads(desk.endpoint.token_file()) | {"provider": "google_health", **changes}
    copy.write_text(json.dumps(document))


async def test_tokens_that_stay_are_made_fresh_by_an_import(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    googles(desk, copy)
    assert (await consent.import_file(desk.keeper, copy)).access_token == "access-0"
    assert desk.posted == []  # it is fresh as it is
    googles(desk, copy, expires_at=desk.clock.now().isoformat(), refresh_token="1//0")
    desk.answers = [(200, {"access_token": "ya29.1", "expires_in": 3599})]
    grant = await consent.import_file(desk.keeper, copy)
    assert (grant.access_token, grant.refresh_token) == ("ya29.1", "1//0")
    assert not desk.path.exists()
    await consent.keep(desk.keeper, grant)
    assert sorted(path.name for path in desk.path.parent.iterdir()) == ["token.json", "token.lock"]


async def test_an_ended_grant_of_google_names_the_likely_cause(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    googles(
        desk, copy, rejected_at="2026-03-08T12:00:00Z", refresh_expires_at="2026-03-08T12:00:00Z"
    )
    with pytest.raises(AuthorizationError, match="apps in Testing after 7 days"):
        await consent.import_file(desk.keeper, copy)
    assert desk.posted == []


# Revocation


async def test_a_revoked_grant_stops_a_running_keeper_and_keeps_whose_it_was(desk: Desk) -> None:
    await desk.consent()
    daemon = desk.new_keeper()
    await daemon.tend()
    await consent.revoke(desk.keeper)
    assert desk.endpoint.revoked == ["refresh-1"]
    await daemon.tend()
    with pytest.raises(AuthorizationError, match="fitbitd revoke"):
        await daemon.bearer()
    assert token.from_json(desk.path.read_text()).user_id == "ABC123"


async def test_a_revocation_that_is_not_confirmed_changes_nothing(desk: Desk) -> None:
    await desk.consent()
    before = desk.path.read_text()
    desk.answers = [(503, {})]
    with pytest.raises(TransientError):
        await consent.revoke(desk.keeper)
    assert desk.path.read_text() == before


# The listener


async def ask(listener: LoopbackListener, request: str) -> str:
    port = int(listener.redirect_uri.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def get(listener: LoopbackListener, target: str) -> str:
    return await ask(listener, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")


async def test_the_browser_that_comes_back_brings_the_code() -> None:
    async with LoopbackListener("http://127.0.0.1:0/cb", state="st") as listener:
        assert (await get(listener, "/favicon.ico")).startswith("HTTP/1.1 404")
        assert (await ask(listener, "POST /cb HTTP/1.1\r\n\r\n")).startswith("HTTP/1.1 404")
        assert (await ask(listener, "\r\n\r\n")).startswith("HTTP/1.1 404")
        refused = await get(listener, "/cb?code=evil&state=other")
        assert refused.startswith("HTTP/1.1 400")
        assert "evil" not in refused
        assert (await get(listener, "/cb")).startswith("HTTP/1.1 400")
        page = await get(listener, "/cb?code=c0de&state=st")
        assert page.startswith("HTTP/1.1 200")
        assert "c0de" not in page
        assert (await get(listener, "/cb?code=again&state=st")).startswith("HTTP/1.1 200")
        assert await listener.code() == "c0de"


async def test_a_browser_that_brings_a_no_ends_the_wait() -> None:
    async with LoopbackListener("http://localhost:0/", state="st") as listener:
        page = await get(listener, "/?error=access_denied&state=st")
        assert "declined" in page
        await get(listener, "/?error=access_denied&state=st")
        with pytest.raises(AuthorizationError, match="declined"):
            await listener.code()


async def test_leaving_early_closes_every_door() -> None:
    async with LoopbackListener("http://localhost:0/", state="st") as listener:
        port = int(listener.redirect_uri.split(":")[2].strip("/"))
        _, idle = await asyncio.open_connection("127.0.0.1", port)
        await get(listener, "/?error=access_denied&state=st")
        waiting = asyncio.create_task(listener.code())
        waiting.cancel()
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    "uri",
    ["https://127.0.0.1:8765/", "http://example.org:80/", "http://127.0.0.1/", "http://[::1]:x/"],
)
async def test_an_address_that_is_not_ours_to_listen_on_is_refused(uri: str) -> None:
    with pytest.raises(OperatorError, match="--paste"):
        async with LoopbackListener(uri, state="st"):
            raise AssertionError


async def test_a_port_in_use_is_said() -> None:
    async with LoopbackListener("http://127.0.0.1:0/", state="st") as first:
        with pytest.raises(OperatorError, match="Cannot listen"):
            async with LoopbackListener(first.redirect_uri, state="st"):
                raise AssertionError
