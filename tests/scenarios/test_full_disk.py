"""A disk without room pauses passes, tears nothing, and work goes on when there is room again."""

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx  # noqa: TID251 - what is about to reach the provider
import pytest
from structlog.testing import capture_logs

from fitbitd.model import DataTypeName
from fitbitd.simulator import RegularSyncs, Wearer
from fitbitd.store.dump import canonical_dump
from fitbitd.store.rebuild import rebuild
from tests.support.household import Household, account_settings

START = datetime(2027, 3, 10, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
TYPES = tuple(map(DataTypeName, ("steps", "daily_steps", "sleep")))
LARGEST_BYTES = 4096  # of any file: less than all that matter have


@contextmanager
def limits_restored() -> Iterator[tuple[int, int]]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield limits
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("room_bytes", [0, LARGEST_BYTES, 40_000])
def test_passes_pause_without_room_and_resume_with_it(
    room_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Household(
        tmp_path / "state",
        START.isoformat(),
        Wearer(seed=3, member_since=START.date(), syncs=RegularSyncs(3600)),
        accounts=(account_settings(data_types=TYPES, poll_every=HOUR / 2),),
    )
    home.authorize()
    with limits_restored() as (soft, hard), capture_logs() as logs:

        def limit(size: int) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

        home.at.append((START + 2 * HOUR, lambda: limit(room_bytes)))
        home.at.append(
            (START + 12 * HOUR, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
        )
        home.live(14 * HOUR, monkeypatch=monkeypatch)

    names = [each["event"] for each in logs]
    assert "job.crashed" not in names
    assert "pass.crashed" not in names
    full = [
        report
        for _, at, report in home.reports
        if START + 3 * HOUR < at < START + 12 * HOUR and report.outcome == "disk_full"
    ]
    assert len(full) >= 17
    told = [each for each in logs if each["event"] == "condition.raised"]
    assert [each["code"] for each in told].count("disk_full") == 1
    assert home.conditions() == set()
    truth, collected = home.truth(), home.collected()
    for name in TYPES:
        assert collected[name] == truth[name], name

    account = home.parts()
    with closing(home.index()) as db:
        before = list(canonical_dump(db))
    for _ in rebuild(account.folder, account.provider().read, account.kit.catalogue):
        pass
    with closing(home.index()) as db:
        assert list(canonical_dump(db)) == before


def test_a_disk_that_fills_in_the_middle_of_a_reply_takes_back_the_pull_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = START + 14 * HOUR  # the day is large by then: its reply is written in pieces
    home = Household(
        tmp_path / "state",
        evening.isoformat(),
        Wearer(seed=3, member_since=START.date() - timedelta(days=1), syncs=RegularSyncs(3600)),
        accounts=(account_settings(data_types=(DataTypeName("heart_rate"),)),),
    )
    home.authorize()
    with limits_restored() as (soft, hard), capture_logs() as logs:

        def fill(request: httpx.Request) -> None:
            if "heart" in request.url.path:
                files = (home.parts().folder / "archive").rglob("*.gz")
                room = max(path.stat().st_size for path in files) + 300
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
                home.exchange.tap = lambda _request: None

        home.exchange.tap = fill
        home.at.append(
            (evening + HOUR, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
        )
        home.live(3 * HOUR, monkeypatch=monkeypatch)
    assert home.reports[0][2].outcome == "disk_full"
    assert not {"pass.crashed", "job.crashed"} & {each["event"] for each in logs}
    assert home.conditions() == set()
    assert home.collected()["heart_rate"] == home.truth()["heart_rate"]
