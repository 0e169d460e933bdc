from datetime import UTC, datetime

from fitbitd.daemon import status_line

NOON = datetime(2027, 3, 1, 12, 5, tzinfo=UTC)
LATER = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)


def test_the_line_that_systemd_shows_leads_with_what_is_wrong() -> None:
    accounts = {"alice": ("", LATER), "bob": ("authorization_needed", NOON), "eve": ("", LATER)}
    assert status_line(accounts) == (
        "bob: authorization_needed; 2 of 3 accounts well; next look at 12:05 UTC"
    )
    assert status_line({"alice": ("", LATER)}) == "1 of 1 accounts well; next look at 14:30 UTC"
