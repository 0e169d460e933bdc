"""Where the parts of one account are put together, for the daemon and for commands alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import MappingProxyType

from fitbitd.clock import Clock, Offload
from fitbitd.config import (
    AccountSettings,
    KnownTypes,
    ProviderEndpoints,
    Settings,
    read_secret,
)
from fitbitd.errors import OperatorError
from fitbitd.facts import Subject
from fitbitd.fetch.transport import Network
from fitbitd.model import DataType, DataTypeName, Reply, Request
from fitbitd.notify import Run, run_command
from fitbitd.oauth.grant import FITBIT, GOOGLE, App, Client, Endpoints, Flavour
from fitbitd.oauth.keeper import Keeper
from fitbitd.oauth.person import Person, read_google
from fitbitd.oauth.token_file import TokenFile, TokenLock
from fitbitd.plan.budget import UNSAID_REQUESTS
from fitbitd.plan.cadence import Wants
from fitbitd.providers.base import Provider
from fitbitd.providers.fitbit.catalog import CATALOGUE as FITBIT_CATALOGUE
from fitbitd.providers.fitbit.wire import FitbitProvider
from fitbitd.providers.google_health.catalog import CATALOGUE as GOOGLE_CATALOGUE
from fitbitd.providers.google_health.wire import GoogleHealthProvider
from fitbitd.store import disk


@dataclass(frozen=True, slots=True)
class Identity:
    """How a provider tells whose token it is, where its token endpoint does not."""

    data_type: DataTypeName
    read: Callable[[Reply], Person]


@dataclass(frozen=True, slots=True)
class ProviderKit:
    """All that is particular to one provider.

    Attributes:
        requests_per_s: no more are sent, on average; None where replies say what is left.
        pass_requests: about a minute's work; more is left to the next pass.
    """

    flavour: Flavour
    catalogue: Mapping[DataTypeName, DataType]
    provider: Callable[[str], Provider]
    identity: Identity | None = None
    requests_per_s: float | None = None
    pass_requests: int = UNSAID_REQUESTS


PROVIDERS: Mapping[str, ProviderKit] = MappingProxyType(
    {
        "google_health": ProviderKit(
            GOOGLE,
            GOOGLE_CATALOGUE,
            GoogleHealthProvider,
            identity=Identity(DataTypeName("identity"), read_google),
            requests_per_s=2.0,  # an app that Google has not verified is granted 2.5 per wearer
            pass_requests=110,
        ),
        "fitbit": ProviderKit(FITBIT, FITBIT_CATALOGUE, FitbitProvider),
    }
)

DATA_TYPES: KnownTypes = MappingProxyType(
    {
        name: MappingProxyType({each.name: each.by_default for each in kit.catalogue.values()})
        for name, kit in PROVIDERS.items()
    }
)


@dataclass(frozen=True, slots=True)
class World:
    """What is outside: time, threads, the network, chance, the environment, and who is told."""

    clock: Clock
    offload: Offload
    network: Network
    random: Random
    environ: Mapping[str, str]
    learn_secret: Callable[[str], None]
    tells: Run = run_command

    async def send(self, request: Request) -> Reply:
        """Send one request outside of any pass: to the token endpoint."""
        async with self.network.session(for_tokens=True) as send:
            return await send(request)


@dataclass(frozen=True, slots=True)
class AccountParts:
    """One account as its settings describe it; nothing of it is open yet."""

    settings: AccountSettings
    endpoints: ProviderEndpoints
    folder: Path
    kit: ProviderKit

    @property
    def wants(self) -> Wants:
        """Give what the planner must know of the settings."""
        account = self.settings
        # What tells the wearer's zone and the device syncs: without it no day is right.
        types = tuple(
            data_type
            for data_type in self.kit.catalogue.values()
            if data_type.needed or data_type.name in account.data_types
        )
        return Wants(
            name=account.name,
            data_types=types,
            poll_every=account.poll_every,
            poll=account.poll,
            backfill_from=account.backfill_from,
            pass_requests=self.kit.pass_requests,
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """Give the scopes that the wanted data types need, each once."""
        return tuple(
            dict.fromkeys(scope for t in self.wants.data_types for scope in t.scope.split())
        )

    @property
    def subject(self) -> Subject:
        """Give what the facts about the account are gathered for."""
        title = self.kit.flavour.title
        return Subject(self.settings.name, title, self.folder, self.wants)

    def provider(self) -> Provider:
        """Make the provider, at the address that the settings give."""
        return self.kit.provider(self.endpoints.api_url)

    def app(self, world: World) -> App:
        """Make the registered application.

        Raises:
            OperatorError: there is no client secret.
        """
        secret = read_secret(self.settings, world.environ)
        value = secret.value if secret else None
        if value is not None:
            world.learn_secret(value)
        client = Client(self.settings.client_id, value)
        at = self.endpoints
        endpoints = Endpoints(at.authorize_url, at.token_url, at.revoke_url)
        return App(self.kit.flavour, client, endpoints)

    def make_folder(self) -> None:
        """Have the state directory and the account's folder there, by names that stay.

        Raises:
            OperatorError: there is no folder in which the state directory could be, or the disk
                refuses.
        """
        state_dir = self.folder.parent
        try:
            made = disk.make_folder(state_dir, disk.ACCOUNT_FOLDER_MODE)
        except (FileNotFoundError, NotADirectoryError) as err:
            # A disk that is not mounted, most often: nothing is to be begun in its place.
            raise OperatorError(
                f"the state directory {state_dir} cannot be made: there is no folder"
                f" {state_dir.parent}.\nNothing was changed.\n"
                "Next: mount its disk or create the folder above it, or correct state_dir"
            ) from err
        disk.make_folder(self.folder, disk.ACCOUNT_FOLDER_MODE)
        with disk.telling(state_dir):
            if made:
                disk.sync_folder(state_dir.parent)
            disk.sync_folder(state_dir)  # who made the account's may have died before this

    @property
    def token_file(self) -> TokenFile:
        """Give the file that holds the grant."""
        return TokenFile(self.folder / "token.json")

    def keeper(self, world: World) -> Keeper:
        """Make the keeper of the account's grant."""
        return Keeper(
            account=self.settings.name,
            app=self.app(world),
            file=self.token_file,
            lock=TokenLock(self.folder / "token.lock", world.clock, world.offload),
            send=world.send,
            clock=world.clock,
            offload=world.offload,
            learn_secret=world.learn_secret,
        )


def parts(settings: Settings, account: AccountSettings) -> AccountParts:
    """Give the parts of one account of `settings`."""
    kit = PROVIDERS[account.provider]
    endpoints = settings.endpoints[account.provider]
    if endpoints.requests_per_s is not None:
        kit = replace(kit, requests_per_s=endpoints.requests_per_s)
    return AccountParts(account, endpoints, settings.state_dir / account.name, kit)
