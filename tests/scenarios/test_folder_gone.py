"""A state directory that somebody deletes under a running daemon."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fitbitd.simulator import Wearer
from tests.support.household import Household

START = datetime(2027, 3, 10, 6, tzinfo=UTC)


def test_it_is_told_once_in_words_and_no_pass_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wearer = Wearer(seed=4, member_since=START.date() - timedelta(days=2))
    home = Household(tmp_path / "state", START.isoformat(), wearer)
    home.authorize()
    home.at.append((START + timedelta(minutes=20), lambda: shutil.rmtree(home.state_dir)))
    with capture_logs() as logs:
        home.live(timedelta(hours=2), monkeypatch=monkeypatch)
    events = [entry["event"] for entry in logs]
    assert "pass.crashed" not in events
    assert "job.crashed" not in events
    raised = [entry["code"] for entry in logs if entry["event"] == "condition.raised"]
    assert raised == ["disk_failed"]  # and not that the wearer must consent anew
    assert [report.outcome for _, _, report in home.reports][-3:] == ["disk_failed"] * 3
    assert "is gone" in str(home.reports[-1][2].error)
