"""An account that continues another one of the same person: which, and where the seam is."""

from fitbitd.assembly import AccountParts, parts
from fitbitd.commands.common import account_of
from fitbitd.config import Settings
from fitbitd.model import Axis
from fitbitd.store import disk
from fitbitd.store.continuation import Side
from fitbitd.store.index import INDEX_NAME


def earlier_of(settings: Settings, account: AccountParts) -> AccountParts | None:
    """Give the account that `account` continues, once that has an index."""
    name = account.settings.continues
    if name is None:
        return None
    earlier = parts(settings, account_of(settings, name))
    return earlier if has_index(earlier) else None


def has_index(account: AccountParts) -> bool:
    """Say whether an account has an index.

    Raises:
        OperatorError: the disk refuses to tell.
    """
    path = account.folder / INDEX_NAME
    with disk.telling(path):
        return path.exists()


def seam(account: AccountParts, earlier: AccountParts | None) -> tuple[Side, Side] | None:
    """Say how the two are joined, if there are two."""
    return None if earlier is None else (_side(account), _side(earlier))


def _side(account: AccountParts) -> Side:
    catalogue = account.kit.catalogue.values()
    by_instant = tuple(each.name for each in catalogue if each.axis is Axis.INSTANT)
    return Side(account.settings.name, account.settings.provider, by_instant)
