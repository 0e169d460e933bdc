"""Files that somebody spoilt: read, or refused in words; never a crash, never half believed."""

import gzip
import itertools
import json
from ipaddress import ip_address
from random import Random
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitbitd.assembly import DATA_TYPES
from fitbitd.config import parse
from fitbitd.errors import OperatorError
from fitbitd.oauth import token
from tests.fuzz.__main__ import changed
from tests.fuzz.targets import GRANT, LINES, TARGETS
from tests.support.hostile import any_json_text, places, spliced

ALICE = '[[account]]\nname = "alice"\nprovider = "fitbit"\nclient_id = "A"\n'
WORDS = ("access_token", "refresh_token", "issued_at", "scope", "previous", "9999-12-31T23:59:59Z")
KINDS = ("seq", "kind", "pass_begin", "pull_begin", "reply", "at", "format", "body")
try_token, try_archive, try_settings = (
    TARGETS[name].try_one for name in ("token", "archive", "settings")
)


@settings(max_examples=150, deadline=None)
@given(raw=any_json_text(*WORDS), data=st.data())
def test_any_token_file_is_a_grant_or_refused(raw: bytes, data: st.DataObject) -> None:
    document = json.loads(token.to_json(GRANT))
    try_token(raw)
    try_token(spliced(document, data.draw(st.sampled_from(list(places(document)))), raw))


@settings(max_examples=60, deadline=None)
@given(raw=any_json_text(*KINDS), data=st.data(), cut=st.integers(0, 200))
def test_any_file_of_the_archive_is_members_and_damage_without_a_gap(
    raw: bytes, data: st.DataObject, cut: int
) -> None:
    line = data.draw(st.sampled_from(LINES))
    broken = spliced(line, data.draw(st.sampled_from(list(places(line)))), raw)
    members = [gzip.compress(text + b"\n", 1) for text in (raw, json.dumps(line).encode(), broken)]
    for order in itertools.permutations(members):
        try_archive(b"".join(order))
        try_archive(b"".join(order)[:-cut])


toml_values = st.sampled_from(
    [
        *('"x"', '"\\u0000"', "9" * 5_000, "0x" + "f" * 5_000, "nan", "-inf", "1e400", "{"),
        *("[" * 3_000, "2024-02-30", "0001-01-01", "9999-12-31", "00:00:00", '"https://[::1"'),
        *('["all", 1]', "[[]]", '"' + "x" * 5_000 + '"', "'''\n'''", "true", '["\\u0000"]'),
        *("{a={b={}}}", "[{}]", '"~nobody/x"'),
    ]
)
toml_keys = st.sampled_from(
    [
        *("state_dir", "account", "provider", "name", "client_id", "data_types", "poll"),
        *("poll_every", "backfill_from", "redirect_uri", "client_secret_file", "api_url"),
        *("requests_per_s", '"\\u0000"', "command", "heartbeat_url", "continues", "a.b.c"),
        *("[account.poll]\nsteps", "[notify]\ncommand", "[a.b]\nc", "[[account]]\nname"),
        *(f"[provider.fitbit]\n{key}" for key in ("api_url", "requests_per_s", "verify")),
        ".".join("a" * 300),
    ]
)
toml_lines = st.lists(st.tuples(toml_keys, toml_values).map(" = ".join), max_size=5)


@settings(max_examples=60, deadline=None)
@given(lines=toml_lines)
def test_any_configuration_is_settings_or_refused(lines: list[str]) -> None:
    try_settings("\n".join([*lines, ALICE]).encode())
    try_settings("\n".join([ALICE, *lines]).encode())


@pytest.mark.parametrize(
    "said",
    [
        "x = " + "[" * 5_000,
        "x = " + "{a = " * 5_000,
        "x = " + "9" * 5_000,
        f"{ALICE}poll_every = 0x{'f' * 5_000}",
        f'{ALICE}client_secret_file = "a\\u0000b"',
        f'state_dir = "~\\u0000"\n{ALICE}',
        f'{ALICE}[notify]\ncommand = ["mail", "a\\u0000b"]',
    ],
    ids=["lists", "tables", "digits", "hex", "secret", "state", "command"],
)
def test_what_no_program_can_use_is_refused_in_words(said: str) -> None:
    with pytest.raises(OperatorError, match="Next: "):
        parse(said, DATA_TYPES)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_hunted_by_the_hour_is_hunted_for_a_moment_each_day(name: str) -> None:
    """The long hunt is `python -m tests.fuzz`; a seed that fails replays exactly."""
    target, random = TARGETS[name], Random(1)
    for _ in range(150):
        target.try_one(changed(random.choice(target.seeds), random))


hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map("[{}]".format),
    st.sampled_from(
        ["localhost.", "LOCALHOST", "127.1", "2130706433", "0x7f.0.0.1", "[::ffff:1.2.3.4]"]
    ),
    st.from_regex(r"(127\.0\.0\.1|localhost)[.%@\-a-z0-9]{1,12}", fullmatch=True),
)


@given(host=hosts, key=st.sampled_from(["api_url", "token_url", "authorize_url", "revoke_url"]))
def test_a_token_goes_in_the_clear_to_this_machine_alone(host: str, key: str) -> None:
    said = f'{ALICE}[provider.fitbit]\n{key} = "http://{host}/"'
    try:
        found = parse(said, DATA_TYPES)
    except OperatorError:
        return
    asked = urlsplit(getattr(found.endpoints["fitbit"], key)).hostname
    assert asked is not None
    assert asked == "localhost" or ip_address(asked).is_loopback


@pytest.mark.parametrize("key", ["verify", "insecure", "tls_verify", "ssl"])
@pytest.mark.parametrize("table", ["provider.fitbit", "provider.google_health", "notify"])
def test_no_key_switches_the_look_at_certificates_off(table: str, key: str) -> None:
    with pytest.raises(OperatorError, match=f"{key}: this key is unknown"):
        parse(f"{ALICE}[{table}]\n{key} = false", DATA_TYPES)
