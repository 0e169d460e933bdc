"""Which value stands for the age of a group of data types, and what status says beside it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fitbitd.assembly import parts
from fitbitd.commands.status import _age, _newest
from fitbitd.commands.status_page import page
from fitbitd.health import freshness
from fitbitd.model import LessonKind
from fitbitd.store.listing import Holding
from tests.support.household import account_settings, settings

MIDNIGHT = datetime(2027, 3, 1, tzinfo=UTC)
NOON = datetime(2027, 2, 28, 12, tzinfo=UTC)


def test_daily_values_tell_the_age_only_of_a_group_without_readings(tmp_path: Path) -> None:
    account = account_settings()
    alice = parts(settings(tmp_path, account), account)
    stored = [
        Holding("daily_heart_rate", MIDNIGHT, MIDNIGHT, 1),
        Holding("daily_steps", MIDNIGHT, MIDNIGHT, 1),
        Holding("heart_rate", NOON, NOON, 1),
        Holding("profile", MIDNIGHT, MIDNIGHT, 1),
        Holding("steps", MIDNIGHT, None, 1),  # all of it is dated later than now
    ]
    assert _newest(alice, stored) == {"heart": NOON, "activity": MIDNIGHT, "sleep": None}


def test_the_stalest_group_that_should_be_fresh_comes_first_and_one_that_never_was_is_not_left_out(
    tmp_path: Path,
) -> None:
    account = account_settings()
    alice = parts(settings(tmp_path, account), account)
    stored = [
        Holding("heart_rate", NOON, NOON + timedelta(hours=9), 1),
        Holding("steps", NOON, NOON + timedelta(hours=2), 1),
        Holding("weight", NOON, NOON - timedelta(days=300), 1),
    ]
    ages = freshness(_newest(alice, stored), NOON + timedelta(hours=10))
    shown = page(report(freshness=[_age(each) for each in ages]), NOON).splitlines()[1:5]
    assert shown == [
        "  activity   newest 2027-02-28 14:00 UTC, 8 h 0 min ago  (late)",
        "  heart      newest 2027-02-28 21:00 UTC, 1 h 0 min ago",
        "  sleep      no reading yet",
        "  body       newest 2026-05-04 12:00 UTC, 300 days ago",
    ]


def report(**known: Any) -> dict[str, Any]:
    """Give the report of an account of which nothing is known but what is said."""
    return {
        "account": "alice",
        "provider": "google_health",
        "continues": None,
        "freshness": [],
        "conditions": [],
        "consent_expires_at": None,
        "scopes_off": [],
        "data_types": [],
        "history": None,
        "days": None,
        "unread": [],
        "corrections": 0,
        "lessons": [],
        "pulls_waiting": None,
        "disk_full_on": None,
        "last_pass_at": None,
        **known,
    }


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (
            {"consent_expires_at": NOON + timedelta(days=3, hours=1)},
            "the consent lasts until 2027-03-03 13:00 UTC, 3 days from now",
        ),
        (
            {"consent_expires_at": NOON - timedelta(days=3)},
            "the consent lasts until 2027-02-25 12:00 UTC, 0 s from now",
        ),
        (
            {
                "scopes_off": [
                    {"scope": "https://x.test/auth/health.ecg.readonly", "data_types": ["ecg"]}
                ]
            },
            "not asked for, since the consent leaves health.ecg.readonly out: ecg",
        ),
        (
            {"corrections": 1200},
            (
                "1,200 values of final days changed in the last 30 days;"
                " see fitbitd gaps --corrections"
            ),
        ),
        (
            {"history": {"text": "history: 34 %, about 3 h to go; it goes back to 2024-01-01"}},
            "history: 34 %, about 3 h to go; it goes back to 2024-01-01",
        ),
        (
            {"days": {"final": 1200, "final_by_age": 7, "provisional": 8, "never_read": 0}},
            "days, counted for each data type: 1,200 final, 8 may still change",
        ),
        (
            {"days": {"final": 0, "final_by_age": 0, "provisional": 8, "never_read": 9}},
            (
                "days, counted for each data type: 0 final, 8 may still change, 9 never read;"
                " see fitbitd gaps"
            ),
        ),
        (
            {"unread": [{"data_type": "moods", "count": 1, "why": "no time"}]},
            "one point of moods not understood (no time); kept in the archive",
        ),
        (
            {
                "lessons": [
                    {"data_type": "floors", "kind": "longest_days", "value": "14"},
                    {"data_type": "floors", "kind": "method", "value": "rollUp"},
                    {"data_type": "steps", "kind": "page_size", "value": "625"},
                ]
            },
            (
                "learnt from the provider: floors is asked for at most 14 days at once, by rollUp\n"
                "  learnt from the provider: steps is asked in pages of 625"
            ),
        ),
        (
            {"disk_full_on": date(2029, 5, 12)},
            "the disk is full about May 2029, if all goes on as in the last weeks",
        ),
        (
            {"pulls_waiting": 2},
            (
                "in the archive and not in the index yet: 2 pulls;"
                " a daemon applies them when its pass ends, or at its start"
            ),
        ),
    ],
)
def test_status_says_what_is_neither_wrong_nor_a_number(known: dict[str, Any], line: str) -> None:
    assert page(report(**known), NOON).splitlines()[3:] == f"  {line}".splitlines()
    assert len(page(report(), NOON).splitlines()) == 3


def test_the_words_of_every_kind_of_lesson_are_known() -> None:
    for kind in LessonKind:
        lesson = {"data_type": "steps", "kind": kind.value, "value": "7"}
        assert "steps is asked" in page(report(lessons=[lesson]), NOON)


STORED = [
    {
        "data_type": name,
        "group": group,
        "count": count,
        "oldest": MIDNIGHT - timedelta(days=count),
        "days_settled": 3,
        "days_provisional": 8,
    }
    for name, group, count in (("ecg", "heart", 2), ("pulse", "heart", 4), ("steps", "activity", 9))
]


def test_status_tells_groups_of_data_types_the_largest_first() -> None:
    assert page(report(data_types=STORED), NOON).splitlines()[2:] == [
        "  activity               9 values since 2027-02-20, one data type",
        "  heart                  6 values since 2027-02-25, 2 data types",
    ]


def test_status_tells_each_data_type_if_it_is_asked_to() -> None:
    assert page(report(data_types=STORED), NOON, whole=True).splitlines()[2:] == [
        "  ecg                         2 since 2027-02-27; 3 days final, 8 may still change",
        "  pulse                       4 since 2027-02-25; 3 days final, 8 may still change",
        "  steps                       9 since 2027-02-20; 3 days final, 8 may still change",
    ]
