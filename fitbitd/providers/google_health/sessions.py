"""Data points with an identity to sessions: nights, workouts, meals, recordings, moods.

What their numbers are stands in the table of values; their words and stretches are listed here. A
recording of the heart also holds readings.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fitbitd.model import Member, Page, Part, Point, Readings, Session
from fitbitd.providers.google_health.asked import Asked
from fitbitd.providers.google_health.capability import Capability
from fitbitd.providers.google_health.measure import measured
from fitbitd.providers.google_health.members import (
    MISREAD,
    Unread,
    UnreadError,
    dig,
    elements,
    flag,
    last_of,
    number,
    whole,
    word,
    words,
)
from fitbitd.providers.google_health.sources import Source, source_of
from fitbitd.providers.google_health.times import Times, civil_day
from fitbitd.providers.google_health.values import POINT

_FASTEST_HZ = 1000  # a sample has a millisecond of its own


@dataclass(frozen=True, slots=True)
class _Label:
    path: tuple[str, ...]
    name: str
    free: bool = False  # written by a person, not a word of a list


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A list of parts: where it is, and the member that labels each of them."""

    member: str
    kind: str
    label: str = ""
    start: str = "startTime"
    end: str = "endTime"


@dataclass(frozen=True, slots=True)
class _Span:
    start_ms: int
    end_ms: int
    start_offset_s: int
    end_offset_s: int


_DEVICE = (
    ("deviceModel", "device_model"),
    ("firmwareVersion", "firmware_version"),
    ("featureVersion", "feature_version"),
    ("algorithmVersion", "algorithm_version"),
    ("serviceVersion", "service_version"),
)
_MADE_BY = tuple(_Label(("medicalDeviceInfo", theirs), ours, free=True) for theirs, ours in _DEVICE)
_LOGGED = (
    _Label(("createTime",), "create_time", free=True),
    _Label(("updateTime",), "update_time", free=True),
)
_NOTES = _Label(("notes",), "notes", free=True)

_LABELS: Mapping[str, tuple[_Label, ...]] = MappingProxyType(
    {
        "sleep": (
            _Label(("type",), "type"),
            _Label(("metadata", "stagesStatus"), "stages_status"),
            _Label(("metadata", "externalId"), "external_id", free=True),
            *_LOGGED,
        ),
        "exercise": (
            _Label(("exerciseType",), "type"),
            _Label(("displayName",), "name", free=True),
            _NOTES,
            *_LOGGED,
        ),
        "hydration-log": (_Label(("amountConsumed", "userProvidedUnit"), "unit"),),
        "nutrition-log": (
            _Label(("mealType",), "meal_type"),
            _Label(("foodDisplayName",), "food", free=True),
            _Label(("food",), "food_id", free=True),
            _Label(("serving", "foodMeasurementUnitDisplayName"), "serving_unit", free=True),
        ),
        "electrocardiogram": (_Label(("resultClassification",), "classification"), *_MADE_BY),
        "irregular-rhythm-notification": _MADE_BY,
        "moods": (_Label(("moods",), "moods"), _Label(("valences",), "valences")),
        "symptoms": (_Label(("symptoms",), "symptoms"),),
        "menstrual-period": (_NOTES,),
        "ovulation-test": (_Label(("result",), "result"),),
    }
)

_STRETCHES: Mapping[str, tuple[_Stretch, ...]] = MappingProxyType(
    {
        "sleep": (
            _Stretch("stages", "stage", "type"),
            _Stretch("shortAwakenings", "short_awakening", "type"),
            _Stretch("outOfBedSegments", "out_of_bed"),
        ),
        "exercise": (
            _Stretch("splits", "split", "splitType"),
            _Stretch("splitSummaries", "split_summary", "splitType"),
            _Stretch("exerciseEvents", "event", "exerciseEventType", "eventTime", "eventTime"),
        ),
        "irregular-rhythm-notification": (_Stretch("alertWindows", "alert_window", "positive"),),
    }
)


def read_sessions(rows: list[Any], row: Capability, asked: Asked) -> Page:
    """Read the sessions whose beginning, or end where Google selects by it, lies in the window."""
    times, unread, outside = Times(), Unread(), 0
    sessions: list[Session] = []
    readings: list[Readings] = []
    for point in rows:
        try:
            block = point[row.key]
            span = _span(block, times)
            if not _asked_for(span, row, asked):
                outside += 1
                continue
            source = source_of(point.get("dataSource"))
            session = _session(point, row, span, source, times)
            inside = tuple(_inside(block, row, span, source, times))
        except MISREAD as err:
            unread.add(err, row.key)
            continue
        sessions.append(session)
        readings += inside
    return Page(
        tuple(readings),
        tuple(sessions),
        outside=outside,
        unread=unread.count,
        unread_why=unread.why,
    )


def _asked_for(span: _Span, row: Capability, asked: Asked) -> bool:
    if row.filter.selects is Member.END:
        return asked.holds(span.end_ms, span.end_offset_s)
    return asked.holds(span.start_ms, span.start_offset_s)


def _session(
    point: dict[str, Any], row: Capability, span: _Span, source: Source, times: Times
) -> Session:
    block = point[row.key]
    by_end = row.filter.selects is Member.END
    day = (
        civil_day(span.end_ms, span.end_offset_s)
        if by_end
        else civil_day(span.start_ms, span.start_offset_s)
    )
    labels = dict(_labels(block, _LABELS[row.id]))
    if source.text:
        labels["source"] = source.text
    return Session(
        key=_key(point, span, source),
        day=day,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        utc_offset_s=span.start_offset_s,
        values=tuple(measured(block, POINT[row.id]).items()),
        labels=tuple(labels.items()),
        parts=tuple(
            part
            for stretch in _STRETCHES.get(row.id, ())
            for part in _parts(block.get(stretch.member), stretch, times)
        ),
    )


def _key(point: dict[str, Any], span: _Span, source: Source) -> str:
    """Give Google's id; where it gives none, one made of what will not change."""
    for member in ("name", "dataPointName"):
        if point.get(member) is not None:
            return last_of(point[member], member)
    return f"{span.start_ms}-{span.end_ms}-{source.text}"


def _span(block: Any, times: Times) -> _Span:
    sample = block.get("sampleTime")
    if sample is not None:
        at_ms = times.instant_ms(sample["physicalTime"], "physicalTime")
        offset_s = times.offset_s(sample.get("utcOffset"), "utcOffset")
        return _Span(at_ms, at_ms, offset_s, offset_s)
    interval = block["interval"]
    span = _Span(
        times.instant_ms(interval["startTime"], "startTime"),
        times.instant_ms(interval["endTime"], "endTime"),
        times.offset_s(interval.get("startUtcOffset"), "startUtcOffset"),
        times.offset_s(interval.get("endUtcOffset"), "endUtcOffset"),
    )
    if span.end_ms < span.start_ms:
        raise UnreadError("endTime")
    return span


def _labels(block: Any, labels: tuple[_Label, ...]) -> Iterator[tuple[str, str]]:
    for label in labels:
        said = dig(block, label.path)
        if said is None or said in ("", []):
            continue
        member = label.path[-1]
        if label.free:
            yield label.name, words(said, member)
        else:
            several = said if isinstance(said, list) else [said]
            yield label.name, ", ".join(word(each, member) for each in several)


def _parts(rows: Any, stretch: _Stretch, times: Times) -> Iterator[Part]:
    for part in elements(rows, stretch.member):
        start_ms = times.instant_ms(part[stretch.start], stretch.member)
        end_ms = times.instant_ms(part[stretch.end], stretch.member)
        if end_ms < start_ms:
            raise UnreadError(stretch.member)
        yield Part(stretch.kind, _label(part, stretch), start_ms, end_ms - start_ms)


def _label(part: dict[str, Any], stretch: _Stretch) -> str:
    if stretch.label == "positive":
        return "positive" if flag(part.get("positive"), "positive") else "negative"
    said = part.get(stretch.label)
    return stretch.kind if said is None else word(said, stretch.label)


def _inside(
    block: Any, row: Capability, span: _Span, source: Source, times: Times
) -> Iterator[Readings]:
    """Give the readings that a session holds."""
    reader = _READERS.get(row.id)
    if reader is None:
        return
    field, found = reader(block, span, times)
    for offset_s, points in found.items():
        yield Readings(field, source.text, offset_s, points, source.preference)


def _waveform(block: Any, span: _Span, _times: Times) -> tuple[str, dict[int, list[Point]]]:
    samples = elements(block.get("waveformSamples"), "waveformSamples")
    if not samples:
        return "waveform", {}
    rate_hz = whole(block.get("samplingFrequencyHertz"), "samplingFrequencyHertz")
    counts = whole(block.get("millivoltsScalingFactor"), "millivoltsScalingFactor")
    if not 0 < rate_hz <= _FASTEST_HZ or counts <= 0:
        raise UnreadError("samplingFrequencyHertz or millivoltsScalingFactor")
    points: list[Point] = [
        (span.start_ms + index * 1000 // rate_hz, whole(sample, "waveformSamples") / counts, None)
        for index, sample in enumerate(samples)
    ]
    return "waveform", {span.start_offset_s: points}


def _beats(block: Any, _span: _Span, times: Times) -> tuple[str, dict[int, list[Point]]]:
    found: dict[int, list[Point]] = {}
    for window in elements(block.get("alertWindows"), "alertWindows"):
        for beat in elements(window.get("heartBeats"), "heartBeats"):
            value = number(beat["beatsPerMinute"], "beatsPerMinute")
            at_ms = times.instant_ms(beat["physicalTime"], "physicalTime")
            offset_s = times.offset_s(beat.get("utcOffset"), "utcOffset")
            if value is not None:
                found.setdefault(offset_s, []).append((at_ms, value, None))
    return "heart_rate", found


_READERS: Mapping[str, Callable[[Any, _Span, Times], tuple[str, dict[int, list[Point]]]]] = (
    MappingProxyType({"electrocardiogram": _waveform, "irregular-rhythm-notification": _beats})
)
