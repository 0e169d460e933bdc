"""Consent to the Google Health API, by every way, against what was recorded of Google."""

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

import pytest

from tests.support.cli import PATIENCE_S, SECRET, Desk, Said, line_of
from tests.support.google import (
    CLIENT_ID,
    LEGACY_ME,
    ME,
    Google,
    body,
    google,
    identity,
    write_google_config,
)

ACCESS = "ya29.FAKE-access-token-0002"
REFRESH = "1//0FAKE-refresh-token-0002"
ANOTHER = "2000000000000000002"
LEGACY = """
[[account]]
name = "alice_fitbit"
provider = "fitbit"
client_id = "23ABCD"
"""


@pytest.fixture
def there() -> Iterator[Google]:
    """Serve Google."""
    with google() as served:
        yield served


@pytest.fixture
def desk(there: Google, tmp_path: Path) -> Desk:
    """Give a desk with an account at Google, and nothing done yet."""
    desk = Desk(tmp_path)
    write_google_config(desk, there.url)
    return desk


def parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def consented(desk: Desk, *args: str) -> tuple[Said, dict[str, str]]:
    """Authorize, and be the browser that comes back; give also what the page was asked with."""
    with desk.start("authorize", desk.account, "--no-browser", *args) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        with urlopen(address, timeout=PATIENCE_S) as page:  # noqa: S310 - our own server
            page.read()
        out, err = running.communicate(timeout=PATIENCE_S)
    return Said(running.returncode, out, err), parameters(address)


def pasted(desk: Desk, there: Google) -> Said:
    """Authorize with --paste, and be the person who copies the address that failed to open."""
    with desk.start("authorize", desk.account, "--paste") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        asked = parameters(running.stdout.readline().strip())
        line_of(running, "Paste that whole address here:")
        back = f"{asked['redirect_uri']}?state={asked['state']}&code=4/0c0de&scope=x"
        out, err = running.communicate(back + "\n", timeout=PATIENCE_S)
    assert there.asked_of("/token")[-1]["redirect_uri"] == asked["redirect_uri"]
    return Said(running.returncode, out, asked["redirect_uri"] + "\n" + err)


def kept(desk: Desk) -> dict[str, object]:
    document = json.loads(desk.token.read_text())
    assert isinstance(document, dict)
    return document


# A browser on this machine


def test_a_desktop_app_consents_by_a_port_that_nobody_registered(desk: Desk, there: Google) -> None:
    said, asked = consented(desk)
    assert said.code == 0, said
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    assert "include_granted_scopes" not in asked
    assert asked["code_challenge_method"] == "S256"
    port = urlsplit(asked["redirect_uri"]).port
    assert asked["redirect_uri"] == f"http://127.0.0.1:{port}/"
    assert "none to register" in said.err
    assert re.search(rf"^  ssh -L {port}:127\.0\.0\.1:{port} \S+$", said.err, re.MULTILINE)
    (exchange,) = there.asked_of("/token")
    assert exchange["redirect_uri"] == asked["redirect_uri"]
    assert (exchange["client_id"], exchange["client_secret"]) == (CLIENT_ID, SECRET)
    assert len(exchange["code_verifier"]) >= 43
    assert SECRET not in said.err
    assert set(there.tokens) == {f"Bearer {ACCESS}"}
    document = kept(desk)
    assert (document["user_id"], document["refresh_token"]) == (ME, REFRESH)
    assert desk.token.stat().st_mode & 0o777 == 0o600
    assert f"authorized as user {ME}" in said.err
    assert f"id at the legacy provider: {LEGACY_ME}" in said.err
    assert "ends on" not in said.err  # published: there is no deadline


def test_what_was_not_ticked_is_listed_as_off(desk: Desk, there: Google) -> None:
    there.answers["/token"] = (200, body("oauth/token-exchange-partial-scopes.json"))
    said, asked = consented(desk)
    assert said.code == 0, said
    assert "googlehealth.sleep.readonly" in asked["scope"]
    off = dict(
        line.strip().split(": ", 1)
        for line in said.err.splitlines()
        if line.startswith("  googlehealth.")
    )
    assert "paired_devices" in off["googlehealth.settings.readonly"].split(", ")
    assert "heart_rate" in ", ".join(off.values()).split(", ")
    assert "googlehealth.sleep.readonly" not in off
    assert "in UTC" in said.err  # what it means that the settings are not told
    assert "authorize alice again and tick every box" in said.err


def test_a_consent_in_testing_says_when_it_ends(desk: Desk, there: Google) -> None:
    there.answers["/token"] = (200, body("oauth/token-exchange-testing-mode.json"))
    said, _ = consented(desk)
    assert said.code == 0, said
    assert re.search(r"This consent ends on \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", said.err)
    assert "publish the app, then consent once more" in said.err
    assert kept(desk)["refresh_expires_at"]


def test_the_tokens_of_another_person_are_refused(desk: Desk, there: Google) -> None:
    assert consented(desk)[0].code == 0
    before = desk.token.read_bytes()
    there.answers["/v4/users/me/identity"] = (200, identity(ANOTHER))
    said, _ = consented(desk)
    assert said.code == 78, said
    assert "another person" in said.err
    assert desk.token.read_bytes() == before


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (400, "errors/400-account-not-linked.json", "app"),
        (200, "oauth/token-refresh.json", "does not say whose"),
    ],
    ids=["not linked", "no identity"],
)
def test_a_consent_of_nobody_knows_whom_is_not_kept(
    desk: Desk, there: Google, status: int, answer: str, words: str
) -> None:
    there.answers["/v4/users/me/identity"] = (status, body(answer))
    said, _ = consented(desk)
    assert said.code != 0
    assert "Nothing was kept" in said.err
    assert words in said.err
    assert not desk.token.exists()


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("access_denied", 77, "declined"),
        ("org_internal", 78, "set its user type to External"),
        ("admin_policy_enforced", 78, "an administrator"),
    ],
)
def test_a_refusal_of_the_consent_page_is_said_in_plain_words(
    desk: Desk, there: Google, error: str, code: int, words: str
) -> None:
    there.says = {"error": error}
    said, _ = consented(desk)
    assert said.code == code, said
    assert words in said.err
    assert "Next: " in said.err
    assert not desk.token.exists()


# A browser elsewhere


def test_a_pasted_address_needs_no_port_at_all(desk: Desk, there: Google) -> None:
    said = pasted(desk, there)
    assert said.code == 0, said
    assert said.err.startswith("http://127.0.0.1:1023/\n")
    assert kept(desk)["user_id"] == ME


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Error 400: redirect_uri_mismatch\n", "register exactly"),
        ("http://127.0.0.1:1023/?error=access_denied&state=other\n", "another question"),
        ("4/0c0de\n", "copy the whole address"),
    ],
)
def test_what_is_pasted_and_is_no_consent_is_refused(desk: Desk, given: str, words: str) -> None:
    said = desk.type("authorize", "alice", "--paste", given=given)
    assert said.code == 78, said
    assert words in said.err
    assert not desk.token.exists()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_forwarded_port_can_be_named_beforehand(desk: Desk) -> None:
    port = free_port()
    said, asked = consented(desk, "--port", str(port))
    assert said.code == 0, said
    assert asked["redirect_uri"] == f"http://127.0.0.1:{port}/"


def test_a_registered_redirect_uri_stays_as_it_is(desk: Desk, there: Google) -> None:
    port = free_port()
    fixed = f"http://localhost:{port}/cb"
    write_google_config(desk, there.url, f'redirect_uri = "{fixed}"')
    desk.type("authorize", "alice", "--port", "1", "--no-browser").refused(64, "leave --port out")
    for args in ((), ("--port", str(port))):
        said, asked = consented(desk, *args)
        assert said.code == 0, said
        assert asked["redirect_uri"] == fixed
        assert "registered, exactly" in said.err
    assert pasted(desk, there).err.startswith(f"{fixed}\n")


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "٣", "9" * 5000])
def test_a_port_that_is_none_is_refused(desk: Desk, port: str) -> None:
    desk.ask("authorize", "alice", f"--port={port}").refused(64, "is no port")


# Tokens from elsewhere


def test_a_copied_token_file_works_and_is_asked_whose_it_is(desk: Desk, there: Google) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - of the machine that it is from
    copy = {
        "provider": "google_health",
        "user_id": "",
        "access_token": "ya29.old",
        "refresh_token": REFRESH,
        "issued_at": (now - timedelta(hours=3)).isoformat(),
        "expires_at": (now - timedelta(hours=2)).isoformat(),
        "refresh_expires_at": (now + timedelta(days=3)).isoformat(),
    }
    (desk.folder / "copy.json").write_text(json.dumps(copy))
    (desk.folder / "lines").write_text(f"ya29.old\n{REFRESH}\n")
    there.answers["/token"] = (200, body("oauth/token-refresh.json"))
    for file, deadline in (("copy.json", True), ("lines", False)):
        said = desk.type("authorize", "alice", "--import", file)
        assert said.code == 0, said
        assert ("This consent ends on" in said.err) is deadline
        assert (kept(desk)["user_id"], kept(desk)["refresh_token"]) == (ME, REFRESH)
    assert [form["grant_type"] for form in there.asked_of("/token")] == ["refresh_token"] * 2
    there.answers["/v4/users/me/identity"] = (200, identity(ANOTHER))
    desk.type("authorize", "alice", "--import", "lines").refused(78, "another person")


# One person, two providers


def legacy_desk(desk: Desk, there: Google, user_id: str | None) -> None:
    """Set up what the account continues, with the token file of a person, or with none."""
    write_google_config(desk, there.url, 'continues = "alice_fitbit"', after=LEGACY)
    if user_id is None:
        return
    folder = desk.token.parent.parent / "alice_fitbit"
    folder.mkdir(parents=True)
    pair = {"access_token": "a", "refresh_token": "r", "user_id": user_id, "provider": "fitbit"}
    times = {"issued_at": "2026-10-01T00:00:00Z", "expires_at": "2026-10-01T08:00:00Z"}
    (folder / "token.json").write_text(json.dumps(pair | times))


def test_the_same_person_as_in_the_legacy_account_is_said(desk: Desk, there: Google) -> None:
    legacy_desk(desk, there, LEGACY_ME)
    said, _ = consented(desk)
    assert said.code == 0, said
    assert "the same person as alice_fitbit" in said.err


def test_another_person_than_in_the_legacy_account_is_refused(desk: Desk, there: Google) -> None:
    legacy_desk(desk, there, "ZZZZZZ")
    said, _ = consented(desk)
    assert said.code == 78, said
    for words in ("another person than the one whose data alice_fitbit holds", "ZZZZZZ", LEGACY_ME):
        assert words in said.err
    assert not desk.token.exists()


@pytest.mark.parametrize(("user_id", "legacy_id"), [(None, "AAAAAA"), ("AAAAAA", None), ("", "A")])
def test_a_person_who_cannot_be_compared_is_let_in_with_a_word(
    desk: Desk, there: Google, user_id: str | None, legacy_id: str | None
) -> None:
    legacy_desk(desk, there, user_id)
    there.answers["/v4/users/me/identity"] = (200, identity(ME, legacy_id))
    said, _ = consented(desk)
    assert said.code == 0, said
    assert "cannot be told" in said.err


# The end


def test_a_grant_is_revoked_with_either_token_and_whose_it_was_stays(
    desk: Desk, there: Google
) -> None:
    assert consented(desk)[0].code == 0
    said = desk.type("revoke", "alice")
    assert said.code == 0, said
    assert there.asked_of("/revoke") == [{"token": REFRESH}]  # no secret where none is wanted
    assert (kept(desk)["user_id"], bool(kept(desk)["revoked_at"])) == (ME, True)
    desk.type("pull").refused(77, "fitbitd revoke", "Next: fitbitd authorize alice")


def test_a_grant_that_google_ended_before_is_revoked_all_the_same(
    desk: Desk, there: Google
) -> None:
    assert consented(desk)[0].code == 0
    there.answers["/revoke"] = (400, b'{"error": "invalid_token"}')
    assert desk.type("revoke", "alice").code == 0
