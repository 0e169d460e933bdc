"""Failures, sorted by what the caller may do next.

`code` names the condition that a failure leads to, so that one list of words serves `status`,
events and messages. `exit_code` follows sysexits.h.
"""

import traceback
from datetime import datetime
from pathlib import Path


class FitbitdError(Exception):
    """The root: one message for a person, one code for the condition that it leads to."""

    code = "internal_error"
    exit_code = 70  # EX_SOFTWARE

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class TransientError(FitbitdError):
    """Nobody needs to act: try again in seconds, a few times, then in the next pass."""

    code = "provider_unreachable"
    exit_code = 75  # EX_TEMPFAIL


class ThrottledError(FitbitdError):
    """Send nothing more for this account before `until`, an aware UTC instant."""

    code = "throttled"
    exit_code = 75  # EX_TEMPFAIL

    def __init__(self, message: str, *, until: datetime, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.until = until


class GoneError(ThrottledError):
    """The provider is switched off for good (410): look again at `until`, a day away."""

    code = "provider_gone"
    exit_code = 69  # EX_UNAVAILABLE


class StaleTokenError(FitbitdError):
    """The access token was refused: refresh once and send once more."""

    code = "authorization_needed"
    exit_code = 77  # EX_NOPERM


class AuthorizationError(FitbitdError):
    """The wearer must consent again; this account pauses, the others go on."""

    code = "authorization_needed"
    exit_code = 77  # EX_NOPERM


class RefusedError(FitbitdError):
    """This pull failed for the reason in `code`; ask again later, go on with the others.

    Codes: `scope_missing`, `data_type_refused` (also an app type without intraday), `too_large`
    (ask for half), `too_slow` (ask for smaller pages, then for half), `method_refused` (ask by the
    method that the reply names), `access_denied` (a 403 that does not say of what: of this data
    type if others are answered, of the whole account if none is), `request_refused` (anything else
    the provider will not answer).
    """

    code = "request_refused"
    exit_code = 0


class OperatorError(FitbitdError):
    """The operator must act; starting again would not help, but for a lock that is held.

    Codes: `settings` (at the start the process exits), `client_rejected`, `account_not_linked`,
    `profile_not_ready`, `service_disabled` (this account waits), `disk_full`, `disk_read_only`,
    `disk_failed`, `permission` (all passes pause), `lock_held`, `index_newer`, `index_older`,
    `index_damaged`, `index_missing`, `token_file`, `wrong_person`, `state_mismatch` and
    `redirect_unreadable` (of a consent), `usage` (of a command).
    """

    code = "settings"
    exit_code = 78  # EX_CONFIG

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.exit_code = _EXIT_CODES.get(self.code, self.exit_code)


_EXIT_CODES = {
    "lock_held": 75,  # EX_TEMPFAIL
    "usage": 64,  # EX_USAGE
}


class ContractError(FitbitdError):
    """A reply is not what the provider documents: keep it raw, skip the index, say so."""

    code = "contract_changed"
    exit_code = 70  # EX_SOFTWARE


def defect(err: Exception) -> FitbitdError:
    """Tell of a bug by its kind and its place: its words may quote a token, or what was measured.

    The log has those as well, behind its redaction; this goes to the archive and to people.
    """
    places = traceback.extract_tb(err.__traceback__)
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return FitbitdError(f"a bug ended the pass: {type(err).__name__}{where}")


def complaint(words: str) -> str:
    """Write what went wrong for a person; what to do next has a line of its own."""
    return "error: " + words.replace(" Next: ", "\nNext: ")
