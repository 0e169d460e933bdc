"""What a wearer's life hands to a provider's API: measured points and where each came from.

A point knows instants, offsets and its source; how an API writes times, names and pages is the
business of that API's simulator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """Where a point came from.

    Attributes:
        recording_method: "PASSIVELY_MEASURED", "ACTIVELY_MEASURED", "MANUAL" or "DERIVED".
        platform: "FITBIT", "HEALTH_CONNECT" ...
        device: its JSON members (`displayName` ...); None if the API names no device.
        application: its JSON members (`packageName` ...); None if it names none.
    """

    recording_method: str
    platform: str
    device: Mapping[str, str] | None = None
    application: Mapping[str, str] | None = None

    def json(self) -> dict[str, Any]:
        """Write the source as `dataSource`; what is absent is left out."""
        body: dict[str, Any] = {
            "recordingMethod": self.recording_method,
            "platform": self.platform,
        }
        if self.device is not None:
            body["device"] = dict(self.device)
        if self.application is not None:
            body["application"] = dict(self.application)
        return body


@dataclass(frozen=True, slots=True)
class Point:
    """One data point of one source.

    Attributes:
        start_ms: Unix milliseconds; equal to `end_ms` for samples.
        end_ms: the first instant that is no longer part of it.
        start_offset_s: the offset from UTC at the start, as recorded with the point.
        end_offset_s: the same at the end.
        source: where it came from.
        value: the value object with Google's JSON names and conventions (int64 as strings), without
            `interval`, `sampleTime` or `date`.
        point_id: the last part of its name; only types with identifiable points have one.
        day: the civil date of a `daily-*` point.
        created_ms: when the provider first stored it; sleep and exercise only.
        updated_ms: when the provider last changed it; sleep and exercise only.
    """

    start_ms: int
    end_ms: int
    start_offset_s: int
    end_offset_s: int
    source: Source
    value: Mapping[str, Any]
    point_id: str | None = None
    day: date | None = None
    created_ms: int | None = None
    updated_ms: int | None = None
