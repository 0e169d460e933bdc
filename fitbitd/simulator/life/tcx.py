"""The track of an exercise as Garmin's TCX v2, in the shape of exports seen in the wild. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from fitbitd.simulator.life.exercises import Exercise
from fitbitd.simulator.life.lived import MINUTE_MS, Lived
from fitbitd.simulator.life.minutes import distance_mm, kcal
from fitbitd.simulator.life.sources import WATCH_NAME

_HEAD = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
    <Activities>
        <Activity Sport="{sport}">
            <Id>{start}</Id>
            <Lap StartTime="{start}">
                <TotalTimeSeconds>{length_s}</TotalTimeSeconds>
                <DistanceMeters>{far_m}</DistanceMeters>
                <Calories>{kcal}</Calories>
                <Intensity>Active</Intensity>
                <TriggerMethod>Manual</TriggerMethod>
                <Track>
"""
_POINT = """                    <Trackpoint>
                        <Time>{time}</Time>
{position}                        <DistanceMeters>{far_m}</DistanceMeters>
                        <HeartRateBpm>
                            <Value>{bpm}</Value>
                        </HeartRateBpm>
                    </Trackpoint>
"""
_POSITION = """                        <Position>
                            <LatitudeDegrees>{north}</LatitudeDegrees>
                            <LongitudeDegrees>-30.000000</LongitudeDegrees>
                        </Position>
                        <AltitudeMeters>108.4</AltitudeMeters>
"""
_TAIL = f"""                </Track>
            </Lap>
            <Creator xsi:type="Device_t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
                <Name>Google {WATCH_NAME}</Name>
                <UnitId>0</UnitId>
                <ProductID>0</ProductID>
            </Creator>
        </Activity>
    </Activities>
</TrainingCenterDatabase>
"""
_MM_PER_DEGREE = 111_195_000
_STEP_S = 5


def tcx(lived: Lived, one: Exercise) -> str:
    """Write the track: to the north along a meridian in mid-Atlantic, or without places."""
    offset_s = lived.wearer.offset_at(one.start_ms // 1000)
    head = _HEAD.format(
        sport="Running" if one.gps else "Other",
        start=_time(one.start_ms, offset_s),
        length_s=(one.end_ms - one.start_ms) / 1000,
        far_m=sum(map(distance_mm, one.minutes)) / 1000,
        kcal=round(sum(map(kcal, one.minutes))),
    )
    return head + "".join(_points(one, offset_s)) + _TAIL


def _points(one: Exercise, offset_s: int) -> Iterator[str]:
    run_mm = 0
    for minute in one.minutes:
        for second in range(0, 60, _STEP_S):
            at_ms = minute.start_ms + 1000 * second
            far_mm = run_mm + distance_mm(minute) * second * 1000 // MINUTE_MS
            if one.start_ms <= at_ms < one.end_ms:
                place = _POSITION.format(north=48 + far_mm / _MM_PER_DEGREE) if one.gps else ""
                time = _time(at_ms, offset_s)
                yield _POINT.format(time=time, position=place, far_m=far_mm / 1000, bpm=minute.bpm)
        run_mm += distance_mm(minute)


def _time(at_ms: int, offset_s: int) -> str:
    zone = timezone(timedelta(seconds=offset_s))
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    return at.isoformat(timespec="milliseconds")
