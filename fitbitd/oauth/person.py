"""Who gave a consent, where the token endpoint does not say: read from the provider (pure).

Source:
    developers.google.com/health, reference, `users.getIdentity`: `healthUserId` and
    `legacyUserId`, both stable (discovery document, revision 20261030).
"""

import json
from dataclasses import dataclass

from fitbitd.errors import ContractError
from fitbitd.model import Reply


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind a grant.

    Attributes:
        user_id: at this provider.
        legacy_id: at the legacy one that it took over from; "" if they were not there.
    """

    user_id: str
    legacy_id: str = ""


def read_google(reply: Reply) -> Person:
    """Read the answer of `users.getIdentity`, judged already.

    Raises:
        ContractError: it does not say who it is.
    """
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        body = None
    found = body if isinstance(body, dict) else {}
    user_id, legacy_id = found.get("healthUserId"), found.get("legacyUserId")
    if not isinstance(user_id, str) or not user_id:
        raise ContractError("Google Health does not say whose token this is.")
    return Person(user_id, legacy_id if isinstance(legacy_id, str) else "")
