"""The grant: what a token file holds, and what it is good for, derived (pure).

The file is JSON with the keys of `Grant`, times in RFC 3339 (UTC), `scope` and `consents_lived_s`
as lists, and `previous` as an object with the pair before this one. Keys that we do not know are
ignored; a program that gives one another meaning writes `version`, which is 1 where it is absent.
States are never stored: `state` derives them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar

from fitbitd.errors import OperatorError

T = TypeVar("T")

SAFETY = timedelta(seconds=5)
"""No request leaves with a token that ends sooner: it could die under way."""

REPLAY_HORIZON = timedelta(minutes=10)
"""How old a repeated answer may be: five times the two minutes of Fitbit's older documents."""

_NEAR_THE_DEADLINE = timedelta(days=1)  # it is the provider's, by a clock that is not ours
_FIRST_WAITS_S = (1.0, 5.0, 15.0, 45.0)
_LONGEST_WAIT_S = 900.0
_REMEMBERED_CONSENTS = 5
_LEAST_ROOM_BYTES = 8192
_VERSION = 1
_YEARS = range(1970, 9000)  # outside of them, adding a life would leave the calendar


class TokenState(StrEnum):
    """What a grant is good for."""

    FRESH = "fresh"  # the access token may be used
    STALE = "stale"  # refresh it
    IN_DOUBT = "in_doubt"  # a refresh was sent, its answer is not here: send the same one again
    REVOKED = "revoked"  # only a new consent of the wearer helps


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and its refresh token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one wearer has allowed us, with the tokens that prove it. All times are aware UTC.

    Attributes:
        provider: whose grant it is, as in the configuration.
        issued_at: the earliest instant at which the access token can have been made.
        user_id: the wearer's id at the provider; "" while unknown.
        refresh_sent_at: since when an answer to this refresh token is missing (rotating ones only).
        rejected_at: when the provider refused the refresh token for good.
        revoked_at: when we ended the grant ourselves.
        refresh_expires_at: when the refresh token ends, where the provider says so.
        consented_at: when the wearer last said yes; None if unknown.
        consents_lived_s: how long earlier consents lived until they were refused, newest first.
        previous: the pair before this one, for one generation.
    """

    provider: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    scope: tuple[str, ...] = ()
    user_id: str = ""
    refresh_sent_at: datetime | None = None
    rejected_at: datetime | None = None
    revoked_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    consented_at: datetime | None = None
    consents_lived_s: tuple[int, ...] = ()
    previous: Pair | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give every token in it, for the log's redaction."""
        old = self.previous
        return (
            self.access_token,
            self.refresh_token,
            *((old.access_token, old.refresh_token) if old else ()),
        )


@dataclass(frozen=True, slots=True)
class Causes:
    """Why a provider ends grants, as sentences for people; "" where nothing is known.

    Attributes:
        deadline: of a consent that was good until an instant, and only until then.
        others: of any other.
    """

    deadline: str = ""
    others: str = ""


UNKNOWN_CAUSES = Causes()


def state(grant: Grant, now: datetime) -> TokenState:
    """Say what `grant` is good for at `now`, from what the token file holds."""
    if grant.rejected_at is not None or grant.revoked_at is not None:
        return TokenState.REVOKED  # only the wearer can help
    if grant.refresh_sent_at is not None:
        return TokenState.IN_DOUBT  # the answer may be lost: send the same refresh token again
    if _made_in_the_future(grant, now) or now >= refresh_due_at(grant):
        return TokenState.STALE
    return TokenState.FRESH


def may_be_sent(grant: Grant, now: datetime) -> bool:
    """Say whether the access token may leave with a request at `now`, also while in doubt."""
    if state(grant, now) is TokenState.REVOKED or _made_in_the_future(grant, now):
        return False
    return now < grant.expires_at - SAFETY


def refresh_due_at(grant: Grant) -> datetime:
    """Give the instant at which a fifth of the life is left, and never less than is safe."""
    return grant.expires_at - max((grant.expires_at - grant.issued_at) / 5, SAFETY)


def _made_in_the_future(grant: Grant, now: datetime) -> bool:
    # The clock is behind, or was ahead: then the end that the file names says nothing. A tenth of
    # the life is let pass, because small corrections are common and refreshing leaves a fifth.
    return now < grant.issued_at - (grant.expires_at - grant.issued_at) / 10


def retry_delay_s(failures: int, *, in_doubt: bool = False) -> float:
    """Give the seconds to wait after so many failures in a row (1 is the first).

    The first five attempts fit into the two minutes in which a rotating provider repeats a lost
    answer, even when each of them runs into its deadline of 10 s. But any later attempt may be the
    one that is served and whose answer is lost: so, while in doubt, every long wait is followed by
    such a series again.
    """
    if in_doubt:
        rounds, failures = divmod(max(failures, 1) - 1, len(_FIRST_WAITS_S) + 1)
        failures += 1 + (rounds if failures == len(_FIRST_WAITS_S) else 0)
    if failures <= len(_FIRST_WAITS_S):
        return _FIRST_WAITS_S[max(failures, 1) - 1]
    doublings = min(failures - len(_FIRST_WAITS_S), 10)
    return min(_LONGEST_WAIT_S, _FIRST_WAITS_S[-1] * 2.0**doublings)


def sending(grant: Grant, now: datetime) -> Grant:
    """Note that the refresh token is about to leave; the first time of a row counts."""
    return replace(grant, refresh_sent_at=grant.refresh_sent_at or now)


def earliest_issue(grant: Grant, now: datetime) -> datetime:
    """Give the earliest instant at which the answer to a refresh sent at `now` was made.

    An answer may be the repetition of one that was lost; its `expires_in` counts from then.
    """
    if grant.refresh_sent_at is None:
        return now
    return min(now, max(grant.refresh_sent_at, now - REPLAY_HORIZON))


def rejecting(grant: Grant, now: datetime) -> Grant:
    """Note that the provider refused the refresh token; everything else is kept."""
    return replace(grant, rejected_at=now)


def revoking(grant: Grant, now: datetime) -> Grant:
    """Note that we ended the grant ourselves; everything else is kept."""
    return replace(grant, revoked_at=now)


def succeeding(grant: Grant, old: Grant | None) -> Grant:
    """Let the new consent `grant` follow `old`: how long that one lived is remembered."""
    if old is None:
        return grant
    lived = old.consents_lived_s
    if old.rejected_at is not None and old.consented_at is not None:
        life_s = int((old.rejected_at - old.consented_at).total_seconds())
        lived = (max(life_s, 0), *lived)[:_REMEMBERED_CONSENTS]
    return replace(grant, consents_lived_s=lived)


def why_ended(grant: Grant, title: str, causes: Causes = UNKNOWN_CAUSES) -> str:
    """Say in a few sentences why a revoked grant ended; `title` is the provider's name."""
    if grant.revoked_at is not None:
        return f"The grant was ended with `fitbitd revoke` on {for_people(grant.revoked_at)}."
    words = f"{title} refuses our refresh token"
    if grant.rejected_at is not None:
        words += f" since {for_people(grant.rejected_at)}"
        sent_at = grant.refresh_sent_at
        if sent_at is not None and grant.rejected_at - sent_at > timedelta(minutes=1):
            return (
                f"{words}. It was first sent on {for_people(sent_at)}, and the answer with the new"
                f" one never reached the disk; when we could ask again, {title} no longer repeated"
                " it."
            )
        deadline = grant.refresh_expires_at
        if deadline is not None and grant.rejected_at > deadline - _NEAR_THE_DEADLINE:
            words += f"; the consent was good until {for_people(deadline)}. {causes.deadline}"
            return words.rstrip()
    return f"{words}. {causes.others}".rstrip()


def for_people(at: datetime) -> str:
    """Write an instant as it is told."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def room_for(grant: Grant) -> int:
    """Give the bytes that the file after the next refresh may need, generously."""
    return max(_LEAST_ROOM_BYTES, 4 * len(to_json(grant)))


def is_token(value: object) -> TypeGuard[str]:
    """Say whether `value` can stand in a header: printable ASCII, as RFC 6749 has it."""
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def to_json(grant: Grant) -> str:
    """Write a grant as the text of a token file."""
    document = {
        "provider": grant.provider,
        "user_id": grant.user_id,
        "scope": list(grant.scope),
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "issued_at": _rfc3339(grant.issued_at),
        "expires_at": _rfc3339(grant.expires_at),
        "refresh_sent_at": _rfc3339(grant.refresh_sent_at),
        "rejected_at": _rfc3339(grant.rejected_at),
        "revoked_at": _rfc3339(grant.revoked_at),
        "refresh_expires_at": _rfc3339(grant.refresh_expires_at),
        "consented_at": _rfc3339(grant.consented_at),
        "consents_lived_s": list(grant.consents_lived_s),
        "previous": grant.previous
        and {
            "access_token": grant.previous.access_token,
            "refresh_token": grant.previous.refresh_token,
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_json(text: str) -> Grant:
    """Read the text of a token file.

    Raises:
        OperatorError: `token_file`; the message names the first thing that is wrong with it.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise _unreadable("it is not JSON") from err
    if not isinstance(document, dict):
        raise _unreadable("it is not a JSON object")
    if document.get("version", _VERSION) != _VERSION:
        raise _unreadable("a newer fitbitd wrote it; install that one again")
    previous = document.get("previous")
    return Grant(
        provider=_text(document, "provider"),
        access_token=_token(document, "access_token"),
        refresh_token=_token(document, "refresh_token"),
        issued_at=_instant(document, "issued_at"),
        expires_at=_instant(document, "expires_at"),
        scope=_list(document, "scope", str),
        user_id=_text(document, "user_id"),
        refresh_sent_at=_perhaps(document, "refresh_sent_at"),
        rejected_at=_perhaps(document, "rejected_at"),
        revoked_at=_perhaps(document, "revoked_at"),
        refresh_expires_at=_perhaps(document, "refresh_expires_at"),
        consented_at=_perhaps(document, "consented_at"),
        consents_lived_s=_list(document, "consents_lived_s", int),
        previous=None if previous is None else _pair(previous),
    )


def from_two_lines(text: str, provider: str, now: datetime) -> Grant:
    """Read the original script's file: the access token, a line end, the refresh token.

    When the access token ends is not in it: the grant is stale at once.

    Raises:
        OperatorError: `token_file`; it does not hold exactly two tokens.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if len(lines) != len(("access", "refresh")) or not all(map(is_token, lines)):
        raise _unreadable("it does not hold an access token and a refresh token on two lines")
    return Grant(provider, lines[0], lines[1], issued_at=now, expires_at=now)


def _unreadable(problem: str) -> OperatorError:
    return OperatorError(problem, code="token_file")


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise _unreadable(f"`{key}` is not a text")
    return value


def _token(document: Mapping[str, Any], key: str) -> str:
    value = _text(document, key)
    if not is_token(value):
        raise _unreadable(f"`{key}` is not a token")
    return value


def _pair(value: object) -> Pair:
    if not isinstance(value, dict):
        raise _unreadable("`previous` is not an object")
    return Pair(_token(value, "access_token"), _token(value, "refresh_token"))


def _perhaps(document: Mapping[str, Any], key: str) -> datetime | None:
    return None if document.get(key) is None else _instant(document, key)


def _instant(document: Mapping[str, Any], key: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(document, key))
    except ValueError as err:
        raise _unreadable(f"`{key}` is not a time") from err
    if at.tzinfo is None or at.year not in _YEARS:
        raise _unreadable(f"`{key}` is not a time with its offset from UTC")
    return at.astimezone(UTC)


def _list(document: Mapping[str, Any], key: str, kind: type[T]) -> tuple[T, ...]:
    values = document.get(key, [])
    if not isinstance(values, list) or not all(type(value) is kind for value in values):
        raise _unreadable(f"`{key}` is not a list of {kind.__name__}")
    return tuple(values)
