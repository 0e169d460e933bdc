"""Two accounts of two providers in one daemon: each fails in every known way, alone."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from fitbitd.simulator.life import GoogleLife
from tests.support.google_replies import answers, archived, body
from tests.support.household import Household, account_settings, google_account

LEGACY = Path(__file__).parents[1] / "data" / "fitbit" / "errors"
START = datetime(2027, 3, 10, 6, tzinfo=UTC)
STRUCK = START + timedelta(hours=1)
HEALED = STRUCK + timedelta(hours=2)
HOUR = timedelta(hours=1)
ALICE, GINA = 0, 1
POLL = HOUR / 2
SOON = POLL + timedelta(minutes=5)
TYPES = tuple(map(DataTypeName, ("steps", "sleep")))

GOOGLE_DATA, GOOGLE_TOKEN = " /v4/", "POST /token"
LEGACY_DATA, LEGACY_TOKEN = "GET /1", "POST /oauth2/token"


def household(state_dir: Path) -> Household:
    """Make two accounts: alice at the legacy provider, gina at Google."""
    syncs = RegularSyncs(1800)
    born = START.date() - timedelta(days=1)
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=1, member_since=born, syncs=syncs),
        FitbitSettings(token_life_s=2 * 3600),
        accounts=(
            account_settings("alice", data_types=TYPES, poll_every=POLL),
            google_account("gina", data_types=TYPES, poll_every=POLL),
        ),
        others=(Wearer(seed=2, user_id="SIM002", member_since=born, syncs=syncs),),
    )
    home.authorize(ALICE)
    home.authorize(GINA)
    return home


def google_truth(home: Household) -> tuple[set[Any], set[Any]]:
    """Give steps and nights as Google published them, up to an hour ago."""
    now = home.true_clock.now()
    life = GoogleLife(home.simulators[GINA].wearer)
    until_ms = int((now - HOUR).timestamp() * 1000)
    steps = life.points("steps", 0, until_ms, now)
    nights = life.points("sleep", 0, until_ms, now)
    return (
        {(one.start_ms, int(one.value.get("count", "0"))) for one in steps},
        {(one.point_id, one.start_ms, one.end_ms) for one in nights},
    )


def google_rows(home: Household) -> tuple[set[Any], set[Any]]:
    """Give the same from the index."""
    until_ms = int((home.true_clock.now() - HOUR).timestamp() * 1000)
    with closing(home.index(GINA)) as db:
        steps = db.execute(
            "SELECT instant, value FROM readings WHERE data_type = 'steps' AND instant < ?",
            (until_ms,),
        ).fetchall()
        nights = db.execute(
            "SELECT key, start_ms, end_ms FROM session WHERE end_ms < ?", (until_ms,)
        ).fetchall()
    return set(steps), set(nights)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a failure of every request leads to.

    Attributes:
        code: of the condition.
        requests: how many that fail may be sent in the two hours of trouble.
        back_within: how long after its end collecting has gone on; None needs a new consent.
        types: those that have the condition for themselves; else the account has it.
    """

    code: str
    requests: int
    back_within: timedelta | None = SOON
    types: tuple[str, ...] = ("",)

    @property
    def ends_at(self) -> datetime:
        return HEALED + (self.back_within or 2 * HOUR) + 2 * HOUR


POLLS = 2 * HOUR // POLL
REFRESHED = HOUR  # a refresh is tried again, and then comes a poll
GONE = timedelta(hours=25)
BY_TYPE = ("paired_devices", "sleep")  # no sync is seen to advance, so steps are not even asked


def off(code: str) -> Expected:
    """Expect each data type to be off: asked again after an hour, and after two more."""
    return Expected(code, 2 * len(BY_TYPE), 2 * HOUR, BY_TYPE)


UNREACHABLE = Expected("provider_unreachable", POLLS * 2 * 4)  # two pulls of four attempts
DENIED = Expected("access_denied", POLLS * 2)
LOST = Expected("authorization_needed", 1, None)

DATA: dict[str, Expected] = {
    "errors/400-account-not-linked.json": Expected("account_not_linked", POLLS),
    "errors/400-filter-member-not-supported.json": off("request_refused"),
    "errors/400-invalid-data-type.json": off("data_type_refused"),
    # A token that is refused is replaced once a pass; then the account waits for the next poll.
    "errors/401-invalid-credentials.json": Expected("authorization_needed", POLLS * 2),
    "errors/401-missing-credentials.json": off("contract_changed"),
    "errors/403-legacy-fitbit-account.json": DENIED,
    "errors/403-resource-permission-denied.json": DENIED,
    "errors/403-missing-oauth-scope.json": off("scope_missing"),
    "errors/403-scope-insufficient.json": off("scope_missing"),
    "errors/403-service-disabled.json": Expected("service_disabled", POLLS),
    "errors/404-unknown-path.html": off("request_refused"),
    "errors/410-legacy-fitbit-gone.json": Expected("provider_gone", 1, GONE),
    "errors/412-profile-not-ready.json": Expected("profile_not_ready", POLLS),
    "errors/429-quota-per-user-per-minute.json": Expected("throttled", POLLS),
    "errors/429-with-retry-after.json": Expected("throttled", POLLS),
    # Whether a smaller question would do is found out before the provider counts as down.
    "errors/500-internal.json": Expected("provider_unreachable", POLLS * 24),
    "errors/502-bad-gateway.html": UNREACHABLE,
    "errors/503-unavailable.json": UNREACHABLE,
    "errors/504-deadline-exceeded.json": Expected("provider_unreachable", POLLS * 8),
    "cut": UNREACHABLE,
    "reset": UNREACHABLE,
    "timeout": UNREACHABLE,
    "empty": UNREACHABLE,
    "CAPTIVE_PORTAL": UNREACHABLE,
}

TOKEN: dict[str, Expected] = {
    "oauth/400-invalid_grant-bad-request.json": LOST,
    "oauth/400-invalid_grant-expired-or-revoked.json": LOST,
    "oauth/401-invalid_client.json": Expected("client_rejected", 20, REFRESHED),
    "oauth/429-rate-limit.json": Expected("throttled", 10, REFRESHED),
    "UNAUTHORIZED_CLIENT": Expected("client_rejected", 20, REFRESHED),
    "CAPTIVE_PORTAL": Expected("provider_unreachable", 20, REFRESHED),
    "BAD_GATEWAY": Expected("provider_unreachable", 20, REFRESHED),
    "cut": Expected("provider_unreachable", 20, REFRESHED),
}

OF_ALICE: dict[str, tuple[str, Expected]] = {
    "401_expired_token": (LEGACY_DATA, Expected("authorization_needed", POLLS * 2)),
    "403_insufficient_scope": (
        LEGACY_DATA,
        Expected("scope_missing", 6, 2 * HOUR, ("devices", "sleep")),
    ),
    "410_gone_after_shutdown": (LEGACY_DATA, Expected("provider_gone", 1, GONE)),
    "429_too_many_requests": (LEGACY_DATA, Expected("throttled", POLLS, HOUR + SOON)),
    "500_internal_error": (LEGACY_DATA, UNREACHABLE),
    "400_invalid_grant_refresh_token": (LEGACY_TOKEN, LOST),
}


def fault(name: str, path: str) -> Fault:
    """Make a failure out of a recording, a refusal that has a name, or a kind of fault."""
    if "/" in name:
        return answers(name, path)
    if name.isupper():
        return Fault(kind="refuse", reason=name, path=path, count=None)
    return Fault(kind=name, path=path, count=None)  # type: ignore[arg-type] # one of its kinds


def legacy_fault(name: str, path: str) -> Fault:
    """Make a failure out of a recording of the legacy provider."""
    recorded = json.loads((LEGACY / f"{name}.json").read_text(encoding="utf-8"))
    wait = recorded["headers"].get("retry-after")
    return Fault(
        kind="body",
        path=path,
        count=None,
        status=recorded["status"],
        body=json.dumps(recorded["body"]) if "body" in recorded else recorded["body_text"],
        content_type=recorded["headers"]["content-type"],
        retry_after_s=int(wait) if wait else None,
    )


def raised(home: Household, place: int) -> set[tuple[str, str]]:
    """Give code and data type of every condition that there was since the trouble began.

    What was known to be at the provider before it may grow old in it; that is said as well.
    """
    with closing(home.index(place)) as db:
        rows = db.execute(
            "SELECT code, subject FROM condition WHERE since >= ? AND code <> 'data_stale'",
            (STRUCK.timestamp() * 1000,),
        )
        return set(rows)


def suffer(
    home: Household,
    place: int,
    trouble: Fault,
    expected: Expected,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let one account suffer for two hours, and check what comes of it, for it and the other."""
    mine, other = home.simulators[place], ALICE if place == GINA else GINA
    grants: list[Any] = []
    home.at.append((STRUCK, lambda: mine.faults.add(trouble)))
    home.at.append((HEALED, mine.faults.clear))
    home.at.append((HEALED, lambda: grants.append(home.parts(place).token_file.read())))
    healed = HEALED
    if expected.back_within is None:
        healed += HOUR
        home.at.append((healed, lambda: home.authorize(place)))
    home.live(expected.ends_at - START, monkeypatch=monkeypatch)

    assert raised(home, place) == {(expected.code, each) for each in expected.types}
    assert home.conditions(place) == set()
    failed = [entry for entry in mine.log if entry.fault]
    assert 1 <= len(failed) <= expected.requests
    if expected.back_within is None:
        assert home.data_requests(place, HEALED)[0].at - healed <= timedelta(minutes=1)
    back = [entry for entry in home.data_requests(place, healed) if entry.status == 200]
    assert back[0].at - healed <= (expected.back_within or SOON)
    assert grants[0].refresh_token  # the grant is kept, whatever was said

    assert raised(home, other) == home.conditions(other) == set()
    assert {entry.status for entry in home.simulators[other].log} == {200}
    asked = [START, *(entry.at for entry in home.data_requests(other)), home.true_clock.now()]
    assert all(after - before <= POLL + SOON for before, after in pairwise(asked))
    assert google_rows(home) == google_truth(home)
    truth, collected = home.truth(), home.collected()
    assert collected["sleep"] == truth["sleep"]
    hour_ago_s = (home.true_clock.now() - HOUR).timestamp()
    assert {row for row in collected["steps"] if row[0] < hour_ago_s} == {
        row for row in truth["steps"] if row[0] < hour_ago_s
    }
    assert len(google_truth(home)[0]) > 1000


@pytest.mark.parametrize("name", DATA)
def test_a_failure_of_googles_data_is_gone_with_its_cause_and_hurts_nobody_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    suffer(home, GINA, fault(name, GOOGLE_DATA), DATA[name], monkeypatch)
    # A refusal of a token may repeat it, so it is not kept.
    if "/" in name and "/401" not in name:
        assert body(name) in set(archived(home.parts(GINA).folder))


@pytest.mark.parametrize("name", TOKEN)
def test_a_failure_of_googles_tokens_is_gone_with_its_cause_and_hurts_nobody_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path / "state")
    suffer(home, GINA, fault(name, GOOGLE_TOKEN), TOKEN[name], monkeypatch)


@pytest.mark.parametrize("name", OF_ALICE)
def test_a_failure_of_the_legacy_provider_hurts_nobody_at_google(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, expected = OF_ALICE[name]
    home = household(tmp_path / "state")
    suffer(home, ALICE, legacy_fault(name, path), expected, monkeypatch)
