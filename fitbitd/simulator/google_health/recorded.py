"""Which recording answers a call that was checked."""

import httpx

from fitbitd.simulator.google_health.api import Asker
from fitbitd.simulator.google_health.capabilities import DATA_TYPES
from fitbitd.simulator.google_health.errors import json_response
from fitbitd.simulator.google_health.filters import parse_filter
from fitbitd.simulator.google_health.messages import parse_daily_roll_up, parse_roll_up
from fitbitd.simulator.google_health.replay import GoogleReplay
from fitbitd.simulator.google_health.routes import Call


def answer_from(replay: GoogleReplay, call: Call, asker: Asker) -> httpx.Response | None:
    """Answer a call from recordings; None if nothing of the kind was recorded."""
    name = call.method.name
    if not name.startswith("dataPoints."):
        return replay.other(name)
    data_type = DATA_TYPES[call.data_type]
    if name in {"dataPoints.get", "dataPoints.exportExerciseTcx"}:
        media = asker.query.get("alt") == "media"
        return replay.point(name, data_type.id, call.point, media=media)
    if name in {"dataPoints.rollUp", "dataPoints.dailyRollUp"}:
        parse = parse_roll_up if name == "dataPoints.rollUp" else parse_daily_roll_up
        request = parse(asker.content)
        asked = asker.content.decode()
        return replay.ranged(
            name, data_type, asked, lambda at: request.start_ms <= at < request.end_ms, "physical"
        )
    if asker.query.get("pageToken"):
        return json_response({})  # a recording is one page
    asked = asker.query.get("filter", "")
    wanted = parse_filter(asked, data_type)
    return replay.ranged(name, data_type, asked, wanted.holds, wanted.base or "physical")
