"""The doctor: each thing that can be wrong is found, said, and told apart from what is well."""

import json
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx  # noqa: TID251 - stands for the network
import pytest

from fitbitd.assembly import DATA_TYPES, AccountParts, World, parts
from fitbitd.checkup import Found, Look, Machine, of_account, of_address, of_machine
from fitbitd.clock import SystemClock, inline
from fitbitd.config import Settings, load
from fitbitd.fetch.transport import Network
from fitbitd.standing import Standing
from tests.support.cli import ROOT, SECRET, Desk
from tests.support.clock import FakeClock

NOW = SystemClock().now()  # the grant of the collected account is of today
FAR = "https://health.example"


def settings_of(desk: Desk) -> Settings:
    return load(desk.config, DATA_TYPES)


def alice(desk: Desk) -> AccountParts:
    settings = settings_of(desk)
    return parts(settings, settings.accounts[0])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine on which the service is installed as it should be."""
    machine = Machine(tmp_path / "root", lambda _folder: 10**10)
    unit = machine.at("/usr/lib/systemd/system/fitbitd.service")
    wants = machine.at("/etc/systemd/system/multi-user.target.wants/fitbitd.service")
    for folder in ("/run/systemd/system", "/run/systemd/journal", "/var/log/journal"):
        machine.at(folder).mkdir(parents=True)
    machine.at("/run/systemd/journal/socket").touch()
    for path in (unit, wants):
        path.parent.mkdir(parents=True)
    shutil.copy(ROOT / "systemd" / "fitbitd.service", unit)
    wants.symlink_to(unit)
    return machine


def looks(desk: Desk, machine: Machine, now: datetime = NOW) -> dict[str, Look]:
    """Look at the machine and the account, without asking anybody."""
    found = [
        *of_machine(settings_of(desk), machine, now),
        *of_account(alice(desk), machine, {}, now),
    ]
    return {look.code: look for look in found if look.found is not Found.WELL}


def test_a_machine_that_is_well_has_nothing_wrong(collected: Desk, machine: Machine) -> None:
    found = looks(collected, machine)
    assert {code for code, look in found.items() if look.found is Found.WRONG} == set(), found
    codes = [each.code for each in of_machine(settings_of(collected), machine, NOW)]
    assert codes == [
        "configuration",
        "state_dir",
        "disk_space",
        "clock",
        "unit",
        "daemon",
        "journal",
    ]


def unit_of(machine: Machine) -> Path:
    return machine.at("/usr/lib/systemd/system/fitbitd.service")


def make_bare(machine: Machine) -> None:
    unit_of(machine).write_text("[Service]\n# ProtectSystem=strict\nExecStart=fitbitd run\n")


def mask(machine: Machine) -> None:
    own = machine.at("/etc/systemd/system/fitbitd.service")
    own.parent.mkdir(parents=True, exist_ok=True)
    own.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("spoil", "expected", "words"),
    [
        (lambda m: m.at("/run/systemd/system").rmdir(), "unit note", "does not run systemd"),
        (lambda m: unit_of(m).unlink(), "unit note", "not installed"),
        (make_bare, "unit note", "shuts the program in less"),
        (mask, "unit wrong", "masked"),
        (
            lambda m: shutil.rmtree(m.at("/etc/systemd/system/multi-user.target.wants")),
            "unit wrong",
            "does not start with the machine",
        ),
        (lambda m: m.at("/run/systemd/journal/socket").unlink(), "journal note", "no journal"),
        (lambda m: m.at("/var/log/journal").rmdir(), "journal note", "not outlive a restart"),
    ],
)
def test_what_is_missing_around_the_service_is_found(
    collected: Desk,
    machine: Machine,
    spoil: Callable[[Machine], None],
    expected: str,
    words: str,
) -> None:
    spoil(machine)
    code, found = expected.split()
    look = looks(collected, machine)[code]
    assert (look.found, words in look.words) == (found, True), look


@pytest.mark.parametrize("folder", ["/run/fitbitd", "state"])
def test_a_daemon_without_a_socket_is_told_from_none_and_from_one_that_is_well(
    collected: Desk, machine: Machine, folder: str
) -> None:
    assert looks(collected, machine)["daemon"].found is Found.NOTE
    state_dir = collected.folder / "state"
    at = machine.at(folder) if folder.startswith("/") else state_dir
    at.mkdir(exist_ok=True)
    shown = Standing(at / "standing.json", state_dir)
    shown.show({})
    assert looks(collected, machine)["daemon"].found is Found.WRONG
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(at / "control.sock"))
        assert "daemon" not in looks(collected, machine)
    shown.close()


def test_a_full_disk_and_a_clock_before_the_program_are_found(
    collected: Desk, machine: Machine
) -> None:
    full = replace(machine, free_bytes=lambda _folder: 10**8)
    assert looks(collected, full)["disk_space"].found is Found.WRONG
    clock = looks(collected, machine, datetime(1970, 1, 2, tzinfo=UTC))["clock"]
    assert (clock.found, "1970-01-02" in clock.words) == (Found.WRONG, True)


def test_a_state_directory_that_is_missing_or_refuses_is_found(
    desk: Desk, machine: Machine
) -> None:
    assert looks(desk, machine)["state_dir"].found is Found.NOTE
    assert looks(desk, machine)["grant"].next == "fitbitd authorize alice"
    (desk.folder / "state").write_text("no folder")
    assert looks(desk, machine)["state_dir"].found is not Found.WELL


@pytest.mark.parametrize("is_link", [True, False])
def test_a_disk_that_is_not_mounted_is_said_by_status_and_check_alike(
    desk: Desk, *, is_link: bool
) -> None:
    state_dir = desk.folder / "state"
    if is_link:
        state_dir.symlink_to("/nowhere/disk")
    else:
        state_dir.write_text("no folder")
    status = desk.ask("status", "--json")
    assert (status.code, "is there, and is no folder" in status.err) == (78, True), status
    assert [each["code"] for each in json.loads(status.out)["conditions"]] == ["disk_failed"]
    check = desk.ask("check", "--offline", "--json")
    wrong = [look for look in map(json.loads, check.out.splitlines()) if look["found"] == "wrong"]
    assert [look["code"] for look in wrong] == ["state_dir"]
    assert "is there, and is no folder" in wrong[0]["words"]


@pytest.mark.parametrize("name", ["token.json", "archive", "index.sqlite", ""])
def test_what_more_people_may_read_than_should_is_named(
    collected: Desk, machine: Machine, name: str
) -> None:
    path = collected.account_dir / name
    path.chmod(0o777)
    look = looks(collected, machine)["permissions"]
    assert (look.found, str(path) in look.words) == (Found.WRONG, True)
    assert look.next.startswith("chmod ")
    path.chmod(int(look.next.split()[1], 8))
    assert "permissions" not in looks(collected, machine)


def changed_grant(desk: Desk, **changes: Any) -> None:
    file = alice(desk).token_file
    grant = file.read()
    assert grant is not None
    file.write(replace(grant, **changes))


@pytest.mark.parametrize(
    ("changes", "expected", "words"),
    [
        ({"rejected_at": NOW}, "grant wrong", "refuses the consent"),
        ({"refresh_expires_at": NOW + timedelta(days=1)}, "grant wrong", "it ends "),
        ({"scope": ("heartrate",)}, "scopes note", "leaves out: "),
    ],
)
def test_a_consent_that_will_not_do_is_found_once(
    collected: Desk, machine: Machine, changes: dict[str, Any], expected: str, words: str
) -> None:
    code, found = expected.split()
    changed_grant(collected, **changes)
    by_code = looks(collected, machine)
    assert (by_code[code].found, words in by_code[code].words) == (found, True)
    assert "fitbitd authorize alice" in by_code[code].next
    assert not by_code.keys() & {"authorization_needed", "grant_expires_soon", "scope_missing"}


def test_a_token_file_that_is_none_is_found(collected: Desk, machine: Machine) -> None:
    collected.token.write_text("{")
    assert looks(collected, machine)["grant"].found is Found.WRONG


def test_damage_is_found_in_the_index_and_in_the_newest_file_of_the_archive(
    collected: Desk, machine: Machine
) -> None:
    newest = collected.archives[-1]
    whole = newest.read_bytes()
    newest.write_bytes(whole[:40] + bytes(40) + whole[80:])
    look = looks(collected, machine)["archive"]
    assert (look.found, look.next) == (Found.WRONG, "fitbitd verify alice")
    content = bytearray(collected.index.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    collected.index.write_bytes(content)
    assert looks(collected, machine)["index"].found is Found.WRONG
    collected.index.unlink()
    assert looks(collected, machine)["index"].found is Found.NOTE


def test_a_secret_is_found_or_missed(collected: Desk, machine: Machine) -> None:
    (collected.folder / "secret").unlink()
    # The unit that comes along names alice's credential as an example, in a comment.
    assert looks(collected, machine)["client_secret"].found is Found.WRONG
    edited = machine.at("/etc/systemd/system/fitbitd.service.d/override.conf")
    edited.parent.mkdir()
    edited.write_text("[Service]\nLoadCredential=alice.client_secret:/etc/fitbitd/alice\n")
    assert "client_secret" not in looks(collected, machine)


# The providers


def world(answer: Callable[[httpx.Request], httpx.Response]) -> World:
    clock = FakeClock()
    return World(
        clock=clock,
        offload=inline,
        network=Network(clock, httpx.MockTransport(answer)),
        random=Random(1),
        environ={},
        learn_secret=lambda _secret: None,
    )


async def known(_host: str) -> None:
    """Know every name."""


async def unknown(_host: str) -> None:
    """Know no name."""
    raise OSError(-2, "Name or service not known")


def refused(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_a_provider_that_answers_is_well_whatever_it_says_and_gets_no_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, headers={"date": "Sun, 01 Mar 2026 10:41:00 GMT"})

    look = await of_address(FAR, world(answer), unknown)  # a proxy knows the name
    assert (look.code, look.found) == ("provider", Found.WELL)
    assert "its clock agrees" in look.words
    assert [("authorization" in one.headers, one.content) for one in seen] == [(False, b"")]


async def test_what_keeps_a_provider_from_answering_is_told_apart() -> None:
    look = await of_address(FAR, world(refused), known)
    assert (look.code, look.found) == ("provider", Found.WRONG)
    look = await of_address(FAR, world(refused), unknown)
    assert (look.code, look.found) == ("name_lookup", Found.WRONG)
    assert "health.example" in look.words


async def test_a_clock_that_is_not_the_providers_is_found() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"date": "Sun, 01 Mar 2026 12:40:00 GMT"})

    look = await of_address(FAR, world(answer), known)
    assert (look.code, look.found) == ("clock", Found.WRONG)
    assert "120 min apart" in look.words


# The command


def test_the_command_gives_stable_codes_and_an_exit_code(collected: Desk) -> None:
    said = collected.ask("check", "--json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == int(any(row["found"] == "wrong" for row in rows))
    assert {row["code"] for row in rows} >= {"state_dir", "provider", "grant", "index", "archive"}
    assert {row["account"] for row in rows} == {"", "alice"}
    assert [row["code"] for row in rows].count("provider") == 1  # one host, for tokens and data
    collected.token.chmod(0o666)
    said = collected.ask("check", "--offline")
    assert said.code == 1
    assert "chmod 600" in said.out
    assert "wrong" in said.err


def test_offline_asks_nobody(collected: Desk) -> None:
    config = collected.config.read_text()
    start = config.index("api_url = ")
    collected.config.write_text(f'{config[:start]}api_url = "http://127.0.0.1:9"\n')
    codes = [json.loads(one)["code"] for one in collected.ask("check", "--json").out.splitlines()]
    assert codes.count("provider") == 2
    said = collected.ask("check", "--json", "--offline")
    assert "provider" not in [json.loads(one)["code"] for one in said.out.splitlines()]


def test_the_report_holds_nothing_of_the_wearers_and_no_file_is_lost_to_it(
    collected: Desk,
) -> None:
    told = (
        '[notify]\ncommand = ["/bin/tell", "key-hunter22"]\nheartbeat_url = "http://h.test/u22"\n'
    )
    collected.config.write_text(collected.config.read_text() + told)
    with closing(sqlite3.connect(collected.index)) as db, db:
        db.execute("UPDATE reading SET value = 73219")
        db.execute("UPDATE daily SET value = 73219")
        db.execute("UPDATE snapshot SET content = '73219'")
    report = collected.folder / "report.json"
    collected.ask("check", "--offline", "--bundle", str(report))
    text = report.read_text()
    found = json.loads(text)
    assert {"fitbitd", "python", "looks", "settings", "accounts"} <= found.keys()
    assert found["accounts"]["alice"]["passes"]
    assert report.stat().st_mode & 0o777 == 0o600
    grant = json.loads(collected.token.read_text())
    private = [SECRET, "23SIMU", "key-hunter22", "u22", grant["user_id"]]
    private += [grant["access_token"], grant["refresh_token"]]
    for word in private:
        assert word
        assert word not in text, word
    assert "73219" not in text
    before = report.read_bytes()
    said = collected.ask("check", "--offline", "--bundle", str(report))
    assert said.code == 78
    assert "name another file" in said.err
    assert report.read_bytes() == before
