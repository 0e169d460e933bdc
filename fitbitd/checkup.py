"""The doctor's list: what a machine and its accounts need to collect, looked at one by one.

Each look gives what it found under a stable code, with what to do where something is wrong. Nothing
is changed, and no token leaves the machine.
"""

import asyncio
import os
import re
import shutil
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from fitbitd import control, facts, health, standing
from fitbitd.assembly import AccountParts, World
from fitbitd.clock_trust import RELEASED, TOLERANCE, date_of
from fitbitd.config import Settings, read_secret
from fitbitd.errors import FitbitdError, OperatorError
from fitbitd.health import DISK_LOW_BYTES
from fitbitd.health_codes import Severity
from fitbitd.journal import SOCKET as JOURNAL_SOCKET
from fitbitd.model import Request
from fitbitd.oauth import token
from fitbitd.store import disk
from fitbitd.store.index import INDEX_NAME, open_reader
from fitbitd.store.members import Damage, archive_files, read_file

HARDENED = (
    "CapabilityBoundingSet=",
    "SystemCallFilter=",
    "ProtectSystem=strict",
    "RestrictNamespaces=",
)
"""Lines without which a unit shuts nothing in that counts."""

_LOOKS_AT_FILES = 3  # of the archive: the newest, where a torn end would be
_TOLD_BY_A_LOOK = {"authorization_needed", "grant_expires_soon", "scope_missing", "disk_low"}
_UNIT = "fitbitd.service"


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a machine keeps what is looked at; a test gives another root, or a fuller disk."""

    root: Path = Path("/")
    free_bytes: Callable[[Path], int] = _free_bytes

    def at(self, path: str) -> Path:
        """Give the place of a path that begins with "/"."""
        return self.root / path.lstrip("/")

    @property
    def unit(self) -> Path | None:
        """Find the unit of the service, as systemd does: the administrator's own comes first."""
        folders = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
        units = (self.at(folder) / _UNIT for folder in folders)
        return next((unit for unit in units if unit.exists()), None)

    def unit_lines(self) -> list[str]:
        """Read the unit and what `systemctl edit` put beside it."""
        unit = self.unit
        if unit is None:
            return []
        beside = sorted(self.at(f"/etc/systemd/system/{_UNIT}.d").glob("*.conf"))
        lines: list[str] = []
        for path in (unit, *beside):
            with suppress(OSError):
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines


class Found(StrEnum):
    """How a look ended."""

    WELL = "ok"
    NOTE = "note"  # not as it could be; nothing is lost by it
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        account: "" where it is about the machine, or a provider.
        next: what to do; "" where nothing is to be done.
    """

    code: str
    found: Found
    words: str
    next: str = ""
    account: str = ""


def of_machine(settings: Settings, machine: Machine, now: datetime) -> Iterator[Look]:
    """Look at this machine: disk, clock, unit, journal."""
    accounts = health.many(len(settings.accounts), "account")
    yield Look("configuration", Found.WELL, f"{settings.path}: {accounts}")
    yield from _state_dir(settings.state_dir, machine)
    if now < RELEASED:
        words = f"the clock shows {now:%Y-%m-%d}, which is before this program existed"
        yield Look("clock", Found.WRONG, words, "set the clock, or wait for network time")
    else:
        yield Look("clock", Found.WELL, health.moment(now))
    yield _unit(machine)
    yield _daemon(settings.state_dir, machine)
    yield _journal(machine)


def of_account(
    parts: AccountParts, machine: Machine, environ: Mapping[str, str], now: datetime
) -> Iterator[Look]:
    """Look at what an account has on this machine, if it can have anything."""
    try:
        disk.check_folder(parts.folder.parent)
    except OperatorError:
        return  # told of the machine
    looks = (
        lambda: [_secret(parts, machine, environ)],
        lambda: _files(parts.folder),
        lambda: [_grant(parts, now)],
        lambda: _scopes(parts),
        lambda: [_archive(parts)],
        lambda: _index(parts, now),
    )
    for look in looks:
        try:
            with disk.telling(parts.folder):
                found = tuple(look())
        except OperatorError as err:  # whoever may not look at one thing may look at the next
            found = (Look(err.code, Found.WRONG, *_parted(err)),)
        yield from (replace(each, account=parts.settings.name) for each in found)


def _state_dir(folder: Path, machine: Machine) -> Iterator[Look]:
    try:
        disk.check_folder(folder)
    except OperatorError as err:
        yield Look("state_dir", Found.WRONG, *_parted(err))
        return
    if not folder.is_dir():
        words = f"{folder} is not there yet: it is made with the first account"
        yield Look("state_dir", Found.NOTE, words, "fitbitd authorize ACCOUNT")
        return
    try:
        _try_writing(folder)
    except OperatorError as err:
        yield Look("state_dir", Found.WRONG, *_parted(err))
    else:
        yield Look("state_dir", Found.WELL, f"{folder} can be written")
    free = machine.free_bytes(folder)
    words = f"{free / 1e9:,.1f} GB free"
    low = free < DISK_LOW_BYTES
    todo = "make room, or move state_dir to a larger disk" if low else ""
    yield Look("disk_space", Found.WRONG if low else Found.WELL, words, todo)


def _try_writing(folder: Path) -> None:
    """Write a file to the disk itself and remove it.

    Raises:
        OperatorError: the disk refuses.
    """
    path = folder / f".check-{os.getpid()}"
    with disk.telling(folder):
        try:
            disk.create(path, disk.PRIVATE_FILE_MODE)
            with path.open("wb") as file:
                file.write(b"fitbitd")
                file.flush()
                os.fsync(file.fileno())
        finally:
            path.unlink(missing_ok=True)


def _unit(machine: Machine) -> Look:
    if not machine.at("/run/systemd/system").exists():
        words = "this machine does not run systemd"
        return Look("unit", Found.NOTE, words, "start it by other means")
    unit = machine.unit
    if unit is None:
        words = "the service is not installed"
        return Look("unit", Found.NOTE, words, "sudo fitbitd check --install-unit")
    if unit.resolve() == Path("/dev/null"):
        words = f"{unit} is masked: nothing can start the service"
        return Look("unit", Found.WRONG, words, "sudo systemctl unmask fitbitd")
    lines = machine.unit_lines()
    bare = [each for each in HARDENED if not any(line.startswith(each) for line in lines)]
    if bare:
        words = f"{unit} shuts the program in less than the one that comes with it"
        todo = "sudo fitbitd check --install-unit, or the package of this version"
        return Look("unit", Found.NOTE, words, todo)
    if not machine.at(f"/etc/systemd/system/multi-user.target.wants/{_UNIT}").is_symlink():
        words = f"{unit} does not start with the machine"
        return Look("unit", Found.WRONG, words, "systemctl enable --now fitbitd")
    return Look("unit", Found.WELL, f"{unit}, started with the machine")


def _daemon(state_dir: Path, machine: Machine) -> Look:
    """Look whether a daemon is running, and can be asked for something."""
    service = machine.at(str(control.OF_THE_SERVICE))
    if not standing.is_shown(state_dir, service=service.parent):
        words = "none is running, or none that has looked at an account yet"
        return Look("daemon", Found.NOTE, words, "sudo systemctl start fitbitd, or fitbitd run")
    if not any(path.is_socket() for path in (service, state_dir / control.NAME)):
        words = "it is running, but its socket is gone: no command can ask it for anything"
        todo = "wait half a minute for a new one; if it stays away, start the daemon anew"
        return Look("daemon", Found.WRONG, words, todo)
    return Look("daemon", Found.WELL, "it is running, and can be asked")


def _journal(machine: Machine) -> Look:
    if not machine.at(JOURNAL_SOCKET).exists():
        return Look("journal", Found.NOTE, "there is no journal; events are lines of JSON")
    if not machine.at("/var/log/journal").is_dir():
        words = "the journal does not outlive a restart of the machine; status does"
        return Look("journal", Found.NOTE, words, "mkdir /var/log/journal, if you want it kept")
    return Look("journal", Found.WELL, "events are kept in the journal")


def _secret(parts: AccountParts, machine: Machine, environ: Mapping[str, str]) -> Look:
    try:
        secret = read_secret(parts.settings, environ)
    except OperatorError as err:
        handed = re.compile(rf"LoadCredential(Encrypted)?={parts.settings.name}\.client_secret\b")
        if any(handed.match(line) for line in machine.unit_lines()):
            return Look("client_secret", Found.WELL, "systemd hands it to the service alone")
        return Look("client_secret", Found.WRONG, *_parted(err))
    if secret is None:
        return Look("client_secret", Found.WELL, "this kind of app has none")
    if secret.note:
        words, _, todo = secret.note.partition(": ")
        return Look("client_secret", Found.WRONG, words, todo)
    return Look("client_secret", Found.WELL, "found")


def _files(folder: Path) -> Iterator[Look]:
    """Look whether anybody may read what is the owner's, or the owner may not."""
    if not folder.is_dir():
        yield Look("permissions", Found.NOTE, "nothing is stored yet")
        return
    allowed = {folder: disk.ACCOUNT_FOLDER_MODE, folder / INDEX_NAME: disk.INDEX_FILE_MODE}
    private = (folder / name for name in ("token.json", "token.lock", "lock", "archive"))
    owner = folder.stat().st_uid
    wrong = False
    for path in (*allowed, *private):
        if not path.exists():
            continue
        found = path.stat()
        is_folder = stat.S_ISDIR(found.st_mode)
        private_mode = disk.PRIVATE_FOLDER_MODE if is_folder else disk.PRIVATE_FILE_MODE
        most = allowed.get(path, private_mode)
        if found.st_mode & 0o777 & ~most:
            wrong = True
            words = f"more may be done with {path} than should"
            yield Look("permissions", Found.WRONG, words, f"chmod {most:o} {path}")
        if found.st_uid != owner:
            wrong = True
            words = f"{path} belongs to another user than the folder it is in"
            yield Look("permissions", Found.WRONG, words, f"chown --reference={folder} {path}")
    if not wrong:
        yield Look("permissions", Found.WELL, f"{folder} is its owner's, and its group's to read")


def _grant(parts: AccountParts, now: datetime) -> Look:
    authorize = f"fitbitd authorize {parts.settings.name}"
    try:
        grant = parts.token_file.read()
    except OperatorError as err:
        return Look("grant", Found.WRONG, *_parted(err))
    if grant is None:
        return Look("grant", Found.WRONG, "the wearer has not consented yet", authorize)
    state = token.state(grant, now)
    if state is token.TokenState.REVOKED:
        return Look("grant", Found.WRONG, "the provider refuses the consent", authorize)
    ends_at = grant.refresh_expires_at
    if ends_at is not None and ends_at - now < health.EXPIRES_SOON:
        return Look("grant", Found.WRONG, f"it ends {health.moment(ends_at)}", authorize)
    until = f", until {health.moment(ends_at)}" if ends_at else ""
    return Look("grant", Found.WELL, f"{state}{until}")


def _scopes(parts: AccountParts) -> Iterator[Look]:
    with suppress(OperatorError):  # told already
        grant = parts.token_file.read()
        if grant is not None and grant.scope:
            left_out = [scope for scope in parts.scopes if scope not in grant.scope]
            if left_out:
                names = ", ".join(scope.rpartition("/")[2] for scope in left_out)
                todo = f"fitbitd authorize {parts.settings.name}, with their boxes ticked"
                yield Look("scopes", Found.NOTE, f"the consent leaves out: {names}", todo)
            else:
                yield Look("scopes", Found.WELL, "the consent covers all data types")


def _index(parts: AccountParts, now: datetime) -> Iterator[Look]:
    """Look at the index as a whole, and at what else it says is wrong."""
    try:
        with closing(open_reader(parts.folder)) as db, disk.telling(parts.folder / INDEX_NAME):
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                words = f"it is damaged: {' '.join(said.split())}"
                yield Look("index", Found.WRONG, words, f"fitbitd rebuild {parts.settings.name}")
                return
            yield Look("index", Found.WELL, "whole")
            shown = standing.read(parts.folder.parent, parts.settings.name)
            for condition in facts.standing(parts.subject, db, now, shown):
                if condition.severity is Severity.INFO or condition.code in _TOLD_BY_A_LOOK:
                    continue
                found = Found.WRONG if condition.severity is Severity.ERROR else Found.NOTE
                yield Look(condition.code, found, condition.summary, condition.next)
    except OperatorError as err:
        found = Found.NOTE if err.code == "index_missing" else Found.WRONG
        yield Look("index", found, *_parted(err))


def _archive(parts: AccountParts) -> Look:
    files = list(archive_files(parts.folder))
    verify = f"fitbitd verify {parts.settings.name}"
    if not files:
        return Look("archive", Found.NOTE, "nothing was collected yet", "fitbitd run")
    for path in files[-_LOOKS_AT_FILES:]:
        if any(isinstance(found, Damage) and not found.tail for found in read_file(path)):
            return Look("archive", Found.WRONG, f"{path} is damaged", verify)
    words = f"{health.many(len(files), 'day')}; the newest of it is whole. All of it: {verify}"
    return Look("archive", Found.WELL, words)


LookUp = Callable[[str], Awaitable[object]]


async def _look_up(host: str) -> object:
    return await asyncio.get_running_loop().getaddrinfo(host, None)


async def of_address(url: str, world: World, look_up: LookUp = _look_up) -> Look:
    """Look whether an address of a provider answers, whatever it says, and what its clock shows.

    Args:
        look_up: asked for the host only when nothing answers: behind a proxy its name may be
            unknown here, and nothing is wrong.
    """
    host = urlsplit(url).hostname or ""
    try:
        reply = await world.send(Request("GET", url))
    except FitbitdError as err:
        try:
            await look_up(host)
        except (OSError, UnicodeError):
            words = f"the name {host} cannot be looked up"
            todo = "look at the network, and at /etc/resolv.conf"
            return Look("name_lookup", Found.WRONG, words, todo)
        return Look("provider", Found.WRONG, *_parted(err))
    told = date_of(reply)
    if told is not None and abs(told - reply.received_at) > TOLERANCE:
        apart = f"{abs(told - reply.received_at) // timedelta(minutes=1):,} min"
        words = f"the clock of {host} and ours are {apart} apart"
        return Look("clock", Found.WRONG, words, "set the clock; see timedatectl")
    agrees = "" if told is None else "; its clock agrees"
    return Look("provider", Found.WELL, f"{host} answers{agrees}")


def _parted(err: FitbitdError) -> tuple[str, str]:
    """Part an error into what happened and what to do."""
    words = str(err).replace("\nNext: ", " Next: ")
    happened, _, todo = words.partition(" Next: ")
    return " ".join(happened.split()), " ".join(todo.split())
