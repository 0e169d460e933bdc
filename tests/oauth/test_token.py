import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.errors import OperatorError
from fitbitd.model import Reply
from fitbitd.oauth import token
from fitbitd.oauth.grant import FITBIT, read_token_reply
from fitbitd.oauth.token import Causes, Grant, Pair, TokenState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EIGHT_HOURS = Grant(
    "fitbit", "secret-access", "secret-refresh", NOON, NOON + timedelta(hours=8), user_id="ABC123"
)

instants = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 (made aware on the next line)
    lambda at: at.replace(tzinfo=UTC)
)
tokens = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1)
words = st.text(st.characters(exclude_categories=["Cs"]))
grants = st.builds(
    Grant,
    provider=words,
    access_token=tokens,
    refresh_token=tokens,
    issued_at=instants,
    expires_at=instants,
    scope=st.lists(words).map(tuple),
    user_id=words,
    refresh_sent_at=st.none() | instants,
    rejected_at=st.none() | instants,
    revoked_at=st.none() | instants,
    refresh_expires_at=st.none() | instants,
    consented_at=st.none() | instants,
    consents_lived_s=st.lists(st.integers(0, 10**9)).map(tuple),
    previous=st.none() | st.builds(Pair, tokens, tokens),
)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_a_grant_is_fresh_until_a_fifth_of_its_life_is_left() -> None:
    due = token.refresh_due_at(EIGHT_HOURS)
    assert due == EIGHT_HOURS.expires_at - timedelta(minutes=96)
    assert token.state(EIGHT_HOURS, due - timedelta(seconds=1)) is TokenState.FRESH
    assert token.state(EIGHT_HOURS, due) is TokenState.STALE


def test_an_hour_is_refreshed_twelve_minutes_before_its_end() -> None:
    hour = replace(EIGHT_HOURS, expires_at=at(1))
    assert token.refresh_due_at(hour) == at(1) - timedelta(minutes=12)


def test_a_refresh_without_its_answer_is_in_doubt_and_the_old_token_may_still_be_sent() -> None:
    sent = token.sending(EIGHT_HOURS, at(6.5))
    assert token.state(sent, at(6.6)) is TokenState.IN_DOUBT
    assert token.may_be_sent(sent, at(8) - timedelta(seconds=5.001))
    assert not token.may_be_sent(sent, at(8) - timedelta(seconds=5))


def test_the_first_sending_of_a_row_counts() -> None:
    assert token.sending(token.sending(EIGHT_HOURS, at(7)), at(7.5)).refresh_sent_at == at(7)


@pytest.mark.parametrize("end", [token.rejecting, token.revoking])
def test_an_ended_grant_is_revoked_whatever_else_it_says_and_is_not_sent(
    end: Callable[[Grant, datetime], Grant],
) -> None:
    ended = end(token.sending(EIGHT_HOURS, at(1)), at(1))
    assert token.state(ended, at(1)) is TokenState.REVOKED
    assert not token.may_be_sent(ended, at(1))
    assert (ended.refresh_token, ended.user_id) == ("secret-refresh", "ABC123")


def test_a_token_from_the_future_is_stale_since_the_clock_says_nothing_about_its_end() -> None:
    assert token.state(EIGHT_HOURS, at(-1)) is TokenState.STALE
    assert not token.may_be_sent(EIGHT_HOURS, at(-1))
    assert token.state(EIGHT_HOURS, at(-0.5)) is TokenState.FRESH  # a small correction


@given(grant=grants, now=instants)
def test_every_state_has_a_way_back_to_fresh(grant: Grant, now: datetime) -> None:
    answer = {"access_token": "a", "refresh_token": "r", "expires_in": 3600}
    reply = Reply(200, {}, json.dumps(answer).encode(), now)
    state = token.state(grant, now)
    if state is TokenState.REVOKED:  # a new consent
        fresh = token.succeeding(read_token_reply(reply, FITBIT, issued_at=now), grant)
    elif state is TokenState.FRESH:
        fresh = grant
    else:
        sent = token.sending(grant, now)
        issued_at = token.earliest_issue(sent, now)
        fresh = read_token_reply(reply, FITBIT, issued_at=issued_at, old=sent)
        assert fresh.previous == Pair(grant.access_token, grant.refresh_token)
    assert token.state(fresh, now) is TokenState.FRESH
    assert token.may_be_sent(fresh, now)


@given(grant=grants, now=instants)
def test_what_is_fresh_may_be_sent(grant: Grant, now: datetime) -> None:
    if token.state(grant, now) is TokenState.FRESH:
        assert token.may_be_sent(grant, now)


def test_a_repeated_answer_is_as_old_as_the_first_sending_at_most_ten_minutes() -> None:
    assert token.earliest_issue(EIGHT_HOURS, at(1)) == at(1)
    assert token.earliest_issue(token.sending(EIGHT_HOURS, at(1)), at(1.1)) == at(1)
    late = token.earliest_issue(token.sending(EIGHT_HOURS, at(1)), at(5))
    assert late == at(5) - timedelta(minutes=10)
    assert token.earliest_issue(token.sending(EIGHT_HOURS, at(9)), at(5)) == at(5)


def test_five_attempts_fit_into_the_replay_window_even_when_each_runs_into_its_deadline() -> None:
    assert [token.retry_delay_s(n) for n in range(8)] == [1, 1, 5, 15, 45, 90, 180, 360]
    assert token.retry_delay_s(9) == token.retry_delay_s(10_000) == 900
    assert sum(token.retry_delay_s(n) + 10 for n in range(1, 5)) < 120


def test_while_in_doubt_every_long_wait_is_followed_by_a_series_like_the_first() -> None:
    waits = [token.retry_delay_s(n, in_doubt=True) for n in range(1, 16)]
    assert waits == [1, 5, 15, 45, 90, 1, 5, 15, 45, 180, 1, 5, 15, 45, 360]
    assert max(token.retry_delay_s(n, in_doubt=True) for n in range(1, 1000)) == 900


@given(grant=grants)
def test_a_grant_survives_its_file(grant: Grant) -> None:
    text = token.to_json(grant)
    assert token.from_json(text) == grant
    assert token.room_for(grant) >= len(text)
    assert text.isascii()


@given(grant=grants)
def test_a_grant_never_shows_its_tokens(grant: Grant) -> None:
    marked = replace(grant, access_token="MARK", previous=Pair("MARK", "MARK"), provider="x")
    marked = replace(marked, refresh_token="MARK", scope=(), user_id="")
    assert "MARK" not in repr(marked) + str(marked) + repr(marked.previous)
    assert set(marked.secrets) == {"MARK"}


def test_times_are_written_in_utc_and_read_in_any_zone() -> None:
    assert '"2026-03-01T12:00:00Z"' in token.to_json(EIGHT_HOURS)
    abroad = replace(EIGHT_HOURS, issued_at=NOON.astimezone(timezone(timedelta(hours=5))))
    assert token.from_json(token.to_json(abroad)) == EIGHT_HOURS


def test_keys_that_we_do_not_know_are_ignored_and_absent_ones_have_a_meaning() -> None:
    document = {
        "provider": "fitbit",
        "access_token": "a",
        "refresh_token": "r",
        "issued_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-01T13:00:00+00:00",
        "user_id": "ABC123",
        "colour": "green",
    }
    grant = token.from_json(json.dumps(document))
    assert grant == Grant("fitbit", "a", "r", NOON, at(1), user_id="ABC123")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"access_token": None}, "`access_token`"),
        ({"access_token": "two words\n"}, "`access_token`"),
        ({"refresh_token": ""}, "`refresh_token`"),
        ({"refresh_token": "ключ"}, "`refresh_token`"),
        ({"issued_at": "yesterday"}, "`issued_at`"),
        ({"issued_at": 5}, "`issued_at`"),
        ({"expires_at": "2026-03-01T12:00:00"}, "`expires_at`"),
        ({"expires_at": "0001-01-01T00:00:00+23:00"}, "`expires_at`"),
        ({"rejected_at": "never"}, "`rejected_at`"),
        ({"scope": "sleep"}, "`scope`"),
        ({"scope": [1]}, "`scope`"),
        ({"consents_lived_s": [True]}, "`consents_lived_s`"),
        ({"provider": 1}, "`provider`"),
        ({"previous": "x"}, "`previous`"),
        ({"previous": {"access_token": "x"}}, "`refresh_token`"),
        ({"version": 2}, "a newer fitbitd"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_the_mistake_is_named(
    change: dict[str, object], named: str
) -> None:
    document = json.loads(token.to_json(EIGHT_HOURS)) | change
    with pytest.raises(OperatorError, match=named) as caught:
        token.from_json(json.dumps(document))
    assert caught.value.code == "token_file"


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '{"provider": "fitb'])
def test_what_is_not_a_json_object_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="JSON"):
        token.from_json(text)


@pytest.mark.parametrize(
    "text", ["acc\nref", "acc\nref\n\n\n", "\ufeffacc\r\nref\r\n", " acc \nref"]
)
def test_the_original_scripts_file_is_stale_at_once(text: str) -> None:
    grant = token.from_two_lines(text, "fitbit", NOON)
    assert (grant.access_token, grant.refresh_token) == ("acc", "ref")
    assert token.state(grant, NOON) is TokenState.STALE
    assert not token.may_be_sent(grant, NOON)


@pytest.mark.parametrize("text", ["", "acc", "a\nb\nc", "acc\nr f\tx"])
def test_a_file_without_two_tokens_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="two lines"):
        token.from_two_lines(text, "fitbit", NOON)


def test_the_end_of_a_grant_is_told_as_it_was() -> None:
    sent = token.sending(EIGHT_HOURS, at(7))
    refused = token.why_ended(token.rejecting(sent, at(7)), "Fitbit")
    assert refused == "Fitbit refuses our refresh token since 2026-03-01 19:00 UTC."
    outlasted = token.why_ended(token.rejecting(sent, at(9)), "Fitbit")
    assert "first sent on 2026-03-01 19:00 UTC" in outlasted
    assert "`fitbitd revoke` on 2026-03-01 19:00" in token.why_ended(
        token.revoking(EIGHT_HOURS, at(7)), "Fitbit"
    )
    assert token.why_ended(EIGHT_HOURS, "Fitbit") == "Fitbit refuses our refresh token."


CAUSES = Causes(deadline="Publish it.", others="Removed, or unused.")


def test_a_grant_that_ended_at_its_deadline_is_told_so() -> None:
    week = replace(EIGHT_HOURS, refresh_expires_at=at(7 * 24))
    for hours in (6 * 24 + 1, 7 * 24, 7 * 24 + 50):
        words = token.why_ended(token.rejecting(week, at(hours)), "Google", CAUSES)
        assert words.endswith("; the consent was good until 2026-03-08 12:00 UTC. Publish it.")
    early = token.why_ended(token.rejecting(week, at(6 * 24 - 1)), "Google", CAUSES)
    assert (
        early == "Google refuses our refresh token since 2026-03-07 11:00 UTC. Removed, or unused."
    )
    never = token.why_ended(token.rejecting(EIGHT_HOURS, at(7 * 24)), "Google", CAUSES)
    assert never.endswith("UTC. Removed, or unused.")
    unsaid = token.why_ended(token.rejecting(week, at(7 * 24)), "Google")
    assert unsaid.endswith("good until 2026-03-08 12:00 UTC.")


def test_how_long_the_last_consents_lived_is_remembered() -> None:
    week = replace(
        EIGHT_HOURS, consented_at=at(0), rejected_at=at(24 * 7), consents_lived_s=(1, 2, 3, 4, 5)
    )
    assert token.succeeding(EIGHT_HOURS, week).consents_lived_s == (604_800, 1, 2, 3, 4)
    early = token.succeeding(EIGHT_HOURS, replace(week, rejected_at=None))
    assert early.consents_lived_s == (1, 2, 3, 4, 5)  # it did not die, it was followed
    assert token.succeeding(EIGHT_HOURS, None) == EIGHT_HOURS
