"""fitbitd status: how old the data is, and what needs a person."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fitbitd import facts, health, standing
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
    write_page,
)
from fitbitd.commands.forecast import disk_full_on, stored_bytes
from fitbitd.commands.progress import history_line, progress_of
from fitbitd.commands.status_page import page
from fitbitd.errors import OperatorError
from fitbitd.health import Condition
from fitbitd.model import DataTypeName, Kind
from fitbitd.oauth.token import Grant
from fitbitd.plan.gaps import Look, tally
from fitbitd.plan.ledger import Ledger
from fitbitd.store import disk, listing
from fitbitd.store.gaps import read_evidence, read_pace
from fitbitd.store.ledger import read_ledger

HELP = "how old the data is, and what needs you"
DESCRIPTION = """\
Show for each account how old its data is, the stalest first, what is wrong, what is stored, until
when the consent lasts, what was learnt about the provider, and what its quota leaves. Reads only,
also beside a running daemon.

  fitbitd status
  fitbitd status alice --all            a line for each data type
  fitbitd status alice --json
"""

CORRECTIONS = timedelta(days=30)
"""How far back corrections are counted."""

_AGELESS = {Kind.SNAPSHOT, Kind.FILE}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd status`."""
    accounts_argument(parser)
    parser.add_argument("--all", action="store_true", help="each data type, not only their groups")
    parser.add_argument("--json", action="store_true", help="one JSON object an account")
    config_argument(parser)


def main(context: Context) -> int:
    """Describe the named accounts, or all."""
    settings, now = context.settings(), SystemClock().now()
    names = context.args.accounts or [account.name for account in settings.accounts]
    accounts = [parts(settings, account_of(settings, name)) for name in names]
    code = 0
    reports = []
    for account in accounts:
        report, trouble = describe(account, now)
        if trouble:
            say_error(f"{account.settings.name}: {trouble}")
            code = max(code, trouble.exit_code)
        reports.append(report | {"disk_full_on": disk_full_on(settings, now)})
    if context.args.json:
        write_json(reports)
    else:
        pages = (page(report, now, whole=context.args.all) for report in reports)
        write_page("\n".join(pages))
    return code


def describe(account: AccountParts, now: datetime) -> tuple[dict[str, Any], OperatorError | None]:
    """Give the report of one account, and why its index cannot be read, if it cannot."""
    report = _known_without_index(account)
    shown = standing.read(account.folder.parent, account.settings.name)
    try:
        disk.check_folder(account.folder.parent)
        report |= _of_index(account, now, shown)
        report |= _complete(account, now)
    except OperatorError as err:
        trouble = None if err.code == "index_missing" else err
        known = facts.without_index(account.subject, now, trouble, shown or ())
        found = health.conditions(known, facts.only_told(shown or ()))
        return report | {"conditions": [_condition(each) for each in found]}, trouble
    return report, None


def _known_without_index(account: AccountParts) -> dict[str, Any]:
    """Say what settings, token file and disk tell, and leave a place for all that an index does."""
    grant = None
    with suppress(OperatorError):  # the conditions say why it cannot be read
        grant = account.token_file.read()
    return {
        "account": account.settings.name,
        "provider": account.settings.provider,
        "continues": account.settings.continues,
        "freshness": [],
        "conditions": [],
        "consent_expires_at": grant.refresh_expires_at if grant else None,
        "scopes_off": _scopes_off(account, grant),
        "synced_at": None,
        "zone": None,
        "data_types": [],
        "history": None,
        "days": None,
        "unread": [],
        "corrections": 0,
        "lessons": [],
        "pulls_waiting": None,
        "last_pass_at": None,
        "last_pass": None,
        "last_pass_requests": None,
        "quota_left": None,
        "quota_limit": None,
        "requests_per_s": account.kit.requests_per_s,
        "throttled_until": None,
        "stored_bytes": stored_bytes(account.folder),
        "disk_full_on": None,
    }


def _of_index(
    account: AccountParts, now: datetime, shown: Sequence[Condition] | None
) -> dict[str, Any]:
    """Say what the index tells.

    Raises:
        OperatorError: there is none, or it cannot be read.
    """
    with index_of(account) as db:
        known = read_ledger(db, now)
        stored = listing.holdings(db, now)
        found = facts.standing(account.subject, db, now, shown)
        counts = listing.coverage_counts(db)
        passes = listing.last_passes(db, 1)
        unread = listing.unread_points(db)
        corrections = listing.corrections_since(db, now - CORRECTIONS)
        waiting = None
        with suppress(OperatorError):  # who may read the index may not read the archive
            waiting = listing.waiting_pulls(account.folder, db)
    return {
        "freshness": [_age(each) for each in health.freshness(_newest(account, stored), now)],
        "conditions": [_condition(each) for each in found],
        "data_types": [_stored(account, one, counts) for one in stored],
        "unread": [
            {"data_type": one.data_type, "count": one.count, "since": one.since, "why": one.why}
            for one in unread
        ],
        "corrections": corrections,
        "pulls_waiting": waiting,
        "last_pass_at": passes[0].began_at if passes else None,
        "last_pass": passes[0].outcome if passes else None,
        "last_pass_requests": passes[0].requests if passes else None,
        **_learnt(known, now),
    }


def _stored(
    account: AccountParts, one: listing.Holding, counts: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Say what is stored of a data type, and on how many days it is final or is not."""
    settled, provisional = counts.get(one.data_type, (0, 0))
    return {
        "data_type": one.data_type,
        "group": _group(account, one.data_type),
        "count": one.count,
        "oldest": one.oldest,
        "newest": one.newest,
        "days_settled": settled,
        "days_provisional": provisional,
    }


def _learnt(known: Ledger, now: datetime) -> dict[str, Any]:
    """Say what the provider's answers have taught about the watch, the zone and the provider."""
    quota = known.quota
    return {
        "synced_at": known.synced_at,
        "zone": known.zone,
        "lessons": [
            {"data_type": one.data_type, "kind": one.kind, "value": one.value}
            for one in sorted(known.lessons, key=lambda one: (one.data_type, one.kind))
        ],
        "quota_left": quota.left if quota and now < quota.renews_at else None,
        "quota_limit": quota.limit if quota else None,
        "throttled_until": known.throttled_until,
    }


def _complete(account: AccountParts, now: datetime) -> dict[str, Any]:
    """Say how complete it is: how far history has come, and what is known of how many days.

    Raises:
        OperatorError: there is no index, or it cannot be read.
    """
    grant = None
    with suppress(OperatorError):
        grant = account.token_file.read()
    granted = grant.scope if grant else ()
    with index_of(account) as db:
        known = read_ledger(db, now).after_consent(grant.consented_at if grant else None)
        evidence, pace = read_evidence(db), read_pace(db, now)
    progress = progress_of(account, known, pace, granted, now)
    days = tally(account.wants, known, evidence, now, Look(granted))
    found = progress.history
    return {
        "history": None
        if found is None
        else {
            "first": found.first,
            "because": found.because,
            "share": round(found.share, 4),
            "requests_left": found.requests_left,
            "days_left": sum(found.days_left.values()),
            "eta_s": None if progress.eta is None else round(progress.eta.total_seconds()),
            "text": history_line(progress),
        },
        "days": {
            "final": days.final,
            "final_by_age": days.by_age,
            "provisional": days.provisional,
            "never_read": days.absent,
        },
    }


def _scopes_off(account: AccountParts, grant: Grant | None) -> list[dict[str, Any]]:
    """Give the scopes that the consent leaves out, and what is not collected for it."""
    if grant is None or not grant.scope:
        return []  # unknown
    wanted = account.wants.data_types
    return [
        {"scope": scope, "data_types": [t.name for t in wanted if scope in t.scope.split()]}
        for scope in account.scopes
        if scope not in grant.scope
    ]


def _newest(account: AccountParts, stored: list[listing.Holding]) -> dict[str, datetime | None]:
    """Give the newest of each group of data types: readings and nights, or else daily values.

    A group that should be fresh is there also before its first reading.
    """
    expected = {
        one.group: None
        for one in account.wants.data_types
        if one.group in health.USUAL_AGE and one.kind not in _AGELESS
    }
    exact: dict[str, datetime] = {}
    daily: dict[str, datetime] = {}
    for one in stored:
        data_type = account.kit.catalogue.get(DataTypeName(one.data_type))
        if data_type and data_type.kind not in _AGELESS and one.newest:
            newest = daily if data_type.kind is Kind.DAILY else exact
            newest[data_type.group] = max(newest.get(data_type.group, one.newest), one.newest)
    return {**expected, **daily, **exact}


def _group(account: AccountParts, name: str) -> str:
    data_type = account.kit.catalogue.get(DataTypeName(name))
    return data_type.group if data_type else "other"


def _age(age: health.Age) -> dict[str, Any]:
    return {
        "group": age.group,
        "newest": age.newest,
        "age_s": None if age.age is None else round(age.age.total_seconds()),
        "overdue": age.overdue,
    }


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "code": condition.code,
        "severity": condition.severity,
        "since": condition.since,
        "data_type": condition.data_type,
        "summary": condition.summary,
        "meaning": condition.meaning,
        "next": condition.next,
    }
