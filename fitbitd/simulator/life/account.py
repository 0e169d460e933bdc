"""What the account itself says: settings, profile, identity, devices. Pure."""

from datetime import datetime
from typing import Any

from fitbitd.simulator.life.sources import SCALE_NAME, WATCH_NAME
from fitbitd.simulator.life.values import ms, seconds, stamp
from fitbitd.simulator.wearer import Wearer

_FIRST_HEALTH_ID = 1_000_000_000_000_000_000
WATCH_IDS, SCALE_ID = ("2000000001", "2000000003"), "2000000002"
"""The first watch and the one that replaces it; a scale."""
_FEATURES = (
    *("STEPS", "DISTANCE", "CALORIES", "HEART_RATE", "SLEEP", "SMART_SLEEP", "GPS", "SPO2"),
    *("SKIN_TEMPERATURE", "ACTIVE_ZONE_MINUTES"),
)


def health_user_id(wearer: Wearer) -> str:
    """Give the account's id, made from the legacy one so that two wearers differ."""
    return str(_FIRST_HEALTH_ID + int.from_bytes(wearer.user_id.encode()[:7]))


def identity(wearer: Wearer, _now: datetime) -> dict[str, Any]:
    """Name the account with both providers' ids."""
    return {
        "name": "users/me/identity",
        "legacyUserId": wearer.user_id,
        "healthUserId": health_user_id(wearer),
    }


def profile(wearer: Wearer, _now: datetime) -> dict[str, Any]:
    """Describe the wearer."""
    since = wearer.member_since
    return {
        "name": "users/me/profile",
        "age": 40,
        "membershipStartDate": {"year": since.year, "month": since.month, "day": since.day},
        "autoWalkingStrideLengthMm": 726,
        "autoRunningStrideLengthMm": 1052,
    }


def settings(wearer: Wearer, now: datetime) -> dict[str, Any]:
    """Give the settings; the zone is that of the last upload, so it lags behind a traveller."""
    uploaded = wearer.uploaded_at(now)
    at_s = int((uploaded or now).timestamp())
    return {
        "name": "users/me/settings",
        "autoStrideEnabled": True,
        "distanceUnit": "DISTANCE_UNIT_KILOMETERS",
        "glucoseUnit": "GLUCOSE_UNIT_MG_DL",
        "heightUnit": "HEIGHT_UNIT_CENTIMETERS",
        "languageLocale": "en_GB",
        "foodLanguageCode": "en-GB",
        "strideLengthRunningType": "STRIDE_LENGTH_TYPE_DEFAULT",
        "strideLengthWalkingType": "STRIDE_LENGTH_TYPE_DEFAULT",
        "swimUnit": "SWIM_UNIT_METERS",
        "temperatureUnit": "TEMPERATURE_UNIT_CELSIUS",
        "timeZone": wearer.zone_at(at_s),
        "utcOffset": seconds(wearer.offset_at(at_s)),
        "waterUnit": "WATER_UNIT_ML",
        "weightUnit": "WEIGHT_UNIT_KILOGRAMS",
    }


def irn_profile(wearer: Wearer, _now: datetime) -> dict[str, Any]:
    """Say that the wearer enrolled for irregular rhythm notifications an hour into membership."""
    since = datetime.combine(wearer.member_since, datetime.min.time())
    return {
        "name": "users/me/irnProfile",
        "onboardingStatus": True,
        "enrollmentStatus": True,
        "updateTime": f"{since:%Y-%m-%d}T12:00:00Z",
    }


def paired_devices(wearer: Wearer, now: datetime) -> dict[str, Any]:
    """List the watch with its last sync, and the scale."""
    prefix = f"users/{health_user_id(wearer)}/pairedDevices"
    devices = []
    for turn, synced in wearer.watches(now):
        devices.append(
            {
                "name": f"{prefix}/{WATCH_IDS[turn]}",
                "deviceType": "TRACKER",
                "deviceVersion": WATCH_NAME,
                "batteryStatus": "High",
                "batteryLevel": 85,
                "lastSyncTime": stamp(ms(synced)),
                "macAddress": f"02:00:00:00:00:0{1 + 2 * turn}",
                "features": list(_FEATURES),
            }
        )
    uploaded = wearer.uploaded_at(now)
    if wearer.has_scale and uploaded is not None:
        devices.append(
            {
                "name": f"{prefix}/{SCALE_ID}",
                "deviceType": "SCALE",
                "deviceVersion": SCALE_NAME,
                "batteryStatus": "Medium",
                "batteryLevel": 50,
                "lastSyncTime": stamp(ms(uploaded)),
                "macAddress": "02:00:00:00:00:02",
                "features": [],
            }
        )
    return {"pairedDevices": devices} if devices else {}
