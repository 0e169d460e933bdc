"""A simulated Google that answers one request with a body of the test's choice, and what came."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitbitd.account import OpenAccount
from fitbitd.engine import Report
from fitbitd.health import Condition
from fitbitd.model import DataTypeName, Pull, Why
from fitbitd.plan import planner
from fitbitd.plan.ledger import Ledger
from fitbitd.simulator import Fault
from tests.support.household import Household

RECORDED = Path(__file__).parents[1] / "data" / "google_health"
INDEX: dict[str, dict[str, Any]] = {
    row["file"]: row for row in json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))
}

_USERS = {
    "users.getIdentity": "identity",
    "users.getIrnProfile": "irnProfile",
    "users.getProfile": "profile",
    "users.getSettings": "settings",
    "users.pairedDevices.list": "pairedDevices",
}
_VERBS = ("reconcile", "rollUp", "dailyRollUp", "exportExerciseTcx")


def body(file: str) -> bytes:
    """Give a recorded body."""
    return (RECORDED / file).read_bytes()


def path_of(file: str, name: str) -> str:
    """Give the requests for a data type that a recorded body answers, for `Fault.path`."""
    method = INDEX[file]["method"]
    if method in _USERS:
        return f" /v4/users/me/{_USERS[method]}$"
    verb = method.rpartition(".")[2]
    if verb == "exportExerciseTcx":
        return f":{verb}$"
    name = name.removeprefix("daily_") if verb == "dailyRollUp" else name.removeprefix("hourly_")
    ending = f":{verb}" if verb in _VERBS else ""
    return f"/dataTypes/{name.replace('_', '-')}/dataPoints{ending}$"


def answers(file: str, path: str, *, count: int | None = None) -> Fault:
    """Order a recorded answer, with its status and its headers."""
    row = INDEX[file]
    headers = {key.lower(): value for key, value in row.get("headers", {}).items()}
    kind = "text/html" if file.endswith(".html") else "application/json; charset=UTF-8"
    return Fault(
        kind="body",
        path=path,
        count=count,
        status=row["http_status"],
        body=body(file),
        content_type=headers.get("content-type", kind),
        retry_after_s=int(headers["retry-after"]) if "retry-after" in headers else None,
    )


def pulled(
    home: Household,
    name: str,
    days: tuple[date, date] | None,
    *,
    monkeypatch: pytest.MonkeyPatch,
    item: str = "",
) -> tuple[Report, tuple[Condition, ...]]:
    """Run one pass for one data type, as `fitbitd pull --data-type` does; give what is wrong then.

    Args:
        item: the session whose file is asked for.
    """
    account = home.parts()
    data_type = account.kit.catalogue[DataTypeName(name)]
    wants = replace(account.wants, data_types=(data_type,))

    def asked(ledger: Ledger) -> tuple[Pull, ...]:
        if item:
            return (Pull(data_type.name, None, Why.ASKED, "UTC", item=item),)
        return planner.asked(wants, ledger, home.clock.now(), days)

    async def script() -> tuple[Report, tuple[Condition, ...]]:
        world = home.world()
        opened = await OpenAccount.open(account, account.keeper(world), world)
        try:
            report = await opened.engine.run_pass(asked)
            return report, await opened.review(report.error)
        finally:
            await opened.close()

    if home.loop.is_closed():
        home.restart()
    return home.play(script(), monkeypatch=monkeypatch)


def archived(folder: Path) -> Iterator[bytes]:
    """Read an archive as its format says, with nothing of ours: the bodies, to the byte."""
    for file in sorted((folder / "archive").rglob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            for line in map(json.loads, lines):
                if line["kind"] == "reply":
                    text, packed = line.get("body"), line.get("body_base64")
                    yield text.encode() if packed is None else base64.b64decode(packed)
