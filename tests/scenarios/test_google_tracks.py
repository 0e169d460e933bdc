"""The tracks of workouts: each brought home once, and again when the workout was edited."""

from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx  # noqa: TID251 - stands for the network
import pytest

from fitbitd.model import DataTypeName
from fitbitd.simulator import Fault, RegularSyncs, Wearer
from fitbitd.simulator.google_health.settings import READ_SCOPES, SCOPE_PREFIX
from fitbitd.simulator.life import GoogleLife
from tests.support.cli import Desk, Said
from tests.support.grant import minted
from tests.support.household import Household, google_account

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
FIRST = date(2027, 3, 6)
HOUR = timedelta(hours=1)
TYPES = tuple(
    map(DataTypeName, ("settings", "paired_devices", "exercise", "exercise_tcx", "daily_steps"))
)
LOCATION = f"{SCOPE_PREFIX}location.readonly"


def household(folder: Path) -> Household:
    """Describe a wearer who walks and runs each day, and the account that collects it."""
    wearer = Wearer(seed=3, member_since=FIRST, syncs=RegularSyncs(3 * 3600))
    account = google_account(data_types=TYPES, backfill_from=FIRST, poll_every=HOUR)
    return Household(folder / "state", START.isoformat(), wearer, accounts=(account,))


def desk(folder: Path) -> Desk:
    (folder / "fitbitd.toml").write_text(
        'state_dir = "state"\n[[account]]\nname = "gina"\nprovider = "google_health"\n'
        'client_id = "simulated"\n'
    )
    return Desk(folder, "gina")


def served(home: Household) -> dict[str, bytes]:
    """Give the track of every workout that the provider has, by the workout's id."""
    now, partial = home.true_clock.now(), True
    life = GoogleLife(home.wearer)
    workouts = life.points("exercise", 0, 2**42, now)
    tracks = {
        one.point_id: life.tcx(one.point_id, partial, now) for one in workouts if one.point_id
    }
    return {key: track.encode() for key, track in tracks.items() if track is not None}


def asked(home: Household) -> list[tuple[str, int]]:
    """Give the workouts whose track was asked for, and what was answered."""
    return [
        (entry.path.rsplit("/", 1)[1].partition(":")[0], entry.status)
        for entry in home.simulator.log
        if entry.path.endswith(":exportExerciseTcx")
    ]


def exported(folder: Path, *args: str) -> tuple[Said, dict[str, bytes]]:
    """Export the tracks; give what was said, and the files by the id in their names."""
    out = folder / "tracks"
    said = desk(folder).ask("export", "gina", "exercise_tcx", "--output", str(out), *args)
    paths = [Path(line) for line in said.out.splitlines()]
    assert all(path.parent == out and path.suffix == ".tcx" for path in paths), said
    return said, {path.stem.rpartition("_")[2]: path.read_bytes() for path in paths}


def on(home: Household, lasts: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    home.restart()
    home.live(lasts, monkeypatch=monkeypatch)


def test_each_track_is_asked_for_once_and_exported_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    home.authorize()
    home.live(20 * HOUR, monkeypatch=monkeypatch)
    on(home, HOUR, monkeypatch)
    assert len(served(home)) >= 8
    assert sorted(asked(home)) == sorted((key, 200) for key in served(home))
    said, files = exported(tmp_path)
    assert (said.code, said.err) == (0, "")
    assert files == served(home)
    assert any(b"<LatitudeDegrees>" in track for track in files.values())
    assert any(b"<LatitudeDegrees>" not in track for track in files.values())
    said, some = exported(tmp_path, "--from", "2027-03-08", "--to", "2027-03-08")
    assert 0 < len(some) < len(files)
    assert home.conditions() == set()


def test_an_edited_workout_is_asked_again_and_a_deleted_one_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    home.authorize()
    *_, gone, edited, _ = sorted(served(home))
    # Deleted when it had been listed already, and its track not been asked for.
    refused = Fault(
        kind="refuse", reason="RESOURCE_NOT_FOUND", path=f"{gone}:exportExerciseTcx", count=None
    )
    home.simulator.faults.add(refused)
    soon = START + 3 * HOUR
    home.wearer.edit_point(edited, {"displayName": "By the river"}, at=soon)
    home.wearer.delete_point(gone, at=soon)
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    assert Counter(asked(home)) == Counter(
        {(key, 404 if key == gone else 200): 1 for key in served(home)}
    )
    assert home.conditions() == set()
    on(home, 12 * HOUR, monkeypatch)
    assert gone not in served(home)
    times = Counter(asked(home))
    assert times[edited, 200] == 2
    assert times[gone, 404] == 2  # an hour later once more, when it was still listed
    assert {times[key, 200] for key in served(home)} == {1, 2}
    assert home.conditions() == set()
    _, files = exported(tmp_path)
    assert files == served(home)


def test_without_the_scope_for_places_the_tracks_stay_off_and_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    home.authorize()
    grant = minted(home.simulator, START, READ_SCOPES - {LOCATION})
    home.parts().token_file.write(grant)
    home.live(3 * HOUR, monkeypatch=monkeypatch)
    assert asked(home) == []
    assert home.conditions() == {("scope_missing", "exercise_tcx")}
    said = desk(tmp_path).ask("status")
    assert "scope_missing" in said.out
    assert "exercise_tcx" in said.out
    said, files = exported(tmp_path)
    assert (said.code, files) == (0, {})
    assert "no files of exercise_tcx" in said.err
    # Consenting once more, with the box ticked, is all that it takes.
    home.authorize()
    on(home, 2 * HOUR, monkeypatch)
    assert home.conditions() == set()
    assert exported(tmp_path)[1] == served(home)


def test_a_track_that_comes_as_json_is_written_as_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = household(tmp_path)
    home.authorize()

    def have_json(request: httpx.Request) -> None:
        if request.url.path.endswith(":exportExerciseTcx"):
            request.url = request.url.copy_remove_param("alt")

    home.exchange.tap = have_json
    home.live(2 * HOUR, monkeypatch=monkeypatch)
    with closing(home.index()) as db:
        (kinds,) = db.execute("SELECT group_concat(DISTINCT media_type) FROM files").fetchone()
    assert kinds.startswith("application/json")
    assert exported(tmp_path)[1] == served(home)
