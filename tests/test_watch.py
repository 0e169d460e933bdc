from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fitbitd.health import Facts, conditions
from fitbitd.model import AccountName
from fitbitd.watch import Stand, status_line

NOON = datetime(2027, 3, 1, 12, 5, tzinfo=UTC)
LATER = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)
WELL = Facts(NOON, AccountName("bob"), "Fitbit", timedelta(minutes=15))


def test_the_line_that_systemd_shows_leads_with_what_is_wrong_in_words() -> None:
    wrong = conditions(replace(WELL, grant="revoked", disk_free_bytes=7))
    stands = {"alice": Stand((), LATER), "bob": Stand(wrong, NOON), "eve": Stand((), LATER)}
    assert status_line(stands) == (
        "bob: authorization_needed (the wearer must consent), disk_low (the disk is nearly full);"
        " 2 of 3 accounts well; next look at 12:05 UTC"
    )
    assert status_line({"alice": Stand((), LATER)}) == (
        "1 of 1 accounts well; next look at 14:30 UTC"
    )
