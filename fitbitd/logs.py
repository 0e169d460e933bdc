"""Set up structlog, and keep every secret out of what it writes.

A terminal gets coloured lines, the journal of systemd fields, anything else JSON lines. What
libraries log through the standard library comes along from WARNING up, never below: httpx names
whole addresses at INFO, and httpcore headers at DEBUG.
"""

import json
import logging
import re
import string
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from fitbitd.journal import Journal

HIDDEN = "[hidden]"
SECRET_LEAST = 6
"""A shorter value is no secret, and hiding it would riddle ordinary words."""

_ROTATED_MOST = 128
_DEPTH_MOST = 8

_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_SECRET_KEYS = ("access_token", "refresh_token", "id_token", "client_secret", "code_verifier")
_HIDDEN_KEYS = frozenset({*_SECRET_KEYS, "authorization", "cookie", "set-cookie", "token"})
_NAMES = "|".join(_SECRET_KEYS)

# Values that are secret by their own shape, wherever they stand.
_SHAPE = re.compile(
    r"eyJ[\w-]{8,}[\w.-]*"  # a JWT: Fitbit's access tokens
    r"|[0-9A-Fa-f]{64,}"  # Fitbit's refresh tokens
    r"|ya29\.[\w./+-]{8,}=*|1//[\w-]{20,}|GOCSPX-[\w-]{8,}"  # Google's tokens and client secrets
)
# Values that are secret by what stands before them, which stays.
_NAMED = re.compile(
    r"(?i)"
    rf"((?:{_NAMES})[\"'\\]*(?:%3D|\s*[=:]\s*)[\"'\\]*)"  # form, query, JSON, repr
    r"(?!this key is unknown)"  # as we say of a configuration, and never what it holds
    r"[^\s&,;\"'\\}]+"
    r"|((?:^|[?&\"']|%26|%3F)code(?:=|%3D))[^\s&\"']+"
    r"|([\"']code\\?[\"']\s*:\s*\\?[\"'])[\w./%~+-]{30,}"  # shorter ones are words, like our codes
    r"|(\bBearer(?:\s+|%20))[\w.~+/=%-]{8,}"
    r"|(\bBasic(?:\s+|%20))[\w+/=%-]{16,}"
    r"|(\b(?:token|code) (?:invalid|expired|revoked): )[^\s\"'\\]+"  # Fitbit's echo
)


class Redactor:
    """Hide secrets in events: those that were learnt, and whatever looks like one.

    It is the last processor before the rendering, after tracebacks have become text, and leaves
    nothing behind that a renderer would have to put into words itself.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lasting: dict[str, re.Pattern[str]] = {}
        self._rotated: deque[re.Pattern[str]] = deque(maxlen=_ROTATED_MOST)
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn a value that must never be written.

        A process that runs for years learns a token every hour: one whose shape gives it away is
        forgotten after some hundred others, any other value never.
        """
        if len(secret) < SECRET_LEAST:
            return
        pattern = _in_any_writing(secret)
        if not _SHAPE.fullmatch(secret):
            self._lasting[secret] = pattern
        elif pattern not in self._rotated:
            self._rotated.append(pattern)

    def clean(self, text: str) -> str:
        """Give `text` without its secrets."""
        for pattern in (*self._lasting.values(), *self._rotated):
            text = pattern.sub(HIDDEN, text)
        return _NAMED.sub(_keep_name, _SHAPE.sub(HIDDEN, text))

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Clean a whole event, as a structlog processor."""
        return self._table(event, 0)

    def _table(self, table: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        return {
            self.clean(str(key)): (
                HIDDEN if str(key).lower() in _HIDDEN_KEYS else self._value(value, depth + 1)
            )
            for key, value in table.items()
        }

    def _value(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes | bytearray):
            return self.clean(value.decode("utf-8", "backslashreplace"))
        if depth < _DEPTH_MOST:  # beyond, or around in a circle, text will do
            if isinstance(value, Mapping):
                return self._table(value, depth)
            if isinstance(value, list | tuple | set | frozenset):
                return [self._value(each, depth + 1) for each in value]
        return self.clean(str(value))


class _Lines:
    """Write finished lines. A closed pipe or a full disk must not stop the collecting."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line at once."""
        with suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


class _Entries:
    """Send finished events to the journal; where it does not take one, write it as a line."""

    def __init__(self, journal: Journal, stream: TextIO) -> None:
        self._journal = journal
        self._lines = _Lines(stream)

    def msg(self, event: EventDict) -> None:
        """Send one event at once."""
        if not self._journal.send(event):
            self._lines.msg(json.dumps(event, ensure_ascii=False, default=str))

    debug = info = warning = error = critical = msg


class _FromLibraries(logging.Handler):
    """Bring what libraries log into our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Turn one record into an event."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit its text
            message = str(record.msg)
        log = structlog.get_logger()
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say("library.logged", library=record.name, message=message, exc_info=record.exc_info)


def configure(  # noqa: PLR0913 - each is a choice of its own
    stream: TextIO,
    redactor: Redactor,
    *,
    level: int = logging.INFO,
    console: bool | None = None,
    colours: bool = True,
    journal: Journal | None = None,
) -> None:
    """Send all events of this process to `stream`, cleaned by `redactor`.

    Args:
        stream: where the lines go.
        redactor: learns secrets while the process runs.
        level: the least that is written, as in `logging`.
        console: lines for people (True) or for programs (False); None asks the stream.
        colours: for people who see them.
        journal: where events go instead, with their keys as fields; None if nothing reads them so.
    """
    if journal is None:
        render = _renderer(stream, console=console, colours=colours)
        output: _Lines | _Entries = _Lines(stream)
    else:
        render, output = _as_it_is, _Entries(journal, stream)
    structlog.configure(
        processors=[*_processors(), redactor, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _FromLibraries)]:
        root.removeHandler(handler)
    root.addHandler(_FromLibraries())
    root.setLevel(logging.WARNING)


def _processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _renderer(stream: TextIO, *, console: bool | None, colours: bool) -> Processor:
    if stream.isatty() if console is None else console:
        plain = structlog.dev.plain_traceback  # the default would use rich wherever it is installed
        return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)
    return structlog.processors.JSONRenderer()


def _as_it_is(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> tuple[tuple[EventDict], dict[str, Any]]:
    """Hand an event over unrendered, as structlog calls the method of its logger."""
    return (event,), {}


def _keep_name(match: re.Match[str]) -> str:
    name = next(group for group in match.groups() if group is not None)
    return f"{name}{HIDDEN}"


def _in_any_writing(secret: str) -> re.Pattern[str]:
    """Match a value as it is, URL-encoded in whole or in part, or escaped as in JSON or a repr."""
    return re.compile("".join(_in_any_form(mark) for mark in secret))


def _in_any_form(mark: str) -> str:
    plain = re.escape(mark)
    if mark in _UNRESERVED:
        return plain
    url_encoded = "".join(f"%{byte:02X}" for byte in mark.encode("utf-8", "surrogatepass"))
    plus = r"|\+" if mark == " " else ""
    return rf"(?:\\*{plain}|(?i:{url_encoded}|\\+u{ord(mark):04x}){plus})"
