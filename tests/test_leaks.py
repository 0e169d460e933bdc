"""The search for secrets finds them in every writing, or the tests that rely on it say nothing."""

from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from tests.support.leaks import leaks

TOKEN = "1//0d2e_f3+a4/b5968778695a4b3c2d1e0f5f0c1d2e3a4b59687"
JWT = "eyJhbGciOiJIUzI1NiJ9.8ffd824e9f4ac6d59e9c0123.e3e1a9dd5131c2505384abcd"
SECRET = "simulated-secret"


@pytest.mark.parametrize(
    "told",
    [
        f"Bearer {TOKEN}",
        f"token={quote(TOKEN, safe='')}&x=1",
        f"begins with {TOKEN[:20]}...",
        b64encode(f"refresh_token={TOKEN}".encode()).decode(),
        b64encode(f"refresh_tokens={TOKEN}".encode()).decode(),
        urlsafe_b64encode(f"refresh_token_={TOKEN}".encode()).decode(),
        f"the part {JWT.split('.')[1]} of a JWT",
        f"Basic {b64encode(f'23SIMU:{SECRET}'.encode()).decode()}",
        b"\xff\xfe" + SECRET.encode(),
    ],
)
def test_a_secret_is_found(told: str | bytes) -> None:
    assert leaks([TOKEN, JWT, SECRET], "23SIMU", told)


def test_what_is_no_secret_is_not_found() -> None:
    told = f"23SIMU {TOKEN[:9]} simulated {TOKEN[25:]}"
    assert leaks([TOKEN, JWT, SECRET], "23SIMU", told) == []
