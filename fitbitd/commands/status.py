"""fitbitd status: how old the data is, and what needs a person."""

import argparse
import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fitbitd import facts, health
from fitbitd.assembly import AccountParts, parts
from fitbitd.clock import SystemClock
from fitbitd.commands.common import (
    Context,
    account_of,
    accounts_argument,
    config_argument,
    index_of,
    say_error,
    write_json,
)
from fitbitd.errors import OperatorError
from fitbitd.model import DataTypeName, Kind
from fitbitd.store.ledger import read_ledger
from fitbitd.store.listing import Holding, coverage_counts, holdings, last_passes

HELP = "how old the data is, and what needs you"
DESCRIPTION = """\
Show for each account how old its data is, the stalest first, what is wrong, what is stored, and
what the provider's quota leaves. Reads only, also beside a running daemon.

  fitbitd status
  fitbitd status alice --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd status`."""
    accounts_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object an account")
    config_argument(parser)


def main(context: Context) -> int:
    """Describe the named accounts, or all."""
    settings = context.settings()
    names = context.args.accounts or [account.name for account in settings.accounts]
    now = SystemClock().now()
    reports = []
    code = 0
    for account in [parts(settings, account_of(settings, name)) for name in names]:
        try:
            reports.append(_describe(account, now))
        except OperatorError as err:
            reports.append(_without_index(account, now, err))
            if err.code != "index_missing":
                say_error(f"{account.settings.name}: {err}")
                code = max(code, err.exit_code)
    if context.args.json:
        write_json(reports)
    else:
        sys.stdout.write("\n".join(_page(report, now) for report in reports))
    return code


def _describe(account: AccountParts, now: datetime) -> dict[str, Any]:
    """Gather what is known of one account, as plain values.

    Raises:
        OperatorError: there is no index, or it cannot be read.
    """
    with index_of(account) as db:
        known = read_ledger(db, now)
        stored = holdings(db)
        found = facts.standing(account.subject, db, now)
        counts = coverage_counts(db)
        passes = last_passes(db, 1)
    quota = known.quota
    return {
        "account": account.settings.name,
        "provider": account.settings.provider,
        "freshness": [_age(each) for each in health.freshness(_newest(account, stored), now)],
        "conditions": [_condition(each) for each in found],
        "synced_at": known.synced_at,
        "zone": known.zone,
        "data_types": [
            {
                "data_type": one.data_type,
                "count": one.count,
                "oldest": one.oldest,
                "newest": one.newest,
                "days_settled": counts.get(one.data_type, (0, 0))[0],
                "days_provisional": counts.get(one.data_type, (0, 0))[1],
            }
            for one in stored
        ],
        "last_pass_at": passes[0].began_at if passes else None,
        "last_pass": passes[0].outcome if passes else None,
        "quota_left": quota.left if quota and now < quota.renews_at else None,
        "quota_limit": quota.limit if quota else None,
        "throttled_until": known.throttled_until,
        "stored_bytes": _stored_bytes(account),
    }


def _without_index(account: AccountParts, now: datetime, err: OperatorError) -> dict[str, Any]:
    """Say what the token file tells, and why there is no more, in the same form."""
    trouble = None if err.code == "index_missing" else err
    known = facts.without_index(account.subject, now, trouble)
    return {
        "account": account.settings.name,
        "provider": account.settings.provider,
        "freshness": [],
        "conditions": [_condition(each) for each in health.conditions(known)],
        "synced_at": None,
        "zone": None,
        "data_types": [],
        "last_pass_at": None,
        "last_pass": None,
        "quota_left": None,
        "quota_limit": None,
        "throttled_until": None,
        "stored_bytes": _stored_bytes(account),
    }


def _stored_bytes(account: AccountParts) -> int:
    """Add up the files that can be seen; beside a running daemon some come and go."""
    total = 0
    for folder, _, names in os.walk(account.folder):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).stat().st_size
    return total


def _newest(account: AccountParts, stored: list[Holding]) -> dict[str, datetime | None]:
    """Give the newest of each group of data types: readings and nights, or else daily values."""
    exact: dict[str, datetime] = {}
    daily: dict[str, datetime] = {}
    for one in stored:
        data_type = account.kit.catalogue.get(DataTypeName(one.data_type))
        if data_type and data_type.kind is not Kind.SNAPSHOT:
            newest = daily if data_type.kind is Kind.DAILY else exact
            newest[data_type.group] = max(newest.get(data_type.group, one.newest), one.newest)
    return {**daily, **exact}


def _age(age: health.Age) -> dict[str, Any]:
    return {
        "group": age.group,
        "newest": age.newest,
        "age_s": None if age.age is None else round(age.age.total_seconds()),
        "overdue": age.overdue,
    }


def _condition(condition: health.Condition) -> dict[str, Any]:
    return {
        "code": condition.code,
        "severity": condition.severity,
        "since": condition.since,
        "data_type": condition.data_type,
        "summary": condition.summary,
        "meaning": condition.meaning,
        "next": condition.next,
    }


def _page(report: dict[str, Any], now: datetime) -> str:
    """Lay one account out for a person."""
    lines = [f"{report['account']} ({report['provider']})"]
    for one in report["freshness"]:
        late = "  (late)" if one["overdue"] else ""
        newest = health.moment(one["newest"]) if one["newest"] else "never"
        lines.append(f"  {one['group']:<10} newest {newest}, {_ago(one['age_s'])}{late}")
    if not report["freshness"] and not report["data_types"]:
        lines.append("  nothing to show yet")
    for one in report["conditions"]:
        about = f" ({one['data_type']})" if one["data_type"] else ""
        lines += [
            f"  {one['severity']}: {one['code']}{about} since {health.moment(one['since'])}",
            *(f"    {text}" for text in (one["summary"], one["meaning"])),
            f"    Next: {one['next']}",
        ]
    if not report["conditions"]:
        lines.append("  nothing is wrong")
    for one in report["data_types"]:
        days = f"{one['days_settled']} days final, {one['days_provisional']} may still change"
        lines.append(
            f"  {one['data_type']:<18} {one['count']:>10,} since {one['oldest']:%Y-%m-%d}; {days}"
        )
    if report["last_pass_at"]:
        lines.append(_foot(report, now))
    return "\n".join(lines) + "\n"


def _foot(report: dict[str, Any], now: datetime) -> str:
    synced = report["synced_at"]
    last_pass = _ago((now - report["last_pass_at"]).total_seconds())
    parts_of_it = [
        f"watch synced {_ago((now - synced).total_seconds())}" if synced else "no watch seen",
        f"last pass {last_pass} ({report['last_pass'] or 'not ended'})",
        f"{report['stored_bytes'] / 1e6:,.1f} MB on disk",
    ]
    if report["quota_left"] is not None:
        parts_of_it.append(f"{report['quota_left']} of {report['quota_limit']} requests left")
    return f"  {'; '.join(parts_of_it)}"


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    age = timedelta(seconds=max(0, round(seconds)))
    minutes, rest = divmod(int(age.total_seconds()), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 48:  # noqa: PLR2004 - from two days on, hours say nothing
        return f"{hours // 24} days ago"
    if hours:
        return f"{hours} h {minutes_left} min ago"
    return f"{minutes} min ago" if minutes else f"{rest} s ago"
