"""An errand: what `pull`, `backfill` and `rebuild` ask for, as values and as JSON."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

from fitbitd.assembly import AccountParts, parts
from fitbitd.commands.common import account_of, data_type_of
from fitbitd.config import Settings
from fitbitd.errors import OperatorError

Kind = Literal["pull", "backfill", "rebuild"]

_DAYS = ("first", "last")


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done for one account.

    Attributes:
        data_types: of a pull; empty for all that are wanted.
        first: the first day, of a backfill and of a pull of days.
        last: the last day of a pull of days, itself included.
    """

    errand: Kind
    account: str
    data_types: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    def asked(self) -> dict[str, Any]:
        """Give it as JSON has it, without what is not asked."""
        given = {name: value for name, value in asdict(self).items() if value}
        return {**given, **{day: str(given[day]) for day in _DAYS if day in given}}

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Self:
        """Read it from JSON.

        Raises:
            OperatorError: it is none; another program may ask for more than this one knows.
        """
        with suppress(TypeError, ValueError):
            days = {day: date.fromisoformat(asked[day]) for day in _DAYS if day in asked}
            types = tuple(asked.get("data_types", ()))
            errand = cls(**{**asked, **days, "data_types": types})
            texts = [errand.errand, errand.account, *types]
            if errand.errand in get_args(Kind) and all(isinstance(text, str) for text in texts):
                return errand
        raise OperatorError(
            "the daemon does not know what is asked of it.\nNothing was changed.\n"
            "Next: systemctl restart fitbitd, if it is older than this command",
            code="usage",
        )


def prepared(errand: Errand, settings: Settings, now: datetime) -> AccountParts:
    """Give the parts of the account that an errand is for, with the history that it asks for.

    Raises:
        OperatorError: there is no such account or data type, or no such days.
    """
    own, first, last = account_of(settings, errand.account), errand.first, errand.last
    account = parts(settings, own)
    for name in errand.data_types:
        data_type_of(account, name)
    if first and last and last < first:
        raise OperatorError(f"--to {last} is before --from {first}.\nNext: swap them", code="usage")
    if errand.errand != "backfill":
        return account
    if first is None or first > now.date():
        raise OperatorError(
            f"--from {first} has not come yet.\nNext: name an earlier day", code="usage"
        )
    return parts(settings, replace(own, backfill_from=first))
