"""Settings: read right, or refused with every problem and its remedy."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.commands.init import for_provider
from fitbitd.config import (
    ENDPOINTS,
    AccountSettings,
    NotifySettings,
    Settings,
    example,
    load,
    parse,
)
from fitbitd.errors import OperatorError
from fitbitd.model import AccountName, DataTypeName

SHOWN = Path(__file__).parent.parent / "config" / "fitbitd.toml"
NAMES = ("profile", "devices", "heart_rate", "steps", "sleep")
TYPES = {"fitbit": dict.fromkeys(NAMES, True)}
BOTH = {**TYPES, "google_health": {"heart_rate": True, "moods": False, "weight": True}}
ALICE = """
[[account]]
name = "alice"
provider = "fitbit"
client_id = "23ABCD"
"""
GOOGLE = ALICE.replace('"fitbit"', '"google_health"')
OLD = ALICE.replace("alice", "old")


def settings(toml: str) -> Settings:
    return parse(toml, TYPES)


def problems(toml: str) -> list[str]:
    """Give the lines of a refusal that name a problem."""
    with pytest.raises(OperatorError) as caught:
        parse(toml, TYPES)
    assert (caught.value.code, caught.value.exit_code) == ("settings", 78)
    first, *found, last = str(caught.value).splitlines()
    assert "none of its settings were taken" in first
    assert last.startswith("Next: ")
    return [line.strip() for line in found]


# The example


def test_the_example_loads() -> None:
    found = load(SHOWN, BOTH)
    assert found.path == SHOWN
    (alice,) = found.accounts
    assert (alice.provider, alice.data_types) == ("google_health", ("heart_rate", "weight"))


def test_the_package_carries_the_same_example() -> None:
    assert example() == SHOWN.read_text(encoding="utf-8")


def uncommented(toml: str) -> str:
    """Take the "# " away from every key and every table header."""
    return re.sub(r"(?m)^# (?=\[+[a-z._]+\]+$|[a-z_]+ = )", "", toml)


def test_the_values_shown_in_comments_load_and_are_the_defaults() -> None:
    shown = parse(uncommented(example()), BOTH)
    (alice, older), (default,) = shown.accounts, parse(example(), BOTH).accounts
    (legacy,) = parse(for_provider(example(), "fitbit"), BOTH).accounts
    usual = {**ENDPOINTS, "google_health": replace(ENDPOINTS["google_health"], requests_per_s=2)}
    assert shown.endpoints == usual
    for one, other in ((alice, default), (older, legacy)):
        assert one.provider == other.provider
        for same in ("app_type", "redirect_uri", "poll_every", "data_types"):
            assert getattr(one, same) == getattr(other, same)
    assert alice.client_secret_file == Path("/etc/fitbitd/alice.client_secret")
    assert (alice.backfill_from, default.backfill_from) == (date(2024, 1, 1), None)
    assert dict(alice.poll) == {"heart_rate": timedelta(minutes=5)}
    assert (alice.continues, default.continues) == (older.name, None)


def test_the_example_of_a_provider_has_an_account_of_it_alone_and_still_every_key() -> None:
    assert for_provider(example(), "google_health") == example()
    text = for_provider(example(), "fitbit")
    (legacy,) = parse(text, BOTH).accounts
    assert (legacy.provider, legacy.name) == ("fitbit", "alice_fitbit")
    assert sorted(uncommented(text)) == sorted(uncommented(example()))
    assert for_provider(text, "google_health") == example()


def test_the_example_shows_every_key() -> None:
    shown = set(re.findall(r"(?m)^([a-z_]+) = ", uncommented(example())))
    keys = {*AccountSettings.__slots__, "state_dir", "heart_rate"} - {"poll"}
    assert shown == keys | set(ENDPOINTS["fitbit"].__slots__) | set(NotifySettings.__slots__)


# What is read


def test_who_is_told_may_be_on_any_network_and_is_not_shown() -> None:
    told = (
        '[notify]\ncommand = ["/bin/tell", ""]\nheartbeat_url = "http://10.0.0.1:3001/push?a=b"\n'
    )
    found = settings(told + ALICE).notify
    assert found == NotifySettings(("/bin/tell", ""), "http://10.0.0.1:3001/push?a=b")
    assert "push" not in repr(found)
    assert settings(ALICE).notify == NotifySettings()


def test_an_account_needs_three_keys() -> None:
    found = settings(ALICE)
    assert found.state_dir == Path("/var/lib/fitbitd")
    assert found.accounts == (
        AccountSettings(
            name=AccountName("alice"),
            provider="fitbit",
            client_id="23ABCD",
            data_types=tuple(map(DataTypeName, NAMES)),
            app_type="personal",
        ),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("5s", timedelta(seconds=5)),
        ("15m", timedelta(minutes=15)),
        ("6h", timedelta(hours=6)),
        ("1d", timedelta(days=1)),
    ],
)
def test_lengths_of_time_have_a_unit(written: str, meant: timedelta) -> None:
    (alice,) = settings(f'{ALICE}poll_every = "{written}"').accounts
    assert alice.poll_every == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('["steps", "heart_rate"]', ("heart_rate", "steps")),
        ('["sleep", "sleep"]', ("sleep",)),
        ('["sleep", "all"]', NAMES),
    ],
)
def test_data_types_come_in_the_order_of_the_catalogue(
    written: str, meant: tuple[str, ...]
) -> None:
    (alice,) = settings(f"{ALICE}data_types = {written}").accounts
    assert alice.data_types == meant


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "fitbitd.toml"
    file.write_text(f'state_dir = "state"\n{ALICE}client_secret_file = "secret"')
    found = load(file, TYPES)
    assert found.state_dir == tmp_path / "state"
    assert found.accounts[0].client_secret_file == tmp_path / "secret"


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings(f'state_dir = "~/fitbit"\n{ALICE}').state_dir == tmp_path / "fitbit"


def test_a_file_of_a_foreign_editor_loads(tmp_path: Path) -> None:
    file = tmp_path / "fitbitd.toml"
    file.write_bytes(b"\xef\xbb\xbf" + ALICE.replace("\n", "\r\n").encode())
    assert load(file, TYPES).accounts[0].name == "alice"


def test_a_second_provider_needs_only_its_catalogue() -> None:
    found = parse(GOOGLE, BOTH)
    (alice,) = found.accounts
    assert (alice.data_types, alice.app_type) == (("heart_rate", "weight"), None)
    assert alice.redirect_uri == "http://127.0.0.1:0/"  # any port: a Desktop app registers none
    assert found.endpoints["google_health"].api_url == "https://health.googleapis.com"
    with pytest.raises(OperatorError, match="app_type: only the provider"):
        parse(f'{GOOGLE}app_type = "server"', BOTH)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('["all"]', ("heart_rate", "weight")),
        ('["moods"]', ("moods",)),
        ('["moods", "all"]', ("heart_rate", "moods", "weight")),
    ],
)
def test_what_not_everybody_wants_has_to_be_named(written: str, meant: tuple[str, ...]) -> None:
    (alice,) = parse(f"{GOOGLE}data_types = {written}", BOTH).accounts
    assert alice.data_types == meant


# One person, two providers


def test_an_account_continues_a_legacy_one() -> None:
    alice, older = parse(f'{GOOGLE}continues = "old"\n{OLD}', BOTH).accounts
    assert (alice.continues, older.continues) == ("old", None)
    alice, older = reversed(parse(f'{OLD}{GOOGLE}continues = "old"\n', BOTH).accounts)
    assert (alice.continues, older.continues) == ("old", None)


BOB = GOOGLE.replace("alice", "bob")


@pytest.mark.parametrize(
    ("toml", "wrong"),
    [
        (
            f'{GOOGLE}continues = "odl"\n{OLD}',
            'there is no account "odl" here; did you mean "old"?',
        ),
        (f'{GOOGLE}continues = "alice"\n{OLD}', "an account cannot continue itself"),
        (f'{GOOGLE}continues = "bob"\n{BOB}', '"bob" is not an account of the provider "fitbit"'),
        (
            f'{GOOGLE}continues = "bob"\n{BOB}continues = "old"\n{OLD}',  # a chain
            '"bob" is not an account of the provider "fitbit"',
        ),
        (
            f'{GOOGLE}continues = "old"\n{BOB}continues = "old"\n{OLD}',
            'account[2] "bob": continues: "old" is continued by "alice" already',
        ),
        (
            f'{OLD}continues = "alice"\n{GOOGLE}',
            'account[1] "old": continues: an account of the provider "fitbit" continues no other',
        ),
        (f"{GOOGLE}continues = 5\n{OLD}", "continues: must be text"),
        (f'{GOOGLE}continues = "../old"\n{OLD}', "cannot name a folder here"),
    ],
)
def test_a_continuation_that_cannot_be_is_refused(toml: str, wrong: str) -> None:
    with pytest.raises(OperatorError) as caught:
        parse(toml, BOTH)
    _, problem, _ = str(caught.value).splitlines()
    assert "continues: " in problem
    assert wrong in problem


def test_problems_between_accounts_are_told_with_all_the_others() -> None:
    with pytest.raises(OperatorError) as caught:
        parse(f'{GOOGLE}continues = "gone"\npol_every = "5m"\n{OLD}app_typ = "x"', BOTH)
    assert "has 3 problems" in str(caught.value)


def test_plain_http_is_for_this_machine() -> None:
    for address in (
        "http://127.0.0.1:8713",
        "http://[::1]:1",
        "http://localhost",
        "http://127.9.9.9",
    ):
        found = settings(f'{ALICE}[provider.fitbit]\napi_url = "{address}/"')
        assert found.endpoints["fitbit"].api_url == address


# What is refused


ON_ALICE = 'account[1] "alice": '
UNKNOWN_KEYS = [
    ('pol_every = "5m"', ON_ALICE + "pol_every", 'did you mean "poll_every"?'),
    ('[account.poll]\nstep = "5m"', ON_ALICE + "poll.step", 'did you mean "steps"?'),
    ("[provider.garmin]", "provider.garmin", "known: fitbit"),
    ('[provider.fitbit]\nzzz = "x"', "provider.fitbit.zzz", "known: api_url, authorize_url,"),
    ("[serve]", "serve", "known: account, notify, provider, state_dir"),
    ('[notify]\ncomand = ["a"]', "notify.comand", 'did you mean "command"?'),
    ('[notify]\ncommand = "mail me"', "notify.command", "must be a list of the program and its"),
    ("[notify]\ncommand = []", "notify.command", "must be a list of the program and its"),
    ("[notify]\ncommand = []", "notify.command", "not an empty list"),
    ('[notify]\ncommand = ["mail", 7]', "notify.command", "an argument must be text in quotes"),
    ('[notify]\nheartbeat_url = "example.com"', "notify.heartbeat_url", "a whole address"),
    ('[notify]\nheartbeat_url = "http://a:x/"', "notify.heartbeat_url", "is not an address"),
]
UNKNOWN_WORDS = [
    (
        'data_types = ["stepps"]',
        ON_ALICE + "data_types",
        '"stepps" is unknown to this version; did',
    ),
    (
        'data_types = ["ecg"]',
        ON_ALICE + "data_types",
        "known: devices, heart_rate, profile, sleep,",
    ),
    ('app_type = "persnal"', ON_ALICE + "app_type", 'did you mean "personal"?'),
]
WRONG_TYPES = [
    ("poll_every = 15", ON_ALICE + "poll_every", 'as in "90s", "15m", "6h" or "1d", not 15'),
    ('poll_every = "15"', ON_ALICE + "poll_every", 'as in "90s", "15m", "6h" or "1d", not "15"'),
    ('backfill_from = "2024-01-01"', ON_ALICE + "backfill_from", "a day without quotes or time"),
    ("backfill_from = 2024-01-01T00:00:00", ON_ALICE + "backfill_from", "as in 2024-01-01, not"),
    ("client_secret_file = true", ON_ALICE + "client_secret_file", 'in quotes ("..."), not true'),
    ('data_types = "all"', ON_ALICE + "data_types", 'as in ["all"] or ["steps"], not "all"'),
    ("data_types = []", ON_ALICE + "data_types", "must be a list with a name in it"),
    ("data_types = []", ON_ALICE + "data_types", "not an empty list"),
    ("data_types = [[]]", ON_ALICE + "data_types", "not an empty list"),
    ("poll = 5", ON_ALICE + "poll", "must be a table of keys, not 5"),
    ("redirect_uri = {}", ON_ALICE + "redirect_uri", "not an empty table"),
]
IMPOSSIBLE_VALUES = [
    ('poll_every = "4s"', ON_ALICE + "poll_every", 'must lie between "5s" and "31d", not "4s"'),
    ('poll_every = "9999999d"', ON_ALICE + "poll_every", 'must lie between "5s" and "31d"'),
    (
        'data_types = ["sleep"]\npoll.steps = "5m"',
        ON_ALICE + "poll.steps",
        "this account does not collect it; see its data_types",
    ),
    (
        'app_type = "client"\nclient_secret_file = "x"',
        ON_ALICE + "client_secret_file",
        'an app of the type "client" has none; remove the line',
    ),
    (
        'redirect_uri = "http://192.168.1.5:8712/callback"',
        ON_ALICE + "redirect_uri",
        "would send tokens over the network in the clear; write https://",
    ),
    ("[provider.fitbit]\nrequests_per_s = 0", "provider.fitbit.requests_per_s", "must lie between"),
    ("[provider.fitbit]\nrequests_per_s = true", "provider.fitbit.requests_per_s", "not true"),
    (
        "[provider.fitbit]\nrequests_per_s = nan",
        "provider.fitbit.requests_per_s",
        "must lie between",
    ),
    (
        '[provider.fitbit]\napi_url = "https://ann:hush@api.fitbit.com"',
        "provider.fitbit.api_url",
        "an address here holds no user name and no password",
    ),
    (
        'client_secret_file = "~nobody_here/x"',
        ON_ALICE + "client_secret_file",
        '"~nobody_here/x" names a home folder that is not known',
    ),
]


@pytest.mark.parametrize(
    ("toml", "place", "remedy"),
    [*UNKNOWN_KEYS, *UNKNOWN_WORDS, *WRONG_TYPES, *IMPOSSIBLE_VALUES],
)
def test_a_problem_is_named_with_its_key_and_what_would_be_right(
    toml: str, place: str, remedy: str
) -> None:
    (problem,) = problems(f"{ALICE}{toml}")
    assert problem.startswith(f"{place}: ")
    assert remedy in problem
    assert "hush" not in problem


@pytest.mark.parametrize(
    "address",
    ["api.fitbit.com", "ftp://x", "https://", "https://x?y=1", "https://x#y", "https://a b", "https://x:99999",
     "https://[::1", "http://127.0.0.1@evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example"],
)  # fmt: skip
def test_an_address_that_is_none_or_is_elsewhere_is_refused(address: str) -> None:
    (problem,) = problems(f'{ALICE}[provider.fitbit]\ntoken_url = "{address}"')
    assert problem.startswith("provider.fitbit.token_url: ")


@pytest.mark.parametrize(
    "name", ["Alice", "a b", "../x", "-a", "_a", "a.b", "ä", "a" * 65, "", " "]
)
def test_a_name_that_cannot_be_a_folder_is_refused(name: str) -> None:
    (problem,) = problems(ALICE.replace('"alice"', json.dumps(name)))
    assert problem.startswith("account[1]: name: ")


def test_two_accounts_cannot_have_one_name() -> None:
    assert problems(ALICE * 2) == ['account: 2 accounts are named "alice"; name them apart']


def test_a_provider_without_a_catalogue_is_refused_alone() -> None:
    other = ALICE.replace('"fitbit"', '"google_health"')
    (problem,) = problems(f'{other}data_types = ["weight"]\npoll.weight = "1h"')
    assert problem == (
        'account[1] "alice": provider: "google_health" is unknown to this version; known: fitbit'
    )


@pytest.mark.parametrize(
    "toml", ["", "account = []\n", "account = 5\n", "account = [5]\n", "[account]\n"]
)
def test_without_an_account_there_is_nothing_to_do(toml: str) -> None:
    problem, *_ = problems(toml)
    assert problem.startswith("account: ")


def test_every_problem_is_told_at_once() -> None:
    toml = f"""
    state_dir = ""
    {ALICE}
    poll_every = "soon"
    [[account]]
    name = "bob"
    provider = "fitbit"
    data_typs = ["all"]
    [provider.fitbit]
    api_url = "api.fitbit.com"
    """
    places = [re.sub(r": [^:]*(must|is|this) .*", "", line) for line in problems(toml)]
    assert places == [
        "state_dir",
        'account[1] "alice": poll_every',
        'account[2] "bob": client_id',
        'account[2] "bob": data_typs',
        "provider.fitbit.api_url",
    ]


values: st.SearchStrategy[object] = st.recursive(
    st.text(st.characters(min_codepoint=32, max_codepoint=126))
    | st.sampled_from(["fitbit", "alice", "5m", "all", "https://x"])
    | st.integers(-9, 9)
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)
keys = st.sampled_from(
    ["state_dir", "account", "provider", "name", "client_id", "data_types", "poll", "poll_every",
     "backfill_from", "app_type", "redirect_uri", "client_secret_file", "fitbit", "api_url",
     "continues", "zzz"]
)  # fmt: skip
tables = st.dictionaries(keys, values, max_size=6)


@given(root=tables, account=tables, provider=tables)
def test_any_toml_gives_settings_or_one_refusal(
    root: dict[str, object], account: dict[str, object], provider: dict[str, object]
) -> None:
    lines = [*_lines(root), "[[account]]", *_lines(account), "[provider.fitbit]", *_lines(provider)]
    try:
        found = settings("\n".join(lines))
    except OperatorError as err:
        assert "\nNext: " in str(err)  # noqa: PT017 - either way is right
    else:
        assert found.accounts


def _lines(table: dict[str, object]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]
