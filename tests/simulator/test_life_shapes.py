"""Values have the members and JSON types of recorded bodies."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fitbitd.simulator.life import GoogleLife
from fitbitd.simulator.life.catalogue import CATALOGUES
from fitbitd.simulator.life.daily import RULES as DAILY
from fitbitd.simulator.life.dense import DENSE
from fitbitd.simulator.life.sparse import SPARSE
from fitbitd.simulator.wearer import Wearer

RECORDED = Path(__file__).parents[1] / "data" / "google_health"
NOW = datetime(2026, 4, 30, 12, tzinfo=UTC)
TOLD_ELSEWHERE = {"interval", "sampleTime", "date", "createTime", "updateTime"}
"""Members that a point carries beside its value."""
UNRECORDED = {
    "heartRate": {"metadata"},
    "heartRateVariability": {"standardDeviationMilliseconds"},
    "dailyOxygenSaturation": {"standardDeviationPercentage"},
    "bloodGlucose": {"mealType"},
    "exercise": {"exerciseMetadata", "splits", "splitSummaries"},
    "sleep": {"outOfBedSegments"},
}
"""Members that the discovery document has and no recorded body."""
RECORDED_IN = {
    "sleep": ("sleep-stages",),
    "exercise": ("exercise-walking", "exercise-two-types", "exercise-codelab"),
    "skin-temperature-sensors": ("skin-temperature-sensors-v4beta",),
}
UNLISTED = {"floors", "total-calories", "calories-in-heart-rate-zone", "basal-energy-burned"}


def recorded_values(type_id: str) -> tuple[str, list[dict[str, Any]]]:
    """Give the JSON key of a type and the values recorded for it."""
    head, *rest = type_id.split("-")
    key = head + "".join(word.capitalize() for word in rest)
    names = RECORDED_IN.get(type_id, (type_id,))
    bodies = [json.loads((RECORDED / "list" / f"{name}.json").read_bytes()) for name in names]
    return key, [point[key] for body in bodies for point in body["dataPoints"]]


def kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) else type(value).__name__


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """List the paths of a JSON value with the type at each end."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield from leaves(held, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for held in value:
            yield from leaves(held, f"{path}[]")
    else:
        yield path, kind(value)


@pytest.mark.parametrize(
    "type_id", sorted((DENSE | SPARSE | set(DAILY) | set(CATALOGUES) | {"sleep"}) - UNLISTED)
)
def test_a_value_has_the_members_of_recorded_ones(type_id: str) -> None:
    life = GoogleLife(Wearer(has_scale=True))
    if type_id in DAILY:
        points = life.dailies(type_id, date(2026, 1, 1), NOW.date(), NOW)
    else:
        now_ms = int(NOW.timestamp()) * 1000
        since_ms = now_ms - (3 if type_id in DENSE else 120) * 86_400_000
        points = life.points(type_id, since_ms, now_ms, NOW)
    key, recorded = recorded_values(type_id)
    known = dict(leaf for body in recorded for leaf in leaves(body))
    made = dict(leaf for point in points for leaf in leaves(point.value))
    members, recorded_members = (
        {path.split(".")[0].removesuffix("[]") for path in found} for found in (made, known)
    )
    assert members <= (recorded_members | UNRECORDED.get(key, set())) - TOLD_ELSEWHERE
    assert made == {path: known.get(path, made[path]) for path in made}
    assert made or recorded_members <= TOLD_ELSEWHERE  # a type without members has none recorded
    json.dumps([point.source.json() for point in points])


def test_the_account_has_the_members_of_recorded_ones() -> None:
    life = GoogleLife(Wearer(has_scale=True))
    for name, made in {
        "settings": life.settings(NOW),
        "profile": life.profile(NOW),
        "identity": life.identity(NOW),
        "irn-profile": life.irn_profile(NOW),
        "paired-devices": life.paired_devices(NOW),
    }.items():
        recorded = json.loads((RECORDED / "account" / f"{name}.json").read_bytes())
        assert {key: kind(value) for key, value in made.items()} == {
            key: kind(value) for key, value in recorded.items()
        }
    tracker, scale = life.paired_devices(NOW)["pairedDevices"]
    assert (tracker["lastSyncTime"], scale["deviceType"]) == ("2026-04-30T11:45:07Z", "SCALE")


def exercise(kind_: str) -> tuple[GoogleLife, Any]:
    life = GoogleLife(Wearer(seed=3))
    since_ms, now_ms = (
        int(at.timestamp()) * 1000 for at in (datetime(2026, 1, 2, tzinfo=UTC), NOW)
    )
    points = life.points("exercise", since_ms, now_ms, NOW)
    return life, next(point for point in points if point.value["exerciseType"] == kind_)


def test_a_track_has_the_elements_of_a_recorded_one() -> None:
    life, run = exercise("RUNNING")
    text = life.tcx(run.point_id, False, NOW)  # noqa: FBT003 - the API's own parameter
    assert text is not None
    recorded = ET.parse(RECORDED / "tcx" / "outdoor-gps.tcx").getroot()  # noqa: S314 - ours
    made = ET.fromstring(text)  # noqa: S314 - ours
    assert [node.tag for node in made.iter()][:20] == [node.tag for node in recorded.iter()][:20]
    assert made.findall(".//{*}LatitudeDegrees")
    wanted = run.value["metricsSummary"]["distanceMillimeters"] / 1000
    assert float(made.findtext(".//{*}DistanceMeters") or 0) == wanted


def test_a_walk_without_places_has_a_track_only_if_a_partial_one_is_asked_for() -> None:
    life, walk = exercise("WALKING")
    assert life.tcx(walk.point_id, False, NOW) is None  # noqa: FBT003 - the API's own parameter
    text = life.tcx(walk.point_id, True, NOW)  # noqa: FBT003 - the API's own parameter
    assert text is not None
    assert "Trackpoint" in text
    assert "Position" not in text
    assert life.tcx("no such id", True, NOW) is None  # noqa: FBT003 - the API's own parameter
    life.wearer.delete_point(walk.point_id, at=NOW)
    assert life.tcx(walk.point_id, True, NOW) is None  # noqa: FBT003 - the API's own parameter


def test_a_tracked_exercise_is_created_before_it_ends_and_updated_after() -> None:
    _, run = exercise("RUNNING")
    assert run.start_ms < run.created_ms < run.end_ms < run.updated_ms
    spent = [split["metricsSummary"]["distanceMillimeters"] for split in run.value["splits"]]
    assert sum(spent) == run.value["metricsSummary"]["distanceMillimeters"]


@pytest.mark.parametrize("type_id", ["no-such-type", "daily-vo2-max"])
def test_a_type_that_is_not_told_by_instants_is_no_key(type_id: str) -> None:
    with pytest.raises(KeyError):
        GoogleLife(Wearer()).points(type_id, 0, 1, NOW)
    with pytest.raises(KeyError):
        GoogleLife(Wearer()).dailies("steps", date(2026, 1, 1), date(2026, 1, 2), NOW)
