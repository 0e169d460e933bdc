"""What is measured: which member of Google's JSON is which of our fields, in which unit.

A list point and a rolled-up window of one data type have members of their own, so there are two
tables, both by Google's id. An absent number is no value, except where a member says `zero`:
Google leaves default values out, so an absent count of a worn minute is a true zero.

Source: the API's discovery document, revision 20261030 (a test compares them);
developers.google.com/health/data-types (read 2026-11-22).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from fitbitd.model import Field
from fitbitd.providers.google_health.members import slug


class Form(Enum):
    """How a value is written."""

    NUMBER = auto()
    SECONDS = auto()  # a duration, "900s"
    LENGTH = auto()  # not written: it is the length of the point's interval, in seconds
    FLAG = auto()  # a boolean; absent is false
    WORD = auto()  # a word that names the field; the value is 1


@dataclass(frozen=True, slots=True)
class Value:
    """One member, and the field that it is.

    Attributes:
        path: from the value block, or from an element of `each`, to the number.
        name: of the field; {} stands for the word at `key`.
        zero: absent means 0.
        key: the member whose word is a part of the name.
        each: the list whose elements hold `path` and `key`.
        words: the words known today, and what stands for each in `legacy`.
    """

    path: tuple[str, ...]
    name: str
    unit: str
    meaning: str
    form: Form = Form.NUMBER
    zero: bool = False
    key: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    legacy: str = ""

    def fields(self) -> Iterator[Field]:
        """Give the fields that the words known today make of it."""
        if not self.key:
            yield Field(self.name, self.unit, self.meaning, self.legacy)
        for word, old in self.words.items():
            legacy = self.legacy.format(old) if old else ""
            yield Field(self.name.format(slug(word)), self.unit, self.meaning, legacy)


def _path(member: str) -> tuple[str, ...]:
    return tuple(member.split(".")) if member else ()


def _v(member: str, name: str, unit: str, meaning: str, legacy: str = "") -> Value:
    return Value(_path(member), name, unit, meaning, legacy=legacy)


def _count(member: str, name: str, unit: str, meaning: str, legacy: str = "") -> Value:
    """Make a value whose absence is a true zero."""
    return Value(_path(member), name, unit, meaning, zero=True, legacy=legacy)


def _seconds(member: str, name: str, meaning: str) -> Value:
    return Value(_path(member), name, "s", meaning, Form.SECONDS)


def _flag(member: str, name: str, meaning: str, legacy: str = "") -> Value:
    return Value(_path(member), name, "", meaning, Form.FLAG, legacy=legacy)


def _length(name: str, meaning: str, key: str = "", words: str = "") -> Value:
    return Value((), name, "s", meaning, Form.LENGTH, key=_path(key), words=_words(words))


def _word(key: str, name: str, meaning: str, words: str) -> Value:
    return Value((), name, "", meaning, Form.WORD, key=_path(key), words=_words(words))


def _words(words: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(words.split(), ""))


def _stats(path: str, name: str) -> tuple[Value, ...]:
    """Give the three numbers of the breathing in one part of a night."""
    return (
        _v(f"{path}.breathsPerMinute", f"{name}.respiratory_rate", "1/min", "breaths per minute"),
        _v(f"{path}.standardDeviation", f"{name}.standard_deviation", "1/min", "its spread"),
        _v(f"{path}.signalToNoise", f"{name}.signal_to_noise", "", "how clear the signal was"),
    )


_LEVELS = _words("LIGHT MODERATE VIGOROUS")
_ACTIVITY = "SEDENTARY LIGHTLY_ACTIVE MODERATELY_ACTIVE VERY_ACTIVE"
_ACTIVE: Mapping[str, str] = MappingProxyType(  # being sedentary is another thing without a watch
    {"SEDENTARY": "", "LIGHTLY_ACTIVE": "daily_lightly_active.lightly_active"}
    | {"MODERATELY_ACTIVE": "daily_fairly_active.fairly_active"}
    | {"VERY_ACTIVE": "daily_very_active.very_active"}
)
_AZM = "FAT_BURN CARDIO PEAK"
_STROKES = "FREESTYLE BACKSTROKE BREASTSTROKE BUTTERFLY"
_MEALS = "BREAKFAST LUNCH DINNER SNACK"
_TIMINGS = "AFTER_MEAL BEFORE_MEAL FASTING GENERAL BEFORE_BED OVER_NIGHT"
_FITNESS = "POOR FAIR AVERAGE GOOD VERY_GOOD EXCELLENT"
_ZONES: Mapping[str, str] = MappingProxyType(
    {"LIGHT": "out_of_range", "MODERATE": "fat_burn", "VIGOROUS": "cardio", "PEAK": "peak"}
)
_STAGES: Mapping[str, str] = MappingProxyType(  # "awake" is "wake" or "awake" by a log's type
    {"AWAKE": "", "LIGHT": "light", "DEEP": "deep", "REM": "rem"}
    | {"ASLEEP": "asleep", "RESTLESS": "restless"}
)
_NUTRIENTS = _words(
    "BIOTIN CAFFEINE CALCIUM CHLORIDE CARBOHYDRATES CHOLESTEROL CHROMIUM COPPER DIETARY_FIBER "
    "FOLIC_ACID IODINE IRON MAGNESIUM MANGANESE MOLYBDENUM MONOUNSATURATED_FAT NIACIN "
    "PANTOTHENIC_ACID PHOSPHORUS POLYUNSATURATED_FAT POTASSIUM PROTEIN RIBOFLAVIN SATURATED_FAT "
    "SELENIUM SODIUM SUGAR THIAMIN TRANS_FAT UNSATURATED_FAT VITAMIN_A VITAMIN_B12 VITAMIN_B6 "
    "VITAMIN_C VITAMIN_D VITAMIN_E VITAMIN_K ZINC FOLATE"
)
_HEART_ZONE_TIMES = tuple(
    _seconds(
        f"metricsSummary.heartRateZoneDurations.{zone}Time", f"{zone}_zone", "time in the zone"
    )
    for zone in ("light", "moderate", "vigorous", "peak")
)
_GAIT = "metricsSummary.mobilityMetrics"
_RMSSD = "rootMeanSquareOfSuccessiveDifferencesMilliseconds"
_DEEP_RMSSD = "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds"


def _minutes_of(each: str, member: str) -> Value:
    return Value(
        (member,), "{}", "min", "minutes at the level",
        key=("activityLevel",), each=(each,), words=_LEVELS,
    )  # fmt: skip


def _in_zone(each: str, member: str, unit: str, form: Form, legacy: str = "") -> Value:
    return Value(
        (member,), "{}", unit, "in the heart rate zone", form,
        key=("heartRateZone",), each=(each,), words=_ZONES, legacy=legacy,
    )  # fmt: skip


def _zone_bound(member: str, name: str, meaning: str) -> Value:
    return Value(
        (member,), f"{{}}.{name}", "bpm", meaning, key=("heartRateZoneType",),
        each=("heartRateZones",), words=_ZONES, legacy=f"daily_heart_rate.{{}}.{name}",
    )  # fmt: skip


def _at_stage(member: str, name: str, unit: str, meaning: str) -> Value:
    return Value(
        (member,), f"summary.{{}}.{name}", unit, meaning, key=("type",),
        each=("summary", "stagesSummary"), words=_STAGES, legacy=f"sleep.summary.{{}}.{name}",
    )  # fmt: skip


def _nutrient(member: str) -> Value:
    return Value(
        ("quantity", member), "nutrient.{}", "g", "of the nutrient",
        key=("nutrient",), each=("nutrients",), words=_NUTRIENTS,
    )  # fmt: skip


# fmt: off
POINT: Mapping[str, tuple[Value, ...]] = MappingProxyType({
    "steps": (_count("count", "steps", "steps", "steps taken in the interval", "steps.steps"),),
    "distance": (_count("millimeters", "distance", "mm", "distance moved in the interval"),),
    "floors": (_count("count", "floors", "floors", "floors climbed in the interval"),),
    "altitude": (_count("gainMillimeters", "altitude_gain", "mm", "height gained; lost if < 0"),),
    "active-energy-burned": (
        _count("kcal", "active_energy_burned", "kcal", "energy burned by moving, basal left out"),),
    "basal-energy-burned": (
        _count("kcal", "basal_energy_burned", "kcal", "energy burned at rest"),),
    "active-minutes": (_minutes_of("activeMinutesByActivityLevel", "activeMinutes"),),
    "active-zone-minutes": (
        Value(("activeZoneMinutes",), "{}", "min", "active zone minutes; cardio and peak count 2",
              zero=True, key=("heartRateZone",), words=_words(_AZM)),),
    "activity-level": (_length("{}", "time at the level", "activityLevelType", _ACTIVITY),),
    "sedentary-period": (_length("sedentary", "time without moving"),),
    "time-in-heart-rate-zone": (
        Value((), "{}", "s", "time in the zone", Form.LENGTH,
              key=("heartRateZoneType",), words=_ZONES),),
    "swim-lengths-data": (
        Value(("strokeCount",), "{}", "strokes", "strokes of one length of the pool", zero=True,
              key=("swimStrokeType",), words=_words(_STROKES)),),
    "vo2-max": (_v("vo2Max", "vo2_max", "ml/kg/min", "cardio fitness"),),
    "run-vo2-max": (_v("runVo2Max", "vo2_max", "ml/kg/min", "cardio fitness, from a run"),),
    "daily-vo2-max": (
        _v("vo2Max", "vo2_max", "ml/kg/min", "cardio fitness"),
        _v("vo2MaxCovariance", "vo2_max_covariance", "", "how uncertain the estimate is"),
        _flag("estimated", "estimated", "1 if estimated without a run"),
        _word("cardioFitnessLevel", "cardio_fitness_level.{}", "1 for the day's level", _FITNESS)),
    "heart-rate": (
        _v("beatsPerMinute", "heart_rate", "bpm", "beats per minute", "heart_rate.heart_rate"),),
    "heart-rate-variability": (
        _v(_RMSSD, "rmssd", "ms", "root mean square of successive differences"),
        _v("standardDeviationMilliseconds", "sdnn", "ms", "standard deviation of the intervals"),
        _v("metadata.lowFrequencyPower", "low_frequency_power", "ms2", "slow variation"),
        _v("metadata.highFrequencyPower", "high_frequency_power", "ms2", "fast variation")),
    "oxygen-saturation": (
        _v("percentage", "oxygen_saturation", "%", "oxygen saturation of the blood"),),
    "respiratory-rate-sleep-summary": (
        *_stats("deepSleepStats", "deep"), *_stats("lightSleepStats", "light"),
        *_stats("remSleepStats", "rem"), *_stats("fullSleepStats", "full")),
    "daily-resting-heart-rate": (
        _v("beatsPerMinute", "resting_heart_rate", "bpm", "Google's estimate for the day",
           "daily_heart_rate.resting_heart_rate"),
        _word("dailyRestingHeartRateMetadata.calculationMethod", "calculation_method.{}",
              "1 for how it was estimated", "WITH_SLEEP ONLY_WITH_AWAKE_DATA")),
    "daily-heart-rate-variability": (
        _v("averageHeartRateVariabilityMilliseconds", "rmssd", "ms", "mean of the night"),
        _v(_DEEP_RMSSD, "deep_rmssd", "ms", "mean of deep sleep"),
        _v("nonRemHeartRateBeatsPerMinute", "non_rem_heart_rate", "bpm", "outside REM sleep"),
        _v("entropy", "entropy", "", "how irregular the intervals are")),
    "daily-heart-rate-zones": (
        _zone_bound("minBeatsPerMinute", "min", "where the zone begins"),
        _zone_bound("maxBeatsPerMinute", "max", "where the zone ends")),
    "daily-oxygen-saturation": (
        _v("averagePercentage", "oxygen_saturation_mean", "%", "mean of the night"),
        _v("lowerBoundPercentage", "oxygen_saturation_lower", "%", "lower confidence bound"),
        _v("upperBoundPercentage", "oxygen_saturation_upper", "%", "upper confidence bound"),
        _v("standardDeviationPercentage", "oxygen_saturation_deviation", "%", "its spread")),
    "daily-respiratory-rate": (
        _v("breathsPerMinute", "respiratory_rate", "1/min", "breaths per minute in sleep"),),
    "daily-sleep-temperature-derivations": (
        _v("nightlyTemperatureCelsius", "nightly_temperature", "Cel", "skin, mean of the night"),
        _v("baselineTemperatureCelsius", "baseline_temperature", "Cel", "skin, of the last nights"),
        _v("relativeNightlyStddev30dCelsius", "nightly_deviation_30d", "Cel", "its spread")),
    "core-body-temperature": (
        _v("temperatureCelsius", "core_body_temperature", "Cel", "body temperature"),),
    "weight": (_v("weightGrams", "weight", "g", "body weight"),),
    "body-fat": (
        _v("percentage", "body_fat", "%", "share of fat in the body weight", "weight.body_fat"),),
    "height": (_v("heightMillimeters", "height", "mm", "body height"),),
    "blood-glucose": (
        _v("bloodGlucoseMilligramsPerDeciliter", "blood_glucose", "mg/dl", "glucose in the blood"),
        _word("mealType", "meal_type.{}", "1 for the meal it belongs to", _MEALS),
        _word("measurementTiming", "timing.{}", "1 for when it was taken", _TIMINGS)),
    "skin-temperature-sensors": (
        Value(("temperatureCelsius",), "{}", "Cel", "temperature at the sensor",
              key=("metadata", "sensorType"), each=("sensorData",),
              words=_words("SKIN_TEMPERATURE_SENSOR INTERNAL_DEVICE_TEMPERATURE_SENSOR")),),
    "exercise": (
        _v("metricsSummary.caloriesKcal", "calories", "kcal", "energy burned"),
        _v("metricsSummary.distanceMillimeters", "distance", "mm", "distance moved"),
        _v("metricsSummary.steps", "steps", "steps", "steps taken"),
        _v("metricsSummary.averagePaceSecondsPerMeter", "pace_mean", "s/m", "mean pace"),
        _v("metricsSummary.averageSpeedMillimetersPerSecond", "speed_mean", "mm/s", "mean speed"),
        _v("metricsSummary.averageHeartRateBeatsPerMinute", "heart_rate_mean", "bpm", "mean"),
        _v("metricsSummary.elevationGainMillimeters", "elevation_gain", "mm", "height gained"),
        _v("metricsSummary.activeZoneMinutes", "active_zone_minutes", "min", "active zone minutes"),
        _v("metricsSummary.runVo2Max", "vo2_max", "ml/kg/min", "cardio fitness, from the run"),
        _v("metricsSummary.totalSwimLengths", "swim_lengths", "", "lengths of the pool"),
        *_HEART_ZONE_TIMES,
        _v(f"{_GAIT}.avgCadenceStepsPerMinute", "cadence_mean", "steps/min", "mean cadence"),
        _v(f"{_GAIT}.avgStrideLengthMillimeters", "stride_length_mean", "mm", "mean stride"),
        _v(f"{_GAIT}.avgVerticalOscillationMillimeters", "vertical_oscillation_mean", "mm", "mean"),
        _v(f"{_GAIT}.avgVerticalRatio", "vertical_ratio_mean", "", "oscillation by stride length"),
        _seconds(f"{_GAIT}.avgGroundContactTimeDuration", "ground_contact_mean", "mean"),
        _seconds("activeDuration", "active_duration", "time without pauses"),
        _v("exerciseMetadata.poolLengthMillimeters", "pool_length", "mm", "length of the pool"),
        _flag("exerciseMetadata.hasGps", "has_gps", "1 if the track has positions")),
    "sleep": (
        _v("summary.minutesAsleep", "minutes_asleep", "min", "time asleep",
           "sleep.minutes_asleep"),
        _v("summary.minutesAwake", "minutes_awake", "min", "time awake after falling asleep",
           "sleep.minutes_awake"),
        _v("summary.minutesToFallAsleep", "minutes_to_fall_asleep", "min", "time until asleep",
           "sleep.minutes_to_fall_asleep"),
        _v("summary.minutesAfterWakeUp", "minutes_after_wakeup", "min", "in bed after waking up",
           "sleep.minutes_after_wakeup"),
        _v("summary.minutesInSleepPeriod", "time_in_bed", "min", "from beginning to end",
           "sleep.time_in_bed"),
        _at_stage("minutes", "minutes", "min", "time in the stage"),
        _at_stage("count", "count", "", "stretches in the stage"),
        _flag("metadata.mainSleep", "main_sleep", "1 for the main sleep of its day",
              "sleep.main_sleep"),
        _flag("metadata.nap", "nap", "1 for a nap"),
        _flag("metadata.processed", "processed", "1 once the stages are worked out"),
        _flag("metadata.manuallyEdited", "manually_edited", "1 if a person moved its bounds")),
    "hydration-log": (_v("amountConsumed.milliliters", "amount", "ml", "drunk"),),
    "nutrition-log": (
        _v("energy.kcal", "energy", "kcal", "energy eaten"),
        _v("energyFromFat.kcal", "energy_from_fat", "kcal", "energy of its fat"),
        _v("totalCarbohydrate.grams", "total_carbohydrate", "g", "carbohydrates eaten"),
        _v("totalFat.grams", "total_fat", "g", "fat eaten"),
        _nutrient("grams"),
        _v("serving.amount", "servings", "", "how many of the serving's unit")),
    "electrocardiogram": (
        _v("beatsPerMinuteAvg", "heart_rate_mean", "bpm", "mean of the recording"),
        _v("leadNumber", "lead_number", "", "which lead was recorded"),
        _v("samplingFrequencyHertz", "sampling_frequency", "Hz", "samples per second"),
        _v("millivoltsScalingFactor", "scaling_factor", "1/mV", "raw counts of a millivolt")),
    "irregular-rhythm-notification": (),
    "moods": (), "symptoms": (), "menstrual-period": (), "ovulation-test": (),
    "food": (), "food-measurement-unit": (),
    "total-calories": (), "calories-in-heart-rate-zone": (),  # never as points
})

ROLLUP: Mapping[str, tuple[Value, ...]] = MappingProxyType({
    "steps": (_count("countSum", "steps", "steps", "steps taken", "daily_steps.steps"),),
    "distance": (_count("millimetersSum", "distance", "mm", "distance moved"),),
    "floors": (_count("countSum", "floors", "floors", "floors climbed"),),
    "altitude": (_count("gainMillimetersSum", "altitude_gain", "mm", "height gained"),),
    "active-energy-burned": (
        _count("kcalSum", "active_energy_burned", "kcal", "energy burned, basal left out"),),
    "total-calories": (_count("kcalSum", "total_calories", "kcal", "energy burned, with basal"),),
    "calories-in-heart-rate-zone": (
        _in_zone("caloriesInHeartRateZones", "kcal", "kcal", Form.NUMBER,
                 "daily_heart_rate.{}.calories"),),
    "active-minutes": (_minutes_of("activeMinutesRollupByActivityLevel", "activeMinutesSum"),),
    "active-zone-minutes": tuple(
        _count(f"sumIn{zone}HeartZone", name, "min", "active zone minutes; cardio and peak count 2")
        for zone, name in (("FatBurn", "fat_burn"), ("Cardio", "cardio"), ("Peak", "peak"))),
    "activity-level": (
        Value(("totalDuration",), "{}", "s", "time at the level", Form.SECONDS,
              key=("activityLevelType",), each=("activityLevelRollupsByActivityLevelType",),
              words=_ACTIVE, legacy="{}"),),
    "sedentary-period": (_seconds("durationSum", "sedentary", "time without moving"),),
    "time-in-heart-rate-zone": (_in_zone("timeInHeartRateZones", "duration", "s", Form.SECONDS),),
    "swim-lengths-data": (_count("strokeCountSum", "strokes", "strokes", "strokes swum"),),
    "run-vo2-max": (
        _v("rateAvg", "vo2_max_mean", "ml/kg/min", "mean"),
        _v("rateMax", "vo2_max_max", "ml/kg/min", "highest"),
        _v("rateMin", "vo2_max_min", "ml/kg/min", "lowest")),
    "heart-rate": (
        _v("beatsPerMinuteAvg", "heart_rate_mean", "bpm", "mean"),
        _v("beatsPerMinuteMax", "heart_rate_max", "bpm", "highest"),
        _v("beatsPerMinuteMin", "heart_rate_min", "bpm", "lowest")),
    "core-body-temperature": (
        _v("temperatureCelsiusAvg", "core_body_temperature_mean", "Cel", "mean"),
        _v("temperatureCelsiusMax", "core_body_temperature_max", "Cel", "highest"),
        _v("temperatureCelsiusMin", "core_body_temperature_min", "Cel", "lowest")),
    "weight": (_v("weightGramsAvg", "weight_mean", "g", "mean"),),
    "body-fat": (_v("bodyFatPercentageAvg", "body_fat_mean", "%", "mean"),),
    "blood-glucose": (
        _v("bloodGlucoseMilligramsPerDeciliterAvg", "blood_glucose_mean", "mg/dl", "mean"),),
    "hydration-log": (_v("amountConsumed.millilitersSum", "amount", "ml", "drunk"),),
    "nutrition-log": (
        _v("energy.kcalSum", "energy", "kcal", "energy eaten"),
        _v("energyFromFat.kcalSum", "energy_from_fat", "kcal", "energy of its fat"),
        _v("totalCarbohydrate.gramsSum", "total_carbohydrate", "g", "carbohydrates eaten"),
        _v("totalFat.gramsSum", "total_fat", "g", "fat eaten"),
        _nutrient("gramsSum")),
})
# fmt: on
