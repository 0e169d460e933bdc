"""Recorded bodies are served to the byte, for every request that they can answer."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - the client of the simulated provider
import pytest

from fitbitd.errors import OperatorError
from fitbitd.simulator import FitbitSettings, FitbitSimulator, load_replay, serve
from tests.support.clock import FakeClock
from tests.support.fitbit import SimulatedApp, error_of

FIXTURES = Path(__file__).parents[1] / "data" / "fitbit"
SLEEP = "/1.2/user/-/sleep/date"
ACTIVITIES = "/1/user/-/activities"


def body(name: str) -> bytes:
    return (FIXTURES / "data" / name).read_bytes()


@pytest.fixture(params=["", "data"], ids=["folder", "data folder"])
def app(request: pytest.FixtureRequest) -> SimulatedApp:
    return SimulatedApp(replay=load_replay(FIXTURES / request.param))


def make_folder(root: Path, bodies: dict[str, tuple[str, bytes]]) -> Path:
    """Make a folder of bodies: name -> (path that it answers, content)."""
    entries = []
    for name, (path, content) in bodies.items():
        (root / name).write_bytes(content)
        entries.append(
            {
                "file": name,
                "request": f"GET {path}",
                "status": 200,
                "first_date": None,
                "last_date": None,
            }
        )
    (root / "index.json").write_text(json.dumps(entries))
    return root


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/1/user/-/profile.json", "profile.json"),
        ("/1/user/ABC123/profile.json", "profile.json"),
        ("/1/user/-/devices.json", "devices_single.json"),
        (f"{ACTIVITIES}/heart/date/2017-05-01/1d/1sec.json", "intraday_heart_1sec.json"),
        (f"{ACTIVITIES}/heart/date/2018-09-01/1d/1min.json", "intraday_heart_1min.json"),
        (f"{ACTIVITIES}/heart/date/2018-09-01/1d/1sec.json", "intraday_heart_1min.json"),
        (f"{ACTIVITIES}/heart/date/2018-09-01/2018-09-01/1sec.json", "intraday_heart_1min.json"),
        (
            f"{ACTIVITIES}/heart/date/2017-05-01/1d/1sec/time/08:00/09:00.json",
            "intraday_heart_1sec.json",
        ),
        (f"{ACTIVITIES}/steps/date/2016-03-08/1d/1min.json", "intraday_steps_1min.json"),
        (f"{ACTIVITIES}/heart/date/2017-08-15/2017-08-21.json", "ts_activities_heart.json"),
        (f"{ACTIVITIES}/heart/date/2017-08-01/2017-08-30.json", "ts_activities_heart.json"),
        (
            f"{ACTIVITIES}/steps/date/2014-01-01/2014-12-31.json",
            "ts_activities_steps_zero_day.json",
        ),
        (f"{SLEEP}/2016-12-13.json", "sleep_by_date_2016_classic_two.json"),
        (f"{SLEEP}/2016-12-13/2016-12-13.json", "sleep_by_date_2016_classic_two.json"),
        (f"{SLEEP}/2019-11-01/2020-01-31.json", "sleep_by_date_classic_with_nap.json"),
        (f"{SLEEP}/2020-03-01/2020-03-01.json", "sleep_by_date_stages.json"),
        (
            "/1.2/user/-/sleep/list.json?afterDate=2020-05-01&sort=asc&offset=0&limit=1",
            "sleep_log_list_page.json",
        ),
        ("/1/user/-/hrv/date/2021-10-25.json", "hrv_summary_by_date.json"),
        ("/1/user/-/spo2/date/2021-10-01/2021-10-02/all.json", "spo2_intraday_by_interval.json"),
    ],
)
def test_a_recorded_body_is_served_to_the_byte(app: SimulatedApp, path: str, name: str) -> None:
    reply = app.get(path)
    assert reply.status_code == 200
    assert reply.content == body(name)
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert reply.headers["fitbit-rate-limit-limit"] == "150"


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        (f"{SLEEP}/2016-12-14.json", b'"sleep":[],"summary":{'),
        (f"{SLEEP}/2020-02-29.json", b'"sleep":[]'),
        (f"{SLEEP}/2021-01-01/2021-03-31.json", b'{"sleep":[]}'),
        (f"{ACTIVITIES}/heart/date/2017-05-02/1d/1sec.json", b'"dataset":[]'),
        (f"{ACTIVITIES}/steps/date/2016-03-09/1d/1min.json", b'{"activities-steps":[],'),
        (f"{ACTIVITIES}/heart/date/2017-05-01/2017-05-30.json", b'{"activities-heart":[]}'),
        (f"{ACTIVITIES}/steps/date/2021-05-01/2021-05-30.json", b'{"activities-steps":[]}'),
    ],
)
def test_what_was_not_recorded_gets_the_empty_answer(
    app: SimulatedApp, path: str, empty: bytes
) -> None:
    reply = app.get(path)
    assert reply.status_code == 200
    assert empty in reply.content


def test_several_recorded_nights_in_a_range_come_as_one_body_newest_first(
    app: SimulatedApp,
) -> None:
    logs = app.get(f"{SLEEP}/2019-12-10/2020-03-10.json").json()["sleep"]
    kept = [
        log
        for name in ("sleep_by_date_classic_with_nap.json", "sleep_by_date_stages.json")
        for log in json.loads(body(name))["sleep"]
    ]
    assert len(logs) == 3
    assert all(log in kept for log in logs)
    starts = [log["startTime"] for log in logs]
    assert starts == sorted(starts, reverse=True)


def test_several_recorded_series_are_merged_by_date(app: SimulatedApp) -> None:
    rows = app.get(f"{ACTIVITIES}/steps/date/2018-12-01/2019-12-06.json").json()["activities-steps"]
    whole = [
        row
        for name in ("ts_activities_steps.json", "ts_activities_steps_real.json")
        for row in json.loads(body(name))["activities-steps"]
        if row["dateTime"] <= "2019-12-06"
    ]
    assert rows == whole
    assert len(rows) == 10


def test_a_part_of_a_recorded_series_is_only_that_part(app: SimulatedApp) -> None:
    rows = app.get(f"{ACTIVITIES}/steps/date/2014-09-08/2014-09-30.json").json()["activities-steps"]
    assert [row["dateTime"] for row in rows] == ["2014-09-08", "2014-09-09", "2014-09-10"]


def test_scopes_quota_ranges_and_faults_hold_in_a_replay() -> None:
    app = SimulatedApp(FitbitSettings(quota=3), replay=load_replay(FIXTURES))
    narrow = app.simulator.mint(frozenset({"sleep"}))["access_token"]
    assert error_of(app.get("/1/user/-/profile.json", narrow)) == (403, "insufficient_scope")
    too_long = app.get(f"{ACTIVITIES}/heart/date/2017-01-01/2018-12-31.json")
    assert too_long.status_code == 422
    assert app.get("/1/user/-/profile.json").status_code == 200
    assert app.get("/1/user/-/profile.json").status_code == 429


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b'{\r\n"sleep": []\r\n}', b'{"x": "\\ud800"}', b""],
    ids=["0xff", "bom", "crlf", "surrogate", "empty"],
)
def test_bodies_of_any_bytes_pass_through(tmp_path: Path, content: bytes) -> None:
    paths = {
        "night.json": f"{SLEEP}/2026-01-02.json",
        "heart.json": f"{ACTIVITIES}/heart/date/2026-01-02/1d/1sec.json",
        "steps.json": f"{ACTIVITIES}/steps/date/2026-01-01/2026-01-09.json",
    }
    folder = make_folder(tmp_path, {name: (path, content) for name, path in paths.items()})
    simulator = FitbitSimulator(FakeClock(), replay=load_replay(folder))
    headers = {"authorization": f"Bearer {simulator.mint()['access_token']}"}
    with serve(simulator) as server, httpx.Client(base_url=server.url, headers=headers) as client:
        for path in (
            *paths.values(),
            f"{ACTIVITIES}/heart/date/2026-01-02/1d/1sec/time/10:00/11:00.json",
        ):
            assert client.get(path).content == content


@pytest.mark.parametrize("content", [b"\xff", b""])
def test_a_night_that_is_not_json_answers_the_range_that_it_is_in(
    tmp_path: Path, content: bytes
) -> None:
    folder = make_folder(tmp_path, {"night.json": (f"{SLEEP}/2026-01-02.json", content)})
    app = SimulatedApp(replay=load_replay(folder))
    assert app.get(f"{SLEEP}/2025-12-30/2026-01-05.json").content == content
    assert app.get(f"{SLEEP}/2026-01-03/2026-01-05.json").json() == {"sleep": []}


def test_a_night_that_is_not_json_goes_before_others_in_its_range(tmp_path: Path) -> None:
    night = body("sleep_by_date_stages.json")
    nights = {
        "a.json": (f"{SLEEP}/2020-03-01.json", night),
        "b.json": (f"{SLEEP}/2020-03-02.json", b"\xff"),
    }
    app = SimulatedApp(replay=load_replay(make_folder(tmp_path, nights)))
    assert app.get(f"{SLEEP}/2020-02-20/2020-03-09.json").content == b"\xff"
    assert app.get(f"{SLEEP}/2020-02-20/2020-03-01.json").content == night


@pytest.mark.parametrize("level", ["1min", "1sec"])
def test_a_window_is_answered_at_its_own_level_where_that_was_recorded(
    tmp_path: Path, level: str
) -> None:
    day = f"{ACTIVITIES}/heart/date/2026-01-02/1d"
    bodies = {f"{name}.json": (f"{day}/{name}.json", name.encode()) for name in ("1min", "1sec")}
    app = SimulatedApp(replay=load_replay(make_folder(tmp_path, bodies)))
    assert app.get(f"{day}/{level}/time/10:00/11:00.json").text == level
    assert app.get(f"{day}/15min.json").text == "1min"  # neither: the first in the index


def test_the_index_may_name_a_content_type_and_bodies_by_their_dates(tmp_path: Path) -> None:
    entry = {
        "file": "sub/series.json",
        "request": f"GET {ACTIVITIES}/steps/date/{{start}}/{{end}}.json",
        "status": 200,
        "first_date": "2026-01-01",
        "last_date": "2026-01-02",
        "content_type": "text/plain",
    }
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    (tmp_path / "series.json").write_bytes(b"not json")
    reply = SimulatedApp(replay=load_replay(tmp_path)).get(
        f"{ACTIVITIES}/steps/date/2026-01-01/2026-01-02.json"
    )
    assert (reply.content, reply.headers["content-type"]) == (b"not json", "text/plain")


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (None, "no index.json"),
        ("{", "cannot be read as JSON"),
        ("{}", "must be a list"),
        ("[]", "no entry answers a GET"),
        ('["x"]', "entry 1"),
        ('[{"request": "GET /x", "status": 200}]', "no 'file'"),
        ('[{"file": "gone.json", "request": "GET /x"}]', "gone.json is not there"),
        ('[{"file": "../../outside.json", "request": "GET /x"}]', "is not there"),
        (
            '[{"file": "index.json", "request": "GET /x", "first_date": "soon"}]',
            "Invalid isoformat",
        ),
    ],
)
def test_a_bad_folder_is_explained(tmp_path: Path, index: str | None, words: str) -> None:
    folder = tmp_path / "inner" / "replay"
    folder.mkdir(parents=True)
    (tmp_path / "outside.json").write_text("{}")
    if index is not None:
        (folder / "index.json").write_text(index)
    with pytest.raises(OperatorError, match=words) as caught:
        load_replay(folder)
    assert str(folder) in str(caught.value)


def test_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "index.json", tmp_path)
    with pytest.raises(OperatorError, match=r"no index\.json"):
        load_replay(tmp_path / "absent")


def test_no_other_recording_is_left_out() -> None:
    """Every body of a GET in the fixtures is used, but for the one in an envelope of ours."""
    index: list[dict[str, Any]] = json.loads((FIXTURES / "index.json").read_bytes())
    usable = [e for e in index if e["request"].startswith("GET /") and e["status"] == 200]
    assert len(load_replay(FIXTURES).recordings) == len(usable) - 1
