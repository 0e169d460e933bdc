"""A life at any provider, for tests of two accounts of one person."""

from collections.abc import Mapping
from pathlib import Path

from fitbitd.model import DataType, DataTypeName
from fitbitd.store.account import AccountStore
from tests.support.store import Life, read


class OtherLife(Life):
    """A life whose data types are those of `catalogue`; its replies are the tests' own."""

    def __init__(
        self, account_dir: Path, now: str, catalogue: Mapping[DataTypeName, DataType]
    ) -> None:
        super().__init__(account_dir, now)
        self.store.close()
        self.store = AccountStore(account_dir, read, catalogue)
