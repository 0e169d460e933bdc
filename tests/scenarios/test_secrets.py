"""A day of faults at either provider, and every place where somebody could read a secret of it."""

import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx  # noqa: TID251 - what is about to reach the provider
import pytest

from fitbitd import checkup, logs
from fitbitd.assembly import AccountParts
from fitbitd.checkup import Machine
from fitbitd.commands.bundle import write_bundle
from fitbitd.commands.status import describe
from fitbitd.commands.status_page import page
from fitbitd.config import AccountSettings, NotifySettings
from fitbitd.logs import Redactor
from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from fitbitd.simulator.google_health import GoogleHealthSettings
from tests.support.household import Household, account_settings, google_account
from tests.support.journald import HeardJournal, Receiver
from tests.support.leaks import leaks

START = datetime(2027, 3, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TYPES = tuple(map(DataTypeName, ("daily_steps", "heart_rate", "sleep")))
PING = "http://127.0.0.1:11/ping"


class Overhearing(Redactor):
    """A redactor that keeps what events were before it cleaned them."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[dict[str, Any]] = []

    def __call__(self, logger: Any, method: str, event: Any) -> Any:
        """Keep the event, and clean it."""
        self.heard.append(dict(event))
        return super().__call__(logger, method, event)


def household(state_dir: Path, account: AccountSettings) -> Household:
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=3, member_since=START.date(), syncs=RegularSyncs(1800)),
        provider_settings=FitbitSettings(token_life_s=3600),
        google_settings=GoogleHealthSettings(
            token_life_s=3600, rotate_every=5, rotation_kills=False
        ),
        accounts=(account,),
        notify=NotifySettings(("tell",), PING),
    )
    home.authorize()
    return home


Strike = Callable[[httpx.Request], None]


def strike(home: Household, *methods: str, by: Strike) -> Callable[[], None]:
    """Have something happen to the next request of each of these methods."""

    def order() -> None:
        left = list(methods)

        def tap(request: httpx.Request) -> None:
            if str(request.url) != PING and request.method in left:
                left.remove(request.method)
                by(request)

        home.exchange.tap = tap

    return order


def echo(home: Household, status: int) -> Callable[[], None]:
    """Have the provider quote in its answers all that it was asked with."""

    def quoting(request: httpx.Request) -> None:
        told = f"Access token invalid: {all_of(request)}"
        fitbit = {"errors": [{"errorType": "invalid_request", "message": told}], "success": False}
        google = {"error": {"code": status, "message": told, "status": "INVALID_ARGUMENT"}}
        body = json.dumps(fitbit | google)
        home.simulator.faults.add(Fault(kind="body", status=status, body=body))

    return strike(home, "GET", "POST", "GET", "POST", by=quoting)


def crash(home: Household, error: Callable[[str], Exception]) -> Callable[[], None]:
    """Have a library break, once for data and once for a token, and quote what it was given."""

    def breaking(request: httpx.Request) -> None:
        raise error(all_of(request))

    return strike(home, "GET", "POST", by=breaking)


def all_of(request: httpx.Request) -> str:
    """Give address, headers and body, as they are and as people log them."""
    form = parse_qs(request.content.decode())
    return f"{request.url} {request.content.decode()} {form} {dict(request.headers)}"


def faults(home: Household) -> list[Callable[[], None]]:
    """Give what goes wrong, an hour each."""
    add, token = home.simulator.faults.add, r"/token$"

    def rule(kind: Any, path: str = "", count: int = 3, **more: Any) -> Callable[[], None]:
        return lambda: add(Fault(kind=kind, path=path, count=count, **more))

    return [
        rule("cut", token, 1),
        rule("html", token),
        rule("empty", token),
        rule("timeout", token, 1),
        rule("throttle", token, retry_after_s=60),
        rule("html"),
        rule("reset"),
        rule("cut"),
        rule("throttle", retry_after_s=60),
        *(echo(home, status) for status in (200, 302, 400, 401, 403, 404, 500)),
        crash(home, RuntimeError),
        crash(home, lambda told: UnicodeDecodeError("utf-8", told.encode(), 0, 1, "no")),
        crash(home, httpx.LocalProtocolError),
        home.simulator.revoke,
        home.authorize,
    ]


def read_everything(home: Household, redactor: Redactor) -> Iterator[tuple[str, bytes]]:
    """Give every text and file about the first account, but for its token file."""
    account: AccountParts = home.parts()
    now = home.clock.now()
    report, _ = describe(account, now)
    yield "status --json", json.dumps(report, default=str).encode()
    yield "status", page(report, now, whole=True).encode()
    machine = Machine(home.state_dir / "nowhere")
    looks = [*checkup.of_account(account, machine, home.environ, now)]
    yield "check --json", str(looks).encode()
    bundle = home.state_dir / "bundle"
    write_bundle(bundle, home.settings, [account], looks, redactor)
    yield "notify", json.dumps(home.news, default=str).encode()
    for path in home.state_dir.rglob("*"):
        if path.is_file() and path.name != "token.json":
            yield path.name, path.read_bytes()
            if path.suffix == ".gz":
                yield f"{path.name}, unpacked", gzip.decompress(path.read_bytes())


@pytest.mark.parametrize(
    "account",
    [
        account_settings(data_types=TYPES, poll_every=HOUR / 2),
        google_account(data_types=TYPES, poll_every=HOUR / 2),
    ],
    ids=lambda account: account.provider,
)
def test_a_day_of_faults_tells_no_secret_anywhere(
    account: AccountSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    receivers: tuple[Receiver, Receiver],
) -> None:
    journald, manager = receivers
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    home, redactor, lines = household(tmp_path / "s", account), Overhearing(), io.StringIO()
    home.learn_secret = redactor.add
    deeds = faults(home)
    home.at = [(START + (n + 1) * HOUR, deed) for n, deed in enumerate(deeds)]
    home.at += [
        (START + n * HOUR / 30, receiver.empty) for n in range(800) for receiver in receivers
    ]
    with closing(HeardJournal(journald)) as journal:
        logs.configure(lines, redactor, level=logging.DEBUG, journal=journal)
        home.live(12 * HOUR, monkeypatch=monkeypatch)
        home.restart()
        logs.configure(lines, redactor, level=logging.DEBUG, console=False)
        home.live((len(deeds) - 11) * HOUR, monkeypatch=monkeypatch)
    for receiver in receivers:
        receiver.empty()

    secrets = home.simulator.secrets
    assert len(secrets) > 20
    struck = {entry.fault for entry in home.simulator.log}
    assert struck >= {"cut", "html", "empty", "timeout", "throttle", "reset", "body"}
    events = [event["event"] for event in redactor.heard]
    assert {event["level"] for event in redactor.heard} == {"debug", "info", "warning", "error"}
    assert events.count("pass.crashed") >= 2
    assert events.count("token.refreshed") > 10
    assert "token.rejected" in events
    told = dict(read_everything(home, redactor))
    told |= {"journal": b"\n".join(journald.kept), "STATUS": b"\n".join(manager.kept)}
    told |= {"log": lines.getvalue().encode()}
    # What a broken library quotes is hidden by the redactor alone; nothing of ours relies on it.
    own = [{k: v for k, v in each.items() if k != "exception"} for each in redactor.heard]
    told |= {"events before they are cleaned": str(own).encode()}
    assert min(map(len, told.values())) > 0, {name: len(text) for name, text in told.items()}
    found = {name: leaks(secrets, account.client_id, text)[:3] for name, text in told.items()}
    assert not any(found.values()), json.dumps({n: s for n, s in found.items() if s}, indent=1)
