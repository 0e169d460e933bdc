"""Logs: one line per event, and no secret in any of them."""

import errno
import io
import json
import logging
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from fitbitd.config import parse
from fitbitd.errors import OperatorError
from fitbitd.logs import HIDDEN, Redactor, configure

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJBQkMxMjMifQ.SYNTHETIC-ACCESS-TOKEN_sig"
REFRESH = "5f0c1d2e3a4b5968778695a4b3c2d1e0f5f0c1d2e3a4b5968778695a4b3c2d1e"
AUTHORIZATION_CODE = "0123456789abcdef0123456789abcdef01234567"

pytestmark = pytest.mark.usefixtures("logging_as_before")


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    """A stream to a disk without room, or to a reader that went away."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, text)


def json_line(stream: io.StringIO) -> dict[str, object]:
    (line,) = stream.getvalue().splitlines()
    content = json.loads(line)
    assert isinstance(content, dict)
    return content


def written(say: Callable[[structlog.typing.FilteringBoundLogger], object], *secrets: str) -> str:
    """Give what is written of what `say` logs, as lines for programs and for people."""
    both = ""
    for console in (False, True):
        stream = io.StringIO()
        configure(stream, Redactor(secrets), console=console, colours=False, level=logging.DEBUG)
        say(structlog.get_logger())
        both += stream.getvalue()
    return both


# Form


def test_a_program_reads_json_lines_with_the_time_in_utc() -> None:
    stream = io.StringIO()
    configure(stream, Redactor())
    structlog.contextvars.bind_contextvars(account="alice", pass_id=7)
    structlog.get_logger().info("pull.archived", data_type="steps", size_bytes=1234)
    content = json_line(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(content.pop("timestamp")))
    assert content == {
        "event": "pull.archived",
        "level": "info",
        "account": "alice",
        "pass_id": 7,
        "data_type": "steps",
        "size_bytes": 1234,
    }


def test_a_terminal_gets_coloured_lines() -> None:
    stream = Terminal()
    configure(stream, Redactor())
    structlog.get_logger().warning("pass.throttled", wait_s=1.5)
    line = stream.getvalue()
    assert "\x1b[" in line
    assert "pass.throttled" in line
    assert not line.startswith("{")


def test_colours_can_be_left_out() -> None:
    stream = Terminal()
    configure(stream, Redactor(), colours=False)
    structlog.get_logger().info("daemon.started")
    assert "\x1b[" not in stream.getvalue()


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure(stream, Redactor(), level=logging.WARNING)
    structlog.get_logger().info("pass.finished")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("console", [False, True])
def test_a_traceback_is_plain_text(console: bool) -> None:  # noqa: FBT001 - both are tried
    stream = io.StringIO()
    configure(stream, Redactor(), console=console, colours=False)
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        structlog.get_logger().exception("pass.failed")
    assert "Traceback (most recent call last)" in stream.getvalue()
    assert "ZeroDivisionError" in stream.getvalue()


def test_libraries_come_along_from_warning_up_and_once_after_a_second_set_up() -> None:
    configure(io.StringIO(), Redactor())
    stream = io.StringIO()
    configure(stream, Redactor(), level=logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "apscheduler.scheduler", "asyncio"):
        logging.getLogger(name).info("GET https://api.example.com")
        logging.getLogger(name).debug("headers")
    assert stream.getvalue() == ""
    logging.getLogger("apscheduler.scheduler").warning("missed by %s", "an hour")
    content = json_line(stream)
    content.pop("timestamp")
    assert content == {
        "event": "library.logged",
        "level": "warning",
        "library": "apscheduler.scheduler",
        "message": "missed by an hour",
    }


def test_a_library_that_logs_badly_is_still_heard() -> None:
    stream = io.StringIO()
    configure(stream, Redactor(["hush-hush"]))
    root = logging.getLogger()
    (ours,) = (each for each in root.handlers if type(each).__module__ == "fitbitd.logs")
    ours.emit(root.makeRecord("careless", logging.ERROR, "", 0, "%d tokens", ("hush-hush",), None))
    assert json_line(stream)["message"] == "%d tokens"


def test_an_exception_of_a_library_is_cleaned_too() -> None:
    stream = io.StringIO()
    configure(stream, Redactor(["hush-hush"]))
    try:
        _ = dict[str, str]()["hush-hush"]
    except KeyError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    content = json_line(stream)
    assert content["level"] == "error"
    assert f"KeyError: '{HIDDEN}'" in str(content["exception"])


def test_a_stream_that_fails_stops_nothing() -> None:
    closed = io.StringIO()
    for stream in (closed, Full()):
        configure(stream, Redactor())
        closed.close()
        structlog.get_logger().info("pass.finished")


def test_structlog_does_not_load_rich() -> None:
    configure(io.StringIO(), Redactor(), console=True)
    assert "rich" not in sys.modules


# Secrets by their look


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"x{REFRESH}x",
        REFRESH.upper(),
        f"Bearer {AUTHORIZATION_CODE}",
        f"authorization: bearer {AUTHORIZATION_CODE}",
        "Basic MjNBQkNEOmh1c2hodXNoaHVzaA==",
        f"http://127.0.0.1:8712/callback?code={AUTHORIZATION_CODE}&state=abc#_=_",
        f"http://127.0.0.1:8712/callback?state=abc&code={AUTHORIZATION_CODE}",
        f"grant_type=authorization_code&code={AUTHORIZATION_CODE}&code_verifier=hushhushhush",
        "access_token=hushhush&refresh_token=hushhush",
        "client_id=23ABCD&client_secret=hushhush",
        '{"access_token": "hushhush", "expires_in": 28800, "refresh_token":"hushhush"}',
        r'"{\"access_token\": \"hushhush\", \"refresh_token\":\"hushhush\"}"',
        "{'client_secret': 'hushhush', 'code_verifier': 'hushhush'}",
        f'{{"code": "{AUTHORIZATION_CODE}"}}',
        "redirect=%3Fcode%3Dhushhush",
        f"Refresh token invalid: {AUTHORIZATION_CODE}. Visit https://dev.fitbit.com/docs",
        f"Authorization code invalid: {AUTHORIZATION_CODE} Visit https://dev.fitbit.com/docs",
        "Access token expired: hushhush",
        "ya29.a0AfB_byC-hushhush1234",
        "1//03abcdefghij-hushhush-KLMNOP",
        "GOCSPX-hushhushhush",
        "client_secret: hushhush",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert HIDDEN in cleaned
    for secret in (JWT, REFRESH, REFRESH.upper(), AUTHORIZATION_CODE, "hushhush", "MjNBQkNE"):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "fitbitd authorize alice",
        "exit code=78",
        '{"code": "authorization_needed"}',
        "Basic authentication for server apps",
        "Missing parameters: refresh_token Visit https://dev.fitbit.com",
        "https://api.fitbit.com/1/user/-/activities/heart/date/2026-03-01/1d/1sec.json",
        "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/var/lib/fitbitd/alice/token.json",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor().clean(text) == text


def test_a_key_that_is_named_like_a_secret_and_unknown_is_said_in_whole_words() -> None:
    names = ("access_token", "refresh_token", "id_token", "client_secret", "code_verifier")
    toml = "".join(f'{name} = "hushhush"\n' for name in names)
    with pytest.raises(OperatorError) as caught:
        parse(toml, {})
    told = str(caught.value)
    assert told.count("this key is unknown") == len(names)
    assert "hushhush" not in told
    assert Redactor().clean(told) == told


def test_what_stands_before_a_secret_stays() -> None:
    cleaned = Redactor().clean(f"GET /callback?code={AUTHORIZATION_CODE}&state=abc")
    assert cleaned == f"GET /callback?code={HIDDEN}&state=abc"


def test_a_value_under_the_name_of_a_secret_is_hidden_but_our_codes_are_not() -> None:
    def say(log: structlog.typing.FilteringBoundLogger) -> None:
        log.info("x", token="hushhush", code="throttled", headers={"Authorization": "hushhush"})

    text = written(say)
    assert "hushhush" not in text
    assert text.count("throttled") == 2


# Secrets that were learnt

token_text = st.text(string.ascii_letters + string.digits + "-._~+/=!*:@#$ &%?\"'\\", min_size=8)
secrets = token_text | st.sampled_from([JWT, REFRESH])
"""What RFC 6749 lets a token be, the awkward marks included."""

WRITINGS: list[Callable[[str], object]] = [
    lambda secret: secret,
    lambda secret: secret.encode(),
    lambda secret: b"\xff\xfe" + secret.encode() + b"\x80",
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret).lower() if secret.islower() else quote(secret),
    quote_plus,
    lambda secret: urlencode({"refresh": secret, "x": 1}),
    lambda secret: json.dumps({"a": [secret]}),
    lambda secret: json.dumps(json.dumps({"a": [secret]})),
    lambda secret: repr([secret]),
    ValueError,
    KeyError,
    lambda secret: Path(f"/tmp/{secret}"),  # noqa: S108 - never opened
    lambda secret: {secret: secret},
    lambda secret: ({"deep": [{"er": (secret, {secret})}]},),
    lambda secret: [[[[[[[[[[[[secret]]]]]]]]]]]],
]


def fail_with(value: object) -> None:
    raise RuntimeError(value) from ValueError(value)


def forms_of(secret: str) -> set[str]:
    """Give how a secret would stand in a line if nobody had hidden it."""
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        repr(secret)[1:-1],
    }


@given(
    secret=secrets,
    writing=st.sampled_from(WRITINGS),
    before=st.text(string.printable, max_size=5),
    after=st.text(string.printable, max_size=5),
)
def test_no_event_shows_a_secret_that_was_learnt(
    secret: str, writing: Callable[[str], object], before: str, after: str
) -> None:
    value = writing(f"{before}{secret}{after}")

    def say(log: structlog.typing.FilteringBoundLogger) -> None:
        structlog.contextvars.bind_contextvars(bound=value)
        log.info("pull.archived", value=value, nested={"value": [value]})
        log.warning(secret)
        logging.getLogger("httpx").warning("it says %s", value)
        try:
            fail_with(value)
        except RuntimeError:
            log.exception("pass.failed")

    text = written(say, secret)
    shown = [form for form in forms_of(secret) if form in text]
    assert shown == []


def test_a_secret_is_found_in_part_encoded_writing() -> None:
    redactor = Redactor(["ab/cd+ef=="])
    for writing in ("ab/cd%2Bef==", "ab%2fcd+ef%3d=", r"ab\/cd+ef\u003d\u003d"):
        assert redactor.clean(f"<{writing}>") == f"<{HIDDEN}>"


def test_short_values_are_no_secrets() -> None:
    redactor = Redactor(["", "a", "alice"])
    assert redactor.clean("alice has a pass") == "alice has a pass"


def test_years_of_rotation_make_nobody_forget_a_client_secret_nor_grow_without_end() -> None:
    redactor = Redactor(["client-secret-of-alice"])
    tokens = [f"{number:064x}" for number in range(2000)]
    for token in tokens:
        redactor.add(token)
        redactor.add(token)
    assert len(redactor._rotated) < 200
    assert redactor.clean("client-secret-of-alice") == HIDDEN
    assert redactor.clean(f"{tokens[0]} {tokens[-1]}") == f"{HIDDEN} {HIDDEN}"


def test_a_learnt_token_is_hidden_even_where_another_touches_it() -> None:
    text = f"{REFRESH}{JWT}{REFRESH}"  # by their looks, the first would eat the second's beginning
    assert Redactor([JWT]).clean(text) == HIDDEN * 3


def test_a_token_that_is_learnt_again_pushes_no_other_out() -> None:
    redactor = Redactor([JWT, REFRESH, REFRESH])
    assert len(redactor._rotated) == 2


def test_bytes_are_written_as_the_text_that_they_are() -> None:
    stream = io.StringIO()
    configure(stream, Redactor(["geheim-äöü"]))
    structlog.get_logger().info("x", body="schön geheim-äöü".encode() + b"\xff")
    assert json_line(stream)["body"] == f"schön {HIDDEN}\\xff"


def test_an_event_that_contains_itself_is_written() -> None:
    circle: dict[str, object] = {"secret": "hush-hush"}
    circle["again"] = circle
    assert "hush-hush" not in written(lambda log: log.info("x", circle=circle), "hush-hush")


def test_plain_values_keep_their_type() -> None:
    stream = io.StringIO()
    configure(stream, Redactor())
    structlog.get_logger().info("x", number=3, share=0.5, yes=True, none=None, many=(1, "a"))
    content = json_line(stream)
    assert [content[key] for key in ("number", "share", "yes", "none", "many")] == [
        3,
        0.5,
        True,
        None,
        [1, "a"],
    ]
