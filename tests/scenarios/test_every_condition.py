"""Every condition, brought about by the world, is the same on every surface, and ends on all."""

import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from fitbitd import logs, standing
from fitbitd.commands.status import describe
from fitbitd.commands.status_page import page
from fitbitd.config import NotifySettings
from fitbitd.health_codes import CODES, Severity
from fitbitd.simulator import Wearer
from tests.support.household import Household
from tests.support.journald import HeardJournal, Receiver, fields
from tests.support.scenes import HOUR, SCENES, START, Scene, Stage, set_version

ONLY_READERS = {"index_older"}
"""Whoever opens the account to write brings the index up to date: no daemon ever says so."""


@dataclass
class Seen:
    """What each surface says at one moment; by code where it says more than one thing."""

    status: str
    report: dict[str, dict[str, Any]]
    shown: dict[str, str]
    manager: str


@dataclass
class Surfaces:
    """Where people and programs look while the daemon runs."""

    home: Household
    journald: Receiver
    manager: Receiver
    seen: list[Seen] = field(default_factory=list)

    def look(self) -> None:
        """See what all of them say now."""
        now, account = self.home.clock.now(), self.home.parts()
        report, _ = describe(account, now)
        shown = standing.read(self.home.state_dir, account.settings.name) or ()
        lines = b"\n".join(self.manager.empty()).decode().splitlines()
        self.seen.append(
            Seen(
                page(report, now),
                {each["code"]: each for each in report["conditions"]},
                {each.code: each.summary for each in shown},
                [line for line in lines if line.startswith("STATUS=")][-1],
            )
        )

    def events(self, name: str, code: str) -> list[dict[str, str]]:
        """Give the events about a condition, as the journal has them."""
        entries = [fields(sent) for sent in self.journald.empty()]
        return [
            each
            for each in entries
            if (each["FITBITD_EVENT"], each.get("FITBITD_CODE")) == (name, code)
        ]

    def history(self, code: str) -> list[tuple[datetime, datetime | None, dict[str, str]]]:
        """Give from when to when a condition was open by the index, and its words."""
        with closing(self.home.index()) as db:
            rows = db.execute(
                "SELECT since, until, facts FROM condition WHERE code = ? ORDER BY since", (code,)
            ).fetchall()
        return [
            (at_ms(since), None if until is None else at_ms(until), json.loads(words))
            for since, until, words in rows
        ]


def at_ms(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def is_about(code: str, summary: str) -> bool:
    """Say whether a sentence is the one that the table of conditions has for a code."""
    words = re.sub(r"\\{\w+\\}", ".+", re.escape(CODES[code].summary))
    return re.fullmatch(words, summary) is not None


def household(folder: Path, scene: Scene) -> Household:
    home = Household(
        folder / "state",
        START.isoformat(),
        Wearer(
            seed=3,
            member_since=START.date() - timedelta(days=1),
            syncs=scene.syncs,
            intervals_s=(60,),
        ),
        provider_settings=scene.fitbit,
        google_settings=scene.google,
        accounts=(scene.account,),
        notify=NotifySettings(("tell",), None),
    )
    home.authorize(scopes=scene.scopes)
    return home


def play(scene: Scene, surfaces: Surfaces, patch: pytest.MonkeyPatch) -> None:
    """Run the daemon from before a condition's cause to after its end."""
    home, stage = surfaces.home, Stage(surfaces.home)
    try:
        home.live(HOUR, monkeypatch=patch)
        if scene.stopped:
            scene.cause(stage)
        else:
            home.at.append((home.clock.now(), lambda: scene.cause(stage)))
        seen_at = home.clock.now() + scene.lasts
        ends = scene.ends or HOUR
        minutes = (scene.lasts + ends) // timedelta(minutes=1)
        times = (home.clock.now() + n * timedelta(minutes=1) for n in range(minutes))
        home.at += [
            *((at, surfaces.manager.empty) for at in times),
            (seen_at, surfaces.look),
            (seen_at + timedelta(seconds=1), lambda: scene.cure(stage)),
            (seen_at + ends, surfaces.look),
        ]
        home.restart()
        home.live(scene.lasts + ends + timedelta(minutes=1), monkeypatch=patch)
    finally:
        stage.patch.undo()


def test_every_condition_has_its_scene() -> None:
    assert {*SCENES} == {*CODES} - ONLY_READERS


@pytest.mark.parametrize("code", SCENES)
def test_a_condition_is_the_same_on_every_surface_and_ends_on_all(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    receivers: tuple[Receiver, Receiver],
) -> None:
    scene, kind = SCENES[code], CODES[code]
    surfaces = Surfaces(household(tmp_path, scene), *receivers)
    monkeypatch.setenv("NOTIFY_SOCKET", str(surfaces.manager.path))
    with closing(HeardJournal(surfaces.journald)) as journal:
        logs.configure(StringIO(), logs.Redactor(), journal=journal)
        play(scene, surfaces, monkeypatch)
    then, after = surfaces.seen
    summary, meaning = (then.report[code][words] for words in ("summary", "meaning"))
    assert is_about(code, summary), summary
    assert then.shown == {each: told["summary"] for each, told in then.report.items()}
    assert re.search(rf": {code}( \(.+\))? since ", then.status)
    assert meaning in then.status
    assert f"{code} ({kind.about})" in then.manager
    raised = surfaces.events("condition.raised", code)
    assert raised
    assert all(is_about(code, each["FITBITD_SUMMARY"]) for each in raised)
    assert len({each.get("FITBITD_DATA_TYPE") for each in raised}) == len(raised)
    told = [one for one in surfaces.home.news if one["code"] == code]
    # Nobody is called for what is only good to know.
    news = [] if kind.severity is Severity.INFO else ["raised", "cleared"][: 2 if scene.ends else 1]
    assert list(dict.fromkeys(one["change"] for one in told)) == news
    begun = [tuple(one["data_types"]) for one in told if one["change"] == "raised"]
    assert len(set(begun)) == len(begun)  # one more for data types that join, and none twice
    for one in told:
        assert is_about(code, str(one["summary"]))
        assert one["meaning"] == meaning
    history = surfaces.history(code)
    assert len(history) == len(raised)
    for since, until, words in history:
        assert is_about(code, words["summary"])
        assert words["meaning"] == meaning
        assert (until is None) is (scene.ends is None)
        assert until is None or since < until
    first = min(since for since, _, _ in history)
    assert then.report[code]["since"] <= first + timedelta(seconds=1)  # it does not move on

    if scene.ends is None:
        assert code in after.report
    else:
        assert code not in {*after.report, *after.shown}
        assert code not in after.manager
        assert len(surfaces.events("condition.cleared", code)) == len(raised)


def test_readers_say_that_an_index_is_older_and_whoever_writes_brings_it_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path, Scene())
    home.live(HOUR, monkeypatch=monkeypatch)
    set_version(Stage(home), 1)
    now = home.clock.now()
    report, trouble = describe(home.parts(), now)
    (older,) = [each for each in report["conditions"] if each["code"] in ONLY_READERS]
    assert is_about("index_older", older["summary"])
    assert "warning: index_older since " in page(report, now)
    assert trouble is not None
    assert trouble.code == "index_older"
