"""Pulls become requests as Fitbit documents them."""

from datetime import UTC, datetime

import pytest

from fitbitd.errors import ContractError
from fitbitd.model import DataTypeName, Pull, Reply, Why
from fitbitd.providers.base import Provider
from fitbitd.providers.fitbit.wire import FitbitProvider
from tests.support.fitbit_wire import pull, tail

API = "https://api.fitbit.com"
FITBIT: Provider = FitbitProvider(API)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (pull("profile"), "/1/user/-/profile.json"),
        (pull("devices"), "/1/user/-/devices.json"),
        (
            pull("heart_rate", "2026-02-27"),
            "/1/user/-/activities/heart/date/2026-02-27/1d/1sec.json",
        ),
        (
            tail("heart_rate", "2026-02-27T09:05", "2026-02-27T23:59"),
            "/1/user/-/activities/heart/date/2026-02-27/1d/1sec/time/09:05/23:59.json",
        ),
        (pull("steps", "2026-02-27"), "/1/user/-/activities/steps/date/2026-02-27/1d/1min.json"),
        (
            tail("steps", "2026-02-27T00:00", "2026-02-27T12:00"),
            "/1/user/-/activities/steps/date/2026-02-27/1d/1min/time/00:00/12:00.json",
        ),
        (
            tail("steps", "2026-02-27T08:30:30", "2026-02-27T12:00:01"),
            "/1/user/-/activities/steps/date/2026-02-27/1d/1min/time/08:30/12:01.json",
        ),
        (
            pull("daily_heart_rate", "2026-01-31", "2026-02-28"),
            "/1/user/-/activities/heart/date/2026-01-31/2026-02-28.json",
        ),
        (
            pull("daily_steps", "2026-02-28"),
            "/1/user/-/activities/steps/date/2026-02-28/2026-02-28.json",
        ),
        (
            pull("sleep", "2025-12-31", "2026-01-01"),
            "/1.2/user/-/sleep/date/2025-12-31/2026-01-01.json",
        ),
    ],
)
def test_a_pull_asks_the_documented_path(asked: Pull, path: str) -> None:
    assert FITBIT.request(asked).url == API + path


@pytest.mark.parametrize("end", ["2026-02-27T23:59:01", "2026-02-28T00:00"])
def test_a_tail_with_the_last_minute_of_the_day_asks_for_the_whole_day(end: str) -> None:
    asked = FITBIT.request(tail("heart_rate", "2026-02-27T21:00", end))
    assert asked.url.endswith("/date/2026-02-27/1d/1sec.json")


def test_requests_are_metric_and_carry_no_token() -> None:
    asked = FITBIT.request(pull("profile"))
    assert (asked.method, asked.headers, asked.form) == (
        "GET",
        (("accept", "application/json"),),
        None,
    )


def test_a_slash_after_the_api_url_does_no_harm() -> None:
    local = FitbitProvider("http://127.0.0.1:8080/")
    assert local.request(pull("profile")).url == "http://127.0.0.1:8080/1/user/-/profile.json"


@pytest.mark.parametrize("name", ["heart_rate", "sleep"])
def test_a_windowed_type_without_a_window_is_our_bug(name: str) -> None:
    with pytest.raises(ValueError, match="without a window"):
        FITBIT.request(Pull(DataTypeName(name), None, Why.ASKED, "UTC"))


def test_a_dense_pull_over_midnight_is_our_bug() -> None:
    with pytest.raises(ValueError, match="more than one civil day"):
        FITBIT.request(tail("steps", "2026-02-27T23:00", "2026-02-28T01:00"))


def test_a_next_page_is_followed_to_the_letter() -> None:
    link = "https://api.fitbit.com:443/1.2/user/-/sleep/list.json?afterDate=2020%2D05-01&offset=1"
    asked = FITBIT.request(pull("sleep", "2026-02-27"), link)
    assert (asked.url, asked.headers) == (link, (("accept", "application/json"),))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/1.2/user/-/sleep/list.json",
        "http://api.fitbit.com/1.2/user/-/sleep/list.json",
        "https://api.fitbit.com:8443/1.2/user/-/sleep/list.json",
        "https://api.fitbit.com@evil.example/",
        "/1.2/user/-/sleep/list.json",
    ],
)
def test_a_next_page_that_leads_elsewhere_is_not_asked(link: str) -> None:
    with pytest.raises(ContractError, match="another host"):
        FITBIT.request(pull("sleep", "2026-02-27"), link)


def test_an_api_without_an_origin_has_no_next_pages() -> None:
    with pytest.raises(ContractError):
        FitbitProvider("nowhere").request(pull("sleep", "2026-02-27"), "also nowhere")


def test_nothing_is_learnt_beyond_the_catalogue() -> None:
    provider = FitbitProvider("https://api.fitbit.com")
    asked = pull("steps", "2026-03-01")
    refused = Reply(422, {}, b"{}", datetime(2026, 3, 1, tzinfo=UTC))
    assert provider.learn(asked, refused) == ()
    steps = provider.catalogue[asked.data_type]
    assert provider.adapted(steps, ()) is steps
