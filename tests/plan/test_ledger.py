from datetime import UTC, date, datetime, timedelta

import pytest

from fitbitd.plan.ledger import Ledger, TypeLedger
from tests.support.types import DENSE

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = date(2027, 2, 28)


@pytest.mark.parametrize(
    ("consented_at", "lifted"), [(None, False), (NOON - HOUR, False), (NOON + HOUR, True)]
)
def test_a_new_consent_lifts_the_refusal_of_a_type_and_not_that_of_a_day(
    consented_at: datetime | None, *, lifted: bool
) -> None:
    later = NOON + 24 * HOUR
    refused = TypeLedger(blocked={None: later, DAY: later}, refused_at=NOON)
    known = Ledger(types={DENSE.name: refused}).after_consent(consented_at).of(DENSE.name)
    assert (None not in known.blocked) is lifted
    assert known.blocked[DAY] == later


def test_a_consent_changes_nothing_of_a_type_that_was_not_refused() -> None:
    known = Ledger(types={DENSE.name: TypeLedger(blocked={DAY: NOON})})
    assert known.after_consent(NOON) == known
