"""Every error that Fitbit is known to give has its action and its words, and harms nobody else."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from fitbitd import facts
from fitbitd.health import Condition
from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, FitbitSettings, RegularSyncs, Wearer
from tests.support.household import Household, account_settings

ERRORS = Path(__file__).parents[1] / "data" / "fitbit" / "errors"
START = datetime(2027, 3, 10, 6, tzinfo=UTC)
STRUCK = START + timedelta(hours=2)
HEALED = STRUCK + timedelta(hours=4)
LONG = timedelta(hours=26)  # after the trouble: what is asked again once a day
SHORT = timedelta(hours=5)
HOUR = timedelta(hours=1)
TYPES = (DataTypeName("daily_steps"), DataTypeName("sleep"))
DATA = "GET /1"
TOKEN = "POST /oauth2/token"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an error leads to.

    Attributes:
        code: of the condition.
        requests: how many of the kind that fails may be sent in the four hours of trouble.
        back_within: how long after the trouble's end collecting has gone on; None is never.
        per_type: each data type has the condition for itself.
    """

    code: str
    requests: int
    back_within: timedelta | None
    per_type: bool = False


SOON = timedelta(minutes=35)  # the next poll
PAUSED = Expected("authorization_needed", 2 * 9, SOON)


def off(code: str, requests: int = 3 * 4) -> Expected:
    """Expect each data type to be off: asked again after an hour, and after two more."""
    return Expected(code, requests, timedelta(hours=4), per_type=True)


ON_DATA = {
    # A token that is refused is replaced once a pass; then the account waits for the next poll.
    "400_invalid_grant_authorization_code": PAUSED,
    "400_invalid_grant_refresh_token": PAUSED,
    "401_expired_token": PAUSED,
    "401_expired_token_no_link": PAUSED,
    "400_invalid_request_body": off("request_refused"),
    "400_invalid_request_missing_refresh_token": off("request_refused"),
    "401_invalid_client_header": Expected("client_rejected", 9, SOON),
    "401_invalid_client_secret": Expected("client_rejected", 9, SOON),
    "403_insufficient_permissions_intraday": off("data_type_refused"),
    "403_insufficient_scope": off("scope_missing"),
    "403_read_only_client": off("data_type_refused"),
    "410_gone_after_shutdown": Expected("provider_gone", 1, timedelta(hours=21)),
    # Each window is halved down to its days.
    "422_too_many_data_points": off("request_refused", requests=3 * 80),
    "429_too_many_requests": Expected("throttled", 9, timedelta(minutes=62)),
    "500_internal_error": Expected("provider_unreachable", 9 * 8, SOON),
}

NO_GRANT = Expected("authorization_needed", 1, None)
REFRESHED = timedelta(minutes=62)  # a refresh is tried again, and then comes a poll
ON_TOKEN = {
    "400_invalid_grant_authorization_code": NO_GRANT,
    "400_invalid_grant_refresh_token": NO_GRANT,
    "400_invalid_request_body": Expected("contract_changed", 30, REFRESHED),
    "400_invalid_request_missing_refresh_token": Expected("contract_changed", 30, REFRESHED),
    "401_expired_token": Expected("contract_changed", 30, REFRESHED),
    "401_invalid_client_header": Expected("client_rejected", 30, REFRESHED),
    "401_invalid_client_secret": Expected("client_rejected", 30, REFRESHED),
    "403_insufficient_scope": Expected("contract_changed", 30, REFRESHED),
    "410_gone_after_shutdown": Expected("provider_gone", 1, timedelta(hours=24, minutes=40)),
    "429_too_many_requests": Expected("throttled", 10, REFRESHED),
    "500_internal_error": Expected("provider_unreachable", 100, REFRESHED),
}


def test_every_recorded_error_is_tried() -> None:
    assert {path.stem for path in ERRORS.glob("*.json")} == ON_DATA.keys()
    assert ON_TOKEN.keys() < ON_DATA.keys()


def household(state_dir: Path, name: str, path: str) -> Household:
    """Let an error strike the first of two accounts for four hours, two hours after the start."""
    syncs = RegularSyncs(1800)
    home = Household(
        state_dir,
        START.isoformat(),
        Wearer(seed=1, member_since=START.date(), syncs=syncs, intervals_s=(60,)),
        FitbitSettings(token_life_s=3 * 3600),
        accounts=tuple(
            account_settings(name, data_types=TYPES, poll_every=HOUR / 2) for name in ("a", "b")
        ),
        others=(
            Wearer(
                seed=2,
                user_id="SIM002",
                member_since=START.date(),
                syncs=syncs,
                intervals_s=(60,),
            ),
        ),
    )
    home.authorize(0)
    home.authorize(1)
    recorded = json.loads((ERRORS / f"{name}.json").read_text())
    wait = recorded["headers"].get("retry-after")
    fault = Fault(
        kind="throttle" if wait else "body",
        path=path,
        count=None,
        status=recorded["status"],
        body=json.dumps(recorded["body"]) if "body" in recorded else recorded["body_text"],
        content_type=recorded["headers"]["content-type"],
        retry_after_s=int(wait) if wait else None,
    )
    home.at.append((STRUCK, lambda: home.simulator.faults.add(fault)))
    home.at.append((HEALED, home.simulator.faults.clear))
    return home


def look_at(home: Household, when: datetime) -> list[Condition]:
    """Have the conditions gathered at an instant, and compared with those that are noted."""
    seen: list[Condition] = []

    def look() -> None:
        with closing(home.index()) as db:
            seen.extend(facts.standing(home.parts().subject, db, home.clock.now()))
        noted = {code for code, _ in home.conditions()}
        lasting = {"data_stale", "token_in_doubt"}  # these come with time alone
        assert {each.code for each in seen} - lasting <= noted
        assert home.conditions(1) == set()

    home.at.append((when, look))
    return seen


def is_told_in_three_parts(condition: Condition) -> bool:
    """Say whether a condition says what happened, what it means, and what to do."""
    happened, meaning, next_step = str(condition).splitlines()
    return (
        happened.endswith(".")
        and meaning.endswith(".")
        and next_step.startswith("Next: ")
        and "{" not in str(condition)
    )


def never_stopped(home: Household, place: int) -> bool:
    """Say whether an account was asked for at each of its polls."""
    asked = [START, *(entry.at for entry in home.data_requests(place)), home.true_clock.now()]
    return all(after - before <= HOUR for before, after in pairwise(asked))


def end_for(name: str) -> datetime:
    """Say until when to wait for collecting to go on."""
    return HEALED + (LONG if name.startswith("410") else SHORT)


@pytest.mark.parametrize("name", ON_DATA)
def test_an_error_of_the_data_api_has_its_action_and_hurts_nobody_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ON_DATA[name]
    home = household(tmp_path / "state", name, DATA)
    seen = look_at(home, STRUCK + timedelta(minutes=50 if name.startswith("5") else 31))
    home.live(end_for(name) - START, monkeypatch=monkeypatch)

    mine = {each.data_type for each in seen if each.code == expected.code}
    assert mine == ({"devices", *TYPES} if expected.per_type else {None})
    assert {each.code for each in seen} <= {expected.code, "data_stale"}
    assert all(map(is_told_in_three_parts, seen))
    failed = [entry for entry in home.data_requests(since=STRUCK) if entry.status != 200]
    assert 1 <= len(failed) <= expected.requests
    assert all(STRUCK <= entry.at < HEALED for entry in failed)
    back = [entry for entry in home.data_requests(since=HEALED) if entry.status == 200]
    assert expected.back_within is not None
    assert back[0].at - HEALED <= expected.back_within
    assert home.conditions() == set()
    assert home.collected()["sleep"] == home.truth()["sleep"]
    assert never_stopped(home, 1)
    assert {entry.status for entry in home.simulators[1].log} == {200}


@pytest.mark.parametrize("name", ON_TOKEN)
def test_an_error_of_the_token_endpoint_has_its_action_and_hurts_nobody_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ON_TOKEN[name]
    home = household(tmp_path / "state", name, TOKEN)
    seen = look_at(home, HEALED - timedelta(minutes=1))
    grant = home.parts().token_file.read()
    home.live(end_for(name) - START, monkeypatch=monkeypatch)

    assert expected.code in {each.code for each in seen}
    assert all(map(is_told_in_three_parts, seen))
    failed = [entry for entry in home.simulator.log if entry.status not in {200, None}]
    assert 1 <= len(failed) <= expected.requests
    assert {entry.path for entry in failed} == {"/oauth2/token"}
    after = home.data_requests(since=HEALED)
    if expected.back_within is None:
        assert after == []
        assert home.conditions() >= {("authorization_needed", "")}
        kept = home.parts().token_file.read()
        assert grant is not None
        assert kept is not None
        assert kept.refresh_token == grant.refresh_token  # ended, not thrown away
    else:
        assert after[0].at - HEALED <= expected.back_within
        assert home.conditions() == set()
        assert home.collected()["sleep"] == home.truth()["sleep"]
    assert never_stopped(home, 1)
    assert {entry.status for entry in home.simulators[1].log} == {200}
