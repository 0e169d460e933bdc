"""A token goes where the API is and nowhere else."""

import pytest

from fitbitd.providers.origin import origin


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://api.fitbit.com/1/user/-/x.json", ("https", "api.fitbit.com", 443)),
        ("HTTPS://API.fitbit.com:443", ("https", "api.fitbit.com", 443)),
        ("http://127.0.0.1:8080/a?b=c", ("http", "127.0.0.1", 8080)),
        ("http://[::1]:80/", ("http", "::1", 80)),
        ("http://localhost:0/", ("http", "localhost", 0)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, wanted: tuple[str, str, int]) -> None:
    assert origin(url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/1.2/user/-/sleep/list.json",
        "ftp://api.fitbit.com/",
        "https:///path",
        "https://me:secret@api.fitbit.com/",
        "https://api.fitbit.com@evil.example/",
        "https://api.fitbit.com\\@evil.example/",
        "https://api.fitbit.com/\r\nx: y",
        "https://api.fitbit.com/ x",
        "https://api.fitbit.com:99999/",
        "https://api.fitbit.com:port/",
        "https://[::1/",
        "https://äpi.fitbit.com/",
    ],
)
def test_what_is_not_plainly_a_web_address_has_no_origin(url: str) -> None:
    assert origin(url) is None
