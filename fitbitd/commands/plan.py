"""fitbitd plan: what the next pass would ask, why, and at what cost; sends nothing."""

import argparse
from datetime import datetime
from typing import Any

from fitbitd.assembly import AccountParts, parts
from fitbitd.clock import SystemClock
from fitbitd.commands import plan_page, words
from fitbitd.commands.common import (
    Context,
    account_of,
    accounts_argument,
    config_argument,
    index_of,
    say_error,
    suppress_missing,
    write_json,
    write_page,
)
from fitbitd.commands.progress import granted_wants
from fitbitd.engine import next_plan
from fitbitd.errors import OperatorError
from fitbitd.oauth import token
from fitbitd.oauth.token import Grant, TokenState
from fitbitd.plan.cadence import first_pass
from fitbitd.plan.cost import Planned
from fitbitd.plan.ledger import Ledger
from fitbitd.plan.planner import Plan
from fitbitd.store.ledger import read_ledger

HELP = "what the next pass would ask, why, and at what cost; sends nothing"
DESCRIPTION = """\
Show the pulls that the next pass would make, in order, each with its reason and what it is expected
to cost, and what is wanted beyond what a pass may spend. It is planned from what is stored, as the
daemon plans; nothing is sent, and nothing is written. Reads only, also beside a running daemon.

  fitbitd plan
  fitbitd plan alice --json             one object for each pull
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fitbitd plan`."""
    accounts_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a pull")
    config_argument(parser)


def main(context: Context) -> int:
    """Plan the next pass of the named accounts, or of all."""
    settings = context.settings()
    names = context.args.accounts or [account.name for account in settings.accounts]
    accounts = [parts(settings, account_of(settings, name)) for name in names]
    code, told = 0, []
    for account in accounts:
        try:
            told.append(_planned(account))
        except OperatorError as err:
            say_error(f"{account.settings.name}: {err}")
            code = max(code, err.exit_code)
    if context.args.json:
        write_json(row for each in told for row in _as_json(each))
    else:
        pages = (plan_page.page(each, words.width()) for each in told)
        write_page("\n".join(pages))
    return code


def _planned(account: AccountParts) -> plan_page.NextPass:
    """Plan the next pass of one account.

    Raises:
        OperatorError: the index or the token file cannot be read.
    """
    now = SystemClock().now()
    grant = account.token_file.read()
    ledger = Ledger()
    with suppress_missing(), index_of(account) as db:
        ledger = read_ledger(db, now)
    ledger = ledger.after_consent(grant.consented_at if grant else None)
    wants = granted_wants(account, ledger, grant.scope if grant else ())
    found = next_plan(account.provider(), wants, ledger, ledger.quota, now)
    return plan_page.NextPass(
        account=account.settings.name,
        provider=account.kit.flavour.title,
        now=now,
        at=first_pass(wants, ledger, now),
        poll_every=wants.poll_every,
        held=_held(account, grant, ledger, now),
        first=tuple(one.name for one in wants.data_types if one.watches),
        plan=found if grant else Plan((), ()),
        quota=ledger.quota if ledger.quota and now < ledger.quota.renews_at else None,
        requests_per_s=account.kit.requests_per_s,
        synced_at=ledger.synced_at,
    )


def _held(account: AccountParts, grant: Grant | None, ledger: Ledger, now: datetime) -> list[str]:
    """Say what holds the next pass back."""
    name, held = account.settings.name, []
    if grant is None:
        held.append(f"there is no token yet. Next: fitbitd authorize {name}")
    elif token.state(grant, now) is TokenState.REVOKED:
        held.append(f"the grant has ended. Next: fitbitd authorize {name}")
    until = ledger.throttled_until
    if until is not None and now < until:
        held.append(f"the provider asked us to wait until {words.moment(until)}")
    if ledger.unfinished_passes:
        passes = words.many(ledger.unfinished_passes, "pass", "passes")
        held.append(f"{passes} in a row began and never ended: the next one is delayed")
    return held


def _as_json(told: plan_page.NextPass) -> list[dict[str, Any]]:
    return [
        _pull_as_json(told.account, state, each)
        for state, some in (("next", told.plan.chosen), ("waits", told.plan.waiting))
        for each in some
    ]


def _pull_as_json(account: str, state: str, planned: Planned) -> dict[str, Any]:
    pull, window = planned.pull, planned.pull.window
    return {
        "account": account,
        "state": state,
        "data_type": pull.data_type,
        "why": pull.why,
        "axis": window.axis if window else None,
        "start": _time(window.start) if window else None,
        "end": _time(window.end) if window else None,
        "zone": pull.zone,
        "item": pull.item or None,
        "requests": planned.requests,
        "points": planned.points,
    }


def _time(at: datetime) -> str:
    """Write an instant with its zone, and a wall clock's time without one."""
    return at.isoformat().replace("+00:00", "Z")
