"""Where points come from: the watch, a scale, the phone, the wearer's hand."""

from fitbitd.simulator.measured import Source
from fitbitd.simulator.orders import BY_HAND

WATCH_NAME = "Pixel Watch 4"
SCALE_NAME = "Aria Air"

_WATCH = {"displayName": WATCH_NAME}

WATCH = Source("PASSIVELY_MEASURED", "FITBIT", _WATCH)
DERIVED = Source("DERIVED", "FITBIT", _WATCH)
STARTED = Source("ACTIVELY_MEASURED", "FITBIT", {"formFactor": "WATCH", **_WATCH})
NOTICED = Source("PASSIVELY_MEASURED", "FITBIT", {"formFactor": "WATCH", **_WATCH})
"""An exercise that nobody started."""
ACCOUNT = Source("DERIVED", "FITBIT")
"""Computed by the provider from all it knows."""
SCALE = Source(
    "ACTIVELY_MEASURED",
    "FITBIT",
    {"formFactor": "SCALE", "manufacturer": "Fitbit", "displayName": SCALE_NAME},
)
PHONE = Source(
    "UNKNOWN", "HEALTH_CONNECT", {}, {"packageName": "com.google.android.apps.healthdata"}
)
GLUCOSE_SENSOR = Source("UNKNOWN", "HEALTH_CONNECT", {}, {"packageName": "com.example.cgm"})
HAND = BY_HAND
