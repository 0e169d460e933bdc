import asyncio
import errno
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fitbitd.clock import inline
from fitbitd.errors import (
    AuthorizationError,
    ContractError,
    FitbitdError,
    GoneError,
    OperatorError,
    ThrottledError,
    TransientError,
)
from fitbitd.model import AccountName, Reply, Request
from fitbitd.oauth import token
from fitbitd.oauth.grant import FITBIT, GOOGLE, App, Client, Endpoints, Flavour
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.token import Grant, TokenState
from fitbitd.oauth.token_file import TokenFile, TokenLock
from tests.support.clock import FakeClock
from tests.support.token_endpoint import TokenEndpoint

GOOGLE_BODIES = Path(__file__).parents[1] / "data" / "google_health" / "oauth"
ENDPOINTS = Endpoints("https://a.example/", "https://t.example/token", "https://t.example/revoke")
LOST_ON_THE_WAY, LOST_ON_THE_WAY_BACK = "request", "answer"
Fault = str | tuple[int, object, dict[str, str]]


class Disk(TokenFile):
    """A token file whose disk fails when told to, and which counts how often it is read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full: set[str] = set()
        self.reads = 0

    def read(self) -> Grant | None:
        self.reads += 1
        return super().read()

    def _overwrite(self, path: Path, content: bytes) -> None:
        if path.suffix in self.full and (path.suffix != ".room" or content.strip()):
            raise OSError(errno.ENOSPC, "No space left on device")
        if "reserve" in self.full and not content.strip():
            raise OSError(errno.ENOSPC, "No space left on device")
        super()._overwrite(path, content)


class House:
    """One account with its file, and the provider's token endpoint with faults to order."""

    def __init__(self, folder: Path, *, life_s: int = 28_800) -> None:
        self.clock = FakeClock()
        self.endpoint = TokenEndpoint(self.clock.now, life_s)
        self.disk = Disk(folder / "alice" / "token.json")
        self.disk.path.parent.mkdir(parents=True, exist_ok=True)
        self.disk.path.write_text(self.endpoint.token_file())
        self.faults: list[Fault] = []
        self.posted_at: list[datetime] = []
        self.learned: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None
        self.keeper = self.new_keeper()

    def new_keeper(self, flavour: Flavour = FITBIT) -> Keeper:
        """Start as a new process would."""
        return Keeper(
            account=AccountName("alice"),
            app=App(flavour, Client("23XXXX", "client-secret"), ENDPOINTS),
            file=self.disk,
            lock=TokenLock(self.disk.path.with_name("token.lock"), self.clock, inline),
            send=self.send,
            clock=self.clock,
            offload=inline,
            learn_secret=self.learned.add,
        )

    async def send(self, request: Request) -> Reply:
        self.posted_at.append(self.clock.now())
        self.meanwhile()
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, tuple):
            status, body, headers = fault
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return Reply(status, headers, raw, self.clock.now())
        if fault == LOST_ON_THE_WAY:
            raise TransientError("no route")
        status, raw = self.endpoint.handle(dict(request.form or ()))
        if fault == LOST_ON_THE_WAY_BACK:
            raise TransientError("connection reset")
        return Reply(status, {}, raw, self.clock.now())

    def on_disk(self) -> Grant:
        return token.from_json(self.disk.path.read_text())

    async def tend_for(self, seconds: float) -> None:
        """Let the token job run as its own answers order it."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            at = await self.keeper.tend()
            assert self.clock.now() <= at <= self.clock.now() + timedelta(minutes=1)
            if at > end:
                self.clock.advance((end - self.clock.now()).total_seconds())
                return
            self.clock.advance((at - self.clock.now()).total_seconds())

    def waits_s(self) -> list[float]:
        """Give the seconds between the POSTs."""
        pairs = zip(self.posted_at, self.posted_at[1:], strict=False)
        return [(after - before).total_seconds() for before, after in pairs]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# A quiet life


async def test_a_fresh_token_is_given_without_a_request_or_a_second_reading(house: House) -> None:
    for _ in range(5):
        assert await house.keeper.bearer() == "access-0"
        await house.keeper.tend()
    assert house.endpoint.sent == []
    assert house.disk.reads == 1


@pytest.mark.parametrize("life_s", [60, 3600, 28_800])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
async def test_no_token_can_die_under_way_and_no_life_sees_two_refreshes(
    tmp_path_factory: pytest.TempPathFactory, life_s: int, data: st.DataObject
) -> None:
    house = House(tmp_path_factory.mktemp("house"), life_s=life_s)
    began = house.clock.now()
    gaps = data.draw(st.lists(st.floats(0, life_s), max_size=8))
    tended = data.draw(st.booleans())
    for gap_s in gaps:
        if tended:
            await house.tend_for(gap_s)
        else:
            house.clock.advance(gap_s)
        assert house.endpoint.left_s(await house.keeper.bearer()) > 5
    assert len(house.endpoint.sent) == len(set(house.endpoint.sent)) == house.endpoint.rotations
    lived_s = (house.clock.now() - began).total_seconds()
    assert house.endpoint.rotations <= lived_s / (0.8 * life_s) + 1
    if tended:
        assert house.endpoint.left_s(house.on_disk().access_token) > life_s / 5 - 1


async def test_room_and_intention_are_on_disk_before_the_request_and_the_pair_before_its_use(
    house: House,
) -> None:
    seen: list[tuple[Grant, int]] = []
    room = house.disk.path.with_name("token.json.room")
    house.meanwhile = lambda: seen.append((house.on_disk(), room.stat().st_size))
    house.clock.advance(25_000)
    sent_at = house.clock.now()
    access = await house.keeper.bearer()
    ((intention, room_bytes),) = seen
    assert intention.refresh_sent_at == sent_at
    assert room_bytes >= 8192
    on_disk = house.on_disk()
    assert access == on_disk.access_token == "access-1"
    assert on_disk.previous is not None
    assert on_disk.previous.refresh_token == "refresh-0"
    assert (on_disk.refresh_sent_at, on_disk.issued_at) == (None, sent_at)
    assert house.learned == {"access-0", "refresh-0", "access-1", "refresh-1"}


async def test_many_askers_send_one_refresh(house: House) -> None:
    house.clock.advance(25_000)
    gate = asyncio.Event()
    send = house.keeper.send

    async def slow(request: Request) -> Reply:
        await gate.wait()
        return await send(request)

    house.keeper.send = slow
    askers = [asyncio.create_task(house.keeper.bearer()) for _ in range(5)]
    askers += [asyncio.create_task(house.keeper.replace("access-0")) for _ in range(3)]
    while not house.keeper._guard.locked():
        await turn()
    gate.set()
    assert set(await asyncio.gather(*askers)) == {"access-1"}
    assert len(house.posted_at) == 1


async def test_who_waited_for_a_refresh_that_failed_does_not_send_another_at_once(
    house: House,
) -> None:
    house.clock.advance(28_800)
    gate = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await gate.wait()
        return await house.send(request)

    house.keeper.send = slow
    house.faults = [LOST_ON_THE_WAY] * 9
    askers = [asyncio.create_task(house.keeper.bearer()) for _ in range(5)]
    while not house.keeper._guard.locked():
        await turn()
    gate.set()
    failures = await asyncio.gather(*askers, return_exceptions=True)
    assert [str(failure) for failure in failures] == ["no route"] * 5
    assert len(house.posted_at) == 1


async def test_who_waits_too_long_in_one_process_gives_up(house: House) -> None:
    house.clock.advance(25_000)
    house.keeper.patience_s = 0.02
    async with house.keeper._guard:
        assert await house.keeper.bearer() == "access-0"
    assert house.keeper.describe(house.clock.now()).trouble_code == "lock_held"
    house.clock.advance(1)
    assert await house.keeper.bearer() == "access-1"


async def turn() -> None:
    """Let the other tasks run."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done


async def test_what_another_process_refreshed_is_used_without_a_request(house: House) -> None:
    other = house.new_keeper()
    house.clock.advance(25_000)
    assert await other.bearer() == "access-1"
    assert await house.keeper.bearer() == "access-1"
    assert await house.keeper.replace("access-0") == "access-1"
    assert house.endpoint.sent == ["refresh-0"]


async def test_a_refused_token_is_replaced_by_one_refresh(house: House) -> None:
    assert await house.keeper.replace("access-0") == "access-1"
    assert await house.keeper.replace("access-0") == "access-1"
    assert house.endpoint.sent == ["refresh-0"]


async def test_a_refused_token_is_not_sent_again_while_no_other_can_be_had(house: House) -> None:
    house.faults = [LOST_ON_THE_WAY]
    with pytest.raises(TransientError, match="no route"):
        await house.keeper.replace("access-0")
    with pytest.raises(TransientError, match="no route"):
        await house.keeper.bearer()
    house.clock.advance(1)
    assert await house.keeper.bearer() == "access-1"


async def test_the_original_scripts_tokens_are_refreshed_at_once(house: House) -> None:
    grant = token.from_two_lines("access-0\r\nrefresh-0\n", "fitbit", house.clock.now())
    house.disk.write(grant)
    assert await house.keeper.bearer() == "access-1"
    assert house.on_disk().user_id == "ABC123"


# In doubt


@pytest.mark.parametrize(
    "fault",
    [
        LOST_ON_THE_WAY,
        LOST_ON_THE_WAY_BACK,
        (503, b"<html>maintenance</html>", {}),
        (500, {"errors": [{"errorType": "request"}]}, {}),
        (200, b'{"access_token": "acc', {}),
        (200, b"", {}),
    ],
)
async def test_a_lost_answer_costs_nothing(house: House, fault: Fault) -> None:
    house.clock.advance(25_000)
    house.faults = [fault] * 4
    assert await house.keeper.bearer() == "access-0"  # it serves until it ends
    assert token.state(house.on_disk(), house.clock.now()) is TokenState.IN_DOUBT
    await house.tend_for(70)
    assert await house.keeper.bearer() == "access-1"
    assert house.waits_s() == [1, 5, 15, 45]
    assert house.endpoint.late == []
    assert set(house.endpoint.sent) <= {"refresh-0"}


async def test_a_keeper_without_a_token_job_repeats_on_the_same_schedule(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY_BACK] * 3
    for _ in range(100):
        await house.keeper.bearer()
        house.clock.advance(0.5)
    assert house.waits_s() == [1, 5, 15]


async def test_a_restart_repeats_at_once(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY_BACK] * 4
    await house.tend_for(30)
    began = house.clock.now()
    house.keeper = house.new_keeper()
    assert await house.keeper.bearer() == "access-1"
    assert house.posted_at[-1] == began
    assert house.endpoint.rotations == 1


async def test_a_repeated_answer_that_is_old_by_now_is_refreshed_before_use(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, life_s=60)
    house.clock.advance(50)
    house.faults = [LOST_ON_THE_WAY_BACK] * 4
    await house.tend_for(66)
    house.clock.advance(0.1)
    assert house.endpoint.left_s(await house.keeper.bearer()) > 50
    assert house.endpoint.rotations == 2


async def test_an_outage_of_half_a_day_is_waited_out(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY] * 1000
    await house.tend_for(12 * 3600)
    assert max(house.waits_s()) == 900
    assert len(house.posted_at) < 300  # series of five: the answer to any attempt may be lost
    with pytest.raises(TransientError, match="no route"):
        await house.keeper.bearer()
    house.faults = []
    await house.tend_for(901)
    assert await house.keeper.bearer() == "access-1"
    assert house.endpoint.rotations == 1


async def test_a_power_cut_that_outlasts_the_window_is_told_as_it_was(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY_BACK]
    await house.keeper.bearer()
    house.clock.advance(600)
    with pytest.raises(AuthorizationError, match="no longer repeated"):
        await house.new_keeper().bearer()


async def test_an_answer_that_never_comes_is_given_up_and_the_lock_is_free(house: House) -> None:
    async def never(_: Request) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    house.clock.advance(28_800)
    house.keeper.send, house.keeper.deadline_s = never, 0.02
    with pytest.raises(TransientError, match="did not answer"):
        await house.keeper.bearer()
    assert await house.new_keeper().bearer() == "access-1"


async def test_a_cancelled_refresh_frees_the_locks_and_is_repeated(house: House) -> None:
    begun = asyncio.Event()
    send = house.keeper.send

    async def cut_off(request: Request) -> Reply:
        await send(request)
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.clock.advance(25_000)
    house.keeper.send = cut_off
    task = asyncio.create_task(house.keeper.bearer())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    house.keeper.send = send
    assert await house.keeper.bearer() == "access-1"
    assert house.endpoint.rotations == 1


# The disk


async def test_without_room_for_the_answer_nothing_is_sent(house: House) -> None:
    house.clock.advance(25_000)
    house.disk.full = {"reserve"}
    assert await house.keeper.bearer() == "access-0"
    assert house.posted_at == []
    assert house.keeper.describe(house.clock.now()).trouble_code == "disk_full"
    house.clock.advance(3800)
    with pytest.raises(OperatorError) as caught:
        await house.keeper.bearer()
    assert (caught.value.code, house.posted_at) == ("disk_full", [])


async def test_without_the_intention_on_disk_nothing_is_sent(house: House) -> None:
    house.clock.advance(25_000)
    house.disk.full = {".new"}
    assert await house.keeper.bearer() == "access-0"
    assert house.posted_at == []


async def test_a_pair_that_cannot_be_written_is_kept_unused_and_written_each_second(
    house: House,
) -> None:
    house.clock.advance(25_000)
    house.disk.full = {".room"}
    assert await house.keeper.bearer() == "access-0"
    house.disk.full = {".room", ".new"}
    for _ in range(300):  # longer than the provider would repeat it
        assert await house.keeper.tend() == house.clock.now() + timedelta(seconds=1)
        house.clock.advance(1)
        assert await house.keeper.bearer() == "access-0"
    assert (len(house.posted_at), house.endpoint.pair.used) == (1, False)
    house.disk.full = set()
    house.clock.advance(1)
    assert await house.keeper.bearer() == "access-1"
    assert house.on_disk().refresh_token == "refresh-1"
    assert (len(house.posted_at), house.endpoint.late) == (1, [])


@pytest.mark.parametrize("end", ["other process", "other consent", "revoke", "same pair"])
async def test_an_unwritten_pair_never_overwrites_what_the_file_has_become(
    house: House, end: str
) -> None:
    house.clock.advance(25_000)
    house.disk.full = {".room"}
    await house.keeper.bearer()
    house.disk.full = set()
    if end in {"other process", "same pair"}:  # it was in doubt: the answer is repeated to it
        other = house.new_keeper()
        await other.bearer()
        if end == "other process":
            await other.replace("access-1")
    elif end == "other consent":
        house.endpoint.issue("")
        house.disk.path.write_text(house.endpoint.token_file())
    else:
        house.disk.write(token.revoking(house.on_disk(), house.clock.now()))
    expected = house.on_disk().access_token
    house.clock.advance(1)
    if end == "revoke":
        with pytest.raises(AuthorizationError, match="fitbitd revoke"):
            await house.keeper.bearer()
    else:
        assert await house.keeper.bearer() == expected
    assert house.on_disk().access_token == expected


# Refusals


async def test_a_refused_refresh_token_ends_the_grant_and_everything_else_is_kept(
    house: House,
) -> None:
    before = house.on_disk()
    house.clock.advance(25_000)
    house.endpoint.revoked.append("all")
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(AuthorizationError, match="refuses our refresh token since"):
                await house.keeper.bearer()
            await house.tend_for(600)
    assert logs == [{"event": "token.rejected", "log_level": "error", "account": "alice"}]
    after = house.on_disk()
    assert after.rejected_at is not None
    assert (after.access_token, after.refresh_token, after.user_id) == (
        before.access_token,
        before.refresh_token,
        "ABC123",
    )
    assert len(house.posted_at) == 1
    house.endpoint.revoked.clear()
    house.endpoint.issue("")
    house.disk.path.write_text(house.endpoint.token_file())  # authorize, in another process
    await house.tend_for(60)
    assert house.keeper.describe(house.clock.now()).state is TokenState.FRESH
    assert await house.keeper.bearer() == "access-1"


async def test_a_refusal_that_crosses_a_new_consent_does_not_touch_it(house: House) -> None:
    house.clock.advance(25_000)

    def consent() -> None:
        house.endpoint.issue("")
        house.disk.path.write_text(house.endpoint.token_file())

    house.meanwhile = consent
    assert await house.keeper.bearer() == "access-1"
    assert house.on_disk().rejected_at is None


PLAIN_NOES: list[tuple[Fault, type[FitbitdError]]] = [
    ((401, {"errors": [{"errorType": "invalid_client"}]}, {}), OperatorError),
    ((400, {"errors": [{"errorType": "invalid_request"}]}, {}), ContractError),
    ((429, {"error": "rate_limit_exceeded"}, {"retry-after": "600"}), ThrottledError),
    ((410, b"gone", {}), GoneError),
]


@pytest.mark.parametrize(("fault", "kind"), PLAIN_NOES)
async def test_a_plain_no_leaves_the_grant_as_it_was(
    house: House, fault: Fault, kind: type[FitbitdError]
) -> None:
    before = house.on_disk()
    house.clock.advance(25_000)
    house.faults = [fault] * 20
    assert await house.keeper.bearer() == "access-0"
    assert house.on_disk() == before
    house.clock.advance(3800)
    with pytest.raises(kind):
        await house.keeper.bearer()
    house.faults = []
    await house.tend_for(86_500)
    assert await house.keeper.bearer() == house.on_disk().access_token != "access-0"


async def test_a_throttled_endpoint_is_left_alone_until_it_said(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [(429, b"", {"retry-after": "600"})]
    await house.tend_for(700)
    assert house.waits_s() == [630]


async def test_a_no_while_in_doubt_leaves_the_doubt(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY_BACK, (429, b"", {"retry-after": "1"})]
    await house.tend_for(2)
    assert token.state(house.on_disk(), house.clock.now()) is TokenState.IN_DOUBT
    await house.tend_for(40)
    assert await house.keeper.bearer() == "access-1"


# What the file says


async def test_an_account_that_was_never_authorized_says_so_and_sees_the_consent(
    house: House,
) -> None:
    text = house.disk.path.read_text()
    house.disk.path.unlink()
    with pytest.raises(AuthorizationError, match="never authorized"):
        await house.keeper.bearer()
    await house.tend_for(300)
    report = house.keeper.describe(house.clock.now())
    assert (report.state, report.trouble_code) == (None, "authorization_needed")
    house.disk.path.write_text(text)
    await house.tend_for(60)
    assert house.keeper.describe(house.clock.now()).state is TokenState.FRESH


async def test_a_corrupt_file_is_said_once_and_left_alone(house: House) -> None:
    house.disk.path.write_text("{")
    with capture_logs() as logs:
        await house.tend_for(600)
    assert [entry["code"] for entry in logs] == ["token_file"]
    with pytest.raises(OperatorError):
        await house.keeper.bearer()
    assert (house.disk.path.read_text(), house.posted_at) == ("{", [])
    house.disk.path.write_text(house.endpoint.token_file())
    assert await house.keeper.bearer() == "access-0"


async def test_the_tokens_of_one_provider_are_not_shown_to_another(house: House) -> None:
    house.clock.advance(25_000)
    with pytest.raises(OperatorError, match="a grant of fitbit"):
        await house.new_keeper(GOOGLE).bearer()
    assert house.posted_at == []


async def test_a_report_names_no_token(house: House) -> None:
    grant = await house.keeper.grant()
    report = house.keeper.describe(house.clock.now())
    assert report.state is TokenState.FRESH
    assert (report.expires_at, report.user_id, report.trouble) == (grant.expires_at, "ABC123", "")
    assert "access-0" not in repr(report) + repr(house.keeper)
    assert "refresh-0" not in repr(report) + repr(house.keeper)


async def test_the_log_tells_changes_and_not_repetitions(house: House) -> None:
    house.clock.advance(25_000)
    house.faults = [LOST_ON_THE_WAY] * 4
    with capture_logs() as logs:
        await house.tend_for(120)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("token.refresh_failed", "warning"),
        ("token.refreshed", "info"),
        ("token.recovered", "info"),
    ]
    assert logs[0] == {
        "event": "token.refresh_failed",
        "log_level": "warning",
        "account": "alice",
        "code": "provider_unreachable",
        "detail": "no route",
        "retry_s": 1,
    }
    assert logs[2]["failures"] == 4
    assert not {"access-1", "refresh-1"} & set(json.dumps(logs).split('"'))


async def test_a_clock_that_was_ahead_is_noticed(house: House) -> None:
    house.clock.step(-30 * 86_400)
    assert await house.keeper.bearer() == "access-1"
    house.clock.step(200 * 86_400)
    assert await house.keeper.bearer() == "access-2"


# Google


async def test_tokens_that_stay_are_refreshed_by_the_same_keeper(house: House) -> None:
    keeper = house.new_keeper(GOOGLE)
    house.disk.path.write_text(house.endpoint.token_file().replace("fitbit", "google_health"))
    house.clock.advance(25_000)
    on_disk: list[Grant] = []
    house.meanwhile = lambda: on_disk.append(house.on_disk())
    answer = {"access_token": "ya29.1", "expires_in": 3599, "scope": "sleep"}
    house.faults = [LOST_ON_THE_WAY, (200, answer, {})]
    assert await keeper.bearer() == "access-0"
    house.clock.advance(1)
    assert await keeper.bearer() == "ya29.1" == house.on_disk().access_token
    assert [grant.refresh_sent_at for grant in on_disk] == [None, None]
    assert house.on_disk().refresh_token == "refresh-0"


async def test_a_google_token_that_could_not_be_written_is_written_later(house: House) -> None:
    keeper = house.new_keeper(GOOGLE)
    house.disk.path.write_text(house.endpoint.token_file().replace("fitbit", "google_health"))
    house.faults = [(200, {"access_token": "ya29.1", "expires_in": 3599}, {})]
    house.disk.full = {".room"}
    with pytest.raises(OperatorError):
        await keeper.replace("access-0")
    house.clock.advance(1)
    house.disk.full = set()
    assert await keeper.bearer() == "ya29.1" == house.on_disk().access_token


@pytest.fixture
def googles(tmp_path: Path) -> House:
    """Give a house with a Google grant of an hour, whose app is in Testing."""
    house = House(tmp_path, life_s=3600)
    document = json.loads(house.endpoint.token_file())
    document |= {"provider": "google_health", "user_id": "1000000000000000001"}
    document |= {"refresh_expires_at": "2026-03-08T12:00:00Z", "scope": ["a", "b"]}
    house.disk.path.write_text(json.dumps(document))
    house.keeper = house.new_keeper(GOOGLE)
    return house


def recorded(name: str, status: int = 200) -> Fault:
    return status, (GOOGLE_BODIES / f"{name}.json").read_bytes(), {}


async def test_an_hours_token_is_refreshed_twelve_minutes_ahead(googles: House) -> None:
    googles.faults = [recorded("token-refresh")]
    begun = googles.clock.now()
    await googles.tend_for(3600)
    assert googles.posted_at == [begun + timedelta(minutes=48)]
    grant = googles.on_disk()
    assert grant.access_token == "ya29.FAKE-access-token-0003"
    assert grant.refresh_token == "refresh-0"  # none came: the old one stays
    assert (grant.user_id, len(grant.scope)) == ("1000000000000000001", 3)
    assert grant.refresh_expires_at == datetime.fromisoformat("2026-03-08T12:00:00Z")
    assert await googles.keeper.scopes() == grant.scope


async def test_a_refresh_token_that_comes_after_all_is_on_disk_before_its_first_use(
    googles: House,
) -> None:
    googles.clock.advance(3000)
    googles.faults = [recorded("token-exchange-production")]
    googles.disk.full = {".room"}
    assert await googles.keeper.bearer() == "access-0"  # the new pair is not on disk yet
    assert googles.on_disk().refresh_token == "refresh-0"
    googles.disk.full = set()
    googles.clock.advance(1)
    assert await googles.keeper.bearer() == "ya29.FAKE-access-token-0002"
    assert googles.on_disk().refresh_token == "1//0FAKE-refresh-token-0002"
    assert len(googles.posted_at) == 1


@pytest.mark.parametrize("name", ["bad-request", "expired-or-revoked"])
async def test_only_invalid_grant_ends_a_google_grant_and_the_likely_cause_is_told(
    googles: House, name: str
) -> None:
    googles.clock.advance(7 * 86_400)
    googles.faults = [recorded(f"400-invalid_grant-{name}", 400)]
    with pytest.raises(AuthorizationError, match="apps in Testing after 7 days: publish the app"):
        await googles.keeper.bearer()
    assert "Next: fitbitd authorize alice" in googles.keeper.describe(googles.clock.now()).trouble
    assert googles.on_disk().rejected_at == googles.clock.now()


async def test_a_google_grant_that_ends_early_names_the_other_causes(googles: House) -> None:
    googles.clock.advance(3000)
    googles.faults = [recorded("400-invalid_grant-expired-or-revoked", 400)]
    with pytest.raises(AuthorizationError, match=r"removes the app at https://myaccount\.google"):
        await googles.keeper.bearer()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (recorded("401-invalid_client", 401), "client_rejected"),
        ((401, {"error": "unauthorized_client"}, {}), "client_rejected"),
        ((400, {"error": "admin_policy_enforced"}, {}), "client_rejected"),
        (recorded("429-rate-limit", 429), "throttled"),
        ((500, {"error": "internal_failure"}, {}), "provider_unreachable"),
        ((502, b"<html>Error 502</html>", {}), "provider_unreachable"),
        ((400, b"<html>a portal</html>", {}), "provider_unreachable"),
        ((503, {"error": "invalid_grant"}, {}), "provider_unreachable"),
        (LOST_ON_THE_WAY, "provider_unreachable"),
    ],
)
async def test_nothing_else_ends_a_google_grant(googles: House, fault: Fault, code: str) -> None:
    before = googles.on_disk()
    googles.clock.advance(3000)
    googles.faults = [fault]
    assert await googles.keeper.bearer() == "access-0"
    report = googles.keeper.describe(googles.clock.now())
    assert (report.trouble_code, report.state) == (code, TokenState.STALE)
    assert googles.on_disk() == before
    googles.clock.advance(3600)
    googles.faults = [recorded("token-refresh")]
    assert await googles.keeper.bearer() == "ya29.FAKE-access-token-0003"


async def test_scopes_that_nobody_told_are_none(house: House) -> None:
    text = house.endpoint.token_file().replace('["heartrate", "sleep"]', "[]")
    house.disk.path.write_text(text)
    assert await house.keeper.scopes() == ()


def endless(body: dict[str, object]) -> Callable[[Request], Awaitable[Reply]]:
    async def send(_: Request) -> Reply:
        return Reply(200, {}, json.dumps(body).encode(), datetime.fromisoformat("2026-03-01T00Z"))

    return send


async def test_tokens_that_live_for_a_second_do_not_become_a_storm(house: House) -> None:
    house.clock.advance(28_800)
    sent = 0
    answer = endless({"access_token": "a", "refresh_token": "r", "expires_in": 1})

    async def count(request: Request) -> Reply:
        nonlocal sent
        sent += 1
        return await answer(request)

    house.keeper.send = count
    await house.tend_for(3600)
    assert sent < 40
