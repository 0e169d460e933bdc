"""Every refusal has the body that was recorded for it."""

import pytest

from fitbitd.simulator.google_health.errors import (
    JSON_TYPE,
    REASONS,
    RefusalError,
    empty_time_range,
    invalid_data_type,
    invalid_family,
    invalid_filter,
    range_too_long,
    unknown_path,
    unsupported_action,
)
from tests.support.google_app import RECORDED, recorded


@pytest.mark.parametrize(
    ("refusal", "file"),
    [
        (REASONS["ACCOUNT_NOT_LINKED"](), "400-account-not-linked"),
        (
            unsupported_action(
                "DailyRollup", "daily-heart-rate-variability", ["list", "reconcile"]
            ),
            "400-daily-rollup-not-supported",
        ),
        (invalid_family(), "400-data-source-family"),
        (
            invalid_filter(["INVALID_DATA_POINT_FILTER_CIVIL_DATE_TIME_FORMAT"]),
            "400-filter-civil-format",
        ),
        (invalid_data_type("resting-heart-rate"), "400-invalid-data-type"),
        (
            unsupported_action("List", "total-calories", ["rollup", "dailyRollup"]),
            "400-list-not-supported",
        ),
        (range_too_long(14), "400-rollup-range-too-long"),
        (empty_time_range(), "400-time-range-empty"),
        (REASONS["INVALID_CREDENTIALS"](), "401-invalid-credentials"),
        (REASONS["CREDENTIALS_MISSING"](), "401-missing-credentials"),
        (REASONS["LEGACY_ACCOUNT"](), "403-legacy-fitbit-account"),
        (REASONS["MISSING_OAUTH_SCOPE"](), "403-missing-oauth-scope"),
        (REASONS["RESOURCE_PERMISSION_DENIED"](), "403-resource-permission-denied"),
        (REASONS["ACCESS_TOKEN_SCOPE_INSUFFICIENT"](), "403-scope-insufficient"),
        (REASONS["SERVICE_DISABLED"](), "403-service-disabled"),
        (REASONS["RESOURCE_NOT_FOUND"](), "404-data-point"),
        (REASONS["PROFILE_NOT_READY"](), "412-profile-not-ready"),
        (REASONS["RATE_LIMIT_EXCEEDED"](), "429-quota-per-user-per-minute"),
        (REASONS["PROJECT_QUOTA"](), "429-with-retry-after"),
        (REASONS["INTERNAL"](), "500-internal"),
        (REASONS["UNAVAILABLE"](), "503-unavailable"),
        (REASONS["DEADLINE_EXCEEDED"](), "504-deadline-exceeded"),
        (REASONS["TOKEN_DEAD"](), "oauth/400-invalid_grant-expired-or-revoked"),
        (REASONS["TOKEN_FOREIGN"](), "oauth/400-invalid_grant-bad-request"),
        (REASONS["UNKNOWN_CLIENT"](), "oauth/401-invalid_client"),
        (REASONS["OAUTH_THROTTLED"](), "oauth/429-rate-limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_is_told_as_it_was_recorded(refusal: RefusalError, file: str) -> None:
    path = file if "/" in file else f"errors/{file}"
    reply = refusal.response()
    assert reply.json() == recorded(f"{path}.json")
    assert reply.status_code == int(path.rpartition("/")[2][:3])
    assert reply.headers["content-type"] == JSON_TYPE


@pytest.mark.parametrize(
    ("refusal", "file"),
    [
        (unknown_path("/v4/users/me/devices"), "404-unknown-path.html"),
        (REASONS["BAD_GATEWAY"](), "502-bad-gateway.html"),
    ],
    ids=["404", "502"],
)
def test_a_page_of_the_front_end_is_the_recorded_one(refusal: RefusalError, file: str) -> None:
    reply = refusal.response()
    assert reply.content == (RECORDED / "errors" / file).read_bytes()
    assert reply.headers["content-type"].startswith("text/html")


def test_a_401_says_in_its_header_whether_a_token_came() -> None:
    realm = 'Bearer realm="https://accounts.google.com/"'
    missing, bad = REASONS["CREDENTIALS_MISSING"](), REASONS["INVALID_CREDENTIALS"]()
    assert missing.response().headers["www-authenticate"] == realm
    assert bad.response().headers["www-authenticate"] == f'{realm}, error="invalid_token"'
