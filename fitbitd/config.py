"""Turn a TOML file into frozen Settings; report every problem of the file at once.

What a table may hold stands in one place, the function below that reads it.
"""

import re
import stat
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from fitbitd.errors import OperatorError
from fitbitd.model import AccountName, DataTypeName
from fitbitd.toml_table import (
    Table,
    UnfitError,
    day,
    hint,
    interval,
    link,
    number,
    one_of,
    path_from,
    some_of,
    text,
    url,
    words,
)

SYSTEM_CONFIG = Path("/etc/fitbitd/fitbitd.toml")
APP_TYPES = ("personal", "server", "client")
POLL_EVERY = timedelta(minutes=15)
REDIRECT_URI = "http://127.0.0.1:8712/callback"
ANY_PORT_URI = "http://127.0.0.1:0/"
"""Port 0 stands for any that is free: for apps that need no redirect URI registered."""
LEGACY = "fitbit"
DEFAULT_PROVIDER = "google_health"
STATE_DIR = Path("/var/lib/fitbitd")
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,63}")

KnownTypes = Mapping[str, Mapping[str, bool]]
"""The data types of each provider that can be used, and whether "all" includes them."""


@dataclass(frozen=True, slots=True)
class ProviderEndpoints:
    """Where a provider is.

    Attributes:
        requests_per_s: how fast it may be asked; None where fitbitd's own number holds.
    """

    authorize_url: str
    token_url: str
    revoke_url: str
    api_url: str
    requests_per_s: float | None = None


ENDPOINTS: Mapping[str, ProviderEndpoints] = MappingProxyType(
    {
        "fitbit": ProviderEndpoints(
            authorize_url="https://www.fitbit.com/oauth2/authorize",
            token_url="https://api.fitbit.com/oauth2/token",  # noqa: S106 - an address, no secret
            revoke_url="https://api.fitbit.com/oauth2/revoke",
            api_url="https://api.fitbit.com",
        ),
        "google_health": ProviderEndpoints(
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address, no secret
            revoke_url="https://oauth2.googleapis.com/revoke",
            api_url="https://health.googleapis.com",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One wearer at one provider.

    Attributes:
        name: also the folder's name.
        app_type: how the app is registered at Fitbit; None for other providers.
        continues: the account at the legacy provider that holds the same person's earlier data.
        poll: the intervals of data types that do not follow their own.
    """

    name: AccountName
    provider: str
    client_id: str
    data_types: tuple[DataTypeName, ...]
    app_type: str | None = None
    client_secret_file: Path | None = None
    redirect_uri: str = REDIRECT_URI
    poll_every: timedelta = POLL_EVERY
    backfill_from: date | None = None
    continues: AccountName | None = None
    poll: Mapping[DataTypeName, timedelta] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def needs_secret(self) -> bool:
        """Say whether the app proves itself with a client secret."""
        return self.app_type != "client"


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Who is told when something is wrong, and who notices when nobody is there to tell it.

    Attributes:
        command: a program and its arguments; it gets a condition as JSON on stdin.
        heartbeat_url: asked for while the data is fresh.
    """

    command: tuple[str, ...] = ()
    heartbeat_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """A valid configuration. `path` is the file that it came from."""

    state_dir: Path
    accounts: tuple[AccountSettings, ...]
    endpoints: Mapping[str, ProviderEndpoints]
    notify: NotifySettings = field(default_factory=NotifySettings)
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret; `note` says what is not as it should be about the place it came from."""

    value: str = field(repr=False)
    note: str | None = None


def find_config(
    asked: Path | None, environ: Mapping[str, str], *, system: Path = SYSTEM_CONFIG
) -> Path:
    """Give the configuration file that was asked for, or the first that is there.

    Args:
        asked: what `--config` says.
        environ: the environment: `FITBITD_CONFIG` names a file too.
        system: the machine's file, looked for before the user's own.

    Raises:
        OperatorError: there is none; it says where it looked.
    """
    if asked is not None:
        return asked
    if named := environ.get("FITBITD_CONFIG"):
        return Path(named)
    looked = []
    for path in (system, *_own_config(environ)):
        try:
            path.stat()
        except OSError as err:
            looked.append(f"  {path}: {_reason(err)}")
        else:
            return path
    raise OperatorError(
        "\n".join(
            (
                "there is no configuration file. Looked for:",
                *looked,
                "Nothing was changed.",
                "Next: fitbitd init writes one, or name yours with --config FILE",
            )
        )
    )


def load(path: Path, data_types: KnownTypes) -> Settings:
    """Read the settings from a file.

    Args:
        path: the file.
        data_types: of each provider that can be used.

    Raises:
        OperatorError: the file cannot be read, or says what cannot be.
    """
    try:
        raw = path.read_bytes()
    except OSError as err:
        remedy = {
            FileNotFoundError: "fitbitd init writes an example, or name another with --config FILE",
            PermissionError: f"let this user read it: ls -l {path}",
        }.get(type(err), "name another file with --config FILE")
        raise OperatorError(f"cannot read {path}: {_reason(err)}.\nNext: {remedy}") from err
    try:
        toml = raw.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as err:
        line = raw.count(b"\n", 0, err.start) + 1
        raise OperatorError(
            f"cannot read {path}: line {line} is not UTF-8 text.\n"
            "Next: save the file as UTF-8 in your editor"
        ) from err
    return parse(toml, data_types, path)


def parse(toml: str, data_types: KnownTypes, path: Path | None = None) -> Settings:
    """Turn TOML text into settings.

    Args:
        toml: the whole file.
        data_types: of each provider that can be used.
        path: where the text came from; paths in it count from there.

    Raises:
        OperatorError: every problem of the text at once.
    """
    origin = path or "the configuration"
    try:
        content = tomllib.loads(toml)
    except (ValueError, RecursionError) as err:  # a TOMLDecodeError, or what tomllib trips over
        raise OperatorError(
            f"{origin} is not TOML: {err}.\n"
            "Next: correct that place; text stands in quotes, as in the example of fitbitd init"
        ) from err
    problems: list[str] = []
    settings = _settings(Table(content, "", problems), data_types, path)
    if problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise OperatorError(
            "\n".join(
                (
                    f"{origin} has {count}; none of its settings were taken.",
                    *(f"  {problem}" for problem in problems),
                    "Next: correct this; the example that fitbitd init writes shows every key",
                )
            )
        )
    return settings


def read_secret(account: AccountSettings, environ: Mapping[str, str]) -> Secret | None:
    """Find the client secret of an account; None for an app that has none.

    Looks at systemd's credential, then at `client_secret_file`, then into the environment.

    Raises:
        OperatorError: there is none, or a file that should hold it does not.
    """
    if not account.needs_secret:
        return None
    credential = f"{account.name}.client_secret"
    variable = f"FITBITD_{account.name.upper().replace('-', '_')}_CLIENT_SECRET"
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        handed_over = Path(folder) / credential
        if handed_over.exists():
            return Secret(_secret_in(handed_over, account.name))
    if file := account.client_secret_file:
        value = _secret_in(file, account.name)
        too_open = file.stat().st_mode & (stat.S_IWGRP | stat.S_IRWXO)
        note = f"any user of this machine may read {file}, or its group may change it: "
        return Secret(value, f"{note}chmod g-w,o= {file}" if too_open else None)
    if value := environ.get(variable, "").strip():
        return Secret(value)
    raise OperatorError(
        f"{account.name}: there is no client secret. Nothing was sent.\n"
        f"Next: set client_secret_file, or {variable}; or give systemd the credential"
        f" {credential} (LoadCredential=), and to a typed command with it:"
        f" systemd-run --pty -p User=fitbitd -p LoadCredential=... fitbitd ..."
    )


def example() -> str:
    """Give the commented configuration that shows every key."""
    return resources.files("fitbitd").joinpath("fitbitd.toml").read_text(encoding="utf-8")


def _own_config(environ: Mapping[str, str]) -> list[Path]:
    if base := environ.get("XDG_CONFIG_HOME"):
        return [Path(base) / "fitbitd" / "fitbitd.toml"]
    if home := environ.get("HOME"):
        return [Path(home) / ".config" / "fitbitd" / "fitbitd.toml"]
    return []


def _reason(err: OSError) -> str:
    return (err.strerror or str(err)).lower()


def _secret_in(file: Path, account: AccountName) -> str:
    try:
        value = file.read_text(encoding="utf-8").strip()
    except OSError as err:
        problem = _reason(err)
    except UnicodeDecodeError:
        problem = "it is not text"
    else:
        if value:
            return value
        problem = "it is empty"
    raise OperatorError(
        f"{account}: cannot read the client secret in {file}: {problem}. Nothing was sent.\n"
        f"Next: put the secret of the app there, readable by the user that runs fitbitd"
    )


# What each table may hold


def _settings(root: Table, data_types: KnownTypes, path: Path | None) -> Settings:
    folder = path.absolute().parent if path else Path()
    state_dir = root.take("state_dir", path_from(folder), STATE_DIR)
    read = [(each, _account(each, data_types, folder)) for each in root.tables("account")]
    _check_continuations(read)
    accounts = tuple(account for _, account in read)
    providers = root.table("provider")
    endpoints = {name: _endpoints(providers.table(name), ENDPOINTS[name]) for name in data_types}
    providers.finish()
    notify = _notify(root.table("notify"))
    root.finish()
    names = [account.name for account in accounts if account.name]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        root.problem("account", f'{names.count(name)} accounts are named "{name}"; name them apart')
    return Settings(state_dir, accounts, MappingProxyType(endpoints), notify, path)


def _notify(table: Table) -> NotifySettings:
    found = NotifySettings(
        command=table.take("command", words, ()),
        heartbeat_url=table.take("heartbeat_url", link, None),
    )
    table.finish()
    return found


def _endpoints(table: Table, usual: ProviderEndpoints) -> ProviderEndpoints:
    found = ProviderEndpoints(
        authorize_url=table.take("authorize_url", url, usual.authorize_url),
        token_url=table.take("token_url", url, usual.token_url),
        revoke_url=table.take("revoke_url", url, usual.revoke_url),
        api_url=table.take("api_url", url, usual.api_url).rstrip("/"),
        requests_per_s=table.take("requests_per_s", number, usual.requests_per_s),
    )
    table.finish()
    return found


def _account(table: Table, data_types: KnownTypes, folder: Path) -> AccountSettings:
    name = table.need("name", _account_name, "")
    if name:
        table.where = f'{table.where.removesuffix(": ")} "{name}": '
    provider = table.need("provider", one_of(data_types), "")
    known = data_types.get(provider)
    chosen = table.take("data_types", some_of(known), _by_default(known))
    app_type = table.take("app_type", one_of(APP_TYPES), None)
    secret_file = table.take("client_secret_file", path_from(folder), None)
    if app_type and provider not in {LEGACY, ""}:
        table.problem("app_type", 'only the provider "fitbit" has app types; remove the line')
    if app_type == "client" and secret_file:
        table.problem("client_secret_file", 'an app of the type "client" has none; remove the line')
    account = AccountSettings(
        name=AccountName(name),
        provider=provider,
        client_id=table.need("client_id", text, ""),
        data_types=tuple(DataTypeName(each) for each in chosen),
        app_type=(app_type or APP_TYPES[0]) if provider == LEGACY else None,
        client_secret_file=secret_file,
        redirect_uri=table.take(
            "redirect_uri", url, REDIRECT_URI if provider == LEGACY else ANY_PORT_URI
        ),
        poll_every=table.take("poll_every", interval, POLL_EVERY),
        backfill_from=table.take("backfill_from", day, None),
        continues=table.take("continues", lambda it: AccountName(_account_name(it)), None),
        poll=_poll(table.table("poll"), known, chosen),
    )
    table.finish()
    return account


def _by_default(known: Mapping[str, bool] | None) -> tuple[str, ...]:
    return tuple(name for name, by_default in (known or {}).items() if by_default)


def _check_continuations(read: Sequence[tuple[Table, AccountSettings]]) -> None:
    """See that an account continues another one of the same person, at the legacy provider."""
    providers = {account.name: account.provider for _, account in read if account.name}
    legacy = [name for name, provider in providers.items() if provider == LEGACY]
    continued: dict[AccountName, AccountName] = {}
    for table, account in read:
        older = account.continues
        if older is None:
            continue
        wrong = None
        if account.provider == LEGACY:
            wrong = f'an account of the provider "{LEGACY}" continues no other; remove the line'
        elif older == account.name:
            wrong = "an account cannot continue itself"
        elif older not in providers:
            wrong = f'there is no account "{older}" here; {hint(older, legacy)}'
        elif providers[older] != LEGACY:
            wrong = f'"{older}" is not an account of the provider "{LEGACY}"'
        elif older in continued:
            wrong = f'"{older}" is continued by "{continued[older]}" already'
        if wrong is not None:
            table.problem("continues", wrong)
        continued.setdefault(older, account.name)


def _poll(
    table: Table, known: Mapping[str, bool] | None, chosen: Collection[str]
) -> Mapping[DataTypeName, timedelta]:
    found = {}
    for name in table.keys if known is None else known:
        every = table.take(name, interval, POLL_EVERY)
        if name in table.keys:
            found[DataTypeName(name)] = every
            if known and name not in chosen:
                table.problem(name, "this account does not collect it; see its data_types")
    table.finish()
    return MappingProxyType(found)


def _account_name(value: object) -> str:
    name = text(value)
    if not _NAME.fullmatch(name):
        raise UnfitError(
            f'"{name}" cannot name a folder here; use small letters, digits, "-" and "_", '
            "at most 64, a letter or digit first"
        )
    return name
