"""Nothing that holds a secret shows it: a traceback or a debugger prints what it meets."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime

import fitbitd
from fitbitd.model import Reply, Request

LIKE_A_SECRET = re.compile(r"token|secret|password|verifier|bearer|headers|form$|body")
NONE = {
    *("token_trouble", "token_url", "client_secret_file", "learn_secret"),
    "form",  # of a value in Google's table; that of a request is looked at below
}
"""Names that look like a secret's and are none."""

NO_PERSONS = ("fitbitd.simulator", "fitbitd.__main__")


def shown() -> Iterator[str]:
    """Name each field of a dataclass of ours that looks like a secret and is shown."""
    for found in pkgutil.walk_packages(fitbitd.__path__, "fitbitd."):
        if found.name.startswith(NO_PERSONS):
            continue
        module = importlib.import_module(found.name)
        for name, one in inspect.getmembers(module, inspect.isclass):
            if one.__module__ == module.__name__ and is_dataclass(one):
                for each in fields(one):
                    if each.repr and LIKE_A_SECRET.search(each.name) and each.name not in NONE:
                        yield f"{module.__name__}.{name}.{each.name}"


def test_no_field_that_is_named_like_a_secret_is_shown() -> None:
    assert list(shown()) == []


def test_what_is_sent_and_what_comes_back_show_neither_tokens_nor_readings() -> None:
    basic = (("authorization", "Basic hush"),)
    sent = Request("POST", "https://example.org/token", basic, (("refresh_token", "hush"),))
    came = Reply(200, {"set-cookie": "hush"}, b"hush", datetime(2026, 3, 1, tzinfo=UTC))
    assert "hush" not in repr(sent) + repr(came)
    assert "https://example.org/token" in repr(sent)
