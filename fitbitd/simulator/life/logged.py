"""What the wearer typed or measured on purpose, a little on most days. Pure.

Values typed late are about an earlier hour: the provider shows them from the instant of typing.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from fitbitd.simulator.life.batches import Batch
from fitbitd.simulator.life.lived import MINUTE_MS, Lived
from fitbitd.simulator.life.sources import (
    DERIVED,
    GLUCOSE_SENSOR,
    HAND,
    SCALE,
    STARTED,
    WATCH_NAME,
)
from fitbitd.simulator.life.values import Value, seconds, stamp
from fitbitd.simulator.measured import Point, Source

Log = tuple[int, int, Source, Value]
"""Start and end (ms), source, value."""

_FIRST_ID = 5_500_000_000_000_000_000
_HOUR_MS = 60 * MINUTE_MS
_LATE_IN = 3
"""One value in so many is typed hours later."""
_CYCLE_DAYS = 28
_WAVE = (130, 176, 252, 365, 512, 701, 640, 402, 188, 66, -12, -48, -51, -40, -22, -3)


def logged(type_id: str, lived: Lived) -> list[Batch]:
    """Tell the logs of one type that begin on a day."""
    typed, rule = RULES[type_id]
    number = _FIRST_ID + lived.day.toordinal() * 10_000 + 100 * list(RULES).index(type_id)
    rng, late = lived.rng(type_id), lived.rng(f"late {type_id}")
    batches = []
    for i, (start_ms, end_ms, source, value) in enumerate(rule(lived, rng)):
        wearer = lived.wearer
        if not typed and not wearer.keeps(start_ms // 1000, end_ms // 1000 + 1):
            continue
        offsets = wearer.offset_at(start_ms // 1000), wearer.offset_at(end_ms // 1000)
        prefix = "hc-" if source.platform == "HEALTH_CONNECT" else ""  # apps choose their own ids
        point_id = f"{prefix}{number + i}"
        point = Point(start_ms, end_ms, *offsets, source, value, point_id=point_id)
        by_hand = source is HAND and late.randrange(_LATE_IN) == 0
        ready_ms = end_ms + (late.randrange(1, 20) * _HOUR_MS if by_hand else 0)
        batches.append(Batch((point,), ready_ms, typed=typed))
    return batches


def _at(lived: Lived, rng: Random, first_hour: int, last_hour: int) -> int:
    return lived.bounds_ms[0] + MINUTE_MS * rng.randrange(60 * first_hour, 60 * last_hour)


def _weighed_at(lived: Lived) -> int | None:
    """Give the instant of the day's weighing, shared by all that a scale measures."""
    rng = lived.rng("weighing")
    at_ms = _at(lived, rng, 6, 8) + rng.randrange(0, 60_000, 500)
    return at_ms if rng.randrange(3) == 0 else None


def _weight(lived: Lived, rng: Random) -> Iterator[Log]:
    at_ms = _weighed_at(lived)
    if at_ms is not None:
        grams = 81_250 + lived.day.toordinal() % 60 * 20 + rng.randrange(-400, 400, 50)
        yield at_ms, at_ms, SCALE if lived.wearer.has_scale else HAND, {"weightGrams": grams}


def _body_fat(lived: Lived, rng: Random) -> Iterator[Log]:
    at_ms = _weighed_at(lived)
    if at_ms is not None and lived.wearer.has_scale:
        yield at_ms, at_ms, SCALE, {"percentage": rng.randrange(170, 200) / 10}


def _height(lived: Lived, _rng: Random) -> Iterator[Log]:
    if lived.day == lived.wearer.member_since:
        at_ms = lived.bounds_ms[0] + 12 * _HOUR_MS
        yield at_ms, at_ms, HAND, {"heightMillimeters": "1755"}


def _temperature(lived: Lived, rng: Random) -> Iterator[Log]:
    if rng.randrange(20) == 0:
        at_ms = _at(lived, rng, 7, 22)
        celsius = rng.randrange(362, 390) / 10
        value = {"temperatureCelsius": celsius, "measurementLocation": "MOUTH"}
        yield at_ms, at_ms, HAND, value


def _glucose(lived: Lived, rng: Random) -> Iterator[Log]:
    if rng.randrange(6) == 0:
        at_ms = _at(lived, rng, 7, 9)
        by_hand = {
            "bloodGlucoseMilligramsPerDeciliter": rng.randrange(80, 120),
            "mealType": "BREAKFAST",
            "measurementSource": "SELF_MONITORING_BLOOD_GLUCOSE",
            "measurementTiming": "BEFORE_MEAL",
            "specimen": "CAPILLARY_BLOOD",
        }
        yield at_ms, at_ms, HAND, by_hand
    if rng.randrange(15) == 0:
        first_ms = _at(lived, rng, 9, 20)
        for at_ms in range(first_ms, first_ms + 2 * _HOUR_MS, 5 * MINUTE_MS):
            by_sensor = {
                "bloodGlucoseMilligramsPerDeciliter": rng.randrange(80, 150),
                "measurementSource": "CONTINUOUS_GLUCOSE_MONITORING",
                "measurementTiming": "GENERAL",
                "specimen": "INTERSTITIAL_FLUID",
            }
            yield at_ms, at_ms, GLUCOSE_SENSOR, by_sensor


def _water(lived: Lived, rng: Random) -> Iterator[Log]:
    for at_ms in sorted(_at(lived, rng, 7, 22) for _ in range(rng.randrange(4))):
        amount = {"milliliters": rng.choice((200, 250, 330)), "userProvidedUnit": "MILLILITER"}
        yield at_ms, at_ms, HAND, {"amountConsumed": amount}


def _meals(lived: Lived, rng: Random) -> Iterator[Log]:
    for meal, hour in (("BREAKFAST", 7), ("LUNCH", 12), ("DINNER", 18)):
        start_ms = _at(lived, rng, hour, hour + 1)
        kcal, carbs, fat = rng.randrange(250, 800), rng.randrange(20, 90), rng.randrange(50, 300)
        if rng.randrange(3) == 0:
            yield (
                start_ms,
                start_ms + 15 * MINUTE_MS,
                HAND,
                {
                    "foodDisplayName": "Stew",
                    "mealType": meal,
                    "energy": {"kcal": kcal},
                    "energyFromFat": {"kcal": round(fat * 0.9, 1)},
                    "totalCarbohydrate": {"grams": carbs},
                    "totalFat": {"grams": fat / 10},
                    "nutrients": [
                        {"nutrient": "PROTEIN", "quantity": {"grams": rng.randrange(5, 40)}},
                        {"nutrient": "SODIUM", "quantity": {"grams": 0.001}},
                    ],
                },
            )


def _period(lived: Lived, rng: Random) -> Iterator[Log]:
    if lived.day.toordinal() % _CYCLE_DAYS == 0:
        start_ms, end_ms = lived.bounds_ms
        yield start_ms, end_ms + rng.randrange(3, 5) * 24 * _HOUR_MS, HAND, {}


def _ovulation(lived: Lived, rng: Random) -> Iterator[Log]:
    if lived.day.toordinal() % _CYCLE_DAYS in {12, 13, 14}:
        at_ms = _at(lived, rng, 7, 9)
        result = ("NEGATIVE", "LUTEINIZING_HORMONE_SURGE", "POSITIVE")
        yield at_ms, at_ms, HAND, {"result": result[lived.day.toordinal() % _CYCLE_DAYS - 12]}


def _moods(lived: Lived, rng: Random) -> Iterator[Log]:
    if rng.randrange(4) == 0:
        at_ms = _at(lived, rng, 19, 22)
        moods = rng.sample(("CALM", "GRATEFUL", "HAPPY", "CONTENT"), 2)
        yield at_ms, at_ms, HAND, {"moods": moods, "valences": ["PLEASANT"]}


def _symptoms(lived: Lived, rng: Random) -> Iterator[Log]:
    if rng.randrange(15) == 0:
        at_ms = _at(lived, rng, 19, 22)
        yield at_ms, at_ms, HAND, {"symptoms": rng.sample(("HEADACHE", "FATIGUE", "COUGH"), 2)}


def _heart_trace(lived: Lived, rng: Random) -> Iterator[Log]:
    if lived.worn and rng.randrange(20) == 0:
        at_ms = _at(lived, rng, 9, 21) + 222
        wave = [level + rng.randrange(-9, 10) for level in _WAVE * 20]
        yield (
            at_ms,
            at_ms,
            STARTED,
            {
                "resultClassification": "NORMAL_SINUS_RHYTHM",
                "beatsPerMinuteAvg": str(rng.randrange(58, 80)),
                "leadNumber": 1,
                "millivoltsScalingFactor": 10922,
                "samplingFrequencyHertz": 250,
                "waveformSamples": wave,
                "medicalDeviceInfo": {
                    "deviceModel": WATCH_NAME,
                    "featureVersion": "1.2.3-2.11-2.14",
                    "firmwareVersion": "0.0.0",
                },
            },
        )


def _irregular(lived: Lived, rng: Random) -> Iterator[Log]:
    nights = [log for log in lived.wearer.recorded(lived.day) if log.main]
    if not nights or rng.randrange(45):
        return
    start_ms = 1000 * nights[0].start_s + 2 * _HOUR_MS
    windows = []
    for begin_ms in (start_ms, start_ms + 15 * MINUTE_MS):
        offset = seconds(lived.wearer.offset_at(begin_ms // 1000))
        beats = [
            {
                "physicalTime": stamp(begin_ms + 410 + 680 * i),
                "utcOffset": offset,
                "beatsPerMinute": rng.randrange(55, 110),
            }
            for i in range(12)
        ]
        windows.append(
            {
                "startTime": stamp(begin_ms),
                "startUtcOffset": offset,
                "endTime": stamp(begin_ms + 5 * MINUTE_MS),
                "endUtcOffset": offset,
                "positive": True,
                "heartBeats": beats,
            }
        )
    made_by = {"algorithmVersion": "2.1", "serviceVersion": "3.0", "deviceModel": WATCH_NAME}
    value = {"alertWindows": windows, "medicalDeviceInfo": made_by}
    yield start_ms, start_ms + 20 * MINUTE_MS, DERIVED, value


RULES: Mapping[str, tuple[bool, Callable[[Lived, Random], Iterator[Log]]]] = {
    "weight": (True, _weight),
    "body-fat": (True, _body_fat),
    "height": (True, _height),
    "core-body-temperature": (True, _temperature),
    "blood-glucose": (True, _glucose),
    "hydration-log": (True, _water),
    "nutrition-log": (True, _meals),
    "menstrual-period": (True, _period),
    "ovulation-test": (True, _ovulation),
    "moods": (True, _moods),
    "symptoms": (True, _symptoms),
    "electrocardiogram": (False, _heart_trace),
    "irregular-rhythm-notification": (False, _irregular),
}
"""Whether a type is with the provider at once, without a sync, and what a day holds of it."""
