"""The report of `fitbitd check --bundle`: what a developer needs, and nothing of the wearer's."""

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fitbitd import __version__
from fitbitd.assembly import AccountParts
from fitbitd.checkup import Look
from fitbitd.config import Settings
from fitbitd.errors import OperatorError
from fitbitd.logs import Redactor
from fitbitd.store.index import open_reader

_TABLES = {
    "passes": "SELECT id, provider, program, began_at, ended_at, outcome, requests, quota_left,"
    " throttled_until FROM pass ORDER BY id DESC LIMIT 200",
    "failed_pulls": "SELECT id, data_type, axis, window_start, window_end, why, outcome, reason,"
    " pages FROM pull WHERE outcome <> 'complete' OR reason <> ''"
    " ORDER BY id DESC LIMIT 200",
    "conditions": "SELECT code, subject, since, until FROM condition ORDER BY since DESC LIMIT 200",
    "coverage": "SELECT data_type, settled, recheck, settled_by, count(*), min(day), max(day)"
    " FROM coverage GROUP BY 1, 2, 3, 4",
    "refusals": "SELECT data_type, day, reason, count, next_at FROM refusal",
    "unread": "SELECT data_type, day, why FROM unread",
    "lessons": "SELECT data_type, kind, value FROM lesson",
    "damage": "SELECT path, start_byte, end_byte FROM damage",
}
"""What is asked of an index: times, names, outcomes and counts of days, never a value."""


def write_bundle(
    path: Path,
    settings: Settings,
    accounts: Sequence[AccountParts],
    looks: Sequence[Look],
    redactor: Redactor,
) -> None:
    """Write the report; a file that is there already is not overwritten.

    Raises:
        OperatorError: it cannot be written.
    """
    report = {
        "fitbitd": __version__,
        "python": sys.version,
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
        "looks": [asdict(look) for look in looks],
        "settings": _settings(settings),
        "accounts": {account.settings.name: _account(account) for account in accounts},
    }
    text = json.dumps(report, ensure_ascii=False, indent=1, default=str)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as err:
        raise OperatorError(
            f"{path} cannot be written: {(err.strerror or str(err)).lower()}.\n"
            "Next: name another file"
        ) from err
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(redactor.clean(text) + "\n")


def _settings(settings: Settings) -> dict[str, Any]:
    """Give what was configured, but for whom it names at the provider or on the network."""
    return {
        "accounts": [
            {
                "name": account.name,
                "provider": account.provider,
                "data_types": len(account.data_types),
                "poll_every": account.poll_every,
                "backfill_from": account.backfill_from,
                "continues": account.continues,
                "poll": {name: str(every) for name, every in account.poll.items()},
            }
            for account in settings.accounts
        ],
        "endpoints": {
            name: [each.api_url, each.requests_per_s] for name, each in settings.endpoints.items()
        },
        "notify": [bool(settings.notify.command), bool(settings.notify.heartbeat_url)],
    }


def _account(account: AccountParts) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    with suppress(OperatorError, sqlite3.Error), closing(open_reader(account.folder)) as db:
        for name, query in _TABLES.items():
            tables[name] = db.execute(query).fetchall()
    return tables
