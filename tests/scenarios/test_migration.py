"""From the legacy provider, on the day it is switched off, to the one that lives: one series."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from fitbitd.commands.whose import check_continued, identified
from fitbitd.errors import OperatorError
from fitbitd.model import DataTypeName
from fitbitd.oauth.person import Person
from fitbitd.simulator import RegularSyncs, Wearer
from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.nights import sleep_id
from fitbitd.simulator.orders import SourceMix
from tests.support.cli import Desk
from tests.support.grant import minted
from tests.support.household import Household, account_settings, google_account

FIRST = date(2027, 3, 15)
START = datetime(2027, 3, 15, 6, tzinfo=UTC)
GONE = datetime(2027, 4, 4, 13, 20, tzinfo=UTC)
"""On the twentieth day, in the middle of the morning; the clocks have changed on 28 March."""
MOVED = GONE + timedelta(days=3)
VIEW = "preferred_readings"
HALF = date(2027, 3, 26)
DRAWER = date(2027, 3, 24)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TYPES = tuple(
    map(
        DataTypeName,
        (
            "settings",
            "paired_devices",
            "heart_rate",
            "steps",
            "sleep",
            "daily_steps",
            "daily_resting_heart_rate",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Story:
    """One person, the account they had, and the one they move to.

    Attributes:
        home: where both are collected; at first it knows the legacy account alone.
        desk: where the person types commands.
        events: what was logged while the legacy API was gone.
        kept: the token file of the legacy account on the day it was switched off.
    """

    home: Household
    desk: Desk
    events: list[Any]
    kept: bytes

    @property
    def fitbit(self) -> Any:
        return self.home.simulators[0]

    @property
    def google(self) -> Any:
        return self.home.simulators[1]


def household(folder: Path) -> Household:
    """Describe a wearer of whom both providers tell, and the account at each."""
    wearer = Wearer(
        seed=5,
        member_since=FIRST,
        syncs=RegularSyncs(8 * 3600),
        days_off=frozenset({DRAWER}),
        intervals_s=(120, 240),
        sources=SourceMix(phone_in=0, contradiction_in=0),  # the legacy API has one truth a minute
    )
    poll_every = 8 * HOUR
    return Household(
        folder / "state",
        START.isoformat(),
        wearer,
        accounts=(
            account_settings("alice_fitbit", poll_every=poll_every),
            google_account(
                "gina",
                data_types=TYPES,
                poll_every=poll_every,
                continues="alice_fitbit",
                backfill_from=FIRST,
            ),
        ),
        others=(wearer,),
    )


def desk(folder: Path) -> Desk:
    """Write the configuration that a person has who continues the old account."""
    (folder / "fitbitd.toml").write_text(
        'state_dir = "state"\n'
        '[[account]]\nname = "gina"\nprovider = "google_health"\nclient_id = "simulated"\n'
        'continues = "alice_fitbit"\n'
        '[[account]]\nname = "alice_fitbit"\nprovider = "fitbit"\nclient_id = "23SIMU"\n'
    )
    return Desk(folder, "gina")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Collect twenty days from the legacy provider, and live on for three after it is gone."""
    folder = tmp_path_factory.mktemp("migration")
    home = household(folder)
    both, home.accounts = home.accounts, home.accounts[:1]
    home.authorize()
    kept: list[bytes] = []

    def switch_off() -> None:
        home.simulator.gone = True
        kept.append(home.parts().token_file.path.read_bytes())

    home.at.append((GONE, switch_off))
    with pytest.MonkeyPatch.context() as monkeypatch, capture_logs() as events:
        home.live(GONE - START + 36 * HOUR, monkeypatch=monkeypatch)
        home.at.clear()
        home.restart()
        home.live(36 * HOUR, monkeypatch=monkeypatch)
        home.accounts = both
        yield Story(home, desk(folder), events, kept[0])


@pytest.fixture(scope="module")
def half(story: Story) -> Story:
    """Go on with the new account, which has read no further back than the 26th of March."""
    return lived(story, backfill_from=HALF)


def lived(story: Story, *, backfill_from: date) -> Story:
    """Run the daemon beyond its next pass, with so much history."""
    home = story.home
    gina = replace(home.accounts[1], backfill_from=backfill_from)
    home.accounts = (home.accounts[0], gina)
    home.authorize(1)
    home.restart()
    with pytest.MonkeyPatch.context() as monkeypatch, capture_logs():
        home.live(9 * HOUR, monkeypatch=monkeypatch)
    assert [each.error for name, _, each in home.reports if name == "gina"][-1] is None
    return story


def rows(story: Story, sql: str) -> list[tuple[Any, ...]]:
    """Ask both accounts as one, from the command line."""
    said = story.desk.ask("query", "--json", sql)
    assert said.code == 0, said
    return [tuple(json.loads(line).values()) for line in said.out.splitlines()]


def exported(story: Story, data_type: str, *args: str) -> list[dict[str, str]]:
    said = story.desk.ask("export", "gina", data_type, *args)
    assert said.code == 0, said
    return list(csv.DictReader(said.out.splitlines()))


def civil(at_s: float) -> date:
    return datetime.fromtimestamp(at_s, BERLIN).date()


def test_what_is_gone_is_told_once_and_looked_for_once_a_day(story: Story) -> None:
    asked = [entry for entry in story.fitbit.log if entry.at >= GONE]
    assert {entry.status for entry in asked} == {410}
    data = [entry.at for entry in asked if not entry.path.startswith("/oauth2")]
    tokens = [entry.at for entry in asked if entry.path.startswith("/oauth2")]
    assert len(data) == 1  # then the token has ended, and there is no new one to ask with
    per_day = Counter((at - GONE) // DAY for at in tokens)
    assert set(per_day) == {0, 1, 2}
    assert sum(per_day.values()) <= 3 + 1  # the new process looks for itself
    told = [each for each in story.events if each["event"].startswith("condition.")]
    assert [(each["event"], each["code"]) for each in told if "gone" in each["code"]] == [
        ("condition.raised", "provider_gone")
    ]
    assert story.home.conditions(0) == {("provider_gone", "")}


def test_what_is_gone_costs_no_token_and_says_where_to_go(story: Story) -> None:
    assert story.home.parts(0).token_file.path.read_bytes() == story.kept
    said = story.desk.ask("status", "alice_fitbit")
    assert said.code == 0
    assert "error: provider_gone since 2027-04-04" in said.out
    assert "Nothing archived is lost" in said.out
    for words in ("fitbitd init --provider google_health", 'continues = "alice_fitbit"'):
        assert words in said.out


def test_a_consent_is_compared_with_the_person_of_the_account_before(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    home = story.home
    world, older = home.world(), home.parts(0)
    minted_grant = minted(home.simulators[1], home.clock.now())

    async def who() -> Person | None:
        _, person = await identified(home.parts(1), minted_grant, world)
        return person

    home.restart()
    with pytest.MonkeyPatch.context() as monkeypatch:
        person = home.play(who(), monkeypatch=monkeypatch)
    assert person is not None
    check_continued(older, person)
    assert "the same person as alice_fitbit" in capsys.readouterr().err
    with pytest.raises(OperatorError, match="another person") as caught:
        check_continued(older, replace(person, legacy_id="SOMEONE"))
    assert caught.value.code == "wrong_person"


def joined(story: Story, since: date) -> None:
    """Compare what both accounts say as one with what the wearer lived through.

    Args:
        since: the first day of the new account; what it lacks later is the account before's.
    """
    wearer = story.home.wearer
    now = [at for name, at, _ in story.home.reports if name == "gina"][-1]
    truth = wearer.truth(now)
    lived_through: set[tuple[Any, ...]] = set()
    from_ms = int(datetime.combine(since, time(), BERLIN).timestamp() * 1000)
    for data_type, member in (("heart_rate", "beatsPerMinute"), ("steps", "count")):
        points = GoogleLife(wearer).merged(data_type.replace("_", "-"), from_ms, 2**42, now)
        lived_through = {(at_s, n, "fitbit") for at_s, n in truth[data_type] if civil(at_s) < since}
        lived_through |= {
            (one.start_ms // 1000, int(one.value[member]), "google_health")
            for one in points
            if one.value
        }
        where = f"WHERE data_type = '{data_type}'"
        found = rows(story, f"SELECT instant / 1000, value, provider FROM {VIEW} {where}")  # noqa: S608 - ours
        assert len(found) == len(set(found)), data_type
        assert nonzero(found) == nonzero(lived_through), data_type
        table = exported(story, data_type, "--preferred")
        assert nonzero(
            (
                datetime.fromisoformat(row["time_utc"]).timestamp(),
                float(row["value"]),
                row["provider"],
            )
            for row in table
        ) == nonzero(lived_through)
        days = rows(story, f"SELECT DISTINCT day, provider FROM days {where}")  # noqa: S608 - ours
        assert len(days) == len(dict(days)) == len({civil(at_s) for at_s, *_ in found})
    totals = Counter(
        {(str(day), "fitbit"): steps for day, steps in truth["daily_steps"] if day < since}
    )
    for at_s, count, provider in lived_through:  # the loop ended with the steps
        if provider == "google_health":
            totals[str(civil(at_s)), provider] += count
    assert nonzero((day, value, provider) for day, value, provider in daily(story, "steps")) == {
        (day, count, provider) for (day, provider), count in totals.items() if count
    }
    synced = civil(wearer.synced_at(now).timestamp())  # type: ignore[union-attr] # it syncs
    at_rest = {
        (str(day), value, "google_health" if day >= since else "fitbit")
        for day, field, value in truth["daily_heart_rate"]
        if field == "resting_heart_rate" and day < synced
    }
    found_at_rest = {row for row in daily(story, "resting_heart_rate") if row[0] < str(synced)}
    assert found_at_rest == at_rest
    nights = {
        (key, str(day), start_s, end_s, asleep, tuple(map(in_googles_words, stages)), provider)
        for log_id, day, start_s, end_s, _, asleep, stages in truth["sleep"]
        for provider in ["google_health" if day >= since - DAY else "fitbit"]  # in a whole UTC day
        for key in [sleep_id(log_id) if provider == "google_health" else str(log_id)]
    }
    assert set(joined_nights(story)) == nights
    assert exported_nights(story) == {(key, start_s, who) for key, _, start_s, *_, who in nights}


def in_googles_words(stage: tuple[str, str, int, int]) -> tuple[str, str, int, int]:
    kind, level, *when = stage
    words = {"short": "short_awakening", "wake": "awake"}
    return words.get(kind, kind), words.get(level, level), when[0], when[1]


def joined_nights(story: Story) -> Iterator[tuple[Any, ...]]:
    for key, *night, provider in rows(
        story,
        "SELECT key, day, unixepoch(start_utc), unixepoch(end_utc),"
        " json_extract(numbers, '$.minutes_asleep'), provider FROM sleep",
    ):
        stages = rows(
            story,
            "SELECT kind, stage, unixepoch(start_utc), CAST(duration_s AS INTEGER)"  # noqa: S608 - ours
            f" FROM sleep_stages WHERE key = '{key}' AND kind <> 'out_of_bed' ORDER BY ordinal",
        )
        yield key, *night, tuple(stages), provider


def exported_nights(story: Story) -> set[tuple[str, int, str]]:
    table = exported(story, "sleep")
    assert not {"wake", "short"} & {row["part"] for row in table}
    assert not {name for row in table for name in row if name.startswith("summary.wake")}
    return {
        (row["key"], int(datetime.fromisoformat(row["start_utc"]).timestamp()), row["provider"])
        for row in table
    }


def nonzero(found: Iterable[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Leave out the minutes without a step: the legacy provider lists them, Google does not."""
    return {row for row in found if row[1]}


def daily(story: Story, field: str) -> set[tuple[Any, ...]]:
    found = rows(story, f"SELECT day, value, provider FROM daily_values WHERE field = '{field}'")  # noqa: S608 - ours
    assert len(found) == len(set(found))
    return set(found)


def test_half_way_the_account_before_has_what_the_new_one_lacks(half: Story) -> None:
    joined(half, HALF)


def test_in_the_end_all_is_of_the_new_account_but_what_it_does_not_have(half: Story) -> None:
    lived(half, backfill_from=FIRST)
    joined(half, FIRST)
