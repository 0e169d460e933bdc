"""Conditions: the right ones, in words that a person can act on."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.health import (
    Condition,
    Facts,
    Trouble,
    TypeTrouble,
    changes,
    conditions,
    freshness,
    is_fresh,
)
from fitbitd.health_codes import CODES, Severity
from fitbitd.model import AccountName, DataTypeName

NOW = datetime(2026, 3, 1, 10, 40, tzinfo=UTC)
AT_FOUR = datetime(2026, 3, 1, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEART_RATE = DataTypeName("heart_rate")
SLEEP = DataTypeName("sleep")

WELL = Facts(
    now=NOW,
    account=AccountName("alice"),
    provider="Fitbit",
    poll_every=timedelta(minutes=15),
    read_at={"heart": NOW - HOUR / 2, "sleep": NOW - HOUR / 2},
    syncs=(NOW - 3 * HOUR, NOW - HOUR),
    looked_at=NOW,
    disk_free_bytes=20_000_000_000,
)


def codes(facts: Facts) -> list[str]:
    return [condition.code for condition in conditions(facts)]


def last_error(code: str) -> Facts:
    return replace(WELL, last_error=Trouble(code, "it said so.", AT_FOUR))


def of_type(code: str, data_type: DataTypeName = HEART_RATE) -> TypeTrouble:
    return TypeTrouble(data_type, code, "it said so", AT_FOUR)


EVERY_CODE = {
    "disk_full": last_error("disk_full"),
    "disk_read_only": last_error("disk_read_only"),
    "disk_failed": last_error("disk_failed"),
    "permission": last_error("permission"),
    "settings": last_error("settings"),
    "clock_wrong": last_error("clock_wrong"),
    "index_newer": last_error("index_newer"),
    "index_damaged": last_error("index_damaged"),
    "token_file": replace(WELL, token_trouble="it is not JSON"),
    "authorization_needed": replace(WELL, grant="revoked", grant_since=AT_FOUR),
    "client_rejected": last_error("client_rejected"),
    "access_denied": replace(WELL, last_error=Trouble("access_denied", "no", AT_FOUR, 3)),
    "account_not_linked": last_error("account_not_linked"),
    "profile_not_ready": last_error("profile_not_ready"),
    "service_disabled": last_error("service_disabled"),
    "provider_gone": replace(WELL, gone_since=AT_FOUR),
    "archive_damaged": replace(WELL, damages=2),
    "contract_changed": replace(WELL, types=(of_type("contract_changed"),)),
    "internal_error": last_error("internal_error"),
    "passes_unfinished": replace(WELL, unfinished_passes=3),
    "provider_unreachable": last_error("provider_unreachable"),
    "lock_held": last_error("lock_held"),
    "grant_expires_soon": replace(WELL, grant_ends_at=NOW + 60 * HOUR),
    "token_in_doubt": replace(WELL, grant="in_doubt", grant_since=AT_FOUR),
    "data_stale": replace(WELL, read_at={"heart": NOW - 2 * HOUR, "sleep": NOW}),
    "watch_not_synced": replace(WELL, syncs=(NOW - 25 * HOUR,)),
    "scope_missing": replace(WELL, types=(of_type("scope_missing"),)),
    "data_type_refused": replace(WELL, types=(of_type("data_type_refused"),)),
    "request_refused": replace(WELL, types=(of_type("request_refused"),)),
    "zone_unknown": replace(WELL, zone_known=False),
    "readings_vanished": replace(WELL, types=(of_type("readings_vanished"),)),
    "disk_low": replace(WELL, disk_free_bytes=120_000_000),
    "index_older": last_error("index_older"),
    "index_behind": replace(WELL, skipped=2),
    "throttled": replace(WELL, throttled_until=NOW + HOUR / 3),
}


def test_an_account_that_is_well_has_no_conditions() -> None:
    assert conditions(WELL) == ()


def test_every_code_has_facts_that_lead_to_it() -> None:
    assert list(EVERY_CODE) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_condition_says_what_happened_what_it_means_and_what_is_next(code: str) -> None:
    (condition,) = conditions(EVERY_CODE[code])
    assert (condition.code, condition.severity) == (code, CODES[code].severity)
    assert (condition.account, condition.since.tzinfo) == ("alice", UTC)
    assert condition.since <= NOW
    for sentence in (condition.summary, condition.meaning):
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
    assert condition.next
    assert not re.search("[{}]|None", str(condition))


def test_codes_stand_in_the_order_of_their_severity() -> None:
    severities = [code.severity for code in CODES.values()]
    assert severities == sorted(severities, key=list(Severity).index)


def test_a_refused_refresh_token_reads_as_people_read() -> None:
    (condition,) = conditions(EVERY_CODE["authorization_needed"])
    assert str(condition) == (
        "error: alice: Fitbit refuses our refresh token since 2026-03-01 04:12 UTC.\n"
        "Nothing archived is lost. Pulls for alice are paused; other accounts go on.\n"
        "Next: fitbitd authorize alice"
    )


def test_times_in_sentences_are_utc_whatever_zone_they_come_in() -> None:
    elsewhere = AT_FOUR.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+05:30").tzinfo)
    (condition,) = conditions(replace(WELL, grant="revoked", grant_since=elsewhere))
    assert "2026-03-01 04:12 UTC" in condition.summary


def test_a_missing_token_and_an_undated_revocation_need_a_consent_too() -> None:
    missing, revoked = (conditions(replace(WELL, grant=grant)) for grant in ("missing", "revoked"))
    assert missing[0].summary == "there is no token yet."
    assert revoked[0].summary == "Fitbit refuses our refresh token."
    assert missing[0].code == revoked[0].code == "authorization_needed"


def test_a_condition_is_named_once_however_many_facts_lead_to_it() -> None:
    facts = replace(last_error("authorization_needed"), grant="revoked", grant_since=AT_FOUR - HOUR)
    (condition,) = conditions(facts)
    assert condition.since == AT_FOUR - HOUR  # the grant's own state is the better witness


def test_a_refused_access_names_its_reason() -> None:
    (condition,) = conditions(last_error("authorization_needed"))
    assert condition.summary == (
        "Fitbit refuses our access since 2026-03-01 04:12 UTC: it said so."
    )


def test_an_error_that_nobody_foresaw_is_a_defect_of_ours() -> None:
    (condition,) = conditions(last_error("ZeroDivisionError"))
    assert condition.code == "internal_error"
    assert "ZeroDivisionError" in condition.summary


def test_the_most_urgent_comes_first() -> None:
    facts = replace(
        WELL,
        throttled_until=NOW + HOUR,
        types=(of_type("scope_missing", SLEEP), of_type("scope_missing")),
        last_error=Trouble("lock_held", "process 7", AT_FOUR),
        token_trouble="cut short",
    )
    found = [(each.code, each.data_type) for each in conditions(facts)]
    assert found == [
        ("token_file", None),
        ("lock_held", None),
        ("scope_missing", "heart_rate"),
        ("scope_missing", "sleep"),
        ("throttled", None),
    ]


def test_a_throttle_is_over_at_its_time() -> None:
    facts = last_error("throttled")
    assert codes(replace(facts, throttled_until=NOW + timedelta(seconds=1))) == ["throttled"]
    assert codes(replace(facts, throttled_until=NOW)) == []


def test_a_provider_that_is_gone_is_not_called_throttled() -> None:
    assert codes(replace(WELL, gone_since=AT_FOUR, throttled_until=NOW + HOUR)) == ["provider_gone"]


def test_a_watch_is_called_silent_only_when_somebody_looked() -> None:
    silent = replace(WELL, syncs=(NOW - timedelta(days=3),))
    assert codes(silent) == ["watch_not_synced"]
    assert codes(replace(silent, looked_at=NOW - timedelta(days=3))) == []
    assert codes(replace(silent, looked_at=None)) == []
    assert codes(replace(WELL, syncs=())) == []


def test_data_is_stale_when_a_sync_waits_for_more_than_two_polls() -> None:
    unread = replace(WELL, read_at={"heart": NOW - 2 * HOUR, "sleep": NOW})
    half_an_hour = 2 * WELL.poll_every
    assert codes(replace(unread, syncs=(NOW - half_an_hour,))) == []
    late = replace(unread, syncs=(NOW - half_an_hour - timedelta(seconds=1),))
    (condition,) = conditions(late)
    assert condition.code == "data_stale"
    assert condition.summary.endswith("not read: heart.")
    assert condition.next == "fitbitd pull alice"
    assert condition.since == late.syncs[0]


def test_nothing_is_stale_soon_after_a_start_unless_it_was_before() -> None:
    two_polls = 2 * WELL.poll_every
    unread = replace(WELL, read_at={"heart": AT_FOUR}, tried_since=NOW - two_polls)
    assert codes(unread) == ["data_stale"]
    young = replace(unread, tried_since=NOW - two_polls + timedelta(seconds=1))
    assert codes(young) == []
    assert codes(replace(young, open_since={"data_stale": AT_FOUR})) == ["data_stale"]


def test_what_somebody_else_found_has_its_place_among_the_rest() -> None:
    (full,) = conditions(last_error("disk_full"))
    unread = replace(WELL, read_at={"heart": AT_FOUR}, disk_free_bytes=0)
    low, stale = EVERY_CODE["disk_low"], unread
    found = conditions(stale, [full, *conditions(low)])
    assert [each.code for each in found] == ["disk_full", "data_stale", "disk_low"]
    assert found[1].next == "settle disk_full first"
    assert "the disk has 0 MB" in found[2].summary  # what is seen here counts


def test_a_watch_that_syncs_all_the_time_does_not_hide_that_nothing_is_read() -> None:
    syncs = tuple(NOW - minutes * timedelta(minutes=1) for minutes in range(120, 0, -10))
    facts = replace(WELL, read_at={"heart": NOW - 3 * HOUR, "sleep": None}, syncs=syncs)
    (condition,) = conditions(facts)
    assert (condition.code, condition.since) == ("data_stale", syncs[0])
    assert "heart, sleep" in condition.summary


def test_stale_data_points_at_what_keeps_it_from_being_read() -> None:
    facts = replace(last_error("provider_unreachable"), read_at={"heart": AT_FOUR}, grant="revoked")
    *_, stale = conditions(facts)
    assert (stale.code, stale.next) == ("data_stale", "settle authorization_needed first")


def test_facts_without_a_time_keep_the_one_at_which_they_were_first_seen() -> None:
    facts = replace(WELL, damages=1, open_since={"archive_damaged": AT_FOUR})
    (condition,) = conditions(facts)
    assert condition.since == AT_FOUR
    assert "2026-03-01 04:12 UTC: one place." in condition.summary


def test_a_single_unfinished_pass_is_said_in_the_singular() -> None:
    (condition,) = conditions(replace(WELL, unfinished_passes=1))
    assert condition.summary == (
        "one pass began and did not end: fitbitd died, or the disk took no more writing."
    )


def test_a_refusal_that_nobody_foresaw_is_still_a_refusal() -> None:
    (condition,) = conditions(replace(WELL, types=(of_type("too_large"),)))
    assert (condition.code, condition.data_type) == ("request_refused", "heart_rate")


def test_a_trouble_without_words_says_that_no_more_is_known() -> None:
    facts = replace(WELL, last_error=Trouble("scope_missing", "", AT_FOUR))
    (condition,) = conditions(facts)
    assert condition.summary == (
        "the consent leaves out some data types since 2026-03-01 04:12 UTC: no more is known."
    )


def test_what_a_provider_says_cannot_break_a_sentence() -> None:
    facts = replace(WELL, last_error=Trouble("provider_unreachable", "{account!r} %s {0}", AT_FOUR))
    (condition,) = conditions(facts)
    assert "{account!r} %s {0}" in condition.summary


def test_the_end_of_a_consent_is_told_three_days_before_and_is_urgent_in_the_last() -> None:
    def severity(left: timedelta, grant: str = "fresh") -> list[Severity]:
        facts = replace(WELL, grant=grant, grant_ends_at=NOW + left)
        return [each.severity for each in conditions(facts) if each.code == "grant_expires_soon"]

    assert severity(72.1 * HOUR) == []
    assert severity(72 * HOUR) == severity(24.1 * HOUR) == [Severity.WARNING]
    assert severity(24 * HOUR) == severity(-HOUR) == [Severity.ERROR]
    assert severity(HOUR, "revoked") == severity(HOUR, "missing") == []
    (condition,) = conditions(replace(WELL, grant_ends_at=NOW + 24.5 * HOUR))
    assert "ends at 2026-03-02 11:10 UTC" in condition.summary


def test_a_consent_in_its_last_day_comes_before_all_warnings() -> None:
    facts = replace(last_error("provider_unreachable"), grant_ends_at=NOW + HOUR)
    assert codes(facts) == ["grant_expires_soon", "provider_unreachable"]


def test_a_refusal_of_everything_is_told_after_three_passes() -> None:
    def denied(times: int) -> Facts:
        return replace(WELL, last_error=Trouble("access_denied", "no", AT_FOUR, times))

    assert [codes(denied(times)) for times in (1, 2, 3)] == [[], [], ["access_denied"]]
    (condition,) = conditions(denied(3))
    assert "myaccount.google.com/connections" in condition.next
    assert "fitbitd authorize alice" in condition.next


def test_a_provider_that_is_gone_names_the_one_to_go_on_with() -> None:
    (condition,) = conditions(EVERY_CODE["provider_gone"])
    assert "fitbitd init --provider google_health" in condition.next
    assert 'continues = "alice"' in condition.next


def test_changes_are_told_once() -> None:
    low, full = EVERY_CODE["disk_low"], EVERY_CODE["disk_full"]
    (was,), (now,) = conditions(low), conditions(full)
    assert changes((), (was,)) == ((was,), ())
    assert changes((was,), (now,)) == ((now,), (was,))
    assert changes((now,), ()) == ((), (now,))


def test_a_condition_that_lasts_is_no_change() -> None:
    before = conditions(EVERY_CODE["disk_low"])
    later = replace(WELL, now=NOW + HOUR, looked_at=None, syncs=(), disk_free_bytes=99)
    assert changes(before, conditions(later)) == ((), ())


def test_the_same_trouble_of_two_data_types_is_two_conditions() -> None:
    one = conditions(replace(WELL, types=(of_type("scope_missing"),)))
    two = conditions(
        replace(WELL, types=(of_type("scope_missing"), of_type("scope_missing", SLEEP)))
    )
    raised, cleared = changes(one, two)
    assert ([each.data_type for each in raised], cleared) == ([SLEEP], ())


def test_freshness_is_led_by_the_group_that_is_most_behind() -> None:
    ages = freshness(
        {
            "account": NOW - timedelta(days=900),
            "weight": NOW - timedelta(days=30),
            "sleep": NOW - 14 * HOUR,
            "activity": NOW - HOUR / 4,
            "heart": NOW - 10 * HOUR,
        },
        NOW,
    )
    assert [each.group for each in ages] == ["heart", "sleep", "activity", "account", "weight"]
    assert [each.overdue for each in ages] == [True, False, False, False, False]
    assert ages[0].age == 10 * HOUR


def test_a_group_without_readings_hides_no_dead_one() -> None:
    ages = freshness({"sleep": None, "account": None, "heart": NOW - 10 * HOUR}, NOW)
    assert [each.group for each in ages] == ["heart", "sleep", "account"]
    assert (ages[1].age, ages[1].overdue) == (None, False)


def test_a_reading_from_the_future_has_no_age() -> None:
    assert freshness({"heart": NOW + HOUR}, NOW)[0].age == timedelta()


@given(
    newest=st.dictionaries(
        st.sampled_from(["account", "heart", "activity", "sleep", "weight"]),
        st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_freshness_tells_of_every_group_and_the_account_never_leads(
    newest: dict[str, datetime | None],
) -> None:
    ages = freshness(newest, NOW)
    assert sorted(each.group for each in ages) == sorted(newest)
    if {"heart", "activity", "sleep"} & set(newest):
        assert ages[0].group not in {"account", "weight"}


instants = st.timedeltas(timedelta(days=-90), timedelta(days=90)).map(lambda away: NOW + away)
troubles = st.builds(Trouble, st.sampled_from([*CODES, "KeyError"]), st.text(), instants)
type_troubles = st.builds(
    TypeTrouble,
    st.sampled_from([HEART_RATE, SLEEP]),
    st.sampled_from([*CODES, "too_large"]),
    st.text(),
    instants,
)
any_facts = st.builds(
    Facts,
    now=instants,
    account=st.just(AccountName("alice")),
    provider=st.just("Fitbit"),
    poll_every=st.timedeltas(timedelta(seconds=5), timedelta(days=1)),
    grant=st.sampled_from(["missing", "fresh", "stale", "in_doubt", "revoked"]),
    grant_since=st.none() | instants,
    last_error=st.none() | troubles,
    throttled_until=st.none() | instants,
    gone_since=st.none() | instants,
    types=st.lists(type_troubles, max_size=4).map(tuple),
    read_at=st.dictionaries(st.sampled_from(["heart", "sleep"]), st.none() | instants),
    syncs=st.lists(instants, max_size=4).map(tuple),
    looked_at=st.none() | instants,
    unfinished_passes=st.integers(0, 9),
    disk_free_bytes=st.none() | st.integers(0, 10**12),
)


@given(facts=any_facts)
def test_any_facts_give_conditions_in_order_and_none_twice(facts: Facts) -> None:
    found = conditions(facts)
    assert len({each.key for each in found}) == len(found)
    places = [list(CODES).index(each.code) for each in found]
    assert places == sorted(places)
    assert all(each.summary and each.meaning and each.next for each in found)


@pytest.mark.parametrize(
    ("code", "fresh"),
    [
        ("throttled", True),
        ("disk_low", True),
        ("provider_unreachable", False),
        ("data_stale", False),
        ("watch_not_synced", False),
        ("authorization_needed", False),
    ],
)
def test_data_is_fresh_unless_somebody_must_act_or_something_is_waited_for(
    code: str,
    fresh: bool,  # noqa: FBT001 - by name of the parameter
) -> None:
    one = Condition(
        code=code,
        severity=CODES[code].severity,
        since=NOW,
        account=AccountName("alice"),
        summary="",
        meaning="",
        next="",
    )
    assert is_fresh([]) is True
    assert is_fresh([one]) is fresh
