"""What comes of each recorded answer of Google: written down from the recorded JSON by hand."""

from dataclasses import dataclass

CHARGE = "fitbit / Charge 5 / passively_measured"
CHARGE_DERIVED = "fitbit / Charge 5 / derived"
PIXEL = "fitbit / Pixel Watch 4 / passively_measured"
PIXEL_ACTIVE = "fitbit / Pixel Watch 4 / actively_measured"
PIXEL_DERIVED = "fitbit / Pixel Watch 4 / derived"


@dataclass(frozen=True, slots=True)
class Said:
    """What comes of a recorded body.

    Attributes:
        data_type: ours, for which it is served.
        days: first and last day that is asked for.
        counts: of readings, sessions, parts of sessions, daily values, snapshots.
        lines: some of the rows, in words; see `rows`.
        refused: methods that Google refuses so that it is asked by the one of the recording.
        pages: how many requests it takes; a second one is answered with `{}`.
    """

    data_type: str
    days: str
    counts: tuple[int, int, int, int, int]
    lines: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    pages: int = 1


def readings(name: str, day: str, count: int, *lines: str, refused: str = "") -> Said:
    return Said(name, day, (count, 0, 0, 0, 0), lines, tuple(refused.split()))


def dailies(name: str, day: str, count: int, *lines: str, refused: str = "") -> Said:
    return Said(name, day, (0, 0, 0, count, 0), lines, tuple(refused.split()))


def sessions(name: str, day: str, count: int, parts: int, *lines: str, refused: str = "") -> Said:
    return Said(name, day, (0, count, parts, 0, 0), lines, tuple(refused.split()))


def snapshots(name: str, count: int, *lines: str, pages: int = 1) -> Said:
    return Said(name, "", (0, 0, 0, 0, count), lines, pages=pages)


SAID: dict[str, Said] = {
    "list/steps.json": readings(
        "steps", "2026-08-06", 1, f"steps=1 at 2026-08-06T12:01:00.000Z 60.0 s -14400 [{CHARGE}]"
    ),
    "list/steps-two-points.json": readings(
        "steps",
        "2026-09-24",
        2,
        f"steps=2 at 2026-09-24T14:58:00.000Z 60.0 s 32400 [{PIXEL}]",
        f"steps=44 at 2026-09-24T14:57:00.000Z 60.0 s 32400 [{PIXEL}]",
    ),
    "values/steps-true-zero-without-count.json": readings(
        "steps", "2026-11-02", 1, f"steps=0 at 2026-11-02T11:59:00.000Z 60.0 s 7200 [{PIXEL}]"
    ),
    "list/empty-braces.json": readings("steps", "2026-11-02", 0),
    "list/distance.json": readings(
        "distance",
        "2026-08-06",
        1,
        f"distance=700 at 2026-08-06T12:01:00.000Z 60.0 s -14400 [{CHARGE}]",
    ),
    "list/altitude.json": readings(
        "altitude",
        "2026-11-03",
        2,
        f"altitude_gain=3048 at 2026-11-03T09:31:00.000Z 60.0 s 7200 [{PIXEL}]",
        f"altitude_gain=-610 at 2026-11-03T09:30:00.000Z 60.0 s 7200 [{PIXEL}]",
    ),
    "list/active-energy-burned.json": readings(
        "active_energy_burned",
        "2026-08-07",
        1,
        "active_energy_burned=0.7933980000000002 at 2026-08-07T15:04:00.000Z 60.0 s -14400"
        f" [{CHARGE_DERIVED}]",
    ),
    "list/basal-energy-burned-empty.json": readings("basal_energy_burned", "2026-11-03", 0),
    "list/active-minutes.json": readings(
        "active_minutes",
        "2026-09-24",
        1,
        f"light=1 at 2026-09-24T14:59:00.000Z 60.0 s 32400 [{PIXEL_DERIVED}]",
    ),
    "list/active-zone-minutes.json": readings(
        "active_zone_minutes",
        "2026-08-05",
        1,
        f"fat_burn=1 at 2026-08-05T21:28:00.000Z 60.0 s -14400 [{CHARGE}]",
    ),
    "list/activity-level.json": readings(
        "activity_level",
        "2026-11-03",
        2,
        f"very_active=60 at 2026-11-03T09:32:00.000Z 60.0 s 7200 [{PIXEL_DERIVED}]",
        f"lightly_active=60 at 2026-11-03T09:31:00.000Z 60.0 s 7200 [{PIXEL_DERIVED}]",
    ),
    "list/sedentary-period.json": readings(
        "sedentary_period",
        "2026-11-03",
        1,
        f"sedentary=2820 at 2026-11-03T10:05:00.000Z 2820.0 s 7200 [{PIXEL_DERIVED}]",
    ),
    "list/time-in-heart-rate-zone.json": readings(
        "time_in_heart_rate_zone",
        "2026-11-03",
        2,
        f"moderate=60 at 2026-11-03T09:31:00.000Z 60.0 s 7200 [{PIXEL_DERIVED}]",
        f"light=60 at 2026-11-03T09:30:00.000Z 60.0 s 7200 [{PIXEL_DERIVED}]",
        refused="rollup reconcile",
    ),
    "list/swim-lengths-data.json": readings(
        "swim_lengths_data",
        "2026-11-03",
        1,
        f"freestyle=18 at 2026-11-03T17:02:10.000Z 31.0 s 7200 [{PIXEL_ACTIVE}]",
    ),
    "list/heart-rate.json": readings(
        "heart_rate",
        "2026-08-06",
        1,
        f"heart_rate=72 at 2026-08-06T12:01:29.000Z -14400 [{CHARGE}]",
    ),
    "list/heart-rate-variability.json": readings(
        "heart_rate_variability",
        "2026-11-03",
        6,
        f"rmssd=41.207 at 2026-11-03T02:40:00.000Z 7200 [{PIXEL}]",
        f"low_frequency_power=905.1 at 2026-11-03T02:35:00.000Z 7200 [{PIXEL}]",
        f"high_frequency_power=640.9 at 2026-11-03T02:40:00.000Z 7200 [{PIXEL}]",
    ),
    "list/oxygen-saturation.json": readings(
        "oxygen_saturation",
        "2026-11-03",
        2,
        f"oxygen_saturation=96.5 at 2026-11-03T03:01:33.000Z 7200 [{PIXEL}]",
        f"oxygen_saturation=97 at 2026-11-03T03:00:33.000Z 7200 [{PIXEL}]",
    ),
    "list/respiratory-rate-sleep-summary.json": readings(
        "respiratory_rate_sleep_summary",
        "2026-11-03",
        12,
        f"deep.respiratory_rate=13.2 at 2026-11-03T05:18:30.000Z 7200 [{PIXEL_DERIVED}]",
        f"full.signal_to_noise=9.9 at 2026-11-03T05:18:30.000Z 7200 [{PIXEL_DERIVED}]",
    ),
    "list/vo2-max.json": readings(
        "vo2_max",
        "2026-11-01",
        1,
        "vo2_max=43.8 at 2026-11-01T22:59:59.000Z 7200 [fitbit / derived / google_demographic]",
    ),
    "list/run-vo2-max.json": readings(
        "run_vo2_max",
        "2026-11-02",
        1,
        f"vo2_max=45.13 at 2026-11-02T16:41:10.000Z 7200 [{PIXEL_DERIVED}]",
    ),
    "list/weight.json": readings(
        "weight",
        "2026-08-07",
        1,
        "weight=81250 at 2026-08-07T14:46:22.749Z -14400 [fitbit / manual]",
    ),
    "list/body-fat.json": readings(
        "body_fat",
        "2026-11-03",
        1,
        "body_fat=18.4 at 2026-11-03T05:15:22.500Z 7200"
        " [fitbit / Aria Air / Fitbit / scale / actively_measured]",
    ),
    "list/height.json": readings(
        "height", "2020-02-01", 1, "height=1755 at 2020-02-01T11:00:00.000Z 3600 [fitbit / manual]"
    ),
    "list/blood-glucose.json": readings(
        "blood_glucose",
        "2026-11-03",
        2,
        "blood_glucose=104 at 2026-11-03T10:20:00.000Z 7200 [health_connect / com.example.cgm"
        " / unknown / continuous_glucose_monitoring / interstitial_fluid]",
    ),
    "list/core-body-temperature.json": readings(
        "core_body_temperature",
        "2026-11-03",
        1,
        "core_body_temperature=36.8 at 2026-11-03T07:00:00.000Z 7200 [fitbit / manual / mouth]",
    ),
    "list/skin-temperature-sensors-v4beta.json": readings(
        "skin_temperature_sensors",
        "2026-11-03",
        2,
        f"skin_temperature_sensor=33.91 at 2026-11-03T02:40:00.000Z 7200 [{PIXEL}]",
        f"internal_device_temperature_sensor=34.6 at 2026-11-03T02:40:00.000Z 7200 [{PIXEL}]",
    ),
    "list/exercise-walking.json": sessions(
        "exercise",
        "2026-08-05",
        1,
        2,
        "4100000000017326772 on 2026-08-05 from 2026-08-05T14:26:33Z"
        " to 2026-08-05T14:43:38Z -14400",
        "4100000000017326772 calories=130",
        "4100000000017326772 distance=1284300",
        "4100000000017326772 heart_rate_mean=80",
        "4100000000017326772 type: walking",
    ),
    "list/exercise-two-types.json": sessions(
        "exercise",
        "2026-09-24",
        2,
        2,
        "3326900000000000001 on 2026-09-24 from 2026-09-24T00:33:29Z to 2026-09-24T00:55:12Z 32400",
        "3326900000000000001 name: アクティビティ",
        "7140800000000000002 on 2026-09-24 from 2026-09-23T23:00:33Z to 2026-09-23T23:58:24Z 32400",
        "7140800000000000002 active_duration=3471",
    ),
    "list/exercise-codelab.json": sessions(
        "exercise",
        "2026-02-23",
        1,
        2,
        "8896700000000000003 on 2026-02-23 from 2026-02-23T13:10:00Z"
        " to 2026-02-23T13:25:00Z -18000",
        "8896700000000000003 steps=2038",
    ),
    "list/sleep-stages.json": sessions(
        "sleep",
        "2026-08-06",
        1,
        34 + 35,
        "4100000000013992873 on 2026-08-06 from 2026-08-06T01:30:00Z"
        " to 2026-08-06T11:07:00Z -14400",
        "4100000000013992873 minutes_asleep=569",
        "4100000000013992873 stages_status: succeeded",
        "4100000000013992873 stage deep at 2026-08-06T01:56:00Z 150 s",
    ),
    "list/hydration-log.json": sessions(
        "hydration_log",
        "2026-11-03",
        1,
        0,
        "5500000000000000015 on 2026-11-03 from 2026-11-03T10:00:00Z to 2026-11-03T10:00:00Z 7200",
        "5500000000000000015 amount=250",
    ),
    "list/nutrition-log.json": sessions(
        "nutrition_log",
        "2026-11-03",
        1,
        0,
        "5500000000000000016 on 2026-11-03 from 2026-11-03T11:30:00Z to 2026-11-03T11:45:00Z 7200",
        "5500000000000000016 energy_from_fat=3.5",
        "5500000000000000016 nutrient.sodium=0.001",
        "5500000000000000016 food: Banana",
    ),
    "write/nutrition-list-self.json": sessions(
        "nutrition_log",
        "2026-09-26",
        1,
        0,
        "531600000000000071 on 2026-09-26 from 2026-09-26T03:00:00Z to 2026-09-26T03:20:00Z 32400",
        "531600000000000071 total_carbohydrate=60",
    ),
    "list/empty-array.json": sessions("nutrition_log", "2026-11-03", 0, 0),
    "list/electrocardiogram.json": Said(
        "electrocardiogram",
        "2026-10-28",
        (16, 1, 0, 0, 0),
        (
            # 130 of 10922 steps in a millivolt, and -3 of them 15 samples of 4 ms later.
            f"waveform={130 / 10922!r} at 2026-10-28T17:12:30.222Z 0 [{PIXEL_ACTIVE}]",
            f"waveform={-3 / 10922!r} at 2026-10-28T17:12:30.282Z 0 [{PIXEL_ACTIVE}]",
            "5500000000000000020 on 2026-10-28 from 2026-10-28T17:12:30Z to 2026-10-28T17:12:30Z 0",
            "5500000000000000020 heart_rate_mean=70",
            "5500000000000000020 classification: normal_sinus_rhythm",
        ),
    ),
    "list/irregular-rhythm-notification.json": Said(
        "irregular_rhythm_notification",
        "2026-10-20",
        (2, 1, 1, 0, 0),
        (
            f"heart_rate=88 at 2026-10-20T01:00:00.410Z 7200 [{PIXEL_DERIVED}]",
            "5500000000000000021 alert_window positive at 2026-10-20T01:00:00Z 300 s",
        ),
    ),
    "list/moods.json": sessions(
        "moods",
        "2026-11-03",
        1,
        0,
        "mood-0001 moods: calm, grateful",
        "mood-0001 valences: pleasant",
    ),
    "list/symptoms.json": sessions(
        "symptoms", "2026-11-03", 1, 0, "symptom-0001 symptoms: headache, fatigue"
    ),
    "list/menstrual-period.json": sessions(
        "menstrual_period",
        "2026-10-29",
        1,
        0,
        "period-0001 on 2026-10-29 from 2026-10-28T22:00:00Z to 2026-11-01T22:00:00Z 7200",
    ),
    "list/ovulation-test.json": sessions(
        "ovulation_test", "2026-11-03", 1, 0, "ov-0001 result: negative"
    ),
    "list/daily-resting-heart-rate.json": dailies(
        "daily_resting_heart_rate",
        "2026-08-06",
        2,
        f"2026-08-06 resting_heart_rate=53 [{CHARGE_DERIVED}]",
    ),
    "list/daily-oxygen-saturation.json": dailies(
        "daily_oxygen_saturation",
        "2026-08-06",
        3,
        f"2026-08-06 oxygen_saturation_lower=97.9 [{CHARGE}]",
        f"2026-08-06 oxygen_saturation_upper=100 [{CHARGE}]",
    ),
    "list/daily-heart-rate-variability.json": dailies(
        "daily_heart_rate_variability",
        "2026-11-02 2026-11-03",
        7,
        f"2026-11-03 deep_rmssd=37.2 [{PIXEL_DERIVED}]",
        f"2026-11-02 non_rem_heart_rate=53 [{PIXEL_DERIVED}]",
    ),
    "list/daily-heart-rate-zones.json": dailies(
        "daily_heart_rate_zones",
        "2026-11-03",
        8,
        "2026-11-03 light.min=30 [fitbit / derived]",
        "2026-11-03 peak.max=220 [fitbit / derived]",
        refused="reconcile",
    ),
    "list/daily-respiratory-rate.json": dailies(
        "daily_respiratory_rate",
        "2026-11-03",
        1,
        f"2026-11-03 respiratory_rate=14.4 [{PIXEL_DERIVED}]",
    ),
    "list/daily-sleep-temperature-derivations.json": dailies(
        "daily_sleep_temperature_derivations",
        "2026-11-03",
        3,
        f"2026-11-03 nightly_temperature=33.412 [{PIXEL_DERIVED}]",
    ),
    "list/daily-vo2-max.json": dailies(
        "daily_vo2_max", "2026-11-03", 4, "2026-11-03 vo2_max_covariance=4.12 [fitbit / derived]"
    ),
    "list/food.json": snapshots("food", 1, "81409 Banana", pages=2),
    "list/food-measurement-unit.json": snapshots("food_measurement_unit", 2, "204 medium"),
    "reconcile/steps.json": readings(
        "steps",
        "2026-11-03",
        2,
        "steps=112 at 2026-11-03T09:32:00.000Z 60.0 s 7200 []",
        refused="list",
    ),
    "reconcile/floors.json": readings(
        "floors",
        "2026-11-03",
        1,
        "floors=2 at 2026-11-03T14:31:00.000Z 60.0 s 7200 []",
        refused="rollup",
    ),
    "reconcile/heart-rate.json": readings(
        "heart_rate",
        "2026-11-03",
        2,
        "heart_rate=121 at 2026-11-03T09:31:02.000Z 7200 []",
        refused="list",
    ),
    "reconcile/sleep-docs-example.json": sessions(
        "sleep",
        "2026-03-04",
        1,
        0,
        "2724100000000000030 on 2026-03-04 from 2026-03-03T20:57:30Z to 2026-03-04T04:41:30Z 0",
        "2724100000000000030 summary.deep.minutes=114",
        refused="list",
    ),
    "reconcile/weight-wearables-family-empty.json": readings(
        "weight", "2026-11-03", 0, refused="list"
    ),
    "rollup/steps-60s.json": readings(
        "hourly_steps",
        "2026-11-03",
        3,
        "steps=112 at 2026-11-03T09:32:00.000Z 60.0 s 0 []",
        "steps=0 at 2026-11-03T09:30:00.000Z 60.0 s 0 []",
    ),
    "rollup/heart-rate-900s.json": readings(
        "hourly_heart_rate",
        "2026-11-03",
        6,
        "heart_rate_mean=118.38 at 2026-11-03T09:30:00.000Z 900.0 s 0 []",
        "heart_rate_min=62 at 2026-11-03T09:15:00.000Z 900.0 s 0 []",
    ),
    "rollup/total-calories-3600s.json": readings(
        "total_calories",
        "2026-11-03",
        2,
        "total_calories=311.88 at 2026-11-03T09:00:00.000Z 3600.0 s 0 []",
    ),
    "rollup/with-next-page-token.json": Said(
        "hourly_steps",
        "2026-03-01",
        (1, 0, 0, 0, 0),
        ("steps=9037 at 2026-03-01T00:00:00.000Z 86400.0 s 0 []",),
        pages=2,
    ),
    "rollup/valueless-window.json": dailies("daily_steps", "2026-03-01", 0),
    "daily-rollup/steps.json": dailies(
        "daily_steps",
        "2026-09-24 2026-09-25",
        2,
        "2026-09-25 steps=9525 []",
        "2026-09-24 steps=6859 []",
    ),
    "daily-rollup/total-calories-7d.json": dailies(
        "daily_total_calories",
        "2026-09-19 2026-09-25",
        7,
        "2026-09-25 total_calories=2816.76971 []",
        "2026-09-19 total_calories=3378.632187 []",
    ),
    "account/identity.json": snapshots("identity", 1, "identity 1000000000000000001"),
    "account/irn-profile.json": snapshots("irn_profile", 1, "irn_profile 2026-11-03T05:10:00Z"),
    "account/profile.json": snapshots("profile", 1, "profile 726"),
    "account/profile-age-only.json": snapshots("profile", 1, "profile 40"),
    "account/settings.json": snapshots("settings", 1, "settings Europe/London"),
    "account/paired-devices.json": snapshots(
        "paired_devices",
        2,
        "2000000001 2026-11-03T10:31:07.412Z",
        "2000000002 Aria Air",
        "2000000001 synced 1793701867412",
    ),
    "account/paired-devices-none.json": snapshots("paired_devices", 0),
}
"""By the recording; those of single days that were rolled up are below."""

DAY = "2026-11-03"
SAID |= {
    f"daily-rollup/{name}.json": dailies(
        f"daily_{name.replace('-', '_')}", DAY, count, *(f"{DAY} {row} []" for row in rows)
    )
    for name, count, *rows in (
        ("distance", 1, "distance=7431200"),
        ("floors", 1, "floors=11"),
        ("altitude", 1, "altitude_gain=33528"),
        ("active-energy-burned", 1, "active_energy_burned=702.4183"),
        ("active-minutes", 3, "light=144", "moderate=21", "vigorous=48"),
        ("active-zone-minutes", 3, "fat_burn=19", "cardio=36", "peak=0"),
        ("activity-level", 4, "sedentary=40320", "moderately_active=1260"),
        ("heart-rate", 3, "heart_rate_mean=73.4", "heart_rate_max=143", "heart_rate_min=46"),
        ("time-in-heart-rate-zone", 3, "light=51240", "peak=300"),
        ("calories-in-heart-rate-zone", 4, "light=1713.2", "vigorous=130.4", "peak=0"),
        ("sedentary-period", 1, "sedentary=38820"),
        ("swim-lengths-data", 1, "strokes=612"),
        ("run-vo2-max", 3, "vo2_max_mean=45.1", "vo2_max_min=44.2"),
        ("weight", 1, "weight_mean=81180"),
        ("body-fat", 1, "body_fat_mean=18.35"),
        ("blood-glucose", 1, "blood_glucose_mean=103.7"),
        ("core-body-temperature", 3, "core_body_temperature_max=37.1"),
        ("hydration-log", 1, "amount=2500"),
        ("nutrition-log", 4, "energy=1800", "total_carbohydrate=210.5", "nutrient.protein=96.4"),
    )
}

TRACKS = {
    "tcx/outdoor-gps.tcx": "application/vnd.garmin.tcx+xml",
    "tcx/outdoor-gps-json-wrapper.json": "application/json",
}

NOT_ASKED = {
    "get/exercise.json": "list/exercise-walking.json",
    "account/paired-device.json": "account/paired-devices.json",
    "write/nutrition-create-operation.json": "write/nutrition-list-self.json",
    "webhooks/notification-upsert.json": "list/steps.json",
    "webhooks/notification-delete.json": "list/steps.json",
    "webhooks/verification.json": "list/steps.json",
    "webhooks/subscriber.json": "list/steps.json",
}
"""Answers to what is never asked: each comes in place of the answer that is named."""
