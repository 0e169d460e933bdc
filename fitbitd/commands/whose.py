"""Whose consent it is: asked for before anything is kept, so that no two people's data mix."""

from dataclasses import replace

from fitbitd.assembly import AccountParts, Identity, World
from fitbitd.commands.common import say
from fitbitd.errors import FitbitdError, OperatorError, TransientError
from fitbitd.model import Pull, Why
from fitbitd.oauth.person import Person
from fitbitd.oauth.token import Grant

_WAITS_S = (1.0, 5.0, 15.0)
"""A consent that a person just gave is worth some patience."""


async def identified(
    account: AccountParts, grant: Grant, world: World
) -> tuple[Grant, Person | None]:
    """Give the grant with the id of its person; None where the token endpoint has told it.

    Raises:
        FitbitdError: it cannot be told; the grant is not kept.
    """
    if account.kit.identity is None:
        return grant, None
    try:
        person = await _patiently(account, grant.access_token, account.kit.identity, world)
    except FitbitdError:
        say("Nothing was kept, since it cannot be told whose consent this is.")
        say(f"When that is mended, run fitbitd authorize {account.settings.name} again.")
        raise
    if person.legacy_id:
        say(f"this person's id at the legacy provider: {person.legacy_id}")
    return replace(grant, user_id=person.user_id), person


async def _patiently(
    account: AccountParts, access_token: str, identity: Identity, world: World
) -> Person:
    for wait_s in _WAITS_S:
        try:
            return await _asked(account, access_token, identity, world)
        except TransientError:
            await world.clock.sleep(wait_s)
    return await _asked(account, access_token, identity, world)


async def _asked(
    account: AccountParts, access_token: str, identity: Identity, world: World
) -> Person:
    provider = account.provider()
    request = provider.request(Pull(identity.data_type, None, Why.ASKED, "UTC"))
    bearer = ("authorization", f"Bearer {access_token}")
    reply = await world.send(replace(request, headers=(*request.headers, bearer)))
    provider.judge(reply)
    return identity.read(reply)


def check_continued(older: AccountParts, person: Person) -> None:
    """See that the account that is continued holds this person's data; say what was found.

    Raises:
        OperatorError: `wrong_person`; or its token file cannot be read.
    """
    name = older.settings.name
    grant = older.token_file.read()
    if grant is None or not grant.user_id or not person.legacy_id:
        say(f"whether {name}, which this account continues, is the same person cannot be told")
    elif grant.user_id == person.legacy_id:
        say(f"the same person as {name}, which this account continues")
    else:
        raise OperatorError(
            f"This consent is of another person than the one whose data {name} holds: the legacy"
            f" id is {person.legacy_id}, and the tokens of {name} are of {grant.user_id}. Nothing"
            " was kept. Next: log the browser in as the right person and begin again, or take"
            f' continues = "{name}" out of the configuration.',
            code="wrong_person",
        )
