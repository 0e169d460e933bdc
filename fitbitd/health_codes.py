"""Every kind of condition, the most urgent first, with its words.

The templates are filled by `health.py`: {account}, {provider}, {data_type}, {since} and {detail}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """Who acts: somebody must, we cope, or it is only good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of condition: `about` for tables, the rest as templates of its sentences.

    Attributes:
        halts: while it lasts, no reading of the account arrives.
    """

    severity: Severity
    about: str
    summary: str
    meaning: str
    next: str
    halts: bool = False


_ERROR, _WARNING, _INFO = Severity
_PAUSED = "Nothing archived is lost. Pulls for {account} are paused; other accounts go on."

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "disk_full": Code(
            _ERROR,
            "the disk has no room left",
            "the disk has no room left since {since}: {detail}.",
            "Passes pause. Nothing stored is lost, and what is missing is fetched later.",
            "free some space; work goes on by itself",
            halts=True,
        ),
        "disk_read_only": Code(
            _ERROR,
            "the disk takes no more writing",
            "the disk takes no more writing since {since}: {detail}.",
            "Passes pause. What is stored can still be read.",
            "see why with dmesg; an SD card that does this is often worn out",
            halts=True,
        ),
        "disk_failed": Code(
            _ERROR,
            "the disk fails",
            "the disk fails since {since}: {detail}.",
            "Passes pause. What was stored before is still there.",
            "see why with dmesg; copy the state directory to another disk while it can be read",
            halts=True,
        ),
        "permission": Code(
            _ERROR,
            "a file or folder may not be used",
            "fitbitd may not use a file or folder of its own since {since}: {detail}.",
            "Passes pause. Nothing stored is lost.",
            "give the state directory back to the user that runs fitbitd (chown -R)",
            halts=True,
        ),
        "settings": Code(
            _ERROR,
            "a setting cannot be used",
            "a setting cannot be used since {since}: {detail}.",
            _PAUSED,
            "correct it in the configuration or the service's environment; see fitbitd check",
            halts=True,
        ),
        "clock_wrong": Code(
            _ERROR,
            "the clock of this machine is wrong",
            "the clock of this machine is wrong: {detail}.",
            "Nothing is asked until it is right. Nothing stored is touched.",
            "wait for network time, or set the clock; see timedatectl",
            halts=True,
        ),
        "index_newer": Code(
            _ERROR,
            "the index or the archive was written by a newer fitbitd",
            "what is stored was written by a newer fitbitd: {detail}.",
            "Pulls for {account} are paused. The archive and the index are untouched.",
            "install the newer fitbitd again",
            halts=True,
        ),
        "index_damaged": Code(
            _ERROR,
            "the index is damaged",
            "the index is damaged since {since}: {detail}.",
            "The archive, from which it is made, is not affected. Pulls for {account} are paused.",
            "fitbitd rebuild {account}",
            halts=True,
        ),
        "token_file": Code(
            _ERROR,
            "the token file cannot be used",
            "the token file cannot be used: {detail}.",
            _PAUSED,
            "put the file back from a backup, or: fitbitd authorize {account}",
            halts=True,
        ),
        "authorization_needed": Code(
            _ERROR,
            "the wearer must consent",
            "{detail}.",
            _PAUSED,
            "fitbitd authorize {account}",
            halts=True,
        ),
        "client_rejected": Code(
            _ERROR,
            "the provider refuses our client id or secret",
            "{provider} refuses our client id or secret since {since}: {detail}.",
            _PAUSED,
            "compare client_id and the client secret with the app's page at the provider",
            halts=True,
        ),
        "access_denied": Code(
            _ERROR,
            "the provider refuses the account every request",
            "{provider} refuses every request since {since}, without saying why: {detail}.",
            "Nothing archived is lost. Nothing new arrives until it is mended.",
            "remove fitbitd under myaccount.google.com/connections, then: fitbitd authorize"
            " {account}",
            halts=True,
        ),
        "account_not_linked": Code(
            _ERROR,
            "the wearer's account holds no health data",
            "{provider} knows no health profile of this account since {since}: {detail}.",
            _PAUSED,
            "open the Google Health app with this account and link it; or, if the watch uses"
            " another account: fitbitd authorize {account}",
            halts=True,
        ),
        "profile_not_ready": Code(
            _ERROR,
            "the wearer's health profile is not set up",
            "the wearer's profile at {provider} is not set up since {since}: {detail}.",
            _PAUSED,
            "finish the set-up in the Google Health app; work goes on by itself",
            halts=True,
        ),
        "service_disabled": Code(
            _ERROR,
            "the API is not enabled in the app's project",
            "the app's project may not use the API of {provider} since {since}: {detail}.",
            _PAUSED,
            "enable the Google Health API in the Cloud project of client_id; it takes minutes",
            halts=True,
        ),
        "provider_gone": Code(
            _ERROR,
            "the provider has switched its API off (410)",
            "{provider} has switched its API off, seen since {since}: {detail}.",
            "Nothing archived is lost; it can be read as before. fitbitd looks again once a day.",
            "fitbitd init --provider google_health --output - shows the way to an account that goes"
            ' on; give it continues = "{account}", then authorize it',
            halts=True,
        ),
        "archive_damaged": Code(
            _ERROR,
            "part of the archive cannot be read",
            "part of the archive cannot be read since {since}: {detail}.",
            "The damage stays as it is, and all around it is kept. Collecting goes on.",
            "fitbitd verify {account} names the files; put those back from a backup",
        ),
        "contract_changed": Code(
            _ERROR,
            "a reply is not what the provider documents",
            "a reply of {provider} cannot be understood since {since}: {detail}.",
            "The replies are kept in the archive, but are not in the index.",
            "install a newer fitbitd, then: fitbitd rebuild {account}",
        ),
        "internal_error": Code(
            _ERROR,
            "a defect of fitbitd ended a pass",
            "a defect of fitbitd ends passes since {since}: {detail}.",
            "Nothing stored is lost. Each pass tries again; other accounts go on.",
            "please report the traceback that is in the log",
            halts=True,
        ),
        "passes_unfinished": Code(
            _WARNING,
            "passes began and did not end",
            "{detail} began and did not end: fitbitd died, or the disk took no more writing.",
            "Nothing stored is lost. Each next pass waits longer, up to 6 hours.",
            "see what happened: journalctl -u fitbitd, df, and dmesg for lack of memory",
            halts=True,
        ),
        "provider_unreachable": Code(
            _WARNING,
            "the provider cannot be reached",
            "{provider} cannot be reached since {since}: {detail}.",
            "Nothing is lost: what is missing is fetched when it answers.",
            "wait: the next pass tries again. If it lasts, look at the network",
            halts=True,
        ),
        "lock_held": Code(
            _WARNING,
            "another process keeps this account's data",
            "another process keeps this account's data since {since}: {detail}.",
            "Nothing is collected by this one until the other lets go.",
            "wait for it, or end it",
            halts=True,
        ),
        "grant_expires_soon": Code(
            _WARNING,
            "the consent ends in three days or less",
            "the consent ends at {detail}, as the provider set it.",
            "Until then all goes on. After it nothing is collected; nothing archived is lost.",
            "fitbitd authorize {account}. If it ends every 7 days: publish the app first (consent"
            " screen, In production)",
        ),
        "token_in_doubt": Code(
            _WARNING,
            "the answer to a token refresh was lost",
            "the answer to the token refresh of {since} was lost.",
            "Nothing is lost so far: the old access token serves until it expires.",
            "wait: the same refresh is sent again",
        ),
        "data_stale": Code(
            _WARNING,
            "the provider has readings that we have not read",
            "{provider} has had readings since {since} that fitbitd has not read: {detail}.",
            "They are at {provider}, and are fetched as soon as it lets us.",
            "fitbitd pull {account}",
        ),
        "watch_not_synced": Code(
            _WARNING,
            "the watch brings nothing to the provider",
            "the watch has brought nothing to {provider} since {since}.",
            "Newer readings are on the watch alone, which keeps a few days of detail.",
            "open the watch's app on the phone and let it sync; charge the watch",
        ),
        "scope_missing": Code(
            _WARNING,
            "the consent leaves a data type out",
            "the consent leaves out {data_type} since {since}: {detail}.",
            "It is not collected; the other data types go on.",
            "fitbitd authorize {account}, with its box ticked",
        ),
        "data_type_refused": Code(
            _WARNING,
            "the provider does not offer a data type to this app",
            "{provider} does not offer {data_type} to this app since {since}: {detail}.",
            "It is not collected; the other data types go on.",
            "wait: it is asked again, at most once a day. An app_type may lack it",
        ),
        "request_refused": Code(
            _WARNING,
            "the provider does not answer some requests",
            "{provider} does not answer for {data_type} since {since}: {detail}.",
            "It is missing for those days; the other data types go on.",
            "wait: it is asked again, at most once a day",
        ),
        "zone_unknown": Code(
            _WARNING,
            "the wearer's time zone is not known",
            "{provider} has not told the wearer's time zone since {since}.",
            "Everything is collected, but days are counted in UTC.",
            "fitbitd authorize {account}, with the box for settings ticked",
        ),
        "readings_vanished": Code(
            _WARNING,
            "the provider gave nothing where it gave readings before",
            "{provider} gave nothing for {data_type} of {detail}, where it gave readings before.",
            "The readings are kept. Only a second empty answer, a day later, is believed.",
            "wait, unless the wearer deleted them: then nothing is wrong",
        ),
        "disk_low": Code(
            _WARNING,
            "the disk is nearly full",
            "the disk has {detail} left.",
            "Collecting goes on until there is no room.",
            "make room, or move state_dir to a larger disk",
        ),
        "index_older": Code(
            _WARNING,
            "the index was written by an older fitbitd",
            "the index was written by an older fitbitd: {detail}.",
            "Nothing is lost: whoever writes next brings it up to date.",
            "start the daemon, or: fitbitd pull {account}",
        ),
        "index_behind": Code(
            _WARNING,
            "the index lacks what is in the archive",
            "reading {detail} ended fitbitd twice, so the index lacks it, since {since}.",
            "Nothing is lost: the archive has it. Answers leave out what is in it.",
            "wait: the days are asked again. If it stays: fitbitd rebuild {account}",
        ),
        "throttled": Code(
            _INFO,
            "the quota of the provider is spent for now",
            "{provider} wants no more requests before {detail}.",
            "Nothing is lost: what is missing is fetched then.",
            "wait: work goes on by itself",
            halts=True,
        ),
    }
)
